// Package badger keeps Elava's history in Badger, an embedded key-value store, in a
// directory of its own.
//
// Badger keeps every entry under a timestamp; here the timestamp is the revision. A
// read at a revision is a Badger transaction at that timestamp, the history of a
// resource is the list of versions of its key, and what did not change is not written
// again.
//
// # How a revision becomes visible
//
// A revision is committed when the record of its scan is there, which is written last:
// either in one Badger transaction with all the rest, or, when that would be too large
// for one, after batches that were announced by an intent. Readers never look above the
// newest scan record. When a revision that was announced is missing its scan record,
// because the process died or the transaction was rolled back, its entries are undone:
// those that did not exist are deleted, and the others overwritten by a copy of what
// they were, marked as restored. The copy is filed under the undone revision but tells
// the revision it was recorded by, so that Badger's own garbage collection, which keeps
// the newest entry below a cut-off, keeps the right content.
//
// # Limits
//
// One process has a store open at a time. Keys are limited to Badger's 65,000 bytes.
// Values above a quarter of a megabyte go to Badger's value log and are not compressed.
package badger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	engine "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/elava-dev/elava/storage"
)

// Options says where a store is and how it behaves.
type Options struct {
	// Path is the directory of the store. It is made if it does not exist.
	Path string

	// Logger gets what Badger has to say: its warnings and errors, and at debug level
	// its progress. nil: nothing is logged.
	Logger *slog.Logger
}

// Sizes bound the memory of the engine: two memtables, two caches and the buffers of
// two compactions stay below 100 MB. 32 KiB blocks compress documents of about 1 kB
// three times better than 4 KiB ones and read faster when scanned (docs/benchmarks.md).
const (
	memtableSize   = 8 << 20
	blockSize      = 32 << 10
	blockCache     = 16 << 20
	indexCache     = 8 << 20
	valueThreshold = 256 << 10
	valueLogSize   = 64 << 20
)

// Store is an open store. See storage.Store for its methods.
type Store struct {
	path string
	db   *engine.DB
	log  *slog.Logger

	head  atomic.Pointer[storage.Head]
	times revisionTimes

	mu      sync.Mutex
	closed  bool
	writing bool       // a transaction is open
	dirty   bool       // entries above the head may exist
	users   int        // calls and iterators under way
	idle    *sync.Cond // users became 0
	result  error      // of Close
}

var _ storage.Store = (*Store)(nil)

// Open opens the store at opts.Path or makes a new one. Errors: *storage.LockedError
// where another process has it open, storage.ErrNewerFormat, storage.ErrCorrupt.
func Open(opts Options) (*Store, error) {
	log := opts.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	dir, err := prepare(opts.Path)
	if err != nil {
		return nil, fmt.Errorf("opening store %s: %w", opts.Path, err)
	}
	db, err := engine.OpenManaged(engineOptions(dir, log))
	if err != nil {
		return nil, fmt.Errorf("opening store %s: %w", opts.Path, translateOpen(opts.Path, dir, err))
	}
	s := &Store{path: opts.Path, db: db, log: log}
	s.idle = sync.NewCond(&s.mu)
	if err := s.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening store %s: %w", opts.Path, err), db.Close())
	}
	return s, nil
}

func engineOptions(dir string, log *slog.Logger) engine.Options {
	return engine.DefaultOptions(dir).
		WithLogger(engineLogger{log}).
		WithNumVersionsToKeep(math.MaxInt).
		WithSyncWrites(true). // a batch is on the disk before the scan record that commits it
		WithCompression(options.ZSTD).
		WithZSTDCompressionLevel(1).
		WithBlockSize(blockSize).
		WithBlockCacheSize(blockCache).
		WithIndexCacheSize(indexCache).
		WithMemTableSize(memtableSize).
		WithNumMemtables(2).
		WithNumLevelZeroTables(4).
		WithNumLevelZeroTablesStall(8).
		WithNumCompactors(2).
		WithValueThreshold(valueThreshold).
		WithValueLogFileSize(valueLogSize).
		WithDetectConflicts(false).
		WithMetricsEnabled(false)
}

