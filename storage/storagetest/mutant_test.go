package storagetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// A mutant is the Model with one mistake. The suite is worth what it finds: every mutant
// must fail Exercise, and the random sequences where those can reach its mistake.
type mutant struct {
	name   string
	random bool // whether Random must find it too
	wrap   func(m *Model) storage.Store
}

var mutants = []mutant{
	{"shows what is staged", true, func(m *Model) storage.Store { return showsStaged{m} }},
	{"keeps scope states of a Rollback", true, func(m *Model) storage.Store { return keepsScopes{m} }},
	{"forgets tombstones", true, func(m *Model) storage.Store { return forgetsTombstones{m} }},
	{"reports a gone resource as never seen", true, func(m *Model) storage.Store { return goneIsNotFound{m} }},
	{"leaves out one revision too many above UpTo", true, func(m *Model) storage.Store { return upToIsExclusive{m} }},
	{"yields the event behind which to begin", true, func(m *Model) storage.Store { return afterIsInclusive{m} }},
	{"yields the key behind which to begin", true, func(m *Model) storage.Store { return listAfterIsInclusive{m} }},
	{"compares with the revision before From", true, func(m *Model) storage.Store { return diffFromIsInclusive{m} }},
	{"yields the key behind which to begin a Diff", true, func(m *Model) storage.Store { return diffAfterIsInclusive{m} }},
	{"leaves quiet versions out of a Diff", true, func(m *Model) storage.Store { return diffWithoutQuiet{m} }},
	{"applies a filter to what is and not to what was", true, func(m *Model) storage.Store { return diffFiltersAfter{m} }},
	{"applies a filter to the key only", true, func(m *Model) storage.Store { return filtersKeysOnly{m} }},
	{"finds by what something is called now", true, func(m *Model) storage.Store { return searchesTheHead{m} }},
	{"takes an ARN for any", true, func(m *Model) storage.Store { return ignoresARNs{m} }},
	{"finds the events of what is called so now", true, func(m *Model) storage.Store { return searchesEventsByTheHead{m} }},
	{"rewinds time with the clock", true, func(m *Model) storage.Store { return rewindsTime{m} }},
	{"keeps more than milliseconds", true, func(m *Model) storage.Store { return keepsMicroseconds{m} }},
	{"finds the oldest revision that is younger", true, func(m *Model) storage.Store { return revisionAtIsLater{m} }},
	{"lets two transactions in", true, func(m *Model) storage.Store { return twoTransactions{m} }},
	{"knows only the global region of a global scope", true, func(m *Model) storage.Store { return globalIsARegion{m} }},
	{"mixes types that begin alike", true, func(m *Model) storage.Store { return mixesPrefixes{m} }},
	{"reads the head at every revision", true, func(m *Model) storage.Store { return readsHead{m} }},
	{"answers about the future", true, func(m *Model) storage.Store { return knowsTheFuture{m} }},
	{"forgets where versions ended", true, func(m *Model) storage.Store { return endless{m} }},
	{"tells no changes in History", true, func(m *Model) storage.Store { return historyWithoutChanges{m} }},
	{"tells changes everywhere", true, func(m *Model) storage.Store { return changesEverywhere{m} }},
	{"takes a replaced resource for a modified one", true, func(m *Model) storage.Store { return mergesReplacement{m} }},
	{"was complete only when that was said", true, func(m *Model) storage.Store { return completeAsStored{m} }},
	{"knows failed scopes of the head only", true, func(m *Model) storage.Store { return failedScopesOfHead{m} }},
	{"counts what the caller counted", false, func(m *Model) storage.Store { return addsToCounts{m} }},
	{"numbers events of quiet versions", true, func(m *Model) storage.Store { return reportsBaselines{m} }},
	{"loses the last commit in a crash", true, func(m *Model) storage.Store { return m }},
	{"commits in a crash", true, func(m *Model) storage.Store { return m }},
	{"trims the version that is valid at the oldest revision", true, func(m *Model) storage.Store { return trimsThePresent{m} }},
	{"answers about what was trimmed", true, func(m *Model) storage.Store { return answersTrimmed{m} }},
	{"keeps what had disappeared", true, func(m *Model) storage.Store { return keepsGone{m} }},
	{"trims one event too few", true, func(m *Model) storage.Store { return trimsTooFewEvents{m} }},
	{"does not look at contexts", false, func(m *Model) storage.Store { return ignoresContexts{m} }},
	{"answers when closed", false, func(m *Model) storage.Store { return neverCloses{m} }},
	{"takes any key", false, func(m *Model) storage.Store { return takesAnyKey{m} }},
	{"keeps what it was given without a copy", false, func(m *Model) storage.Store { return keepsPointers{m} }},
	{"sees later commits in an open iterator", false, func(m *Model) storage.Store { return lazyList{m} }},
	{"ends a long iteration early without an error", false, func(m *Model) storage.Store { return endsEarly{m} }},
	{"commits again what was committed", false, func(m *Model) storage.Store { return commitsAgain{m} }},
}

