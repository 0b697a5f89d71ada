package query_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/query"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start is the time of revision 1; each further one comes an hour later.
var start = time.Date(2025, 10, 22, 10, 0, 0, 0, time.UTC)

// truth is what a scripted account was, kept beside the store: rows as queries show them.
type truth struct {
	store     *storagetest.Model
	resources []map[resource.Key][]any // by revision; [0] is before the first
	changes   []([]any)                // oldest first
	versions  []([]any)                // of all revisions
}

var (
	types   = []string{"AWS::EC2::Instance", "AWS::EC2::Volume", "AWS::S3::Bucket", "AWS::IAM::Role"}
	regions = []string{"eu-west-1", "us-east-1", "global"}
	names   = []string{"web", "db", "", "Web"}
)

// script makes an account of 30 revisions in which resources are created, modified,
// disappear and come back.
func script(t testing.TB, seed uint64) *truth {
	t.Helper()
	w := &truth{store: storagetest.NewModel(), resources: []map[resource.Key][]any{{}}}
	r := rand.New(rand.NewPCG(seed, 0))
	for revision := int64(1); revision <= 30; revision++ {
		w.scan(t, r, revision)
	}
	return w
}

func (w *truth) scan(t testing.TB, r *rand.Rand, revision int64) {
	at := start.Add(time.Duration(revision-1) * time.Hour)
	x, err := w.store.Begin(t.Context(), at)
	check(t, err)
	live := maps.Clone(w.resources[revision-1])
	number := 0
	for _, key := range w.touched(r) {
		m := mutation(r, key, revision, live[key] != nil)
		check(t, x.Stage(t.Context(), m))
		number++
		id := fmt.Sprintf("%d-%d", revision, number)
		v := m.Resource
		w.changes = append(w.changes, []any{id, revision, string(m.Type), key.String(), key.Type, key.Region, key.ID, v.Name})
		w.versions = append(w.versions, []any{key.String(), revision, string(m.Type), v.Name})
		if m.Type == change.Disappeared {
			delete(live, key)
			continue
		}
		live[key] = []any{key.String(), v.Name, v.Status, fmt.Sprintf(`{"env":%q}`, v.Tags["env"]), string(v.Attributes), revision}
	}
	for _, typ := range types {
		check(t, x.SetScope(t.Context(), storage.ScopeState{
			Scope:  resource.Scope{Provider: "aws", Account: "1", Region: resource.Global, Type: typ},
			Status: storage.ScopeComplete, Resources: len(live),
		}))
	}
	check(t, x.Commit(t.Context(), &storage.ScanMetadata{StartTime: at, Status: storage.ScanSuccess, ResourceCount: len(live)}))
	w.resources = append(w.resources, live)
}

// touched returns a few keys, each once.
func (w *truth) touched(r *rand.Rand) []resource.Key {
	set := map[resource.Key]bool{}
	for range r.IntN(12) {
		set[resource.Key{
			Provider: "aws", Account: fmt.Sprint(1 + r.IntN(2)), Region: regions[r.IntN(len(regions))],
			Type: types[r.IntN(len(types))], ID: fmt.Sprintf("i-%d", r.IntN(4)),
		}] = true
	}
	return slices.SortedFunc(maps.Keys(set), resource.Key.Compare)
}

func mutation(r *rand.Rand, key resource.Key, revision int64, exists bool) storage.Mutation {
	name := names[r.IntN(len(names))]
	v := &resource.Resource{Key: key, Name: name, ARN: "arn:" + key.ID + "/" + name}
	if exists && r.IntN(3) == 0 {
		return storage.Mutation{Type: change.Disappeared, Resource: v}
	}
	v.Status, v.Tags = "running", map[string]string{"env": []string{"prod", "dev"}[r.IntN(2)]}
	v.Attributes = fmt.Appendf(nil, `{"Size":%d}`, revision)
	var h resource.Hasher
	m := storage.Mutation{Type: change.Created, Resource: v, Fingerprint: h.Sum(v), Schema: 1}
	if exists {
		m.Type = change.Modified
		m.Changes = []change.FieldChange{{Path: "attributes.Size", Old: []byte("0"), New: fmt.Appendf(nil, "%d", revision)}}
	}
	return m
}

// ask returns the rows of an answer as text, one a line.
func ask(t testing.TB, e *query.Engine, text string, revision int64) []string {
	t.Helper()
	result, err := e.Query(t.Context(), text, revision)
	if err != nil {
		t.Fatalf("%s at revision %d: %v", text, revision, err)
	}
	if result.Cut {
		t.Fatalf("%s at revision %d: the answer was cut", text, revision)
	}
	return lines(result.Rows)
}

func lines(rows [][]any) []string {
	out := make([]string, len(rows))
	for i, row := range rows {
		out[i] = fmt.Sprintf("%v", row)
	}
	return out
}

func sorted(all []string) []string { return slices.Sorted(slices.Values(all)) }
