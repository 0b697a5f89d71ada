// Package otlp sends metrics and traces to a collector, where the standard variables of
// OpenTelemetry ask for it. Without them it does nothing and costs nothing.
//
// A signal is sent when OTEL_EXPORTER_OTLP_ENDPOINT or its own endpoint
// (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT) is set, or
// when OTEL_TRACES_EXPORTER or OTEL_METRICS_EXPORTER is otlp; none switches it off, and
// OTEL_SDK_DISABLED=true switches off both. The variables for headers, time limits,
// certificates, compression, sampling and intervals are read by the exporters
// themselves ("OpenTelemetry Environment Variable Specification").
//
// It makes exporters and nothing else: which instruments and spans there are is decided
// where things happen. A collector that does not answer never holds up the daemon; what
// cannot be sent is dropped and logged.
package otlp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// serviceName is service.name unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES says
// otherwise.
const serviceName = "elava"

// Values of the variables for protocols and exporters.
const (
	protocolHTTP = "http/protobuf" // the specification's default
	protocolGRPC = "grpc"
	exporterOTLP = "otlp"
	exporterNone = "none"
)

// Telemetry is what is sent by OTLP.
type Telemetry struct {
	metrics []sdkmetric.Option
	traces  *sdktrace.TracerProvider // nil: none
}

// New reads the variables and makes the exporters. It connects to nothing yet. The
// error names the variable and what it may be. getenv returns "" for what is not set; the
// exporters read the environment of the process for the rest.
func New(ctx context.Context, getenv func(string) string, version string) (*Telemetry, error) {
	env := environment(getenv)
	t := &Telemetry{}
	if env.disabled() {
		return t, nil
	}
	sendMetrics, err1 := env.sends("METRICS")
	sendTraces, err2 := env.sends("TRACES")
	if err := errors.Join(err1, err2); err != nil || !sendMetrics && !sendTraces {
		return t, err
	}
	about, err := describe(ctx, version)
	if err != nil {
		return nil, err
	}
	if sendMetrics {
		reader, err := env.metricReader(ctx)
		if err != nil {
			return nil, fmt.Errorf("sending metrics by OTLP: %w", err)
		}
		t.metrics = []sdkmetric.Option{sdkmetric.WithReader(reader), sdkmetric.WithResource(about)}
	}
	if sendTraces {
		exporter, err := env.spanExporter(ctx)
		if err != nil {
			return nil, fmt.Errorf("sending traces by OTLP: %w", err)
		}
		t.traces = sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	}
	return t, nil
}

// MetricOptions are to be given to the meter provider, whose Shutdown sends the last
// values. Empty where metrics are not sent.
func (t *Telemetry) MetricOptions() []sdkmetric.Option { return t.metrics }

// TracerProvider makes tracers; they do nothing where traces are not sent.
func (t *Telemetry) TracerProvider() trace.TracerProvider {
	if t.traces == nil {
		return noop.NewTracerProvider()
	}
	return t.traces
}

// Shutdown sends the spans that are left, until ctx ends.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	if t.traces == nil {
		return nil
	}
	if err := t.traces.Shutdown(ctx); err != nil {
		return fmt.Errorf("stopping traces: %w", err)
	}
	return nil
}

// describe says who sends. What the environment says wins.
func describe(ctx context.Context, version string) (*resource.Resource, error) {
	r, err := resource.New(ctx,
		resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", serviceName), attribute.String("service.version", version)),
		resource.WithFromEnv(),
	)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return r, nil
}

// environment reads variables.
type environment func(string) string

func (env environment) disabled() bool { return strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") }

// sends reports whether a signal, METRICS or TRACES, is to be sent.
func (env environment) sends(signal string) (bool, error) {
	name := "OTEL_" + signal + "_EXPORTER"
	switch exporter := env(name); exporter {
	case exporterOTLP:
		return true, nil
	case exporterNone:
		return false, nil
	case "":
		return cmp.Or(env("OTEL_EXPORTER_OTLP_ENDPOINT"), env("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT")) != "", nil
	default:
		return false, fmt.Errorf("%s: %q is not supported; want %s or %s", name, exporter, exporterOTLP, exporterNone)
	}
}

// protocol returns how a signal is sent.
func (env environment) protocol(signal string) (string, error) {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_" + signal + "_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch p := env(name); p {
		case "":
		case protocolHTTP, protocolGRPC:
			return p, nil
		default:
			return "", fmt.Errorf("%s: %q is not supported; want %s or %s", name, p, protocolHTTP, protocolGRPC)
		}
	}
	return protocolHTTP, nil
}

// metricReader sends every minute, or as OTEL_METRIC_EXPORT_INTERVAL says.
func (env environment) metricReader(ctx context.Context) (sdkmetric.Reader, error) {
	protocol, err := env.protocol("METRICS")
	if err != nil {
		return nil, err
	}
	var exporter sdkmetric.Exporter
	if protocol == protocolGRPC {
		exporter, err = otlpmetricgrpc.New(ctx)
	} else {
		exporter, err = otlpmetrichttp.New(ctx)
	}
	if err != nil {
		return nil, err
	}
	return sdkmetric.NewPeriodicReader(exporter), nil
}

func (env environment) spanExporter(ctx context.Context) (sdktrace.SpanExporter, error) {
	protocol, err := env.protocol("TRACES")
	if err != nil {
		return nil, err
	}
	if protocol == protocolGRPC {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx)
}
