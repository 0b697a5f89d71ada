package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/elava-dev/elava/resource"
)

// iamPage is the most that IAM's lists give (IAM API Reference).
const iamPage = 1000

func iamCollectors() []lister { return []lister{iamRoles()} }

// iamRoles takes tags and permissions boundary from GetRole: ListRoles leaves them out
// (IAM API Reference, ListRoles). The policies of a role are not in it.
func iamRoles() lister {
	return &collector[types.Role]{
		rules: resource.Schema{
			Type: "AWS::IAM::Role", Version: 1,
			Omit:     []string{"Tags", "RoleLastUsed"},
			Policies: []string{"AssumeRolePolicyDocument"},
		},
		global: true,
		action: "iam:ListRoles",
		pages: func(cfg aws.Config) source[types.Role] {
			return paged(iam.NewFromConfig(cfg).ListRoles,
				func(token *string) *iam.ListRolesInput {
					return &iam.ListRolesInput{MaxItems: aws.Int32(iamPage), Marker: token}
				},
				func(o *iam.ListRolesOutput) ([]types.Role, *string) { return o.Roles, marker(o.IsTruncated, o.Marker) })
		},
		details: func(cfg aws.Config) []detail[types.Role] {
			getRole := iam.NewFromConfig(cfg).GetRole
			return []detail[types.Role]{{
				parts:  []string{resource.PartTags, resource.PartAttributes + "PermissionsBoundary"},
				action: "iam:GetRole",
				fetch: each(func(ctx context.Context, r *types.Role) error {
					out, err := getRole(ctx, &iam.GetRoleInput{RoleName: r.RoleName})
					if err != nil {
						return err
					}
					if out.Role == nil || aws.ToString(out.Role.RoleId) != aws.ToString(r.RoleId) {
						return badAnswer("iam GetRole: the answer is for another role")
					}
					r.Tags, r.PermissionsBoundary = out.Role.Tags, out.Role.PermissionsBoundary
					return nil
				}),
			}}
		},
		vanished: []string{"NoSuchEntity"},
		read: func(r *types.Role) facts {
			return facts{
				ID: r.RoleName, ARN: r.Arn, Name: aws.ToString(r.RoleName), UID: aws.ToString(r.RoleId), Created: r.CreateDate,
				Tags: tagMap(r.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value }),
			}
		},
	}
}
