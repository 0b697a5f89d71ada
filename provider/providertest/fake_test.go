package providertest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/providertest"
	"github.com/elava-dev/elava/resource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	east = resource.Scope{Provider: "fake", Account: "1", Region: "east", Type: "T::A"}
	west = resource.Scope{Provider: "fake", Account: "1", Region: "west", Type: "T::A"}
)

func list(t *testing.T, f *providertest.Fake, s resource.Scope) (all []resource.Resource, pages int, err error) {
	t.Helper()
	err = f.List(t.Context(), s, func(page []resource.Resource) error {
		all = append(all, page...)
		pages++
		return nil
	})
	return all, pages, err
}

func filled(n int) *providertest.Fake {
	f := providertest.New("fake")
	f.Set(east)
	for i := range n {
		f.Put(providertest.Resource(east, fmt.Sprintf("r%d", i), `{"B": 1, "A": [{"X": ""}]}`))
	}
	return f
}

func TestFake_ListsWhatWasSetInPages(t *testing.T) {
	f := filled(5)
	f.SetPageSize(2)
	all, pages, err := list(t, f, east)
	if err != nil || len(all) != 5 || pages != 3 {
		t.Fatalf("got %d resources on %d pages and %v; want 5 on 3", len(all), pages, err)
	}
	if got, want := string(all[0].Attributes), `{"A":[{"X":""}],"B":1}`; got != want {
		t.Errorf("attributes are %s, want %s", got, want)
	}
	f.Put(providertest.Resource(east, "r1", `{}`))
	f.Delete(all[0].Key)
	if all, _, _ := list(t, f, east); len(all) != 4 {
		t.Errorf("after replacing one and deleting one there are %d, want 4", len(all))
	}
	if n := f.Listings(east); n != 2 {
		t.Errorf("%d listings counted, want 2", n)
	}
}

func TestFake_PlansItsScopesInOrderOfMention(t *testing.T) {
	f := providertest.New("fake")
	f.Set(west)
	f.Set(east)
	f.SetNotices("synthetic")
	broken := errors.New("broken")
	f.FailInPlan(west, broken)
	plan, err := f.Plan(t.Context())
	if err != nil || len(plan.Scopes) != 1 || plan.Scopes[0] != east || len(plan.Notices) != 1 {
		t.Fatalf("plan is %+v, %v", plan, err)
	}
	if len(plan.Failed) != 1 || plan.Failed[0].Scope != west || !errors.Is(plan.Failed[0], broken) {
		t.Errorf("failed scopes are %v", plan.Failed)
	}
	f.FailInPlan(west, nil)
	if plan, _ := f.Plan(t.Context()); len(plan.Scopes) != 2 || plan.Scopes[0] != west {
		t.Errorf("scopes are %v, want west before east", plan.Scopes)
	}
	f.Drop(west)
	if plan, _ := f.Plan(t.Context()); len(plan.Scopes) != 1 {
		t.Errorf("a dropped scope is still planned: %v", plan.Scopes)
	}
	f.FailPlan(broken)
	if _, err := f.Plan(t.Context()); !errors.Is(err, broken) {
		t.Errorf("Plan returned %v, want the error that was set", err)
	}
	if f.Plans() != 4 {
		t.Errorf("%d plans counted, want 4", f.Plans())
	}
}

func TestFake_FailsAfterTheFirstPageAndRecovers(t *testing.T) {
	f := filled(5)
	f.SetPageSize(2)
	broken := &provider.Error{Reason: provider.ReasonThrottled, Err: errors.New("slow down")}
	f.Fail(east, broken)
	all, pages, err := list(t, f, east)
	if !errors.Is(err, broken) || len(all) != 2 || pages != 1 {
		t.Errorf("got %d resources, %d pages, %v; want the first page and the error", len(all), pages, err)
	}
	f.Fail(east, nil)
	if all, _, err := list(t, f, east); err != nil || len(all) != 5 {
		t.Errorf("after recovery got %d resources, %v", len(all), err)
	}
}

func TestFake_HookSeesEveryPageAndCanEndTheListing(t *testing.T) {
	f := filled(5)
	f.SetPageSize(2)
	stop := errors.New("stop")
	var seen []int
	f.Hook(east, func(_ context.Context, page int) error {
		seen = append(seen, page)
		if page == 3 {
			return stop
		}
		return nil
	})
	if all, _, err := list(t, f, east); !errors.Is(err, stop) || len(all) != 4 || len(seen) != 3 {
		t.Errorf("got %d resources, pages %v, error %v", len(all), seen, err)
	}
	f.Set(west)
	called := 0
	f.Hook(west, func(context.Context, int) error { called++; return nil })
	if _, pages, err := list(t, f, west); err != nil || pages != 0 || called != 1 {
		t.Errorf("an empty scope gave %d pages, %d calls of the hook, %v", pages, called, err)
	}
}

func TestFake_ReturnsTheErrorOfTheReceiverAndOfTheContext(t *testing.T) {
	f := filled(1)
	full := errors.New("disk full")
	if err := f.List(t.Context(), east, func([]resource.Resource) error { return full }); !errors.Is(err, full) || err.Error() != full.Error() {
		t.Errorf("got %v, want the receiver's error unchanged", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.List(ctx, east, func([]resource.Resource) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, _, err := list(t, f, west); err == nil {
		t.Error("listing an unknown scope succeeded: an absence where there is a mistake")
	}
}

func TestFake_SharesNothingWithTestOrConsumer(t *testing.T) {
	f := providertest.New("fake")
	mine := providertest.Resource(east, "r", `{"A":1}`)
	mine.Tags["env"] = "prod"
	f.Set(east, mine)
	mine.Tags["env"], mine.Attributes[1] = "changed", 'X'
	first, _, _ := list(t, f, east)
	first[0].Tags["env"], first[0].Attributes[1] = "changed", 'X'
	second, _, _ := list(t, f, east)
	if second[0].Tags["env"] != "prod" || string(second[0].Attributes) != `{"A":1}` {
		t.Errorf("the fake holds %v %s", second[0].Tags, second[0].Attributes)
	}
}

func TestFake_IsSafeForConcurrentUse(t *testing.T) {
	f := filled(50)
	f.SetPageSize(7)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 50 {
				f.Put(providertest.Resource(east, fmt.Sprintf("r%d", i), `{}`))
				f.Fail(west, nil)
				if _, err := f.Plan(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 50 {
				n := 0
				err := f.List(t.Context(), east, func(page []resource.Resource) error { n += len(page); return nil })
				if err != nil || n != 50 {
					t.Errorf("listed %d, %v; want 50", n, err)
				}
			}
		})
	}
	wg.Wait()
}