func TestMutants_FailExercise(t *testing.T) {
	for _, mu := range mutants {
		t.Run(mu.name, func(t *testing.T) {
			t.Parallel()
			d := mu.disk()
			for _, c := range lightFirst() {
				failure := failureOf(t, func(t testing.TB) { c.run(newTwin(t, d.open, d.options())) })
				if failure != "" {
					t.Logf("failed %q:\n%.600s", c.name, failure)
					return
				}
			}
			t.Error("no test of the suite found the mistake")
		})
	}
}

// lightFirst returns all cases, those that take seconds behind the others.
func lightFirst() []testCase {
	all := allCases()
	slices.SortStableFunc(all, func(a, b testCase) int {
		switch {
		case a.heavy == b.heavy:
			return 0
		case b.heavy:
			return -1
		default:
			return 1
		}
	})
	return all
}

func TestMutants_FailRandom(t *testing.T) {
	for _, mu := range mutants {
		if !mu.random {
			continue
		}
		t.Run(mu.name, func(t *testing.T) {
			t.Parallel()
			d := mu.disk()
			failure := failureOf(t, func(t testing.TB) { Random(t, 1, 3000, d.open, d.options()) })
			if failure == "" {
				t.Error("3000 random steps did not find the mistake")
			}
			if failure != "" && !strings.Contains(failure, seedVariable+"=1 ") {
				t.Errorf("the failure does not say how to repeat it:\n%s", failure)
			}
		})
	}
}

func TestRunScript_FailsMutants(t *testing.T) {
	d := mutants[0].disk()
	begin, stage := "\x00\x00", "\x20\x00\x00\x00"
	failure := failureOf(t, func(t testing.TB) { RunScript(t, []byte(begin+stage+begin), d.open, d.options()) })
	if !strings.Contains(failure, "the script") {
		t.Errorf("a script that shows the mistake gave %q", failure)
	}
}

// disk returns what opens the mutant, with its own way to crash where that is its mistake.
func (mu mutant) disk() *mutantDisk { return &mutantDisk{models: newModels(), mutant: mu} }

type mutantDisk struct {
	*models
	mutant mutant
}

func (d *mutantDisk) open(t testing.TB, dir string) storage.Store {
	m := d.models.open(t, dir).(*Model)
	return d.mutant.wrap(m)
}

func (d *mutantDisk) options() Options {
	return Options{Persistent: true, Crash: func(t testing.TB, s storage.Store, dir string) string {
		to := d.crash(t, s, dir)
		after, before := d.dirs[to], d.dirs[dir]
		switch d.mutant.name {
		case "loses the last commit in a crash":
			after.dropHead()
		case "commits in a crash":
			if before.txn != nil {
				after.txn = &modelTxn{m: after, revision: before.txn.revision, time: before.txn.time, staged: before.txn.staged}
				_ = after.txn.Commit(context.Background(), new(storage.ScanMetadata))
			}
		}
		return to
	}}
}

// dropHead forgets the newest revision.
func (m *Model) dropHead() {
	if len(m.scans) == 0 {
		return
	}
	head := m.head()
	m.scans = m.scans[:head-1]
	for k, history := range m.versions {
		m.versions[k] = slices.DeleteFunc(history, func(r record) bool { return r.Revision == head })
	}
}

// recorder is a testing.TB that fails quietly. It hands all else on to a real one.
type recorder struct {
	testing.TB
	ctx      context.Context
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (r *recorder) Error(args ...any)                 { r.record(fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) { r.record(fmt.Sprintf(format, args...)) }
func (r *recorder) Fail()                             { r.record("failed") }

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) FailNow() {
	r.Fail()
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.failures) > 0
}

func (r *recorder) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) record(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, s)
}

// failureOf runs a test and returns why it failed, and nothing where it passed.
func failureOf(t testing.TB, test func(testing.TB)) string {
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{TB: t, ctx: ctx}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			cancel()
			for _, f := range slices.Backward(r.cleanups) {
				f()
			}
		}()
		defer func() {
			if p := recover(); p != nil {
				r.record(fmt.Sprint("panic: ", p))
			}
		}()
		test(r)
	}()
	<-done
	return strings.Join(r.failures, "\n")
}

