package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	apprunner "github.com/aws/aws-sdk-go-v2/service/apprunner/types"
	athena "github.com/aws/aws-sdk-go-v2/service/athena/types"
	batch "github.com/aws/aws-sdk-go-v2/service/batch/types"
	dax "github.com/aws/aws-sdk-go-v2/service/dax/types"
	elasticbeanstalk "github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"
	firehose "github.com/aws/aws-sdk-go-v2/service/firehose/types"
	kafka "github.com/aws/aws-sdk-go-v2/service/kafka/types"
	memorydb "github.com/aws/aws-sdk-go-v2/service/memorydb/types"
	"github.com/aws/aws-sdk-go-v2/service/mq"
)

func noisesOfWork() []observed {
	s := aws.String
	variable := func(v string) apprunner.Service {
		return apprunner.Service{SourceConfiguration: &apprunner.SourceConfiguration{ImageRepository: &apprunner.ImageRepository{
			ImageConfiguration: &apprunner.ImageConfiguration{RuntimeEnvironmentVariables: map[string]string{"A": v}}}}}
	}
	job := func(variables ...batch.KeyValuePair) batch.JobDefinition {
		return batch.JobDefinition{ContainerProperties: &batch.ContainerProperties{Environment: variables}}
	}
	pair := func(k, v string) batch.KeyValuePair { return batch.KeyValuePair{Name: &k, Value: &v} }
	splunk := func(token string) firehose.DeliveryStreamDescription {
		return firehose.DeliveryStreamDescription{Destinations: []firehose.DestinationDescription{{DestinationId: s("d"), SplunkDestinationDescription: &firehose.SplunkDestinationDescription{HECToken: &token}}}}
	}
	return []observed{
		noise("the processors that jobs ask for now", "AWS::Batch::ComputeEnvironment",
			batch.ComputeEnvironmentDetail{StatusReason: s("a"), ComputeResources: &batch.ComputeResource{DesiredvCpus: aws.Int32(1), Subnets: []string{"a", "b"}}},
			batch.ComputeEnvironmentDetail{StatusReason: s("b"), ComputeResources: &batch.ComputeResource{DesiredvCpus: aws.Int32(2), Subnets: []string{"b", "a"}}}),
		changed("a compute environment that can grow", "AWS::Batch::ComputeEnvironment",
			batch.ComputeEnvironmentDetail{ComputeResources: &batch.ComputeResource{MaxvCpus: aws.Int32(1)}}, batch.ComputeEnvironmentDetail{ComputeResources: &batch.ComputeResource{MaxvCpus: aws.Int32(2)}},
			"attributes.ComputeResources.MaxvCpus"),
		noise("why a queue has its status", "AWS::Batch::JobQueue", batch.JobQueueDetail{StatusReason: s("a")}, batch.JobQueueDetail{StatusReason: s("b")}),
		changed("the priority of a queue", "AWS::Batch::JobQueue", batch.JobQueueDetail{Priority: aws.Int32(1)}, batch.JobQueueDetail{Priority: aws.Int32(2)}, "attributes.Priority"),
		noise("the order of variables", "AWS::Batch::JobDefinition", job(pair("A", "1"), pair("B", "2")), job(pair("B", "2"), pair("A", "1"))),
		changed("a variable of a job", "AWS::Batch::JobDefinition", job(pair("A", "1")), job(pair("A", "22")), "attributes.ContainerProperties.Environment[A].Value"),
		noise("when a service was updated", "AWS::AppRunner::Service", apprunner.Service{UpdatedAt: at(1)}, apprunner.Service{UpdatedAt: at(2)}),
		changed("a variable of a service", "AWS::AppRunner::Service", variable("1"), variable("22"),
			"attributes.SourceConfiguration.ImageRepository.ImageConfiguration.RuntimeEnvironmentVariables.A"),
		noise("the order of versions", "AWS::ElasticBeanstalk::Application",
			elasticbeanstalk.ApplicationDescription{DateUpdated: at(1), Versions: []string{"a", "b"}}, elasticbeanstalk.ApplicationDescription{DateUpdated: at(2), Versions: []string{"b", "a"}}),
		changed("one more version", "AWS::ElasticBeanstalk::Application",
			elasticbeanstalk.ApplicationDescription{Versions: []string{"a"}}, elasticbeanstalk.ApplicationDescription{Versions: []string{"b", "a"}}, "attributes.Versions[b]"),
		noise("the health of an environment", "AWS::ElasticBeanstalk::Environment",
			elasticbeanstalk.EnvironmentDescription{Health: "Green", HealthStatus: "Ok", DateUpdated: at(1), AbortableOperationInProgress: aws.Bool(false)},
			elasticbeanstalk.EnvironmentDescription{Health: "Red", HealthStatus: "Severe", DateUpdated: at(2), AbortableOperationInProgress: aws.Bool(true)}),
		changed("a deployment", "AWS::ElasticBeanstalk::Environment",
			elasticbeanstalk.EnvironmentDescription{VersionLabel: s("1")}, elasticbeanstalk.EnvironmentDescription{VersionLabel: s("2")}, "attributes.VersionLabel"),
		noise("the order of shards and the progress of resharding", "AWS::MemoryDB::Cluster",
			memorydb.Cluster{Shards: []memorydb.Shard{{Name: s("a")}, {Name: s("b")}}, PendingUpdates: &memorydb.ClusterPendingUpdates{Resharding: &memorydb.ReshardingStatus{SlotMigration: &memorydb.SlotMigration{ProgressPercentage: 1}}}},
			memorydb.Cluster{Shards: []memorydb.Shard{{Name: s("b")}, {Name: s("a")}}, PendingUpdates: &memorydb.ClusterPendingUpdates{Resharding: &memorydb.ReshardingStatus{SlotMigration: &memorydb.SlotMigration{ProgressPercentage: 2}}}}),
		changed("another list of users", "AWS::MemoryDB::Cluster", memorydb.Cluster{ACLName: s("a")}, memorydb.Cluster{ACLName: s("b")}, "attributes.ACLName"),
		noise("the nodes that are up", "AWS::DAX::Cluster",
			dax.Cluster{ActiveNodes: aws.Int32(1), Nodes: []dax.Node{{NodeId: s("a")}, {NodeId: s("b")}}}, dax.Cluster{ActiveNodes: aws.Int32(2), Nodes: []dax.Node{{NodeId: s("b")}, {NodeId: s("a")}}}),
		changed("one more node", "AWS::DAX::Cluster", dax.Cluster{TotalNodes: aws.Int32(1)}, dax.Cluster{TotalNodes: aws.Int32(2)}, "attributes.TotalNodes"),
		noise("when a stream was updated", "AWS::KinesisFirehose::DeliveryStream",
			firehose.DeliveryStreamDescription{LastUpdateTimestamp: at(1), VersionId: s("1")}, firehose.DeliveryStreamDescription{LastUpdateTimestamp: at(2), VersionId: s("2")}),
		changed("another token for Splunk", "AWS::KinesisFirehose::DeliveryStream", splunk("1"), splunk("22"), "attributes.Destinations[d].SplunkDestinationDescription.HECToken"),
		noise("the operation under way, and which servers of ZooKeeper are told", "AWS::MSK::Cluster",
			kafka.Cluster{ActiveOperationArn: s("a"), CurrentVersion: s("1"), Provisioned: &kafka.Provisioned{ZookeeperConnectString: s("z-1:2181"), ZookeeperConnectStringTls: s("z-1:2182"), BrokerNodeGroupInfo: &kafka.BrokerNodeGroupInfo{ClientSubnets: []string{"a", "b"}}}},
			kafka.Cluster{CurrentVersion: s("2"), Provisioned: &kafka.Provisioned{ZookeeperConnectString: s("z-2:2181,z-1:2181"), ZookeeperConnectStringTls: s("z-2:2182"), BrokerNodeGroupInfo: &kafka.BrokerNodeGroupInfo{ClientSubnets: []string{"b", "a"}}}}),
		changed("one more broker", "AWS::MSK::Cluster",
			kafka.Cluster{Provisioned: &kafka.Provisioned{NumberOfBrokerNodes: aws.Int32(3)}}, kafka.Cluster{Provisioned: &kafka.Provisioned{NumberOfBrokerNodes: aws.Int32(6)}}, "attributes.Provisioned.NumberOfBrokerNodes"),
		noise("the order of versions", "AWS::MSK::Configuration", kafka.Configuration{KafkaVersions: []string{"a", "b"}}, kafka.Configuration{KafkaVersions: []string{"b", "a"}}),
		changed("another revision", "AWS::MSK::Configuration",
			kafka.Configuration{LatestRevision: &kafka.ConfigurationRevision{Revision: aws.Int64(1)}}, kafka.Configuration{LatestRevision: &kafka.ConfigurationRevision{Revision: aws.Int64(2)}}, "attributes.LatestRevision.Revision"),
		noise("the order of a broker's subnets", "AWS::AmazonMQ::Broker",
			mq.DescribeBrokerOutput{BrokerState: "REBOOT_IN_PROGRESS", SubnetIds: []string{"a", "b"}}, mq.DescribeBrokerOutput{BrokerState: "RUNNING", SubnetIds: []string{"b", "a"}}),
		changed("another version of a broker", "AWS::AmazonMQ::Broker", mq.DescribeBrokerOutput{EngineVersion: s("1")}, mq.DescribeBrokerOutput{EngineVersion: s("2")}, "attributes.EngineVersion"),
		noise("the state of a work group, which stands beside the document", "AWS::Athena::WorkGroup", athena.WorkGroup{Name: s("a"), State: "ENABLED"}, athena.WorkGroup{Name: s("a"), State: "DISABLED"}),
		changed("another role of a work group", "AWS::Athena::WorkGroup",
			athena.WorkGroup{Configuration: &athena.WorkGroupConfiguration{ExecutionRole: s("a")}}, athena.WorkGroup{Configuration: &athena.WorkGroupConfiguration{ExecutionRole: s("b")}}, "attributes.Configuration.ExecutionRole"),
	}
}
