package storagetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/elava-dev/elava/storage"
)

var trimCases = []testCase{
	{name: "Trim keeps what was valid at the oldest revision and all after it", run: trimKeepsThePresent},
	{name: "a trimmed revision is compacted and says which is the oldest", run: trimmedRevisions},
	{name: "Trim drops versions that were superseded by then", run: trimDropsVersions},
	{name: "Trim drops resources that had disappeared by then", run: trimDropsGone},
	{name: "Trim drops events up to the oldest revision and scans before it", run: trimDropsFeeds},
	{name: "the feed of trimmed events is compacted", run: trimmedFeed},
	{name: "Trim keeps the states of scopes", run: trimKeepsScopes},
	{name: "RevisionAt before the oldest revision is the one below it", run: trimmedTimes},
	{name: "Trim below the oldest revision does nothing, above the head it fails", run: trimNothing},
	{name: "Trim up to the head leaves one state", run: trimToHead},
	{name: "scans go on after Trim", run: trimThenScan},
	{name: "Trim while a transaction is open touches nothing of it", run: trimInTransaction},
	{name: "what was trimmed stays so in a store that is opened again", needs: persistence, run: trimThenReopen},
	{name: "what was trimmed stays so after a crash", needs: crashes, run: trimThenCrash},
	{name: "a closed store is not trimmed", run: trimClosed},
}

// wantOldest ends the test where another revision is the oldest.
func (w *twin) wantOldest(want int64) {
	w.t.Helper()
	s, err := w.store.Stats(w.ctx)
	w.ok(err, "Stats")
	if s.OldestRevision != want {
		w.fail("the oldest revision is %d, want %d", s.OldestRevision, want)
	}
}

func trimKeepsThePresent(w *twin) {
	a, b := lifeOfA(w) // b@1, a: created 2, modified 3, disappeared 5, created 7
	w.trim(4)
	w.wantOldest(4)
	w.wantList(storage.Query{Revision: 4}, "a@3", "b@1")
	w.wantList(storage.Query{Revision: 5}, "b@1")
	w.wantList(storage.Query{}, "a@7", "b@1")
	w.wantKnown(instances, 4, "a", "b")
	w.wantLive(a, 4, "modified 3-5")
	w.wantLive(b, 4, "created 1-")
	if _, err := w.get(a, 6); !errors.Is(err, storage.ErrGone) {
		w.fail("Get of a resource that disappeared after the oldest revision: %v, want ErrGone", err)
	}
	w.check()
	w.trim(7)
	w.wantOldest(7)
	w.wantList(storage.Query{Revision: 7}, "a@7", "b@1")
	w.check()
}

func trimmedRevisions(w *twin) {
	a, _ := lifeOfA(w)
	w.trim(4)
	for _, revision := range []int64{1, 2, 3} {
		_, getErr := w.get(a, revision)
		_, knownErr := w.known(instances, revision)
		_, globalErr := w.known(instances.AccountWide(), revision)
		_, listErr := w.list(storage.Query{Revision: revision})
		_, scopesErr := w.scopes(revision)
		for method, err := range map[string]error{
			"Get": getErr, "Known": knownErr, "Known of a global scope": globalErr, "List": listErr, "Scopes": scopesErr,
		} {
			compacted := new(storage.CompactedError)
			if !errors.As(err, &compacted) || !errors.Is(err, storage.ErrCompacted) {
				w.fail("%s at revision %d: %v, want a CompactedError", method, revision, err)
			}
			if compacted.Oldest != 4 || compacted.Revision != revision {
				w.fail("%s at revision %d says %+v", method, revision, compacted)
			}
		}
	}
	w.wantFuture(8)
}

func trimDropsVersions(w *twin) {
	a, b := lifeOfA(w)
	w.trim(3)
	w.wantHistory(a, "created 7-", "disappeared 5-7", "modified 3-5")
	w.wantHistory(b, "created 1-")
	w.trim(4)
	w.wantHistory(a, "created 7-", "disappeared 5-7", "modified 3-5")
	w.trim(7)
	w.wantHistory(a, "created 7-")
	w.wantHistory(b, "created 1-")
	w.check()
}

