package storagetest

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

var diffCases = []testCase{
	{name: "Diff yields what was recorded between two revisions, in order", run: diffTells},
	{name: "Diff tells a resource that was replaced, and one that came and went", run: diffOfReplaced},
	{name: "Diff yields quiet versions and says that they are", run: diffOfQuiet},
	{name: "Diff selects by what was and by what is", run: diffFilters},
	{name: "Diff goes on behind a key", run: diffAfter},
	{name: "Diff tells what it passes, and goes on behind it", run: diffPassed},
	{name: "Diff refuses revisions that are not there", run: diffBounds},
	{name: "Diff of many changes is that of few", run: diffOfMany, heavy: true},
	{name: "Diff sees nothing of what was rolled back", run: diffAfterRollback},
}

// wantDiff ends the test where a diff is another one than the lines, or the model's.
func (w *twin) wantDiff(q storage.DiffQuery, want ...string) {
	w.t.Helper()
	differences, err := w.diff(q)
	w.ok(err, "Diff")
	lines := []string{}
	for _, d := range differences {
		before := "nothing"
		if d.Before != nil {
			before = lifeLine(d.Before)
		}
		var steps []string
		for _, s := range d.Steps {
			steps = append(steps, fmt.Sprintf("%s@%d", s.ChangeType, s.Revision))
		}
		lines = append(lines, fmt.Sprintf("%s: %s, %s", d.After.Resource.Key.ID, before, strings.Join(steps, " ")))
	}
	w.want(showDiffQuery(q), lines, want...)
}

func diffTells(w *twin) {
	a, _ := lifeOfA(w) // b 1; a created 2, modified 3, disappeared 5, created 7
	w.wantDiff(storage.DiffQuery{From: 1, To: 2}, "a: nothing, created@2")
	w.wantDiff(storage.DiffQuery{From: 2, To: 4}, "a: created 2-3, modified@3")
	w.wantDiff(storage.DiffQuery{From: 3, To: 4})
	w.wantDiff(storage.DiffQuery{From: 3, To: 5}, "a: modified 3-5, disappeared@5")
	w.wantDiff(storage.DiffQuery{From: 1, To: 6}, "a: nothing, created@2 modified@3 disappeared@5")
	w.wantDiff(storage.DiffQuery{From: 5, To: 7}, "a: disappeared 5-7, created@7")
	w.wantDiff(storage.DiffQuery{From: 4, To: storage.HeadRevision}, "a: modified 3-5, disappeared@5 created@7")
	w.wantDiff(storage.DiffQuery{From: 5, To: 5})
	w.wantDiff(storage.DiffQuery{From: 6, To: 2})
	w.scan(disappeared(a), created(in(instances, "0"), 1))
	w.wantDiff(storage.DiffQuery{From: 7, To: 8}, "0: nothing, created@8", "a: created 7-8, disappeared@8")
	w.check()
}

func diffOfReplaced(w *twin) {
	a, b := in(instances, "a"), in(instances, "b")
	w.scan(created(a, 1))
	w.scan(disappeared(a), created(a, 2), created(b, 1))
	w.scan(disappeared(b))
	w.wantDiff(storage.DiffQuery{From: 1, To: 3}, "a: created 1-2, created@2", "b: nothing, created@2 disappeared@3")
	got, err := w.diff(storage.DiffQuery{From: 1, To: 2})
	w.ok(err, "Diff")
	if want := (storage.EventID{Revision: 2, Number: 2}); got[0].Steps[0].Event != want {
		w.fail("the event of the step is %v, want that of the creation, %v", got[0].Steps[0].Event, want)
	}
}

func diffOfQuiet(w *twin) {
	a, b := in(instances, "a"), in(instances, "b")
	w.scan(baseline(a, 1))
	w.scan(rebaselined(a, 2), baseline(b, 1))
	w.scan(modified(a, 3))
	w.wantDiff(storage.DiffQuery{From: 1, To: 3}, "a: baseline 1-2, rebaselined@2 modified@3", "b: nothing, baseline@2")
	got, err := w.diff(storage.DiffQuery{From: 1, To: 3, Filter: storage.Filter{ID: "a"}})
	w.ok(err, "Diff")
	if steps := got[0].Steps; steps[0].Event != (storage.EventID{}) || len(steps[0].Changes) > 0 || len(steps[1].Changes) != 2 {
		w.fail("steps are %+v, want a quiet one without changes and one with two", steps)
	}
}

func diffFilters(w *twin) {
	web, other := in(instances, "web"), in(scopeOf("eu-west-1", bucket), "assets")
	named := func(n int, name string) *resource.Resource {
		r := example(web, n)
		r.Name, r.Tags = name, map[string]string{"team": name}
		return r
	}
	w.scan(observed(change.Created, named(1, "old")), created(other, 1))
	w.scan(observed(change.Modified, named(2, "new"), change.FieldChange{Path: "name", Old: []byte(`"old"`), New: []byte(`"new"`)}), modified(other, 2))
	for _, name := range []string{"old", "new"} {
		f := storage.Filter{Name: name, Tags: []storage.TagFilter{{Key: "team", Value: name}}}
		w.wantDiff(storage.DiffQuery{From: 1, To: 2, Filter: f}, "web: created 1-2, modified@2")
	}
	for _, f := range []storage.Filter{{Name: "no"}, {ID: "we"}, {Types: []string{"*role"}}, {Accounts: []string{"9"}}} {
		w.wantDiff(storage.DiffQuery{From: 1, To: 2, Filter: f})
	}
	for _, f := range []storage.Filter{{ID: "assets"}, {Types: []string{"*BUCKET"}}, {Regions: []string{"eu-west-1"}}} {
		w.wantDiff(storage.DiffQuery{From: 1, To: 2, Filter: f}, "assets: created 1-2, modified@2")
	}
	w.scan(disappeared(web))
	w.wantDiff(storage.DiffQuery{From: 2, To: 3, Filter: storage.Filter{Name: "new"}}, "web: modified 2-3, disappeared@3")
}

