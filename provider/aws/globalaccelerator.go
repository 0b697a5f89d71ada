package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/globalaccelerator"
	"github.com/aws/aws-sdk-go-v2/service/globalaccelerator/types"

	"github.com/elava-dev/elava/resource"
)

// globalacceleratorPage is the most that ListAccelerators gives (Global Accelerator API
// Reference).
const globalacceleratorPage = 100

func globalacceleratorCollectors() []lister { return []lister{globalacceleratorAccelerators()} }

type accelerator struct {
	types.Accelerator
	Tags map[string]string
}

func globalacceleratorAccelerators() lister {
	return &collector[accelerator]{
		rules: resource.Schema{
			Type: "AWS::GlobalAccelerator::Accelerator", Version: 1,
			Omit: []string{"Tags", "Status", "LastModifiedTime", "Events"}, // Events is a log
			Sets: map[string]string{"IpSets": "{IpAddressFamily}", "IpSets.IpAddresses": ""},
		},
		global: true,
		homes:  map[string]string{"aws": "us-west-2"}, // "Global Accelerator endpoints and quotas" of the AWS General Reference
		action: "globalaccelerator:ListAccelerators",
		pages: func(cfg aws.Config) source[accelerator] {
			return paged(globalaccelerator.NewFromConfig(cfg).ListAccelerators,
				func(token *string) *globalaccelerator.ListAcceleratorsInput {
					return &globalaccelerator.ListAcceleratorsInput{MaxResults: aws.Int32(globalacceleratorPage), NextToken: token}
				},
				func(o *globalaccelerator.ListAcceleratorsOutput) ([]accelerator, *string) {
					return converted(o.Accelerators, func(a types.Accelerator) accelerator { return accelerator{Accelerator: a} }), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[accelerator] {
			listTags := globalaccelerator.NewFromConfig(cfg).ListTagsForResource
			return []detail[accelerator]{{
				parts:  []string{resource.PartTags},
				action: "globalaccelerator:ListTagsForResource",
				fetch: each(func(ctx context.Context, a *accelerator) error {
					out, err := listTags(ctx, &globalaccelerator.ListTagsForResourceInput{ResourceArn: a.AcceleratorArn})
					if err == nil {
						a.Tags = tagMap(out.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
					}
					return err
				}),
			}}
		},
		vanished: []string{"AcceleratorNotFoundException"},
		read: func(a *accelerator) facts {
			return facts{
				ID: behind(a.AcceleratorArn, ":accelerator/"), ARN: a.AcceleratorArn, Name: aws.ToString(a.Name),
				Status: string(a.Status), Created: a.CreatedTime, Tags: a.Tags,
			}
		},
	}
}
