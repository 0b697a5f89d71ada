package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// restartable is a daemon that can be stopped and started on one store.
type restartable struct {
	store  storage.Store
	server atomic.Pointer[Server] // nil: nobody answers
}

func (d *restartable) start() *Server {
	s := newTestServer(d.store)
	d.server.Store(s)
	return s
}

func (d *restartable) stop() {
	if s := d.server.Swap(nil); s != nil {
		s.EndStreams()
	}
}

func (d *restartable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := d.server.Load()
	if s == nil {
		panic(http.ErrAbortHandler)
	}
	s.Handler().ServeHTTP(w, r)
}

// listen serves a daemon and returns its address and a transport.
func listen(t *testing.T, h http.Handler) (string, *http.Transport) {
	t.Helper()
	srv := httptest.NewServer(h)
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(func() {
		if d, ok := h.(*restartable); ok {
			d.stop()
		}
		srv.Close()
	})
	return srv.URL, transport
}

// read follows the feed until it has seen n events, whatever breaks in between.
func read(ctx context.Context, c *Client, q ChangeQuery, n int) (ids []string, breaks int, err error) {
	last := ""
	for len(ids) < n {
		for step, streamErr := range c.Stream(ctx, q, last) {
			if ctx.Err() != nil {
				return ids, breaks, ctx.Err()
			}
			if streamErr != nil {
				var unreachable *UnreachableError
				var p *ProblemError // 503 while it stops
				if !errors.As(streamErr, &unreachable) && (!errors.As(streamErr, &p) || p.Status != http.StatusServiceUnavailable) {
					return ids, breaks, streamErr
				}
				breaks++
				break
			}
			last = step.ID
			if step.Event != nil {
				ids = append(ids, step.Event.ID)
			}
			if len(ids) == n {
				break
			}
		}
	}
	return ids, breaks, nil
}

// Clients with filters of their own follow while scans are committed and the daemon is
// restarted: each gets what its filter selects, once and in order.
func TestStream_EachClientGetsEachEventOnceAcrossRestarts(t *testing.T) {
	const clients, scans, perScan = 40, 20, 50
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	d := &restartable{store: storagetest.NewModel()}
	commit(t, d.store, scan{})
	d.start()
	address, transport := listen(t, d)

	queries := []ChangeQuery{
		{}, {Types: []string{"*instance"}}, {ChangeTypes: []string{"modified"}}, {Regions: []string{"eu-west-1"}}, {Types: []string{"AWS::S3::*"}},
	}
	want := make([][]string, len(queries)) // by query
	var events []*storage.ChangeEvent
	var fleetScan []scan
	for n := range scans {
		var c scan
		for i := range perScan {
			scope := []resource.Scope{instances, logs}[i%2]
			typ := change.Created
			var changes []change.FieldChange
			if n > 0 {
				typ = change.Modified
				changes = []change.FieldChange{{Path: "name", Old: []byte(`"a"`), New: []byte(`"b"`)}}
			}
			c.mutations = append(c.mutations, mutation(typ, resource.Resource{Key: keyIn(scope, fmt.Sprint("i-", i))}, changes...))
			events = append(events, &storage.ChangeEvent{
				ID: fmt.Sprintf("%d-%d", n+2, i+1), Revision: int64(n + 2), ChangeType: typ, Type: scope.Type, Region: scope.Region,
			})
		}
		fleetScan = append(fleetScan, c)
	}
	for i, q := range queries {
		match := storage.ChangeQuery{Filter: storage.Filter{Types: q.Types, Regions: q.Regions}}
		for _, typ := range q.ChangeTypes {
			match.ChangeTypes = append(match.ChangeTypes, change.Type(typ))
		}
		for _, e := range events {
			if match.Match(e) {
				want[i] = append(want[i], e.ID)
			}
		}
	}

	var done sync.WaitGroup
	for n := range clients {
		q := queries[n%len(queries)]
		q.Since = "1"
		expected := want[n%len(queries)]
		done.Go(func() {
			c, err := NewClient(address, &http.Client{Transport: transport}, "")
			if err != nil {
				t.Error(err)
				return
			}
			got, _, err := read(ctx, c, q, len(expected))
			if err != nil || strings.Join(got, " ") != strings.Join(expected, " ") {
				t.Errorf("client %d, %+v: %v; %d events, want %d: %.300s", n, q, err, len(got), len(expected), strings.Join(got, " "))
			}
		})
	}
	for n, c := range fleetScan {
		if n%7 == 3 {
			d.stop()
		}
		commit(t, d.store, c)
		if s := d.server.Load(); s != nil {
			s.Committed()
		} else {
			d.start()
		}
	}
	done.Wait()
	if len(want[4]) != 0 || len(want[0]) != scans*perScan {
		t.Errorf("the test expects %d and %d events", len(want[4]), len(want[0]))
	}
}

