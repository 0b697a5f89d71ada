package aws_test

import (
	"testing"

	"github.com/elava-dev/elava/provider/aws/populationtest"
)

func TestMoto_LoadBalancing(t *testing.T) {
	c := moto(t)
	inv, made := c.checkPopulated(t, "AWS::ElasticLoadBalancing::LoadBalancer", "AWS::ElasticLoadBalancingV2::Listener",
		"AWS::ElasticLoadBalancingV2::ListenerRule", "AWS::ElasticLoadBalancingV2::TargetGroup")
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
	if n := len(inv.ids("AWS::ElasticLoadBalancingV2::ListenerRule")); n != 2 {
		t.Errorf("%d rules, want the listener's default one and ours", n)
	}
}

func TestMoto_AutoScaling(t *testing.T) {
	inv, _ := moto(t).checkPopulated(t, "AWS::AutoScaling::AutoScalingGroup", "AWS::AutoScaling::LaunchConfiguration",
		"AWS::AutoScaling::ScalingPolicy", "AWS::AutoScaling::ScheduledAction")
	group := inv.get(t, "AWS::AutoScaling::AutoScalingGroup", "workers")
	wantTags(t, group, wantedTags)
	wantAt(t, group, "us-east-1a", "AvailabilityZones", 0)
	if group.UID == "" || group.CreatedAt.IsZero() {
		t.Errorf("got %+v", group)
	}
	wantAt(t, inv.get(t, "AWS::AutoScaling::LaunchConfiguration", "v1"), digest(populationtest.UserData), "UserData")
	if r := inv.get(t, "AWS::AutoScaling::ScalingPolicy", "workers/up"); r.Name != "up" || r.UID == "" {
		t.Errorf("got %+v", r)
	}
	wantAt(t, inv.get(t, "AWS::AutoScaling::ScheduledAction", "workers/nightly"), "0 22 * * *", "Recurrence")
}
