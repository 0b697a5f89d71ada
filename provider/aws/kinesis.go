package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/elava-dev/elava/resource"
)

// kinesisPage is the most streams that ListStreams gives, kinesisTagPage the most tags that
// ListTagsForStream gives (Kinesis API Reference).
const (
	kinesisPage    = 100
	kinesisTagPage = 50
)

func kinesisCollectors() []lister { return []lister{kinesisStreams()} }

func kinesisStreams() lister {
	return &collector[tagged[types.StreamDescriptionSummary]]{
		rules: resource.Schema{
			Type: "AWS::Kinesis::Stream", Version: 2,
			Omit: []string{"StreamStatus", "ConsumerCount", "ChannelCount", "WarmThroughput.CurrentMiBps"},
			Sets: map[string]string{"EnhancedMonitoring": "", "EnhancedMonitoring.ShardLevelMetrics": ""},
		},
		action: "kinesis:ListStreams",
		pages: func(cfg aws.Config) source[tagged[types.StreamDescriptionSummary]] {
			// Names, which ListStreams takes as tokens too, expire less than its tokens.
			return paged(kinesis.NewFromConfig(cfg).ListStreams,
				func(token *string) *kinesis.ListStreamsInput {
					return &kinesis.ListStreamsInput{Limit: aws.Int32(kinesisPage), ExclusiveStartStreamName: token}
				},
				func(o *kinesis.ListStreamsOutput) ([]tagged[types.StreamDescriptionSummary], *string) {
					all := converted(o.StreamNames, func(name string) tagged[types.StreamDescriptionSummary] {
						return asTagged(types.StreamDescriptionSummary{StreamName: &name})
					})
					return all, marker(aws.ToBool(o.HasMoreStreams), last(o.StreamNames))
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.StreamDescriptionSummary]] {
			client := kinesis.NewFromConfig(cfg)
			return []detail[tagged[types.StreamDescriptionSummary]]{
				describing("kinesis:DescribeStreamSummary", client.DescribeStreamSummary,
					func(s *tagged[types.StreamDescriptionSummary]) *kinesis.DescribeStreamSummaryInput {
						return &kinesis.DescribeStreamSummaryInput{StreamName: s.It.StreamName}
					},
					func(s *tagged[types.StreamDescriptionSummary], o *kinesis.DescribeStreamSummaryOutput) bool {
						return replaced(&s.It, withoutOwnShards(o.StreamDescriptionSummary), func(s *types.StreamDescriptionSummary) *string { return s.StreamName })
					}),
				tagPagesBy("kinesis:ListTagsForStream", client.ListTagsForStream,
					func(s *types.StreamDescriptionSummary, token *string) *kinesis.ListTagsForStreamInput {
						return &kinesis.ListTagsForStreamInput{
							StreamName: s.StreamName, Limit: aws.Int32(kinesisTagPage), ExclusiveStartTagKey: token,
						}
					},
					func(o *kinesis.ListTagsForStreamOutput) ([]types.Tag, *string) {
						keys := converted(o.Tags, func(t types.Tag) string { return aws.ToString(t.Key) })
						return o.Tags, marker(aws.ToBool(o.HasMoreTags), last(keys))
					},
					func(t types.Tag) (*string, *string) { return t.Key, t.Value }),
			}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(s *tagged[types.StreamDescriptionSummary]) facts {
			return facts{
				ID: s.It.StreamName, ARN: s.It.StreamARN, Name: aws.ToString(s.It.StreamName), Status: string(s.It.StreamStatus),
				UID: aws.ToString(s.It.StreamId), Created: s.It.StreamCreationTimestamp, Tags: s.Tags,
			}
		},
	}
}

// withoutOwnShards leaves out how many shards an on-demand stream has: Kinesis makes and merges
// them as the traffic goes ("Choose the right mode", Kinesis Data Streams Developer Guide).
func withoutOwnShards(s *types.StreamDescriptionSummary) *types.StreamDescriptionSummary {
	if s != nil && s.StreamModeDetails != nil && s.StreamModeDetails.StreamMode == types.StreamModeOnDemand {
		s.OpenShardCount = nil
	}
	return s
}
