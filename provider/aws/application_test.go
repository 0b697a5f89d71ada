package aws_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	apigatewayv2types "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/aws-sdk-go-v2/service/pipes"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func TestMoto_EventBridge(t *testing.T) {
	c := moto(t)
	ctx, e := t.Context(), eventbridge.NewFromConfig(c.config(t))
	tags := tagsOf(func(k, v *string) eventbridgetypes.Tag { return eventbridgetypes.Tag{Key: k, Value: v} })
	must[*eventbridge.CreateEventBusOutput](t)(e.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("orders"), Tags: tags}))
	for _, bus := range []string{"default", "orders"} { // the same name on both
		must[*eventbridge.PutRuleOutput](t)(e.PutRule(ctx, &eventbridge.PutRuleInput{
			Name: aws.String("paid"), EventBusName: &bus, EventPattern: aws.String(`{"source": ["shop"], "detail-type": ["paid"]}`), Tags: tags,
		}))
	}
	must[*eventbridge.PutTargetsOutput](t)(e.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: aws.String("paid"), EventBusName: aws.String("orders"),
		Targets: []eventbridgetypes.Target{{Id: aws.String("b"), Arn: aws.String("arn:aws:sqs:us-east-1:1:b")}, {Id: aws.String("a"), Arn: aws.String("arn:aws:sqs:us-east-1:1:a")}},
	}))
	inv := checkFound(t, c, map[string][]string{
		"AWS::Events::EventBus": {"default", "orders"},
		"AWS::Events::Rule":     {"default/paid", "orders/paid"},
	})
	wantTags(t, inv.get(t, "AWS::Events::EventBus", "orders"), wantedTags)
	r := inv.get(t, "AWS::Events::Rule", "orders/paid")
	wantTags(t, r, wantedTags)
	wantAt(t, r, "a", "Targets", 0, "Id")
	wantAt(t, r, "shop", "EventPattern", "source", 0)
	if r.Status != "ENABLED" {
		t.Errorf("got %+v", r)
	}
}

func TestMoto_Pipes(t *testing.T) {
	c := moto(t)
	p := pipes.NewFromConfig(c.config(t))
	must[*pipes.CreatePipeOutput](t)(p.CreatePipe(t.Context(), &pipes.CreatePipeInput{
		Name: aws.String("orders"), RoleArn: aws.String("arn:aws:iam::123456789012:role/pipe"), Tags: wantedTags,
		Source: aws.String("arn:aws:sqs:us-east-1:123456789012:in"), Target: aws.String("arn:aws:sqs:us-east-1:123456789012:out"),
	}))
	r := checkFound(t, c, map[string][]string{"AWS::Pipes::Pipe": {"orders"}}).get(t, "AWS::Pipes::Pipe", "orders")
	wantTags(t, r, wantedTags)
	wantAt(t, r, "arn:aws:sqs:us-east-1:123456789012:in", "Source")
}

func TestMoto_Scheduler(t *testing.T) {
	c := moto(t)
	ctx, s := t.Context(), scheduler.NewFromConfig(c.config(t))
	must[*scheduler.CreateScheduleGroupOutput](t)(s.CreateScheduleGroup(ctx, &scheduler.CreateScheduleGroupInput{
		Name: aws.String("nightly"), Tags: tagsOf(func(k, v *string) schedulertypes.Tag { return schedulertypes.Tag{Key: k, Value: v} }),
	}))
	for _, group := range []string{"default", "nightly"} {
		must[*scheduler.CreateScheduleOutput](t)(s.CreateSchedule(ctx, &scheduler.CreateScheduleInput{
			Name: aws.String("clean"), GroupName: &group, ScheduleExpression: aws.String("rate(1 day)"),
			FlexibleTimeWindow: &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
			Target:             &schedulertypes.Target{Arn: aws.String("arn:aws:sqs:us-east-1:1:q"), RoleArn: aws.String("arn:aws:iam::1:role/s")},
		}))
	}
	inv := checkFound(t, c, map[string][]string{
		"AWS::Scheduler::ScheduleGroup": {"default", "nightly"},
		"AWS::Scheduler::Schedule":      {"default/clean", "nightly/clean"},
	})
	wantTags(t, inv.get(t, "AWS::Scheduler::ScheduleGroup", "nightly"), wantedTags)
	wantAt(t, inv.get(t, "AWS::Scheduler::Schedule", "nightly/clean"), "rate(1 day)", "ScheduleExpression")
}

