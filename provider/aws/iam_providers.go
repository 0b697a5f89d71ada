package aws

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/elava-dev/elava/resource"
)

func iamProviderCollectors() []lister {
	return []lister{iamInstanceProfiles(), iamOIDCProviders(), iamSAMLProviders(), iamServerCertificates()}
}

// iamInstanceProfiles takes tags from GetInstanceProfile: the list leaves them out (IAM
// API Reference, ListInstanceProfiles). Of the roles only those members are kept that
// tell which they are: the rest belongs to AWS::IAM::Role.
func iamInstanceProfiles() lister {
	return &collector[types.InstanceProfile]{
		rules: resource.Schema{
			Type: "AWS::IAM::InstanceProfile", Version: 1,
			Omit: []string{
				"Tags",
				"Roles.AssumeRolePolicyDocument", "Roles.CreateDate", "Roles.Description", "Roles.MaxSessionDuration", "Roles.Path",
				"Roles.PermissionsBoundary", "Roles.RoleLastUsed", "Roles.SourceRoleTemplate", "Roles.Tags",
			},
			Sets: map[string]string{"Roles": "{RoleName}"},
		},
		global: true,
		action: "iam:ListInstanceProfiles",
		pages: func(cfg aws.Config) source[types.InstanceProfile] {
			return paged(iam.NewFromConfig(cfg).ListInstanceProfiles,
				func(token *string) *iam.ListInstanceProfilesInput {
					return &iam.ListInstanceProfilesInput{MaxItems: aws.Int32(iamPage), Marker: token}
				},
				func(o *iam.ListInstanceProfilesOutput) ([]types.InstanceProfile, *string) {
					return o.InstanceProfiles, marker(o.IsTruncated, o.Marker)
				})
		},
		details: func(cfg aws.Config) []detail[types.InstanceProfile] {
			return []detail[types.InstanceProfile]{describing("iam:GetInstanceProfile", iam.NewFromConfig(cfg).GetInstanceProfile,
				func(p *types.InstanceProfile) *iam.GetInstanceProfileInput {
					return &iam.GetInstanceProfileInput{InstanceProfileName: p.InstanceProfileName}
				},
				func(p *types.InstanceProfile, o *iam.GetInstanceProfileOutput) bool {
					if o.InstanceProfile == nil || aws.ToString(o.InstanceProfile.InstanceProfileId) != aws.ToString(p.InstanceProfileId) {
						return false
					}
					p.Tags = o.InstanceProfile.Tags
					return true
				}).only(resource.PartTags)}
		},
		vanished: []string{"NoSuchEntity"},
		read: func(p *types.InstanceProfile) facts {
			return facts{
				ID: p.InstanceProfileName, ARN: p.Arn, Name: aws.ToString(p.InstanceProfileName),
				UID: aws.ToString(p.InstanceProfileId), Created: p.CreateDate, Tags: iamTags(p.Tags),
			}
		},
	}
}

type oidcProvider struct {
	Arn *string
	iam.GetOpenIDConnectProviderOutput
}

func iamOIDCProviders() lister {
	return &collector[oidcProvider]{
		rules: resource.Schema{
			Type: "AWS::IAM::OIDCProvider", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{"ClientIDList": "", "ThumbprintList": ""},
		},
		global: true,
		action: "iam:ListOpenIDConnectProviders",
		pages: func(cfg aws.Config) source[oidcProvider] {
			return paged(iam.NewFromConfig(cfg).ListOpenIDConnectProviders,
				func(*string) *iam.ListOpenIDConnectProvidersInput { return &iam.ListOpenIDConnectProvidersInput{} },
				func(o *iam.ListOpenIDConnectProvidersOutput) ([]oidcProvider, *string) {
					return converted(o.OpenIDConnectProviderList, func(e types.OpenIDConnectProviderListEntry) oidcProvider {
						return oidcProvider{Arn: e.Arn}
					}), nil
				})
		},
		details: func(cfg aws.Config) []detail[oidcProvider] {
			return []detail[oidcProvider]{describing("iam:GetOpenIDConnectProvider", iam.NewFromConfig(cfg).GetOpenIDConnectProvider,
				func(p *oidcProvider) *iam.GetOpenIDConnectProviderInput {
					return &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: p.Arn}
				},
				func(p *oidcProvider, o *iam.GetOpenIDConnectProviderOutput) bool {
					p.GetOpenIDConnectProviderOutput = *o
					return o.Url != nil
				})}
		},
		vanished: []string{"NoSuchEntity"},
		read: func(p *oidcProvider) facts {
			// The issuer's URL without its scheme: it may have slashes.
			_, issuer, _ := strings.Cut(aws.ToString(p.Arn), ":oidc-provider/")
			return facts{ID: &issuer, ARN: p.Arn, Name: issuer, Created: p.CreateDate, Tags: iamTags(p.Tags)}
		},
	}
}

