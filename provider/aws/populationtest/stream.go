package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/firehose"
	firehosetypes "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/kafka"
	kafkatypes "github.com/aws/aws-sdk-go-v2/service/kafka/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	mqtypes "github.com/aws/aws-sdk-go-v2/service/mq/types"
)

func (p *Place) kinesis() *kinesis.Client   { return kinesis.NewFromConfig(p.Config) }
func (p *Place) firehose() *firehose.Client { return firehose.NewFromConfig(p.Config) }
func (p *Place) kafka() *kafka.Client       { return kafka.NewFromConfig(p.Config) }
func (p *Place) mq() *mq.Client             { return mq.NewFromConfig(p.Config) }
func (p *Place) lambda() *lambda.Client     { return lambda.NewFromConfig(p.Config) }

func firehoseTags(tags map[string]string) []firehosetypes.Tag {
	return tagsOf(tags, func(k, v *string) firehosetypes.Tag { return firehosetypes.Tag{Key: k, Value: v} })
}

func streamKinds() []Kind {
	return []Kind{
		{Type: "AWS::Kinesis::Stream", Paths: []string{"attributes.RetentionPeriodHours"},
			Make: func(p *Place) string {
				ok(p.kinesis().CreateStream(p.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("clicks"), ShardCount: aws.Int32(1), Tags: Tags()}))(p)
				return "clicks"
			},
			Change: func(p *Place, id string) {
				ok(p.kinesis().IncreaseStreamRetentionPeriod(p.Context(), &kinesis.IncreaseStreamRetentionPeriodInput{StreamName: &id, RetentionPeriodHours: aws.Int32(48)}))(p)
			}},
		{Type: "AWS::KinesisFirehose::DeliveryStream", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				for _, name := range []string{"a", "b"} {
					ok(p.firehose().CreateDeliveryStream(p.Context(), &firehose.CreateDeliveryStreamInput{
						DeliveryStreamName: &name, Tags: firehoseTags(Tags()),
						ExtendedS3DestinationConfiguration: &firehosetypes.ExtendedS3DestinationConfiguration{BucketARN: aws.String("arn:aws:s3:::b"), RoleARN: p.role("f")},
					}))(p)
				}
				p.also("AWS::KinesisFirehose::DeliveryStream", "a")
				return "b"
			},
			Change: func(p *Place, id string) {
				ok(p.firehose().TagDeliveryStream(p.Context(), &firehose.TagDeliveryStreamInput{DeliveryStreamName: &id, Tags: firehoseTags(more())}))(p)
			}},
		{Type: "AWS::MSK::Cluster", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				return *ok(p.kafka().CreateClusterV2(p.Context(), &kafka.CreateClusterV2Input{
					ClusterName: aws.String("events"), Tags: Tags(),
					Serverless: &kafkatypes.ServerlessRequest{VpcConfigs: []kafkatypes.VpcConfig{{SubnetIds: []string{"subnet-2", "subnet-1"}}}},
				}))(p).ClusterName
			},
			Change: func(p *Place, _ string) {
				arn := ok(p.kafka().ListClustersV2(p.Context(), &kafka.ListClustersV2Input{}))(p).ClusterInfoList[0].ClusterArn
				ok(p.kafka().TagResource(p.Context(), &kafka.TagResourceInput{ResourceArn: arn, Tags: more()}))(p)
			}},
		{Type: "AWS::AmazonMQ::Broker", Paths: []string{"attributes.AutoMinorVersionUpgrade"},
			Make: func(p *Place) string {
				return *ok(p.mq().CreateBroker(p.Context(), &mq.CreateBrokerInput{
					BrokerName: aws.String("bus"), DeploymentMode: mqtypes.DeploymentModeSingleInstance, EngineType: mqtypes.EngineTypeActivemq, EngineVersion: aws.String("5.18"),
					HostInstanceType: aws.String("mq.t3.micro"), PubliclyAccessible: aws.Bool(false), AutoMinorVersionUpgrade: aws.Bool(true),
					SubnetIds: []string{p.Need("AWS::EC2::Subnet")}, SecurityGroups: []string{p.Need("AWS::EC2::SecurityGroup")}, Tags: Tags(),
					Users: []mqtypes.User{{Username: aws.String("b"), Password: aws.String("hunter2hunter2")}, {Username: aws.String("a"), Password: aws.String("hunter2hunter2")}},
				}))(p).BrokerId
			},
			Change: func(p *Place, id string) {
				ok(p.mq().UpdateBroker(p.Context(), &mq.UpdateBrokerInput{BrokerId: &id, AutoMinorVersionUpgrade: aws.Bool(false)}))(p)
			}},
		{Type: "AWS::Lambda::Layer", Make: func(p *Place) string { p.publishLayer(); p.publishLayer(); return "shared" },
			Paths:  []string{"attributes.LatestMatchingVersion.CreatedDate", "attributes.LatestMatchingVersion.LayerVersionArn", "attributes.LatestMatchingVersion.Version"},
			Change: func(p *Place, _ string) { p.publishLayer() }},
		{Type: "AWS::Lambda::EventSourceMapping", Paths: []string{"attributes.BatchSize"},
			Make: func(p *Place) string {
				return *ok(p.lambda().CreateEventSourceMapping(p.Context(), &lambda.CreateEventSourceMappingInput{
					FunctionName: aws.String(p.Need("AWS::Lambda::Function")), EventSourceArn: aws.String(p.arn("sqs", p.Need("AWS::SQS::Queue"))), BatchSize: aws.Int32(5),
				}))(p).UUID
			},
			Change: func(p *Place, id string) {
				ok(p.lambda().UpdateEventSourceMapping(p.Context(), &lambda.UpdateEventSourceMappingInput{UUID: &id, BatchSize: aws.Int32(6)}))(p)
			}},
	}
}

func (p *Place) publishLayer() {
	ok(p.lambda().PublishLayerVersion(p.Context(), &lambda.PublishLayerVersionInput{
		LayerName: aws.String("shared"), Content: &lambdatypes.LayerVersionContentInput{ZipFile: p.code()},
		CompatibleRuntimes: []lambdatypes.Runtime{lambdatypes.RuntimePython312, lambdatypes.RuntimePython311},
	}))(p)
}
