package aws_test

import (
	"strings"
	"testing"
)

func TestMoto_Batch(t *testing.T) {
	c := moto(t)
	inv, _ := c.checkPopulated(t, "AWS::Batch::ComputeEnvironment", "AWS::Batch::JobQueue", "AWS::Batch::JobDefinition")
	for _, r := range inv {
		wantTags(t, r, wantedTags)
	}
	wantAt(t, inv.get(t, "AWS::Batch::ComputeEnvironment", "fargate"), "FARGATE", "ComputeResources", "Type")
	q := inv.get(t, "AWS::Batch::JobQueue", "fast")
	wantAt(t, q, "arn:aws:batch:us-east-1:"+c.account+":compute-environment/ours", "ComputeEnvironmentOrder", 0, "ComputeEnvironment")
	if q.Status != "VALID" || q.ARN != "arn:aws:batch:us-east-1:"+c.account+":job-queue/fast" {
		t.Errorf("got %+v", q)
	}
	d := inv.get(t, "AWS::Batch::JobDefinition", "thumb:2")
	wantAt(t, d, digest("s3cret"), "ContainerProperties", "Environment", 0, "Value")
	if d.Name != "thumb" || d.Status != "ACTIVE" || !strings.HasSuffix(d.ARN, ":job-definition/thumb:2") {
		t.Errorf("got %+v", d)
	}
}

// moto has no deleted environments, and tells neither how many vCPUs are wanted nor a UUID.
func TestBatchComputeEnvironment(t *testing.T) {
	c := answers(t, map[string]string{
		"POST /v1/describecomputeenvironments": `{"computeEnvironments":[
			{"computeEnvironmentName":"spot","computeEnvironmentArn":"arn:aws:batch:us-east-1:123456789012:compute-environment/spot","uuid":"u-1","state":"ENABLED","status":"VALID",
			 "computeResources":{"type":"SPOT","maxvCpus":64,"desiredvCpus":8,"subnets":["b","a"]},"tags":{"env":"prod"}},
			{"computeEnvironmentName":"old","computeEnvironmentArn":"arn:aws:batch:us-east-1:123456789012:compute-environment/old","status":"DELETED"}]}`,
	})
	e := checkFound(t, c, map[string][]string{"AWS::Batch::ComputeEnvironment": {"spot"}}).get(t, "AWS::Batch::ComputeEnvironment", "spot")
	wantTags(t, e, map[string]string{"env": "prod"})
	wantAt(t, e, nil, "ComputeResources", "DesiredvCpus")
	wantAt(t, e, "a", "ComputeResources", "Subnets", 0)
	if e.UID != "u-1" {
		t.Errorf("got %+v", e)
	}
}

// moto has no App Runner.
func TestAppRunner(t *testing.T) {
	c := answers(t, map[string]string{
		"ListServices": `{"ServiceSummaryList":[{"ServiceName":"web","ServiceArn":"arn:aws:apprunner:us-east-1:123456789012:service/web/1"}]}`,
		"DescribeService": `{"Service":{"ServiceName":"web","ServiceId":"1","ServiceArn":"arn:aws:apprunner:us-east-1:123456789012:service/web/1","Status":"RUNNING","CreatedAt":1.7e9,
			"SourceConfiguration":{"ImageRepository":{"ImageIdentifier":"x","ImageConfiguration":{"RuntimeEnvironmentVariables":{"TOKEN":"s3cret"}}}}}}`,
		"ListTagsForResource": `{"Tags":[{"Key":"env","Value":"prod"}]}`,
	})
	s := checkFound(t, c, map[string][]string{"AWS::AppRunner::Service": {"web"}}).get(t, "AWS::AppRunner::Service", "web")
	wantTags(t, s, map[string]string{"env": "prod"})
	wantAt(t, s, digest("s3cret"), "SourceConfiguration", "ImageRepository", "ImageConfiguration", "RuntimeEnvironmentVariables", "TOKEN")
	if s.UID != "1" || s.Status != "RUNNING" || s.CreatedAt.IsZero() {
		t.Errorf("got %+v", s)
	}
}

// moto does not find an application of which it is asked for the tags, and gives environments
// no id.
func TestElasticBeanstalk(t *testing.T) {
	c := answers(t, map[string]string{
		"DescribeApplications": `<DescribeApplicationsResponse><DescribeApplicationsResult><Applications><member><ApplicationName>shop</ApplicationName>
			<ApplicationArn>arn:aws:elasticbeanstalk:us-east-1:123456789012:application/shop</ApplicationArn><Versions><member>b</member><member>a</member></Versions>
			</member></Applications></DescribeApplicationsResult></DescribeApplicationsResponse>`,
		"DescribeEnvironments": `<DescribeEnvironmentsResponse><DescribeEnvironmentsResult><Environments>
			<member><EnvironmentId>e-1</EnvironmentId><EnvironmentName>prod</EnvironmentName><ApplicationName>shop</ApplicationName><Status>Ready</Status><Health>Green</Health>
			<EnvironmentArn>arn:aws:elasticbeanstalk:us-east-1:123456789012:environment/shop/prod</EnvironmentArn></member>
			<member><EnvironmentId>e-0</EnvironmentId><EnvironmentName>prod</EnvironmentName><Status>Terminated</Status></member>
			</Environments></DescribeEnvironmentsResult></DescribeEnvironmentsResponse>`,
		"ListTagsForResource": `<ListTagsForResourceResponse><ListTagsForResourceResult><ResourceTags><member><Key>env</Key><Value>prod</Value></member></ResourceTags></ListTagsForResourceResult></ListTagsForResourceResponse>`,
	})
	inv := checkFound(t, c, map[string][]string{"AWS::ElasticBeanstalk::Application": {"shop"}, "AWS::ElasticBeanstalk::Environment": {"e-1"}})
	e := inv.get(t, "AWS::ElasticBeanstalk::Environment", "e-1")
	wantTags(t, e, map[string]string{"env": "prod"})
	wantAt(t, e, nil, "Health")
	if e.Name != "prod" || e.Status != "Ready" {
		t.Errorf("got %+v", e)
	}
	a := inv.get(t, "AWS::ElasticBeanstalk::Application", "shop")
	wantTags(t, a, map[string]string{"env": "prod"})
	wantAt(t, a, "a", "Versions", 0)
}

