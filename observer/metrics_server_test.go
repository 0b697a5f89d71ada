package observer_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/elava-dev/elava/observer"
)

// running is a server that was started and the answer of its Start.
type running struct {
	*observer.MetricsServer
	ended chan error
}

// serve starts a server on a free port of loopback and stops it with the test.
func serve(t *testing.T, options observer.MetricsServerOptions) running {
	t.Helper()
	s := running{newServer(t, options), make(chan error, 1)}
	go func() { s.ended <- s.Start() }()
	return s
}

func newServer(t *testing.T, options observer.MetricsServerOptions) *observer.MetricsServer {
	t.Helper()
	options.Address = "127.0.0.1"
	if options.Gatherer == nil {
		options.Gatherer = prometheus.NewRegistry()
	}
	s, err := observer.NewMetricsServer(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // of a test that failed
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s running) request(t *testing.T, method, path string, header http.Header) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Addr().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(body)
}

func (s running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	status, _, body := s.request(t, http.MethodGet, path, nil)
	return status, body
}

func answering(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func TestMetricsServer_StartStop(t *testing.T) {
	s := serve(t, observer.MetricsServerOptions{})
	if status, _ := s.get(t, "/"); status != http.StatusOK {
		t.Fatalf("GET / answered %d", status)
	}
	for range 2 {
		if err := s.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-s.ended; err != nil {
		t.Errorf("Start returned %v", err)
	}
	if err := s.Start(); err != nil {
		t.Errorf("a second Start returned %v", err)
	}
	l, err := net.Listen("tcp", s.Addr().String())
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	l.Close()
}

func TestMetricsServer_HealthCheck(t *testing.T) {
	s := serve(t, observer.MetricsServerOptions{Routes: map[string]http.Handler{
		"/health":        answering(http.StatusServiceUnavailable, `{"status":"unhealthy"}`),
		"GET /-/healthy": answering(http.StatusOK, "ok"),
	}})
	if status, body := s.get(t, "/health"); status != http.StatusServiceUnavailable || body != `{"status":"unhealthy"}` {
		t.Errorf("/health answered %d %s", status, body)
	}
	if status, body := s.get(t, "/-/healthy"); status != http.StatusOK || body != "ok" {
		t.Errorf("/-/healthy answered %d %s", status, body)
	}
}

func TestMetricsServer_PrometheusMetrics(t *testing.T) {
	s := serve(t, observer.MetricsServerOptions{Gatherer: full(t).prometheus.Gatherer()})
	status, header, body := s.request(t, http.MethodGet, "/metrics", nil)
	if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %s", status, header.Get("Content-Type"))
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name := range contract {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if len(families) != len(contract) {
		t.Errorf("%d metrics, want %d", len(families), len(contract))
	}
	if strings.Contains(body, "otel_scope") || strings.Contains(body, "target_info") {
		t.Error("the exporter added labels or metrics of its own")
	}
}

func TestMetricsServer_OpenMetrics(t *testing.T) {
	s := serve(t, observer.MetricsServerOptions{Gatherer: full(t).prometheus.Gatherer()})
	status, header, body := s.request(t, http.MethodGet, "/metrics", http.Header{"Accept": {"application/openmetrics-text; version=1.0.0"}})
	if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "application/openmetrics-text; version=1.0.0") {
		t.Fatalf("%d %s", status, header.Get("Content-Type"))
	}
	for _, line := range []string{
		"# TYPE daemon_reconciliation counter", "daemon_reconciliation_total 1.0",
		"# TYPE elava_scope_up gauge", `elava_scope_up{account="1",region="us-east-1",type="AWS::EC2::VPC"} 1.0`,
		`daemon_reconciliation_duration_ms_bucket{le="2500.0"} 1`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	if !strings.HasSuffix(body, "\n# EOF\n") {
		t.Error("no end marker")
	}
}

func TestMetricsServer_CompressesForThoseWhoAsk(t *testing.T) {
	s := serve(t, observer.MetricsServerOptions{Gatherer: full(t).prometheus.Gatherer()})
	_, header, body := s.request(t, http.MethodGet, "/metrics", http.Header{"Accept-Encoding": {"gzip"}})
	if header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("encoding %q", header.Get("Content-Encoding"))
	}
	unpacked, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(unpacked); err != nil || !strings.Contains(string(text), "daemon_reconciliation_total 1\n") {
		t.Errorf("%v %s", err, text)
	}
}

func TestMetricsServer_AScrapeIsWholeOrAnError(t *testing.T) {
	var log lines
	half := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, _ := full(t).prometheus.Gatherer().Gather()
		return families, errors.New("one collector failed")
	})
	s := serve(t, observer.MetricsServerOptions{Gatherer: half, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	status, body := s.get(t, "/metrics")
	if status != http.StatusInternalServerError || strings.Contains(body, "daemon_reconciliation_total") {
		t.Errorf("answered %d\n%s", status, body)
	}
	if !strings.Contains(log.String(), "one collector failed") {
		t.Errorf("not logged: %s", log.String())
	}
}

func TestMetricsServer_IndexNamesThePaths(t *testing.T) {
	s := serve(t, observer.MetricsServerOptions{
		Guard: func(h http.Handler) http.Handler { return h },
		Routes: map[string]http.Handler{
			"GET /api/v1/": answering(200, ""), "POST /api/v1/": answering(200, ""), "/health": answering(200, ""),
		},
	})
	status, header, body := s.request(t, http.MethodGet, "/", nil)
	if want := "Elava\n\n/api/v1/\n/debug/pprof/\n/health\n/metrics\n"; status != http.StatusOK || body != want {
		t.Errorf("%d %q, want %q", status, body, want)
	}
	if ct := header.Get("Content-Type"); ct != "text/plain; charset=utf-8" {
		t.Errorf("content type %q", ct)
	}
	if status, _ := s.get(t, "/nowhere"); status != http.StatusNotFound {
		t.Errorf("/nowhere answered %d", status)
	}
}

func TestMetricsServer_ProfilesNeedAGuard(t *testing.T) {
	paths := []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/pprof/profile?seconds=1"}
	unguarded := serve(t, observer.MetricsServerOptions{})
	closed := serve(t, observer.MetricsServerOptions{Guard: func(http.Handler) http.Handler { return answering(http.StatusForbidden, "no") }})
	for _, path := range paths {
		if status, _ := unguarded.get(t, path); status != http.StatusNotFound {
			t.Errorf("without guard %s answered %d", path, status)
		}
		if status, _ := closed.get(t, path); status != http.StatusForbidden {
			t.Errorf("with a closed guard %s answered %d", path, status)
		}
	}
	open := serve(t, observer.MetricsServerOptions{Guard: func(h http.Handler) http.Handler { return h }})
	if status, body := open.get(t, "/debug/pprof/goroutine?debug=1"); status != http.StatusOK || !strings.Contains(body, "goroutine profile:") {
		t.Errorf("with an open guard: %d %.80s", status, body)
	}
}

func TestMetricsServer_PortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	_, err = observer.NewMetricsServer(observer.MetricsServerOptions{
		Address: "127.0.0.1", Port: port, Gatherer: prometheus.NewRegistry(),
	})
	if !errors.Is(err, observer.ErrPortTaken) || !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("got %v", err)
	}
	want := fmt.Sprintf("metrics port %d is taken: stop the other process or choose another one with --metrics-port", port)
	if err.Error() != want {
		t.Errorf("got %q", err)
	}
}

