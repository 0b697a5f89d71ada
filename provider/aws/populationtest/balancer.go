package populationtest

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	classic "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	classictypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

func (p *Place) elb() *elb.Client         { return elb.NewFromConfig(p.Config) }
func (p *Place) classic() *classic.Client { return classic.NewFromConfig(p.Config) }

func elbTags(tags map[string]string) []types.Tag {
	return tagsOf(tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
}

func classicTags(tags map[string]string) []classictypes.Tag {
	return tagsOf(tags, func(k, v *string) classictypes.Tag { return classictypes.Tag{Key: k, Value: v} })
}

// elbARN is that of a listener or a rule, by its id.
func (p *Place) elbARN(kind, id string) string { return p.arn("elasticloadbalancing", kind+"/"+id) }

func balancerKinds() []Kind {
	return []Kind{
		{Type: "AWS::ElasticLoadBalancingV2::LoadBalancer", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				return *ok(p.elb().CreateLoadBalancer(p.Context(), &elb.CreateLoadBalancerInput{
					Name: aws.String("front"), Subnets: p.subnets(), SecurityGroups: []string{p.Need("AWS::EC2::SecurityGroup")},
				}))(p).LoadBalancers[0].LoadBalancerName
			},
			Change: func(p *Place, id string) {
				ok(p.elb().AddTags(p.Context(), &elb.AddTagsInput{ResourceArns: []string{*p.balancer(id)}, Tags: elbTags(more())}))(p)
			}},
		{Type: "AWS::ElasticLoadBalancingV2::TargetGroup", Paths: []string{"attributes.HealthCheckIntervalSeconds"},
			Make: func(p *Place) string {
				return *ok(p.elb().CreateTargetGroup(p.Context(), &elb.CreateTargetGroupInput{
					Name: aws.String("web"), Protocol: types.ProtocolEnumHttp, Port: aws.Int32(8080), VpcId: aws.String(p.Need("AWS::EC2::VPC")), Tags: elbTags(Tags()),
				}))(p).TargetGroups[0].TargetGroupName
			},
			Change: func(p *Place, _ string) {
				ok(p.elb().ModifyTargetGroup(p.Context(), &elb.ModifyTargetGroupInput{TargetGroupArn: p.targetGroup(), HealthCheckIntervalSeconds: aws.Int32(99)}))(p)
			}},
		{Type: "AWS::ElasticLoadBalancingV2::Listener", Paths: []string{"attributes.Port"}, Make: makeListener,
			Change: func(p *Place, id string) {
				ok(p.elb().ModifyListener(p.Context(), &elb.ModifyListenerInput{ListenerArn: aws.String(p.elbARN("listener", id)), Port: aws.Int32(81)}))(p)
			}},
		{Type: "AWS::ElasticLoadBalancingV2::ListenerRule", Paths: []string{"attributes.Priority"},
			Make: func(p *Place) string {
				rule := ok(p.elb().CreateRule(p.Context(), &elb.CreateRuleInput{
					ListenerArn: aws.String(p.elbARN("listener", p.Need("AWS::ElasticLoadBalancingV2::Listener"))), Priority: aws.Int32(7),
					Actions: p.forward(), Tags: elbTags(Tags()),
					Conditions: []types.RuleCondition{{Field: aws.String("path-pattern"), Values: []string{"/b"}}, {Field: aws.String("host-header"), Values: []string{"example.com"}}},
				}))(p).Rules[0]
				return behind(*rule.RuleArn, ":listener-rule/")
			},
			Change: func(p *Place, id string) {
				ok(p.elb().SetRulePriorities(p.Context(), &elb.SetRulePrioritiesInput{RulePriorities: []types.RulePriorityPair{
					{RuleArn: aws.String(p.elbARN("listener-rule", id)), Priority: aws.Int32(9)},
				}}))(p)
			}},
		{Type: "AWS::ElasticLoadBalancing::LoadBalancer", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				p.also("AWS::ElasticLoadBalancing::LoadBalancer", p.makeClassic("older"))
				p.makeClassic("old")
				ok(p.classic().AddTags(p.Context(), &classic.AddTagsInput{LoadBalancerNames: []string{"old"}, Tags: classicTags(Tags())}))(p)
				return "old"
			},
			Change: func(p *Place, id string) {
				ok(p.classic().AddTags(p.Context(), &classic.AddTagsInput{LoadBalancerNames: []string{id}, Tags: classicTags(more())}))(p)
			}},
	}
}

func (p *Place) makeClassic(name string) string {
	return p.bringing(func() string { // a security group
		ok(p.classic().CreateLoadBalancer(p.Context(), &classic.CreateLoadBalancerInput{
			LoadBalancerName: &name, AvailabilityZones: []string{p.zone("b"), p.zone("a")},
			Listeners: []classictypes.Listener{{Protocol: aws.String("HTTP"), LoadBalancerPort: 80, InstancePort: aws.Int32(8080)}},
		}))(p)
		return name
	})
}

// behind returns what follows the separator, which is the id in an ARN.
func behind(arn, separator string) string {
	_, id, _ := strings.Cut(arn, separator)
	return id
}

func (p *Place) balancer(name string) *string {
	return ok(p.elb().DescribeLoadBalancers(p.Context(), &elb.DescribeLoadBalancersInput{Names: []string{name}}))(p).LoadBalancers[0].LoadBalancerArn
}

func (p *Place) targetGroup() *string {
	name := p.Need("AWS::ElasticLoadBalancingV2::TargetGroup")
	return ok(p.elb().DescribeTargetGroups(p.Context(), &elb.DescribeTargetGroupsInput{Names: []string{name}}))(p).TargetGroups[0].TargetGroupArn
}

func (p *Place) forward() []types.Action {
	return []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: p.targetGroup()}}
}

// makeListener makes a listener, which has a default rule.
func makeListener(p *Place) string {
	arn := ok(p.elb().CreateListener(p.Context(), &elb.CreateListenerInput{
		LoadBalancerArn: p.balancer(p.Need("AWS::ElasticLoadBalancingV2::LoadBalancer")), Protocol: types.ProtocolEnumHttp, Port: aws.Int32(80),
		DefaultActions: p.forward(), Tags: elbTags(Tags()),
	}))(p).Listeners[0].ListenerArn
	for _, r := range ok(p.elb().DescribeRules(p.Context(), &elb.DescribeRulesInput{ListenerArn: arn}))(p).Rules {
		p.also("AWS::ElasticLoadBalancingV2::ListenerRule", behind(*r.RuleArn, ":listener-rule/"))
	}
	return behind(*arn, ":listener/")
}
