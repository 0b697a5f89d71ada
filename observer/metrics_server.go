package observer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// ErrPortTaken says that another process listens on the port.
var ErrPortTaken = errors.New("port is taken")

// portTakenError says which port, and what to do. It is ErrPortTaken.
type portTakenError struct {
	port  int
	cause error
}

func (e *portTakenError) Error() string {
	return fmt.Sprintf("metrics port %d is taken: stop the other process or choose another one with --metrics-port", e.port)
}

func (e *portTakenError) Is(target error) bool { return target == ErrPortTaken }

func (e *portTakenError) Unwrap() error { return e.cause }

// Time limits of the server. There is no limit on writing an answer as a whole, because
// one would cut CPU profiles (30 s by default, as long as the caller likes) and event
// streams (endless); and none on reading a whole request, because the deadline would stay
// on the connection and end streams too: timedBodies bounds bodies instead. /metrics and /
// have limits of their own; other routes set theirs with http.ResponseController.
const (
	readHeaderTimeout = 10 * time.Second
	bodyTimeout       = 10 * time.Second // for a client to send the body of its request
	idleTimeout       = 2 * time.Minute
	ownRouteTimeout   = time.Minute // Prometheus itself waits 10 s by default
	maxHeaderBytes    = 64 << 10
	maxStrayBody      = 4 << 10 // bytes that are read of a body that nobody wants
	maxScrapes        = 40      // at a time; as in node_exporter
)

// MetricsServerOptions are what a MetricsServer needs from outside.
type MetricsServerOptions struct {
	// Address is the host to listen on; "" means all interfaces. Port 0 takes any free
	// one.
	Address string
	Port    int
	// Listener is used instead of Address and Port if it is set. The server closes it.
	Listener net.Listener
	// BodyTimeout is how long a client may take to send the body of its request; 0: 10 s.
	BodyTimeout time.Duration
	// Gatherer is what /metrics shows; required.
	Gatherer prometheus.Gatherer
	// Logger gets the address and what goes wrong while serving; nil discards it.
	Logger *slog.Logger
	// Routes are further patterns of http.ServeMux with their handlers, such as
	// "/health" and "/api/v1/". A pattern that conflicts with another one, or with the
	// server's own /metrics, /debug/pprof/ and /{$}, panics in NewMetricsServer.
	Routes map[string]http.Handler
	// Guard decides who may read profiles. Without it /debug/pprof/ does not exist:
	// profiles show memory and the command line.
	Guard func(http.Handler) http.Handler
	// OnShutdown is called once when Shutdown begins. Streams that never end by
	// themselves end here; otherwise Shutdown waits for them until its context ends.
	OnShutdown func()
}

// MetricsServer is the daemon's HTTP server. It listens from its construction on, so
// that its address is known and a port that is taken is found before anything else is
// started; it answers once Start is called.
type MetricsServer struct {
	server     *http.Server
	listener   net.Listener
	logger     *slog.Logger
	onShutdown func()
	start      sync.Once
	startErr   error // written under start
	stopping   sync.Once
	stopped    chan struct{} // closed when a Shutdown has ended
	closing    sync.Once     // closes stopped
}

// NewMetricsServer binds the port. The error is ErrPortTaken where another process has
// it. The caller must Start or Shutdown the server, or the port stays bound.
func NewMetricsServer(options MetricsServerOptions) (*MetricsServer, error) {
	if options.Gatherer == nil {
		return nil, errors.New("creating the metrics server: no gatherer")
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.OnShutdown == nil {
		options.OnShutdown = func() {}
	}
	if options.BodyTimeout == 0 {
		options.BodyTimeout = bodyTimeout
	}
	handler := timedBodies(newMux(&options), options.BodyTimeout) // before the listener, which a panic would leak
	listener, err := listen(&options)
	if err != nil {
		return nil, err
	}
	return &MetricsServer{
		server: &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: readHeaderTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ErrorLog:          slog.NewLogLogger(options.Logger.Handler(), slog.LevelWarn),
		},
		listener:   listener,
		logger:     options.Logger,
		onShutdown: options.OnShutdown,
		stopped:    make(chan struct{}),
	}, nil
}

func listen(options *MetricsServerOptions) (net.Listener, error) {
	if options.Listener != nil {
		return options.Listener, nil
	}
	address := net.JoinHostPort(options.Address, strconv.Itoa(options.Port))
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &portTakenError{port: options.Port, cause: err}
	}
	if err != nil {
		return nil, fmt.Errorf("listening on %s for metrics: %w", address, err)
	}
	return l, nil
}

// Addr is where the server listens.
func (s *MetricsServer) Addr() net.Addr { return s.listener.Addr() }

// Handler is everything the server answers, for tests and for mounting elsewhere.
func (s *MetricsServer) Handler() http.Handler { return s.server.Handler }

// Start serves until Shutdown has ended, and then returns nil. It returns earlier, with
// an error, if the listener fails. A second call waits for the end of the first and
// returns the same; a call after Shutdown returns at once.
func (s *MetricsServer) Start() error {
	s.start.Do(func() { s.startErr = s.serve() })
	return s.startErr
}

func (s *MetricsServer) serve() error {
	s.logger.Info("Metrics server listening on " + shown(s.Addr()))
	err := s.server.Serve(s.listener)
	if errors.Is(err, http.ErrServerClosed) {
		<-s.stopped
		return nil
	}
	return fmt.Errorf("serving metrics on %s: %w", s.Addr(), err)
}

