package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	elasticache "github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	rds "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

func noisesOfRDS() []observed {
	s := aws.String
	subnets := func(ids ...string) (all []rds.Subnet) {
		return converted(ids, func(id string) rds.Subnet { return rds.Subnet{SubnetIdentifier: &id} })
	}
	options := func(names ...string) []rds.Option {
		return converted(names, func(n string) rds.Option { return rds.Option{OptionName: &n} })
	}
	return []observed{
		noise("the progress of a snapshot", "AWS::RDS::DBSnapshot",
			rds.DBSnapshot{Status: s("creating"), PercentProgress: aws.Int32(10), FullSnapshotSizeInBytes: aws.Int64(1)},
			rds.DBSnapshot{Status: s("available"), PercentProgress: aws.Int32(100), FullSnapshotSizeInBytes: aws.Int64(2)}),
		changed("another option group of a snapshot", "AWS::RDS::DBSnapshot",
			rds.DBSnapshot{OptionGroupName: s("a")}, rds.DBSnapshot{OptionGroupName: s("b")}, "attributes.OptionGroupName"),
		noise("the progress of a cluster's snapshot", "AWS::RDS::DBClusterSnapshot",
			rds.DBClusterSnapshot{PercentProgress: aws.Int32(10), AvailabilityZones: []string{"a", "b"}},
			rds.DBClusterSnapshot{PercentProgress: aws.Int32(100), AvailabilityZones: []string{"b", "a"}}),
		changed("a cluster's snapshot that is encrypted", "AWS::RDS::DBClusterSnapshot",
			rds.DBClusterSnapshot{StorageEncrypted: aws.Bool(false)}, rds.DBClusterSnapshot{StorageEncrypted: aws.Bool(true)}, "attributes.StorageEncrypted"),
		noise("the order of a group's subnets", "AWS::RDS::DBSubnetGroup", rds.DBSubnetGroup{Subnets: subnets("a", "b")}, rds.DBSubnetGroup{Subnets: subnets("b", "a")}),
		changed("one more subnet of a group", "AWS::RDS::DBSubnetGroup",
			rds.DBSubnetGroup{Subnets: subnets("b")}, rds.DBSubnetGroup{Subnets: subnets("a", "b")}, "attributes.Subnets[a]"),
		noise("a description that is empty", "AWS::RDS::DBParameterGroup", rds.DBParameterGroup{}, rds.DBParameterGroup{Description: s("")}),
		changed("another family", "AWS::RDS::DBParameterGroup",
			rds.DBParameterGroup{DBParameterGroupFamily: s("mysql8.0")}, rds.DBParameterGroup{DBParameterGroupFamily: s("mysql8.4")}, "attributes.DBParameterGroupFamily"),
		noise("a description that is empty", "AWS::RDS::DBClusterParameterGroup", rds.DBClusterParameterGroup{}, rds.DBClusterParameterGroup{Description: s("")}),
		changed("another description", "AWS::RDS::DBClusterParameterGroup",
			rds.DBClusterParameterGroup{Description: s("a")}, rds.DBClusterParameterGroup{Description: s("b")}, "attributes.Description"),
		noise("when a proxy was updated, and the order of its groups", "AWS::RDS::DBProxy",
			rds.DBProxy{UpdatedDate: at(1), VpcSecurityGroupIds: []string{"a", "b"}}, rds.DBProxy{UpdatedDate: at(2), VpcSecurityGroupIds: []string{"b", "a"}}),
		changed("a proxy without TLS", "AWS::RDS::DBProxy", rds.DBProxy{RequireTLS: aws.Bool(true)}, rds.DBProxy{RequireTLS: aws.Bool(false)}, "attributes.RequireTLS"),
		noise("the order of a global cluster's members", "AWS::RDS::GlobalCluster",
			rds.GlobalCluster{GlobalClusterMembers: []rds.GlobalClusterMember{{DBClusterArn: s("a")}, {DBClusterArn: s("b"), Readers: []string{"x", "y"}}}},
			rds.GlobalCluster{GlobalClusterMembers: []rds.GlobalClusterMember{{DBClusterArn: s("b"), Readers: []string{"y", "x"}}, {DBClusterArn: s("a")}}}),
		changed("another writer of a global cluster", "AWS::RDS::GlobalCluster",
			rds.GlobalCluster{GlobalClusterMembers: []rds.GlobalClusterMember{{DBClusterArn: s("a"), IsWriter: aws.Bool(true)}}},
			rds.GlobalCluster{GlobalClusterMembers: []rds.GlobalClusterMember{{DBClusterArn: s("a"), IsWriter: aws.Bool(false)}}},
			"attributes.GlobalClusterMembers[a].IsWriter"),
		noise("the order of options", "AWS::RDS::OptionGroup", rds.OptionGroup{Options: options("a", "b")}, rds.OptionGroup{Options: options("b", "a")}),
		changed("one more option", "AWS::RDS::OptionGroup", rds.OptionGroup{Options: options("b")}, rds.OptionGroup{Options: options("a", "b")}, "attributes.Options[a]"),
	}
}

