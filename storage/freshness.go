package storage

import (
	"context"
	"time"

	"github.com/elava-dev/elava/resource"
)

// Freshness tells of any resource how fresh what is recorded of it was at one revision.
// It holds a few words for every scope, is never changed once read, and may be used by
// several goroutines at a time.
type Freshness struct {
	states map[resource.Scope]scopeFreshness
}

type scopeFreshness struct {
	lastComplete time.Time
	stale        bool
}

// ReadFreshness reads the states of all scopes at a revision.
func ReadFreshness(ctx context.Context, s Store, revision int64) (*Freshness, error) {
	f := &Freshness{states: map[resource.Scope]scopeFreshness{}}
	for state, err := range s.Scopes(ctx, revision) {
		if err != nil {
			return nil, err
		}
		f.states[state.Scope] = scopeFreshness{lastComplete: state.LastCompleteTime, stale: state.Stale()}
	}
	return f, nil
}

// Observed returns when a version of a resource was last seen, which is when its scope was
// last listed completely or, if that is later, when the version was recorded, and whether
// the scope was not listed completely since. A resource without a scope is stale.
func (f *Freshness) Observed(v *Version) (at time.Time, stale bool) {
	scope := v.Resource.Key.Scope()
	s, ok := f.states[scope]
	if !ok {
		s, ok = f.states[scope.AccountWide()]
	}
	at = s.lastComplete
	if at.Before(v.ValidFrom) {
		at = v.ValidFrom
	}
	return at, !ok || s.stale
}
