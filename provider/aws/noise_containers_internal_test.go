package aws

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ecr "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	ecs "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	eks "github.com/aws/aws-sdk-go-v2/service/eks/types"
)

func TestContainers_ReportChangesAndNoNoise(t *testing.T) {
	s := aws.String
	checkNoise(t, []observed{
		noise("what a cluster runs", "AWS::ECS::Cluster",
			ecs.Cluster{RunningTasksCount: 1, PendingTasksCount: 1, ActiveServicesCount: 1, RegisteredContainerInstancesCount: 1, CapacityProviders: []string{"a", "b"},
				Statistics: []ecs.KeyValuePair{{Name: s("runningEC2TasksCount"), Value: s("1")}}, Settings: []ecs.ClusterSetting{{Name: "a"}, {Name: "b"}}},
			ecs.Cluster{RunningTasksCount: 2, CapacityProviders: []string{"b", "a"},
				Statistics: []ecs.KeyValuePair{{Name: s("runningEC2TasksCount"), Value: s("2")}}, Settings: []ecs.ClusterSetting{{Name: "b"}, {Name: "a"}}}),
		changed("a cluster with container insights", "AWS::ECS::Cluster",
			ecs.Cluster{Settings: []ecs.ClusterSetting{{Name: "containerInsights", Value: s("disabled")}}},
			ecs.Cluster{Settings: []ecs.ClusterSetting{{Name: "containerInsights", Value: s("enabled")}}},
			"attributes.Settings[containerInsights].Value"),
		noise("the events and the progress of a service", "AWS::ECS::Service",
			ecs.Service{DesiredCount: 2, RunningCount: 1, PendingCount: 1, Events: []ecs.ServiceEvent{{Id: s("1"), Message: s("steady")}},
				Deployments:   []ecs.Deployment{{Id: s("d"), RunningCount: 1, PendingCount: 1, UpdatedAt: at(1)}, {Id: s("e")}},
				LoadBalancers: []ecs.LoadBalancer{{TargetGroupArn: s("a")}, {TargetGroupArn: s("b")}}},
			ecs.Service{DesiredCount: 2, RunningCount: 2, Events: []ecs.ServiceEvent{{Id: s("2"), Message: s("steady")}},
				Deployments:   []ecs.Deployment{{Id: s("e")}, {Id: s("d"), RunningCount: 2, UpdatedAt: at(2), FailedTasks: 1}},
				LoadBalancers: []ecs.LoadBalancer{{TargetGroupArn: s("b")}, {TargetGroupArn: s("a")}}}),
		changed("a service that is scaled", "AWS::ECS::Service",
			ecs.Service{DesiredCount: 2, Deployments: []ecs.Deployment{{Id: s("d"), DesiredCount: 2}}},
			ecs.Service{DesiredCount: 3, Deployments: []ecs.Deployment{{Id: s("d"), DesiredCount: 3}}},
			"attributes.DesiredCount"),
		changed("the order of placement strategies", "AWS::ECS::Service",
			ecs.Service{PlacementStrategy: []ecs.PlacementStrategy{{Field: s("cpu")}, {Field: s("memory")}}},
			ecs.Service{PlacementStrategy: []ecs.PlacementStrategy{{Field: s("memory")}, {Field: s("cpu")}}},
			"attributes.PlacementStrategy[0].Field", "attributes.PlacementStrategy[1].Field"),
		noise("the order of a task's containers and of their variables", "AWS::ECS::TaskDefinition",
			ecs.TaskDefinition{ContainerDefinitions: []ecs.ContainerDefinition{{Name: s("a"), Environment: []ecs.KeyValuePair{{Name: s("X")}, {Name: s("Y")}}}, {Name: s("b")}}},
			ecs.TaskDefinition{ContainerDefinitions: []ecs.ContainerDefinition{{Name: s("b")}, {Name: s("a"), Environment: []ecs.KeyValuePair{{Name: s("Y")}, {Name: s("X")}}}}}),
		changed("a variable of a container", "AWS::ECS::TaskDefinition",
			ecs.TaskDefinition{ContainerDefinitions: []ecs.ContainerDefinition{{Name: s("a"), Environment: []ecs.KeyValuePair{{Name: s("X"), Value: s("1")}}}}},
			ecs.TaskDefinition{ContainerDefinitions: []ecs.ContainerDefinition{{Name: s("a"), Environment: []ecs.KeyValuePair{{Name: s("X"), Value: s("22")}}}}},
			"attributes.ContainerDefinitions[a].Environment[X].Value"),
		changed("the order of a container's command", "AWS::ECS::TaskDefinition",
			ecs.TaskDefinition{ContainerDefinitions: []ecs.ContainerDefinition{{Name: s("a"), Command: []string{"x", "y"}}}},
			ecs.TaskDefinition{ContainerDefinitions: []ecs.ContainerDefinition{{Name: s("a"), Command: []string{"y", "x"}}}},
			"attributes.ContainerDefinitions[a].Command[0]", "attributes.ContainerDefinitions[a].Command[1]"),
		noise("the status of a capacity provider, which stands beside the document", "AWS::ECS::CapacityProvider",
			ecs.CapacityProvider{Name: s("a"), Status: "PROVISIONING"}, ecs.CapacityProvider{Name: s("a"), Status: "ACTIVE"}),
		changed("a capacity provider's target", "AWS::ECS::CapacityProvider",
			ecs.CapacityProvider{AutoScalingGroupProvider: &ecs.AutoScalingGroupProvider{ManagedScaling: &ecs.ManagedScaling{TargetCapacity: aws.Int32(80)}}},
			ecs.CapacityProvider{AutoScalingGroupProvider: &ecs.AutoScalingGroupProvider{ManagedScaling: &ecs.ManagedScaling{TargetCapacity: aws.Int32(90)}}},
			"attributes.AutoScalingGroupProvider.ManagedScaling.TargetCapacity"),
		noise("the health of a cluster and the order of its subnets", "AWS::EKS::Cluster",
			eks.Cluster{Health: &eks.ClusterHealth{Issues: []eks.ClusterIssue{{Code: "Ec2SubnetNotFound"}}}, ResourcesVpcConfig: &eks.VpcConfigResponse{SubnetIds: []string{"a", "b"}, SecurityGroupIds: []string{"c", "d"}}},
			eks.Cluster{ResourcesVpcConfig: &eks.VpcConfigResponse{SubnetIds: []string{"b", "a"}, SecurityGroupIds: []string{"d", "c"}}}),
		changed("another version of Kubernetes", "AWS::EKS::Cluster", eks.Cluster{Version: s("1.30")}, eks.Cluster{Version: s("1.31")}, "attributes.Version"),
		noise("the health of a node group and when it was modified", "AWS::EKS::Nodegroup",
			eks.Nodegroup{ModifiedAt: at(1), Health: &eks.NodegroupHealth{Issues: []eks.Issue{{Code: "NodeCreationFailure"}}}, Subnets: []string{"a", "b"}},
			eks.Nodegroup{ModifiedAt: at(2), Subnets: []string{"b", "a"}}),
		changed("a node group that is scaled", "AWS::EKS::Nodegroup",
			eks.Nodegroup{ScalingConfig: &eks.NodegroupScalingConfig{MaxSize: aws.Int32(3)}}, eks.Nodegroup{ScalingConfig: &eks.NodegroupScalingConfig{MaxSize: aws.Int32(4)}},
			"attributes.ScalingConfig.MaxSize"),
		noise("the order of a Fargate profile's selectors", "AWS::EKS::FargateProfile",
			eks.FargateProfile{Selectors: []eks.FargateProfileSelector{{Namespace: s("a")}, {Namespace: s("b")}}},
			eks.FargateProfile{Selectors: []eks.FargateProfileSelector{{Namespace: s("b")}, {Namespace: s("a")}}}),
		changed("a label of a Fargate profile's selector", "AWS::EKS::FargateProfile",
			eks.FargateProfile{Selectors: []eks.FargateProfileSelector{{Namespace: s("a"), Labels: map[string]string{"x": "1"}}}},
			eks.FargateProfile{Selectors: []eks.FargateProfileSelector{{Namespace: s("a"), Labels: map[string]string{"x": "2"}}}},
			"attributes.Selectors[a].Labels.x"),
		noise("when an add-on was modified", "AWS::EKS::Addon", eks.Addon{ModifiedAt: at(1)}, eks.Addon{ModifiedAt: at(2)}),
		changed("another version of an add-on", "AWS::EKS::Addon", eks.Addon{AddonVersion: s("1")}, eks.Addon{AddonVersion: s("2")}, "attributes.AddonVersion"),
		noise("the layout of a repository's policies", "AWS::ECR::Repository",
			repository{RepositoryPolicyText: s(bucketPolicy), LifecyclePolicyText: s(`{"rules":[{"rulePriority":1,"action":{"type":"expire"}}]}`)},
			repository{RepositoryPolicyText: s(bucketPolicySame), LifecyclePolicyText: s(`{ "rules": [{"action":{"type":"expire"},"rulePriority":1}] }`)}),
		changed("a repository whose tags can be moved", "AWS::ECR::Repository",
			repository{Repository: ecr.Repository{ImageTagMutability: "IMMUTABLE"}}, repository{Repository: ecr.Repository{ImageTagMutability: "MUTABLE"}},
			"attributes.ImageTagMutability"),
	})
}
