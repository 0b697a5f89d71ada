package demo_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/demo"
	"github.com/elava-dev/elava/resource"
)

// outcome lists all scopes of the next step and returns the reasons of those that fail.
func outcome(t *testing.T, p *demo.Provider) map[resource.Scope]provider.Reason {
	t.Helper()
	failed := map[resource.Scope]provider.Reason{}
	for _, s := range plan(t, p).Scopes {
		err := p.List(t.Context(), s, func([]resource.Resource) error { return nil })
		if err == nil {
			continue
		}
		var e *provider.Error
		if !errors.As(err, &e) || !strings.Contains(e.Hint, "fault") {
			t.Errorf("%s: %v is no provider.Error that names its fault", s, err)
		}
		failed[s] = provider.ReasonOf(err)
	}
	return failed
}

func instancesIn(region string) resource.Scope {
	return resource.Scope{Provider: "demo", Account: demo.Account, Region: region, Type: "Demo::Compute::Instance"}
}

func TestFault_FailDeniesAccessToWhatItsGlobMatches(t *testing.T) {
	for glob, want := range map[string]int{
		"demo::compute::*":                 4,
		"Demo::Compute::Instance":          2,
		"us-east-1/*":                      10,
		"*/*":                              22,
		"demo/*/eu-west-1/*::Network::*":   3,
		"global/Demo::Identity::Role":      1,
		instancesIn("us-east-1").String():  1,
		"demo/000000000000/global/Demo::*": 2,
	} {
		p := newProvider(t, demo.Options{Resources: 100, Faults: []string{"fail:" + glob}})
		failed := outcome(t, p)
		if len(failed) != want {
			t.Errorf("fail:%s struck %d scopes, want %d", glob, len(failed), want)
		}
		for s, reason := range failed {
			if reason != provider.ReasonAccessDenied {
				t.Errorf("%s failed with %s", s, reason)
			}
		}
	}
}

func TestFault_ThrottleStrikesEveryThirdStepAfterTheFirstPage(t *testing.T) {
	p := newProvider(t, demo.Options{Resources: 100, Faults: []string{"throttle"}})
	strikes := map[resource.Scope]int{}
	for range 6 {
		for s, reason := range outcome(t, p) {
			strikes[s]++
			if reason != provider.ReasonThrottled {
				t.Errorf("%s failed with %s", s, reason)
			}
		}
	}
	if len(strikes) != 22 {
		t.Errorf("%d scopes were throttled, want all", len(strikes))
	}
	for s, n := range strikes {
		if n != 2 {
			t.Errorf("%s was throttled %d times in six steps, want twice", s, n)
		}
	}

	p = newProvider(t, demo.Options{Resources: 20000, Faults: []string{"throttle:Demo::Compute::Instance"}})
	for range 3 {
		plan(t, p)
		pages := 0
		err := p.List(t.Context(), instancesIn("us-east-1"), func([]resource.Resource) error { pages++; return nil })
		if err != nil && pages != 1 {
			t.Errorf("throttled after %d pages, want one", pages)
		}
		if err == nil && pages < 2 {
			t.Errorf("listed %d pages in all, want several", pages)
		}
	}
}

func TestFault_FlakyFailsTheSameShareForTheSameSeed(t *testing.T) {
	strikes := func(seed uint64, fault string) (n int, which []string) {
		p := newProvider(t, demo.Options{Seed: seed, Resources: 50, Faults: []string{fault}})
		for range 100 {
			failed := outcome(t, p)
			n += len(failed)
			names := make([]string, 0, len(failed))
			for s := range maps.Keys(failed) {
				names = append(names, s.String())
			}
			slices.Sort(names)
			which = append(which, strings.Join(names, " "))
		}
		return n, which
	}
	n, which := strikes(1, "flaky:20")
	if n < 2200*15/100 || n > 2200*25/100 {
		t.Errorf("%d of 2200 listings failed, want about a fifth", n)
	}
	if _, again := strikes(1, "flaky:20%"); !slices.Equal(which, again) {
		t.Error("other listings failed with the same seed")
	}
	if _, other := strikes(2, "flaky:20"); slices.Equal(which, other) {
		t.Error("the same listings failed with another seed")
	}
	if n, _ := strikes(1, "flaky:0"); n != 0 {
		t.Errorf("%d listings failed with flaky:0", n)
	}
	if n, _ := strikes(1, "flaky:100"); n != 2200 {
		t.Errorf("%d of 2200 listings failed with flaky:100", n)
	}
}

