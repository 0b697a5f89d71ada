package storagetest

import (
	"errors"
	"iter"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

var filterCases = []testCase{
	{name: "List selects by every kind of filter", run: listFilters},
	{name: "List applies filters to the revision that it reads", run: listFiltersInThePast},
	{name: "List begins behind a key", run: listAfter},
	{name: "List yields every resource once where it is read in pages", run: listPages},
	{name: "List tells what it passes, and goes on behind it", run: listPassed},
	{name: "ids, types, regions and accounts that begin alike do not mix", heavy: true, run: prefixesDoNotMix},
	{name: "keys may contain whatever is valid", run: oddKeys},
}

// zoo commits five resources of different kinds.
func zoo(w *twin) {
	tagged := func(s resource.Scope, id, name string, tags map[string]string) storage.Mutation {
		r := example(in(s, id), 1)
		r.Name, r.Tags = name, tags
		return observed(change.Created, r)
	}
	other := resource.Scope{Provider: "aws", Account: "999", Region: "eu-west-1", Type: instance}
	w.scan(
		tagged(scopeOf(region, instance), "i-1", "web", map[string]string{"env": "prod", "team": ""}),
		tagged(scopeOf("eu-west-1", instance), "i-2", "web", map[string]string{"env": "dev"}),
		tagged(other, "i-3", "db", nil),
		tagged(scopeOf("eu-west-1", bucket), "b-1", "logs", map[string]string{"env": "prod", "team": "core"}),
		tagged(scopeOf(resource.Global, role), "r-1", "admin", map[string]string{"Env": "prod"}),
	)
}

func listFilters(w *twin) {
	zoo(w)
	tag := func(tags ...storage.TagFilter) storage.Filter { return storage.Filter{Tags: tags} }
	for _, c := range []struct {
		filter storage.Filter
		want   []string
	}{
		{storage.Filter{}, []string{"i-2@1", "i-1@1", "r-1@1", "b-1@1", "i-3@1"}},
		{storage.Filter{Types: []string{instance}}, []string{"i-2@1", "i-1@1", "i-3@1"}},
		{storage.Filter{Types: []string{"aws::ec2::*"}}, []string{"i-2@1", "i-1@1", "i-3@1"}},
		{storage.Filter{Types: []string{"*Bucket", "*::rol?"}}, []string{"r-1@1", "b-1@1"}},
		{storage.Filter{Types: []string{"AWS::EC2"}}, nil},
		{storage.Filter{Regions: []string{"eu-west-1"}}, []string{"i-2@1", "b-1@1", "i-3@1"}},
		{storage.Filter{Regions: []string{"global", "us-east-1"}}, []string{"i-1@1", "r-1@1"}},
		{storage.Filter{Accounts: []string{"999"}}, []string{"i-3@1"}},
		{storage.Filter{Accounts: []string{"999", account}, Regions: []string{"us-east-1"}}, []string{"i-1@1"}},
		{storage.Filter{Name: "web"}, []string{"i-2@1", "i-1@1"}},
		{storage.Filter{Name: "We"}, nil},
		{storage.Filter{ID: "i-1"}, []string{"i-1@1"}},
		{storage.Filter{ID: "i-"}, nil},
		{tag(storage.TagFilter{Key: "env", Value: "prod"}), []string{"i-1@1", "b-1@1"}},
		{tag(storage.TagFilter{Key: "env", AnyValue: true}), []string{"i-2@1", "i-1@1", "b-1@1"}},
		{tag(storage.TagFilter{Key: "team", Value: ""}), []string{"i-1@1"}},
		{tag(storage.TagFilter{Key: "team", AnyValue: true}), []string{"i-1@1", "b-1@1"}},
		{tag(storage.TagFilter{Key: "env", Value: "prod"}, storage.TagFilter{Key: "team", Value: "core"}), []string{"b-1@1"}},
		{storage.Filter{Types: []string{instance}, Regions: []string{"eu-west-1"}, Accounts: []string{account}, Name: "web", ID: "i-2"}, []string{"i-2@1"}},
	} {
		w.wantList(storage.Query{Filter: c.filter}, c.want...)
	}
}

func listFiltersInThePast(w *twin) {
	key := in(instances, "a")
	r := example(key, 1)
	r.Name = "before"
	w.scan(observed(change.Created, r))
	r = example(key, 2)
	r.Name = "after"
	w.scan(observed(change.Modified, r))
	named := func(name string, revision int64) storage.Query {
		return storage.Query{Filter: storage.Filter{Name: name}, Revision: revision}
	}
	w.wantList(named("before", 1), "a@1")
	w.wantList(named("after", 1))
	w.wantList(named("before", 2))
	w.wantList(named("after", 2), "a@2")
	w.wantList(storage.Query{Revision: 1, Filter: storage.Filter{Tags: []storage.TagFilter{{Key: "n", Value: "1"}}}}, "a@1")
	w.wantList(storage.Query{Revision: 1, Filter: storage.Filter{Tags: []storage.TagFilter{{Key: "n", Value: "2"}}}})
}

func listAfter(w *twin) {
	zoo(w)
	w.scan(disappeared(in(scopeOf(region, instance), "i-1")))
	behind := func(k resource.Key, revision int64) storage.Query {
		return storage.Query{After: &k, Revision: revision}
	}
	first := in(scopeOf("eu-west-1", instance), "i-2")
	w.wantList(behind(first, 1), "i-1@1", "r-1@1", "b-1@1", "i-3@1")
	w.wantList(behind(first, 2), "r-1@1", "b-1@1", "i-3@1")
	w.wantList(behind(in(scopeOf(region, instance), "i-1"), 2), "r-1@1", "b-1@1", "i-3@1")
	// Keys that never existed: before all, between two, behind all.
	w.wantList(behind(in(resource.Scope{Provider: "a", Account: "0", Region: "a", Type: "A"}, "a"), 1),
		"i-2@1", "i-1@1", "r-1@1", "b-1@1", "i-3@1")
	w.wantList(behind(in(scopeOf("eu-west-1", instance), "i-1"), 1), "i-2@1", "i-1@1", "r-1@1", "b-1@1", "i-3@1")
	w.wantList(behind(in(scopeOf("eu-west-1", instance), "i-20"), 1), "i-1@1", "r-1@1", "b-1@1", "i-3@1")
	w.wantList(behind(in(scopeOf("a", "AWS::IAM::Sole"), "x"), 1), "b-1@1", "i-3@1")
	w.wantList(behind(in(resource.Scope{Provider: "zzz", Account: "0", Region: "a", Type: "A"}, "a"), 1))
	// Together with filters.
	q := behind(first, 1)
	q.Regions = []string{"eu-west-1"}
	w.wantList(q, "b-1@1", "i-3@1")
}

func listPages(w *twin) {
	keys := many(instances, 25)
	for _, k := range keys {
		w.begin(w.tick())
		w.stage(created(k, 1))
		w.commit(storage.ScanMetadata{})
	}
	var q storage.Query
	var got []string
	for len(got) <= len(keys) {
		page := 0
		var last *resource.Key
		for v, err := range w.store.List(w.ctx, q) {
			w.ok(err, "List")
			got = append(got, v.Resource.Key.ID)
			last = &v.Resource.Key
			if page++; page == 4 {
				break
			}
		}
		if page < 4 {
			break
		}
		q.After = last
	}
	var want []string
	for _, k := range keys {
		want = append(want, k.ID)
	}
	w.want("all pages", got, want...)
}

// listPassed breaks listings off after every few resources that are not selected.
func listPassed(w *twin) {
	var first, second []storage.Mutation
	for i, k := range append(many(instances, 30), many(scopeOf("eu-west-1", bucket), 30)...) {
		r := example(k, i%7)
		r.Name = "web"
		first = append(first, observed(change.Created, r))
		if i%2 == 0 {
			r = example(k, i%5)
			r.Name = []string{"web", "db"}[i%4/2]
			second = append(second, observed(change.Modified, r))
		}
	}
	w.scan(first...)
	w.scan(append(second, disappeared(in(instances, "i-000003")))...)
	for _, q := range []storage.Query{
		{Filter: storage.Filter{Tags: []storage.TagFilter{{Key: "n", Value: "3"}}}},
		{Filter: storage.Filter{Tags: []storage.TagFilter{{Key: "none", AnyValue: true}}}},
		{Filter: storage.Filter{Name: "web"}, Revision: 2},
		{Filter: storage.Filter{Name: "db", Regions: []string{"eu-west-1"}}},
		{Filter: storage.Filter{Name: "web", Tags: []storage.TagFilter{{Key: "n", Value: "1"}}}, Revision: 1},
		{Filter: storage.Filter{ID: "i-000007"}},
		{Filter: storage.Filter{ID: "i-000003"}, KeysOnly: true},
	} {
		want, err := w.list(q)
		w.ok(err, "List")
		var got []string
		for rest, broken := q, true; broken; {
			var last resource.Key
			last, broken = untilPassed(w, 3, resource.Key.Compare, func(passed func(resource.Key) error) iter.Seq2[*storage.Version, error] {
				rest.Passed = passed
				return w.store.List(w.ctx, rest)
			}, func(v *storage.Version) { got = append(got, v.Resource.Key.String()) })
			rest.After = &last
		}
		w.want(showQuery(q)+", broken off", got, keysIn(want)...)
	}
}

var errPassed = errors.New("enough was passed")

// untilPassed reads an answer until so many were passed, and returns where that was.
func untilPassed[T, P any](w *twin, most int, compare func(a, b P) int, read func(passed func(P) error) iter.Seq2[T, error], got func(T)) (last P, broken bool) {
	w.t.Helper()
	passed := 0
	told := func(at P) error {
		if passed++; passed > 1 && compare(at, last) < 0 {
			w.fail("%v was passed behind %v", at, last)
		}
		if last = at; passed == most {
			return errPassed
		}
		return nil
	}
	for v, err := range read(told) {
		if errors.Is(err, errPassed) {
			return last, true
		}
		w.ok(err, "what is read until so much was passed")
		got(v)
	}
	if passed >= most {
		w.fail("an answer went on although it was to end")
	}
	return last, false
}

// prefixesDoNotMix crosses parts of which one begins as another does and which sort
// otherwise once a separator stands behind them: '!' and ' ' come before '/' and ':'.
func prefixesDoNotMix(w *twin) {
	parts := [][]string{
		{"aws", "aws!", "aws2"},
		{"1", "1 2", "12"},
		{"AWS::S3::Bucket", "AWS::S3::Bucket Policy", "AWS::S3::BucketPolicy", "AWS::S3"},
		{"us", "us east", "us-east-1"},
		{"a", "a!", "a/", "a/b", "ab"},
	}
	var muts []storage.Mutation
	for i := range 3 * 3 * 4 * 3 * 5 {
		// A step that has no factor in common with the number visits each once, unsorted.
		n := i * 77 % (3 * 3 * 4 * 3 * 5)
		k := resource.Key{Provider: parts[0][n%3], Account: parts[1][n/3%3], Type: parts[2][n/9%4], Region: parts[3][n/36%3], ID: parts[4][n/108]}
		muts = append(muts, created(k, n))
	}
	w.scan(muts...)
	w.scan(
		disappeared(resource.Key{Provider: "aws", Account: "1", Type: "AWS::S3::Bucket", Region: "us", ID: "a"}),
		modified(resource.Key{Provider: "aws", Account: "12", Type: "AWS::S3", Region: "us east", ID: "a/"}, 2),
	)
	w.check()
	w.wantKnown(resource.Scope{Provider: "aws", Account: "1", Type: "AWS::S3::Bucket", Region: "us"}, 1,
		"a", "a!", "a/", "a/b", "ab")
	w.wantKnown(resource.Scope{Provider: "aws", Account: "1", Type: "AWS::S3::Bucket", Region: "us"}, 2,
		"a!", "a/", "a/b", "ab")
	for _, id := range parts[4] {
		k := resource.Key{Provider: "aws", Account: "1", Type: "AWS::S3::Bucket", Region: "us", ID: id}
		w.changes(storage.ChangeQuery{Key: &k})
		for _, revision := range []int64{1, 2} {
			_, err := w.list(storage.Query{After: &k, Revision: revision})
			w.ok(err, "List")
		}
	}
	w.wantChanges(storage.ChangeQuery{Key: &resource.Key{Provider: "aws", Account: "12", Type: "AWS::S3", Region: "us east", ID: "a/"}, Above: 1},
		"2-2 modified a/")
}

func oddKeys(w *twin) {
	ids := []string{
		" ", "!", "a b", "a//b", "/a", "a/", ":", "::", "a%2Fb", "%00", "..", "*", "[a]", `"quoted"`, `back\slash`,
		"arn:aws:iam::111122223333:role/service-role/x", "https://sqs.us-east-1.amazonaws.com/1/q?a=b&c=d",
		"übung", "u\u0308bung", "日本語", "🦊", "\u00a0", "\u0080", "\uffff", "\U0010ffff", "\ufffd", "~", "<&>",
	}
	var muts []storage.Mutation
	for i, id := range ids {
		muts = append(muts, created(in(instances, id), i))
	}
	w.scan(muts...)
	w.check()
	var later []storage.Mutation
	for i, id := range ids {
		if i%2 == 0 {
			later = append(later, disappeared(in(instances, id)))
		} else {
			later = append(later, modified(in(instances, id), i+1))
		}
	}
	w.scan(later...)
	w.check()
	for _, id := range ids {
		k := in(instances, id)
		w.changes(storage.ChangeQuery{Key: &k})
		_, err := w.list(storage.Query{After: &k})
		w.ok(err, "List")
	}
}
