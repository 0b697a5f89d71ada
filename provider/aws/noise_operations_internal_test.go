package aws

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	cloudtrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	cloudwatch "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	codebuild "github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	codecommit "github.com/aws/aws-sdk-go-v2/service/codecommit/types"
	codedeploy "github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	pipelinetypes "github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	config "github.com/aws/aws-sdk-go-v2/service/configservice/types"
	organizations "github.com/aws/aws-sdk-go-v2/service/organizations/types"
	servicediscovery "github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"
)

// pipelineOf is a pipeline with one action that has this configuration, as it is read.
func pipelineOf(configuration map[string]string) pipeline {
	p := pipeline{PipelineDeclaration: pipelinetypes.PipelineDeclaration{Name: aws.String("p")}}
	p.take(&codepipeline.GetPipelineOutput{
		Metadata: &pipelinetypes.PipelineMetadata{},
		Pipeline: &pipelinetypes.PipelineDeclaration{Name: aws.String("p"), Stages: []pipelinetypes.StageDeclaration{{
			Name: aws.String("s"), Actions: []pipelinetypes.ActionDeclaration{{Name: aws.String("a"), Configuration: configuration}},
		}}},
	})
	return p
}

func noisesOfMonitoring() []observed {
	s := aws.String
	return []observed{
		{name: "the order of what a trail selects", typ: "AWS::CloudTrail::Trail",
			before: trail{EventSelectors: []cloudtrail.EventSelector{{DataResources: []cloudtrail.DataResource{{Type: s("a"), Values: []string{"1", "2"}}, {Type: s("b")}}}}},
			after:  trail{EventSelectors: []cloudtrail.EventSelector{{DataResources: []cloudtrail.DataResource{{Type: s("b")}, {Type: s("a"), Values: []string{"2", "1"}}}}}}},
		{name: "a trail that logs no more", typ: "AWS::CloudTrail::Trail",
			before: trail{IsLogging: aws.Bool(true)}, after: trail{IsLogging: aws.Bool(false)},
			paths: []string{"attributes.IsLogging"}},
		{name: "the order of the types that are recorded", typ: "AWS::Config::ConfigurationRecorder",
			before: configRecorder{ConfigurationRecorder: config.ConfigurationRecorder{RecordingGroup: &config.RecordingGroup{ResourceTypes: []config.ResourceType{"a", "b"}}}},
			after:  configRecorder{ConfigurationRecorder: config.ConfigurationRecorder{RecordingGroup: &config.RecordingGroup{ResourceTypes: []config.ResourceType{"b", "a"}}}}},
		{name: "a recorder that was stopped", typ: "AWS::Config::ConfigurationRecorder",
			before: configRecorder{Recording: aws.Bool(true)}, after: configRecorder{Recording: aws.Bool(false)},
			paths: []string{"attributes.Recording"}},
		{name: "a channel that says nothing more", typ: "AWS::Config::DeliveryChannel",
			before: config.DeliveryChannel{Name: s("a")}, after: config.DeliveryChannel{Name: s("a"), S3KeyPrefix: s("")}},
		{name: "a channel to another bucket", typ: "AWS::Config::DeliveryChannel",
			before: config.DeliveryChannel{S3BucketName: s("a")}, after: config.DeliveryChannel{S3BucketName: s("b")},
			paths: []string{"attributes.S3BucketName"}},
		{name: "the layout of a rule's parameters", typ: "AWS::Config::ConfigRule",
			before: configRule{ConfigRule: config.ConfigRule{InputParameters: s(`{"a":"1","b":"2"}`), EvaluationModes: []config.EvaluationModeConfiguration{{Mode: "A"}, {Mode: "B"}}}},
			after:  configRule{ConfigRule: config.ConfigRule{InputParameters: s(`{ "b": "2", "a": "1" }`), EvaluationModes: []config.EvaluationModeConfiguration{{Mode: "B"}, {Mode: "A"}}}}},
		{name: "another parameter of a rule", typ: "AWS::Config::ConfigRule",
			before: configRule{ConfigRule: config.ConfigRule{InputParameters: s(`{"a":"1"}`)}},
			after:  configRule{ConfigRule: config.ConfigRule{InputParameters: s(`{"a":"2"}`)}},
			paths:  []string{"attributes.InputParameters.a"}},
		{name: "an alarm that goes off", typ: "AWS::CloudWatch::Alarm",
			before: metricAlarm{MetricAlarm: cloudwatch.MetricAlarm{StateValue: "OK", Dimensions: []cloudwatch.Dimension{{Name: s("a")}, {Name: s("b")}}}},
			after: metricAlarm{MetricAlarm: cloudwatch.MetricAlarm{StateValue: "ALARM", StateReason: s("x"), StateReasonData: s("{}"), StateUpdatedTimestamp: at(1),
				StateTransitionedTimestamp: at(1), EvaluationState: "PARTIAL_DATA", Dimensions: []cloudwatch.Dimension{{Name: s("b")}, {Name: s("a")}}}}},
		{name: "another threshold of an alarm", typ: "AWS::CloudWatch::Alarm",
			before: metricAlarm{MetricAlarm: cloudwatch.MetricAlarm{Threshold: aws.Float64(1)}},
			after:  metricAlarm{MetricAlarm: cloudwatch.MetricAlarm{Threshold: aws.Float64(1.5), AlarmConfigurationUpdatedTimestamp: at(2)}},
			paths:  []string{"attributes.Threshold"}},
		{name: "a composite alarm that goes off", typ: "AWS::CloudWatch::CompositeAlarm",
			before: compositeAlarm{CompositeAlarm: cloudwatch.CompositeAlarm{AlarmActions: []string{"a", "b"}}},
			after: compositeAlarm{CompositeAlarm: cloudwatch.CompositeAlarm{AlarmActions: []string{"b", "a"}, StateValue: "ALARM", StateReason: s("x"),
				ActionsSuppressedBy: "Alarm", ActionsSuppressedReason: s("y")}}},
		{name: "another rule of a composite alarm", typ: "AWS::CloudWatch::CompositeAlarm",
			before: compositeAlarm{CompositeAlarm: cloudwatch.CompositeAlarm{AlarmRule: s("ALARM(a)")}},
			after:  compositeAlarm{CompositeAlarm: cloudwatch.CompositeAlarm{AlarmRule: s("ALARM(b)")}},
			paths:  []string{"attributes.AlarmRule"}},
		{name: "the layout of a dashboard's body", typ: "AWS::CloudWatch::Dashboard",
			before: dashboard{DashboardBody: s(`{"widgets":[{"x":1,"y":2}]}`), DashboardEntry: cloudwatch.DashboardEntry{LastModified: at(1), Size: aws.Int64(1)}},
			after:  dashboard{DashboardBody: s(`{ "widgets": [ {"y": 2, "x": 1} ] }`), DashboardEntry: cloudwatch.DashboardEntry{LastModified: at(2), Size: aws.Int64(2)}}},
		{name: "a widget elsewhere", typ: "AWS::CloudWatch::Dashboard",
			before: dashboard{DashboardBody: s(`{"widgets":[{"x":1,"y":2}]}`)}, after: dashboard{DashboardBody: s(`{"widgets":[{"x":1,"y":3}]}`)},
			paths: []string{"attributes.DashboardBody.widgets[0].y"}},
		{name: "how much a log group holds", typ: "AWS::Logs::LogGroup",
			before: logGroup{LogGroup: logs.LogGroup{StoredBytes: aws.Int64(1), MetricFilterCount: aws.Int32(1)}},
			after:  logGroup{LogGroup: logs.LogGroup{StoredBytes: aws.Int64(2), MetricFilterCount: aws.Int32(2)}}},
		{name: "how long a log group keeps", typ: "AWS::Logs::LogGroup",
			before: logGroup{LogGroup: logs.LogGroup{RetentionInDays: aws.Int32(7)}}, after: logGroup{LogGroup: logs.LogGroup{RetentionInDays: aws.Int32(14)}},
			paths: []string{"attributes.RetentionInDays"}},
		{name: "the order of a filter's metrics", typ: "AWS::Logs::MetricFilter",
			before: logs.MetricFilter{MetricTransformations: []logs.MetricTransformation{{MetricName: s("a")}, {MetricName: s("b")}}},
			after:  logs.MetricFilter{MetricTransformations: []logs.MetricTransformation{{MetricName: s("b")}, {MetricName: s("a")}}}},
		{name: "another pattern of a filter", typ: "AWS::Logs::MetricFilter",
			before: logs.MetricFilter{FilterPattern: s("a")}, after: logs.MetricFilter{FilterPattern: s("b")},
			paths: []string{"attributes.FilterPattern"}},
	}
}

