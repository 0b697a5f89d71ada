package daemon_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/observer"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/providertest"
	"github.com/elava-dev/elava/storage/storagetest"
)

// serving makes the daemon of a rig listen on a free port of loopback, with further routes.
func serving(t *testing.T, r *rig, o *daemon.Options, further map[string]http.Handler) {
	t.Helper()
	metrics, exporter := watch(t)
	o.Metrics = metrics
	r.series = func() map[string]float64 { return seriesOf(t, exporter) }
	o.Listen = func(routes map[string]http.Handler) (*observer.MetricsServer, error) {
		for path, h := range further {
			routes[path] = h
		}
		return observer.NewMetricsServer(observer.MetricsServerOptions{
			Address: "127.0.0.1", Gatherer: exporter.Gatherer(), Routes: routes,
		})
	}
}

// address is where the daemon of a rig listens.
func (r *rig) address() string { return r.Server().Addr().String() }

// get returns the status of an answer.
func (r *rig) get(t *testing.T, path string) int {
	t.Helper()
	code, _ := fetch(t, "http://"+r.address()+path)
	return code
}

// wantPortFree listens on an address that nobody else may have any more.
func wantPortFree(t *testing.T, address string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Errorf("the port is still taken: %v", err)
		return
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func (r *rig) wantClosed(t *testing.T) {
	t.Helper()
	if n := r.store.timesClosed(); n != 1 {
		t.Errorf("the store was closed %d times, want once", n)
	}
	select {
	case <-r.Done():
	default:
		t.Error("the daemon has not ended")
	}
}

// gate lets a call in and holds it until it is opened or, if it heeds the context, told to
// stop.
type gate struct{ reached, open chan struct{} }

func newGate() *gate { return &gate{make(chan struct{}, 1), make(chan struct{})} }

func (g *gate) heeding(ctx context.Context) error {
	select {
	case g.reached <- struct{}{}:
	default:
	}
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) deaf(context.Context) error { return g.heeding(context.Background()) }

func TestDaemon_Start(t *testing.T) {
	r := newRig(t, func(r *rig, o *daemon.Options) { serving(t, r, o, nil) })
	first := newGate()
	r.store.on(callCommit, first.heeding)
	r.start(t)
	await(t, "the first scan", first.reached)
	for path, want := range map[string]int{
		"/-/healthy": http.StatusOK, "/-/ready": http.StatusServiceUnavailable, "/health": http.StatusOK, "/metrics": http.StatusOK,
	} {
		if got := r.get(t, path); got != want {
			t.Errorf("during the first scan %s answers %d, want %d", path, got, want)
		}
	}
	close(first.open)
	if err := r.Start(t.Context()); err != nil {
		t.Errorf("a second Start: %v", err)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	if n := r.fake.Plans(); n != 1 {
		t.Errorf("%d scans were made, want one", n)
	}
}

func TestDaemon_StartTwiceIsOneDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		w := watchStarts(r.fake, web, time.Second)
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() { r.start(t) })
		}
		callers.Wait()
		time.Sleep(interval + time.Second/2)
		synctest.Wait()
		w.want(t, 0, interval)
	})
}

func TestDaemon_StartShowsWhatWasKnownBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		reconcile(t, newReconciler(t, r.fake, r.model))
		watchStarts(r.fake, web, time.Second)
		r.start(t)
		synctest.Wait()
		wantSeries(t, r.series(), map[string]float64{
			"elava_resources{1 east T::Web}": 1, "elava_scope_up{1 east T::DB}": 1, "daemon_resources_current": 2,
			"daemon_reconciliation_total": 0, "elava_resources_created_total{east T::Web}": 0,
		})
	})
}

func TestDaemon_Stop(t *testing.T) {
	r := newRig(t, func(r *rig, o *daemon.Options) { serving(t, r, o, nil) })
	g := newGate()
	r.fake.Hook(web, func(ctx context.Context, _ int) error { return g.heeding(ctx) })
	r.start(t)
	await(t, "a listing", g.reached)
	address := r.address()
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	r.wantClosed(t)
	wantPortFree(t, address)
	wantHead(t, r.model.Reopen(), 0)
	if err := r.Err(); err != nil {
		t.Errorf("Err is %v after a clean stop", err)
	}
	if err := r.Start(t.Context()); err == nil {
		t.Error("a daemon that was stopped was started")
	}
}

func TestDaemon_StopTwiceIsOneStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start(t)
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				if err := r.Stop(); err != nil {
					t.Errorf("Stop: %v", err)
				}
				r.wantClosed(t)
			})
		}
		callers.Wait()
	})
}

