package aws

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/elava-dev/elava/resource"
)

// iamPage is the most that IAM's lists give (IAM API Reference).
const iamPage = 1000

func iamCollectors() []lister { return []lister{iamRoles()} }

// role is a role as GetAccountAuthorizationDetails tells it, and what only ListRoles and
// GetRole tell.
type role struct {
	types.RoleDetail
	Description        *string
	MaxSessionDuration *int32

	listed bool // ListRoles knows it
}

// iamRoles reads the roles with all their policies from GetAccountAuthorizationDetails,
// and from ListRoles, read once beside it, the two members that it leaves out. That is
// two calls for 1,000 roles. ListRoles has neither tags, policies nor boundary (IAM API
// Reference): with GetRole, ListRolePolicies, ListAttachedRolePolicies,
// ListInstanceProfilesForRole and GetRolePolicy it would be more than 4,000.
func iamRoles() lister {
	return &collector[role]{
		rules: resource.Schema{
			Type: "AWS::IAM::Role", Version: 2,
			Omit: []string{"Tags", "RoleLastUsed", "InstanceProfileList.Roles"},
			Sets: map[string]string{
				"AttachedManagedPolicies":  "{PolicyArn}",
				"InstanceProfileList":      "{InstanceProfileName}",
				"InstanceProfileList.Tags": "{Key}",
				"RolePolicyList":           "{PolicyName}",
			},
			Policies: []string{"AssumeRolePolicyDocument", "RolePolicyList.PolicyDocument"},
		},
		global: true,
		action: "iam:GetAccountAuthorizationDetails",
		pages: func(cfg aws.Config) source[role] {
			return paged(iam.NewFromConfig(cfg).GetAccountAuthorizationDetails,
				func(token *string) *iam.GetAccountAuthorizationDetailsInput {
					return &iam.GetAccountAuthorizationDetailsInput{
						Filter: []types.EntityType{types.EntityTypeRole}, MaxItems: aws.Int32(iamPage), Marker: token,
					}
				},
				func(o *iam.GetAccountAuthorizationDetailsOutput) ([]role, *string) {
					return rolesOf(o.RoleDetailList), marker(o.IsTruncated, o.Marker)
				})
		},
		details: func(cfg aws.Config) []detail[role] {
			client := iam.NewFromConfig(cfg)
			listed := &roleList{list: client.ListRoles, get: client.GetRole}
			parts := []string{resource.PartAttributes + "Description", resource.PartAttributes + "MaxSessionDuration"}
			return []detail[role]{
				{parts: parts, action: "iam:ListRoles", fetch: listed.fetch, size: iamPage},
				{parts: parts, action: "iam:GetRole", fetch: each(listed.fetchMissing)},
			}
		},
		vanished: []string{"NoSuchEntity"},
		read: func(r *role) facts {
			return facts{
				ID: r.RoleName, ARN: r.Arn, Name: aws.ToString(r.RoleName), UID: aws.ToString(r.RoleId), Created: r.CreateDate,
				Tags: tagMap(r.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value }),
			}
		},
	}
}

func rolesOf(details []types.RoleDetail) []role {
	all := make([]role, len(details))
	for i := range details {
		all[i].RoleDetail = details[i]
	}
	return all
}

// tell notes what ListRoles and GetRole tell of a role.
func (r *role) tell(of *types.Role) {
	r.Description, r.MaxSessionDuration, r.listed = of.Description, of.MaxSessionDuration, true
}

// roleList is what ListRoles says, read to its end when it is first asked for.
type roleList struct {
	list func(context.Context, *iam.ListRolesInput, ...func(*iam.Options)) (*iam.ListRolesOutput, error)
	get  func(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)

	once sync.Once
	byID map[string]types.Role
	err  error
}

// fetch tells roles what ListRoles says of them. Of one that was made after it was read
// it says nothing.
func (l *roleList) fetch(ctx context.Context, batch []*role) error {
	l.once.Do(func() { l.err = l.read(ctx) })
	if l.err != nil {
		return l.err
	}
	for _, r := range batch {
		if of, ok := l.byID[aws.ToString(r.RoleId)]; ok {
			r.tell(&of)
		}
	}
	return nil
}

func (l *roleList) read(ctx context.Context) error {
	l.byID = map[string]types.Role{}
	return paged(l.list,
		func(token *string) *iam.ListRolesInput {
			return &iam.ListRolesInput{MaxItems: aws.Int32(iamPage), Marker: token}
		},
		func(o *iam.ListRolesOutput) ([]types.Role, *string) { return o.Roles, marker(o.IsTruncated, o.Marker) },
	).walk(ctx, func(roles []types.Role) error {
		for _, r := range roles {
			l.byID[aws.ToString(r.RoleId)] = types.Role{Description: r.Description, MaxSessionDuration: r.MaxSessionDuration}
		}
		return nil
	})
}

// fetchMissing asks for a role that ListRoles does not have: it was made or deleted in
// between.
func (l *roleList) fetchMissing(ctx context.Context, r *role) error {
	if r.listed || l.err != nil {
		return nil
	}
	out, err := l.get(ctx, &iam.GetRoleInput{RoleName: r.RoleName})
	if err != nil {
		return err
	}
	if out.Role == nil || aws.ToString(out.Role.RoleId) != aws.ToString(r.RoleId) {
		return badAnswer("iam GetRole: the answer is for another role")
	}
	r.tell(out.Role)
	return nil
}
