package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/elava-dev/elava/resource"
)

// eksPage is the most that EKS's lists give (EKS API Reference).
const eksPage = 100

const (
	eksList = "eks:ListClusters"
	eksGone = "ResourceNotFoundException"
)

func eksCollectors() []lister {
	return []lister{eksClusters(), eksNodegroups(), eksFargateProfiles(), eksAddons()}
}

func eksClusterNames(cfg aws.Config) pager[string] {
	return paged(eks.NewFromConfig(cfg).ListClusters,
		func(token *string) *eks.ListClustersInput {
			return &eks.ListClustersInput{MaxResults: aws.Int32(eksPage), NextToken: token}
		},
		func(o *eks.ListClustersOutput) ([]string, *string) { return o.Clusters, o.NextToken })
}

func eksClusters() lister {
	return &collector[types.Cluster]{
		rules: resource.Schema{
			Type: "AWS::EKS::Cluster", Version: 1,
			Omit: []string{"Tags", "Status", "Health", "ClientRequestToken"},
			Sets: map[string]string{
				"ComputeConfig.NodePools":    "",
				"EncryptionConfig":           "",
				"EncryptionConfig.Resources": "",
				"KubeSchedulerConfig.NodeResourcesFit.ScoringStrategy.Resources": "{Name}",
				"Logging.ClusterLogging":                       "{Enabled}",
				"Logging.ClusterLogging.Types":                 "",
				"OutpostConfig.OutpostArns":                    "",
				"RemoteNetworkConfig.RemoteNodeNetworks":       "",
				"RemoteNetworkConfig.RemoteNodeNetworks.Cidrs": "",
				"RemoteNetworkConfig.RemotePodNetworks":        "",
				"RemoteNetworkConfig.RemotePodNetworks.Cidrs":  "",
				"ResourcesVpcConfig.PublicAccessCidrs":         "",
				"ResourcesVpcConfig.SecurityGroupIds":          "",
				"ResourcesVpcConfig.SubnetIds":                 "",
			},
			Secrets: []string{"ConnectorConfig.ActivationCode"},
		},
		action: eksList,
		pages: func(cfg aws.Config) source[types.Cluster] {
			return converting(eksClusterNames(cfg), func(name string) types.Cluster { return types.Cluster{Name: &name} })
		},
		details: func(cfg aws.Config) []detail[types.Cluster] {
			return []detail[types.Cluster]{describing("eks:DescribeCluster", eks.NewFromConfig(cfg).DescribeCluster,
				func(c *types.Cluster) *eks.DescribeClusterInput { return &eks.DescribeClusterInput{Name: c.Name} },
				func(c *types.Cluster, o *eks.DescribeClusterOutput) bool {
					return replaced(c, o.Cluster, func(c *types.Cluster) *string { return c.Name })
				})}
		},
		vanished: []string{eksGone},
		read: func(c *types.Cluster) facts {
			return facts{
				ID: c.Name, ARN: c.Arn, Name: aws.ToString(c.Name), Status: string(c.Status), Created: c.CreatedAt, Tags: c.Tags,
			}
		},
	}
}

// underCluster is the list of what stands below every cluster: list returns the names of
// those of one cluster.
func underCluster[T any](cfg aws.Config, list func(cluster *string) pager[string], named func(cluster, name *string) T) source[T] {
	return under(source[string](eksClusterNames(cfg)), eksList, []string{eksGone}, func(cluster *string) source[T] {
		return converting(list(cluster), func(name string) T { return named(cluster, &name) })
	})
}

func eksNodegroups() lister {
	id := func(g *types.Nodegroup) *string { return within(g.ClusterName, g.NodegroupName) }
	return &collector[types.Nodegroup]{
		rules: resource.Schema{
			Type: "AWS::EKS::Nodegroup", Version: 1,
			Omit: []string{"Tags", "Status", "Health", "ModifiedAt"},
			Sets: map[string]string{
				"NodeRepairConfig.NodeRepairConfigOverrides": "{NodeMonitoringCondition}:{NodeUnhealthyReason}",
				"RemoteAccess.SourceSecurityGroups":          "",
				"Resources.AutoScalingGroups":                "{Name}",
				"Subnets":                                    "",
				"Taints":                                     "{Key}:{Effect}",
			}, // not InstanceTypes: the first ones are preferred
		},
		action: "eks:ListNodegroups", parentAction: eksList,
		pages: func(cfg aws.Config) source[types.Nodegroup] {
			list := eks.NewFromConfig(cfg).ListNodegroups
			return underCluster(cfg, func(cluster *string) pager[string] {
				return paged(list,
					func(token *string) *eks.ListNodegroupsInput {
						return &eks.ListNodegroupsInput{ClusterName: cluster, MaxResults: aws.Int32(eksPage), NextToken: token}
					},
					func(o *eks.ListNodegroupsOutput) ([]string, *string) { return o.Nodegroups, o.NextToken })
			}, func(cluster, name *string) types.Nodegroup {
				return types.Nodegroup{ClusterName: cluster, NodegroupName: name}
			})
		},
		details: func(cfg aws.Config) []detail[types.Nodegroup] {
			return []detail[types.Nodegroup]{describing("eks:DescribeNodegroup", eks.NewFromConfig(cfg).DescribeNodegroup,
				func(g *types.Nodegroup) *eks.DescribeNodegroupInput {
					return &eks.DescribeNodegroupInput{ClusterName: g.ClusterName, NodegroupName: g.NodegroupName}
				},
				func(g *types.Nodegroup, o *eks.DescribeNodegroupOutput) bool { return replaced(g, o.Nodegroup, id) })}
		},
		vanished: []string{eksGone},
		read: func(g *types.Nodegroup) facts {
			return facts{
				ID: id(g), ARN: g.NodegroupArn, Name: aws.ToString(g.NodegroupName), Status: string(g.Status),
				UID: after(aws.ToString(g.NodegroupArn), "/"), Created: g.CreatedAt, Tags: g.Tags,
			}
		},
	}
}

