package badger

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	engine "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"golang.org/x/sync/errgroup"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/storage"
)

// What a crash leaves and what damage leaves must be told apart. A process that is killed
// leaves logs longer than their content, tables that no manifest names, and empty files
// that were about to be filled or removed. A power cut also leaves the last write torn.
// What neither leaves is a table that is not whole or not there although the manifest
// names it, or less than what was committed.
//
// Badger is not asked about the former: on damaged tables and logs it ends the process,
// in part from goroutines of its own. The latter is checked on what it recovered.

// verifyCrashed checks what can be checked before the engine recovers the files. clean
// reports whether there is nothing to recover, because the store is new.
func (f *files) verifyCrashed() (clean bool, err error) {
	names, err := f.names()
	if err != nil {
		return false, err
	}
	if !slices.ContainsFunc(names, isEngineFile) {
		// The manifest is the first file that Badger makes, under another name.
		if head := f.noted().head; head > 0 {
			return false, damaged(f.dir, fmt.Sprintf("holds no store, and revision %d was committed", head))
		}
		return true, nil
	}
	if !slices.Contains(names, manifestFile) {
		return false, damaged(filepath.Join(f.dir, manifestFile), "is missing")
	}
	for _, name := range names {
		if err := f.verifyHeader(name); err != nil {
			return false, err
		}
	}
	if err := f.verifyGrowth(); err != nil {
		return false, err
	}
	if err := f.verifyLogs(names); err != nil {
		return false, err
	}
	return false, f.verifyTables()
}

// Badger writes its manifest anew when it tells of more than 10,000 tables that are gone
// and of a tenth as many that are not.
const manifestRewritten = 100 << 10

// verifyGrowth finds a manifest that has lost its end. Badger takes that for the work of a
// crash, and removes the tables that are no longer named.
func (f *files) verifyGrowth() error {
	size, err := f.manifestSize()
	if err != nil {
		return err
	}
	noted := f.noted().manifestSize
	rewritten := noted > manifestRewritten && size < noted/2
	if size < noted && !rewritten {
		return damaged(filepath.Join(f.dir, manifestFile), fmt.Sprintf("has %d bytes and had %d", size, noted))
	}
	return nil
}

// verifyLogs checks the logs of memtables that were full. Only the newest log may end in
// the middle of something.
func (f *files) verifyLogs(names []string) error {
	logs := memtableLogs(names)
	if len(logs) == 0 {
		return nil
	}
	for _, n := range logs[:len(logs)-1] {
		path := f.memtableLog(n)
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if len(bytes.Trim(content[logEnd(content):], "\x00")) > 0 {
			return damaged(path, "is not whole")
		}
	}
	return nil
}

// logHeader is what a log begins with: the number of an encryption key and random bytes.
const logHeader = 20

// logEnd returns where the last entry of a log ends that is what was written: two bytes of
// flags, the lengths of key and value and a time as uvarints, key, value, and a CRC-32C.
func logEnd(content []byte) int {
	end := min(logHeader, len(content))
	for {
		n := entryLength(content[end:])
		if n == 0 {
			return end
		}
		end += n
	}
}

// entryLength returns the length of the entry with which b begins; 0 if there is none.
func entryLength(b []byte) int {
	const flags, sumLength = 2, 4
	at := flags
	var lengths [3]uint64 // key, value; the third is a time
	for i := range lengths {
		if at > len(b) {
			return 0
		}
		v, n := binary.Uvarint(b[at:])
		if n <= 0 {
			return 0
		}
		lengths[i] = v
		at += n
	}
	key, value := lengths[0], lengths[1]
	if rest := uint64(len(b) - at); key == 0 || key > rest || value > rest-key || rest-key-value < sumLength {
		return 0
	}
	end := at + int(key+value)
	if crcOf(b[:end]) != binary.BigEndian.Uint32(b[end:]) {
		return 0
	}
	return end + sumLength
}

// refuseOthers finds what is no file: putting back the files of a recovery that failed
// would remove it.
func (f *files) refuseOthers() error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			return foreign(filepath.Join(f.dir, e.Name()))
		}
	}
	return nil
}

