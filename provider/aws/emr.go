package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/emr"
	"github.com/aws/aws-sdk-go-v2/service/emr/types"

	"github.com/elava-dev/elava/resource"
)

func emrCollectors() []lister { return []lister{emrClusters()} }

// emrClusters lists the clusters that are not terminated.
func emrClusters() lister {
	return &collector[types.Cluster]{
		rules: resource.Schema{
			Type: "AWS::EMR::Cluster", Version: 1,
			Omit: []string{"Tags", "Status", "NormalizedInstanceHours"},
			Sets: map[string]string{
				"Applications":   "{Name}",
				"Configurations": "{Classification}",
				"Ec2InstanceAttributes.AdditionalMasterSecurityGroups": "",
				"Ec2InstanceAttributes.AdditionalSlaveSecurityGroups":  "",
				"Ec2InstanceAttributes.RequestedEc2AvailabilityZones":  "",
				"Ec2InstanceAttributes.RequestedEc2SubnetIds":          "",
				"PlacementGroups": "{InstanceRole}",
			}, // not Configurations.Configurations: they nest without an end
			Secrets: []string{"Configurations", "KerberosAttributes.ADDomainJoinPassword", "KerberosAttributes.CrossRealmTrustPrincipalPassword", "KerberosAttributes.KdcAdminPassword"},
		},
		action: "elasticmapreduce:ListClusters",
		pages: func(cfg aws.Config) source[types.Cluster] {
			return paged(emr.NewFromConfig(cfg).ListClusters,
				func(token *string) *emr.ListClustersInput {
					return &emr.ListClustersInput{ClusterStates: emrLive(), Marker: token}
				},
				func(o *emr.ListClustersOutput) ([]types.Cluster, *string) {
					return converted(o.Clusters, func(c types.ClusterSummary) types.Cluster { return types.Cluster{Id: c.Id} }), o.Marker
				})
		},
		details: func(cfg aws.Config) []detail[types.Cluster] {
			return []detail[types.Cluster]{describing("elasticmapreduce:DescribeCluster", emr.NewFromConfig(cfg).DescribeCluster,
				func(c *types.Cluster) *emr.DescribeClusterInput { return &emr.DescribeClusterInput{ClusterId: c.Id} },
				func(c *types.Cluster, o *emr.DescribeClusterOutput) bool {
					return replaced(c, o.Cluster, func(c *types.Cluster) *string { return c.Id })
				})}
		},
		terminal: []string{string(types.ClusterStateTerminated), string(types.ClusterStateTerminatedWithErrors)},
		read: func(c *types.Cluster) facts {
			f := facts{
				ID: c.Id, ARN: c.ClusterArn, Name: aws.ToString(c.Name),
				Tags: tagMap(c.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value }),
			}
			if s := c.Status; s != nil {
				f.Status = string(s.State)
				if s.Timeline != nil {
					f.Created = s.Timeline.CreationDateTime
				}
			}
			return f
		},
	}
}

// emrLive are the states before the end.
func emrLive() []types.ClusterState {
	return []types.ClusterState{
		types.ClusterStateStarting, types.ClusterStateBootstrapping, types.ClusterStateRunning, types.ClusterStateWaiting, types.ClusterStateTerminating,
	}
}