// There are more streams than one answer has, and moto tells no token for the rest.
func TestMoto_Kinesis(t *testing.T) {
	c := moto(t)
	ctx, k := t.Context(), kinesis.NewFromConfig(c.config(t))
	var names []string
	for n := range 103 {
		name := fmt.Sprintf("s%03d", n)
		must[*kinesis.CreateStreamOutput](t)(k.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)}))
		names = append(names, name)
	}
	must[*kinesis.AddTagsToStreamOutput](t)(k.AddTagsToStream(ctx, &kinesis.AddTagsToStreamInput{StreamName: aws.String("s007"), Tags: wantedTags}))
	s := checkFound(t, c, map[string][]string{"AWS::Kinesis::Stream": names}).get(t, "AWS::Kinesis::Stream", "s007")
	wantTags(t, s, wantedTags)
	wantAt(t, s, 1, "OpenShardCount")
	if s.Status != string(kinesistypes.StreamStatusActive) || s.ARN == "" {
		t.Errorf("got %+v", s)
	}
}

func TestMoto_StepFunctions(t *testing.T) {
	c := moto(t)
	ctx, s := t.Context(), sfn.NewFromConfig(c.config(t))
	tags := tagsOf(func(k, v *string) sfntypes.Tag { return sfntypes.Tag{Key: k, Value: v} })
	must[*sfn.CreateStateMachineOutput](t)(s.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{
		Name: aws.String("ship"), RoleArn: aws.String("arn:aws:iam::" + c.account + ":role/s"), Tags: tags,
		Definition: aws.String(`{ "StartAt": "Pack", "States": {"Pack": {"Type": "Pass", "End": true}}}`),
	}))
	must[*sfn.CreateActivityOutput](t)(s.CreateActivity(ctx, &sfn.CreateActivityInput{Name: aws.String("pick"), Tags: tags}))
	inv := checkFound(t, c, map[string][]string{
		"AWS::StepFunctions::StateMachine": {"ship"},
		"AWS::StepFunctions::Activity":     {"pick"},
	})
	m := inv.get(t, "AWS::StepFunctions::StateMachine", "ship")
	wantTags(t, m, wantedTags)
	wantAt(t, m, "Pack", "Definition", "StartAt")
	if m.Status != "ACTIVE" {
		t.Errorf("got %+v", m)
	}
	wantTags(t, inv.get(t, "AWS::StepFunctions::Activity", "pick"), wantedTags)
}

