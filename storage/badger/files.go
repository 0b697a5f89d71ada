package badger

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	engine "github.com/dgraph-io/badger/v4"
	"golang.org/x/sync/errgroup"

	"github.com/elava-dev/elava/storage"
)

// Badger repairs what it finds damaged by cutting it off, and removes tables that its
// manifest does not name. So that damage is found before it is repaired away, the files
// are checked before Badger sees them: against the sums that were taken when the store
// was last closed, if it was, and against the head that was noted after every commit.
//
//	SUMS       the head, and name, size and CRC-32C of every file; there while the store is closed
//	SUMS.open  the same from before it was opened; there while it is open, or after a crash
//	HEAD       what was committed, or shortly before: the newest revision and the oldest that
//	           can be read, and the size of the manifest by then
//	rescue/    the files as they were found after a crash; there while that is recovered
//	LOCK       the id of the process that has, or last had, the store open; locked by flock
//
// After a crash the files are recovered by an engine that does not compact: it deletes
// nothing of which rescue/ has only a link. What it recovers is compared with HEAD and
// with what every scan since SUMS.open says it wrote (recovery.go). Only then are sums
// taken, as of a store that was closed; the copies are given up before.
const (
	sumsFile     = "SUMS"
	sumsOpenFile = "SUMS.open"
	sumsTitle    = "elava sums 1"
	headFile     = "HEAD"
	rescueDir    = "rescue"
	lockFile     = "LOCK" // Badger has one of its own
	manifestFile = engine.ManifestFilename
	registryFile = engine.KeyRegistryFileName
	discardFile  = "DISCARD"
)

// sum is what is known of one file.
type sum struct {
	size int64
	crc  uint32
}

// sums are those of the files of one directory, by name.
type sums map[string]sum

// files looks after the files of one store.
type files struct {
	path string // of the store
	dir  string // of the engine
	last sums   // as verified when the store was opened
	head int64  // revision of the sums; 0 if none is known

	noting sync.Mutex
}

// damaged says which file is not what it was, and what to do.
func damaged(file, what string) error {
	return fmt.Errorf("%w: %s %s; restore the newest backup into an empty directory with `elava storage restore`, and keep this one until it is checked",
		storage.ErrCorrupt, file, what)
}

// foreign says that a file is in the way.
func foreign(file string) error {
	return fmt.Errorf("%w: %s does not belong to the store; move it out of the directory", storage.ErrCorrupt, file)
}

// check checks the files of a store before the engine opens them. clean reports whether
// there is nothing to recover: the store was closed and every file is whole, or it is new.
func (f *files) check() (clean bool, err error) {
	if err := f.finishRescue(); err != nil {
		return false, err
	}
	if err := f.refuseOthers(); err != nil {
		return false, err
	}
	closed, head, err := readSums(filepath.Join(f.path, sumsFile))
	if err != nil {
		return false, err
	}
	if closed != nil {
		f.last, f.head = closed, head
		return true, f.verifyClosed()
	}
	if f.last, f.head, err = readSums(filepath.Join(f.path, sumsOpenFile)); err != nil {
		return false, err
	}
	return f.verifyCrashed()
}

// begin marks the store as open. It comes before the engine makes its first new file:
// a process that dies while it opens a store leaves one that crashed, not one whose files
// are not those of its sums.
func (f *files) begin() error {
	err := os.Rename(filepath.Join(f.path, sumsFile), filepath.Join(f.path, sumsOpenFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a new store
	}
	return errors.Join(err, syncDirectory(f.path))
}

// verifyClosed compares every file with its sum, and finds files that should not be.
func (f *files) verifyClosed() error {
	for _, name := range slices.Sorted(maps.Keys(f.last)) {
		if _, err := os.Stat(filepath.Join(f.dir, name)); errors.Is(err, fs.ErrNotExist) {
			return damaged(filepath.Join(f.dir, name), "is missing")
		}
	}
	names, err := f.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, ok := f.last[name]; !ok && isEngineFile(name) {
			return foreign(filepath.Join(f.dir, name))
		}
	}
	return f.compare(f.last)
}