// Files begin in a known way: logs with the number of their encryption key, which is 0,
// and the registry of keys with 16 random bytes, a text, and no keys.
const (
	registryText   = "Hello Badger"
	registryOffset = 16
	keyNumber      = 8
)

func (f *files) verifyHeader(name string) error {
	path := filepath.Join(f.dir, name)
	switch ext := filepath.Ext(name); {
	case ext == ".mem" || ext == ".vlog":
		if strings.Trim(strings.TrimSuffix(name, ext), "0123456789") != "" {
			return foreign(path)
		}
		head, err := readHeader(path, keyNumber)
		if err == nil && slices.ContainsFunc(head, func(b byte) bool { return b != 0 }) {
			return damaged(path, "is no log of the engine")
		}
		return err
	case name == registryFile:
		head, err := readHeader(path, registryOffset+len(registryText)+1)
		if err == nil && (len(head) != registryOffset+len(registryText) || string(head[registryOffset:]) != registryText) {
			return damaged(path, "is not what was written")
		}
		return err
	default:
		return nil
	}
}

// readHeader reads the first n bytes of a file, or all of a shorter one.
func readHeader(path string, n int) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	head := make([]byte, n)
	n, err = file.ReadAt(head, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return head[:n], err
}

// verifyTables checks the tables that the manifest names: by their sums, or by their own
// checksums if they are younger.
func (f *files) verifyTables() error {
	manifest, err := f.readManifest()
	if err != nil {
		return err
	}
	summed := sums{}
	var g errgroup.Group
	g.SetLimit(4)
	for id, t := range manifest.Tables {
		name := filepath.Base(table.NewFilename(id, f.dir))
		path := filepath.Join(f.dir, name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return errors.Join(damaged(path, "is missing, or the end of "+manifestFile+" is"), g.Wait())
		}
		if want, ok := f.last[name]; ok {
			summed[name] = want
			continue
		}
		g.Go(func() error {
			if err := verifyTable(path, t.Compression); err != nil {
				return damaged(path, fmt.Sprintf("is not whole: %v", err))
			}
			return nil
		})
	}
	return errors.Join(f.compare(summed), f.compareLogs(), g.Wait())
}

func (f *files) readManifest() (engine.Manifest, error) {
	path := filepath.Join(f.dir, manifestFile)
	file, err := os.Open(path)
	if err != nil {
		return engine.Manifest{}, err
	}
	defer file.Close()
	manifest, _, err := engine.ReplayManifestFile(file, 0, engine.DefaultOptions("").WithLogger(nil))
	if err != nil {
		return manifest, damaged(path, fmt.Sprintf("cannot be read: %v", err))
	}
	return manifest, nil
}

// compareLogs compares the value logs that were closed once: Badger writes to new ones
// only. It empties a log before it removes it.
func (f *files) compareLogs() error {
	want := sums{}
	for name, s := range f.last {
		if filepath.Ext(name) != ".vlog" {
			continue
		}
		if info, err := os.Stat(filepath.Join(f.dir, name)); err == nil && info.Size() > 0 {
			want[name] = s
		}
	}
	return f.compare(want)
}

// verifyTable reads a table and checks all checksums in it.
func verifyTable(path string, compression options.CompressionType) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errors.New("its blocks cannot be read")
		}
	}()
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := verifyIndex(content); err != nil {
		return err
	}
	t, err := table.OpenInMemoryTable(content, 0, &table.Options{Compression: compression, BlockSize: blockSize})
	if err != nil {
		return err
	}
	return t.VerifyChecksum()
}

// verifyIndex checks the end of a table, which leads to all else: the index, its length,
// its checksum and the checksum's length. Badger ends the process where a length is wrong.
func verifyIndex(content []byte) error {
	sumBytes, rest, err := cutLengthed(content)
	if err != nil {
		return err
	}
	index, _, err := cutLengthed(rest)
	if err != nil {
		return err
	}
	want, err := parseChecksum(sumBytes)
	if err != nil {
		return err
	}
	if len(index) == 0 {
		return errors.New("it has no index")
	}
	return y.VerifyChecksum(index, want)
}

