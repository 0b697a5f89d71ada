package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/elava-dev/elava/observer"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Phase is what a reconciler is doing.
type Phase string

// The phases of an iteration, in their order. An error in any of them leads back to
// sleeping; the next iteration begins anew.
const (
	PhaseSleeping  Phase = "sleeping"
	PhaseScanning  Phase = "scanning"
	PhaseDetecting Phase = "detecting"
	PhaseStoring   Phase = "storing"
	PhaseRecording Phase = "recording"
)

// ErrNothingListed is wrapped by the error of a reconciliation that could list nothing
// at all, though its record is stored.
var ErrNothingListed = errors.New("nothing could be listed")

// ReconcilerOptions says what a Reconciler works with.
type ReconcilerOptions struct {
	Provider provider.Provider
	Store    storage.Store
	Metrics  *observer.Metrics
	Tracers  trace.TracerProvider // nil: nothing is traced
	Logger   *slog.Logger
	Now      func() time.Time

	Timeout     time.Duration // of listing, in one iteration; 0: none
	Concurrency int           // scopes listed at a time; at least 1
	Guard       Guard         // the zero Guard is the default one
	SpoolDir    string        // for scans that find much; "": the system's temporary directory
}

// Reconciler compares a cloud with its record, once per call of Reconcile.
type Reconciler struct {
	opts     ReconcilerOptions
	log      *slog.Logger
	tracer   trace.Tracer
	running  listings
	planning atomic.Bool
	phase    atomic.Value // Phase
	notices  atomic.Value // []string
	busy     atomic.Bool

	// Of whoever is busy.
	failing failing
	unbegun map[resource.Scope]bool // in the last scan
}

// ReconcileResult is what came of one iteration.
type ReconcileResult struct {
	ResourcesScanned int // that were listed
	ChangesDetected  int // change events stored
	Duration         time.Duration
	Errors           []error // of scopes; the iteration went on without them

	// Scan is the record that was stored; nil if nothing was.
	Scan *storage.ScanMetadata
	// States are those of all scopes after the scan; nil if nothing was stored.
	States map[resource.Scope]*storage.ScopeState

	TimedOut bool // listing took longer than the time limit
}

// storageError marks an error of the store, which health and metrics tell apart. Within a
// listing it is no failure of the scope.
type storageError struct{ err error }

func (e *storageError) Error() string { return e.err.Error() }
func (e *storageError) Unwrap() error { return e.err }

// NewReconciler returns a reconciler. Metrics, Tracers, Logger and Now may be left out.
func NewReconciler(opts ReconcilerOptions) *Reconciler {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Concurrency = max(opts.Concurrency, 1)
	r := &Reconciler{opts: opts, log: opts.Logger, tracer: newTracer(opts.Tracers)}
	r.phase.Store(PhaseSleeping)
	return r
}

// Notices returns what the provider's newest plan wants people to know.
func (r *Reconciler) Notices() []string {
	notices, _ := r.notices.Load().([]string)
	return notices
}

// notice keeps the notices of a plan and logs those that are new.
func (r *Reconciler) notice(ctx context.Context, plan *provider.Plan) {
	before := r.Notices()
	for _, n := range plan.Notices {
		if !slices.Contains(before, n) {
			r.log.WarnContext(ctx, n)
		}
	}
	r.notices.Store(plan.Notices)
}

// Phase returns what the reconciler is doing now.
func (r *Reconciler) Phase() Phase { return r.phase.Load().(Phase) }

// Reconcile lists everything once, compares it with the newest revision and stores what
// differs as the next one. Failures of single scopes are in the result. An error means
// that nothing was stored, except for ErrNothingListed: then the failure itself was.
// Calls must not overlap.
func (r *Reconciler) Reconcile(ctx context.Context) (ReconcileResult, error) {
	if !r.busy.CompareAndSwap(false, true) {
		return ReconcileResult{}, errors.New("a reconciliation is under way")
	}
	defer r.busy.Store(false)
	defer r.phase.Store(PhaseSleeping)

	ctx, span := r.tracer.Start(ctx, spanScan)
	began := time.Now() // durations are those of the monotonic clock
	result, err := r.reconcile(ctx, began)
	result.Duration = time.Since(began)

	r.phase.Store(PhaseRecording)
	r.record(ctx, &result, err)
	endScan(span, &result, err)
	return result, err
}

