package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	cbtypes "github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	sdtypes "github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
)

func (p *Place) stacks() *cloudformation.Client      { return cloudformation.NewFromConfig(p.Config) }
func (p *Place) builds() *codebuild.Client           { return codebuild.NewFromConfig(p.Config) }
func (p *Place) discovery() *servicediscovery.Client { return servicediscovery.NewFromConfig(p.Config) }

// template has a parameter and a queue.
const template = `{"Parameters":{"Delay":{"Type":"String","Default":"1"}},"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"of-a-stack"}}}}`

func delayed(seconds string) []cftypes.Parameter {
	return []cftypes.Parameter{{ParameterKey: aws.String("Delay"), ParameterValue: &seconds}}
}

func deliveryKinds() []Kind {
	return []Kind{
		{Type: "AWS::CloudFormation::Stack", Paths: []string{"attributes.Parameters[Delay].ParameterValue", "status"}, // moto tells no time of updates
			Make: func(p *Place) string {
				ok(p.stacks().CreateStack(p.Context(), &cloudformation.CreateStackInput{
					StackName: aws.String("queues"), TemplateBody: aws.String(template), Parameters: delayed("1"),
				}))(p)
				p.also("AWS::SQS::Queue", "of-a-stack")
				return "queues"
			},
			Change: func(p *Place, id string) {
				ok(p.stacks().UpdateStack(p.Context(), &cloudformation.UpdateStackInput{StackName: &id, TemplateBody: aws.String(template), Parameters: delayed("2")}))(p)
			}},
		{Type: "AWS::CloudFormation::StackSet", Paths: []string{"attributes.Description"},
			Make: func(p *Place) string {
				ok(p.stacks().CreateStackSet(p.Context(), &cloudformation.CreateStackSetInput{StackSetName: aws.String("everywhere"), TemplateBody: aws.String(template)}))(p)
				return "everywhere"
			},
			Change: func(p *Place, id string) {
				ok(p.stacks().UpdateStackSet(p.Context(), &cloudformation.UpdateStackSetInput{StackSetName: &id, TemplateBody: aws.String(template), Description: aws.String("b")}))(p)
			}},
		{Type: "AWS::CodeBuild::Project", Fixed: "moto does not know UpdateProject",
			Make: func(p *Place) string {
				return *ok(p.builds().CreateProject(p.Context(), &codebuild.CreateProjectInput{
					Name: aws.String("binary"), Source: &cbtypes.ProjectSource{Type: cbtypes.SourceTypeS3, Location: aws.String("bucket/path")},
					Artifacts: &cbtypes.ProjectArtifacts{Type: cbtypes.ArtifactsTypeNoArtifacts},
					Environment: &cbtypes.ProjectEnvironment{
						Type: cbtypes.EnvironmentTypeLinuxContainer, Image: aws.String("image"), ComputeType: cbtypes.ComputeTypeBuildGeneral1Small,
						EnvironmentVariables: []cbtypes.EnvironmentVariable{{Name: aws.String("TOKEN"), Value: aws.String("hunter2")}},
					},
					ServiceRole: aws.String("arn:aws:iam::" + p.Account + ":role/service-role/worker"),
				}))(p).Project.Name
			},
			Change: func(p *Place, id string) {
				ok(p.builds().DeleteProject(p.Context(), &codebuild.DeleteProjectInput{Name: &id}))(p)
			}},
		{Type: "AWS::ServiceDiscovery::HttpNamespace", Paths: []string{"tags.team"}, Change: (*Place).tagNamespace,
			Make: func(p *Place) string {
				ok(p.discovery().CreateHttpNamespace(p.Context(), &servicediscovery.CreateHttpNamespaceInput{Name: aws.String("http")}))(p)
				return p.namespace("http")
			}},
		{Type: "AWS::ServiceDiscovery::PrivateDnsNamespace", Paths: []string{"tags.team"}, Change: (*Place).tagNamespace,
			Make: func(p *Place) string {
				vpc := p.Need("AWS::EC2::VPC")
				p.bringingZones(func() {
					ok(p.discovery().CreatePrivateDnsNamespace(p.Context(), &servicediscovery.CreatePrivateDnsNamespaceInput{Name: aws.String("private.local"), Vpc: &vpc}))(p)
				})
				return p.namespace("private.local")
			}},
		{Type: "AWS::ServiceDiscovery::PublicDnsNamespace", Paths: []string{"tags.team"}, Change: (*Place).tagNamespace,
			Make: func(p *Place) string {
				p.bringingZones(func() {
					ok(p.discovery().CreatePublicDnsNamespace(p.Context(), &servicediscovery.CreatePublicDnsNamespaceInput{Name: aws.String("public.example")}))(p)
				})
				return p.namespace("public.example")
			}},
		{Type: "AWS::ServiceDiscovery::Service", Paths: []string{"attributes.Description"},
			Make: func(p *Place) string {
				return *ok(p.discovery().CreateService(p.Context(), &servicediscovery.CreateServiceInput{
					Name: aws.String("web"), NamespaceId: aws.String(p.Need("AWS::ServiceDiscovery::HttpNamespace")),
				}))(p).Service.Id
			},
			Change: func(p *Place, id string) {
				ok(p.discovery().UpdateService(p.Context(), &servicediscovery.UpdateServiceInput{Id: &id, Service: &sdtypes.ServiceChange{Description: aws.String("b")}}))(p)
			}},
	}
}

// namespace returns the id of a namespace by its name: making one tells only the id of
// the operation.
func (p *Place) namespace(name string) string {
	p.Helper()
	for _, n := range ok(p.discovery().ListNamespaces(p.Context(), &servicediscovery.ListNamespacesInput{}))(p).Namespaces {
		if *n.Name == name {
			return *n.Id
		}
	}
	p.Fatalf("there is no namespace %s", name)
	return ""
}

func (p *Place) tagNamespace(id string) {
	for _, n := range ok(p.discovery().ListNamespaces(p.Context(), &servicediscovery.ListNamespacesInput{}))(p).Namespaces {
		if *n.Id == id {
			ok(p.discovery().TagResource(p.Context(), &servicediscovery.TagResourceInput{ResourceARN: n.Arn, Tags: []sdtypes.Tag{{Key: aws.String("team"), Value: aws.String("b")}}}))(p)
		}
	}
}
