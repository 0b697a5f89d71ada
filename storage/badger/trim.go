package badger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Trim implements storage.Store. The new oldest revision is recorded first: from then on
// nothing below it is answered, whether or not it is still there. Then what belongs to
// one revision only (events, their index, scan records) and tombstones are deleted, each
// at its own timestamp; superseded versions are dropped by Badger, which keeps the newest
// at or below the discard timestamp. A trim that was cut off is finished by the next.
func (s *Store) Trim(ctx context.Context, revision int64) error {
	done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	head := s.head.Load().Revision
	if revision > head {
		return fmt.Errorf("trimming up to revision %d: %w; the newest is %d", revision, storage.ErrFutureRevision, head)
	}
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	if err := s.trim(ctx, head, revision); err != nil {
		return fmt.Errorf("trimming up to revision %d: %w", revision, translate(err))
	}
	return nil
}

// trim also finishes what an earlier one left, where there is nothing else to do.
func (s *Store) trim(ctx context.Context, head, revision int64) error {
	cleared, err := s.readNumber(prefixCleared)
	if err != nil {
		return err
	}
	oldest := s.oldest.Load()
	if revision <= max(1, oldest, cleared) && oldest <= cleared {
		return nil
	}
	if err := s.room(0); err != nil {
		return err
	}
	if revision > max(1, oldest) {
		if err := s.writeNumber(prefixOldest, revision, head); err != nil {
			return err
		}
		s.oldest.Store(revision)
		s.note()
		s.db.SetDiscardTs(uint64(revision))
		oldest = revision
	}
	if err := s.clear(ctx, head, max(1, cleared), oldest); err != nil {
		return err
	}
	return s.writeNumber(prefixCleared, oldest, head)
}

// clear deletes the scan records of the revisions from first on below end, and the events
// up to it: the state at end is what is left, and how it came to be is not. With them go
// the names and ARNs that nothing is called any more.
func (s *Store) clear(ctx context.Context, head, first, end int64) error {
	view := s.db.NewTransactionAt(uint64(head), false)
	defer view.Discard()
	batch := s.db.NewManagedWriteBatch()
	defer batch.Cancel()
	it := view.NewIterator(engine.IteratorOptions{Prefix: []byte{prefixEvent}})
	defer it.Close()
	cleared := 0
	for it.Seek(eventKey(storage.EventID{Revision: first})); it.Valid(); it.Next() {
		id, err := parseEventID(it.Item().Key())
		if err != nil {
			return err
		}
		if id.Revision > end {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if cleared++; cleared%eventsPerCheck == 0 {
			if err := s.room(eventsPerCheck * 1 << 10); err != nil {
				return err
			}
		}
		if err := clearEvent(batch, view, id, it.Item()); err != nil {
			return err
		}
	}
	r := &reading{s: s, txn: view, head: head, revision: head, oldest: end}
	if err := r.clearTerms(ctx, batch, first); err != nil {
		return err
	}
	for revision := first; revision < end; revision++ {
		if err := batch.DeleteAt(scanKey(revision), uint64(revision)); err != nil {
			return err
		}
	}
	return batch.Flush()
}

// eventsPerCheck is how many events are removed before the room on the disk is looked at
// again. The deletions that one takes are below 1 KiB.
const eventsPerCheck = 1000

// clearEvent deletes an event with its index entries, and the tombstone that it tells of.
func clearEvent(batch *engine.WriteBatch, view *engine.Txn, id storage.EventID, item *engine.Item) error {
	var e *storage.ChangeEvent
	err := item.Value(func(b []byte) error {
		var err error
		e, err = decodeEvent(id, b)
		return err
	})
	if err != nil {
		return err
	}
	at := uint64(id.Revision)
	key, err := resource.ParseKey(e.Key)
	if err != nil {
		return err
	}
	keys := [][]byte{eventKey(id)}
	for _, prefix := range indexPrefixes(key, e.ChangeType) {
		keys = append(keys, appendEventID(prefix, id))
	}
	if e.ChangeType == change.Disappeared {
		isTombstone, err := tombstoneAt(view, resourceKey(prefixDocument, key), at)
		if err != nil {
			return err
		}
		if isTombstone {
			keys = append(keys, resourceKey(prefixDocument, key))
		}
	}
	for _, k := range keys {
		if err := batch.DeleteAt(k, at); err != nil {
			return err
		}
	}
	return nil
}

// tombstoneAt reports whether the version of a key that was written at a timestamp is a
// tombstone; it is none where the resource was replaced by another in the same scan.
func tombstoneAt(view *engine.Txn, key []byte, at uint64) (bool, error) {
	it := view.NewKeyIterator(key, engine.IteratorOptions{})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if it.Item().Version() == at {
			return it.Item().UserMeta()&metaTombstone != 0 && !it.Item().IsDeletedOrExpired(), nil
		}
	}
	return false, nil
}

// recoverTrim restores what earlier trims decided.
func (s *Store) recoverTrim() error {
	oldest, err := s.readNumber(prefixOldest)
	if err != nil {
		return translate(err)
	}
	s.oldest.Store(oldest)
	s.db.SetDiscardTs(uint64(oldest))
	return nil
}

