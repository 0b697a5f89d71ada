package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
)

func (p *Place) scaling() *autoscaling.Client { return autoscaling.NewFromConfig(p.Config) }

func scalingKinds() []Kind {
	return []Kind{
		{Type: "AWS::AutoScaling::LaunchConfiguration", Fixed: "Auto Scaling changes no launch configuration, and it has no tags",
			Make: func(p *Place) string {
				for _, name := range []string{"v1", "v2"} { // the group needs one that stays
					ok(p.scaling().CreateLaunchConfiguration(p.Context(), &autoscaling.CreateLaunchConfigurationInput{
						LaunchConfigurationName: &name, ImageId: aws.String(Image), InstanceType: aws.String("t3.micro"), UserData: &UserData,
					}))(p)
				}
				p.also("AWS::AutoScaling::LaunchConfiguration", "v1")
				return "v2"
			},
			Change: func(p *Place, id string) {
				ok(p.scaling().DeleteLaunchConfiguration(p.Context(), &autoscaling.DeleteLaunchConfigurationInput{LaunchConfigurationName: &id}))(p)
			}},
		{Type: "AWS::AutoScaling::AutoScalingGroup", Paths: []string{"attributes.MaxSize"},
			Make: func(p *Place) string {
				p.Need("AWS::AutoScaling::LaunchConfiguration")
				ok(p.scaling().CreateAutoScalingGroup(p.Context(), &autoscaling.CreateAutoScalingGroupInput{
					AutoScalingGroupName: aws.String("workers"), LaunchConfigurationName: aws.String("v1"), MinSize: aws.Int32(0), MaxSize: aws.Int32(3),
					AvailabilityZones: []string{p.zone("b"), p.zone("a")},
					Tags: tagsOf(Tags(), func(k, v *string) types.Tag {
						return types.Tag{
							Key: k, Value: v, PropagateAtLaunch: aws.Bool(false),
							ResourceId: aws.String("workers"), ResourceType: aws.String("auto-scaling-group"),
						}
					}),
				}))(p)
				return "workers"
			},
			Change: func(p *Place, id string) {
				ok(p.scaling().UpdateAutoScalingGroup(p.Context(), &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: &id, MaxSize: aws.Int32(4)}))(p)
			}},
		{Type: "AWS::AutoScaling::ScalingPolicy", Paths: []string{"attributes.ScalingAdjustment"},
			Make:   func(p *Place) string { return p.putPolicy(1) },
			Change: func(p *Place, _ string) { p.putPolicy(2) }},
		{Type: "AWS::AutoScaling::ScheduledAction", Paths: []string{"attributes.Recurrence"},
			Make: func(p *Place) string {
				p.also("AWS::AutoScaling::ScheduledAction", p.putAction("once", nil))
				return p.putAction("nightly", aws.String("0 22 * * *"))
			},
			Change: func(p *Place, _ string) { p.putAction("nightly", aws.String("0 23 * * *")) }},
	}
}

func (p *Place) putPolicy(adjustment int32) string {
	group := p.Need("AWS::AutoScaling::AutoScalingGroup")
	ok(p.scaling().PutScalingPolicy(p.Context(), &autoscaling.PutScalingPolicyInput{
		AutoScalingGroupName: &group, PolicyName: aws.String("up"), PolicyType: aws.String("SimpleScaling"),
		AdjustmentType: aws.String("ChangeInCapacity"), ScalingAdjustment: &adjustment,
	}))(p)
	return group + "/up"
}

func (p *Place) putAction(name string, recurrence *string) string {
	group := p.Need("AWS::AutoScaling::AutoScalingGroup")
	ok(p.scaling().PutScheduledUpdateGroupAction(p.Context(), &autoscaling.PutScheduledUpdateGroupActionInput{
		AutoScalingGroupName: &group, ScheduledActionName: &name, Recurrence: recurrence, DesiredCapacity: aws.Int32(1),
	}))(p)
	return group + "/" + name
}
