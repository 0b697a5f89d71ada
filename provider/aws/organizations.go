package aws

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
)

// organizationPage is the most that lists of Organizations give (Organizations API
// Reference).
const organizationPage = 20

const (
	actionDescribeOrganization = "organizations:DescribeOrganization"
	organizationNotInUse       = "AWSOrganizationsNotInUseException"
)

// policyTypes are those that ListPolicies can be asked for (Organizations API
// Reference). Raise the version of the schema with this list, so that the policies of
// a type that is new here are not reported as created.
var policyTypes = given[types.PolicyType]{
	types.PolicyTypeServiceControlPolicy, types.PolicyTypeResourceControlPolicy, types.PolicyTypeTagPolicy,
	types.PolicyTypeBackupPolicy, types.PolicyTypeAiservicesOptOutPolicy, types.PolicyTypeChatbotPolicy,
	types.PolicyTypeDeclarativePolicyEc2, types.PolicyTypeSecurityhubPolicy, types.PolicyTypeInspectorPolicy,
	types.PolicyTypeUpgradeRolloutPolicy, types.PolicyTypeBedrockPolicy, types.PolicyTypeS3Policy,
	types.PolicyTypeNetworkSecurityDirectorPolicy, types.PolicyTypeGuarddutyPolicy,
}

func organizationsCollectors() []lister {
	return []lister{organizationAccounts(), organizationalUnits(), organizationPolicies()}
}

// inOrganization is a list that the management account of an organization can read, and
// accounts to which it delegated that. For all other accounts there is nothing to list.
type inOrganization[T any] struct {
	list   source[T]
	member func(context.Context) bool
}

func organizational[T any](cfg aws.Config, list source[T]) source[T] {
	describe := organizations.NewFromConfig(cfg).DescribeOrganization
	identify := sts.NewFromConfig(cfg).GetCallerIdentity
	return inOrganization[T]{list, func(ctx context.Context) bool {
		o, err := describe(ctx, &organizations.DescribeOrganizationInput{})
		if err != nil || o.Organization == nil {
			return false
		}
		id, err := identify(ctx, &sts.GetCallerIdentityInput{})
		return err == nil && aws.ToString(id.Account) != aws.ToString(o.Organization.MasterAccountId)
	}}
}

// walk tells members, which are refused by the same code as somebody without the
// permission, by asking for the management account.
func (l inOrganization[T]) walk(ctx context.Context, each func([]T) error) error {
	err := l.list.walk(ctx, each)
	switch code := errorCode(err); {
	case code == organizationNotInUse:
		return notOrganizational("the account is in no organization")
	case code == "AccessDeniedException" && l.member(ctx):
		return notOrganizational("the account is not the management account of its organization")
	default:
		return err
	}
}

func notOrganizational(why string) error {
	return &provider.Error{
		Reason: provider.ReasonUnavailable, Err: errors.New("organizations: " + why),
		Hint: hintFor(provider.ReasonUnavailable, "", ""),
	}
}

func organizationTagging[T any](cfg aws.Config, id func(*T) *string, take func(*T, []types.Tag)) detail[T] {
	return pagedTagging("organizations:ListTagsForResource", organizations.NewFromConfig(cfg).ListTagsForResource,
		func(v *T, token *string) *organizations.ListTagsForResourceInput {
			return &organizations.ListTagsForResourceInput{ResourceId: id(v), NextToken: token}
		},
		func(o *organizations.ListTagsForResourceOutput) ([]types.Tag, *string) { return o.Tags, o.NextToken }, take)
}

func organizationTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

type organizationAccount struct {
	types.Account
	Tags []types.Tag
}

// organizationAccounts lists closed accounts too, as long as AWS does: 90 days.
func organizationAccounts() lister {
	return &collector[organizationAccount]{
		rules: resource.Schema{
			Type: "AWS::Organizations::Account", Version: 1,
			Omit: []string{"Tags", "Status", "State"}, // State is the newer name of Status
			Sets: map[string]string{"Paths": ""},
		},
		global: true,
		action: "organizations:ListAccounts",
		also:   []string{actionDescribeOrganization},
		pages: func(cfg aws.Config) source[organizationAccount] {
			return organizational[organizationAccount](cfg, paged(organizations.NewFromConfig(cfg).ListAccounts,
				func(token *string) *organizations.ListAccountsInput {
					return &organizations.ListAccountsInput{MaxResults: aws.Int32(organizationPage), NextToken: token}
				},
				func(o *organizations.ListAccountsOutput) ([]organizationAccount, *string) {
					return converted(o.Accounts, func(a types.Account) organizationAccount { return organizationAccount{Account: a} }), o.NextToken
				}))
		},
		details: func(cfg aws.Config) []detail[organizationAccount] {
			return []detail[organizationAccount]{organizationTagging(cfg,
				func(a *organizationAccount) *string { return a.Id }, func(a *organizationAccount, tags []types.Tag) { a.Tags = tags })}
		},
		vanished: []string{"TargetNotFoundException", "AccountNotFoundException"},
		read: func(a *organizationAccount) facts {
			f := facts{
				ID: a.Id, ARN: a.Arn, Name: aws.ToString(a.Name), Status: string(a.State), Created: a.JoinedTimestamp,
				Tags: organizationTags(a.Tags),
			}
			if f.Status == "" {
				f.Status = string(a.Status)
			}
			return f
		},
	}
}

type organizationalUnit struct {
	types.OrganizationalUnit
	ParentId string
	Tags     []types.Tag
}

// unitTree is the list of all units, read level by level from the roots.
type unitTree struct {
	roots    source[types.Root]
	children func(parent string) source[organizationalUnit]
}

