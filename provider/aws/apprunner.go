package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apprunner"
	"github.com/aws/aws-sdk-go-v2/service/apprunner/types"

	"github.com/elava-dev/elava/resource"
)

// apprunnerPage is the most that ListServices gives (App Runner API Reference).
const apprunnerPage = 20

func apprunnerCollectors() []lister { return []lister{apprunnerServices()} }

func apprunnerServices() lister {
	arn := func(s *types.Service) *string { return s.ServiceArn }
	return &collector[tagged[types.Service]]{
		rules: resource.Schema{
			Type: "AWS::AppRunner::Service", Version: 1,
			Omit:    []string{"Status", "UpdatedAt"},
			Secrets: []string{"SourceConfiguration.CodeRepository.CodeConfiguration.CodeConfigurationValues.RuntimeEnvironmentVariables", "SourceConfiguration.ImageRepository.ImageConfiguration.RuntimeEnvironmentVariables"},
		},
		action: "apprunner:ListServices",
		pages: func(cfg aws.Config) source[tagged[types.Service]] {
			return paged(apprunner.NewFromConfig(cfg).ListServices,
				func(token *string) *apprunner.ListServicesInput {
					return &apprunner.ListServicesInput{MaxResults: aws.Int32(apprunnerPage), NextToken: token}
				},
				func(o *apprunner.ListServicesOutput) ([]tagged[types.Service], *string) {
					return converted(o.ServiceSummaryList, func(s types.ServiceSummary) tagged[types.Service] {
						return asTagged(types.Service{ServiceArn: s.ServiceArn})
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.Service]] {
			return []detail[tagged[types.Service]]{describing("apprunner:DescribeService", apprunner.NewFromConfig(cfg).DescribeService,
				func(s *tagged[types.Service]) *apprunner.DescribeServiceInput {
					return &apprunner.DescribeServiceInput{ServiceArn: s.It.ServiceArn}
				},
				func(s *tagged[types.Service], o *apprunner.DescribeServiceOutput) bool {
					return replaced(&s.It, o.Service, arn)
				}),
				tagsBy("apprunner:ListTagsForResource", apprunner.NewFromConfig(cfg).ListTagsForResource,
					func(s *types.Service) *apprunner.ListTagsForResourceInput {
						return &apprunner.ListTagsForResourceInput{ResourceArn: s.ServiceArn}
					},
					func(o *apprunner.ListTagsForResourceOutput) map[string]string {
						return tagMap(o.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
					}),
			}
		},
		vanished: []string{"ResourceNotFoundException"},
		terminal: []string{string(types.ServiceStatusDeleted)},
		read: func(s *tagged[types.Service]) facts {
			return facts{
				ID: s.It.ServiceName, ARN: s.It.ServiceArn, Name: aws.ToString(s.It.ServiceName), Status: string(s.It.Status),
				UID: aws.ToString(s.It.ServiceId), Created: s.It.CreatedAt, Tags: s.Tags,
			}
		},
	}
}
