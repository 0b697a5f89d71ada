package aws

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"

	"github.com/elava-dev/elava/resource"
)

// elbPage is the most that DescribeLoadBalancers gives, elbTagBatch the most that
// DescribeTags takes (Elastic Load Balancing API Reference, 2012-06-01).
const (
	elbPage     = 400
	elbTagBatch = 20
)

func elbCollectors() []lister { return []lister{elbLoadBalancers()} }

type classicLoadBalancer struct {
	types.LoadBalancerDescription
	Tags map[string]string
}

// elbLoadBalancers lists Classic Load Balancers. The API has no state of them.
func elbLoadBalancers() lister {
	return &collector[classicLoadBalancer]{
		rules: resource.Schema{
			Type: "AWS::ElasticLoadBalancing::LoadBalancer", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{
				"AvailabilityZones":                     "",
				"BackendServerDescriptions":             "{InstancePort}",
				"BackendServerDescriptions.PolicyNames": "",
				"Instances":                             "{InstanceId}",
				"ListenerDescriptions":                  "",
				"ListenerDescriptions.PolicyNames":      "",
				"Policies.AppCookieStickinessPolicies":  "{PolicyName}",
				"Policies.LBCookieStickinessPolicies":   "{PolicyName}",
				"Policies.OtherPolicies":                "",
				"SecurityGroups":                        "",
				"Subnets":                               "",
			},
		},
		action: "elasticloadbalancing:DescribeLoadBalancers",
		pages: func(cfg aws.Config) source[classicLoadBalancer] {
			return paged(elb.NewFromConfig(cfg).DescribeLoadBalancers,
				func(token *string) *elb.DescribeLoadBalancersInput {
					return &elb.DescribeLoadBalancersInput{PageSize: aws.Int32(elbPage), Marker: token}
				},
				func(o *elb.DescribeLoadBalancersOutput) ([]classicLoadBalancer, *string) {
					return converted(o.LoadBalancerDescriptions, func(lb types.LoadBalancerDescription) classicLoadBalancer {
						return classicLoadBalancer{LoadBalancerDescription: lb}
					}), o.NextMarker
				})
		},
		details: func(cfg aws.Config) []detail[classicLoadBalancer] {
			describeTags := elb.NewFromConfig(cfg).DescribeTags
			return []detail[classicLoadBalancer]{{
				parts:  []string{resource.PartTags},
				action: "elasticloadbalancing:DescribeTags",
				size:   elbTagBatch,
				fetch: batchTags(
					func(lb *classicLoadBalancer) *string { return lb.LoadBalancerName },
					func(lb *classicLoadBalancer) *map[string]string { return &lb.Tags },
					func(ctx context.Context, names []string) (map[string]map[string]string, error) {
						out, err := describeTags(ctx, &elb.DescribeTagsInput{LoadBalancerNames: names})
						if err != nil {
							return nil, err
						}
						byName := make(map[string]map[string]string, len(out.TagDescriptions))
						for _, d := range out.TagDescriptions {
							byName[aws.ToString(d.LoadBalancerName)] = tagMap(d.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
						}
						return byName, nil
					}),
			}}
		},
		vanished: []string{"LoadBalancerNotFound", "AccessPointNotFound"}, // the second is that of the query protocol
		arn:      "arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{id}",
		read: func(lb *classicLoadBalancer) facts {
			f := facts{ID: lb.LoadBalancerName, Name: aws.ToString(lb.LoadBalancerName), Created: lb.CreatedTime, Tags: lb.Tags}
			if lb.CreatedTime != nil {
				f.UID = lb.CreatedTime.UTC().Format(time.RFC3339) // a new one of that name has another
			}
			return f
		},
	}
}
