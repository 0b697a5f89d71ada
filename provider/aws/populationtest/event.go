package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/pipes"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

func (p *Place) events() *eventbridge.Client  { return eventbridge.NewFromConfig(p.Config) }
func (p *Place) pipes() *pipes.Client         { return pipes.NewFromConfig(p.Config) }
func (p *Place) scheduler() *scheduler.Client { return scheduler.NewFromConfig(p.Config) }
func (p *Place) sfn() *sfn.Client             { return sfn.NewFromConfig(p.Config) }
func (p *Place) sns() *sns.Client             { return sns.NewFromConfig(p.Config) }

func eventTags(tags map[string]string) []eventtypes.Tag {
	return tagsOf(tags, func(k, v *string) eventtypes.Tag { return eventtypes.Tag{Key: k, Value: v} })
}

func sfnTags(tags map[string]string) []sfntypes.Tag {
	return tagsOf(tags, func(k, v *string) sfntypes.Tag { return sfntypes.Tag{Key: k, Value: v} })
}

func schedulerTags(tags map[string]string) []schedulertypes.Tag {
	return tagsOf(tags, func(k, v *string) schedulertypes.Tag { return schedulertypes.Tag{Key: k, Value: v} })
}

func eventKinds() []Kind {
	return []Kind{
		{Type: "AWS::Events::EventBus", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				ok(p.events().CreateEventBus(p.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("orders"), Tags: eventTags(Tags())}))(p)
				return "orders"
			},
			Change: func(p *Place, id string) {
				ok(p.events().TagResource(p.Context(), &eventbridge.TagResourceInput{ResourceARN: aws.String(p.arn("events", "event-bus/"+id)), Tags: eventTags(more())}))(p)
			}},
		{Type: "AWS::Events::Rule", Paths: []string{"status"}, Make: makeEventRules,
			Change: func(p *Place, _ string) {
				ok(p.events().DisableRule(p.Context(), &eventbridge.DisableRuleInput{Name: aws.String("paid"), EventBusName: aws.String("orders")}))(p)
			}},
		{Type: "AWS::Pipes::Pipe", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				ok(p.pipes().CreatePipe(p.Context(), &pipes.CreatePipeInput{
					Name: aws.String("orders"), RoleArn: p.role("pipe"), Tags: Tags(), Source: aws.String(p.arn("sqs", "in")), Target: aws.String(p.arn("sqs", "out")),
				}))(p)
				return "orders"
			},
			Change: func(p *Place, id string) {
				ok(p.pipes().TagResource(p.Context(), &pipes.TagResourceInput{ResourceArn: aws.String(p.arn("pipes", "pipe/"+id)), Tags: more()}))(p)
			}},
		{Type: "AWS::Scheduler::ScheduleGroup", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				ok(p.scheduler().CreateScheduleGroup(p.Context(), &scheduler.CreateScheduleGroupInput{Name: aws.String("nightly"), Tags: schedulerTags(Tags())}))(p)
				return "nightly"
			},
			Change: func(p *Place, id string) {
				ok(p.scheduler().TagResource(p.Context(), &scheduler.TagResourceInput{ResourceArn: aws.String(p.arn("scheduler", "schedule-group/"+id)), Tags: schedulerTags(more())}))(p)
			}},
		{Type: "AWS::Scheduler::Schedule", Paths: []string{"attributes.ScheduleExpression"},
			Make: func(p *Place) string {
				p.also("AWS::Scheduler::Schedule", p.makeSchedule("default"))
				return p.makeSchedule(p.Need("AWS::Scheduler::ScheduleGroup"))
			},
			Change: func(p *Place, _ string) {
				in := p.schedule("nightly")
				ok(p.scheduler().UpdateSchedule(p.Context(), &scheduler.UpdateScheduleInput{
					Name: in.Name, GroupName: in.GroupName, ScheduleExpression: aws.String("rate(2 days)"), FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target,
					State: schedulertypes.ScheduleStateEnabled,
				}))(p)
			}},
		{Type: "AWS::StepFunctions::StateMachine", Paths: []string{"attributes.Definition.States.Pack.Comment"},
			Make: func(p *Place) string {
				ok(p.sfn().CreateStateMachine(p.Context(), &sfn.CreateStateMachineInput{
					Name: aws.String("ship"), RoleArn: p.role("s"), Tags: sfnTags(Tags()),
					Definition: aws.String(`{ "StartAt": "Pack", "States": {"Pack": {"Type": "Pass", "End": true}}}`),
				}))(p)
				return "ship"
			},
			Change: func(p *Place, id string) {
				ok(p.sfn().UpdateStateMachine(p.Context(), &sfn.UpdateStateMachineInput{
					StateMachineArn: aws.String(p.arn("states", "stateMachine:"+id)),
					Definition:      aws.String(`{ "StartAt": "Pack", "States": {"Pack": {"Type": "Pass", "Comment": "b", "End": true}}}`),
				}))(p)
			}},
		{Type: "AWS::StepFunctions::Activity", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				ok(p.sfn().CreateActivity(p.Context(), &sfn.CreateActivityInput{Name: aws.String("pick"), Tags: sfnTags(Tags())}))(p)
				return "pick"
			},
			Change: func(p *Place, id string) {
				ok(p.sfn().TagResource(p.Context(), &sfn.TagResourceInput{ResourceArn: aws.String(p.arn("states", "activity:"+id)), Tags: sfnTags(more())}))(p)
			}},
		{Type: "AWS::SNS::Subscription", Paths: []string{"attributes.RawMessageDelivery"},
			Make: func(p *Place) string {
				topic := p.Need("AWS::SNS::Topic")
				arn := *ok(p.sns().Subscribe(p.Context(), &sns.SubscribeInput{
					TopicArn: aws.String(p.arn("sns", topic)), Protocol: aws.String("sqs"), Endpoint: aws.String(p.arn("sqs", p.Need("AWS::SQS::Queue"))),
					Attributes: map[string]string{"FilterPolicy": `{"kind": ["a"]}`}, ReturnSubscriptionArn: true,
				}))(p).SubscriptionArn
				return topic + "/" + behind(arn, p.arn("sns", topic)+":")
			},
			Change: func(p *Place, id string) {
				topic := p.Need("AWS::SNS::Topic")
				ok(p.sns().SetSubscriptionAttributes(p.Context(), &sns.SetSubscriptionAttributesInput{
					SubscriptionArn: aws.String(p.arn("sns", topic+":"+behind(id, "/"))), AttributeName: aws.String("RawMessageDelivery"), AttributeValue: aws.String("true"),
				}))(p)
			}},
	}
}

