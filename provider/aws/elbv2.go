package aws

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/elava-dev/elava/resource"
)

// elbv2Page is the most that DescribeLoadBalancers gives, elbv2TagBatch the most that
// DescribeTags takes (Elastic Load Balancing API Reference, 2015-12-01).
const (
	elbv2Page     = 400
	elbv2TagBatch = 20
)

func elbv2Collectors() []lister { return []lister{elbv2LoadBalancers()} }

type loadBalancer struct {
	types.LoadBalancer
	Tags map[string]string
}

func elbv2LoadBalancers() lister {
	return &collector[loadBalancer]{
		rules: resource.Schema{
			Type: "AWS::ElasticLoadBalancingV2::LoadBalancer", Version: 1,
			Omit: []string{"Tags", "State.Code"},
			Sets: map[string]string{
				"AvailabilityZones":                       "{ZoneName}",
				"AvailabilityZones.LoadBalancerAddresses": "{IpAddress}",
				"AvailabilityZones.SourceNatIpv6Prefixes": "",
				"SecurityGroups":                          "",
			},
		},
		action: "elasticloadbalancing:DescribeLoadBalancers",
		pages: func(cfg aws.Config) source[loadBalancer] {
			return paged(elbv2.NewFromConfig(cfg).DescribeLoadBalancers,
				func(token *string) *elbv2.DescribeLoadBalancersInput {
					return &elbv2.DescribeLoadBalancersInput{PageSize: aws.Int32(elbv2Page), Marker: token}
				},
				func(o *elbv2.DescribeLoadBalancersOutput) ([]loadBalancer, *string) {
					all := make([]loadBalancer, len(o.LoadBalancers))
					for i, lb := range o.LoadBalancers {
						all[i].LoadBalancer = lb
					}
					return all, o.NextMarker
				})
		},
		details: func(cfg aws.Config) []detail[loadBalancer] {
			describeTags := elbv2.NewFromConfig(cfg).DescribeTags
			return []detail[loadBalancer]{{
				parts:  []string{resource.PartTags},
				action: "elasticloadbalancing:DescribeTags",
				size:   elbv2TagBatch,
				fetch: func(ctx context.Context, batch []*loadBalancer) error {
					in, byARN := &elbv2.DescribeTagsInput{}, map[string]*loadBalancer{}
					for _, lb := range batch {
						in.ResourceArns = append(in.ResourceArns, aws.ToString(lb.LoadBalancerArn))
						byARN[aws.ToString(lb.LoadBalancerArn)] = lb
					}
					out, err := describeTags(ctx, in)
					if err != nil {
						return err
					}
					return elbv2Tags(byARN, out.TagDescriptions)
				},
			}}
		},
		vanished: []string{"LoadBalancerNotFound"},
		read: func(lb *loadBalancer) facts {
			f := facts{
				ID: lb.LoadBalancerName, ARN: lb.LoadBalancerArn, Name: aws.ToString(lb.LoadBalancerName),
				UID: lastPart(aws.ToString(lb.LoadBalancerArn)), Created: lb.CreatedTime, Tags: lb.Tags,
			}
			if lb.State != nil {
				f.Status = string(lb.State.Code)
			}
			return f
		},
	}
}

// elbv2Tags hands out the tags of a batch. An answer that leaves one of them out says
// nothing about its tags.
func elbv2Tags(byARN map[string]*loadBalancer, descriptions []types.TagDescription) error {
	tags := make(map[string]map[string]string, len(descriptions))
	for _, d := range descriptions {
		tags[aws.ToString(d.ResourceArn)] = tagMap(d.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
	}
	for arn := range byARN {
		if _, ok := tags[arn]; !ok {
			return badAnswer("elasticloadbalancingv2 DescribeTags: no answer for every load balancer")
		}
	}
	for arn, lb := range byARN {
		lb.Tags = tags[arn]
	}
	return nil
}

// lastPart returns what follows the last slash.
func lastPart(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }
