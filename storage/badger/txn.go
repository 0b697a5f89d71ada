package badger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// What a transaction holds back in memory before it goes on in batches. Badger refuses
// transactions above 15 % of a memtable (470 kB here).
const (
	maxPendingBytes   = 384 << 10
	maxPendingEntries = 4000
)

// txn is an open transaction.
type txn struct {
	s        *Store
	leave    func() // counts the transaction out of the store
	revision int64
	at       time.Time

	events      int // numbered so far
	counts      storage.ScanMetadata
	disappeared map[resource.Key]int // event numbers, for resources replaced later

	called heldTerms // index entries of names and ARNs that are to be written

	pending      []*engine.Entry
	pendingBytes int
	batch        *engine.WriteBatch // nil while everything is pending
	unchecked    int                // bytes that went into the batch since the last look at the free space
	checked      time.Time          // when that was

	err  error // the first failure; nothing can be committed after it
	done bool
}

var errTxnDone = errors.New("transaction has ended")

// Begin implements storage.Store.
func (s *Store) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	leave, err := s.use()
	if err != nil {
		return nil, err
	}
	if err := s.beginScan(ctx); err != nil {
		leave()
		return nil, fmt.Errorf("beginning a revision: %w", err)
	}
	head := s.head.Load()
	at := now.UTC().Truncate(time.Millisecond)
	if !at.After(head.Time) {
		at = head.Time.Add(time.Millisecond)
	}
	return &txn{s: s, leave: leave, revision: head.Revision + 1, at: at}, nil
}

// beginScan takes the place of the one writer for a scan, if there is room for one.
func (s *Store) beginScan(ctx context.Context) error {
	if err := s.beginWriting(ctx, false); err != nil {
		return err
	}
	err := s.room(maxPendingBytes)
	if err != nil {
		s.endWriting(false)
	}
	return err
}

// beginWriting takes the place of the one writer, and first
// clears away what an earlier writer could not. The memtable waits for a scan to end
// before it is emptied; a scan waits for the moment that emptying it takes.
func (s *Store) beginWriting(ctx context.Context, flushing bool) error {
	s.mu.Lock()
	for s.writing && (flushing || s.flushing) && !s.closed {
		s.idle.Wait()
	}
	if s.writing {
		s.mu.Unlock()
		return storage.ErrBusy
	}
	s.writing, s.flushing = true, flushing
	dirty := s.dirty
	s.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := s.undo(ctx, s.head.Load().Revision); err != nil {
		s.endWriting(true)
		return fmt.Errorf("undoing the last scan: %w", translate(err))
	}
	return nil
}

func (s *Store) endWriting(dirty bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing, s.flushing = false, false
	s.dirty = dirty
	s.idle.Broadcast()
}

func (t *txn) Revision() int64 { return t.revision }

func (t *txn) Time() time.Time { return t.at }

// Stage implements storage.Txn.
func (t *txn) Stage(ctx context.Context, m storage.Mutation) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	if err := m.Resource.Key.Validate(); err != nil {
		return err
	}
	if err := t.stage(m); err != nil {
		t.err = fmt.Errorf("staging %s: %w", m.Resource.Key, translate(err))
		return t.err
	}
	t.counts.Count(m.Type)
	return nil
}

func (t *txn) usable(ctx context.Context) error {
	if t.done {
		return errTxnDone
	}
	if t.err != nil {
		return t.err
	}
	return ctx.Err()
}

func (t *txn) stage(m storage.Mutation) error {
	v := version{
		revision: t.revision, time: t.at, changeType: m.Type,
		schema: m.Schema, incomplete: m.Incomplete, resource: *m.Resource,
	}
	if m.Type.Reported() {
		number, err := t.stageEvent(&m)
		if err != nil {
			return err
		}
		v.event = number
		v.replaced = t.disappeared[m.Resource.Key]
	}
	if err := t.stageTerms(&m, v.replaced > 0); err != nil {
		return err
	}
	if m.Type == change.Disappeared {
		return t.stageTombstone(&v)
	}
	known := storage.Known{
		Fingerprint: m.Fingerprint, Schema: m.Schema, UID: m.Resource.UID, Incomplete: len(m.Incomplete) > 0,
	}
	if err := t.put(resourceKey(prefixKnown, m.Resource.Key), appendKnown(nil, &known), 0); err != nil {
		return err
	}
	return t.putVersion(&v, 0)
}

