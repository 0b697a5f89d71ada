package storagetest

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// twin is a store under test and a Model to which the same things happen. Each method
// does one thing to both and fails the test where they answer differently; it returns
// the answer, so that a test can say in its own words what it should have been.
type twin struct {
	t       testing.TB
	ctx     context.Context // of the test, not of a call: every method would pass it on
	open    Open
	options Options

	dir   string
	store storage.Store
	model *Model

	txn, modelTxn storage.Txn // nil while none is open
	now           time.Time

	trail  []string // what happened so far, oldest first
	repeat string   // how to run the test again; "" where nothing is random
}

// epoch is when the first scan of every test begins.
var epoch = time.Date(2025, 10, 22, 10, 0, 0, 0, time.UTC)

func newTwin(t testing.TB, open Open, o Options) *twin {
	w := &twin{t: t, ctx: t.Context(), open: open, options: o, dir: t.TempDir(), model: NewModel(), now: epoch}
	w.store = open(t, w.dir)
	t.Cleanup(w.close)
	return w
}

// close ends the store whatever state it is in.
func (w *twin) close() {
	if w.txn != nil {
		_ = w.txn.Rollback()
	}
	if err := w.store.Close(); err != nil && !w.t.Failed() {
		w.t.Errorf("closing the store at the end: %v", err)
	}
}

// log remembers what happened, for the message of a failure.
func (w *twin) log(format string, args ...any) {
	w.trail = append(w.trail, fmt.Sprintf(format, args...))
}

// fail ends the test.
func (w *twin) fail(format string, args ...any) {
	w.t.Helper()
	const shown = 40
	message := fmt.Sprintf(format, args...)
	if w.repeat != "" {
		first := max(0, len(w.trail)-shown)
		message += fmt.Sprintf("\nAfter %d steps, the last of which were:\n\t%s\nRepeat with: %s",
			len(w.trail), strings.Join(w.trail[first:], "\n\t"), w.repeat)
	}
	w.t.Fatal(message)
}

// ok ends the test where something that should succeed did not.
func (w *twin) ok(err error, what string) {
	w.t.Helper()
	if err != nil {
		w.fail("%s: %v", what, err)
	}
}

// same ends the test where the store's answer is not the model's.
func (w *twin) same(what, model, store string) {
	w.t.Helper()
	if d := diff(model, store); d != "" {
		w.fail("%s is wrong (- as it should be, + as it is):\n%s", what, d)
	}
}

// Transactions.

// scanAt is one committed scan that began at now.
func (w *twin) scanAt(now time.Time, muts ...storage.Mutation) *storage.ScanMetadata {
	w.t.Helper()
	w.begin(now)
	w.stage(muts...)
	return w.commit(storage.ScanMetadata{})
}

// scan is one committed scan, five minutes after the one before.
func (w *twin) scan(muts ...storage.Mutation) *storage.ScanMetadata {
	w.t.Helper()
	return w.scanAt(w.tick(), muts...)
}

// tick returns the time at which the next scan begins.
func (w *twin) tick() time.Time {
	w.now = w.now.Add(5 * time.Minute)
	return w.now
}

func (w *twin) begin(now time.Time) {
	w.t.Helper()
	w.log("begin %s", now.Format(time.RFC3339Nano))
	txn, err := w.store.Begin(w.ctx, now)
	w.ok(err, "Begin")
	w.txn = txn
	w.modelTxn, err = w.model.Begin(w.ctx, now)
	w.ok(err, "Begin of the model")
	w.same("the transaction's revision and time",
		fmt.Sprintln(w.modelTxn.Revision(), showTime(w.modelTxn.Time())),
		fmt.Sprintln(w.txn.Revision(), showTime(w.txn.Time())))
}

func (w *twin) stage(muts ...storage.Mutation) {
	w.t.Helper()
	for _, mut := range muts {
		w.log("stage %s %s", mut.Type, mut.Resource.Key)
		w.ok(w.txn.Stage(w.ctx, mut), "Stage "+mut.Resource.Key.String())
		w.ok(w.modelTxn.Stage(w.ctx, mut), "Stage of the model")
	}
}

func (w *twin) setScope(states ...storage.ScopeState) {
	w.t.Helper()
	for _, s := range states {
		w.log("set scope %s %s", s.Scope, s.Status)
		w.ok(w.txn.SetScope(w.ctx, s), "SetScope "+s.Scope.String())
		w.ok(w.modelTxn.SetScope(w.ctx, s), "SetScope of the model")
	}
}

