package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

// daemonStub answers from a store that can be exchanged, or not at all.
type daemonStub struct {
	store  storage.Store             // nil: nobody listens
	refuse func(*http.Request) error // asked before each answer; may be nil
}

func (d *daemonStub) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.store == nil {
		return nil, errors.New("connection refused")
	}
	if d.refuse != nil {
		if err := d.refuse(r); err != nil {
			return nil, err
		}
	}
	in := r.Clone(r.Context())
	in.RemoteAddr, in.Host = "127.0.0.1:1", r.URL.Host
	w := httptest.NewRecorder()
	api.NewServer(api.Options{Store: d.store}).Handler().ServeHTTP(w, in)
	return w.Result(), nil
}

// following is one run of changes --follow.
type following struct {
	stub           daemonStub
	stdout, stderr bytes.Buffer
	command        ChangesCommand
}

// run follows, taking one step whenever the follower waits. When the steps are over, the
// context ends.
func (f *following) run(t *testing.T, steps ...func()) error {
	t.Helper()
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client, err := api.NewClient("http://localhost:2112", &http.Client{Transport: &f.stub}, "")
	noError(t, err)
	env := readingEnv(nil)
	env.Stdout, env.Stderr = &f.stdout, &f.stderr
	if f.command.Output == "" {
		f.command.Output = "csv"
	}
	return f.command.follow(ctx, env, client, func(context.Context) {
		if len(steps) == 0 {
			cancel()
			return
		}
		steps[0]()
		steps = steps[1:]
	})
}

