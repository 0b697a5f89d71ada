package aws_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	classictypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

func TestMoto_LoadBalancing(t *testing.T) {
	c := moto(t)
	ctx, cfg := t.Context(), c.config(t)
	e, classic, l := ec2.NewFromConfig(cfg), elb.NewFromConfig(cfg), elbv2.NewFromConfig(cfg)
	vpc := newVPC(t, e, "10.1.0.0/16")
	subnets := []string{newSubnet(t, e, vpc, "10.1.1.0/24", "us-east-1a"), newSubnet(t, e, vpc, "10.1.2.0/24", "us-east-1b")}
	tags := tagsOf(func(k, v *string) elbtypes.Tag { return elbtypes.Tag{Key: k, Value: v} })
	behind := func(arn *string, separator string) string {
		_, id, _ := strings.Cut(*arn, separator)
		return id
	}
	made := map[string][]string{}
	inv := c.checkFound(t, []string{
		"AWS::ElasticLoadBalancing::LoadBalancer", "AWS::ElasticLoadBalancingV2::Listener",
		"AWS::ElasticLoadBalancingV2::ListenerRule", "AWS::ElasticLoadBalancingV2::TargetGroup",
	}, func() map[string][]string {
		for _, name := range []string{"old", "older"} {
			must[*elb.CreateLoadBalancerOutput](t)(classic.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{
				LoadBalancerName: &name, AvailabilityZones: []string{"us-east-1b", "us-east-1a"},
				Listeners: []classictypes.Listener{{Protocol: aws.String("HTTP"), LoadBalancerPort: 80, InstancePort: aws.Int32(8080)}},
			}))
		}
		must[*elb.AddTagsOutput](t)(classic.AddTags(ctx, &elb.AddTagsInput{
			LoadBalancerNames: []string{"old"}, Tags: tagsOf(func(k, v *string) classictypes.Tag { return classictypes.Tag{Key: k, Value: v} }),
		}))
		made["AWS::ElasticLoadBalancing::LoadBalancer"] = []string{"old", "older"}
		group := must[*elbv2.CreateTargetGroupOutput](t)(l.CreateTargetGroup(ctx, &elbv2.CreateTargetGroupInput{
			Name: aws.String("web"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(8080), VpcId: &vpc, Tags: tags,
		})).TargetGroups[0]
		made["AWS::ElasticLoadBalancingV2::TargetGroup"] = []string{"web"}
		forward := []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: group.TargetGroupArn}}
		for _, name := range []string{"front", "back"} {
			lb := must[*elbv2.CreateLoadBalancerOutput](t)(l.CreateLoadBalancer(ctx, &elbv2.CreateLoadBalancerInput{Name: &name, Subnets: subnets}))
			listener := must[*elbv2.CreateListenerOutput](t)(l.CreateListener(ctx, &elbv2.CreateListenerInput{
				LoadBalancerArn: lb.LoadBalancers[0].LoadBalancerArn, Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80),
				DefaultActions: forward, Tags: tags,
			})).Listeners[0]
			made["AWS::ElasticLoadBalancingV2::Listener"] = append(made["AWS::ElasticLoadBalancingV2::Listener"], behind(listener.ListenerArn, ":listener/"))
			must[*elbv2.CreateRuleOutput](t)(l.CreateRule(ctx, &elbv2.CreateRuleInput{
				ListenerArn: listener.ListenerArn, Priority: aws.Int32(7), Actions: forward, Tags: tags,
				Conditions: []elbtypes.RuleCondition{{Field: aws.String("path-pattern"), Values: []string{"/b"}}, {Field: aws.String("host-header"), Values: []string{"example.com"}}},
			}))
			rules := must[*elbv2.DescribeRulesOutput](t)(l.DescribeRules(ctx, &elbv2.DescribeRulesInput{ListenerArn: listener.ListenerArn}))
			for _, r := range rules.Rules { // ours and the default one
				made["AWS::ElasticLoadBalancingV2::ListenerRule"] = append(made["AWS::ElasticLoadBalancingV2::ListenerRule"], behind(r.RuleArn, ":listener-rule/"))
			}
		}
		return made
	})

	old := inv.get(t, "AWS::ElasticLoadBalancing::LoadBalancer", "old")
	wantTags(t, old, wantedTags)
	wantTags(t, inv.get(t, "AWS::ElasticLoadBalancing::LoadBalancer", "older"), nil)
	wantAt(t, old, "us-east-1a", "AvailabilityZones", 0)
	if old.ARN != "arn:aws:elasticloadbalancing:us-east-1:"+c.account+":loadbalancer/old" || old.UID == "" {
		t.Errorf("got %+v", old)
	}
	group := inv.get(t, "AWS::ElasticLoadBalancingV2::TargetGroup", "web")
	wantTags(t, group, wantedTags)
	wantAt(t, group, 8080, "Port")
	for _, id := range made["AWS::ElasticLoadBalancingV2::Listener"] {
		r := inv.get(t, "AWS::ElasticLoadBalancingV2::Listener", id)
		wantTags(t, r, wantedTags)
		wantAt(t, r, 80, "Port")
	}
	if n := len(inv.ids("AWS::ElasticLoadBalancingV2::ListenerRule")); n != 4 {
		t.Errorf("%d rules, want a default one and ours for two listeners", n)
	}
}

