package aws_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/elava-dev/elava/provider"
	elavaaws "github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/provider/aws/faultproxy"
)

// manyPages serves a hundred pages with one instance each.
func manyPages(t *testing.T) *cloud {
	return query(t, func(w http.ResponseWriter, _ string, form map[string]string) {
		n := len(form["NextToken"])
		next := strings.Repeat("x", n+1)
		if n == 99 {
			next = ""
		}
		writeInstances(w, n, 1, next)
	})
}

// Against a server that takes 20 calls a second while the budget would allow 40 at once,
// the listing is complete, and the throttles end soon.
func TestBudget_ListsCompletelyWhereCallsAreThrottled(t *testing.T) {
	c := manyPages(t)
	proxy, err := faultproxy.New(c.url, faultproxy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	proxy.Inject(faultproxy.Rule{Fault: faultproxy.Throttle, Operation: "DescribeInstances", PerSecond: 20})
	s := httptest.NewServer(proxy)
	t.Cleanup(s.Close)
	reader := metric.NewManualReader()
	p := (&cloud{url: s.URL}).provider(t, func(o *elavaaws.Options) {
		only("AWS::EC2::Instance")(o)
		o.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
	})
	rs, err := listScope(t, p, instances)
	if err != nil || len(rs) != 100 {
		t.Fatalf("%d instances, %v", len(rs), err)
	}
	throttles := counters(t, reader)["elava_aws_api_throttles_total operation=DescribeInstances service=ec2"]
	if throttles == 0 || throttles > 5 {
		t.Errorf("%d of 100 calls were throttled, want 1 to 5", throttles)
	}
	if n := int64(len(proxy.Injected())); n != throttles {
		t.Errorf("%d throttles were counted, %d happened", throttles, n)
	}
}

// A scope that cannot be read in time says that it is the budget that it waited for.
func TestBudget_SaysThatNoTimeIsLeft(t *testing.T) {
	p := manyPages(t).provider(t, func(o *elavaaws.Options) {
		only("AWS::EC2::Instance")(o)
		o.APIBudget = 0.01 // one call at once, then one in 5 s
	})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := listWithin(ctx, p, instances)
	want := "not read to the end: ec2 DescribeInstances: no time was left to wait for the API budget of 0.2 calls a second"
	if provider.ReasonOf(err) != provider.ReasonTimeout || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestBudget_TellsWhyAScanTookLongerThanTheInterval(t *testing.T) {
	var budget float64
	notices := func(interval time.Duration) string {
		p := manyPages(t).provider(t, func(o *elavaaws.Options) {
			only("AWS::EC2::Instance")(o)
			o.APIBudget, o.Interval = budget, interval
		})
		if _, err := p.Plan(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		_, _ = listWithin(ctx, p, instances)
		plan, err := p.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(plan.Notices)
	}
	budget = 0.01
	want := "[aws: the last scan took longer than the interval of 1ms; it waited for the API budget, most for ec2 DescribeInstances in us-east-1 of account 123456789012 (0.2 calls a second): " +
		"raise cloud.api_budget, lengthen daemon.reconciliation_interval, or list less]"
	if got := notices(time.Millisecond); got != want {
		t.Errorf("got %s", got)
	}
	if got := notices(time.Hour); got != "[]" {
		t.Errorf("a scan that was in time: %s", got)
	}
	budget = 1
	if got := notices(time.Nanosecond); !strings.Contains(got, "its calls took that long") {
		t.Errorf("without waiting: %s", got)
	}
}
