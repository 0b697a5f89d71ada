package storagetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

var robustnessCases = []testCase{
	{name: "documents of three megabytes come back as they were", heavy: true, run: largeDocuments},
	{name: "texts come back as they were", run: oddTexts},
	{name: "a cancelled context ends an iterator with its error", run: cancelledIterators},
	{name: "a context that is cancelled on the way ends an iterator with its error", heavy: true, run: cancelledOnTheWay},
	{name: "a cancelled context ends single questions with its error", run: cancelledQuestions},
	{name: "iterators can be broken off at any time", run: brokenOff},
	{name: "readers see whole revisions while others are committed", heavy: true, run: concurrentReaders},
}

// beginIterator takes the first element of seq and returns a function that takes the
// rest and returns the texts of all.
func beginIterator[T any](w *twin, seq iter.Seq2[T, error], text func(T) string) (rest func() []string) {
	w.t.Helper()
	next, stop := iter.Pull2(seq)
	w.t.Cleanup(stop)
	first, err, ok := next()
	if !ok || err != nil {
		w.fail("the first element: %v, %v", ok, err)
	}
	return func() []string {
		all := []string{text(first)}
		for {
			item, err, ok := next()
			if !ok {
				return all
			}
			w.ok(err, "an iterator that was opened before a commit")
			all = append(all, text(item))
		}
	}
}

func largeDocuments(w *twin) {
	const size = 3 << 20
	random := rand.New(rand.NewPCG(1, 2))
	text := func() string { // that does not compress to nothing
		var b strings.Builder
		for b.Len() < size {
			fmt.Fprintf(&b, "%016x", random.Uint64())
		}
		return b.String()
	}
	var olds []string
	for i := range 3 {
		olds = append(olds, text())
		r := example(in(instances, fmt.Sprint("big-", i)), 1)
		r.Attributes = []byte(`{"Body":"` + olds[i] + `"}`)
		w.scan(observed(change.Created, r), created(in(instances, fmt.Sprint("small-", i)), 1))
	}
	r := example(in(instances, "big-1"), 1)
	newText := text()
	r.Attributes = []byte(`{"Body":"` + newText + `"}`)
	w.scan(observed(change.Modified, r, change.FieldChange{
		Path: "attributes.Body", Old: []byte(`"` + olds[1] + `"`), New: []byte(`"` + newText + `"`),
	}))
	w.wantHistory(r.Key, "modified 4-", "created 2-4")
	w.wantList(storage.Query{}, "big-0@1", "big-1@4", "big-2@3", "small-0@1", "small-1@2", "small-2@3")
	if w.options.Persistent {
		w.reopen()
	}
	w.check()
}

func oddTexts(w *twin) {
	r := example(in(instances, "a"), 1)
	r.Name, r.Status, r.ARN, r.UID = "\x00\x01\n\t\"\\", "läuft\u2028", "🦊", " "
	r.Tags = map[string]string{"": "", " ": "x", "a=b": "c=d", "\x00": "\x7f", "日本": "語", strings.Repeat("k", 5000): strings.Repeat("v", 5000)}
	r.Attributes = []byte(`{"":"","a":[null,1e400,-0,123456789012345678901234567890],"b":"\u0000<&>\u2028"}`)
	mut := observed(change.Modified, r,
		change.FieldChange{Path: "tags. ", Old: []byte("null"), New: []byte(`"x"`)},
		change.FieldChange{Path: "attributes.a[2]", Old: []byte("-0"), New: []byte(`{"<":1e400}`)})
	mut.Incomplete = []string{"attributes.ü", "tags"}
	w.scan(mut)
	w.setStates(storage.ScopeState{Scope: instances, Status: storage.ScopeFailed, Error: "\x00\n\"<>", Reason: "日本"})
	w.check()
}

// manyOfAll commits so much of everything that an iterator cannot have it all at hand,
// and returns an iteration of each kind that has many elements.
func manyOfAll(w *twin, n int) map[string]func(ctx context.Context) iter.Seq[error] {
	w.begin(w.tick())
	for i, k := range many(instances, n) {
		w.stage(created(k, 1))
		w.setScope(storage.ScopeState{Scope: scopeOf(region, fmt.Sprintf("T%05d", i)), Status: storage.ScopeComplete})
	}
	w.commit(storage.ScanMetadata{})
	s := w.store
	return map[string]func(ctx context.Context) iter.Seq[error]{
		"Known": func(ctx context.Context) iter.Seq[error] {
			return errorsOf(s.Known(ctx, instances, storage.HeadRevision))
		},
		"List":    func(ctx context.Context) iter.Seq[error] { return errorsOf(s.List(ctx, storage.Query{})) },
		"Changes": func(ctx context.Context) iter.Seq[error] { return errorsOf(s.Changes(ctx, storage.ChangeQuery{})) },
		"Changes, oldest first": func(ctx context.Context) iter.Seq[error] {
			return errorsOf(s.Changes(ctx, storage.ChangeQuery{OldestFirst: true}))
		},
		"Scopes": func(ctx context.Context) iter.Seq[error] { return errorsOf(s.Scopes(ctx, storage.HeadRevision)) },
	}
}

func errorsOf[T any](seq iter.Seq2[T, error]) iter.Seq[error] {
	return func(yield func(error) bool) {
		for _, err := range seq {
			if !yield(err) {
				return
			}
		}
	}
}

