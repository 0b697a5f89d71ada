//go:build linux

package drills

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elava-dev/elava/e2e/processtest"
	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider/demo"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

func TestPanic_InACollector(t *testing.T) {
	d := begin(t, "6a", "7.4", "Panic in a collector")
	scans := int64(times(5, 100))
	i := install(t)
	i.configure(t, "reconciliation_interval: 50ms", demoCloud(500, "5%", "panic:*volume*"))
	p := i.serve(t)
	p.AwaitScan(t, scans)
	text := p.Log.Text()
	for _, want := range []string{"ERROR The provider panicked", "stack=", "provider/demo.(*Provider).List", "status=partial"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log has no %q", want)
		}
	}
	panics := strings.Count(text, "The provider panicked")
	if h := p.health(t); h.Status != "degraded" || !strings.Contains(strings.Join(h.Reasons, "\n"), "collector panicked") {
		t.Errorf("health does not tell: %+v", h)
	}
	p.stop(t)
	checkStuckScopes(t, i)
	o := newOracle(500, 0.05)
	o.watches = notStuck
	head := o.checkStore(t, i.store, 0)
	d.tell("two of 22 scopes panic at every listing", fmt.Sprintf("%d scans, %d panics", head, panics),
		fmt.Sprintf("these scopes fail, with the stack in the log; the others were stored, %d events, exact; the daemon lives", o.events))
}

// jumpingClock is a clock without a monotonic reading that can be set.
type jumpingClock struct{ offset atomic.Int64 }

func (c *jumpingClock) now() time.Time {
	return time.Now().Round(0).Add(time.Duration(c.offset.Load()))
}

// set moves the clock.
func (c *jumpingClock) set(d time.Duration) { c.offset.Add(int64(d)) }

// The clock of one daemon can only be set within its process.
func TestClock_JumpsByADay(t *testing.T) {
	d := begin(t, "6b", "7.4", "Clock that is set by a day")
	jumps := times(6, 60)
	const interval, day = 100 * time.Millisecond, 24 * time.Hour
	dir := t.TempDir()
	store, err := badger.Open(badger.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := demo.New(demo.Options{Seed: 1, Resources: 500, ChangeRate: 0.1, Regions: []string{"us-east-1", "eu-west-1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	var clock jumpingClock
	committed := make(chan time.Time, 10_000)
	dm, err := daemon.New(daemon.Options{
		Provider: cloud, Store: store, SpoolDir: dir, Now: clock.now, Committed: func() { committed <- time.Now() },
		Settings: daemon.Settings{Interval: interval, Timeout: time.Minute, ShutdownTimeout: time.Minute, Concurrency: 4},
	})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := dm.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	random := processtest.Random(t)
	for range jumps {
		for range 1 + random.IntN(3) {
			<-committed
		}
		time.Sleep(time.Duration(random.Int64N(int64(interval)))) // the moment is what is random
		clock.set([]time.Duration{day, -day}[random.IntN(2)])
		if h := dm.Health(); h.Status != daemon.Healthy {
			t.Errorf("after the clock was set health is %+v", h)
		}
	}
	<-committed
	took := time.Since(began)
	if err := dm.Stop(); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	defer closeStore(t, s)
	o := newOracle(500, 0.1)
	head := o.check(t, s, 0)
	if most := int64(took/interval) + 2; head > most {
		t.Errorf("%d scans in %s, at most %d were due", head, took, most)
	}
	checkTimes(t, s)
	d.tell("the clock of a daemon in the process of the test is set forward or back by a day, at random moments, also within scans",
		fmt.Sprintf("%d jumps, %d scans", jumps, head),
		fmt.Sprintf("no more scans than intervals went by, none missing, always healthy; times of revisions ascend, no scan starts before the last one ended; %d events, exact", o.events))
}

// checkTimes checks that nothing that is recorded goes back in time.
func checkTimes(t testing.TB, s storage.Store) {
	t.Helper()
	var later *storage.ScanMetadata
	for meta, err := range s.Scans(t.Context(), storage.HeadRevision) {
		if err != nil {
			t.Fatal(err)
		}
		if meta.EndTime.Before(meta.StartTime) || meta.DurationMS < 0 || meta.DurationMS > 3_600_000 {
			t.Errorf("scan %d began at %s, ended at %s and took %d ms", meta.ScanID, meta.StartTime, meta.EndTime, meta.DurationMS)
		}
		if later != nil && (later.StartTime.Before(meta.EndTime) || !later.EndTime.After(meta.EndTime)) {
			t.Errorf("scan %d of %s to %s follows one that ended at %s", later.ScanID, later.StartTime, later.EndTime, meta.EndTime)
		}
		later = meta
	}
}

func TestJitter_SpreadsAFleet(t *testing.T) {
	d := begin(t, "6c", "7.1", "Fleet that is started at one moment")
	fleet, scans := times(5, 12), int64(times(8, 30))
	const interval, jitter, slack = 2.0, 0.5, 0.5 // seconds, share, seconds by which a busy machine may begin a scan late
	starts := make([][]float64, fleet)            // in seconds since the first of all
	var first time.Time
	daemons := make([]*process, fleet)
	for n := range fleet {
		i := install(t)
		i.configure(t, "reconciliation_interval: 2s, reconciliation_jitter: 50%", demoCloud(50, "0%"))
		daemons[n] = i.serve(t)
	}
	for _, p := range daemons {
		p.AwaitScan(t, scans)
	}
	gaps, sum, off := 0, 0.0, 0
	for n, p := range daemons {
		p.stop(t)
		s := open(t, p.i.store)
		for meta, err := range s.Scans(t.Context(), storage.HeadRevision) {
			if err != nil {
				t.Fatal(err)
			}
			if first.IsZero() || meta.StartTime.Before(first) {
				first = meta.StartTime
			}
			starts[n] = append([]float64{float64(meta.StartTime.UnixMilli()) / 1000}, starts[n]...)
		}
		closeStore(t, s)
	}
	spread := func(scan int64) float64 {
		least, most := math.Inf(1), math.Inf(-1)
		for n := range starts {
			since := starts[n][scan] - starts[n][0]
			least, most = min(least, since), max(most, since)
		}
		return most - least
	}
	for n := range starts {
		for i := 1; i < len(starts[n]); i++ {
			gap := starts[n][i] - starts[n][i-1]
			gaps, sum = gaps+1, sum+gap
			if gap < interval*(1-jitter/2)-slack {
				off++
			}
		}
	}
	if off > 0 {
		t.Errorf("%d scans began earlier than the jitter allows", off)
	}
	if s := spread(scans - 1); s < interval*jitter/4 {
		t.Errorf("scan %d of all %d began within %.2f s", scans, fleet, s)
	}
	d.tell(fmt.Sprintf("daemons with an interval of %.0f s and a jitter of %.0f %%; their starts compared, counted from each one's first scan", interval, jitter*100),
		fmt.Sprintf("%d daemons, %d scans of each", fleet, scans),
		fmt.Sprintf("scan 2 began within %.2f s, scan %d within %.2f s; on average %.2f s apart, none too early", spread(1), scans, spread(scans-1), sum/float64(gaps)))
}
