package aws_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
)

func TestMoto_ECS(t *testing.T) {
	c := moto(t)
	ctx, e := t.Context(), ecs.NewFromConfig(c.config(t))
	tags := tagsOf(func(k, v *string) ecstypes.Tag { return ecstypes.Tag{Key: k, Value: v} })
	must[*ecs.CreateClusterOutput](t)(e.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("blue"), Tags: tags}))
	must[*ecs.CreateClusterOutput](t)(e.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("green")}))
	define := &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), Tags: tags,
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: aws.String("app"), Image: aws.String("nginx"), Memory: aws.Int32(64),
			Environment: []ecstypes.KeyValuePair{{Name: aws.String("TOKEN"), Value: aws.String("s3cret")}},
		}},
	}
	must[*ecs.RegisterTaskDefinitionOutput](t)(e.RegisterTaskDefinition(ctx, define))
	must[*ecs.RegisterTaskDefinitionOutput](t)(e.RegisterTaskDefinition(ctx, define))
	must[*ecs.DeregisterTaskDefinitionOutput](t)(e.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("web:1")}))
	service := func(cluster, name string) {
		must[*ecs.CreateServiceOutput](t)(e.CreateService(ctx, &ecs.CreateServiceInput{
			Cluster: &cluster, ServiceName: &name, TaskDefinition: aws.String("web:2"), DesiredCount: aws.Int32(1), Tags: tags,
		}))
	}
	var services []string
	for _, n := range strings.Split("abcdefghijkl", "") { // more than one batch
		service("blue", n)
		services = append(services, "blue/"+n)
	}
	service("green", "a") // the same name in another cluster
	inv := checkFound(t, c, map[string][]string{
		"AWS::ECS::Cluster":        {"blue", "green"},
		"AWS::ECS::Service":        append(services, "green/a"),
		"AWS::ECS::TaskDefinition": {"web:2"},
	})
	wantTags(t, inv.get(t, "AWS::ECS::Cluster", "blue"), wantedTags)
	wantTags(t, inv.get(t, "AWS::ECS::Service", "blue/c"), wantedTags)
	d := inv.get(t, "AWS::ECS::TaskDefinition", "web:2")
	wantTags(t, d, wantedTags)
	wantAt(t, d, digest("s3cret"), "ContainerDefinitions", 0, "Environment", 0, "Value")
	if d.Status != "ACTIVE" || d.Name != "web" {
		t.Errorf("got %+v", d)
	}
}

// moto has no DescribeCapacityProviders.
func TestECS_CapacityProviders(t *testing.T) {
	c := answers(t, map[string]string{"DescribeCapacityProviders": `{"capacityProviders":[
		{"capacityProviderArn":"arn:aws:ecs:us-east-1:123456789012:capacity-provider/FARGATE","name":"FARGATE","status":"ACTIVE"},
		{"capacityProviderArn":"arn:aws:ecs:us-east-1:123456789012:capacity-provider/spot","name":"spot","status":"ACTIVE",
		 "autoScalingGroupProvider":{"autoScalingGroupArn":"arn:asg","managedScaling":{"status":"ENABLED","targetCapacity":90}},
		 "tags":[{"key":"env","value":"prod"}]},
		{"capacityProviderArn":"arn:aws:ecs:us-east-1:123456789012:capacity-provider/old","name":"old","status":"INACTIVE"}]}`})
	inv := checkFound(t, c, map[string][]string{"AWS::ECS::CapacityProvider": {"spot"}})
	p := inv.get(t, "AWS::ECS::CapacityProvider", "spot")
	wantAt(t, p, 90, "AutoScalingGroupProvider", "ManagedScaling", "TargetCapacity")
	wantTags(t, p, map[string]string{"env": "prod"})
}

// A service that is gone between the list and its description is left out, and only that.
func TestECS_MissingClusterIsLeftOut(t *testing.T) {
	c := answers(t, map[string]string{
		"ListClusters":     `{"clusterArns":["arn:aws:ecs:us-east-1:123456789012:cluster/gone"]}`,
		"DescribeClusters": `{"clusters":[],"failures":[{"arn":"arn:aws:ecs:us-east-1:123456789012:cluster/gone","reason":"MISSING"}]}`,
	})
	checkFound(t, c, map[string][]string{"AWS::ECS::Cluster": nil})
}

// An answer that says nothing of what was asked for does not make it disappear.
func TestECS_SilentAnswerIsAFailure(t *testing.T) {
	c := answers(t, map[string]string{
		"ListClusters":     `{"clusterArns":["arn:aws:ecs:us-east-1:123456789012:cluster/blue"]}`,
		"DescribeClusters": `{"clusters":[]}`,
	})
	scope := instances
	scope.Type = "AWS::ECS::Cluster"
	rs, err := listScope(t, c.provider(t, only(scope.Type)), scope)
	if err == nil || !strings.Contains(err.Error(), "no answer for every resource") {
		t.Errorf("listed %d clusters, %v", len(rs), err)
	}
}