func (r *Reconciler) reconcile(ctx context.Context, began time.Time) (result ReconcileResult, err error) {
	r.phase.Store(PhaseScanning)
	start := r.opts.Now()
	s, err := r.open(ctx)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, s.spool.close()) }()

	plan, planErr := r.list(ctx, s, &result)
	if ctx.Err() != nil {
		return result, fmt.Errorf("scan interrupted, nothing of it is stored: %w", context.Cause(ctx))
	}
	if planErr != nil && plan == nil && !errors.Is(planErr, ErrNothingListed) {
		return result, planErr
	}

	r.phase.Store(PhaseDetecting)
	txn, err := r.opts.Store.Begin(ctx, r.opts.Now())
	if err != nil {
		return result, &storageError{err}
	}
	defer func() { err = errors.Join(err, txn.Rollback()) }()
	d := &detection{s: s, txn: txn, changes: counted{}}
	meta := &storage.ScanMetadata{
		StartTime: between(s.head.Time, start, txn.Time()).UTC(), DurationMS: time.Since(began).Milliseconds(),
	}
	var states map[resource.Scope]*storage.ScopeState
	if planErr != nil {
		states = s.allFailed(planErr)
		meta.Error = planErr.Error()
	} else {
		states = s.nextStates(plan)
		if err := d.stage(ctx); err != nil {
			return result, &storageError{fmt.Errorf("comparing with the last scan: %w", err)}
		}
	}

	r.phase.Store(PhaseStoring)
	if err := s.commit(ctx, txn, meta, states); err != nil {
		return result, &storageError{err}
	}
	result.Scan, result.States = meta, states
	result.ChangesDetected = meta.Changes()
	r.count(ctx, d.changes)
	if planErr == nil && meta.Status == storage.ScanFailed {
		return result, fmt.Errorf("%w: every scope failed", ErrNothingListed)
	}
	return result, planErr
}

// between returns t, but not less than low and not more than high: a scan starts after the
// one before it ended and before it ends itself, whatever the clock was set to.
func between(low, t, high time.Time) time.Time {
	if t.Before(low) {
		t = low
	}
	if t.After(high) {
		t = high
	}
	return t
}

// open reads the state that the scan will be compared with.
func (r *Reconciler) open(ctx context.Context) (*scan, error) {
	head, err := r.opts.Store.Head(ctx)
	if err != nil {
		return nil, &storageError{err}
	}
	s := &scan{r: r, head: head, states: map[resource.Scope]*storage.ScopeState{}, spool: spool{dir: r.opts.SpoolDir, room: r.room()}}
	for state, err := range r.opts.Store.Scopes(ctx, head.Revision) {
		if err != nil {
			return nil, &storageError{err}
		}
		s.states[state.Scope] = state
	}
	return s, nil
}

// roomy is a store that needs room on the disk beside what is written to it, and says
// whether there is so much more.
type roomy interface{ Room(bytes int64) error }

// room is where a spool asks before it writes.
func (r *Reconciler) room() func(bytes int64) error {
	if s, ok := r.opts.Store.(roomy); ok {
		return s.Room
	}
	return nil
}

// list asks for the plan and lists it, within the time limit.
func (r *Reconciler) list(ctx context.Context, s *scan, result *ReconcileResult) (*provider.Plan, error) {
	limited := ctx
	if r.opts.Timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, r.opts.Timeout)
		defer cancel()
	}
	plan, err := r.plan(limited)
	if err != nil {
		result.TimedOut = limited.Err() != nil && ctx.Err() == nil
		return nil, fmt.Errorf("%w: %w", ErrNothingListed, err)
	}
	r.notice(ctx, plan)
	err = s.list(limited, r.inTurn(plan.Scopes))
	r.unbegun = s.unbegun()
	result.TimedOut = limited.Err() != nil && ctx.Err() == nil
	if err != nil {
		return nil, &storageError{err}
	}
	for _, l := range s.results {
		if !l.superseded {
			result.ResourcesScanned += l.seen
		}
	}
	result.Errors = s.errors(plan)
	return plan, nil
}

// plan asks the provider what to list. A call that hangs is left behind, and another one
// is not made before it returns.
func (r *Reconciler) plan(ctx context.Context) (*provider.Plan, error) {
	if !r.planning.CompareAndSwap(false, true) {
		return nil, &provider.Error{Reason: provider.ReasonTimeout, Err: errStillPlanning}
	}
	var plan *provider.Plan // of a call that was left behind, never read
	p := r.opts.Provider    // which is another one, perhaps, when a call that was left behind goes on
	err := r.call(ctx, "plan", func() (err error) {
		plan, err = p.Plan(ctx)
		return err
	}, func() { r.planning.Store(false) })
	if err != nil {
		return nil, err
	}
	return plan, nil
}

// errors collects what failed, scope by scope.
func (s *scan) errors(plan *provider.Plan) []error {
	var all []error
	unreached := map[error]bool{}
	for _, u := range plan.Unreached {
		all, unreached[u.Err] = append(all, u), true
	}
	for _, f := range plan.Failed {
		if unreached[f.Err] {
			continue // said once, not for each of its scopes
		}
		if provider.ReasonOf(f) != provider.ReasonUnavailable {
			all = append(all, f)
		}
	}
	for _, l := range s.results {
		err := cmp.Or(l.err, l.partial)
		if err != nil && !l.superseded && provider.ReasonOf(err) != provider.ReasonUnavailable {
			all = append(all, &provider.ScopeError{Scope: l.scope, Err: err})
		}
	}
	return all
}

