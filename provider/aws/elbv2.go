package aws

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/elava-dev/elava/resource"
)

// elbv2Page is the most that the lists give, elbv2TagBatch the most that
// DescribeTags takes (Elastic Load Balancing API Reference, 2015-12-01).
const (
	elbv2Page     = 400
	elbv2TagBatch = 20
)

const (
	elbv2ActionLoadBalancers = "elasticloadbalancing:DescribeLoadBalancers"
	elbv2ActionListeners     = "elasticloadbalancing:DescribeListeners"
)

func elbv2Collectors() []lister {
	return []lister{elbv2LoadBalancers(), elbv2TargetGroups(), elbv2Listeners(), elbv2Rules()}
}

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
		action: elbv2ActionLoadBalancers,
		pages: func(cfg aws.Config) source[loadBalancer] {
			return paged(elbv2.NewFromConfig(cfg).DescribeLoadBalancers,
				func(token *string) *elbv2.DescribeLoadBalancersInput {
					return &elbv2.DescribeLoadBalancersInput{PageSize: aws.Int32(elbv2Page), Marker: token}
				},
				func(o *elbv2.DescribeLoadBalancersOutput) ([]loadBalancer, *string) {
					return converted(o.LoadBalancers, func(lb types.LoadBalancer) loadBalancer {
						return loadBalancer{LoadBalancer: lb}
					}), o.NextMarker
				})
		},
		details: elbv2TagDetail(
			func(lb *loadBalancer) *string { return lb.LoadBalancerArn },
			func(lb *loadBalancer) *map[string]string { return &lb.Tags }),
		vanished: []string{"LoadBalancerNotFound"},
		read: func(lb *loadBalancer) facts {
			f := facts{
				ID: lb.LoadBalancerName, ARN: lb.LoadBalancerArn, Name: aws.ToString(lb.LoadBalancerName),
				UID: after(aws.ToString(lb.LoadBalancerArn), "/"), Created: lb.CreatedTime, Tags: lb.Tags,
			}
			if lb.State != nil {
				f.Status = string(lb.State.Code)
			}
			return f
		},
	}
}

