package daemon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/providertest"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

// starts notes when listings of a scope begin, and makes each of them last.
type starts struct {
	mu      sync.Mutex
	begin   time.Time
	at      []time.Duration
	running int
	overlap bool
}

func watchStarts(f *providertest.Fake, s resource.Scope, lasts time.Duration) *starts {
	w := &starts{begin: time.Now()}
	f.Hook(s, func(ctx context.Context, _ int) error {
		w.enter()
		defer w.leave()
		select {
		case <-time.After(lasts):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return w
}

func (w *starts) enter() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = append(w.at, time.Since(w.begin))
	w.running++
	w.overlap = w.overlap || w.running > 1
}

func (w *starts) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
}

func (w *starts) want(t *testing.T, want ...time.Duration) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.at, want) {
		t.Errorf("scans began at %v, want %v", w.at, want)
	}
	if w.overlap {
		t.Error("two scans ran at a time")
	}
}

func TestLoop_ScansAtOnceAndThenAtEveryIntervalFromStartToStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		w := watchStarts(r.fake, web, 15*time.Second)
		r.start(t)
		synctest.Wait()
		w.want(t, 0)
		time.Sleep(2*interval + time.Second)
		synctest.Wait()
		w.want(t, 0, interval, 2*interval)
	})
}

// A scan that takes longer than the interval has the turns left out that went by, and says
// so; one that fits in again ends that.
func TestLoop_StretchesTheIntervalWhileScansTakeLongerThanIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := newRig(t, func(_ *rig, o *daemon.Options) {
			o.Timeout, o.Logger = time.Hour, slog.New(slog.NewTextHandler(&log, nil))
		})
		w := watchStarts(r.fake, web, 150*time.Second)
		r.start(t)
		time.Sleep(361 * time.Second)
		synctest.Wait()
		w.want(t, 0, 180*time.Second, 360*time.Second)
		wantHead(t, r.model, 2)
		wantSeries(t, r.series(), map[string]float64{"elava_reconciliation_interval_seconds": 180})
		if h := r.Health(); h.Status != daemon.Healthy || len(h.Notices) != 1 || h.Notices[0] != "scans take longer than the interval of 1m: one begins every 3m" {
			t.Errorf("health does not tell: %+v", h)
		}
		if n := strings.Count(log.String(), "Scans take longer than the interval of 1m, one begins every 3m"); n != 1 {
			t.Errorf("the log says so %d times:\n%s", n, &log)
		}

		r.fake.Hook(web, nil) // the one in flight takes as long as the others
		time.Sleep(180 * time.Second)
		synctest.Wait() // and the next one, at 540 s, no time
		time.Sleep(interval)
		synctest.Wait()
		wantHead(t, r.model, 5)
		wantSeries(t, r.series(), map[string]float64{"elava_reconciliation_interval_seconds": 60})
		if h := r.Health(); h.Status != daemon.Healthy || len(h.Notices) != 0 {
			t.Errorf("health still tells: %+v", h)
		}
		if !strings.Contains(log.String(), "Scans fit into the interval again (interval: 1m)") {
			t.Errorf("the log does not say that it is over:\n%s", &log)
		}
	})
}

