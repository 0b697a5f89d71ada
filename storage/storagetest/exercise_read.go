package storagetest

import (
	"errors"
	"fmt"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

var readCases = []testCase{
	{name: "every revision stays readable as it was", run: everyRevision},
	{name: "a resource that disappeared is gone and says what it was", run: goneResource},
	{name: "a resource that comes back is live again", run: recreated},
	{name: "a resource replaced by another of the same name is two events and one version", run: replaced},
	{name: "a disappearance and a creation of two keys do not touch each other", run: disappearanceAmongOthers},
	{name: "a version says when it ended at whatever revision it is read", run: endOfVersions},
	{name: "History tells every version with its changes, newest first", run: historyTellsChanges},
	{name: "only History tells changes", run: onlyHistoryTellsChanges},
	{name: "baseline and rebaselined versions are recorded and not reported", run: quietVersions},
	{name: "a version keeps its schema, fingerprint, UID and incomplete parts", run: keepsDetails},
	{name: "a tombstone has key, ARN and name only", run: tombstoneIsBare},
	{name: "Known of a regional scope yields that region only", run: knownRegional},
	{name: "Known of a global scope yields all regions of the account", run: knownGlobal},
	{name: "Known yields past revisions too", run: knownInThePast},
	{name: "List yields keys in order", run: listOrder},
	{name: "a revision above the head is in the future", run: futureRevision},
	{name: "resources with few fields come back as they were", run: bareResource},
}

// lifeOfA commits seven revisions in the course of which a is created, modified,
// disappears and is created again, beside b that never changes.
func lifeOfA(w *twin) (a, b resource.Key) {
	a, b = in(instances, "a"), in(instances, "b")
	w.scan(created(b, 1))
	w.scan(created(a, 1))
	w.scan(modified(a, 2))
	w.scan()
	w.scan(disappeared(a))
	w.scan()
	w.scan(created(a, 7))
	return a, b
}

func everyRevision(w *twin) {
	lifeOfA(w)
	for revision, want := range map[int64][]string{
		1: {"b@1"}, 2: {"a@2", "b@1"}, 3: {"a@3", "b@1"}, 4: {"a@3", "b@1"},
		5: {"b@1"}, 6: {"b@1"}, 7: {"a@7", "b@1"}, storage.HeadRevision: {"a@7", "b@1"},
	} {
		w.wantList(storage.Query{Revision: revision}, want...)
	}
	w.check()
}

func goneResource(w *twin) {
	a, _ := lifeOfA(w)
	if _, err := w.get(a, 1); !errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrGone) {
		w.fail("Get before the resource was there: %v, want ErrNotFound", err)
	}
	for _, revision := range []int64{5, 6} {
		_, err := w.get(a, revision)
		gone := new(storage.GoneError)
		if !errors.As(err, &gone) || !errors.Is(err, storage.ErrGone) || errors.Is(err, storage.ErrNotFound) {
			w.fail("Get at revision %d: %v, want a GoneError", revision, err)
		}
		w.want("the last version", []string{lifeLine(gone.Last)}, "modified 3-5")
		w.same("the last version's resource",
			show(viewVersion(&storage.Version{Resource: *example(a, 2)})),
			show(viewVersion(&storage.Version{Resource: gone.Last.Resource})))
		ended := w.scans(6)[0].EndTime
		if !gone.Last.ValidTo.Equal(ended) {
			w.fail("the last version ended at %v, want %v", gone.Last.ValidTo, ended)
		}
	}
}

func recreated(w *twin) {
	a, _ := lifeOfA(w)
	w.wantLive(a, storage.HeadRevision, "created 7-")
	w.wantHistory(a, "created 7-", "disappeared 5-7", "modified 3-5", "created 2-3")
	w.wantKnown(instances, storage.HeadRevision, "a", "b")
	w.scan(disappeared(a))
	_, err := w.get(a, storage.HeadRevision)
	gone := new(storage.GoneError)
	if !errors.As(err, &gone) {
		w.fail("Get after the second disappearance: %v, want a GoneError", err)
	}
	w.want("the last version", []string{lifeLine(gone.Last)}, "created 7-8")
	w.check()
}

func replaced(w *twin) {
	a := in(instances, "a")
	w.scan(created(a, 1))
	other := example(a, 5)
	other.UID = "another"
	meta := w.scan(disappeared(a), observed(change.Created, other))
	w.want("counts", []string{fmt.Sprint(meta.Created, meta.Disappeared)}, "1 1")
	w.wantHistory(a, "created 2-", "created 1-2")
	w.wantChanges(storage.ChangeQuery{OldestFirst: true}, "1-1 created a", "2-1 disappeared a", "2-2 created a")
	v, err := w.get(a, storage.HeadRevision)
	w.ok(err, "Get")
	if v.Resource.UID != "another" {
		w.fail("UID is %q, want that of the new resource", v.Resource.UID)
	}
	w.wantLive(a, 1, "created 1-2")
	w.wantKnown(instances, storage.HeadRevision, "a")
	w.check()
	w.scan(disappeared(a), created(a, 6))
	w.scan(modified(a, 7))
	w.scan(disappeared(a))
	w.wantHistory(a, "disappeared 5-", "modified 4-5", "created 3-4", "created 2-3", "created 1-2")
	w.check()
}

