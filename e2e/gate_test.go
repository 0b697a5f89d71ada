package e2e

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// gate stands before a moto server. It can be shut, and then answers as a server that is
// gone: open connections break, new ones are refused. It can also hold requests back, so
// that a scan is certainly under way.
type gate struct {
	url     string
	address string
	proxy   *httputil.ReverseProxy

	mu      sync.Mutex
	server  *http.Server
	held    chan struct{} // closed when requests may pass; nil: they may
	arrived chan struct{} // has an element once a request is held back
	fault   func(http.ResponseWriter, *http.Request) bool
}

func newGate(t testing.TB, target string) *gate {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	inner := &http.Transport{MaxIdleConnsPerHost: 16}
	g := &gate{address: "127.0.0.1:0", arrived: make(chan struct{}, 1), proxy: httputil.NewSingleHostReverseProxy(u)}
	g.proxy.Transport = inner
	g.proxy.ErrorLog = log.New(io.Discard, "", 0) // calls that the program cancels
	g.open(t)
	g.url = "http://" + g.address
	t.Cleanup(func() {
		g.release()
		g.shut()
		inner.CloseIdleConnections()
	})
	return g
}

// open lets requests through, at the same address as before.
func (g *gate) open(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", g.address)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: g, ReadHeaderTimeout: time.Minute, ErrorLog: g.proxy.ErrorLog}
	g.mu.Lock()
	g.address, g.server = l.Addr().String(), s
	g.mu.Unlock()
	go func() { _ = s.Serve(l) }()
}

// shut breaks all connections and takes no more.
func (g *gate) shut() {
	g.mu.Lock()
	s := g.server
	g.mu.Unlock()
	_ = s.Close()
}

// hold keeps requests from now on until release.
func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = make(chan struct{})
	select {
	case <-g.arrived:
	default:
	}
}

func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held != nil {
		close(g.held)
		g.held = nil
	}
}

// answer has a function answer some requests instead of the server; nil ends that.
func (g *gate) answer(f func(http.ResponseWriter, *http.Request) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fault = f
}

// awaitHeld waits until a request is held back.
func (g *gate) awaitHeld(t testing.TB) {
	t.Helper()
	select {
	case <-g.arrived:
	case <-time.After(waitLimit):
		t.Fatal("no request came to be held back")
	}
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	held, fault := g.held, g.fault
	g.mu.Unlock()
	if held != nil {
		select {
		case g.arrived <- struct{}{}:
		default:
		}
		select {
		case <-held:
		case <-r.Context().Done():
			return
		}
	}
	if fault == nil || !fault(w, r) {
		g.proxy.ServeHTTP(w, r)
	}
}
