package daemon_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/observer"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/providertest"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

// Scopes of most tests.
var (
	web = scopeOf("east", "T::Web")
	db  = scopeOf("east", "T::DB")
)

func scopeOf(region, resourceType string) resource.Scope {
	return resource.Scope{Provider: "fake", Account: "1", Region: region, Type: resourceType}
}

func keyIn(s resource.Scope, id string) resource.Key {
	return resource.Key{Provider: s.Provider, Account: s.Account, Region: s.Region, Type: s.Type, ID: id}
}

// Names of a store's calls, for tapped.
const (
	callHead     = "head"
	callScopes   = "scopes"
	callKnown    = "known"
	callGet      = "get"
	callBegin    = "begin"
	callStage    = "stage"
	callSetScope = "set-scope"
	callCommit   = "commit"
	callTrim     = "trim"
)

// tapped is a store that asks a test before each call; an error of the tap is the store's
// answer. A tap may block.
type tapped struct {
	storage.Store

	mu     sync.Mutex
	tap    func(ctx context.Context, call string) error
	calls  map[string]int
	closed int
}

func tap(s storage.Store) *tapped { return &tapped{Store: s, calls: map[string]int{}} }

// on makes f the tap of one call; other calls pass.
func (s *tapped) on(call string, f func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tap = func(ctx context.Context, c string) error {
		if c != call {
			return nil
		}
		return f(ctx)
	}
}

// failOnce makes the next call of that name fail, and only that one.
func (s *tapped) failOnce(call string, err error) {
	var once sync.Once
	s.on(call, func(context.Context) (failure error) {
		once.Do(func() { failure = err })
		return failure
	})
}

func (s *tapped) before(ctx context.Context, call string) error {
	s.mu.Lock()
	s.calls[call]++
	ask := s.tap
	s.mu.Unlock()
	if ask == nil {
		return nil
	}
	return ask(ctx, call)
}

// count returns how often a call was made.
func (s *tapped) count(call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[call]
}

func (s *tapped) timesClosed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *tapped) Head(ctx context.Context) (storage.Head, error) {
	if err := s.before(ctx, callHead); err != nil {
		return storage.Head{}, err
	}
	return s.Store.Head(ctx)
}

func (s *tapped) Scopes(ctx context.Context, revision int64) iter.Seq2[*storage.ScopeState, error] {
	return unless(func() error { return s.before(ctx, callScopes) }, s.Store.Scopes(ctx, revision))
}

func (s *tapped) Known(ctx context.Context, scope resource.Scope, revision int64) iter.Seq2[storage.Known, error] {
	return unless(func() error { return s.before(ctx, callKnown) }, s.Store.Known(ctx, scope, revision))
}

// unless yields all of seq, or what failed instead.
func unless[T any](failed func() error, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := failed(); err != nil {
			var none T
			yield(none, err)
			return
		}
		seq(yield)
	}
}

func (s *tapped) Get(ctx context.Context, key resource.Key, revision int64) (*storage.Version, error) {
	if err := s.before(ctx, callGet); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, key, revision)
}

func (s *tapped) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	if err := s.before(ctx, callBegin); err != nil {
		return nil, err
	}
	txn, err := s.Store.Begin(ctx, now)
	if err != nil {
		return nil, err
	}
	return &tappedTxn{Txn: txn, s: s}, nil
}

func (s *tapped) Trim(ctx context.Context, revision int64) error {
	if err := s.before(ctx, callTrim); err != nil {
		return err
	}
	return s.Store.Trim(ctx, revision)
}

func (s *tapped) Close() error {
	s.mu.Lock()
	s.closed++
	s.mu.Unlock()
	return s.Store.Close()
}

type tappedTxn struct {
	storage.Txn
	s *tapped
}

func (x *tappedTxn) Stage(ctx context.Context, m storage.Mutation) error {
	if err := x.s.before(ctx, callStage); err != nil {
		return err
	}
	return x.Txn.Stage(ctx, m)
}

func (x *tappedTxn) SetScope(ctx context.Context, state storage.ScopeState) error {
	if err := x.s.before(ctx, callSetScope); err != nil {
		return err
	}
	return x.Txn.SetScope(ctx, state)
}

func (x *tappedTxn) Commit(ctx context.Context, meta *storage.ScanMetadata) error {
	if err := x.s.before(ctx, callCommit); err != nil {
		return err
	}
	return x.Txn.Commit(ctx, meta)
}

// odd is a provider with a Plan or a List of the test's own.
type odd struct {
	provider.Provider
	list func(context.Context, resource.Scope, func([]resource.Resource) error) error

	mu   sync.Mutex
	plan func(context.Context) (*provider.Plan, error)
}

// planWith makes f the Plan; nil is that of the provider.
func (o *odd) planWith(f func(context.Context) (*provider.Plan, error)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.plan = f
}

func (o *odd) Plan(ctx context.Context) (*provider.Plan, error) {
	o.mu.Lock()
	plan := o.plan
	o.mu.Unlock()
	if plan != nil {
		return plan(ctx)
	}
	return o.Provider.Plan(ctx)
}

func (o *odd) List(ctx context.Context, s resource.Scope, page func([]resource.Resource) error) error {
	if o.list != nil {
		return o.list(ctx, s, page)
	}
	return o.Provider.List(ctx, s, page)
}