// stageTombstone keeps of a resource what tells people which one it was.
func (t *txn) stageTombstone(v *version) error {
	key := v.resource.Key
	v.resource = resource.Resource{Key: key, ARN: v.resource.ARN, Name: v.resource.Name}
	if t.disappeared == nil {
		t.disappeared = map[resource.Key]int{}
	}
	t.disappeared[key] = v.event
	v.replaced = 0
	if err := t.putVersion(v, metaTombstone); err != nil {
		return err
	}
	return t.delete(resourceKey(prefixKnown, key))
}

// stageTerms indexes what a resource is called now, and notes what it is called no more.
func (t *txn) stageTerms(m *storage.Mutation, replaced bool) error {
	key, now := m.Resource.Key, termsOf(m.Resource)
	var before []term
	if !replaced { // else its predecessor was dealt with when it disappeared
		var err error
		if before, err = t.s.termsAt(key, t.revision-1); err != nil {
			return err
		}
	}
	added, ended := turn(before, now, m.Type == change.Disappeared)
	for _, x := range added {
		t.called.add(x, key)
	}
	if len(ended) > 0 {
		if err := t.put(endedKey(t.revision, key), appendTerms(nil, ended), 0); err != nil {
			return err
		}
	}
	if t.called.size() < maxCalledBytes {
		return nil
	}
	return t.putCalled()
}

// maxCalledBytes is how much of the index of names and ARNs is held back. Its entries come
// in no order. Written as they come, every memtable would hold some from everywhere, and
// every compaction would write all of them again. This is what 100,000 resources need.
const maxCalledBytes = 8 << 20

// putCalled writes, in order, what was held back of the index of names and ARNs.
func (t *txn) putCalled() error {
	for k := range t.called.keys() {
		if err := t.put(k, nil, 0); err != nil {
			return err
		}
	}
	t.called = heldTerms{}
	return nil
}

func (t *txn) putVersion(v *version, meta byte) error {
	value, err := appendVersion(make([]byte, 0, sizeHint(&v.resource)), v)
	if err != nil {
		return err
	}
	return t.put(resourceKey(prefixDocument, v.resource.Key), value, meta)
}

// sizeHint is about what a version of the resource takes, and rarely less.
func sizeHint(r *resource.Resource) int {
	n := 64 + len(r.ARN) + len(r.Name) + len(r.Status) + len(r.UID) + len(r.Attributes)
	for k, v := range r.Tags {
		n += len(k) + len(v) + 2
	}
	return n
}

// stageEvent writes a change event and its index entries and returns its number.
func (t *txn) stageEvent(m *storage.Mutation) (int, error) {
	t.events++
	id := storage.EventID{Revision: t.revision, Number: t.events}
	value, err := appendEvent(nil, m.Resource, m.Type, t.at, m.Changes)
	if err != nil {
		return 0, err
	}
	if err := t.put(eventKey(id), value, 0); err != nil {
		return 0, err
	}
	for _, prefix := range indexPrefixes(m.Resource.Key, m.Type) {
		if err := t.put(appendEventID(prefix, id), nil, 0); err != nil {
			return 0, err
		}
	}
	return t.events, nil
}

// SetScope implements storage.Txn.
func (t *txn) SetScope(ctx context.Context, s storage.ScopeState) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	if err := s.Scope.Validate(); err != nil {
		return err
	}
	value, err := encodeScope(&s)
	if err == nil {
		err = t.put(scopeKey(s.Scope), value, 0)
	}
	if err != nil {
		t.err = fmt.Errorf("recording the state of %s: %w", s.Scope, translate(err))
	}
	return t.err
}

func (t *txn) put(key, value []byte, meta byte) error {
	return t.add(engine.NewEntry(key, value).WithMeta(meta))
}

func (t *txn) delete(key []byte) error { return t.add(deletion(key)) }

// deletion is an entry with which add deletes: Badger's own delete bit is set where it
// is written.
func deletion(key []byte) *engine.Entry { return &engine.Entry{Key: key, UserMeta: metaDelete} }

// metaDelete marks a pending deletion; it is never written.
const metaDelete byte = 1 << 7

