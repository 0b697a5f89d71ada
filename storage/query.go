package storage

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
)

// Filter selects resources. Its fields are connected by and, the values of one field
// by or; an empty field selects everything.
type Filter struct {
	Types    []string // globs, without regard to case: "aws::ec2::*"
	Regions  []string
	Accounts []string
	Tags     []TagFilter
	Name     string // exact; of an engine it asks no more than to look at what has or had it
	ARN      string // the same
	ID       string // exact
}

// TagFilter selects resources that have the tag, with that value unless AnyValue.
type TagFilter struct {
	Key, Value string
	AnyValue   bool
}

// ParseTagFilter reads "key" or "key=value".
func ParseTagFilter(s string) (TagFilter, error) {
	k, v, hasValue := strings.Cut(s, "=")
	if k == "" {
		return TagFilter{}, fmt.Errorf("tag filter %q: want key or key=value", s)
	}
	return TagFilter{Key: k, Value: v, AnyValue: !hasValue}, nil
}

// Validate reports malformed globs.
func (f *Filter) Validate() error {
	for _, g := range f.Types {
		if _, err := path.Match(g, ""); err != nil {
			return fmt.Errorf("type %q: malformed pattern", g)
		}
	}
	return nil
}

// MatchType reports whether a type matches one of the globs, or there are none. "*"
// matches any run of characters; types contain no slashes.
func MatchType(globs []string, t string) bool {
	if len(globs) == 0 {
		return true
	}
	lower := strings.ToLower(t)
	return slices.ContainsFunc(globs, func(g string) bool {
		ok, err := path.Match(strings.ToLower(g), lower)
		return ok && err == nil
	})
}

// MatchScope reports whether a scope can hold resources that the filter selects.
func (f *Filter) MatchScope(s resource.Scope) bool {
	return MatchType(f.Types, s.Type) && oneOf(f.Accounts, s.Account) &&
		(s.Region == resource.Global || oneOf(f.Regions, s.Region))
}

// MatchKey reports whether the filter's demands on the key are met.
func (f *Filter) MatchKey(k resource.Key) bool {
	return (f.ID == "" || f.ID == k.ID) && MatchType(f.Types, k.Type) &&
		oneOf(f.Accounts, k.Account) && oneOf(f.Regions, k.Region)
}

// Match reports whether the filter selects r.
func (f *Filter) Match(r *resource.Resource) bool {
	if f.Name != "" && f.Name != r.Name || f.ARN != "" && f.ARN != r.ARN || !f.MatchKey(r.Key) {
		return false
	}
	for _, t := range f.Tags {
		if v, ok := r.Tags[t.Key]; !ok || !t.AnyValue && v != t.Value {
			return false
		}
	}
	return true
}

func oneOf(allowed []string, v string) bool { return len(allowed) == 0 || slices.Contains(allowed, v) }

// Query selects the live resources at one revision.
type Query struct {
	Filter
	Revision int64
	After    *resource.Key // begin behind this key, which need not exist

	// KeysOnly says that of each version only Resource.Key is wanted. An engine may leave
	// all else out, which spares it reading documents.
	KeysOnly bool

	// Passed, if not nil, is told of resources that were looked at and are not selected,
	// in the order of keys: nothing up to this one is still to come. It need not be told of
	// each. An error that it returns ends the listing, which yields it.
	Passed func(resource.Key) error
}

// ChangeQuery selects change events.
type ChangeQuery struct {
	Filter      // Tags and ARNs are not known of events and must be empty
	ChangeTypes []change.Type
	Key         *resource.Key

	Above int64 // only revisions above this one
	UpTo  int64 // only revisions up to this one; HeadRevision: no limit

	After       EventID // begin behind this event, in the order asked for; zero: from the start
	OldestFirst bool

	// Passed, if not nil, is told of events that were looked at and are not selected, in
	// the order asked for: nothing up to this one is still to come. It need not be told of
	// each. An error that it returns ends the answer, which yields it.
	Passed func(EventID) error
}

// Match reports whether the query selects an event, leaving aside where it begins.
func (q *ChangeQuery) Match(e *ChangeEvent) bool {
	return e.Revision > q.Above && (q.UpTo == HeadRevision || e.Revision <= q.UpTo) &&
		(len(q.ChangeTypes) == 0 || slices.Contains(q.ChangeTypes, e.ChangeType)) &&
		(q.Key == nil || q.Key.String() == e.Key) &&
		(q.ID == "" || q.ID == e.ResourceID) && (q.Name == "" || q.Name == e.Name) &&
		MatchType(q.Types, e.Type) && oneOf(q.Accounts, e.Account) && oneOf(q.Regions, e.Region)
}

// EventID orders change events: by revision, then by their number within it, from 1.
type EventID struct {
	Revision int64
	Number   int
}

// String returns "12-3".
func (id EventID) String() string {
	return strconv.FormatInt(id.Revision, 10) + "-" + strconv.Itoa(id.Number)
}

// ParseEventID reads what String wrote.
func ParseEventID(s string) (EventID, error) {
	rev, num, ok := strings.Cut(s, "-")
	if ok {
		r, err1 := strconv.ParseInt(rev, 10, 64)
		n, err2 := strconv.ParseUint(num, 10, 31)
		if err1 == nil && err2 == nil && r > 0 {
			return EventID{Revision: r, Number: int(n)}, nil
		}
	}
	return EventID{}, fmt.Errorf("%w: event id %q: want revision-number, such as 12-3", ErrBadCursor, s)
}

// Compare orders ids oldest first.
func (id EventID) Compare(o EventID) int {
	if id.Revision != o.Revision {
		if id.Revision < o.Revision {
			return -1
		}
		return 1
	}
	return id.Number - o.Number
}
