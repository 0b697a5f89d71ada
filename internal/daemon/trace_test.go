package daemon_test

import (
	"errors"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/storage/storagetest"
)

func TestReconciler_AScanIsOneTrace(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	fake := cloudOf()
	fake.Fail(web, errors.New("no answer"))
	rec := daemon.NewReconciler(daemon.ReconcilerOptions{
		Provider: fake, Store: storagetest.NewModel(), Concurrency: 2, SpoolDir: t.TempDir(),
		Tracers: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)),
	})
	reconcile(t, rec)
	byName := map[string][]sdktrace.ReadOnlySpan{}
	for _, s := range recorder.Ended() {
		byName[s.Name()] = append(byName[s.Name()], s)
	}
	if len(byName["scan"]) != 1 || len(byName["commit"]) != 1 || len(byName["scope"]) < 2 {
		t.Fatalf("spans: %v", byName)
	}
	scan, failed := byName["scan"][0].SpanContext(), 0
	for _, s := range append(byName["scope"], byName["commit"]...) {
		if s.Parent().SpanID() != scan.SpanID() || s.SpanContext().TraceID() != scan.TraceID() {
			t.Errorf("%s does not lie in the scan", s.Name())
		}
		if s.Status().Code == codes.Error {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d spans failed, want that of the scope that did", failed)
	}
}
