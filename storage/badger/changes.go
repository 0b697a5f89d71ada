package badger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// event reads one change event.
func (r *reading) event(id storage.EventID) (*storage.ChangeEvent, error) {
	item, err := r.txn.Get(eventKey(id))
	if err != nil {
		return nil, fmt.Errorf("change event %s: %w", id, r.trimmedMeanwhile(id.Revision, err))
	}
	var e *storage.ChangeEvent
	err = item.Value(func(b []byte) error {
		e, err = decodeEvent(id, b)
		return err
	})
	return e, err
}

// changed reads of which resource a change event is.
func changed(event *engine.Item) (key resource.Key, err error) {
	err = event.Value(func(b []byte) error {
		key, err = decodeEventKey(b)
		return err
	})
	return key, err
}

// Changes implements storage.Store. Of what the query demands, the narrowest that has an
// index leads to the events; the rest is checked on each of them.
func (s *Store) Changes(ctx context.Context, q storage.ChangeQuery) iter.Seq2[*storage.ChangeEvent, error] {
	return stream(s, storage.HeadRevision, "reading changes", func(r *reading, yield func(*storage.ChangeEvent) bool) error {
		window, err := r.window(&q)
		if err != nil {
			return err
		}
		if window.empty() {
			return nil
		}
		r.needs = math.MaxInt64 // it may begin later
		if q.Above > 0 || q.OldestFirst && q.After != (storage.EventID{}) {
			r.needs = window.first.Revision - 1
		}
		ids, err := r.eventIDs(ctx, &q, window)
		if err != nil {
			return err
		}
		for id, err := range ids {
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			e, err := r.event(id)
			if err != nil {
				return err
			}
			if !q.Match(e) {
				if err := tell(q.Passed, id); err != nil {
					return err
				}
				continue
			}
			if !yield(e) {
				return nil
			}
		}
		return nil
	})
}

// tell tells a query of what it does not select, if it wants to know.
func tell[T any](passed func(T) error, what T) error {
	if passed == nil {
		return nil
	}
	return passed(what)
}

// window is a range of events, both ends included, and the direction to read it in.
type window struct {
	first, last storage.EventID
	oldestFirst bool
}

// window returns the range that a query asks for. What was asked for and was trimmed is
// an error: an answer that silently begins later would be a lie.
func (r *reading) window(q *storage.ChangeQuery) (window, error) {
	w := windowOf(q, r.head)
	if w.first.Revision <= r.oldest {
		if q.Above > 0 || q.OldestFirst && q.After != (storage.EventID{}) {
			return w, &storage.CompactedError{Revision: w.first.Revision - 1, Oldest: r.oldest}
		}
		w.first = storage.EventID{Revision: r.oldest + 1}
	}
	return w, nil
}

func windowOf(q *storage.ChangeQuery, head int64) window {
	w := window{
		first:       storage.EventID{Revision: q.Above + 1},
		last:        storage.EventID{Revision: head, Number: math.MaxInt32},
		oldestFirst: q.OldestFirst,
	}
	if q.UpTo != storage.HeadRevision {
		w.last.Revision = min(head, q.UpTo)
	}
	if q.After == (storage.EventID{}) {
		return w
	}
	if q.OldestFirst {
		if next := (storage.EventID{Revision: q.After.Revision, Number: q.After.Number + 1}); next.Compare(w.first) > 0 {
			w.first = next
		}
		return w
	}
	before := storage.EventID{Revision: q.After.Revision, Number: q.After.Number - 1}
	if before.Number < 0 {
		before = storage.EventID{Revision: q.After.Revision - 1, Number: math.MaxInt32}
	}
	if before.Compare(w.last) < 0 {
		w.last = before
	}
	return w
}

func (w window) empty() bool { return w.first.Compare(w.last) > 0 }

func (w window) contains(id storage.EventID) bool {
	return w.first.Compare(id) <= 0 && id.Compare(w.last) <= 0
}