// A fleet that is started at one moment scans at once, as each of its daemons is to, and
// then apart: no start is off by more than half the jitter, and on average none is.
func TestLoop_JitterSpreadsAFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const fleet, scans = 100, 20
		random := rand.New(rand.NewPCG(1, 2))
		var all []*starts
		for range fleet {
			r := newRig(t, func(_ *rig, o *daemon.Options) {
				o.Jitter = 0.1
				o.Random = rand.New(rand.NewPCG(random.Uint64(), random.Uint64())).Float64
			})
			all = append(all, watchStarts(r.fake, web, time.Second))
			r.start(t)
		}
		time.Sleep(scans * interval * 21 / 20)
		synctest.Wait()
		var seconds [scans]map[time.Duration]int // how many of the fleet began the nth scan in which second
		var sum time.Duration
		for _, w := range all {
			w.mu.Lock()
			if w.at[0] != 0 {
				t.Errorf("a first scan began after %s, not at once", w.at[0])
			}
			for n := range scans {
				if seconds[n] == nil {
					seconds[n] = map[time.Duration]int{}
				}
				seconds[n][w.at[n].Truncate(time.Second)]++
				if n == 0 {
					continue
				}
				gap := w.at[n] - w.at[n-1]
				if sum += gap; gap < interval*19/20 || gap > interval*21/20 {
					t.Errorf("two scans began %s apart", gap)
				}
			}
			w.mu.Unlock()
		}
		if mean := sum / (fleet * (scans - 1)); (mean - interval).Abs() > interval/100 {
			t.Errorf("scans begin %s apart on average, want %s", mean, interval)
		}
		for n, busiest := range map[int]int{1: 40, scans - 1: 20} {
			for second, daemons := range seconds[n] {
				if daemons > busiest {
					t.Errorf("%d of %d daemons began scan %d in the same second, %s", daemons, fleet, n+1, second)
				}
			}
		}
	})
}

// A scan counts its turns by the monotonic clock: setting the clock makes no storm of scans
// and no silence, and nothing that is recorded goes back.
func TestLoop_ClockThatIsSetBringsNoStormAndNoSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var offset atomic.Int64
		r := newRig(t, func(_ *rig, o *daemon.Options) {
			o.Now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())).Round(0) } // without a monotonic reading
		})
		w := watchStarts(r.fake, web, time.Second)
		r.start(t)
		const day = 24 * time.Hour
		var want []time.Duration
		for n, jump := range []time.Duration{0, day, 0, -day, -day, 0, day, 0} {
			offset.Add(int64(jump))
			synctest.Wait()
			r.wantHealth(t, daemon.Healthy)
			want = append(want, time.Duration(n)*interval)
			w.want(t, want...)
			time.Sleep(500 * time.Millisecond) // within a scan
			offset.Add(int64(-2 * jump))
			time.Sleep(interval - 500*time.Millisecond)
			offset.Add(int64(2 * jump))
		}
		synctest.Wait()
		var last time.Time
		for _, s := range scansOf(t, r.model) {
			if s.StartTime.Before(last) || s.EndTime.Before(s.StartTime) || s.DurationMS != 1000 {
				t.Errorf("a scan after %s began at %s, ended at %s and took %d ms", last, s.StartTime, s.EndTime, s.DurationMS)
			}
			last = s.EndTime
		}
	})
}

// scansOf returns the records of all scans, oldest first.
func scansOf(t *testing.T, s storage.Store) []*storage.ScanMetadata {
	t.Helper()
	var all []*storage.ScanMetadata
	for meta, err := range s.Scans(t.Context(), storage.HeadRevision) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, meta)
	}
	slices.Reverse(all)
	return all
}

func TestReconciler_RefusesASecondReconciliationAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := cloudOf()
		watchStarts(fake, web, time.Second)
		rec := newReconciler(t, fake, storagetest.NewModel())
		first := make(chan error, 1)
		go func() {
			_, err := rec.Reconcile(t.Context())
			first <- err
		}()
		synctest.Wait()
		if _, err := rec.Reconcile(t.Context()); err == nil {
			t.Error("two reconciliations ran at a time")
		}
		if err := <-first; err != nil {
			t.Errorf("the first one failed: %v", err)
		}
		reconcile(t, rec)
	})
}

func TestReconciler_ListsNoMoreScopesAtATimeThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := providertest.New("fake")
		var now, most atomic.Int32
		for i := range 12 {
			s := scopeOf("east", fmt.Sprintf("T::%d", i))
			fake.Set(s)
			fake.Hook(s, func(context.Context, int) error {
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(time.Second)
				now.Add(-1)
				return nil
			})
		}
		begin := time.Now()
		reconcile(t, newReconciler(t, fake, storagetest.NewModel()))
		if most.Load() != 4 || time.Since(begin) != 3*time.Second {
			t.Errorf("%d scopes were listed at a time, 12 took %s; want 4 and 3s", most.Load(), time.Since(begin))
		}
	})
}

