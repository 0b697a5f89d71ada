package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	identity "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	identitytypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	gdtypes "github.com/aws/aws-sdk-go-v2/service/guardduty/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	kms "github.com/aws/aws-sdk-go-v2/service/kms/types"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	ssm "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	waf "github.com/aws/aws-sdk-go-v2/service/wafv2/types"
)

// attached are managed policies that are attached to an identity.
func attached(names ...string) []iamtypes.AttachedPolicy {
	return converted(names, func(n string) iamtypes.AttachedPolicy {
		return iamtypes.AttachedPolicy{PolicyName: &n, PolicyArn: aws.String("arn:aws:iam::1:policy/" + n)}
	})
}

func policyWith(document string, versions ...string) managedPolicy {
	d := iamtypes.ManagedPolicyDetail{DefaultVersionId: &versions[0]}
	for i, v := range versions {
		d.PolicyVersionList = append(d.PolicyVersionList, iamtypes.PolicyVersion{VersionId: &v, IsDefaultVersion: i == 0, Document: &document})
	}
	return newManagedPolicy(d)
}

func noisesOfIdentities() []observed {
	s := aws.String
	document := func(text string) []iamtypes.PolicyDetail {
		return []iamtypes.PolicyDetail{{PolicyName: s("p"), PolicyDocument: &text}, {PolicyName: s("q"), PolicyDocument: s("{}")}}
	}
	counted := policyWith(bucketPolicySame, "v1")
	counted.AttachmentCount, counted.PermissionsBoundaryUsageCount, counted.UpdateDate = aws.Int32(3), aws.Int32(1), at(9)
	return []observed{
		{name: "the order of a user's policies and groups", typ: "AWS::IAM::User",
			before: iamtypes.UserDetail{GroupList: []string{"a", "b"}, AttachedManagedPolicies: attached("x", "y"), UserPolicyList: document(bucketPolicy)},
			after:  iamtypes.UserDetail{GroupList: []string{"b", "a"}, AttachedManagedPolicies: attached("y", "x"), UserPolicyList: document(bucketPolicySame)}},
		{name: "one more action in a user's own policy", typ: "AWS::IAM::User",
			before: iamtypes.UserDetail{UserPolicyList: document(bucketPolicy)},
			after:  iamtypes.UserDetail{UserPolicyList: document(bucketPolicyWider)},
			paths:  []string{"attributes.UserPolicyList[p].PolicyDocument.Statement[read].Action[s3:PutObject]"}},
		{name: "the order of a group's policies", typ: "AWS::IAM::Group",
			before: iamtypes.GroupDetail{AttachedManagedPolicies: attached("x", "y"), GroupPolicyList: document(bucketPolicy)},
			after:  iamtypes.GroupDetail{AttachedManagedPolicies: attached("y", "x"), GroupPolicyList: document(bucketPolicySame)}},
		{name: "one more policy of a group", typ: "AWS::IAM::Group",
			before: iamtypes.GroupDetail{AttachedManagedPolicies: attached("y")},
			after:  iamtypes.GroupDetail{AttachedManagedPolicies: attached("x", "y")},
			paths:  []string{"attributes.AttachedManagedPolicies[x]"}},
		{name: "how often a policy is attached", typ: "AWS::IAM::ManagedPolicy",
			before: policyWith(bucketPolicy, "v1"), after: counted},
		{name: "a policy with another default version", typ: "AWS::IAM::ManagedPolicy",
			before: policyWith(bucketPolicy, "v1"), after: policyWith(bucketPolicyWider, "v1"),
			paths: []string{"attributes.Document.Statement[read].Action[s3:PutObject]"}},
		{name: "an access key that is seen again", typ: "AWS::IAM::AccessKey",
			before: iamtypes.AccessKeyMetadata{UserName: s("a")}, after: iamtypes.AccessKeyMetadata{UserName: s("a"), Status: "Active"}}, // the status is beside the document
		{name: "an access key of somebody else", typ: "AWS::IAM::AccessKey",
			before: iamtypes.AccessKeyMetadata{UserName: s("a")}, after: iamtypes.AccessKeyMetadata{UserName: s("b")},
			paths: []string{"attributes.UserName"}},
		{name: "what a profile's role is like", typ: "AWS::IAM::InstanceProfile",
			before: iamtypes.InstanceProfile{Roles: []iamtypes.Role{{RoleName: s("r"), Description: s("a")}}},
			after:  iamtypes.InstanceProfile{Roles: []iamtypes.Role{{RoleName: s("r"), Description: s("b"), AssumeRolePolicyDocument: s(roleTrust), MaxSessionDuration: aws.Int32(1)}}}},
		{name: "another role in a profile", typ: "AWS::IAM::InstanceProfile",
			before: iamtypes.InstanceProfile{Roles: []iamtypes.Role{{RoleName: s("r")}}},
			after:  iamtypes.InstanceProfile{Roles: []iamtypes.Role{{RoleName: s("t")}}},
			paths:  []string{"attributes.Roles[r]", "attributes.Roles[t]"}},
		{name: "the order of audiences and thumbprints", typ: "AWS::IAM::OIDCProvider",
			before: oidcProvider{GetOpenIDConnectProviderOutput: iam.GetOpenIDConnectProviderOutput{ClientIDList: []string{"a", "b"}, ThumbprintList: []string{"c", "d"}}},
			after:  oidcProvider{GetOpenIDConnectProviderOutput: iam.GetOpenIDConnectProviderOutput{ClientIDList: []string{"b", "a"}, ThumbprintList: []string{"d", "c"}}}},
		{name: "one more audience", typ: "AWS::IAM::OIDCProvider",
			before: oidcProvider{GetOpenIDConnectProviderOutput: iam.GetOpenIDConnectProviderOutput{ClientIDList: []string{"b"}}},
			after:  oidcProvider{GetOpenIDConnectProviderOutput: iam.GetOpenIDConnectProviderOutput{ClientIDList: []string{"a", "b"}}},
			paths:  []string{"attributes.ClientIDList[a]"}},
		{name: "the order of a SAML provider's keys", typ: "AWS::IAM::SAMLProvider",
			before: samlProvider{GetSAMLProviderOutput: iam.GetSAMLProviderOutput{PrivateKeyList: []iamtypes.SAMLPrivateKey{{KeyId: s("a")}, {KeyId: s("b")}}}},
			after:  samlProvider{GetSAMLProviderOutput: iam.GetSAMLProviderOutput{PrivateKeyList: []iamtypes.SAMLPrivateKey{{KeyId: s("b")}, {KeyId: s("a")}}}}},
		{name: "other metadata of a SAML provider", typ: "AWS::IAM::SAMLProvider",
			before: samlProvider{GetSAMLProviderOutput: iam.GetSAMLProviderOutput{SAMLMetadataDocument: s("<a/>")}},
			after:  samlProvider{GetSAMLProviderOutput: iam.GetSAMLProviderOutput{SAMLMetadataDocument: s("<b/>")}},
			paths:  []string{"attributes.SAMLMetadataDocument"}},
		{name: "the tags of a certificate, which stand beside the document", typ: "AWS::IAM::ServerCertificate",
			before: serverCertificate{}, after: serverCertificate{Tags: []iamtypes.Tag{{Key: s("a"), Value: s("b")}}}},
		{name: "a certificate at another path", typ: "AWS::IAM::ServerCertificate",
			before: serverCertificate{ServerCertificateMetadata: iamtypes.ServerCertificateMetadata{Path: s("/")}},
			after:  serverCertificate{ServerCertificateMetadata: iamtypes.ServerCertificateMetadata{Path: s("/cloudfront/")}},
			paths:  []string{"attributes.Path"}},
	}
}

