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

func rdsCollectors() []lister {
	return []lister{
		rdsClusters(), rdsInstances(), rdsGlobalClusters(), rdsProxies(), rdsSubnetGroups(), rdsParameterGroups(),
		rdsClusterParameterGroups(), rdsOptionGroups(), rdsSnapshots(), rdsClusterSnapshots(),
	}
}

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

// rdsTagsBy is the detail for what RDS lists without tags.
func rdsTagsBy[T any](cfg aws.Config, arn func(*T) *string) detail[tagged[T]] {
	return tagsBy("rds:ListTagsForResource", rds.NewFromConfig(cfg).ListTagsForResource,
		func(v *T) *rds.ListTagsForResourceInput { return &rds.ListTagsForResourceInput{ResourceName: arn(v)} },
		func(o *rds.ListTagsForResourceOutput) map[string]string { return rdsTags(o.TagList) })
}

// rdsSnapshots lists the account's own, made by hand and by itself, also of Neptune. Those
// that other accounts share are left out.
func rdsSnapshots() lister {
	return &collector[types.DBSnapshot]{
		rules: resource.Schema{
			Type: "AWS::RDS::DBSnapshot", Version: 1,
			Omit: []string{"TagList", "Status", "PercentProgress", "FullSnapshotSizeInBytes"},
			Sets: map[string]string{"AdditionalStorageVolumes": "{VolumeName}", "ProcessorFeatures": "{Name}"},
		},
		action: "rds:DescribeDBSnapshots",
		pages: func(cfg aws.Config) source[types.DBSnapshot] {
			return paged(rds.NewFromConfig(cfg).DescribeDBSnapshots,
				func(token *string) *rds.DescribeDBSnapshotsInput {
					return &rds.DescribeDBSnapshotsInput{MaxRecords: aws.Int32(rdsPage), Marker: token}
				},
				func(o *rds.DescribeDBSnapshotsOutput) ([]types.DBSnapshot, *string) { return o.DBSnapshots, o.Marker })
		},
		terminal: []string{rdsDeleted},
		read: func(v *types.DBSnapshot) facts {
			return facts{
				ID: v.DBSnapshotIdentifier, ARN: v.DBSnapshotArn, Name: aws.ToString(v.DBSnapshotIdentifier),
				Status: aws.ToString(v.Status), Created: v.SnapshotCreateTime, Tags: rdsTags(v.TagList),
			}
		},
	}
}

// rdsClusterSnapshots also lists those of Neptune and DocumentDB.
func rdsClusterSnapshots() lister {
	return &collector[types.DBClusterSnapshot]{
		rules: resource.Schema{
			Type: "AWS::RDS::DBClusterSnapshot", Version: 1,
			Omit: []string{"TagList", "Status", "PercentProgress"},
			Sets: map[string]string{"AvailabilityZones": ""},
		},
		action: "rds:DescribeDBClusterSnapshots",
		pages: func(cfg aws.Config) source[types.DBClusterSnapshot] {
			return paged(rds.NewFromConfig(cfg).DescribeDBClusterSnapshots,
				func(token *string) *rds.DescribeDBClusterSnapshotsInput {
					return &rds.DescribeDBClusterSnapshotsInput{MaxRecords: aws.Int32(rdsPage), Marker: token}
				},
				func(o *rds.DescribeDBClusterSnapshotsOutput) ([]types.DBClusterSnapshot, *string) {
					return o.DBClusterSnapshots, o.Marker
				})
		},
		terminal: []string{rdsDeleted},
		read: func(v *types.DBClusterSnapshot) facts {
			return facts{
				ID: v.DBClusterSnapshotIdentifier, ARN: v.DBClusterSnapshotArn, Name: aws.ToString(v.DBClusterSnapshotIdentifier),
				Status: aws.ToString(v.Status), Created: v.SnapshotCreateTime, Tags: rdsTags(v.TagList),
			}
		},
	}
}

