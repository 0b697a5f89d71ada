package storage

import (
	"slices"
	"time"

	"github.com/elava-dev/elava/change"
)

// ScanStatus is how a scan ended.
type ScanStatus string

// Success: every scope was listed completely with all details. Partial: some were not.
// Failed: none was.
const (
	ScanSuccess ScanStatus = "success"
	ScanPartial ScanStatus = "partial"
	ScanFailed  ScanStatus = "failed"
)

// ScanMetadata is the record of one committed scan.
type ScanMetadata struct {
	ScanID        int64      `json:"scan_id"`
	Revision      int64      `json:"revision"`
	StartTime     time.Time  `json:"start_time"`
	EndTime       time.Time  `json:"end_time"` // also the time of the revision
	DurationMS    int64      `json:"duration_ms"`
	ResourceCount int        `json:"resource_count"` // live after the scan, last known ones of failed scopes included
	ErrorCount    int        `json:"error_count"`    // scopes that failed or lack details
	Status        ScanStatus `json:"status"`

	Created     int `json:"created"`
	Modified    int `json:"modified"`
	Disappeared int `json:"disappeared"`
	Baseline    int `json:"baseline"`    // recorded at the first complete listing of their scope
	Rebaselined int `json:"rebaselined"` // recorded anew, without a change in the cloud

	// Error is why nothing could be listed at all; empty otherwise.
	Error string `json:"error,omitempty"`

	// FailedScopes is read from the scope states of the revision, not kept twice. Empty
	// where ErrorCount is 0.
	FailedScopes []FailedScope `json:"failed_scopes"`
}

// FailedScope is a scope that a scan could not list, or not with all details.
type FailedScope struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	Type    string `json:"type"`
	Error   string `json:"error"`
}

// Changes is the number of change events of the scan.
func (m *ScanMetadata) Changes() int { return m.Created + m.Modified + m.Disappeared }

// Count adds one mutation of the type to the counts.
func (m *ScanMetadata) Count(t change.Type) {
	switch t {
	case change.Created:
		m.Created++
	case change.Modified:
		m.Modified++
	case change.Disappeared:
		m.Disappeared++
	case change.Baseline:
		m.Baseline++
	case change.Rebaselined:
		m.Rebaselined++
	}
}

// SetFailedScopes fills FailedScopes from scope states.
func (m *ScanMetadata) SetFailedScopes(states []*ScopeState) {
	m.FailedScopes = []FailedScope{}
	for _, s := range states {
		if s.Status == ScopeFailed || s.Status == ScopePartial {
			m.FailedScopes = append(m.FailedScopes, FailedScope{
				Account: s.Scope.Account, Region: s.Scope.Region, Type: s.Scope.Type, Error: s.Error,
			})
		}
	}
	m.FailedScopes = slices.Clip(m.FailedScopes)
}
