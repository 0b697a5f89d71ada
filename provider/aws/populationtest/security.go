package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	identity "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	cognitotypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	gdtypes "github.com/aws/aws-sdk-go-v2/service/guardduty/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	smtypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
	waftypes "github.com/aws/aws-sdk-go-v2/service/wafv2/types"
)

func (p *Place) kms() *kms.Client                { return kms.NewFromConfig(p.Config) }
func (p *Place) secrets() *secretsmanager.Client { return secretsmanager.NewFromConfig(p.Config) }
func (p *Place) ssm() *ssm.Client                { return ssm.NewFromConfig(p.Config) }
func (p *Place) waf() *wafv2.Client              { return wafv2.NewFromConfig(p.Config) }
func (p *Place) cognito() *cognito.Client        { return cognito.NewFromConfig(p.Config) }
func (p *Place) identity() *identity.Client      { return identity.NewFromConfig(p.Config) }
func (p *Place) guardduty() *guardduty.Client    { return guardduty.NewFromConfig(p.Config) }
func visibility() *waftypes.VisibilityConfig {
	return &waftypes.VisibilityConfig{MetricName: aws.String("m")}
}

func securityKinds() []Kind {
	return []Kind{
		{Type: "AWS::KMS::Key", Paths: []string{"attributes.Rotation.KeyRotationEnabled"},
			Make: func(p *Place) string {
				other := ok(p.kms().CreateKey(p.Context(), &kms.CreateKeyInput{KeySpec: kmstypes.KeySpecRsa2048, KeyUsage: kmstypes.KeyUsageTypeSignVerify}))(p)
				p.also("AWS::KMS::Key", *other.KeyMetadata.KeyId)
				return *ok(p.kms().CreateKey(p.Context(), &kms.CreateKeyInput{
					Description: aws.String("ours"), Tags: []kmstypes.Tag{{TagKey: aws.String("team"), TagValue: aws.String("a")}},
				}))(p).KeyMetadata.KeyId
			},
			Change: func(p *Place, id string) {
				ok(p.kms().EnableKeyRotation(p.Context(), &kms.EnableKeyRotationInput{KeyId: &id}))(p)
			}},
		{Type: "AWS::KMS::Alias", Paths: []string{"attributes.TargetKeyId"},
			Make: func(p *Place) string {
				ok(p.kms().CreateAlias(p.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/ours"), TargetKeyId: aws.String(p.Need("AWS::KMS::Key"))}))(p)
				return "alias/ours"
			},
			Change: func(p *Place, id string) {
				ok(p.kms().UpdateAlias(p.Context(), &kms.UpdateAliasInput{AliasName: &id, TargetKeyId: aws.String(p.Made["AWS::KMS::Key"][1])}))(p)
			}},
		{Type: "AWS::SecretsManager::Secret", Paths: []string{"attributes.Description"},
			Make: func(p *Place) string {
				return *ok(p.secrets().CreateSecret(p.Context(), &secretsmanager.CreateSecretInput{
					Name: aws.String("db/password"), SecretString: aws.String("hunter2"), Tags: []smtypes.Tag{{Key: aws.String("team"), Value: aws.String("a")}},
				}))(p).Name
			},
			Change: func(p *Place, id string) {
				ok(p.secrets().UpdateSecret(p.Context(), &secretsmanager.UpdateSecretInput{SecretId: &id, Description: aws.String("of the database")}))(p)
			}},
		{Type: "AWS::SSM::Parameter", Paths: []string{"attributes.Version"},
			Make: func(p *Place) string {
				ok(p.ssm().PutParameter(p.Context(), &ssm.PutParameterInput{
					Name: aws.String("/app/url"), Value: aws.String("a"), Type: ssmtypes.ParameterTypeString,
					Tags: []ssmtypes.Tag{{Key: aws.String("team"), Value: aws.String("a")}},
				}))(p)
				return "/app/url"
			},
			Change: func(p *Place, id string) {
				ok(p.ssm().PutParameter(p.Context(), &ssm.PutParameterInput{Name: &id, Value: aws.String("b"), Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true)}))(p)
			}},
		{Type: "AWS::SSM::Document", Paths: []string{"attributes.LatestVersion"},
			Make: func(p *Place) string {
				return *ok(p.ssm().CreateDocument(p.Context(), &ssm.CreateDocumentInput{
					Name: aws.String("patch"), DocumentType: ssmtypes.DocumentTypeCommand, DocumentFormat: ssmtypes.DocumentFormatJson,
					Content: aws.String(`{"schemaVersion":"2.2","description":"a","mainSteps":[]}`),
				}))(p).DocumentDescription.Name
			},
			Change: func(p *Place, id string) {
				ok(p.ssm().UpdateDocument(p.Context(), &ssm.UpdateDocumentInput{
					Name: &id, DocumentVersion: aws.String("$LATEST"), DocumentFormat: ssmtypes.DocumentFormatJson,
					Content: aws.String(`{"schemaVersion":"2.2","description":"b","mainSteps":[]}`),
				}))(p)
			}},
		{Type: "AWS::SSM::MaintenanceWindow", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				return *ok(p.ssm().CreateMaintenanceWindow(p.Context(), &ssm.CreateMaintenanceWindowInput{
					Name: aws.String("nightly"), Schedule: aws.String("rate(1 day)"), Duration: aws.Int32(2), Cutoff: 1, AllowUnassociatedTargets: false,
				}))(p).WindowId
			},
			Change: func(p *Place, id string) {
				ok(p.ssm().AddTagsToResource(p.Context(), &ssm.AddTagsToResourceInput{
					ResourceType: ssmtypes.ResourceTypeForTaggingMaintenanceWindow, ResourceId: &id,
					Tags: []ssmtypes.Tag{{Key: aws.String("team"), Value: aws.String("b")}},
				}))(p)
			}},
		{Type: "AWS::Cognito::UserPool", Paths: []string{"attributes.MfaConfiguration"},
			Make: func(p *Place) string {
				return *ok(p.cognito().CreateUserPool(p.Context(), &cognito.CreateUserPoolInput{PoolName: aws.String("customers"), UserPoolTags: map[string]string{"team": "a"}}))(p).UserPool.Id
			},
			Change: func(p *Place, id string) {
				ok(p.cognito().UpdateUserPool(p.Context(), &cognito.UpdateUserPoolInput{UserPoolId: &id, MfaConfiguration: cognitotypes.UserPoolMfaTypeOptional, UserPoolTags: map[string]string{"team": "a"}}))(p)
			}},
		{Type: "AWS::Cognito::IdentityPool", Paths: []string{"attributes.AllowUnauthenticatedIdentities"},
			Make: func(p *Place) string {
				return *ok(p.identity().CreateIdentityPool(p.Context(), &identity.CreateIdentityPoolInput{IdentityPoolName: aws.String("visitors")}))(p).IdentityPoolId
			},
			Change: func(p *Place, id string) {
				ok(p.identity().UpdateIdentityPool(p.Context(), &identity.UpdateIdentityPoolInput{IdentityPoolId: &id, IdentityPoolName: aws.String("visitors"), AllowUnauthenticatedIdentities: true}))(p)
			}},
		{Type: "AWS::WAFv2::IPSet", Paths: []string{"attributes.Addresses[192.0.2.1/32]"}, Make: makeIPSets,
			Change: func(p *Place, id string) {
				in := &wafv2.GetIPSetInput{Id: &id, Name: aws.String("office"), Scope: waftypes.ScopeRegional}
				ok(p.waf().UpdateIPSet(p.Context(), &wafv2.UpdateIPSetInput{
					Id: in.Id, Name: in.Name, Scope: in.Scope, LockToken: ok(p.waf().GetIPSet(p.Context(), in))(p).LockToken, Addresses: []string{"192.0.2.1/32", "10.0.0.0/8"},
				}))(p)
			}},
		{Type: "AWS::WAFv2::RuleGroup", Paths: []string{"attributes.VisibilityConfig.CloudWatchMetricsEnabled"},
			Make: func(p *Place) string {
				return *ok(p.waf().CreateRuleGroup(p.Context(), &wafv2.CreateRuleGroupInput{
					Name: aws.String("limits"), Scope: waftypes.ScopeRegional, Capacity: aws.Int64(10), VisibilityConfig: visibility(),
				}))(p).Summary.Id
			},
			Change: func(p *Place, id string) {
				in := &wafv2.GetRuleGroupInput{Id: &id, Name: aws.String("limits"), Scope: waftypes.ScopeRegional}
				v := visibility()
				v.CloudWatchMetricsEnabled = true
				ok(p.waf().UpdateRuleGroup(p.Context(), &wafv2.UpdateRuleGroupInput{
					Id: in.Id, Name: in.Name, Scope: in.Scope, LockToken: ok(p.waf().GetRuleGroup(p.Context(), in))(p).LockToken, VisibilityConfig: v,
				}))(p)
			}},
		{Type: "AWS::WAFv2::WebACL", Paths: []string{"attributes.VisibilityConfig.CloudWatchMetricsEnabled"},
			Make: func(p *Place) string {
				return *ok(p.waf().CreateWebACL(p.Context(), &wafv2.CreateWebACLInput{
					Name: aws.String("front"), Scope: waftypes.ScopeRegional, DefaultAction: &waftypes.DefaultAction{Allow: &waftypes.AllowAction{}}, VisibilityConfig: visibility(),
				}))(p).Summary.Id
			},
			Change: func(p *Place, id string) {
				in := &wafv2.GetWebACLInput{Id: &id, Name: aws.String("front"), Scope: waftypes.ScopeRegional}
				v := visibility()
				v.CloudWatchMetricsEnabled = true
				ok(p.waf().UpdateWebACL(p.Context(), &wafv2.UpdateWebACLInput{
					Id: in.Id, Name: in.Name, Scope: in.Scope, LockToken: ok(p.waf().GetWebACL(p.Context(), in))(p).LockToken,
					DefaultAction: &waftypes.DefaultAction{Allow: &waftypes.AllowAction{}}, VisibilityConfig: v,
				}))(p)
			}},
		{Type: "AWS::GuardDuty::Detector", Paths: []string{"attributes.FindingPublishingFrequency"},
			Make: func(p *Place) string {
				return *ok(p.guardduty().CreateDetector(p.Context(), &guardduty.CreateDetectorInput{Enable: aws.Bool(true), Tags: map[string]string{"team": "a"}}))(p).DetectorId
			},
			Change: func(p *Place, id string) {
				ok(p.guardduty().UpdateDetector(p.Context(), &guardduty.UpdateDetectorInput{DetectorId: &id, FindingPublishingFrequency: gdtypes.FindingPublishingFrequencyFifteenMinutes}))(p)
			}},
	}
}

// makeIPSets makes a set of the region's own and, where what belongs to CloudFront is
// listed, one of those.
func makeIPSets(p *Place) string {
	set := func(scope waftypes.Scope) string {
		return *ok(p.waf().CreateIPSet(p.Context(), &wafv2.CreateIPSetInput{
			Name: aws.String("office"), Scope: scope, IPAddressVersion: waftypes.IPAddressVersionIpv4, Addresses: []string{"10.0.0.0/8"},
		}))(p).Summary.Id
	}
	if p.Config.Region == "us-east-1" {
		p.also("AWS::WAFv2::IPSet", set(waftypes.ScopeCloudfront))
	}
	return set(waftypes.ScopeRegional)
}
