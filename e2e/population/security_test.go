package population

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

func (p *place) kms() *kms.Client                { return kms.NewFromConfig(p.cfg) }
func (p *place) secrets() *secretsmanager.Client { return secretsmanager.NewFromConfig(p.cfg) }
func (p *place) ssm() *ssm.Client                { return ssm.NewFromConfig(p.cfg) }
func (p *place) waf() *wafv2.Client              { return wafv2.NewFromConfig(p.cfg) }
func (p *place) cognito() *cognito.Client        { return cognito.NewFromConfig(p.cfg) }
func (p *place) identity() *identity.Client      { return identity.NewFromConfig(p.cfg) }
func (p *place) guardduty() *guardduty.Client    { return guardduty.NewFromConfig(p.cfg) }
func visibility() *waftypes.VisibilityConfig {
	return &waftypes.VisibilityConfig{MetricName: aws.String("m")}
}

func securityKinds() []kind {
	return []kind{
		{typ: "AWS::KMS::Key", paths: []string{"attributes.Rotation.KeyRotationEnabled"},
			make: func(p *place) string {
				other := ok(p.kms().CreateKey(p.Context(), &kms.CreateKeyInput{KeySpec: kmstypes.KeySpecRsa2048, KeyUsage: kmstypes.KeyUsageTypeSignVerify}))(p)
				p.also("AWS::KMS::Key", *other.KeyMetadata.KeyId)
				return *ok(p.kms().CreateKey(p.Context(), &kms.CreateKeyInput{
					Description: aws.String("ours"), Tags: []kmstypes.Tag{{TagKey: aws.String("team"), TagValue: aws.String("a")}},
				}))(p).KeyMetadata.KeyId
			},
			change: func(p *place, id string) {
				ok(p.kms().EnableKeyRotation(p.Context(), &kms.EnableKeyRotationInput{KeyId: &id}))(p)
			}},
		{typ: "AWS::KMS::Alias", paths: []string{"attributes.TargetKeyId"},
			make: func(p *place) string {
				ok(p.kms().CreateAlias(p.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/ours"), TargetKeyId: aws.String(p.need("AWS::KMS::Key"))}))(p)
				return "alias/ours"
			},
			change: func(p *place, id string) {
				ok(p.kms().UpdateAlias(p.Context(), &kms.UpdateAliasInput{AliasName: &id, TargetKeyId: aws.String(p.made["AWS::KMS::Key"][1])}))(p)
			}},
		{typ: "AWS::SecretsManager::Secret", paths: []string{"attributes.Description"},
			make: func(p *place) string {
				return *ok(p.secrets().CreateSecret(p.Context(), &secretsmanager.CreateSecretInput{
					Name: aws.String("db/password"), SecretString: aws.String("hunter2"), Tags: []smtypes.Tag{{Key: aws.String("team"), Value: aws.String("a")}},
				}))(p).Name
			},
			change: func(p *place, id string) {
				ok(p.secrets().UpdateSecret(p.Context(), &secretsmanager.UpdateSecretInput{SecretId: &id, Description: aws.String("of the database")}))(p)
			}},
		{typ: "AWS::SSM::Parameter", paths: []string{"attributes.Version"},
			make: func(p *place) string {
				ok(p.ssm().PutParameter(p.Context(), &ssm.PutParameterInput{
					Name: aws.String("/app/url"), Value: aws.String("a"), Type: ssmtypes.ParameterTypeString,
					Tags: []ssmtypes.Tag{{Key: aws.String("team"), Value: aws.String("a")}},
				}))(p)
				return "/app/url"
			},
			change: func(p *place, id string) {
				ok(p.ssm().PutParameter(p.Context(), &ssm.PutParameterInput{Name: &id, Value: aws.String("b"), Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true)}))(p)
			}},
		{typ: "AWS::SSM::Document", paths: []string{"attributes.LatestVersion"},
			make: func(p *place) string {
				return *ok(p.ssm().CreateDocument(p.Context(), &ssm.CreateDocumentInput{
					Name: aws.String("patch"), DocumentType: ssmtypes.DocumentTypeCommand, DocumentFormat: ssmtypes.DocumentFormatJson,
					Content: aws.String(`{"schemaVersion":"2.2","description":"a","mainSteps":[]}`),
				}))(p).DocumentDescription.Name
			},
			change: func(p *place, id string) {
				ok(p.ssm().UpdateDocument(p.Context(), &ssm.UpdateDocumentInput{
					Name: &id, DocumentVersion: aws.String("$LATEST"), DocumentFormat: ssmtypes.DocumentFormatJson,
					Content: aws.String(`{"schemaVersion":"2.2","description":"b","mainSteps":[]}`),
				}))(p)
			}},
		{typ: "AWS::SSM::MaintenanceWindow", paths: []string{"tags.team"},
			make: func(p *place) string {
				return *ok(p.ssm().CreateMaintenanceWindow(p.Context(), &ssm.CreateMaintenanceWindowInput{
					Name: aws.String("nightly"), Schedule: aws.String("rate(1 day)"), Duration: aws.Int32(2), Cutoff: 1, AllowUnassociatedTargets: false,
				}))(p).WindowId
			},
			change: func(p *place, id string) {
				ok(p.ssm().AddTagsToResource(p.Context(), &ssm.AddTagsToResourceInput{
					ResourceType: ssmtypes.ResourceTypeForTaggingMaintenanceWindow, ResourceId: &id,
					Tags: []ssmtypes.Tag{{Key: aws.String("team"), Value: aws.String("b")}},
				}))(p)
			}},
		{typ: "AWS::Cognito::UserPool", paths: []string{"attributes.MfaConfiguration"},
			make: func(p *place) string {
				return *ok(p.cognito().CreateUserPool(p.Context(), &cognito.CreateUserPoolInput{PoolName: aws.String("customers"), UserPoolTags: map[string]string{"team": "a"}}))(p).UserPool.Id
			},
			change: func(p *place, id string) {
				ok(p.cognito().UpdateUserPool(p.Context(), &cognito.UpdateUserPoolInput{UserPoolId: &id, MfaConfiguration: cognitotypes.UserPoolMfaTypeOptional, UserPoolTags: map[string]string{"team": "a"}}))(p)
			}},
		{typ: "AWS::Cognito::IdentityPool", paths: []string{"attributes.AllowUnauthenticatedIdentities"},
			make: func(p *place) string {
				return *ok(p.identity().CreateIdentityPool(p.Context(), &identity.CreateIdentityPoolInput{IdentityPoolName: aws.String("visitors")}))(p).IdentityPoolId
			},
			change: func(p *place, id string) {
				ok(p.identity().UpdateIdentityPool(p.Context(), &identity.UpdateIdentityPoolInput{IdentityPoolId: &id, IdentityPoolName: aws.String("visitors"), AllowUnauthenticatedIdentities: true}))(p)
			}},
		{typ: "AWS::WAFv2::IPSet", paths: []string{"attributes.Addresses[192.0.2.1/32]"}, make: makeIPSets,
			change: func(p *place, id string) {
				in := &wafv2.GetIPSetInput{Id: &id, Name: aws.String("office"), Scope: waftypes.ScopeRegional}
				ok(p.waf().UpdateIPSet(p.Context(), &wafv2.UpdateIPSetInput{
					Id: in.Id, Name: in.Name, Scope: in.Scope, LockToken: ok(p.waf().GetIPSet(p.Context(), in))(p).LockToken, Addresses: []string{"192.0.2.1/32", "10.0.0.0/8"},
				}))(p)
			}},
		{typ: "AWS::WAFv2::RuleGroup", paths: []string{"attributes.VisibilityConfig.CloudWatchMetricsEnabled"},
			make: func(p *place) string {
				return *ok(p.waf().CreateRuleGroup(p.Context(), &wafv2.CreateRuleGroupInput{
					Name: aws.String("limits"), Scope: waftypes.ScopeRegional, Capacity: aws.Int64(10), VisibilityConfig: visibility(),
				}))(p).Summary.Id
			},
			change: func(p *place, id string) {
				in := &wafv2.GetRuleGroupInput{Id: &id, Name: aws.String("limits"), Scope: waftypes.ScopeRegional}
				v := visibility()
				v.CloudWatchMetricsEnabled = true
				ok(p.waf().UpdateRuleGroup(p.Context(), &wafv2.UpdateRuleGroupInput{
					Id: in.Id, Name: in.Name, Scope: in.Scope, LockToken: ok(p.waf().GetRuleGroup(p.Context(), in))(p).LockToken, VisibilityConfig: v,
				}))(p)
			}},
		{typ: "AWS::WAFv2::WebACL", paths: []string{"attributes.VisibilityConfig.CloudWatchMetricsEnabled"},
			make: func(p *place) string {
				return *ok(p.waf().CreateWebACL(p.Context(), &wafv2.CreateWebACLInput{
					Name: aws.String("front"), Scope: waftypes.ScopeRegional, DefaultAction: &waftypes.DefaultAction{Allow: &waftypes.AllowAction{}}, VisibilityConfig: visibility(),
				}))(p).Summary.Id
			},
			change: func(p *place, id string) {
				in := &wafv2.GetWebACLInput{Id: &id, Name: aws.String("front"), Scope: waftypes.ScopeRegional}
				v := visibility()
				v.CloudWatchMetricsEnabled = true
				ok(p.waf().UpdateWebACL(p.Context(), &wafv2.UpdateWebACLInput{
					Id: in.Id, Name: in.Name, Scope: in.Scope, LockToken: ok(p.waf().GetWebACL(p.Context(), in))(p).LockToken,
					DefaultAction: &waftypes.DefaultAction{Allow: &waftypes.AllowAction{}}, VisibilityConfig: v,
				}))(p)
			}},
		{typ: "AWS::GuardDuty::Detector", paths: []string{"attributes.FindingPublishingFrequency"},
			make: func(p *place) string {
				return *ok(p.guardduty().CreateDetector(p.Context(), &guardduty.CreateDetectorInput{Enable: aws.Bool(true), Tags: map[string]string{"team": "a"}}))(p).DetectorId
			},
			change: func(p *place, id string) {
				ok(p.guardduty().UpdateDetector(p.Context(), &guardduty.UpdateDetectorInput{DetectorId: &id, FindingPublishingFrequency: gdtypes.FindingPublishingFrequencyFifteenMinutes}))(p)
			}},
	}
}

// makeIPSets makes a set of the region's own and, where what belongs to CloudFront is
// listed, one of those.
func makeIPSets(p *place) string {
	set := func(scope waftypes.Scope) string {
		return *ok(p.waf().CreateIPSet(p.Context(), &wafv2.CreateIPSetInput{
			Name: aws.String("office"), Scope: scope, IPAddressVersion: waftypes.IPAddressVersionIpv4, Addresses: []string{"10.0.0.0/8"},
		}))(p).Summary.Id
	}
	if p.cfg.Region == "us-east-1" {
		p.also("AWS::WAFv2::IPSet", set(waftypes.ScopeCloudfront))
	}
	return set(waftypes.ScopeRegional)
}