func TestLoop_TimeLimitCommitsTheScopesThatWereComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start(t)
		synctest.Wait()
		r.fake.Put(providertest.Resource(db, "new", `{}`), providertest.Resource(web, "new", `{}`))
		watchStarts(r.fake, web, time.Hour)
		time.Sleep(interval + limit - time.Second)
		synctest.Wait()
		wantHead(t, r.model, 1)
		time.Sleep(time.Second)
		synctest.Wait()
		wantHead(t, r.model, 2)
		wantEvents(t, r.model, "2-1 created new")
		wantState(t, r.model, web, storage.ScopeFailed, provider.ReasonTimeout)
		wantState(t, r.model, db, storage.ScopeComplete, "")
		wantSeries(t, r.series(), map[string]float64{
			"reconciliation_timeout_total": 1, "daemon_reconciliation_errors_total": 0, "daemon_reconciliation_total": 2,
		})
	})
}

// Where there is never time for all, no scope waits for its turn for ever.
func TestReconcile_ScopesThatHadNoTurnComeFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, model := providertest.New("fake"), storagetest.NewModel()
		for i := range 3 {
			s := scopeOf("east", fmt.Sprintf("T::Type%d", i))
			fake.Set(s, providertest.Resource(s, "a", `{}`))
			watchStarts(fake, s, limit*3/4)
		}
		r := daemon.NewReconciler(daemon.ReconcilerOptions{
			Provider: fake, Store: model, Timeout: limit, Concurrency: 1, SpoolDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
		})
		for range 3 {
			if result := reconcile(t, r); !result.TimedOut {
				t.Fatal("there was time for all scopes: this tests nothing")
			}
		}
		for i := range 3 {
			s := scopeOf("east", fmt.Sprintf("T::Type%d", i))
			if _, err := model.Get(t.Context(), providertest.Resource(s, "a", `{}`).Key, storage.HeadRevision); err != nil {
				t.Errorf("%s was not listed in three scans: %v", s, err)
			}
		}
	})
}

// stubborn is a provider whose listing of a scope heeds no context: it returns when it is
// released, and hands on a page then.
type stubborn struct {
	odd
	release chan struct{}
	late    chan error // answers to pages after the release
	calls   atomic.Int32
}

func newStubborn(p provider.Provider, scope resource.Scope) *stubborn {
	s := &stubborn{odd: odd{Provider: p}, release: make(chan struct{}), late: make(chan error, 100)}
	s.list = func(ctx context.Context, listed resource.Scope, page func([]resource.Resource) error) error {
		if listed != scope {
			return p.List(ctx, listed, page)
		}
		s.calls.Add(1)
		<-s.release
		err := page([]resource.Resource{providertest.Resource(scope, "late", `{}`)})
		s.late <- err
		return nil // whatever the page's answer was
	}
	return s
}

func TestLoop_ListingThatIgnoresItsContextIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *stubborn
		r := newRig(t, func(r *rig, o *daemon.Options) {
			s = newStubborn(r.fake, web)
			o.Provider = s
		}).start(t)
		time.Sleep(limit + 3*time.Second)
		synctest.Wait()
		wantHead(t, r.model, 1)
		wantState(t, r.model, web, storage.ScopeFailed, provider.ReasonTimeout)
		wantState(t, r.model, db, storage.ScopeComplete, "")
		before := goroutines()

		r.fake.Put(providertest.Resource(db, "new", `{}`))
		time.Sleep(50 * interval)
		synctest.Wait()
		wantHead(t, r.model, 51)
		wantEvents(t, r.model, "2-1 created new")
		if n := s.calls.Load(); n != 1 {
			t.Errorf("a scope whose listing hangs was listed %d times", n)
		}
		if n := goroutines(); n > before {
			t.Errorf("50 iterations left %d goroutines behind", n-before)
		}
		wantSeries(t, r.series(), map[string]float64{"reconciliation_timeout_total": 1})

		close(s.release)
		if err := <-s.late; err == nil {
			t.Error("a page came after its listing was given up and was taken")
		}
		time.Sleep(interval)
		synctest.Wait()
		if err := <-s.late; err != nil {
			t.Errorf("the scope is not listed again after its listing returned: %v", err)
		}
		wantState(t, r.model, web, storage.ScopeComplete, "")
	})
}

