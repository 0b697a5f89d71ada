package aws

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"github.com/elava-dev/elava/resource"
)

// autoscalingPage is the most that the lists give (Amazon EC2 Auto Scaling API
// Reference).
const autoscalingPage = 100

func autoscalingCollectors() []lister {
	return []lister{
		autoscalingGroups(), autoscalingLaunchConfigurations(), autoscalingPolicies(), autoscalingScheduledActions(),
	}
}

// autoscalingGroups leaves out how the instances of a group do and what it forecasts.
// Which instances it has, and how many it wants, is in.
func autoscalingGroups() lister {
	sets := map[string]string{
		"AvailabilityZones":   "",
		"AvailabilityZoneIds": "",
		"CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationIds":               "",
		"CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationResourceGroupArns": "",
		"EnabledMetrics":     "{Metric}",
		"Instances":          "{InstanceId}",
		"LoadBalancerNames":  "",
		"SuspendedProcesses": "{ProcessName}",
		"TargetGroupARNs":    "",
		"TrafficSources":     "{Identifier}",
	} // not TerminationPolicies and Overrides: the first one is tried first
	addRequirementSets(sets, "MixedInstancesPolicy.LaunchTemplate.Overrides.InstanceRequirements")
	return &collector[types.AutoScalingGroup]{
		rules: resource.Schema{
			Type: "AWS::AutoScaling::AutoScalingGroup", Version: 1,
			Omit: []string{"Tags", "Status", "PredictedCapacity", "WarmPoolSize", "Instances.HealthStatus", "Instances.LifecycleState"},
			Sets: sets,
		},
		action: "autoscaling:DescribeAutoScalingGroups",
		pages: func(cfg aws.Config) source[types.AutoScalingGroup] {
			return paged(autoscaling.NewFromConfig(cfg).DescribeAutoScalingGroups,
				func(token *string) *autoscaling.DescribeAutoScalingGroupsInput {
					return &autoscaling.DescribeAutoScalingGroupsInput{MaxRecords: aws.Int32(autoscalingPage), NextToken: token}
				},
				func(o *autoscaling.DescribeAutoScalingGroupsOutput) ([]types.AutoScalingGroup, *string) {
					return o.AutoScalingGroups, o.NextToken
				})
		},
		read: func(g *types.AutoScalingGroup) facts {
			return facts{
				ID: g.AutoScalingGroupName, ARN: g.AutoScalingGroupARN, Name: aws.ToString(g.AutoScalingGroupName),
				Status: aws.ToString(g.Status), UID: autoscalingUID(g.AutoScalingGroupARN), Created: g.CreatedTime,
				Tags: tagMap(g.Tags, func(t types.TagDescription) (*string, *string) { return t.Key, t.Value }),
			}
		},
	}
}

func autoscalingLaunchConfigurations() lister {
	return &collector[types.LaunchConfiguration]{
		rules: resource.Schema{
			Type: "AWS::AutoScaling::LaunchConfiguration", Version: 1,
			Sets: map[string]string{
				"BlockDeviceMappings":          "{DeviceName}",
				"ClassicLinkVPCSecurityGroups": "",
				"SecurityGroups":               "",
			},
			Secrets: []string{"UserData"},
		},
		action: "autoscaling:DescribeLaunchConfigurations",
		pages: func(cfg aws.Config) source[types.LaunchConfiguration] {
			return paged(autoscaling.NewFromConfig(cfg).DescribeLaunchConfigurations,
				func(token *string) *autoscaling.DescribeLaunchConfigurationsInput {
					return &autoscaling.DescribeLaunchConfigurationsInput{MaxRecords: aws.Int32(autoscalingPage), NextToken: token}
				},
				func(o *autoscaling.DescribeLaunchConfigurationsOutput) ([]types.LaunchConfiguration, *string) {
					return o.LaunchConfigurations, o.NextToken
				})
		},
		read: func(c *types.LaunchConfiguration) facts {
			return facts{
				ID: c.LaunchConfigurationName, ARN: c.LaunchConfigurationARN, Name: aws.ToString(c.LaunchConfigurationName),
				UID: autoscalingUID(c.LaunchConfigurationARN), Created: c.CreatedTime,
			}
		},
	}
}

