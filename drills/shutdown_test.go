//go:build linux

package drills

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stopLimit is less than the time limit of a stop and more than one needs.
const stopLimit = 20 * time.Second

func TestShutdown_InEveryPhase(t *testing.T) {
	d := begin(t, "5a", "7.5", "SIGTERM in every phase")
	const resources = 3000
	rounds := times(1, 10)
	i := install(t)
	i.configure(t, "reconciliation_interval: 300ms", demoCloud(resources, "50%"))
	o := newOracle(resources, 0.5)
	struck, slowest, head, cut := map[string]int{}, time.Duration(0), int64(0), 0
	for range rounds {
		for _, phase := range []string{"sleeping", "scanning", "detecting", "storing"} {
			p := i.serve(t)
			p.AwaitScan(t, head+1)
			p.awaitHealth(t, "the daemon is "+phase, func(h health) bool { return h.Phase == phase })
			p.Signal(t, syscall.SIGTERM)
			code, took := p.Exit(t)
			if log := p.Log.Text(); code != 0 || took > stopLimit || !strings.Contains(log, "Daemon stopped") {
				t.Errorf("while %s: exit code %d after %s", phase, code, took)
			}
			struck[phase]++
			slowest = max(slowest, took)
			told := p.lastScan()
			now := o.checkStore(t, i.store, head)
			if now < told || now > told+1 {
				t.Fatalf("while %s: the log told of scan %d, the store's head is %d", phase, told, now)
			}
			if log := p.Log.Text(); strings.Contains(log, "Scan interrupted, nothing of it is stored") {
				cut++
			}
			head = now
		}
	}
	if cut == 0 && full() { // one round may miss
		t.Error("no scan was cut off: this tests nothing")
	}
	d.tell(fmt.Sprintf("demo cloud of %d resources, half of them changed at every scan; SIGTERM as soon as /health shows the phase", resources),
		fmt.Sprintf("%d stops: %v", 4*rounds, struck),
		fmt.Sprintf("exit code 0, the slowest in %.1f s; %d scans were cut off, of which nothing is stored; %d scans stored, %d events, exact", slowest.Seconds(), cut, head, o.events))
}

// The last phase is over at once; it lasts where nobody reads the log.
func TestShutdown_WhileTheLogIsStuck(t *testing.T) {
	d := begin(t, "5b", "7.5", "SIGTERM while recording")
	rounds := times(1, 10)
	i := install(t)
	i.configure(t, "reconciliation_interval: 10ms", demoCloud(300, "10%", "fail:*"))
	for range rounds {
		p := i.serve(t)
		p.Await(t, scanLine.String())
		p.Log.Hold() // until the pipe is full
		p.awaitHealth(t, "the daemon stands still while recording", func(h health) bool {
			if h.Phase != "recording" {
				return false
			}
			scans := p.metric(t, "elava_storage_revision")
			time.Sleep(50 * time.Millisecond)
			return p.metric(t, "elava_storage_revision") == scans && p.health(t).Phase == "recording"
		})
		revision := p.metric(t, "elava_storage_revision")
		p.Signal(t, syscall.SIGTERM)
		p.Log.Release()
		if code, took := p.Exit(t); code != 0 || took > stopLimit {
			t.Errorf("exit code %d after %s", code, took)
		}
		s := open(t, i.store)
		if head, err := s.Head(t.Context()); err != nil || float64(head.Revision) < revision {
			t.Errorf("the head is %d, it was %.0f before: %v", head.Revision, revision, err)
		}
		closeStore(t, s)
	}
	d.tell("nobody reads the log of a daemon whose scopes all fail, until it stands still in the last phase; SIGTERM, and the log is read again", fmt.Sprintf("%d times", rounds), "exit code 0, what had been stored is there")
}

