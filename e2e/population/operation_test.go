package population

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	configtypes "github.com/aws/aws-sdk-go-v2/service/configservice/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
)

func (p *place) trails() *cloudtrail.Client           { return cloudtrail.NewFromConfig(p.cfg) }
func (p *place) config() *configservice.Client        { return configservice.NewFromConfig(p.cfg) }
func (p *place) logs() *cloudwatchlogs.Client         { return cloudwatchlogs.NewFromConfig(p.cfg) }
func (p *place) organizations() *organizations.Client { return organizations.NewFromConfig(p.cfg) }

func operationKinds() []kind {
	return []kind{
		{typ: "AWS::CloudTrail::Trail", paths: []string{"attributes.IsLogging"},
			make: func(p *place) string {
				return *ok(p.trails().CreateTrail(p.Context(), &cloudtrail.CreateTrailInput{
					// One of several regions is listed in its home region only.
					Name: aws.String("audit-" + p.cfg.Region), S3BucketName: aws.String(p.need("AWS::S3::Bucket")), IsMultiRegionTrail: aws.Bool(true),
				}))(p).Name
			},
			change: func(p *place, id string) {
				ok(p.trails().StartLogging(p.Context(), &cloudtrail.StartLoggingInput{Name: &id}))(p)
			}},
		{typ: "AWS::Config::ConfigurationRecorder", paths: []string{"attributes.Recording"},
			make: func(p *place) string {
				ok(p.config().PutConfigurationRecorder(p.Context(), &configservice.PutConfigurationRecorderInput{ConfigurationRecorder: &configtypes.ConfigurationRecorder{
					Name: aws.String("all"), RoleARN: aws.String("arn:aws:iam::" + p.account + ":role/worker"), RecordingGroup: &configtypes.RecordingGroup{AllSupported: true},
				}}))(p)
				return "all"
			},
			change: func(p *place, id string) {
				ok(p.config().StartConfigurationRecorder(p.Context(), &configservice.StartConfigurationRecorderInput{ConfigurationRecorderName: &id}))(p)
			}},
		{typ: "AWS::Config::DeliveryChannel", paths: []string{"attributes.S3KeyPrefix"},
			make:   func(p *place) string { return p.putChannel("a") },
			change: func(p *place, _ string) { p.putChannel("b") }},
		{typ: "AWS::Config::ConfigRule", paths: []string{"attributes.Description"},
			make:   func(p *place) string { return p.putRule("a") },
			change: func(p *place, _ string) { p.putRule("b") }},
		{typ: "AWS::Logs::LogGroup", paths: []string{"attributes.RetentionInDays"},
			make: func(p *place) string {
				ok(p.logs().CreateLogGroup(p.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/app/web"), Tags: map[string]string{"team": "a"}}))(p)
				return "/app/web"
			},
			change: func(p *place, id string) {
				ok(p.logs().PutRetentionPolicy(p.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &id, RetentionInDays: aws.Int32(14)}))(p)
			}},
		{typ: "AWS::Logs::MetricFilter", paths: []string{"attributes.FilterPattern"},
			make: func(p *place) string { return p.putFilter("ERROR") },
			change: func(p *place, _ string) { // moto adds a second filter of the same name otherwise
				ok(p.logs().DeleteMetricFilter(p.Context(), &cloudwatchlogs.DeleteMetricFilterInput{
					LogGroupName: aws.String(p.need("AWS::Logs::LogGroup")), FilterName: aws.String("errors"),
				}))(p)
				p.putFilter("FATAL")
			}},
		{typ: "AWS::Organizations::Account", global: true, paths: []string{"tags.team"},
			make: func(p *place) string {
				return *ok(p.organizations().CreateAccount(p.Context(), &organizations.CreateAccountInput{AccountName: aws.String("dev"), Email: aws.String("dev@example.com")}))(p).CreateAccountStatus.AccountId
			},
			change: (*place).tagInOrganization},
		{typ: "AWS::Organizations::OrganizationalUnit", global: true, paths: []string{"tags.team"},
			make: func(p *place) string {
				root := ok(p.organizations().ListRoots(p.Context(), &organizations.ListRootsInput{}))(p).Roots[0].Id
				unit := func(parent *string, name string) string {
					return *ok(p.organizations().CreateOrganizationalUnit(p.Context(), &organizations.CreateOrganizationalUnitInput{ParentId: parent, Name: &name}))(p).OrganizationalUnit.Id
				}
				above := unit(root, "above")
				p.add("AWS::Organizations::OrganizationalUnit", "global", above)
				return unit(&above, "below")
			},
			change: (*place).tagInOrganization},
		{typ: "AWS::Organizations::Policy", global: true, paths: []string{"attributes.Content.Statement[a].Action[s3:PutObject]"},
			make: func(p *place) string {
				return *ok(p.organizations().CreatePolicy(p.Context(), &organizations.CreatePolicyInput{
					Name: aws.String("read"), Description: aws.String("r"), Type: orgtypes.PolicyTypeServiceControlPolicy, Content: aws.String(document),
				}))(p).Policy.PolicySummary.Id
			},
			change: func(p *place, id string) {
				ok(p.organizations().UpdatePolicy(p.Context(), &organizations.UpdatePolicyInput{PolicyId: &id, Content: aws.String(wider)}))(p)
			}},
	}
}

func (p *place) tagInOrganization(id string) {
	ok(p.organizations().TagResource(p.Context(), &organizations.TagResourceInput{
		ResourceId: &id, Tags: []orgtypes.Tag{{Key: aws.String("team"), Value: aws.String("b")}},
	}))(p)
}

func (p *place) putChannel(prefix string) string {
	ok(p.config().PutDeliveryChannel(p.Context(), &configservice.PutDeliveryChannelInput{DeliveryChannel: &configtypes.DeliveryChannel{
		Name: aws.String("bucket"), S3BucketName: aws.String(p.need("AWS::S3::Bucket")), S3KeyPrefix: &prefix,
	}}))(p)
	return "bucket"
}

func (p *place) putRule(description string) string {
	ok(p.config().PutConfigRule(p.Context(), &configservice.PutConfigRuleInput{ConfigRule: &configtypes.ConfigRule{
		ConfigRuleName: aws.String("encrypted"), Description: &description,
		Source: &configtypes.Source{Owner: configtypes.OwnerAws, SourceIdentifier: aws.String("ENCRYPTED_VOLUMES")},
	}}))(p)
	return "encrypted"
}

func (p *place) putFilter(pattern string) string {
	group := p.need("AWS::Logs::LogGroup")
	ok(p.logs().PutMetricFilter(p.Context(), &cloudwatchlogs.PutMetricFilterInput{
		LogGroupName: &group, FilterName: aws.String("errors"), FilterPattern: &pattern,
		MetricTransformations: []logtypes.MetricTransformation{{MetricName: aws.String("errors"), MetricNamespace: aws.String("app"), MetricValue: aws.String("1")}},
	}))(p)
	return group + "/errors"
}
