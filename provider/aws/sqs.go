package aws

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/elava-dev/elava/resource"
)

// sqsPage is the most that ListQueues gives; without it the answer has no token for the
// queues above 1,000 (SQS API Reference).
const sqsPage = 1000

func sqsCollectors() []lister { return []lister{sqsQueues()} }

// queue has the attributes that GetQueueAttributes documents under their names.
type queue struct {
	QueueUrl string

	QueueArn, CreatedTimestamp, LastModifiedTimestamp                                                          string
	ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed, ApproximateNumberOfMessagesNotVisible     string
	DelaySeconds, MaximumMessageSize, MessageRetentionPeriod, ReceiveMessageWaitTimeSeconds, VisibilityTimeout string
	KmsMasterKeyId, KmsDataKeyReusePeriodSeconds, SqsManagedSseEnabled                                         string
	FifoQueue, ContentBasedDeduplication, DeduplicationScope, FifoThroughputLimit                              string
	Policy, RedrivePolicy, RedriveAllowPolicy                                                                  string

	Attributes map[string]string // all others
	Tags       map[string]string
}

func sqsQueues() lister {
	return &collector[queue]{
		rules: resource.Schema{
			Type: "AWS::SQS::Queue", Version: 1,
			Omit: []string{
				"Tags", "LastModifiedTimestamp",
				"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
			},
			Policies: []string{"Policy", "RedrivePolicy", "RedriveAllowPolicy"},
		},
		action: "sqs:ListQueues",
		pages: func(cfg aws.Config) source[queue] {
			return paged(sqs.NewFromConfig(cfg).ListQueues,
				func(token *string) *sqs.ListQueuesInput {
					return &sqs.ListQueuesInput{MaxResults: aws.Int32(sqsPage), NextToken: token}
				},
				func(o *sqs.ListQueuesOutput) ([]queue, *string) {
					all := make([]queue, len(o.QueueUrls))
					for i, url := range o.QueueUrls {
						all[i].QueueUrl = url
					}
					return all, o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[queue] {
			client := sqs.NewFromConfig(cfg)
			getAttributes := client.GetQueueAttributes
			return []detail[queue]{{
				action: "sqs:GetQueueAttributes",
				fetch: each(func(ctx context.Context, q *queue) error {
					out, err := getAttributes(ctx, &sqs.GetQueueAttributesInput{
						QueueUrl:       &q.QueueUrl,
						AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
					})
					if err != nil {
						return err
					}
					if out.Attributes["QueueArn"] == "" {
						return badAnswer("sqs GetQueueAttributes: the answer has no QueueArn")
					}
					q.Attributes = assign(q, out.Attributes)
					return nil
				}),
			}, tagging("sqs:ListQueueTags", client.ListQueueTags,
				func(q *queue) *sqs.ListQueueTagsInput { return &sqs.ListQueueTagsInput{QueueUrl: &q.QueueUrl} },
				func(q *queue, o *sqs.ListQueueTagsOutput) { q.Tags = o.Tags })}
		},
		// For a minute after its deletion a queue is still listed (SQS API Reference,
		// DeleteQueue).
		vanished: []string{"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"},
		read: func(q *queue) facts {
			name := after(q.QueueUrl, "/")
			return facts{
				ID: &name, ARN: &q.QueueArn, Name: name, UID: q.CreatedTimestamp,
				Created: unixSeconds(q.CreatedTimestamp), Tags: q.Tags,
			}
		},
	}
}

// unixSeconds reads a time as SQS writes it, nil where it is none. Some servers add
// fractions of a second.
func unixSeconds(s string) *time.Time {
	whole, _, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return nil
	}
	return aws.Time(time.Unix(n, 0))
}
