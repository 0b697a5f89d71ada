package badger

import (
	"bufio"
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

	"golang.org/x/sync/errgroup"

	"github.com/elava-dev/elava/storage"
)

// Badger repairs what it finds damaged by cutting it off, and removes tables that its
// manifest does not name. So that damage is found before it is repaired away, the files
// are checked before Badger sees them: against the sums that were taken when the store
// was last closed, if it was, and against the head that was noted after every commit.
//
//	SUMS       name, size and CRC-32C of every file; there while the store is closed
//	SUMS.open  the same from before it was opened; there while it is open, or after a crash
//	HEAD       the newest committed revision, or one shortly before it
//	rescue/    the files as they were found after a crash; there while that is recovered
const (
	sumsFile     = "SUMS"
	sumsOpenFile = "SUMS.open"
	sumsTitle    = "elava sums 1"
	headFile     = "HEAD"
	rescueDir    = "rescue"
	lockFile     = "LOCK" // Badger's
	manifestFile = "MANIFEST"
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
}

// damaged says which file is not what it was, and what to do.
func damaged(file, what string) error {
	return fmt.Errorf("%w: %s %s; restore the newest backup into an empty directory with `elava storage restore`, and keep this one until it is checked",
		storage.ErrCorrupt, file, what)
}

// open checks the files of a store before the engine opens them. clean reports whether
// the store was closed and every file is known to be whole. The caller calls opened once
// the engine has the files, or failed where it could not.
func (f *files) open() (clean bool, err error) {
	if err := f.finishRescue(); err != nil {
		return false, err
	}
	closed, err := readSums(filepath.Join(f.path, sumsFile))
	if err != nil {
		return false, err
	}
	if closed != nil {
		f.last = closed
		if err := f.verifyClosed(); err != nil {
			return false, err
		}
		return true, f.begin()
	}
	before, err := readSums(filepath.Join(f.path, sumsOpenFile))
	if err != nil {
		return false, err
	}
	f.last = before
	return false, f.verifyCrashed()
}

// begin marks the store as open. It comes before the engine makes its first new file:
// a process that dies while it opens a store leaves one that crashed, not one whose files
// are not those of its sums.
func (f *files) begin() error {
	if err := os.Rename(filepath.Join(f.path, sumsFile), filepath.Join(f.path, sumsOpenFile)); err != nil {
		return err
	}
	dir, err := os.Open(f.path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
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
			return fmt.Errorf("%w: %s does not belong to the store; move it out of the directory", storage.ErrCorrupt, filepath.Join(f.dir, name))
		}
	}
	return f.compare(f.last)
}

// verifyCrashed compares the tables, which never change once they are written; those
// that are missing may have been compacted away before the crash.
func (f *files) verifyCrashed() error {
	names, err := f.names()
	if err != nil {
		return err
	}
	// The manifest is the first file that Badger makes, under another name.
	if slices.ContainsFunc(names, isEngineFile) && !slices.Contains(names, manifestFile) {
		return damaged(filepath.Join(f.dir, manifestFile), "is missing")
	}
	tables := sums{}
	for _, name := range names {
		if s, ok := f.last[name]; ok && strings.HasSuffix(name, ".sst") {
			tables[name] = s
		}
	}
	return f.compare(tables)
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
			return fmt.Errorf("keeping the files as they are before recovering them: %w", err)
		}
	}
	return os.Rename(partial, filepath.Join(f.path, rescueDir))
}

// dropUnborn removes logs of length 0. Badger v4.9 makes a log empty, sizes it and only
// then writes to it; where the process dies in between, it refuses to open the empty file
// ever after ("Create a new file"). The caller has kept the files with rescue.
func (f *files) dropUnborn() error {
	names, err := f.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if ext := filepath.Ext(name); ext != ".mem" && ext != ".vlog" {
			continue
		}
		path := filepath.Join(f.dir, name)
		info, err := os.Stat(path)
		if err == nil && info.Size() == 0 {
			err = os.Remove(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finishRescue puts back what a recovery that was cut off had kept.
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
	return os.Rename(rescue, f.dir)
}

// opened notes that the engine has the files and recovered up to head. It fails where
// something that was committed is missing.
func (f *files) opened(head int64) error {
	if noted := f.readHead(); noted > head {
		return damaged(f.dir, fmt.Sprintf("holds revisions up to %d, but %d was committed: its newest files (*.mem, *.vlog, %s) are damaged", head, noted, manifestFile))
	}
	// What is half removed must not be taken for what is to be put back.
	rescue := filepath.Join(f.path, rescueDir)
	err := os.Rename(rescue, rescue+".tmp")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, os.RemoveAll(rescue+".tmp"))
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
	b.WriteString(sumsTitle + "\n")
	for _, name := range slices.Sorted(maps.Keys(now)) {
		fmt.Fprintf(&b, "%s %d %08x\n", name, now[name].size, now[name].crc)
	}
	fmt.Fprintf(&b, "end %08x\n", crcOf([]byte(b.String())))
	if err := writeFileDurably(filepath.Join(f.path, sumsFile), b.String()); err != nil {
		return err
	}
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
	return name == manifestFile
}

// noteHead notes a committed revision: 16 digits and their checksum, written in place in
// one write. It is no part of the commit and need not be on the disk.
func (f *files) noteHead(revision int64) error {
	text := fmt.Sprintf("%016d", revision)
	line := fmt.Sprintf("%s %08x\n", text, crcOf([]byte(text)))
	file, err := os.OpenFile(filepath.Join(f.path, headFile), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(line), 0)
	return errors.Join(err, file.Close())
}

// readHead returns the revision that was noted; 0 where none can be read, which only
// means that nothing can be compared with it.
func (f *files) readHead() int64 {
	b, err := os.ReadFile(filepath.Join(f.path, headFile))
	if err != nil {
		return 0
	}
	text, check, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	if check != fmt.Sprintf("%08x", crcOf([]byte(text))) {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
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

// readSums returns nil where there is no such file.
func readSums(path string) (sums, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text := string(b)
	end := strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n") + 1
	if !strings.HasPrefix(text, sumsTitle+"\n") || text[end:] != fmt.Sprintf("end %08x\n", crcOf(b[:end])) {
		return nil, fmt.Errorf("%w: %s is not whole; remove it to have the store checked by reading all of it, then run `elava storage verify`", storage.ErrCorrupt, path)
	}
	all := sums{}
	lines := bufio.NewScanner(strings.NewReader(text[len(sumsTitle)+1 : end]))
	for lines.Scan() {
		var name string
		var s sum
		if _, err := fmt.Sscanf(lines.Text(), "%s %d %x", &name, &s.size, &s.crc); err != nil {
			return nil, fmt.Errorf("%w: %s: cannot read %q", storage.ErrCorrupt, path, lines.Text())
		}
		all[name] = s
	}
	return all, nil
}

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
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
