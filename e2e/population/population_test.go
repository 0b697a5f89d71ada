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
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

var regions = []string{"us-east-1", "eu-west-1", "ap-southeast-2"}

var sharedServer mototest.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	sharedServer.Stop()
	os.Exit(code)
}

// configOf is how an account is reached in a region.
func configOf(t *testing.T, account, region string) aws.Config {
	s := sharedServer.Server(t)
	cfg := aws.Config{
		Region: region, BaseEndpoint: &s.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	cfg.APIOptions = append(cfg.APIOptions, smithyhttp.AddHeaderValue(mototest.AccountHeader, account))
	return cfg
}

// typesOf are the types of the table. moto holds resources of other types of its own accord.
func typesOf(kinds []kind) []string {
	var types []string
	for _, k := range kinds {
		types = append(types, k.typ)
	}
	return types
}

// watcher is the daemon's loop over one account, turned by hand.
type watcher struct {
	*daemon.Reconciler
	store storage.Store
}

func watch(t *testing.T, account string) watcher {
	store, err := badger.Open(badger.Options{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	p, err := elavaaws.New(elavaaws.Options{
		Regions:      regions,
		APIBudget:    1, // the server is nobody else's
		IncludeTypes: typesOf(kinds()),
		Digest:       func(secret string) string { return fmt.Sprint("digest:", len(secret)) },
		LoadConfig:   func(context.Context) (aws.Config, error) { return configOf(t, account, regions[0]), nil },
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

// subject is a row's resource: what to change, and the key under which that shows.
type subject struct {
	kind kind
	at   *place
	id   string
	key  string
}

// populate makes every row in every place of an account.
func populate(t *testing.T, account string) (want map[string]bool, subjects []subject) {
	want = map[string]bool{}
	for i, region := range regions {
		p := &place{T: t, account: account, cfg: configOf(t, account, region), made: map[string][]string{}, want: want}
		for _, k := range kinds() {
			if k.global && i > 0 {
				continue
			}
			at := region
			if k.global {
				at = resource.Global
			}
			id := k.make(p)
			p.add(k.typ, at, id)
			// The row's own resource is the one that others need.
			p.made[k.typ] = append([]string{id}, p.made[k.typ][:len(p.made[k.typ])-1]...)
			if i == 0 {
				subjects = append(subjects, subject{k, p, id, p.key(k.typ, at, id)})
			}
		}
	}
	return want, subjects
}

func TestPopulation_IsFoundExactlyAndItsChangesAreReported(t *testing.T) {
	for _, account := range []string{"333333333331", "333333333332"} {
		t.Run(account, func(t *testing.T) {
			// Without an organization its types would have no first scan to compare with.
			o := organizations.NewFromConfig(configOf(t, account, regions[0]))
			if _, err := o.CreateOrganization(t.Context(), &organizations.CreateOrganizationInput{}); err != nil {
				t.Fatal(err)
			}
			w := watch(t, account)
			w.scan(t)
			before := w.keys(t) // moto's own
			want, subjects := populate(t, account)

			checkCreated(t, w.scan(t), want)
			found := w.keys(t)
			maps.DeleteFunc(found, func(key string, _ bool) bool { return before[key] })
			if missing, foreign := difference(want, found), difference(found, want); len(missing)+len(foreign) > 0 {
				t.Errorf("missing %q, not made here %q", missing, foreign)
			}
			t.Logf("%d resources made, %d of moto's own", len(want), len(before))

			for range 5 {
				for _, e := range w.scan(t) {
					t.Errorf("nothing was changed, and there is an event: %s", worded(e))
				}
			}

			subjects = slices.DeleteFunc(subjects, func(s subject) bool { return s.kind.change == nil })
			for _, s := range subjects {
				s.kind.change(s.at, s.id)
			}
			checkChanged(t, w.scan(t), subjects)
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

func checkChanged(t *testing.T, events []*storage.ChangeEvent, subjects []subject) {
	t.Helper()
	byKey := map[string]*storage.ChangeEvent{}
	for _, e := range events {
		byKey[e.Key] = e
	}
	for _, s := range subjects {
		e := byKey[s.key]
		if e == nil {
			t.Errorf("%s: its change was not reported", s.key)
			continue
		}
		delete(byKey, s.key)
		var paths []string
		for _, c := range e.Changes {
			paths = append(paths, c.Path)
		}
		if e.ChangeType != change.Modified || !slices.Equal(paths, s.kind.paths) {
			t.Errorf("%s, want changes of %q", worded(e), s.kind.paths)
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
