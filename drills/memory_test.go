//go:build linux

package drills

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider/demo"
	"github.com/elava-dev/elava/storage/badger"
)

// series is something that was measured again and again.
type series struct{ x, y []float64 }

func (s *series) add(x, y float64) { s.x, s.y = append(s.x, x), append(s.y, y) }

// trend fits a line: how much y grew over the whole of x, how uncertain that is (twice the
// standard error), and the mean of y.
func (s *series) trend() (growth, noise, mean float64) {
	n := float64(len(s.x))
	var sx, sy, sxx, sxy float64
	for i := range s.x {
		sx, sy = sx+s.x[i], sy+s.y[i]
	}
	mx, my := sx/n, sy/n
	for i := range s.x {
		sxx, sxy = sxx+(s.x[i]-mx)*(s.x[i]-mx), sxy+(s.x[i]-mx)*(s.y[i]-my)
	}
	slope := sxy / sxx
	var rest float64
	for i := range s.x {
		d := s.y[i] - my - slope*(s.x[i]-mx)
		rest += d * d
	}
	span := s.x[len(s.x)-1] - s.x[0]
	return slope * span, 2 * math.Sqrt(rest/(n-2)/sxx) * span, my
}

// floor returns the least of each few measurements that follow each other: what is in use
// for good, without what a compaction of the store takes for a moment.
func (s *series) floor() *series {
	const few = 5
	var f series
	for i := 0; i+few <= len(s.y); i += few {
		f.add(s.x[i], slices.Min(s.y[i:i+few]))
	}
	return &f
}

// Growth, as a share of the mean, that is none. The caches of the store's engine fill by and
// by, to a limit; goroutines and files have no such reason.
const (
	levelMemory = 0.25
	levelCount  = 0.1
)

// wantLevel fails where something grew by more than the noise of its measurement and more
// than a share of what it is.
func (s *series) wantLevel(t testing.TB, what string, share float64) string {
	t.Helper()
	growth, noise, mean := s.trend()
	text := fmt.Sprintf("%s %.1f on average, trend %+.1f ± %.1f", what, mean, growth, noise)
	if growth > noise && growth > mean*share {
		t.Errorf("it grows: %s\n%.1f", text, s.y)
	}
	return text
}

// usage is what a daemon takes, scan by scan.
type usage struct{ heap, goroutines, files, mapped, own series }

func (u *usage) sample(t testing.TB, p *process, scan int64) {
	t.Helper()
	x := float64(scan)
	u.heap.add(x, p.heap(t))
	metrics := p.get(t, "/metrics")
	u.goroutines.add(x, sumOf(t, metrics, "daemon_goroutines"))
	u.mapped.add(x, sumOf(t, metrics, "daemon_memory_usage_bytes")/(1<<20))
	u.files.add(x, p.files(t))
	u.own.add(x, p.memory(t, "RssAnon"))
}

func (u *usage) wantLevel(t testing.TB) string {
	t.Helper()
	memory := ""
	if len(u.heap.y) >= 20 { // else there are too few for a trend
		memory = fmt.Sprintf("%s; %s; ", u.heap.floor().wantLevel(t, "live heap in MiB", levelMemory),
			u.mapped.floor().wantLevel(t, "memory of the Go runtime in MiB", levelMemory))
	}
	return memory + fmt.Sprintf("%s; %s", u.goroutines.wantLevel(t, "goroutines", levelCount),
		u.files.wantLevel(t, "open files beside those of the store", levelCount))
}

// memoryLimit is the limit of the first design's deployment: of a pod, pages of files
// included.
const memoryLimit = 256 << 20

// A machine that is too busy for all scans makes fewer, and the report says how many.
const (
	memoryBudget = 25 * time.Minute
	fewestScans  = 150
)

func TestMemory_IsLevelOverManyScans(t *testing.T) {
	d := begin(t, "3a", "7.3", "Memory over many scans")
	resources, scans, interval, settled := times(2_000, 50_000), int64(times(60, 500)), "50ms", int64(times(20, 50))
	if full() {
		interval = "1s"
	}
	i := install(t)
	i.configure(t, "reconciliation_interval: "+interval, demoCloud(resources, "1%"))
	p, c := i.serveCaged(t)
	var u usage
	for n := int64(5); n <= scans; n += 5 {
		if n > fewestScans && time.Since(d.began) > memoryBudget {
			break
		}
		p.AwaitScan(t, n)
		if n >= settled {
			u.sample(t, p, n)
		}
	}
	own, scanned := slices.Max(u.own.y), p.metric(t, "daemon_resources_scanned_total")
	if own*(1<<20) >= memoryLimit {
		t.Errorf("%.0f MiB of memory of its own, want less than %d", own, memoryLimit>>20)
	}
	caged := ""
	if c != nil {
		caged = fmt.Sprintf("came through in a cgroup of %d MiB%s; ", memoryLimit>>20, c.wantNoneKilled(t))
	}
	level := u.wantLevel(t)
	size := p.metric(t, "elava_storage_size_bytes") / (1 << 20)
	p.stop(t)
	s := open(t, i.store)
	defer closeStore(t, s)
	d.tell(fmt.Sprintf("demo cloud of %d resources, 1 %% of them changed at every scan, at an interval of %s; heap (after a collection), goroutines and files at every fifth scan from the %dth on", resources, interval, settled),
		fmt.Sprintf("%d scans", p.lastScan()),
		fmt.Sprintf("%sat most %.0f MiB of memory of its own; %s; %.0f resources listed; store of %.0f MiB", caged, own, level, scanned, size))
}

// serveCaged starts a daemon that has memoryLimit, where the machine can see to that.
func (i *installation) serveCaged(t testing.TB) (*process, *cage) {
	t.Helper()
	c := newCage(t, memoryLimit)
	if c == nil {
		return i.serve(t), nil
	}
	return i.serveBy(t, c.within(program, "serve", "--config", i.config())), c
}

func TestMemory_NothingRunsOnAfterTheStop(t *testing.T) {
	d := beginAlone(t, "3b", "7.3", "Nothing runs on after a stop")
	stops := times(2, 20)
	before := goleak.IgnoreCurrent()
	dir := t.TempDir()
	for range stops {
		startAndStop(t, dir, 3)
	}
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
	s := open(t, dir)
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	d.tell("daemon on a real store in the process of the test, stopped in the middle of scans; then a look for goroutines (goleak)",
		fmt.Sprintf("%d starts and stops, %d scans stored", stops, head.Revision), "no goroutine is left")
}

// startAndStop runs a daemon in this process until it has stored some scans.
func startAndStop(t testing.TB, dir string, scans int) {
	t.Helper()
	store, err := badger.Open(badger.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := demo.New(demo.Options{Resources: 500, ChangeRate: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	committed := make(chan struct{}, scans+1000)
	dm, err := daemon.New(daemon.Options{
		Provider: cloud, Store: store, SpoolDir: dir, Committed: func() { committed <- struct{}{} },
		Settings: daemon.Settings{Interval: time.Millisecond, Timeout: time.Minute, ShutdownTimeout: 30 * time.Second, Concurrency: 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := dm.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	for range scans {
		<-committed
	}
	if err := dm.Stop(); err != nil {
		t.Fatal(err)
	}
}
