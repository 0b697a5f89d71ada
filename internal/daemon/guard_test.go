package daemon_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/providertest"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

// servers are web servers with a tag.
func servers(n int, env string) []resource.Resource {
	var all []resource.Resource
	for i := range n {
		r := providertest.Resource(web, fmt.Sprint("r", i), `{}`)
		if env != "" {
			r.Tags["env"] = env
		}
		all = append(all, r)
	}
	return all
}

func TestGuard_ListsAgainOnlyWhatIsHardToBelieve(t *testing.T) {
	for name, c := range map[string]struct {
		guard         daemon.Guard
		before, after []resource.Resource
		listings      int // of the second scan
	}{
		"most is absent":             {daemon.Guard{}, servers(30, "a"), servers(5, "a"), 2},
		"all is absent":              {daemon.Guard{}, servers(21, "a"), nil, 2},
		"half is absent":             {daemon.Guard{}, servers(60, "a"), servers(30, "a"), 1},
		"few are absent":             {daemon.Guard{}, servers(20, "a"), nil, 1},
		"tags are gone":              {daemon.Guard{}, servers(30, "a"), servers(30, ""), 2},
		"tags are others":            {daemon.Guard{}, servers(30, "a"), servers(30, "b"), 1},
		"there never were tags":      {daemon.Guard{}, servers(30, ""), servers(30, ""), 1},
		"a guard that doubts little": {daemon.Guard{Share: 1}, servers(30, "a"), nil, 1},
		"a guard that doubts much":   {daemon.Guard{Share: 0.1, Count: 1}, servers(9, "a"), servers(7, "a"), 2},
	} {
		t.Run(name, func(t *testing.T) {
			fake, model := providertest.New("fake"), storagetest.NewModel()
			rec := daemon.NewReconciler(daemon.ReconcilerOptions{Provider: fake, Store: model, Guard: c.guard, SpoolDir: t.TempDir()})
			fake.Set(web, c.before...)
			reconcile(t, rec)
			fake.Set(web, c.after...)
			listed := fake.Listings(web)
			result := reconcile(t, rec)
			if n := fake.Listings(web) - listed; n != c.listings {
				t.Errorf("the scope was listed %d times, want %d", n, c.listings)
			}
			if result.ResourcesScanned != len(c.after) || result.Scan.ResourceCount != len(c.after) {
				t.Errorf("%d resources scanned, %d recorded, want %d", result.ResourcesScanned, result.Scan.ResourceCount, len(c.after))
			}
		})
	}
}

// The time limit passes while the store is asked for what could not be read: that is no
// failure of the store, and costs the other scopes nothing.
func TestReconcile_TimeLimitWhileCompletingIsAFailureOfTheScopeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, model := cloudOf(), storagetest.NewModel()
		store := tap(model)
		rec := newReconciler(t, fake, store)
		reconcile(t, rec)
		lacking := providertest.Resource(web, "a", `{"Size":1}`)
		lacking.Unknown = []resource.Unknown{{Part: resource.PartTags, Err: throttled}}
		fake.Set(web, lacking)
		fake.Put(providertest.Resource(db, "new", `{}`))
		store.on(callGet, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if result := reconcile(t, rec); !result.TimedOut {
			t.Errorf("the scan is %+v", result)
		}
		wantState(t, model, web, storage.ScopeFailed, provider.ReasonTimeout)
		wantEvents(t, model, "2-1 created new")
	})
}

// The time limit passes while the store is asked whether there had been tags.
func TestGuard_TimeLimitWhileDoubtingIsAFailureOfTheScopeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, model := cloudOf(), storagetest.NewModel()
		fake.Set(web, servers(30, "a")...)
		store := tap(model)
		rec := newReconciler(t, fake, store)
		reconcile(t, rec)
		fake.Set(web, servers(30, "")...)
		fake.Put(providertest.Resource(db, "new", `{}`))
		end := time.Now().Add(limit)
		store.on(callGet, func(ctx context.Context) error {
			if time.Now().Before(end) {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		if result := reconcile(t, rec); !result.TimedOut {
			t.Errorf("the scan is %+v", result)
		}
		wantState(t, model, web, storage.ScopeFailed, provider.ReasonTimeout)
		wantEvents(t, model, "2-1 created new")
	})
}