// parseChecksum reads two fields in the encoding of protocol buffers: the algorithm, left
// out where it is 0, and the sum.
func parseChecksum(b []byte) (*pb.Checksum, error) {
	const algorithmTag, sumTag = 1 << 3, 2 << 3
	c := &pb.Checksum{}
	for len(b) > 0 {
		tag := b[0]
		v, n := binary.Uvarint(b[1:])
		switch {
		case n <= 0:
			return nil, errors.New("its checksum cannot be read")
		case tag == algorithmTag && v <= uint64(pb.Checksum_XXHash64):
			c.Algo = pb.Checksum_Algorithm(v)
		case tag == sumTag:
			c.Sum = v
		default:
			return nil, errors.New("its checksum is of no known kind")
		}
		b = b[1+n:]
	}
	return c, nil
}

// cutLengthed cuts off what stands at the end of b, followed by its length.
func cutLengthed(b []byte) (last, rest []byte, err error) {
	const lengthBytes = 4
	if len(b) < lengthBytes {
		return nil, nil, errors.New("it ends too early")
	}
	body := b[:len(b)-lengthBytes]
	n := int64(binary.BigEndian.Uint32(b[len(body):]))
	if n > int64(len(body)) {
		return nil, nil, errors.New("it ends with a wrong length")
	}
	return body[int64(len(body))-n:], body[:int64(len(body))-n], nil
}

// recoverCrash makes of what a crash left the files of a closed store, whose level 0 is
// empty. If it fails, the files are as they were; or, once everything was found, they are
// those of another crash.
func (s *Store) recoverCrash() (err error) {
	if err := s.files.rescue(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.files.finishRescue())
		}
	}()
	if err := s.files.dropUseless(); err != nil {
		return err
	}
	if s.db, err = openEngine(recoveryOptions(s.files.dir, engineLogger{s.log})); err != nil {
		return translateOpen(s.path, s.files.dir, err)
	}
	for _, do := range [...]func() error{s.recoverState, s.files.giveUpRescue, s.sink} {
		if err == nil {
			err = do()
		}
	}
	if err := errors.Join(err, s.db.Close()); err != nil {
		return translate(err)
	}
	s.files.head = s.head.Load().Revision
	return s.files.closed()
}

// recoveryOptions are those of an engine that reads what a crash left and deletes nothing
// of it but the logs that it has made tables of, until it is told to. It never waits for
// tables to be compacted.
func recoveryOptions(dir string, log engine.Logger) engine.Options {
	const noLimit = 1 << 30
	return engineOptions(dir, nil).
		WithLogger(log).
		WithNumCompactors(0).
		WithNumLevelZeroTables(noLimit).
		WithNumLevelZeroTablesStall(noLimit + 1)
}

func (s *Store) recoverState() error {
	if err := s.readState(); err != nil {
		return err
	}
	return s.checkRecovered(s.files.head)
}

