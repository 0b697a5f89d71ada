package query

import (
	"bytes"
	"encoding/json"
	"iter"
	"strings"
	"time"

	"modernc.org/sqlite/vtab"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// changesTable is the change feed up to the revision.
func changesTable() *table {
	columns := []Column{
		{Name: "id", Type: "TEXT"},
		{Name: "revision", Type: "INTEGER", pushed: ordered, share: 1e-4},
		{Name: "time", Type: "TEXT", pushed: ordered, share: 1e-4},
		{Name: "change_type", Type: "TEXT", pushed: equal, share: 0.3},
	}
	columns = append(columns, keyColumns("resource_id")...)
	for i := range columns {
		columns[i].key = false
	}
	columns = append(columns, Column{Name: "name", Type: "TEXT", pushed: equal, share: 1e-3}, Column{Name: "changes", Type: "TEXT"})
	return &table{
		name: "changes", primary: "id", rows: 500_000, columns: columns, scan: scanChanges,
		inOrder: func(column string) bool { return column == "revision" || column == "time" },
	}
}

type eventRow struct{ e *storage.ChangeEvent }

func (r eventRow) value(column int) vtab.Value {
	e := r.e
	switch column {
	case 0:
		return e.ID
	case 1:
		return e.Revision
	case 2:
		return timeText(e.Time)
	case 3:
		return string(e.ChangeType)
	case 4:
		return e.Key
	case 5:
		return e.Provider
	case 6:
		return e.Account
	case 7:
		return e.Region
	case 8:
		return e.Type
	case 9:
		return e.ResourceID
	case 10:
		return e.Name
	default:
		return changesText(e.Changes)
	}
}

func scanChanges(s *session, d *demand) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		q, possible, err := s.changeQuery(d)
		if err != nil {
			yield(nil, err)
			return
		}
		if !possible {
			return
		}
		for e, err := range s.store.Changes(s.ctx, q) {
			if !yield(eventRow{e}, err) {
				return
			}
		}
	}
}

// changeQuery returns what a demand asks of the store; possible is false where nothing can
// meet it.
func (s *session) changeQuery(d *demand) (q storage.ChangeQuery, possible bool, err error) {
	q = storage.ChangeQuery{Filter: d.filter("resource_id"), OldestFirst: d.oldestFirst}
	if text, ok := d.text("key"); ok {
		key, err := resource.ParseKey(text)
		if err != nil {
			return q, false, nil
		}
		q.Key = &key
	}
	if text, ok := d.text("change_type"); ok {
		if !change.Type(text).Reported() {
			return q, false, nil
		}
		q.ChangeTypes = []change.Type{change.Type(text)}
	}
	span, err := s.span(d)
	if err != nil || span.last < span.first {
		return q, false, err
	}
	q.UpTo, q.Above = span.last, s.above(span.first)
	return q, true, nil
}

// above returns from where a store is asked for changes. One that was asked for dropped
// changes by number refuses; a query that does not reach back so far by its own will is
// answered with what there is, as the table without a condition is.
func (s *session) above(first int64) int64 {
	if first <= s.oldest {
		return 0
	}
	return first - 1
}

// revisions is a range of revisions, both ends included.
type revisions struct{ first, last int64 }

// span returns the revisions that a demand may select by number and by time.
func (s *session) span(d *demand) (revisions, error) {
	r := revisions{1, s.revision}
	for _, c := range d.terms {
		switch value := c.value.(type) {
		case int64:
			if c.column == "revision" {
				r.limit(c.op, value, value)
			}
		case string:
			from, to, ok := instants(value)
			if c.column != "time" || !ok {
				continue
			}
			first, err := s.store.RevisionAt(s.ctx, from.Add(-time.Millisecond))
			if err != nil {
				return r, err
			}
			last, err := s.store.RevisionAt(s.ctx, to)
			if err != nil {
				return r, err
			}
			r.limit(c.op, first+1, last)
		}
	}
	return r, nil
}

// limit narrows the range by a comparison with what lies from one revision to another. It
// may leave too much, because SQLite compares again.
func (r *revisions) limit(op vtab.ConstraintOp, from, to int64) {
	if op == vtab.OpEQ || op == vtab.OpGT || op == vtab.OpGE {
		r.first = max(r.first, from)
	}
	if op == vtab.OpEQ || op == vtab.OpLT || op == vtab.OpLE {
		r.last = min(r.last, to)
	}
}

// instants returns a range of time that holds every time whose text, as timeText writes
// it, may compare as equal to a text, or begin with it. What is behind the text as SQLite
// compares is not before the range, and what is before the text not behind it.
func instants(text string) (from, to time.Time, ok bool) {
	if t, ok := written(timeForm, text); ok {
		return t, t, earliest(t)
	}
	if len(text) < len(time.DateOnly) {
		return from, to, false
	}
	day, ok := written(time.DateOnly, text[:len(time.DateOnly)])
	return day, day.Add(24 * time.Hour), ok && earliest(day)
}

