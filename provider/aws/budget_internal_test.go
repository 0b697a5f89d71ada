package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
)

// calls takes n tokens, one after the other, and returns how long that took.
func calls(t *testing.T, b *tokenBucket, n int) time.Duration {
	t.Helper()
	begin := time.Now()
	for range n {
		if _, err := b.take(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(begin)
}

func wantAbout(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if got < want-want/20 || got > want+want/20 {
		t.Errorf("%s took %s, want about %s", what, got, want)
	}
}

func TestTokenBucket_AllowsABurstAndThenItsPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTokenBucket(4, 20)
		if d := calls(t, b, 20); d != 0 {
			t.Errorf("the burst took %s", d)
		}
		wantAbout(t, "40 more calls", calls(t, b, 40), 10*time.Second)
		time.Sleep(time.Hour)
		if d := calls(t, b, 20); d != 0 {
			t.Errorf("the burst after a pause took %s", d)
		}
		if d := calls(t, b, 1); d == 0 {
			t.Error("a pause gave more than a burst")
		}
	})
}

func TestTokenBucket_HalvesAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTokenBucket(4, 20)
		at, _ := b.take(t.Context())
		b.throttled(at)
		if got := b.pace(); got != 2 {
			t.Errorf("pace after one throttle is %v, want 2", got)
		}
		b.throttled(at) // of a call from before: it says nothing of the new pace
		if got := b.pace(); got != 2 {
			t.Errorf("pace after an old throttle is %v, want 2", got)
		}
		for range 20 {
			time.Sleep(time.Millisecond)
			b.throttled(time.Now())
		}
		if got := b.pace(); got < 4.0/64 || got > 4.0/60 {
			t.Errorf("pace after many throttles is %v, want a 64th", got)
		}
		time.Sleep(5 * recovery)
		if calls(t, b, 1); b.pace() < 2 || b.pace() > 2.2 {
			t.Errorf("pace after five doublings is %v, want 2", b.pace())
		}
		if d := calls(t, b, 5); d < 2*time.Second {
			t.Errorf("five calls took %s: no burst is allowed before the pace is whole again", d)
		}
		time.Sleep(recovery)
		calls(t, b, 1)
		time.Sleep(time.Minute)
		if d := calls(t, b, 20); d != 0 || b.pace() != 4 {
			t.Errorf("after the recovery a burst took %s at %v calls a second", d, b.pace())
		}
	})
}

// Callers side by side share the pace, and nobody is left waiting.
func TestTokenBucket_ManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTokenBucket(10, 1)
		begin := time.Now()
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() { calls(t, b, 25) })
		}
		callers.Wait()
		wantAbout(t, "200 calls", time.Since(begin), 20*time.Second)
	})
}

func TestTokenBucket_WaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTokenBucket(1.0/60, 1)
		calls(t, b, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var callers sync.WaitGroup
		for range 2 { // the first in the line and one behind it
			callers.Go(func() {
				if _, err := b.take(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
			})
		}
		callers.Wait()
		wantAbout(t, "the next call", calls(t, b, 1), time.Minute-time.Second)
	})
}

// throttler refuses what exceeds a number of calls in any second.
type throttler struct {
	limit int
	times []time.Time
}

func (s *throttler) refuses() bool {
	now := time.Now()
	for len(s.times) > 0 && now.Sub(s.times[0]) >= time.Second {
		s.times = s.times[1:]
	}
	if len(s.times) >= s.limit {
		return true
	}
	s.times = append(s.times, now)
	return false
}

// Whatever the true limit is, the pace finds it: at most a twentieth is refused after the
// first minute, and at least half of what would be allowed is used.
func TestTokenBucket_FindsThePaceOfAServer(t *testing.T) {
	for _, limit := range []int{1, 5, 15} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &throttler{limit: limit}
				b := newTokenBucket(20, 100)
				begin := time.Now()
				answered, refused := 0, 0
				for time.Since(begin) < time.Hour {
					at, err := b.take(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					no := server.refuses()
					if no {
						b.throttled(at)
					}
					switch {
					case time.Since(begin) < time.Minute:
					case no:
						refused++
					default:
						answered++
					}
				}
				if share := float64(refused) / float64(refused+answered); share > 0.05 {
					t.Errorf("%.1f %% of %d calls were refused", 100*share, refused+answered)
				}
				if rate := float64(answered) / 59 / 60; rate < 0.5*float64(limit) {
					t.Errorf("%.2f calls a second, of %d that are allowed", rate, limit)
				}
			})
		})
	}
}

func TestLimiter_ForgetsBucketsThatAreAsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counters, err := newCallCounters(noop.NewMeterProvider())
		if err != nil {
			t.Fatal(err)
		}
		l := newLimiter(0.2, counters)
		l.buckets[bucketKey{"1", "us-east-1", "lambda", "control plane"}] = newTokenBucket(3, 3)
		l.buckets[bucketKey{"1", "us-east-1", "ec2", "DescribeVpcs"}] = newTokenBucket(4, 20)
		slow := l.buckets[bucketKey{"1", "us-east-1", "lambda", "control plane"}]
		begin := time.Now()
		calls(t, slow, 30)
		slow.noteWait(time.Since(begin))
		if got := strings.Join(l.slowest(), "; "); got != "lambda control plane in us-east-1 of account 1 (3 calls a second)" {
			t.Errorf("slowest: %s", got)
		}
		l.forget()
		if len(l.buckets) != 1 || len(l.slowest()) != 0 {
			t.Errorf("%d buckets and slowest %q, want the one in use and nothing", len(l.buckets), l.slowest())
		}
		time.Sleep(time.Minute)
		l.forget()
		if len(l.buckets) != 0 {
			t.Errorf("%d buckets are left of an idle provider", len(l.buckets))
		}
	})
}

func TestCallLimitOf(t *testing.T) {
	for _, tc := range []struct {
		service, operation, class string
		rate                      float64
	}{
		{"ec2", "DescribeInstances", "DescribeInstances", 20},
		{"lambda", "GetFunction", "GetFunction", 100},
		{"lambda", "ListFunctions", "control plane", 15},
		{"lambda", "ListTags", "control plane", 15},
		{"nosuchservice", "ListThings", "ListThings", 20},
	} {
		q := callLimitOf(tc.service, tc.operation)
		if q.class(tc.operation) != tc.class || q.rate != tc.rate {
			t.Errorf("%s %s: class %q at %v, want %q at %v", tc.service, tc.operation, q.class(tc.operation), q.rate, tc.class, tc.rate)
		}
	}
}

// The first line that fits counts, so no line may hide one below it, and every service
// belongs to the SDK as metrics call it.
func TestCallLimits_AreReachable(t *testing.T) {
	whole := map[string]bool{}
	for _, q := range callLimits {
		if whole[q.service] {
			t.Errorf("%s: a line below the one for all operations", q.service)
		}
		whole[q.service] = q.operations == nil
		if q.rate <= 0 || q.burst < 1 || q.service != strings.ToLower(q.service) {
			t.Errorf("%+v cannot be", q)
		}
	}
}
