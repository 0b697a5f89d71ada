package otlp_test

import (
	"context"
	"strings"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/elava-dev/elava/observer/otlp"
	"github.com/elava-dev/elava/observer/otlp/otlptest"
)

// setenv sets the variables for the exporters, which read the process's, and returns
// what reads them for New.
func setenv(t *testing.T, pairs ...string) func(string) string {
	t.Helper()
	set := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		set[pairs[i]] = pairs[i+1]
		t.Setenv(pairs[i], pairs[i+1])
	}
	return func(name string) string { return set[name] }
}

func TestNew_SendsMetricsAndTracesByBothProtocols(t *testing.T) {
	for _, protocol := range []string{"http/protobuf", "grpc"} {
		t.Run(protocol, func(t *testing.T) {
			r := otlptest.New(t)
			endpoint := r.HTTPEndpoint
			if protocol == "grpc" {
				endpoint = r.GRPCEndpoint
			}
			env := setenv(t, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL", protocol, "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			telemetry, err := otlp.New(ctx, env, "1.2.3")
			if err != nil {
				t.Fatal(err)
			}
			meters := sdkmetric.NewMeterProvider(telemetry.MetricOptions()...)
			counter, err := meters.Meter("test").Int64Counter("made_up_total")
			if err != nil {
				t.Fatal(err)
			}
			counter.Add(ctx, 1)
			_, span := telemetry.TracerProvider().Tracer("test").Start(ctx, "made up")
			span.End()
			if err := telemetry.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			if err := meters.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			r.Wait(ctx, t, "metric", func() bool { return r.HasMetric("made_up_total") })
			r.Wait(ctx, t, "span", func() bool { return len(r.Spans()) == 1 && r.Spans()[0].GetName() == "made up" })
			if !r.HasService("elava") {
				t.Error("the span does not say which service it is of")
			}
		})
	}
}

func TestNew_SendsWhatTheVariablesAskFor(t *testing.T) {
	const endpoint = "http://127.0.0.1:1" // nothing is connected to before something is sent
	for name, c := range map[string]struct {
		env             []string
		metrics, traces bool
	}{
		"nothing set":             {nil, false, false},
		"an endpoint for both":    {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", endpoint}, true, true},
		"one for traces":          {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint}, false, true},
		"one for metrics":         {[]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", endpoint}, true, false},
		"asked for by name":       {[]string{"OTEL_TRACES_EXPORTER", "otlp"}, false, true},
		"switched off one by one": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_METRICS_EXPORTER", "none"}, false, true},
		"switched off":            {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "OTEL_SDK_DISABLED", "true"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			telemetry, err := otlp.New(t.Context(), setenv(t, c.env...), "1.2.3")
			if err != nil {
				t.Fatal(err)
			}
			if got := len(telemetry.MetricOptions()) > 0; got != c.metrics {
				t.Errorf("sends metrics: %v", got)
			}
			_, span := telemetry.TracerProvider().Tracer("test").Start(t.Context(), "x")
			if span.IsRecording() != c.traces {
				t.Errorf("sends traces: %v", span.IsRecording())
			}
			ctx, cancel := context.WithCancel(t.Context()) // the span is never ended: nothing is to be sent
			cancel()
			_ = telemetry.Shutdown(ctx)
		})
	}
}

func TestNew_RefusesWhatItDoesNotKnow(t *testing.T) {
	for _, c := range [][]string{
		{"OTEL_TRACES_EXPORTER", "zipkin"},
		{"OTEL_METRICS_EXPORTER", "prometheus"},
		{"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"},
	} {
		_, err := otlp.New(t.Context(), setenv(t, c...), "1.2.3")
		if err == nil || !strings.Contains(err.Error(), c[0]) || !strings.Contains(err.Error(), c[1]) || !strings.Contains(err.Error(), "want") {
			t.Errorf("%v: got %v, want the variable, its value and what it may be", c, err)
		}
	}
}
