package aws

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
	"github.com/aws/aws-sdk-go-v2/service/wafv2/types"

	"github.com/elava-dev/elava/resource"
)

// wafPage is the most that WAF's lists give (WAFV2 API Reference).
const wafPage = 100

// wafGlobalRegion is where what belongs to CloudFront is listed (WAFV2 API Reference,
// "Scope"). In other partitions there is no such region, and nothing to list.
const wafGlobalRegion = "us-east-1"

// wafNotFound is the code for what was deleted since it was listed.
const wafNotFound = "WAFNonexistentItemException"

func wafv2Collectors() []lister { return []lister{wafWebACLs(), wafRuleGroups(), wafIPSets()} }

// wafScopes joins the lists of the scopes that a region answers for.
func wafScopes[T any](cfg aws.Config, list func(types.Scope) pager[T]) source[T] {
	regional := list(types.ScopeRegional)
	if cfg.Region != wafGlobalRegion {
		return regional
	}
	return chained[T]{regional, list(types.ScopeCloudfront)}
}

func wafTagging[T any](cfg aws.Config, arn func(*T) *string, take func(*T, []types.Tag)) detail[T] {
	return pagedTagging("wafv2:ListTagsForResource", wafv2.NewFromConfig(cfg).ListTagsForResource,
		func(v *T, token *string) *wafv2.ListTagsForResourceInput {
			return &wafv2.ListTagsForResourceInput{ResourceARN: arn(v), Limit: aws.Int32(wafPage), NextMarker: token}
		},
		func(o *wafv2.ListTagsForResourceOutput) ([]types.Tag, *string) {
			if o.TagInfoForResource == nil {
				return nil, o.NextMarker
			}
			return o.TagInfoForResource.TagList, o.NextMarker
		}, take)
}

func wafTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

// wafHeaders are the strings that statements look for in a header, apart from these, as
// "rule/AndStatement/0/SearchString": by such a header, which only CloudFront sends, an origin knows it
// ("How to enhance Amazon CloudFront origin security with AWS WAF and AWS Secrets Manager", AWS Security
// Blog). In their places no schema could tell them from all other strings.
type wafHeaders map[string]string

func (h wafHeaders) ofRules(rules []types.Rule) {
	for _, r := range rules {
		h.of(aws.ToString(r.Name), r.Statement)
	}
}

func (h wafHeaders) ofGroups(groups []types.FirewallManagerRuleGroup) {
	for _, g := range groups {
		if s := g.FirewallManagerStatement; s != nil && s.ManagedRuleGroupStatement != nil {
			h.of(aws.ToString(g.Name), s.ManagedRuleGroupStatement.ScopeDownStatement)
		}
	}
}

// of takes the strings out of a statement and of those within.
func (h wafHeaders) of(at string, s *types.Statement) {
	if s == nil {
		return
	}
	if m := s.ByteMatchStatement; m != nil && m.FieldToMatch != nil && m.FieldToMatch.SingleHeader != nil && len(m.SearchString) > 0 {
		h[at+"/SearchString"], m.SearchString = string(m.SearchString), nil
	}
	if s.AndStatement != nil {
		h.ofAll(at+"/AndStatement/", s.AndStatement.Statements)
	}
	if s.OrStatement != nil {
		h.ofAll(at+"/OrStatement/", s.OrStatement.Statements)
	}
	if s.NotStatement != nil {
		h.of(at+"/NotStatement", s.NotStatement.Statement)
	}
	if s.RateBasedStatement != nil {
		h.of(at+"/RateBasedStatement", s.RateBasedStatement.ScopeDownStatement)
	}
	if s.ManagedRuleGroupStatement != nil {
		h.of(at+"/ManagedRuleGroupStatement", s.ManagedRuleGroupStatement.ScopeDownStatement)
	}
}

func (h wafHeaders) ofAll(at string, statements []types.Statement) {
	for i := range statements {
		h.of(at+strconv.Itoa(i), &statements[i])
	}
}

type webACL struct {
	types.WebACL
	SecretSearchStrings wafHeaders
	Scope               types.Scope
	Tags                []types.Tag
}