func noisesOfElastiCache() []observed {
	s := aws.String
	return []observed{
		noise("the order of a cache's nodes and groups", "AWS::ElastiCache::CacheCluster",
			elasticache.CacheCluster{CacheClusterStatus: s("modifying"), CacheNodes: []elasticache.CacheNode{{CacheNodeId: s("1")}, {CacheNodeId: s("2")}},
				SecurityGroups: []elasticache.SecurityGroupMembership{{SecurityGroupId: s("a")}, {SecurityGroupId: s("b")}}},
			elasticache.CacheCluster{CacheClusterStatus: s("available"), CacheNodes: []elasticache.CacheNode{{CacheNodeId: s("2")}, {CacheNodeId: s("1")}},
				SecurityGroups: []elasticache.SecurityGroupMembership{{SecurityGroupId: s("b")}, {SecurityGroupId: s("a")}}}),
		changed("a cache of another size", "AWS::ElastiCache::CacheCluster",
			elasticache.CacheCluster{CacheNodeType: s("cache.t3.micro")}, elasticache.CacheCluster{CacheNodeType: s("cache.t3.small")}, "attributes.CacheNodeType"),
		noise("the progress of resharding and the order of members", "AWS::ElastiCache::ReplicationGroup",
			elasticache.ReplicationGroup{MemberClusters: []string{"a", "b"}, NodeGroups: []elasticache.NodeGroup{{NodeGroupId: s("1")}, {NodeGroupId: s("2")}}, PendingModifiedValues: &elasticache.ReplicationGroupPendingModifiedValues{
				Resharding: &elasticache.ReshardingStatus{SlotMigration: &elasticache.SlotMigration{ProgressPercentage: aws.Float64(1)}}}},
			elasticache.ReplicationGroup{MemberClusters: []string{"b", "a"}, NodeGroups: []elasticache.NodeGroup{{NodeGroupId: s("2")}, {NodeGroupId: s("1")}}, PendingModifiedValues: &elasticache.ReplicationGroupPendingModifiedValues{
				Resharding: &elasticache.ReshardingStatus{SlotMigration: &elasticache.SlotMigration{ProgressPercentage: aws.Float64(2)}}}}),
		changed("a failover", "AWS::ElastiCache::ReplicationGroup",
			elasticache.ReplicationGroup{NodeGroups: []elasticache.NodeGroup{{NodeGroupId: s("1"), NodeGroupMembers: []elasticache.NodeGroupMember{{CacheClusterId: s("a"), CacheNodeId: s("1"), CurrentRole: s("primary")}}}}},
			elasticache.ReplicationGroup{NodeGroups: []elasticache.NodeGroup{{NodeGroupId: s("1"), NodeGroupMembers: []elasticache.NodeGroupMember{{CacheClusterId: s("a"), CacheNodeId: s("1"), CurrentRole: s("replica")}}}}},
			"attributes.NodeGroups[1].NodeGroupMembers[a:1].CurrentRole"),
		noise("the order of a group's subnets", "AWS::ElastiCache::SubnetGroup",
			elasticache.CacheSubnetGroup{Subnets: []elasticache.Subnet{{SubnetIdentifier: s("a")}, {SubnetIdentifier: s("b")}}},
			elasticache.CacheSubnetGroup{Subnets: []elasticache.Subnet{{SubnetIdentifier: s("b")}, {SubnetIdentifier: s("a")}}}),
		changed("one more subnet", "AWS::ElastiCache::SubnetGroup",
			elasticache.CacheSubnetGroup{}, elasticache.CacheSubnetGroup{Subnets: []elasticache.Subnet{{SubnetIdentifier: s("a")}}}, "attributes.Subnets[a]"),
		noise("a description that is empty", "AWS::ElastiCache::ParameterGroup", elasticache.CacheParameterGroup{}, elasticache.CacheParameterGroup{Description: s("")}),
		changed("another description", "AWS::ElastiCache::ParameterGroup",
			elasticache.CacheParameterGroup{Description: s("a")}, elasticache.CacheParameterGroup{Description: s("b")}, "attributes.Description"),
	}
}