func TestDaemon_StopBeforeStartFreesPortAndStore(t *testing.T) {
	r := newRig(t, func(r *rig, o *daemon.Options) { serving(t, r, o, nil) })
	address := r.address()
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	r.wantClosed(t)
	wantPortFree(t, address)
	if err := r.Start(t.Context()); err == nil {
		t.Error("a daemon that was stopped was started")
	}
	if n := r.fake.Plans(); n != 0 {
		t.Errorf("%d scans were made", n)
	}
}

func TestDaemon_EndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		if err := r.Start(ctx); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		<-r.Done()
		r.wantClosed(t)
		if err := r.Err(); err != nil {
			t.Errorf("Err is %v, want nil", err)
		}
		if err := r.Stop(); err != nil {
			t.Errorf("Stop after the end: %v", err)
		}
	})
}

func TestDaemon_EndsWhenItsServerFails(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(r *rig, o *daemon.Options) {
		_, exporter := watch(t)
		o.Listen = func(routes map[string]http.Handler) (*observer.MetricsServer, error) {
			return observer.NewMetricsServer(observer.MetricsServerOptions{Listener: listener, Gatherer: exporter.Gatherer(), Routes: routes})
		}
	}).start(t)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of the daemon", r.Done())
	r.wantClosed(t)
	if r.Err() == nil {
		t.Error("Err is nil although the server failed")
	}
	if err := r.Stop(); err == nil {
		t.Error("Stop hides why the daemon had ended")
	}
}

func TestDaemon_PortTakenIsAnErrorOfNewAndClosesTheStore(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, exporter := watch(t)
	store := tap(storagetest.NewModel())
	_, err = daemon.New(daemon.Options{
		Provider: cloudOf(), Store: store, Settings: daemon.Settings{Interval: interval, ShutdownTimeout: stopping},
		Listen: func(routes map[string]http.Handler) (*observer.MetricsServer, error) {
			return observer.NewMetricsServer(observer.MetricsServerOptions{
				Address: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, Gatherer: exporter.Gatherer(), Routes: routes,
			})
		},
	})
	if !errors.Is(err, observer.ErrPortTaken) {
		t.Errorf("New returned %v, want ErrPortTaken", err)
	}
	if store.timesClosed() != 1 {
		t.Error("the store is still open")
	}
}

func TestDaemon_GracefulShutdown(t *testing.T) {
	for name, phase := range map[string]struct {
		stop  func(*rig, *odd, *gate) // makes the second scan stop at the gate
		phase daemon.Phase
		head  int64 // after the stop
	}{
		"while planning": {func(r *rig, p *odd, g *gate) {
			p.planWith(func(ctx context.Context) (*provider.Plan, error) { return nil, g.heeding(ctx) })
		}, daemon.PhaseScanning, 1},
		"while listing": {func(r *rig, _ *odd, g *gate) {
			r.fake.Hook(web, func(ctx context.Context, _ int) error { return g.heeding(ctx) })
		}, daemon.PhaseScanning, 1},
		"between pages": {func(r *rig, _ *odd, g *gate) {
			r.fake.SetPageSize(1)
			r.fake.Hook(web, func(ctx context.Context, page int) error {
				if page == 1 {
					return nil
				}
				return g.heeding(ctx)
			})
		}, daemon.PhaseScanning, 1},
		"in a listing that ignores it": {func(r *rig, _ *odd, g *gate) {
			r.fake.Hook(web, func(ctx context.Context, _ int) error { return g.deaf(ctx) })
		}, daemon.PhaseScanning, 1},
		"in a plan that ignores it": {func(r *rig, p *odd, g *gate) {
			p.planWith(func(ctx context.Context) (*provider.Plan, error) { return nil, g.deaf(ctx) })
		}, daemon.PhaseScanning, 1},
		"while detecting": {func(r *rig, _ *odd, g *gate) { r.store.on(callStage, g.heeding) }, daemon.PhaseDetecting, 1},
		"while staging states": {func(r *rig, _ *odd, g *gate) {
			r.fake.Fail(db, errors.New("broken"))
			r.store.on(callSetScope, g.heeding)
		}, daemon.PhaseStoring, 1},
		"before the commit": {func(r *rig, _ *odd, g *gate) { r.store.on(callCommit, g.heeding) }, daemon.PhaseStoring, 1},
		"while sleeping":    {func(_ *rig, _ *odd, g *gate) { g.reached <- struct{}{} }, daemon.PhaseSleeping, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var p *odd
				r := newRig(t, func(r *rig, o *daemon.Options) {
					p = &odd{Provider: r.fake}
					o.Provider = p
				}).start(t)
				synctest.Wait()
				r.fake.Put(providertest.Resource(web, "a", `{"Size":2}`), providertest.Resource(web, "new", `{}`))
				r.fake.Delete(keyIn(db, "d"))
				g := newGate()
				phase.stop(r, p, g)
				time.Sleep(interval)
				synctest.Wait()
				<-g.reached
				if got := r.Health().Phase; got != phase.phase {
					t.Errorf("the phase is %s, want %s", got, phase.phase)
				}
				begin := time.Now()
				if err := r.Stop(); err != nil {
					t.Errorf("Stop: %v", err)
				}
				if took := time.Since(begin); took > 3*time.Second {
					t.Errorf("Stop took %s", took)
				}
				close(g.open)
				r.wantClosed(t)
				r.wantWhole(t, phase.head)
			})
		})
	}
}

