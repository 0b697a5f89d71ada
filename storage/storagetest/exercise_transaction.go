package storagetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

var transactionCases = []testCase{
	{name: "an empty store answers every question with nothing", run: emptyStore},
	{name: "the first commit is revision 1", run: firstCommit},
	{name: "revisions are numbered without gaps", run: noGaps},
	{name: "nothing is seen before the commit", run: invisibleUntilCommit},
	{name: "an iterator opened before a commit does not see it", run: iteratorKeepsItsRevision},
	{name: "a commit with nothing staged is a revision of its own", run: unchangedScan},
	{name: "Commit counts what was staged", run: commitCounts},
	{name: "Commit keeps what the caller says of the scan", run: commitKeepsMetadata},
	{name: "a resource that is not staged keeps its version", run: notStagedKeepsVersion},
	{name: "Rollback leaves nothing", run: rollbackLeavesNothing},
	{name: "Rollback of twenty thousand resources leaves nothing", heavy: true, run: rollbackOfManyLeavesNothing},
	{name: "twenty thousand resources are one commit", heavy: true, run: commitOfMany},
	{name: "after a Rollback fewer resources are staged and nothing else is seen", run: rollbackThenFewer},
	{name: "a transaction that has ended takes nothing any more", run: endedTransaction},
	{name: "Rollback can be called at any time", run: rollbackTwice},
	{name: "there is one transaction at a time", run: oneTransaction},
	{name: "a Commit that is cancelled commits all or nothing", run: cancelledCommit},
	{name: "what is staged may be changed afterwards", run: stagedIsCopied},
	{name: "keys and scopes that are not valid are refused", run: invalidKeys},
}

func emptyStore(w *twin) {
	if h := w.head(); h != (storage.Head{}) {
		w.fail("head of an empty store is %+v, want the zero value", h)
	}
	w.stats()
	key := in(instances, "a")
	if _, err := w.get(key, storage.HeadRevision); !errors.Is(err, storage.ErrNotFound) {
		w.fail("Get: %v, want ErrNotFound", err)
	}
	if _, err := w.history(key); !errors.Is(err, storage.ErrNotFound) {
		w.fail("History: %v, want ErrNotFound", err)
	}
	w.wantKnown(instances, storage.HeadRevision)
	w.wantList(storage.Query{})
	w.wantChanges(storage.ChangeQuery{})
	w.wantScopes(storage.HeadRevision)
	if scans := w.scans(storage.HeadRevision); len(scans) > 0 {
		w.fail("%d scans in an empty store", len(scans))
	}
	if r := w.revisionAt(epoch); r != 0 {
		w.fail("RevisionAt is %d in an empty store, want 0", r)
	}
	w.wantFuture(1)
}

func firstCommit(w *twin) {
	key := in(instances, "a")
	meta := w.scanAt(epoch, created(key, 1))
	if meta.Revision != 1 || meta.ScanID != 1 || !meta.EndTime.Equal(epoch) {
		w.fail("Commit returned revision %d, scan %d, end %v; want 1, 1, %v", meta.Revision, meta.ScanID, meta.EndTime, epoch)
	}
	if h := w.head(); h.Revision != 1 || h.ScanID != 1 || !h.Time.Equal(epoch) {
		w.fail("head is %+v, want revision 1, scan 1, %v", h, epoch)
	}
	v, err := w.get(key, storage.HeadRevision)
	w.ok(err, "Get")
	w.same("the resource", show(viewVersion(&storage.Version{
		Resource: *example(key, 1), Revision: 1, ValidFrom: epoch, ChangeType: change.Created, Schema: 1,
	})), show(viewVersion(v)))
	w.wantHistory(key, "created 1-")
	w.wantChanges(storage.ChangeQuery{}, "1-1 created a")
	w.check()
}

func noGaps(w *twin) {
	for i := 1; i <= 3; i++ {
		w.begin(w.tick())
		w.stage(created(in(instances, fmt.Sprint("lost-", i)), 1))
		w.rollback()
		if meta := w.scan(created(in(instances, fmt.Sprint("kept-", i)), 1)); meta.Revision != int64(i) || meta.ScanID != int64(i) {
			w.fail("commit %d is revision %d and scan %d", i, meta.Revision, meta.ScanID)
		}
	}
	w.wantList(storage.Query{}, "kept-1@1", "kept-2@2", "kept-3@3")
	w.check()
}

