package populationtest

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

func (p *Place) sagemaker() *sagemaker.Client { return sagemaker.NewFromConfig(p.Config) }

func sagemakerTags(tags map[string]string) []types.Tag {
	return tagsOf(tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
}

func taggedInSageMaker(kind string) func(*Place, string) {
	return func(p *Place, id string) {
		ok(p.sagemaker().AddTags(p.Context(), &sagemaker.AddTagsInput{ResourceArn: aws.String(p.arn("sagemaker", kind+"/"+id)), Tags: sagemakerTags(more())}))(p)
	}
}

func modelKinds() []Kind {
	return []Kind{
		{Type: "AWS::SageMaker::Model", Paths: []string{"tags.team"}, Change: taggedInSageMaker("model"),
			Make: func(p *Place) string {
				ok(p.sagemaker().CreateModel(p.Context(), &sagemaker.CreateModelInput{
					ModelName: aws.String("v1"), ExecutionRoleArn: p.role("s"), Tags: sagemakerTags(Tags()),
					PrimaryContainer: &types.ContainerDefinition{Image: aws.String("x"), Environment: map[string]string{"TOKEN": "s3cret"}},
				}))(p)
				return "v1"
			}},
		{Type: "AWS::SageMaker::Endpoint", Make: makeEndpoint,
			Paths: []string{"attributes.ProductionVariants[a].CurrentWeight", "attributes.ProductionVariants[a].DesiredWeight"},
			Change: func(p *Place, id string) {
				ok(p.sagemaker().UpdateEndpointWeightsAndCapacities(p.Context(), &sagemaker.UpdateEndpointWeightsAndCapacitiesInput{
					EndpointName:                &id,
					DesiredWeightsAndCapacities: []types.DesiredWeightAndCapacity{{VariantName: aws.String("a"), DesiredWeight: aws.Float32(2), DesiredInstanceCount: aws.Int32(1)}},
				}))(p)
			}},
		{Type: "AWS::SageMaker::NotebookInstance", Paths: []string{"tags.team"}, Change: taggedInSageMaker("notebook-instance"),
			Make: func(p *Place) string {
				ok(p.sagemaker().CreateNotebookInstance(p.Context(), &sagemaker.CreateNotebookInstanceInput{
					NotebookInstanceName: aws.String("lab"), InstanceType: types.InstanceTypeMlT2Medium, RoleArn: p.role("s"), Tags: sagemakerTags(Tags()),
					SubnetId: aws.String(p.Need("AWS::EC2::Subnet")), SecurityGroupIds: []string{p.Need("AWS::EC2::SecurityGroup")},
				}))(p)
				return "lab"
			}},
		{Type: "AWS::SageMaker::Domain", Paths: []string{"tags.team"}, Change: taggedInSageMaker("domain"),
			Make: func(p *Place) string {
				arn := *ok(p.sagemaker().CreateDomain(p.Context(), &sagemaker.CreateDomainInput{
					DomainName: aws.String("studio"), AuthMode: types.AuthModeIam, DefaultUserSettings: &types.UserSettings{ExecutionRole: p.role("s")},
					VpcId: aws.String(p.Need("AWS::EC2::VPC")), SubnetIds: p.subnets(), Tags: sagemakerTags(Tags()),
				}))(p).DomainArn
				return arn[strings.LastIndexByte(arn, '/')+1:]
			}},
	}
}

func makeEndpoint(p *Place) string {
	model := p.Need("AWS::SageMaker::Model")
	var variants []types.ProductionVariant
	for _, name := range []string{"b", "a"} {
		variants = append(variants, types.ProductionVariant{
			VariantName: &name, ModelName: &model, InitialInstanceCount: aws.Int32(1), InstanceType: types.ProductionVariantInstanceTypeMlT2Medium, InitialVariantWeight: aws.Float32(1),
		})
	}
	ok(p.sagemaker().CreateEndpointConfig(p.Context(), &sagemaker.CreateEndpointConfigInput{EndpointConfigName: aws.String("rank"), ProductionVariants: variants}))(p)
	ok(p.sagemaker().CreateEndpoint(p.Context(), &sagemaker.CreateEndpointInput{EndpointName: aws.String("rank"), EndpointConfigName: aws.String("rank"), Tags: sagemakerTags(Tags())}))(p)
	return "rank"
}
