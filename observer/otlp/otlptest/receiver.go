// Package otlptest is a receiver of OTLP for tests: a real one, that speaks gRPC and HTTP
// with protobuf and keeps what it was sent.
package otlptest

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	metricsv1 "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	span "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // what the exporters may compress with
	"google.golang.org/protobuf/proto"
)

// Receiver keeps what it was sent. Its methods may be called by several goroutines.
type Receiver struct {
	HTTPEndpoint string // "http://127.0.0.1:1234"
	GRPCEndpoint string

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when something arrives
	spans    []*span.Span
	metrics  map[string]bool
	services map[string]bool
}

// New starts a receiver on free ports of the loopback. The test stops it.
func New(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{changed: make(chan struct{}), metrics: map[string]bool{}, services: map[string]bool{}}
	r.serveHTTP(t)
	r.serveGRPC(t)
	return r
}

func (r *Receiver) serveHTTP(t testing.TB) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", func(w http.ResponseWriter, q *http.Request) {
		in := &tracev1.ExportTraceServiceRequest{}
		if decode(w, q, in) {
			r.addSpans(in)
		}
	})
	mux.HandleFunc("POST /v1/metrics", func(w http.ResponseWriter, q *http.Request) {
		in := &metricsv1.ExportMetricsServiceRequest{}
		if decode(w, q, in) {
			r.addMetrics(in)
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	r.HTTPEndpoint = s.URL
}

// decode reads a request and answers it: an empty answer says that all was taken.
func decode(w http.ResponseWriter, q *http.Request, into proto.Message) bool {
	body, err := readAll(q)
	if err == nil && q.Header.Get("Content-Type") != "application/x-protobuf" {
		err = errors.New("want application/x-protobuf")
	}
	if err == nil {
		err = proto.Unmarshal(body, into)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	return true
}

func readAll(q *http.Request) ([]byte, error) {
	if q.Header.Get("Content-Encoding") != "gzip" {
		return io.ReadAll(q.Body)
	}
	z, err := gzip.NewReader(q.Body)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func (r *Receiver) serveGRPC(t testing.TB) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	tracev1.RegisterTraceServiceServer(s, traceService{r: r})
	metricsv1.RegisterMetricsServiceServer(s, metricsService{r: r})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(l) // ends with Stop
	}()
	t.Cleanup(func() {
		s.Stop()
		<-ended
	})
	r.GRPCEndpoint = "http://" + l.Addr().String()
}

type traceService struct {
	tracev1.UnimplementedTraceServiceServer
	r *Receiver
}

func (s traceService) Export(_ context.Context, in *tracev1.ExportTraceServiceRequest) (*tracev1.ExportTraceServiceResponse, error) {
	s.r.addSpans(in)
	return &tracev1.ExportTraceServiceResponse{}, nil
}

type metricsService struct {
	metricsv1.UnimplementedMetricsServiceServer
	r *Receiver
}

func (s metricsService) Export(_ context.Context, in *metricsv1.ExportMetricsServiceRequest) (*metricsv1.ExportMetricsServiceResponse, error) {
	s.r.addMetrics(in)
	return &metricsv1.ExportMetricsServiceResponse{}, nil
}

func (r *Receiver) addSpans(in *tracev1.ExportTraceServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rs := range in.GetResourceSpans() {
		for _, a := range rs.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				r.services[a.GetValue().GetStringValue()] = true
			}
		}
		for _, ss := range rs.GetScopeSpans() {
			r.spans = append(r.spans, ss.GetSpans()...)
		}
	}
	r.notify()
}

func (r *Receiver) addMetrics(in *metricsv1.ExportMetricsServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rm := range in.GetResourceMetrics() {
		for _, sm := range rm.GetScopeMetrics() {
			for _, m := range sm.GetMetrics() {
				r.metrics[m.GetName()] = true
			}
		}
	}
	r.notify()
}

func (r *Receiver) notify() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// Spans returns the spans that arrived.
func (r *Receiver) Spans() []*span.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.spans)
}

// HasMetric reports whether a metric of that name arrived.
func (r *Receiver) HasMetric(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.metrics[name]
}

// HasService reports whether spans of a service of that name arrived.
func (r *Receiver) HasService(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.services[name]
}

// Wait waits until there is what the test wants, and fails it when ctx ends before.
func (r *Receiver) Wait(ctx context.Context, t testing.TB, what string, there func() bool) {
	t.Helper()
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if there() {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("no %s arrived", what)
		}
	}
}
