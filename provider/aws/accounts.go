package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/sync/errgroup"

	"github.com/elava-dev/elava/provider"
)

// Account is an account that is listed through a role in it.
type Account struct {
	RoleARN    string   // "arn:aws:iam::123456789012:role/elava"
	ExternalID string   // empty: none is sent
	Regions    []string // as in Options; nil: those
}

// Organization says how the accounts of the caller's organization are entered.
type Organization struct {
	RoleName   string // path and name, the same in every account: "elava", "team/elava"
	ExternalID string // empty: none is sent
}

const (
	actionAssumeRole   = "sts:AssumeRole"
	actionListAccounts = "organizations:ListAccounts"

	// roleDuration is the longest that a role can be assumed with the credentials of another
	// role (STS API Reference, AssumeRole). renewBefore is how long before their end
	// credentials are renewed, so that no call under way outlives them.
	roleDuration = time.Hour
	renewBefore  = 5 * time.Minute

	// accountsAtATime is how many accounts a plan enters at a time.
	accountsAtATime = 16

	sessionName = "elava" // of assumed roles, in CloudTrail
)

// destination is an account that a plan enters.
type destination struct {
	account    string
	partition  string
	role       string // ARN; empty: the caller's own credentials
	externalID string
	regions    []string
}

// roleARN takes the partition and the account out of a role's ARN.
var roleARN = regexp.MustCompile(`^arn:(aws[a-z0-9-]*):iam::([0-9]{12}):role/.+$`)

// checkAccounts turns the accounts of the options into destinations.
func checkAccounts(accounts []Account, regions []string) ([]destination, error) {
	var destinations []destination
	for _, a := range accounts {
		arn := roleARN.FindStringSubmatch(a.RoleARN)
		if arn == nil {
			return nil, fmt.Errorf("aws: %q is not the ARN of a role; want arn:aws:iam::123456789012:role/name", a.RoleARN)
		}
		t := destination{account: arn[2], partition: arn[1], role: a.RoleARN, externalID: a.ExternalID, regions: regions}
		if slices.ContainsFunc(destinations, t.sameAccount) {
			return nil, fmt.Errorf("aws: account %s is given twice", t.account)
		}
		if len(a.Regions) > 0 {
			own, err := checkRegions(a.Regions)
			if err != nil {
				return nil, fmt.Errorf("%w (account %s)", err, t.account)
			}
			t.regions = own
		}
		destinations = append(destinations, t)
	}
	return destinations, nil
}

func (t destination) allRegions() bool { return t.regions[0] == AllRegions }

func (t destination) sameAccount(other destination) bool { return t.account == other.account }

// roles keeps the credentials of the roles that were assumed with the credentials of one
// session. Its methods may be called by several goroutines at a time.
type roleCache struct {
	mu    sync.Mutex
	cache map[roleKey]*aws.CredentialsCache
}

type roleKey struct{ arn, externalID string }

func newRoleCache() *roleCache { return &roleCache{cache: map[roleKey]*aws.CredentialsCache{}} }

// credentials returns the credentials of a role, which renew themselves. cfg is the
// configuration of who assumes it.
func (r *roleCache) credentials(cfg aws.Config, t destination) *aws.CredentialsCache {
	key := roleKey{t.role, t.externalID}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.cache[key]; c != nil {
		return c
	}
	// stscreds takes its client as an interface; the linker keeps what STS has besides,
	// which is little.
	assume := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), t.role, func(o *stscreds.AssumeRoleOptions) {
		o.Duration, o.RoleSessionName = roleDuration, sessionName
		if t.externalID != "" {
			o.ExternalID = aws.String(t.externalID)
		}
	})
	r.cache[key] = aws.NewCredentialsCache(taggedCredentials{assume}, func(o *aws.CredentialsCacheOptions) {
		o.ExpiryWindow = renewBefore
	})
	return r.cache[key]
}

// forget has a role assumed anew.
func (r *roleCache) forget(t destination) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.cache, roleKey{t.role, t.externalID})
}

// enteredAccount is an account of the plan: a session in it and its regions, or why there is none.
type enteredAccount struct {
	destination
	session *session
	regions []string
	err     error // *provider.Error
}

// enter enters all accounts, several at a time. What fails is in the results.
func (p *Provider) enter(ctx context.Context, base *session, destinations []destination) []enteredAccount {
	all := make([]enteredAccount, len(destinations))
	var group errgroup.Group
	group.SetLimit(accountsAtATime)
	for i, t := range destinations {
		group.Go(func() error {
			all[i] = enteredAccount{destination: t}
			if before := p.sessionOf(t.account); before != nil && before.distrusted.Load() {
				base.roles.forget(t)
			}
			all[i].session, all[i].err = base.as(ctx, t)
			if all[i].err == nil {
				all[i].regions, all[i].err = all[i].session.regionsOf(ctx, t.regions)
			}
			return nil
		})
	}
	_ = group.Wait() // no function above returns an error
	return all
}