// makeEventRules makes rules of the same name on two buses.
func makeEventRules(p *Place) string {
	for _, bus := range []string{"default", p.Need("AWS::Events::EventBus")} {
		ok(p.events().PutRule(p.Context(), &eventbridge.PutRuleInput{
			Name: aws.String("paid"), EventBusName: &bus, EventPattern: aws.String(`{"source": ["shop"], "detail-type": ["paid"]}`), Tags: eventTags(Tags()),
		}))(p)
	}
	ok(p.events().PutTargets(p.Context(), &eventbridge.PutTargetsInput{
		Rule: aws.String("paid"), EventBusName: aws.String("orders"),
		Targets: []eventtypes.Target{{Id: aws.String("b"), Arn: aws.String(p.arn("sqs", "b"))}, {Id: aws.String("a"), Arn: aws.String(p.arn("sqs", "a"))}},
	}))(p)
	p.also("AWS::Events::Rule", "default/paid")
	return "orders/paid"
}

func (p *Place) schedule(group string) *scheduler.CreateScheduleInput {
	return &scheduler.CreateScheduleInput{
		Name: aws.String("clean"), GroupName: &group, ScheduleExpression: aws.String("rate(1 day)"),
		FlexibleTimeWindow: &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
		Target:             &schedulertypes.Target{Arn: aws.String(p.arn("sqs", "q")), RoleArn: p.role("s")},
	}
}

func (p *Place) makeSchedule(group string) string {
	ok(p.scheduler().CreateSchedule(p.Context(), p.schedule(group)))(p)
	return group + "/clean"
}
