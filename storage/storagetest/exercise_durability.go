package storagetest

import (
	"errors"

	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

var durabilityCases = []testCase{
	{name: "a store that is opened again holds all that was committed", needs: persistence, run: reopenKeepsAll},
	{name: "a store that is opened again does not hold what was rolled back", needs: persistence, run: reopenAfterRollback},
	{name: "an empty store that is opened again is empty", needs: persistence, run: reopenEmpty},
	{name: "the clock may be set back while a store is closed", needs: persistence, run: clockSetBackWhileClosed},
	{name: "a crash loses what was not committed and nothing else", needs: crashes, run: crashInTransaction},
	{name: "a crash in the first transaction leaves an empty store", needs: crashes, run: crashInFirst},
	{name: "a crash with twenty thousand resources staged leaves nothing of them", needs: crashes, heavy: true, run: crashWithMany},
	{name: "a crash right after a commit loses nothing", needs: crashes, run: crashAfterCommit},
	{name: "Close can be called twice", run: closeTwice},
	{name: "a closed store answers ErrClosed", run: closedStore},
	{name: "Close waits for the open transaction", run: closeWaits},
	{name: "Close while an iterator runs ends it or lets it finish", run: closeDuringIteration},
}

// busyLife commits several revisions with everything that a store keeps.
func busyLife(w *twin) resource.Key {
	a, _ := lifeOfA(w)
	zoo(w)
	w.setStates(
		storage.ScopeState{Scope: instances, Status: storage.ScopeComplete, Resources: 2},
		storage.ScopeState{Scope: scopeOf(resource.Global, bucket), Status: storage.ScopeFailed, Error: "denied"},
	)
	return a
}

func reopenKeepsAll(w *twin) {
	a := busyLife(w)
	for range 3 {
		w.reopen()
		w.check()
		w.scan(modified(a, 20))
	}
	w.wantRevision(12)
	w.check()
}

func reopenAfterRollback(w *twin) {
	a := busyLife(w)
	w.begin(w.tick())
	w.stage(modified(a, 2), created(in(instances, "lost"), 1))
	for _, k := range many(instances, 3000) {
		w.stage(created(k, 1))
	}
	w.setScope(storage.ScopeState{Scope: instances, Status: storage.ScopeFailed})
	w.rollback()
	w.reopen()
	w.check()
	w.scan(created(in(instances, "next"), 1))
	w.check()
}

func reopenEmpty(w *twin) {
	w.reopen()
	emptyStore(w)
	w.scan(created(in(instances, "a"), 1))
	w.wantRevision(1)
}

func clockSetBackWhileClosed(w *twin) {
	w.scanAt(epoch.Add(1000))
	w.reopen()
	w.scanAt(epoch.Add(-1000000))
	w.reopen()
	w.scanAt(epoch)
	w.want("times", scanTimes(w), "10:00:00.002", "10:00:00.001", "10:00:00")
	w.check()
}

func crashInTransaction(w *twin) {
	a := busyLife(w)
	w.begin(w.tick())
	w.stage(modified(a, 2), created(in(instances, "lost"), 1))
	w.setScope(storage.ScopeState{Scope: instances, Status: storage.ScopeFailed})
	w.crash()
	w.check()
	w.scan() // of an unchanged world: what was staged before must not show through
	w.check()
	w.scan(modified(a, 8))
	w.wantHistory(a, "modified 11-", "created 7-11", "disappeared 5-7", "modified 3-5", "created 2-3")
	w.check()
}

func crashInFirst(w *twin) {
	w.begin(w.tick())
	w.stage(created(in(instances, "lost"), 1))
	w.crash()
	emptyStore(w)
	w.scan(created(in(instances, "a"), 1))
	w.wantList(storage.Query{}, "a@1")
	w.check()
}

func crashWithMany(w *twin) {
	keep := in(instances, "keep")
	w.scan(created(keep, 1))
	for range 2 {
		w.begin(w.tick())
		for _, k := range many(instances, manyCount) {
			w.stage(created(k, 1))
		}
		w.stage(disappeared(keep))
		w.crash()
		w.check()
	}
	w.scan()
	w.wantList(storage.Query{}, "keep@1")
	w.scan(created(in(instances, "i-000005"), 1))
	w.wantList(storage.Query{}, "i-000005@3", "keep@1")
	w.wantChanges(storage.ChangeQuery{}, "3-1 created i-000005", "1-1 created keep")
	w.check()
}

func crashAfterCommit(w *twin) {
	a := busyLife(w)
	for n := range 3 {
		w.scan(modified(a, 8+n))
		w.crash()
		w.check()
	}
	w.wantRevision(12)
}

func closeTwice(w *twin) {
	w.scan(created(in(instances, "a"), 1))
	w.ok(w.store.Close(), "Close")
	w.ok(w.store.Close(), "a second Close")
}

func closedStore(w *twin) {
	key := in(instances, "a")
	w.scan(created(key, 1))
	w.ok(w.store.Close(), "Close")
	s := w.store
	_, headErr := s.Head(w.ctx)
	_, beginErr := s.Begin(w.ctx, w.tick())
	_, getErr := s.Get(w.ctx, key, storage.HeadRevision)
	_, atErr := s.RevisionAt(w.ctx, epoch)
	_, statsErr := s.Stats(w.ctx)
	_, knownErr := collect(s.Known(w.ctx, instances, storage.HeadRevision))
	_, listErr := collect(s.List(w.ctx, storage.Query{}))
	_, historyErr := collect(s.History(w.ctx, key))
	_, changesErr := collect(s.Changes(w.ctx, storage.ChangeQuery{}))
	_, scansErr := collect(s.Scans(w.ctx, storage.HeadRevision))
	_, scopesErr := collect(s.Scopes(w.ctx, storage.HeadRevision))
	for method, err := range map[string]error{
		"Head": headErr, "Begin": beginErr, "Get": getErr, "RevisionAt": atErr, "Stats": statsErr, "Known": knownErr,
		"List": listErr, "History": historyErr, "Changes": changesErr, "Scans": scansErr, "Scopes": scopesErr,
	} {
		if !errors.Is(err, storage.ErrClosed) {
			w.fail("%s of a closed store: %v, want ErrClosed", method, err)
		}
	}
}

// closeWaits cannot see that Close waits, only that it did not end too early.
func closeWaits(w *twin) {
	w.begin(w.tick())
	closing, closed := make(chan struct{}), make(chan error, 1)
	go func() {
		close(closing)
		closed <- w.store.Close()
	}()
	<-closing
	for _, k := range many(instances, 1000) {
		w.stage(created(k, 1))
	}
	select {
	case err := <-closed:
		w.fail("Close returned (%v) while a transaction was open", err)
	default:
	}
	w.commit(storage.ScanMetadata{})
	w.ok(<-closed, "Close")
	if w.options.Persistent {
		w.store = w.open(w.t, w.dir)
		w.wantCount(1000)
	}
}

func closeDuringIteration(w *twin) {
	keys := many(instances, 2000)
	w.begin(w.tick())
	for _, k := range keys {
		w.stage(created(k, 1))
	}
	w.commit(storage.ScanMetadata{})
	closed := make(chan error, 1)
	n := 0
	for v, err := range w.store.List(w.ctx, storage.Query{}) {
		if err != nil {
			if !errors.Is(err, storage.ErrClosed) {
				w.fail("List while the store is closed: %v, want ErrClosed", err)
			}
			n = len(keys)
			break
		}
		if n == 0 {
			go func() { closed <- w.store.Close() }()
		}
		if v.Resource.Key != keys[n] {
			w.fail("element %d is %s, want %s", n, v.Resource.Key, keys[n])
		}
		n++
	}
	if n != len(keys) {
		w.fail("List ended without an error after %d of %d elements", n, len(keys))
	}
	w.ok(<-closed, "Close")
}