func noisesOfDelivery() []observed {
	s := aws.String
	variables := func(value string, names ...string) codebuild.Project {
		return codebuild.Project{Environment: &codebuild.ProjectEnvironment{EnvironmentVariables: converted(names, func(n string) codebuild.EnvironmentVariable {
			return codebuild.EnvironmentVariable{Name: &n, Value: &value}
		})}}
	}
	built := variables("1", "A", "B")
	built.Badge = &codebuild.ProjectBadge{BadgeRequestUrl: s("x")}
	seenLater := variables("1", "B", "A")
	seenLater.LastModified, seenLater.Badge = at(1), &codebuild.ProjectBadge{BadgeRequestUrl: s("y")}
	return []observed{
		{name: "the drift of a stack, and the order of its outputs", typ: "AWS::CloudFormation::Stack",
			before: cloudformation.Stack{Outputs: []cloudformation.Output{{OutputKey: s("a")}, {OutputKey: s("b")}}},
			after: cloudformation.Stack{Outputs: []cloudformation.Output{{OutputKey: s("b")}, {OutputKey: s("a")}}, StackStatusReason: s("x"),
				DriftInformation: &cloudformation.StackDriftInformation{LastCheckTimestamp: at(1), StackDriftStatus: "DRIFTED"}}},
		{name: "another parameter of a stack", typ: "AWS::CloudFormation::Stack",
			before: cloudformation.Stack{Parameters: []cloudformation.Parameter{{ParameterKey: s("a"), ParameterValue: s("1")}}},
			after:  cloudformation.Stack{Parameters: []cloudformation.Parameter{{ParameterKey: s("a"), ParameterValue: s("2")}}},
			paths:  []string{"attributes.Parameters[a].ParameterValue"}},
		{name: "the drift of a stack set, and the order of its regions", typ: "AWS::CloudFormation::StackSet",
			before: cloudformation.StackSet{Regions: []string{"a", "b"}},
			after:  cloudformation.StackSet{Regions: []string{"b", "a"}, StackSetDriftDetectionDetails: &cloudformation.StackSetDriftDetectionDetails{DriftedStackInstancesCount: aws.Int32(1)}}},
		{name: "a stack set in one more region", typ: "AWS::CloudFormation::StackSet",
			before: cloudformation.StackSet{Regions: []string{"b"}}, after: cloudformation.StackSet{Regions: []string{"a", "b"}},
			paths: []string{"attributes.Regions[a]"}},
		{name: "the order of a project's variables, its date and badge", typ: "AWS::CodeBuild::Project",
			before: built, after: seenLater},
		{name: "another value of a project's variable", typ: "AWS::CodeBuild::Project",
			before: variables("1", "A"), after: variables("22", "A"),
			paths: []string{"attributes.Environment.EnvironmentVariables[A].Value"}},
		{name: "the date of a pipeline", typ: "AWS::CodePipeline::Pipeline",
			before: pipeline{Metadata: &pipelinetypes.PipelineMetadata{Updated: at(1)}}, after: pipeline{Metadata: &pipelinetypes.PipelineMetadata{Updated: at(2)}}},
		{name: "another branch of a pipeline", typ: "AWS::CodePipeline::Pipeline",
			before: pipelineOf(map[string]string{"Branch": "main"}), after: pipelineOf(map[string]string{"Branch": "dev"}),
			paths: []string{"attributes.Stages[0].Actions[0].Configuration.Branch"}},
		{name: "another secret of a pipeline", typ: "AWS::CodePipeline::Pipeline",
			before: pipelineOf(map[string]string{"OAuthToken": "a"}), after: pipelineOf(map[string]string{"OAuthToken": "bb"}),
			paths: []string{"attributes.SecretConfiguration.s/a/OAuthToken"}},
		{name: "a push to a repository", typ: "AWS::CodeCommit::Repository",
			before: codeRepository{RepositoryMetadata: codecommit.RepositoryMetadata{LastModifiedDate: at(1)}},
			after:  codeRepository{RepositoryMetadata: codecommit.RepositoryMetadata{LastModifiedDate: at(2)}}},
		{name: "another main branch", typ: "AWS::CodeCommit::Repository",
			before: codeRepository{RepositoryMetadata: codecommit.RepositoryMetadata{DefaultBranch: s("main")}},
			after:  codeRepository{RepositoryMetadata: codecommit.RepositoryMetadata{DefaultBranch: s("trunk")}},
			paths:  []string{"attributes.DefaultBranch"}},
		{name: "an application that says nothing more", typ: "AWS::CodeDeploy::Application",
			before: codedeploy.ApplicationInfo{ComputePlatform: "ECS"}, after: codedeploy.ApplicationInfo{ComputePlatform: "ECS", GitHubAccountName: s("")}},
		{name: "an application that is linked now", typ: "AWS::CodeDeploy::Application",
			before: codedeploy.ApplicationInfo{}, after: codedeploy.ApplicationInfo{LinkedToGitHub: true},
			paths: []string{"attributes.LinkedToGitHub"}},
		{name: "a deployment", typ: "AWS::CodeDeploy::DeploymentGroup",
			before: codedeploy.DeploymentGroupInfo{LastAttemptedDeployment: &codedeploy.LastDeploymentInfo{DeploymentId: s("a")}, AutoScalingGroups: []codedeploy.AutoScalingGroup{{Name: s("a")}, {Name: s("b")}}},
			after:  codedeploy.DeploymentGroupInfo{LastAttemptedDeployment: &codedeploy.LastDeploymentInfo{DeploymentId: s("b")}, AutoScalingGroups: []codedeploy.AutoScalingGroup{{Name: s("b")}, {Name: s("a")}}}},
		{name: "another role of a deployment group", typ: "AWS::CodeDeploy::DeploymentGroup",
			before: codedeploy.DeploymentGroupInfo{ServiceRoleArn: s("a")}, after: codedeploy.DeploymentGroupInfo{ServiceRoleArn: s("b")},
			paths: []string{"attributes.ServiceRoleArn"}},
		{name: "the order of an account's paths", typ: "AWS::Organizations::Account",
			before: organizationAccount{Account: organizations.Account{Paths: []string{"a", "b"}}}, after: organizationAccount{Account: organizations.Account{Paths: []string{"b", "a"}, Status: "ACTIVE"}}},
		{name: "another address of an account", typ: "AWS::Organizations::Account",
			before: organizationAccount{Account: organizations.Account{Email: s("a@b")}}, after: organizationAccount{Account: organizations.Account{Email: s("c@b")}},
			paths: []string{"attributes.Email"}},
		{name: "the tags of a unit, which stand beside the document", typ: "AWS::Organizations::OrganizationalUnit",
			before: organizationalUnit{ParentId: "r"}, after: organizationalUnit{ParentId: "r", Tags: []organizations.Tag{{Key: s("a")}}}},
		{name: "a unit elsewhere", typ: "AWS::Organizations::OrganizationalUnit",
			before: organizationalUnit{ParentId: "r"}, after: organizationalUnit{ParentId: "ou"},
			paths: []string{"attributes.ParentId"}},
		{name: "the layout of an organization's policy", typ: "AWS::Organizations::Policy",
			before: organizationPolicy{Content: s(bucketPolicy)}, after: organizationPolicy{Content: s(bucketPolicySame)}},
		{name: "one more action in an organization's policy", typ: "AWS::Organizations::Policy",
			before: organizationPolicy{Content: s(bucketPolicy)}, after: organizationPolicy{Content: s(bucketPolicyWider)},
			paths: []string{"attributes.Content.Statement[read].Action[s3:PutObject]"}},
		{name: "how many instances a service has", typ: "AWS::ServiceDiscovery::Service",
			before: discoveryService{Service: servicediscovery.Service{InstanceCount: aws.Int32(1)}},
			after:  discoveryService{Service: servicediscovery.Service{InstanceCount: aws.Int32(2)}}},
		{name: "another description of a service", typ: "AWS::ServiceDiscovery::Service",
			before: discoveryService{Service: servicediscovery.Service{Description: s("a")}},
			after:  discoveryService{Service: servicediscovery.Service{Description: s("b")}},
			paths:  []string{"attributes.Description"}},
	}
}