// recover finds the head and undoes what lies above it.
func (s *Store) recover() error {
	head, err := s.readHead()
	if err != nil {
		return err
	}
	s.head.Store(&head)
	intent, err := s.readIntent()
	if err != nil {
		return err
	}
	if intent <= head.Revision {
		return nil
	}
	s.log.Info("Undoing a scan that was not committed", "revision", intent, "head", head.Revision)
	return s.undo(context.Background(), head.Revision)
}

// Head implements storage.Store.
func (s *Store) Head(context.Context) (storage.Head, error) {
	done, err := s.use()
	if err != nil {
		return storage.Head{}, err
	}
	defer done()
	return *s.head.Load(), nil
}

// Stats implements storage.Store.
func (s *Store) Stats(context.Context) (storage.Stats, error) {
	done, err := s.use()
	if err != nil {
		return storage.Stats{}, err
	}
	defer done()
	head := s.head.Load().Revision
	stats := storage.Stats{Engine: "badger", FormatVersion: FormatVersion, Revision: head}
	if head > 0 {
		stats.OldestRevision = 1
	}
	stats.SizeBytes, err = directorySize(s.path)
	return stats, err
}

// directorySize adds up what the files take on the disk, which is less than their
// length: Badger maps files that are longer than their content.
func directorySize(path string) (int64, error) {
	var total int64
	err := filepath.WalkDir(path, func(_ string, e os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) { // compaction removes files meanwhile
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		total += allocatedSize(info)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("measuring store: %w", err)
	}
	return total, nil
}

// use counts a caller in, so that Close waits for it. Iterators nest calls: a caller
// that is in may come in again, unless the store is closing.
func (s *Store) use() (done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, storage.ErrClosed
	}
	s.users++
	return s.leave, nil
}

func (s *Store) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users--
	if s.users == 0 {
		s.idle.Broadcast()
	}
}

// Close implements storage.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	for s.users > 0 {
		s.idle.Wait()
	}
	defer s.mu.Unlock()
	if first {
		if err := s.db.Close(); err != nil {
			s.result = fmt.Errorf("closing store %s: %w", s.path, translate(err))
		}
	}
	return s.result
}

// revisionTimes remembers the times of revisions, which never change.
type revisionTimes struct {
	mu    sync.Mutex
	times map[int64]time.Time
}

// Revisions remembered before the memory is emptied: 4 MB.
const maxRevisionTimes = 50_000

func (r *revisionTimes) get(revision int64) (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.times[revision]
	return t, ok
}

func (r *revisionTimes) set(revision int64, t time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.times == nil || len(r.times) >= maxRevisionTimes {
		r.times = map[int64]time.Time{}
	}
	r.times[revision] = t
}

// translateOpen turns what Badger says when it cannot open into storage's errors.
func translateOpen(path, dir string, err error) error {
	if strings.Contains(err.Error(), "Cannot acquire directory lock") {
		return &storage.LockedError{Path: path, PID: ownerOf(dir)}
	}
	if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w: %w", storage.ErrCorrupt, err)
}

// ownerOf reads the process id that Badger leaves in the directory; 0 if there is none.
func ownerOf(dir string) int {
	b, err := os.ReadFile(filepath.Join(dir, "LOCK"))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return pid
}

// engineLogger passes Badger's messages on. What Badger calls information is our debug.
type engineLogger struct{ log *slog.Logger }

func (l engineLogger) Errorf(format string, args ...any)   { l.log.Error(message(format, args)) }
func (l engineLogger) Warningf(format string, args ...any) { l.log.Warn(message(format, args)) }
func (l engineLogger) Infof(format string, args ...any)    { l.log.Debug(message(format, args)) }
func (l engineLogger) Debugf(format string, args ...any)   { l.log.Debug(message(format, args)) }

func message(format string, args []any) string {
	return "storage engine: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