// elbv2TagDetail reads the tags of load balancers, target groups, listeners or rules.
func elbv2TagDetail[T any](arn func(*T) *string, tags func(*T) *map[string]string) func(aws.Config) []detail[T] {
	return func(cfg aws.Config) []detail[T] {
		describeTags := elbv2.NewFromConfig(cfg).DescribeTags
		return []detail[T]{{
			parts:  []string{resource.PartTags},
			action: "elasticloadbalancing:DescribeTags",
			size:   elbv2TagBatch,
			fetch: batchTags(arn, tags, func(ctx context.Context, arns []string) (map[string]map[string]string, error) {
				out, err := describeTags(ctx, &elbv2.DescribeTagsInput{ResourceArns: arns})
				if err != nil {
					return nil, err
				}
				byARN := make(map[string]map[string]string, len(out.TagDescriptions))
				for _, d := range out.TagDescriptions {
					byARN[aws.ToString(d.ResourceArn)] = tagMap(d.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
				}
				return byARN, nil
			}),
		}}
	}
}

type targetGroup struct {
	types.TargetGroup
	Tags map[string]string
}

// elbv2TargetGroups does not read the targets and their health.
func elbv2TargetGroups() lister {
	return &collector[targetGroup]{
		rules: resource.Schema{
			Type: "AWS::ElasticLoadBalancingV2::TargetGroup", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{"LoadBalancerArns": ""},
		},
		action: "elasticloadbalancing:DescribeTargetGroups",
		pages: func(cfg aws.Config) source[targetGroup] {
			return paged(elbv2.NewFromConfig(cfg).DescribeTargetGroups,
				func(token *string) *elbv2.DescribeTargetGroupsInput {
					return &elbv2.DescribeTargetGroupsInput{PageSize: aws.Int32(elbv2Page), Marker: token}
				},
				func(o *elbv2.DescribeTargetGroupsOutput) ([]targetGroup, *string) {
					return converted(o.TargetGroups, func(g types.TargetGroup) targetGroup { return targetGroup{TargetGroup: g} }), o.NextMarker
				})
		},
		details: elbv2TagDetail(
			func(g *targetGroup) *string { return g.TargetGroupArn },
			func(g *targetGroup) *map[string]string { return &g.Tags }),
		vanished: []string{"TargetGroupNotFound"},
		read: func(g *targetGroup) facts {
			return facts{
				ID: g.TargetGroupName, ARN: g.TargetGroupArn, Name: aws.ToString(g.TargetGroupName),
				UID: after(aws.ToString(g.TargetGroupArn), "/"), Tags: g.Tags,
			}
		},
	}
}

type listener struct {
	types.Listener
	Tags map[string]string
}

// elbv2ListenersOf lists the listeners of every load balancer. The API takes one load
// balancer at a time, or listeners by name.
func elbv2ListenersOf(cfg aws.Config) source[listener] {
	client := elbv2.NewFromConfig(cfg)
	describe := client.DescribeListeners
	loadBalancers := paged(client.DescribeLoadBalancers,
		func(token *string) *elbv2.DescribeLoadBalancersInput {
			return &elbv2.DescribeLoadBalancersInput{PageSize: aws.Int32(elbv2Page), Marker: token}
		},
		func(o *elbv2.DescribeLoadBalancersOutput) ([]types.LoadBalancer, *string) {
			return o.LoadBalancers, o.NextMarker
		})
	return under(loadBalancers, elbv2ActionLoadBalancers, []string{"LoadBalancerNotFound"},
		func(lb *types.LoadBalancer) source[listener] {
			return paged(describe,
				func(token *string) *elbv2.DescribeListenersInput {
					return &elbv2.DescribeListenersInput{LoadBalancerArn: lb.LoadBalancerArn, PageSize: aws.Int32(elbv2Page), Marker: token}
				},
				func(o *elbv2.DescribeListenersOutput) ([]listener, *string) {
					return converted(o.Listeners, func(l types.Listener) listener { return listener{Listener: l} }), o.NextMarker
				})
		})
}

func elbv2Listeners() lister {
	return &collector[listener]{
		rules: resource.Schema{
			Type: "AWS::ElasticLoadBalancingV2::Listener", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{
				"AlpnPolicy":   "",
				"Certificates": "{CertificateArn}",
				"DefaultActions.ForwardConfig.TargetGroups":                  "{TargetGroupArn}",
				"DefaultActions.JwtValidationConfig.AdditionalClaims":        "{Name}",
				"DefaultActions.JwtValidationConfig.AdditionalClaims.Values": "",
			},
			Secrets: []string{"DefaultActions.AuthenticateOidcConfig.ClientSecret"},
		},
		action: elbv2ActionListeners, parentAction: elbv2ActionLoadBalancers,
		pages: elbv2ListenersOf,
		details: elbv2TagDetail(
			func(l *listener) *string { return l.ListenerArn },
			func(l *listener) *map[string]string { return &l.Tags }),
		vanished: []string{"ListenerNotFound"},
		read: func(l *listener) facts {
			return facts{ID: behind(l.ListenerArn, ":listener/"), ARN: l.ListenerArn, Tags: l.Tags}
		},
	}
}

type rule struct {
	types.Rule
	Tags map[string]string
}

// elbv2HeaderValues are secrets: by a header that only CloudFront sends a load balancer knows it
// ("Restrict access to Application Load Balancers", CloudFront Developer Guide).
const elbv2HeaderValues = "Conditions.HttpHeaderConfig.Values"

func elbv2Rules() lister {
	sets := map[string]string{
		"Actions.ForwardConfig.TargetGroups":                  "{TargetGroupArn}",
		"Actions.JwtValidationConfig.AdditionalClaims":        "{Name}",
		"Actions.JwtValidationConfig.AdditionalClaims.Values": "",
		"Conditions": "",
		"Conditions.HttpRequestMethodConfig.Values": "",
		"Conditions.QueryStringConfig.Values":       "",
		"Conditions.RegexValues":                    "",
		"Conditions.SourceIpConfig.Values":          "",
		"Conditions.Values":                         "",
	}
	for _, config := range []string{"HostHeaderConfig", "HttpHeaderConfig", "PathPatternConfig"} {
		sets["Conditions."+config+".RegexValues"] = ""
		sets["Conditions."+config+".Values"] = ""
	}
	return &collector[rule]{
		rules: resource.Schema{
			Type: "AWS::ElasticLoadBalancingV2::ListenerRule", Version: 2,
			Omit:    []string{"Tags"},
			Sets:    sets,
			Secrets: []string{"Actions.AuthenticateOidcConfig.ClientSecret", elbv2HeaderValues},
		},
		action: "elasticloadbalancing:DescribeRules", parentAction: elbv2ActionListeners, rootAction: elbv2ActionLoadBalancers,
		pages: func(cfg aws.Config) source[rule] {
			describe := elbv2.NewFromConfig(cfg).DescribeRules
			return under(elbv2ListenersOf(cfg), elbv2ActionListeners, []string{"ListenerNotFound"},
				func(l *listener) source[rule] {
					return paged(describe,
						func(token *string) *elbv2.DescribeRulesInput {
							return &elbv2.DescribeRulesInput{ListenerArn: l.ListenerArn, PageSize: aws.Int32(elbv2Page), Marker: token}
						},
						func(o *elbv2.DescribeRulesOutput) ([]rule, *string) {
							return converted(o.Rules, func(r types.Rule) rule { return rule{Rule: r} }), o.NextMarker
						})
				})
		},
		details: elbv2TagDetail(
			func(r *rule) *string { return r.RuleArn },
			func(r *rule) *map[string]string { return &r.Tags }),
		vanished: []string{"RuleNotFound"},
		read: func(r *rule) facts {
			return facts{ID: behind(r.RuleArn, ":listener-rule/"), ARN: r.RuleArn, Tags: r.Tags}
		},
	}
}

// behind returns what follows a separator in an ARN, nil where it has none.
func behind(arn *string, separator string) *string {
	_, id, found := strings.Cut(aws.ToString(arn), separator)
	if !found {
		return nil
	}
	return &id
}