// dropUseless removes what the engine stumbles over and does not need.
//
// Badger v4.9 makes a log empty, sizes it and only then writes to it, and empties it again
// before it is removed; where the process dies in between, it refuses to open the empty
// file ever after ("Create a new file"). If it was not a crash that emptied the file, then
// something is missing, which is found later.
//
// Older logs than one that is missing were made tables of, and would come back as newer
// than what was written after them; see order.go.
//
// DISCARD estimates how much of a value log is garbage. Badger does not look whether it is
// whole, and panics later on where it is not.
func (f *files) dropUseless() error {
	names, err := f.names()
	if err != nil {
		return err
	}
	left := names[:0:0]
	for _, name := range names {
		path := filepath.Join(f.dir, name)
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		ext := filepath.Ext(name)
		isLog := ext == ".mem" || ext == ".vlog"
		if isLog && info.Size() == 0 || name == discardFile && !plausibleDiscards(path, info.Size()) {
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		left = append(left, name)
	}
	return f.dropFlushed(memtableLogs(left))
}

// dropFlushed removes the logs before the last gap in their numbers.
func (f *files) dropFlushed(logs []int64) error {
	flushed := 0
	for i := 1; i < len(logs); i++ {
		if logs[i] != logs[i-1]+1 {
			flushed = i
		}
	}
	for _, n := range logs[:flushed] {
		if err := os.Remove(f.memtableLog(n)); err != nil {
			return err
		}
	}
	return nil
}

// Layout of DISCARD: 16 bytes for each log, its number and the bytes of garbage in it,
// in order, then zeros, 1 MiB in all as long as that is enough.
const (
	discardEntry   = 16
	minDiscardSize = 1 << 20
)

func plausibleDiscards(path string, size int64) bool {
	content, err := os.ReadFile(path)
	if err != nil || size < minDiscardSize || size%discardEntry != 0 {
		return false
	}
	var last uint64
	for ; len(content) > 0; content = content[discardEntry:] {
		log, garbage := binary.BigEndian.Uint64(content), binary.BigEndian.Uint64(content[8:])
		if log == 0 {
			return true
		}
		if log <= last || garbage > 1<<40 {
			return false
		}
		last = log
	}
	return false
}

// checkRecovered compares what was recovered with what is known to have been committed:
// the newest revision and the oldest, as they were noted, and of every revision above
// since, which is the last that is known to be whole, what its scan record says.
func (s *Store) checkRecovered(since int64) error {
	head, oldest := s.head.Load().Revision, s.oldest.Load()
	noted := s.files.noted()
	if noted.head > head {
		return s.lost(fmt.Sprintf("holds revisions up to %d, but %d was committed", head, noted.head))
	}
	if noted.oldest > oldest {
		return s.lost(fmt.Sprintf("has %d as its oldest revision, but what is below %d was dropped", oldest, noted.oldest))
	}
	c := recoveryCheck{s: s, since: max(since, oldest), head: head, oldest: oldest, tallies: make([]tally, max(0, head-max(since, oldest)))}
	if err := c.all(); err != nil {
		return s.lost(err.Error())
	}
	return nil
}

// lost says that something is missing that was committed. Which file held it is not known.
func (s *Store) lost(what string) error {
	return damaged(s.files.dir, what+fmt.Sprintf(": its newest files (*.mem, *.vlog, *.sst, %s) are damaged", manifestFile))
}

// recoveryCheck counts what is there of the revisions above since.
type recoveryCheck struct {
	s           *Store
	since, head int64
	oldest      int64
	tallies     []tally  // of the revisions above since; there may be a year's
	called      *termSet // nil where names and ARNs are not indexed
}

// tally is what there is of one revision. An index entry is counted by dimension.
type tally struct {
	scanned  bool   // there is a scan record
	said     counts // by it
	versions counts
	uncalled int32 // versions that are not found by their name and ARN
	known    int32
	events   int32
	indexed  int32
}

// counts say how often what happened.
type counts struct{ created, modified, disappeared, baseline, rebaselined int32 }

func countsOf(m *storage.ScanMetadata) counts {
	return counts{int32(m.Created), int32(m.Modified), int32(m.Disappeared), int32(m.Baseline), int32(m.Rebaselined)}
}

func (c *counts) add(t change.Type) {
	switch t {
	case change.Created:
		c.created++
	case change.Modified:
		c.modified++
	case change.Disappeared:
		c.disappeared++
	case change.Baseline:
		c.baseline++
	case change.Rebaselined:
		c.rebaselined++
	}
}

func (c *counts) live() int32 { return c.created + c.modified + c.baseline + c.rebaselined }

func (c *counts) changes() int32 { return c.created + c.modified + c.disappeared }

func (c *recoveryCheck) all() error {
	if c.head > c.since {
		if err := c.readTerms(); err != nil {
			return err
		}
		for prefix, count := range map[byte]func(*engine.Item, *tally) error{
			prefixScan: countScan, prefixDocument: c.countVersion, prefixKnown: countKnown, prefixEvent: countEvent, prefixIndex: countIndex,
		} {
			if err := c.each(prefix, count); err != nil {
				return err
			}
		}
	}
	for i := range c.tallies {
		if err := c.tallies[i].check(c.since + 1 + int64(i)); err != nil {
			return err
		}
	}
	return c.largeValues()
}

// each counts entries of committed revisions. What was undone is not counted: deletions
// and restored copies.
func (c *recoveryCheck) each(prefix byte, count func(*engine.Item, *tally) error) error {
	view := c.s.db.NewTransactionAt(uint64(c.head), false)
	defer view.Discard()
	it := view.NewIterator(engine.IteratorOptions{Prefix: []byte{prefix}, AllVersions: true, SinceTs: uint64(c.since)})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		item := it.Item()
		revision := int64(item.Version())
		if revision <= c.since || item.IsDeletedOrExpired() || item.UserMeta()&metaRestored != 0 {
			continue
		}
		if err := count(item, &c.tallies[revision-c.since-1]); err != nil {
			return fmt.Errorf("has an entry of revision %d that cannot be read (%w)", revision, err)
		}
	}
	return nil
}

