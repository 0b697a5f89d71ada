package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/elava-dev/elava/resource"
)

// sfnPage is the most that Step Functions' lists give (Step Functions API Reference).
const sfnPage = 1000

func sfnCollectors() []lister { return []lister{sfnStateMachines(), sfnActivities()} }

func sfnTagsBy[T any](cfg aws.Config, arn func(*T) *string) detail[tagged[T]] {
	return tagsBy("states:ListTagsForResource", sfn.NewFromConfig(cfg).ListTagsForResource,
		func(v *T) *sfn.ListTagsForResourceInput { return &sfn.ListTagsForResourceInput{ResourceArn: arn(v)} },
		func(o *sfn.ListTagsForResourceOutput) map[string]string {
			return tagMap(o.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
		})
}

func sfnStateMachines() lister {
	arn := func(m *sfn.DescribeStateMachineOutput) *string { return m.StateMachineArn }
	return &collector[tagged[sfn.DescribeStateMachineOutput]]{
		rules: resource.Schema{
			Type: "AWS::StepFunctions::StateMachine", Version: 1,
			Omit:     []string{"Status", "RevisionId"}, // the revision follows the definition
			Policies: []string{"Definition"},
			Sets:     map[string]string{"LoggingConfiguration.Destinations": "", "VariableReferences": ""},
		},
		action: "states:ListStateMachines",
		pages: func(cfg aws.Config) source[tagged[sfn.DescribeStateMachineOutput]] {
			return paged(sfn.NewFromConfig(cfg).ListStateMachines,
				func(token *string) *sfn.ListStateMachinesInput {
					return &sfn.ListStateMachinesInput{MaxResults: sfnPage, NextToken: token}
				},
				func(o *sfn.ListStateMachinesOutput) ([]tagged[sfn.DescribeStateMachineOutput], *string) {
					return converted(o.StateMachines, func(m types.StateMachineListItem) tagged[sfn.DescribeStateMachineOutput] {
						return asTagged(sfn.DescribeStateMachineOutput{StateMachineArn: m.StateMachineArn})
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[sfn.DescribeStateMachineOutput]] {
			return []detail[tagged[sfn.DescribeStateMachineOutput]]{
				describing("states:DescribeStateMachine", sfn.NewFromConfig(cfg).DescribeStateMachine,
					func(m *tagged[sfn.DescribeStateMachineOutput]) *sfn.DescribeStateMachineInput {
						return &sfn.DescribeStateMachineInput{StateMachineArn: m.It.StateMachineArn}
					},
					func(m *tagged[sfn.DescribeStateMachineOutput], o *sfn.DescribeStateMachineOutput) bool {
						return replaced(&m.It, o, arn)
					}),
				sfnTagsBy(cfg, arn),
			}
		},
		vanished: []string{"StateMachineDoesNotExist", "ResourceNotFound"},
		read: func(m *tagged[sfn.DescribeStateMachineOutput]) facts {
			return facts{
				ID: m.It.Name, ARN: m.It.StateMachineArn, Name: aws.ToString(m.It.Name), Status: string(m.It.Status),
				Created: m.It.CreationDate, Tags: m.Tags,
			}
		},
	}
}

func sfnActivities() lister {
	return &collector[tagged[types.ActivityListItem]]{
		rules:  resource.Schema{Type: "AWS::StepFunctions::Activity", Version: 1},
		action: "states:ListActivities",
		pages: func(cfg aws.Config) source[tagged[types.ActivityListItem]] {
			return paged(sfn.NewFromConfig(cfg).ListActivities,
				func(token *string) *sfn.ListActivitiesInput {
					return &sfn.ListActivitiesInput{MaxResults: sfnPage, NextToken: token}
				},
				func(o *sfn.ListActivitiesOutput) ([]tagged[types.ActivityListItem], *string) {
					return untagged(o.Activities), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.ActivityListItem]] {
			return []detail[tagged[types.ActivityListItem]]{sfnTagsBy(cfg, func(a *types.ActivityListItem) *string { return a.ActivityArn })}
		},
		vanished: []string{"ActivityDoesNotExist", "ResourceNotFound"},
		read: func(a *tagged[types.ActivityListItem]) facts {
			return facts{ID: a.It.Name, ARN: a.It.ActivityArn, Name: aws.ToString(a.It.Name), Created: a.It.CreationDate, Tags: a.Tags}
		},
	}
}
