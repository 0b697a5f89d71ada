package aws

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/elava-dev/elava/resource"
)

// trailTagBatch is the most trails that ListTags takes (CloudTrail API Reference).
const trailTagBatch = 20

func cloudtrailCollectors() []lister { return []lister{trails()} }

type trail struct {
	types.Trail
	IsLogging              *bool
	EventSelectors         []types.EventSelector
	AdvancedEventSelectors []types.AdvancedEventSelector
	Tags                   map[string]string
}

// trails lists a trail of several regions where its home is, not its shadows elsewhere.
// Of its status only whether it is logging is kept: the rest are times of deliveries.
func trails() lister {
	return &collector[trail]{
		rules: resource.Schema{
			Type: "AWS::CloudTrail::Trail", Version: 1,
			Omit: []string{"Tags", "SnsTopicName"}, // the second is deprecated, and repeats the end of SnsTopicARN
			Sets: map[string]string{
				"AdvancedEventSelectors":                              "{Name}",
				"AdvancedEventSelectors.FieldSelectors":               "{Field}",
				"AdvancedEventSelectors.FieldSelectors.EndsWith":      "",
				"AdvancedEventSelectors.FieldSelectors.Equals":        "",
				"AdvancedEventSelectors.FieldSelectors.NotEndsWith":   "",
				"AdvancedEventSelectors.FieldSelectors.NotEquals":     "",
				"AdvancedEventSelectors.FieldSelectors.NotStartsWith": "",
				"AdvancedEventSelectors.FieldSelectors.StartsWith":    "",
				"EventSelectors":                               "{ReadWriteType}",
				"EventSelectors.DataResources":                 "{Type}",
				"EventSelectors.DataResources.Values":          "",
				"EventSelectors.ExcludeManagementEventSources": "",
			},
		},
		action: "cloudtrail:DescribeTrails",
		pages: func(cfg aws.Config) source[trail] {
			return paged(cloudtrail.NewFromConfig(cfg).DescribeTrails,
				func(*string) *cloudtrail.DescribeTrailsInput {
					return &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(false)}
				},
				func(o *cloudtrail.DescribeTrailsOutput) ([]trail, *string) {
					return converted(o.TrailList, func(t types.Trail) trail { return trail{Trail: t} }), nil
				})
		},
		details: func(cfg aws.Config) []detail[trail] {
			client := cloudtrail.NewFromConfig(cfg)
			return []detail[trail]{
				describing("cloudtrail:GetEventSelectors", client.GetEventSelectors,
					func(t *trail) *cloudtrail.GetEventSelectorsInput {
						return &cloudtrail.GetEventSelectorsInput{TrailName: t.TrailARN}
					},
					func(t *trail, o *cloudtrail.GetEventSelectorsOutput) bool {
						if aws.ToString(o.TrailARN) != aws.ToString(t.TrailARN) {
							return false
						}
						t.EventSelectors, t.AdvancedEventSelectors = o.EventSelectors, o.AdvancedEventSelectors
						return true
					}).only(resource.PartAttributes+"EventSelectors", resource.PartAttributes+"AdvancedEventSelectors"),
				adding("IsLogging", "cloudtrail:GetTrailStatus", client.GetTrailStatus,
					func(t *trail) *cloudtrail.GetTrailStatusInput {
						return &cloudtrail.GetTrailStatusInput{Name: t.TrailARN}
					},
					func(t *trail, o *cloudtrail.GetTrailStatusOutput) { t.IsLogging = o.IsLogging }).andBeside(),
				trailTagging(cfg).andBeside(),
			}
		},
		vanished: []string{"TrailNotFoundException", "ResourceNotFoundException"},
		read: func(t *trail) facts {
			return facts{ID: t.Name, ARN: t.TrailARN, Name: aws.ToString(t.Name), Tags: t.Tags}
		},
	}
}

// trailTagging reads the tags of several trails at a time.
func trailTagging(cfg aws.Config) detail[trail] {
	listTags := cloudtrail.NewFromConfig(cfg).ListTags
	return detail[trail]{
		parts:  []string{resource.PartTags},
		action: "cloudtrail:ListTags",
		size:   trailTagBatch,
		fetch: batchTags(
			func(t *trail) *string { return t.TrailARN },
			func(t *trail) *map[string]string { return &t.Tags },
			func(ctx context.Context, arns []string) (map[string]map[string]string, error) {
				sets, err := paged(listTags,
					func(token *string) *cloudtrail.ListTagsInput {
						return &cloudtrail.ListTagsInput{ResourceIdList: arns, NextToken: token}
					},
					func(o *cloudtrail.ListTagsOutput) ([]types.ResourceTag, *string) {
						return o.ResourceTagList, o.NextToken
					},
				).all(ctx)
				if err != nil {
					return nil, err
				}
				byARN := make(map[string]map[string]string, len(sets))
				for _, s := range sets { // one of many tags may come in several parts
					arn := aws.ToString(s.ResourceId)
					if byARN[arn] == nil {
						byARN[arn] = map[string]string{}
					}
					maps.Copy(byARN[arn], tagMap(s.TagsList, func(t types.Tag) (*string, *string) { return t.Key, t.Value }))
				}
				return byARN, nil
			}),
	}
}