// Shutdown takes no more requests and waits for those that run. When ctx ends before
// they do, it cuts their connections and returns the error of ctx. It may be called
// again, and before Start: then it only frees the port.
func (s *MetricsServer) Shutdown(ctx context.Context) error {
	defer s.closing.Do(func() { close(s.stopped) })
	s.stopping.Do(s.onShutdown)
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("stopping the metrics server before it answered all requests: %w", err), s.server.Close())
	}
	// The server knows its listener only once it serves.
	if closeErr := s.listener.Close(); closeErr != nil && !errors.Is(closeErr, net.ErrClosed) {
		err = errors.Join(err, fmt.Errorf("closing the metrics port: %w", closeErr))
	}
	return err
}

// shown writes an address as users give it: ":2112" for all interfaces.
func shown(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return ":" + strconv.Itoa(tcp.Port)
	}
	return a.String()
}

func newMux(options *MetricsServerOptions) http.Handler {
	routes := map[string]http.Handler{"/metrics": limited(metricsHandler(options.Gatherer, options.Logger))}
	if options.Guard != nil {
		routes["/debug/pprof/"] = options.Guard(profiles())
	}
	mux := http.NewServeMux()
	paths := make([]string, 0, len(routes)+len(options.Routes))
	for _, group := range []map[string]http.Handler{routes, options.Routes} {
		for pattern, handler := range group {
			mux.Handle(pattern, handler)
			paths = append(paths, path(pattern))
		}
	}
	slices.Sort(paths)
	mux.Handle("GET /{$}", limited(index(slices.Compact(paths))))
	return asSent(mux, options.Routes)
}

// asSent hands paths on as they were sent to routes that are trees, such as /api/v1/: what
// is in one may hold // and dots, for which ServeMux would redirect to another path.
func asSent(mux *http.ServeMux, routes map[string]http.Handler) http.Handler {
	trees := map[string]http.Handler{}
	for pattern, handler := range routes {
		if strings.HasPrefix(pattern, "/") && strings.HasSuffix(pattern, "/") {
			trees[pattern] = handler
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for root, handler := range trees {
			if strings.HasPrefix(r.URL.Path, root) {
				handler.ServeHTTP(w, r)
				return
			}
		}
		mux.ServeHTTP(w, r)
	})
}

// path is a pattern without its method.
func path(pattern string) string {
	if i := strings.IndexByte(pattern, ' '); i >= 0 {
		return strings.TrimSpace(pattern[i:])
	}
	return pattern
}

// metricsHandler answers a scrape whole or with status 500. Half of the series would
// look as if the other scopes were gone, and alert rules on absence would believe it.
func metricsHandler(g prometheus.Gatherer, logger *slog.Logger) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{
		ErrorLog:            scrapeLog{logger},
		ErrorHandling:       promhttp.HTTPErrorOnError,
		MaxRequestsInFlight: maxScrapes,
		EnableOpenMetrics:   true,
	})
}

// scrapeLog is the logger that promhttp asks for.
type scrapeLog struct{ logger *slog.Logger }

func (l scrapeLog) Println(v ...any) {
	l.logger.Warn("Metrics could not be served", "error", strings.TrimSpace(fmt.Sprintln(v...)))
}

// limited bounds the time for reading a request and writing its answer, for a client
// that is slow or gone. The server lifts both after the answer.
func limited(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, deadline := http.NewResponseController(w), time.Now().Add(ownRouteTimeout)
		// Where deadlines are not supported (a recorder in a test) there is no client.
		_ = c.SetReadDeadline(deadline)
		_ = c.SetWriteDeadline(deadline)
		h.ServeHTTP(w, r)
	})
}

// bodyPaths are the paths that take a body, by POST.
var bodyPaths = map[string]bool{"/api/v1/query": true, "/debug/pprof/symbol": true}

// timedBodies bounds the time for sending a body. net/http reads what a handler leaves of
// one before it answers and after, and would wait without an end for what never comes.
//
// A body that nobody wants is read before the handler runs, so that nothing is held for
// it and no deadline stays on a stream. A handler that takes one lifts the deadline once
// it has read all of it.
func timedBodies(h http.Handler, timeout time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// Where deadlines are not supported (a recorder in a test) there is no client.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(timeout))
			if (r.Method != http.MethodPost || !bodyPaths[r.URL.Path]) && !discardBody(w, r) {
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

// discardBody reads a body that nobody wants, and lifts the deadline. One that is too
// large or does not come is refused, and the connection ends with the answer.
func discardBody(w http.ResponseWriter, r *http.Request) bool {
	control := http.NewResponseController(w)
	n, err := r.ContentLength, error(nil)
	if n <= maxStrayBody {
		n, err = io.Copy(io.Discard, io.LimitReader(r.Body, maxStrayBody+1))
	}
	if err == nil && n <= maxStrayBody {
		_ = control.SetReadDeadline(time.Time{})
		return true
	}
	_ = control.SetReadDeadline(time.Now()) // so that nothing more is read of it
	w.Header().Set("Connection", "close")
	switch {
	case err == nil:
		http.Error(w, "this path takes no body", http.StatusRequestEntityTooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded):
		http.Error(w, "the body of the request came too slowly", http.StatusRequestTimeout)
	default:
		http.Error(w, "the body of the request is broken", http.StatusBadRequest)
	}
	return false
}

func profiles() http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range map[string]http.HandlerFunc{
		"/debug/pprof/":        pprof.Index,
		"/debug/pprof/cmdline": pprof.Cmdline,
		"/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/symbol":  pprof.Symbol,
		"/debug/pprof/trace":   pprof.Trace,
	} {
		mux.Handle(pattern, handler)
	}
	return mux
}

// index answers with the paths that exist.
func index(paths []string) http.Handler {
	text := "Elava\n\n" + strings.Join(paths, "\n") + "\n"
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write([]byte(text)) // an error means that the client is gone
	})
}
