package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	autoscaling "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

func balancingNoises() []observed {
	s := aws.String
	classic := func(d elb.LoadBalancerDescription) classicLoadBalancer {
		return classicLoadBalancer{LoadBalancerDescription: d}
	}
	condition := func(field string, values ...string) elbv2.RuleCondition {
		return elbv2.RuleCondition{Field: &field, Values: values}
	}
	header := func(values ...string) rule {
		return rule{Rule: elbv2.Rule{Conditions: []elbv2.RuleCondition{{Field: s("http-header"), HttpHeaderConfig: &elbv2.HttpHeaderConditionConfig{HttpHeaderName: s("X-Origin"), Values: values}}}}}
	}
	return []observed{
		{name: "the order of a classic load balancer's parts", typ: "AWS::ElasticLoadBalancing::LoadBalancer",
			before: classic(elb.LoadBalancerDescription{Subnets: []string{"a", "b"}, Instances: []elb.Instance{{InstanceId: s("c")}, {InstanceId: s("d")}},
				ListenerDescriptions: []elb.ListenerDescription{{Listener: &elb.Listener{LoadBalancerPort: 80}}, {Listener: &elb.Listener{LoadBalancerPort: 443}}}}),
			after: classic(elb.LoadBalancerDescription{Subnets: []string{"b", "a"}, Instances: []elb.Instance{{InstanceId: s("d")}, {InstanceId: s("c")}},
				ListenerDescriptions: []elb.ListenerDescription{{Listener: &elb.Listener{LoadBalancerPort: 443}}, {Listener: &elb.Listener{LoadBalancerPort: 80}}}})},
		{name: "one more instance behind a classic load balancer", typ: "AWS::ElasticLoadBalancing::LoadBalancer",
			before: classic(elb.LoadBalancerDescription{Instances: []elb.Instance{{InstanceId: s("d")}}}),
			after:  classic(elb.LoadBalancerDescription{Instances: []elb.Instance{{InstanceId: s("c")}, {InstanceId: s("d")}}}),
			paths:  []string{"attributes.Instances[c]"}},
		{name: "the order of a target group's load balancers", typ: "AWS::ElasticLoadBalancingV2::TargetGroup",
			before: targetGroup{TargetGroup: elbv2.TargetGroup{LoadBalancerArns: []string{"a", "b"}}},
			after:  targetGroup{TargetGroup: elbv2.TargetGroup{LoadBalancerArns: []string{"b", "a"}}}},
		{name: "another path for health checks", typ: "AWS::ElasticLoadBalancingV2::TargetGroup",
			before: targetGroup{TargetGroup: elbv2.TargetGroup{HealthCheckPath: s("/a")}}, after: targetGroup{TargetGroup: elbv2.TargetGroup{HealthCheckPath: s("/b")}},
			paths: []string{"attributes.HealthCheckPath"}},
		{name: "the order of a listener's certificates", typ: "AWS::ElasticLoadBalancingV2::Listener",
			before: listener{Listener: elbv2.Listener{Certificates: []elbv2.Certificate{{CertificateArn: s("a")}, {CertificateArn: s("b")}}}},
			after:  listener{Listener: elbv2.Listener{Certificates: []elbv2.Certificate{{CertificateArn: s("b")}, {CertificateArn: s("a")}}}}},
		{name: "an older TLS policy", typ: "AWS::ElasticLoadBalancingV2::Listener",
			before: listener{Listener: elbv2.Listener{SslPolicy: s("a")}}, after: listener{Listener: elbv2.Listener{SslPolicy: s("b")}},
			paths: []string{"attributes.SslPolicy"}},
		{name: "the order of a rule's conditions and their values", typ: "AWS::ElasticLoadBalancingV2::ListenerRule",
			before: rule{Rule: elbv2.Rule{Conditions: []elbv2.RuleCondition{condition("path-pattern", "/a", "/b"), condition("host-header", "c")}}},
			after:  rule{Rule: elbv2.Rule{Conditions: []elbv2.RuleCondition{condition("host-header", "c"), condition("path-pattern", "/b", "/a")}}}},
		{name: "the order of a header's values", typ: "AWS::ElasticLoadBalancingV2::ListenerRule", before: header("1", "22"), after: header("22", "1")},
		{name: "one more value of a header", typ: "AWS::ElasticLoadBalancingV2::ListenerRule", before: header("333"), after: header("1", "333"),
			paths: []string{"attributes.Conditions[0].HttpHeaderConfig.Values[digest:1]"}},
		{name: "a rule of another priority", typ: "AWS::ElasticLoadBalancingV2::ListenerRule",
			before: rule{Rule: elbv2.Rule{Priority: s("1")}}, after: rule{Rule: elbv2.Rule{Priority: s("2")}}, paths: []string{"attributes.Priority"}},
	}
}

