package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/elava-dev/elava/resource"
)

// schedulerPage is the most that EventBridge Scheduler's lists give (EventBridge
// Scheduler API Reference).
const schedulerPage = 100

const schedulerGone = "ResourceNotFoundException"

func schedulerCollectors() []lister { return []lister{schedulerGroups(), schedulerSchedules()} }

func schedulerGroups() lister {
	return &collector[tagged[types.ScheduleGroupSummary]]{
		rules: resource.Schema{
			Type: "AWS::Scheduler::ScheduleGroup", Version: 1,
			Omit: []string{"State", "LastModificationDate"},
		},
		action: "scheduler:ListScheduleGroups",
		pages: func(cfg aws.Config) source[tagged[types.ScheduleGroupSummary]] {
			return paged(scheduler.NewFromConfig(cfg).ListScheduleGroups,
				func(token *string) *scheduler.ListScheduleGroupsInput {
					return &scheduler.ListScheduleGroupsInput{MaxResults: aws.Int32(schedulerPage), NextToken: token}
				},
				func(o *scheduler.ListScheduleGroupsOutput) ([]tagged[types.ScheduleGroupSummary], *string) {
					return untagged(o.ScheduleGroups), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.ScheduleGroupSummary]] {
			return []detail[tagged[types.ScheduleGroupSummary]]{tagsBy("scheduler:ListTagsForResource", scheduler.NewFromConfig(cfg).ListTagsForResource,
				func(g *types.ScheduleGroupSummary) *scheduler.ListTagsForResourceInput {
					return &scheduler.ListTagsForResourceInput{ResourceArn: g.Arn}
				},
				func(o *scheduler.ListTagsForResourceOutput) map[string]string {
					return tagMap(o.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
				})}
		},
		vanished: []string{schedulerGone},
		read: func(g *tagged[types.ScheduleGroupSummary]) facts {
			return facts{
				ID: g.It.Name, ARN: g.It.Arn, Name: aws.ToString(g.It.Name), Status: string(g.It.State), Created: g.It.CreationDate, Tags: g.Tags,
			}
		},
	}
}

// schedulerSchedules names a schedule by its group and its own name. Schedules have no
// tags.
func schedulerSchedules() lister {
	id := func(s *scheduler.GetScheduleOutput) *string { return within(s.GroupName, s.Name) }
	return &collector[scheduler.GetScheduleOutput]{
		rules: resource.Schema{
			Type: "AWS::Scheduler::Schedule", Version: 1,
			Omit: []string{"State", "LastModificationDate"},
			Sets: map[string]string{ // not PlacementStrategy: its order counts
				"Target.EcsParameters.CapacityProviderStrategy":                                "{CapacityProvider}",
				"Target.EcsParameters.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups": "",
				"Target.EcsParameters.NetworkConfiguration.AwsvpcConfiguration.Subnets":        "",
				"Target.EcsParameters.PlacementConstraints":                                    "{Type}:{Expression}",
				"Target.EcsParameters.Tags":                                                    "",
				"Target.SageMakerPipelineParameters.PipelineParameterList":                     "{Name}",
			},
		},
		action: "scheduler:ListSchedules",
		pages: func(cfg aws.Config) source[scheduler.GetScheduleOutput] {
			return paged(scheduler.NewFromConfig(cfg).ListSchedules,
				func(token *string) *scheduler.ListSchedulesInput {
					return &scheduler.ListSchedulesInput{MaxResults: aws.Int32(schedulerPage), NextToken: token}
				},
				func(o *scheduler.ListSchedulesOutput) ([]scheduler.GetScheduleOutput, *string) {
					return converted(o.Schedules, func(s types.ScheduleSummary) scheduler.GetScheduleOutput {
						return scheduler.GetScheduleOutput{GroupName: s.GroupName, Name: s.Name}
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[scheduler.GetScheduleOutput] {
			return []detail[scheduler.GetScheduleOutput]{describing("scheduler:GetSchedule", scheduler.NewFromConfig(cfg).GetSchedule,
				func(s *scheduler.GetScheduleOutput) *scheduler.GetScheduleInput {
					return &scheduler.GetScheduleInput{GroupName: s.GroupName, Name: s.Name}
				},
				func(s, o *scheduler.GetScheduleOutput) bool { return replaced(s, o, id) })}
		},
		vanished: []string{schedulerGone},
		read: func(s *scheduler.GetScheduleOutput) facts {
			return facts{ID: id(s), ARN: s.Arn, Name: aws.ToString(s.Name), Status: string(s.State), Created: s.CreationDate}
		},
	}
}
