package aws

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/elava-dev/elava/resource"
)

// logsPage is the most that DescribeLogGroups and DescribeMetricFilters give (CloudWatch
// Logs API Reference).
const logsPage = 50

func logsCollectors() []lister { return []lister{logGroups(), metricFilters()} }

type logGroup struct {
	types.LogGroup
	Tags map[string]string
}

func logGroups() lister {
	return &collector[logGroup]{
		rules: resource.Schema{
			Type: "AWS::Logs::LogGroup", Version: 1,
			Omit: []string{
				"Tags", "StoredBytes", "MetricFilterCount",
				"Arn", // LogGroupArn with ":*" behind it
			},
			Sets: map[string]string{"InheritedProperties": ""},
		},
		action: "logs:DescribeLogGroups",
		pages: func(cfg aws.Config) source[logGroup] {
			return paged(cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups,
				func(token *string) *cloudwatchlogs.DescribeLogGroupsInput {
					return &cloudwatchlogs.DescribeLogGroupsInput{Limit: aws.Int32(logsPage), NextToken: token}
				},
				func(o *cloudwatchlogs.DescribeLogGroupsOutput) ([]logGroup, *string) {
					return converted(o.LogGroups, func(g types.LogGroup) logGroup { return logGroup{LogGroup: g} }), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[logGroup] {
			return []detail[logGroup]{tagging("logs:ListTagsForResource", cloudwatchlogs.NewFromConfig(cfg).ListTagsForResource,
				func(g *logGroup) *cloudwatchlogs.ListTagsForResourceInput {
					return &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: g.arn()}
				},
				func(g *logGroup, o *cloudwatchlogs.ListTagsForResourceOutput) { g.Tags = o.Tags })}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(g *logGroup) facts {
			return facts{
				ID: g.LogGroupName, ARN: g.arn(), Name: aws.ToString(g.LogGroupName), Created: unixMillis(g.CreationTime), Tags: g.Tags,
			}
		},
	}
}

// arn is the one that tagging takes.
func (g *logGroup) arn() *string {
	if g.LogGroupArn != nil {
		return g.LogGroupArn
	}
	return aws.String(strings.TrimSuffix(aws.ToString(g.Arn), ":*"))
}

func unixMillis(ms *int64) *time.Time {
	if ms == nil {
		return nil
	}
	return aws.Time(time.UnixMilli(*ms))
}

// metricFilters lists those of all log groups at once. Their ids are unique within a
// group only.
func metricFilters() lister {
	return &collector[types.MetricFilter]{
		rules: resource.Schema{
			Type: "AWS::Logs::MetricFilter", Version: 1,
			Sets: map[string]string{
				"EmitSystemFieldDimensions": "",
				"MetricTransformations":     "{MetricNamespace}/{MetricName}",
			},
		},
		action: "logs:DescribeMetricFilters",
		pages: func(cfg aws.Config) source[types.MetricFilter] {
			return paged(cloudwatchlogs.NewFromConfig(cfg).DescribeMetricFilters,
				func(token *string) *cloudwatchlogs.DescribeMetricFiltersInput {
					return &cloudwatchlogs.DescribeMetricFiltersInput{Limit: aws.Int32(logsPage), NextToken: token}
				},
				func(o *cloudwatchlogs.DescribeMetricFiltersOutput) ([]types.MetricFilter, *string) {
					return o.MetricFilters, o.NextToken
				})
		},
		read: func(f *types.MetricFilter) facts {
			return facts{
				ID: within(f.LogGroupName, f.FilterName), Name: aws.ToString(f.FilterName), Created: unixMillis(f.CreationTime),
			}
		},
	}
}
