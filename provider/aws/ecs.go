package aws

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/elava-dev/elava/resource"
)

// ecsPage is the most that ECS's lists give and that DescribeClusters takes, ecsBatch the
// most that DescribeServices takes and DescribeCapacityProviders gives (ECS API Reference).
const (
	ecsPage  = 100
	ecsBatch = 10
)

func ecsCollectors() []lister {
	return []lister{ecsClusters(), ecsServices(), ecsTaskDefinitions(), ecsCapacityProviders()}
}

func ecsTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

func ecsClusterARNs(cfg aws.Config) pager[string] {
	return paged(ecs.NewFromConfig(cfg).ListClusters,
		func(token *string) *ecs.ListClustersInput {
			return &ecs.ListClustersInput{MaxResults: aws.Int32(ecsPage), NextToken: token}
		},
		func(o *ecs.ListClustersOutput) ([]string, *string) { return o.ClusterArns, o.NextToken })
}

// ecsMissing are the ARNs of a batch that ECS does not know (ECS Developer Guide, "API
// failure reasons").
func ecsMissing(failures []types.Failure) []string {
	var all []string
	for _, f := range failures {
		if aws.ToString(f.Reason) == "MISSING" {
			all = append(all, aws.ToString(f.Arn))
		}
	}
	return all
}