// noisesOfNamespaces are the same for each type of them.
func noisesOfNamespaces() []observed {
	var all []observed
	for _, kind := range []string{"Http", "PrivateDns", "PublicDns"} {
		typ := "AWS::ServiceDiscovery::" + kind + "Namespace"
		namespaceOf := func(description string, services int32) namespace {
			return namespace{NamespaceSummary: servicediscovery.NamespaceSummary{Description: &description, ServiceCount: &services}}
		}
		all = append(all,
			observed{name: "how many services a namespace has: " + kind, typ: typ, before: namespaceOf("a", 1), after: namespaceOf("a", 2)},
			observed{name: "another description: " + kind, typ: typ, before: namespaceOf("a", 1), after: namespaceOf("b", 1), paths: []string{"attributes.Description"}})
	}
	return all
}

// A type without rows is one whose rules nobody tried.
func TestNoises_HaveBothKindsOfRowsForEveryType(t *testing.T) {
	quiet, loud := map[string]bool{}, map[string]bool{}
	for _, o := range noises() {
		if len(o.paths) == 0 {
			quiet[o.typ] = true
		} else {
			loud[o.typ] = true
		}
	}
	for _, c := range collectors() {
		if typ := c.schema().Type; !quiet[typ] || !loud[typ] {
			t.Errorf("%s: rows of noise: %v, of changes: %v; want both", typ, quiet[typ], loud[typ])
		}
	}
}
