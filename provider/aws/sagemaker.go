package aws

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/smithy-go"

	"github.com/elava-dev/elava/resource"
)

// sagemakerPage is the most that SageMaker's lists give (SageMaker API Reference).
const sagemakerPage = 100

func sagemakerCollectors() []lister {
	return []lister{sagemakerEndpoints(), sagemakerModels(), sagemakerNotebooks(), sagemakerDomains()}
}

// sagemakerTagsBy is the detail for tags.
func sagemakerTagsBy[T any](cfg aws.Config, arn func(*T) *string) detail[tagged[T]] {
	return tagPagesBy("sagemaker:ListTags", sagemaker.NewFromConfig(cfg).ListTags,
		func(v *T, token *string) *sagemaker.ListTagsInput {
			return &sagemaker.ListTagsInput{ResourceArn: arn(v), NextToken: token}
		},
		func(o *sagemaker.ListTagsOutput) ([]types.Tag, *string) { return o.Tags, o.NextToken },
		func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

// sagemakerSays recognizes the error that there is no such resource by the beginning of its text. Only
// domains have a code for that; the others share one with all that can be wrong about a request
// (Terraform's provider looks for the same texts). The name that follows is quoted either way.
func sagemakerSays(text string) func(error) bool {
	return func(err error) bool {
		var api smithy.APIError
		return errors.As(err, &api) && api.ErrorCode() == "ValidationException" &&
			strings.HasPrefix(strings.ReplaceAll(api.ErrorMessage(), "'", `"`), text)
	}
}

func sagemakerEndpoints() lister {
	return &collector[tagged[sagemaker.DescribeEndpointOutput]]{
		rules: resource.Schema{
			Type: "AWS::SageMaker::Endpoint", Version: 1,
			Omit: []string{"EndpointStatus", "LastModifiedTime", "ProductionVariants.CurrentInstanceCount", "ProductionVariants.InstancePools.CurrentInstanceCount", "ProductionVariants.VariantStatus", "ShadowProductionVariants.CurrentInstanceCount", "ShadowProductionVariants.InstancePools.CurrentInstanceCount", "ShadowProductionVariants.VariantStatus", "PendingDeploymentSummary.ProductionVariants.CurrentInstanceCount", "PendingDeploymentSummary.ProductionVariants.InstancePools.CurrentInstanceCount", "PendingDeploymentSummary.ProductionVariants.VariantStatus", "PendingDeploymentSummary.ShadowProductionVariants.CurrentInstanceCount", "PendingDeploymentSummary.ShadowProductionVariants.InstancePools.CurrentInstanceCount", "PendingDeploymentSummary.ShadowProductionVariants.VariantStatus"},
			Sets: map[string]string{
				"PendingDeploymentSummary.ProductionVariants":                      "{VariantName}",
				"PendingDeploymentSummary.ProductionVariants.DeployedImages":       "{SpecifiedImage}",
				"PendingDeploymentSummary.ProductionVariants.InstancePools":        "{InstanceType}",
				"PendingDeploymentSummary.ShadowProductionVariants":                "{VariantName}",
				"PendingDeploymentSummary.ShadowProductionVariants.DeployedImages": "{SpecifiedImage}",
				"PendingDeploymentSummary.ShadowProductionVariants.InstancePools":  "{InstanceType}",
				"ProductionVariants":                      "{VariantName}",
				"ProductionVariants.DeployedImages":       "{SpecifiedImage}",
				"ProductionVariants.InstancePools":        "{InstanceType}",
				"ShadowProductionVariants":                "{VariantName}",
				"ShadowProductionVariants.DeployedImages": "{SpecifiedImage}",
				"ShadowProductionVariants.InstancePools":  "{InstanceType}",
			},
		},
		action: "sagemaker:ListEndpoints",
		pages: func(cfg aws.Config) source[tagged[sagemaker.DescribeEndpointOutput]] {
			return paged(sagemaker.NewFromConfig(cfg).ListEndpoints,
				func(token *string) *sagemaker.ListEndpointsInput {
					return &sagemaker.ListEndpointsInput{MaxResults: aws.Int32(sagemakerPage), NextToken: token}
				},
				func(o *sagemaker.ListEndpointsOutput) ([]tagged[sagemaker.DescribeEndpointOutput], *string) {
					return converted(o.Endpoints, func(v types.EndpointSummary) tagged[sagemaker.DescribeEndpointOutput] {
						return asTagged(sagemaker.DescribeEndpointOutput{EndpointName: v.EndpointName})
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[sagemaker.DescribeEndpointOutput]] {
			return []detail[tagged[sagemaker.DescribeEndpointOutput]]{describing("sagemaker:DescribeEndpoint", sagemaker.NewFromConfig(cfg).DescribeEndpoint,
				func(v *tagged[sagemaker.DescribeEndpointOutput]) *sagemaker.DescribeEndpointInput {
					return &sagemaker.DescribeEndpointInput{EndpointName: v.It.EndpointName}
				},
				func(v *tagged[sagemaker.DescribeEndpointOutput], o *sagemaker.DescribeEndpointOutput) bool {
					return replaced(&v.It, o, func(v *sagemaker.DescribeEndpointOutput) *string { return v.EndpointName })
				}).goneBy(sagemakerSays(`Could not find endpoint "`)),
				sagemakerTagsBy(cfg, func(v *sagemaker.DescribeEndpointOutput) *string { return v.EndpointArn }),
			}
		},
		vanished: []string{"ResourceNotFound"},
		read: func(v *tagged[sagemaker.DescribeEndpointOutput]) facts {
			return facts{
				ID: v.It.EndpointName, ARN: v.It.EndpointArn, Name: aws.ToString(v.It.EndpointName), Status: string(v.It.EndpointStatus),
				Created: v.It.CreationTime, Tags: v.Tags,
			}
		},
	}
}

func sagemakerModels() lister {
	return &collector[tagged[sagemaker.DescribeModelOutput]]{
		rules: resource.Schema{
			Type: "AWS::SageMaker::Model", Version: 1,
			Sets: map[string]string{
				"Containers.AdditionalModelDataSources":       "{ChannelName}",
				"PrimaryContainer.AdditionalModelDataSources": "{ChannelName}",
				"VpcConfig.SecurityGroupIds":                  "",
				"VpcConfig.Subnets":                           "",
			}, // not Containers: they run in their order
			Secrets: []string{"PrimaryContainer.Environment", "Containers.Environment", "DeploymentRecommendation.RealTimeInferenceRecommendations.Environment"},
		},
		action: "sagemaker:ListModels",
		pages: func(cfg aws.Config) source[tagged[sagemaker.DescribeModelOutput]] {
			return paged(sagemaker.NewFromConfig(cfg).ListModels,
				func(token *string) *sagemaker.ListModelsInput {
					return &sagemaker.ListModelsInput{MaxResults: aws.Int32(sagemakerPage), NextToken: token}
				},
				func(o *sagemaker.ListModelsOutput) ([]tagged[sagemaker.DescribeModelOutput], *string) {
					return converted(o.Models, func(v types.ModelSummary) tagged[sagemaker.DescribeModelOutput] {
						return asTagged(sagemaker.DescribeModelOutput{ModelName: v.ModelName})
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[sagemaker.DescribeModelOutput]] {
			return []detail[tagged[sagemaker.DescribeModelOutput]]{describing("sagemaker:DescribeModel", sagemaker.NewFromConfig(cfg).DescribeModel,
				func(v *tagged[sagemaker.DescribeModelOutput]) *sagemaker.DescribeModelInput {
					return &sagemaker.DescribeModelInput{ModelName: v.It.ModelName}
				},
				func(v *tagged[sagemaker.DescribeModelOutput], o *sagemaker.DescribeModelOutput) bool {
					return replaced(&v.It, o, func(v *sagemaker.DescribeModelOutput) *string { return v.ModelName })
				}).goneBy(sagemakerSays(`Could not find model "`)),
				sagemakerTagsBy(cfg, func(v *sagemaker.DescribeModelOutput) *string { return v.ModelArn }),
			}
		},
		vanished: []string{"ResourceNotFound"},
		read: func(v *tagged[sagemaker.DescribeModelOutput]) facts {
			return facts{
				ID: v.It.ModelName, ARN: v.It.ModelArn, Name: aws.ToString(v.It.ModelName),
				Created: v.It.CreationTime, Tags: v.Tags,
			}
		},
	}
}

func sagemakerNotebooks() lister {
	return &collector[tagged[sagemaker.DescribeNotebookInstanceOutput]]{
		rules: resource.Schema{
			Type: "AWS::SageMaker::NotebookInstance", Version: 1,
			Omit: []string{"NotebookInstanceStatus", "LastModifiedTime"},
			Sets: map[string]string{
				"AcceleratorTypes":           "",
				"AdditionalCodeRepositories": "",
				"SecurityGroups":             "",
			},
		},
		action: "sagemaker:ListNotebookInstances",
		pages: func(cfg aws.Config) source[tagged[sagemaker.DescribeNotebookInstanceOutput]] {
			return paged(sagemaker.NewFromConfig(cfg).ListNotebookInstances,
				func(token *string) *sagemaker.ListNotebookInstancesInput {
					return &sagemaker.ListNotebookInstancesInput{MaxResults: aws.Int32(sagemakerPage), NextToken: token}
				},
				func(o *sagemaker.ListNotebookInstancesOutput) ([]tagged[sagemaker.DescribeNotebookInstanceOutput], *string) {
					return converted(o.NotebookInstances, func(v types.NotebookInstanceSummary) tagged[sagemaker.DescribeNotebookInstanceOutput] {
						return asTagged(sagemaker.DescribeNotebookInstanceOutput{NotebookInstanceName: v.NotebookInstanceName})
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[sagemaker.DescribeNotebookInstanceOutput]] {
			return []detail[tagged[sagemaker.DescribeNotebookInstanceOutput]]{describing("sagemaker:DescribeNotebookInstance", sagemaker.NewFromConfig(cfg).DescribeNotebookInstance,
				func(v *tagged[sagemaker.DescribeNotebookInstanceOutput]) *sagemaker.DescribeNotebookInstanceInput {
					return &sagemaker.DescribeNotebookInstanceInput{NotebookInstanceName: v.It.NotebookInstanceName}
				},
				func(v *tagged[sagemaker.DescribeNotebookInstanceOutput], o *sagemaker.DescribeNotebookInstanceOutput) bool {
					return replaced(&v.It, o, func(v *sagemaker.DescribeNotebookInstanceOutput) *string { return v.NotebookInstanceName })
				}).goneBy(sagemakerSays("RecordNotFound")),
				sagemakerTagsBy(cfg, func(v *sagemaker.DescribeNotebookInstanceOutput) *string { return v.NotebookInstanceArn }),
			}
		},
		vanished: []string{"ResourceNotFound"},
		read: func(v *tagged[sagemaker.DescribeNotebookInstanceOutput]) facts {
			return facts{
				ID: v.It.NotebookInstanceName, ARN: v.It.NotebookInstanceArn, Name: aws.ToString(v.It.NotebookInstanceName), Status: string(v.It.NotebookInstanceStatus),
				Created: v.It.CreationTime, Tags: v.Tags,
			}
		},
	}
}

func sagemakerDomains() lister {
	return &collector[tagged[sagemaker.DescribeDomainOutput]]{
		rules: resource.Schema{
			Type: "AWS::SageMaker::Domain", Version: 1,
			Omit: []string{"Status", "LastModifiedTime"},
			Sets: map[string]string{
				"DefaultUserSettings.SecurityGroups":                   "",
				"DomainSettings.DockerSettings.VpcOnlyTrustedAccounts": "",
				"DomainSettings.SecurityGroupIds":                      "",
				"SubnetIds":                                            "",
			},
		},
		action: "sagemaker:ListDomains",
		pages: func(cfg aws.Config) source[tagged[sagemaker.DescribeDomainOutput]] {
			return paged(sagemaker.NewFromConfig(cfg).ListDomains,
				func(token *string) *sagemaker.ListDomainsInput {
					return &sagemaker.ListDomainsInput{MaxResults: aws.Int32(sagemakerPage), NextToken: token}
				},
				func(o *sagemaker.ListDomainsOutput) ([]tagged[sagemaker.DescribeDomainOutput], *string) {
					return converted(o.Domains, func(v types.DomainDetails) tagged[sagemaker.DescribeDomainOutput] {
						return asTagged(sagemaker.DescribeDomainOutput{DomainId: v.DomainId})
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[sagemaker.DescribeDomainOutput]] {
			return []detail[tagged[sagemaker.DescribeDomainOutput]]{describing("sagemaker:DescribeDomain", sagemaker.NewFromConfig(cfg).DescribeDomain,
				func(v *tagged[sagemaker.DescribeDomainOutput]) *sagemaker.DescribeDomainInput {
					return &sagemaker.DescribeDomainInput{DomainId: v.It.DomainId}
				},
				func(v *tagged[sagemaker.DescribeDomainOutput], o *sagemaker.DescribeDomainOutput) bool {
					return replaced(&v.It, o, func(v *sagemaker.DescribeDomainOutput) *string { return v.DomainId })
				}),
				sagemakerTagsBy(cfg, func(v *sagemaker.DescribeDomainOutput) *string { return v.DomainArn }),
			}
		},
		vanished: []string{"ResourceNotFound"},
		read: func(v *tagged[sagemaker.DescribeDomainOutput]) facts {
			return facts{
				ID: v.It.DomainId, ARN: v.It.DomainArn, Name: aws.ToString(v.It.DomainName), Status: string(v.It.Status),
				Created: v.It.CreationTime, Tags: v.Tags,
			}
		},
	}
}
