package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"github.com/elava-dev/elava/resource"
)

func configCollectors() []lister {
	return []lister{configRecorders(), configDeliveryChannels(), configRules()}
}

func configTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

func configTagging[T any](cfg aws.Config, arn func(*T) *string, take func(*T, []types.Tag)) detail[T] {
	return pagedTagging("config:ListTagsForResource", configservice.NewFromConfig(cfg).ListTagsForResource,
		func(v *T, token *string) *configservice.ListTagsForResourceInput {
			return &configservice.ListTagsForResourceInput{ResourceArn: arn(v), NextToken: token}
		},
		func(o *configservice.ListTagsForResourceOutput) ([]types.Tag, *string) { return o.Tags, o.NextToken },
		take)
}

type configRecorder struct {
	types.ConfigurationRecorder
	Recording *bool
	Tags      []types.Tag
}

// configRecorders keeps of the status only whether a recorder is recording: the rest
// moves with every delivery.
func configRecorders() lister {
	return &collector[configRecorder]{
		rules: resource.Schema{
			Type: "AWS::Config::ConfigurationRecorder", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{
				"RecordingGroup.ExclusionByResourceTypes.ResourceTypes": "",
				"RecordingGroup.ResourceTypes":                          "",
				"RecordingMode.RecordingModeOverrides":                  "{RecordingFrequency}",
				"RecordingMode.RecordingModeOverrides.ResourceTypes":    "",
				"ScopeConfiguration.IncludedRegions":                    "",
				"ScopeConfiguration.ScopeValues":                        "",
			},
		},
		action: "config:DescribeConfigurationRecorders",
		pages: func(cfg aws.Config) source[configRecorder] {
			return paged(configservice.NewFromConfig(cfg).DescribeConfigurationRecorders,
				func(*string) *configservice.DescribeConfigurationRecordersInput {
					return &configservice.DescribeConfigurationRecordersInput{}
				},
				func(o *configservice.DescribeConfigurationRecordersOutput) ([]configRecorder, *string) {
					return converted(o.ConfigurationRecorders, func(r types.ConfigurationRecorder) configRecorder {
						return configRecorder{ConfigurationRecorder: r}
					}), nil
				})
		},
		details: func(cfg aws.Config) []detail[configRecorder] {
			return []detail[configRecorder]{
				describing("config:DescribeConfigurationRecorderStatus",
					configservice.NewFromConfig(cfg).DescribeConfigurationRecorderStatus,
					func(r *configRecorder) *configservice.DescribeConfigurationRecorderStatusInput {
						return &configservice.DescribeConfigurationRecorderStatusInput{ConfigurationRecorderNames: []string{aws.ToString(r.Name)}}
					},
					func(r *configRecorder, o *configservice.DescribeConfigurationRecorderStatusOutput) bool {
						if len(o.ConfigurationRecordersStatus) != 1 {
							return false
						}
						r.Recording = &o.ConfigurationRecordersStatus[0].Recording
						return true
					}).only(resource.PartAttributes + "Recording"),
				configTagging(cfg,
					func(r *configRecorder) *string { return r.Arn }, func(r *configRecorder, tags []types.Tag) { r.Tags = tags },
				).where(func(r *configRecorder) bool { return r.Arn != nil }),
			}
		},
		vanished: []string{"ResourceNotFoundException", "NoSuchConfigurationRecorderException"},
		read: func(r *configRecorder) facts {
			return facts{ID: r.Name, ARN: r.Arn, Name: aws.ToString(r.Name), Tags: configTags(r.Tags)}
		},
	}
}

func configDeliveryChannels() lister {
	return &collector[types.DeliveryChannel]{
		rules:  resource.Schema{Type: "AWS::Config::DeliveryChannel", Version: 1},
		action: "config:DescribeDeliveryChannels",
		pages: func(cfg aws.Config) source[types.DeliveryChannel] {
			return paged(configservice.NewFromConfig(cfg).DescribeDeliveryChannels,
				func(*string) *configservice.DescribeDeliveryChannelsInput {
					return &configservice.DescribeDeliveryChannelsInput{}
				},
				func(o *configservice.DescribeDeliveryChannelsOutput) ([]types.DeliveryChannel, *string) {
					return o.DeliveryChannels, nil
				})
		},
		read: func(c *types.DeliveryChannel) facts { return facts{ID: c.Name, Name: aws.ToString(c.Name)} },
	}
}

type configRule struct {
	types.ConfigRule
	Tags []types.Tag
}

// configRules has no results of evaluations.
func configRules() lister {
	return &collector[configRule]{
		rules: resource.Schema{
			Type: "AWS::Config::ConfigRule", Version: 1,
			Omit: []string{"Tags", "ConfigRuleState"},
			Sets: map[string]string{
				"EvaluationModes":               "{Mode}",
				"Scope.ComplianceResourceTypes": "",
				"Scope.ServicePrincipals":       "",
				"Source.SourceDetails":          "{EventSource}:{MessageType}",
			},
			Policies: []string{"InputParameters"}, // a JSON object
		},
		action: "config:DescribeConfigRules",
		pages: func(cfg aws.Config) source[configRule] {
			return paged(configservice.NewFromConfig(cfg).DescribeConfigRules,
				func(token *string) *configservice.DescribeConfigRulesInput {
					return &configservice.DescribeConfigRulesInput{NextToken: token}
				},
				func(o *configservice.DescribeConfigRulesOutput) ([]configRule, *string) {
					return converted(o.ConfigRules, func(r types.ConfigRule) configRule { return configRule{ConfigRule: r} }), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[configRule] {
			return []detail[configRule]{configTagging(cfg,
				func(r *configRule) *string { return r.ConfigRuleArn }, func(r *configRule, tags []types.Tag) { r.Tags = tags })}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(r *configRule) facts {
			return facts{
				ID: r.ConfigRuleName, ARN: r.ConfigRuleArn, Name: aws.ToString(r.ConfigRuleName), Status: string(r.ConfigRuleState),
				UID: aws.ToString(r.ConfigRuleId), Tags: configTags(r.Tags),
			}
		},
	}
}
