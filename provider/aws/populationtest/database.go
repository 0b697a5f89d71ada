package populationtest

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dax"
	daxtypes "github.com/aws/aws-sdk-go-v2/service/dax/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	cachetypes "github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	"github.com/aws/aws-sdk-go-v2/service/memorydb"
	memorydbtypes "github.com/aws/aws-sdk-go-v2/service/memorydb/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

func (p *Place) rds() *rds.Client           { return rds.NewFromConfig(p.Config) }
func (p *Place) cache() *elasticache.Client { return elasticache.NewFromConfig(p.Config) }
func (p *Place) memorydb() *memorydb.Client { return memorydb.NewFromConfig(p.Config) }
func (p *Place) dynamodb() *dynamodb.Client { return dynamodb.NewFromConfig(p.Config) }
func (p *Place) dax() *dax.Client           { return dax.NewFromConfig(p.Config) }

func rdsTags(tags map[string]string) []rdstypes.Tag {
	return tagsOf(tags, func(k, v *string) rdstypes.Tag { return rdstypes.Tag{Key: k, Value: v} })
}

func cacheTags(tags map[string]string) []cachetypes.Tag {
	return tagsOf(tags, func(k, v *string) cachetypes.Tag { return cachetypes.Tag{Key: k, Value: v} })
}

// tagged returns the change that tags a resource of RDS, of which ARNs name the kind.
func taggedInRDS(kind string) func(*Place, string) {
	return func(p *Place, id string) {
		ok(p.rds().AddTagsToResource(p.Context(), &rds.AddTagsToResourceInput{ResourceName: aws.String(p.arn("rds", kind+":"+id)), Tags: rdsTags(more())}))(p)
	}
}

func taggedInCache(kind string) func(*Place, string) {
	return func(p *Place, id string) {
		ok(p.cache().AddTagsToResource(p.Context(), &elasticache.AddTagsToResourceInput{ResourceName: aws.String(p.arn("elasticache", kind+":"+id)), Tags: cacheTags(more())}))(p)
	}
}

