package aws

import (
	"context"
	"errors"
	"slices"

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
			return []detail[tagged[sfn.DescribeStateMachineOutput]]{sfnDescribing(cfg), sfnTagsBy(cfg, sfnMachineARN)}
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

func sfnMachineARN(m *sfn.DescribeStateMachineOutput) *string { return m.StateMachineArn }

// sfnLocked are the codes by which DescribeStateMachine says that it could not decrypt the definition
// (Step Functions API Reference).
var sfnLocked = []string{"KmsAccessDeniedException", "KmsInvalidStateException", "KmsThrottlingException"}

// sfnDescribing asks once more, without the definition, where that is encrypted under a key that the
// caller cannot use. What follows from the definition is unknown then, and the rest is not.
func sfnDescribing(cfg aws.Config) detail[tagged[sfn.DescribeStateMachineOutput]] {
	describe := func(included types.IncludedData) detail[tagged[sfn.DescribeStateMachineOutput]] {
		return describing("states:DescribeStateMachine", sfn.NewFromConfig(cfg).DescribeStateMachine,
			func(m *tagged[sfn.DescribeStateMachineOutput]) *sfn.DescribeStateMachineInput {
				return &sfn.DescribeStateMachineInput{StateMachineArn: m.It.StateMachineArn, IncludedData: included}
			},
			func(m *tagged[sfn.DescribeStateMachineOutput], o *sfn.DescribeStateMachineOutput) bool {
				return replaced(&m.It, o, sfnMachineARN)
			})
	}
	d, metadata := describe(""), describe(types.IncludedDataMetadataOnly)
	all := d.fetch
	d.fetch = each(func(ctx context.Context, m *tagged[sfn.DescribeStateMachineOutput]) error {
		locked := all(ctx, []*tagged[sfn.DescribeStateMachineOutput]{m})
		if !slices.Contains(sfnLocked, errorCode(locked)) {
			return locked
		}
		if err := metadata.fetch(ctx, []*tagged[sfn.DescribeStateMachineOutput]{m}); err != nil {
			return err
		}
		m.It.Definition, m.It.VariableReferences = nil, nil // "{}", which says nothing
		return &lockedError{classify(locked, actionDecrypt)}
	})
	d.parts = []string{resource.PartAttributes + "Definition", resource.PartAttributes + "VariableReferences"}
	d.barred = func(err error) bool { return errors.As(err, new(*lockedError)) }
	return d
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
