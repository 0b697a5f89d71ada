package population

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/internal/daemon"
	elavaaws "github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/provider/aws/mototest"
	"github.com/elava-dev/elava/provider/aws/populationtest"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

var regions = []string{"us-east-1", "eu-west-1", "ap-southeast-2"}

// TestMain keeps moto from issuing certificates in the middle of a test.
func TestMain(m *testing.M) {
	if err := os.Setenv("MOTO_ACM_VALIDATION_WAIT", "86400"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// account is one on a server.
type account struct {
	url, id string
}

// in is how the account is reached in a region.
func (a account) in(region string) aws.Config {
	cfg := aws.Config{
		Region: region, BaseEndpoint: &a.url,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	cfg.APIOptions = append(cfg.APIOptions, smithyhttp.AddHeaderValue(mototest.AccountHeader, a.id), populationtest.NameHostOfEMR)
	return cfg
}

// watcher is the daemon's loop over one account, turned by hand.
type watcher struct {
	*daemon.Reconciler
	store storage.Store
}

func watch(t *testing.T, a account) watcher {
	store, err := badger.Open(badger.Options{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	p, err := elavaaws.New(elavaaws.Options{
		Regions:      regions,
		APIBudget:    1, // the server is nobody else's
		IncludeTypes: populationtest.Types(),
		Digest:       func(secret string) string { return fmt.Sprint("digest:", len(secret)) },
		LoadConfig:   func(context.Context) (aws.Config, error) { return a.in(regions[0]), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return watcher{daemon.NewReconciler(daemon.ReconcilerOptions{Provider: p, Store: store, Concurrency: 8}), store}
}

// scan turns the loop once and returns the events of that revision. Every scope has to
// be complete.
func (w watcher) scan(t *testing.T) []*storage.ChangeEvent {
	t.Helper()
	result, err := w.Reconcile(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range result.Errors {
		t.Error(err)
	}
	var events []*storage.ChangeEvent
	this := storage.ChangeQuery{Above: result.Scan.Revision - 1, UpTo: result.Scan.Revision}
	for e, err := range w.store.Changes(t.Context(), this) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// keys returns the keys of all that the store holds now, and fails where one comes twice.
func (w watcher) keys(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for v, err := range w.store.List(t.Context(), storage.Query{Revision: storage.HeadRevision}) {
		if err != nil {
			t.Fatal(err)
		}
		key := v.Resource.Key.String()
		if all[key] {
			t.Errorf("%s is there twice", key)
		}
		all[key] = true
	}
	return all
}

// Each account is on a server of its own: moto's lists of EC2 cost the square of what it
// holds, in all accounts together.
func TestPopulation_IsFoundExactlyAndItsChangesAreReported(t *testing.T) {
	for _, id := range []string{"333333333331", "333333333332"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			a := account{mototest.Start(t).URL, id}
			// Without an organization its types would have no first scan to compare with.
			o := organizations.NewFromConfig(a.in(regions[0]))
			if _, err := o.CreateOrganization(t.Context(), &organizations.CreateOrganizationInput{}); err != nil {
				t.Fatal(err)
			}
			w := watch(t, a)
			w.scan(t)
			before := w.keys(t) // moto's own
			made := populationtest.Populate(t, id, regions, a.in)

			checkCreated(t, w.scan(t), made.Want)
			found := w.keys(t)
			maps.DeleteFunc(found, func(key string, _ bool) bool { return before[key] })
			if missing, foreign := difference(made.Want, found), difference(found, made.Want); len(missing)+len(foreign) > 0 {
				t.Errorf("missing %q, not made here %q", missing, foreign)
			}
			t.Logf("%d resources of %d types made, %d of moto's own", len(made.Want), len(populationtest.Types()), len(before))

			for range 5 {
				for _, e := range w.scan(t) {
					t.Errorf("nothing was changed, and there is an event: %s", worded(e))
				}
			}

			for _, s := range made.Subjects {
				s.Change()
			}
			checkChanged(t, w.scan(t), made.Subjects)
		})
	}
}

func difference(a, b map[string]bool) []string {
	var only []string
	for key := range a {
		if !b[key] {
			only = append(only, key)
		}
	}
	slices.Sort(only)
	return only
}

func checkCreated(t *testing.T, events []*storage.ChangeEvent, want map[string]bool) {
	t.Helper()
	seen := map[string]bool{}
	for _, e := range events {
		if e.ChangeType != change.Created || seen[e.Key] || !want[e.Key] {
			t.Errorf("unexpected event: %s", worded(e))
		}
		seen[e.Key] = true
	}
	if missing := difference(want, seen); len(missing) > 0 {
		t.Errorf("no event for %q", missing)
	}
}

func checkChanged(t *testing.T, events []*storage.ChangeEvent, subjects []populationtest.Subject) {
	t.Helper()
	byKey := map[string]*storage.ChangeEvent{}
	for _, e := range events {
		byKey[e.Key] = e
	}
	for _, s := range subjects {
		e := byKey[s.Key]
		if e == nil {
			t.Errorf("%s: its change was not reported", s.Key)
			continue
		}
		delete(byKey, s.Key)
		var paths []string
		for _, c := range e.Changes {
			paths = append(paths, c.Path)
		}
		want := change.Modified
		if s.Kind.Fixed != "" {
			want = change.Disappeared
		}
		if e.ChangeType != want || !slices.Equal(paths, s.Paths()) {
			t.Errorf("%s, want it to be %s with changes of %q", worded(e), want, s.Paths())
		}
	}
	for _, e := range byKey {
		t.Errorf("unexpected event: %s", worded(e))
	}
}

func worded(e *storage.ChangeEvent) string {
	var changes []string
	for _, c := range e.Changes {
		changes = append(changes, fmt.Sprintf("%s: %s -> %s", c.Path, c.Old, c.New))
	}
	return fmt.Sprintf("%s %s %s", e.ChangeType, e.Key, strings.Join(changes, ", "))
}
