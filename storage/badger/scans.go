package badger

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"sort"
	"time"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/storage"
)

// readHead finds the newest scan record, whatever its revision.
func (s *Store) readHead() (storage.Head, error) {
	t := s.db.NewTransactionAt(math.MaxUint64, false)
	defer t.Discard()
	it := t.NewIterator(engine.IteratorOptions{Prefix: []byte{prefixScan}, Reverse: true})
	defer it.Close()
	it.Seek(scanKey(math.MaxInt64))
	if !it.ValidForPrefix([]byte{prefixScan}) {
		return storage.Head{}, nil
	}
	m, err := scanOf(it.Item())
	if err != nil {
		return storage.Head{}, fmt.Errorf("reading the newest scan: %w", translate(err))
	}
	return storage.Head{Revision: m.Revision, Time: m.EndTime, ScanID: m.ScanID}, nil
}

func scanOf(item *engine.Item) (*storage.ScanMetadata, error) {
	revision, err := parseScanKey(item.Key())
	if err != nil {
		return nil, err
	}
	var m *storage.ScanMetadata
	err = item.Value(func(b []byte) error {
		m, err = decodeScan(revision, b)
		return err
	})
	return m, err
}

// timeOf returns the time of a committed revision.
func (r *reading) timeOf(revision int64) (time.Time, error) {
	if t, ok := r.s.times.get(revision); ok {
		return t, nil
	}
	item, err := r.txn.Get(scanKey(revision))
	if err != nil {
		return time.Time{}, fmt.Errorf("time of revision %d: %w", revision, r.trimmedMeanwhile(revision, err))
	}
	m, err := scanOf(item)
	if err != nil {
		return time.Time{}, fmt.Errorf("time of revision %d: %w", revision, err)
	}
	r.s.times.set(revision, m.EndTime)
	return m.EndTime, nil
}

// Scans implements storage.Store.
func (s *Store) Scans(ctx context.Context, before int64) iter.Seq2[*storage.ScanMetadata, error] {
	return stream(s, storage.HeadRevision, "reading scans", func(r *reading, yield func(*storage.ScanMetadata) bool) error {
		r.needs = math.MaxInt64
		it := r.txn.NewIterator(engine.IteratorOptions{Prefix: []byte{prefixScan}, Reverse: true})
		defer it.Close()
		var failed failedScopes
		last := r.head
		if before != storage.HeadRevision {
			last = min(last, before-1)
		}
		for it.Seek(scanKey(last)); it.ValidForPrefix([]byte{prefixScan}); it.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			m, err := scanOf(it.Item())
			if err != nil {
				return err
			}
			if m.Revision < r.oldest {
				return nil
			}
			if m.ErrorCount > 0 {
				if err := failed.fill(ctx, r, m); err != nil {
					return err
				}
			}
			if !yield(m) {
				return nil
			}
		}
		return nil
	})
}

// failedScopes fills in which scopes failed, for scans that are read newest first. States are
// written when they change: those of a scope that fails for long are read once.
type failedScopes struct {
	list  []storage.FailedScope
	since int64 // the revision at which the newest of all states was written; 0: none was read
}

func (f *failedScopes) fill(ctx context.Context, r *reading, m *storage.ScanMetadata) error {
	if f.since > 0 && m.Revision >= f.since {
		m.FailedScopes = slices.Clone(f.list)
		return nil
	}
	var states []*storage.ScopeState
	f.since = 0
	err := r.scopes(ctx, m.Revision, func(s *storage.ScopeState, written int64) bool {
		states, f.since = append(states, s), max(f.since, written)
		return true
	})
	m.SetFailedScopes(states)
	f.list = slices.Clone(m.FailedScopes)
	return err
}

// Scopes implements storage.Store.
func (s *Store) Scopes(ctx context.Context, revision int64) iter.Seq2[*storage.ScopeState, error] {
	return stream(s, revision, "reading scopes", func(r *reading, yield func(*storage.ScopeState) bool) error {
		return r.scopes(ctx, r.revision, func(state *storage.ScopeState, _ int64) bool { return yield(state) })
	})
}

// scopes yields the states of all scopes at a revision, with the one at which each was written.
func (r *reading) scopes(ctx context.Context, revision int64, yield func(state *storage.ScopeState, written int64) bool) error {
	if revision == 0 {
		return nil
	}
	at := r.s.db.NewTransactionAt(uint64(revision), false)
	defer at.Discard()
	now, err := r.timeOf(revision)
	if err != nil {
		return err
	}
	it := at.NewIterator(engine.IteratorOptions{Prefix: []byte{prefixScope}})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		state, err := scopeOf(it.Item())
		if err != nil {
			return err
		}
		if state.Listed() {
			state.LastComplete, state.LastCompleteTime = revision, now
		}
		if !yield(state, int64(it.Item().Version())) {
			return nil
		}
	}
	return nil
}

func scopeOf(item *engine.Item) (*storage.ScopeState, error) {
	scope, err := parseScopeKey(item.Key())
	if err != nil {
		return nil, err
	}
	var state *storage.ScopeState
	err = item.Value(func(b []byte) error {
		state, err = decodeScope(scope, b)
		return err
	})
	return state, err
}

// RevisionAt implements storage.Store. Times ascend with revisions, so it halves.
func (s *Store) RevisionAt(ctx context.Context, t time.Time) (int64, error) {
	r, err := s.read(storage.HeadRevision)
	if err != nil {
		return 0, err
	}
	defer r.close()
	if r.head > 0 && !s.head.Load().Time.After(t) {
		return r.head, nil
	}
	var failed error
	below := max(1, r.oldest) - 1
	n := sort.Search(int(r.head-below), func(i int) bool {
		if failed != nil {
			return true
		}
		var at time.Time
		if failed = ctx.Err(); failed == nil {
			at, failed = r.timeOf(below + int64(i) + 1)
		}
		return at.After(t)
	})
	if failed != nil {
		return 0, fmt.Errorf("finding the revision at %s: %w", t.Format(time.RFC3339), translate(failed))
	}
	return below + int64(n), nil
}
