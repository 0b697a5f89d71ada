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
//
// Nothing is written to a disk that is nearly full: see space.go for how much has to be
// free, and for what another process can still do that fills the disk in that moment.
//
// Damage is found when a store is opened, and reported; nothing is repaired by leaving it
// out. In a store that was closed every byte is compared. In one whose process died, the
// log that was written last and the value logs that are younger than the last opening
// have no sums: of these it is known which revisions they must hold and that every entry
// is whole, but of revisions that were committed since the last opening and have been
// trimmed since, only the size of the manifest is compared.
package badger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// Sizes bound the memory of the engine. Most of it is what tables are built in: Badger
// keeps eight such buffers, and each grows to the power of two above twice what the
// largest table held before it was compressed, which may be twenty times less. With these
// sizes a daemon with 100,000 documents stays below 256 MiB; with tables of 512 KiB it
// took 10 to 20 MiB more, with a memtable of 8 MB and tables of 2 MB, growing from level to
// level, twice as much. A second memtable that waits to be written takes up to 10 MiB
// more. 32 KiB blocks compress documents of about 1 kB three times better than 4 KiB ones
// and read faster when scanned (docs/benchmarks.md).
const (
	memtableSize   = 3 << 20
	memtables      = 1         // that wait to be written, beside the one that is filled
	tableSize      = 192 << 10 // compressed, on every level, of a store below 3 GiB
	largestTable   = 640 << 10 // of one above 10 GiB; see tableSizeFor
	blockSize      = 32 << 10
	blockCache     = 16 << 20
	indexCache     = 8 << 20
	valueThreshold = 256 << 10
	valueLogSize   = 16 << 20 // also the limit of one value

	levelZeroTables = 2 // with which level 0 is compacted
	levelZeroStall  = 3 // that level 0 never exceeds; see order.go
)

// manyTables is from how many tables on they become larger. Each is a file that stays open
// and mapped, and Linux lets a process map 65,530 (vm.max_map_count), of which a store that
// grows while it is open needs its share too.
const manyTables = 1 << 14

// tableSizeFor returns how large the tables of a store become that holds as many bytes:
// tableSize, up to 3 GiB, and above that what makes manyTables of them, up to largestTable,
// which bounds what is built in memory and what compaction needs on the disk (space.go).
// With that, a store comes to Linux's limit at 39 GiB. Tables of another size stay as they
// are until they are compacted.
func tableSizeFor(stored int64) int64 { return min(max(tableSize, stored/manyTables), largestTable) }

// Store is an open store. See storage.Store for its methods.
type Store struct {
	path   string
	files  files
	unlock func()
	db     *engine.DB
	log    *slog.Logger

	head   atomic.Pointer[storage.Head]
	oldest atomic.Int64 // revision that can be read; 0 before anything was trimmed
	format int          // of the files, once the store is open

	// indexed is false while names and ARNs lead to nothing: the store is of format 1, and
	// there is no room for the index.
	indexed atomic.Bool
	times   revisionTimes

	maintenance sync.Mutex // held while old entries are removed, or must not be

	mu       sync.Mutex
	closed   bool
	writing  bool       // a transaction is open
	flushing bool       // or the memtable is being emptied
	dirty    bool       // entries above the head may exist
	users    int        // calls and iterators under way
	idle     *sync.Cond // users became 0, or writing false
	released bool       // the engine is closed
	result   error      // of Close
}

var _ storage.Store = (*Store)(nil)

// Open opens the store at opts.Path or makes a new one. After a crash it first recovers
// what was committed; where it cannot, or where it fails, the files are as they were.
// Errors: *storage.LockedError where another process has it open, storage.ErrNewerFormat,
// storage.ErrCorrupt, storage.ErrFull.
func Open(opts Options) (*Store, error) {
	log := opts.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	dir, format, err := prepare(opts.Path)
	if err != nil {
		return nil, fmt.Errorf("opening store %s: %w", opts.Path, translate(err))
	}
	s := &Store{path: opts.Path, log: log, format: format, files: files{path: opts.Path, dir: dir}}
	s.idle = sync.NewCond(&s.mu)
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("opening store %s: %w", opts.Path, err)
	}
	return s, nil
}