// commit stages the states that changed and commits the revision.
func (s *scan) commit(ctx context.Context, txn storage.Txn, meta *storage.ScanMetadata, states map[resource.Scope]*storage.ScopeState) error {
	for _, scope := range slices.SortedFunc(maps.Keys(states), resource.Scope.Compare) {
		state := states[scope]
		if old := s.states[scope]; old == nil || !old.Same(state) {
			if err := txn.SetScope(ctx, *state); err != nil {
				return err
			}
		}
	}
	summarize(meta, states)
	if err := s.r.traced(ctx, spanCommit, func(ctx context.Context) error { return txn.Commit(ctx, meta) }); err != nil {
		return err
	}
	for _, state := range states {
		if state.Listed() {
			state.LastComplete, state.LastCompleteTime = meta.Revision, meta.EndTime
		}
	}
	return nil
}

// summarize fills the counts and the status of a scan from the states of its scopes.
func summarize(meta *storage.ScanMetadata, states map[resource.Scope]*storage.ScopeState) {
	listed := 0
	for _, state := range states {
		switch state.Status {
		case storage.ScopeExcluded:
			continue
		case storage.ScopeFailed:
			meta.ErrorCount++
		case storage.ScopePartial:
			meta.ErrorCount++
			listed++
		case storage.ScopeComplete, storage.ScopeUnavailable:
			listed++
		}
		meta.ResourceCount += state.Resources
	}
	switch {
	case meta.Error != "" || meta.ErrorCount > 0 && listed == 0:
		meta.Status = storage.ScanFailed
	case meta.ErrorCount > 0:
		meta.Status = storage.ScanPartial
	default:
		meta.Status = storage.ScanSuccess
	}
}

// count adds the changes of a committed scan to the metrics.
func (r *Reconciler) count(ctx context.Context, changes counted) {
	if r.opts.Metrics == nil {
		return
	}
	total := 0
	for k, n := range changes {
		r.opts.Metrics.ChangeCounted(ctx, k.changeType, k.resourceType, k.region, n)
		total += n
	}
	r.opts.Metrics.EventsStored(ctx, total)
}

// record logs an iteration and adds it to the metrics. An interrupted one is neither an
// error nor a reconciliation.
func (r *Reconciler) record(ctx context.Context, result *ReconcileResult, err error) {
	if err != nil && ctx.Err() != nil {
		r.log.InfoContext(ctx, "Scan interrupted, nothing of it is stored")
		return
	}
	r.failing.tell(ctx, r.log, result.Errors, err == nil)
	if result.TimedOut {
		r.log.ErrorContext(ctx, "Scan took longer than its time limit", "limit", r.opts.Timeout)
	}
	if err != nil {
		r.log.ErrorContext(ctx, "Reconciliation failed, the next one tries again", "error", err)
	}
	if s := result.Scan; s != nil {
		fields := []any{"duration", result.Duration.Round(time.Millisecond), "revision", s.Revision}
		if s.Status != storage.ScanSuccess {
			fields = append(fields, "status", s.Status)
		}
		r.log.InfoContext(ctx, fmt.Sprintf("[Scan #%d] Found %s, %s", s.ScanID,
			plural(result.ResourcesScanned, "resource"), plural(s.Changes(), "change")), fields...)
	}
	r.measure(ctx, result, err)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (r *Reconciler) measure(ctx context.Context, result *ReconcileResult, err error) {
	m := r.opts.Metrics
	if m == nil {
		return
	}
	m.ReconciliationEnded(ctx, result.Duration, r.opts.Now())
	m.ResourcesScanned(ctx, result.ResourcesScanned)
	if err != nil {
		m.ReconciliationFailed(ctx)
	}
	if failure := (*storageError)(nil); errors.As(err, &failure) {
		m.StorageWriteFailed(ctx)
	}
	if result.TimedOut {
		m.ReconciliationTimedOut(ctx)
	}
	if result.States != nil {
		m.SetInventory(samples(result.States))
	}
}

// samples turns scope states into what the metrics show. Scopes that are not listed any
// more, or that there are not, have no series: they are neither up nor down.
func samples(states map[resource.Scope]*storage.ScopeState) []observer.ScopeSample {
	var out []observer.ScopeSample
	for scope, state := range states {
		if state.Status == storage.ScopeExcluded || state.Status == storage.ScopeUnavailable {
			continue
		}
		regions := state.Regions
		if regions == nil && state.LastComplete > 0 {
			regions = map[string]int{scope.Region: state.Resources}
		}
		out = append(out, observer.ScopeSample{
			Account: scope.Account, Region: scope.Region, Type: scope.Type,
			Up: state.Listed(), LastComplete: state.LastCompleteTime, Resources: regions,
		})
	}
	return out
}
