package badger

import (
	"context"
	"log/slog"
	"math"
	"path/filepath"
	"strconv"
	"time"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// What benchmarks need to put the bare engine beside a store.

// Engine returns the engine of an open store.
func (s *Store) Engine() *engine.DB { return s.db }

// EngineDir returns the engine's directory within that of a store.
func EngineDir(path string) string { return filepath.Join(path, engineDir) }

// EngineOptions returns the options with which a store that was closed cleanly opens its
// engine.
func EngineOptions(dir string) engine.Options {
	return engineOptions(dir, slog.New(slog.DiscardHandler))
}

// Entry is what the engine keeps under a key.
type Entry struct{ Key, Value []byte }

// BaselineEntries returns what a store writes for a resource that is recorded for the
// first time, in the first revision.
func BaselineEntries(r *resource.Resource, f resource.Fingerprint, schema uint32) ([]Entry, error) {
	known := storage.Known{Fingerprint: f, Schema: schema, UID: r.UID}
	value, err := appendVersion(nil, &version{revision: 1, time: time.Now(), changeType: change.Baseline, schema: schema, resource: *r})
	return []Entry{
		{resourceKey(prefixKnown, r.Key), appendKnown(nil, &known)},
		{resourceKey(prefixDocument, r.Key), value},
	}, err
}

// DocumentKey returns the key under which the versions of a resource are kept.
func DocumentKey(k resource.Key) []byte { return resourceKey(prefixDocument, k) }

// Unindex makes an open store one of format 1, which has no index of names and ARNs.
func (s *Store) Unindex() error {
	if err := rest(context.Background(), s.db, &s.files, restToEmpty); err != nil {
		return err
	}
	if err := s.db.DropPrefix([]byte{prefixTerm}, []byte{prefixEnded}); err != nil {
		return err
	}
	s.indexed.Store(false)
	return writeFileDurably(filepath.Join(s.path, formatFile), formatPrefix+strconv.Itoa(unindexedFormat)+"\n")
}

// IndexTerms indexes names and ARNs as opening a store of format 1 does.
func (s *Store) IndexTerms(ctx context.Context) error { return s.indexTerms(ctx) }

// Indexed returns up to which key the index was noted to have got; "" where nothing is noted.
func (s *Store) Indexed() (string, error) {
	key, err := s.readIndexing(s.head.Load().Revision)
	return string(key), err
}

// ForgetTerms drops the index entries of a resource, as damage might.
func (s *Store) ForgetTerms(r *resource.Resource) error {
	batch := s.db.NewManagedWriteBatch()
	defer batch.Cancel()
	for _, t := range termsOf(r) {
		if err := batch.DeleteAt(termKey(t, r.Key), uint64(s.head.Load().Revision)); err != nil {
			return err
		}
	}
	return batch.Flush()
}

// TermEntries counts the entries that lead from names and ARNs to resources, with all that
// was written of each, and the notes of what has ended.
func (s *Store) TermEntries() (entries, written, ended int) {
	view := s.db.NewTransactionAt(math.MaxUint64, false)
	defer view.Discard()
	count := func(prefix byte, all bool) (n int) {
		it := view.NewIterator(engine.IteratorOptions{Prefix: []byte{prefix}, AllVersions: all})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			n++
		}
		return n
	}
	return count(prefixTerm, false), count(prefixTerm, true), count(prefixEnded, false)
}

// IndexedPerNote is after how many resources it is noted how far the index is.
const IndexedPerNote = indexedPerNote

// LevelZero returns how many tables level 0 of an open store has.
func (s *Store) LevelZero() int { return levelZero(s.db) }

// LevelZeroStall is how many it may have.
const LevelZeroStall = levelZeroStall

// OpenWithoutCompactors opens the bare engine as recovery does.
func OpenWithoutCompactors(dir string) (*engine.DB, error) {
	return engine.OpenManaged(recoveryOptions(dir, nil))
}