func TestRecorder(t *testing.T) {
	for name, c := range map[string]struct {
		run  func(testing.TB)
		want string
	}{
		"passes":  {func(testing.TB) {}, ""},
		"errors":  {func(t testing.TB) { t.Error("a"); t.Errorf("%s", "b") }, "a\nb"},
		"fatal":   {func(t testing.TB) { t.Fatal("a"); t.Error("not reached") }, "a"},
		"panics":  {func(testing.TB) { panic("x") }, "panic: x"},
		"cleanup": {func(t testing.TB) { t.Cleanup(func() { t.Error("late") }) }, "late"},
	} {
		if got := failureOf(t, c.run); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// The mutants. Each embeds the Model and replaces the method that it gets wrong.

// mutate returns seq with every element replaced by what change returns for it.
func mutate[T any](seq iter.Seq2[T, error], change func(T) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range seq {
			if err == nil {
				item = change(item)
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// txnMutant is a transaction of which some methods are replaced.
type txnMutant struct {
	*modelTxn
	stage    func(context.Context, storage.Mutation) error
	setScope func(context.Context, storage.ScopeState) error
	commit   func(context.Context, *storage.ScanMetadata) error
}

func (x *txnMutant) Stage(ctx context.Context, m storage.Mutation) error {
	if x.stage != nil {
		return x.stage(ctx, m)
	}
	return x.modelTxn.Stage(ctx, m)
}

func (x *txnMutant) SetScope(ctx context.Context, s storage.ScopeState) error {
	if x.setScope != nil {
		return x.setScope(ctx, s)
	}
	return x.modelTxn.SetScope(ctx, s)
}

func (x *txnMutant) Commit(ctx context.Context, meta *storage.ScanMetadata) error {
	if x.commit != nil {
		return x.commit(ctx, meta)
	}
	return x.modelTxn.Commit(ctx, meta)
}

// beginMutant begins a transaction and lets change replace its methods.
func beginMutant(ctx context.Context, m *Model, now time.Time, change func(*txnMutant)) (storage.Txn, error) {
	txn, err := m.Begin(ctx, now)
	if err != nil {
		return nil, err
	}
	x := &txnMutant{modelTxn: txn.(*modelTxn)}
	change(x)
	return x, nil
}

type showsStaged struct{ *Model }

func (m showsStaged) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	return beginMutant(ctx, m.Model, now, func(x *txnMutant) {
		x.stage = func(ctx context.Context, mut storage.Mutation) error {
			if err := x.modelTxn.Stage(ctx, mut); err != nil {
				return err
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			x.modelTxn.record(mut)
			x.modelTxn.events = 0
			return nil
		}
	})
}

func (m showsStaged) Known(ctx context.Context, s resource.Scope, revision int64) iter.Seq2[storage.Known, error] {
	if revision == storage.HeadRevision {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.txn != nil {
			var all []storage.Known
			for _, mut := range m.txn.staged {
				all = append(all, storage.Known{Key: mut.Resource.Key})
			}
			return func(yield func(storage.Known, error) bool) {
				for _, k := range all {
					if !yield(k, nil) {
						return
					}
				}
			}
		}
	}
	return m.Model.Known(ctx, s, revision)
}

type keepsScopes struct{ *Model }

func (m keepsScopes) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	return beginMutant(ctx, m.Model, now, func(x *txnMutant) {
		x.setScope = func(_ context.Context, s storage.ScopeState) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.scopes[s.Scope] = append(m.scopes[s.Scope], scopeRecord{ScopeState: s, revision: x.revision})
			return nil
		}
	})
}

type forgetsTombstones struct{ *Model }

func (m forgetsTombstones) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	return beginMutant(ctx, m.Model, now, func(x *txnMutant) {
		x.stage = func(ctx context.Context, mut storage.Mutation) error {
			if mut.Type == change.Disappeared {
				return nil
			}
			return x.modelTxn.Stage(ctx, mut)
		}
	})
}

type goneIsNotFound struct{ *Model }

func (m goneIsNotFound) Get(ctx context.Context, key resource.Key, revision int64) (*storage.Version, error) {
	v, err := m.Model.Get(ctx, key, revision)
	if errors.Is(err, storage.ErrGone) {
		return nil, storage.ErrNotFound
	}
	return v, err
}

type upToIsExclusive struct{ *Model }

func (m upToIsExclusive) Changes(ctx context.Context, q storage.ChangeQuery) iter.Seq2[*storage.ChangeEvent, error] {
	if q.UpTo > 1 {
		q.UpTo--
	}
	return m.Model.Changes(ctx, q)
}

type afterIsInclusive struct{ *Model }

func (m afterIsInclusive) Changes(ctx context.Context, q storage.ChangeQuery) iter.Seq2[*storage.ChangeEvent, error] {
	if (q.After != storage.EventID{}) {
		if q.OldestFirst {
			q.After.Number--
		} else {
			q.After.Number++
		}
	}
	return m.Model.Changes(ctx, q)
}

type listAfterIsInclusive struct{ *Model }

func (m listAfterIsInclusive) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	if q.After != nil {
		after := *q.After
		after.ID = after.ID[:len(after.ID)-1]
		q.After = &after
	}
	return m.Model.List(ctx, q)
}

type filtersKeysOnly struct{ *Model }

func (m filtersKeysOnly) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	q.Tags, q.Name, q.ARN = nil, "", ""
	return m.Model.List(ctx, q)
}