func TestMoto_AutoScaling(t *testing.T) {
	c := moto(t)
	ctx, cfg := t.Context(), c.config(t)
	a := autoscaling.NewFromConfig(cfg)
	userData := base64.StdEncoding.EncodeToString([]byte("s3cret"))
	made := map[string][]string{
		"AWS::AutoScaling::AutoScalingGroup":    {"workers"},
		"AWS::AutoScaling::LaunchConfiguration": {"v1"},
		"AWS::AutoScaling::ScalingPolicy":       {"workers/up"},
		"AWS::AutoScaling::ScheduledAction":     {"workers/once", "workers/nightly"},
	}
	inv := c.checkFound(t, []string{
		"AWS::AutoScaling::AutoScalingGroup", "AWS::AutoScaling::LaunchConfiguration",
		"AWS::AutoScaling::ScalingPolicy", "AWS::AutoScaling::ScheduledAction",
	}, func() map[string][]string {
		must[*autoscaling.CreateLaunchConfigurationOutput](t)(a.CreateLaunchConfiguration(ctx, &autoscaling.CreateLaunchConfigurationInput{
			LaunchConfigurationName: aws.String("v1"), ImageId: aws.String(motoImage), InstanceType: aws.String("t3.micro"), UserData: &userData,
		}))
		must[*autoscaling.CreateAutoScalingGroupOutput](t)(a.CreateAutoScalingGroup(ctx, &autoscaling.CreateAutoScalingGroupInput{
			AutoScalingGroupName: aws.String("workers"), LaunchConfigurationName: aws.String("v1"), MinSize: aws.Int32(1), MaxSize: aws.Int32(3),
			AvailabilityZones: []string{"us-east-1b", "us-east-1a"},
			Tags: tagsOf(func(k, v *string) astypes.Tag {
				return astypes.Tag{
					Key: k, Value: v, PropagateAtLaunch: aws.Bool(false),
					ResourceId: aws.String("workers"), ResourceType: aws.String("auto-scaling-group"),
				}
			}),
		}))
		must[*autoscaling.PutScalingPolicyOutput](t)(a.PutScalingPolicy(ctx, &autoscaling.PutScalingPolicyInput{
			AutoScalingGroupName: aws.String("workers"), PolicyName: aws.String("up"), PolicyType: aws.String("SimpleScaling"),
			AdjustmentType: aws.String("ChangeInCapacity"), ScalingAdjustment: aws.Int32(1),
		}))
		must[*autoscaling.PutScheduledUpdateGroupActionOutput](t)(a.PutScheduledUpdateGroupAction(ctx, &autoscaling.PutScheduledUpdateGroupActionInput{
			AutoScalingGroupName: aws.String("workers"), ScheduledActionName: aws.String("nightly"),
			Recurrence: aws.String("0 22 * * *"), DesiredCapacity: aws.Int32(1),
		}))
		must[*autoscaling.PutScheduledUpdateGroupActionOutput](t)(a.PutScheduledUpdateGroupAction(ctx, &autoscaling.PutScheduledUpdateGroupActionInput{
			AutoScalingGroupName: aws.String("workers"), ScheduledActionName: aws.String("once"), DesiredCapacity: aws.Int32(2),
		}))
		return made
	})

	group := inv.get(t, "AWS::AutoScaling::AutoScalingGroup", "workers")
	wantTags(t, group, wantedTags)
	wantAt(t, group, "us-east-1a", "AvailabilityZones", 0)
	if group.UID == "" || group.CreatedAt.IsZero() {
		t.Errorf("got %+v", group)
	}
	wantAt(t, inv.get(t, "AWS::AutoScaling::LaunchConfiguration", "v1"), digest(userData), "UserData")
	if r := inv.get(t, "AWS::AutoScaling::ScalingPolicy", "workers/up"); r.Name != "up" || r.UID == "" {
		t.Errorf("got %+v", r)
	}
	wantAt(t, inv.get(t, "AWS::AutoScaling::ScheduledAction", "workers/nightly"), "0 22 * * *", "Recurrence")
}
