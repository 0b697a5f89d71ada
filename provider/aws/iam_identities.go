package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/elava-dev/elava/resource"
)

const actionAuthorizationDetails = "iam:GetAccountAuthorizationDetails"

func iamIdentityCollectors() []lister {
	return []lister{iamUsers(), iamGroups(), iamManagedPolicies(), iamAccessKeys()}
}

func iamTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

// iamDetails lists what GetAccountAuthorizationDetails tells of one kind of entity: with
// policies and tags, which the lists of users and groups leave out.
func iamDetails[T any](kind types.EntityType, out func(*iam.GetAccountAuthorizationDetailsOutput) []T) func(aws.Config) source[T] {
	return func(cfg aws.Config) source[T] {
		return paged(iam.NewFromConfig(cfg).GetAccountAuthorizationDetails,
			func(token *string) *iam.GetAccountAuthorizationDetailsInput {
				return &iam.GetAccountAuthorizationDetailsInput{Filter: []types.EntityType{kind}, MaxItems: aws.Int32(iamPage), Marker: token}
			},
			func(o *iam.GetAccountAuthorizationDetailsOutput) ([]T, *string) {
				return out(o), marker(o.IsTruncated, o.Marker)
			})
	}
}

// iamUsers has a user's policies in it, inline ones with their documents. Passwords,
// MFA devices and the last use of either are not in the listing.
func iamUsers() lister {
	return &collector[types.UserDetail]{
		rules: resource.Schema{
			Type: "AWS::IAM::User", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{
				"AttachedManagedPolicies": "{PolicyName}",
				"GroupList":               "",
				"UserPolicyList":          "{PolicyName}",
			},
			Policies: []string{"UserPolicyList.PolicyDocument"},
		},
		global: true,
		action: actionAuthorizationDetails,
		pages: iamDetails(types.EntityTypeUser,
			func(o *iam.GetAccountAuthorizationDetailsOutput) []types.UserDetail { return o.UserDetailList }),
		read: func(u *types.UserDetail) facts {
			return facts{
				ID: u.UserName, ARN: u.Arn, Name: aws.ToString(u.UserName), UID: aws.ToString(u.UserId),
				Created: u.CreateDate, Tags: iamTags(u.Tags),
			}
		},
	}
}

// iamGroups has no members: a user tells its groups.
func iamGroups() lister {
	return &collector[types.GroupDetail]{
		rules: resource.Schema{
			Type: "AWS::IAM::Group", Version: 1,
			Sets: map[string]string{
				"AttachedManagedPolicies": "{PolicyName}",
				"GroupPolicyList":         "{PolicyName}",
			},
			Policies: []string{"GroupPolicyList.PolicyDocument"},
		},
		global: true,
		action: actionAuthorizationDetails,
		pages: iamDetails(types.EntityTypeGroup,
			func(o *iam.GetAccountAuthorizationDetailsOutput) []types.GroupDetail { return o.GroupDetailList }),
		read: func(g *types.GroupDetail) facts {
			return facts{
				ID: g.GroupName, ARN: g.Arn, Name: aws.ToString(g.GroupName), UID: aws.ToString(g.GroupId), Created: g.CreateDate,
			}
		},
	}
}

// managedPolicy has the document of its default version. Of the others their ids and
// dates are kept.
type managedPolicy struct {
	types.ManagedPolicyDetail
	Document *string
	Tags     []types.Tag
}

func newManagedPolicy(d types.ManagedPolicyDetail) managedPolicy {
	p := managedPolicy{ManagedPolicyDetail: d}
	for _, v := range d.PolicyVersionList {
		if v.IsDefaultVersion {
			p.Document = v.Document
		}
	}
	return p
}

// iamManagedPolicies lists the customer's own, attached or not.
func iamManagedPolicies() lister {
	return &collector[managedPolicy]{
		rules: resource.Schema{
			Type: "AWS::IAM::ManagedPolicy", Version: 1,
			Omit: []string{
				"Tags",
				"AttachmentCount", "PermissionsBoundaryUsageCount", // counters
				"UpdateDate",                 // follows the newest version
				"PolicyVersionList.Document", // Document is the one in force
			},
			Sets:     map[string]string{"PolicyVersionList": "{VersionId}"},
			Policies: []string{"Document"},
		},
		global: true,
		action: actionAuthorizationDetails,
		pages: iamDetails(types.EntityTypeLocalManagedPolicy, func(o *iam.GetAccountAuthorizationDetailsOutput) []managedPolicy {
			return converted(o.Policies, newManagedPolicy)
		}),
		details: func(cfg aws.Config) []detail[managedPolicy] {
			return []detail[managedPolicy]{pagedTagging("iam:ListPolicyTags", iam.NewFromConfig(cfg).ListPolicyTags,
				func(p *managedPolicy, token *string) *iam.ListPolicyTagsInput {
					return &iam.ListPolicyTagsInput{PolicyArn: p.Arn, Marker: token}
				},
				func(o *iam.ListPolicyTagsOutput) ([]types.Tag, *string) {
					return o.Tags, marker(o.IsTruncated, o.Marker)
				},
				func(p *managedPolicy, tags []types.Tag) { p.Tags = tags })}
		},
		vanished: []string{"NoSuchEntity"},
		read: func(p *managedPolicy) facts {
			name := after(aws.ToString(p.Arn), "/") // PolicyName, which not every server of this API tells
			return facts{
				ID: &name, ARN: p.Arn, Name: name, UID: aws.ToString(p.PolicyId),
				Created: p.CreateDate, Tags: iamTags(p.Tags),
			}
		},
	}
}

// iamAccessKeys tells of keys who has them and whether they are active. When they were
// last used moves with every use and is not asked for.
func iamAccessKeys() lister {
	return &collector[types.AccessKeyMetadata]{
		rules:        resource.Schema{Type: "AWS::IAM::AccessKey", Version: 1, Omit: []string{"Status"}},
		global:       true,
		action:       "iam:ListAccessKeys",
		parentAction: "iam:ListUsers",
		pages: func(cfg aws.Config) source[types.AccessKeyMetadata] {
			client := iam.NewFromConfig(cfg)
			listUsers, listKeys := client.ListUsers, client.ListAccessKeys
			users := paged(listUsers,
				func(token *string) *iam.ListUsersInput {
					return &iam.ListUsersInput{MaxItems: aws.Int32(iamPage), Marker: token}
				},
				func(o *iam.ListUsersOutput) ([]types.User, *string) { return o.Users, marker(o.IsTruncated, o.Marker) })
			return under(users, "iam:ListUsers", []string{"NoSuchEntity"}, func(u *types.User) source[types.AccessKeyMetadata] {
				return paged(listKeys,
					func(token *string) *iam.ListAccessKeysInput {
						return &iam.ListAccessKeysInput{UserName: u.UserName, MaxItems: aws.Int32(iamPage), Marker: token}
					},
					func(o *iam.ListAccessKeysOutput) ([]types.AccessKeyMetadata, *string) {
						return o.AccessKeyMetadata, marker(o.IsTruncated, o.Marker)
					})
			})
		},
		read: func(k *types.AccessKeyMetadata) facts {
			return facts{ID: k.AccessKeyId, Status: string(k.Status), Created: k.CreateDate}
		},
	}
}
