package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
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

func TestLoop_ScanLongerThanTheIntervalIsFollowedByTheNextAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(_ *rig, o *daemon.Options) { o.Timeout = time.Hour })
		w := watchStarts(r.fake, web, 150*time.Second)
		r.start(t)
		time.Sleep(301 * time.Second)
		synctest.Wait()
		w.want(t, 0, 150*time.Second, 300*time.Second)
		wantHead(t, r.model, 2)
	})
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
		goroutines := runtime.NumGoroutine()

		r.fake.Put(providertest.Resource(db, "new", `{}`))
		time.Sleep(50 * interval)
		synctest.Wait()
		wantHead(t, r.model, 51)
		wantEvents(t, r.model, "2-1 created new")
		if n := s.calls.Load(); n != 1 {
			t.Errorf("a scope whose listing hangs was listed %d times", n)
		}
		if n := runtime.NumGoroutine(); n > goroutines {
			t.Errorf("50 iterations left %d goroutines behind", n-goroutines)
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