// open checks the files, recovers what a crash left and gives them to the engine. The
// lock comes first: the files of another process are not ours to check.
func (s *Store) open() (err error) {
	if s.unlock, err = lock(s.path); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			s.unlock()
		}
	}()
	clean, err := s.files.check()
	if err != nil {
		return err
	}
	if err := s.files.roomToOpen(clean); err != nil {
		return err
	}
	if !clean {
		s.log.Info("Recovering the store: it was not closed")
		if err := s.recoverCrash(); err != nil {
			return err
		}
	}
	return s.start()
}

// start opens the engine on files that are known to be whole.
func (s *Store) start() (err error) {
	if err := s.files.begin(); err != nil {
		return err
	}
	stored, err := s.files.allocated(".sst")
	if err != nil {
		return err
	}
	o := engineOptions(s.files.dir, s.log).WithBaseTableSize(tableSizeFor(stored))
	if s.db, err = openEngine(o); err != nil {
		return translateOpen(s.path, s.files.dir, err)
	}
	err = s.readState()
	if err == nil {
		err = s.undoCutOff()
	}
	if err == nil {
		err = s.raiseFormat(context.Background())
	}
	if err != nil {
		return errors.Join(translate(err), s.db.Close())
	}
	s.note()
	return nil
}

// note notes what was committed. It is worth a warning where that fails, and no more: what
// was committed is committed.
func (s *Store) note() {
	s.files.noting.Lock()
	defer s.files.noting.Unlock()
	n := note{head: s.head.Load().Revision, oldest: s.oldest.Load()}
	var err error
	if n.manifestSize, err = s.files.manifestSize(); err == nil {
		err = s.files.note(n)
	}
	if err != nil {
		s.log.Warn("The head could not be noted; what was committed is stored all the same", "error", err)
	}
}

// openEngine opens Badger, which panics on some kinds of damage.
func openEngine(o engine.Options) (db *engine.DB, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("engine panicked: %v", v)
		}
	}()
	return engine.OpenManaged(o)
}

// engineOptions are those of an engine whose tables were checked already.
func engineOptions(dir string, log *slog.Logger) engine.Options {
	o := engine.DefaultOptions(dir).
		WithChecksumVerificationMode(options.NoVerification).
		WithLogger(engineLogger{log}).
		WithNumVersionsToKeep(1). // of those at or below the discard timestamp, which Trim sets; all above stay
		WithSyncWrites(true).     // a batch is on the disk before the scan record that commits it
		WithCompression(options.ZSTD).
		WithZSTDCompressionLevel(1).
		WithBlockSize(blockSize).
		WithBlockCacheSize(blockCache).
		WithIndexCacheSize(indexCache).
		WithMemTableSize(memtableSize).
		WithNumMemtables(memtables).
		WithNumLevelZeroTables(levelZeroTables).
		WithNumLevelZeroTablesStall(levelZeroStall).
		WithNumCompactors(2).
		WithValueThreshold(valueThreshold).
		WithValueLogFileSize(valueLogSize).
		WithVerifyValueChecksum(true). // of those in the value log; tables check their blocks
		WithDetectConflicts(false).
		WithMetricsEnabled(false).
		WithBaseTableSize(tableSize)
	o.TableSizeMultiplier = 1
	return o
}

// readState finds the head and what was trimmed.
func (s *Store) readState() error {
	head, err := s.readHead()
	if err != nil {
		return err
	}
	s.head.Store(&head)
	return s.recoverTrim()
}

