//go:build linux

package drills

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// diskSize is the size of a disk of one's own.
const diskSize = 96 << 20

// ownDisk puts the store of an installation on a disk of its own, which only the processes
// see that are started by onDisk.
type ownDisk struct {
	*installation
	mount string
	image string // "": the disk is in memory, and its content goes with the process
}

func newDisk(t testing.TB) *ownDisk {
	t.Helper()
	d := &ownDisk{installation: install(t)}
	d.mount = filepath.Join(d.dir, "disk")
	if err := os.Mkdir(d.mount, 0o700); err != nil {
		t.Fatal(err)
	}
	d.store = filepath.Join(d.mount, "data")
	if os.Geteuid() != 0 {
		return d
	}
	d.image = filepath.Join(d.dir, "disk.img")
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, diskSize); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", d.image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4 (Debian's package e2fsprogs): %v %s", err, out)
	}
	return d
}

// onDisk returns a command that sees the disk, and is the process that is started.
func (d *ownDisk) onDisk(args ...string) *exec.Cmd {
	mount := fmt.Sprintf("mount -t tmpfs -o size=%d tmpfs %s", diskSize, d.mount)
	flags := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if d.image != "" {
		mount, flags = fmt.Sprintf("mount -o loop %s %s", d.image, d.mount), &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	}
	cmd := exec.Command("sh", append([]string{"-c", "mount --make-rprivate / && " + mount + ` && exec "$@"`, "sh"}, args...)...)
	cmd.SysProcAttr = flags
	return cmd
}

func (d *ownDisk) serve(t testing.TB) *process {
	t.Helper()
	return d.serveBy(t, d.onDisk(program, "serve", "--config", d.config()))
}

// seen is the path under which others see the disk of a process.
func (d *ownDisk) seen(p *process) string {
	return fmt.Sprintf("/proc/%d/root%s", p.PID(), d.mount)
}

// fill takes all the space that there is, until the function it returns is called.
func fill(t testing.TB, dir string) (makeRoom func()) {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

var stepLine = regexp.MustCompile(`demo cloud made a step tick=(\d+)|\[Scan #(\d+)\]`)

// steps reads from a log at level debug which step of the cloud each scan shows that was
// stored.
func (p *process) steps(t testing.TB) func(revision int64) uint64 {
	t.Helper()
	text := p.Log.Text()
	step, shown := uint64(0), map[int64]uint64{}
	for _, m := range stepLine.FindAllStringSubmatch(text, -1) {
		if m[1] != "" {
			step, _ = strconv.ParseUint(m[1], 10, 64) // digits
			continue
		}
		n, _ := strconv.ParseInt(m[2], 10, 64)
		shown[n] = step
	}
	return func(revision int64) uint64 {
		step, ok := shown[revision]
		if !ok {
			t.Fatalf("the log does not tell which step revision %d shows", revision)
		}
		return step
	}
}

func TestDisk_FullAndWithRoomAgain(t *testing.T) {
	d := begin(t, "2", "7.2", "Full disk")
	skip, fills := float64(times(2, 10)), times(1, 5)
	disk := newDisk(t)
	disk.configure(t, "reconciliation_interval: 100ms", demoCloud(500, "5%"), "logging: {level: debug}")
	p := disk.serve(t)
	p.AwaitScan(t, 3)
	skipped := 0.0
	for range fills {
		before := p.metric(t, "storage_write_errors_total")
		makeRoom := fill(t, disk.seen(p))
		h := p.awaitHealth(t, "health is degraded", func(h health) bool { return h.Status == "degraded" })
		if h.StorageHealthy || !strings.Contains(strings.Join(h.Reasons, "\n"), "no space left for the store") {
			t.Errorf("health does not say why: %+v", h)
		}
		failed := p.awaitMetric(t, "storage_write_errors_total", func(v float64) bool { return v >= before+skip })
		if answer := p.get(t, "/api/v1/resources?limit=1"); !strings.Contains(answer, `"key":"demo/`) {
			t.Errorf("nothing can be read: %s", answer)
		}
		last := p.lastScan()
		makeRoom()
		p.awaitHealth(t, "health is normal again", func(h health) bool { return h.Status == "healthy" && h.StorageHealthy })
		p.AwaitScan(t, last+2)
		skipped += max(failed, p.metric(t, "storage_write_errors_total")) - before
	}
	o := newOracle(500, 0.05)
	o.step = nil
	backup := filepath.Join(disk.dir, "backup")
	if out := elava(t, disk.installation, "storage", "backup", backup, "--server", p.URL); out.code != 0 {
		t.Fatalf("backup: %s", out.text)
	}
	p.stop(t)
	o.step = p.steps(t)
	restored := filepath.Join(disk.dir, "restored")
	if out := elava(t, disk.installation, "storage", "restore", backup, "--storage-path", restored); out.code != 0 {
		t.Fatalf("restore: %s", out.text)
	}
	head := o.checkStore(t, restored, 0)
	kind := "ext4"
	if disk.image == "" {
		kind = "in memory"
	}
	d.tell(fmt.Sprintf("disk of %d MB (%s) filled by another file while the daemon scans, until %.0f scans were skipped; then room again", diskSize>>20, kind, skip),
		fmt.Sprintf("%d times, %.0f scans skipped, %d stored", fills, skipped, head),
		fmt.Sprintf("degraded with the reason, storage_write_errors_total counted each, reads went on; healthy again by itself with the next scan, which reported what the skipped ones had seen; %d events, exact", o.events))
}

// ended is how a command ended.
type ended struct {
	code int
	text string
}

// elava runs a command to its end.
func elava(t testing.TB, i *installation, args ...string) ended {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env, cmd.Dir = i.env, i.dir
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return ended{cmd.ProcessState.ExitCode(), string(out)}
}

// Numbers of ioctl(2) in linux/fs.h.
const (
	ioctlFreeze = 0xC0045877 // FIFREEZE
	ioctlThaw   = 0xC0045878 // FITHAW
)

// freeze stops all writes to a file system, until the function it returns is called. A
// process that waits for its disk then cannot even be killed.
func freeze(t testing.TB, dir string) (thaw func()) {
	t.Helper()
	thaw, err := tryFreeze(dir)
	if err != nil {
		t.Fatal(err)
	}
	thaw = sync.OnceFunc(thaw)
	t.Cleanup(thaw)
	return thaw
}

// tryFreeze keeps the file system open, so that it can be thawed whoever leaves it meanwhile.
func tryFreeze(dir string) (thaw func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if _, _, no := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), ioctlFreeze, 0); no != 0 {
		f.Close()
		return nil, fmt.Errorf("freezing %s: %w", dir, no)
	}
	return func() {
		_, _, _ = syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), ioctlThaw, 0) // fails where it is thawed
		f.Close()
	}, nil
}

// slowDown freezes a file system again and again, until the function it returns is called
// or its last process is gone.
func slowDown(t testing.TB, dir string, frozen, thawed time.Duration) (stop func()) {
	t.Helper()
	thaw := freeze(t, dir) // it can be frozen at all
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for err := error(nil); err == nil; thaw, err = tryFreeze(dir) {
			time.Sleep(frozen)
			thaw()
			select {
			case <-done:
				return
			case <-time.After(thawed):
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		close(done)
		<-ended
	})
	t.Cleanup(stop)
	return stop
}
