package api

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// diffPage is the answer of /diff.
type diffPage struct {
	Items      []*storage.ChangeEvent `json:"items"`
	From       int64                  `json:"from"` // the revisions that are compared
	To         int64                  `json:"to"`
	NextCursor string                 `json:"next_cursor,omitempty"`
}

// diff answers /diff: what is different between two points, by key. What happened in
// between and was undone is no difference.
func (s *Server) diff(ctx context.Context, _ string, p *params) (any, error) {
	query := storage.DiffQuery{Filter: p.filter()}
	changeTypes, key := p.changeTypes(), p.key()
	from, to, limit, c := p.point("from"), p.point("to"), p.limit(), p.cursor("diff")
	if p.err == nil && from.IsZero() {
		p.fail("from", "is required: "+pointForms)
	}
	if p.err != nil {
		return nil, p.err
	}
	if err := s.diffSpan(ctx, &query, from, to, c); err != nil {
		return nil, err
	}
	if key != nil {
		narrow(&query.Filter, *key)
	}
	answer := diffPage{Items: []*storage.ChangeEvent{}, From: query.From, To: query.To}
	b := budget[resource.Key]{left: maxPassedDifferences}
	query.Passed = b.pass
	wanted := storage.ChangeQuery{ChangeTypes: changeTypes, Key: key}
	events := s.netEvents(s.store.Diff(ctx, query), &wanted, b.pass)
	items, more, err := take(affordable(events), limit, eventSize)
	if err != nil {
		return nil, err
	}
	for _, e := range items {
		answer.Items = append(answer.Items, viewEvent(e))
	}
	if after, ok := b.behind(more, func() string { return items[len(items)-1].Key }); ok {
		answer.NextCursor = cursor{Revision: query.To, Above: query.From, After: after}.encode("diff", p.question())
	}
	return answer, nil
}

// maxPassedDifferences is how many resources are looked at, and not selected, for one page:
// of each, what was recorded of it between the two points is read.
const maxPassedDifferences = 1000