func eksFargateProfiles() lister {
	id := func(p *types.FargateProfile) *string { return within(p.ClusterName, p.FargateProfileName) }
	return &collector[types.FargateProfile]{
		rules: resource.Schema{
			Type: "AWS::EKS::FargateProfile", Version: 1,
			Omit: []string{"Tags", "Status", "Health"},
			Sets: map[string]string{"Selectors": "{Namespace}", "Subnets": ""},
		},
		action: "eks:ListFargateProfiles", parentAction: eksList,
		pages: func(cfg aws.Config) source[types.FargateProfile] {
			list := eks.NewFromConfig(cfg).ListFargateProfiles
			return underCluster(cfg, func(cluster *string) pager[string] {
				return paged(list,
					func(token *string) *eks.ListFargateProfilesInput {
						return &eks.ListFargateProfilesInput{ClusterName: cluster, MaxResults: aws.Int32(eksPage), NextToken: token}
					},
					func(o *eks.ListFargateProfilesOutput) ([]string, *string) { return o.FargateProfileNames, o.NextToken })
			}, func(cluster, name *string) types.FargateProfile {
				return types.FargateProfile{ClusterName: cluster, FargateProfileName: name}
			})
		},
		details: func(cfg aws.Config) []detail[types.FargateProfile] {
			return []detail[types.FargateProfile]{describing("eks:DescribeFargateProfile", eks.NewFromConfig(cfg).DescribeFargateProfile,
				func(p *types.FargateProfile) *eks.DescribeFargateProfileInput {
					return &eks.DescribeFargateProfileInput{ClusterName: p.ClusterName, FargateProfileName: p.FargateProfileName}
				},
				func(p *types.FargateProfile, o *eks.DescribeFargateProfileOutput) bool {
					return replaced(p, o.FargateProfile, id)
				})}
		},
		vanished: []string{eksGone},
		read: func(p *types.FargateProfile) facts {
			return facts{
				ID: id(p), ARN: p.FargateProfileArn, Name: aws.ToString(p.FargateProfileName), Status: string(p.Status),
				UID: after(aws.ToString(p.FargateProfileArn), "/"), Created: p.CreatedAt, Tags: p.Tags,
			}
		},
	}
}

func eksAddons() lister {
	id := func(a *types.Addon) *string { return within(a.ClusterName, a.AddonName) }
	return &collector[types.Addon]{
		rules: resource.Schema{
			Type: "AWS::EKS::Addon", Version: 1,
			Omit: []string{"Tags", "Status", "Health", "ModifiedAt"},
			Sets: map[string]string{"PodIdentityAssociations": ""},
		},
		action: "eks:ListAddons", parentAction: eksList,
		pages: func(cfg aws.Config) source[types.Addon] {
			list := eks.NewFromConfig(cfg).ListAddons
			return underCluster(cfg, func(cluster *string) pager[string] {
				return paged(list,
					func(token *string) *eks.ListAddonsInput {
						return &eks.ListAddonsInput{ClusterName: cluster, MaxResults: aws.Int32(eksPage), NextToken: token}
					},
					func(o *eks.ListAddonsOutput) ([]string, *string) { return o.Addons, o.NextToken })
			}, func(cluster, name *string) types.Addon { return types.Addon{ClusterName: cluster, AddonName: name} })
		},
		details: func(cfg aws.Config) []detail[types.Addon] {
			return []detail[types.Addon]{describing("eks:DescribeAddon", eks.NewFromConfig(cfg).DescribeAddon,
				func(a *types.Addon) *eks.DescribeAddonInput {
					return &eks.DescribeAddonInput{ClusterName: a.ClusterName, AddonName: a.AddonName}
				},
				func(a *types.Addon, o *eks.DescribeAddonOutput) bool { return replaced(a, o.Addon, id) })}
		},
		vanished: []string{eksGone},
		read: func(a *types.Addon) facts {
			return facts{
				ID: id(a), ARN: a.AddonArn, Name: aws.ToString(a.AddonName), Status: string(a.Status),
				UID: after(aws.ToString(a.AddonArn), "/"), Created: a.CreatedAt, Tags: a.Tags,
			}
		},
	}
}