// Values of an indexed dimension above which one walk over all events in the window is
// cheaper than merging as many walks over the index.
const maxMerged = 16

func (r *reading) eventIDs(ctx context.Context, q *storage.ChangeQuery, w window) (iter.Seq2[storage.EventID, error], error) {
	if q.Key != nil {
		return r.eventsOf(ctx, []resource.Key{*q.Key}, w), nil
	}
	if q.Name != "" && r.s.indexed.Load() {
		if ids, err := r.eventsCalled(ctx, q, w); ids != nil || err != nil {
			return ids, err
		}
	}
	if q.ID != "" {
		if ids, err := r.eventsOfID(ctx, q, w); ids != nil || err != nil {
			return ids, err
		}
	}
	prefixes, err := r.narrowest(ctx, q)
	if err != nil {
		return nil, err
	}
	if prefixes == nil || len(prefixes) > maxMerged {
		return r.scanIDs([]byte{prefixEvent}, w), nil
	}
	return r.merge(prefixes, w), nil
}

// narrowest returns the prefixes of the index entries that lead to all events of the
// query; nil if it demands nothing that has an index.
func (r *reading) narrowest(ctx context.Context, q *storage.ChangeQuery) ([][]byte, error) {
	switch {
	case len(q.Types) > 0:
		types, err := r.indexedValues(ctx, indexType)
		if err != nil {
			return nil, err
		}
		types = slices.DeleteFunc(types, func(t string) bool { return !storage.MatchType(q.Types, t) })
		return prefixesOf(indexType, types), nil
	case len(q.Regions) > 0:
		return prefixesOf(indexRegion, q.Regions), nil
	case len(q.Accounts) > 0:
		return prefixesOf(indexAccount, q.Accounts), nil
	case len(q.ChangeTypes) > 0:
		values := make([]string, len(q.ChangeTypes))
		for i, t := range q.ChangeTypes {
			values[i] = string(t)
		}
		return prefixesOf(indexChangeType, values), nil
	default:
		return nil, nil
	}
}

func prefixesOf(dimension byte, values []string) [][]byte {
	values = slices.Compact(slices.Sorted(slices.Values(values)))
	out := make([][]byte, len(values))
	for i, v := range values {
		out[i] = indexPrefix(dimension, v)
	}
	return out
}

// indexedValues lists the values of a dimension, jumping from one to the next.
func (r *reading) indexedValues(ctx context.Context, dimension byte) ([]string, error) {
	prefix := []byte{prefixIndex, dimension}
	it := r.txn.NewIterator(engine.IteratorOptions{Prefix: prefix})
	defer it.Close()
	var values []string
	for it.Rewind(); it.Valid(); {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		value, _, ok := strings.Cut(string(it.Item().Key()[len(prefix):]), "\x00")
		if !ok {
			return nil, errBadStoredKey
		}
		values = append(values, value)
		it.Seek(behind(indexPrefix(dimension, value)))
	}
	return values, nil
}

// scanIDs yields the ids at the ends of the keys with a prefix, within the window.
func (r *reading) scanIDs(prefix []byte, w window) iter.Seq2[storage.EventID, error] {
	return func(yield func(storage.EventID, error) bool) {
		it := r.txn.NewIterator(engine.IteratorOptions{Prefix: prefix, Reverse: !w.oldestFirst})
		defer it.Close()
		from := w.first
		if !w.oldestFirst {
			from = w.last
		}
		for it.Seek(appendEventID(bytes.Clone(prefix), from)); it.ValidForPrefix(prefix); it.Next() {
			id, err := parseEventID(it.Item().Key())
			if err == nil && !w.contains(id) {
				return
			}
			if !yield(id, err) || err != nil {
				return
			}
		}
	}
}