// compare reads files and compares them with their sums.
func (f *files) compare(want sums) error {
	var g errgroup.Group
	g.SetLimit(4)
	for name, w := range want {
		g.Go(func() error {
			path := filepath.Join(f.dir, name)
			got, err := sumOf(path)
			switch {
			case err != nil:
				return err
			case got.size != w.size:
				return damaged(path, fmt.Sprintf("has %d bytes and had %d", got.size, w.size))
			case got.crc != w.crc:
				return damaged(path, "is not what it was: its checksum differs")
			}
			return nil
		})
	}
	return g.Wait()
}

// rescue keeps the files as they are beside the store until it is known that the engine
// recovers all that was committed. Tables are linked, what the engine writes to is copied.
func (f *files) rescue() error {
	names, err := f.names()
	if err != nil || len(names) == 0 {
		return err
	}
	partial := filepath.Join(f.path, rescueDir+".tmp")
	if err := errors.Join(os.RemoveAll(partial), os.Mkdir(partial, 0o700)); err != nil {
		return err
	}
	for _, name := range names {
		from, to := filepath.Join(f.dir, name), filepath.Join(partial, name)
		if strings.HasSuffix(name, ".sst") && os.Link(from, to) == nil {
			continue
		}
		if err := copyFile(from, to); err != nil {
			return errors.Join(fmt.Errorf("keeping the files as they are before recovering them: %w", translate(err)), os.RemoveAll(partial))
		}
	}
	if err := syncDirectory(partial); err != nil {
		return err
	}
	return errors.Join(os.Rename(partial, filepath.Join(f.path, rescueDir)), syncDirectory(f.path))
}

// finishRescue puts back what a recovery that failed or was cut off had kept. It can be
// cut off and repeated itself.
func (f *files) finishRescue() error {
	rescue := filepath.Join(f.path, rescueDir)
	if err := os.RemoveAll(rescue + ".tmp"); err != nil {
		return err
	}
	if _, err := os.Stat(rescue); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.RemoveAll(f.dir); err != nil {
		return err
	}
	return errors.Join(os.Rename(rescue, f.dir), syncDirectory(f.path))
}

// giveUpRescue gives up what was kept, once the engine has recovered all. What is half
// removed must not be taken for what is to be put back.
func (f *files) giveUpRescue() error {
	rescue := filepath.Join(f.path, rescueDir)
	return errors.Join(os.Rename(rescue, rescue+".tmp"), syncDirectory(f.path), os.RemoveAll(rescue+".tmp"))
}