func TestMoto_APIGateway(t *testing.T) {
	c := moto(t)
	ctx, g := t.Context(), apigateway.NewFromConfig(c.config(t))
	api := must[*apigateway.CreateRestApiOutput](t)(g.CreateRestApi(ctx, &apigateway.CreateRestApiInput{
		Name: aws.String("shop"), Tags: wantedTags, Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}]}`),
	}))
	root := must[*apigateway.GetResourcesOutput](t)(g.GetResources(ctx, &apigateway.GetResourcesInput{RestApiId: api.Id})).Items[0].Id
	must[*apigateway.PutMethodOutput](t)(g.PutMethod(ctx, &apigateway.PutMethodInput{
		RestApiId: api.Id, ResourceId: root, HttpMethod: aws.String("GET"), AuthorizationType: aws.String("NONE"),
	}))
	must[*apigateway.PutIntegrationOutput](t)(g.PutIntegration(ctx, &apigateway.PutIntegrationInput{
		RestApiId: api.Id, ResourceId: root, HttpMethod: aws.String("GET"), Type: "MOCK",
	}))
	deployment := must[*apigateway.CreateDeploymentOutput](t)(g.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: api.Id}))
	must[*apigateway.CreateStageOutput](t)(g.CreateStage(ctx, &apigateway.CreateStageInput{
		RestApiId: api.Id, StageName: aws.String("prod"), DeploymentId: deployment.Id, Variables: map[string]string{"token": "s3cret"}, Tags: wantedTags,
	}))
	key := must[*apigateway.CreateApiKeyOutput](t)(g.CreateApiKey(ctx, &apigateway.CreateApiKeyInput{Name: aws.String("partner"), Tags: wantedTags, Enabled: true}))
	inv := checkFound(t, c, map[string][]string{
		"AWS::ApiGateway::RestApi": {*api.Id},
		"AWS::ApiGateway::Stage":   {*api.Id + "/stages/prod"},
		"AWS::ApiGateway::ApiKey":  {*key.Id},
	})
	a := inv.get(t, "AWS::ApiGateway::RestApi", *api.Id)
	wantTags(t, a, wantedTags)
	wantAt(t, a, "execute-api:Invoke", "Policy", "Statement", 0, "Action", 0)
	if a.ARN != "arn:aws:apigateway:us-east-1::/restapis/"+*api.Id {
		t.Errorf("got %+v", a)
	}
	s := inv.get(t, "AWS::ApiGateway::Stage", *api.Id+"/stages/prod")
	wantTags(t, s, wantedTags)
	wantAt(t, s, digest("s3cret"), "Variables", "token")
	if s.ARN != a.ARN+"/stages/prod" {
		t.Errorf("got %+v", s)
	}
	k := inv.get(t, "AWS::ApiGateway::ApiKey", *key.Id)
	wantTags(t, k, wantedTags)
	if at(t, k, "Value") == *key.Value {
		t.Errorf("the key's value is in the document: %s", k.Attributes)
	}
}

// AWS tells the policy of a REST API with a backslash before each quote.
func TestAPIGateway_EscapedPolicy(t *testing.T) {
	c := answers(t, map[string]string{"GET /restapis": `{"item":[{"id":"a1","name":"shop","policy":"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"execute-api:Invoke\\\"}]}"}]}`})
	a := checkFound(t, c, map[string][]string{"AWS::ApiGateway::RestApi": {"a1"}}).get(t, "AWS::ApiGateway::RestApi", "a1")
	wantAt(t, a, "execute-api:Invoke", "Policy", "Statement", 0, "Action", 0)
}

func TestMoto_APIGatewayV2(t *testing.T) {
	c := moto(t)
	ctx, g := t.Context(), apigatewayv2.NewFromConfig(c.config(t))
	api := must[*apigatewayv2.CreateApiOutput](t)(g.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: aws.String("shop"), ProtocolType: apigatewayv2types.ProtocolTypeHttp, Tags: wantedTags,
	}))
	must[*apigatewayv2.CreateStageOutput](t)(g.CreateStage(ctx, &apigatewayv2.CreateStageInput{
		ApiId: api.ApiId, StageName: aws.String("prod"), StageVariables: map[string]string{"token": "s3cret"}, Tags: wantedTags,
	}))
	inv := checkFound(t, c, map[string][]string{
		"AWS::ApiGatewayV2::Api":   {*api.ApiId},
		"AWS::ApiGatewayV2::Stage": {*api.ApiId + "/stages/prod"},
	})
	wantTags(t, inv.get(t, "AWS::ApiGatewayV2::Api", *api.ApiId), wantedTags)
	s := inv.get(t, "AWS::ApiGatewayV2::Stage", *api.ApiId+"/stages/prod")
	wantTags(t, s, wantedTags)
	wantAt(t, s, digest("s3cret"), "StageVariables", "token")
}

func TestMoto_SNSSubscriptions(t *testing.T) {
	c := moto(t)
	ctx, s := t.Context(), sns.NewFromConfig(c.config(t))
	topic := must[*sns.CreateTopicOutput](t)(s.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("alerts")}))
	must[*sqs.CreateQueueOutput](t)(sqs.NewFromConfig(c.config(t)).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("q")}))
	sub := must[*sns.SubscribeOutput](t)(s.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:us-east-1:" + c.account + ":q"),
		Attributes: map[string]string{"FilterPolicy": `{"kind": ["a"]}`}, ReturnSubscriptionArn: true,
	}))
	id := "alerts/" + (*sub.SubscriptionArn)[len(*topic.TopicArn)+1:]
	r := checkFound(t, c, map[string][]string{"AWS::SNS::Subscription": {id}}).get(t, "AWS::SNS::Subscription", id)
	wantAt(t, r, "a", "FilterPolicy", "kind", 0)
	if r.ARN != *sub.SubscriptionArn || r.Status != "Confirmed" {
		t.Errorf("got %+v", r)
	}
}

// Subscriptions that wait for a confirmation have no ARN; deleted ones are listed for days.
func TestSNS_SubscriptionsWithoutARN(t *testing.T) {
	c := answers(t, map[string]string{"ListSubscriptions": `<ListSubscriptionsResponse><ListSubscriptionsResult><Subscriptions>
		<member><SubscriptionArn>PendingConfirmation</SubscriptionArn><TopicArn>arn:aws:sns:us-east-1:123456789012:alerts</TopicArn><Protocol>email</Protocol><Endpoint>a@example.com</Endpoint></member>
		<member><SubscriptionArn>PendingConfirmation</SubscriptionArn><TopicArn>arn:aws:sns:us-east-1:123456789012:alerts</TopicArn><Protocol>email</Protocol><Endpoint>b@example.com</Endpoint></member>
		<member><SubscriptionArn>Deleted</SubscriptionArn><TopicArn>arn:aws:sns:us-east-1:123456789012:alerts</TopicArn><Protocol>email</Protocol><Endpoint>c@example.com</Endpoint></member>
		</Subscriptions></ListSubscriptionsResult></ListSubscriptionsResponse>`})
	checkFound(t, c, map[string][]string{"AWS::SNS::Subscription": {"alerts/email:a@example.com", "alerts/email:b@example.com"}})
}
