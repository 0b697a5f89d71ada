package aws_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	elasticachetypes "github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// subnets makes a VPC with two subnets.
func (c *cloud) subnets(t *testing.T) []string {
	e := ec2.NewFromConfig(c.config(t))
	vpc := must[*ec2.CreateVpcOutput](t)(e.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")}))
	var ids []string
	for zone, cidr := range map[string]string{"us-east-1a": "10.9.1.0/24", "us-east-1b": "10.9.2.0/24"} {
		s := must[*ec2.CreateSubnetOutput](t)(e.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{
			VpcId: vpc.Vpc.VpcId, CidrBlock: &cidr, AvailabilityZone: &zone,
		}))
		ids = append(ids, *s.Subnet.SubnetId)
	}
	return ids
}

func TestMoto_RDS(t *testing.T) {
	c := moto(t)
	ctx, r := t.Context(), rds.NewFromConfig(c.config(t))
	tags := tagsOf(func(k, v *string) rdstypes.Tag { return rdstypes.Tag{Key: k, Value: v} })
	name, subnets := aws.String("orders"), c.subnets(t)
	must[*rds.CreateDBInstanceOutput](t)(r.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: name, DBInstanceClass: aws.String("db.t3.micro"), Engine: aws.String("postgres"), AllocatedStorage: aws.Int32(20),
		MasterUsername: aws.String("root"), MasterUserPassword: aws.String("hunter22"),
	}))
	must[*rds.CreateDBSnapshotOutput](t)(r.CreateDBSnapshot(ctx, &rds.CreateDBSnapshotInput{
		DBInstanceIdentifier: name, DBSnapshotIdentifier: aws.String("friday"), Tags: tags,
	}))
	must[*rds.CreateDBClusterOutput](t)(r.CreateDBCluster(ctx, &rds.CreateDBClusterInput{
		DBClusterIdentifier: aws.String("ledger"), Engine: aws.String("aurora-postgresql"),
		MasterUsername: aws.String("root"), MasterUserPassword: aws.String("hunter22"),
	}))
	must[*rds.CreateDBClusterSnapshotOutput](t)(r.CreateDBClusterSnapshot(ctx, &rds.CreateDBClusterSnapshotInput{
		DBClusterIdentifier: aws.String("ledger"), DBClusterSnapshotIdentifier: aws.String("saturday"), Tags: tags,
	}))
	must[*rds.CreateDBSubnetGroupOutput](t)(r.CreateDBSubnetGroup(ctx, &rds.CreateDBSubnetGroupInput{
		DBSubnetGroupName: aws.String("inner"), DBSubnetGroupDescription: aws.String("x"), SubnetIds: subnets, Tags: tags,
	}))
	must[*rds.CreateDBParameterGroupOutput](t)(r.CreateDBParameterGroup(ctx, &rds.CreateDBParameterGroupInput{
		DBParameterGroupName: aws.String("tuned"), DBParameterGroupFamily: aws.String("postgres16"), Description: aws.String("x"), Tags: tags,
	}))
	must[*rds.CreateDBClusterParameterGroupOutput](t)(r.CreateDBClusterParameterGroup(ctx, &rds.CreateDBClusterParameterGroupInput{
		DBClusterParameterGroupName: aws.String("tuned"), DBParameterGroupFamily: aws.String("aurora-postgresql16"), Description: aws.String("x"), Tags: tags,
	}))
	must[*rds.CreateGlobalClusterOutput](t)(r.CreateGlobalCluster(ctx, &rds.CreateGlobalClusterInput{
		GlobalClusterIdentifier: aws.String("world"), Engine: aws.String("aurora-postgresql"),
	}))
	must[*rds.CreateDBProxyOutput](t)(r.CreateDBProxy(ctx, &rds.CreateDBProxyInput{
		DBProxyName: aws.String("pool"), EngineFamily: rdstypes.EngineFamilyPostgresql, RoleArn: aws.String("arn:aws:iam::1:role/x"), VpcSubnetIds: subnets, Tags: tags,
		Auth: []rdstypes.UserAuthConfig{{AuthScheme: rdstypes.AuthSchemeSecrets, SecretArn: aws.String("arn:s")}},
	}))
	// moto makes automated snapshots and a default group by itself, as RDS does.
	snapshots, clusterSnapshots := []string{"friday"}, []string{"saturday"}
	for _, s := range must[*rds.DescribeDBSnapshotsOutput](t)(r.DescribeDBSnapshots(ctx, &rds.DescribeDBSnapshotsInput{SnapshotType: aws.String("automated")})).DBSnapshots {
		snapshots = append(snapshots, *s.DBSnapshotIdentifier)
	}
	for _, s := range must[*rds.DescribeDBClusterSnapshotsOutput](t)(r.DescribeDBClusterSnapshots(ctx, &rds.DescribeDBClusterSnapshotsInput{SnapshotType: aws.String("automated")})).DBClusterSnapshots {
		clusterSnapshots = append(clusterSnapshots, *s.DBClusterSnapshotIdentifier)
	}
	inv := checkFound(t, c, map[string][]string{
		"AWS::RDS::DBSnapshot":              snapshots,
		"AWS::RDS::DBClusterSnapshot":       clusterSnapshots,
		"AWS::RDS::DBSubnetGroup":           {"inner"},
		"AWS::RDS::DBParameterGroup":        {"default.postgres9.3", "tuned"},
		"AWS::RDS::DBClusterParameterGroup": {"tuned"},
		"AWS::RDS::GlobalCluster":           {"world"},
		"AWS::RDS::DBProxy":                 {"pool"},
	})
	for typ, id := range map[string]string{
		"AWS::RDS::DBSnapshot": "friday", "AWS::RDS::DBClusterSnapshot": "saturday", "AWS::RDS::DBSubnetGroup": "inner",
		"AWS::RDS::DBParameterGroup": "tuned", "AWS::RDS::DBClusterParameterGroup": "tuned", "AWS::RDS::DBProxy": "pool",
	} {
		wantTags(t, inv.get(t, typ, id), wantedTags)
	}
	if s := inv.get(t, "AWS::RDS::DBSnapshot", "friday"); s.Status != "available" || s.CreatedAt.IsZero() {
		t.Errorf("got %+v", s)
	}
}