func autoscalingNoises() []observed {
	s := aws.String
	member := func(id, health string, state autoscaling.LifecycleState) autoscaling.Instance {
		return autoscaling.Instance{InstanceId: &id, HealthStatus: &health, LifecycleState: state}
	}
	recurs := func(hour int) autoscaling.ScheduledUpdateGroupAction {
		return withoutNextRun(autoscaling.ScheduledUpdateGroupAction{Recurrence: s("0 22 * * *"), StartTime: at(hour), Time: at(hour)})
	}
	return []observed{
		{name: "the health, forecast and warm pool of a group", typ: "AWS::AutoScaling::AutoScalingGroup",
			before: autoscaling.AutoScalingGroup{PredictedCapacity: aws.Int32(1), WarmPoolSize: aws.Int32(1), Instances: []autoscaling.Instance{member("a", "Healthy", "InService"), member("b", "Healthy", "InService")}},
			after:  autoscaling.AutoScalingGroup{PredictedCapacity: aws.Int32(2), WarmPoolSize: aws.Int32(2), Instances: []autoscaling.Instance{member("b", "Unhealthy", "Terminating"), member("a", "Healthy", "Standby")}}},
		{name: "one more instance in a group", typ: "AWS::AutoScaling::AutoScalingGroup",
			before: autoscaling.AutoScalingGroup{DesiredCapacity: aws.Int32(1), Instances: []autoscaling.Instance{member("b", "Healthy", "InService")}},
			after:  autoscaling.AutoScalingGroup{DesiredCapacity: aws.Int32(2), Instances: []autoscaling.Instance{member("a", "Healthy", "Pending"), member("b", "Healthy", "InService")}},
			paths:  []string{"attributes.DesiredCapacity", "attributes.Instances[a]"}},
		{name: "the order of a configuration's groups", typ: "AWS::AutoScaling::LaunchConfiguration",
			before: autoscaling.LaunchConfiguration{SecurityGroups: []string{"a", "b"}}, after: autoscaling.LaunchConfiguration{SecurityGroups: []string{"b", "a"}}},
		{name: "other user data of a configuration", typ: "AWS::AutoScaling::LaunchConfiguration",
			before: autoscaling.LaunchConfiguration{UserData: s("abc")}, after: autoscaling.LaunchConfiguration{UserData: s("defg")}, paths: []string{"attributes.UserData"}},
		{name: "the order of a policy's alarms", typ: "AWS::AutoScaling::ScalingPolicy",
			before: autoscaling.ScalingPolicy{Alarms: []autoscaling.Alarm{{AlarmName: s("a")}, {AlarmName: s("b")}}},
			after:  autoscaling.ScalingPolicy{Alarms: []autoscaling.Alarm{{AlarmName: s("b")}, {AlarmName: s("a")}}}},
		{name: "another target of a policy", typ: "AWS::AutoScaling::ScalingPolicy",
			before: autoscaling.ScalingPolicy{TargetTrackingConfiguration: &autoscaling.TargetTrackingConfiguration{TargetValue: aws.Float64(50)}},
			after:  autoscaling.ScalingPolicy{TargetTrackingConfiguration: &autoscaling.TargetTrackingConfiguration{TargetValue: aws.Float64(60)}},
			paths:  []string{"attributes.TargetTrackingConfiguration.TargetValue"}},
		{name: "the next run of an action that recurs", typ: "AWS::AutoScaling::ScheduledAction", before: recurs(1), after: recurs(2)},
		{name: "the time of an action that runs once", typ: "AWS::AutoScaling::ScheduledAction",
			before: withoutNextRun(autoscaling.ScheduledUpdateGroupAction{StartTime: at(1)}), after: withoutNextRun(autoscaling.ScheduledUpdateGroupAction{StartTime: at(2)}),
			paths: []string{"attributes.StartTime"}},
	}
}
