package aws

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/elava-dev/elava/resource"
)

func snsCollectors() []lister { return []lister{snsTopics()} }

// topic has the attributes that GetTopicAttributes documents under their names.
type topic struct {
	TopicArn, Owner, DisplayName, SignatureVersion, TracingConfig, KmsMasterKeyId, MaximumMessageSize string
	FifoTopic, ContentBasedDeduplication, FifoThroughputScope, BeginningArchiveTime                   string
	SubscriptionsConfirmed, SubscriptionsDeleted, SubscriptionsPending                                string
	Policy, DeliveryPolicy, EffectiveDeliveryPolicy, ArchivePolicy                                    string

	Attributes map[string]string // all others
	Tags       map[string]string
}

func snsTopics() lister {
	return &collector[topic]{
		rules: resource.Schema{
			Type: "AWS::SNS::Topic", Version: 1,
			Omit: []string{
				"Tags",
				"SubscriptionsConfirmed", "SubscriptionsDeleted", "SubscriptionsPending", // counters
				"BeginningArchiveTime", // moves on with the clock
			},
			Policies: []string{"Policy", "DeliveryPolicy", "EffectiveDeliveryPolicy", "ArchivePolicy"},
		},
		action: "sns:ListTopics",
		pages: func(cfg aws.Config) source[topic] {
			return paged(sns.NewFromConfig(cfg).ListTopics,
				func(token *string) *sns.ListTopicsInput { return &sns.ListTopicsInput{NextToken: token} },
				func(o *sns.ListTopicsOutput) ([]topic, *string) {
					all := make([]topic, len(o.Topics))
					for i, t := range o.Topics {
						all[i].TopicArn = aws.ToString(t.TopicArn)
					}
					return all, o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[topic] {
			client := sns.NewFromConfig(cfg)
			getAttributes, listTags := client.GetTopicAttributes, client.ListTagsForResource
			return []detail[topic]{{
				action: "sns:GetTopicAttributes",
				fetch: each(func(ctx context.Context, t *topic) error {
					out, err := getAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &t.TopicArn})
					if err != nil {
						return err
					}
					if out.Attributes["TopicArn"] != t.TopicArn {
						return badAnswer("sns GetTopicAttributes: the answer is for another topic")
					}
					t.Attributes = assign(t, out.Attributes)
					return nil
				}),
			}, {
				parts:  []string{resource.PartTags},
				action: "sns:ListTagsForResource",
				fetch: each(func(ctx context.Context, t *topic) error {
					out, err := listTags(ctx, &sns.ListTagsForResourceInput{ResourceArn: &t.TopicArn})
					if err == nil {
						t.Tags = tagMap(out.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
					}
					return err
				}),
			}}
		},
		vanished: []string{"NotFound", "NotFoundException", "ResourceNotFound", "ResourceNotFoundException"},
		read: func(t *topic) facts {
			name := t.TopicArn[strings.LastIndexByte(t.TopicArn, ':')+1:]
			return facts{ID: &name, ARN: &t.TopicArn, Name: name, Tags: t.Tags}
		},
	}
}
