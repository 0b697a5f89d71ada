package aws_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	kinesistypes "github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func TestMoto_EventBridge(t *testing.T) {
	inv, _ := moto(t).checkPopulated(t, "AWS::Events::EventBus", "AWS::Events::Rule")
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
	inv, _ := c.checkPopulated(t, "AWS::Pipes::Pipe")
	r := inv.get(t, "AWS::Pipes::Pipe", "orders")
	wantTags(t, r, wantedTags)
	wantAt(t, r, "arn:aws:sqs:us-east-1:"+c.account+":in", "Source")
}

func TestMoto_Scheduler(t *testing.T) {
	inv, _ := moto(t).checkPopulated(t, "AWS::Scheduler::ScheduleGroup", "AWS::Scheduler::Schedule")
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
	must[*kinesis.CreateStreamOutput](t)(k.CreateStream(ctx, &kinesis.CreateStreamInput{
		StreamName: aws.String("wide"), StreamModeDetails: &kinesistypes.StreamModeDetails{StreamMode: kinesistypes.StreamModeOnDemand},
	}))
	inv := checkFound(t, c, map[string][]string{"AWS::Kinesis::Stream": append(names, "wide")})
	wide := inv.get(t, "AWS::Kinesis::Stream", "wide")
	wantAt(t, wide, kinesistypes.StreamModeOnDemand, "StreamModeDetails", "StreamMode")
	wantAt(t, wide, nil, "OpenShardCount")
	s := inv.get(t, "AWS::Kinesis::Stream", "s007")
	wantTags(t, s, wantedTags)
	wantAt(t, s, 1, "OpenShardCount")
	if s.Status != string(kinesistypes.StreamStatusActive) || s.ARN == "" {
		t.Errorf("got %+v", s)
	}
}

func TestMoto_StepFunctions(t *testing.T) {
	inv, _ := moto(t).checkPopulated(t, "AWS::StepFunctions::StateMachine", "AWS::StepFunctions::Activity")
	m := inv.get(t, "AWS::StepFunctions::StateMachine", "ship")
	wantTags(t, m, wantedTags)
	wantAt(t, m, "Pack", "Definition", "StartAt")
	if m.Status != "ACTIVE" {
		t.Errorf("got %+v", m)
	}
	wantTags(t, inv.get(t, "AWS::StepFunctions::Activity", "pick"), wantedTags)
}

func TestMoto_APIGateway(t *testing.T) {
	inv, made := moto(t).checkPopulated(t, "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage", "AWS::ApiGateway::ApiKey")
	api, key := made["AWS::ApiGateway::RestApi"][0], made["AWS::ApiGateway::ApiKey"][0]
	a := inv.get(t, "AWS::ApiGateway::RestApi", api)
	wantTags(t, a, wantedTags)
	wantAt(t, a, "execute-api:Invoke", "Policy", "Statement", 0, "Action", 0)
	if a.ARN != "arn:aws:apigateway:us-east-1::/restapis/"+api {
		t.Errorf("got %+v", a)
	}
	s := inv.get(t, "AWS::ApiGateway::Stage", api+"/stages/prod")
	wantTags(t, s, wantedTags)
	wantAt(t, s, digest("s3cret"), "Variables", "token")
	if s.ARN != a.ARN+"/stages/prod" {
		t.Errorf("got %+v", s)
	}
	k := inv.get(t, "AWS::ApiGateway::ApiKey", key)
	wantTags(t, k, wantedTags)
	wantAt(t, k, nil, "Value")
}

// AWS tells the policy of a REST API with a backslash before each quote.
func TestAPIGateway_EscapedPolicy(t *testing.T) {
	c := answers(t, map[string]string{"GET /restapis": `{"item":[{"id":"a1","name":"shop","policy":"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"execute-api:Invoke\\\"}]}"}]}`})
	a := checkFound(t, c, map[string][]string{"AWS::ApiGateway::RestApi": {"a1"}}).get(t, "AWS::ApiGateway::RestApi", "a1")
	wantAt(t, a, "execute-api:Invoke", "Policy", "Statement", 0, "Action", 0)
}