func invisibleUntilCommit(w *twin) {
	a, b := in(instances, "a"), in(instances, "b")
	w.scan(created(a, 1))
	w.begin(w.tick())
	w.stage(modified(a, 2), created(b, 1))
	w.setScope(storage.ScopeState{Scope: instances, Status: storage.ScopeComplete, Resources: 2})
	if _, err := w.get(b, storage.HeadRevision); !errors.Is(err, storage.ErrNotFound) {
		w.fail("Get of a staged resource: %v, want ErrNotFound", err)
	}
	w.wantRevision(1)
	w.wantFuture(2)
	w.wantHistory(a, "created 1-")
	w.wantChanges(storage.ChangeQuery{}, "1-1 created a")
	w.wantScopes(storage.HeadRevision)
	w.check()
	w.commit(storage.ScanMetadata{})
	w.wantList(storage.Query{}, "a@2", "b@2")
	w.wantScopes(storage.HeadRevision, "us-east-1 AWS::EC2::Instance complete 2")
	w.check()
}

// wantFuture ends the test where a revision above the head is readable.
func (w *twin) wantFuture(revision int64) {
	w.t.Helper()
	_, getErr := w.get(in(instances, "a"), revision)
	_, knownErr := w.known(instances, revision)
	_, listErr := w.list(storage.Query{Revision: revision})
	_, scopesErr := w.scopes(revision)
	for method, err := range map[string]error{"Get": getErr, "Known": knownErr, "List": listErr, "Scopes": scopesErr} {
		if !errors.Is(err, storage.ErrFutureRevision) {
			w.fail("%s at revision %d: %v, want ErrFutureRevision", method, revision, err)
		}
	}
}

func unchangedScan(w *twin) {
	key := in(instances, "a")
	w.scan(created(key, 1))
	for r := int64(2); r <= 4; r++ {
		if meta := w.scan(); meta.Revision != r || meta.Changes() != 0 {
			w.fail("an unchanged scan gave revision %d with %d changes, want %d with none", meta.Revision, meta.Changes(), r)
		}
	}
	w.wantLive(key, storage.HeadRevision, "created 1-")
	w.wantHistory(key, "created 1-")
	w.wantChanges(storage.ChangeQuery{}, "1-1 created a")
	w.check()
}

func commitCounts(w *twin) {
	key := func(id string) resource.Key { return in(instances, id) }
	w.scan(created(key("a"), 1), created(key("b"), 1), created(key("c"), 1), created(key("d"), 1))
	w.begin(w.tick())
	w.stage(
		baseline(key("e"), 1), baseline(key("f"), 1), baseline(key("g"), 1),
		created(key("h"), 1), modified(key("a"), 2), modified(key("b"), 2),
		rebaselined(key("c"), 2), disappeared(key("d")),
	)
	// What a caller left in the counts does not count.
	meta := w.commit(storage.ScanMetadata{ScanID: 77, Revision: 88, Created: 9, Modified: 9, Disappeared: 9, Baseline: 9, Rebaselined: 9})
	got := fmt.Sprint(meta.Created, meta.Modified, meta.Disappeared, meta.Baseline, meta.Rebaselined, meta.Changes())
	w.want("counts of the scan", []string{got}, "1 2 1 3 1 4")
	w.want("counts of the stored scan", []string{fmt.Sprint(w.scans(storage.HeadRevision)[0].Changes())}, "4")
	w.check()
}

func commitKeepsMetadata(w *twin) {
	given := storage.ScanMetadata{
		StartTime: epoch.Add(123 * time.Millisecond), DurationMS: 1234, ResourceCount: 42, ErrorCount: 3,
		Status: storage.ScanPartial, Error: "no credentials: \u00fcbung",
	}
	w.begin(w.tick())
	w.stage(created(in(instances, "a"), 1))
	w.commit(given)
	want := given
	want.Revision, want.ScanID, want.EndTime, want.Created = 1, 1, w.now, 1
	w.same("the stored scan", show(viewScan(&want)), show(viewScan(w.scans(storage.HeadRevision)[0])))
}

