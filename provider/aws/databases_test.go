package aws_test

import "testing"

func TestMoto_RDS(t *testing.T) {
	inv, _ := moto(t).checkPopulated(t, "AWS::RDS::DBSnapshot", "AWS::RDS::DBClusterSnapshot", "AWS::RDS::DBSubnetGroup", "AWS::RDS::DBParameterGroup", "AWS::RDS::DBClusterParameterGroup", "AWS::RDS::GlobalCluster", "AWS::RDS::DBProxy")
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
	inv, _ := moto(t).checkPopulated(t, "AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::SubnetGroup")
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