func disappearanceAmongOthers(w *twin) {
	a, b, c := in(instances, "a"), in(instances, "b"), in(instances, "c")
	w.scan(created(a, 1), created(c, 1))
	w.scan(disappeared(a), created(b, 1), disappeared(c))
	w.wantList(storage.Query{}, "b@2")
	w.wantHistory(a, "disappeared 2-", "created 1-2")
	w.wantHistory(b, "created 2-")
	w.check()
}

func endOfVersions(w *twin) {
	a, b := lifeOfA(w)
	w.wantLive(a, 2, "created 2-3")
	w.wantLive(a, 3, "modified 3-5")
	w.wantLive(a, 4, "modified 3-5")
	w.wantLive(a, 7, "created 7-")
	w.wantLive(b, 1, "created 1-")
	listed, err := w.list(storage.Query{Revision: 4})
	w.ok(err, "List")
	w.want("List at revision 4", lifeLines(listed), "modified 3-5", "created 1-")
	ended := w.scans(6)[0].EndTime
	if !listed[0].ValidTo.Equal(ended) || !listed[1].ValidTo.IsZero() {
		w.fail("versions ended at %v and %v, want %v and not at all", listed[0].ValidTo, listed[1].ValidTo, ended)
	}
}

func historyTellsChanges(w *twin) {
	a := in(instances, "a")
	w.scan(created(a, 1))
	w.scan(modified(a, 2))
	w.scan(rebaselined(a, 3))
	w.scan(modified(a, 4))
	w.scan(disappeared(a))
	versions, err := w.history(a)
	w.ok(err, "History")
	var got []string
	for _, v := range versions {
		line := lifeLine(v)
		for _, c := range v.Changes {
			line += fmt.Sprintf(" %s:%s>%s", c.Path, c.Old, c.New)
		}
		got = append(got, line)
	}
	w.want("History", got,
		"disappeared 5-",
		`modified 4-5 attributes.N:3>4 tags.n:"3">"4"`,
		"rebaselined 3-4",
		`modified 2-3 attributes.N:1>2 tags.n:"1">"2"`,
		"created 1-2")
}

func onlyHistoryTellsChanges(w *twin) {
	a := in(instances, "a")
	w.scan(created(a, 1))
	w.scan(modified(a, 2))
	v, err := w.get(a, storage.HeadRevision)
	w.ok(err, "Get")
	listed, err := w.list(storage.Query{})
	w.ok(err, "List")
	if len(v.Changes) > 0 || len(listed[0].Changes) > 0 {
		w.fail("Get tells %d changes and List %d, want none", len(v.Changes), len(listed[0].Changes))
	}
}

func quietVersions(w *twin) {
	a, b := in(instances, "a"), in(instances, "b")
	w.scan(baseline(a, 1), created(b, 1))
	w.scan(rebaselined(a, 2))
	w.scan(modified(a, 3), rebaselined(b, 2))
	w.wantHistory(a, "modified 3-", "rebaselined 2-3", "baseline 1-2")
	w.wantHistory(b, "rebaselined 3-", "created 1-3")
	w.wantChanges(storage.ChangeQuery{OldestFirst: true}, "1-1 created b", "3-1 modified a")
	w.wantList(storage.Query{}, "a@3", "b@3")
	w.check()
}

func keepsDetails(w *twin) {
	a, b := in(instances, "a"), in(instances, "b")
	mut := created(a, 1)
	mut.Schema = 4294967295
	mut.Incomplete = []string{"tags", "attributes.Policy"}
	mut.Fingerprint = resource.Fingerprint{0, 1, 254, 255, 15: 7}
	w.scan(mut, created(b, 1))
	known, err := w.known(instances, storage.HeadRevision)
	w.ok(err, "Known")
	if k := known[0]; k.Schema != mut.Schema || !k.Incomplete || k.Fingerprint != mut.Fingerprint || k.UID != "uid of a" {
		w.fail("Known says %+v", k)
	}
	if known[1].Incomplete {
		w.fail("a complete resource is known as incomplete")
	}
	v, err := w.get(a, storage.HeadRevision)
	w.ok(err, "Get")
	w.want("incomplete parts", v.Incomplete, "tags", "attributes.Policy")
	w.check()

	whole := rebaselined(a, 2)
	whole.Schema = 0
	w.scan(whole)
	known, err = w.known(instances, storage.HeadRevision)
	w.ok(err, "Known")
	if k := known[0]; k.Schema != 0 || k.Incomplete || k.Fingerprint != whole.Fingerprint {
		w.fail("after it was recorded anew, Known says %+v", k)
	}
	w.check()
}

