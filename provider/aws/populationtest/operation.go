package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	configtypes "github.com/aws/aws-sdk-go-v2/service/configservice/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/elava-dev/elava/resource"
)

func (p *Place) trails() *cloudtrail.Client           { return cloudtrail.NewFromConfig(p.Config) }
func (p *Place) config() *configservice.Client        { return configservice.NewFromConfig(p.Config) }
func (p *Place) logs() *cloudwatchlogs.Client         { return cloudwatchlogs.NewFromConfig(p.Config) }
func (p *Place) organizations() *organizations.Client { return organizations.NewFromConfig(p.Config) }

func operationKinds() []Kind {
	return []Kind{
		{Type: "AWS::CloudTrail::Trail", Paths: []string{"attributes.IsLogging"},
			Make: func(p *Place) string {
				return *ok(p.trails().CreateTrail(p.Context(), &cloudtrail.CreateTrailInput{
					// One of several regions is listed in its home region only.
					Name: aws.String("audit-" + p.Config.Region), S3BucketName: aws.String(p.Need("AWS::S3::Bucket")), IsMultiRegionTrail: aws.Bool(true),
				}))(p).Name
			},
			Change: func(p *Place, id string) {
				ok(p.trails().StartLogging(p.Context(), &cloudtrail.StartLoggingInput{Name: &id}))(p)
			}},
		{Type: "AWS::Config::ConfigurationRecorder", Paths: []string{"attributes.Recording"},
			Make: func(p *Place) string {
				ok(p.config().PutConfigurationRecorder(p.Context(), &configservice.PutConfigurationRecorderInput{ConfigurationRecorder: &configtypes.ConfigurationRecorder{
					Name: aws.String("all"), RoleARN: aws.String("arn:aws:iam::" + p.Account + ":role/worker"), RecordingGroup: &configtypes.RecordingGroup{AllSupported: true},
				}}))(p)
				return "all"
			},
			Change: func(p *Place, id string) {
				ok(p.config().StartConfigurationRecorder(p.Context(), &configservice.StartConfigurationRecorderInput{ConfigurationRecorderName: &id}))(p)
			}},
		{Type: "AWS::Config::DeliveryChannel", Paths: []string{"attributes.S3KeyPrefix"},
			Make:   func(p *Place) string { return p.putChannel("a") },
			Change: func(p *Place, _ string) { p.putChannel("b") }},
		{Type: "AWS::Config::ConfigRule", Paths: []string{"attributes.Description"},
			Make:   func(p *Place) string { return p.putRule("a") },
			Change: func(p *Place, _ string) { p.putRule("b") }},
		{Type: "AWS::Logs::LogGroup", Paths: []string{"attributes.RetentionInDays"},
			Make: func(p *Place) string {
				ok(p.logs().CreateLogGroup(p.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/app/web"), Tags: map[string]string{"team": "a"}}))(p)
				return "/app/web"
			},
			Change: func(p *Place, id string) {
				ok(p.logs().PutRetentionPolicy(p.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &id, RetentionInDays: aws.Int32(14)}))(p)
			}},
		{Type: "AWS::Logs::MetricFilter", Paths: []string{"attributes.FilterPattern"},
			Make: func(p *Place) string { return p.putFilter("ERROR") },
			Change: func(p *Place, _ string) { // moto adds a second filter of the same name otherwise
				ok(p.logs().DeleteMetricFilter(p.Context(), &cloudwatchlogs.DeleteMetricFilterInput{
					LogGroupName: aws.String(p.Need("AWS::Logs::LogGroup")), FilterName: aws.String("errors"),
				}))(p)
				p.putFilter("FATAL")
			}},
		{Type: "AWS::Organizations::Account", Global: true, Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				return *ok(p.organizations().CreateAccount(p.Context(), &organizations.CreateAccountInput{AccountName: aws.String("dev"), Email: aws.String("dev@example.com")}))(p).CreateAccountStatus.AccountId
			},
			Change: (*Place).tagInOrganization},
		{Type: "AWS::Organizations::OrganizationalUnit", Global: true, Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				root := ok(p.organizations().ListRoots(p.Context(), &organizations.ListRootsInput{}))(p).Roots[0].Id
				unit := func(parent *string, name string) string {
					return *ok(p.organizations().CreateOrganizationalUnit(p.Context(), &organizations.CreateOrganizationalUnitInput{ParentId: parent, Name: &name}))(p).OrganizationalUnit.Id
				}
				above := unit(root, "above")
				p.add("AWS::Organizations::OrganizationalUnit", resource.Global, above)
				return unit(&above, "below")
			},
			Change: (*Place).tagInOrganization},
		{Type: "AWS::Organizations::Policy", Global: true, Paths: []string{"attributes.Content.Statement[a].Action[s3:PutObject]"},
			Make: func(p *Place) string {
				return *ok(p.organizations().CreatePolicy(p.Context(), &organizations.CreatePolicyInput{
					Name: aws.String("read"), Description: aws.String("r"), Type: orgtypes.PolicyTypeServiceControlPolicy, Content: aws.String(document),
				}))(p).Policy.PolicySummary.Id
			},
			Change: func(p *Place, id string) {
				ok(p.organizations().UpdatePolicy(p.Context(), &organizations.UpdatePolicyInput{PolicyId: &id, Content: aws.String(wider)}))(p)
			}},
	}
}

func (p *Place) tagInOrganization(id string) {
	ok(p.organizations().TagResource(p.Context(), &organizations.TagResourceInput{
		ResourceId: &id, Tags: []orgtypes.Tag{{Key: aws.String("team"), Value: aws.String("b")}},
	}))(p)
}

func (p *Place) putChannel(prefix string) string {
	ok(p.config().PutDeliveryChannel(p.Context(), &configservice.PutDeliveryChannelInput{DeliveryChannel: &configtypes.DeliveryChannel{
		Name: aws.String("bucket"), S3BucketName: aws.String(p.Need("AWS::S3::Bucket")), S3KeyPrefix: &prefix,
	}}))(p)
	return "bucket"
}

func (p *Place) putRule(description string) string {
	ok(p.config().PutConfigRule(p.Context(), &configservice.PutConfigRuleInput{ConfigRule: &configtypes.ConfigRule{
		ConfigRuleName: aws.String("encrypted"), Description: &description,
		Source: &configtypes.Source{Owner: configtypes.OwnerAws, SourceIdentifier: aws.String("ENCRYPTED_VOLUMES")},
	}}))(p)
	return "encrypted"
}

func (p *Place) putFilter(pattern string) string {
	group := p.Need("AWS::Logs::LogGroup")
	ok(p.logs().PutMetricFilter(p.Context(), &cloudwatchlogs.PutMetricFilterInput{
		LogGroupName: &group, FilterName: aws.String("errors"), FilterPattern: &pattern,
		MetricTransformations: []logtypes.MetricTransformation{{MetricName: aws.String("errors"), MetricNamespace: aws.String("app"), MetricValue: aws.String("1")}},
	}))(p)
	return group + "/errors"
}
