package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
)

func (p *Place) ecr() *ecr.Client { return ecr.NewFromConfig(p.Config) }
func (p *Place) ecs() *ecs.Client { return ecs.NewFromConfig(p.Config) }
func (p *Place) eks() *eks.Client { return eks.NewFromConfig(p.Config) }

func ecsTags(tags map[string]string) []ecstypes.Tag {
	return tagsOf(tags, func(k, v *string) ecstypes.Tag { return ecstypes.Tag{Key: k, Value: v} })
}

func containerKinds() []Kind {
	return []Kind{
		{Type: "AWS::ECS::Cluster", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				ok(p.ecs().CreateCluster(p.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("green")}))(p)
				p.also("AWS::ECS::Cluster", "green")
				return *ok(p.ecs().CreateCluster(p.Context(), &ecs.CreateClusterInput{ClusterName: aws.String("blue"), Tags: ecsTags(Tags())}))(p).Cluster.ClusterName
			},
			Change: func(p *Place, id string) { p.tagInECS("cluster/" + id) }},
		{Type: "AWS::ECS::TaskDefinition", Paths: []string{"tags.team"}, Make: makeTaskDefinition,
			Change: func(p *Place, id string) { p.tagInECS("task-definition/" + id) }},
		{Type: "AWS::ECS::Service", Paths: []string{"attributes.DesiredCount"},
			Make: func(p *Place) string {
				p.also("AWS::ECS::Service", p.makeService("green", "a"))
				for _, name := range []string{"b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"} { // more than one batch
					p.also("AWS::ECS::Service", p.makeService("blue", name))
				}
				return p.makeService("blue", "a") // the same name in another cluster
			},
			Change: func(p *Place, _ string) {
				ok(p.ecs().UpdateService(p.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("blue"), Service: aws.String("a"), DesiredCount: aws.Int32(2)}))(p)
			}},
		{Type: "AWS::EKS::Cluster", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				for _, name := range []string{"b", "a"} {
					ok(p.eks().CreateCluster(p.Context(), &eks.CreateClusterInput{
						Name: &name, RoleArn: p.role("eks"), ResourcesVpcConfig: &ekstypes.VpcConfigRequest{SubnetIds: []string{"subnet-2", "subnet-1"}}, Tags: Tags(),
					}))(p)
				}
				p.also("AWS::EKS::Cluster", "b")
				return "a"
			},
			Change: func(p *Place, id string) {
				arn := ok(p.eks().DescribeCluster(p.Context(), &eks.DescribeClusterInput{Name: &id}))(p).Cluster.Arn
				ok(p.eks().TagResource(p.Context(), &eks.TagResourceInput{ResourceArn: arn, Tags: more()}))(p)
			}},
		{Type: "AWS::EKS::Nodegroup", Paths: []string{"attributes.ScalingConfig.MaxSize"},
			Make: func(p *Place) string {
				p.also("AWS::EKS::Nodegroup", p.makeNodegroup("b"))
				return p.makeNodegroup(p.Need("AWS::EKS::Cluster"))
			},
			Change: func(p *Place, _ string) {
				ok(p.eks().UpdateNodegroupConfig(p.Context(), &eks.UpdateNodegroupConfigInput{
					ClusterName: aws.String("a"), NodegroupName: aws.String("workers"),
					ScalingConfig: &ekstypes.NodegroupScalingConfig{MinSize: aws.Int32(1), DesiredSize: aws.Int32(1), MaxSize: aws.Int32(9)},
				}))(p)
			}},
		{Type: "AWS::EKS::FargateProfile", Fixed: "EKS changes no Fargate profile, and moto does not tag one later",
			Make: func(p *Place) string {
				p.Need("AWS::EKS::Cluster")
				ok(p.eks().CreateFargateProfile(p.Context(), &eks.CreateFargateProfileInput{
					ClusterName: aws.String("b"), FargateProfileName: aws.String("jobs"), PodExecutionRoleArn: p.role("eks"), Tags: Tags(),
					Selectors: []ekstypes.FargateProfileSelector{{Namespace: aws.String("batch")}},
				}))(p)
				return "b/jobs"
			},
			Change: func(p *Place, _ string) {
				ok(p.eks().DeleteFargateProfile(p.Context(), &eks.DeleteFargateProfileInput{ClusterName: aws.String("b"), FargateProfileName: aws.String("jobs")}))(p)
			}},
		{Type: "AWS::ECR::Repository", Paths: []string{"attributes.ImageTagMutability"}, Make: makeRepositories,
			Change: func(p *Place, id string) {
				ok(p.ecr().PutImageTagMutability(p.Context(), &ecr.PutImageTagMutabilityInput{RepositoryName: &id, ImageTagMutability: ecrtypes.ImageTagMutabilityImmutable}))(p)
			}},
	}
}