func ecsClusters() lister {
	arn := func(c *types.Cluster) *string { return c.ClusterArn }
	return &collector[types.Cluster]{
		rules: resource.Schema{
			Type: "AWS::ECS::Cluster", Version: 1,
			Omit: []string{
				"Tags", "Status", "Statistics",
				"ActiveServicesCount", "PendingTasksCount", "RegisteredContainerInstancesCount", "RunningTasksCount",
			},
			Sets: map[string]string{
				"Attachments":                     "{Id}",
				"Attachments.Details":             "{Name}",
				"CapacityProviders":               "",
				"DefaultCapacityProviderStrategy": "{CapacityProvider}",
				"Settings":                        "{Name}",
			},
		},
		action: "ecs:ListClusters",
		pages: func(cfg aws.Config) source[types.Cluster] {
			return paged(ecs.NewFromConfig(cfg).ListClusters,
				func(token *string) *ecs.ListClustersInput {
					return &ecs.ListClustersInput{MaxResults: aws.Int32(ecsPage), NextToken: token}
				},
				func(o *ecs.ListClustersOutput) ([]types.Cluster, *string) {
					return converted(o.ClusterArns, func(arn string) types.Cluster { return types.Cluster{ClusterArn: &arn} }), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[types.Cluster] {
			return []detail[types.Cluster]{describingAll("ecs:DescribeClusters", ecsPage, ecs.NewFromConfig(cfg).DescribeClusters,
				func(batch []*types.Cluster) *ecs.DescribeClustersInput {
					return &ecs.DescribeClustersInput{Clusters: ids(batch, arn), Include: []types.ClusterField{
						types.ClusterFieldAttachments, types.ClusterFieldConfigurations, types.ClusterFieldSettings, types.ClusterFieldTags,
					}}
				},
				func(o *ecs.DescribeClustersOutput) []types.Cluster { return o.Clusters },
				func(o *ecs.DescribeClustersOutput) []string { return ecsMissing(o.Failures) }, arn)}
		},
		terminal: []string{"INACTIVE"},
		read: func(c *types.Cluster) facts {
			return facts{
				ID: c.ClusterName, ARN: c.ClusterArn, Name: aws.ToString(c.ClusterName), Status: aws.ToString(c.Status), Tags: ecsTags(c.Tags),
			}
		},
	}
}

// ecsServices names a service by its cluster and its own name: names are unique within a
// cluster.
func ecsServices() lister {
	arn := func(s *types.Service) *string { return s.ServiceArn }
	return &collector[types.Service]{
		rules: resource.Schema{
			Type: "AWS::ECS::Service", Version: 1,
			Omit: []string{
				"Tags", "Status", "Events", "PendingCount", "RunningCount",
				"CurrentServiceRevisions.PendingTaskCount", "CurrentServiceRevisions.RequestedTaskCount", "CurrentServiceRevisions.RunningTaskCount",
				"Deployments.DesiredCount", "Deployments.FailedTasks", "Deployments.PendingCount", "Deployments.RunningCount", "Deployments.UpdatedAt",
				"TaskSets.ComputedDesiredCount", "TaskSets.PendingCount", "TaskSets.RunningCount", "TaskSets.StabilityStatusAt", "TaskSets.UpdatedAt",
			},
			Sets:    ecsServiceSets(),
			Secrets: []string{"Deployments.ServiceConnectConfiguration.LogConfiguration.Options"},
		},
		action: "ecs:ListServices", parentAction: "ecs:ListClusters",
		pages: func(cfg aws.Config) source[types.Service] {
			list := ecs.NewFromConfig(cfg).ListServices
			return under(source[string](ecsClusterARNs(cfg)), "ecs:ListClusters", []string{"ClusterNotFoundException"},
				func(cluster *string) source[types.Service] {
					return paged(list,
						func(token *string) *ecs.ListServicesInput {
							return &ecs.ListServicesInput{Cluster: cluster, MaxResults: aws.Int32(ecsPage), NextToken: token}
						},
						func(o *ecs.ListServicesOutput) ([]types.Service, *string) {
							return converted(o.ServiceArns, func(arn string) types.Service {
								return types.Service{ServiceArn: &arn, ClusterArn: cluster}
							}), o.NextToken
						})
				})
		},
		details: func(cfg aws.Config) []detail[types.Service] {
			return []detail[types.Service]{describingAll("ecs:DescribeServices", ecsBatch, ecs.NewFromConfig(cfg).DescribeServices,
				func(batch []*types.Service) *ecs.DescribeServicesInput {
					return &ecs.DescribeServicesInput{ // a page has the services of one cluster
						Cluster: batch[0].ClusterArn, Services: ids(batch, arn), Include: []types.ServiceField{types.ServiceFieldTags},
					}
				},
				func(o *ecs.DescribeServicesOutput) []types.Service { return o.Services },
				func(o *ecs.DescribeServicesOutput) []string { return ecsMissing(o.Failures) }, arn)}
		},
		vanished: []string{"ClusterNotFoundException"},
		terminal: []string{"INACTIVE"},
		read: func(s *types.Service) facts {
			return facts{
				ID: aws.String(after(aws.ToString(s.ClusterArn), "/") + "/" + aws.ToString(s.ServiceName)), ARN: s.ServiceArn,
				Name: aws.ToString(s.ServiceName), Status: aws.ToString(s.Status), Created: s.CreatedAt, Tags: ecsTags(s.Tags),
			}
		},
	}
}

// ecsServiceSets leaves PlacementStrategy out: ECS applies its elements in their order.
func ecsServiceSets() map[string]string {
	sets := map[string]string{
		"CurrentServiceRevisions":                                "{Arn}",
		"DeploymentConfiguration.Alarms.AlarmNames":              "",
		"DeploymentConfiguration.LifecycleHooks":                 "{HookTargetArn}",
		"DeploymentConfiguration.LifecycleHooks.LifecycleStages": "",
		"Deployments": "{Id}",
		"Deployments.ServiceConnectConfiguration.LogConfiguration.SecretOptions":   "{Name}",
		"Deployments.ServiceConnectConfiguration.Services":                         "{PortName}",
		"Deployments.ServiceConnectConfiguration.Services.ClientAliases":           "{DnsName}:{Port}",
		"Deployments.ServiceConnectResources":                                      "{DiscoveryName}",
		"Deployments.VolumeConfigurations":                                         "{Name}",
		"Deployments.VolumeConfigurations.ManagedEBSVolume.TagSpecifications":      "{ResourceType}",
		"Deployments.VolumeConfigurations.ManagedEBSVolume.TagSpecifications.Tags": "{Key}",
		"Deployments.VpcLatticeConfigurations":                                     "{PortName}:{TargetGroupArn}",
		"PlacementConstraints":                                                     "{Type}:{Expression}",
		"TaskSets":                                                                 "{Id}",
		"TaskSets.Tags":                                                            "{Key}",
	}
	for _, of := range []string{"", "Deployments.", "TaskSets."} {
		sets[of+"CapacityProviderStrategy"] = "{CapacityProvider}"
		sets[of+"NetworkConfiguration.AwsvpcConfiguration.SecurityGroups"] = ""
		sets[of+"NetworkConfiguration.AwsvpcConfiguration.Subnets"] = ""
	}
	for _, of := range []string{"", "TaskSets."} {
		sets[of+"LoadBalancers"] = "{TargetGroupArn}{LoadBalancerName}:{ContainerName}:{ContainerPort}"
		sets[of+"ServiceRegistries"] = "{RegistryArn}"
	}
	return sets
}

// ecsTaskDefinitions lists the active revisions. Every change of a task definition is a
// new revision, and only its tags and its status change later.
func ecsTaskDefinitions() lister {
	const containers = "ContainerDefinitions."
	return &collector[tagged[types.TaskDefinition]]{
		rules: resource.Schema{
			Type: "AWS::ECS::TaskDefinition", Version: 1,
			Omit: []string{"Status"},
			Sets: map[string]string{ // the order of commands, DNS servers and links has a meaning
				"Compatibilities":                                  "",
				"ContainerDefinitions":                             "{Name}",
				containers + "DependsOn":                           "{ContainerName}",
				containers + "DockerSecurityOptions":               "",
				containers + "Environment":                         "{Name}",
				containers + "ExtraHosts":                          "{Hostname}",
				containers + "LinuxParameters.Capabilities.Add":    "",
				containers + "LinuxParameters.Capabilities.Drop":   "",
				containers + "LinuxParameters.Devices":             "{HostPath}:{ContainerPath}",
				containers + "LinuxParameters.Devices.Permissions": "",
				containers + "LinuxParameters.Tmpfs":               "{ContainerPath}",
				containers + "LinuxParameters.Tmpfs.MountOptions":  "",
				containers + "LogConfiguration.SecretOptions":      "{Name}",
				containers + "MountPoints":                         "{ContainerPath}",
				containers + "PortMappings":                        "{ContainerPort}{ContainerPortRange}/{Protocol}",
				containers + "ResourceRequirements":                "{Type}",
				containers + "RestartPolicy.IgnoredExitCodes":      "",
				containers + "Secrets":                             "{Name}",
				containers + "SystemControls":                      "{Namespace}",
				containers + "Ulimits":                             "{Name}",
				containers + "VolumesFrom":                         "{SourceContainer}",
				"InferenceAccelerators":                            "{DeviceName}",
				"PlacementConstraints":                             "{Type}:{Expression}",
				"ProxyConfiguration.Properties":                    "{Name}",
				"RequiresAttributes":                               "{Name}",
				"RequiresCompatibilities":                          "",
				"Volumes":                                          "{Name}",
			},
			Secrets: []string{containers + "Environment.Value", containers + "LogConfiguration.Options"},
		},
		action: "ecs:ListTaskDefinitions",
		pages: func(cfg aws.Config) source[tagged[types.TaskDefinition]] {
			return paged(ecs.NewFromConfig(cfg).ListTaskDefinitions,
				func(token *string) *ecs.ListTaskDefinitionsInput {
					return &ecs.ListTaskDefinitionsInput{
						Status: types.TaskDefinitionStatusActive, MaxResults: aws.Int32(ecsPage), NextToken: token,
					}
				},
				func(o *ecs.ListTaskDefinitionsOutput) ([]tagged[types.TaskDefinition], *string) {
					return converted(o.TaskDefinitionArns, func(arn string) tagged[types.TaskDefinition] {
						return asTagged(types.TaskDefinition{TaskDefinitionArn: &arn})
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.TaskDefinition]] {
			return []detail[tagged[types.TaskDefinition]]{describing("ecs:DescribeTaskDefinition", ecs.NewFromConfig(cfg).DescribeTaskDefinition,
				func(d *tagged[types.TaskDefinition]) *ecs.DescribeTaskDefinitionInput {
					return &ecs.DescribeTaskDefinitionInput{
						TaskDefinition: d.It.TaskDefinitionArn, Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags},
					}
				},
				func(d *tagged[types.TaskDefinition], o *ecs.DescribeTaskDefinitionOutput) bool {
					d.Tags = ecsTags(o.Tags)
					return replaced(&d.It, o.TaskDefinition, func(d *types.TaskDefinition) *string { return d.TaskDefinitionArn })
				})}
		},
		terminal: []string{string(types.TaskDefinitionStatusInactive), string(types.TaskDefinitionStatusDeleteInProgress)},
		read: func(d *tagged[types.TaskDefinition]) facts {
			id := after(aws.ToString(d.It.TaskDefinitionArn), "/") // family:revision
			return facts{
				ID: &id, ARN: d.It.TaskDefinitionArn, Name: aws.ToString(d.It.Family), Status: string(d.It.Status),
				Created: d.It.RegisteredAt, Tags: d.Tags,
			}
		},
	}
}

// ecsCapacityProviders leaves out FARGATE and FARGATE_SPOT, which every account has and
// nobody made.
func ecsCapacityProviders() lister {
	return &collector[types.CapacityProvider]{
		rules: resource.Schema{
			Type: "AWS::ECS::CapacityProvider", Version: 1,
			Omit: []string{"Tags", "Status"},
			Sets: ecsCapacityProviderSets(),
		},
		action: "ecs:DescribeCapacityProviders",
		pages: func(cfg aws.Config) source[types.CapacityProvider] {
			return paged(ecs.NewFromConfig(cfg).DescribeCapacityProviders,
				func(token *string) *ecs.DescribeCapacityProvidersInput {
					return &ecs.DescribeCapacityProvidersInput{
						MaxResults: aws.Int32(ecsBatch), NextToken: token,
						Include: []types.CapacityProviderField{types.CapacityProviderFieldTags},
					}
				},
				func(o *ecs.DescribeCapacityProvidersOutput) ([]types.CapacityProvider, *string) {
					return slices.DeleteFunc(o.CapacityProviders, func(p types.CapacityProvider) bool {
						return aws.ToString(p.Name) == "FARGATE" || aws.ToString(p.Name) == "FARGATE_SPOT"
					}), o.NextToken
				})
		},
		terminal: []string{string(types.CapacityProviderStatusInactive)},
		read: func(p *types.CapacityProvider) facts {
			return facts{
				ID: p.Name, ARN: p.CapacityProviderArn, Name: aws.ToString(p.Name), Status: string(p.Status), Tags: ecsTags(p.Tags),
			}
		},
	}
}

func ecsCapacityProviderSets() map[string]string {
	sets := map[string]string{}
	const template = "ManagedInstancesProvider.InstanceLaunchTemplate."
	for _, of := range []string{
		"NetworkConfiguration.SecurityGroups", "NetworkConfiguration.Subnets", "InstanceRequirements.AcceleratorManufacturers",
		"InstanceRequirements.AcceleratorNames", "InstanceRequirements.AcceleratorTypes", "InstanceRequirements.AllowedInstanceTypes",
		"InstanceRequirements.CpuManufacturers", "InstanceRequirements.ExcludedInstanceTypes", "InstanceRequirements.InstanceGenerations",
		"InstanceRequirements.LocalStorageTypes",
	} {
		sets[template+of] = ""
	}
	return sets
}