func TestFault_HangEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, demo.Options{Resources: 100, Faults: []string{"hang:*::Instance"}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		err := p.List(ctx, instancesIn("us-east-1"), func([]resource.Resource) error {
			t.Error("a hung listing handed on a page")
			return nil
		})
		if provider.ReasonOf(err) != provider.ReasonTimeout || !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Minute {
			t.Errorf("got %v after %v, want a timeout after a minute", err, time.Since(begin))
		}
	})
}

func TestFault_HangHardOutlivesItsContextAndEndsWithTheProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, demo.Options{Resources: 100, Faults: []string{"hang-hard"}})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.List(ctx, instancesIn("us-east-1"), func([]resource.Resource) error { return nil }) }()
		cancel()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("the listing ended with %v although it should ignore its context", err)
		default:
		}
		_ = p.Close()
		_ = p.Close() // twice is safe
		if err := <-done; provider.ReasonOf(err) != provider.ReasonOther {
			t.Errorf("got %v after Close", err)
		}
	})
}

func TestFault_PartialHidesTheTagsOfTheSameResources(t *testing.T) {
	p := newProvider(t, demo.Options{Resources: 1000, Faults: []string{"partial:*::Volume"}})
	unknown := func() (keys []resource.Key, others int) {
		for k, r := range scan(t, p) {
			switch {
			case len(r.Unknown) == 0 && r.Tags["Name"] == "":
				t.Errorf("%s has no name although its tags are known", k)
			case len(r.Unknown) == 0 && strings.HasSuffix(k.Type, "::Volume"):
				others++
			case len(r.Unknown) > 0:
				if r.Tags != nil || r.Unknown[0].Part != resource.PartTags || provider.ReasonOf(r.Unknown[0].Err) != provider.ReasonAccessDenied {
					t.Errorf("%s: tags %v, unknown %v", k, r.Tags, r.Unknown)
				}
				keys = append(keys, k)
			}
		}
		slices.SortFunc(keys, resource.Key.Compare)
		return keys, others
	}
	first, others := unknown()
	if len(first) < others/4 || len(first) > others {
		t.Errorf("%d volumes with unknown tags and %d with known ones, want about a third", len(first), others)
	}
	if second, _ := unknown(); !slices.Equal(first, second) {
		t.Error("the tags of other resources are unknown in the next step")
	}
}

func TestFault_SlowTakesItsTimeForEveryPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, demo.Options{Resources: 20000, Faults: []string{"slow:2s"}})
		begin, pages := time.Now(), 0
		count := func([]resource.Resource) error { pages++; return nil }
		if err := p.List(t.Context(), instancesIn("us-east-1"), count); err != nil {
			t.Fatal(err)
		}
		if got, want := time.Since(begin), time.Duration(pages)*2*time.Second; pages < 2 || got != want {
			t.Errorf("%d pages took %v, want %v", pages, got, want)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin = time.Now()
		err := p.List(ctx, instancesIn("us-east-1"), count)
		if provider.ReasonOf(err) != provider.ReasonTimeout || time.Since(begin) != time.Second {
			t.Errorf("got %v after %v, want a timeout after a second", err, time.Since(begin))
		}
	})
}