func (p *Place) tagInECS(resource string) {
	ok(p.ecs().TagResource(p.Context(), &ecs.TagResourceInput{ResourceArn: aws.String(p.arn("ecs", resource)), Tags: ecsTags(more())}))(p)
}

// makeTaskDefinition registers two revisions, of which the first is active no more.
func makeTaskDefinition(p *Place) string {
	for range 2 {
		ok(p.ecs().RegisterTaskDefinition(p.Context(), &ecs.RegisterTaskDefinitionInput{
			Family: aws.String("web"), Tags: ecsTags(Tags()),
			ContainerDefinitions: []ecstypes.ContainerDefinition{{
				Name: aws.String("app"), Image: aws.String("nginx"), Memory: aws.Int32(64),
				Environment: []ecstypes.KeyValuePair{{Name: aws.String("TOKEN"), Value: aws.String("s3cret")}},
			}},
		}))(p)
	}
	ok(p.ecs().DeregisterTaskDefinition(p.Context(), &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("web:1")}))(p)
	return "web:2"
}

func (p *Place) makeService(cluster, name string) string {
	p.Need("AWS::ECS::Cluster")
	ok(p.ecs().CreateService(p.Context(), &ecs.CreateServiceInput{
		Cluster: &cluster, ServiceName: &name, TaskDefinition: aws.String(p.Need("AWS::ECS::TaskDefinition")), DesiredCount: aws.Int32(1), Tags: ecsTags(Tags()),
	}))(p)
	return cluster + "/" + name
}

func (p *Place) makeNodegroup(cluster string) string {
	p.Need("AWS::EKS::Cluster")
	ok(p.eks().CreateNodegroup(p.Context(), &eks.CreateNodegroupInput{
		ClusterName: &cluster, NodegroupName: aws.String("workers"), NodeRole: p.role("eks"), Subnets: []string{"subnet-1"}, Tags: Tags(),
		ScalingConfig: &ekstypes.NodegroupScalingConfig{MinSize: aws.Int32(1), DesiredSize: aws.Int32(1), MaxSize: aws.Int32(3)},
	}))(p)
	return cluster + "/workers"
}

func makeRepositories(p *Place) string {
	ok(p.ecr().CreateRepository(p.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("bare")}))(p)
	p.also("AWS::ECR::Repository", "bare")
	name := ok(p.ecr().CreateRepository(p.Context(), &ecr.CreateRepositoryInput{
		RepositoryName: aws.String("team/app"), Tags: tagsOf(Tags(), func(k, v *string) ecrtypes.Tag { return ecrtypes.Tag{Key: k, Value: v} }),
	}))(p).Repository.RepositoryName
	ok(p.ecr().PutLifecyclePolicy(p.Context(), &ecr.PutLifecyclePolicyInput{
		RepositoryName:      name,
		LifecyclePolicyText: aws.String(`{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":5},"action":{"type":"expire"}}]}`),
	}))(p)
	ok(p.ecr().SetRepositoryPolicy(p.Context(), &ecr.SetRepositoryPolicyInput{
		RepositoryName: name,
		PolicyText:     aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"pull","Effect":"Allow","Principal":"*","Action":"ecr:BatchGetImage"}]}`),
	}))(p)
	return *name
}