// closed takes the sums of all files, once the engine has closed them. Tables keep the
// sum that they had.
func (f *files) closed() error {
	names, err := f.names()
	if err != nil {
		return err
	}
	now := sums{}
	for _, name := range names {
		if !isEngineFile(name) {
			continue
		}
		path := filepath.Join(f.dir, name)
		if s, ok := f.last[name]; ok && strings.HasSuffix(name, ".sst") {
			now[name] = s
			continue
		}
		if now[name], err = sumOf(path); err != nil {
			return err
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nhead %d\n", sumsTitle, f.head)
	for _, name := range slices.Sorted(maps.Keys(now)) {
		fmt.Fprintf(&b, "%s %d %08x\n", name, now[name].size, now[name].crc)
	}
	fmt.Fprintf(&b, "end %08x\n", crcOf([]byte(b.String())))
	if err := writeFileDurably(filepath.Join(f.path, sumsFile), b.String()); err != nil {
		return translate(err)
	}
	f.last = now
	err = os.Remove(filepath.Join(f.path, sumsOpenFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// names lists the engine's files; the lock is none.
func (f *files) names() ([]string, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && e.Name() != lockFile {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// isEngineFile reports whether Badger would take a file for one of its own.
func isEngineFile(name string) bool {
	switch filepath.Ext(name) {
	case ".sst", ".mem", ".vlog":
		return true
	}
	return name == manifestFile || name == registryFile || name == discardFile
}

// noteHead notes a committed revision where nothing was trimmed.
func (f *files) noteHead(revision int64) error { return f.note(note{head: revision}) }

// note is what HEAD tells.
type note struct {
	head, oldest int64
	manifestSize int64 // of the manifest by then
}

// note notes what was committed: numbers and their checksum, written in place in one
// write. It is no part of the commit and need not be on the disk.
func (f *files) note(n note) error {
	text := fmt.Sprintf("%016d %016d %016d", n.head, n.oldest, n.manifestSize)
	line := fmt.Sprintf("%s %08x\n", text, crcOf([]byte(text)))
	file, err := os.OpenFile(filepath.Join(f.path, headFile), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(line), 0)
	return errors.Join(err, file.Truncate(int64(len(line))), file.Close())
}

// noted returns what was noted; zeros where it cannot be read, which only means that
// nothing can be compared with it.
func (f *files) noted() note {
	b, err := os.ReadFile(filepath.Join(f.path, headFile))
	if err != nil {
		return note{}
	}
	text, check, _ := cutLast(strings.TrimSpace(string(b)), " ")
	if check != fmt.Sprintf("%08x", crcOf([]byte(text))) {
		return note{}
	}
	var n note
	if _, err := fmt.Sscanf(text, "%d %d %d", &n.head, &n.oldest, &n.manifestSize); err != nil {
		return note{}
	}
	return n
}

// manifestSize is what the manifest has grown to.
func (f *files) manifestSize() (int64, error) {
	info, err := os.Stat(filepath.Join(f.dir, manifestFile))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// memtableLogs returns the numbers of the logs of memtables, in order.
func memtableLogs(names []string) []int64 {
	var logs []int64
	for _, name := range names {
		if digits, ok := strings.CutSuffix(name, ".mem"); ok {
			if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
				logs = append(logs, n)
			}
		}
	}
	slices.Sort(logs)
	return logs
}

// memtableLog returns the name of the log of a memtable.
func (f *files) memtableLog(n int64) string { return filepath.Join(f.dir, fmt.Sprintf("%05d.mem", n)) }

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// crcOf is the CRC-32C, for which processors have an instruction.
func crcOf(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func sumOf(path string) (sum, error) {
	f, err := os.Open(path)
	if err != nil {
		return sum{}, err
	}
	defer f.Close()
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	n, err := io.CopyBuffer(h, f, make([]byte, 256<<10))
	if err != nil {
		return sum{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return sum{size: n, crc: h.Sum32()}, nil
}

// readSums reads sums and the head that goes with them; nil where there is no such file.
func readSums(path string) (sums, int64, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	text := string(b)
	end := strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n") + 1
	if !strings.HasPrefix(text, sumsTitle+"\n") || text[end:] != fmt.Sprintf("end %08x\n", crcOf(b[:end])) {
		return nil, 0, fmt.Errorf("%w: %s is not whole; remove it to have the store checked by reading all of it, then run `elava storage verify`", storage.ErrCorrupt, path)
	}
	all, head := sums{}, int64(0)
	lines := bufio.NewScanner(strings.NewReader(text[len(sumsTitle)+1 : end]))
	for lines.Scan() {
		if _, err := fmt.Sscanf(lines.Text(), "head %d", &head); err == nil {
			continue
		}
		var name string
		var s sum
		if _, err := fmt.Sscanf(lines.Text(), "%s %d %x", &name, &s.size, &s.crc); err != nil {
			return nil, 0, fmt.Errorf("%w: %s: cannot read %q", storage.ErrCorrupt, path, lines.Text())
		}
		all[name] = s
	}
	return all, head, nil
}

// copyFile copies a file and leaves the holes that it has: logs are mostly made of them.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = copySparsely(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

func copySparsely(out *os.File, in io.Reader) error {
	var size int64
	block, zeros := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(in, block)
		if n > 0 && !bytes.Equal(block[:n], zeros[:n]) {
			if _, err := out.WriteAt(block[:n], size); err != nil {
				return err
			}
		}
		size += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return out.Truncate(size)
		}
		if err != nil {
			return err
		}
	}
}