func noisesOfSecurity() []observed {
	s := aws.String
	replicas := func(regions ...string) *kms.MultiRegionConfiguration {
		return &kms.MultiRegionConfiguration{ReplicaKeys: converted(regions, func(r string) kms.MultiRegionKey { return kms.MultiRegionKey{Region: &r} })}
	}
	rules := func(names ...string) []waf.Rule {
		return converted(names, func(n string) waf.Rule { return waf.Rule{Name: &n, RuleLabels: []waf.Label{{Name: s("l")}}} })
	}
	return []observed{
		{name: "the layout of a key's policy and the order of its replicas", typ: "AWS::KMS::Key",
			before: kmsKey{Policy: s(bucketPolicy), KeyMetadata: kms.KeyMetadata{MultiRegionConfiguration: replicas("a", "b"), KeyState: "Enabled"}},
			after:  kmsKey{Policy: s(bucketPolicySame), KeyMetadata: kms.KeyMetadata{MultiRegionConfiguration: replicas("b", "a"), KeyState: "Disabled"}}},
		{name: "a key that is rotated now", typ: "AWS::KMS::Key",
			before: kmsKey{Rotation: &kmsRotation{}}, after: kmsKey{Rotation: &kmsRotation{KeyRotationEnabled: true}},
			paths: []string{"attributes.Rotation.KeyRotationEnabled"}},
		{name: "the date of an alias", typ: "AWS::KMS::Alias",
			before: kms.AliasListEntry{LastUpdatedDate: at(1)}, after: kms.AliasListEntry{LastUpdatedDate: at(2)}},
		{name: "an alias of another key", typ: "AWS::KMS::Alias",
			before: kms.AliasListEntry{TargetKeyId: s("a"), LastUpdatedDate: at(1)}, after: kms.AliasListEntry{TargetKeyId: s("b"), LastUpdatedDate: at(2)},
			paths: []string{"attributes.TargetKeyId"}},
		{name: "the dates of a secret and the order of its stages", typ: "AWS::SecretsManager::Secret",
			before: secret{SecretListEntry: sm.SecretListEntry{LastAccessedDate: at(1), LastChangedDate: at(1), LastRotatedDate: at(1), NextRotationDate: at(1),
				SecretVersionsToStages: map[string][]string{"v": {"AWSCURRENT", "mine"}}}, ResourcePolicy: s(bucketPolicy)},
			after: secret{SecretListEntry: sm.SecretListEntry{LastAccessedDate: at(2), LastChangedDate: at(2), LastRotatedDate: at(2), NextRotationDate: at(2),
				SecretVersionsToStages: map[string][]string{"v": {"mine", "AWSCURRENT"}}}, ResourcePolicy: s(bucketPolicySame)}},
		{name: "another value of a secret", typ: "AWS::SecretsManager::Secret",
			before: secret{SecretListEntry: sm.SecretListEntry{SecretVersionsToStages: map[string][]string{"v1": {"AWSCURRENT"}}}},
			after:  secret{SecretListEntry: sm.SecretListEntry{SecretVersionsToStages: map[string][]string{"v1": {"AWSCURRENT"}, "v2": {"AWSPENDING"}}}},
			paths:  []string{"attributes.SecretVersionsToStages.v2[0]"}},
		{name: "what became of a parameter's policies", typ: "AWS::SSM::Parameter",
			before: ssmParameter{ParameterMetadata: ssm.ParameterMetadata{LastModifiedDate: at(1), Policies: []ssm.ParameterInlinePolicy{{PolicyType: s("a"), PolicyStatus: s("Pending")}, {PolicyType: s("b")}}}},
			after:  ssmParameter{ParameterMetadata: ssm.ParameterMetadata{LastModifiedDate: at(2), Policies: []ssm.ParameterInlinePolicy{{PolicyType: s("b")}, {PolicyType: s("a"), PolicyStatus: s("Finished")}}}}},
		{name: "another value of a parameter", typ: "AWS::SSM::Parameter",
			before: ssmParameter{ParameterMetadata: ssm.ParameterMetadata{Version: 1, LastModifiedDate: at(1)}},
			after:  ssmParameter{ParameterMetadata: ssm.ParameterMetadata{Version: 2, LastModifiedDate: at(2)}},
			paths:  []string{"attributes.Version"}},
		{name: "the order of a document's platforms, and its status", typ: "AWS::SSM::Document",
			before: ssm.DocumentDescription{PlatformTypes: []ssm.PlatformType{"Linux", "Windows"}, Status: "Creating", StatusInformation: s("x")},
			after:  ssm.DocumentDescription{PlatformTypes: []ssm.PlatformType{"Windows", "Linux"}, Status: "Active"}},
		{name: "another content of a document", typ: "AWS::SSM::Document",
			before: ssm.DocumentDescription{Hash: s("1")}, after: ssm.DocumentDescription{Hash: s("2")},
			paths: []string{"attributes.Hash"}},
		{name: "when a window opens next", typ: "AWS::SSM::MaintenanceWindow",
			before: ssmMaintenanceWindow{MaintenanceWindowIdentity: ssm.MaintenanceWindowIdentity{NextExecutionTime: s("1")}},
			after:  ssmMaintenanceWindow{MaintenanceWindowIdentity: ssm.MaintenanceWindowIdentity{NextExecutionTime: s("2")}}},
		{name: "another schedule of a window", typ: "AWS::SSM::MaintenanceWindow",
			before: ssmMaintenanceWindow{MaintenanceWindowIdentity: ssm.MaintenanceWindowIdentity{Schedule: s("1")}},
			after:  ssmMaintenanceWindow{MaintenanceWindowIdentity: ssm.MaintenanceWindowIdentity{Schedule: s("2")}},
			paths:  []string{"attributes.Schedule"}},
		{name: "how many users a pool has", typ: "AWS::Cognito::UserPool",
			before: cognito.UserPoolType{EstimatedNumberOfUsers: 1, LastModifiedDate: at(1), SchemaAttributes: []cognito.SchemaAttributeType{{Name: s("a")}, {Name: s("b")}}},
			after:  cognito.UserPoolType{EstimatedNumberOfUsers: 2, LastModifiedDate: at(2), SchemaAttributes: []cognito.SchemaAttributeType{{Name: s("b")}, {Name: s("a")}}}},
		{name: "a pool without a second factor", typ: "AWS::Cognito::UserPool",
			before: cognito.UserPoolType{MfaConfiguration: "ON"}, after: cognito.UserPoolType{MfaConfiguration: "OFF"},
			paths: []string{"attributes.MfaConfiguration"}},
		{name: "the order of an identity pool's providers", typ: "AWS::Cognito::IdentityPool",
			before: identity.DescribeIdentityPoolOutput{SamlProviderARNs: []string{"a", "b"}, CognitoIdentityProviders: []identitytypes.CognitoIdentityProvider{{ProviderName: s("a")}, {ProviderName: s("b")}}},
			after:  identity.DescribeIdentityPoolOutput{SamlProviderARNs: []string{"b", "a"}, CognitoIdentityProviders: []identitytypes.CognitoIdentityProvider{{ProviderName: s("b")}, {ProviderName: s("a")}}}},
		{name: "an identity pool for anybody", typ: "AWS::Cognito::IdentityPool",
			before: identity.DescribeIdentityPoolOutput{}, after: identity.DescribeIdentityPoolOutput{AllowUnauthenticatedIdentities: true},
			paths: []string{"attributes.AllowUnauthenticatedIdentities"}},
		{name: "the order in which rules are told", typ: "AWS::WAFv2::WebACL",
			before: webACL{WebACL: waf.WebACL{Rules: rules("a", "b"), TokenDomains: []string{"c", "d"}}},
			after:  webACL{WebACL: waf.WebACL{Rules: rules("b", "a"), TokenDomains: []string{"d", "c"}}}},
		{name: "one more rule", typ: "AWS::WAFv2::WebACL",
			before: webACL{WebACL: waf.WebACL{Rules: rules("b")}}, after: webACL{WebACL: waf.WebACL{Rules: rules("a", "b")}},
			paths: []string{"attributes.Rules[a]"}},
		{name: "another header that a rule looks for", typ: "AWS::WAFv2::WebACL",
			before: webACL{SecretSearchStrings: wafHeaders{"a/SearchString": "1"}}, after: webACL{SecretSearchStrings: wafHeaders{"a/SearchString": "22"}},
			paths: []string{"attributes.SecretSearchStrings.a/SearchString"}},
		{name: "the order of a rule group's rules", typ: "AWS::WAFv2::RuleGroup",
			before: wafRuleGroup{RuleGroup: waf.RuleGroup{Rules: rules("a", "b")}}, after: wafRuleGroup{RuleGroup: waf.RuleGroup{Rules: rules("b", "a")}}},
		{name: "another priority of a rule", typ: "AWS::WAFv2::RuleGroup",
			before: wafRuleGroup{RuleGroup: waf.RuleGroup{Rules: []waf.Rule{{Name: s("a"), Priority: 1}}}},
			after:  wafRuleGroup{RuleGroup: waf.RuleGroup{Rules: []waf.Rule{{Name: s("a"), Priority: 2}}}},
			paths:  []string{"attributes.Rules[a].Priority"}},
		{name: "the order of addresses", typ: "AWS::WAFv2::IPSet",
			before: wafIPSet{IPSet: waf.IPSet{Addresses: []string{"10.0.0.0/8", "192.0.2.1/32"}}},
			after:  wafIPSet{IPSet: waf.IPSet{Addresses: []string{"192.0.2.1/32", "10.0.0.0/8"}}}},
		{name: "one address less", typ: "AWS::WAFv2::IPSet",
			before: wafIPSet{IPSet: waf.IPSet{Addresses: []string{"10.0.0.0/8", "192.0.2.1/32"}}},
			after:  wafIPSet{IPSet: waf.IPSet{Addresses: []string{"10.0.0.0/8"}}},
			paths:  []string{"attributes.Addresses[192.0.2.1/32]"}},
		{name: "the order and dates of a detector's features", typ: "AWS::GuardDuty::Detector",
			before: detector{GetDetectorOutput: guardduty.GetDetectorOutput{UpdatedAt: s("1"), Features: []gdtypes.DetectorFeatureConfigurationResult{{Name: "A", UpdatedAt: at(1)}, {Name: "B"}}}},
			after:  detector{GetDetectorOutput: guardduty.GetDetectorOutput{UpdatedAt: s("2"), Features: []gdtypes.DetectorFeatureConfigurationResult{{Name: "B"}, {Name: "A", UpdatedAt: at(2)}}}}},
		{name: "a feature that is off now", typ: "AWS::GuardDuty::Detector",
			before: detector{GetDetectorOutput: guardduty.GetDetectorOutput{Features: []gdtypes.DetectorFeatureConfigurationResult{{Name: "A", Status: "ENABLED"}}}},
			after:  detector{GetDetectorOutput: guardduty.GetDetectorOutput{Features: []gdtypes.DetectorFeatureConfigurationResult{{Name: "A", Status: "DISABLED"}}}},
			paths:  []string{"attributes.Features[A].Status"}},
	}
}
