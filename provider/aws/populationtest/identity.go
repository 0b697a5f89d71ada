package populationtest

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

func (p *Place) iam() *iam.Client { return iam.NewFromConfig(p.Config) }

func iamTags(value string) []types.Tag { return []types.Tag{{Key: aws.String("team"), Value: &value}} }

// The role's row is with what needs it, before lambda functions.
func identityKinds() []Kind {
	return []Kind{
		{Type: "AWS::IAM::User", Global: true, Paths: []string{"attributes.UserPolicyList[own]"},
			Make: func(p *Place) string {
				return *ok(p.iam().CreateUser(p.Context(), &iam.CreateUserInput{UserName: aws.String("alice"), Tags: iamTags("a")}))(p).User.UserName
			},
			Change: func(p *Place, id string) {
				ok(p.iam().PutUserPolicy(p.Context(), &iam.PutUserPolicyInput{UserName: &id, PolicyName: aws.String("own"), PolicyDocument: aws.String(document)}))(p)
			}},
		{Type: "AWS::IAM::Group", Global: true, Paths: []string{"attributes.GroupPolicyList[own]"},
			Make: func(p *Place) string {
				return *ok(p.iam().CreateGroup(p.Context(), &iam.CreateGroupInput{GroupName: aws.String("admins")}))(p).Group.GroupName
			},
			Change: func(p *Place, id string) {
				ok(p.iam().PutGroupPolicy(p.Context(), &iam.PutGroupPolicyInput{GroupName: &id, PolicyName: aws.String("own"), PolicyDocument: aws.String(document)}))(p)
			}},
		{Type: "AWS::IAM::ManagedPolicy", Global: true,
			Paths: []string{"attributes.DefaultVersionId", "attributes.Document.Statement[a].Action[s3:PutObject]", "attributes.PolicyVersionList[v1].IsDefaultVersion", "attributes.PolicyVersionList[v2]"},
			Make: func(p *Place) string {
				return *ok(p.iam().CreatePolicy(p.Context(), &iam.CreatePolicyInput{
					PolicyName: aws.String("read"), PolicyDocument: aws.String(document), Tags: iamTags("a"),
				}))(p).Policy.PolicyName
			},
			Change: func(p *Place, id string) {
				ok(p.iam().CreatePolicyVersion(p.Context(), &iam.CreatePolicyVersionInput{
					PolicyArn: aws.String("arn:aws:iam::" + p.Account + ":policy/" + id), PolicyDocument: aws.String(wider), SetAsDefault: true,
				}))(p)
			}},
		{Type: "AWS::IAM::AccessKey", Global: true, Paths: []string{"status"},
			Make: func(p *Place) string {
				return *ok(p.iam().CreateAccessKey(p.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("alice")}))(p).AccessKey.AccessKeyId
			},
			Change: func(p *Place, id string) {
				ok(p.iam().UpdateAccessKey(p.Context(), &iam.UpdateAccessKeyInput{UserName: aws.String("alice"), AccessKeyId: &id, Status: types.StatusTypeInactive}))(p)
			}},
		{Type: "AWS::IAM::InstanceProfile", Global: true, Paths: []string{"attributes.Roles[worker]"},
			Make: func(p *Place) string {
				return *ok(p.iam().CreateInstanceProfile(p.Context(), &iam.CreateInstanceProfileInput{
					InstanceProfileName: aws.String("web"), Tags: iamTags("a"),
				}))(p).InstanceProfile.InstanceProfileName
			},
			Change: func(p *Place, id string) {
				ok(p.iam().AddRoleToInstanceProfile(p.Context(), &iam.AddRoleToInstanceProfileInput{InstanceProfileName: &id, RoleName: aws.String("worker")}))(p)
			}},
		{Type: "AWS::IAM::OIDCProvider", Global: true, Paths: []string{"attributes.ThumbprintList[" + thumbprint("a") + "]", "attributes.ThumbprintList[" + thumbprint("b") + "]"},
			Make: func(p *Place) string {
				arn := *ok(p.iam().CreateOpenIDConnectProvider(p.Context(), &iam.CreateOpenIDConnectProviderInput{
					Url: aws.String("https://issuer.example/a/b"), ClientIDList: []string{"sts.amazonaws.com"},
					ThumbprintList: []string{thumbprint("a")}, Tags: iamTags("a"),
				}))(p).OpenIDConnectProviderArn
				_, id, _ := strings.Cut(arn, "oidc-provider/")
				return id
			},
			Change: func(p *Place, id string) {
				ok(p.iam().UpdateOpenIDConnectProviderThumbprint(p.Context(), &iam.UpdateOpenIDConnectProviderThumbprintInput{
					OpenIDConnectProviderArn: aws.String("arn:aws:iam::" + p.Account + ":oidc-provider/" + id), ThumbprintList: []string{thumbprint("b")},
				}))(p)
			}},
		{Type: "AWS::IAM::SAMLProvider", Global: true, Paths: []string{"attributes.SAMLMetadataDocument"},
			Make: func(p *Place) string {
				ok(p.iam().CreateSAMLProvider(p.Context(), &iam.CreateSAMLProviderInput{
					Name: aws.String("idp"), SAMLMetadataDocument: aws.String(metadata + strings.Repeat(" ", 1000)),
				}))(p)
				return "idp"
			},
			Change: func(p *Place, id string) {
				ok(p.iam().UpdateSAMLProvider(p.Context(), &iam.UpdateSAMLProviderInput{
					SAMLProviderArn:      aws.String("arn:aws:iam::" + p.Account + ":saml-provider/" + id),
					SAMLMetadataDocument: aws.String(metadata + strings.Repeat(" ", 1001)),
				}))(p)
			}},
		{Type: "AWS::IAM::ServerCertificate", Global: true, Fixed: "moto changes nothing of a certificate",
			Make: func(p *Place) string {
				ok(p.iam().UploadServerCertificate(p.Context(), &iam.UploadServerCertificateInput{
					ServerCertificateName: aws.String("old"), CertificateBody: aws.String(certificate), PrivateKey: aws.String(certificate), Tags: iamTags("a"),
				}))(p)
				return "old"
			},
			Change: func(p *Place, id string) {
				ok(p.iam().DeleteServerCertificate(p.Context(), &iam.DeleteServerCertificateInput{ServerCertificateName: &id}))(p)
			}},
	}
}