func notStagedKeepsVersion(w *twin) {
	a, b := in(instances, "a"), in(instances, "b")
	w.scan(created(a, 1), created(b, 1))
	w.scan(modified(b, 2))
	w.scan(disappeared(b))
	w.wantLive(a, storage.HeadRevision, "created 1-")
	w.wantList(storage.Query{}, "a@1")
	w.check()
}

func rollbackLeavesNothing(w *twin) {
	a, b := in(instances, "a"), in(instances, "b")
	w.scan(created(a, 1))
	w.begin(w.tick())
	w.stage(modified(a, 2), created(b, 1))
	w.setScope(storage.ScopeState{Scope: instances, Status: storage.ScopeFailed, Error: "lost"})
	w.rollback()
	w.check()
	w.scan()
	w.wantList(storage.Query{}, "a@1")
	w.wantHistory(a, "created 1-")
	if _, err := w.history(b); !errors.Is(err, storage.ErrNotFound) {
		w.fail("History of what was rolled back: %v, want ErrNotFound", err)
	}
	w.wantChanges(storage.ChangeQuery{}, "1-1 created a")
	w.wantScopes(storage.HeadRevision)
	w.check()
}

// manyCount is more than engines hold in memory before they write something down.
const manyCount = 20000

// wantCount ends the test where the head does not hold n resources of the tests' scope,
// without comparing all of them.
func (w *twin) wantCount(n int) {
	w.t.Helper()
	known, err := collect(w.store.Known(w.ctx, instances, storage.HeadRevision))
	w.ok(err, "Known")
	listed, err := collect(w.store.List(w.ctx, storage.Query{}))
	w.ok(err, "List")
	if len(known) != n || len(listed) != n {
		w.fail("%d resources known and %d listed, want %d", len(known), len(listed), n)
	}
}

func rollbackOfManyLeavesNothing(w *twin) {
	keep := in(instances, "keep")
	w.scan(created(keep, 1))
	w.begin(w.tick())
	for _, k := range many(instances, manyCount) {
		w.stage(created(k, 1))
	}
	w.stage(modified(keep, 2))
	w.rollback()
	w.check()
	for _, r := range []int64{2, 3} {
		if meta := w.scan(); meta.Revision != r {
			w.fail("revision %d, want %d", meta.Revision, r)
		}
		w.wantList(storage.Query{}, "keep@1")
	}
	w.wantChanges(storage.ChangeQuery{}, "1-1 created keep")
	w.check()
}

func commitOfMany(w *twin) {
	keys := many(instances, manyCount)
	w.begin(w.tick())
	for _, k := range keys {
		w.stage(created(k, 1))
	}
	if meta := w.commit(storage.ScanMetadata{}); meta.Created != manyCount {
		w.fail("%d created, want %d", meta.Created, manyCount)
	}
	w.wantCount(manyCount)
	_, err := w.list(storage.Query{After: &keys[manyCount-10]})
	w.ok(err, "List")
	events := w.changes(storage.ChangeQuery{OldestFirst: true})
	if last := events[len(events)-1].ID; last != fmt.Sprintf("1-%d", manyCount) {
		w.fail("the last of %d events is %s", manyCount, last)
	}
	w.begin(w.tick())
	for _, k := range keys[1:] {
		w.stage(disappeared(k))
	}
	w.commit(storage.ScanMetadata{})
	w.wantCount(1)
	w.wantList(storage.Query{}, "i-000000@1")
	if _, err := w.get(keys[manyCount-1], storage.HeadRevision); !errors.Is(err, storage.ErrGone) {
		w.fail("Get of a resource that disappeared among many: %v, want ErrGone", err)
	}
}

func rollbackThenFewer(w *twin) {
	keys := many(instances, 3000)
	w.begin(w.tick())
	for _, k := range keys {
		w.stage(created(k, 1))
	}
	w.setScope(storage.ScopeState{Scope: instances, Status: storage.ScopeComplete, Resources: len(keys)})
	w.rollback()
	w.scan(created(keys[7], 1), created(keys[9], 2))
	w.wantCount(2)
	w.wantList(storage.Query{}, "i-000007@1", "i-000009@1")
	w.wantChanges(storage.ChangeQuery{OldestFirst: true}, "1-1 created i-000007", "1-2 created i-000009")
	for _, k := range []resource.Key{keys[0], keys[8], keys[2999]} {
		if _, err := w.get(k, storage.HeadRevision); !errors.Is(err, storage.ErrNotFound) {
			w.fail("Get of %s, which was rolled back: %v, want ErrNotFound", k, err)
		}
	}
	w.check()
}