func TestNewMetricsServer_RefusesWhatCannotBe(t *testing.T) {
	for name, options := range map[string]observer.MetricsServerOptions{
		"no gatherer":     {},
		"impossible port": {Port: 70000, Gatherer: prometheus.NewRegistry()},
		"foreign address": {Address: "192.0.2.1", Gatherer: prometheus.NewRegistry()}, // TEST-NET-1
	} {
		if _, err := observer.NewMetricsServer(options); err == nil || errors.Is(err, observer.ErrPortTaken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMetricsServer_ShutdownBeforeStartFreesThePort(t *testing.T) {
	s := newServer(t, observer.MetricsServerOptions{})
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", s.Addr().String())
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	l.Close()
	if err := s.Start(); err != nil {
		t.Errorf("Start after Shutdown: %v", err)
	}
}

func TestMetricsServer_StartTwiceEndsTogether(t *testing.T) {
	s := serve(t, observer.MetricsServerOptions{})
	second := make(chan error, 1)
	go func() { second <- s.Start() }()
	s.get(t, "/")
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-s.ended, <-second); err != nil {
		t.Error(err)
	}
}

// slow is a route whose request is under way until it is released.
type slow struct{ entered, release chan struct{} }

func newSlow() slow { return slow{make(chan struct{}), make(chan struct{})} }

func (s slow) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	close(s.entered)
	<-s.release
	_, _ = io.WriteString(w, "whole")
}

// untilRefused returns once nobody listens any more.
func untilRefused(t *testing.T, address net.Addr) {
	t.Helper()
	for {
		c, err := net.Dial("tcp", address.String())
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			c.Close()
		}
	}
}

