package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	apigateway "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	apigatewayv2 "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	eventbridge "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	kinesis "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/pipes"
	pipestypes "github.com/aws/aws-sdk-go-v2/service/pipes/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

func noisesOfEvents() []observed {
	s := aws.String
	shards := func(mode kinesis.StreamMode, n int32) kinesis.StreamDescriptionSummary {
		return *withoutOwnShards(&kinesis.StreamDescriptionSummary{
			OpenShardCount: &n, StreamModeDetails: &kinesis.StreamModeDetails{StreamMode: mode}, WarmThroughput: &kinesis.WarmThroughputObject{CurrentMiBps: &n},
		})
	}
	target := func(id, input string) eventbridge.Target { return eventbridge.Target{Id: &id, Input: &input} }
	header := func(v string) eventbridge.Target {
		return eventbridge.Target{Id: s("a"), HttpParameters: &eventbridge.HttpParameters{HeaderParameters: map[string]string{"Authorization": v}}}
	}
	return []observed{
		noise("when a bus was modified, and the layout of its policy", "AWS::Events::EventBus",
			eventbridge.EventBus{LastModifiedTime: at(1), Policy: s(bucketPolicy)}, eventbridge.EventBus{LastModifiedTime: at(2), Policy: s(bucketPolicySame)}),
		changed("one more action in the policy of a bus", "AWS::Events::EventBus",
			eventbridge.EventBus{Policy: s(bucketPolicySame)}, eventbridge.EventBus{Policy: s(bucketPolicyWider)}, "attributes.Policy.Statement[read].Action[s3:PutObject]"),
		noise("the order of targets and the layout of a pattern", "AWS::Events::Rule",
			eventRule{eventbridge.Rule{EventPattern: s(`{"source":["a"],"detail":{}}`)}, []eventbridge.Target{target("a", "1"), target("b", "2")}},
			eventRule{eventbridge.Rule{EventPattern: s(`{ "detail": {}, "source": ["a"] }`)}, []eventbridge.Target{target("b", "2"), target("a", "1")}}),
		changed("the input of a target", "AWS::Events::Rule",
			eventRule{Targets: []eventbridge.Target{target("a", "1")}}, eventRule{Targets: []eventbridge.Target{target("a", "2")}}, "attributes.Targets[a].Input"),
		changed("a secret header", "AWS::Events::Rule",
			eventRule{Targets: []eventbridge.Target{header("x")}}, eventRule{Targets: []eventbridge.Target{header("yy")}},
			"attributes.Targets[a].HttpParameters.HeaderParameters.Authorization"),
		noise("when a pipe was modified, and its state", "AWS::Pipes::Pipe",
			pipes.DescribePipeOutput{LastModifiedTime: at(1), CurrentState: pipestypes.PipeStateStarting}, pipes.DescribePipeOutput{LastModifiedTime: at(2), CurrentState: pipestypes.PipeStateRunning}),
		changed("a pipe that should stop", "AWS::Pipes::Pipe",
			pipes.DescribePipeOutput{DesiredState: "RUNNING"}, pipes.DescribePipeOutput{DesiredState: "STOPPED"}, "attributes.DesiredState"),
		noise("when a schedule was modified", "AWS::Scheduler::Schedule",
			scheduler.GetScheduleOutput{LastModificationDate: at(1)}, scheduler.GetScheduleOutput{LastModificationDate: at(2)}),
		changed("another time of a schedule", "AWS::Scheduler::Schedule",
			scheduler.GetScheduleOutput{ScheduleExpression: s("rate(1 day)")}, scheduler.GetScheduleOutput{ScheduleExpression: s("rate(2 days)")}, "attributes.ScheduleExpression"),
		noise("when a group of schedules was modified", "AWS::Scheduler::ScheduleGroup",
			schedulertypes.ScheduleGroupSummary{LastModificationDate: at(1)}, schedulertypes.ScheduleGroupSummary{LastModificationDate: at(2)}),
		changed("a group of schedules made anew", "AWS::Scheduler::ScheduleGroup",
			schedulertypes.ScheduleGroupSummary{CreationDate: at(1)}, schedulertypes.ScheduleGroupSummary{CreationDate: at(2)}, "attributes.CreationDate"),
		noise("the readers of a stream and the order of its metrics", "AWS::Kinesis::Stream",
			kinesis.StreamDescriptionSummary{ConsumerCount: aws.Int32(1), EnhancedMonitoring: []kinesis.EnhancedMetrics{{ShardLevelMetrics: []kinesis.MetricsName{"a", "b"}}}},
			kinesis.StreamDescriptionSummary{ConsumerCount: aws.Int32(2), EnhancedMonitoring: []kinesis.EnhancedMetrics{{ShardLevelMetrics: []kinesis.MetricsName{"b", "a"}}}}),
		noise("the throughput and the shards of an on-demand stream", "AWS::Kinesis::Stream", shards("ON_DEMAND", 4), shards("ON_DEMAND", 8)),
		changed("the shards of a provisioned stream", "AWS::Kinesis::Stream", shards("PROVISIONED", 4), shards("PROVISIONED", 8), "attributes.OpenShardCount"),
		changed("the throughput that a stream is to have", "AWS::Kinesis::Stream",
			kinesis.StreamDescriptionSummary{WarmThroughput: &kinesis.WarmThroughputObject{TargetMiBps: aws.Int32(1)}}, kinesis.StreamDescriptionSummary{WarmThroughput: &kinesis.WarmThroughputObject{TargetMiBps: aws.Int32(2)}},
			"attributes.WarmThroughput.TargetMiBps"),
		changed("how long a stream keeps records", "AWS::Kinesis::Stream",
			kinesis.StreamDescriptionSummary{RetentionPeriodHours: aws.Int32(24)}, kinesis.StreamDescriptionSummary{RetentionPeriodHours: aws.Int32(48)}, "attributes.RetentionPeriodHours"),
	}
}