// commit commits with meta as what the caller says of the scan, and returns it as it
// came back. Where meta counts no errors, it gets the number of failed scopes that it
// must have: an engine may rely on that.
func (w *twin) commit(meta storage.ScanMetadata) *storage.ScanMetadata {
	w.t.Helper()
	w.log("commit revision %d", w.modelTxn.Revision())
	if meta.ErrorCount == 0 {
		meta.ErrorCount = w.failing()
	}
	got, want := meta, meta
	err := w.txn.Commit(w.ctx, &got)
	w.ok(err, "Commit")
	w.ok(w.modelTxn.Commit(w.ctx, &want), "Commit of the model")
	got.FailedScopes, want.FailedScopes = nil, nil // Commit need not touch them
	w.same("metadata that Commit returned", show(viewScan(&want)), show(viewScan(&got)))
	w.ok(w.txn.Rollback(), "Rollback after Commit")
	w.txn, w.modelTxn = nil, nil
	return &got
}

// failing counts the scopes that will have failed, or lack details, once the open
// transaction is committed.
func (w *twin) failing() int {
	status := map[resource.Scope]storage.ScopeStatus{}
	for _, s := range w.model.statesAt(w.model.head()) {
		status[s.Scope] = s.Status
	}
	for _, s := range w.model.txn.scopes {
		status[s.Scope] = s.Status
	}
	n := 0
	for _, s := range status {
		if s == storage.ScopeFailed || s == storage.ScopePartial {
			n++
		}
	}
	return n
}

func (w *twin) rollback() {
	w.t.Helper()
	w.log("rollback")
	w.ok(w.txn.Rollback(), "Rollback")
	w.ok(w.modelTxn.Rollback(), "Rollback of the model")
	w.txn, w.modelTxn = nil, nil
}

// trim makes a revision the oldest, or fails to in both.
func (w *twin) trim(revision int64) {
	w.t.Helper()
	w.log("trim up to %d", revision)
	w.same(fmt.Sprintf("Trim(%d)", revision),
		showError(w.model.Trim(w.ctx, revision)), showError(w.store.Trim(w.ctx, revision)))
}

// reopen closes the store and opens it again. No transaction may be open.
func (w *twin) reopen() {
	w.t.Helper()
	w.log("reopen")
	w.ok(w.store.Close(), "Close")
	w.store = w.open(w.t, w.dir)
}

// crash goes on with what a dead process would have left behind.
func (w *twin) crash() {
	w.t.Helper()
	w.log("crash")
	dir := w.options.Crash(w.t, w.store, w.dir)
	if w.txn != nil {
		_ = w.txn.Rollback()
	}
	_ = w.store.Close() // a dead process closes nothing: whether this works means nothing
	w.model.Crash()
	w.txn, w.modelTxn = nil, nil
	w.dir = dir
	w.store = w.open(w.t, dir)
}

// Questions.

// ask puts one question to both and compares the answers.
func ask[T any](w *twin, what string, view func(T) any, question func(storage.Store) iter.Seq2[T, error]) ([]T, error) {
	w.t.Helper()
	want, wantErr := collect(question(w.model))
	got, gotErr := collect(question(w.store))
	if wantErr == nil && gotErr == nil && slices.EqualFunc(want, got, alike(view)) {
		return got, nil
	}
	w.same(what, showAll(want, wantErr, view), showAll(got, gotErr, view))
	return got, gotErr
}

// alike is a quick way to find out that two answers look the same. What it denies is
// looked at as it is shown, which takes most of the time of the suite.
func alike[T any](view func(T) any) func(a, b T) bool {
	return func(a, b T) bool { return reflect.DeepEqual(view(a), view(b)) }
}

// askOne is ask for questions with one answer.
func askOne[T any](w *twin, what string, view func(T) any, question func(storage.Store) (T, error)) (T, error) {
	w.t.Helper()
	want, wantErr := question(w.model)
	got, gotErr := question(w.store)
	if (wantErr == nil) != (gotErr == nil) {
		w.fail("%s: got error %v, want %v", what, gotErr, wantErr)
	}
	if wantErr != nil {
		w.same(what, showError(wantErr), showError(gotErr))
		return got, gotErr
	}
	if !alike(view)(want, got) {
		w.same(what, show(view(want)), show(view(got)))
	}
	return got, nil
}

func (w *twin) head() storage.Head {
	w.t.Helper()
	h, err := askOne(w, "Head", viewHead, func(s storage.Store) (storage.Head, error) { return s.Head(w.ctx) })
	w.ok(err, "Head")
	return h
}

func (w *twin) stats() {
	w.t.Helper()
	_, err := askOne(w, "Stats", viewStats, func(s storage.Store) (storage.Stats, error) { return s.Stats(w.ctx) })
	w.ok(err, "Stats")
}

func (w *twin) get(key resource.Key, revision int64) (*storage.Version, error) {
	w.t.Helper()
	return askOne(w, fmt.Sprintf("Get(%s) at revision %d", key, revision), viewVersion,
		func(s storage.Store) (*storage.Version, error) { return s.Get(w.ctx, key, revision) })
}