func cancelledIterators(w *twin) {
	iterations := manyOfAll(w, 10)
	iterations["History"] = func(ctx context.Context) iter.Seq[error] {
		return errorsOf(w.store.History(ctx, in(instances, "i-000001")))
	}
	iterations["Scans"] = func(ctx context.Context) iter.Seq[error] {
		return errorsOf(w.store.Scans(ctx, storage.HeadRevision))
	}
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	for name, iterate := range iterations {
		var got []error
		for err := range iterate(ctx) {
			got = append(got, err)
		}
		if len(got) != 1 || !errors.Is(got[0], context.Canceled) {
			w.fail("%s with a cancelled context yielded %v, want context.Canceled and nothing else", name, got)
		}
	}
}

func cancelledOnTheWay(w *twin) {
	const total = 5000
	for name, iterate := range manyOfAll(w, total) {
		ctx, cancel := context.WithCancel(w.ctx)
		n := 0
		var last error
		for last = range iterate(ctx) {
			if n++; n == 3 {
				cancel()
			}
		}
		cancel()
		if !errors.Is(last, context.Canceled) || n > total {
			w.fail("%s, cancelled at the third element, ended after %d of %d with %v, want context.Canceled", name, n, total, last)
		}
	}
}

func cancelledQuestions(w *twin) {
	key := in(instances, "a")
	w.scan(created(key, 1))
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	_, beginErr := w.store.Begin(ctx, w.tick())
	_, getErr := w.store.Get(ctx, key, storage.HeadRevision)
	for method, err := range map[string]error{"Begin": beginErr, "Get": getErr} {
		if !errors.Is(err, context.Canceled) {
			w.fail("%s with a cancelled context: %v, want context.Canceled", method, err)
		}
	}
	w.scan(modified(key, 2)) // the cancelled Begin left nothing open
	w.check()
}

func brokenOff(w *twin) {
	iterations := manyOfAll(w, 300)
	for name, iterate := range iterations {
		for _, stop := range []int{1, 2, 150, 300} {
			n := 0
			for err := range iterate(w.ctx) {
				w.ok(err, name)
				if n++; n == stop {
					break
				}
			}
			if n != stop {
				w.fail("%s ended after %d elements, want at least %d", name, n, stop)
			}
		}
	}
	w.scan(disappeared(in(instances, "i-000001")))
	w.wantCount(299)
}

// concurrentReaders commits revisions in each of which every resource holds the
// revision's number, while readers look for one that holds another.
func concurrentReaders(w *twin) {
	const resources, revisions, readers = 40, 30, 4
	keys := many(instances, resources)
	commit := func(revision int) {
		w.begin(w.tick())
		for _, k := range keys {
			if revision == 1 {
				w.stage(created(k, 1))
			} else {
				w.stage(modified(k, revision))
			}
		}
		w.setScope(storage.ScopeState{Scope: instances, Status: storage.ScopeFailed, Resources: revision})
		w.commit(storage.ScanMetadata{})
	}
	commit(1)

	var done atomic.Bool
	var wg sync.WaitGroup
	failures := make(chan error, readers)
	for range readers {
		wg.Go(func() {
			for last := false; !last; {
				last = done.Load() // one more round after the last commit
				if err := readOnce(w.ctx, w.store, keys); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	func() {
		defer wg.Wait() // also where a commit fails
		defer done.Store(true)
		for r := 2; r <= revisions; r++ {
			commit(r)
		}
	}()
	close(failures)
	for err := range failures {
		w.fail("a reader: %v", err)
	}
	w.check()
}

// readOnce asks everything about one revision and fails where an answer is of another.
func readOnce(ctx context.Context, s storage.Store, keys []resource.Key) error {
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	for _, ask := range []int64{head.Revision, storage.HeadRevision} {
		versions, err := collect(s.List(ctx, storage.Query{Revision: ask}))
		if err != nil {
			return fmt.Errorf("List: %w", err)
		}
		if len(versions) != len(keys) {
			return fmt.Errorf("List at revision %d yielded %d resources, want %d", ask, len(versions), len(keys))
		}
		for _, v := range versions {
			if v.Revision != versions[0].Revision || v.Revision < head.Revision || v.Resource.Tags["n"] != fmt.Sprint(v.Revision) {
				return fmt.Errorf("List at revision %d, with head %d: %s is of revision %d with n %s, the first of %d",
					ask, head.Revision, v.Resource.Key, v.Revision, v.Resource.Tags["n"], versions[0].Revision)
			}
		}
	}
	known, err := collect(s.Known(ctx, instances, head.Revision))
	if err != nil || len(known) != len(keys) {
		return fmt.Errorf("Known yielded %d resources and %w, want %d", len(known), err, len(keys))
	}
	for _, k := range known {
		if want := modified(k.Key, int(head.Revision)).Fingerprint; k.Fingerprint != want {
			return fmt.Errorf("Known at revision %d: fingerprint of %s is of another revision", head.Revision, k.Key)
		}
	}
	v, err := s.Get(ctx, keys[len(keys)/2], head.Revision)
	if err != nil || v.Revision != head.Revision {
		return fmt.Errorf("Get at revision %d: %+v, %w", head.Revision, v, err)
	}
	events, err := collect(s.Changes(ctx, storage.ChangeQuery{Above: head.Revision - 1, UpTo: head.Revision}))
	if err != nil || len(events) != len(keys) {
		return fmt.Errorf("Changes of revision %d yielded %d and %w, want %d", head.Revision, len(events), err, len(keys))
	}
	states, err := collect(s.Scopes(ctx, head.Revision))
	if err != nil || len(states) != 1 || states[0].Resources != int(head.Revision) {
		return fmt.Errorf("Scopes at revision %d: %s", head.Revision, showAll(states, err, viewScope))
	}
	return nil
}
