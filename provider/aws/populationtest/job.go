package populationtest

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch"
	batchtypes "github.com/aws/aws-sdk-go-v2/service/batch/types"
	"github.com/aws/aws-sdk-go-v2/service/emr"
	emrtypes "github.com/aws/aws-sdk-go-v2/service/emr/types"
)

func (p *Place) batch() *batch.Client { return batch.NewFromConfig(p.Config) }
func (p *Place) emr() *emr.Client     { return emr.NewFromConfig(p.Config) }

func jobKinds() []Kind {
	return []Kind{
		{Type: "AWS::Batch::ComputeEnvironment", Paths: []string{"attributes.State"},
			Make: func(p *Place) string {
				p.also("AWS::Batch::ComputeEnvironment", p.makeEnvironment("fargate", &batchtypes.ComputeResource{
					Type: batchtypes.CRTypeFargate, MaxvCpus: aws.Int32(4), Subnets: p.subnets(), SecurityGroupIds: []string{p.Need("AWS::EC2::SecurityGroup")},
				}))
				return p.makeEnvironment("ours", nil)
			},
			Change: func(p *Place, id string) {
				ok(p.batch().UpdateComputeEnvironment(p.Context(), &batch.UpdateComputeEnvironmentInput{ComputeEnvironment: &id, State: batchtypes.CEStateDisabled}))(p)
			}},
		{Type: "AWS::Batch::JobQueue", Paths: []string{"attributes.Priority"},
			Make: func(p *Place) string {
				environment := p.arn("batch", "compute-environment/"+p.Need("AWS::Batch::ComputeEnvironment"))
				return *ok(p.batch().CreateJobQueue(p.Context(), &batch.CreateJobQueueInput{
					JobQueueName: aws.String("fast"), Priority: aws.Int32(1), State: batchtypes.JQStateEnabled, Tags: Tags(),
					ComputeEnvironmentOrder: []batchtypes.ComputeEnvironmentOrder{{Order: aws.Int32(1), ComputeEnvironment: &environment}},
				}))(p).JobQueueName
			},
			Change: func(p *Place, id string) {
				ok(p.batch().UpdateJobQueue(p.Context(), &batch.UpdateJobQueueInput{JobQueue: &id, Priority: aws.Int32(2)}))(p)
			}},
		{Type: "AWS::Batch::JobDefinition", Paths: []string{"tags.team"}, Make: makeJobDefinition,
			Change: func(p *Place, id string) {
				ok(p.batch().TagResource(p.Context(), &batch.TagResourceInput{ResourceArn: aws.String(p.arn("batch", "job-definition/"+id)), Tags: more()}))(p)
			}},
		{Type: "AWS::EMR::Cluster", Paths: []string{"attributes.StepConcurrencyLevel"}, Make: makeJobFlow,
			Change: func(p *Place, id string) {
				ok(p.emr().ModifyCluster(p.Context(), &emr.ModifyClusterInput{ClusterId: &id, StepConcurrencyLevel: aws.Int32(3)}))(p)
			}},
	}
}

// makeEnvironment makes a compute environment: an unmanaged one where nothing says what of.
// A cluster of ECS comes along with each.
func (p *Place) makeEnvironment(name string, of *batchtypes.ComputeResource) string {
	typ := batchtypes.CETypeUnmanaged
	if of != nil {
		typ = batchtypes.CETypeManaged
	}
	ok(p.batch().CreateComputeEnvironment(p.Context(), &batch.CreateComputeEnvironmentInput{
		ComputeEnvironmentName: &name, Type: typ, State: batchtypes.CEStateEnabled, ComputeResources: of, ServiceRole: p.role(p.Need("AWS::IAM::Role")), Tags: Tags(),
	}))(p)
	made := ok(p.batch().DescribeComputeEnvironments(p.Context(), &batch.DescribeComputeEnvironmentsInput{ComputeEnvironments: []string{name}}))(p).ComputeEnvironments[0]
	_, cluster, _ := strings.Cut(*made.EcsClusterArn, "cluster/")
	p.also("AWS::ECS::Cluster", cluster)
	return name
}

// makeJobDefinition registers two revisions, of which the first is active no more.
func makeJobDefinition(p *Place) string {
	var id string
	for range 2 {
		made := ok(p.batch().RegisterJobDefinition(p.Context(), &batch.RegisterJobDefinitionInput{
			JobDefinitionName: aws.String("thumb"), Type: batchtypes.JobDefinitionTypeContainer, Tags: Tags(),
			ContainerProperties: &batchtypes.ContainerProperties{
				Image: aws.String("x"), Vcpus: aws.Int32(1), Memory: aws.Int32(128),
				Environment: []batchtypes.KeyValuePair{{Name: aws.String("TOKEN"), Value: aws.String("s3cret")}},
			},
		}))(p)
		id = fmt.Sprintf("%s:%d", *made.JobDefinitionName, *made.Revision)
	}
	ok(p.batch().DeregisterJobDefinition(p.Context(), &batch.DeregisterJobDefinitionInput{JobDefinition: aws.String("thumb:1")}))(p)
	return id
}

// makeJobFlow makes two clusters, of which one is terminated.
func makeJobFlow(p *Place) string {
	ended := p.bringing(func() string { return p.runJobFlow("ended") })
	ok(p.emr().TerminateJobFlows(p.Context(), &emr.TerminateJobFlowsInput{JobFlowIds: []string{ended}}))(p)
	return p.bringing(func() string { return p.runJobFlow("spark") })
}

func (p *Place) runJobFlow(name string) string {
	return *ok(p.emr().RunJobFlow(p.Context(), &emr.RunJobFlowInput{
		Name: &name, ReleaseLabel: aws.String("emr-6.10.0"), JobFlowRole: aws.String("web"), ServiceRole: aws.String("worker"),
		Instances: &emrtypes.JobFlowInstancesConfig{
			MasterInstanceType: aws.String("m5.xlarge"), SlaveInstanceType: aws.String("m5.xlarge"), InstanceCount: aws.Int32(2),
			KeepJobFlowAliveWhenNoSteps: aws.Bool(true), Ec2SubnetId: aws.String(p.Need("AWS::EC2::Subnet")),
		},
		Applications:   []emrtypes.Application{{Name: aws.String("Spark")}, {Name: aws.String("Hive")}},
		Configurations: []emrtypes.Configuration{{Classification: aws.String("hive-site"), Properties: map[string]string{"password": "s3cret"}}},
		Tags:           tagsOf(Tags(), func(k, v *string) emrtypes.Tag { return emrtypes.Tag{Key: k, Value: v} }),
	}))(p).JobFlowId
}