func diffAfter(w *twin) {
	keys := many(instances, 5)
	var first, second []storage.Mutation
	for i, k := range keys {
		first = append(first, created(k, 1))
		if i != 1 {
			second = append(second, modified(k, 2))
		}
	}
	w.scan(first...)
	w.scan(second...)
	w.wantDiff(storage.DiffQuery{From: 1, To: 2, After: &keys[1]},
		"i-000002: created 1-2, modified@2", "i-000003: created 1-2, modified@2", "i-000004: created 1-2, modified@2")
	w.wantDiff(storage.DiffQuery{From: 1, To: 2, After: &keys[3]}, "i-000004: created 1-2, modified@2")
	w.wantDiff(storage.DiffQuery{From: 1, To: 2, After: &keys[4]})
	w.scan(rebaselined(keys[1], 3)) // one without an event is found in another way
	w.wantDiff(storage.DiffQuery{From: 1, To: 3, After: &keys[2]}, "i-000003: created 1-2, modified@2", "i-000004: created 1-2, modified@2")
}

func diffBounds(w *twin) {
	a := in(instances, "a")
	w.scan(created(a, 1))
	w.scan(modified(a, 2))
	for _, q := range []storage.DiffQuery{{From: 3, To: 2}, {From: 1, To: 3}} {
		if _, err := w.diff(q); !errors.Is(err, storage.ErrFutureRevision) {
			w.fail("%s: %v, want ErrFutureRevision", showDiffQuery(q), err)
		}
	}
	w.scan(modified(a, 3))
	w.trim(2)
	if _, err := w.diff(storage.DiffQuery{From: 1, To: 3}); !errors.Is(err, storage.ErrCompacted) {
		w.fail("Diff from a revision that was trimmed: %v, want ErrCompacted", err)
	}
	w.wantDiff(storage.DiffQuery{From: 2, To: 3}, "a: modified 2-3, modified@3")
}

// diffOfMany has more changes than an engine may want to hold in memory.
func diffOfMany(w *twin) {
	keys := many(instances, 6000)
	for n := 1; n <= 3; n++ {
		muts := make([]storage.Mutation, len(keys))
		for i, k := range keys {
			if muts[i] = modified(k, n); n == 1 {
				muts[i] = created(k, n)
			}
		}
		w.scan(muts...)
	}
	for _, q := range []storage.DiffQuery{
		{From: 1, To: 2, After: &keys[5990]}, {From: 1, To: 3, After: &keys[5990]},
		{From: 1, To: 3, Filter: storage.Filter{ID: keys[17].ID}}, {From: 1, To: 3, Filter: storage.Filter{Types: []string{bucket}}},
	} {
		_, err := w.diff(q)
		w.ok(err, "Diff")
	}
	all, err := w.diff(storage.DiffQuery{From: 1, To: 3})
	w.ok(err, "Diff")
	if len(all) != len(keys) {
		w.fail("%d differences, want %d", len(all), len(keys))
	}
}

func diffAfterRollback(w *twin) {
	a, b := in(instances, "a"), in(instances, "b")
	w.scan(created(a, 1))
	w.begin(w.tick())
	w.stage(modified(a, 2), created(b, 1))
	w.rollback()
	w.scan(created(in(instances, "c"), 1))
	w.wantDiff(storage.DiffQuery{From: 1, To: 2}, "c: nothing, created@2")
}

// diffPassed breaks diffs off after every few resources that are not selected: those that
// are found by their events, and those that are found by walking over what is recorded.
func diffPassed(w *twin) {
	var first, second []storage.Mutation
	for i, k := range append(many(instances, 30), many(scopeOf("eu-west-1", bucket), 30)...) {
		first = append(first, baseline(k, i%7))
		if i%3 > 0 {
			second = append(second, modified(k, i%5))
		}
	}
	other := resource.Key{Provider: "aws", Account: "999", Region: region, Type: instance, ID: "c"}
	w.scan(first...)
	w.scan(append(second, disappeared(in(instances, "i-000003")))...)
	w.scan(baseline(other, 1), modified(in(instances, "i-000004"), 6))
	for _, filter := range []storage.Filter{
		{Tags: []storage.TagFilter{{Key: "n", Value: "3"}}},
		{Tags: []storage.TagFilter{{Key: "none", AnyValue: true}}},
		{ID: "i-000007"},
		{ID: "none"},
		{Regions: []string{"eu-west-1"}, Tags: []storage.TagFilter{{Key: "n", Value: "1"}}},
	} {
		for _, q := range []storage.DiffQuery{{Filter: filter, From: 1, To: 2}, {Filter: filter, From: 1, To: 3}} {
			want, err := w.diff(q)
			w.ok(err, "Diff")
			var wanted, got []string
			for _, d := range want {
				wanted = append(wanted, d.After.Resource.Key.String())
			}
			for rest, broken := q, true; broken; {
				var last resource.Key
				last, broken = untilPassed(w, 3, resource.Key.Compare, func(passed func(resource.Key) error) iter.Seq2[*storage.Difference, error] {
					rest.Passed = passed
					return w.store.Diff(w.ctx, rest)
				}, func(d *storage.Difference) { got = append(got, d.After.Resource.Key.String()) })
				rest.After = &last
			}
			w.want(showDiffQuery(q)+", broken off", got, wanted...)
		}
	}
}
