package api

import (
	"encoding/json"
	"maps"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/storage"
)

// Resource is a resource as it was at the revision that was asked for. Every member is
// always present in JSON, Incomplete excepted.
type Resource struct {
	Key      string `json:"key"`
	Provider string `json:"provider"`
	Account  string `json:"account"`
	Region   string `json:"region"`
	Type     string `json:"type"`
	ID       string `json:"id"`
	ARN      string `json:"arn"`  // empty where the cloud has none
	Name     string `json:"name"` // empty where it has none
	Status   string `json:"status"`

	CreatedAt  *time.Time        `json:"created_at"` // null where the cloud does not say
	Tags       map[string]string `json:"tags"`
	Attributes json.RawMessage   `json:"attributes"` // a JSON object

	Revision  int64      `json:"revision"`   // that recorded this version
	ValidFrom time.Time  `json:"valid_from"` // the time of that revision
	ValidTo   *time.Time `json:"valid_to"`   // when the next version replaced it; null while it is the newest

	// ObservedAt is when the resource was last seen like this, as known at the revision
	// asked for: when its scope was last listed completely or, if that is later, when
	// the version was recorded. It is null in the superseded versions of a history.
	ObservedAt *time.Time `json:"observed_at"`

	// Stale reports that the scope was not listed completely at the revision asked for,
	// so that this is the last known state and perhaps no longer the true one.
	Stale bool `json:"stale"`

	// Incomplete names parts that could never be read ("tags", "attributes.Policy"):
	// their absence says nothing about the cloud. Absent where there are none.
	Incomplete []string `json:"incomplete,omitempty"`
}

// Version is one entry of the history of a resource: a Resource, how it came to be, and
// what differs from the version before. With change type "disappeared" it is a
// tombstone, which has key, ARN and name only.
type Version struct {
	Resource
	ChangeType change.Type          `json:"change_type"` // also "baseline" and "rebaselined"
	Changes    []change.FieldChange `json:"changes"`     // empty, never null
}

// Scope is the state of one scope.
type Scope struct {
	Provider      string              `json:"provider"`
	Account       string              `json:"account"`
	Region        string              `json:"region"`
	Type          string              `json:"type"`
	Status        storage.ScopeStatus `json:"status"`
	ResourceCount int                 `json:"resource_count"` // live ones, the last known ones of a failed scope included
	LastComplete  *time.Time          `json:"last_complete"`  // null if it never was listed completely
	LastError     string              `json:"last_error"`     // empty unless partial, failed or unavailable
}

// Problem is an error as RFC 9457 describes it. Its media type is
// application/problem+json.
type Problem struct {
	Type   string `json:"type"` // an address that ends in "#" and the kind: see Problem.Kind
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`

	// Last comes with kind "gone": the resource as it was before it disappeared.
	Last *Version `json:"last,omitempty"`
}

// page is a list with a revision: the answer of /resources.
type page[T any] struct {
	Items      []T    `json:"items"`
	Revision   int64  `json:"revision"`
	NextCursor string `json:"next_cursor,omitempty"`
}

// list is a list without: the answer of all others.
type list[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty"`
}

// viewResource renders a version as seen at the revision at which the states of scopes
// were read. Without them nothing is said about when it was observed.
func viewResource(v *storage.Version, scopes *storage.Freshness) Resource {
	r := &v.Resource
	view := Resource{
		Key: r.Key.String(), Provider: r.Key.Provider, Account: r.Key.Account,
		Region: r.Key.Region, Type: r.Key.Type, ID: r.Key.ID,
		ARN: r.ARN, Name: r.Name, Status: r.Status,
		CreatedAt: timeOrNull(r.CreatedAt), Tags: maps.Clone(r.Tags), Attributes: r.Attributes,
		Revision: v.Revision, ValidFrom: v.ValidFrom.UTC(), ValidTo: timeOrNull(v.ValidTo),
		Incomplete: v.Incomplete,
	}
	if view.Tags == nil {
		view.Tags = map[string]string{}
	}
	if len(view.Attributes) == 0 {
		view.Attributes = json.RawMessage("{}")
	}
	if scopes != nil {
		var observed time.Time
		observed, view.Stale = scopes.Observed(v)
		view.ObservedAt = timeOrNull(observed)
	}
	return view
}

func viewVersion(v *storage.Version, scopes *storage.Freshness) Version {
	return Version{
		Resource: viewResource(v, scopes), ChangeType: v.ChangeType, Changes: viewChanges(v.Changes),
	}
}

func viewEvent(e *storage.ChangeEvent) *storage.ChangeEvent {
	view := *e
	view.Time = e.Time.UTC()
	view.Changes = viewChanges(e.Changes)
	return &view
}

func viewScan(m *storage.ScanMetadata) *storage.ScanMetadata {
	view := *m
	view.StartTime, view.EndTime = m.StartTime.UTC(), m.EndTime.UTC()
	if view.FailedScopes == nil {
		view.FailedScopes = []storage.FailedScope{}
	}
	return &view
}

func viewScope(s *storage.ScopeState) Scope {
	return Scope{
		Provider: s.Scope.Provider, Account: s.Scope.Account, Region: s.Scope.Region, Type: s.Scope.Type,
		Status: s.Status, ResourceCount: s.Resources,
		LastComplete: timeOrNull(s.LastCompleteTime), LastError: s.Error,
	}
}

// viewChanges makes of no changes an empty list, and of no value a null.
func viewChanges(changes []change.FieldChange) []change.FieldChange {
	view := make([]change.FieldChange, len(changes))
	for i, c := range changes {
		view[i] = change.FieldChange{Path: c.Path, Old: rawOrNull(c.Old), New: rawOrNull(c.New)}
	}
	return view
}

func rawOrNull(v json.RawMessage) json.RawMessage {
	if len(v) == 0 {
		return nil
	}
	return v
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
