package badger_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
	"github.com/elava-dev/elava/storage/storagetest"
)

// answerOrders name the file with what a store should answer.
type answerOrders struct{ Expected string }

// answerReport is what became of opening a store and asking it everything.
type answerReport struct {
	OpenError  string // "" if it opened
	Corrupt    bool   // the error is storage.ErrCorrupt
	Newer      bool   // or storage.ErrNewerFormat
	ReadError  string
	Difference string // between what was answered and what should have been
}

// answerAboutStores opens the stores whose directories it reads from its input, one after
// the other, and reports on each. Where the engine ends the process, the report is missing.
func answerAboutStores(text []byte) error {
	var o answerOrders
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	expected, err := os.ReadFile(o.Expected)
	if err != nil {
		return err
	}
	dirs := bufio.NewScanner(os.Stdin)
	for dirs.Scan() {
		report, err := json.Marshal(answersOf(dirs.Text(), string(expected)))
		if err != nil {
			return err
		}
		say("%s", report)
	}
	return dirs.Err()
}

func answersOf(dir, expected string) (r answerReport) {
	s, err := badger.Open(badger.Options{Path: dir})
	if err != nil {
		r.OpenError = err.Error()
		r.Corrupt, r.Newer = errors.Is(err, storage.ErrCorrupt), errors.Is(err, storage.ErrNewerFormat)
		return r
	}
	got, err := storagetest.Answers(context.Background(), s)
	if err = errors.Join(err, s.Close()); err != nil {
		r.ReadError = err.Error()
	} else if got != expected {
		r.Difference = firstDifference(expected, got)
	}
	return r
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d: %.200q, want %.200q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// oracle asks a process of its own about stores.
type oracle struct {
	t        testing.TB
	expected string
	child    *process
}

func newOracle(t testing.TB, want storage.Store) *oracle {
	t.Helper()
	text, err := storagetest.Answers(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	o := &oracle{t: t, expected: filepath.Join(t.TempDir(), "expected")}
	if err := os.WriteFile(o.expected, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// ask reports on a store. It fails where the process did not survive it.
func (o *oracle) ask(t testing.TB, dir string) (r answerReport) {
	t.Helper()
	if o.child == nil {
		o.child = start(o.t, "answer", answerOrders{Expected: o.expected})
	}
	_, err := fmt.Fprintln(o.child.in, dir)
	line := o.child.line()
	if err != nil || line == "" {
		_, err := o.child.wait()
		stderr := o.child.stderr.String()
		o.child = nil
		t.Fatalf("the process ended: %v\n%.3000s", err, stderr)
	}
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatalf("%v: %q", err, line)
	}
	return r
}

// specimen is a store with everything that a store can have: several tables, large values
// in several value logs, versions that were trimmed, a scan that was rolled back.
type specimen struct {
	dir   string
	model *storagetest.Model
	q     *storagetest.Sequence
	next  int
}

func newSpecimen(t testing.TB, seed uint64) *specimen {
	t.Helper()
	p := &specimen{
		dir: t.TempDir(), model: storagetest.NewModel(),
		q: &storagetest.Sequence{Seed: seed, Many: 20, Upkeep: upkeep},
	}
	for range 3 {
		s := open(t, p.dir)
		p.play(t, s, 5)
		p.playUntil(t, s, "large documents")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *specimen) play(t testing.TB, s storage.Store, steps int) {
	t.Helper()
	for range steps {
		for _, s := range []storage.Store{p.model, s} {
			if err := p.q.Do(t.Context(), s, p.next); err != nil {
				t.Fatal(err)
			}
		}
		p.next++
	}
}

// playUntil takes steps up to one of a kind.
func (p *specimen) playUntil(t testing.TB, s storage.Store, name string) {
	t.Helper()
	for found := false; !found; {
		found = p.q.Step(p.next).Name == name
		p.play(t, s, 1)
	}
}

// A damage is done to one file.
type damage struct {
	name string
	do   func(r *rand.Rand, path string) error
}

var damages = []damage{
	{"emptied", func(_ *rand.Rand, path string) error { return os.Truncate(path, 0) }},
	{"cut in half", cut(func(size int64) int64 { return size / 2 })},
	{"a byte shorter", cut(func(size int64) int64 { return max(0, size-1) })},
	{"missing", func(_ *rand.Rand, path string) error { return os.Remove(path) }},
	{"replaced by garbage", replaceByGarbage},
	{"a bit flipped near the beginning", flip(func(r *rand.Rand, used int) int { return r.IntN(min(used, 64)) })},
	{"a bit flipped anywhere", flip(func(r *rand.Rand, used int) int { return r.IntN(used) })},
	{"a bit flipped near the end", flip(func(r *rand.Rand, used int) int { return used - 1 - r.IntN(min(used, 64)) })},
	{"zeros in the middle", zeroMiddle},
}

func cut(to func(size int64) int64) func(*rand.Rand, string) error {
	return func(_ *rand.Rand, path string) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.Truncate(path, to(info.Size()))
	}
}

func replaceByGarbage(r *rand.Rand, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	garbage := make([]byte, min(info.Size(), 1<<20))
	for i := range garbage {
		garbage[i] = byte(r.Uint32())
	}
	return os.WriteFile(path, garbage, 0o600)
}

// flip flips a bit at a place in the part of a file that is used: logs end with zeros.
func flip(place func(r *rand.Rand, used int) int) func(*rand.Rand, string) error {
	return func(r *rand.Rand, path string) error {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		used := max(1, used(content))
		if len(content) == 0 {
			return nil
		}
		at := place(r, used)
		content[at] ^= 1 << r.IntN(8)
		return overwrite(path, content[at:at+1], int64(at))
	}
}

// used returns the length of what does not end with zeros.
func used(content []byte) int {
	const block = 4096
	zeros := make([]byte, block)
	n := len(content)
	for n >= block && bytes.Equal(content[n-block:n], zeros) {
		n -= block
	}
	return len(bytes.TrimRight(content[:n], "\x00"))
}

func zeroMiddle(_ *rand.Rand, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	used := used(content)
	return overwrite(path, make([]byte, used/3), int64(used/3))
}

func overwrite(path string, b []byte, at int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, at)
	return errors.Join(err, f.Close())
}

// Each file in turn is damaged in each way. The store does not open and says which file
// it is and what to do, or it answers as if nothing had happened.
func TestDamage_IsReportedOrDoesNotMatter(t *testing.T) {
	t.Parallel()
	seed := storagetest.Seed(t)
	t.Logf("seed %d: repeat with STORAGETEST_SEED=%d", seed, seed)
	closed := newSpecimen(t, seed)
	t.Run("of a closed store", func(t *testing.T) { damageEach(t, closed, closed.dir, seed) })

	killed := newSpecimen(t, seed+1)
	s := open(t, killed.dir)
	killed.play(t, s, 3)
	killed.playUntil(t, s, "large documents")
	killed.playUntil(t, s, "small scan")
	dir := crash(t, s, killed.dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("of a killed store", func(t *testing.T) { damageEach(t, killed, dir, seed) })
}

func damageEach(t *testing.T, p *specimen, dir string, seed uint64) {
	o := newOracle(t, p.model)
	if r := o.ask(t, copyStore(t, dir)); r != (answerReport{}) {
		t.Fatalf("the store without damage: %+v", r)
	}
	random := rand.New(rand.NewPCG(seed, 1))
	reported, harmless := 0, 0
	kinds := map[string]int{}
	for _, file := range filesOf(t, dir) {
		kind := kindOf(file)
		for _, d := range damagesTo(kinds[kind]) {
			random := rand.New(rand.NewPCG(seed, random.Uint64()))
			t.Run(filepath.Base(file)+" "+d.name, func(t *testing.T) {
				damaged := copyStore(t, dir)
				if err := d.do(random, filepath.Join(damaged, file)); err != nil {
					t.Fatal(err)
				}
				if o.judge(t, damaged, file) {
					reported++
				} else {
					harmless++
				}
			})
		}
		kinds[kind]++
	}
	t.Logf("%d damages were reported, %d did not matter", reported, harmless)
	if reported == 0 {
		t.Error("no damage was reported")
	}
}

// kindOf tells files apart that the engine reads differently.
func kindOf(file string) string {
	if ext := filepath.Ext(file); ext != "" {
		return ext
	}
	return file
}

// damagesTo returns all damages for the first file of a kind. Of the others each is cut
// off, changed and missing, every one in another way than the one before.
func damagesTo(nth int) []damage {
	if nth == 0 {
		return damages
	}
	ways := [...][]string{
		{"emptied", "cut in half", "a byte shorter"},
		{"replaced by garbage", "a bit flipped near the beginning", "a bit flipped anywhere", "a bit flipped near the end", "zeros in the middle"},
		{"missing"},
	}
	var chosen []damage
	for _, names := range ways {
		name := names[nth%len(names)]
		at := slices.IndexFunc(damages, func(d damage) bool { return d.name == name })
		chosen = append(chosen, damages[at])
	}
	return chosen
}

// Files that are no part of the store do not matter either, or are named.
func TestDamage_ForeignFiles(t *testing.T) {
	t.Parallel()
	seed := storagetest.Seed(t)
	t.Logf("seed %d: repeat with STORAGETEST_SEED=%d", seed, seed)
	p := newSpecimen(t, seed)
	s := open(t, p.dir)
	p.playUntil(t, s, "small scan")
	killed := crash(t, s, p.dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	garbage := make([]byte, 5000)
	for i := range garbage {
		garbage[i] = byte(i * i)
	}
	o := newOracle(t, p.model)
	for state, dir := range map[string]string{"closed": p.dir, "killed": killed} {
		for _, name := range []string{
			"000999.sst", "foo.sst", "00999.mem", "00000.mem", "foo.mem", "000999.vlog", "foo.vlog",
			"foo.txt", "MANIFEST-REWRITE", "REWRITE-KEYREGISTRY",
		} {
			for what, content := range map[string][]byte{"garbage": garbage, "nothing": nil} {
				t.Run(fmt.Sprintf("%s holding %s in a %s store", name, what, state), func(t *testing.T) {
					strange, file := copyStore(t, dir), filepath.Join("badger", name)
					if err := os.WriteFile(filepath.Join(strange, file), content, 0o600); err != nil {
						t.Fatal(err)
					}
					o.judge(t, strange, file)
				})
			}
		}
		for _, name := range []string{"foo", "000998.sst", "00998.mem"} {
			t.Run(fmt.Sprintf("directory %s in a %s store", name, state), func(t *testing.T) {
				strange, file := copyStore(t, dir), filepath.Join("badger", name, "something")
				if err := os.Mkdir(filepath.Join(strange, "badger", name), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(strange, file), garbage, 0o600); err != nil {
					t.Fatal(err)
				}
				o.judge(t, strange, filepath.Join("badger", name))
				if _, err := os.Stat(filepath.Join(strange, file)); err != nil {
					t.Errorf("what was in the directory is gone: %v", err)
				}
			})
		}
	}
}

// judge opens a damaged store and reports whether it refused.
func (o *oracle) judge(t testing.TB, dir, file string) (refused bool) {
	t.Helper()
	before := contentsOf(t, dir)
	r := o.ask(t, dir)
	switch {
	case r.ReadError != "":
		t.Errorf("the store opens and cannot be read: %s", r.ReadError)
	case r.Difference != "":
		t.Errorf("the store answers wrongly: %s", r.Difference)
	case r.OpenError == "":
		return false
	}
	if !r.Corrupt && !r.Newer {
		t.Errorf("the error is none that callers know: %s", r.OpenError)
	}
	if !strings.Contains(r.OpenError, filepath.Base(file)) && !strings.Contains(r.OpenError, "newest files") {
		t.Errorf("the error does not name %s: %s", file, r.OpenError)
	}
	if !slices.ContainsFunc([]string{"restore", "move it out", "remove it", "use the release", "remove the file"}, func(s string) bool { return strings.Contains(r.OpenError, s) }) {
		t.Errorf("the error does not say what to do: %s", r.OpenError)
	}
	if after := contentsOf(t, dir); !slices.Equal(before, after) {
		t.Errorf("opening the store in vain changed its files:\n%s\nand now\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	return true
}

// filesOf names the files of a store. The lock files hold nothing.
func filesOf(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && e.Name() != "LOCK" {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// contentsOf names files with a digest of what they hold.
func contentsOf(t testing.TB, dir string) []string {
	t.Helper()
	names := filesOf(t, dir)
	for i, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		names[i] = fmt.Sprintf("%s %d %08x", name, len(content), crc32.ChecksumIEEE(content))
	}
	return names
}

// copyStore copies a closed or killed store, with the holes that its files have.
func copyStore(t testing.TB, dir string) string {
	t.Helper()
	to, err := os.MkdirTemp(t.TempDir(), "copy")
	if err != nil {
		t.Fatal(err)
	}
	if err := copySparsely(dir, to); err != nil {
		t.Fatal(err)
	}
	return to
}

// copySparsely copies a directory of files that end with holes.
func copySparsely(dir, to string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if e.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return errors.Join(os.WriteFile(target, content[:used(content)], 0o600), os.Truncate(target, int64(len(content))))
	})
}
