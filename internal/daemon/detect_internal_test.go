package daemon

import (
	"errors"
	"testing"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// What is recorded of an account that could not be reached failed, and is not left out by
// configuration: what is created there in the meantime is to be reported as created.
func TestNextStates_OfAccountsThatWereNotReached(t *testing.T) {
	scope := func(account, typ string) resource.Scope {
		return resource.Scope{Provider: "aws", Account: account, Region: "us-east-1", Type: typ}
	}
	recorded := func(s resource.Scope, status storage.ScopeStatus) *storage.ScopeState {
		return &storage.ScopeState{Scope: s, Status: status, LastComplete: 7, Resources: 3}
	}
	closed, left, old := scope("1", "T"), scope("2", "T"), scope("1", "Old")
	s := &scan{states: map[resource.Scope]*storage.ScopeState{
		closed: recorded(closed, storage.ScopeComplete),
		left:   recorded(left, storage.ScopeComplete),
		old:    recorded(old, storage.ScopeExcluded),
	}}
	denied := &provider.Error{Reason: provider.ReasonNoCredentials, Err: errors.New("not for you")}
	planned := []resource.Scope{scope("3", "T")}
	for _, tc := range []struct {
		unreached string
		want      map[resource.Scope]storage.ScopeStatus
	}{
		{"1", map[resource.Scope]storage.ScopeStatus{closed: storage.ScopeFailed, left: storage.ScopeExcluded, old: storage.ScopeExcluded}},
		{"", map[resource.Scope]storage.ScopeStatus{closed: storage.ScopeFailed, left: storage.ScopeFailed, old: storage.ScopeExcluded}},
		{"3", map[resource.Scope]storage.ScopeStatus{closed: storage.ScopeExcluded, left: storage.ScopeExcluded, old: storage.ScopeExcluded}},
	} {
		states := s.nextStates(&provider.Plan{
			Scopes: planned, Unreached: []*provider.AccountError{{Account: tc.unreached, Err: denied}},
		})
		for scope, want := range tc.want {
			got := states[scope]
			if got.Status != want || got.Resources != 3 || got.LastComplete != 7 {
				t.Errorf("account %q not reached: %s is %+v, want %s", tc.unreached, scope, got, want)
			}
		}
	}
}

// An account that was not reached is one error, not one for each of its scopes.
func TestErrors_TellOnceOfAnAccount(t *testing.T) {
	denied := errors.New("not for you")
	s := &scan{}
	failed := &provider.ScopeError{Err: denied}
	all := s.errors(&provider.Plan{
		Failed:    []*provider.ScopeError{failed, failed, {Err: errors.New("another")}},
		Unreached: []*provider.AccountError{{Account: "1", Err: denied}},
	})
	if len(all) != 2 {
		t.Errorf("%d errors: %v, want 2", len(all), all)
	}
}
