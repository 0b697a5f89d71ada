package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"

	"github.com/elava-dev/elava/resource"
)

// firehosePage is the most streams that ListDeliveryStreams gives, firehoseTagPage the most
// tags that ListTagsForDeliveryStream gives (Data Firehose API Reference).
const (
	firehosePage    = 10_000
	firehoseTagPage = 50
)

func firehoseCollectors() []lister { return []lister{firehoseStreams()} }

func firehoseStreams() lister {
	return &collector[tagged[types.DeliveryStreamDescription]]{
		rules: resource.Schema{
			Type: "AWS::KinesisFirehose::DeliveryStream", Version: 1,
			Omit:    []string{"DeliveryStreamStatus", "LastUpdateTimestamp", "VersionId", "Source.DatabaseSourceDescription.SnapshotInfo"},
			Sets:    firehoseSets(),
			Secrets: []string{"Destinations.SplunkDestinationDescription.HECToken", "Destinations.HttpEndpointDestinationDescription.RequestConfiguration.CommonAttributes.AttributeValue"},
		},
		action: "firehose:ListDeliveryStreams",
		pages: func(cfg aws.Config) source[tagged[types.DeliveryStreamDescription]] {
			return paged(firehose.NewFromConfig(cfg).ListDeliveryStreams,
				func(token *string) *firehose.ListDeliveryStreamsInput {
					return &firehose.ListDeliveryStreamsInput{Limit: aws.Int32(firehosePage), ExclusiveStartDeliveryStreamName: token}
				},
				func(o *firehose.ListDeliveryStreamsOutput) ([]tagged[types.DeliveryStreamDescription], *string) {
					all := converted(o.DeliveryStreamNames, func(name string) tagged[types.DeliveryStreamDescription] {
						return asTagged(types.DeliveryStreamDescription{DeliveryStreamName: &name})
					})
					return all, marker(aws.ToBool(o.HasMoreDeliveryStreams), last(o.DeliveryStreamNames))
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.DeliveryStreamDescription]] {
			return []detail[tagged[types.DeliveryStreamDescription]]{describing("firehose:DescribeDeliveryStream", firehose.NewFromConfig(cfg).DescribeDeliveryStream,
				func(s *tagged[types.DeliveryStreamDescription]) *firehose.DescribeDeliveryStreamInput {
					return &firehose.DescribeDeliveryStreamInput{DeliveryStreamName: s.It.DeliveryStreamName}
				},
				func(s *tagged[types.DeliveryStreamDescription], o *firehose.DescribeDeliveryStreamOutput) bool {
					return replaced(&s.It, o.DeliveryStreamDescription, func(s *types.DeliveryStreamDescription) *string { return s.DeliveryStreamName })
				}),
				tagPagesBy("firehose:ListTagsForDeliveryStream", firehose.NewFromConfig(cfg).ListTagsForDeliveryStream,
					func(s *types.DeliveryStreamDescription, token *string) *firehose.ListTagsForDeliveryStreamInput {
						return &firehose.ListTagsForDeliveryStreamInput{
							DeliveryStreamName: s.DeliveryStreamName, Limit: aws.Int32(firehoseTagPage), ExclusiveStartTagKey: token,
						}
					},
					func(o *firehose.ListTagsForDeliveryStreamOutput) ([]types.Tag, *string) {
						keys := converted(o.Tags, func(t types.Tag) string { return aws.ToString(t.Key) })
						return o.Tags, marker(aws.ToBool(o.HasMoreTags), last(keys))
					},
					func(t types.Tag) (*string, *string) { return t.Key, t.Value }),
			}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(s *tagged[types.DeliveryStreamDescription]) facts {
			return facts{
				ID: s.It.DeliveryStreamName, ARN: s.It.DeliveryStreamARN, Name: aws.ToString(s.It.DeliveryStreamName),
				Status: string(s.It.DeliveryStreamStatus), Created: s.It.CreateTimestamp, Tags: s.Tags,
			}
		},
	}
}

// firehoseSets leaves out processors, which work in their order.
func firehoseSets() map[string]string {
	sets := map[string]string{
		"Destinations": "{DestinationId}",
		"Destinations.HttpEndpointDestinationDescription.RequestConfiguration.CommonAttributes":   "{AttributeName}",
		"Destinations.IcebergDestinationDescription.DestinationTableConfigurationList":            "{DestinationDatabaseName}.{DestinationTableName}",
		"Destinations.IcebergDestinationDescription.DestinationTableConfigurationList.UniqueKeys": "",
		"Source.DatabaseSourceDescription.SurrogateKeys":                                          "",
	}
	for _, of := range []string{"Columns", "Databases", "Tables"} {
		sets["Source.DatabaseSourceDescription."+of+".Exclude"] = ""
		sets["Source.DatabaseSourceDescription."+of+".Include"] = ""
	}
	for _, kind := range []string{"AmazonOpenSearchServerless", "Amazonopensearchservice", "Elasticsearch"} {
		sets["Destinations."+kind+"DestinationDescription.VpcConfigurationDescription.SecurityGroupIds"] = ""
		sets["Destinations."+kind+"DestinationDescription.VpcConfigurationDescription.SubnetIds"] = ""
	}
	for _, kind := range []string{
		"AmazonOpenSearchServerless", "Amazonopensearchservice", "Elasticsearch", "ExtendedS3", "HttpEndpoint", "Iceberg", "Redshift", "Snowflake", "Splunk",
	} {
		sets["Destinations."+kind+"DestinationDescription.ProcessingConfiguration.Processors.Parameters"] = "{ParameterName}"
	}
	return sets
}
