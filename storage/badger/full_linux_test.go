package badger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
	"github.com/elava-dev/elava/storage/storagetest"
)

// smallDiskVariable names a directory on an empty small file system (60 to 100 MB), for
// machines on which a process may not mount one, not even in a name space of its own.
const smallDiskVariable = "ELAVA_SMALL_DISK"

// On a small file system that gets full: writes fail, reads go on, nothing is lost, and
// writing resumes when there is room. The process is a child: if the engine wrote where
// there is no space, the system would kill it.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	seed := storagetest.Seed(t)
	t.Logf("seed %d: repeat with STORAGETEST_SEED=%d", seed, seed)
	for _, name := range []string{
		"another file fills the disk", "it fills while thousands are staged",
		"it is full when the store is opened", "it is full when the store is closed",
	} {
		t.Run(name+", in memory", func(t *testing.T) { fill(t, fillOrders{Seed: seed, Scenario: name, Kind: "tmpfs"}) })
	}
	for _, name := range []string{"another file fills the disk", "the store fills the disk itself"} {
		t.Run(name+", on ext4", func(t *testing.T) {
			image, err := makeImage(t)
			if err != nil {
				t.Logf("in memory, because: %v", err)
				fill(t, fillOrders{Seed: seed, Scenario: name, Kind: "tmpfs"})
				return
			}
			fill(t, fillOrders{Seed: seed, Scenario: name, Kind: "ext4", Image: image})
		})
	}
}

// makeImage makes an empty ext4 file system in a file, which only root can mount.
func makeImage(t testing.TB) (string, error) {
	if os.Geteuid() != 0 {
		return "", errors.New("only root can mount an image")
	}
	image := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		return "", err
	}
	if err := os.Truncate(image, smallDisk); err != nil {
		return "", err
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", image).CombinedOutput(); err != nil {
		return "", fmt.Errorf("mkfs.ext4: %w %s", err, out)
	}
	return image, nil
}

// smallDisk is the size of the file system.
const smallDisk = 64 << 20

// fillOrders say which file system to fill and how.
type fillOrders struct {
	Seed        uint64
	Scenario    string
	Kind, Image string
	Dir         string // where to mount it
}

// fill runs a scenario in a child with mounts of its own.
func fill(t *testing.T, o fillOrders) {
	t.Helper()
	o.Dir = t.TempDir()
	if dir := os.Getenv(smallDiskVariable); dir != "" {
		o.Kind, o.Dir = "", dir
	}
	p := startWith(t, "fill", o, func(cmd *exec.Cmd) { cmd.SysProcAttr = ownMounts() })
	rest, err := p.wait()
	if err != nil {
		t.Fatalf("%v\n%s\n%.4000s", err, strings.Join(rest, "\n"), p.stderr)
	}
	t.Log(strings.Join(rest, "\n"))
}