// moto tells other option groups than those that were made.
func TestRDS_OptionGroups(t *testing.T) {
	c := answers(t, map[string]string{
		"DescribeOptionGroups": `<DescribeOptionGroupsResponse><DescribeOptionGroupsResult><OptionGroupsList>
			<OptionGroup><OptionGroupName>audit</OptionGroupName><OptionGroupArn>arn:aws:rds:us-east-1:123456789012:og:audit</OptionGroupArn>
			<EngineName>mysql</EngineName><Options><Option><OptionName>MARIADB_AUDIT_PLUGIN</OptionName><OptionSettings>
			<OptionSetting><Name>SERVER_AUDIT</Name><Value>ON</Value></OptionSetting></OptionSettings></Option></Options></OptionGroup>
			</OptionGroupsList></DescribeOptionGroupsResult></DescribeOptionGroupsResponse>`,
		"ListTagsForResource": `<ListTagsForResourceResponse><ListTagsForResourceResult><TagList><Tag><Key>env</Key><Value>prod</Value></Tag></TagList></ListTagsForResourceResult></ListTagsForResourceResponse>`,
	})
	g := checkFound(t, c, map[string][]string{"AWS::RDS::OptionGroup": {"audit"}}).get(t, "AWS::RDS::OptionGroup", "audit")
	wantTags(t, g, map[string]string{"env": "prod"})
	wantAt(t, g, "ON", "Options", 0, "OptionSettings", 0, "Value")
}

func TestMoto_ElastiCache(t *testing.T) {
	c := moto(t)
	ctx, e := t.Context(), elasticache.NewFromConfig(c.config(t))
	tags := tagsOf(func(k, v *string) elasticachetypes.Tag { return elasticachetypes.Tag{Key: k, Value: v} })
	must[*elasticache.CreateCacheSubnetGroupOutput](t)(e.CreateCacheSubnetGroup(ctx, &elasticache.CreateCacheSubnetGroupInput{
		CacheSubnetGroupName: aws.String("inner"), CacheSubnetGroupDescription: aws.String("x"), SubnetIds: c.subnets(t), Tags: tags,
	}))
	must[*elasticache.CreateCacheClusterOutput](t)(e.CreateCacheCluster(ctx, &elasticache.CreateCacheClusterInput{
		CacheClusterId: aws.String("sessions"), Engine: aws.String("redis"), CacheNodeType: aws.String("cache.t3.micro"), NumCacheNodes: aws.Int32(1), Tags: tags,
	}))
	must[*elasticache.CreateReplicationGroupOutput](t)(e.CreateReplicationGroup(ctx, &elasticache.CreateReplicationGroupInput{
		ReplicationGroupId: aws.String("carts"), ReplicationGroupDescription: aws.String("x"), Engine: aws.String("redis"), NumCacheClusters: aws.Int32(2), Tags: tags,
	}))
	inv := checkFound(t, c, map[string][]string{
		"AWS::ElastiCache::CacheCluster":     {"sessions"},
		"AWS::ElastiCache::ReplicationGroup": {"carts"},
		"AWS::ElastiCache::SubnetGroup":      {"inner"},
	})
	for typ, id := range map[string]string{
		"AWS::ElastiCache::CacheCluster": "sessions", "AWS::ElastiCache::ReplicationGroup": "carts", "AWS::ElastiCache::SubnetGroup": "inner",
	} {
		wantTags(t, inv.get(t, typ, id), wantedTags)
	}
}

// moto has no parameter groups.
func TestElastiCache_ParameterGroups(t *testing.T) {
	c := answers(t, map[string]string{
		"DescribeCacheParameterGroups": `<DescribeCacheParameterGroupsResponse><DescribeCacheParameterGroupsResult><CacheParameterGroups>
			<CacheParameterGroup><CacheParameterGroupName>tuned</CacheParameterGroupName><CacheParameterGroupFamily>redis7</CacheParameterGroupFamily>
			<ARN>arn:aws:elasticache:us-east-1:123456789012:parametergroup:tuned</ARN><IsGlobal>false</IsGlobal></CacheParameterGroup>
			</CacheParameterGroups></DescribeCacheParameterGroupsResult></DescribeCacheParameterGroupsResponse>`,
		"ListTagsForResource": `<ListTagsForResourceResponse><ListTagsForResourceResult><TagList><Tag><Key>env</Key><Value>prod</Value></Tag></TagList></ListTagsForResourceResult></ListTagsForResourceResponse>`,
	})
	g := checkFound(t, c, map[string][]string{"AWS::ElastiCache::ParameterGroup": {"tuned"}}).get(t, "AWS::ElastiCache::ParameterGroup", "tuned")
	wantTags(t, g, map[string]string{"env": "prod"})
	wantAt(t, g, "redis7", "CacheParameterGroupFamily")
}
