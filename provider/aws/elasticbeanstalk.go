package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk/types"

	"github.com/elava-dev/elava/resource"
)

// elasticbeanstalkPage is the most that DescribeEnvironments gives (Elastic Beanstalk API
// Reference).
const elasticbeanstalkPage = 1000

func elasticbeanstalkCollectors() []lister {
	return []lister{elasticbeanstalkApplications(), elasticbeanstalkEnvironments()}
}

func elasticbeanstalkTagsBy[T any](cfg aws.Config, arn func(*T) *string) detail[tagged[T]] {
	return tagsBy("elasticbeanstalk:ListTagsForResource", elasticbeanstalk.NewFromConfig(cfg).ListTagsForResource,
		func(v *T) *elasticbeanstalk.ListTagsForResourceInput {
			return &elasticbeanstalk.ListTagsForResourceInput{ResourceArn: arn(v)}
		},
		func(o *elasticbeanstalk.ListTagsForResourceOutput) map[string]string {
			return tagMap(o.ResourceTags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
		})
}

func elasticbeanstalkApplications() lister {
	return &collector[tagged[types.ApplicationDescription]]{
		rules: resource.Schema{
			Type: "AWS::ElasticBeanstalk::Application", Version: 1,
			Omit: []string{"DateUpdated"},
			Sets: map[string]string{
				"ConfigurationTemplates": "",
				"Versions":               "",
			},
		},
		action: "elasticbeanstalk:DescribeApplications",
		pages: func(cfg aws.Config) source[tagged[types.ApplicationDescription]] {
			return paged(elasticbeanstalk.NewFromConfig(cfg).DescribeApplications,
				func(*string) *elasticbeanstalk.DescribeApplicationsInput {
					return &elasticbeanstalk.DescribeApplicationsInput{}
				},
				func(o *elasticbeanstalk.DescribeApplicationsOutput) ([]tagged[types.ApplicationDescription], *string) {
					return untagged(o.Applications), nil // all at once
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.ApplicationDescription]] {
			return []detail[tagged[types.ApplicationDescription]]{elasticbeanstalkTagsBy(cfg, func(a *types.ApplicationDescription) *string { return a.ApplicationArn })}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(a *tagged[types.ApplicationDescription]) facts {
			return facts{ID: a.It.ApplicationName, ARN: a.It.ApplicationArn, Name: aws.ToString(a.It.ApplicationName), Created: a.It.DateCreated, Tags: a.Tags}
		},
	}
}

// elasticbeanstalkEnvironments does not read the option settings of environments.
func elasticbeanstalkEnvironments() lister {
	return &collector[tagged[types.EnvironmentDescription]]{
		rules: resource.Schema{
			Type: "AWS::ElasticBeanstalk::Environment", Version: 1,
			Omit: []string{"Status", "DateUpdated", "Health", "HealthStatus", "AbortableOperationInProgress"},
			Sets: map[string]string{
				"EnvironmentLinks":                 "{LinkName}",
				"Resources.LoadBalancer.Listeners": "{Port}",
			},
		},
		action: "elasticbeanstalk:DescribeEnvironments",
		pages: func(cfg aws.Config) source[tagged[types.EnvironmentDescription]] {
			return paged(elasticbeanstalk.NewFromConfig(cfg).DescribeEnvironments,
				func(token *string) *elasticbeanstalk.DescribeEnvironmentsInput {
					return &elasticbeanstalk.DescribeEnvironmentsInput{MaxRecords: aws.Int32(elasticbeanstalkPage), IncludeDeleted: aws.Bool(false), NextToken: token}
				},
				func(o *elasticbeanstalk.DescribeEnvironmentsOutput) ([]tagged[types.EnvironmentDescription], *string) {
					return untagged(o.Environments), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.EnvironmentDescription]] {
			return []detail[tagged[types.EnvironmentDescription]]{elasticbeanstalkTagsBy(cfg, func(e *types.EnvironmentDescription) *string { return e.EnvironmentArn })}
		},
		vanished: []string{"ResourceNotFoundException"},
		terminal: []string{string(types.EnvironmentStatusTerminated)},
		read: func(e *tagged[types.EnvironmentDescription]) facts {
			return facts{
				ID: e.It.EnvironmentId, ARN: e.It.EnvironmentArn, Name: aws.ToString(e.It.EnvironmentName), Status: string(e.It.Status),
				Created: e.It.DateCreated, Tags: e.Tags,
			}
		},
	}
}