// ownMounts gives a child a name space for its mounts, and makes a user root in it who is
// not root.
func ownMounts() *syscall.SysProcAttr {
	if os.Geteuid() == 0 {
		return &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
}

// fillDisk runs in the child.
func fillDisk(text []byte) error {
	endWithParent()
	var o fillOrders
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	if err := mountSmall(o); err != nil {
		return fmt.Errorf("a small file system is needed and cannot be mounted: %w; run the tests as root, allow user name spaces, or name a directory on one in %s", err, smallDiskVariable)
	}
	d := &disk{dir: o.Dir, store: filepath.Join(o.Dir, "store"), model: storagetest.NewModel(),
		q: &storagetest.Sequence{Seed: o.Seed, Many: 300}}
	err := map[string]func() error{
		"another file fills the disk":         d.filledByAnother,
		"it fills while thousands are staged": d.filledWhileStaging,
		"the store fills the disk itself":     d.filledByItself,
		"it is full when the store is opened": d.fullWhenOpened,
		"it is full when the store is closed": d.fullWhenClosed,
	}[o.Scenario]()
	if err != nil {
		return fmt.Errorf("at step %d of seed %d: %w", d.next, o.Seed, err)
	}
	if o.Kind == "" {
		return os.RemoveAll(d.store)
	}
	return nil
}

func mountSmall(o fillOrders) error {
	if o.Kind == "" {
		return nil
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if o.Kind == "tmpfs" {
		return syscall.Mount("tmpfs", o.Dir, "tmpfs", 0, fmt.Sprintf("size=%d", smallDisk))
	}
	if out, err := exec.Command("mount", "-o", "loop", o.Image, o.Dir).CombinedOutput(); err != nil {
		return fmt.Errorf("mount: %w %s", err, out)
	}
	return nil
}

// disk is a small file system with a store on it, and the Model of that.
type disk struct {
	dir   string
	store string
	s     *badger.Store
	model *storagetest.Model
	q     *storagetest.Sequence
	next  int
}

func (d *disk) open() (err error) {
	d.s, err = badger.Open(badger.Options{Path: d.store})
	return err
}

func (d *disk) close() error { return d.s.Close() }

// begin opens the store and has it hold something.
func (d *disk) begin() error { return inOrder(d.open, d.play, d.settled) }

// inOrder does one thing after the other, up to the first that fails.
func inOrder(things ...func() error) error {
	for _, do := range things {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// play takes eight steps in both.
func (d *disk) play() error {
	for range 8 {
		if err := d.step(); err != nil {
			return err
		}
	}
	return nil
}

func (d *disk) step() error {
	for _, s := range []storage.Store{d.s, d.model} {
		if err := d.q.Do(context.Background(), s, d.next); err != nil {
			return err
		}
	}
	d.next++
	return nil
}

func (d *disk) compare() error {
	return storagetest.Compare(context.Background(), d.model, d.s, func(r int64) bool { return r%4 == 0 })
}

// whole closes the store, opens it again and looks whether it is whole.
func (d *disk) whole() error {
	if err := d.s.Close(); err != nil {
		return err
	}
	if err := d.open(); err != nil {
		return err
	}
	report, err := d.s.Verify(context.Background(), nil)
	if err != nil {
		return err
	}
	if !report.OK() {
		return fmt.Errorf("Verify finds %q", report.Findings)
	}
	return errors.Join(d.compare(), d.s.Close())
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill takes all the space that there is.
func (d *disk) fill() error {
	f, err := os.Create(d.ballast())
	if err != nil {
		return err
	}
	for size := 1 << 20; size > 0; {
		_, err := f.Write(make([]byte, size))
		switch {
		case errors.Is(err, syscall.ENOSPC):
			size /= 2
		case err != nil:
			return err
		}
	}
	_ = f.Sync() // has the same to say
	return f.Close()
}

func (d *disk) makeRoom() error { return os.Remove(d.ballast()) }

// wantFull makes sure that an error says that the disk is full, and how full.
func wantFull(what string, err error) error {
	switch {
	case !errors.Is(err, storage.ErrFull):
		return fmt.Errorf("%s on a full disk: %v, want ErrFull", what, err)
	case !strings.Contains(err.Error(), "MB free") || !strings.Contains(err.Error(), "needed"):
		return fmt.Errorf("%s on a full disk does not say how full it is: %w", what, err)
	}
	return nil
}

// settled waits until the engine has ended what it does in the background: the files stay
// what they are. There is no other sign of it.
func (d *disk) settled() error {
	const rests = 3 // in a row: on a busy machine what is to be written can wait for a moment
	var before int64 = -1
	rested := 0
	for range 100 {
		now, err := d.s.Stats(context.Background())
		if err != nil {
			return err
		}
		if rested++; now.SizeBytes != before {
			before, rested = now.SizeBytes, 0
		}
		if rested == rests {
			return nil
		}
		time.Sleep(300 * time.Millisecond)
	}
	return errors.New("the engine never comes to rest")
}

func (d *disk) filledByAnother() error {
	ctx := context.Background()
	if err := d.begin(); err != nil {
		return err
	}
	txn, err := d.s.Begin(ctx, time.Now())
	if err != nil {
		return err
	}
	if err := d.fill(); err != nil {
		return err
	}
	meta := storage.ScanMetadata{}
	err = errors.Join(wantFull("Commit", txn.Commit(ctx, &meta)), txn.Rollback())
	if err != nil {
		return err
	}
	for range 3 {
		_, beginErr := d.s.Begin(ctx, time.Now())
		head, headErr := d.s.Head(ctx)
		err := errors.Join(headErr,
			wantFull("Begin", beginErr),
			wantFull("Reclaim", d.s.Reclaim(ctx, nil)),
			d.compare())
		if stats, _ := d.s.Stats(ctx); stats.OldestRevision < head.Revision { // else there is nothing to do
			err = errors.Join(err, wantFull("Trim", d.s.Trim(ctx, head.Revision)))
		}
		if err != nil {
			return err
		}
	}
	return inOrder(d.makeRoom, d.play, d.compare, d.whole)
}

func (d *disk) filledWhileStaging() error {
	ctx := context.Background()
	if err := d.begin(); err != nil {
		return err
	}
	filled := false
	large := storagetest.Sequence{Seed: d.q.Seed + 1, Many: 40_000}
	staged := 0
	large.Progress = func(string) {
		if staged++; staged == 10 { // some of it is written by now
			filled = inOrder(d.settled, d.fill) == nil // what was staged by now is written
		}
	}
	if err := wantFull("a large scan", large.Do(ctx, d.s, 0)); err != nil {
		return err
	}
	if !filled {
		return errors.New("the disk was not filled")
	}
	if _, err := d.s.Begin(ctx, time.Now()); !errors.Is(err, storage.ErrFull) {
		return fmt.Errorf("Begin: %v, want ErrFull", err)
	}
	return inOrder(d.compare, d.makeRoom, d.play, d.compare, d.whole)
}

func (d *disk) filledByItself() error {
	d.q.Many, d.q.Text = 400, 10_000
	if err := d.open(); err != nil {
		return err
	}
	var full error
	for ; full == nil; d.next++ {
		if step := d.q.Step(d.next); !step.Commits || !strings.Contains(step.Name, "large") {
			continue
		}
		if full = d.q.Do(context.Background(), d.s, d.next); full != nil {
			break
		}
		if err := d.q.Do(context.Background(), d.model, d.next); err != nil {
			return err
		}
		if d.next > 1000 {
			return errors.New("the disk is never full")
		}
	}
	if err := wantFull("a scan", full); err != nil {
		return err
	}
	stats, err := d.s.Stats(context.Background())
	say("full at step %d, with %d MB of %d MB in the store: %v", d.next, stats.SizeBytes>>20, smallDisk>>20, full)
	if err != nil {
		return err
	}
	return inOrder(d.compare, d.whole)
}

func (d *disk) fullWhenOpened() error {
	if err := d.begin(); err != nil {
		return err
	}
	killed := filepath.Join(d.dir, "killed")
	if err := copySparsely(d.store, killed); err != nil {
		return err
	}
	if err := inOrder(d.s.Close, d.fill); err != nil {
		return err
	}
	for _, dir := range []string{d.store, killed, filepath.Join(d.dir, "new")} {
		if _, err := badger.Open(badger.Options{Path: dir}); !errors.Is(err, storage.ErrFull) {
			return fmt.Errorf("Open of %s: %v, want ErrFull", dir, err)
		}
	}
	if err := inOrder(d.makeRoom, d.open, d.compare, d.close); err != nil {
		return err
	}
	d.store = killed
	return inOrder(d.open, d.play, d.compare, d.whole)
}

func (d *disk) fullWhenClosed() error {
	if err := inOrder(d.begin, d.fill); err != nil {
		return err
	}
	if err := wantFull("Close", d.s.Close()); err != nil {
		return err
	}
	if _, err := badger.Open(badger.Options{Path: d.store}); !errors.Is(err, storage.ErrLocked) {
		return fmt.Errorf("Open of a store that could not be closed: %v, want ErrLocked", err)
	}
	return inOrder(d.makeRoom, d.close, d.open, d.compare, d.whole)
}