// wantWhole makes sure that the store has everything of the revisions up to head, and that
// a daemon that is started again finds what was not stored.
func (r *rig) wantWhole(t *testing.T, head int64) {
	t.Helper()
	reopened := r.model.Reopen()
	wantHead(t, reopened, head)
	if head == 1 {
		wantEvents(t, reopened)
	}
	r.fake.Hook(web, nil)
	r.fake.Fail(db, nil)
	reconcile(t, newReconciler(t, r.fake, reopened))
	wantEvents(t, reopened, "2-1 modified a", "2-2 created new", "2-3 disappeared d")
}

func TestDaemon_CommitThatIsUnderWayAtStopIsStoredWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		g := newGate()
		r.store.on(callCommit, func(ctx context.Context) error { return g.deaf(ctx) })
		r.start(t)
		<-g.reached
		stopped := make(chan error, 1)
		go func() { stopped <- r.Stop() }()
		synctest.Wait()
		select {
		case err := <-stopped:
			t.Fatalf("Stop returned %v while a commit was under way", err)
		default:
		}
		close(g.open)
		if err := <-stopped; err != nil {
			t.Errorf("Stop: %v", err)
		}
		r.wantClosed(t)
	})
}

func TestDaemon_StopThatTakesTooLongIsErrShutdownTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		g := newGate()
		r.store.on(callCommit, g.deaf)
		r.start(t)
		<-g.reached
		begin := time.Now()
		err := r.Stop()
		if !errors.Is(err, daemon.ErrShutdownTimeout) || time.Since(begin) != stopping {
			t.Errorf("Stop returned %v after %s, want ErrShutdownTimeout after %s", err, time.Since(begin), stopping)
		}
		if n := r.store.timesClosed(); n != 0 {
			t.Error("the store was closed under the hands of a commit")
		}
		if again := r.Stop(); !errors.Is(again, daemon.ErrShutdownTimeout) {
			t.Errorf("a second Stop returned %v", again)
		}
		close(g.open)
		<-r.Done()
		r.wantClosed(t)
	})
}

func TestDaemon_HungRequestDoesNotHoldUpStop(t *testing.T) {
	requested := make(chan struct{}, 1)
	hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		requested <- struct{}{}
		<-r.Context().Done()
	})
	r := newRig(t, func(r *rig, o *daemon.Options) {
		o.ShutdownTimeout = time.Second
		serving(t, r, o, map[string]http.Handler{"/hang": hang})
	}).start(t)
	answered := make(chan error, 1)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		answer, err := client.Get("http://" + r.address() + "/hang")
		if err == nil {
			err = answer.Body.Close()
		}
		answered <- err
	}()
	await(t, "the request", requested)
	if err := r.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
	r.wantClosed(t)
	if err := await(t, "the end of the request", answered); err == nil {
		t.Error("a request that hangs was answered")
	}
}

func TestDaemon_NoticesAreThoseOfTheNewestPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.fake.SetNotices("synthetic")
		if n := r.Notices(); len(n) != 0 {
			t.Errorf("notices before the first plan: %q", n)
		}
		r.start(t)
		synctest.Wait()
		if n := r.Notices(); len(n) != 1 || n[0] != "synthetic" {
			t.Errorf("notices are %q", n)
		}
		if n := r.Health().Notices; len(n) != 1 {
			t.Errorf("notices of health are %q", n)
		}
		r.fake.SetNotices()
		time.Sleep(interval)
		synctest.Wait()
		if n := r.Notices(); len(n) != 0 {
			t.Errorf("notices of an earlier plan stay: %q", n)
		}
	})
}

func TestDaemon_TellsWhatWasCommittedAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heads []int64
		r := newRig(t, func(r *rig, o *daemon.Options) {
			o.Committed = func() {
				head, err := r.model.Head(t.Context())
				if err != nil {
					t.Error(err)
				}
				heads = append(heads, head.Revision)
			}
		})
		r.start(t)
		synctest.Wait() // the first scan
		r.store.failOnce(callCommit, errors.New("no"))
		time.Sleep(interval)
		synctest.Wait() // the second fails
		time.Sleep(interval)
		synctest.Wait()
		if err := r.Stop(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(heads, []int64{1, 2}) {
			t.Errorf("told of %v, want a call after each of two commits", heads)
		}
	})
}
