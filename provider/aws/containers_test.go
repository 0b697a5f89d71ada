package aws_test

import (
	"strings"
	"testing"
)

func TestMoto_ECS(t *testing.T) {
	inv, _ := moto(t).checkPopulated(t, "AWS::ECS::Cluster", "AWS::ECS::Service", "AWS::ECS::TaskDefinition")
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
	inv, _ := moto(t).checkPopulated(t, "AWS::EKS::Cluster", "AWS::EKS::Nodegroup", "AWS::EKS::FargateProfile")
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
	inv, _ := moto(t).checkPopulated(t, "AWS::ECR::Repository")
	r := inv.get(t, "AWS::ECR::Repository", "team/app")
	wantTags(t, r, wantedTags)
	wantAt(t, r, 5, "LifecyclePolicyText", "rules", 0, "selection", "countNumber")
	wantAt(t, r, "ecr:BatchGetImage", "RepositoryPolicyText", "Statement", 0, "Action", 0)
	wantTags(t, inv.get(t, "AWS::ECR::Repository", "bare"), nil)
}
