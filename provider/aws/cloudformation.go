package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/elava-dev/elava/resource"
)

// stackSetPage is the most that ListStackSets gives (CloudFormation API Reference).
const stackSetPage = 100

func cloudformationCollectors() []lister { return []lister{stacks(), stackSets()} }

func cloudformationTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

// stacks lists what is not deleted, nested stacks included. Templates are not read: that
// one was changed is seen by LastUpdatedTime, which moves with updates only. The API
// itself masks parameters with NoEcho.
func stacks() lister {
	return &collector[types.Stack]{
		rules: resource.Schema{
			Type: "AWS::CloudFormation::Stack", Version: 1,
			Omit: []string{
				"Tags", "StackStatus", "StackStatusReason", "DetailedStatus", "DriftInformation",
				"ChangeSetId", "LastOperations", // follow LastUpdatedTime
			},
			Sets: map[string]string{
				"Capabilities":                           "",
				"NotificationARNs":                       "",
				"Outputs":                                "{OutputKey}",
				"Parameters":                             "{ParameterKey}",
				"RollbackConfiguration.RollbackTriggers": "{Arn}",
			},
		},
		action: "cloudformation:DescribeStacks",
		also:   []string{"cloudformation:ListStacks"}, // needed where no stack is named (API Reference, DescribeStacks)
		pages: func(cfg aws.Config) source[types.Stack] {
			return paged(cloudformation.NewFromConfig(cfg).DescribeStacks,
				func(token *string) *cloudformation.DescribeStacksInput {
					return &cloudformation.DescribeStacksInput{NextToken: token}
				},
				func(o *cloudformation.DescribeStacksOutput) ([]types.Stack, *string) { return o.Stacks, o.NextToken })
		},
		terminal: []string{string(types.StackStatusDeleteComplete)},
		read: func(s *types.Stack) facts {
			return facts{
				ID: s.StackName, ARN: s.StackId, Name: aws.ToString(s.StackName), Status: string(s.StackStatus),
				UID: after(aws.ToString(s.StackId), "/"), Created: s.CreationTime, Tags: cloudformationTags(s.Tags),
			}
		},
	}
}

// stackSets lists those of the account itself. Which stacks they have is told by
// OrganizationalUnitIds and Regions.
func stackSets() lister {
	return &collector[types.StackSet]{
		rules: resource.Schema{
			Type: "AWS::CloudFormation::StackSet", Version: 1,
			Omit: []string{"Tags", "Status", "StackSetDriftDetectionDetails"},
			Sets: map[string]string{
				"AutoDeployment.DependsOn": "",
				"Capabilities":             "",
				"OrganizationalUnitIds":    "",
				"Parameters":               "{ParameterKey}",
				"Regions":                  "",
			},
		},
		action: "cloudformation:ListStackSets",
		pages: func(cfg aws.Config) source[types.StackSet] {
			return paged(cloudformation.NewFromConfig(cfg).ListStackSets,
				func(token *string) *cloudformation.ListStackSetsInput {
					return &cloudformation.ListStackSetsInput{
						Status: types.StackSetStatusActive, MaxResults: aws.Int32(stackSetPage), NextToken: token,
					}
				},
				func(o *cloudformation.ListStackSetsOutput) ([]types.StackSet, *string) {
					return converted(o.Summaries, func(s types.StackSetSummary) types.StackSet {
						return types.StackSet{StackSetName: s.StackSetName}
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[types.StackSet] {
			return []detail[types.StackSet]{describing("cloudformation:DescribeStackSet", cloudformation.NewFromConfig(cfg).DescribeStackSet,
				func(s *types.StackSet) *cloudformation.DescribeStackSetInput {
					return &cloudformation.DescribeStackSetInput{StackSetName: s.StackSetName}
				},
				func(s *types.StackSet, o *cloudformation.DescribeStackSetOutput) bool {
					if o.StackSet == nil || aws.ToString(o.StackSet.StackSetName) != aws.ToString(s.StackSetName) {
						return false
					}
					*s = *o.StackSet
					return true
				})}
		},
		vanished: []string{"StackSetNotFoundException"},
		terminal: []string{string(types.StackSetStatusDeleted)},
		read: func(s *types.StackSet) facts {
			return facts{
				ID: s.StackSetName, ARN: s.StackSetARN, Name: aws.ToString(s.StackSetName), Status: string(s.Status),
				UID: aws.ToString(s.StackSetId), Tags: cloudformationTags(s.Tags),
			}
		},
	}
}