// as returns a session in the destination's account. No session is returned whose credentials
// belong to another one: its resources would be written into the wrong history.
func (s *session) as(ctx context.Context, t destination) (*session, error) {
	if t.role == "" {
		return s, nil
	}
	if t.partition != s.partition {
		return nil, &provider.Error{
			Reason: provider.ReasonNoCredentials,
			Err:    fmt.Errorf("aws: the role %s is in partition %s, the credentials are in %s", t.role, t.partition, s.partition),
			Hint:   "run another daemon with credentials of that partition",
		}
	}
	cfg := s.cfg.Copy()
	cfg.Credentials = s.roles.credentials(s.cfg, t)
	if !t.allRegions() {
		cfg.Region = t.regions[0]
	}
	in, err := (&session{cfg: cfg, closeIdle: s.closeIdle, roles: s.roles, limiter: s.limiter}).identified(ctx)
	if err != nil {
		return nil, notEntered(err, t)
	}
	if in.account != t.account {
		return nil, &provider.Error{
			Reason: provider.ReasonNoCredentials,
			Err:    fmt.Errorf("aws: the role %s led into account %s", t.role, in.account),
			Hint:   "nothing of it is recorded; find out who answers for STS",
		}
	}
	return in, nil
}

// notEntered says what to do about a role that cannot be assumed.
func notEntered(err error, t destination) error {
	var refused *credentialsError
	if !errors.As(err, &refused) || errorCode(err) == "" {
		return err
	}
	return &provider.Error{
		Reason: provider.ReasonNoCredentials,
		Err:    &callError{text: textOf(err), err: err},
		Hint:   "grant the caller " + actionAssumeRole + " on " + t.role + ", and let the role's trust policy name the caller",
	}
}

// regionsOf returns the regions to list, those that are enabled for AllRegions.
func (s *session) regionsOf(ctx context.Context, regions []string) ([]string, error) {
	if regions[0] == AllRegions {
		return s.enabledRegions(ctx)
	}
	return regions, nil
}

// roster returns the accounts of the plan: the caller's, those of the options, and those of
// the organization. Where the organization does not tell its accounts, those that it told
// last stay in the roster, and the error is returned beside it.
func (p *Provider) roster(ctx context.Context, base *session) (destinations []destination, notices []string, err error) {
	destinations = slices.Clone(p.accounts)
	own := destination{account: base.account, partition: base.partition, regions: p.regions}
	if !slices.ContainsFunc(destinations, own.sameAccount) {
		destinations = slices.Insert(destinations, 0, own)
	}
	if p.organization == nil {
		return destinations, nil, nil
	}
	members, err := listMembers(ctx, base)
	if err != nil {
		members = p.members
	}
	p.members = members
	for _, m := range members {
		t := destination{
			account: m.id, partition: base.partition, regions: p.regions, externalID: p.organization.ExternalID,
			role: "arn:" + base.partition + ":iam::" + m.id + ":role/" + p.organization.RoleName,
		}
		switch {
		case !m.active:
			notices = append(notices, fmt.Sprintf(
				"aws: account %s of the organization is %s; it is not listed, and its resources stay as they were last seen", m.id, m.state))
			destinations = slices.DeleteFunc(destinations, func(other destination) bool { return other.role != "" && t.sameAccount(other) })
		case !slices.ContainsFunc(destinations, t.sameAccount):
			destinations = append(destinations, t)
		}
	}
	return destinations, notices, err
}

// orgMember is an account of the organization.
type orgMember struct {
	id     string
	active bool
	state  string // "active", "pending closure"
}

// listMembers asks for all accounts of the organization, sorted by id.
func listMembers(ctx context.Context, s *session) ([]orgMember, error) {
	accounts, err := paged(organizations.NewFromConfig(s.config(s.home())).ListAccounts,
		func(token *string) *organizations.ListAccountsInput {
			return &organizations.ListAccountsInput{NextToken: token}
		},
		func(o *organizations.ListAccountsOutput) ([]types.Account, *string) { return o.Accounts, o.NextToken },
	).all(ctx)
	if err != nil {
		return nil, classify(err, actionListAccounts)
	}
	var members []orgMember
	for _, a := range accounts {
		// Status is the older one of the two (Organizations API Reference, Account).
		state := cmp.Or(string(a.State), string(a.Status))
		if aws.ToString(a.Id) == "" || state == "" {
			return nil, badAnswer("organizations ListAccounts: an account without an id or a state")
		}
		members = append(members, orgMember{
			id: *a.Id, active: state == string(types.AccountStateActive),
			state: strings.ToLower(strings.ReplaceAll(state, "_", " ")),
		})
	}
	slices.SortFunc(members, func(a, b orgMember) int { return strings.Compare(a.id, b.id) })
	return members, nil
}
