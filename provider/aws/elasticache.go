package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticache/types"

	"github.com/elava-dev/elava/resource"
)

// elasticachePage is the most records that ElastiCache gives at a time (ElastiCache API
// Reference).
const elasticachePage = 100

func elasticacheCollectors() []lister {
	return []lister{
		elasticacheReplicationGroups(), elasticacheClusters(), elasticacheSubnetGroups(), elasticacheParameterGroups(),
	}
}

// elasticacheTagsBy leaves the tags of a cluster that is not available unknown: ElastiCache
// says of it what it says of one that is gone, so that is no reason to leave it out.
func elasticacheTagsBy[T any](cfg aws.Config, arn func(*T) *string) []detail[tagged[T]] {
	return []detail[tagged[T]]{tagsBy("elasticache:ListTagsForResource", elasticache.NewFromConfig(cfg).ListTagsForResource,
		func(v *T) *elasticache.ListTagsForResourceInput {
			return &elasticache.ListTagsForResourceInput{ResourceName: arn(v)}
		},
		func(o *elasticache.ListTagsForResourceOutput) map[string]string {
			return tagMap(o.TagList, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
		})}
}

func elasticacheClusters() lister {
	return &collector[tagged[types.CacheCluster]]{
		rules: resource.Schema{
			Type: "AWS::ElastiCache::CacheCluster", Version: 1,
			Omit: []string{"CacheClusterStatus"},
			Sets: map[string]string{
				"CacheNodes": "{CacheNodeId}",
				"CacheParameterGroup.CacheNodeIdsToReboot":        "",
				"CacheSecurityGroups":                             "{CacheSecurityGroupName}",
				"LogDeliveryConfigurations":                       "{LogType}",
				"PendingModifiedValues.CacheNodeIdsToRemove":      "",
				"PendingModifiedValues.LogDeliveryConfigurations": "{LogType}",
				"SecurityGroups":                                  "{SecurityGroupId}",
			},
		},
		action: "elasticache:DescribeCacheClusters",
		pages: func(cfg aws.Config) source[tagged[types.CacheCluster]] {
			return paged(elasticache.NewFromConfig(cfg).DescribeCacheClusters,
				func(token *string) *elasticache.DescribeCacheClustersInput {
					return &elasticache.DescribeCacheClustersInput{
						MaxRecords: aws.Int32(elasticachePage), Marker: token, ShowCacheNodeInfo: aws.Bool(true),
					}
				},
				func(o *elasticache.DescribeCacheClustersOutput) ([]tagged[types.CacheCluster], *string) {
					return untagged(o.CacheClusters), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.CacheCluster]] {
			return elasticacheTagsBy(cfg, func(c *types.CacheCluster) *string { return c.ARN })
		},
		terminal: []string{"deleted"},
		read: func(c *tagged[types.CacheCluster]) facts {
			return facts{
				ID: c.It.CacheClusterId, ARN: c.It.ARN, Name: aws.ToString(c.It.CacheClusterId),
				Status: aws.ToString(c.It.CacheClusterStatus), Created: c.It.CacheClusterCreateTime, Tags: c.Tags,
			}
		},
	}
}

func elasticacheReplicationGroups() lister {
	return &collector[tagged[types.ReplicationGroup]]{
		rules: resource.Schema{
			Type: "AWS::ElastiCache::ReplicationGroup", Version: 1,
			Omit: []string{"Status", "PendingModifiedValues.Resharding.SlotMigration.ProgressPercentage"},
			Sets: map[string]string{
				"LogDeliveryConfigurations":                             "{LogType}",
				"MemberClusters":                                        "",
				"MemberClustersOutpostArns":                             "",
				"NodeGroups":                                            "{NodeGroupId}",
				"NodeGroups.NodeGroupMembers":                           "{CacheClusterId}:{CacheNodeId}",
				"PendingModifiedValues.LogDeliveryConfigurations":       "{LogType}",
				"PendingModifiedValues.UserGroups.UserGroupIdsToAdd":    "",
				"PendingModifiedValues.UserGroups.UserGroupIdsToRemove": "",
				"UserGroupIds":                                          "",
			},
		},
		action: "elasticache:DescribeReplicationGroups",
		pages: func(cfg aws.Config) source[tagged[types.ReplicationGroup]] {
			return paged(elasticache.NewFromConfig(cfg).DescribeReplicationGroups,
				func(token *string) *elasticache.DescribeReplicationGroupsInput {
					return &elasticache.DescribeReplicationGroupsInput{MaxRecords: aws.Int32(elasticachePage), Marker: token}
				},
				func(o *elasticache.DescribeReplicationGroupsOutput) ([]tagged[types.ReplicationGroup], *string) {
					return untagged(o.ReplicationGroups), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.ReplicationGroup]] {
			return elasticacheTagsBy(cfg, func(g *types.ReplicationGroup) *string { return g.ARN })
		},
		terminal: []string{"deleted"},
		read: func(g *tagged[types.ReplicationGroup]) facts {
			return facts{
				ID: g.It.ReplicationGroupId, ARN: g.It.ARN, Name: aws.ToString(g.It.ReplicationGroupId), Status: aws.ToString(g.It.Status),
				Created: g.It.ReplicationGroupCreateTime, Tags: g.Tags,
			}
		},
	}
}

func elasticacheSubnetGroups() lister {
	return &collector[tagged[types.CacheSubnetGroup]]{
		rules: resource.Schema{
			Type: "AWS::ElastiCache::SubnetGroup", Version: 1,
			Sets: map[string]string{
				"Subnets": "{SubnetIdentifier}", "Subnets.SupportedNetworkTypes": "", "SupportedNetworkTypes": "",
			},
		},
		action: "elasticache:DescribeCacheSubnetGroups",
		pages: func(cfg aws.Config) source[tagged[types.CacheSubnetGroup]] {
			return paged(elasticache.NewFromConfig(cfg).DescribeCacheSubnetGroups,
				func(token *string) *elasticache.DescribeCacheSubnetGroupsInput {
					return &elasticache.DescribeCacheSubnetGroupsInput{MaxRecords: aws.Int32(elasticachePage), Marker: token}
				},
				func(o *elasticache.DescribeCacheSubnetGroupsOutput) ([]tagged[types.CacheSubnetGroup], *string) {
					return untagged(o.CacheSubnetGroups), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.CacheSubnetGroup]] {
			return elasticacheTagsBy(cfg, func(g *types.CacheSubnetGroup) *string { return g.ARN })
		},
		vanished: []string{"CacheSubnetGroupNotFoundFault"},
		read: func(g *tagged[types.CacheSubnetGroup]) facts {
			return facts{ID: g.It.CacheSubnetGroupName, ARN: g.It.ARN, Name: aws.ToString(g.It.CacheSubnetGroupName), Tags: g.Tags}
		},
	}
}

// elasticacheParameterGroups lists the groups, not the parameters in them.
func elasticacheParameterGroups() lister {
	return &collector[tagged[types.CacheParameterGroup]]{
		rules:  resource.Schema{Type: "AWS::ElastiCache::ParameterGroup", Version: 1},
		action: "elasticache:DescribeCacheParameterGroups",
		pages: func(cfg aws.Config) source[tagged[types.CacheParameterGroup]] {
			return paged(elasticache.NewFromConfig(cfg).DescribeCacheParameterGroups,
				func(token *string) *elasticache.DescribeCacheParameterGroupsInput {
					return &elasticache.DescribeCacheParameterGroupsInput{MaxRecords: aws.Int32(elasticachePage), Marker: token}
				},
				func(o *elasticache.DescribeCacheParameterGroupsOutput) ([]tagged[types.CacheParameterGroup], *string) {
					return untagged(o.CacheParameterGroups), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.CacheParameterGroup]] {
			return elasticacheTagsBy(cfg, func(g *types.CacheParameterGroup) *string { return g.ARN })
		},
		vanished: []string{"CacheParameterGroupNotFound"},
		read: func(g *tagged[types.CacheParameterGroup]) facts {
			return facts{ID: g.It.CacheParameterGroupName, ARN: g.It.ARN, Name: aws.ToString(g.It.CacheParameterGroupName), Tags: g.Tags}
		},
	}
}
