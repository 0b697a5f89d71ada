package storagetest

import (
	"fmt"
	"slices"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// nameCases are about what is found by its name or ARN, for which an engine may keep an
// index.
var nameCases = []testCase{
	{name: "a name finds what was called so at the revision", run: namesInThePast},
	{name: "an ARN finds what had it at the revision", run: arnsInThePast},
	{name: "a name finds what came back under it, and what replaced another", run: namesThatComeBack},
	{name: "a name together with other filters, and in pages", run: namesOfMany},
	{name: "names may be of any length and hold anything", run: oddNames},
	{name: "a name of a Rollback finds nothing", run: namesAfterRollback},
	{name: "Trim keeps the names of what it keeps", run: func(w *twin) { namesAfterTrim(w, 1, 2, 3, 4, 5, 6) }},
	{name: "Trim over several revisions keeps the names of what it keeps", run: func(w *twin) { namesAfterTrim(w, 4, 6) }},
	{name: "a name that Trim drops while it comes back is found", run: namesWhileTrimming},
	{name: "names are found after reopening", needs: persistence, run: func(w *twin) { namesAfter(w, w.reopen) }},
	{name: "names are found after a crash", needs: crashes, run: func(w *twin) { namesAfter(w, w.crash) }},
	{name: "names of what a crash cut off find nothing", needs: crashes, heavy: true, run: namesOfACutOffScan},
	{name: "the feed finds by name what is gone", run: namesInTheFeed},
}

// called returns the mutation that records a resource under a name and with an ARN.
func called(t change.Type, key resource.Key, name, arn string) storage.Mutation {
	r := example(key, len(name))
	r.Name, r.ARN = name, arn
	return observed(t, r)
}

// goneAs returns the tombstone of a resource that was last called so.
func goneAs(key resource.Key, name, arn string) storage.Mutation {
	return storage.Mutation{Type: change.Disappeared, Resource: &resource.Resource{Key: key, Name: name, ARN: arn}}
}

func byName(name string, revision int64) storage.Query {
	return storage.Query{Filter: storage.Filter{Name: name}, Revision: revision}
}

func byARN(arn string, revision int64) storage.Query {
	return storage.Query{Filter: storage.Filter{ARN: arn}, Revision: revision}
}

// lifeOfNames has two resources change names: a is web, api and then web again, is gone at
// revision 5 and again there, as db, at 6; b is web all the time.
func lifeOfNames(w *twin) (a, b resource.Key) {
	a, b = in(instances, "a"), in(instances, "b")
	w.scan(called(change.Created, a, "web", "arn:1"), called(change.Created, b, "web", "arn:b"))
	w.scan(called(change.Modified, a, "api", "arn:1"))
	w.scan(called(change.Rebaselined, a, "web", "arn:2"))
	w.scan(modified(in(instances, "c"), 1))
	w.scan(goneAs(a, "web", "arn:2"))
	w.scan(called(change.Created, a, "db", "arn:1"))
	return a, b
}

func namesInThePast(w *twin) {
	lifeOfNames(w)
	w.wantList(byName("web", 1), "a@1", "b@1")
	w.wantList(byName("api", 1))
	w.wantList(byName("web", 2), "b@1")
	w.wantList(byName("api", 2), "a@2")
	w.wantList(byName("web", 3), "a@3", "b@1")
	w.wantList(byName("api", 3))
	w.wantList(byName("web", 4), "a@3", "b@1")
	w.wantList(byName("web", 5), "b@1")
	w.wantList(byName("web", storage.HeadRevision), "b@1")
	w.wantList(byName("db", 5))
	w.wantList(byName("db", 6), "a@6")
	w.wantList(byName("we", 1))
	w.wantList(byName("webs", 1))
	w.check()
}

func arnsInThePast(w *twin) {
	a, _ := lifeOfNames(w)
	w.wantList(byARN("arn:1", 1), "a@1")
	w.wantList(byARN("arn:1", 2), "a@2")
	w.wantList(byARN("arn:1", 3))
	w.wantList(byARN("arn:2", 2))
	w.wantList(byARN("arn:2", 4), "a@3")
	w.wantList(byARN("arn:2", 5))
	w.wantList(byARN("arn:1", storage.HeadRevision), "a@6")
	w.wantList(byARN("web", 1)) // which is a name
	w.wantList(byName("arn:1", 1))
	both := storage.Query{Filter: storage.Filter{ARN: "arn:1", Name: "api"}, Revision: 1}
	w.wantList(both)
	both.Revision = 2
	w.wantList(both, "a@2")
	both.ID = a.ID
	w.wantList(both, "a@2")
	both.ID = "b"
	w.wantList(both)
}

func namesThatComeBack(w *twin) {
	a := in(instances, "a")
	w.scan(called(change.Baseline, a, "web", "arn:1"))
	w.scan(goneAs(a, "web", "arn:1"))
	w.scan(called(change.Created, a, "web", "arn:1"))
	w.scan(goneAs(a, "web", "arn:1"), called(change.Created, a, "web", "arn:1"))
	w.scan(goneAs(a, "web", "arn:1"), called(change.Created, a, "api", "arn:2"))
	for revision, want := range [][]string{1: {"a@1"}, 2: nil, 3: {"a@3"}, 4: {"a@4"}, 5: nil} {
		if revision > 0 {
			w.wantList(byName("web", int64(revision)), want...)
			w.wantList(byARN("arn:1", int64(revision)), want...)
		}
	}
	w.wantList(byName("api", 5), "a@5")
	for oldest := int64(2); oldest <= 5; oldest++ {
		w.trim(oldest)
		for revision := oldest; revision <= 5; revision++ {
			_, err := w.list(byName("web", revision))
			w.ok(err, "List")
		}
	}
	w.scan(called(change.Modified, a, "web", "arn:1"))
	w.wantList(byName("web", 6), "a@6")
	w.wantList(byName("web", 5))
}

// namesOfMany gives one name to more resources than an engine may want to look at one by one.
func namesOfMany(w *twin) {
	var first, second []storage.Mutation
	keys := many(instances, 300)
	for i, k := range keys {
		first = append(first, called(change.Created, k, "web", fmt.Sprint("arn:", i)))
		if i%3 == 0 {
			second = append(second, called(change.Modified, k, "api", fmt.Sprint("arn:", i)))
		}
	}
	other := in(scopeOf("eu-west-1", bucket), "assets")
	w.scan(append(first, called(change.Created, other, "web", ""))...)
	w.scan(second...)
	for _, q := range []storage.Query{byName("web", 1), byName("web", 2), byName("api", 1), byName("api", 2)} {
		for _, after := range []*resource.Key{nil, &keys[0], &keys[100], &keys[101], &keys[299], &other} {
			q.After = after
			_, err := w.list(q)
			w.ok(err, "List")
		}
	}
	q := byName("web", 2)
	q.Regions = []string{"eu-west-1"}
	w.wantList(q, "assets@1")
	q.Types = []string{"*::instance"}
	w.wantList(q)
	q.Regions, q.ID = nil, keys[7].ID
	w.wantList(q, keys[7].ID+"@1")
	q.Tags = []storage.TagFilter{{Key: "env", Value: "dev"}}
	w.wantList(q)
	for _, f := range []storage.Filter{{Name: "web"}, {Name: "api"}, {Name: "web", ID: "assets"}, {Name: "api", ID: keys[3].ID}} {
		for _, oldestFirst := range []bool{false, true} {
			w.changes(storage.ChangeQuery{Filter: f, OldestFirst: oldestFirst})
			w.changes(storage.ChangeQuery{Filter: f, OldestFirst: oldestFirst, After: storage.EventID{Revision: 1, Number: 5}})
		}
	}
}

func oddNames(w *twin) {
	long := string(slices.Repeat([]byte("long "), 20_000))
	names := []string{"\x00", "a", "a\x00", "a\x00b", "ü", "\xff", " ", "n", long, long + "x"}
	var muts []storage.Mutation
	for i, name := range names {
		muts = append(muts, called(change.Created, in(instances, fmt.Sprint(i)), name, name))
	}
	w.scan(muts...)
	for i, name := range names {
		w.wantList(byName(name, 1), fmt.Sprint(i)+"@1")
		w.wantList(byARN(name, 1), fmt.Sprint(i)+"@1")
	}
}

func namesAfterRollback(w *twin) {
	a := in(instances, "a")
	w.scan(called(change.Created, a, "web", "arn:1"))
	for _, n := range []int{0, 2000} { // the latter is more than is held back in memory
		w.begin(w.tick())
		w.stage(called(change.Modified, a, "api", "arn:2"))
		for _, k := range many(instances, n) {
			w.stage(called(change.Created, k, "web", ""))
		}
		w.rollback()
		w.wantList(byName("web", storage.HeadRevision), "a@1")
		w.wantList(byName("api", storage.HeadRevision))
		w.wantList(byARN("arn:1", storage.HeadRevision), "a@1")
	}
	w.scan(called(change.Modified, a, "db", "arn:3"))
	w.wantList(byName("web", 1), "a@1")
	w.wantList(byName("web", 2))
	w.wantList(byName("api", 2))
	w.wantList(byName("db", 2), "a@2")
}

func namesAfterTrim(w *twin, trims ...int64) {
	lifeOfNames(w)
	for _, oldest := range trims {
		w.trim(oldest)
		for _, name := range []string{"web", "api", "db"} {
			for revision := oldest; revision <= 6; revision++ {
				_, err := w.list(byName(name, revision))
				w.ok(err, "List")
			}
			w.changes(storage.ChangeQuery{Filter: storage.Filter{Name: name}})
		}
		for _, arn := range []string{"arn:1", "arn:2", "arn:b"} {
			for revision := oldest; revision <= 6; revision++ {
				_, err := w.list(byARN(arn, revision))
				w.ok(err, "List")
			}
		}
	}
	if r, ok := w.store.(reclaimer); ok {
		w.ok(r.Reclaim(w.ctx, nil), "Reclaim")
	}
	w.wantList(byName("web", 6), "b@1")
	w.wantList(byName("db", 6), "a@6")
}

// namesWhileTrimming has a name come back in a transaction that is open while Trim drops
// what was called so before.
func namesWhileTrimming(w *twin) {
	a, b := in(instances, "a"), in(instances, "b")
	w.scan(called(change.Created, a, "web", "arn:1"), called(change.Created, b, "web", ""))
	w.scan(called(change.Modified, a, "api", "arn:2"), goneAs(b, "web", ""))
	w.begin(w.tick())
	w.stage(called(change.Modified, a, "web", "arn:1"), called(change.Created, b, "web", ""))
	w.trim(2)
	w.commit(storage.ScanMetadata{})
	w.wantList(byName("web", 3), "a@3", "b@3")
	w.wantList(byARN("arn:1", 3), "a@3")
	w.wantList(byName("api", 2), "a@2")
	w.trim(3)
	w.wantList(byName("web", 3), "a@3", "b@3")
	w.wantList(byName("api", 3))
}

func namesAfter(w *twin, event func()) {
	for range 2 {
		lifeOfNames(w)
		event()
		head := w.head().Revision
		for revision := max(1, w.model.oldest); revision <= head; revision++ {
			for _, q := range []storage.Query{byName("web", revision), byName("api", revision), byARN("arn:1", revision), byARN("arn:2", revision)} {
				_, err := w.list(q)
				w.ok(err, "List")
			}
		}
		w.trim(head - 2)
		w.scan(goneAs(in(instances, "a"), "db", "arn:1"), goneAs(in(instances, "b"), "web", "arn:b"), disappeared(in(instances, "c")))
		event()
		w.wantList(byName("web", storage.HeadRevision))
		_, err := w.list(byName("web", head))
		w.ok(err, "List")
	}
}

func namesOfACutOffScan(w *twin) {
	a := in(instances, "a")
	w.scan(called(change.Created, a, "web", "arn:1"))
	w.begin(w.tick())
	w.stage(called(change.Modified, a, "api", "arn:2"))
	for _, k := range many(instances, 3000) {
		w.stage(called(change.Created, k, "web", ""))
	}
	w.crash()
	w.wantList(byName("web", 1), "a@1")
	w.wantList(byName("api", 1))
	w.scan(called(change.Modified, in(instances, "a"), "db", "arn:1"))
	w.wantList(byName("web", 2))
	w.wantList(byName("db", 2), "a@2")
	w.wantList(byARN("arn:1", 2), "a@2")
}

func namesInTheFeed(w *twin) {
	lifeOfNames(w)
	named := func(name string) storage.ChangeQuery { return storage.ChangeQuery{Filter: storage.Filter{Name: name}} }
	w.wantChanges(named("web"), "5-1 disappeared a", "1-2 created b", "1-1 created a")
	w.wantChanges(named("api"), "2-1 modified a")
	w.wantChanges(named("db"), "6-1 created a")
	gone := named("web")
	gone.ChangeTypes = []change.Type{change.Disappeared}
	w.wantChanges(gone, "5-1 disappeared a")
	gone.UpTo = 4
	w.wantChanges(gone)
	// The name of a tombstone is what the scan says, whatever the versions before say.
	a := in(instances, "a")
	w.scan(goneAs(a, "odd", "arn:odd"), called(change.Created, a, "db", "arn:1"))
	w.scan(goneAs(a, "odd", "arn:odd"))
	w.wantChanges(named("odd"), "8-1 disappeared a", "7-1 disappeared a")
	w.trim(7)
	w.wantChanges(named("odd"), "8-1 disappeared a")
	w.wantChanges(named("web"))
	w.trim(8)
	w.wantChanges(named("odd"))
}
