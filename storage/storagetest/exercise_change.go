package storagetest

import (
	"fmt"
	"iter"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

var changeCases = []testCase{
	{name: "the feed tells what was created, modified and disappeared, newest first", run: feed},
	{name: "an event tells everything about its change", run: eventIsComplete},
	{name: "events of one revision are numbered in the order in which they were staged", run: eventNumbers},
	{name: "the feed selects by every kind of filter", run: feedFilters},
	{name: "the feed is bounded by revisions", run: feedBounds},
	{name: "the feed goes on behind an event in both orders", run: feedAfter},
	{name: "the feed of one key is that key's only", run: feedOfKey},
	{name: "the feed of one id is that of all resources with it", run: feedOfID},
	{name: "the feed of one id is the same in many scopes", heavy: true, run: feedOfIDInManyScopes},
	{name: "the feed tells what it passes, and goes on behind it", run: feedPassed},
}

// feedFixture commits four revisions with events of all types, one of them without any.
func feedFixture(w *twin) {
	a, b := in(instances, "a"), in(scopeOf("eu-west-1", bucket), "b")
	other := resource.Key{Provider: "aws", Account: "999", Region: region, Type: instance, ID: "c"}
	w.scan(created(a, 1), created(b, 1), baseline(other, 1))
	w.scan()
	w.scan(modified(b, 2), modified(other, 2))
	w.scan(disappeared(a), rebaselined(b, 3), disappeared(other), created(other, 3))
}

func feed(w *twin) {
	feedFixture(w)
	all := []string{
		"4-3 created c", "4-2 disappeared c", "4-1 disappeared a",
		"3-2 modified c", "3-1 modified b",
		"1-2 created b", "1-1 created a",
	}
	w.wantChanges(storage.ChangeQuery{}, all...)
	var reversed []string
	for i := range all {
		reversed = append(reversed, all[len(all)-1-i])
	}
	w.wantChanges(storage.ChangeQuery{OldestFirst: true}, reversed...)
}

func eventIsComplete(w *twin) {
	feedFixture(w)
	b := in(scopeOf("eu-west-1", bucket), "b")
	events := w.changes(storage.ChangeQuery{Key: &b})
	w.same("the event of a modification", show(viewEvent(&storage.ChangeEvent{
		ID: "3-1", Revision: 3, Time: w.scans(4)[0].EndTime, ChangeType: change.Modified,
		Key: b.String(), Provider: "aws", Account: account, Region: "eu-west-1", Type: bucket, ResourceID: "b",
		Name: "name of b", Changes: modified(b, 2).Changes,
	})), show(viewEvent(events[0])))
	if len(events[1].Changes) > 0 {
		w.fail("the event of a creation has %d changes, want none", len(events[1].Changes))
	}
}

func eventNumbers(w *twin) {
	var muts []storage.Mutation
	var want []string
	for i := range 120 { // more than two digits
		id := fmt.Sprintf("%03d", i*7%120)
		if i%3 == 0 {
			muts = append(muts, baseline(in(instances, id), 1)) // takes no number
			continue
		}
		muts = append(muts, created(in(instances, id), 1))
		want = append(want, fmt.Sprintf("1-%d created %s", len(want)+1, id))
	}
	w.scan(muts...)
	w.wantChanges(storage.ChangeQuery{OldestFirst: true}, want...)
	for range 10 {
		w.scan()
	}
	w.scan(created(in(instances, "z"), 1))
	w.wantChanges(storage.ChangeQuery{OldestFirst: true}, append(want, "12-1 created z")...)
	w.check()
}

func feedFilters(w *twin) {
	feedFixture(w)
	for _, c := range []struct {
		query storage.ChangeQuery
		want  []string
	}{
		{storage.ChangeQuery{ChangeTypes: []change.Type{change.Modified}}, []string{"3-2 modified c", "3-1 modified b"}},
		{storage.ChangeQuery{ChangeTypes: []change.Type{change.Created, change.Disappeared}},
			[]string{"4-3 created c", "4-2 disappeared c", "4-1 disappeared a", "1-2 created b", "1-1 created a"}},
		{storage.ChangeQuery{ChangeTypes: []change.Type{change.Baseline, change.Rebaselined}}, nil},
		{storage.ChangeQuery{Filter: storage.Filter{Types: []string{"*::bucket"}}}, []string{"3-1 modified b", "1-2 created b"}},
		{storage.ChangeQuery{Filter: storage.Filter{Regions: []string{"eu-west-1"}}}, []string{"3-1 modified b", "1-2 created b"}},
		{storage.ChangeQuery{Filter: storage.Filter{Accounts: []string{"999"}}}, []string{"4-3 created c", "4-2 disappeared c", "3-2 modified c"}},
		{storage.ChangeQuery{Filter: storage.Filter{ID: "a"}}, []string{"4-1 disappeared a", "1-1 created a"}},
		{storage.ChangeQuery{Filter: storage.Filter{Name: "name of b"}}, []string{"3-1 modified b", "1-2 created b"}},
		{storage.ChangeQuery{Filter: storage.Filter{Name: "name of"}}, nil},
		{storage.ChangeQuery{Filter: storage.Filter{Accounts: []string{"999"}}, ChangeTypes: []change.Type{change.Created}, OldestFirst: true},
			[]string{"4-3 created c"}},
	} {
		w.wantChanges(c.query, c.want...)
	}
}

func feedBounds(w *twin) {
	feedFixture(w)
	for _, c := range []struct {
		above, upTo int64
		want        []string
	}{
		{0, 1, []string{"1-1 created a", "1-2 created b"}},
		{0, 2, []string{"1-1 created a", "1-2 created b"}},
		{1, 0, []string{"3-1 modified b", "3-2 modified c", "4-1 disappeared a", "4-2 disappeared c", "4-3 created c"}},
		{1, 3, []string{"3-1 modified b", "3-2 modified c"}},
		{2, 3, []string{"3-1 modified b", "3-2 modified c"}},
		{3, 4, []string{"4-1 disappeared a", "4-2 disappeared c", "4-3 created c"}},
		{3, 3, nil},
		{4, 0, nil},
		{3, 1, nil},
	} {
		w.wantChanges(storage.ChangeQuery{Above: c.above, UpTo: c.upTo, OldestFirst: true}, c.want...)
		var reversed []string
		for i := range c.want {
			reversed = append(reversed, c.want[len(c.want)-1-i])
		}
		w.wantChanges(storage.ChangeQuery{Above: c.above, UpTo: c.upTo}, reversed...)
	}
}

func feedAfter(w *twin) {
	feedFixture(w)
	id := func(revision int64, number int) storage.EventID {
		return storage.EventID{Revision: revision, Number: number}
	}
	for _, c := range []struct {
		after       storage.EventID
		oldestFirst bool
		want        []string
	}{
		{id(4, 2), false, []string{"4-1 disappeared a", "3-2 modified c", "3-1 modified b", "1-2 created b", "1-1 created a"}},
		{id(3, 1), false, []string{"1-2 created b", "1-1 created a"}},
		{id(2, 5), false, []string{"1-2 created b", "1-1 created a"}}, // need not exist
		{id(3, 0), false, []string{"1-2 created b", "1-1 created a"}},
		{id(1, 1), false, nil},
		{id(1, 2), true, []string{"3-1 modified b", "3-2 modified c", "4-1 disappeared a", "4-2 disappeared c", "4-3 created c"}},
		{id(2, 1), true, []string{"3-1 modified b", "3-2 modified c", "4-1 disappeared a", "4-2 disappeared c", "4-3 created c"}},
		{id(4, 0), true, []string{"4-1 disappeared a", "4-2 disappeared c", "4-3 created c"}},
		{id(4, 2), true, []string{"4-3 created c"}},
		{id(4, 3), true, nil},
	} {
		w.wantChanges(storage.ChangeQuery{After: c.after, OldestFirst: c.oldestFirst}, c.want...)
	}
	// Together with bounds and filters.
	w.wantChanges(storage.ChangeQuery{After: id(4, 3), Above: 1, UpTo: 4, ChangeTypes: []change.Type{change.Disappeared}},
		"4-2 disappeared c", "4-1 disappeared a")
	w.wantChanges(storage.ChangeQuery{After: id(1, 1), UpTo: 3, OldestFirst: true, Filter: storage.Filter{Accounts: []string{account}}},
		"1-2 created b", "3-1 modified b")
	w.wantChanges(storage.ChangeQuery{After: id(1, 1), Above: 3, OldestFirst: true},
		"4-1 disappeared a", "4-2 disappeared c", "4-3 created c")
	w.wantChanges(storage.ChangeQuery{After: id(4, 1), UpTo: 1},
		"1-2 created b", "1-1 created a")

	// The next revision is the continuation of the one asked for last.
	w.wantChanges(storage.ChangeQuery{After: id(4, 3), OldestFirst: true})
	w.scan(created(in(instances, "d"), 1))
	w.wantChanges(storage.ChangeQuery{After: id(4, 3), OldestFirst: true}, "5-1 created d")
}

func feedOfKey(w *twin) {
	a, ab := in(instances, "a"), in(instances, "a/b")
	elsewhere := in(scopeOf("eu-west-1", instance), "a")
	w.scan(created(a, 1), created(ab, 1), created(elsewhere, 1))
	w.scan(modified(ab, 2), modified(a, 2))
	w.wantChanges(storage.ChangeQuery{Key: &a}, "2-2 modified a", "1-1 created a")
	w.wantChanges(storage.ChangeQuery{Key: &ab, OldestFirst: true}, "1-2 created a/b", "2-1 modified a/b")
	w.wantChanges(storage.ChangeQuery{Key: &elsewhere}, "1-3 created a")
	w.wantChanges(storage.ChangeQuery{Key: &a, ChangeTypes: []change.Type{change.Modified}}, "2-2 modified a")
	w.wantChanges(storage.ChangeQuery{Key: &a, UpTo: 1}, "1-1 created a")
	never := in(instances, "never")
	w.wantChanges(storage.ChangeQuery{Key: &never})
}

func feedOfID(w *twin) {
	a, b := in(instances, "a"), in(scopeOf("eu-west-1", bucket), "a")
	w.scan(created(a, 1), created(b, 1), created(in(instances, "aa"), 1))
	w.scan(modified(b, 2), disappeared(a))
	w.scan(disappeared(b), created(b, 3))
	ofID := storage.ChangeQuery{Filter: storage.Filter{ID: "a"}}
	w.wantChanges(ofID, "3-2 created a", "3-1 disappeared a", "2-2 disappeared a", "2-1 modified a", "1-2 created a", "1-1 created a")
	for _, q := range []storage.ChangeQuery{
		{OldestFirst: true},
		{Above: 1, UpTo: 2},
		{After: storage.EventID{Revision: 3, Number: 2}},
		{ChangeTypes: []change.Type{change.Disappeared}},
		{Filter: storage.Filter{Types: []string{"*Bucket"}}},
		{Filter: storage.Filter{Name: "none"}},
	} {
		q.ID = "a"
		w.changes(q)
	}
	w.trim(2)
	w.wantChanges(ofID, "3-2 created a", "3-1 disappeared a")
	w.scan(created(a, 4))
	w.wantChanges(ofID, "4-1 created a", "3-2 created a", "3-1 disappeared a")
	w.wantChanges(storage.ChangeQuery{Filter: storage.Filter{ID: "none"}})
}

// feedOfIDInManyScopes has an id in more scopes than an engine might look into.
func feedOfIDInManyScopes(w *twin) {
	var first, second []storage.Mutation
	for i := range 2100 {
		k := in(scopeOf(fmt.Sprintf("region-%04d", i), instance), "b")
		if i%20 == 0 {
			k.ID = "a"
			second = append(second, modified(k, 2))
		}
		first = append(first, created(k, 1))
	}
	w.scan(first...)
	w.scan(second...)
	for _, regions := range [][]string{nil, {"region-0040"}} {
		for _, oldestFirst := range []bool{false, true} {
			w.changes(storage.ChangeQuery{Filter: storage.Filter{ID: "a", Regions: regions}, OldestFirst: oldestFirst})
		}
	}
}

// feedPassed breaks feeds off after every few events that are not selected.
func feedPassed(w *twin) {
	var first, second []storage.Mutation
	for i, k := range append(many(instances, 30), many(scopeOf("eu-west-1", bucket), 30)...) {
		first = append(first, created(k, i%7))
		if i%2 == 0 {
			second = append(second, modified(k, i%5))
		}
	}
	w.scan(first...)
	w.scan(append(second, disappeared(in(instances, "i-000003")))...)
	for _, q := range []storage.ChangeQuery{
		{Filter: storage.Filter{Name: "none"}},
		{Filter: storage.Filter{ID: "i-000007"}, ChangeTypes: []change.Type{change.Modified}},
		{Filter: storage.Filter{Types: []string{"*Bucket"}}, ChangeTypes: []change.Type{change.Modified}},
		{Filter: storage.Filter{Types: []string{"*"}, Regions: []string{"eu-west-1"}}, ChangeTypes: []change.Type{change.Created}},
		{ChangeTypes: []change.Type{change.Disappeared}, Filter: storage.Filter{Accounts: []string{account}}},
	} {
		for _, q.OldestFirst = range []bool{false, true} {
			var wanted, got []string
			for _, e := range w.changes(q) {
				wanted = append(wanted, e.ID)
			}
			order := storage.EventID.Compare
			if !q.OldestFirst {
				order = func(a, b storage.EventID) int { return b.Compare(a) }
			}
			for rest, broken := q, true; broken; {
				rest.After, broken = untilPassed(w, 3, order, func(passed func(storage.EventID) error) iter.Seq2[*storage.ChangeEvent, error] {
					rest.Passed = passed
					return w.store.Changes(w.ctx, rest)
				}, func(e *storage.ChangeEvent) { got = append(got, e.ID) })
			}
			w.want(showChangeQuery(q)+", broken off", got, wanted...)
		}
	}
}
