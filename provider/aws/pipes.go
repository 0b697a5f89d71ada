package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pipes"
	"github.com/aws/aws-sdk-go-v2/service/pipes/types"

	"github.com/elava-dev/elava/resource"
)

// pipesPage is the most that ListPipes gives (EventBridge Pipes API Reference).
const pipesPage = 100

func pipesCollectors() []lister { return []lister{pipesPipes()} }

func pipesPipes() lister {
	const ecs, batch = "TargetParameters.EcsTaskParameters.", "TargetParameters.BatchJobParameters."
	return &collector[pipes.DescribePipeOutput]{
		rules: resource.Schema{
			Type: "AWS::Pipes::Pipe", Version: 1,
			Omit: []string{"Tags", "CurrentState", "LastModifiedTime"},
			Sets: map[string]string{
				"LogConfiguration.IncludeExecutionData":                                  "",
				"SourceParameters.FilterCriteria.Filters":                                "{Pattern}",
				"SourceParameters.SelfManagedKafkaParameters.AdditionalBootstrapServers": "",
				"SourceParameters.SelfManagedKafkaParameters.Vpc.SecurityGroup":          "",
				"SourceParameters.SelfManagedKafkaParameters.Vpc.Subnets":                "",
				batch + "ContainerOverrides.Environment":                                 "{Name}",
				batch + "ContainerOverrides.ResourceRequirements":                        "{Type}",
				batch + "DependsOn":              "{JobId}",
				ecs + "CapacityProviderStrategy": "{CapacityProvider}",
				ecs + "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups":                            "",
				ecs + "NetworkConfiguration.AwsvpcConfiguration.Subnets":                                   "",
				ecs + "Overrides.ContainerOverrides":                                                       "{Name}",
				ecs + "Overrides.ContainerOverrides.Environment":                                           "{Name}",
				ecs + "Overrides.ContainerOverrides.ResourceRequirements":                                  "{Type}",
				ecs + "Overrides.InferenceAcceleratorOverrides":                                            "{DeviceName}",
				ecs + "PlacementConstraints":                                                               "{Type}:{Expression}",
				ecs + "Tags":                                                                               "{Key}",
				"TargetParameters.EventBridgeEventBusParameters.Resources":                                 "",
				"TargetParameters.SageMakerPipelineParameters.PipelineParameterList":                       "{Name}",
				"TargetParameters.TimestreamParameters.DimensionMappings":                                  "{DimensionName}",
				"TargetParameters.TimestreamParameters.MultiMeasureMappings":                               "{MultiMeasureName}",
				"TargetParameters.TimestreamParameters.MultiMeasureMappings.MultiMeasureAttributeMappings": "{MultiMeasureAttributeName}",
				"TargetParameters.TimestreamParameters.SingleMeasureMappings":                              "{MeasureName}",
			},
			Secrets: []string{
				batch + "ContainerOverrides.Environment.Value", ecs + "Overrides.ContainerOverrides.Environment.Value",
				"EnrichmentParameters.HttpParameters.HeaderParameters", "EnrichmentParameters.HttpParameters.QueryStringParameters",
				"TargetParameters.HttpParameters.HeaderParameters", "TargetParameters.HttpParameters.QueryStringParameters",
			},
		},
		action: "pipes:ListPipes",
		pages: func(cfg aws.Config) source[pipes.DescribePipeOutput] {
			return paged(pipes.NewFromConfig(cfg).ListPipes,
				func(token *string) *pipes.ListPipesInput {
					return &pipes.ListPipesInput{Limit: aws.Int32(pipesPage), NextToken: token}
				},
				func(o *pipes.ListPipesOutput) ([]pipes.DescribePipeOutput, *string) {
					return converted(o.Pipes, func(p types.Pipe) pipes.DescribePipeOutput { return pipes.DescribePipeOutput{Name: p.Name} }), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[pipes.DescribePipeOutput] {
			return []detail[pipes.DescribePipeOutput]{describing("pipes:DescribePipe", pipes.NewFromConfig(cfg).DescribePipe,
				func(p *pipes.DescribePipeOutput) *pipes.DescribePipeInput {
					return &pipes.DescribePipeInput{Name: p.Name}
				},
				func(p, o *pipes.DescribePipeOutput) bool {
					return replaced(p, o, func(p *pipes.DescribePipeOutput) *string { return p.Name })
				})}
		},
		vanished: []string{"NotFoundException"},
		read: func(p *pipes.DescribePipeOutput) facts {
			return facts{
				ID: p.Name, ARN: p.Arn, Name: aws.ToString(p.Name), Status: string(p.CurrentState), Created: p.CreationTime, Tags: p.Tags,
			}
		},
	}
}
