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
		var all []*storage.Difference
		for _, k := range m.sortedKeys() {
			if q.After != nil && k.Compare(*q.After) <= 0 {
				continue
			}
			if d := m.difference(k, from, to); d != nil && q.Match(d) {
				all = append(all, d)
			}
		}
		return all, nil
	})
}

// difference returns what was recorded of a key after from and up to to; nil for nothing.
func (m *Model) difference(key resource.Key, from, to int64) *storage.Difference {
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
			Event: m.lastEvent(key, r.Revision), Changes: r.Changes,
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

// lastEvent returns the id of the last event of a key at a revision; zero for none.
func (m *Model) lastEvent(key resource.Key, revision int64) storage.EventID {
	var last storage.EventID
	for _, e := range m.events {
		if e.Revision != revision || e.Key != key.String() {
			continue
		}
		if id, err := storage.ParseEventID(e.ID); err == nil {
			last = id
		}
	}
	return last
}