func tombstoneIsBare(w *twin) {
	a := in(instances, "a")
	w.scan(created(a, 1))
	last := example(a, 1)
	last.Name, last.ARN = "last name", "last arn"
	w.scan(storage.Mutation{Type: change.Disappeared, Resource: last})
	versions, err := w.history(a)
	w.ok(err, "History")
	w.same("the tombstone", show(viewVersion(&storage.Version{
		Resource: resource.Resource{Key: a, Name: "last name", ARN: "last arn"},
		Revision: 2, ValidFrom: w.now, ChangeType: change.Disappeared,
	})), show(viewVersion(versions[0])))
	events := w.changes(storage.ChangeQuery{})
	if e := events[0]; e.Name != "last name" || len(e.Changes) > 0 {
		w.fail("the event has name %q and %d changes, want %q and none", e.Name, len(e.Changes), "last name")
	}
	w.check()
}

// spread commits one resource of two types in each of three regions and two accounts.
func spread(w *twin) {
	var muts []storage.Mutation
	for _, typ := range []string{bucket, role} {
		for _, r := range []string{"us-east-1", resource.Global, "eu-west-1"} {
			for _, acc := range []string{account, "444455556666"} {
				s := resource.Scope{Provider: "aws", Account: acc, Region: r, Type: typ}
				muts = append(muts, created(in(s, fmt.Sprintf("%s in %s of %s", typ, r, acc)), 1))
			}
		}
	}
	w.scan(muts...)
}

func knownRegional(w *twin) {
	spread(w)
	w.wantKnown(scopeOf("us-east-1", bucket), storage.HeadRevision, "AWS::S3::Bucket in us-east-1 of 111122223333")
	w.wantKnown(scopeOf("eu-west-1", role), storage.HeadRevision, "AWS::IAM::Role in eu-west-1 of 111122223333")
	w.wantKnown(scopeOf("ap-south-1", role), storage.HeadRevision)
	w.wantKnown(scopeOf("us-east-1", instance), storage.HeadRevision)
	w.check()
}

func knownGlobal(w *twin) {
	spread(w)
	w.wantKnown(scopeOf(resource.Global, bucket), storage.HeadRevision,
		"AWS::S3::Bucket in eu-west-1 of 111122223333",
		"AWS::S3::Bucket in global of 111122223333",
		"AWS::S3::Bucket in us-east-1 of 111122223333")
	w.wantKnown(scopeOf(resource.Global, instance), storage.HeadRevision)
	other := resource.Scope{Provider: "demo", Account: account, Region: resource.Global, Type: bucket}
	w.wantKnown(other, storage.HeadRevision)
}

func knownInThePast(w *twin) {
	a, _ := lifeOfA(w)
	w.wantKnown(instances, 1, "b")
	w.wantKnown(instances, 2, "a", "b")
	w.wantKnown(instances, 6, "b")
	w.wantKnown(instances.AccountWide(), 6, "b")
	w.wantKnown(instances, 7, "a", "b")
	known, err := w.known(instances, 2)
	w.ok(err, "Known")
	if want := created(a, 1).Fingerprint; known[0].Fingerprint != want {
		w.fail("fingerprint at revision 2 is %s, want %s", known[0].Fingerprint, want)
	}
}

func listOrder(w *twin) {
	keys := []resource.Key{ // by provider, account, type, region, id
		{Provider: "aws", Account: "1", Region: "eu", Type: "A", ID: "b"},
		{Provider: "aws", Account: "1", Region: "us", Type: "A", ID: "a"},
		{Provider: "aws", Account: "1", Region: "eu", Type: "B", ID: "a"},
		{Provider: "aws", Account: "1", Region: "us", Type: "B", ID: "B"},
		{Provider: "aws", Account: "1", Region: "us", Type: "B", ID: "a"},
		{Provider: "aws", Account: "2", Region: "eu", Type: "A", ID: "a"},
		{Provider: "demo", Account: "1", Region: "eu", Type: "A", ID: "a"},
	}
	var muts []storage.Mutation
	var want []string
	for i, k := range keys {
		muts = append(muts, created(keys[(i*3)%len(keys)], 1))
		want = append(want, k.String())
	}
	w.scan(muts...)
	listed, err := w.list(storage.Query{})
	w.ok(err, "List")
	var got []string
	for _, v := range listed {
		got = append(got, v.Resource.Key.String())
	}
	w.want("List", got, want...)
}

func futureRevision(w *twin) {
	w.scan(created(in(instances, "a"), 1))
	w.wantFuture(2)
	w.wantFuture(1 << 60)
	w.scan()
	w.wantLive(in(instances, "a"), 2, "created 1-")
	w.wantFuture(3)
}

func bareResource(w *twin) {
	bare := resource.Resource{Key: in(instances, "bare")}
	empty := resource.Resource{Key: in(instances, "empty"), Tags: map[string]string{}, Attributes: []byte("{}")}
	w.scan(observed(change.Created, &bare), observed(change.Created, &empty))
	for _, k := range []resource.Key{bare.Key, empty.Key} {
		v, err := w.get(k, storage.HeadRevision)
		w.ok(err, "Get")
		if !v.Resource.CreatedAt.IsZero() || len(v.Resource.Tags) > 0 || v.Resource.Name != "" || v.Resource.UID != "" {
			w.fail("a resource without anything came back as %+v", v.Resource)
		}
	}
	w.check()
}