// readNumber reads a number that is kept under a prefix alone; 0 if there is none.
func (s *Store) readNumber(prefix byte) (int64, error) {
	t := s.db.NewTransactionAt(math.MaxUint64, false)
	defer t.Discard()
	item, err := t.Get([]byte{prefix})
	if errors.Is(err, engine.ErrKeyNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var n int64
	err = item.Value(func(b []byte) error {
		if len(b) != 8 {
			return errMalformed
		}
		n = int64(binary.BigEndian.Uint64(b))
		return nil
	})
	return n, err
}

// writeNumber keeps a number under a prefix, at the timestamp of the head, so that it is
// not taken for a part of a scan that was cut off.
func (s *Store) writeNumber(prefix byte, n, head int64) error {
	t := s.db.NewTransactionAt(math.MaxUint64, true)
	defer t.Discard()
	if err := t.Set([]byte{prefix}, numberValue(n)); err != nil {
		return err
	}
	return t.CommitAt(uint64(head), nil)
}

func numberValue(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// Reclaim gives the space of what was trimmed back to the disk, by rewriting the tables
// that hold it. Reads and scans go on meanwhile. progress, if not nil, is told how many
// of how many steps are done.
func (s *Store) Reclaim(ctx context.Context, progress func(done, total int)) error {
	done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	if err := s.reclaim(ctx, progress); err != nil {
		return fmt.Errorf("giving space back: %w", translate(err))
	}
	return nil
}

// reclaim makes Badger rewrite every table. Compaction rewrites a table of the last level
// only where tables above overlap with it, so each gets one: an entry of it is written
// again as it is. They go to the disk with the memtable, which is emptied by dropping a
// prefix that is there for this alone.
func (s *Store) reclaim(ctx context.Context, progress func(done, total int)) error {
	tables := s.db.Tables()
	if err := s.room(sizeOnDisk(tables) / 2); err != nil {
		return err
	}
	total := len(tables) + 3
	step := func(n int) error {
		if progress != nil {
			progress(n, total)
		}
		return ctx.Err()
	}
	for i, table := range tables {
		if err := step(i); err != nil {
			return err
		}
		if err := s.touch(table.Left); err != nil {
			return err
		}
	}
	if err := s.emptyMemtable(ctx); err != nil {
		return err
	}
	if err := step(len(tables) + 1); err != nil {
		return err
	}
	if err := s.db.Flatten(1); err != nil {
		return err
	}
	if err := step(len(tables) + 2); err != nil {
		return err
	}
	if err := s.collectValueLog(ctx); err != nil {
		return err
	}
	s.note()
	return step(total)
}

// sizeOnDisk adds up tables. Rewriting all of them takes as much before the old ones are
// gone.
func sizeOnDisk(tables []engine.TableInfo) int64 {
	var size int64
	for _, t := range tables {
		size += int64(t.OnDiskSize)
	}
	return size
}

// timestampLength is how many bytes Badger adds to a key in its tables.
const timestampLength = 8

// touch writes an entry again as it is, given its key as it stands in a table.
func (s *Store) touch(internal []byte) error {
	if len(internal) <= timestampLength {
		return nil
	}
	key := internal[:len(internal)-timestampLength]
	at := math.MaxUint64 - binary.BigEndian.Uint64(internal[len(key):])
	if at > uint64(s.head.Load().Revision) {
		return nil // staged: it would come back after a roll-back
	}
	view := s.db.NewTransactionAt(at, false)
	defer view.Discard()
	it := view.NewKeyIterator(key, engine.IteratorOptions{})
	defer it.Close()
	it.Rewind()
	if !it.Valid() || it.Item().Version() != at {
		return nil // rewritten meanwhile
	}
	batch := s.db.NewManagedWriteBatch()
	defer batch.Cancel()
	if it.Item().IsDeletedOrExpired() {
		if err := batch.DeleteAt(it.Item().KeyCopy(nil), at); err != nil {
			return err
		}
		return batch.Flush()
	}
	value, err := valueOf(it.Item())
	if err != nil {
		return err
	}
	entry := engine.NewEntry(it.Item().KeyCopy(nil), value).WithMeta(it.Item().UserMeta())
	if err := batch.SetEntryAt(entry, at); err != nil {
		return err
	}
	return batch.Flush()
}

// emptyMemtable brings what is in memory into tables below level 0. Badger refuses writes
// for that moment, so it takes the place of the writer. A reader that has been reading for
// long keeps old memtables; if it does not end, that is storage.ErrBusy.
func (s *Store) emptyMemtable(ctx context.Context) error {
	if err := s.beginWriting(ctx, true); err != nil {
		return err
	}
	defer s.endWriting(false)
	if err := rest(ctx, s.db, &s.files, restToEmpty); err != nil {
		return err
	}
	return s.sink()
}

// Share of a value log file that has to be garbage for it to be rewritten.
const valueLogGarbage = 0.5

func (s *Store) collectValueLog(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.room(2 * valueLogSize); err != nil {
			return err
		}
		err := s.collectOneValueLog(ctx)
		if errors.Is(err, engine.ErrNoRewrite) || errors.Is(err, engine.ErrRejected) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// collectOneValueLog rewrites what is left of one value log, in the place of the writer:
// Badger looks whether an entry is still the newest and then writes it anew, at the same
// timestamp. What a scan or its roll-back wrote in between would be overwritten.
func (s *Store) collectOneValueLog(ctx context.Context) error {
	if err := s.beginWriting(ctx, true); err != nil {
		return err
	}
	defer s.endWriting(false)
	return s.db.RunValueLogGC(valueLogGarbage)
}
