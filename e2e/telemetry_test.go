package e2e

import (
	"context"
	"encoding/hex"
	"testing"

	span "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/elava-dev/elava/observer/otlp/otlptest"
)

// A scan is one trace: the scan, its scopes, their API calls and the commit, and the line
// in the log that tells of it. Metrics arrive under the names that a scrape shows.
func TestTelemetry_ReachesACollector(t *testing.T) {
	c := newCloud(t)
	smallPopulation(t, c)
	r := otlptest.New(t)
	e := install(t, append(c.env(t),
		"OTEL_EXPORTER_OTLP_ENDPOINT="+r.HTTPEndpoint, "OTEL_METRIC_EXPORT_INTERVAL=100", "OTEL_BSP_SCHEDULE_DELAY=50")...)
	p := e.serve(t, "--interval", "1h")
	line := p.Await(t, `\[Scan #1\].* trace_id=([0-9a-f]{32}) span_id=[0-9a-f]{16}`)
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	r.Wait(ctx, t, "span of the scan", func() bool { return len(named(r, "scan")) == 1 })
	for _, name := range []string{"daemon_reconciliation_total", "elava_resources", "elava_scope_up", "elava_aws_api_calls_total", "elava_build_info"} {
		r.Wait(ctx, t, "metric "+name, func() bool { return r.HasMetric(name) })
	}
	p.stop(t)

	scan := named(r, "scan")[0]
	if got := hex.EncodeToString(scan.GetTraceId()); got != line[1] {
		t.Errorf("the scan is trace %s, its log line says %s", got, line[1])
	}
	scopes := named(r, "scope")
	for _, parent := range []struct {
		name  string
		of    []*span.Span
		among []*span.Span
	}{
		{"scope", scopes, []*span.Span{scan}},
		{"commit", named(r, "commit"), []*span.Span{scan}},
		{"EC2.DescribeInstances", named(r, "EC2.DescribeInstances"), scopes},
		{"STS.GetCallerIdentity", named(r, "STS.GetCallerIdentity"), []*span.Span{scan}},
	} {
		if len(parent.of) == 0 {
			t.Errorf("there is no span %s", parent.name)
		}
		for _, s := range parent.of {
			if !below(s, parent.among) {
				t.Errorf("span %s lies elsewhere than it should", parent.name)
			}
		}
	}
	if !r.HasService("elava") {
		t.Error("spans do not say which service they are of")
	}
}

func named(r *otlptest.Receiver, name string) (all []*span.Span) {
	for _, s := range r.Spans() {
		if s.GetName() == name {
			all = append(all, s)
		}
	}
	return all
}

func below(s *span.Span, parents []*span.Span) bool {
	for _, p := range parents {
		if string(p.GetSpanId()) == string(s.GetParentSpanId()) && string(p.GetTraceId()) == string(s.GetTraceId()) {
			return true
		}
	}
	return false
}