// ids returns the ids of the events that were shown as CSV.
func (f *following) ids() string {
	var ids []string
	for _, line := range strings.Split(strings.TrimSpace(f.stdout.String()), "\n")[1:] {
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
	f := following{stub: daemonStub{store: s}}
	err := f.run(t,
		func() { creations(t, s, 2) },
		func() {},
		func() { creations(t, s, 0) }, // a scan without changes
		func() { creations(t, s, 1); creations(t, s, 2) },
	)
	if err != nil || f.ids() != "2-1 2-2 4-1 5-1 5-2" || f.stderr.Len() != 0 {
		t.Errorf("%v: %s; stderr %q", err, f.ids(), f.stderr.String())
	}
}

func TestFollow_EventsAreVisibleBeforeItWaits(t *testing.T) {
	for _, format := range []string{"table", "json", "jsonl", "csv", "yaml"} {
		s := storagetest.NewModel()
		f := following{stub: daemonStub{store: s}, command: ChangesCommand{Output: format}}
		err := f.run(t,
			func() { creations(t, s, 1) },
			func() {
				if !strings.Contains(f.stdout.String(), "i-0-00000") {
					t.Errorf("%s: not yet shown: %q", format, f.stdout.String())
				}
			},
		)
		if err != nil {
			t.Errorf("%s: %v", format, err)
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
		f := following{stub: daemonStub{store: s}, command: ChangesCommand{Since: since}}
		if err := f.run(t, func() { creations(t, s, 1) }); err != nil || f.ids() != want {
			t.Errorf("--since %q: %v: %s, want %s", since, err, f.ids(), want)
		}
	}
}

func TestFollow_BeginsBeforeTheFirstScan(t *testing.T) {
	s := storagetest.NewModel()
	f := following{stub: daemonStub{store: s}}
	if err := f.run(t, func() {}, func() { creations(t, s, 1) }); err != nil || f.ids() != "1-1" {
		t.Errorf("%v: %s", err, f.ids())
	}
}

func TestFollow_EndsAtTheLimit(t *testing.T) {
	s := storagetest.NewModel()
	limit := 3
	f := following{stub: daemonStub{store: s}, command: ChangesCommand{Limit: &limit}}
	never := func() { t.Error("waits after the last event") }
	if err := f.run(t, func() { creations(t, s, 2) }, func() { creations(t, s, 2) }, never); err != nil || f.ids() != "1-1 1-2 2-1" {
		t.Errorf("%v: %s", err, f.ids())
	}
}

func TestFollow_SurvivesARestartOfTheDaemon(t *testing.T) {
	s := storagetest.NewModel()
	creations(t, s, 1)
	f := following{stub: daemonStub{store: s}}
	err := f.run(t,
		func() { creations(t, s, 1) },
		func() { f.stub.store = nil },
		func() {},
		func() { creations(t, s, 1); f.stub.store = s },
		func() { creations(t, s, 1) },
	)
	if err != nil || f.ids() != "2-1 3-1 4-1" {
		t.Errorf("%v: %s", err, f.ids())
	}
	notes := strings.Split(strings.TrimSpace(f.stderr.String()), "\n")
	if len(notes) != 2 || !strings.Contains(notes[0], "trying again") || !strings.Contains(notes[1], "answers again") {
		t.Errorf("notes: %q", notes)
	}
}

// The connection breaks between two pages of one revision.
func TestFollow_BreakInTheMiddleOfARevision(t *testing.T) {
	s := storagetest.NewModel()
	creations(t, s, 1)
	broke := 0
	f := following{stub: daemonStub{store: s, refuse: func(r *http.Request) error {
		if r.URL.Query().Has("cursor") && broke < 2 {
			broke++
			return errors.New("connection reset by peer")
		}
		return nil
	}}}
	err := f.run(t, func() { creations(t, s, 2500) }, func() {}, func() { creations(t, s, 1) }, func() {})
	var want []string
	for i := range 2500 {
		want = append(want, fmt.Sprint("2-", i+1))
	}
	want = append(want, "3-1")
	if err != nil || broke != 2 || f.ids() != strings.Join(want, " ") {
		t.Errorf("%v: %d breaks, %d bytes of ids", err, broke, len(f.ids()))
	}
}

func TestFollow_GoesOnWithAnotherHistory(t *testing.T) {
	old := storagetest.NewModel()
	for range 5 {
		creations(t, old, 1)
	}
	anew := storagetest.NewModel()
	creations(t, anew, 1)
	f := following{stub: daemonStub{store: old}}
	err := f.run(t,
		func() { creations(t, old, 1) },
		func() { f.stub.store = anew },
		func() { creations(t, anew, 1) },
	)
	if err != nil || f.ids() != "6-1 2-1" || !strings.Contains(f.stderr.String(), "another history") {
		t.Errorf("%v: %s; stderr %q", err, f.ids(), f.stderr.String())
	}
}

// Where nothing changes for long, retention may drop the revision of the last event.
func TestFollow_DoesNotFallBehindRetention(t *testing.T) {
	s := storagetest.NewModel()
	creations(t, s, 1)
	f := following{stub: daemonStub{store: s}, command: ChangesCommand{Since: "1w"}}
	err := f.run(t,
		func() {
			for range 5 {
				creations(t, s, 0)
			}
		},
		func() { noError(t, s.Trim(t.Context(), 6)) },
		func() { creations(t, s, 1) },
	)
	if err != nil || f.ids() != "1-1 7-1" {
		t.Errorf("%v: %s", err, f.ids())
	}
}

func TestFollow_FailsWhereNobodyEverAnswered(t *testing.T) {
	for _, since := range []string{"", "1"} {
		f := following{command: ChangesCommand{Since: since}}
		err := f.run(t, func() { t.Error("waits") })
		if _, ok := errors.AsType[*api.UnreachableError](err); !ok {
			t.Errorf("--since %q: %v", since, err)
		}
	}
}

func TestFollow_RefusalsAreFinal(t *testing.T) {
	s := storagetest.NewModel()
	creations(t, s, 1)
	f := following{stub: daemonStub{store: s}, command: ChangesCommand{FilterFlags: FilterFlags{Type: []string{"["}}}}
	err := f.run(t, func() { t.Error("waits") })
	if p, ok := errors.AsType[*api.ProblemError](err); !ok || p.Kind() != api.KindInvalidParameter {
		t.Errorf("%v", err)
	}
}

func TestPause_EndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pause(ctx)
}