func TestMoto_MemoryDB(t *testing.T) {
	inv, _ := moto(t).checkPopulated(t, "AWS::MemoryDB::Cluster")
	r := inv.get(t, "AWS::MemoryDB::Cluster", "sessions")
	wantTags(t, r, wantedTags)
	wantAt(t, r, "db.t4g.small", "NodeType")
}

func TestMoto_DAX(t *testing.T) {
	inv, _ := moto(t).checkPopulated(t, "AWS::DAX::Cluster")
	r := inv.get(t, "AWS::DAX::Cluster", "hot")
	wantTags(t, r, wantedTags)
	wantAt(t, r, "hot-b", "Nodes", 1, "NodeId")
	wantAt(t, r, nil, "ActiveNodes")
	if r.Status != "available" || !strings.HasSuffix(r.ARN, ":cache/hot") {
		t.Errorf("got %+v", r)
	}
}

func TestMoto_Firehose(t *testing.T) {
	inv, _ := moto(t).checkPopulated(t, "AWS::KinesisFirehose::DeliveryStream")
	r := inv.get(t, "AWS::KinesisFirehose::DeliveryStream", "b")
	wantTags(t, r, wantedTags)
	wantAt(t, r, "arn:aws:s3:::b", "Destinations", 0, "ExtendedS3DestinationDescription", "BucketARN")
}

func TestMoto_MSK(t *testing.T) {
	inv, _ := moto(t).checkPopulated(t, "AWS::MSK::Cluster")
	r := inv.get(t, "AWS::MSK::Cluster", "events")
	wantTags(t, r, wantedTags)
	wantAt(t, r, "subnet-1", "Serverless", "VpcConfigs", 0, "SubnetIds", 0)
}

// moto has no ListConfigurations.
func TestMSK_Configurations(t *testing.T) {
	c := answers(t, map[string]string{"GET /v1/configurations": `{"configurations":[{"name":"tuned","arn":"arn:aws:kafka:us-east-1:123456789012:configuration/tuned/u-1","state":"ACTIVE",
		"kafkaVersions":["3.6","3.5"],"latestRevision":{"revision":4,"creationTime":"2025-01-02T03:04:05Z"}}]}`})
	r := checkFound(t, c, map[string][]string{"AWS::MSK::Configuration": {"tuned"}}).get(t, "AWS::MSK::Configuration", "tuned")
	wantAt(t, r, 4, "LatestRevision", "Revision")
	wantAt(t, r, "3.5", "KafkaVersions", 0)
	if r.UID != "u-1" {
		t.Errorf("got %+v", r)
	}
}

func TestMoto_MQ(t *testing.T) {
	inv, made := moto(t).checkPopulated(t, "AWS::AmazonMQ::Broker")
	r := inv.get(t, "AWS::AmazonMQ::Broker", made["AWS::AmazonMQ::Broker"][0])
	wantTags(t, r, wantedTags)
	wantAt(t, r, "a", "Users", 0, "Username") // a set, sorted
	wantAt(t, r, "ACTIVEMQ", "EngineType")
	if r.Name != "bus" || r.Status != "RUNNING" || !strings.HasSuffix(r.ARN, ":broker:"+r.Key.ID) || r.CreatedAt.IsZero() {
		t.Errorf("got %+v", r)
	}
}

// moto tells another creation time of work groups each time.
func TestAthena(t *testing.T) {
	c := answers(t, map[string]string{
		"ListWorkGroups": `{"WorkGroups":[{"Name":"analysts","State":"ENABLED"}]}`,
		"GetWorkGroup": `{"WorkGroup":{"Name":"analysts","State":"ENABLED","CreationTime":1.7e9,
			"Configuration":{"EnforceWorkGroupConfiguration":true,"EngineVersion":{"SelectedEngineVersion":"AUTO"}}}}`,
		"ListTagsForResource": `{"Tags":[{"Key":"env","Value":"prod"}]}`,
	})
	r := checkFound(t, c, map[string][]string{"AWS::Athena::WorkGroup": {"analysts"}}).get(t, "AWS::Athena::WorkGroup", "analysts")
	wantTags(t, r, map[string]string{"env": "prod"})
	wantAt(t, r, true, "Configuration", "EnforceWorkGroupConfiguration")
	if r.ARN != "arn:aws:athena:us-east-1:123456789012:workgroup/analysts" || r.Status != "ENABLED" || r.CreatedAt.IsZero() {
		t.Errorf("got %+v", r)
	}
}
