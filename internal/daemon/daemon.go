package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/oklog/run"
	"go.opentelemetry.io/otel/trace"

	"github.com/elava-dev/elava/observer"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// ErrShutdownTimeout is the error of a Stop that took longer than it may.
var ErrShutdownTimeout = errors.New("the daemon did not stop in time")

// Options says what a Daemon consists of.
type Options struct {
	Provider provider.Provider
	Store    storage.Store // closed by Stop
	Metrics  *observer.Metrics
	Tracers  trace.TracerProvider // nil: nothing is traced
	Logger   *slog.Logger
	Now      func() time.Time // what is recorded as the time; default: time.Now
	Random   func() float64   // in [0, 1), for Jitter; default: rand.Float64
	SpoolDir string           // see ReconcilerOptions

	Settings // at the start

	// Committed is called after a scan was committed; nil: nobody is told. It must not wait.
	Committed func()

	// Beside runs beside the loop until its context ends, which is when the daemon stops;
	// an error of it stops the daemon. Concerns are reasons for not being healthy that it
	// has. nil: none.
	Beside   func(context.Context) error
	Concerns func() []string

	// Trusts says of a client whether it may know of what the cloud is made: others are not
	// told why the daemon is not healthy. nil: everyone.
	Trusts func(*http.Request) bool

	// Listen makes the HTTP server with the daemon's own routes beside others. The
	// server is bound when Listen returns, so that its address is known and a port that
	// is taken is an error of New. nil: no HTTP.
	Listen func(routes map[string]http.Handler) (*observer.MetricsServer, error)
}

// Settings are what Reload can change.
type Settings struct {
	Interval        time.Duration // from the start of one iteration to the start of the next
	Jitter          float64       // share of Interval, 0 to 1, over which that start is spread at random
	Timeout         time.Duration // of listing, in one iteration
	ShutdownTimeout time.Duration // of Stop
	Concurrency     int           // scopes listed at a time
	Guard           Guard         // see ReconcilerOptions
	Retention       time.Duration // age of superseded versions at which they are dropped; 0: never
}

// Daemon reconciles until it is stopped. Make one with New; Start and Stop may be called
// once or more, by any goroutine.
type Daemon struct {
	opts       Options
	log        *slog.Logger
	reconciler *Reconciler
	server     *observer.MetricsServer
	settings   *settings
	health     health

	startOnce sync.Once
	stopOnce  sync.Once
	stopping  chan struct{} // closed by Stop
	done      chan struct{} // closed when everything has ended
	err       error         // valid once done is closed
	stopErr   error
}

// New makes a daemon and binds its port. Where it fails, it has closed the store.
func New(opts Options) (*Daemon, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Random == nil {
		opts.Random = rand.Float64
	}
	d := &Daemon{
		opts: opts, log: opts.Logger, settings: newSettings(opts.Settings),
		reconciler: NewReconciler(ReconcilerOptions{
			Provider: opts.Provider, Store: opts.Store, Metrics: opts.Metrics, Tracers: opts.Tracers, Logger: opts.Logger, Now: opts.Now,
			Timeout: opts.Timeout, Concurrency: opts.Concurrency, SpoolDir: opts.SpoolDir,
			Guard: opts.Guard,
		}),
		stopping: make(chan struct{}), done: make(chan struct{}),
	}
	d.health.begin(opts.Interval)
	if opts.Listen == nil {
		return d, nil
	}
	server, err := opts.Listen(d.routes())
	if err != nil {
		return nil, errors.Join(err, opts.Store.Close())
	}
	d.server = server
	return d, nil
}

func (d *Daemon) routes() map[string]http.Handler {
	return map[string]http.Handler{
		"/health":    http.HandlerFunc(d.healthCheck),
		"/-/healthy": http.HandlerFunc(d.aliveCheck),
		"/-/ready":   http.HandlerFunc(d.readyCheck),
	}
}

// Notices returns what the provider wants people to know: "these resources are
// synthetic". Empty before the first plan.
func (d *Daemon) Notices() []string { return d.reconciler.Notices() }

