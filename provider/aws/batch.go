package aws

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/elava-dev/elava/resource"
)

// batchPage is the most that Batch's lists give (Batch API Reference).
const batchPage = 100

func batchCollectors() []lister {
	return []lister{batchComputeEnvironments(), batchJobQueues(), batchJobDefinitions()}
}

func batchComputeEnvironments() lister {
	return &collector[types.ComputeEnvironmentDetail]{
		rules: resource.Schema{
			Type: "AWS::Batch::ComputeEnvironment", Version: 1,
			Omit: []string{"Tags", "Status", "StatusReason", "ComputeResources.DesiredvCpus"},
			Sets: map[string]string{
				"ComputeResources.Ec2Configuration":                             "{ImageType}",
				"ComputeResources.LaunchTemplate.Overrides":                     "",
				"ComputeResources.LaunchTemplate.Overrides.TargetInstanceTypes": "",
				"ComputeResources.SecurityGroupIds":                             "",
				"ComputeResources.Subnets":                                      "",
			}, // not InstanceTypes: the order can be a preference
		},
		action: "batch:DescribeComputeEnvironments",
		pages: func(cfg aws.Config) source[types.ComputeEnvironmentDetail] {
			return paged(batch.NewFromConfig(cfg).DescribeComputeEnvironments,
				func(token *string) *batch.DescribeComputeEnvironmentsInput {
					return &batch.DescribeComputeEnvironmentsInput{MaxResults: aws.Int32(batchPage), NextToken: token}
				},
				func(o *batch.DescribeComputeEnvironmentsOutput) ([]types.ComputeEnvironmentDetail, *string) {
					return o.ComputeEnvironments, o.NextToken
				})
		},
		terminal: []string{"DELETED"},
		read: func(e *types.ComputeEnvironmentDetail) facts {
			return facts{
				ID: e.ComputeEnvironmentName, ARN: e.ComputeEnvironmentArn, Name: aws.ToString(e.ComputeEnvironmentName), Status: string(e.Status),
				UID: aws.ToString(e.Uuid), Tags: e.Tags,
			}
		},
	}
}

func batchJobQueues() lister {
	return &collector[types.JobQueueDetail]{
		rules: resource.Schema{
			Type: "AWS::Batch::JobQueue", Version: 1,
			Omit: []string{"Tags", "Status", "StatusReason"},
			Sets: map[string]string{
				"ComputeEnvironmentOrder":  "{ComputeEnvironment}",
				"JobStateTimeLimitActions": "",
				"ServiceEnvironmentOrder":  "{ServiceEnvironment}",
			},
		},
		action: "batch:DescribeJobQueues",
		pages: func(cfg aws.Config) source[types.JobQueueDetail] {
			return paged(batch.NewFromConfig(cfg).DescribeJobQueues,
				func(token *string) *batch.DescribeJobQueuesInput {
					return &batch.DescribeJobQueuesInput{MaxResults: aws.Int32(batchPage), NextToken: token}
				},
				func(o *batch.DescribeJobQueuesOutput) ([]types.JobQueueDetail, *string) {
					return o.JobQueues, o.NextToken
				})
		},
		terminal: []string{"DELETED"},
		read: func(q *types.JobQueueDetail) facts {
			return facts{ID: q.JobQueueName, ARN: q.JobQueueArn, Name: aws.ToString(q.JobQueueName), Status: string(q.Status), Tags: q.Tags}
		},
	}
}

// batchJobDefinitions lists the active revisions.
func batchJobDefinitions() lister {
	return &collector[types.JobDefinition]{
		rules: resource.Schema{
			Type: "AWS::Batch::JobDefinition", Version: 1,
			Omit:    []string{"Tags", "Status"},
			Sets:    batchJobSets(),
			Secrets: batchJobSecrets(),
		},
		action: "batch:DescribeJobDefinitions",
		pages: func(cfg aws.Config) source[types.JobDefinition] {
			return paged(batch.NewFromConfig(cfg).DescribeJobDefinitions,
				func(token *string) *batch.DescribeJobDefinitionsInput {
					return &batch.DescribeJobDefinitionsInput{Status: aws.String("ACTIVE"), MaxResults: aws.Int32(batchPage), NextToken: token}
				},
				func(o *batch.DescribeJobDefinitionsOutput) ([]types.JobDefinition, *string) {
					return o.JobDefinitions, o.NextToken
				})
		},
		read: func(d *types.JobDefinition) facts {
			return facts{
				ID: aws.String(fmt.Sprintf("%s:%d", aws.ToString(d.JobDefinitionName), aws.ToInt32(d.Revision))), ARN: d.JobDefinitionArn,
				Name: aws.ToString(d.JobDefinitionName), Status: aws.ToString(d.Status), Tags: d.Tags,
			}
		},
	}
}

// batchContainers are the places of containers in job definitions, by what they are.
func batchContainers() (plain, ecs, pods []string) {
	const nodes = "NodeProperties.NodeRangeProperties."
	plain = []string{"ContainerProperties.", nodes + "Container."}
	for _, of := range []string{"", nodes} {
		ecs = append(ecs, of+"EcsProperties.TaskProperties.Containers.")
		pods = append(pods, of+"EksProperties.PodProperties.Containers.", of+"EksProperties.PodProperties.InitContainers.")
	}
	return plain, ecs, pods
}

// batchJobSets leaves out commands, and nodes and init containers, which start in order.
func batchJobSets() map[string]string {
	sets := map[string]string{
		"ConsumableResourceProperties.ConsumableResourceList": "{ConsumableResource}",
		"EksProperties.PodProperties.Containers":              "{Name}",
		"EksProperties.PodProperties.ImagePullSecrets":        "{Name}",
		"EksProperties.PodProperties.Volumes":                 "{Name}",
		"EcsProperties.TaskProperties.Containers":             "{Name}",
		"EcsProperties.TaskProperties.Volumes":                "{Name}",
		"NodeProperties.NodeRangeProperties":                  "{TargetNodes}",
		"PlatformCapabilities":                                "",
	}
	plain, ecs, pods := batchContainers()
	for _, c := range append(plain, ecs...) {
		sets[c+"Environment"] = "{Name}"
		sets[c+"LinuxParameters.Devices"] = "{HostPath}:{ContainerPath}"
		sets[c+"LinuxParameters.Devices.Permissions"] = ""
		sets[c+"LinuxParameters.Tmpfs"] = "{ContainerPath}"
		sets[c+"LinuxParameters.Tmpfs.MountOptions"] = ""
		sets[c+"LogConfiguration.SecretOptions"] = "{Name}"
		sets[c+"MountPoints"] = "{ContainerPath}"
		sets[c+"ResourceRequirements"] = "{Type}"
		sets[c+"Secrets"] = "{Name}"
		sets[c+"Ulimits"] = "{Name}"
	}
	for _, c := range plain {
		sets[c+"Volumes"] = "{Name}"
	}
	for _, c := range ecs {
		sets[c+"DependsOn"] = "{ContainerName}"
	}
	for _, c := range pods {
		sets[c+"Env"] = "{Name}"
		sets[c+"VolumeMounts"] = "{MountPath}"
	}
	return sets
}

func batchJobSecrets() []string {
	plain, ecs, pods := batchContainers()
	var all []string
	for _, c := range append(plain, ecs...) {
		all = append(all, c+"Environment.Value", c+"LogConfiguration.Options")
	}
	for _, c := range pods {
		all = append(all, c+"Env.Value")
	}
	return all
}
