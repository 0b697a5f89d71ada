package daemon

import (
	"context"
	"fmt"
	"slices"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// counted is how many changes of one kind a scan found in one type and region.
type counted map[countKey]int

type countKey struct {
	changeType   change.Type
	resourceType string
	region       string
}

// detection decides what the differences of a scan mean and stages them.
type detection struct {
	s       *scan
	txn     storage.Txn
	changes counted
}

// stage stages what the complete listings found: first what appeared or differs, then
// what is absent.
func (d *detection) stage(ctx context.Context) error {
	for f, err := range d.s.spool.all() {
		if err != nil {
			return err
		}
		if !d.s.results[f.Scope].counts() {
			continue
		}
		if err := d.finding(ctx, f); err != nil {
			return err
		}
	}
	for _, l := range d.s.results {
		if !l.counts() {
			continue
		}
		slices.SortFunc(l.absent, resource.Key.Compare)
		for _, key := range l.absent {
			if err := d.disappeared(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *detection) finding(ctx context.Context, f *finding) error {
	m := storage.Mutation{
		Resource: &f.Resource, Fingerprint: f.Fingerprint, Schema: f.Schema, Incomplete: f.Incomplete,
	}
	switch {
	case !f.Known:
		m.Type = d.appeared(f.Scope)
	case !sameIdentity(f.KnownUID, f.Resource.UID):
		if err := d.disappeared(ctx, f.Resource.Key); err != nil {
			return err
		}
		m.Type = change.Created
	case f.KnownSchema != f.Schema:
		m.Type = change.Rebaselined
	default:
		if err := d.differs(ctx, f, &m); err != nil {
			return err
		}
	}
	return d.put(ctx, m)
}

// appeared tells a resource that was created from one that was there before Elava
// looked: at the first complete listing of a scope, and at the first one after a time
// in which it was not listed, nobody can know.
func (d *detection) appeared(index int) change.Type {
	state := d.s.states[d.s.results[index].scope]
	if state == nil || state.LastComplete == 0 ||
		state.Status == storage.ScopeExcluded || state.Status == storage.ScopeUnavailable {
		return change.Baseline
	}
	return change.Created
}

// differs compares the documents. Parts that were never read before are completed
// quietly, and a fingerprint that differs without any field that does is recorded
// quietly too.
func (d *detection) differs(ctx context.Context, f *finding, m *storage.Mutation) error {
	last, err := d.s.r.opts.Store.Get(ctx, f.Resource.Key, d.s.head.Revision)
	if err != nil {
		return err
	}
	changes, err := change.Compare(d.s.r.opts.Provider.Schema(f.Resource.Key.Type), &last.Resource, &f.Resource)
	if err != nil {
		return err
	}
	m.Changes = change.Without(changes, last.Incomplete)
	m.Type = change.Modified
	if len(m.Changes) == 0 {
		m.Type = change.Rebaselined
	}
	return nil
}

func (d *detection) disappeared(ctx context.Context, key resource.Key) error {
	last, err := d.s.r.opts.Store.Get(ctx, key, d.s.head.Revision)
	if err != nil {
		return err
	}
	return d.put(ctx, storage.Mutation{Type: change.Disappeared, Resource: &last.Resource})
}

func (d *detection) put(ctx context.Context, m storage.Mutation) error {
	if err := d.txn.Stage(ctx, m); err != nil {
		return err
	}
	if m.Type.Reported() {
		d.changes[countKey{m.Type, m.Resource.Key.Type, m.Resource.Key.Region}]++
	}
	return nil
}

// nextStates returns the states of all scopes after the scan: those that were listed,
// those that the plan could not list, and those that it no longer names.
func (s *scan) nextStates(plan *provider.Plan) map[resource.Scope]*storage.ScopeState {
	next := make(map[resource.Scope]*storage.ScopeState, len(s.states))
	unreached := unreachedBy(plan)
	for scope, state := range s.states {
		next[scope] = without(state, storage.ScopeExcluded, "", "")
		if err := unreached(scope.Account); err != nil && state.Status != storage.ScopeExcluded {
			next[scope] = s.failed(scope, err)
		}
	}
	for _, f := range plan.Failed {
		next[f.Scope] = s.notListed(f.Scope, f.Err)
	}
	for _, l := range s.results {
		if l.superseded {
			continue
		}
		if l.err != nil {
			next[l.scope] = s.notListed(l.scope, l.err)
			continue
		}
		next[l.scope] = s.complete(l)
	}
	return next
}

// unreachedBy returns a function that tells why a plan could not reach an account, nil where
// it did.
func unreachedBy(plan *provider.Plan) func(account string) error {
	planned := map[string]bool{}
	for _, scope := range plan.Scopes {
		planned[scope.Account] = true
	}
	return func(account string) error {
		for _, u := range plan.Unreached {
			if u.Account == account || u.Account == "" && !planned[account] {
				return u.Err
			}
		}
		return nil
	}
}

// allFailed returns the states of all scopes after a scan that could list nothing. None
// of them is unavailable: whatever the reason, nobody asked their services.
func (s *scan) allFailed(err error) map[resource.Scope]*storage.ScopeState {
	next := make(map[resource.Scope]*storage.ScopeState, len(s.states))
	for scope, state := range s.states {
		if state.Status == storage.ScopeExcluded {
			next[scope] = state
			continue
		}
		next[scope] = s.failed(scope, err)
	}
	return next
}

func (s *scan) complete(l *listing) *storage.ScopeState {
	state := &storage.ScopeState{Scope: l.scope, Status: storage.ScopeComplete, Resources: l.seen}
	if l.scope.Region == resource.Global {
		state.Regions = l.bySeen
	}
	if l.partial != nil {
		state.Status = storage.ScopePartial
		state.Reason = string(provider.ReasonOf(l.partial))
		state.Error = fmt.Sprintf("details of %d resources could not be read, the last known ones are kept: %v", l.details, l.partial)
	}
	return state
}

// notListed returns the state of a scope that was asked for and not listed.
func (s *scan) notListed(scope resource.Scope, err error) *storage.ScopeState {
	if reason := provider.ReasonOf(err); reason == provider.ReasonUnavailable {
		return without(s.stateOf(scope), storage.ScopeUnavailable, string(reason), err.Error())
	}
	return s.failed(scope, err)
}

// stateOf is the recorded state of a scope, an empty one where there is none.
func (s *scan) stateOf(scope resource.Scope) *storage.ScopeState {
	if state := s.states[scope]; state != nil {
		return state
	}
	return &storage.ScopeState{Scope: scope}
}

func (s *scan) failed(scope resource.Scope, err error) *storage.ScopeState {
	state := s.stateOf(scope)
	next := without(state, storage.ScopeFailed, string(provider.ReasonOf(err)), err.Error())
	if state.Status == storage.ScopeExcluded || state.Status == storage.ScopeUnavailable {
		next.LastComplete = 0 // for appeared: the failure does not tell what came while nobody looked
	}
	return next
}

// without is state with another status. What was last complete stays: for a state that
// was read as complete that is the head.
func without(state *storage.ScopeState, status storage.ScopeStatus, reason, text string) *storage.ScopeState {
	next := *state
	next.Status, next.Reason, next.Error = status, reason, text
	return &next
}