func TestFault_PanicPanics(t *testing.T) {
	p := newProvider(t, demo.Options{Resources: 10, Faults: []string{"panic:*::Instance"}})
	defer func() {
		if r, _ := recover().(string); !strings.Contains(r, "panic:*::Instance") {
			t.Errorf("recovered %q, want the name of the fault", r)
		}
	}()
	_ = p.List(t.Context(), instancesIn("us-east-1"), func([]resource.Resource) error { return nil })
}

func TestFault_IsSwitchedOnAndOffBetweenScans(t *testing.T) {
	p := newProvider(t, demo.Options{Resources: 100})
	for i, step := range []struct {
		faults []string
		failed int
	}{
		{nil, 0}, {[]string{"fail:*"}, 22}, {[]string{"fail:us-east-1/*", "fail:*::Role"}, 11}, {nil, 0},
	} {
		if err := p.SetFaults(step.faults); err != nil {
			t.Fatal(err)
		}
		if n := len(outcome(t, p)); n != step.failed {
			t.Errorf("scan %d with %v: %d scopes failed, want %d", i, step.faults, n, step.failed)
		}
	}
}

func TestSetFaults_RefusesWhatWouldDoNothingAndKeepsWhatWasOn(t *testing.T) {
	p := newProvider(t, demo.Options{Resources: 100, Faults: []string{"fail:*"}})
	for fault, says := range map[string]string{
		"explode":                 "hang-hard[:GLOB]",
		"":                        "fail:GLOB",
		"fail":                    "fail:Demo::*",
		"fail:[":                  "want a glob",
		"fail:Demo::Compute:Disk": "Demo::Compute::Volume",
		"hang:":                   "hang:Demo::*",
		"slow:fast":               "slow:250ms",
		"slow:-1s":                "slow:250ms",
		"flaky:101":               "0 to 100",
		"flaky":                   "0 to 100",
	} {
		err := p.SetFaults([]string{"throttle", fault})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("fault %q gave %v, want an error that says %s", fault, err, says)
		}
	}
	if n := len(outcome(t, p)); n != 22 {
		t.Errorf("%d scopes fail after refused faults, want all as before", n)
	}
	if _, err := demo.New(demo.Options{Faults: []string{"explode"}}); err == nil {
		t.Error("New took an unknown fault")
	}
}

func TestList_StopsForTheReceiverAndForTheContext(t *testing.T) {
	p := newProvider(t, demo.Options{Resources: 20000})
	full := errors.New("disk full")
	if err := p.List(t.Context(), instancesIn("us-east-1"), func([]resource.Resource) error { return full }); !errors.Is(err, full) || err.Error() != full.Error() {
		t.Errorf("got %v, want the receiver's error unchanged", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	pages := 0
	err := p.List(ctx, instancesIn("us-east-1"), func([]resource.Resource) error { pages++; cancel(); return nil })
	if provider.ReasonOf(err) != provider.ReasonCancelled || pages != 1 {
		t.Errorf("got %v after %d pages, want a cancellation after one", err, pages)
	}
	if _, err := p.Plan(ctx); provider.ReasonOf(err) != provider.ReasonCancelled || p.Tick() != 0 {
		t.Errorf("Plan with an ended context: %v, step %d", err, p.Tick())
	}
	var e *provider.Error
	if err := p.List(t.Context(), instancesIn("mars-north-1"), nil); !errors.As(err, &e) {
		t.Errorf("listing an unknown scope gave %v: an absence where there is a mistake", err)
	}
}

// Run with the race detector.
func TestProvider_IsSafeForConcurrentUse(t *testing.T) {
	p := newProvider(t, demo.Options{Resources: 2000, ChangeRate: 0.2})
	scopes := plan(t, p).Scopes
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 20 {
			plan(t, p)
			_ = p.SetFaults([][]string{nil, {"fail:*"}, {"partial:*"}}[i%3])
		}
	}()
	for range 20 {
		for _, s := range scopes {
			_ = p.List(t.Context(), s, func([]resource.Resource) error { return nil })
		}
	}
	<-done
}
