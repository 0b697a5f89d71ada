package storage

import (
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
)

// DiffQuery selects resources of which something was recorded after one revision and up
// to another. Where From is not below To there are none.
type DiffQuery struct {
	Filter   // selects a resource where it selects it as it was at From or as it is at To
	From, To int64
	After    *resource.Key // begin behind this key, which need not exist

	// Passed, if not nil, is told of resources that were looked at and are not selected, as
	// that of Query.
	Passed func(resource.Key) error
}

// Match reports whether the filter selects a difference.
func (q *DiffQuery) Match(d *Difference) bool {
	return d.Before != nil && q.Filter.Match(&d.Before.Resource) || q.Filter.Match(&d.After.Resource)
}

// Difference is what was recorded of one resource between two revisions. That something
// was recorded does not mean that the resource differs: it may be again what it was, and
// quiet versions are among the steps.
type Difference struct {
	Before *Version // valid at From, perhaps a tombstone; nil: nothing was recorded by then
	After  *Version // valid at To, perhaps a tombstone
	Steps  []Step   // from the one to the other, oldest first; at least one
}

// Step is one version without its document.
type Step struct {
	Revision   int64
	Time       time.Time // of the revision
	ChangeType change.Type
	Event      EventID              // of its change event; zero for quiet ones
	Changes    []change.FieldChange // as in the event
}