func trimDropsGone(w *twin) {
	gone, later, back := in(instances, "gone"), in(instances, "later"), in(instances, "back")
	w.scan(created(gone, 1), created(later, 1), created(back, 1))
	w.scan(disappeared(gone), disappeared(back))
	w.scan(disappeared(later), created(back, 3))
	w.scan()
	w.trim(2)
	for key, want := range map[string]error{"gone": storage.ErrNotFound, "later": storage.ErrGone, "back": nil} {
		if _, err := w.get(in(instances, key), storage.HeadRevision); !errors.Is(err, want) {
			w.fail("Get of %q: %v, want %v", key, err, want)
		}
	}
	if _, err := w.history(gone); !errors.Is(err, storage.ErrNotFound) {
		w.fail("History of what had disappeared: %v, want ErrNotFound", err)
	}
	w.wantHistory(later, "disappeared 3-", "created 1-3")
	w.wantHistory(back, "created 3-")
	w.check()
	w.trim(3)
	if _, err := w.get(later, storage.HeadRevision); !errors.Is(err, storage.ErrNotFound) {
		w.fail("Get of what had disappeared at the oldest revision: %v, want ErrNotFound", err)
	}
	w.check()
	w.scan(created(gone, 5))
	w.wantHistory(gone, "created 5-")
	w.check()
}

func trimDropsFeeds(w *twin) {
	feedFixture(w)
	w.trim(3)
	w.wantChanges(storage.ChangeQuery{}, "4-3 created c", "4-2 disappeared c", "4-1 disappeared a")
	w.wantChanges(storage.ChangeQuery{OldestFirst: true}, "4-1 disappeared a", "4-2 disappeared c", "4-3 created c")
	w.wantChanges(storage.ChangeQuery{UpTo: 2})
	w.wantChanges(storage.ChangeQuery{Filter: storage.Filter{Types: []string{bucket}}})
	b := in(scopeOf("eu-west-1", bucket), "b")
	w.wantChanges(storage.ChangeQuery{Key: &b})
	var scans []string
	for _, s := range w.scans(storage.HeadRevision) {
		scans = append(scans, fmt.Sprint(s.Revision))
	}
	w.want("scans", scans, "4", "3")
	if len(w.scans(3)) > 0 {
		w.fail("a scan before the oldest revision is there")
	}
	w.check()
}

func trimmedFeed(w *twin) {
	feedFixture(w)
	w.trim(3)
	id := func(revision int64, number int) storage.EventID {
		return storage.EventID{Revision: revision, Number: number}
	}
	for _, q := range []storage.ChangeQuery{
		{Above: 1}, {Above: 2}, {Above: 2, OldestFirst: true}, {Above: 1, UpTo: 4},
		{After: id(1, 1), OldestFirst: true}, {After: id(3, 1), OldestFirst: true},
	} {
		if _, err := w.feed(q); !errors.Is(err, storage.ErrCompacted) {
			w.fail("%s: %v, want a CompactedError", showChangeQuery(q), err)
		}
	}
	all := []string{"4-1 disappeared a", "4-2 disappeared c", "4-3 created c"}
	w.wantChanges(storage.ChangeQuery{Above: 3, OldestFirst: true}, all...)
	w.wantChanges(storage.ChangeQuery{After: id(4, 1), OldestFirst: true}, all[1:]...)
	w.wantChanges(storage.ChangeQuery{After: id(4, 1)}) // goes back to the oldest that there is
}

func trimKeepsScopes(w *twin) {
	state := func(status storage.ScopeStatus, n int) storage.ScopeState {
		return storage.ScopeState{Scope: instances, Status: status, Resources: n, Error: fmt.Sprint("error ", n)}
	}
	w.setStates(state(storage.ScopeComplete, 1), storage.ScopeState{Scope: scopeOf(region, role), Status: storage.ScopeFailed})
	w.setStates(state(storage.ScopeFailed, 2))
	w.scan()
	w.setStates(state(storage.ScopeComplete, 4))
	w.trim(3)
	w.wantScopes(3, "us-east-1 AWS::EC2::Instance failed 0", "us-east-1 AWS::IAM::Role failed 0")
	w.wantScopes(4, "us-east-1 AWS::EC2::Instance complete 4", "us-east-1 AWS::IAM::Role failed 0")
	if failed := w.scans(storage.HeadRevision)[1].FailedScopes; len(failed) != 2 {
		w.fail("the oldest scan tells %d failed scopes, want 2", len(failed))
	}
	w.check()
}

