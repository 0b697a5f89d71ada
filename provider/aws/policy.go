package aws

import (
	"encoding/json"
	"slices"
	"strings"
)

// MaxPolicySize is how many characters a managed policy may have, white space not counted
// (IAM and STS quotas).
const MaxPolicySize = 6144

// Policy is an IAM policy document.
type Policy struct {
	Version   string
	Statement []Statement
}

// Statement allows actions.
type Statement struct {
	Sid      string
	Effect   string
	Action   []string
	Resource []string
}

const policyVersion = "2012-10-17" // of the policy language

// Policy returns the least policy with which the selected types can be listed: that of the
// caller, who also finds and enters the other accounts, or, with member, that of the role in
// such an account. With wildcards, several actions of a service that describe or list are
// one; actions that get are not, as among those are some that read what users store.
func (p *Provider) Policy(member, wildcards bool) *Policy {
	read := p.Actions()
	if wildcards {
		read = shortened(read)
	}
	policy := &Policy{Version: policyVersion, Statement: []Statement{allow("ElavaReads", read, "*")}}
	if member {
		return policy
	}
	if p.organization != nil {
		policy.Statement = append(policy.Statement, allow("ElavaFindsAccounts", []string{actionListAccounts}, "*"))
	}
	if roles := p.roleARNs(); len(roles) > 0 {
		policy.Statement = append(policy.Statement, allow("ElavaEntersAccounts", []string{actionAssumeRole}, roles...))
	}
	return policy
}

func allow(sid string, actions []string, resources ...string) Statement {
	return Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources}
}

// roleARNs returns the roles that are assumed; those of the organization's accounts are one
// pattern.
func (p *Provider) roleARNs() []string {
	var arns []string
	for _, d := range p.accounts {
		arns = append(arns, d.role)
	}
	if p.organization != nil {
		arns = append(arns, "arn:"+partitionOf(p.regions[0])+":iam::*:role/"+p.organization.RoleName)
	}
	return arns
}

// partitionOf returns the partition of a region, aws for AllRegions. IAM accepts no pattern
// in its place.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// shortened replaces actions of a service that have a verb of listing in common by a
// pattern, where there are more than two. S3 is left as it is: there, listing reaches the
// names of objects.
func shortened(actions []string) []string {
	pattern := func(action string) string {
		service, operation, _ := strings.Cut(action, ":")
		for _, verb := range []string{"Describe", "List"} {
			if strings.HasPrefix(operation, verb) && service != "s3" {
				return service + ":" + verb + "*"
			}
		}
		return action
	}
	count := map[string]int{}
	for _, a := range actions {
		count[pattern(a)]++
	}
	var short []string
	for _, a := range actions {
		if count[pattern(a)] > 2 {
			a = pattern(a)
		}
		short = append(short, a)
	}
	slices.Sort(short)
	return slices.Compact(short)
}

// Size is the number of characters that IAM counts.
func (p *Policy) Size() int {
	b, err := json.Marshal(p)
	if err != nil {
		return 0 // strings cannot fail
	}
	return len(b)
}

// Split returns policies that together allow the same, none larger than MaxPolicySize as
// long as no single action or resource is.
func (p *Policy) Split() []*Policy {
	var parts []*Policy
	part := &Policy{Version: p.Version}
	for _, s := range p.Statement {
		for len(s.Action) > 0 {
			n := part.room(s)
			if n == 0 && len(part.Statement) > 0 {
				parts, part = append(parts, part), &Policy{Version: p.Version}
				continue
			}
			n = max(n, 1)
			piece := s
			piece.Action, s.Action = s.Action[:n], s.Action[n:]
			part.Statement = append(part.Statement, piece)
		}
	}
	return append(parts, part)
}

// room is how many actions of a statement fit into the policy beside what it has.
func (p *Policy) room(s Statement) int {
	for n := len(s.Action); n > 0; n-- {
		with := Policy{Version: p.Version, Statement: slices.Clone(p.Statement)}
		piece := s
		piece.Action = s.Action[:n]
		with.Statement = append(with.Statement, piece)
		if with.Size() <= MaxPolicySize {
			return n
		}
	}
	return 0
}
