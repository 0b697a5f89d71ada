package aws

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
)

var _ provider.Checker = (*Provider)(nil)

// checksAtATime is how many scopes are tried at the same time.
const checksAtATime = 8

// Check implements provider.Checker. For each type and region it reads the first page of the
// list, and the details of one resource of it, if there is one.
func (p *Provider) Check(ctx context.Context) ([]provider.Finding, error) {
	p.planning.Lock()
	defer p.planning.Unlock()
	base, err := p.identify(ctx)
	if err != nil {
		return []provider.Finding{provider.Finding{What: "credentials"}.Found("", err)}, ctx.Err()
	}
	found := []provider.Finding{provider.Finding{Account: base.account, What: "credentials"}.Found("", nil)}
	destinations, _, err := p.roster(ctx, base)
	if p.organization != nil {
		found = append(found, provider.Finding{Account: base.account, What: "organization"}.Found(actionListAccounts, err))
	}
	accounts := p.enter(ctx, base, destinations)
	for _, a := range accounts {
		found = append(found, a.finding())
	}
	listed, err := p.checkScopes(ctx, accounts)
	return append(found, listed...), err
}

// finding tells whether an account could be entered.
func (a *enteredAccount) finding() provider.Finding {
	f := provider.Finding{Account: a.account, What: "account"}
	switch {
	case a.err != nil && a.session != nil:
		f.What = "regions"
		return f.Found(actionDescribeRegions, a.err)
	case a.err != nil:
		f = f.Found("", a.err)
		if contains(deniedCodes, errorCode(a.err)) {
			f.Status, f.Action = provider.StatusDenied, actionAssumeRole
		}
		return f
	default:
		return f.Found("", nil)
	}
}

// checkScopes tries the scopes of all accounts that were entered.
func (p *Provider) checkScopes(ctx context.Context, accounts []enteredAccount) ([]provider.Finding, error) {
	sessions := map[string]*session{}
	var lists [][]resource.Scope
	for _, a := range accounts {
		if a.err == nil {
			sessions[a.account] = a.session
			lists = append(lists, p.scopes(a.account, a.regions))
		}
	}
	scopes := inTurns(lists)
	found := make([][]provider.Finding, len(scopes))
	var group errgroup.Group
	group.SetLimit(checksAtATime)
	for i, scope := range scopes {
		group.Go(func() error {
			found[i] = p.checkScope(ctx, sessions[scope.Account], scope)
			return ctx.Err()
		})
	}
	err := group.Wait()
	return slices.Concat(found...), err
}

// checkScope returns one finding where all is well, else one for each call that is not.
func (p *Provider) checkScope(ctx context.Context, s *session, scope resource.Scope) []provider.Finding {
	f := provider.Finding{Account: scope.Account, Region: scope.Region, What: scope.Type}
	var found []provider.Finding
	region, err := s.regionFor(scope, p.byType[scope.Type])
	if err != nil {
		return []provider.Finding{f.Found("", err)}
	}
	ctx = context.WithValue(ctx, placeKey{}, place{partition: s.partition, account: s.account, region: scope.Region})
	for _, t := range p.byType[scope.Type].try(ctx, s.config(region)) {
		if t.err != nil {
			found = append(found, f.Found(t.action, s.explain(ctx, region, classify(t.err, t.action))))
		}
	}
	if len(found) == 0 {
		return []provider.Finding{f.Found("", nil)}
	}
	return found
}

// tried is what came of one call.
type tried struct {
	action string
	err    error
}

// errEnough ends a list that was read far enough.
var errEnough = errors.New("enough")

// try reads the first page of the list, and every detail of its first element.
func (c *collector[T]) try(ctx context.Context, cfg aws.Config) []tried {
	var first *T
	err := c.pages(cfg).walk(ctx, func(items []T) error {
		if len(items) > 0 {
			first = &items[0]
		}
		return errEnough
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	all := []tried{{c.action, err}}
	if first == nil || c.details == nil {
		return all
	}
	for _, d := range c.details(cfg) {
		err := d.fetch(ctx, []*T{first})
		if code := errorCode(err); slices.Contains(d.absent, code) || c.gone(code) {
			err = nil
		}
		action := d.action
		if errors.As(err, new(*lockedError)) {
			action = actionDecrypt
		}
		all = append(all, tried{action, err})
	}
	return all
}
