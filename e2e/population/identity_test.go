package population

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

const (
	document = `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":["s3:GetObject"],"Resource":["*"]}]}`
	wider    = `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["*"]}]}`
	trust    = `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"Service":"codepipeline.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	metadata = `<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp"/>`
)

// certificate is no real one: moto does not read it.
const certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"

func thumbprint(digit string) string { return strings.Repeat(digit, 40) }

func (p *place) iam() *iam.Client { return iam.NewFromConfig(p.cfg) }

func iamTags(value string) []types.Tag { return []types.Tag{{Key: aws.String("team"), Value: &value}} }

// The role's row is with what needs it, before lambda functions.
func identityKinds() []kind {
	return []kind{
		{typ: "AWS::IAM::User", global: true, paths: []string{"attributes.UserPolicyList[own]"},
			make: func(p *place) string {
				return *ok(p.iam().CreateUser(p.Context(), &iam.CreateUserInput{UserName: aws.String("alice"), Tags: iamTags("a")}))(p).User.UserName
			},
			change: func(p *place, id string) {
				ok(p.iam().PutUserPolicy(p.Context(), &iam.PutUserPolicyInput{UserName: &id, PolicyName: aws.String("own"), PolicyDocument: aws.String(document)}))(p)
			}},
		{typ: "AWS::IAM::Group", global: true, paths: []string{"attributes.GroupPolicyList[own]"},
			make: func(p *place) string {
				return *ok(p.iam().CreateGroup(p.Context(), &iam.CreateGroupInput{GroupName: aws.String("admins")}))(p).Group.GroupName
			},
			change: func(p *place, id string) {
				ok(p.iam().PutGroupPolicy(p.Context(), &iam.PutGroupPolicyInput{GroupName: &id, PolicyName: aws.String("own"), PolicyDocument: aws.String(document)}))(p)
			}},
		{typ: "AWS::IAM::ManagedPolicy", global: true,
			paths: []string{"attributes.DefaultVersionId", "attributes.Document.Statement[a].Action[s3:PutObject]", "attributes.PolicyVersionList[v1].IsDefaultVersion", "attributes.PolicyVersionList[v2]"},
			make: func(p *place) string {
				return *ok(p.iam().CreatePolicy(p.Context(), &iam.CreatePolicyInput{
					PolicyName: aws.String("read"), PolicyDocument: aws.String(document), Tags: iamTags("a"),
				}))(p).Policy.PolicyName
			},
			change: func(p *place, id string) {
				ok(p.iam().CreatePolicyVersion(p.Context(), &iam.CreatePolicyVersionInput{
					PolicyArn: aws.String("arn:aws:iam::" + p.account + ":policy/" + id), PolicyDocument: aws.String(wider), SetAsDefault: true,
				}))(p)
			}},
		{typ: "AWS::IAM::AccessKey", global: true, paths: []string{"status"},
			make: func(p *place) string {
				return *ok(p.iam().CreateAccessKey(p.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("alice")}))(p).AccessKey.AccessKeyId
			},
			change: func(p *place, id string) {
				ok(p.iam().UpdateAccessKey(p.Context(), &iam.UpdateAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: &id, Status: types.StatusTypeInactive}))(p)
			}},
		{typ: "AWS::IAM::InstanceProfile", global: true, paths: []string{"attributes.Roles[worker]"},
			make: func(p *place) string {
				return *ok(p.iam().CreateInstanceProfile(p.Context(), &iam.CreateInstanceProfileInput{
					InstanceProfileName: aws.String("web"), Tags: iamTags("a"),
				}))(p).InstanceProfile.InstanceProfileName
			},
			change: func(p *place, id string) {
				ok(p.iam().AddRoleToInstanceProfile(p.Context(), &iam.AddRoleToInstanceProfileInput{InstanceProfileName: &id, RoleName: aws.String("worker")}))(p)
			}},
		{typ: "AWS::IAM::OIDCProvider", global: true, paths: []string{"attributes.ThumbprintList[" + thumbprint("a") + "]", "attributes.ThumbprintList[" + thumbprint("b") + "]"},
			make: func(p *place) string {
				arn := *ok(p.iam().CreateOpenIDConnectProvider(p.Context(), &iam.CreateOpenIDConnectProviderInput{
					Url: aws.String("https://issuer.example/a/b"), ClientIDList: []string{"sts.amazonaws.com"},
					ThumbprintList: []string{thumbprint("a")}, Tags: iamTags("a"),
				}))(p).OpenIDConnectProviderArn
				_, id, _ := strings.Cut(arn, "oidc-provider/")
				return id
			},
			change: func(p *place, id string) {
				ok(p.iam().UpdateOpenIDConnectProviderThumbprint(p.Context(), &iam.UpdateOpenIDConnectProviderThumbprintInput{
					OpenIDConnectProviderArn: aws.String("arn:aws:iam::" + p.account + ":oidc-provider/" + id), ThumbprintList: []string{thumbprint("b")},
				}))(p)
			}},
		{typ: "AWS::IAM::SAMLProvider", global: true, paths: []string{"attributes.SAMLMetadataDocument"},
			make: func(p *place) string {
				ok(p.iam().CreateSAMLProvider(p.Context(), &iam.CreateSAMLProviderInput{
					Name: aws.String("idp"), SAMLMetadataDocument: aws.String(metadata + strings.Repeat(" ", 1000)),
				}))(p)
				return "idp"
			},
			change: func(p *place, id string) {
				ok(p.iam().UpdateSAMLProvider(p.Context(), &iam.UpdateSAMLProviderInput{
					SAMLProviderArn:      aws.String("arn:aws:iam::" + p.account + ":saml-provider/" + id),
					SAMLMetadataDocument: aws.String(metadata + strings.Repeat(" ", 1001)),
				}))(p)
			}},
		{typ: "AWS::IAM::ServerCertificate", global: true, // moto changes nothing of a certificate
			make: func(p *place) string {
				ok(p.iam().UploadServerCertificate(p.Context(), &iam.UploadServerCertificateInput{
					ServerCertificateName: aws.String("old"), CertificateBody: aws.String(certificate), PrivateKey: aws.String(certificate), Tags: iamTags("a"),
				}))(p)
				return "old"
			}},
	}
}
