package storagetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// errTxnEnded is what a transaction answers after Commit or Rollback.
var errTxnEnded = errors.New("the transaction has ended")

// Model is a storage.Store in memory that is meant to be obviously right: it keeps
// everything that was ever committed, in the order in which it happened, and answers a
// question by looking through it. It collects an answer before it yields the first
// element, which an engine must not do.
//
// The history of one key, after: created at revision 2, modified at 5, disappeared at 7,
// created again at 9:
//
//	versions[key] = {created, 2} {modified, 5} {disappeared, 7} {created, 9}
//	                 ends at 5    ends at 7     ends at 9        newest
//
// At revision 6 the last entry not above it is {modified, 5}: that is the version. At 8 it
// is the tombstone: gone, and {modified, 5} is what it was before. At 1 there is none:
// never seen. Where an entry ends is where the next one begins, so it is never stored.
type Model struct {
	mu    sync.Mutex
	ended sync.Cond // the open transaction ended

	txn     *modelTxn
	closing bool
	closed  bool

	oldest   int64                  // revision that can be read; 0: all
	scans    []storage.ScanMetadata // of revision i+1; EndTime is its time
	versions map[resource.Key][]record
	scopes   map[resource.Scope][]scopeRecord
	events   []storage.ChangeEvent // oldest first
}

// record is one entry in the history of a key.
type record struct {
	storage.Version // EndRevision and ValidTo are not set
	fingerprint     resource.Fingerprint
}

// scopeRecord is a state of a scope and the revision that set it.
type scopeRecord struct {
	storage.ScopeState
	revision int64
}

// NewModel returns an empty Model.
func NewModel() *Model {
	m := &Model{
		versions: map[resource.Key][]record{},
		scopes:   map[resource.Scope][]scopeRecord{},
	}
	m.ended.L = &m.mu
	return m
}

// Reopen returns a Model that holds what was committed to m, as a store opened in the
// directory of another one would. m may be open, in the middle of a transaction, or closed.
func (m *Model) Reopen() *Model {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := NewModel()
	c.oldest = m.oldest
	c.scans = slices.Clone(m.scans)
	c.events = slices.Clone(m.events)
	for k, v := range m.versions {
		c.versions[k] = slices.Clone(v)
	}
	for k, v := range m.scopes {
		c.scopes[k] = slices.Clone(v)
	}
	return c
}

// Crash forgets an open transaction, as the death of the process would.
func (m *Model) Crash() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.txn != nil {
		m.txn.end()
	}
}

// head returns the newest revision; 0 before the first.
func (m *Model) head() int64 { return int64(len(m.scans)) }

// timeOf returns the time of a revision; zero for revision 0.
func (m *Model) timeOf(revision int64) time.Time {
	if revision == 0 {
		return time.Time{}
	}
	return m.scans[revision-1].EndTime
}

// usable says why the store cannot answer, if it cannot.
func (m *Model) usable(ctx context.Context) error {
	if m.closed {
		return storage.ErrClosed
	}
	return ctx.Err()
}

// resolve returns the number of a revision that a caller asked for.
func (m *Model) resolve(revision int64) (int64, error) {
	switch {
	case revision == storage.HeadRevision:
		return m.head(), nil
	case revision < 0:
		return 0, fmt.Errorf("revision %d: there are no negative revisions", revision)
	case revision > m.head():
		return 0, fmt.Errorf("revision %d, head is %d: %w", revision, m.head(), storage.ErrFutureRevision)
	case revision < m.oldest:
		return 0, &storage.CompactedError{Revision: revision, Oldest: m.oldest}
	default:
		return revision, nil
	}
}

// Head implements storage.Store.
func (m *Model) Head(ctx context.Context) (storage.Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return storage.Head{}, err
	}
	if len(m.scans) == 0 {
		return storage.Head{}, nil
	}
	last := m.scans[len(m.scans)-1]
	return storage.Head{Revision: last.Revision, Time: last.EndTime, ScanID: last.ScanID}, nil
}

// index returns the place, in the history of a key, of the entry in force at a revision;
// -1 where there is none.
func (m *Model) index(key resource.Key, revision int64) int {
	found := -1
	for i, r := range m.versions[key] {
		if r.Revision <= revision {
			found = i
		}
	}
	return found
}

// version returns a copy of an entry in the history of a key, complete with its end.
func (m *Model) version(key resource.Key, i int) *storage.Version {
	history := m.versions[key]
	v := history[i].Version
	v.Resource = copyResource(&v.Resource)
	v.Changes = copyChanges(v.Changes)
	v.Incomplete = slices.Clone(v.Incomplete)
	if i+1 < len(history) {
		v.EndRevision = history[i+1].Revision
		v.ValidTo = history[i+1].ValidFrom
	}
	return &v
}