func endedTransaction(w *twin) {
	for _, end := range []struct {
		how string
		do  func(storage.Txn) error
	}{
		{"Commit", func(x storage.Txn) error { return x.Commit(w.ctx, new(storage.ScanMetadata)) }},
		{"Rollback", func(x storage.Txn) error { return x.Rollback() }},
	} {
		txn, err := w.store.Begin(w.ctx, w.tick())
		w.ok(err, "Begin")
		w.ok(end.do(txn), end.how)
		before, err := w.store.Head(w.ctx)
		w.ok(err, "Head")
		for method, err := range map[string]error{
			"Stage":    txn.Stage(w.ctx, created(in(instances, "late"), 1)),
			"SetScope": txn.SetScope(w.ctx, storage.ScopeState{Scope: instances, Status: storage.ScopeComplete}),
			"Commit":   txn.Commit(w.ctx, new(storage.ScanMetadata)),
		} {
			if err == nil {
				w.fail("%s after %s succeeded", method, end.how)
			}
		}
		if after, err := w.store.Head(w.ctx); err != nil || after != before {
			w.fail("head after a second Commit is %+v, %v; want %+v", after, err, before)
		}
	}
	if known, err := collect(w.store.Known(w.ctx, instances, storage.HeadRevision)); err != nil || len(known) > 0 {
		w.fail("what was staged after the end is there: %v, %v", knownIDs(known), err)
	}
}

func rollbackTwice(w *twin) {
	first, err := w.store.Begin(w.ctx, w.tick())
	w.ok(err, "Begin")
	w.ok(first.Rollback(), "Rollback")
	w.ok(first.Rollback(), "a second Rollback")

	second, err := w.store.Begin(w.ctx, w.tick())
	w.ok(err, "Begin")
	w.ok(first.Rollback(), "Rollback of an old transaction while another is open")
	w.ok(second.Stage(w.ctx, created(in(instances, "a"), 1)), "Stage")
	w.ok(second.Commit(w.ctx, new(storage.ScanMetadata)), "Commit")
	w.ok(second.Rollback(), "Rollback after Commit")
	w.ok(first.Rollback(), "Rollback of an old transaction")
	if h, err := w.store.Head(w.ctx); err != nil || h.Revision != 1 {
		w.fail("head is %+v, %v; want revision 1", h, err)
	}
	_, err = w.store.Get(w.ctx, in(instances, "a"), storage.HeadRevision)
	w.ok(err, "Get of what was committed before the Rollback")
}

func oneTransaction(w *twin) {
	w.begin(w.tick())
	if _, err := w.store.Begin(w.ctx, w.now); !errors.Is(err, storage.ErrBusy) {
		w.fail("a second Begin: %v, want ErrBusy", err)
	}
	w.stage(created(in(instances, "a"), 1))
	w.commit(storage.ScanMetadata{})
	w.begin(w.tick())
	if _, err := w.store.Begin(w.ctx, w.now); !errors.Is(err, storage.ErrBusy) {
		w.fail("a second Begin: %v, want ErrBusy", err)
	}
	w.rollback()
	w.scan(created(in(instances, "b"), 1))
	w.wantList(storage.Query{}, "a@1", "b@2")
}

// cancelledCommit allows both outcomes, as long as the error tells which it was.
func cancelledCommit(w *twin) {
	a, b := in(instances, "a"), in(instances, "b")
	w.scan(created(a, 1))
	w.begin(w.tick())
	w.stage(modified(a, 2), created(b, 1))
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	if err := w.txn.Commit(ctx, new(storage.ScanMetadata)); err == nil {
		w.ok(w.modelTxn.Commit(w.ctx, new(storage.ScanMetadata)), "Commit of the model")
	} else if !errors.Is(err, context.Canceled) {
		w.fail("Commit with a cancelled context: %v, want context.Canceled", err)
	}
	w.rollback()
	w.check()
	w.scan(created(in(instances, "c"), 1))
	w.check()
}