func (w *twin) known(scope resource.Scope, revision int64) ([]storage.Known, error) {
	w.t.Helper()
	return ask(w, fmt.Sprintf("Known(%s) at revision %d", scope, revision), viewKnown,
		func(s storage.Store) iter.Seq2[storage.Known, error] { return s.Known(w.ctx, scope, revision) })
}

func (w *twin) list(q storage.Query) ([]*storage.Version, error) {
	w.t.Helper()
	view := viewVersion
	if q.KeysOnly {
		view = func(v *storage.Version) any { return v.Resource.Key.String() }
	}
	return ask(w, showQuery(q), view,
		func(s storage.Store) iter.Seq2[*storage.Version, error] { return s.List(w.ctx, q) })
}

func (w *twin) diff(q storage.DiffQuery) ([]*storage.Difference, error) {
	w.t.Helper()
	return ask(w, showDiffQuery(q), viewDifference,
		func(s storage.Store) iter.Seq2[*storage.Difference, error] { return s.Diff(w.ctx, q) })
}

func (w *twin) history(key resource.Key) ([]*storage.Version, error) {
	w.t.Helper()
	return ask(w, fmt.Sprintf("History(%s)", key), viewVersion,
		func(s storage.Store) iter.Seq2[*storage.Version, error] { return s.History(w.ctx, key) })
}

func (w *twin) feed(q storage.ChangeQuery) ([]*storage.ChangeEvent, error) {
	w.t.Helper()
	return ask(w, showChangeQuery(q), viewEvent,
		func(s storage.Store) iter.Seq2[*storage.ChangeEvent, error] { return s.Changes(w.ctx, q) })
}

// changes is feed where there must be an answer.
func (w *twin) changes(q storage.ChangeQuery) []*storage.ChangeEvent {
	w.t.Helper()
	events, err := w.feed(q)
	w.ok(err, "Changes")
	return events
}

func (w *twin) scans(before int64) []*storage.ScanMetadata {
	w.t.Helper()
	scans, err := ask(w, fmt.Sprintf("Scans(before %d)", before), viewScan,
		func(s storage.Store) iter.Seq2[*storage.ScanMetadata, error] { return s.Scans(w.ctx, before) })
	w.ok(err, "Scans")
	return scans
}

func (w *twin) scopes(revision int64) ([]*storage.ScopeState, error) {
	w.t.Helper()
	return ask(w, fmt.Sprintf("Scopes at revision %d", revision), viewScope,
		func(s storage.Store) iter.Seq2[*storage.ScopeState, error] { return s.Scopes(w.ctx, revision) })
}

func (w *twin) revisionAt(t time.Time) int64 {
	w.t.Helper()
	r, err := askOne(w, "RevisionAt "+showTime(t), viewRevision,
		func(s storage.Store) (int64, error) { return s.RevisionAt(w.ctx, t) })
	w.ok(err, "RevisionAt")
	return r
}

// keys returns every key that was ever committed, in order.
func (w *twin) keys() []resource.Key {
	var keys []resource.Key
	for k := range w.model.versions {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, resource.Key.Compare)
	return keys
}

// knownScopes returns the scopes of all keys, and the account-wide ones, in order.
func (w *twin) knownScopes() []resource.Scope {
	var scopes []resource.Scope
	for _, k := range w.keys() {
		scopes = append(scopes, k.Scope(), k.Scope().AccountWide())
	}
	slices.SortFunc(scopes, resource.Scope.Compare)
	return slices.Compact(scopes)
}

// checkRevision compares all that can be asked about one revision.
func (w *twin) checkRevision(revision int64) {
	w.t.Helper()
	for _, s := range w.knownScopes() {
		_, err := w.known(s, revision)
		w.ok(err, "Known")
	}
	for _, k := range w.keys() {
		_, _ = w.get(k, revision)
	}
	_, err := w.list(storage.Query{Revision: revision})
	w.ok(err, "List")
	_, err = w.scopes(revision)
	w.ok(err, "Scopes")
}

// check compares everything that can be asked: every revision, every key, every feed.
func (w *twin) check() {
	w.t.Helper()
	head := w.head().Revision
	w.stats()
	w.checkRevision(storage.HeadRevision)
	for r := max(1, w.model.oldest); r <= head; r++ {
		w.checkRevision(r)
	}
	for _, k := range w.keys() {
		_, _ = w.history(k)
	}
	w.changes(storage.ChangeQuery{})
	w.changes(storage.ChangeQuery{OldestFirst: true})
	for _, scan := range w.scans(storage.HeadRevision) {
		w.revisionAt(scan.EndTime)
		w.revisionAt(scan.EndTime.Add(-time.Nanosecond))
	}
}