// Get implements storage.Store.
func (m *Model) Get(ctx context.Context, key resource.Key, revision int64) (*storage.Version, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	at, err := m.resolve(revision)
	if err != nil {
		return nil, err
	}
	i := m.index(key, at)
	if i < 0 {
		return nil, fmt.Errorf("%s: %w", key, storage.ErrNotFound)
	}
	gone := m.versions[key][i].ChangeType == change.Disappeared
	if gone {
		i--
	}
	if i < 0 {
		return nil, fmt.Errorf("%s: %w", key, storage.ErrNotFound)
	}
	v := m.version(key, i)
	v.Changes = nil
	if gone {
		return nil, &storage.GoneError{Last: v}
	}
	return v, nil
}

// live returns the keys of the resources that exist at a revision, in order.
func (m *Model) live(revision int64) []resource.Key {
	var keys []resource.Key
	for k := range m.versions {
		i := m.index(k, revision)
		if i >= 0 && m.versions[k][i].ChangeType != change.Disappeared {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, resource.Key.Compare)
	return keys
}

// stream yields what collect returns. collect runs when the iteration begins.
func stream[T any](ctx context.Context, m *Model, collect func() ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		items, err := locked(ctx, m, collect)
		for _, item := range items {
			if err := ctx.Err(); err != nil {
				yield(none, err)
				return
			}
			if !yield(item, nil) {
				return
			}
		}
		if err != nil {
			yield(none, err)
		}
	}
}

func locked[T any](ctx context.Context, m *Model, collect func() ([]T, error)) ([]T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	return collect()
}

// Known implements storage.Store.
func (m *Model) Known(ctx context.Context, scope resource.Scope, revision int64) iter.Seq2[storage.Known, error] {
	return stream(ctx, m, func() ([]storage.Known, error) {
		at, err := m.resolve(revision)
		if err != nil {
			return nil, err
		}
		var all []storage.Known
		for _, k := range m.live(at) {
			if !scope.Contains(k) {
				continue
			}
			r := m.versions[k][m.index(k, at)]
			all = append(all, storage.Known{
				Key: k, Fingerprint: r.fingerprint, Schema: r.Schema,
				UID: r.Resource.UID, Incomplete: len(r.Incomplete) > 0,
			})
		}
		return all, nil
	})
}

// List implements storage.Store.
func (m *Model) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	return stream(ctx, m, func() ([]*storage.Version, error) {
		at, err := m.resolve(q.Revision)
		if err != nil {
			return nil, err
		}
		var all []*storage.Version
		for _, k := range m.live(at) {
			if q.After != nil && k.Compare(*q.After) <= 0 {
				continue
			}
			v := m.version(k, m.index(k, at))
			v.Changes = nil
			if !q.Match(&v.Resource) {
				if q.Passed == nil {
					continue
				}
				if err := q.Passed(k); err != nil {
					return all, err
				}
				continue
			}
			if q.KeysOnly {
				v = &storage.Version{Resource: resource.Resource{Key: k}}
			}
			all = append(all, v)
		}
		return all, nil
	})
}

// History implements storage.Store.
func (m *Model) History(ctx context.Context, key resource.Key) iter.Seq2[*storage.Version, error] {
	return stream(ctx, m, func() ([]*storage.Version, error) {
		var all []*storage.Version
		for i := range m.versions[key] {
			all = append(all, m.version(key, i))
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("%s: %w", key, storage.ErrNotFound)
		}
		slices.Reverse(all)
		return all, nil
	})
}

// Changes implements storage.Store.
func (m *Model) Changes(ctx context.Context, q storage.ChangeQuery) iter.Seq2[*storage.ChangeEvent, error] {
	return stream(ctx, m, func() ([]*storage.ChangeEvent, error) {
		if err := m.trimmed(q); err != nil {
			return nil, err
		}
		events := slices.Clone(m.events)
		if !q.OldestFirst {
			slices.Reverse(events)
		}
		var all []*storage.ChangeEvent
		for _, e := range events {
			id, err := storage.ParseEventID(e.ID)
			if err != nil {
				return nil, err
			}
			switch {
			case !behind(q, id):
			case q.Match(&e):
				e.Changes = copyChanges(e.Changes)
				all = append(all, &e)
			case q.Passed != nil:
				if err := q.Passed(id); err != nil {
					return all, err
				}
			}
		}
		return all, nil
	})
}

// trimmed says that a query asks for events from a revision that was trimmed.
func (m *Model) trimmed(q storage.ChangeQuery) error {
	first := q.Above + 1
	asked := q.Above > 0
	if q.OldestFirst && q.After != (storage.EventID{}) {
		first, asked = max(first, q.After.Revision), true
	}
	if asked && first <= m.oldest {
		return &storage.CompactedError{Revision: first - 1, Oldest: m.oldest}
	}
	return nil
}