// merge yields the ids of several disjoint index ranges in one order.
func (r *reading) merge(prefixes [][]byte, w window) iter.Seq2[storage.EventID, error] {
	return func(yield func(storage.EventID, error) bool) {
		type source struct {
			id   storage.EventID
			next func() (storage.EventID, error, bool)
		}
		var sources []*source
		for _, p := range prefixes {
			next, stop := iter.Pull2(r.scanIDs(p, w))
			defer stop()
			sources = append(sources, &source{next: next})
		}
		advance := func(s *source) (more bool, err error) {
			s.id, err, more = s.next()
			return more && err == nil, err
		}
		live := sources[:0]
		for _, s := range sources {
			more, err := advance(s)
			if err != nil {
				yield(storage.EventID{}, err)
				return
			}
			if more {
				live = append(live, s)
			}
		}
		order := func(a, b *source) int {
			if w.oldestFirst {
				return a.id.Compare(b.id)
			}
			return b.id.Compare(a.id)
		}
		for len(live) > 0 {
			best := slices.MinFunc(live, order)
			if !yield(best.id, nil) {
				return
			}
			more, err := advance(best)
			if err != nil {
				yield(storage.EventID{}, err)
				return
			}
			if !more {
				live = slices.DeleteFunc(live, func(s *source) bool { return s == best })
			}
		}
	}
}

// maxWalked is after how many steps from scope to scope a search for an id is given up. So
// many take some 30 ms, as long as reading some thousand events.
const maxWalked = 2000

var errWalkedEnough = errors.New("too many scopes to look into")

// eventsOfID yields the events of the resources with the id that the query demands; nil
// where there are too many of them, or too many scopes that may hold one.
func (r *reading) eventsOfID(ctx context.Context, q *storage.ChangeQuery, w window) (iter.Seq2[storage.EventID, error], error) {
	prefix := []byte{prefixDocument}
	it := r.txn.NewIterator(engine.IteratorOptions{Prefix: prefix})
	defer it.Close()
	steps := 0
	walk := storage.Query{Filter: q.Filter, Passed: func(resource.Key) error {
		if steps++; steps > maxWalked {
			return errWalkedEnough
		}
		return nil
	}}
	var keys []resource.Key
	l := lister{r: r, q: &walk, it: it, prefix: prefix}
	err := l.keys(ctx, func(key resource.Key) (more bool, err error) {
		keys = append(keys, key)
		return len(keys) <= maxCalled, nil
	})
	switch {
	case errors.Is(err, errWalkedEnough) || err == nil && len(keys) > maxCalled:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return r.eventsOf(ctx, keys, w), nil
}

// eventsOf yields the events of some resources, which their versions name.
func (r *reading) eventsOf(ctx context.Context, keys []resource.Key, w window) iter.Seq2[storage.EventID, error] {
	if len(keys) == 1 && !w.oldestFirst {
		return r.newestOf(ctx, keys[0], w)
	}
	return func(yield func(storage.EventID, error) bool) {
		var ids []storage.EventID
		for _, key := range keys {
			for id, err := range r.newestOf(ctx, key, w) {
				if err != nil {
					yield(id, err)
					return
				}
				ids = append(ids, id)
			}
		}
		slices.SortFunc(ids, func(a, b storage.EventID) int {
			if w.oldestFirst {
				return a.Compare(b)
			}
			return b.Compare(a)
		})
		for _, id := range ids {
			if !yield(id, nil) {
				return
			}
		}
	}
}

// newestOf yields the events of one resource, newest first, and reads its versions no
// further than it is asked.
func (r *reading) newestOf(ctx context.Context, key resource.Key, w window) iter.Seq2[storage.EventID, error] {
	return func(yield func(storage.EventID, error) bool) {
		for v, err := range r.stored(ctx, key) {
			if err != nil {
				yield(storage.EventID{}, err)
				return
			}
			if v.revision < w.first.Revision {
				return
			}
			for _, number := range [...]int{max(v.event, v.replaced), min(v.event, v.replaced)} {
				id := storage.EventID{Revision: v.revision, Number: number}
				if number > 0 && w.contains(id) && !yield(id, nil) {
					return
				}
			}
		}
	}
}
