package aws

import (
	"context"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/elava-dev/elava/resource"
)

func snsCollectors() []lister { return []lister{snsTopics(), snsSubscriptions()} }

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
			getAttributes := client.GetTopicAttributes
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
			}, tagging("sns:ListTagsForResource", client.ListTagsForResource,
				func(t *topic) *sns.ListTagsForResourceInput {
					return &sns.ListTagsForResourceInput{ResourceArn: &t.TopicArn}
				},
				func(t *topic, o *sns.ListTagsForResourceOutput) {
					t.Tags = tagMap(o.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
				})}
		},
		vanished: snsGone(),
		read: func(t *topic) facts {
			name := after(t.TopicArn, ":")
			return facts{ID: &name, ARN: &t.TopicArn, Name: name, Tags: t.Tags}
		},
	}
}

// snsGone are the codes of what was deleted: the query protocol and JSON spell them
// differently.
func snsGone() []string {
	return []string{"NotFound", "NotFoundException", "ResourceNotFound", "ResourceNotFoundException"}
}

// subscription has the attributes that GetSubscriptionAttributes documents under their
// names.
type subscription struct {
	SubscriptionArn, TopicArn, Protocol, Endpoint, Owner                               string
	ConfirmationWasAuthenticated, PendingConfirmation, RawMessageDelivery              string
	SubscriptionPrincipal, SubscriptionRoleArn, FilterPolicyScope, ReplayStatus        string
	DeliveryPolicy, EffectiveDeliveryPolicy, FilterPolicy, RedrivePolicy, ReplayPolicy string

	Attributes map[string]string // all others
}

// Until it is confirmed a subscription has this in the place of its ARN, and one that was
// deleted that (SNS API Reference, ListSubscriptions).
const (
	snsPending = "PendingConfirmation"
	snsDeleted = "Deleted"
)

// snsSubscriptions names a subscription by its topic and what its ARN has behind it. Before
// its confirmation it has no ARN, and is named by protocol and endpoint; under another key for digests
// that is another name where the endpoint has a path.
func snsSubscriptions() lister {
	return &collector[subscription]{
		rules: resource.Schema{
			Type: "AWS::SNS::Subscription", Version: 2,
			Omit:     []string{"PendingConfirmation", "ReplayStatus"},
			Policies: []string{"DeliveryPolicy", "EffectiveDeliveryPolicy", "FilterPolicy", "RedrivePolicy", "ReplayPolicy"},
		},
		action: "sns:ListSubscriptions",
		pages: func(cfg aws.Config) source[subscription] {
			return paged(sns.NewFromConfig(cfg).ListSubscriptions,
				func(token *string) *sns.ListSubscriptionsInput { return &sns.ListSubscriptionsInput{NextToken: token} },
				func(o *sns.ListSubscriptionsOutput) ([]subscription, *string) {
					return converted(o.Subscriptions, func(s types.Subscription) subscription {
						return subscription{
							SubscriptionArn: aws.ToString(s.SubscriptionArn), TopicArn: aws.ToString(s.TopicArn),
							Protocol: aws.ToString(s.Protocol), Endpoint: aws.ToString(s.Endpoint), Owner: aws.ToString(s.Owner),
						}
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[subscription] {
			getAttributes := sns.NewFromConfig(cfg).GetSubscriptionAttributes
			return []detail[subscription]{{
				action: "sns:GetSubscriptionAttributes",
				fetch: each(func(ctx context.Context, s *subscription) error {
					if !s.confirmed() {
						return nil
					}
					out, err := getAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: &s.SubscriptionArn})
					if err != nil {
						return err
					}
					if out.Attributes["SubscriptionArn"] != s.SubscriptionArn {
						return badAnswer("sns GetSubscriptionAttributes: the answer is for another subscription")
					}
					s.Attributes = assign(s, out.Attributes)
					return nil
				}),
			}}
		},
		vanished: snsGone(),
		terminal: []string{snsDeleted},
		hide: func(s *subscription, digest resource.Digest) {
			if s.Protocol == "http" || s.Protocol == "https" {
				s.Endpoint = snsHidden(s.Endpoint, digest)
			}
		},
		read: func(s *subscription) facts {
			f := facts{ID: aws.String(after(s.TopicArn, ":") + "/" + after(s.SubscriptionArn, ":")), Name: s.Endpoint, Status: "Confirmed"}
			switch {
			case s.confirmed():
				f.ARN = &s.SubscriptionArn
			case s.SubscriptionArn == snsDeleted:
				f.Status = snsDeleted
			default:
				f.ID, f.Status = aws.String(after(s.TopicArn, ":")+"/"+s.Protocol+":"+s.Endpoint), snsPending
			}
			if s.PendingConfirmation == "true" {
				f.Status = snsPending
			}
			return f
		},
	}
}

// snsHidden keeps scheme and host of an endpoint: what follows, and the user before it, is what others
// may write to a chat or raise an alarm with.
func snsHidden(endpoint string, digest resource.Digest) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return digest(endpoint)
	}
	open := u.Scheme + "://" + u.Host
	if endpoint == open || endpoint == open+"/" {
		return endpoint
	}
	return open + "/" + digest(endpoint)
}

func (s *subscription) confirmed() bool {
	return s.SubscriptionArn != snsPending && s.SubscriptionArn != snsDeleted
}
