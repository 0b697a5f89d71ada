package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// text is a writer that can be waited on.
type text struct {
	mu      sync.Mutex
	b       bytes.Buffer
	changed chan struct{}
}

func newText() *text { return &text{changed: make(chan struct{})} }

func (w *text) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
	return w.b.Write(b)
}

func (w *text) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// await waits until what was written satisfies a condition.
func (w *text) await(t *testing.T, what string, ok func(string) bool) {
	t.Helper()
	deadline := time.After(patience)
	for {
		w.mu.Lock()
		now, changed := w.b.String(), w.changed
		w.mu.Unlock()
		if ok(now) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("waited in vain for %s; there is %.2000q", what, now)
		}
	}
}

// daemonStub is a daemon that can go away, come back and get another store.
type daemonStub struct {
	mu      sync.Mutex
	server  *api.Server   // nil: nobody answers
	reached chan struct{} // gets one element for every stream that has begun
	refused chan struct{} // and one for every request that nobody answered
}

func (d *daemonStub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	server := d.server
	d.mu.Unlock()
	if server == nil {
		d.refused <- struct{}{}
		panic(http.ErrAbortHandler)
	}
	server.Handler().ServeHTTP(&begun{ResponseWriter: w, tell: sync.OnceFunc(func() { d.reached <- struct{}{} })}, r)
}

// begun tells when an answer begins.
type begun struct {
	http.ResponseWriter
	tell func()
}

func (w *begun) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *begun) Write(b []byte) (int, error) {
	defer w.tell()
	return w.ResponseWriter.Write(b)
}

// following is one run of changes --follow.
type following struct {
	t              *testing.T
	stub           *daemonStub
	store          storage.Store
	stdout, stderr *text
	command        ChangesCommand
	retries        chan struct{} // whoever waits takes one and asks again
	ended          chan error
	stop           context.CancelFunc
}