func noisesOfApplications() []observed {
	s := aws.String
	return []observed{
		noise("the layout of a state machine's definition, and its revision", "AWS::StepFunctions::StateMachine",
			sfn.DescribeStateMachineOutput{RevisionId: s("1"), Definition: s(`{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`)},
			sfn.DescribeStateMachineOutput{RevisionId: s("2"), Definition: s(`{ "States": {"A": {"End": true, "Type": "Pass"}}, "StartAt": "A" }`)}),
		changed("another state", "AWS::StepFunctions::StateMachine",
			sfn.DescribeStateMachineOutput{Definition: s(`{"States":{"A":{"Type":"Pass"}}}`)}, sfn.DescribeStateMachineOutput{Definition: s(`{"States":{"A":{"Type":"Fail"}}}`)},
			"attributes.Definition.States.A.Type"),
		noise("nothing that moves in an activity", "AWS::StepFunctions::Activity", sfntypes.ActivityListItem{Name: s("a")}, sfntypes.ActivityListItem{Name: s("a"), ActivityArn: s("")}),
		changed("an activity made anew", "AWS::StepFunctions::Activity",
			sfntypes.ActivityListItem{CreationDate: at(1)}, sfntypes.ActivityListItem{CreationDate: at(2)}, "attributes.CreationDate"),
		noise("the status of an API and the order of its types", "AWS::ApiGateway::RestApi",
			apigateway.RestApi{ApiStatus: "UPDATING", BinaryMediaTypes: []string{"a", "b"}, Policy: s(bucketPolicy)}, apigateway.RestApi{ApiStatus: "AVAILABLE", BinaryMediaTypes: []string{"b", "a"}, Policy: s(bucketPolicySame)}),
		changed("an API that can be called by its own name", "AWS::ApiGateway::RestApi",
			apigateway.RestApi{DisableExecuteApiEndpoint: true}, apigateway.RestApi{}, "attributes.DisableExecuteApiEndpoint"),
		noise("when a stage was updated", "AWS::ApiGateway::Stage",
			restStage{Stage: apigateway.Stage{LastUpdatedDate: at(1)}}, restStage{Stage: apigateway.Stage{LastUpdatedDate: at(2)}}),
		changed("another deployment of a stage", "AWS::ApiGateway::Stage",
			restStage{Stage: apigateway.Stage{DeploymentId: s("1")}}, restStage{Stage: apigateway.Stage{DeploymentId: s("2")}}, "attributes.DeploymentId"),
		noise("when a key was updated, and the order of its stages", "AWS::ApiGateway::ApiKey",
			apigateway.ApiKey{LastUpdatedDate: at(1), StageKeys: []string{"a", "b"}}, apigateway.ApiKey{LastUpdatedDate: at(2), StageKeys: []string{"b", "a"}}),
		changed("a key that is turned off", "AWS::ApiGateway::ApiKey", apigateway.ApiKey{Enabled: true}, apigateway.ApiKey{}, "attributes.Enabled"),
		noise("the order of origins", "AWS::ApiGatewayV2::Api",
			apigatewayv2.Api{CorsConfiguration: &apigatewayv2.Cors{AllowOrigins: []string{"a", "b"}}}, apigatewayv2.Api{CorsConfiguration: &apigatewayv2.Cors{AllowOrigins: []string{"b", "a"}}}),
		changed("one more origin", "AWS::ApiGatewayV2::Api",
			apigatewayv2.Api{CorsConfiguration: &apigatewayv2.Cors{AllowOrigins: []string{"a"}}}, apigatewayv2.Api{CorsConfiguration: &apigatewayv2.Cors{AllowOrigins: []string{"b", "a"}}},
			"attributes.CorsConfiguration.AllowOrigins[b]"),
		noise("when a stage was updated", "AWS::ApiGatewayV2::Stage",
			apiStage{Stage: apigatewayv2.Stage{LastUpdatedDate: at(1)}}, apiStage{Stage: apigatewayv2.Stage{LastUpdatedDate: at(2)}}),
		changed("a variable of a stage", "AWS::ApiGatewayV2::Stage",
			apiStage{Stage: apigatewayv2.Stage{StageVariables: map[string]string{"a": "1"}}}, apiStage{Stage: apigatewayv2.Stage{StageVariables: map[string]string{"a": "22"}}},
			"attributes.StageVariables.a"),
		noise("the layout of a filter and the progress of a replay", "AWS::SNS::Subscription",
			subscription{FilterPolicy: `{"a":["x"],"b":["y"]}`, ReplayStatus: "Pending"}, subscription{FilterPolicy: `{ "b": ["y"], "a": ["x"] }`, ReplayStatus: "Completed"}),
		changed("another filter", "AWS::SNS::Subscription",
			subscription{FilterPolicy: `{"a":["x"]}`}, subscription{FilterPolicy: `{"a":["y"]}`}, "attributes.FilterPolicy.a[x]", "attributes.FilterPolicy.a[y]"),
	}
}
