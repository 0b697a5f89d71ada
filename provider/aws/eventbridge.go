package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/elava-dev/elava/resource"
)

// eventbridgePage is the most that EventBridge's lists give (EventBridge API Reference).
const eventbridgePage = 100

const (
	eventbridgeList = "events:ListEventBuses"
	eventbridgeGone = "ResourceNotFoundException"
)

func eventbridgeCollectors() []lister { return []lister{eventBuses(), eventRules()} }

func eventBusPages(cfg aws.Config) pager[types.EventBus] {
	return paged(eventbridge.NewFromConfig(cfg).ListEventBuses,
		func(token *string) *eventbridge.ListEventBusesInput {
			return &eventbridge.ListEventBusesInput{Limit: aws.Int32(eventbridgePage), NextToken: token}
		},
		func(o *eventbridge.ListEventBusesOutput) ([]types.EventBus, *string) {
			return o.EventBuses, o.NextToken
		})
}

func eventbridgeTagsBy[T any](cfg aws.Config, arn func(*T) *string) detail[tagged[T]] {
	return tagsBy("events:ListTagsForResource", eventbridge.NewFromConfig(cfg).ListTagsForResource,
		func(v *T) *eventbridge.ListTagsForResourceInput {
			return &eventbridge.ListTagsForResourceInput{ResourceARN: arn(v)}
		},
		func(o *eventbridge.ListTagsForResourceOutput) map[string]string {
			return tagMap(o.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
		})
}

func eventBuses() lister {
	return &collector[tagged[types.EventBus]]{
		rules: resource.Schema{
			Type: "AWS::Events::EventBus", Version: 1,
			Omit:     []string{"LastModifiedTime"},
			Policies: []string{"Policy"},
		},
		action: eventbridgeList,
		pages: func(cfg aws.Config) source[tagged[types.EventBus]] {
			return converting(eventBusPages(cfg), asTagged[types.EventBus])
		},
		details: func(cfg aws.Config) []detail[tagged[types.EventBus]] {
			return []detail[tagged[types.EventBus]]{eventbridgeTagsBy(cfg, func(b *types.EventBus) *string { return b.Arn })}
		},
		vanished: []string{eventbridgeGone},
		read: func(b *tagged[types.EventBus]) facts {
			return facts{ID: b.It.Name, ARN: b.It.Arn, Name: aws.ToString(b.It.Name), Created: b.It.CreationTime, Tags: b.Tags}
		},
	}
}

// eventRule is a rule with its targets.
type eventRule struct {
	types.Rule
	Targets []types.Target
}

// eventRules names a rule by its bus and its own name: names are unique within a bus.
func eventRules() lister {
	return &collector[tagged[eventRule]]{
		rules: resource.Schema{
			Type: "AWS::Events::Rule", Version: 1,
			Omit:     []string{"State"},
			Policies: []string{"EventPattern"},
			Sets: map[string]string{ // not PlacementStrategy, Sqls and path parameters: their order counts
				"Targets": "{Id}",
				"Targets.EcsParameters.CapacityProviderStrategy":                                "{CapacityProvider}",
				"Targets.EcsParameters.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups": "",
				"Targets.EcsParameters.NetworkConfiguration.AwsvpcConfiguration.Subnets":        "",
				"Targets.EcsParameters.PlacementConstraints":                                    "{Type}:{Expression}",
				"Targets.EcsParameters.Tags":                                                    "{Key}",
				"Targets.RunCommandParameters.RunCommandTargets":                                "{Key}",
				"Targets.RunCommandParameters.RunCommandTargets.Values":                         "",
				"Targets.SageMakerPipelineParameters.PipelineParameterList":                     "{Name}",
			},
			Secrets: []string{"Targets.HttpParameters.HeaderParameters", "Targets.HttpParameters.QueryStringParameters"},
		},
		action: "events:ListRules", parentAction: eventbridgeList,
		pages: func(cfg aws.Config) source[tagged[eventRule]] {
			list := eventbridge.NewFromConfig(cfg).ListRules
			return under(source[types.EventBus](eventBusPages(cfg)), eventbridgeList, []string{eventbridgeGone},
				func(bus *types.EventBus) source[tagged[eventRule]] {
					return paged(list,
						func(token *string) *eventbridge.ListRulesInput {
							return &eventbridge.ListRulesInput{EventBusName: bus.Name, Limit: aws.Int32(eventbridgePage), NextToken: token}
						},
						func(o *eventbridge.ListRulesOutput) ([]tagged[eventRule], *string) {
							return converted(o.Rules, func(r types.Rule) tagged[eventRule] { return asTagged(eventRule{Rule: r}) }), o.NextToken
						})
				})
		},
		details: func(cfg aws.Config) []detail[tagged[eventRule]] {
			listTargets := eventbridge.NewFromConfig(cfg).ListTargetsByRule
			return []detail[tagged[eventRule]]{{
				parts:  []string{resource.PartAttributes + "Targets"},
				action: "events:ListTargetsByRule",
				fetch: each(func(ctx context.Context, r *tagged[eventRule]) error {
					targets, err := paged(listTargets,
						func(token *string) *eventbridge.ListTargetsByRuleInput {
							return &eventbridge.ListTargetsByRuleInput{
								EventBusName: r.It.EventBusName, Rule: r.It.Name, Limit: aws.Int32(eventbridgePage), NextToken: token,
							}
						},
						func(o *eventbridge.ListTargetsByRuleOutput) ([]types.Target, *string) { return o.Targets, o.NextToken },
					).all(ctx)
					if err == nil {
						r.It.Targets = targets
					}
					return err
				}),
			}, eventbridgeTagsBy(cfg, func(r *eventRule) *string { return r.Arn })}
		},
		vanished: []string{eventbridgeGone},
		read: func(r *tagged[eventRule]) facts {
			return facts{
				ID: within(r.It.EventBusName, r.It.Name), ARN: r.It.Arn, Name: aws.ToString(r.It.Name), Status: string(r.It.State), Tags: r.Tags,
			}
		},
	}
}