func stagedIsCopied(w *twin) {
	key := in(instances, "a")
	mut := modified(key, 1)
	mut.Incomplete = []string{"tags"}
	want := *example(key, 1)
	w.begin(w.tick())
	w.stage(mut)
	mut.Resource.Tags["env"] = "changed"
	copy(mut.Resource.Attributes, `{"changed`)
	copy(mut.Changes[0].New, "9")
	mut.Incomplete[0] = "changed"
	mut.Resource.Name = "changed"
	w.commit(storage.ScanMetadata{})
	v, err := w.get(key, storage.HeadRevision)
	w.ok(err, "Get")
	w.same("the resource", show(viewVersion(&storage.Version{
		Resource: want, Revision: 1, ValidFrom: w.now, ChangeType: change.Modified, Schema: 1, Incomplete: []string{"tags"},
	})), show(viewVersion(v)))
	w.check()
}

func invalidKeys(w *twin) {
	w.begin(w.tick())
	for _, k := range []resource.Key{
		{}, in(instances, ""), in(instances, "new\nline"), in(instances, "nul\x00"),
		in(scopeOf("", instance), "a"), in(scopeOf("us/east", instance), "a"),
	} {
		if err := w.txn.Stage(w.ctx, created(k, 1)); !errors.Is(err, resource.ErrBadKey) {
			w.fail("Stage of %q: %v, want ErrBadKey", k, err)
		}
	}
	for _, s := range []resource.Scope{{}, scopeOf("us/east", instance)} {
		state := storage.ScopeState{Scope: s, Status: storage.ScopeComplete}
		if err := w.txn.SetScope(w.ctx, state); !errors.Is(err, resource.ErrBadKey) {
			w.fail("SetScope of %q: %v, want ErrBadKey", s, err)
		}
	}
	w.stage(created(in(instances, "a"), 1))
	w.commit(storage.ScanMetadata{})
	w.wantList(storage.Query{}, "a@1")
	w.check()
}

// iteratorKeepsItsRevision begins one iterator of each kind, commits, and goes on.
func iteratorKeepsItsRevision(w *twin) {
	keys := many(instances, 5)
	w.begin(w.tick())
	for _, k := range keys {
		w.stage(created(k, 1))
	}
	w.setScope(storage.ScopeState{Scope: instances, Status: storage.ScopeComplete, Resources: 5})
	w.setScope(storage.ScopeState{Scope: scopeOf(region, role), Status: storage.ScopeComplete})
	w.commit(storage.ScanMetadata{})

	ids := func(v *storage.Version) string { return fmt.Sprintf("%s@%d", v.Resource.Key.ID, v.Revision) }
	rest := []func() []string{
		beginIterator(w, w.store.List(w.ctx, storage.Query{}), ids),
		beginIterator(w, w.store.List(w.ctx, storage.Query{Revision: 1}), ids),
		beginIterator(w, w.store.Known(w.ctx, instances, storage.HeadRevision), func(k storage.Known) string {
			return k.Key.ID + "@1"
		}),
		beginIterator(w, w.store.Changes(w.ctx, storage.ChangeQuery{OldestFirst: true}), func(e *storage.ChangeEvent) string {
			return fmt.Sprintf("%s@%d", e.ResourceID, e.Revision)
		}),
	}
	states := beginIterator(w, w.store.Scopes(w.ctx, storage.HeadRevision), func(s *storage.ScopeState) string {
		return fmt.Sprint(s.Status, s.LastComplete)
	})

	w.begin(w.tick())
	w.stage(modified(keys[2], 2), disappeared(keys[3]), created(in(instances, "z"), 1))
	w.setScope(storage.ScopeState{Scope: scopeOf(region, role), Status: storage.ScopeFailed})
	w.commit(storage.ScanMetadata{})

	for i, all := range rest {
		w.want(fmt.Sprintf("iterator %d", i), all(),
			"i-000000@1", "i-000001@1", "i-000002@1", "i-000003@1", "i-000004@1")
	}
	w.want("scope states", states(), "complete1", "complete1")
	w.check()
}
