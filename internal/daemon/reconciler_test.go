package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/demo"
	"github.com/elava-dev/elava/provider/providertest"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
	"github.com/elava-dev/elava/storage/storagetest"
)

func TestReconciler_SingleIteration(t *testing.T) {
	fake, model := cloudOf(), storagetest.NewModel()
	rec := newReconciler(t, fake, model)
	first := reconcile(t, rec)
	if first.ResourcesScanned != 2 || first.ChangesDetected != 0 || first.Scan.Baseline != 2 || len(first.Errors) != 0 || first.TimedOut {
		t.Errorf("the first scan is %+v (%+v)", first, first.Scan)
	}
	fake.Put(providertest.Resource(web, "a", `{"Size":2}`), providertest.Resource(web, "b", `{}`))
	fake.Delete(keyIn(db, "d"))
	second := reconcile(t, rec)
	if second.ResourcesScanned != 2 || second.ChangesDetected != 3 || second.Scan.Revision != 2 {
		t.Errorf("the second scan is %+v (%+v)", second, second.Scan)
	}
	wantEvents(t, model, "2-1 modified a", "2-2 created b", "2-3 disappeared d")
	if p := rec.Phase(); p != daemon.PhaseSleeping {
		t.Errorf("the phase after an iteration is %s", p)
	}
}

func TestReconciler_ErrorHandling(t *testing.T) {
	throttled := &provider.Error{Reason: provider.ReasonThrottled, Err: errors.New("slow down")}
	t.Run("a scope that fails is in the result", func(t *testing.T) {
		fake, model := cloudOf(), storagetest.NewModel()
		fake.Fail(web, throttled)
		result := reconcile(t, newReconciler(t, fake, model))
		var scope *provider.ScopeError
		if len(result.Errors) != 1 || !errors.As(result.Errors[0], &scope) || scope.Scope != web || !errors.Is(scope, throttled) {
			t.Errorf("the errors are %v", result.Errors)
		}
		wantState(t, model, db, storage.ScopeComplete, "")
	})
	t.Run("a plan that fails is an error that is stored", func(t *testing.T) {
		fake, model := cloudOf(), storagetest.NewModel()
		fake.FailPlan(throttled)
		result, err := newReconciler(t, fake, model).Reconcile(t.Context())
		if !errors.Is(err, daemon.ErrNothingListed) || !errors.Is(err, throttled) || result.Scan == nil {
			t.Errorf("got %v and %+v", err, result.Scan)
		}
		wantHead(t, model, 1)
	})
	for _, call := range []string{callHead, callScopes, callBegin, callStage, callSetScope, callCommit} {
		t.Run("a store that fails at "+call, func(t *testing.T) {
			model := storagetest.NewModel()
			store := tap(model)
			rec := newReconciler(t, cloudOf(), store)
			store.failOnce(call, storage.ErrFull)
			result, err := rec.Reconcile(t.Context())
			if !errors.Is(err, storage.ErrFull) || result.Scan != nil || result.States != nil {
				t.Errorf("got %v and %+v", err, result)
			}
			wantHead(t, model, 0)
			if got := reconcile(t, rec); got.Scan.Baseline != 2 {
				t.Errorf("the next scan is %+v", got.Scan)
			}
		})
	}
}

func TestReconciler_ContextCancellation(t *testing.T) {
	t.Run("before the scan", func(t *testing.T) {
		model := storagetest.NewModel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := newReconciler(t, cloudOf(), model).Reconcile(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		wantHead(t, model, 0)
	})
	t.Run("in the middle of the scan", func(t *testing.T) {
		fake, model := cloudOf(), storagetest.NewModel()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		fake.Hook(web, func(ctx context.Context, _ int) error {
			cancel()
			return ctx.Err()
		})
		result, err := newReconciler(t, fake, model).Reconcile(ctx)
		if !errors.Is(err, context.Canceled) || result.Scan != nil || result.TimedOut {
			t.Errorf("got %v and %+v", err, result)
		}
		wantHead(t, model, 0)
	})
}

func TestReconciler_MissingSpoolDirectoryMattersOnlyToALargeScan(t *testing.T) {
	fake := cloudOf()
	rec := daemon.NewReconciler(daemon.ReconcilerOptions{
		Provider: fake, Store: storagetest.NewModel(), SpoolDir: t.TempDir() + "/missing",
	})
	reconcile(t, rec)
	for i := range 10 {
		big := providertest.Resource(web, fmt.Sprint(i), `{}`)
		big.Attributes = fmt.Appendf(nil, `{"Blob":%q}`, strings.Repeat("x", 1<<20))
		fake.Put(big)
	}
	if result, err := rec.Reconcile(t.Context()); err == nil || result.Scan != nil {
		t.Errorf("a scan that could not be spooled was stored: %v", err)
	}
}

func TestReconciler_LargeFirstScanIsRecordedAsItIs(t *testing.T) {
	resources := 50_000
	if raceEnabled {
		resources = 10_000 // still more than a spool holds in memory
	}
	cloud, err := demo.New(demo.Options{Resources: resources, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	store, err := badger.Open(badger.Options{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	rec := newReconciler(t, cloud, store)
	first := reconcile(t, rec)
	if first.Scan.Baseline != resources || first.Scan.ResourceCount != resources || first.ChangesDetected != 0 {
		t.Fatalf("the first scan is %+v", first.Scan)
	}
	wantTruth(t, store, cloud)
	second := reconcile(t, rec)
	if s := second.Scan; s.Changes()+s.Baseline+s.Rebaselined != 0 || second.ResourcesScanned != resources {
		t.Errorf("an unchanged scan of %d resources is %+v", second.ResourcesScanned, s)
	}
}

// wantTruth compares everything that a store holds with everything that is in a cloud.
func wantTruth(t *testing.T, store storage.Store, cloud *demo.Provider) {
	t.Helper()
	var h resource.Hasher
	truth := make(map[resource.Key]resource.Fingerprint, cloud.Count())
	for r := range cloud.Truth() {
		truth[r.Key] = h.Sum(&r)
	}
	for v, err := range store.List(t.Context(), storage.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if want, ok := truth[v.Resource.Key]; !ok || want != h.Sum(&v.Resource) {
			t.Fatalf("%s is recorded otherwise than it is", v.Resource.Key)
		}
		delete(truth, v.Resource.Key)
	}
	if len(truth) > 0 {
		t.Errorf("%d resources are not recorded", len(truth))
	}
}

func TestReconciler_FollowsAChangingCloud(t *testing.T) {
	cloud, err := demo.New(demo.Options{Resources: 500, ChangeRate: 0.05, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	for engine, open := range disks {
		t.Run(engine, func(t *testing.T) {
			store, err := open(t)()
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			rec := newReconciler(t, cloud, store)
			reconcile(t, rec)
			for range 5 {
				if result := reconcile(t, rec); result.ChangesDetected == 0 || result.Scan.ResourceCount != cloud.Count() {
					t.Errorf("the scan is %+v; the cloud has %d resources", result.Scan, cloud.Count())
				}
				wantTruth(t, store, cloud)
			}
		})
	}
}