// cloudOf is a fake cloud with one web server, a and one database, d.
func cloudOf() *providertest.Fake {
	f := providertest.New("fake")
	f.Set(web, providertest.Resource(web, "a", `{"Size":1}`))
	f.Set(db, providertest.Resource(db, "d", `{"Size":1}`))
	return f
}

// rig is a daemon, not yet started, with all that it works on. It is stopped with the test.
type rig struct {
	*daemon.Daemon
	fake   *providertest.Fake
	model  *storagetest.Model
	store  *tapped
	series func() map[string]float64
	routes map[string]http.Handler
}

// Options of a rig unless a test says otherwise.
const (
	interval = time.Minute
	limit    = 20 * time.Second
	stopping = 10 * time.Second
)

// newRig makes a rig. adjust may be nil; without a Listen of its own the daemon has no
// HTTP server and its routes are those of the rig.
func newRig(t *testing.T, adjust func(*rig, *daemon.Options)) *rig {
	t.Helper()
	r := &rig{fake: cloudOf(), model: storagetest.NewModel()}
	r.store = tap(r.model)
	metrics, exporter := watch(t)
	r.series = func() map[string]float64 { return seriesOf(t, exporter) }
	options := daemon.Options{
		Provider: r.fake, Store: r.store, Metrics: metrics,
		SpoolDir: t.TempDir(),
		Settings: daemon.Settings{Interval: interval, Timeout: limit, ShutdownTimeout: stopping, Concurrency: 4},
		Listen: func(routes map[string]http.Handler) (*observer.MetricsServer, error) {
			r.routes = routes
			return nil, nil
		},
	}
	if adjust != nil {
		adjust(r, &options)
	}
	var err error
	if r.Daemon, err = daemon.New(options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil && !errors.Is(err, daemon.ErrShutdownTimeout) && r.Err() == nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return r
}

func (r *rig) start(t *testing.T) *rig {
	t.Helper()
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// watch makes metrics and what they are scraped from.
func watch(t *testing.T) (*observer.Metrics, *observer.Prometheus) {
	t.Helper()
	exporter, err := observer.NewPrometheus()
	if err != nil {
		t.Fatal(err)
	}
	metrics, err := observer.NewMetrics(observer.MetricsOptions{MeterProvider: exporter.MeterProvider()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(metrics.Close(), exporter.Shutdown(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return metrics, exporter
}

// seriesOf returns the counters and gauges by name and label values, the latter in the
// order of label names: `elava_scope_up{1 east T::Web}`.
func seriesOf(t *testing.T, p *observer.Prometheus) map[string]float64 {
	t.Helper()
	families, err := p.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			name := f.GetName()
			if values != nil {
				name += "{" + strings.Join(values, " ") + "}"
			}
			series[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return series
}

// wantSeries compares some series, which have to be there.
func wantSeries(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, value := range want {
		if v, ok := got[name]; !ok {
			t.Errorf("there is no series %s", name)
		} else if v != value {
			t.Errorf("%s is %v, want %v", name, v, value)
		}
	}
}

// newReconciler makes a reconciler on a fake and a store.
func newReconciler(t *testing.T, p provider.Provider, s storage.Store) *daemon.Reconciler {
	t.Helper()
	return daemon.NewReconciler(daemon.ReconcilerOptions{
		Provider: p, Store: s, Timeout: limit, Concurrency: 4, SpoolDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	})
}

// reconcile runs one iteration that has to succeed.
func reconcile(t *testing.T, r *daemon.Reconciler) daemon.ReconcileResult {
	t.Helper()
	result, err := r.Reconcile(t.Context())
	if err != nil {
		t.Fatalf("Reconcile: %v", err)
	}
	return result
}

// events returns the change feed of a store, oldest first, as "2 modified web a".
func events(t *testing.T, s storage.Store) []string {
	t.Helper()
	lines := []string{}
	for e, err := range s.Changes(t.Context(), storage.ChangeQuery{OldestFirst: true}) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Join([]string{e.ID, string(e.ChangeType), e.ResourceID}, " "))
	}
	return lines
}

func wantEvents(t *testing.T, s storage.Store, want ...string) {
	t.Helper()
	if got := events(t, s); !slices.Equal(got, want) {
		t.Errorf("the change feed is %q, want %q", got, want)
	}
}

func wantHead(t *testing.T, s storage.Store, want int64) {
	t.Helper()
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if head.Revision != want {
		t.Errorf("the head is revision %d, want %d", head.Revision, want)
	}
}

// stateOf returns the newest state of a scope.
func stateOf(t *testing.T, s storage.Store, scope resource.Scope) storage.ScopeState {
	t.Helper()
	for state, err := range s.Scopes(t.Context(), storage.HeadRevision) {
		if err != nil {
			t.Fatal(err)
		}
		if state.Scope == scope {
			return *state
		}
	}
	t.Errorf("scope %s has no state", scope)
	return storage.ScopeState{}
}

func wantState(t *testing.T, s storage.Store, scope resource.Scope, status storage.ScopeStatus, reason provider.Reason) {
	t.Helper()
	if got := stateOf(t, s, scope); got.Status != status || got.Reason != string(reason) {
		t.Errorf("%s is %s (%s: %s), want %s (%s)", scope, got.Status, got.Reason, got.Error, status, reason)
	}
}

// await receives once, or ends the test after a time in which nothing happens that hangs.
func await[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(30 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}

// fetch returns the status and the body of an answer.
func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}