func countScan(item *engine.Item, t *tally) error {
	m, err := scanOf(item)
	if err != nil {
		return err
	}
	t.scanned, t.said = true, countsOf(m)
	return nil
}

// readTerms reads the index of names and ARNs.
func (c *recoveryCheck) readTerms() (err error) {
	if c.s.format <= unindexedFormat {
		return nil
	}
	view := c.s.db.NewTransactionAt(uint64(c.head), false)
	defer view.Discard()
	r := &reading{s: c.s, txn: view, head: c.head, revision: c.head, oldest: c.oldest}
	c.called, err = r.termSet(context.Background())
	return err
}

func (c *recoveryCheck) countVersion(item *engine.Item, t *tally) error {
	key, err := parseResourceKey(item.Key())
	if err != nil {
		return err
	}
	v, err := versionOf(key, item)
	if err != nil {
		return err
	}
	t.versions.add(v.changeType)
	if v.replaced > 0 {
		t.versions.add(change.Disappeared)
	}
	if c.called != nil && c.called.lacks(&v.resource) {
		t.uncalled++
	}
	return nil
}

func countKnown(item *engine.Item, t *tally) error {
	_, err := knownOf(item)
	t.known++
	return err
}

func countEvent(item *engine.Item, t *tally) error {
	id, err := parseEventID(item.Key())
	if err != nil {
		return err
	}
	t.events++
	return item.Value(func(b []byte) error {
		_, err := decodeEvent(id, b)
		return err
	})
}

func countIndex(_ *engine.Item, t *tally) error {
	t.indexed++
	return nil
}

// check compares the tally with what the scan record says. A resource that replaces
// another one in the same scan leaves one version and two events.
func (t *tally) check(revision int64) error {
	switch {
	case !t.scanned:
		return fmt.Errorf("lacks revision %d", revision)
	case t.said != t.versions, t.versions.live() != t.known:
		return fmt.Errorf("lacks a part of revision %d, or holds more: its versions are not those that its scan counted", revision)
	case t.uncalled > 0:
		return fmt.Errorf("lacks a part of revision %d: names and ARNs of its versions are not indexed", revision)
	case t.said.changes() != t.events, eventIndexes*t.events != t.indexed:
		return fmt.Errorf("lacks a part of revision %d, or holds more: its events are not those that its scan counted", revision)
	}
	return nil
}

// largeValues reads all values that are in the value log: entries of old revisions may
// have been moved to its newest files.
func (c *recoveryCheck) largeValues() error {
	for _, prefix := range [...]byte{prefixDocument, prefixEvent} {
		if err := c.largeValuesOf(prefix); err != nil {
			return err
		}
	}
	return nil
}

func (c *recoveryCheck) largeValuesOf(prefix byte) error {
	view := c.s.db.NewTransactionAt(uint64(c.head), false)
	defer view.Discard()
	it := view.NewIterator(engine.IteratorOptions{Prefix: []byte{prefix}, AllVersions: true})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		item := it.Item()
		if item.IsDeletedOrExpired() || item.ValueSize() < valueThreshold {
			continue
		}
		if _, err := valueOf(item); err != nil {
			return fmt.Errorf("has an entry of revision %d that cannot be read (%w)", item.Version(), err)
		}
	}
	return nil
}