func TestMetricsServer_ShutdownWaitsForRequests(t *testing.T) {
	route, began := newSlow(), make(chan struct{})
	s := serve(t, observer.MetricsServerOptions{
		Routes:     map[string]http.Handler{"/slow": route},
		OnShutdown: func() { close(began) }, // a second call would panic
	})
	release := sync.OnceFunc(func() { close(route.release) })
	defer release() // also where the test fails
	body := make(chan string, 1)
	go func() {
		_, b := s.get(t, "/slow")
		body <- b
	}()
	<-route.entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(context.Background()) }()
	<-began
	untilRefused(t, s.Addr())
	select {
	case err := <-stopped:
		t.Fatalf("Shutdown returned %v while a request ran", err)
	case err := <-s.ended:
		t.Fatalf("Start returned %v while a request ran", err)
	default:
	}
	release()
	if err := errors.Join(<-stopped, <-s.ended); err != nil {
		t.Error(err)
	}
	if b := <-body; b != "whole" {
		t.Errorf("the request got %q", b)
	}
}

// Keys of resources lie in paths and may hold slashes and dots, which ServeMux would clean.
func TestMetricsServer_PathsOfTreesComeAsTheyWereSent(t *testing.T) {
	s := serve(t, observer.MetricsServerOptions{Routes: map[string]http.Handler{
		"/tree/": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.EscapedPath()) }),
	}})
	for _, path := range []string{"/tree/https://a//b", "/tree/a/../b/.", "/tree/a%2Fb//c", "/tree/"} {
		if status, body := s.get(t, path); status != http.StatusOK || body != path {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestMetricsServer_ShutdownCutsWhatDoesNotEnd(t *testing.T) {
	entered, cut := make(chan struct{}), make(chan struct{})
	s := serve(t, observer.MetricsServerOptions{Routes: map[string]http.Handler{
		"/stuck": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(entered)
			<-r.Context().Done()
			close(cut)
		}),
	}})
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /stuck HTTP/1.1\r\nHost: elava\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown returned %v", err)
	}
	<-cut
	if err := <-s.ended; err != nil {
		t.Errorf("Start returned %v", err)
	}
}

func TestMetricsServer_StartReportsAListenerThatFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, observer.MetricsServerOptions{Listener: l})
	s.get(t, "/")
	l.Close()
	if err := <-s.ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Start returned %v", err)
	}
}

// deadlines is a listener whose connections tell the write deadline that holds now.
type deadlines struct {
	net.Listener
	write atomic.Pointer[time.Time]
}

func (d *deadlines) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	return &deadlineConn{c, d}, err
}

type deadlineConn struct {
	net.Conn
	told *deadlines
}

func (c *deadlineConn) SetWriteDeadline(at time.Time) error {
	c.told.write.Store(&at)
	return c.Conn.SetWriteDeadline(at)
}

func (d *deadlines) set() bool {
	at := d.write.Load()
	return at != nil && !at.IsZero()
}