type samlProvider struct {
	Arn *string
	iam.GetSAMLProviderOutput
}

func iamSAMLProviders() lister {
	return &collector[samlProvider]{
		rules: resource.Schema{
			Type: "AWS::IAM::SAMLProvider", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{"PrivateKeyList": "{KeyId}"},
		},
		global: true,
		action: "iam:ListSAMLProviders",
		pages: func(cfg aws.Config) source[samlProvider] {
			return paged(iam.NewFromConfig(cfg).ListSAMLProviders,
				func(*string) *iam.ListSAMLProvidersInput { return &iam.ListSAMLProvidersInput{} },
				func(o *iam.ListSAMLProvidersOutput) ([]samlProvider, *string) {
					return converted(o.SAMLProviderList, func(e types.SAMLProviderListEntry) samlProvider { return samlProvider{Arn: e.Arn} }), nil
				})
		},
		details: func(cfg aws.Config) []detail[samlProvider] {
			return []detail[samlProvider]{describing("iam:GetSAMLProvider", iam.NewFromConfig(cfg).GetSAMLProvider,
				func(p *samlProvider) *iam.GetSAMLProviderInput {
					return &iam.GetSAMLProviderInput{SAMLProviderArn: p.Arn}
				},
				func(p *samlProvider, o *iam.GetSAMLProviderOutput) bool {
					p.GetSAMLProviderOutput = *o
					return o.SAMLMetadataDocument != nil
				})}
		},
		vanished: []string{"NoSuchEntity"},
		read: func(p *samlProvider) facts {
			name := after(aws.ToString(p.Arn), "/")
			return facts{
				ID: &name, ARN: p.Arn, Name: name, UID: aws.ToString(p.SAMLProviderUUID), Created: p.CreateDate, Tags: iamTags(p.Tags),
			}
		},
	}
}

type serverCertificate struct {
	types.ServerCertificateMetadata
	Tags []types.Tag
}

func iamServerCertificates() lister {
	return &collector[serverCertificate]{
		rules:  resource.Schema{Type: "AWS::IAM::ServerCertificate", Version: 1, Omit: []string{"Tags"}},
		global: true,
		action: "iam:ListServerCertificates",
		pages: func(cfg aws.Config) source[serverCertificate] {
			return paged(iam.NewFromConfig(cfg).ListServerCertificates,
				func(token *string) *iam.ListServerCertificatesInput {
					return &iam.ListServerCertificatesInput{MaxItems: aws.Int32(iamPage), Marker: token}
				},
				func(o *iam.ListServerCertificatesOutput) ([]serverCertificate, *string) {
					return converted(o.ServerCertificateMetadataList, func(m types.ServerCertificateMetadata) serverCertificate {
						return serverCertificate{ServerCertificateMetadata: m}
					}), marker(o.IsTruncated, o.Marker)
				})
		},
		details: func(cfg aws.Config) []detail[serverCertificate] {
			return []detail[serverCertificate]{describing("iam:GetServerCertificate", iam.NewFromConfig(cfg).GetServerCertificate,
				func(c *serverCertificate) *iam.GetServerCertificateInput {
					return &iam.GetServerCertificateInput{ServerCertificateName: c.ServerCertificateName}
				},
				func(c *serverCertificate, o *iam.GetServerCertificateOutput) bool {
					if o.ServerCertificate == nil {
						return false
					}
					c.Tags = o.ServerCertificate.Tags
					return true
				}).only(resource.PartTags)}
		},
		vanished: []string{"NoSuchEntity"},
		read: func(c *serverCertificate) facts {
			return facts{
				ID: c.ServerCertificateName, ARN: c.Arn, Name: aws.ToString(c.ServerCertificateName),
				UID: aws.ToString(c.ServerCertificateId), Created: c.UploadDate, Tags: iamTags(c.Tags),
			}
		},
	}
}