// undoCutOff undoes a scan that was cut off. Where there is no room for that, the next
// scan does it; readers do not look above the head.
func (s *Store) undoCutOff() error {
	head := s.head.Load().Revision
	intent, err := s.readIntent()
	if err != nil || intent <= head {
		return err
	}
	s.log.Info("Undoing a scan that was not committed", "revision", intent, "head", head)
	err = s.undo(context.Background(), head)
	if errors.Is(err, storage.ErrFull) {
		s.log.Warn(undoLater, "revision", intent, "error", err)
		s.dirty = true
		return nil
	}
	return err
}

// undoLater is said where a scan cannot be undone yet.
const undoLater = "What was staged is undone when there is room for it; until then it stays invisible"

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
	stats := storage.Stats{Engine: "badger", FormatVersion: s.format, Revision: head}
	if head > 0 {
		stats.OldestRevision = max(1, s.oldest.Load())
	}
	if free, known := freeSpace(s.files.dir); known {
		stats.FreeBytes = &free
	}
	stats.SizeBytes, err = directorySize(s.path)
	return stats, err
}

// directorySize adds up what the files take on the disk, which is less than their
// length: Badger maps files that are longer than their content.
func directorySize(path string) (int64, error) {
	m := meter{root: path}
	if err := filepath.WalkDir(path, m.visit); err != nil {
		return 0, fmt.Errorf("measuring store: %w", err)
	}
	return m.total, nil
}

// meter adds up the files of a walk.
type meter struct {
	root  string
	total int64
}

func (m *meter) visit(path string, e os.DirEntry, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist): // compaction removes files meanwhile
		return nil
	case errors.Is(err, os.ErrPermission) && path != m.root: // not the store's: lost+found at the root of a disk
		return filepath.SkipDir
	case err != nil || e.IsDir():
		return err
	}
	info, err := e.Info()
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	m.total += allocatedSize(info)
	return nil
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

// Close implements storage.Store. Where there is no room on the disk for what is in memory
// it reports storage.ErrFull and leaves the engine and the lock as they are: Close may be
// called again once there is room, and if the process ends instead, the next Open recovers
// everything from the logs.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for s.users > 0 {
		s.idle.Wait()
	}
	if s.released {
		return s.result
	}
	if err := s.readyToClose(); err != nil {
		return fmt.Errorf("closing store %s: %w", s.path, err)
	}
	s.released = true
	s.files.head = s.head.Load().Revision
	err := s.db.Close()
	if err == nil {
		err = s.files.closed()
	}
	err = translate(err)
	if err != nil {
		s.result = fmt.Errorf("closing store %s: %w", s.path, err)
	}
	s.unlock()
	return s.result
}

// readyToClose makes sure that closing the engine fails for no lack of space, and leaves
// level 0 as small as it has to be.
func (s *Store) readyToClose() error {
	if err := s.files.roomToClose(); err != nil {
		return err
	}
	return rest(context.Background(), s.db, &s.files, restToClose)
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
	if isFull(err) {
		return translate(err)
	}
	return damaged(dir, fmt.Sprintf("cannot be opened: %v", err))
}

// ownerOf reads the process id that the owner leaves in a directory; 0 if there is none.
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
func (l engineLogger) Warningf(format string, args ...any) { l.warn(message(format, args)) }
func (l engineLogger) Infof(format string, args ...any)    { l.log.Debug(message(format, args)) }
func (l engineLogger) Debugf(format string, args ...any)   { l.log.Debug(message(format, args)) }

// warn passes warnings on, except for those about the size of the caches: they are small
// on purpose, and nobody who reads the log can do anything about it.
func (l engineLogger) warn(text string) {
	if strings.Contains(text, "cache might be too small") || strings.Contains(text, "Cache life expectancy") {
		l.log.Debug(text)
		return
	}
	l.log.Warn(text)
}

func message(format string, args []any) string {
	return "storage engine: " + strings.TrimSpace(fmt.Sprintf(format, args...))
}