// searchesTheHead is what an index does that forgets old names.
type searchesTheHead struct{ *Model }

func (m searchesTheHead) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	return func(yield func(*storage.Version, error) bool) {
		for v, err := range m.Model.List(ctx, q) {
			if err == nil && q.Name != "" && m.newestName(v.Resource.Key) != q.Name {
				continue
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

func (m *Model) newestName(key resource.Key) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	history := m.versions[key]
	return history[len(history)-1].Resource.Name
}

type ignoresARNs struct{ *Model }

func (m ignoresARNs) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	q.ARN = ""
	return m.Model.List(ctx, q)
}

type searchesEventsByTheHead struct{ *Model }

func (m searchesEventsByTheHead) Changes(ctx context.Context, q storage.ChangeQuery) iter.Seq2[*storage.ChangeEvent, error] {
	return func(yield func(*storage.ChangeEvent, error) bool) {
		for e, err := range m.Model.Changes(ctx, q) {
			if err == nil && q.Name != "" {
				if key, err := resource.ParseKey(e.Key); err != nil || m.newestName(key) != q.Name {
					continue
				}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

type rewindsTime struct{ *Model }

func (m rewindsTime) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	return beginMutant(ctx, m.Model, now, func(x *txnMutant) { x.time = now.UTC().Truncate(time.Millisecond) })
}

type keepsMicroseconds struct{ *Model }

func (m keepsMicroseconds) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	return beginMutant(ctx, m.Model, now, func(x *txnMutant) {
		if now = now.UTC().Truncate(time.Microsecond); now.After(x.time) {
			x.time = now
		}
	})
}

type revisionAtIsLater struct{ *Model }

func (m revisionAtIsLater) RevisionAt(ctx context.Context, t time.Time) (int64, error) {
	return m.Model.RevisionAt(ctx, t.Add(-time.Nanosecond))
}

type twoTransactions struct{ *Model }

func (m twoTransactions) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	if txn, err := m.Model.Begin(ctx, now); !errors.Is(err, storage.ErrBusy) {
		return txn, err
	}
	return m.txn, nil
}

type globalIsARegion struct{ *Model }

func (m globalIsARegion) Known(ctx context.Context, s resource.Scope, revision int64) iter.Seq2[storage.Known, error] {
	return func(yield func(storage.Known, error) bool) {
		for k, err := range m.Model.Known(ctx, s, revision) {
			if err == nil && k.Key.Region != s.Region {
				continue
			}
			if !yield(k, err) {
				return
			}
		}
	}
}

type mixesPrefixes struct{ *Model }

func (m mixesPrefixes) Known(ctx context.Context, s resource.Scope, revision int64) iter.Seq2[storage.Known, error] {
	return func(yield func(storage.Known, error) bool) {
		for _, other := range m.similar(s) {
			for k, err := range m.Model.Known(ctx, other, revision) {
				if !yield(k, err) {
					return
				}
			}
		}
	}
}

// similar returns the scopes whose type begins with that of s.
func (m mixesPrefixes) similar(s resource.Scope) []resource.Scope {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := []resource.Scope{s}
	for k := range m.versions {
		other := s
		other.Type = k.Type
		if strings.HasPrefix(k.Type, s.Type) && !slices.Contains(all, other) {
			all = append(all, other)
		}
	}
	return all
}

type readsHead struct{ *Model }

func (m readsHead) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	if q.Revision <= m.head() {
		q.Revision = storage.HeadRevision
	}
	return m.Model.List(ctx, q)
}

type knowsTheFuture struct{ *Model }

func (m knowsTheFuture) Scopes(ctx context.Context, revision int64) iter.Seq2[*storage.ScopeState, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if revision > m.head() {
		revision = storage.HeadRevision
	}
	return m.Model.Scopes(ctx, revision)
}

type endless struct{ *Model }

func (m endless) Get(ctx context.Context, key resource.Key, revision int64) (*storage.Version, error) {
	v, err := m.Model.Get(ctx, key, revision)
	if err == nil {
		v.EndRevision, v.ValidTo = 0, time.Time{}
	}
	return v, err
}

type historyWithoutChanges struct{ *Model }

func (m historyWithoutChanges) History(ctx context.Context, key resource.Key) iter.Seq2[*storage.Version, error] {
	return mutate(m.Model.History(ctx, key), func(v *storage.Version) *storage.Version {
		v.Changes = nil
		return v
	})
}

type changesEverywhere struct{ *Model }

func (m changesEverywhere) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	return mutate(m.Model.List(ctx, q), func(v *storage.Version) *storage.Version {
		for h, err := range m.Model.History(ctx, v.Resource.Key) {
			if err == nil && h.Revision == v.Revision {
				return h
			}
		}
		return v
	})
}

