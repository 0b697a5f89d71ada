package storagetest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// modelTxn keeps what is staged until Commit writes it to the Model, all at once under
// the Model's lock.
type modelTxn struct {
	m        *Model
	revision int64
	time     time.Time
	ended    bool

	staged []storage.Mutation
	scopes []storage.ScopeState
	events int // numbered so far
}

// Begin implements storage.Store.
func (m *Model) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return nil, storage.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.txn != nil {
		return nil, storage.ErrBusy
	}
	m.txn = &modelTxn{m: m, revision: m.head() + 1, time: nextTime(m.timeOf(m.head()), now)}
	return m.txn, nil
}

// nextTime returns the time of the revision that is begun now, with head being the time
// of the newest one.
func nextTime(head, now time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if now.After(head) {
		return now
	}
	return head.Add(time.Millisecond)
}

// end releases the store for the next transaction. The Model's lock is held.
func (x *modelTxn) end() {
	x.ended = true
	x.m.txn = nil
	x.m.ended.Broadcast()
}

// usable says why nothing can be done with the transaction, if nothing can.
func (x *modelTxn) usable(ctx context.Context) error {
	if x.ended {
		return errTxnEnded
	}
	return ctx.Err()
}

// Revision implements storage.Txn.
func (x *modelTxn) Revision() int64 { return x.revision }

// Time implements storage.Txn.
func (x *modelTxn) Time() time.Time { return x.time }

// Stage implements storage.Txn.
func (x *modelTxn) Stage(ctx context.Context, mut storage.Mutation) error {
	x.m.mu.Lock()
	defer x.m.mu.Unlock()
	if err := x.usable(ctx); err != nil {
		return err
	}
	if err := mut.Resource.Key.Validate(); err != nil {
		return err
	}
	r := copyResource(mut.Resource)
	mut.Resource = &r
	mut.Changes = copyChanges(mut.Changes)
	mut.Incomplete = slices.Clone(mut.Incomplete)
	x.staged = append(x.staged, mut)
	return nil
}

// SetScope implements storage.Txn.
func (x *modelTxn) SetScope(ctx context.Context, s storage.ScopeState) error {
	x.m.mu.Lock()
	defer x.m.mu.Unlock()
	if err := x.usable(ctx); err != nil {
		return err
	}
	if err := s.Scope.Validate(); err != nil {
		return err
	}
	s.Regions = maps.Clone(s.Regions)
	x.scopes = append(x.scopes, s)
	return nil
}

// Commit implements storage.Txn.
func (x *modelTxn) Commit(ctx context.Context, meta *storage.ScanMetadata) error {
	x.m.mu.Lock()
	defer x.m.mu.Unlock()
	if err := x.usable(ctx); err != nil {
		return err
	}
	meta.Created, meta.Modified, meta.Disappeared, meta.Baseline, meta.Rebaselined = 0, 0, 0, 0, 0
	for _, mut := range x.staged {
		meta.Count(mut.Type)
		x.record(mut)
	}
	for _, s := range x.scopes {
		x.m.scopes[s.Scope] = append(x.m.scopes[s.Scope], scopeRecord{ScopeState: s, revision: x.revision})
	}
	meta.Revision = x.revision
	meta.ScanID = int64(len(x.m.scans)) + 1
	meta.EndTime = x.time
	scan := *meta
	scan.FailedScopes = nil // read from the scope states
	x.m.scans = append(x.m.scans, scan)
	x.end()
	return nil
}

// record writes one mutation to the history of its key and, if it is one to report, to
// the change feed.
func (x *modelTxn) record(mut storage.Mutation) {
	m, key := x.m, mut.Resource.Key
	history := m.versions[key]
	// Of a disappearance and a creation in one transaction, the created version stays.
	if n := len(history); n > 0 && history[n-1].Revision == x.revision {
		history = history[:n-1]
	}
	m.versions[key] = append(history, x.entry(mut))
	if mut.Type.Reported() {
		m.events = append(m.events, x.event(mut))
	}
}

func (x *modelTxn) entry(mut storage.Mutation) record {
	v := storage.Version{Revision: x.revision, ValidFrom: x.time, ChangeType: mut.Type}
	if mut.Type == change.Disappeared {
		v.Resource = resource.Resource{Key: mut.Resource.Key, ARN: mut.Resource.ARN, Name: mut.Resource.Name}
		return record{Version: v}
	}
	v.Resource = *mut.Resource
	v.Schema = mut.Schema
	v.Incomplete = mut.Incomplete
	if mut.Type == change.Modified {
		v.Changes = mut.Changes
	}
	return record{Version: v, fingerprint: mut.Fingerprint}
}

func (x *modelTxn) event(mut storage.Mutation) storage.ChangeEvent {
	x.events++
	key := mut.Resource.Key
	e := storage.ChangeEvent{
		ID:       storage.EventID{Revision: x.revision, Number: x.events}.String(),
		Revision: x.revision, Time: x.time, ChangeType: mut.Type,
		Key: key.String(), Provider: key.Provider, Account: key.Account, Region: key.Region,
		Type: key.Type, ResourceID: key.ID, Name: mut.Resource.Name,
		Changes: []change.FieldChange{},
	}
	if mut.Type == change.Modified {
		e.Changes = mut.Changes
	}
	return e
}

// Rollback implements storage.Txn.
func (x *modelTxn) Rollback() error {
	x.m.mu.Lock()
	defer x.m.mu.Unlock()
	if !x.ended {
		x.end()
	}
	return nil
}