func databaseKinds() []Kind {
	return []Kind{
		{Type: "AWS::RDS::DBInstance", Paths: []string{"attributes.AllocatedStorage"},
			Make: func(p *Place) string {
				id := *ok(p.rds().CreateDBInstance(p.Context(), &rds.CreateDBInstanceInput{
					DBInstanceIdentifier: aws.String("orders"), Engine: aws.String("postgres"), DBInstanceClass: aws.String("db.t3.micro"),
					AllocatedStorage: aws.Int32(20), MasterUsername: aws.String("root"), MasterUserPassword: aws.String("hunter2hunter2"),
				}))(p).DBInstance.DBInstanceIdentifier
				p.also("AWS::RDS::DBParameterGroup", "default.postgres9.3")
				for _, s := range ok(p.rds().DescribeDBSnapshots(p.Context(), &rds.DescribeDBSnapshotsInput{SnapshotType: aws.String("automated")}))(p).DBSnapshots {
					p.also("AWS::RDS::DBSnapshot", *s.DBSnapshotIdentifier)
				}
				return id
			},
			Change: func(p *Place, id string) {
				ok(p.rds().ModifyDBInstance(p.Context(), &rds.ModifyDBInstanceInput{
					DBInstanceIdentifier: &id, AllocatedStorage: aws.Int32(30), ApplyImmediately: aws.Bool(true),
				}))(p)
			}},
		{Type: "AWS::RDS::DBCluster", Paths: []string{"attributes.DeletionProtection"},
			Make: func(p *Place) string {
				id := *ok(p.rds().CreateDBCluster(p.Context(), &rds.CreateDBClusterInput{
					DBClusterIdentifier: aws.String("ledger"), Engine: aws.String("aurora-postgresql"),
					MasterUsername: aws.String("root"), MasterUserPassword: aws.String("hunter2hunter2"),
				}))(p).DBCluster.DBClusterIdentifier
				for _, s := range ok(p.rds().DescribeDBClusterSnapshots(p.Context(), &rds.DescribeDBClusterSnapshotsInput{SnapshotType: aws.String("automated")}))(p).DBClusterSnapshots {
					p.also("AWS::RDS::DBClusterSnapshot", *s.DBClusterSnapshotIdentifier)
				}
				return id
			},
			Change: func(p *Place, id string) {
				ok(p.rds().ModifyDBCluster(p.Context(), &rds.ModifyDBClusterInput{DBClusterIdentifier: &id, DeletionProtection: aws.Bool(true)}))(p)
			}},
		{Type: "AWS::RDS::DBSnapshot", Paths: []string{"tags.team"}, Change: taggedInRDS("snapshot"),
			Make: func(p *Place) string {
				return *ok(p.rds().CreateDBSnapshot(p.Context(), &rds.CreateDBSnapshotInput{
					DBInstanceIdentifier: aws.String(p.Need("AWS::RDS::DBInstance")), DBSnapshotIdentifier: aws.String("friday"), Tags: rdsTags(Tags()),
				}))(p).DBSnapshot.DBSnapshotIdentifier
			}},
		{Type: "AWS::RDS::DBClusterSnapshot", Paths: []string{"tags.team"}, Change: taggedInRDS("cluster-snapshot"),
			Make: func(p *Place) string {
				return *ok(p.rds().CreateDBClusterSnapshot(p.Context(), &rds.CreateDBClusterSnapshotInput{
					DBClusterIdentifier: aws.String(p.Need("AWS::RDS::DBCluster")), DBClusterSnapshotIdentifier: aws.String("saturday"), Tags: rdsTags(Tags()),
				}))(p).DBClusterSnapshot.DBClusterSnapshotIdentifier
			}},
		{Type: "AWS::RDS::DBSubnetGroup", Paths: []string{"tags.team"}, Change: taggedInRDS("subgrp"), // moto drops it otherwise
			Make: func(p *Place) string {
				return *ok(p.rds().CreateDBSubnetGroup(p.Context(), &rds.CreateDBSubnetGroupInput{
					DBSubnetGroupName: aws.String("inner"), DBSubnetGroupDescription: aws.String("x"), SubnetIds: p.subnets(), Tags: rdsTags(Tags()),
				}))(p).DBSubnetGroup.DBSubnetGroupName
			}},
		{Type: "AWS::RDS::DBParameterGroup", Paths: []string{"tags.team"}, Change: taggedInRDS("pg"),
			Make: func(p *Place) string {
				return *ok(p.rds().CreateDBParameterGroup(p.Context(), &rds.CreateDBParameterGroupInput{
					DBParameterGroupName: aws.String("tuned"), DBParameterGroupFamily: aws.String("postgres16"), Description: aws.String("x"), Tags: rdsTags(Tags()),
				}))(p).DBParameterGroup.DBParameterGroupName
			}},
		{Type: "AWS::RDS::DBClusterParameterGroup", Paths: []string{"tags.team"}, Change: taggedInRDS("cluster-pg"),
			Make: func(p *Place) string {
				return *ok(p.rds().CreateDBClusterParameterGroup(p.Context(), &rds.CreateDBClusterParameterGroupInput{
					DBClusterParameterGroupName: aws.String("tuned"), DBParameterGroupFamily: aws.String("aurora-postgresql16"), Description: aws.String("x"), Tags: rdsTags(Tags()),
				}))(p).DBClusterParameterGroup.DBClusterParameterGroupName
			}},
		{Type: "AWS::RDS::GlobalCluster", Global: true, Fixed: "moto does not know ModifyGlobalCluster",
			Make: func(p *Place) string {
				return *ok(p.rds().CreateGlobalCluster(p.Context(), &rds.CreateGlobalClusterInput{
					GlobalClusterIdentifier: aws.String("world"), Engine: aws.String("aurora-postgresql"),
				}))(p).GlobalCluster.GlobalClusterIdentifier
			},
			Change: func(p *Place, id string) {
				ok(p.rds().DeleteGlobalCluster(p.Context(), &rds.DeleteGlobalClusterInput{GlobalClusterIdentifier: &id}))(p)
			}},
		{Type: "AWS::RDS::DBProxy", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				return *ok(p.rds().CreateDBProxy(p.Context(), &rds.CreateDBProxyInput{
					DBProxyName: aws.String("pool"), EngineFamily: rdstypes.EngineFamilyPostgresql, RoleArn: p.role("x"), VpcSubnetIds: p.subnets(), Tags: rdsTags(Tags()),
					Auth: []rdstypes.UserAuthConfig{{AuthScheme: rdstypes.AuthSchemeSecrets, SecretArn: aws.String("arn:s")}},
				}))(p).DBProxy.DBProxyName
			},
			Change: func(p *Place, id string) {
				arn := ok(p.rds().DescribeDBProxies(p.Context(), &rds.DescribeDBProxiesInput{DBProxyName: &id}))(p).DBProxies[0].DBProxyArn
				ok(p.rds().AddTagsToResource(p.Context(), &rds.AddTagsToResourceInput{ResourceName: arn, Tags: rdsTags(more())}))(p)
			}},
		{Type: "AWS::ElastiCache::SubnetGroup", Paths: []string{"tags.team"}, Change: taggedInCache("subnetgroup"),
			Make: func(p *Place) string {
				return *ok(p.cache().CreateCacheSubnetGroup(p.Context(), &elasticache.CreateCacheSubnetGroupInput{
					CacheSubnetGroupName: aws.String("inner"), CacheSubnetGroupDescription: aws.String("x"), SubnetIds: p.subnets(), Tags: cacheTags(Tags()),
				}))(p).CacheSubnetGroup.CacheSubnetGroupName
			}},
		{Type: "AWS::ElastiCache::CacheCluster", Paths: []string{"tags.team"}, Change: taggedInCache("cluster"),
			Make: func(p *Place) string {
				return *ok(p.cache().CreateCacheCluster(p.Context(), &elasticache.CreateCacheClusterInput{
					CacheClusterId: aws.String("sessions"), Engine: aws.String("redis"), CacheNodeType: aws.String("cache.t3.micro"), NumCacheNodes: aws.Int32(1), Tags: cacheTags(Tags()),
				}))(p).CacheCluster.CacheClusterId
			}},
		{Type: "AWS::ElastiCache::ReplicationGroup", Paths: []string{"tags.team"}, Change: taggedInCache("replicationgroup"),
			Make: func(p *Place) string {
				return *ok(p.cache().CreateReplicationGroup(p.Context(), &elasticache.CreateReplicationGroupInput{
					ReplicationGroupId: aws.String("carts"), ReplicationGroupDescription: aws.String("x"), Engine: aws.String("redis"), NumCacheClusters: aws.Int32(2), Tags: cacheTags(Tags()),
				}))(p).ReplicationGroup.ReplicationGroupId
			}},
		{Type: "AWS::MemoryDB::Cluster", Paths: []string{"attributes.Description"},
			Make: func(p *Place) string {
				return *ok(p.memorydb().CreateCluster(p.Context(), &memorydb.CreateClusterInput{
					ClusterName: aws.String("sessions"), NodeType: aws.String("db.t4g.small"), ACLName: aws.String("open-access"), NumShards: aws.Int32(2),
					Tags: tagsOf(Tags(), func(k, v *string) memorydbtypes.Tag { return memorydbtypes.Tag{Key: k, Value: v} }),
				}))(p).Cluster.Name
			},
			Change: func(p *Place, id string) {
				ok(p.memorydb().UpdateCluster(p.Context(), &memorydb.UpdateClusterInput{ClusterName: &id, Description: aws.String("b")}))(p)
			}},
		{Type: "AWS::DAX::Cluster", Paths: []string{"attributes.Nodes[hot-c]", "attributes.TotalNodes"}, Make: makeDAXCluster,
			Change: func(p *Place, id string) {
				ok(p.dax().IncreaseReplicationFactor(p.Context(), &dax.IncreaseReplicationFactorInput{ClusterName: &id, NewReplicationFactor: 3}))(p)
			}},
		{Type: "AWS::DynamoDB::Backup", Fixed: "DynamoDB changes no backup, and it has no tags",
			Make: func(p *Place) string {
				table := p.Need("AWS::DynamoDB::Table")
				arn := *ok(p.dynamodb().CreateBackup(p.Context(), &dynamodb.CreateBackupInput{TableName: &table, BackupName: aws.String("friday")}))(p).BackupDetails.BackupArn
				return table + "/" + arn[strings.LastIndexByte(arn, '/')+1:]
			},
			Change: func(p *Place, id string) {
				table, backup, _ := strings.Cut(id, "/")
				ok(p.dynamodb().DeleteBackup(p.Context(), &dynamodb.DeleteBackupInput{BackupArn: aws.String(p.arn("dynamodb", "table/"+table+"/backup/"+backup))}))(p)
			}},
	}
}

// makeDAXCluster asks for the cluster until it is available: moto gives it its nodes then, and
// brings it there by being asked.
func makeDAXCluster(p *Place) string {
	const asked = 10 // more often than moto needs
	id := *ok(p.dax().CreateCluster(p.Context(), &dax.CreateClusterInput{
		ClusterName: aws.String("hot"), NodeType: aws.String("dax.t3.small"), ReplicationFactor: 2, IamRoleArn: p.role("dax"),
		Tags: tagsOf(Tags(), func(k, v *string) daxtypes.Tag { return daxtypes.Tag{Key: k, Value: v} }),
	}))(p).Cluster.ClusterName
	for range asked {
		made := ok(p.dax().DescribeClusters(p.Context(), &dax.DescribeClustersInput{ClusterNames: []string{id}}))(p).Clusters
		if *made[0].Status == "available" {
			return id
		}
	}
	p.Fatalf("the DAX cluster is not available after it was asked for %d times", asked)
	return ""
}
