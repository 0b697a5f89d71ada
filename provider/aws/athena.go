package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"github.com/elava-dev/elava/resource"
)

// athenaPage is the most that ListWorkGroups gives (Athena API Reference).
const athenaPage = 50

func athenaCollectors() []lister { return []lister{athenaWorkGroups()} }

func athenaWorkGroups() lister {
	const arn = "arn:{partition}:athena:{region}:{account}:workgroup/{id}"
	return &collector[tagged[types.WorkGroup]]{
		rules: resource.Schema{
			Type: "AWS::Athena::WorkGroup", Version: 1,
			Omit: []string{"State"},
			Sets: map[string]string{
				"Configuration.EngineConfiguration.Classifications": "{Name}",
				"Configuration.SystemTableStatuses":                 "{TableName}",
			},
		},
		action: "athena:ListWorkGroups",
		pages: func(cfg aws.Config) source[tagged[types.WorkGroup]] {
			return paged(athena.NewFromConfig(cfg).ListWorkGroups,
				func(token *string) *athena.ListWorkGroupsInput {
					return &athena.ListWorkGroupsInput{MaxResults: aws.Int32(athenaPage), NextToken: token}
				},
				func(o *athena.ListWorkGroupsOutput) ([]tagged[types.WorkGroup], *string) {
					return converted(o.WorkGroups, func(w types.WorkGroupSummary) tagged[types.WorkGroup] {
						return asTagged(types.WorkGroup{Name: w.Name})
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.WorkGroup]] {
			return []detail[tagged[types.WorkGroup]]{describing("athena:GetWorkGroup", athena.NewFromConfig(cfg).GetWorkGroup,
				func(w *tagged[types.WorkGroup]) *athena.GetWorkGroupInput {
					return &athena.GetWorkGroupInput{WorkGroup: w.It.Name}
				},
				func(w *tagged[types.WorkGroup], o *athena.GetWorkGroupOutput) bool {
					return replaced(&w.It, o.WorkGroup, func(w *types.WorkGroup) *string { return w.Name })
				}),
				athenaTags(cfg, arn),
			}
		},
		arn: arn,
		read: func(w *tagged[types.WorkGroup]) facts {
			return facts{ID: w.It.Name, Name: aws.ToString(w.It.Name), Status: string(w.It.State), Created: w.It.CreationTime, Tags: w.Tags}
		},
	}
}

// athenaTags makes the ARNs that Athena asks for and does not tell.
func athenaTags(cfg aws.Config, arn string) detail[tagged[types.WorkGroup]] {
	list := athena.NewFromConfig(cfg).ListTagsForResource
	return detail[tagged[types.WorkGroup]]{
		parts: []string{resource.PartTags}, action: "athena:ListTagsForResource", indexed: true,
		fetch: each(func(ctx context.Context, w *tagged[types.WorkGroup]) error {
			tags, err := paged(list,
				func(token *string) *athena.ListTagsForResourceInput {
					return &athena.ListTagsForResourceInput{ResourceARN: arnIn(ctx, arn, w.It.Name), NextToken: token}
				},
				func(o *athena.ListTagsForResourceOutput) ([]types.Tag, *string) { return o.Tags, o.NextToken },
			).all(ctx)
			if err == nil {
				w.Tags = tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
			}
			return err
		}),
	}
}