// add holds an entry back, or writes it where the transaction has grown too large to be
// held back.
func (t *txn) add(e *engine.Entry) error {
	if t.batch != nil {
		return t.write(e)
	}
	t.pending = append(t.pending, e)
	t.pendingBytes += len(e.Key) + len(e.Value)
	if len(t.pending) < maxPendingEntries && t.pendingBytes < maxPendingBytes {
		return nil
	}
	return t.spill()
}

// How much goes into batches, and how much time passes, before the free space is looked
// at again: staging may take as long as a cloud takes to list. A batch holds back entries
// and sends them off, a part at a time, so that up to bytesInFlight are not yet written.
const (
	bytesPerCheck = 64 << 10
	timePerCheck  = 20 * time.Millisecond
	bytesInFlight = 4 << 20
)

// write puts an entry into the batch.
func (t *txn) write(e *engine.Entry) error {
	size := len(e.Key) + len(e.Value)
	t.unchecked += size
	if t.unchecked >= bytesPerCheck || time.Since(t.checked) >= timePerCheck {
		if err := t.s.room(int64(size) + bytesInFlight); err != nil {
			return err
		}
		t.unchecked, t.checked = 0, time.Now()
	}
	return writeEntry(t.batch, e)
}

// spill announces the revision and goes over to batches.
func (t *txn) spill() error {
	if err := t.s.room(int64(t.pendingBytes) + bytesInFlight); err != nil {
		return err
	}
	announce := t.s.db.NewTransactionAt(math.MaxUint64, true)
	defer announce.Discard()
	if err := announce.Set(intentKey(), nil); err != nil {
		return err
	}
	if err := announce.CommitAt(uint64(t.revision), nil); err != nil {
		return err
	}
	t.batch = t.s.db.NewWriteBatchAt(uint64(t.revision))
	t.batch.SetMaxPendingTxns(2) // of Badger's own, one being written and one waiting; more only take memory
	for _, e := range t.pending {
		if err := writeEntry(t.batch, e); err != nil {
			return err
		}
	}
	t.pending, t.pendingBytes = nil, 0
	return nil
}

// entryWriter is what a Badger transaction and a batch have in common.
type entryWriter interface {
	SetEntry(*engine.Entry) error
	Delete([]byte) error
}

func writeEntry(w entryWriter, e *engine.Entry) error {
	if e.UserMeta == metaDelete {
		return w.Delete(e.Key)
	}
	return w.SetEntry(e)
}

// Commit implements storage.Txn.
func (t *txn) Commit(ctx context.Context, meta *storage.ScanMetadata) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	head := t.s.head.Load()
	meta.Revision, meta.ScanID, meta.EndTime = t.revision, head.ScanID+1, t.at
	meta.StartTime = meta.StartTime.UTC().Truncate(time.Millisecond)
	meta.Created, meta.Modified, meta.Disappeared = t.counts.Created, t.counts.Modified, t.counts.Disappeared
	meta.Baseline, meta.Rebaselined = t.counts.Baseline, t.counts.Rebaselined
	if err := t.commit(meta); err != nil {
		t.err = fmt.Errorf("committing revision %d: %w", t.revision, translate(err))
		return t.err
	}
	t.s.times.set(t.revision, t.at)
	t.s.head.Store(&storage.Head{Revision: t.revision, Time: t.at, ScanID: meta.ScanID})
	t.s.note()
	t.end(false)
	return nil
}

// commit writes what is pending and the scan record in one Badger transaction. What
// went into batches is on the disk before it, and it is on the disk before commit
// returns: a revision that was reported survives a power cut.
func (t *txn) commit(meta *storage.ScanMetadata) error {
	record, err := encodeScan(meta)
	if err == nil {
		err = t.putCalled()
	}
	if err != nil {
		return err
	}
	about := int64(t.pendingBytes + len(record))
	if t.batch != nil {
		about += bytesInFlight
	}
	if err := t.s.room(about); err != nil {
		return err
	}
	if t.batch != nil {
		if err := t.batch.Flush(); err != nil {
			return err
		}
	}
	last := t.s.db.NewTransactionAt(uint64(t.revision), true)
	defer last.Discard()
	for _, e := range t.pending {
		if err := writeEntry(last, e); err != nil {
			return err
		}
	}
	if err := last.Set(scanKey(t.revision), record); err != nil {
		return err
	}
	return last.CommitAt(uint64(t.revision), nil)
}

