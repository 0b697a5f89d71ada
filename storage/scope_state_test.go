package storage_test

import (
	"testing"
	"time"

	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

func TestScopeState_ListedAndStale(t *testing.T) {
	for status, listed := range map[storage.ScopeStatus]bool{
		storage.ScopeComplete: true, storage.ScopePartial: true,
		storage.ScopeFailed: false, storage.ScopeUnavailable: false, storage.ScopeExcluded: false,
	} {
		s := storage.ScopeState{Status: status}
		if s.Listed() != listed || s.Stale() == listed {
			t.Errorf("%s: listed %v, stale %v", status, s.Listed(), s.Stale())
		}
	}
}

func TestScopeState_Same(t *testing.T) {
	base := storage.ScopeState{
		Scope:  resource.Scope{Provider: "aws", Account: "1", Region: resource.Global, Type: "T"},
		Status: storage.ScopeFailed, Reason: "throttled", Error: "Rate exceeded, request 123",
		Resources: 3, Regions: map[string]int{"a": 1, "b": 2}, LastComplete: 4, LastCompleteTime: time.Unix(4, 0),
	}
	for name, c := range map[string]struct {
		change func(*storage.ScopeState)
		same   bool
	}{
		"nothing":               {func(*storage.ScopeState) {}, true},
		"wording of the error":  {func(s *storage.ScopeState) { s.Error = "Rate exceeded, request 456" }, true},
		"when complete last":    {func(s *storage.ScopeState) { s.LastComplete, s.LastCompleteTime = 5, time.Unix(5, 0) }, true},
		"status":                {func(s *storage.ScopeState) { s.Status = storage.ScopePartial }, false},
		"class of the error":    {func(s *storage.ScopeState) { s.Reason = "access_denied" }, false},
		"number of resources":   {func(s *storage.ScopeState) { s.Resources = 4 }, false},
		"resources of a region": {func(s *storage.ScopeState) { s.Regions = map[string]int{"a": 2, "b": 1} }, false},
		"regions":               {func(s *storage.ScopeState) { s.Regions = nil }, false},
		"scope":                 {func(s *storage.ScopeState) { s.Scope.Region = "a" }, false},
	} {
		other := base
		c.change(&other)
		if base.Same(&other) != c.same || other.Same(&base) != c.same {
			t.Errorf("%s: same is %v, want %v", name, !c.same, c.same)
		}
	}
	none, empty := storage.ScopeState{}, storage.ScopeState{Regions: map[string]int{}}
	if !none.Same(&empty) {
		t.Error("no regions and an empty map of them are not the same")
	}
}