func (u unitTree) walk(ctx context.Context, each func([]organizationalUnit) error) error {
	var parents []string
	err := u.roots.walk(ctx, func(roots []types.Root) error {
		for _, r := range roots {
			parents = append(parents, aws.ToString(r.Id))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for len(parents) > 0 {
		var below []string
		for _, p := range parents {
			err := u.children(p).walk(ctx, func(units []organizationalUnit) error {
				for i := range units {
					below = append(below, aws.ToString(units[i].Id))
				}
				return each(units)
			})
			if err != nil && errorCode(err) != "ParentNotFoundException" { // deleted since
				return err
			}
		}
		parents = below
	}
	return nil
}

func organizationalUnits() lister {
	return &collector[organizationalUnit]{
		rules:  resource.Schema{Type: "AWS::Organizations::OrganizationalUnit", Version: 1, Omit: []string{"Tags"}},
		global: true,
		action: "organizations:ListOrganizationalUnitsForParent",
		also:   []string{"organizations:ListRoots", actionDescribeOrganization},
		pages: func(cfg aws.Config) source[organizationalUnit] {
			client := organizations.NewFromConfig(cfg)
			listRoots, listUnits := client.ListRoots, client.ListOrganizationalUnitsForParent
			return organizational[organizationalUnit](cfg, unitTree{
				roots: paged(listRoots,
					func(token *string) *organizations.ListRootsInput {
						return &organizations.ListRootsInput{NextToken: token}
					},
					func(o *organizations.ListRootsOutput) ([]types.Root, *string) { return o.Roots, o.NextToken }),
				children: func(parent string) source[organizationalUnit] {
					return paged(listUnits,
						func(token *string) *organizations.ListOrganizationalUnitsForParentInput {
							return &organizations.ListOrganizationalUnitsForParentInput{
								ParentId: &parent, MaxResults: aws.Int32(organizationPage), NextToken: token,
							}
						},
						func(o *organizations.ListOrganizationalUnitsForParentOutput) ([]organizationalUnit, *string) {
							return converted(o.OrganizationalUnits, func(u types.OrganizationalUnit) organizationalUnit {
								return organizationalUnit{OrganizationalUnit: u, ParentId: parent}
							}), o.NextToken
						})
				},
			})
		},
		details: func(cfg aws.Config) []detail[organizationalUnit] {
			return []detail[organizationalUnit]{organizationTagging(cfg,
				func(u *organizationalUnit) *string { return u.Id }, func(u *organizationalUnit, tags []types.Tag) { u.Tags = tags })}
		},
		vanished: []string{"TargetNotFoundException", "OrganizationalUnitNotFoundException"},
		read: func(u *organizationalUnit) facts {
			return facts{ID: u.Id, ARN: u.Arn, Name: aws.ToString(u.Name), Tags: organizationTags(u.Tags)}
		},
	}
}

type organizationPolicy struct {
	types.PolicySummary
	Content *string
	Tags    []types.Tag
}

// organizationPolicies lists the organization's own, not those of AWS, and not what they
// are attached to.
func organizationPolicies() lister {
	return &collector[organizationPolicy]{
		rules: resource.Schema{
			Type: "AWS::Organizations::Policy", Version: 1,
			Omit:     []string{"Tags", "AwsManaged"},
			Policies: []string{"Content"},
		},
		global: true,
		action: "organizations:ListPolicies",
		also:   []string{actionDescribeOrganization},
		pages: func(cfg aws.Config) source[organizationPolicy] {
			list := organizations.NewFromConfig(cfg).ListPolicies
			return organizational(cfg, under(source[types.PolicyType](policyTypes), "", nil,
				func(kind *types.PolicyType) source[organizationPolicy] {
					return paged(list,
						func(token *string) *organizations.ListPoliciesInput {
							return &organizations.ListPoliciesInput{Filter: *kind, MaxResults: aws.Int32(organizationPage), NextToken: token}
						},
						func(o *organizations.ListPoliciesOutput) ([]organizationPolicy, *string) {
							return ownPolicies(o.Policies), o.NextToken
						},
					).orNone("InvalidInputException", "UnsupportedAPIEndpointException") // the partition has no such type
				}))
		},
		details: func(cfg aws.Config) []detail[organizationPolicy] {
			return []detail[organizationPolicy]{
				describing("organizations:DescribePolicy", organizations.NewFromConfig(cfg).DescribePolicy,
					func(p *organizationPolicy) *organizations.DescribePolicyInput {
						return &organizations.DescribePolicyInput{PolicyId: p.Id}
					},
					func(p *organizationPolicy, o *organizations.DescribePolicyOutput) bool {
						if o.Policy == nil {
							return false
						}
						p.Content = o.Policy.Content
						return true
					}).only(resource.PartAttributes + "Content"),
				organizationTagging(cfg,
					func(p *organizationPolicy) *string { return p.Id }, func(p *organizationPolicy, tags []types.Tag) { p.Tags = tags }).andBeside(),
			}
		},
		vanished: []string{"PolicyNotFoundException", "TargetNotFoundException"},
		read: func(p *organizationPolicy) facts {
			return facts{ID: p.Id, ARN: p.Arn, Name: aws.ToString(p.Name), Tags: organizationTags(p.Tags)}
		},
	}
}

func ownPolicies(all []types.PolicySummary) []organizationPolicy {
	var own []organizationPolicy
	for _, p := range all {
		if !p.AwsManaged {
			own = append(own, organizationPolicy{PolicySummary: p})
		}
	}
	return own
}