// written parses a time that is written exactly so. Others that time.Parse understands, such
// as 2:00 for 02:00, compare as texts and not as the times that they mean.
func written(form, text string) (time.Time, bool) {
	t, err := time.Parse(form, text)
	return t, err == nil && t.Format(form) == text
}

// earliest keeps out times that engines need not know.
func earliest(t time.Time) bool { return t.After(time.Unix(0, 0)) }

// scansTable is the metadata of scans up to the revision, in the order of
// storage.ScanMetadata.
func scansTable() *table {
	return &table{
		name: "scans", primary: "revision", rows: 10_000, scan: scanScans,
		columns: []Column{
			{Name: "scan_id", Type: "INTEGER"},
			{Name: "revision", Type: "INTEGER", pushed: ordered, share: 1e-4},
			{Name: "start_time", Type: "TEXT"},
			{Name: "end_time", Type: "TEXT"},
			{Name: "duration_ms", Type: "INTEGER"},
			{Name: "resource_count", Type: "INTEGER"},
			{Name: "error_count", Type: "INTEGER"},
			{Name: "status", Type: "TEXT"},
			{Name: "created", Type: "INTEGER"},
			{Name: "modified", Type: "INTEGER"},
			{Name: "disappeared", Type: "INTEGER"},
			{Name: "baseline", Type: "INTEGER"},
			{Name: "rebaselined", Type: "INTEGER"},
			{Name: "error", Type: "TEXT"},
			{Name: "failed_scopes", Type: "TEXT"},
		},
	}
}

type scanRow struct{ m *storage.ScanMetadata }

func (r scanRow) value(column int) vtab.Value {
	m := r.m
	return [...]vtab.Value{
		m.ScanID, m.Revision, timeText(m.StartTime), timeText(m.EndTime), m.DurationMS,
		int64(m.ResourceCount), int64(m.ErrorCount), string(m.Status),
		int64(m.Created), int64(m.Modified), int64(m.Disappeared), int64(m.Baseline), int64(m.Rebaselined),
		m.Error, jsonText(m.FailedScopes),
	}[column]
}

func scanScans(s *session, d *demand) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		span, err := s.span(d)
		if err != nil {
			yield(nil, err)
			return
		}
		if span.last < 1 {
			return
		}
		if last := s.scan; last != nil && span.first == last.Revision && span.last == last.Revision {
			yield(scanRow{last}, nil)
			return
		}
		for m, err := range s.store.Scans(s.ctx, span.last+1) {
			if err == nil && m.Revision < span.first {
				return
			}
			if s.scan = m; !yield(scanRow{m}, err) {
				return
			}
		}
	}
}

// scopesTable is what was listed, and how that went, as of the revision.
func scopesTable() *table {
	return &table{
		name: "scopes", primary: "identity", rows: 1000, scan: scanScopes,
		columns: []Column{
			{Name: "provider", Type: "TEXT"},
			{Name: "account", Type: "TEXT"},
			{Name: "region", Type: "TEXT"},
			{Name: "type", Type: "TEXT"},
			{Name: "status", Type: "TEXT"},
			{Name: "resource_count", Type: "INTEGER"},
			{Name: "last_complete", Type: "TEXT"},
			{Name: "last_error", Type: "TEXT"},
			identity(),
		},
	}
}

type scopeRow struct{ s *storage.ScopeState }

func (r scopeRow) value(column int) vtab.Value {
	s := r.s
	return [...]vtab.Value{
		s.Scope.Provider, s.Scope.Account, s.Scope.Region, s.Scope.Type, string(s.Status),
		int64(s.Resources), timeText(s.LastCompleteTime), s.Error, s.Scope.String(),
	}[column]
}

func scanScopes(s *session, _ *demand) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for state, err := range s.store.Scopes(s.ctx, s.revision) {
			if !yield(scopeRow{state}, err) {
				return
			}
		}
	}
}

// timeForm is RFC 3339 in UTC to the millisecond, always of the same length, so that
// times compare as their texts do and SQLite's functions read them.
const timeForm = "2006-01-02T15:04:05.000Z"

// timeText returns NULL for the zero time.
func timeText(t time.Time) vtab.Value {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(timeForm)
}

func boolean(b bool) vtab.Value {
	if b {
		return int64(1)
	}
	return int64(0)
}

func tagsText(tags map[string]string) string {
	if len(tags) == 0 {
		return "{}"
	}
	return jsonText(tags)
}

func listText(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	return jsonText(list)
}

func changesText(changes []change.FieldChange) string {
	if len(changes) == 0 {
		return "[]"
	}
	return jsonText(changes)
}

// jsonText renders what always has a form as JSON: <, > and & stay as they are.
func jsonText(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // no value of this package's has none
	}
	return strings.TrimSuffix(b.String(), "\n")
}