func TestMoto_APIGatewayV2(t *testing.T) {
	inv, made := moto(t).checkPopulated(t, "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage")
	api := made["AWS::ApiGatewayV2::Api"][0]
	wantTags(t, inv.get(t, "AWS::ApiGatewayV2::Api", api), wantedTags)
	s := inv.get(t, "AWS::ApiGatewayV2::Stage", api+"/stages/prod")
	wantTags(t, s, wantedTags)
	wantAt(t, s, digest("s3cret"), "StageVariables", "token")
}

func TestMoto_SNSSubscriptions(t *testing.T) {
	c := moto(t)
	inv, made := c.checkPopulated(t, "AWS::SNS::Subscription")
	r := inv.get(t, "AWS::SNS::Subscription", made["AWS::SNS::Subscription"][0])
	wantAt(t, r, "a", "FilterPolicy", "kind", 0)
	if arn := "arn:aws:sns:us-east-1:" + c.account + ":" + strings.Replace(r.Key.ID, "/", ":", 1); r.ARN != arn || r.Status != "Confirmed" {
		t.Errorf("got %+v, want %s", r, arn)
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

// What follows the host of an endpoint is a key to whatever is there: it is nowhere to be read, and
// tells subscriptions apart that wait for a confirmation.
func TestSNS_EndpointsOfSubscriptionsHoldKeys(t *testing.T) {
	const topic, confirmed = "arn:aws:sns:us-east-1:123456789012:alerts", "arn:aws:sns:us-east-1:123456789012:alerts:c-1"
	endpoints := []string{"https://hooks.example.com/services/hunter2", "https://hooks.example.com/services/hunter3", "http://app:hunter4@example.com:8080/", "https://plain.example.com/"}
	var members strings.Builder
	for _, e := range endpoints {
		protocol, _, _ := strings.Cut(e, ":")
		fmt.Fprintf(&members, `<member><SubscriptionArn>PendingConfirmation</SubscriptionArn><TopicArn>%s</TopicArn><Protocol>%s</Protocol><Endpoint>%s</Endpoint></member>`, topic, protocol, e)
	}
	c := answers(t, map[string]string{
		"ListSubscriptions": `<ListSubscriptionsResponse><ListSubscriptionsResult><Subscriptions>` + members.String() +
			`<member><SubscriptionArn>` + confirmed + `</SubscriptionArn><TopicArn>` + topic + `</TopicArn><Protocol>https</Protocol><Endpoint>https://hooks.example.com/?key=hunter5</Endpoint></member>
			</Subscriptions></ListSubscriptionsResult></ListSubscriptionsResponse>`,
		"GetSubscriptionAttributes": `<GetSubscriptionAttributesResponse><GetSubscriptionAttributesResult><Attributes>
			<entry><key>SubscriptionArn</key><value>` + confirmed + `</value></entry><entry><key>Protocol</key><value>https</value></entry>
			<entry><key>Endpoint</key><value>https://hooks.example.com/?key=hunter5</value></entry></Attributes></GetSubscriptionAttributesResult></GetSubscriptionAttributesResponse>`,
	})
	hidden := []string{
		"https://hooks.example.com/" + digest(endpoints[0]), "https://hooks.example.com/" + digest(endpoints[1]),
		"http://example.com:8080/" + digest(endpoints[2]), endpoints[3], "https://hooks.example.com/" + digest("https://hooks.example.com/?key=hunter5"),
	}
	ids := []string{"alerts/https:" + hidden[0], "alerts/https:" + hidden[1], "alerts/http:" + hidden[2], "alerts/https:" + hidden[3], "alerts/c-1"}
	inv := checkFound(t, c, map[string][]string{"AWS::SNS::Subscription": append([]string(nil), ids...)})
	for i, id := range ids {
		r := inv.get(t, "AWS::SNS::Subscription", id)
		wantAt(t, r, hidden[i], "Endpoint")
		if r.Name != hidden[i] || strings.Contains(fmt.Sprintf("%+v %s", r, r.Attributes), "hunter") {
			t.Errorf("got %+v with %s", r, r.Attributes)
		}
	}
}