func TestMoto_EKS(t *testing.T) {
	c := moto(t)
	ctx, e := t.Context(), eks.NewFromConfig(c.config(t))
	role := aws.String("arn:aws:iam::" + c.account + ":role/eks")
	for _, name := range []string{"a", "b"} {
		must[*eks.CreateClusterOutput](t)(e.CreateCluster(ctx, &eks.CreateClusterInput{
			Name: &name, RoleArn: role, ResourcesVpcConfig: &ekstypes.VpcConfigRequest{SubnetIds: []string{"subnet-2", "subnet-1"}}, Tags: wantedTags,
		}))
		must[*eks.CreateNodegroupOutput](t)(e.CreateNodegroup(ctx, &eks.CreateNodegroupInput{
			ClusterName: &name, NodegroupName: aws.String("workers"), NodeRole: role, Subnets: []string{"subnet-1"}, Tags: wantedTags,
		}))
	}
	must[*eks.CreateFargateProfileOutput](t)(e.CreateFargateProfile(ctx, &eks.CreateFargateProfileInput{
		ClusterName: aws.String("b"), FargateProfileName: aws.String("jobs"), PodExecutionRoleArn: role, Tags: wantedTags,
		Selectors: []ekstypes.FargateProfileSelector{{Namespace: aws.String("batch")}},
	}))
	inv := checkFound(t, c, map[string][]string{
		"AWS::EKS::Cluster":        {"a", "b"},
		"AWS::EKS::Nodegroup":      {"a/workers", "b/workers"},
		"AWS::EKS::FargateProfile": {"b/jobs"},
	})
	wantTags(t, inv.get(t, "AWS::EKS::Cluster", "a"), wantedTags)
	wantAt(t, inv.get(t, "AWS::EKS::Cluster", "a"), "subnet-1", "ResourcesVpcConfig", "SubnetIds", 0)
	wantTags(t, inv.get(t, "AWS::EKS::Nodegroup", "a/workers"), wantedTags)
	wantTags(t, inv.get(t, "AWS::EKS::FargateProfile", "b/jobs"), wantedTags)
}

// moto has no add-ons.
func TestEKS_Addons(t *testing.T) {
	c := answers(t, map[string]string{
		"GET /clusters":             `{"clusters":["blue"]}`,
		"GET /clusters/blue/addons": `{"addons":["coredns"]}`,
		"GET /clusters/blue/addons/coredns": `{"addon":{"addonName":"coredns","clusterName":"blue","status":"ACTIVE","addonVersion":"v1",
			"addonArn":"arn:aws:eks:us-east-1:123456789012:addon/blue/coredns/uid-1","createdAt":1.7e9,"tags":{"env":"prod"}}}`,
	})
	a := checkFound(t, c, map[string][]string{"AWS::EKS::Addon": {"blue/coredns"}}).get(t, "AWS::EKS::Addon", "blue/coredns")
	wantAt(t, a, "v1", "AddonVersion")
	wantTags(t, a, map[string]string{"env": "prod"})
	if a.Status != "ACTIVE" || a.UID != "uid-1" || a.CreatedAt.IsZero() {
		t.Errorf("got %+v", a)
	}
}

func TestMoto_ECR(t *testing.T) {
	c := moto(t)
	ctx, e := t.Context(), ecr.NewFromConfig(c.config(t))
	must[*ecr.CreateRepositoryOutput](t)(e.CreateRepository(ctx, &ecr.CreateRepositoryInput{
		RepositoryName: aws.String("team/app"), Tags: tagsOf(func(k, v *string) ecrtypes.Tag { return ecrtypes.Tag{Key: k, Value: v} }),
	}))
	must[*ecr.CreateRepositoryOutput](t)(e.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("bare")}))
	must[*ecr.PutLifecyclePolicyOutput](t)(e.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{
		RepositoryName:      aws.String("team/app"),
		LifecyclePolicyText: aws.String(`{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":5},"action":{"type":"expire"}}]}`),
	}))
	must[*ecr.SetRepositoryPolicyOutput](t)(e.SetRepositoryPolicy(ctx, &ecr.SetRepositoryPolicyInput{
		RepositoryName: aws.String("team/app"),
		PolicyText:     aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"pull","Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}]}`),
	}))
	inv := checkFound(t, c, map[string][]string{"AWS::ECR::Repository": {"bare", "team/app"}})
	r := inv.get(t, "AWS::ECR::Repository", "team/app")
	wantTags(t, r, wantedTags)
	wantAt(t, r, 5, "LifecyclePolicyText", "rules", 0, "selection", "countNumber")
	wantAt(t, r, "ecr:BatchGetImage", "RepositoryPolicyText", "Statement", 0, "Action", 0)
	wantTags(t, inv.get(t, "AWS::ECR::Repository", "bare"), nil)
}
