package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/elava-dev/elava/resource"
)

// rdsPage is the most records that RDS gives at a time (RDS API Reference).
const rdsPage = 100

// rdsDeleted is the status of databases that are listed although they are gone.
const rdsDeleted = "deleted"

func rdsCollectors() []lister { return []lister{rdsClusters(), rdsInstances()} }

func rdsTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

// rdsInstances also lists the instances of Neptune and DocumentDB: the API of RDS
// answers for them, and their Engine tells them apart.
func rdsInstances() lister {
	return &collector[types.DBInstance]{
		rules: resource.Schema{
			Type: "AWS::RDS::DBInstance", Version: 1,
			Omit: []string{
				"TagList", "DBInstanceStatus",
				"LatestRestorableTime", // every five minutes
				"PercentProgress", "StorageOperationPercentProgress", "AdditionalStorageVolumes.StorageOperationPercentProgress",
			},
			Sets: map[string]string{
				"AdditionalStorageVolumes":                       "{VolumeName}",
				"AssociatedRoles":                                "{FeatureName}:{RoleArn}",
				"DBInstanceAutomatedBackupsReplications":         "{DBInstanceAutomatedBackupsArn}",
				"DBParameterGroups":                              "{DBParameterGroupName}",
				"DBSecurityGroups":                               "{DBSecurityGroupName}",
				"DBSubnetGroup.Subnets":                          "{SubnetIdentifier}",
				"DBSubnetGroup.SupportedNetworkTypes":            "",
				"DomainMemberships":                              "{Domain}",
				"DomainMemberships.DnsIps":                       "",
				"EnabledCloudwatchLogsExports":                   "",
				"OptionGroupMemberships":                         "{OptionGroupName}",
				"PendingModifiedValues.AdditionalStorageVolumes": "{VolumeName}",
				"PendingModifiedValues.PendingCloudwatchLogsExports.LogTypesToDisable": "",
				"PendingModifiedValues.PendingCloudwatchLogsExports.LogTypesToEnable":  "",
				"PendingModifiedValues.ProcessorFeatures":                              "{Name}",
				"ProcessorFeatures":                "{Name}",
				"ReadReplicaDBClusterIdentifiers":  "",
				"ReadReplicaDBInstanceIdentifiers": "",
				"StatusInfos":                      "{StatusType}",
				"VpcSecurityGroups":                "{VpcSecurityGroupId}",
			},
			Secrets: []string{"PendingModifiedValues.MasterUserPassword"},
		},
		action: "rds:DescribeDBInstances",
		pages: func(cfg aws.Config) source[types.DBInstance] {
			return paged(rds.NewFromConfig(cfg).DescribeDBInstances,
				func(token *string) *rds.DescribeDBInstancesInput {
					return &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(rdsPage), Marker: token}
				},
				func(o *rds.DescribeDBInstancesOutput) ([]types.DBInstance, *string) { return o.DBInstances, o.Marker })
		},
		terminal: []string{rdsDeleted},
		read: func(v *types.DBInstance) facts {
			return facts{
				ID: v.DBInstanceIdentifier, ARN: v.DBInstanceArn, Name: aws.ToString(v.DBInstanceIdentifier),
				Status: aws.ToString(v.DBInstanceStatus), UID: aws.ToString(v.DbiResourceId),
				Created: v.InstanceCreateTime, Tags: rdsTags(v.TagList),
			}
		},
	}
}

// rdsClusters also lists the clusters of Neptune and DocumentDB.
func rdsClusters() lister {
	return &collector[types.DBCluster]{
		rules: resource.Schema{
			Type: "AWS::RDS::DBCluster", Version: 1,
			Omit: []string{
				"TagList", "Status",
				"LatestRestorableTime", "EarliestRestorableTime", "EarliestBacktrackTime", "BacktrackConsumedChangeRecords",
				"Capacity", // what Aurora Serverless v1 scaled to for now
				"PercentProgress",
			},
			Sets: map[string]string{
				"AssociatedRoles":                 "{FeatureName}:{RoleArn}",
				"AvailabilityZones":               "",
				"CustomEndpoints":                 "",
				"DBClusterMembers":                "{DBInstanceIdentifier}",
				"DBClusterOptionGroupMemberships": "{DBClusterOptionGroupName}",
				"DomainMemberships":               "{Domain}",
				"DomainMemberships.DnsIps":        "",
				"EnabledCloudwatchLogsExports":    "",
				"PendingModifiedValues.PendingCloudwatchLogsExports.LogTypesToDisable": "",
				"PendingModifiedValues.PendingCloudwatchLogsExports.LogTypesToEnable":  "",
				"ReadReplicaIdentifiers": "",
				"StatusInfos":            "{StatusType}",
				"VpcSecurityGroups":      "{VpcSecurityGroupId}",
			},
			Secrets: []string{"PendingModifiedValues.MasterUserPassword"},
		},
		action: "rds:DescribeDBClusters",
		pages: func(cfg aws.Config) source[types.DBCluster] {
			return paged(rds.NewFromConfig(cfg).DescribeDBClusters,
				func(token *string) *rds.DescribeDBClustersInput {
					return &rds.DescribeDBClustersInput{MaxRecords: aws.Int32(rdsPage), Marker: token}
				},
				func(o *rds.DescribeDBClustersOutput) ([]types.DBCluster, *string) { return o.DBClusters, o.Marker })
		},
		terminal: []string{rdsDeleted},
		read: func(v *types.DBCluster) facts {
			return facts{
				ID: v.DBClusterIdentifier, ARN: v.DBClusterArn, Name: aws.ToString(v.DBClusterIdentifier),
				Status: aws.ToString(v.Status), UID: aws.ToString(v.DbClusterResourceId),
				Created: v.ClusterCreateTime, Tags: rdsTags(v.TagList),
			}
		},
	}
}