func rdsSubnetGroups() lister {
	return &collector[tagged[types.DBSubnetGroup]]{
		rules: resource.Schema{
			Type: "AWS::RDS::DBSubnetGroup", Version: 1,
			Omit: []string{"SubnetGroupStatus"},
			Sets: map[string]string{"Subnets": "{SubnetIdentifier}", "SupportedNetworkTypes": ""},
		},
		action: "rds:DescribeDBSubnetGroups",
		pages: func(cfg aws.Config) source[tagged[types.DBSubnetGroup]] {
			return paged(rds.NewFromConfig(cfg).DescribeDBSubnetGroups,
				func(token *string) *rds.DescribeDBSubnetGroupsInput {
					return &rds.DescribeDBSubnetGroupsInput{MaxRecords: aws.Int32(rdsPage), Marker: token}
				},
				func(o *rds.DescribeDBSubnetGroupsOutput) ([]tagged[types.DBSubnetGroup], *string) {
					return untagged(o.DBSubnetGroups), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.DBSubnetGroup]] {
			return []detail[tagged[types.DBSubnetGroup]]{
				rdsTagsBy(cfg, func(g *types.DBSubnetGroup) *string { return g.DBSubnetGroupArn }),
			}
		},
		vanished: []string{"DBSubnetGroupNotFoundFault"},
		read: func(g *tagged[types.DBSubnetGroup]) facts {
			return facts{
				ID: g.It.DBSubnetGroupName, ARN: g.It.DBSubnetGroupArn, Name: aws.ToString(g.It.DBSubnetGroupName),
				Status: aws.ToString(g.It.SubnetGroupStatus), Tags: g.Tags,
			}
		},
	}
}

// rdsParameterGroups lists the groups, not the parameters in them.
func rdsParameterGroups() lister {
	return &collector[tagged[types.DBParameterGroup]]{
		rules:  resource.Schema{Type: "AWS::RDS::DBParameterGroup", Version: 1},
		action: "rds:DescribeDBParameterGroups",
		pages: func(cfg aws.Config) source[tagged[types.DBParameterGroup]] {
			return paged(rds.NewFromConfig(cfg).DescribeDBParameterGroups,
				func(token *string) *rds.DescribeDBParameterGroupsInput {
					return &rds.DescribeDBParameterGroupsInput{MaxRecords: aws.Int32(rdsPage), Marker: token}
				},
				func(o *rds.DescribeDBParameterGroupsOutput) ([]tagged[types.DBParameterGroup], *string) {
					return untagged(o.DBParameterGroups), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.DBParameterGroup]] {
			return []detail[tagged[types.DBParameterGroup]]{
				rdsTagsBy(cfg, func(g *types.DBParameterGroup) *string { return g.DBParameterGroupArn }),
			}
		},
		vanished: []string{"DBParameterGroupNotFound", "DBParameterGroupNotFoundFault"},
		read: func(g *tagged[types.DBParameterGroup]) facts {
			return facts{
				ID: g.It.DBParameterGroupName, ARN: g.It.DBParameterGroupArn, Name: aws.ToString(g.It.DBParameterGroupName), Tags: g.Tags,
			}
		},
	}
}

func rdsClusterParameterGroups() lister {
	return &collector[tagged[types.DBClusterParameterGroup]]{
		rules:  resource.Schema{Type: "AWS::RDS::DBClusterParameterGroup", Version: 1},
		action: "rds:DescribeDBClusterParameterGroups",
		pages: func(cfg aws.Config) source[tagged[types.DBClusterParameterGroup]] {
			return paged(rds.NewFromConfig(cfg).DescribeDBClusterParameterGroups,
				func(token *string) *rds.DescribeDBClusterParameterGroupsInput {
					return &rds.DescribeDBClusterParameterGroupsInput{MaxRecords: aws.Int32(rdsPage), Marker: token}
				},
				func(o *rds.DescribeDBClusterParameterGroupsOutput) ([]tagged[types.DBClusterParameterGroup], *string) {
					return untagged(o.DBClusterParameterGroups), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.DBClusterParameterGroup]] {
			return []detail[tagged[types.DBClusterParameterGroup]]{
				rdsTagsBy(cfg, func(g *types.DBClusterParameterGroup) *string { return g.DBClusterParameterGroupArn }),
			}
		},
		vanished: []string{"DBParameterGroupNotFound", "DBClusterParameterGroupNotFound"},
		read: func(g *tagged[types.DBClusterParameterGroup]) facts {
			return facts{
				ID: g.It.DBClusterParameterGroupName, ARN: g.It.DBClusterParameterGroupArn,
				Name: aws.ToString(g.It.DBClusterParameterGroupName), Tags: g.Tags,
			}
		},
	}
}

func rdsProxies() lister {
	return &collector[tagged[types.DBProxy]]{
		rules: resource.Schema{
			Type: "AWS::RDS::DBProxy", Version: 1,
			Omit: []string{"Status", "UpdatedDate"},
			Sets: map[string]string{"Auth": "{SecretArn}:{UserName}", "VpcSecurityGroupIds": "", "VpcSubnetIds": ""},
		},
		action: "rds:DescribeDBProxies",
		pages: func(cfg aws.Config) source[tagged[types.DBProxy]] {
			return paged(rds.NewFromConfig(cfg).DescribeDBProxies,
				func(token *string) *rds.DescribeDBProxiesInput {
					return &rds.DescribeDBProxiesInput{MaxRecords: aws.Int32(rdsPage), Marker: token}
				},
				func(o *rds.DescribeDBProxiesOutput) ([]tagged[types.DBProxy], *string) {
					return untagged(o.DBProxies), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.DBProxy]] {
			return []detail[tagged[types.DBProxy]]{rdsTagsBy(cfg, func(p *types.DBProxy) *string { return p.DBProxyArn })}
		},
		vanished: []string{"DBProxyNotFoundFault"},
		read: func(p *tagged[types.DBProxy]) facts {
			return facts{
				ID: p.It.DBProxyName, ARN: p.It.DBProxyArn, Name: aws.ToString(p.It.DBProxyName), Status: string(p.It.Status),
				UID: after(aws.ToString(p.It.DBProxyArn), ":"), Created: p.It.CreatedDate, Tags: p.Tags,
			}
		},
	}
}

// rdsGlobalClusters lists what belongs to the account and to no region, as its ARN tells:
// every region gives the same list.
func rdsGlobalClusters() lister {
	return &collector[types.GlobalCluster]{
		global: true,
		rules: resource.Schema{
			Type: "AWS::RDS::GlobalCluster", Version: 1,
			Omit: []string{"TagList", "Status"},
			Sets: map[string]string{"GlobalClusterMembers": "{DBClusterArn}", "GlobalClusterMembers.Readers": ""},
		},
		action: "rds:DescribeGlobalClusters",
		pages: func(cfg aws.Config) source[types.GlobalCluster] {
			return paged(rds.NewFromConfig(cfg).DescribeGlobalClusters,
				func(token *string) *rds.DescribeGlobalClustersInput {
					return &rds.DescribeGlobalClustersInput{MaxRecords: aws.Int32(rdsPage), Marker: token}
				},
				func(o *rds.DescribeGlobalClustersOutput) ([]types.GlobalCluster, *string) {
					return o.GlobalClusters, o.Marker
				})
		},
		terminal: []string{rdsDeleted},
		read: func(c *types.GlobalCluster) facts {
			return facts{
				ID: c.GlobalClusterIdentifier, ARN: c.GlobalClusterArn, Name: aws.ToString(c.GlobalClusterIdentifier),
				Status: aws.ToString(c.Status), UID: aws.ToString(c.GlobalClusterResourceId), Tags: rdsTags(c.TagList),
			}
		},
	}
}

func rdsOptionGroups() lister {
	return &collector[tagged[types.OptionGroup]]{
		rules: resource.Schema{
			Type: "AWS::RDS::OptionGroup", Version: 1,
			Sets: map[string]string{
				"Options":                             "{OptionName}",
				"Options.DBSecurityGroupMemberships":  "{DBSecurityGroupName}",
				"Options.OptionSettings":              "{Name}",
				"Options.VpcSecurityGroupMemberships": "{VpcSecurityGroupId}",
			},
		},
		action: "rds:DescribeOptionGroups",
		pages: func(cfg aws.Config) source[tagged[types.OptionGroup]] {
			return paged(rds.NewFromConfig(cfg).DescribeOptionGroups,
				func(token *string) *rds.DescribeOptionGroupsInput {
					return &rds.DescribeOptionGroupsInput{MaxRecords: aws.Int32(rdsPage), Marker: token}
				},
				func(o *rds.DescribeOptionGroupsOutput) ([]tagged[types.OptionGroup], *string) {
					return untagged(o.OptionGroupsList), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.OptionGroup]] {
			return []detail[tagged[types.OptionGroup]]{rdsTagsBy(cfg, func(g *types.OptionGroup) *string { return g.OptionGroupArn })}
		},
		vanished: []string{"OptionGroupNotFoundFault"},
		read: func(g *tagged[types.OptionGroup]) facts {
			return facts{ID: g.It.OptionGroupName, ARN: g.It.OptionGroupArn, Name: aws.ToString(g.It.OptionGroupName), Tags: g.Tags}
		},
	}
}
