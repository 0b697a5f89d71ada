package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/redshift/types"

	"github.com/elava-dev/elava/resource"
)

// redshiftPage is the most records that Redshift gives at a time (Redshift API Reference).
const redshiftPage = 100

func redshiftTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

func redshiftCollectors() []lister {
	return []lister{redshiftClusters(), redshiftSubnetGroups(), redshiftParameterGroups()}
}

func redshiftClusters() lister {
	return &collector[types.Cluster]{
		rules: resource.Schema{
			Type: "AWS::Redshift::Cluster", Version: 1,
			Omit: []string{"Tags", "ClusterStatus", "ClusterAvailabilityStatus", "ModifyStatus", "ClusterRevisionNumber", "RestoreStatus", "DataTransferProgress", "ResizeInfo", "ClusterParameterGroups.ParameterApplyStatus", "ClusterParameterGroups.ClusterParameterStatusList", "ExpectedNextSnapshotScheduleTime", "ExpectedNextSnapshotScheduleTimeStatus", "NextMaintenanceWindowStartTime", "ElasticResizeNumberOfNodeOptions"},
			Sets: map[string]string{
				"ClusterNodes":                            "{NodeRole}:{PrivateIPAddress}",
				"ClusterParameterGroups":                  "{ParameterGroupName}",
				"ClusterSecurityGroups":                   "{ClusterSecurityGroupName}",
				"DeferredMaintenanceWindows":              "{DeferMaintenanceIdentifier}",
				"Endpoint.VpcEndpoints":                   "{VpcEndpointId}",
				"Endpoint.VpcEndpoints.NetworkInterfaces": "{NetworkInterfaceId}",
				"IamRoles":                                "{IamRoleArn}",
				"MultiAZSecondary.ClusterNodes":           "{NodeRole}:{PrivateIPAddress}",
				"PendingActions":                          "",
				"VpcSecurityGroups":                       "{VpcSecurityGroupId}",
			},
			Secrets: []string{"PendingModifiedValues.MasterUserPassword"},
		},
		action: "redshift:DescribeClusters",
		pages: func(cfg aws.Config) source[types.Cluster] {
			return paged(redshift.NewFromConfig(cfg).DescribeClusters,
				func(token *string) *redshift.DescribeClustersInput {
					return &redshift.DescribeClustersInput{MaxRecords: aws.Int32(redshiftPage), Marker: token}
				},
				func(o *redshift.DescribeClustersOutput) ([]types.Cluster, *string) { return o.Clusters, o.Marker })
		},
		arn: "arn:{partition}:redshift:{region}:{account}:cluster:{id}",
		read: func(c *types.Cluster) facts {
			return facts{
				ID: c.ClusterIdentifier, Name: aws.ToString(c.ClusterIdentifier), Status: aws.ToString(c.ClusterStatus),
				UID: after(aws.ToString(c.ClusterNamespaceArn), ":"), Created: c.ClusterCreateTime, Tags: redshiftTags(c.Tags),
			}
		},
	}
}

func redshiftSubnetGroups() lister {
	return &collector[types.ClusterSubnetGroup]{
		rules: resource.Schema{
			Type: "AWS::Redshift::ClusterSubnetGroup", Version: 1,
			Omit: []string{"Tags", "SubnetGroupStatus"},
			Sets: map[string]string{
				"Subnets": "{SubnetIdentifier}",
				"Subnets.SubnetAvailabilityZone.SupportedPlatforms": "{Name}",
				"SupportedClusterIpAddressTypes":                    "",
			},
		},
		action: "redshift:DescribeClusterSubnetGroups",
		pages: func(cfg aws.Config) source[types.ClusterSubnetGroup] {
			return paged(redshift.NewFromConfig(cfg).DescribeClusterSubnetGroups,
				func(token *string) *redshift.DescribeClusterSubnetGroupsInput {
					return &redshift.DescribeClusterSubnetGroupsInput{MaxRecords: aws.Int32(redshiftPage), Marker: token}
				},
				func(o *redshift.DescribeClusterSubnetGroupsOutput) ([]types.ClusterSubnetGroup, *string) {
					return o.ClusterSubnetGroups, o.Marker
				})
		},
		arn: "arn:{partition}:redshift:{region}:{account}:subnetgroup:{id}",
		read: func(g *types.ClusterSubnetGroup) facts {
			return facts{
				ID: g.ClusterSubnetGroupName, Name: aws.ToString(g.ClusterSubnetGroupName), Status: aws.ToString(g.SubnetGroupStatus), Tags: redshiftTags(g.Tags),
			}
		},
	}
}

// redshiftParameterGroups lists the groups, not the parameters in them.
func redshiftParameterGroups() lister {
	return &collector[types.ClusterParameterGroup]{
		rules: resource.Schema{
			Type: "AWS::Redshift::ClusterParameterGroup", Version: 1,
			Omit: []string{"Tags"},
		},
		action: "redshift:DescribeClusterParameterGroups",
		pages: func(cfg aws.Config) source[types.ClusterParameterGroup] {
			return paged(redshift.NewFromConfig(cfg).DescribeClusterParameterGroups,
				func(token *string) *redshift.DescribeClusterParameterGroupsInput {
					return &redshift.DescribeClusterParameterGroupsInput{MaxRecords: aws.Int32(redshiftPage), Marker: token}
				},
				func(o *redshift.DescribeClusterParameterGroupsOutput) ([]types.ClusterParameterGroup, *string) {
					return o.ParameterGroups, o.Marker
				})
		},
		arn: "arn:{partition}:redshift:{region}:{account}:parametergroup:{id}",
		read: func(g *types.ClusterParameterGroup) facts {
			return facts{ID: g.ParameterGroupName, Name: aws.ToString(g.ParameterGroupName), Tags: redshiftTags(g.Tags)}
		},
	}
}