// rawStream asks for the stream and returns its answer, whose lines the caller reads.
func rawStream(t *testing.T, address, query, lastID string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+streamPath+query, nil)
	check(t, err)
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	check(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// linesUntil reads lines up to one, without it.
func linesUntil(t *testing.T, s *bufio.Scanner, last string) []string {
	t.Helper()
	var lines []string
	for s.Scan() {
		if s.Text() == last {
			return lines
		}
		if s.Text() != "" {
			lines = append(lines, s.Text())
		}
	}
	t.Fatalf("the stream ended before %q: %v; %q", last, s.Err(), lines)
	return nil
}

func TestStream_GoesOnBehindEveryID(t *testing.T) {
	d := &restartable{store: newWorld(t)} // events 2-1 to 2-3 and 3-1; 4 has none
	d.start()
	address, _ := listen(t, d)
	for last, want := range map[string]string{
		"0": "2-1 2-2 2-3 3-1", "1": "2-1 2-2 2-3 3-1", "1-9": "2-1 2-2 2-3 3-1", "2-0": "2-1 2-2 2-3 3-1", "2-1": "2-2 2-3 3-1", "2-2": "2-3 3-1",
		"2-3": "3-1", "2": "3-1", "3-1": "", "3": "", "4": "",
	} {
		lines := bufio.NewScanner(rawStream(t, address, "", last).Body)
		linesUntil(t, lines, ": elava")
		first := "id: " + last
		var ids []string
		for _, line := range linesUntil(t, lines, "id: 4") {
			if id, ok := strings.CutPrefix(line, "id: "); ok && line != first {
				ids = append(ids, id)
			}
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("behind %s: %s, want %s", last, got, want)
		}
	}
}

// boundedFeed refuses questions for changes that may be answered by reading all of them.
type boundedFeed struct {
	storage.Store
	t *testing.T
}

func (b boundedFeed) Changes(ctx context.Context, q storage.ChangeQuery) iter.Seq2[*storage.ChangeEvent, error] {
	if filtered := len(q.Types) > 0; filtered && q.Passed == nil {
		b.t.Errorf("the store is asked without a bound: %+v", q)
	}
	return b.Store.Changes(ctx, q)
}

// Where a filter selects little, ids tell a client how far the feed was read. It goes on
// behind each of them, and misses and repeats nothing.
func TestStream_ShowsHowFarItLooked(t *testing.T) {
	const passed = 2*maxPassedEvents + 500
	store := storagetest.NewModel()
	commit(t, store, scan{})
	var c scan
	for i := range passed {
		c.mutations = append(c.mutations, mutation(change.Created, resource.Resource{Key: keyIn(instances, fmt.Sprintf("i-%05d", i))}))
		if i == 700 {
			c.mutations = append(c.mutations, mutation(change.Created, resource.Resource{Key: logged}))
		}
	}
	c.mutations = append(c.mutations, mutation(change.Modified, resource.Resource{Key: keyIn(logs, "last")}))
	commit(t, store, c)
	d := &restartable{store: boundedFeed{store, t}}
	d.start()
	address, _ := listen(t, d)
	ids := func(last string) string {
		lines := bufio.NewScanner(rawStream(t, address, "?type=AWS::Logs::*", last).Body)
		linesUntil(t, lines, ": elava")
		var ids []string
		for _, line := range linesUntil(t, lines, "id: 2")[1:] { // the first is where it begins
			if id, ok := strings.CutPrefix(line, "id: "); ok {
				ids = append(ids, id)
			} else if line == "event: change" {
				ids[len(ids)-1] += "!"
			}
		}
		return strings.Join(ids, " ")
	}
	for last, want := range map[string]string{
		"1":     "2-702! 2-2001 2-4001 2-4502!",
		"2-702": "2-2702 2-4502!", "2-2001": "2-4001 2-4502!", "2-4001": "2-4502!", "2-4502": "",
	} {
		if got := ids(last); got != want {
			t.Errorf("behind %s: %s, want %s", last, got, want)
		}
	}
}

// A stream that gets no turn shows signs of life, and goes on once it gets one.
func TestStream_WaitsForItsTurnWithSignsOfLife(t *testing.T) {
	d := &restartable{store: newWorld(t)}
	s := d.start()
	s.limits.answer = 20 * time.Millisecond
	for range maxAnswers {
		s.slots <- struct{}{}
	}
	address, _ := listen(t, d)
	lines := bufio.NewScanner(rawStream(t, address, "", "2").Body)
	linesUntil(t, lines, "id: 2")
	for range 3 {
		linesUntil(t, lines, ":")
	}
	<-s.slots
	linesUntil(t, lines, "id: 3-1")
	linesUntil(t, lines, "id: 4")
}

func TestStream_RefusesWithAProblem(t *testing.T) {
	s := newWorld(t)
	check(t, s.Trim(t.Context(), 3))
	h := newTestServer(s)
	for _, tt := range []struct {
		query, last, kind string
	}{
		{"", "x", KindBadCursor},
		{"", "1-", KindBadCursor},
		{"", "-1", KindBadCursor},
		{"", "99999999999999999999", KindBadCursor},
		{"", "5", KindFutureRevision},
		{"", "5-1", KindFutureRevision},
		{"", "2-1", KindCompacted},
		{"", "1", KindCompacted},
		{"", "0", KindCompacted},
		{"?since=1", "", KindCompacted},
		{"?since=9", "", KindFutureRevision},
		{"?limit=1", "", KindInvalidParameter},
		{"?type=[", "", KindInvalidParameter},
		{"?key=x", "", KindInvalidParameter},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://localhost"+streamPath+tt.query, nil)
		r.RemoteAddr = "127.0.0.1:1"
		if tt.last != "" {
			r.Header.Set("Last-Event-ID", tt.last)
		}
		w := httptest.NewRecorder()
		h.Handler().ServeHTTP(w, r)
		if p := problemOf(t, w); p.Kind() != tt.kind {
			t.Errorf("%s with id %q: %d %s, want %s", tt.query, tt.last, w.Code, w.Body, tt.kind)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "http://localhost"+streamPath, nil)
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	h.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET" {
		t.Errorf("POST: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	h.feed.open = maxStreams
	if w := ask(t, h.Handler(), "changes/stream"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("one stream too many: %d %s", w.Code, w.Body)
	}
	h.feed.open = 0
	h.EndStreams()
	h.EndStreams() // twice does no harm
	if w := ask(t, h.Handler(), "changes/stream"); problemOf(t, w).Kind() != "unavailable" {
		t.Errorf("after the end: %d %s", w.Code, w.Body)
	}
}

func TestStream_ShowsSignsOfLife(t *testing.T) {
	d := &restartable{store: newWorld(t)}
	d.start().limits.heartbeat = time.Millisecond
	address, _ := listen(t, d)
	lines := bufio.NewScanner(rawStream(t, address, "", "").Body)
	linesUntil(t, lines, "id: 4")
	for range 3 {
		linesUntil(t, lines, ":")
	}
}

// A client that reads nothing is dropped, and meanwhile another one gets everything.
func TestStream_DropsWhoDoesNotRead(t *testing.T) {
	d := &restartable{store: storagetest.NewModel()}
	commit(t, d.store, scan{})
	s := d.start()
	s.limits.writeTimeout = time.Second
	address, transport := listen(t, d)
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	check(t, err)
	defer conn.Close()
	check(t, conn.(*net.TCPConn).SetReadBuffer(4<<10))
	_, err = fmt.Fprintf(conn, "GET %s?since=1 HTTP/1.1\r\nHost: localhost\r\n\r\n", streamPath)
	check(t, err)

	large := bytes.Repeat([]byte("x"), 64<<10)
	var c scan
	const events = 150 // 10 MB, more than the server's socket holds
	for i := range events {
		c.mutations = append(c.mutations, mutation(change.Modified, resource.Resource{Key: keyIn(instances, fmt.Sprint(i))},
			change.FieldChange{Path: "name", New: fmt.Appendf(nil, "%q", large)}))
	}
	commit(t, d.store, c)
	s.Committed()
	client, err := NewClient(address, &http.Client{Transport: transport}, "")
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	if got, _, err := read(ctx, client, ChangeQuery{Since: "1"}, events); err != nil || len(got) != events {
		t.Errorf("beside a client that does not read: %d events, %v", len(got), err)
	}
	deadline := time.Now().Add(patience)
	for {
		s.feed.mu.Lock()
		open := s.feed.open
		s.feed.mu.Unlock()
		if open == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d streams are still open", open)
		}
		time.Sleep(time.Millisecond)
	}
}

// failingChanges is a store whose feed cannot be read from some point on.
type failingChanges struct {
	storage.Store
	broken atomic.Bool
}

func (f *failingChanges) Head(ctx context.Context) (storage.Head, error) {
	if f.broken.Load() {
		return storage.Head{}, errors.New("input/output error on /dev/secret")
	}
	return f.Store.Head(ctx)
}

func TestStream_SaysThatItFailed(t *testing.T) {
	broken := &failingChanges{Store: newWorld(t)}
	d := &restartable{store: broken}
	s := d.start()
	address, transport := listen(t, d)
	client, err := NewClient(address, &http.Client{Transport: transport}, "")
	check(t, err)
	var failed error
	for step, err := range client.Stream(t.Context(), ChangeQuery{}, "") {
		if failed = err; err == nil && step.ID == "4" {
			broken.broken.Store(true)
			s.Committed()
		}
	}
	var p *ProblemError
	if !errors.As(failed, &p) || p.Status != http.StatusInternalServerError || strings.Contains(failed.Error(), "secret") {
		t.Errorf("%v", failed)
	}
}

func TestPieces_AreReadOnceForAllWhoWantThem(t *testing.T) {
	var c pieceCache
	reads := atomic.Int32{}
	release := make(chan struct{})
	var done sync.WaitGroup
	for range 50 {
		done.Go(func() {
			p, err := c.get(t.Context(), pieceKey{upTo: 7}, func() (*piece, error) {
				<-release
				reads.Add(1)
				return &piece{end: position{upTo: 7}}, nil
			})
			if err != nil || p.end.upTo != 7 {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
	close(release)
	done.Wait()
	if reads.Load() != 1 {
		t.Errorf("read %d times", reads.Load())
	}
	for i := range 3 * cachedPieces {
		_, err := c.get(t.Context(), pieceKey{upTo: int64(100 + i)}, func() (*piece, error) { return &piece{}, nil })
		check(t, err)
	}
	if len(c.entries) != cachedPieces {
		t.Errorf("%d pieces are kept", len(c.entries))
	}
}

func TestPieces_AFailureIsNotShared(t *testing.T) {
	var c pieceCache
	_, err := c.get(t.Context(), pieceKey{}, func() (*piece, error) { return nil, context.Canceled })
	if !errors.Is(err, context.Canceled) || len(c.entries) != 0 {
		t.Errorf("%v; %d pieces are kept", err, len(c.entries))
	}
	p, err := c.get(t.Context(), pieceKey{}, func() (*piece, error) { return &piece{text: []byte("x")}, nil })
	if err != nil || string(p.text) != "x" {
		t.Errorf("%v, %v", p, err)
	}
}