// Trim implements storage.Store.
func (m *Model) Trim(ctx context.Context, revision int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return err
	}
	if revision > m.head() {
		return fmt.Errorf("trimming up to %d, head is %d: %w", revision, m.head(), storage.ErrFutureRevision)
	}
	if revision <= max(1, m.oldest) {
		return nil
	}
	m.oldest = revision
	for key := range m.versions {
		m.trimKey(key)
	}
	m.events = slices.DeleteFunc(m.events, func(e storage.ChangeEvent) bool { return e.Revision <= revision })
	return nil
}

// trimKey forgets what a key was before the oldest revision.
func (m *Model) trimKey(key resource.Key) {
	i := m.index(key, m.oldest)
	if i < 0 {
		return
	}
	kept := slices.Clone(m.versions[key][i:])
	kept[0].Changes = nil // how it came to be was an event before
	if kept[0].ChangeType == change.Disappeared {
		kept = kept[1:]
	}
	if len(kept) == 0 {
		delete(m.versions, key)
		return
	}
	m.versions[key] = kept
}

// behind reports whether an event comes after the one at which the query begins.
func behind(q storage.ChangeQuery, id storage.EventID) bool {
	switch {
	case q.After == storage.EventID{}:
		return true
	case q.OldestFirst:
		return id.Compare(q.After) > 0
	default:
		return id.Compare(q.After) < 0
	}
}

// Scans implements storage.Store.
func (m *Model) Scans(ctx context.Context, before int64) iter.Seq2[*storage.ScanMetadata, error] {
	return stream(ctx, m, func() ([]*storage.ScanMetadata, error) {
		var all []*storage.ScanMetadata
		for _, scan := range slices.Backward(m.scans) {
			if before != storage.HeadRevision && scan.Revision >= before {
				continue
			}
			if scan.Revision < m.oldest {
				break
			}
			scan.FailedScopes = []storage.FailedScope{}
			if scan.ErrorCount > 0 {
				scan.SetFailedScopes(m.statesAt(scan.Revision))
			}
			all = append(all, &scan)
		}
		return all, nil
	})
}

// Scopes implements storage.Store.
func (m *Model) Scopes(ctx context.Context, revision int64) iter.Seq2[*storage.ScopeState, error] {
	return stream(ctx, m, func() ([]*storage.ScopeState, error) {
		at, err := m.resolve(revision)
		if err != nil {
			return nil, err
		}
		return m.statesAt(at), nil
	})
}

// statesAt returns the states of all scopes that have one at a revision, in order. One
// that says complete was complete in every scan since, so also in that of the revision.
func (m *Model) statesAt(revision int64) []*storage.ScopeState {
	var all []*storage.ScopeState
	for _, records := range m.scopes {
		var state *storage.ScopeState
		for _, r := range records {
			if r.revision <= revision {
				state = &r.ScopeState
			}
		}
		if state == nil {
			continue
		}
		s := *state
		s.Regions = maps.Clone(s.Regions)
		if s.Listed() {
			s.LastComplete, s.LastCompleteTime = revision, m.timeOf(revision)
		}
		all = append(all, &s)
	}
	slices.SortFunc(all, func(a, b *storage.ScopeState) int { return a.Scope.Compare(b.Scope) })
	return all
}

// RevisionAt implements storage.Store.
func (m *Model) RevisionAt(ctx context.Context, t time.Time) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return 0, err
	}
	newest := max(1, m.oldest) - 1
	for _, scan := range m.scans {
		if scan.Revision >= m.oldest && !scan.EndTime.After(t) {
			newest = scan.Revision
		}
	}
	return newest, nil
}

// Stats implements storage.Store.
func (m *Model) Stats(ctx context.Context) (storage.Stats, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return storage.Stats{}, err
	}
	return storage.Stats{Engine: "model", Revision: m.head(), OldestRevision: min(m.head(), max(1, m.oldest))}, nil
}

// Close implements storage.Store.
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closing = true
	for m.txn != nil {
		m.ended.Wait()
	}
	m.closed = true
	return nil
}

func copyResource(r *resource.Resource) resource.Resource {
	c := *r
	c.Tags = maps.Clone(r.Tags)
	c.Attributes = slices.Clone(r.Attributes)
	c.Unknown = nil // says something about an observation; Incomplete is what is kept of it
	return c
}

func copyChanges(changes []change.FieldChange) []change.FieldChange {
	c := make([]change.FieldChange, len(changes))
	for i, f := range changes {
		c[i] = change.FieldChange{Path: f.Path, Old: slices.Clone(f.Old), New: slices.Clone(f.New)}
	}
	return c
}
