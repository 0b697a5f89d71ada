package daemon

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/elava-dev/elava/provider"
)

// Spans of one iteration: the scan holds one span for each listing of a scope, in which
// the provider's calls lie, and the commit. Plan's calls lie in the scan itself.
const (
	tracerName = "github.com/elava-dev/elava/internal/daemon"

	spanScan   = "scan"
	spanScope  = "scope"
	spanCommit = "commit"
)

func newTracer(p trace.TracerProvider) trace.Tracer {
	if p == nil {
		p = noop.NewTracerProvider()
	}
	return p.Tracer(tracerName)
}

// traced runs f in a span.
func (r *Reconciler) traced(ctx context.Context, name string, f func(context.Context) error, attributes ...attribute.KeyValue) error {
	ctx, span := r.tracer.Start(ctx, name, trace.WithAttributes(attributes...))
	defer span.End()
	err := f(ctx)
	fail(span, err)
	return err
}

// traceScope runs the listing of a scope in a span.
func (s *scan) traceScope(ctx context.Context, l *listing, f func(context.Context) error) error {
	ctx, span := s.r.tracer.Start(ctx, spanScope, trace.WithAttributes(
		attribute.String("elava.account", l.scope.Account),
		attribute.String("elava.region", l.scope.Region),
		attribute.String("elava.type", l.scope.Type),
	))
	defer span.End()
	err := f(ctx)
	span.SetAttributes(attribute.Int("elava.resources", l.seen))
	if err != nil {
		span.SetAttributes(attribute.String("elava.reason", string(provider.ReasonOf(err))))
	}
	fail(span, err)
	return err
}

// endScan ends the span of an iteration.
func endScan(span trace.Span, result *ReconcileResult, err error) {
	span.SetAttributes(
		attribute.Int("elava.resources", result.ResourcesScanned),
		attribute.Int("elava.changes", result.ChangesDetected),
	)
	if result.Scan != nil {
		span.SetAttributes(
			attribute.Int64("elava.revision", result.Scan.Revision),
			attribute.String("elava.status", string(result.Scan.Status)),
		)
	}
	fail(span, err)
	span.End()
}

func fail(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
}
