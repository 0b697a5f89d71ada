package badger

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// maxDiffEvents is up to how many change events a Diff goes by them: their keys are held
// in memory (some 1 MB) and sorted. Above, walking over the documents is hardly slower.
const maxDiffEvents = 5_000

// Diff implements storage.Store. It finds the resources by the change events between the
// revisions, where there are few and no version without one, and else by walking over the
// documents: there the engine leaves out tables in which nothing is younger than From.
func (s *Store) Diff(ctx context.Context, q storage.DiffQuery) iter.Seq2[*storage.Difference, error] {
	return stream(s, q.To, "comparing revisions", func(r *reading, yield func(*storage.Difference) bool) error {
		from, err := r.diffFrom(q.From)
		if err != nil || from >= r.revision {
			return err
		}
		r.needs = from
		d := differ{r: r, q: &q, from: from}
		keys, err := d.keys(ctx)
		if err != nil {
			return err
		}
		for key, err := range keys {
			if err != nil {
				return err
			}
			difference, err := d.difference(ctx, key)
			if err != nil {
				return err
			}
			if difference == nil || !q.Match(difference) {
				if err := tell(q.Passed, key); err != nil {
					return err
				}
				continue
			}
			if !yield(difference) {
				return nil
			}
		}
		return nil
	})
}

// diffFrom checks the earlier revision of a diff as read checked the later one.
func (r *reading) diffFrom(revision int64) (int64, error) {
	switch {
	case revision == storage.HeadRevision:
		return r.head, nil
	case revision < 0 || revision > r.head:
		return 0, fmt.Errorf("revision %d: %w; the newest is %d", revision, storage.ErrFutureRevision, r.head)
	case revision < r.oldest:
		return 0, &storage.CompactedError{Revision: revision, Oldest: r.oldest}
	default:
		return revision, nil
	}
}

// differ compares the state at from with that at the revision of the reading.
type differ struct {
	r    *reading
	q    *storage.DiffQuery
	from int64
}

// keys yields, in order, at least the keys of which there are versions between the
// revisions.
func (d *differ) keys(ctx context.Context) (iter.Seq2[resource.Key, error], error) {
	few, err := d.fewEvents(ctx)
	if err != nil {
		return nil, err
	}
	if few {
		return d.keysOfEvents(ctx)
	}
	return d.keysOfDocuments(ctx), nil
}

// fewEvents reports whether every version between the revisions has an event and there
// are not many.
func (d *differ) fewEvents(ctx context.Context) (bool, error) {
	if d.r.revision-d.from > maxDiffEvents {
		return false, nil
	}
	it := d.r.txn.NewIterator(engine.IteratorOptions{Prefix: []byte{prefixScan}})
	defer it.Close()
	events := 0
	for it.Seek(scanKey(d.from + 1)); it.ValidForPrefix([]byte{prefixScan}); it.Next() {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		m, err := scanOf(it.Item())
		if err != nil {
			return false, err
		}
		if m.Revision > d.r.revision {
			return true, nil
		}
		events += m.Changes()
		if events > maxDiffEvents || m.Baseline+m.Rebaselined > 0 {
			return false, nil
		}
	}
	return true, nil
}

func (d *differ) keysOfEvents(ctx context.Context) (iter.Seq2[resource.Key, error], error) {
	window := window{
		first:       storage.EventID{Revision: d.from + 1},
		last:        storage.EventID{Revision: d.r.revision, Number: math.MaxInt32},
		oldestFirst: true,
	}
	keys := map[resource.Key]bool{}
	it := d.r.txn.NewIterator(engine.IteratorOptions{Prefix: []byte{prefixEvent}})
	defer it.Close()
	for it.Seek(eventKey(window.first)); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		id, err := parseEventID(it.Item().Key())
		if err != nil {
			return nil, err
		}
		if !window.contains(id) {
			break
		}
		key, err := changed(it.Item())
		if err != nil {
			return nil, err
		}
		if d.q.MatchKey(key) && (d.q.After == nil || key.Compare(*d.q.After) > 0) {
			keys[key] = true
		}
	}
	sorted := slices.SortedFunc(maps.Keys(keys), resource.Key.Compare)
	return func(yield func(resource.Key, error) bool) {
		for _, key := range sorted {
			if !yield(key, nil) {
				return
			}
		}
	}, nil
}

func (d *differ) keysOfDocuments(ctx context.Context) iter.Seq2[resource.Key, error] {
	return func(yield func(resource.Key, error) bool) {
		at := d.r.s.db.NewTransactionAt(uint64(d.r.revision), false)
		defer at.Discard()
		it := at.NewIterator(engine.IteratorOptions{Prefix: []byte{prefixDocument}, SinceTs: uint64(d.from)})
		defer it.Close()
		var start []byte
		if d.q.After != nil {
			start = resourceKey(prefixDocument, *d.q.After)
		}
		it.Seek(start)
		if it.Valid() && bytes.Equal(it.Item().Key(), start) {
			it.Next()
		}
		for it.Valid() {
			key, err := parseResourceKey(it.Item().Key())
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(resource.Key{}, err)
				return
			}
			if to := elsewhere([]byte{prefixDocument}, &d.q.Filter, key); to != nil {
				if err := tell(d.q.Passed, key); err != nil {
					yield(resource.Key{}, err)
					return
				}
				it.Seek(to)
				continue
			}
			if !yield(key, nil) {
				return
			}
			it.Next()
		}
	}
}

// difference returns what was recorded of a resource between the revisions; nil where
// that is nothing.
func (d *differ) difference(ctx context.Context, key resource.Key) (*storage.Difference, error) {
	var found storage.Difference
	for v, err := range d.r.stored(ctx, key) {
		if err != nil {
			return nil, err
		}
		if v.revision > d.r.revision {
			continue
		}
		version := v.version.public()
		version.EndRevision, version.ValidTo = v.endRevision, v.endTime
		if v.revision <= d.from {
			found.Before = version
			break
		}
		if found.After == nil {
			found.After = version
		}
		step, err := d.step(v.version)
		if err != nil {
			return nil, err
		}
		found.Steps = append(found.Steps, step)
	}
	if found.After == nil {
		return nil, nil
	}
	slices.Reverse(found.Steps)
	return &found, nil
}

func (d *differ) step(v *version) (storage.Step, error) {
	step := storage.Step{Revision: v.revision, Time: v.time, ChangeType: v.changeType}
	if v.event == 0 {
		return step, nil
	}
	step.Event = storage.EventID{Revision: v.revision, Number: v.event}
	if v.changeType != change.Modified {
		return step, nil
	}
	e, err := d.r.event(step.Event)
	if err != nil {
		return step, err
	}
	step.Changes = e.Changes
	return step, nil
}