// Scrapes must not hang on a client that does not read, and streams on the same
// connection must not inherit their limit.
func TestMetricsServer_LimitsScrapesButNotStreams(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	told := &deadlines{Listener: l}
	var scrapeLimited, streamLimited bool
	s := serve(t, observer.MetricsServerOptions{
		Listener: told,
		Gatherer: prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
			scrapeLimited = told.set()
			return nil, nil
		}),
		Routes: map[string]http.Handler{"/stream": http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			streamLimited = told.set()
		})},
	})
	transport := &http.Transport{MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	for _, path := range []string{"/metrics", "/stream"} {
		answer, err := (&http.Client{Transport: transport}).Get("http://" + s.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	if !scrapeLimited || streamLimited {
		t.Errorf("scrape limited: %v, stream limited: %v", scrapeLimited, streamLimited)
	}
}

func TestMetricsServer_HandlerAnswersWithoutAListener(t *testing.T) {
	s := newServer(t, observer.MetricsServerOptions{Gatherer: full(t).prometheus.Gatherer()})
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "elava_build_info") {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
}

func TestMetricsServer_LogsWhereItListens(t *testing.T) {
	var log lines
	logger, err := observer.NewLogger(&log, nil, observer.FormatText)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	serve(t, observer.MetricsServerOptions{Listener: l, Logger: logger})
	port := l.Addr().(*net.TCPAddr).Port
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if want := fmt.Sprintf(" | Metrics server listening on :%d\n", port); !strings.HasSuffix(log.String(), want) {
		t.Errorf("logged %q, want %q", log.String(), want)
	}
}

// lines is what was written, and how often Write was called.
type lines struct {
	mu     sync.Mutex
	text   strings.Builder
	writes int
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes++
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// ask sends what is written to a connection and returns the first line of the answer.
func ask(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	return strings.TrimSpace(line)
}

// A body that never comes is not waited for, whoever sends it, and reaches no handler that
// does not want one.
func TestMetricsServer_BodiesComeInTimeOrNot(t *testing.T) {
	var handled atomic.Int32
	refusing := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		handled.Add(1)
		http.Error(w, strings.Repeat("x", 4<<10), http.StatusForbidden) // more than net/http keeps back
	})
	s := serve(t, observer.MetricsServerOptions{
		BodyTimeout: 200 * time.Millisecond, Routes: map[string]http.Handler{"/api/v1/": refusing},
		Guard: func(http.Handler) http.Handler { return refusing },
	})
	for request, want := range map[string]string{
		"GET /api/v1/resources HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n":                                       "408 Request Timeout",
		"GET /api/v1/changes/stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx":                   "408 Request Timeout",
		"GET /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n":                                           "408 Request Timeout",
		"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabc":                                            "408 Request Timeout",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n":                                                       "408 Request Timeout",
		"GET /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n":                                                "408 Request Timeout",
		"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n":                                          "413 Request Entity Too Large",
		"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n":                                 "400 Bad Request",
		"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n" + strings.Repeat("x", 0x2000): "413 Request Entity Too Large",
	} {
		if got := ask(t, s.Addr().String(), request); got != "HTTP/1.1 "+want {
			t.Errorf("%.120q: %s, want %s", request, got, want)
		}
	}
	if handled.Load() != 0 {
		t.Errorf("%d requests were handled before their body came", handled.Load())
	}
	for _, path := range []string{"/api/v1/query", "/debug/pprof/symbol"} { // are handled, and answered in time
		if got := ask(t, s.Addr().String(), "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"); got != "HTTP/1.1 403 Forbidden" {
			t.Errorf("%s: %s", path, got)
		}
	}
	if handled.Load() != 2 {
		t.Errorf("%d requests were handled, want those that take a body", handled.Load())
	}
}

// The time for a body that came is no limit on the answer, nor is the body one on the
// connection.
func TestMetricsServer_ABodyThatCameEndsNoStream(t *testing.T) {
	const timeout = 50 * time.Millisecond
	s := serve(t, observer.MetricsServerOptions{BodyTimeout: timeout, Routes: map[string]http.Handler{
		"/stream": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				_, _ = io.WriteString(w, "ended")
			case <-time.After(5 * timeout): // it must not come; it may be late
				_, _ = io.WriteString(w, "whole")
			}
		}),
	}})
	for range 2 { // on one connection
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr().String()+"/stream", strings.NewReader("not wanted"))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if answer.Body.Close(); err != nil || string(body) != "whole" {
			t.Errorf("%q, %v", body, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