// Server returns the HTTP server, nil if there is none.
func (d *Daemon) Server() *observer.MetricsServer { return d.server }

// Start begins to reconcile and to answer, and returns. The daemon stops by itself when
// ctx ends or a part of it fails; Done tells when.
func (d *Daemon) Start(ctx context.Context) error {
	select {
	case <-d.stopping:
		return errors.New("the daemon was stopped")
	default:
	}
	d.startOnce.Do(func() {
		d.restore(ctx)
		group := d.actors(ctx)
		go func() {
			d.finish(group.Run())
		}()
	})
	return nil
}

// actors are the parts that run. Each interrupt makes its execute return.
func (d *Daemon) actors(ctx context.Context) *run.Group {
	var g run.Group
	loopCtx, cancel := context.WithCancel(ctx)
	g.Add(func() error { return d.loop(loopCtx) }, func(error) { cancel() })
	trimCtx, stopTrim := context.WithCancel(ctx)
	g.Add(func() error { return d.retain(trimCtx) }, func(error) { stopTrim() })
	if d.opts.Beside != nil {
		besideCtx, stopBeside := context.WithCancel(ctx)
		g.Add(func() error { return d.beside(besideCtx) }, func(error) { stopBeside() })
	}
	if d.server != nil {
		g.Add(d.server.Start, func(error) { d.stopServer() })
	}
	stop := make(chan struct{})
	g.Add(func() error {
		select {
		case <-d.stopping:
		case <-ctx.Done():
		case <-stop:
		}
		return nil
	}, func(error) { close(stop) })
	return &g
}

// beside runs what runs beside the loop, whose end ends the daemon only with an error.
func (d *Daemon) beside(ctx context.Context) error {
	if err := d.opts.Beside(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// stopServer gives requests under way a part of the time that Stop has.
func (d *Daemon) stopServer() {
	ctx, cancel := context.WithTimeout(context.Background(), d.settings.current().ShutdownTimeout/2)
	defer cancel()
	if err := d.server.Shutdown(ctx); err != nil {
		d.log.Warn("HTTP server did not stop in time; its connections were closed", "error", err)
	}
}

// restore shows in the metrics what was known when the daemon was last stopped.
func (d *Daemon) restore(ctx context.Context) {
	if d.opts.Metrics == nil {
		return
	}
	states := map[resource.Scope]*storage.ScopeState{}
	for s, err := range d.opts.Store.Scopes(ctx, storage.HeadRevision) {
		if err != nil {
			d.log.Warn("The last known state could not be read", "error", err)
			return
		}
		states[s.Scope] = s
	}
	d.opts.Metrics.SetInventory(samples(states))
}

// finish closes what the actors used. It runs once, when all of them have ended.
func (d *Daemon) finish(err error) {
	d.err = errors.Join(err, d.opts.Store.Close())
	close(d.done)
}

// Done is closed when the daemon has ended and its store is closed.
func (d *Daemon) Done() <-chan struct{} { return d.done }

// Err returns why the daemon ended; nil after a clean stop. It is valid once Done is
// closed.
func (d *Daemon) Err() error { return d.err }

// Stop ends a scan in flight, of which nothing is stored, the HTTP server and the store,
// in this order, and waits for them. ErrShutdownTimeout: they did not end in the time
// given by the settings. A daemon that was never started is only closed.
func (d *Daemon) Stop() error {
	d.stopOnce.Do(func() {
		close(d.stopping)
		d.startOnce.Do(func() { // never started
			if d.server != nil {
				d.stopServer()
			}
			d.finish(nil)
		})
		limit := d.settings.current().ShutdownTimeout
		timer := time.NewTimer(limit)
		defer timer.Stop()
		select {
		case <-d.done:
			d.stopErr = d.err
		case <-timer.C:
			d.stopErr = fmt.Errorf("%w (%s)", ErrShutdownTimeout, limit)
		}
	})
	return d.stopErr
}