func (w *webACL) take(o *wafv2.GetWebACLOutput) bool {
	if o.WebACL == nil || aws.ToString(o.WebACL.Id) != aws.ToString(w.Id) {
		return false
	}
	w.WebACL, w.SecretSearchStrings = *o.WebACL, wafHeaders{}
	w.SecretSearchStrings.ofRules(w.Rules)
	w.SecretSearchStrings.ofGroups(w.PreProcessFirewallManagerRuleGroups)
	w.SecretSearchStrings.ofGroups(w.PostProcessFirewallManagerRuleGroups)
	return true
}

// wafWebACLs tells its rules apart by name: which is asked first says their Priority.
func wafWebACLs() lister {
	return &collector[webACL]{
		rules: resource.Schema{
			Type: "AWS::WAFv2::WebACL", Version: 2,
			Omit: []string{"Tags"},
			Sets: map[string]string{
				"DataProtectionConfig.DataProtections": "",
				"PostProcessFirewallManagerRuleGroups": "{Name}",
				"PreProcessFirewallManagerRuleGroups":  "{Name}",
				"Rules":                                "{Name}",
				"Rules.RuleLabels":                     "{Name}",
				"TokenDomains":                         "",
			},
			Secrets: []string{"SecretSearchStrings"},
		},
		action: "wafv2:ListWebACLs",
		pages: func(cfg aws.Config) source[webACL] {
			list := wafv2.NewFromConfig(cfg).ListWebACLs
			return wafScopes(cfg, func(scope types.Scope) pager[webACL] {
				return paged(list,
					func(token *string) *wafv2.ListWebACLsInput {
						return &wafv2.ListWebACLsInput{Scope: scope, Limit: aws.Int32(wafPage), NextMarker: token}
					},
					func(o *wafv2.ListWebACLsOutput) ([]webACL, *string) {
						return converted(o.WebACLs, func(s types.WebACLSummary) webACL {
							return webACL{WebACL: types.WebACL{ARN: s.ARN, Id: s.Id, Name: s.Name}, Scope: scope}
						}), o.NextMarker
					})
			})
		},
		details: func(cfg aws.Config) []detail[webACL] {
			return []detail[webACL]{
				describing("wafv2:GetWebACL", wafv2.NewFromConfig(cfg).GetWebACL,
					func(w *webACL) *wafv2.GetWebACLInput {
						return &wafv2.GetWebACLInput{Id: w.Id, Name: w.Name, Scope: w.Scope}
					},
					(*webACL).take),
				wafTagging(cfg, func(w *webACL) *string { return w.ARN }, func(w *webACL, tags []types.Tag) { w.Tags = tags }),
			}
		},
		vanished: []string{wafNotFound},
		read: func(w *webACL) facts {
			return facts{ID: w.Id, ARN: w.ARN, Name: aws.ToString(w.Name), Tags: wafTags(w.Tags)}
		},
	}
}

type wafRuleGroup struct {
	types.RuleGroup
	SecretSearchStrings wafHeaders
	Scope               types.Scope
	Tags                []types.Tag
}

func (g *wafRuleGroup) take(o *wafv2.GetRuleGroupOutput) bool {
	if o.RuleGroup == nil || aws.ToString(o.RuleGroup.Id) != aws.ToString(g.Id) {
		return false
	}
	g.RuleGroup, g.SecretSearchStrings = *o.RuleGroup, wafHeaders{}
	g.SecretSearchStrings.ofRules(g.Rules)
	return true
}

