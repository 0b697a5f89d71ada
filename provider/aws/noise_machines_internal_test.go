package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	dms "github.com/aws/aws-sdk-go-v2/service/databasemigrationservice/types"
	emr "github.com/aws/aws-sdk-go-v2/service/emr/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	transfer "github.com/aws/aws-sdk-go-v2/service/transfer/types"
)

func noisesOfMachines() []observed {
	s := aws.String
	variants := func(count int32, names ...string) sagemaker.DescribeEndpointOutput {
		return sagemaker.DescribeEndpointOutput{LastModifiedTime: at(int(count)), ProductionVariants: converted(names, func(n string) sagemakertypes.ProductionVariantSummary {
			return sagemakertypes.ProductionVariantSummary{VariantName: &n, CurrentInstanceCount: &count}
		})}
	}
	return []observed{
		noise("the hours of a cluster and the order of its applications", "AWS::EMR::Cluster",
			emr.Cluster{NormalizedInstanceHours: aws.Int32(1), Applications: []emr.Application{{Name: s("a")}, {Name: s("b")}}}, emr.Cluster{NormalizedInstanceHours: aws.Int32(2), Applications: []emr.Application{{Name: s("b")}, {Name: s("a")}}}),
		changed("a cluster that can be terminated", "AWS::EMR::Cluster", emr.Cluster{TerminationProtected: aws.Bool(true)}, emr.Cluster{TerminationProtected: aws.Bool(false)}, "attributes.TerminationProtected"),
		noise("the instances of an endpoint and the order of its variants", "AWS::SageMaker::Endpoint", variants(1, "a", "b"), variants(2, "b", "a")),
		changed("another configuration of an endpoint", "AWS::SageMaker::Endpoint",
			sagemaker.DescribeEndpointOutput{EndpointConfigName: s("a")}, sagemaker.DescribeEndpointOutput{EndpointConfigName: s("b")}, "attributes.EndpointConfigName"),
		noise("the order of a model's subnets", "AWS::SageMaker::Model",
			sagemaker.DescribeModelOutput{VpcConfig: &sagemakertypes.VpcConfig{Subnets: []string{"a", "b"}}}, sagemaker.DescribeModelOutput{VpcConfig: &sagemakertypes.VpcConfig{Subnets: []string{"b", "a"}}}),
		changed("a variable of a model", "AWS::SageMaker::Model",
			sagemaker.DescribeModelOutput{PrimaryContainer: &sagemakertypes.ContainerDefinition{Environment: map[string]string{"A": "1"}}},
			sagemaker.DescribeModelOutput{PrimaryContainer: &sagemakertypes.ContainerDefinition{Environment: map[string]string{"A": "22"}}},
			"attributes.PrimaryContainer.Environment.A"),
		noise("when a notebook was modified", "AWS::SageMaker::NotebookInstance",
			sagemaker.DescribeNotebookInstanceOutput{LastModifiedTime: at(1), SecurityGroups: []string{"a", "b"}}, sagemaker.DescribeNotebookInstanceOutput{LastModifiedTime: at(2), SecurityGroups: []string{"b", "a"}}),
		changed("a notebook on the internet", "AWS::SageMaker::NotebookInstance",
			sagemaker.DescribeNotebookInstanceOutput{DirectInternetAccess: "Disabled"}, sagemaker.DescribeNotebookInstanceOutput{DirectInternetAccess: "Enabled"}, "attributes.DirectInternetAccess"),
		noise("when a domain was modified", "AWS::SageMaker::Domain",
			sagemaker.DescribeDomainOutput{LastModifiedTime: at(1), SubnetIds: []string{"a", "b"}}, sagemaker.DescribeDomainOutput{LastModifiedTime: at(2), SubnetIds: []string{"b", "a"}}),
		changed("how people enter a domain", "AWS::SageMaker::Domain", sagemaker.DescribeDomainOutput{AuthMode: "SSO"}, sagemaker.DescribeDomainOutput{AuthMode: "IAM"}, "attributes.AuthMode"),
		noise("the order of an instance's groups", "AWS::DMS::ReplicationInstance",
			dms.ReplicationInstance{VpcSecurityGroups: []dms.VpcSecurityGroupMembership{{VpcSecurityGroupId: s("a")}, {VpcSecurityGroupId: s("b")}}},
			dms.ReplicationInstance{VpcSecurityGroups: []dms.VpcSecurityGroupMembership{{VpcSecurityGroupId: s("b")}, {VpcSecurityGroupId: s("a")}}}),
		changed("an instance that the world can reach", "AWS::DMS::ReplicationInstance", dms.ReplicationInstance{}, dms.ReplicationInstance{PubliclyAccessible: true}, "attributes.PubliclyAccessible"),
		noise("the status of an endpoint, which stands beside the document", "AWS::DMS::Endpoint", dms.Endpoint{Status: s("active")}, dms.Endpoint{Status: s("deleting")}),
		changed("another password", "AWS::DMS::Endpoint",
			dms.Endpoint{MySQLSettings: &dms.MySQLSettings{Password: s("1")}}, dms.Endpoint{MySQLSettings: &dms.MySQLSettings{Password: s("22")}}, "attributes.MySQLSettings.Password"),
		noise("the progress of a task and the layout of its mappings", "AWS::DMS::ReplicationTask",
			dms.ReplicationTask{RecoveryCheckpoint: s("1"), ReplicationTaskStats: &dms.ReplicationTaskStats{TablesLoaded: 1}, TableMappings: s(`{"rules":[],"a":1}`)},
			dms.ReplicationTask{RecoveryCheckpoint: s("2"), ReplicationTaskStats: &dms.ReplicationTaskStats{TablesLoaded: 2}, TableMappings: s(`{ "a": 1, "rules": [] }`)}),
		changed("another kind of migration", "AWS::DMS::ReplicationTask", dms.ReplicationTask{MigrationType: "cdc"}, dms.ReplicationTask{MigrationType: "full-load"}, "attributes.MigrationType"),
		noise("the users of a server and the order of its protocols", "AWS::Transfer::Server",
			transfer.DescribedServer{UserCount: aws.Int32(1), Protocols: []transfer.Protocol{"SFTP", "FTPS"}}, transfer.DescribedServer{UserCount: aws.Int32(2), Protocols: []transfer.Protocol{"FTPS", "SFTP"}}),
		changed("one more protocol", "AWS::Transfer::Server",
			transfer.DescribedServer{Protocols: []transfer.Protocol{"SFTP"}}, transfer.DescribedServer{Protocols: []transfer.Protocol{"FTP", "SFTP"}}, "attributes.Protocols[FTP]"),
	}
}