// narrow has a filter demand of a resource what a key tells, where it demands nothing, so
// that few others are looked at.
func narrow(f *storage.Filter, k resource.Key) {
	if len(f.Types) == 0 && !strings.ContainsAny(k.Type, `*?[\`) {
		f.Types = []string{k.Type}
	}
	if f.ID == "" {
		f.ID = k.ID
	}
	if len(f.Accounts) == 0 {
		f.Accounts = []string{k.Account}
	}
	if len(f.Regions) == 0 {
		f.Regions = []string{k.Region}
	}
}

// diffSpan fills in the revisions that a query compares, and where its page begins.
func (s *Server) diffSpan(ctx context.Context, q *storage.DiffQuery, from, to Point, c *cursor) (err error) {
	if c != nil {
		after, err := resource.ParseKey(c.After)
		if err != nil || c.Above < 1 {
			return fmt.Errorf("%w: damaged", storage.ErrBadCursor)
		}
		q.From, q.To, q.After = c.Above, c.Revision, &after
		return nil
	}
	if q.From, err = s.pin(ctx, from, nil); err != nil {
		return fmt.Errorf("parameter from: %w", err)
	}
	if q.To, err = s.pin(ctx, to, nil); err != nil {
		return fmt.Errorf("parameter to: %w", err)
	}
	if q.From > q.To {
		return &paramError{"from", fmt.Sprintf("comes after to: revision %d after %d", q.From, q.To)}
	}
	return nil
}

// netEvents yields the events of those differences that are any and wanted, and passes the
// others.
func (s *Server) netEvents(differences iter.Seq2[*storage.Difference, error], wanted *storage.ChangeQuery, pass func(resource.Key) error) iter.Seq2[*storage.ChangeEvent, error] {
	return func(yield func(*storage.ChangeEvent, error) bool) {
		for d, err := range differences {
			var e *storage.ChangeEvent
			if err == nil {
				e, err = netEvent(d, s.schema(d.After.Resource.Key))
			}
			if err == nil && (e == nil || !wanted.Match(e)) {
				if err = pass(d.After.Resource.Key); err == nil {
					continue
				}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// netEvent returns what is different between the two ends of a difference; nil for
// nothing. Its id, revision and time are those of the newest change event in between.
//
// A resource whose scope was first listed in between is no difference: nobody knows
// whether it was there before.
func netEvent(d *storage.Difference, schema *resource.Schema) (*storage.ChangeEvent, error) {
	was, is := live(d.Before), live(d.After)
	switch {
	case was && is:
		return modification(d, schema)
	case was:
		return eventOf(d, change.Disappeared), nil
	case is && (d.Before != nil || d.Steps[0].ChangeType.Reported()):
		return eventOf(d, change.Created), nil
	default:
		return nil, nil
	}
}

func live(v *storage.Version) bool { return v != nil && v.ChangeType != change.Disappeared }

func modification(d *storage.Difference, schema *resource.Schema) (*storage.ChangeEvent, error) {
	changes, err := change.Compare(schema, &d.Before.Resource, &d.After.Resource)
	if err != nil {
		return nil, err
	}
	if changes = withoutQuiet(d, changes); len(changes) == 0 {
		return nil, nil
	}
	e := eventOf(d, change.Modified)
	e.Changes = changes
	return e, nil
}

// withoutQuiet leaves out what differs only because it was recorded anew: a newer schema
// shows more of a resource, and a part is read for the first time. Such fields are told
// from others by the events, which do not name them. Where a list was renamed by a new
// schema its elements may have other names in an event: they count as the list.
func withoutQuiet(d *storage.Difference, changes []change.FieldChange) []change.FieldChange {
	quiet := len(d.Before.Incomplete) > 0
	var reported []string
	for _, s := range d.Steps {
		switch s.ChangeType {
		case change.Modified:
			for _, c := range s.Changes {
				reported = append(reported, beforeElement(c.Path))
			}
		case change.Rebaselined:
			quiet = true
		default: // it is another resource than before
			return changes
		}
	}
	if !quiet {
		return changes
	}
	var kept []change.FieldChange
	for _, c := range changes {
		for _, path := range reported {
			if overlap(path, beforeElement(c.Path)) {
				kept = append(kept, c)
				break
			}
		}
	}
	return kept
}

// beforeElement cuts a path where it first enters a list or a set.
func beforeElement(path string) string {
	list, _, _ := strings.Cut(path, "[")
	return list
}

// overlap reports whether one path is the other or lies below it.
func overlap(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	rest, ok := strings.CutPrefix(b, a)
	return ok && (rest == "" || rest[0] == '.')
}

func eventOf(d *storage.Difference, t change.Type) *storage.ChangeEvent {
	k := d.After.Resource.Key
	last := d.Steps[len(d.Steps)-1]
	for _, s := range d.Steps {
		if s.Event != (storage.EventID{}) {
			last = s
		}
	}
	e := storage.ChangeEvent{
		Revision: last.Revision, Time: last.Time, ChangeType: t, Key: k.String(),
		Provider: k.Provider, Account: k.Account, Region: k.Region, Type: k.Type, ResourceID: k.ID,
		Name: d.After.Resource.Name,
	}
	if last.Event != (storage.EventID{}) {
		e.ID = last.Event.String()
	}
	return &e
}

// DiffQuery selects differences between two points.
type DiffQuery struct {
	From        string   // as for ParsePoint
	To          string   // empty: now
	Types       []string // globs
	Regions     []string
	Accounts    []string
	Tags        []string // "key" or "key=value": at one of the two points
	ChangeTypes []string // "created", "modified", "disappeared"
	Key         string
	Limit       int // how many to yield at most; 0: all
}

// Diff yields what is different between two points, by key, as events: "created" is what
// is there at the later point only, "disappeared" what is there at the earlier one only,
// and "modified" what is there at both with other content.
func (c *Client) Diff(ctx context.Context, q DiffQuery) iter.Seq2[*storage.ChangeEvent, error] {
	v := make(values)
	v.add("from", q.From)
	v.add("to", q.To)
	v.add("type", q.Types...)
	v.add("region", q.Regions...)
	v.add("account", q.Accounts...)
	v.add("tag", q.Tags...)
	v.add("change_type", q.ChangeTypes...)
	v.add("key", q.Key)
	return pages[storage.ChangeEvent](ctx, c, "diff", v, q.Limit)
}