// start begins to follow a store.
func start(t *testing.T, s storage.Store, command ChangesCommand) *following {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t, goleak.IgnoreCurrent()) })
	ctx, cancel := context.WithCancel(t.Context())
	f := &following{
		t: t, stub: &daemonStub{reached: make(chan struct{}, 100), refused: make(chan struct{}, 100)}, stdout: newText(), stderr: newText(),
		command: command, retries: make(chan struct{}), ended: make(chan error, 1), stop: cancel,
	}
	f.serve(s)
	srv := httptest.NewServer(f.stub)
	transport := &http.Transport{DisableKeepAlives: true} // one that is kept may be tried twice
	client, err := api.NewClient(srv.URL, &http.Client{Transport: transport}, "")
	noError(t, err)
	env := readingEnv(nil)
	env.Stdout, env.Stderr = f.stdout, f.stderr
	if f.command.Output == "" {
		f.command.Output = "csv"
	}
	go func() {
		f.ended <- f.command.follow(ctx, env, client, func(ctx context.Context) {
			select {
			case <-f.retries:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		f.away()
		transport.CloseIdleConnections()
		srv.Close()
	})
	return f
}

// serve answers from a store.
func (f *following) serve(s storage.Store) {
	f.stub.mu.Lock()
	defer f.stub.mu.Unlock()
	f.store = s
	f.stub.server = api.NewServer(api.Options{Store: s, Now: func() time.Time { return askedAt }})
}

// away ends the daemon.
func (f *following) away() {
	f.stub.mu.Lock()
	defer f.stub.mu.Unlock()
	if f.stub.server != nil {
		f.stub.server.EndStreams()
	}
	f.stub.server = nil
}

// reached waits until the follower is connected.
func (f *following) reached() {
	f.t.Helper()
	select {
	case <-f.stub.reached:
	case <-time.After(patience):
		f.t.Fatalf("the stream did not begin; stderr %q", f.stderr)
	}
}

// retry lets the follower ask again.
func (f *following) retry() {
	f.t.Helper()
	select {
	case f.retries <- struct{}{}:
	case <-time.After(patience):
		f.t.Fatal("the follower does not wait")
	}
}

// create records a scan that created n instances, and tells the daemon.
func (f *following) create(n int) {
	f.t.Helper()
	creations(f.t, f.store, n)
	f.stub.mu.Lock()
	defer f.stub.mu.Unlock()
	if f.stub.server != nil {
		f.stub.server.Committed()
	}
}

// shows waits until exactly these events were shown.
func (f *following) shows(want string) {
	f.t.Helper()
	f.stdout.await(f.t, want, func(s string) bool { return idsOf(s) == want })
}

// end stops following and returns how that ended.
func (f *following) end() error {
	f.stop()
	return f.outcome()
}

func (f *following) outcome() error {
	f.t.Helper()
	select {
	case err := <-f.ended:
		return err
	case <-time.After(patience):
		f.t.Fatal("the follower does not end")
		return nil
	}
}

// idsOf returns the ids of the events that were shown as CSV.
func idsOf(csv string) string {
	var ids []string
	for _, line := range strings.Split(strings.TrimSpace(csv), "\n")[1:] {
		id, _, _ := strings.Cut(line, ",")
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}

// creations records a scan that created n instances.
func creations(t *testing.T, s storage.Store, n int) {
	t.Helper()
	head, err := s.Head(t.Context())
	noError(t, err)
	var all []storage.Mutation
	for i := range n {
		all = append(all, found(change.Created, resource.Resource{Key: inScope(instanceScope, fmt.Sprintf("i-%d-%05d", head.Revision, i))}))
	}
	recordScan(t, s, nil, all...)
}

func TestFollow_ShowsEachNewEventOnceAndInOrder(t *testing.T) {
	s := storagetest.NewModel()
	creations(t, s, 2)
	f := start(t, s, ChangesCommand{})
	f.reached()
	f.create(2)
	f.shows("2-1 2-2")
	f.create(0) // a scan without changes
	f.create(1)
	f.create(2)
	f.shows("2-1 2-2 4-1 5-1 5-2")
	if err := f.end(); err != nil || f.stderr.String() != "" {
		t.Errorf("%v; stderr %q", err, f.stderr)
	}
}

func TestFollow_EventsAreVisibleAtOnce(t *testing.T) {
	for _, format := range []string{"table", "json", "jsonl", "csv", "yaml"} {
		f := start(t, storagetest.NewModel(), ChangesCommand{Output: format})
		f.reached()
		f.create(1)
		f.stdout.await(t, format, func(s string) bool { return strings.Contains(s, "i-0-00000") })
		if err := f.end(); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if format == "json" && !strings.HasSuffix(f.stdout.String(), "]}\n") {
			t.Errorf("the list has no end: %q", f.stdout)
		}
	}
}

func TestFollow_BeginsWhereItIsTold(t *testing.T) {
	for since, want := range map[string]string{
		"":                     "4-1",
		"1":                    "2-1 3-1 4-1",
		"2025-10-22T10:15:00Z": "3-1 4-1",
		"110m":                 "2-1 3-1 4-1", // 10:10
		"1w":                   "1-1 2-1 3-1 4-1",
	} {
		s := storagetest.NewModel()
		for range 3 {
			creations(t, s, 1)
		}
		f := start(t, s, ChangesCommand{Since: since})
		f.reached()
		f.create(1)
		f.shows(want)
		if err := f.end(); err != nil {
			t.Errorf("--since %q: %v", since, err)
		}
	}
}

func TestFollow_BeginsBeforeTheFirstScan(t *testing.T) {
	f := start(t, storagetest.NewModel(), ChangesCommand{})
	f.reached()
	f.create(1)
	f.shows("1-1")
}

func TestFollow_EndsAtTheLimit(t *testing.T) {
	limit := 3
	f := start(t, storagetest.NewModel(), ChangesCommand{Limit: &limit})
	f.reached()
	f.create(2)
	f.create(2)
	if err := f.outcome(); err != nil || idsOf(f.stdout.String()) != "1-1 1-2 2-1" {
		t.Errorf("%v: %s", err, f.stdout)
	}
}

func TestFollow_SurvivesARestartOfTheDaemon(t *testing.T) {
	s := storagetest.NewModel()
	creations(t, s, 1)
	f := start(t, s, ChangesCommand{})
	f.reached()
	f.create(1)
	f.shows("2-1")
	f.away()
	f.retry()
	<-f.stub.refused
	f.create(1)
	f.serve(s)
	f.retry()
	f.reached()
	f.create(1)
	f.shows("2-1 3-1 4-1")
	notes := strings.Split(strings.TrimSpace(f.stderr.String()), "\n")
	if len(notes) != 2 || !strings.Contains(notes[0], "trying again") || !strings.Contains(notes[1], "answers again") {
		t.Errorf("notes: %q", notes)
	}
}

// The daemon goes while a large revision is on its way: what was shown is not shown again.
func TestFollow_BreakInTheMiddleOfARevision(t *testing.T) {
	s := storagetest.NewModel()
	creations(t, s, 1)
	limit := 2501
	f := start(t, s, ChangesCommand{Limit: &limit})
	f.reached()
	f.create(2500)
	f.away()
	f.serve(s)
	f.retry()
	f.create(1)
	var want []string
	for i := range 2500 {
		want = append(want, fmt.Sprint("2-", i+1))
	}
	want = append(want, "3-1")
	if err := f.outcome(); err != nil || idsOf(f.stdout.String()) != strings.Join(want, " ") {
		t.Errorf("%v: %d bytes of output", err, len(f.stdout.String()))
	}
}

func TestFollow_GoesOnWithAnotherHistory(t *testing.T) {
	old := storagetest.NewModel()
	for range 5 {
		creations(t, old, 1)
	}
	anew := storagetest.NewModel()
	creations(t, anew, 1)
	f := start(t, old, ChangesCommand{})
	f.reached()
	f.create(1)
	f.shows("6-1")
	f.away()
	f.serve(anew)
	f.retry()
	f.reached() // it was refused
	f.retry()
	f.reached()
	f.create(1)
	f.shows("6-1 2-1")
	if !strings.Contains(f.stderr.String(), "another history") {
		t.Errorf("stderr %q", f.stderr)
	}
}

// Where nothing changes for long, retention may drop the revision of the last event.
func TestFollow_DoesNotFallBehindRetention(t *testing.T) {
	s := storagetest.NewModel()
	creations(t, s, 1)
	f := start(t, s, ChangesCommand{Since: "1w", FilterFlags: FilterFlags{Type: []string{"*instance"}}})
	f.reached()
	f.shows("1-1")
	for range 5 {
		f.create(0)
	}
	f.create(1)
	f.shows("1-1 7-1")
	f.away()
	noError(t, s.Trim(t.Context(), 7))
	f.serve(s)
	f.retry()
	f.reached()
	f.create(1)
	f.shows("1-1 7-1 8-1")
}

func TestFollow_TellsWhatWasLost(t *testing.T) {
	s := storagetest.NewModel()
	creations(t, s, 1)
	f := start(t, s, ChangesCommand{})
	f.reached()
	f.create(1)
	f.shows("2-1")
	f.away()
	for range 3 {
		creations(t, s, 1)
	}
	noError(t, s.Trim(t.Context(), 4))
	f.serve(s)
	f.retry()
	err := f.outcome()
	if p, ok := errors.AsType[*api.ProblemError](err); !ok || p.Kind() != api.KindCompacted || !strings.Contains(p.Detail, "oldest available is 4") {
		t.Errorf("%v", err)
	}
}

func TestFollow_FailsWhereNobodyEverAnswered(t *testing.T) {
	for _, since := range []string{"", "1"} {
		client, err := api.NewClient("http://127.0.0.1:1", nil, "")
		noError(t, err)
		c, env := ChangesCommand{Since: since, Output: "json"}, readingEnv(nil)
		stdout := newText()
		env.Stdout, env.Stderr = stdout, newText()
		err = c.follow(t.Context(), env, client, func(context.Context) { t.Error("waits") })
		if _, ok := errors.AsType[*api.UnreachableError](err); !ok || stdout.String() != "" {
			t.Errorf("--since %q: %v; %q", since, err, stdout)
		}
	}
}

func TestFollow_RefusalsAreFinal(t *testing.T) {
	s := storagetest.NewModel()
	creations(t, s, 1)
	f := start(t, s, ChangesCommand{FilterFlags: FilterFlags{Type: []string{"["}}})
	err := f.outcome()
	if p, ok := errors.AsType[*api.ProblemError](err); !ok || p.Kind() != api.KindInvalidParameter {
		t.Errorf("%v", err)
	}
}

func TestPause_EndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pause(ctx)
}