type mergesReplacement struct{ *Model }

func (m mergesReplacement) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	return beginMutant(ctx, m.Model, now, func(x *txnMutant) {
		x.stage = func(ctx context.Context, mut storage.Mutation) error {
			if mut.Type == change.Created {
				x.staged = slices.DeleteFunc(x.staged, func(s storage.Mutation) bool {
					return s.Resource.Key == mut.Resource.Key
				})
			}
			return x.modelTxn.Stage(ctx, mut)
		}
	})
}

type completeAsStored struct{ *Model }

func (m completeAsStored) Scopes(ctx context.Context, revision int64) iter.Seq2[*storage.ScopeState, error] {
	return mutate(m.Model.Scopes(ctx, revision), func(s *storage.ScopeState) *storage.ScopeState {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, r := range m.scopes[s.Scope] {
			if r.revision <= s.LastComplete {
				s.LastComplete, s.LastCompleteTime = r.revision, m.timeOf(r.revision)
			}
		}
		return s
	})
}

type failedScopesOfHead struct{ *Model }

func (m failedScopesOfHead) Scans(ctx context.Context, before int64) iter.Seq2[*storage.ScanMetadata, error] {
	return mutate(m.Model.Scans(ctx, before), func(s *storage.ScanMetadata) *storage.ScanMetadata {
		m.mu.Lock()
		defer m.mu.Unlock()
		s.SetFailedScopes(m.statesAt(m.head()))
		return s
	})
}

type addsToCounts struct{ *Model }

func (m addsToCounts) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	return beginMutant(ctx, m.Model, now, func(x *txnMutant) {
		x.commit = func(ctx context.Context, meta *storage.ScanMetadata) error {
			given := meta.Created
			err := x.modelTxn.Commit(ctx, meta)
			meta.Created += given
			return err
		}
	})
}

type reportsBaselines struct{ *Model }

func (m reportsBaselines) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	return beginMutant(ctx, m.Model, now, func(x *txnMutant) {
		x.commit = func(ctx context.Context, meta *storage.ScanMetadata) error {
			for _, mut := range x.staged {
				if mut.Type == change.Baseline {
					x.modelTxn.events++
				}
			}
			return x.modelTxn.Commit(ctx, meta)
		}
	})
}

type ignoresContexts struct{ *Model }

func (m ignoresContexts) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	return m.Model.List(context.WithoutCancel(ctx), q)
}

type neverCloses struct{ *Model }

func (m neverCloses) Close() error { return nil }

type takesAnyKey struct{ *Model }

func (m takesAnyKey) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	return beginMutant(ctx, m.Model, now, func(x *txnMutant) {
		x.stage = func(ctx context.Context, mut storage.Mutation) error {
			if mut.Resource.Key.Validate() != nil {
				return nil
			}
			return x.modelTxn.Stage(ctx, mut)
		}
	})
}

type keepsPointers struct{ *Model }

