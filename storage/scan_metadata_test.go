package storage_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

func TestScanMetadata_Count(t *testing.T) {
	var m storage.ScanMetadata
	for i, typ := range []change.Type{change.Created, change.Modified, change.Disappeared, change.Baseline, change.Rebaselined, "unheard of"} {
		for range i + 1 {
			m.Count(typ)
		}
	}
	if m.Created != 1 || m.Modified != 2 || m.Disappeared != 3 || m.Baseline != 4 || m.Rebaselined != 5 {
		t.Errorf("got %+v", m)
	}
	if m.Changes() != 6 {
		t.Errorf("%d changes, want 6: baseline and rebaselined are none", m.Changes())
	}
}

func TestScanMetadata_FailedScopesAreThoseThatFailedOrLackDetails(t *testing.T) {
	state := func(region string, status storage.ScopeStatus) *storage.ScopeState {
		return &storage.ScopeState{
			Scope:  resource.Scope{Provider: "aws", Account: "1", Region: region, Type: "T"},
			Status: status, Error: "error in " + region,
		}
	}
	m := storage.ScanMetadata{FailedScopes: []storage.FailedScope{{Account: "of another scan"}}}
	m.SetFailedScopes([]*storage.ScopeState{
		state("a", storage.ScopeComplete), state("b", storage.ScopeFailed), state("c", storage.ScopeUnavailable),
		state("d", storage.ScopePartial), state("e", storage.ScopeExcluded),
	})
	want := []storage.FailedScope{
		{Account: "1", Region: "b", Type: "T", Error: "error in b"},
		{Account: "1", Region: "d", Type: "T", Error: "error in d"},
	}
	if !slices.Equal(m.FailedScopes, want) {
		t.Errorf("got %+v, want %+v", m.FailedScopes, want)
	}
}

func TestScanMetadata_NoFailedScopesAreAnEmptyListInJSON(t *testing.T) {
	var m storage.ScanMetadata
	m.SetFailedScopes(nil)
	out, err := json.Marshal(m)
	if err != nil || !strings.Contains(string(out), `"failed_scopes":[]`) {
		t.Errorf("got %s, %v", out, err)
	}
	if strings.Contains(string(out), `"error":`) {
		t.Errorf("a scan without an error tells one: %s", out)
	}
}
