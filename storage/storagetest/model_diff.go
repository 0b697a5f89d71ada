package storagetest

import (
	"context"
	"iter"

	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Diff implements storage.Store.
func (m *Model) Diff(ctx context.Context, q storage.DiffQuery) iter.Seq2[*storage.Difference, error] {
	return stream(ctx, m, func() ([]*storage.Difference, error) {
		to, err := m.resolve(q.To)
		if err != nil {
			return nil, err
		}
		from, err := m.resolve(q.From)
		if err != nil {
			return nil, err
		}
		last := m.lastEvents()
		var all []*storage.Difference
		for _, k := range m.sortedKeys() {
			if q.After != nil && k.Compare(*q.After) <= 0 {
				continue
			}
			if d := m.difference(k, from, to, last); d != nil && q.Match(d) {
				all = append(all, d)
			} else if q.Passed != nil {
				if err := q.Passed(k); err != nil {
					return all, err
				}
			}
		}
		return all, nil
	})
}

// difference returns what was recorded of a key after from and up to to; nil for nothing.
func (m *Model) difference(key resource.Key, from, to int64, last map[keyAt]storage.EventID) *storage.Difference {
	before, after := m.index(key, from), m.index(key, to)
	if before >= after {
		return nil
	}
	d := storage.Difference{After: m.bare(key, after)}
	if before >= 0 {
		d.Before = m.bare(key, before)
	}
	for i := before + 1; i <= after; i++ {
		r := m.version(key, i)
		d.Steps = append(d.Steps, storage.Step{
			Revision: r.Revision, Time: r.ValidFrom, ChangeType: r.ChangeType,
			Event: last[keyAt{key.String(), r.Revision}], Changes: r.Changes,
		})
	}
	return &d
}

// bare is version without its changes.
func (m *Model) bare(key resource.Key, i int) *storage.Version {
	v := m.version(key, i)
	v.Changes = nil
	return v
}

// keyAt is a key as an event names it, at a revision.
type keyAt struct {
	key      string
	revision int64
}

// lastEvents returns the id of the last event of every key at every revision.
func (m *Model) lastEvents() map[keyAt]storage.EventID {
	last := map[keyAt]storage.EventID{}
	for _, e := range m.events {
		if id, err := storage.ParseEventID(e.ID); err == nil {
			last[keyAt{e.Key, e.Revision}] = id
		}
	}
	return last
}
