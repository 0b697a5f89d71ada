package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	dms "github.com/aws/aws-sdk-go-v2/service/databasemigrationservice"
	"github.com/aws/aws-sdk-go-v2/service/databasemigrationservice/types"

	"github.com/elava-dev/elava/resource"
)

// dmsPage is the most records that DMS gives at a time (DMS API Reference).
const dmsPage = 100

const dmsGone = "ResourceNotFoundFault"

func dmsCollectors() []lister { return []lister{dmsInstances(), dmsEndpoints(), dmsTasks()} }

func dmsTagsBy[T any](cfg aws.Config, arn func(*T) *string) detail[tagged[T]] {
	return tagsBy("dms:ListTagsForResource", dms.NewFromConfig(cfg).ListTagsForResource,
		func(v *T) *dms.ListTagsForResourceInput { return &dms.ListTagsForResourceInput{ResourceArn: arn(v)} },
		func(o *dms.ListTagsForResourceOutput) map[string]string {
			return tagMap(o.TagList, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
		})
}

func dmsInstances() lister {
	return &collector[tagged[types.ReplicationInstance]]{
		rules: resource.Schema{
			Type: "AWS::DMS::ReplicationInstance", Version: 1,
			Omit: []string{"ReplicationInstanceStatus"},
			Sets: map[string]string{
				"ReplicationInstanceIpv6Addresses":             "",
				"ReplicationInstancePrivateIpAddresses":        "",
				"ReplicationInstancePublicIpAddresses":         "",
				"ReplicationSubnetGroup.Subnets":               "{SubnetIdentifier}",
				"ReplicationSubnetGroup.SupportedNetworkTypes": "",
				"VpcSecurityGroups":                            "{VpcSecurityGroupId}",
			},
		},
		action: "dms:DescribeReplicationInstances",
		pages: func(cfg aws.Config) source[tagged[types.ReplicationInstance]] {
			return paged(dms.NewFromConfig(cfg).DescribeReplicationInstances,
				func(token *string) *dms.DescribeReplicationInstancesInput {
					return &dms.DescribeReplicationInstancesInput{MaxRecords: aws.Int32(dmsPage), Marker: token}
				},
				func(o *dms.DescribeReplicationInstancesOutput) ([]tagged[types.ReplicationInstance], *string) {
					return untagged(o.ReplicationInstances), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.ReplicationInstance]] {
			return []detail[tagged[types.ReplicationInstance]]{dmsTagsBy(cfg, func(i *types.ReplicationInstance) *string { return i.ReplicationInstanceArn })}
		},
		vanished: []string{dmsGone},
		read: func(i *tagged[types.ReplicationInstance]) facts {
			return facts{
				ID: i.It.ReplicationInstanceIdentifier, ARN: i.It.ReplicationInstanceArn, Name: aws.ToString(i.It.ReplicationInstanceIdentifier),
				Status: aws.ToString(i.It.ReplicationInstanceStatus), UID: after(aws.ToString(i.It.ReplicationInstanceArn), ":"),
				Created: i.It.InstanceCreateTime, Tags: i.Tags,
			}
		},
	}
}

// dmsEndpoints digests the extra attributes of connections as a whole: some hold passwords.
func dmsEndpoints() lister {
	return &collector[tagged[types.Endpoint]]{
		rules: resource.Schema{
			Type: "AWS::DMS::Endpoint", Version: 2,
			Omit: []string{"Status"},
			Sets: map[string]string{
				"OracleSettings.ExtraArchivedLogDestIds": "",
			},
			Secrets: []string{"DocDbSettings.Password", "GcpMySQLSettings.Password", "IBMDb2Settings.Password", "MicrosoftSQLServerSettings.Password", "MongoDbSettings.Password", "MySQLSettings.Password", "OracleSettings.Password", "PostgreSQLSettings.Password", "RedshiftSettings.Password", "SybaseSettings.Password", "KafkaSettings.SaslPassword", "KafkaSettings.SslClientKeyPassword", "OracleSettings.AsmPassword", "OracleSettings.SecurityDbEncryption", "RedisSettings.AuthPassword", "ExtraConnectionAttributes"},
		},
		action: "dms:DescribeEndpoints",
		pages: func(cfg aws.Config) source[tagged[types.Endpoint]] {
			return paged(dms.NewFromConfig(cfg).DescribeEndpoints,
				func(token *string) *dms.DescribeEndpointsInput {
					return &dms.DescribeEndpointsInput{MaxRecords: aws.Int32(dmsPage), Marker: token}
				},
				func(o *dms.DescribeEndpointsOutput) ([]tagged[types.Endpoint], *string) {
					return untagged(o.Endpoints), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.Endpoint]] {
			return []detail[tagged[types.Endpoint]]{dmsTagsBy(cfg, func(e *types.Endpoint) *string { return e.EndpointArn })}
		},
		vanished: []string{dmsGone},
		read: func(e *tagged[types.Endpoint]) facts {
			return facts{
				ID: e.It.EndpointIdentifier, ARN: e.It.EndpointArn, Name: aws.ToString(e.It.EndpointIdentifier), Status: aws.ToString(e.It.Status),
				UID: after(aws.ToString(e.It.EndpointArn), ":"), Tags: e.Tags,
			}
		},
	}
}

func dmsTasks() lister {
	return &collector[tagged[types.ReplicationTask]]{
		rules: resource.Schema{
			Type: "AWS::DMS::ReplicationTask", Version: 1,
			Omit:     []string{"Status", "ReplicationTaskStats", "RecoveryCheckpoint", "ReplicationTaskStartDate"},
			Policies: []string{"ReplicationTaskSettings", "TableMappings"},
		},
		action: "dms:DescribeReplicationTasks",
		pages: func(cfg aws.Config) source[tagged[types.ReplicationTask]] {
			return paged(dms.NewFromConfig(cfg).DescribeReplicationTasks,
				func(token *string) *dms.DescribeReplicationTasksInput {
					return &dms.DescribeReplicationTasksInput{MaxRecords: aws.Int32(dmsPage), Marker: token}
				},
				func(o *dms.DescribeReplicationTasksOutput) ([]tagged[types.ReplicationTask], *string) {
					return untagged(o.ReplicationTasks), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.ReplicationTask]] {
			return []detail[tagged[types.ReplicationTask]]{dmsTagsBy(cfg, func(k *types.ReplicationTask) *string { return k.ReplicationTaskArn })}
		},
		vanished: []string{dmsGone},
		read: func(k *tagged[types.ReplicationTask]) facts {
			return facts{
				ID: k.It.ReplicationTaskIdentifier, ARN: k.It.ReplicationTaskArn, Name: aws.ToString(k.It.ReplicationTaskIdentifier),
				Status: aws.ToString(k.It.Status), UID: after(aws.ToString(k.It.ReplicationTaskArn), ":"),
				Created: k.It.ReplicationTaskCreationDate, Tags: k.Tags,
			}
		},
	}
}