// goroutines counts those that run. runtime.NumGoroutine also counts some that have ended.
func goroutines() int {
	stacks := make([]byte, 1<<20)
	return bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte("\ngoroutine "))
}

func TestReconciler_LatePageOfAnEarlierScanIsRefusedDuringTheNextOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, model := cloudOf(), storagetest.NewModel()
		s := newStubborn(fake, web)
		rec := newReconciler(t, s, model)
		reconcile(t, rec)
		watchStarts(fake, db, 10*time.Second)
		second := make(chan error, 1)
		go func() {
			_, err := rec.Reconcile(t.Context())
			second <- err
		}()
		synctest.Wait()
		close(s.release)
		if err := <-s.late; err == nil {
			t.Error("a page of an earlier scan was taken")
		}
		if err := <-second; err != nil {
			t.Errorf("the second scan: %v", err)
		}
		wantHead(t, model, 2)
		if _, err := model.Get(t.Context(), keyIn(web, "late"), storage.HeadRevision); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("a late page entered the store: %v", err)
		}
	})
}

// A listing that has returned is over when the iteration goes on: the next one may begin
// at once and must find the scope free.
func TestReconciler_IterationsMayFollowEachOtherAtOnce(t *testing.T) {
	fake := providertest.New("fake")
	for i := range 8 {
		fake.Set(scopeOf("east", fmt.Sprintf("T::%d", i)))
	}
	rec := newReconciler(t, fake, storagetest.NewModel())
	for range 300 {
		if result := reconcile(t, rec); len(result.Errors) > 0 {
			t.Fatal(result.Errors)
		}
	}
}

func TestReconciler_PlanThatIgnoresItsContextIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, model := cloudOf(), storagetest.NewModel()
		release := make(chan struct{})
		var calls atomic.Int32
		p := &odd{Provider: fake}
		rec := newReconciler(t, p, model)
		reconcile(t, rec)
		p.planWith(func(ctx context.Context) (*provider.Plan, error) {
			calls.Add(1)
			<-release
			return fake.Plan(ctx)
		})
		for range 3 {
			if _, err := rec.Reconcile(t.Context()); !errors.Is(err, daemon.ErrNothingListed) {
				t.Fatalf("Reconcile returned %v, want ErrNothingListed", err)
			}
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("a plan that hangs was asked for %d times", n)
		}
		wantState(t, model, web, storage.ScopeFailed, provider.ReasonTimeout)
		close(release)
		synctest.Wait()
		reconcile(t, rec)
		wantState(t, model, web, storage.ScopeComplete, "")
		wantEvents(t, model)
	})
}

func TestReconciler_PanicInThePlanIsAFailureOfTheScan(t *testing.T) {
	fake, model := cloudOf(), storagetest.NewModel()
	p := &odd{Provider: fake}
	rec := newReconciler(t, p, model)
	reconcile(t, rec)
	p.planWith(func(context.Context) (*provider.Plan, error) { panic("no plan") })
	if _, err := rec.Reconcile(t.Context()); !errors.Is(err, daemon.ErrNothingListed) {
		t.Fatalf("Reconcile returned %v, want ErrNothingListed", err)
	}
	wantEvents(t, model)
	p.planWith(nil)
	reconcile(t, rec)
}

func TestLoop_GoesOnAfterAnyFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.fake.FailPlan(errors.New("no credentials"))
		r.start(t)
		synctest.Wait()
		r.fake.FailPlan(nil)
		r.store.failOnce(callCommit, storage.ErrFull)
		time.Sleep(interval)
		synctest.Wait()
		wantHead(t, r.model, 1)
		time.Sleep(interval)
		synctest.Wait()
		wantHead(t, r.model, 2)
		wantState(t, r.model, web, storage.ScopeComplete, "")
	})
}
