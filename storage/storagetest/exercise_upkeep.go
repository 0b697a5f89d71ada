package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/elava-dev/elava/storage"
)

// reclaimer is an engine that can be asked to give the space of what was trimmed back.
type reclaimer interface {
	Reclaim(ctx context.Context, progress func(done, total int)) error
}

var upkeepCases = []testCase{
	{name: "a Trim that was cut off is finished by the same one", run: func(w *twin) { trimCutOff(w, 6, 6) }},
	{name: "a Trim that was cut off is finished by the next", run: func(w *twin) { trimCutOff(w, 4, 6) }},
	{name: "a Trim that was cut off is finished after reopening", needs: persistence, run: trimCutOffThenReopen},
	{name: "Trims at a time leave the highest as the oldest", run: trimsAtATime},
	{name: "Trim while thousands of resources are staged touches nothing of them", heavy: true, run: trimWhileManyAreStaged},
	{name: "giving space back changes no answer", run: reclaimChangesNothing},
	{name: "giving space back says how far it is", run: reclaimTellsProgress},
}

// countdown is a context that is cancelled after it was asked so many times.
type countdown struct {
	context.Context
	mu   sync.Mutex
	left int
}

func (c *countdown) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// eventful commits seven revisions with events of all kinds in each.
func eventful(w *twin) {
	for n := range 7 {
		w.begin(w.tick())
		for i := range 12 {
			key := in(instances, fmt.Sprint("i-", i))
			switch {
			case n == 0 || n == i%7+2:
				w.stage(created(key, n))
			case n == i%7+1:
				w.stage(disappeared(key))
			default:
				w.stage(modified(key, n))
			}
		}
		w.setScope(storage.ScopeState{Scope: instances, Status: storage.ScopeComplete, Resources: n})
		w.commit(storage.ScanMetadata{})
	}
}

// trimCutOff cancels Trim at one place after the other, and then trims up to a revision
// without cancelling it.
func trimCutOff(w *twin, first, then int64) {
	cutOff := 0
	for _, n := range []int{0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144} {
		w.close()
		w.dir, w.model = w.t.TempDir(), NewModel()
		w.store = w.open(w.t, w.dir)
		eventful(w)
		err := w.store.Trim(&countdown{Context: w.ctx, left: n}, first)
		if err != nil && !errors.Is(err, context.Canceled) {
			w.fail("a Trim that was cancelled: %v", err)
		}
		w.trim(then)
		w.check()
		if err == nil {
			break
		}
		cutOff++
	}
	if cutOff == 0 {
		w.fail("Trim never looked at its context")
	}
}

func trimCutOffThenReopen(w *twin) {
	eventful(w)
	for n := range 10 {
		if err := w.store.Trim(&countdown{Context: w.ctx, left: 3 * n}, 5); err != nil && !errors.Is(err, context.Canceled) {
			w.fail("a Trim that was cancelled: %v", err)
		}
		w.ok(w.store.Close(), "Close")
		w.store = w.open(w.t, w.dir)
	}
	w.trim(5)
	w.check()
	w.scan(created(in(instances, "new"), 1))
	w.check()
}

func trimsAtATime(w *twin) {
	eventful(w)
	var trims sync.WaitGroup
	failures := make(chan error, 7)
	for _, revision := range []int64{6, 2, 5, 3, 4, 7, 1} {
		trims.Go(func() { failures <- w.store.Trim(w.ctx, revision) })
	}
	trims.Wait()
	close(failures)
	for err := range failures {
		w.ok(err, "Trim")
	}
	w.ok(w.model.Trim(w.ctx, 7), "Trim of the model")
	w.check()
}

func trimWhileManyAreStaged(w *twin) {
	keep := in(instances, "keep")
	for n := range 5 {
		w.scan(created(keep, n), disappeared(keep), created(keep, n+1))
	}
	for round, end := range []func(){
		func() { w.rollback() },
		func() { w.commit(storage.ScanMetadata{}) },
	} {
		w.begin(w.tick())
		for i, k := range many(instances, 2000) { // which are 14,000 entries or more, in an engine that indexes events
			w.stage(created(k, round))
			if i == 1000 {
				w.trim(int64(3 + round))
			}
		}
		w.trim(int64(4 + round))
		end()
		w.check()
	}
	w.wantCount(2001)
}

func reclaimChangesNothing(w *twin) {
	r, ok := w.store.(reclaimer)
	if !ok {
		return
	}
	reclaim := func() {
		w.ok(r.Reclaim(w.ctx, nil), "Reclaim")
		w.check()
	}
	reclaim() // of an empty store
	eventful(w)
	reclaim()
	w.trim(4)
	reclaim()
	w.scan(created(in(instances, "new"), 1), disappeared(in(instances, "i-1")))
	w.begin(w.tick())
	w.stage(created(in(instances, "newer"), 1))
	w.rollback()
	reclaim()
	w.trim(8)
	reclaim()
	reclaim()
}

func reclaimTellsProgress(w *twin) {
	r, ok := w.store.(reclaimer)
	if !ok {
		return
	}
	eventful(w)
	w.trim(7)
	last, total := 0, 0
	w.ok(r.Reclaim(w.ctx, func(done, of int) {
		if done < last || done > of {
			w.fail("step %d of %d comes after step %d", done, of, last)
		}
		last, total = done, of
	}), "Reclaim")
	if total == 0 || last != total {
		w.fail("at the end, %d of %d steps are done", last, total)
	}
	cancelled, cancel := context.WithCancel(w.ctx)
	cancel()
	if err := r.Reclaim(cancelled, nil); !errors.Is(err, context.Canceled) {
		w.fail("Reclaim with a cancelled context: %v", err)
	}
	w.check()
}
