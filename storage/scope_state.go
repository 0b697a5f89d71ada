package storage

import (
	"maps"
	"time"

	"github.com/elava-dev/elava/resource"
)

// ScopeStatus is what is known of a scope's newest listing.
type ScopeStatus string

// States of a scope. A scope that was never listed has no state.
const (
	ScopeComplete    ScopeStatus = "complete"    // listed to the last page, with all details
	ScopePartial     ScopeStatus = "partial"     // listed to the last page; some details keep their last good value
	ScopeFailed      ScopeStatus = "failed"      // keeps the last known state
	ScopeUnavailable ScopeStatus = "unavailable" // the service or region does not exist for this account
	ScopeExcluded    ScopeStatus = "excluded"    // no longer listed by configuration; keeps the last known state
)

// ScopeState is what a store keeps of a scope. It is written when it changes, not at
// every scan: a state that says complete was complete in every scan since.
type ScopeState struct {
	Scope  resource.Scope
	Status ScopeStatus

	Reason string // class of the failure: "throttled"; empty where nothing failed
	Error  string // its text

	Resources int            // live resources, the last known ones of a failed scope included
	Regions   map[string]int // the same by region, for scopes with region resource.Global; else nil

	// LastComplete is the revision, and its time, of the newest complete listing: with
	// ScopeComplete and ScopePartial that of the revision at which the state was read.
	// 0 if it never was complete, or not since it was excluded or unavailable: what comes
	// up in it then may have been there before. The time is kept in that case.
	LastComplete     int64
	LastCompleteTime time.Time
}

// Listed reports whether the newest listing was read to its last page.
func (s *ScopeState) Listed() bool { return s.Status == ScopeComplete || s.Status == ScopePartial }

// Stale reports whether the resources of the scope are only the last known ones.
func (s *ScopeState) Stale() bool { return !s.Listed() }

// Same reports whether o says the same, leaving aside when it was last complete and
// the wording of an error: the same failure is rarely worded twice in the same way.
func (s *ScopeState) Same(o *ScopeState) bool {
	return s.Scope == o.Scope && s.Status == o.Status && s.Reason == o.Reason &&
		s.Resources == o.Resources && maps.Equal(s.Regions, o.Regions)
}