func TestShutdown_WithHungCalls(t *testing.T) {
	d := begin(t, "5c", "7.5", "SIGTERM with hung calls, twice, and past the limit")
	rounds := times(1, 10)
	type stop struct {
		name, limit, faults string
		signals, code       int
		log                 string
	}
	stops := []stop{
		{"a call that never answers", "30s", "hang", 1, 0, "Daemon stopped"},
		{"a call that heeds nothing", "30s", "hang-hard", 1, 0, "Daemon stopped"},
		{"a second signal", "30s", "hang-hard", 2, 1, "Graceful shutdown initiated"},
		{"past the limit", "200ms", "hang-hard", 1, 1, "did not stop in time"},
	}
	slowest := time.Duration(0)
	for range rounds {
		for _, s := range stops {
			i := install(t)
			i.configure(t, "reconciliation_interval: 50ms, graceful_shutdown_timeout: "+s.limit, demoCloud(300, "10%"))
			p := i.serve(t)
			p.AwaitScan(t, 2)
			i.configure(t, "reconciliation_interval: 50ms, graceful_shutdown_timeout: "+s.limit, demoCloud(300, "10%", s.faults))
			p.reload(t)
			scans := int64(0) // until one hangs
			p.awaitHealth(t, "a scan hangs", func(h health) bool {
				before := scans
				scans = p.lastScan()
				if h.Phase != "scanning" || before != scans {
					return false
				}
				text := p.Log.Text()
				return strings.Contains(text[strings.LastIndex(text, "Configuration reloaded"):], "faults are switched on")
			})
			p.Signal(t, syscall.SIGTERM)
			if s.signals == 2 {
				p.Await(t, "Graceful shutdown initiated")
				p.Signal(t, syscall.SIGTERM)
			}
			code, took := p.Exit(t)
			if log := p.Log.Text(); code != s.code || took > stopLimit || !strings.Contains(log, s.log) {
				t.Errorf("%s: exit code %d after %s, want %d", s.name, code, took, s.code)
			}
			slowest = max(slowest, took)
			newOracle(300, 0.1).checkStore(t, i.store, 0)
		}
	}
	d.tell("SIGTERM while a scan hangs: in a call that never answers, in one that heeds nothing, with a second signal, and with a limit of 200 ms that is too short",
		fmt.Sprintf("%d stops", rounds*len(stops)), fmt.Sprintf("exit codes 0, 0, 1 and 1 as documented, the slowest after %.1f s; what was stored before is there, exact, and nothing else", slowest.Seconds()))
}

func TestShutdown_WithASlowDisk(t *testing.T) {
	d := begin(t, "5d", "7.5", "SIGTERM with a slow disk, and with one that stands still")
	disk := newDisk(t)
	if disk.image == "" {
		if full() {
			t.Fatal("only root can freeze a file system: run make drills as root")
		}
		d.tell("only root can freeze a file system", "never", "left out")
		return
	}
	rounds := times(1, 10)
	o := newOracle(2000, 0.3)
	head, slowest := int64(0), time.Duration(0)
	check := func(p *process) {
		t.Helper()
		copied := filepath.Join(t.TempDir(), "data")
		if out, err := disk.onDisk("cp", "-a", disk.store, copied).CombinedOutput(); err != nil {
			t.Fatalf("copying the store: %v %s", err, out)
		}
		told := p.lastScan()
		now := o.checkStore(t, copied, head)
		if now < told || now > told+1 {
			t.Fatalf("the log told of scan %d, the store's head is %d", told, now)
		}
		head = now
	}
	for range rounds {
		disk.configure(t, "reconciliation_interval: 50ms", demoCloud(2000, "30%"))
		p := disk.serve(t)
		p.AwaitScan(t, head+1)
		end := slowDown(t, disk.seen(p), 400*time.Millisecond, 30*time.Millisecond)
		p.nextScans(t, 1)
		p.Signal(t, syscall.SIGTERM)
		code, took := p.Exit(t)
		end()
		if log := p.Log.Text(); code != 0 || took > stopLimit || !strings.Contains(log, "Daemon stopped") {
			t.Errorf("slow disk: exit code %d after %s", code, took)
		}
		slowest = max(slowest, took)
		check(p)

		disk.configure(t, "reconciliation_interval: 50ms, graceful_shutdown_timeout: 500ms", demoCloud(2000, "30%"))
		p = disk.serve(t)
		p.AwaitScan(t, head+1)
		thaw := freeze(t, disk.seen(p))
		// What stands still with the disk includes the runtime, as soon as it touches a file
		// that is mapped: nothing tells when that is, and not even the end can be seen before
		// the disk goes on.
		time.Sleep(time.Second)
		p.Signal(t, syscall.SIGTERM)
		time.Sleep(time.Second)
		thaw()
		if code, took := p.Exit(t); code > 1 || code < 0 || took > stopLimit {
			t.Errorf("disk that stands still: exit code %d after %s", code, took)
		}
		check(p)
	}
	d.tell("the ext4 file system of the store frozen (fsfreeze) for 400 ms of every 430 ms, SIGTERM meanwhile; and frozen altogether until the limit of 500 ms is past",
		fmt.Sprintf("%d stops", 2*rounds), fmt.Sprintf("on the slow disk exit code 0, after %.1f s at most; on the one that stood still the end came with the disk; %d scans stored, %d events, exact: nothing half committed", slowest.Seconds(), head, o.events))
}
