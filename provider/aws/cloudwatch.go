package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/elava-dev/elava/resource"
)

// alarmPage is the most that DescribeAlarms gives (CloudWatch API Reference).
const alarmPage = 100

func cloudwatchCollectors() []lister {
	return []lister{metricAlarms(), compositeAlarms(), dashboards()}
}

// alarmTransient is what an alarm says of the metric, not of itself. An alarm goes to
// ALARM and back by what it watches, some every few minutes: its state is neither in the
// document nor the status of the resource. Whoever wants it asks CloudWatch, which keeps
// the history of alarms.
var alarmTransient = []string{
	"StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp",
	"AlarmConfigurationUpdatedTimestamp", // follows the rest
}

// alarmSets are the sets that both kinds of alarms have.
func alarmSets() map[string]string {
	return map[string]string{
		"ActionConfiguration.AlarmTagsPropagation.ExcludedTagKeys": "",
		"ActionConfiguration.AlarmTagsPropagation.IncludedTagKeys": "",
		"AlarmActions":            "",
		"InsufficientDataActions": "",
		"OKActions":               "",
	}
}

// alarmPages lists one kind of alarms.
func alarmPages[T any](cfg aws.Config, kind types.AlarmType, out func(*cloudwatch.DescribeAlarmsOutput) []T) source[T] {
	return paged(cloudwatch.NewFromConfig(cfg).DescribeAlarms,
		func(token *string) *cloudwatch.DescribeAlarmsInput {
			return &cloudwatch.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{kind}, MaxRecords: aws.Int32(alarmPage), NextToken: token}
		},
		func(o *cloudwatch.DescribeAlarmsOutput) ([]T, *string) { return out(o), o.NextToken })
}

func alarmTagging[T any](cfg aws.Config, arn func(*T) *string, take func(*T, []types.Tag)) []detail[T] {
	return []detail[T]{tagging("cloudwatch:ListTagsForResource", cloudwatch.NewFromConfig(cfg).ListTagsForResource,
		func(v *T) *cloudwatch.ListTagsForResourceInput {
			return &cloudwatch.ListTagsForResourceInput{ResourceARN: arn(v)}
		},
		func(v *T, o *cloudwatch.ListTagsForResourceOutput) { take(v, o.Tags) })}
}

func cloudwatchTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

type metricAlarm struct {
	types.MetricAlarm
	Tags []types.Tag
}

func metricAlarms() lister {
	sets := alarmSets()
	sets["Dimensions"], sets["Metrics"], sets["Metrics.MetricStat.Metric.Dimensions"] = "{Name}", "{Id}", "{Name}"
	return &collector[metricAlarm]{
		rules: resource.Schema{
			Type: "AWS::CloudWatch::Alarm", Version: 1,
			Omit: append([]string{"Tags", "EvaluationState"}, alarmTransient...),
			Sets: sets,
		},
		action: "cloudwatch:DescribeAlarms",
		pages: func(cfg aws.Config) source[metricAlarm] {
			return alarmPages(cfg, types.AlarmTypeMetricAlarm, func(o *cloudwatch.DescribeAlarmsOutput) []metricAlarm {
				return converted(o.MetricAlarms, func(a types.MetricAlarm) metricAlarm { return metricAlarm{MetricAlarm: a} })
			})
		},
		details: func(cfg aws.Config) []detail[metricAlarm] {
			return alarmTagging(cfg, func(a *metricAlarm) *string { return a.AlarmArn }, func(a *metricAlarm, tags []types.Tag) { a.Tags = tags })
		},
		vanished: []string{"ResourceNotFoundException", "ResourceNotFound"},
		read: func(a *metricAlarm) facts {
			return facts{ID: a.AlarmName, ARN: a.AlarmArn, Name: aws.ToString(a.AlarmName), Tags: cloudwatchTags(a.Tags)}
		},
	}
}

type compositeAlarm struct {
	types.CompositeAlarm
	Tags []types.Tag
}

func compositeAlarms() lister {
	return &collector[compositeAlarm]{
		rules: resource.Schema{
			Type: "AWS::CloudWatch::CompositeAlarm", Version: 1,
			Omit: append([]string{"Tags", "ActionsSuppressedBy", "ActionsSuppressedReason"}, alarmTransient...),
			Sets: alarmSets(),
		},
		action: "cloudwatch:DescribeAlarms",
		pages: func(cfg aws.Config) source[compositeAlarm] {
			return alarmPages(cfg, types.AlarmTypeCompositeAlarm, func(o *cloudwatch.DescribeAlarmsOutput) []compositeAlarm {
				return converted(o.CompositeAlarms, func(a types.CompositeAlarm) compositeAlarm { return compositeAlarm{CompositeAlarm: a} })
			})
		},
		details: func(cfg aws.Config) []detail[compositeAlarm] {
			return alarmTagging(cfg, func(a *compositeAlarm) *string { return a.AlarmArn }, func(a *compositeAlarm, tags []types.Tag) { a.Tags = tags })
		},
		vanished: []string{"ResourceNotFoundException", "ResourceNotFound"},
		read: func(a *compositeAlarm) facts {
			return facts{ID: a.AlarmName, ARN: a.AlarmArn, Name: aws.ToString(a.AlarmName), Tags: cloudwatchTags(a.Tags)}
		},
	}
}

type dashboard struct {
	types.DashboardEntry
	DashboardBody *string
}

// dashboards belong to no region ("All dashboards in your account are global",
// CloudWatch API Reference, PutDashboard). They have no tags.
func dashboards() lister {
	return &collector[dashboard]{
		rules: resource.Schema{
			Type: "AWS::CloudWatch::Dashboard", Version: 1,
			Omit:     []string{"LastModified", "Size"}, // follow the body
			Policies: []string{"DashboardBody"},        // a JSON object
		},
		global: true,
		action: "cloudwatch:ListDashboards",
		pages: func(cfg aws.Config) source[dashboard] {
			return paged(cloudwatch.NewFromConfig(cfg).ListDashboards,
				func(token *string) *cloudwatch.ListDashboardsInput {
					return &cloudwatch.ListDashboardsInput{NextToken: token}
				},
				func(o *cloudwatch.ListDashboardsOutput) ([]dashboard, *string) {
					return converted(o.DashboardEntries, func(e types.DashboardEntry) dashboard { return dashboard{DashboardEntry: e} }), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[dashboard] {
			return []detail[dashboard]{adding("DashboardBody", "cloudwatch:GetDashboard", cloudwatch.NewFromConfig(cfg).GetDashboard,
				func(d *dashboard) *cloudwatch.GetDashboardInput {
					return &cloudwatch.GetDashboardInput{DashboardName: d.DashboardName}
				},
				func(d *dashboard, o *cloudwatch.GetDashboardOutput) { d.DashboardBody = o.DashboardBody })}
		},
		vanished: []string{"ResourceNotFound", "DashboardNotFoundError"},
		read: func(d *dashboard) facts {
			return facts{ID: d.DashboardName, ARN: d.DashboardArn, Name: aws.ToString(d.DashboardName)}
		},
	}
}
