package storagetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Where the resources of the tests live, unless a test says otherwise.
const (
	account  = "111122223333"
	region   = "us-east-1"
	instance = "AWS::EC2::Instance"
	bucket   = "AWS::S3::Bucket"
	role     = "AWS::IAM::Role"
)

// instances is the scope of most tests.
var instances = resource.Scope{Provider: "aws", Account: account, Region: region, Type: instance}

// in returns the key of an id in a scope.
func in(s resource.Scope, id string) resource.Key {
	return resource.Key{Provider: s.Provider, Account: s.Account, Region: s.Region, Type: s.Type, ID: id}
}

// scopeOf returns a scope of the tests' account.
func scopeOf(region, typ string) resource.Scope {
	return resource.Scope{Provider: "aws", Account: account, Region: region, Type: typ}
}

// example returns a resource with every field set. Different n give different contents.
func example(key resource.Key, n int) *resource.Resource {
	return &resource.Resource{
		Key:       key,
		ARN:       "arn:" + key.String(),
		Name:      "name of " + key.ID,
		Status:    "running",
		UID:       "uid of " + key.ID,
		CreatedAt: time.Date(2024, 2, 29, 23, 59, 59, 123_000_000, time.UTC),
		Tags:      map[string]string{"env": "prod", "empty": "", "n": strconv.Itoa(n)},
		Attributes: fmt.Appendf(nil, `{"Big":12345678901234567890,"Name":%s,"N":%d}`,
			resource.AppendString(nil, key.ID), n),
	}
}

// observed returns the mutation that records r.
func observed(t change.Type, r *resource.Resource, changes ...change.FieldChange) storage.Mutation {
	var h resource.Hasher
	return storage.Mutation{Type: t, Resource: r, Fingerprint: h.Sum(r), Schema: 1, Changes: changes}
}

func created(key resource.Key, n int) storage.Mutation {
	return observed(change.Created, example(key, n))
}

func baseline(key resource.Key, n int) storage.Mutation {
	return observed(change.Baseline, example(key, n))
}

func rebaselined(key resource.Key, n int) storage.Mutation {
	return observed(change.Rebaselined, example(key, n))
}

// modified records contents n where n-1 were before.
func modified(key resource.Key, n int) storage.Mutation {
	return observed(change.Modified, example(key, n),
		change.FieldChange{Path: "attributes.N", Old: fmt.Appendf(nil, "%d", n-1), New: fmt.Appendf(nil, "%d", n)},
		change.FieldChange{Path: "tags.n", Old: fmt.Appendf(nil, "%q", strconv.Itoa(n-1)), New: fmt.Appendf(nil, "%q", strconv.Itoa(n))},
	)
}

func disappeared(key resource.Key) storage.Mutation {
	return storage.Mutation{Type: change.Disappeared, Resource: &resource.Resource{
		Key: key, ARN: "arn:" + key.String(), Name: "name of " + key.ID,
	}}
}

// many returns n keys in a scope, in order.
func many(s resource.Scope, n int) []resource.Key {
	keys := make([]resource.Key, n)
	for i := range keys {
		keys[i] = in(s, fmt.Sprintf("i-%06d", i))
	}
	return keys
}

// The forms in which tests say what they want.

// versionIDs writes a version as "id@revision".
func versionIDs(versions []*storage.Version) []string {
	ids := []string{}
	for _, v := range versions {
		ids = append(ids, fmt.Sprintf("%s@%d", v.Resource.Key.ID, v.Revision))
	}
	return ids
}

func knownIDs(all []storage.Known) []string {
	ids := []string{}
	for _, k := range all {
		ids = append(ids, k.Key.ID)
	}
	return ids
}

// eventLines writes an event as "12-3 created id".
func eventLines(events []*storage.ChangeEvent) []string {
	lines := []string{}
	for _, e := range events {
		lines = append(lines, fmt.Sprintf("%s %s %s", e.ID, e.ChangeType, e.ResourceID))
	}
	return lines
}

// lifeLine writes a version as "modified 5-7", and "modified 5-" where it has no end.
func lifeLine(v *storage.Version) string {
	end := ""
	if v.EndRevision != 0 {
		end = strconv.FormatInt(v.EndRevision, 10)
	}
	return fmt.Sprintf("%s %d-%s", v.ChangeType, v.Revision, end)
}

func lifeLines(versions []*storage.Version) []string {
	lines := []string{}
	for _, v := range versions {
		lines = append(lines, lifeLine(v))
	}
	return lines
}

// stateLines writes a scope state as "region type status last-complete".
func stateLines(states []*storage.ScopeState) []string {
	lines := []string{}
	for _, s := range states {
		lines = append(lines, fmt.Sprintf("%s %s %s %d", s.Scope.Region, s.Scope.Type, s.Status, s.LastComplete))
	}
	return lines
}

// want ends the test where a list is not the one that the test asks for.
func (w *twin) want(what string, got []string, want ...string) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.fail("%s is wrong (- as it should be, + as it is):\n%s", what,
			diff(strings.Join(want, "\n"), strings.Join(got, "\n")))
	}
}

// wantRevision ends the test where the head is another one.
func (w *twin) wantRevision(want int64) {
	w.t.Helper()
	if got := w.head().Revision; got != want {
		w.fail("head is revision %d, want %d", got, want)
	}
}

// wantList ends the test where a query gives other versions.
func (w *twin) wantList(q storage.Query, want ...string) {
	w.t.Helper()
	got, err := w.list(q)
	w.ok(err, "List")
	w.want(showQuery(q), versionIDs(got), want...)
	full := keysIn(got)
	q.KeysOnly = true
	got, err = w.list(q)
	w.ok(err, "List of keys")
	w.want(showQuery(q)+", keys only", keysIn(got), full...)
}

func keysIn(versions []*storage.Version) []string {
	keys := make([]string, len(versions))
	for i, v := range versions {
		keys[i] = v.Resource.Key.String()
	}
	return keys
}

// wantKnown ends the test where a scope holds other resources.
func (w *twin) wantKnown(s resource.Scope, revision int64, want ...string) {
	w.t.Helper()
	got, err := w.known(s, revision)
	w.ok(err, "Known")
	w.want(fmt.Sprintf("Known(%s) at %d", s, revision), knownIDs(got), want...)
}

// wantLive ends the test where the version of a key at a revision is another one.
func (w *twin) wantLive(key resource.Key, revision int64, want string) {
	w.t.Helper()
	v, err := w.get(key, revision)
	w.ok(err, fmt.Sprintf("Get(%s) at %d", key, revision))
	w.want(fmt.Sprintf("Get(%s) at %d", key, revision), []string{lifeLine(v)}, want)
}

// wantHistory ends the test where the history of a key is another one.
func (w *twin) wantHistory(key resource.Key, want ...string) {
	w.t.Helper()
	versions, err := w.history(key)
	w.ok(err, "History")
	w.want(fmt.Sprintf("History(%s)", key), lifeLines(versions), want...)
}

// wantChanges ends the test where the feed answers otherwise.
func (w *twin) wantChanges(q storage.ChangeQuery, want ...string) {
	w.t.Helper()
	w.want(showChangeQuery(q), eventLines(w.changes(q)), want...)
}

// wantScopes ends the test where the states of scopes are other ones.
func (w *twin) wantScopes(revision int64, want ...string) {
	w.t.Helper()
	states, err := w.scopes(revision)
	w.ok(err, "Scopes")
	w.want(fmt.Sprintf("Scopes at %d", revision), stateLines(states), want...)
}