// Rollback implements storage.Txn.
func (t *txn) Rollback() error {
	if t.done {
		return nil
	}
	if t.batch == nil && t.err == nil {
		t.end(false)
		return nil
	}
	if t.batch != nil {
		t.batch.Cancel()
	}
	err := t.s.undo(context.Background(), t.s.head.Load().Revision)
	t.end(err != nil)
	if errors.Is(err, storage.ErrFull) {
		t.s.log.Warn(undoLater, "revision", t.revision, "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("rolling back revision %d: %w", t.revision, translate(err))
	}
	return nil
}

func (t *txn) end(dirty bool) {
	t.done = true
	t.pending, t.disappeared, t.called = nil, nil, heldTerms{}
	t.s.endWriting(dirty)
	t.leave()
}

// undoPerCheck is how much undo writes before it looks at the free space again.
const undoPerCheck = 1 << 20

// undo makes all entries above the head as if they had never been written. It can be
// interrupted and repeated at any point.
func (s *Store) undo(ctx context.Context, head int64) error {
	above := s.db.NewTransactionAt(math.MaxUint64, false)
	defer above.Discard()
	before := s.db.NewTransactionAt(uint64(head), false)
	defer before.Discard()
	it := above.NewIterator(engine.IteratorOptions{AllVersions: true, SinceTs: uint64(head)})
	defer it.Close()
	batch := s.db.NewManagedWriteBatch()
	defer batch.Cancel()
	unchecked := int64(undoPerCheck)
	for it.Rewind(); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if unchecked >= undoPerCheck {
			if err := s.room(undoPerCheck + bytesInFlight); err != nil {
				return err
			}
			unchecked = 0
		}
		written, err := undoEntry(batch, before, head, it.Item())
		if err != nil {
			return err
		}
		unchecked += written
	}
	if err := batch.Flush(); err != nil {
		return err
	}
	return s.withdrawIntent(head)
}

// undoEntry returns how many bytes it writes.
func undoEntry(batch *engine.WriteBatch, before *engine.Txn, head int64, item *engine.Item) (int64, error) {
	undone := item.IsDeletedOrExpired() && item.Key()[0] != prefixKnown || item.UserMeta()&metaRestored != 0
	if int64(item.Version()) <= head || undone || item.Key()[0] == prefixIntent {
		return 0, nil
	}
	key := item.KeyCopy(nil)
	old, err := before.Get(key)
	if errors.Is(err, engine.ErrKeyNotFound) {
		if item.IsDeletedOrExpired() {
			return 0, nil
		}
		return int64(len(key)), batch.DeleteAt(key, item.Version())
	}
	if err != nil {
		return 0, err
	}
	value, err := valueOf(old)
	if err != nil {
		return 0, err
	}
	return int64(len(key) + len(value)), batch.SetEntryAt(engine.NewEntry(key, value).WithMeta(old.UserMeta()|metaRestored), item.Version())
}

// valueOf copies a value that is to be written again. Badger logs what it cannot read
// from its value log and then gives nothing, which must not be written over the original.
func valueOf(item *engine.Item) ([]byte, error) {
	value, err := item.ValueCopy(nil)
	if err == nil && len(value) == 0 && item.ValueSize() > 0 {
		err = fmt.Errorf("%w of %d bytes that cannot be read", errMalformed, item.ValueSize())
	}
	return value, err
}

// withdrawIntent deletes an intent above the head once nothing else is left there.
func (s *Store) withdrawIntent(head int64) error {
	intent, err := s.readIntent()
	if err != nil || intent <= head {
		return err
	}
	t := s.db.NewTransactionAt(math.MaxUint64, true)
	defer t.Discard()
	if err := t.Delete(intentKey()); err != nil {
		return err
	}
	return t.CommitAt(uint64(intent), nil)
}

// readIntent returns the newest revision that was announced; 0 if none.
func (s *Store) readIntent() (int64, error) {
	t := s.db.NewTransactionAt(math.MaxUint64, false)
	defer t.Discard()
	it := t.NewKeyIterator(intentKey(), engine.IteratorOptions{AllVersions: true})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if !it.Item().IsDeletedOrExpired() {
			return int64(it.Item().Version()), nil
		}
	}
	return 0, nil
}