func trimmedTimes(w *twin) {
	for i := range 5 {
		w.scanAt(epoch.Add(time.Duration(i) * time.Hour))
	}
	w.trim(3)
	for _, c := range []struct {
		t    time.Time
		want int64
	}{
		{epoch.Add(-time.Hour), 2}, {epoch, 2}, {epoch.Add(time.Hour), 2}, {epoch.Add(2*time.Hour - 1), 2},
		{epoch.Add(2 * time.Hour), 3}, {epoch.Add(3 * time.Hour), 4}, {epoch.Add(9 * time.Hour), 5},
	} {
		if got := w.revisionAt(c.t); got != c.want {
			w.fail("RevisionAt(%v) is %d, want %d", c.t, got, c.want)
		}
	}
}

func trimNothing(w *twin) {
	lifeOfA(w)
	w.trim(1)
	w.wantOldest(1)
	w.wantList(storage.Query{Revision: 1}, "b@1")
	w.check()
	w.trim(5)
	for _, revision := range []int64{1, 4, 5} {
		w.trim(revision)
		w.wantOldest(5)
	}
	if err := w.store.Trim(w.ctx, 8); !errors.Is(err, storage.ErrFutureRevision) {
		w.fail("Trim above the head: %v, want ErrFutureRevision", err)
	}
	w.wantOldest(5)
	w.check()
}

func trimToHead(w *twin) {
	a, b := lifeOfA(w)
	w.scan(disappeared(a))
	w.trim(8)
	w.wantOldest(8)
	w.wantList(storage.Query{}, "b@1")
	w.wantHistory(b, "created 1-")
	if _, err := w.get(a, storage.HeadRevision); !errors.Is(err, storage.ErrNotFound) {
		w.fail("Get of what has disappeared: %v, want ErrNotFound", err)
	}
	w.wantChanges(storage.ChangeQuery{})
	if n := len(w.scans(storage.HeadRevision)); n != 1 {
		w.fail("%d scans are left, want the head's", n)
	}
	w.check()
}

func trimThenScan(w *twin) {
	a, b := lifeOfA(w)
	w.trim(6)
	meta := w.scan(modified(a, 8), disappeared(b))
	if meta.Revision != 8 || meta.ScanID != 8 {
		w.fail("the next scan is revision %d and scan %d, want 8 and 8", meta.Revision, meta.ScanID)
	}
	w.wantHistory(b, "disappeared 8-", "created 1-8")
	w.check()
	w.scan(created(b, 9))
	w.trim(9)
	w.wantList(storage.Query{Revision: 9}, "a@8", "b@9")
	w.wantHistory(a, "modified 8-")
	w.check()
}

func trimInTransaction(w *twin) {
	a, b := lifeOfA(w)
	w.begin(w.tick())
	w.stage(modified(a, 8), disappeared(b))
	w.setScope(storage.ScopeState{Scope: instances, Status: storage.ScopeComplete, Resources: 1})
	w.trim(6)
	w.check()
	w.stage(created(in(instances, "c"), 1))
	w.commit(storage.ScanMetadata{})
	w.wantList(storage.Query{}, "a@8", "c@8")
	w.check()
	w.begin(w.tick())
	w.stage(disappeared(a))
	w.trim(8)
	w.rollback()
	w.wantList(storage.Query{}, "a@8", "c@8")
	w.check()
}

func trimThenReopen(w *twin) {
	busyLife(w)
	w.trim(5)
	w.reopen()
	w.wantOldest(5)
	w.check()
	w.scan(modified(in(instances, "b"), 2))
	w.reopen()
	w.wantOldest(5)
	w.check()
	w.trim(8)
	w.reopen()
	w.wantOldest(8)
	w.check()
}

func trimThenCrash(w *twin) {
	busyLife(w)
	w.trim(5)
	w.crash()
	w.wantOldest(5)
	w.check()
	w.begin(w.tick())
	w.stage(modified(in(instances, "b"), 2))
	w.trim(7)
	w.crash()
	w.wantOldest(7)
	w.check()
	w.scan()
	w.check()
}

func trimClosed(w *twin) {
	lifeOfA(w)
	w.ok(w.store.Close(), "Close")
	if err := w.store.Trim(w.ctx, 4); !errors.Is(err, storage.ErrClosed) {
		w.fail("Trim of a closed store: %v, want ErrClosed", err)
	}
}