func (m keepsPointers) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	return beginMutant(ctx, m.Model, now, func(x *txnMutant) {
		x.stage = func(ctx context.Context, mut storage.Mutation) error {
			err := x.modelTxn.Stage(ctx, mut)
			if n := len(x.staged); err == nil {
				x.staged[n-1].Resource = mut.Resource
			}
			return err
		}
	})
}

// lazyList reads page by page, each at what is the head by then.
type lazyList struct{ *Model }

func (m lazyList) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	return func(yield func(*storage.Version, error) bool) {
		for {
			next, stop := iter.Pull2(m.Model.List(ctx, q))
			v, err, ok := next()
			stop()
			if !ok || !yield(v, err) || err != nil {
				return
			}
			q.After = &v.Resource.Key
		}
	}
}

type endsEarly struct{ *Model }

func (m endsEarly) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	return func(yield func(*storage.Version, error) bool) {
		n := 0
		for v, err := range m.Model.List(ctx, q) {
			if n == 1000 {
				return
			}
			n++
			if !yield(v, err) {
				return
			}
		}
	}
}

type commitsAgain struct{ *Model }

func (m commitsAgain) Begin(ctx context.Context, now time.Time) (storage.Txn, error) {
	return beginMutant(ctx, m.Model, now, func(x *txnMutant) {
		x.commit = func(ctx context.Context, meta *storage.ScanMetadata) error {
			x.ended = false
			return x.modelTxn.Commit(ctx, meta)
		}
	})
}

type trimsThePresent struct{ *Model }

func (m trimsThePresent) Trim(ctx context.Context, revision int64) error {
	if err := m.Model.Trim(ctx, revision); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, history := range m.versions {
		if len(history) > 1 && history[0].Revision < m.oldest {
			m.versions[k] = history[1:]
		}
	}
	return nil
}

type answersTrimmed struct{ *Model }

func (m answersTrimmed) Scopes(ctx context.Context, revision int64) iter.Seq2[*storage.ScopeState, error] {
	if revision != storage.HeadRevision {
		revision = max(revision, m.oldest)
	}
	return m.Model.Scopes(ctx, revision)
}

type keepsGone struct{ *Model }

func (m keepsGone) Trim(ctx context.Context, revision int64) error {
	before := m.Reopen()
	if err := m.Model.Trim(ctx, revision); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, history := range before.versions {
		if m.versions[k] == nil {
			m.versions[k] = history
		}
	}
	return nil
}

type trimsTooFewEvents struct{ *Model }

func (m trimsTooFewEvents) Trim(ctx context.Context, revision int64) error {
	before := slices.Clone(m.events)
	if err := m.Model.Trim(ctx, revision); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range slices.Backward(before) {
		if e.Revision <= m.oldest {
			m.events = append([]storage.ChangeEvent{e}, m.events...)
			break
		}
	}
	return nil
}

type diffFromIsInclusive struct{ *Model }

func (m diffFromIsInclusive) Diff(ctx context.Context, q storage.DiffQuery) iter.Seq2[*storage.Difference, error] {
	if q.From > max(1, m.oldest) {
		q.From--
	}
	return m.Model.Diff(ctx, q)
}

type diffAfterIsInclusive struct{ *Model }

func (m diffAfterIsInclusive) Diff(ctx context.Context, q storage.DiffQuery) iter.Seq2[*storage.Difference, error] {
	if q.After != nil {
		before := *q.After
		before.ID = before.ID[:len(before.ID)-1]
		q.After = &before
	}
	return m.Model.Diff(ctx, q)
}

type diffWithoutQuiet struct{ *Model }

func (m diffWithoutQuiet) Diff(ctx context.Context, q storage.DiffQuery) iter.Seq2[*storage.Difference, error] {
	return onlyDifferences(m.Model.Diff(ctx, q), func(d *storage.Difference) bool {
		return slices.ContainsFunc(d.Steps, func(s storage.Step) bool { return s.ChangeType.Reported() })
	})
}

type diffFiltersAfter struct{ *Model }

func (m diffFiltersAfter) Diff(ctx context.Context, q storage.DiffQuery) iter.Seq2[*storage.Difference, error] {
	return onlyDifferences(m.Model.Diff(ctx, q), func(d *storage.Difference) bool { return q.Filter.Match(&d.After.Resource) })
}

func onlyDifferences(all iter.Seq2[*storage.Difference, error], wanted func(*storage.Difference) bool) iter.Seq2[*storage.Difference, error] {
	return func(yield func(*storage.Difference, error) bool) {
		for d, err := range all {
			if (err != nil || wanted(d)) && !yield(d, err) {
				return
			}
		}
	}
}
