package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/query"
	"github.com/elava-dev/elava/storage"
)

// headersAt returns the headers that the document describes for a path and a status.
func (d *openAPIDocument) headersAt(t *testing.T, o describedOperation, status int) []string {
	t.Helper()
	var response struct {
		Ref     string `json:"$ref"`
		Headers map[string]any
	}
	raw := o.Responses[fmt.Sprint(status)]
	for range 2 {
		if raw == nil {
			return nil
		}
		response.Ref = ""
		check(t, json.Unmarshal(raw, &response))
		if response.Ref == "" {
			break
		}
		raw = d.Components.Responses[strings.TrimPrefix(response.Ref, "#/components/responses/")]
	}
	return slices.Sorted(maps.Keys(response.Headers))
}

// ordinary are headers that HTTP itself explains.
var ordinary = []string{"Cache-Control", "Content-Encoding", "Content-Length", "Content-Type", "Vary", "X-Accel-Buffering", "X-Content-Type-Options"}

func special(h http.Header) []string {
	var all []string
	for name := range h {
		if !slices.Contains(ordinary, name) {
			all = append(all, http.CanonicalHeaderKey(name))
		}
	}
	slices.Sort(all)
	return all
}

// untilWritten ends a request at the first byte of its answer: streams have no end.
type untilWritten struct {
	*httptest.ResponseRecorder
	end context.CancelFunc
}

func (w untilWritten) Write(b []byte) (int, error) {
	defer w.end()
	return w.ResponseRecorder.Write(b)
}

// request asks a path of the document, in the way that gets an answer unless it is changed.
func request(t *testing.T, h http.Handler, method, path string, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var body io.Reader
	if Prefix+strings.TrimPrefix(path, Prefix) == queryPath {
		body = strings.NewReader(`{"sql":"select 1"}`)
	}
	r := httptest.NewRequestWithContext(ctx, strings.ToUpper(method), "http://localhost"+Prefix+concrete(path)[0], body)
	r.RemoteAddr = "127.0.0.1:1"
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	if r.Method == http.MethodGet && r.URL.Path == streamPath {
		h.ServeHTTP(untilWritten{w, cancel}, r)
	} else {
		h.ServeHTTP(w, r)
	}
	return w
}

// dumped is a world of which backups can be made.
type dumped struct{ storage.Store }

func (dumped) Dump(context.Context) iter.Seq2[storage.DumpRecord, error] {
	return func(func(storage.DumpRecord, error) bool) {}
}

// Answers and errors have the headers that the document says, and no others.
func TestOpenAPI_DescribesTheHeadersOfAnswers(t *testing.T) {
	newServer := func() *Server {
		return NewServer(Options{
			Store: dumped{newWorld(t)}, Now: func() time.Time { return now },
			Notices: func() []string { return []string{"synthetic"} }, Token: func() string { return "token" },
		})
	}
	open, busy := newServer(), newServer()
	busy.limits.answer = time.Millisecond
	for range maxAnswers {
		busy.slots <- struct{}{}
	}
	for range maxExports {
		busy.exports <- struct{}{}
	}
	busy.EndStreams()
	d := openAPIOf(t, open.Handler())
	for path, methods := range d.Paths {
		method, o := only(t, path, methods)
		for _, tt := range []struct {
			status int
			server *Server
			change func(*http.Request)
		}{
			{200, open, nil},
			{304, open, func(r *http.Request) { r.Header.Set("If-None-Match", "*") }},
			{401, open, func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" }},
			{405, open, func(r *http.Request) { r.Method = http.MethodDelete }},
			{400, open, func(r *http.Request) { r.URL.RawQuery = "nothing=1" }},
			{503, busy, nil},
		} {
			if o.Responses[fmt.Sprint(tt.status)] == nil {
				continue // the path has no entity tag
			}
			w := request(t, tt.server.Handler(), method, path, tt.change)
			if w.Code != tt.status {
				t.Errorf("%s %s: %d %.300s, want %d", method, path, w.Code, w.Body, tt.status)
				continue
			}
			if got, want := special(w.Header()), canonical(d.headersAt(t, o, tt.status)); !slices.Equal(got, want) {
				t.Errorf("%s %s: the answer %d has the headers %q, described are %q", method, path, tt.status, got, want)
			}
		}
	}
}

func canonical(names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, http.CanonicalHeaderKey(name))
	}
	slices.Sort(all)
	return all
}

func TestExport_SoManyAtATime(t *testing.T) {
	s := newTestServer(dumped{newWorld(t)})
	s.limits.answer = 20 * time.Millisecond
	for range maxExports {
		s.exports <- struct{}{}
	}
	for _, what := range []string{"export/resources", "export/changes", "storage/backup"} {
		w := ask(t, s.Handler(), what)
		if p := problemOf(t, w); w.Code != http.StatusServiceUnavailable || p.Kind() != "too-many-requests" || w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s: %d %s %v", what, w.Code, w.Body, w.Header())
		}
	}
	if w := ask(t, s.Handler(), "resources"); w.Code != http.StatusOK {
		t.Errorf("exports hold up other requests: %d %s", w.Code, w.Body)
	}
	<-s.exports
	for range 2 * maxExports { // each gives its slot back
		for _, what := range []string{"export/resources", "storage/backup"} {
			if w := ask(t, s.Handler(), what); w.Code != http.StatusOK {
				t.Errorf("%s with room for one: %d %s", what, w.Code, w.Body)
			}
		}
	}
}