func autoscalingPolicies() lister {
	const tracking = "TargetTrackingConfiguration.CustomizedMetricSpecification"
	sets := map[string]string{
		"Alarms":                 "{AlarmName}",
		"StepAdjustments":        "{MetricIntervalLowerBound}-{MetricIntervalUpperBound}",
		tracking + ".Dimensions": "{Name}",
		tracking + ".Metrics":    "{Id}",
		tracking + ".Metrics.MetricStat.Metric.Dimensions":    "{Name}",
		"PredictiveScalingConfiguration.MetricSpecifications": "",
	}
	for _, of := range []string{"Capacity", "Load", "Scaling"} {
		queries := "PredictiveScalingConfiguration.MetricSpecifications.Customized" + of + "MetricSpecification.MetricDataQueries"
		sets[queries] = "{Id}"
		sets[queries+".MetricStat.Metric.Dimensions"] = "{Name}"
	}
	return &collector[types.ScalingPolicy]{
		rules:  resource.Schema{Type: "AWS::AutoScaling::ScalingPolicy", Version: 1, Sets: sets},
		action: "autoscaling:DescribePolicies",
		pages: func(cfg aws.Config) source[types.ScalingPolicy] {
			return paged(autoscaling.NewFromConfig(cfg).DescribePolicies,
				func(token *string) *autoscaling.DescribePoliciesInput {
					return &autoscaling.DescribePoliciesInput{MaxRecords: aws.Int32(autoscalingPage), NextToken: token}
				},
				func(o *autoscaling.DescribePoliciesOutput) ([]types.ScalingPolicy, *string) {
					return o.ScalingPolicies, o.NextToken
				})
		},
		read: func(p *types.ScalingPolicy) facts {
			return facts{
				ID: within(p.AutoScalingGroupName, p.PolicyName), ARN: p.PolicyARN, Name: aws.ToString(p.PolicyName),
				UID: autoscalingUID(p.PolicyARN),
			}
		},
	}
}

func autoscalingScheduledActions() lister {
	return &collector[types.ScheduledUpdateGroupAction]{
		rules: resource.Schema{
			Type: "AWS::AutoScaling::ScheduledAction", Version: 1,
			Omit: []string{"Time"}, // the same as StartTime, and deprecated
		},
		action: "autoscaling:DescribeScheduledActions",
		pages: func(cfg aws.Config) source[types.ScheduledUpdateGroupAction] {
			return paged(autoscaling.NewFromConfig(cfg).DescribeScheduledActions,
				func(token *string) *autoscaling.DescribeScheduledActionsInput {
					return &autoscaling.DescribeScheduledActionsInput{MaxRecords: aws.Int32(autoscalingPage), NextToken: token}
				},
				func(o *autoscaling.DescribeScheduledActionsOutput) ([]types.ScheduledUpdateGroupAction, *string) {
					return converted(o.ScheduledUpdateGroupActions, withoutNextRun), o.NextToken
				})
		},
		read: func(a *types.ScheduledUpdateGroupAction) facts {
			return facts{
				ID: within(a.AutoScalingGroupName, a.ScheduledActionName), ARN: a.ScheduledActionARN,
				Name: aws.ToString(a.ScheduledActionName), UID: autoscalingUID(a.ScheduledActionARN),
			}
		},
	}
}

// withoutNextRun takes out the start of an action that recurs: each run moves it to the
// next one.
func withoutNextRun(a types.ScheduledUpdateGroupAction) types.ScheduledUpdateGroupAction {
	if aws.ToString(a.Recurrence) != "" {
		a.StartTime = nil
	}
	return a
}

// autoscalingUID returns the UUID in the ARNs of Auto Scaling:
// arn:aws:autoscaling:REGION:ACCOUNT:scalingPolicy:UUID:autoScalingGroupName/G:policyName/P.
func autoscalingUID(arn *string) string {
	parts := strings.SplitN(aws.ToString(arn), ":", 8)
	if len(parts) < 8 {
		return ""
	}
	return parts[6]
}