func wafRuleGroups() lister {
	return &collector[wafRuleGroup]{
		rules: resource.Schema{
			Type: "AWS::WAFv2::RuleGroup", Version: 2,
			Omit: []string{"Tags"},
			Sets: map[string]string{
				"AvailableLabels": "{Name}", "ConsumedLabels": "{Name}", "Rules": "{Name}", "Rules.RuleLabels": "{Name}",
			},
			Secrets: []string{"SecretSearchStrings"},
		},
		action: "wafv2:ListRuleGroups",
		pages: func(cfg aws.Config) source[wafRuleGroup] {
			list := wafv2.NewFromConfig(cfg).ListRuleGroups
			return wafScopes(cfg, func(scope types.Scope) pager[wafRuleGroup] {
				return paged(list,
					func(token *string) *wafv2.ListRuleGroupsInput {
						return &wafv2.ListRuleGroupsInput{Scope: scope, Limit: aws.Int32(wafPage), NextMarker: token}
					},
					func(o *wafv2.ListRuleGroupsOutput) ([]wafRuleGroup, *string) {
						return converted(o.RuleGroups, func(s types.RuleGroupSummary) wafRuleGroup {
							return wafRuleGroup{RuleGroup: types.RuleGroup{ARN: s.ARN, Id: s.Id, Name: s.Name}, Scope: scope}
						}), o.NextMarker
					})
			})
		},
		details: func(cfg aws.Config) []detail[wafRuleGroup] {
			return []detail[wafRuleGroup]{
				describing("wafv2:GetRuleGroup", wafv2.NewFromConfig(cfg).GetRuleGroup,
					func(g *wafRuleGroup) *wafv2.GetRuleGroupInput {
						return &wafv2.GetRuleGroupInput{Id: g.Id, Name: g.Name, Scope: g.Scope}
					},
					(*wafRuleGroup).take),
				wafTagging(cfg, func(g *wafRuleGroup) *string { return g.ARN }, func(g *wafRuleGroup, tags []types.Tag) { g.Tags = tags }),
			}
		},
		vanished: []string{wafNotFound},
		read: func(g *wafRuleGroup) facts {
			return facts{ID: g.Id, ARN: g.ARN, Name: aws.ToString(g.Name), Tags: wafTags(g.Tags)}
		},
	}
}

type wafIPSet struct {
	types.IPSet
	Scope types.Scope
	Tags  []types.Tag
}

func wafIPSets() lister {
	return &collector[wafIPSet]{
		rules: resource.Schema{
			Type: "AWS::WAFv2::IPSet", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{"Addresses": ""},
		},
		action: "wafv2:ListIPSets",
		pages: func(cfg aws.Config) source[wafIPSet] {
			list := wafv2.NewFromConfig(cfg).ListIPSets
			return wafScopes(cfg, func(scope types.Scope) pager[wafIPSet] {
				return paged(list,
					func(token *string) *wafv2.ListIPSetsInput {
						return &wafv2.ListIPSetsInput{Scope: scope, Limit: aws.Int32(wafPage), NextMarker: token}
					},
					func(o *wafv2.ListIPSetsOutput) ([]wafIPSet, *string) {
						return converted(o.IPSets, func(s types.IPSetSummary) wafIPSet {
							return wafIPSet{IPSet: types.IPSet{ARN: s.ARN, Id: s.Id, Name: s.Name}, Scope: scope}
						}), o.NextMarker
					})
			})
		},
		details: func(cfg aws.Config) []detail[wafIPSet] {
			return []detail[wafIPSet]{
				describing("wafv2:GetIPSet", wafv2.NewFromConfig(cfg).GetIPSet,
					func(s *wafIPSet) *wafv2.GetIPSetInput {
						return &wafv2.GetIPSetInput{Id: s.Id, Name: s.Name, Scope: s.Scope}
					},
					func(s *wafIPSet, o *wafv2.GetIPSetOutput) bool {
						if o.IPSet == nil || aws.ToString(o.IPSet.Id) != aws.ToString(s.Id) {
							return false
						}
						s.IPSet = *o.IPSet
						return true
					}),
				wafTagging(cfg, func(s *wafIPSet) *string { return s.ARN }, func(s *wafIPSet, tags []types.Tag) { s.Tags = tags }),
			}
		},
		vanished: []string{wafNotFound},
		read: func(s *wafIPSet) facts {
			return facts{ID: s.Id, ARN: s.ARN, Name: aws.ToString(s.Name), Tags: wafTags(s.Tags)}
		},
	}
}