// slowExport is a store whose lists wait until they are let go.
type slowExport struct {
	storage.Store
	begun chan struct{}
	goOn  chan struct{}
}

func (s slowExport) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	return func(yield func(*storage.Version, error) bool) {
		if !q.KeysOnly { // which only looks whether the revision is there
			s.begun <- struct{}{}
			<-s.goOn
		}
		s.Store.List(ctx, q)(yield)
	}
}

// Four exports are written at a time. The fifth waits, and gets its answer once there is
// room.
func TestExport_TheFifthWaitsForOneOfFour(t *testing.T) {
	store := slowExport{newWorld(t), make(chan struct{}), make(chan struct{})}
	h := newTestServer(store).Handler()
	answers := make(chan int, 5)
	for range 5 {
		go func() { answers <- ask(t, h, "export/resources").Code }()
	}
	for range maxExports {
		<-store.begun
	}
	select {
	case <-store.begun:
		t.Error("a fifth export began beside four")
	case <-time.After(50 * time.Millisecond): // it may be late; it must not come
	}
	store.goOn <- struct{}{}
	<-store.begun
	close(store.goOn)
	for range 5 {
		if code := <-answers; code != http.StatusOK {
			t.Errorf("an export was answered %d", code)
		}
	}
}

// A body that does not come is not waited for, and meanwhile holds up nobody.
func TestQuery_BodyHasADeadline(t *testing.T) {
	s := newTestServer(newWorld(t))
	s.limits.body = 300 * time.Millisecond
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	for name, begin := range map[string]string{"nothing": "", "half an object": `{"sql":`, "an object and no end": `{"sql":"select 1"}`} {
		body, sender := io.Pipe()
		go func() { _, _ = io.Copy(sender, strings.NewReader(begin)) }()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+queryPath, body)
		check(t, err)
		r.Header.Set("Content-Type", "application/json")
		resp, err := srv.Client().Do(r)
		check(t, err)
		var p Problem
		check(t, json.NewDecoder(resp.Body).Decode(&p))
		resp.Body.Close()
		sender.Close()
		if resp.StatusCode != http.StatusRequestTimeout || p.Kind() != "slow-body" || !strings.Contains(p.Detail, "300ms") {
			t.Errorf("%s: %s %+v", name, resp.Status, p)
		}
	}
	// One that comes in time has all the time of a query after that.
	resp, err := srv.Client().Post(srv.URL+queryPath, "application/json", bytes.NewReader([]byte(`{"sql":"select 1"}`)))
	check(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("a query in time: %s", resp.Status)
	}
}

// What is refused before all of its body came is answered within the time for the body: the
// rest is not waited for.
func TestQuery_ARefusalDoesNotWaitForTheBody(t *testing.T) {
	s := newTestServer(newWorld(t))
	s.limits.body = 300 * time.Millisecond
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	for request, want := range map[string]string{
		"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n":                                                     "415",
		"PUT /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n":                                                      "405",
		"POST /api/v1/query?x=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n":                                                 "400",
		"POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"sql\":\"x\"} x": "400",
	} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		check(t, err)
		check(t, conn.SetDeadline(time.Now().Add(patience)))
		_, err = io.WriteString(conn, request)
		check(t, err)
		answer, err := io.ReadAll(conn)
		if conn.Close(); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+want) {
			t.Errorf("%q: %.100q, %v; want %s", request, answer, err, want)
		}
	}
}

// slowScans is a store whose scans are read when they are let go.
type slowScans struct {
	storage.Store
	begun, goOn chan struct{}
}

func (s slowScans) Scans(ctx context.Context, before int64) iter.Seq2[*storage.ScanMetadata, error] {
	return func(yield func(*storage.ScanMetadata, error) bool) {
		s.begun <- struct{}{}
		<-s.goOn
		s.Store.Scans(ctx, before)(yield)
	}
}

func TestQuery_TooManyAtATimeAreToldWhenToComeBack(t *testing.T) {
	store := slowScans{newWorld(t), make(chan struct{}), make(chan struct{})}
	s := newTestServer(store)
	s.queries = query.New(store, query.Limits{Concurrent: 1, Time: 100 * time.Millisecond})
	h := s.Handler()
	first := make(chan struct{})
	go func() {
		defer close(first)
		post(t, h, "application/json", `{"sql":"select count(*) from scans"}`)
	}()
	<-store.begun
	w := post(t, h, "application/json", `{"sql":"select 1"}`)
	if p := problemOf(t, w); w.Code != http.StatusTooManyRequests || p.Kind() != "too-many-queries" || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	d := openAPIOf(t, h)
	if got := d.headersAt(t, d.Paths[queryPath]["post"], http.StatusTooManyRequests); !slices.Equal(got, []string{"Retry-After"}) {
		t.Errorf("described headers of 429: %q", got)
	}
	close(store.goOn)
	<-first
}
