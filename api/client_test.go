package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/storage/storagetest"
)

// collect reads an iterator to its end.
func collect[T any](t *testing.T, seq iter.Seq2[*T, error]) []T {
	t.Helper()
	all := []T{}
	for item, err := range seq {
		check(t, err)
		all = append(all, *item)
	}
	return all
}

// remote returns a client that asks a handler through a socket.
func remote(t *testing.T, h http.Handler) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := NewClient(srv.URL+"/", srv.Client(), "")
	check(t, err)
	return c
}

func TestClient_LocalAndRemoteGetTheSame(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	local, far := NewLocalClient(h), remote(t, h)
	everything := func(c *Client) []any {
		ctx := t.Context()
		r, err := c.Resource(ctx, logged.String(), "")
		check(t, err)
		past, err := c.Resource(ctx, web.String(), "1")
		check(t, err)
		_, gone := c.Resource(ctx, batch.String(), "")
		return []any{
			r, past, gone,
			collect(t, c.Resources(ctx, ResourceQuery{Types: []string{"AWS::*"}, Regions: []string{"eu-west-1", "us-east-1"}})),
			collect(t, c.Resources(ctx, ResourceQuery{Tags: []string{"env=prod", "empty"}, Name: "web & <shop>", ID: web.ID, At: "4"})),
			collect(t, c.Resources(ctx, ResourceQuery{ARN: "arn:aws:s3:::assets", Accounts: []string{account}})),
			collect(t, c.History(ctx, logged.String(), "", 0)),
			collect(t, c.Changes(ctx, ChangeQuery{Since: "1", Until: "100m", OldestFirst: true})),
			collect(t, c.Changes(ctx, ChangeQuery{Key: batch.String(), ChangeTypes: []string{"created", "disappeared"}})),
			collect(t, c.Scans(ctx, 2)),
			collect(t, c.Scopes(ctx, ScopeQuery{Types: []string{"*log*"}})),
		}
	}
	a, b := everything(local), everything(far)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("local:\n%v\nremote:\n%v", a, b)
	}
	for i, v := range a {
		if s := reflect.ValueOf(v); s.Kind() == reflect.Slice && s.Len() == 0 {
			t.Errorf("question %d has no answer", i)
		}
	}
	var p *ProblemError
	if err, _ := a[2].(error); !errors.As(err, &p) || p.Kind() != KindGone || p.Last.ID != batch.ID {
		t.Errorf("gone: %v", a[2])
	}
}

func TestClient_IteratorsReadAllPagesUpToTheLimit(t *testing.T) {
	s := storagetest.NewModel()
	commit(t, s, scan{mutations: fleet(change.Created, 0, maxLimit+50)})
	c := NewLocalClient(newTestServer(s).Handler())
	for limit, want := range map[int]int{0: maxLimit + 50, 1: 1, maxLimit: maxLimit, maxLimit + 10: maxLimit + 10, 5 * maxLimit: maxLimit + 50} {
		if got := len(collect(t, c.Resources(t.Context(), ResourceQuery{Limit: limit}))); got != want {
			t.Errorf("limit %d: %d resources, want %d", limit, got, want)
		}
	}
	seq := c.Changes(t.Context(), ChangeQuery{})
	for range 2 { // an iterator may be used twice
		if got := len(collect(t, seq)); got != maxLimit+50 {
			t.Errorf("%d changes", got)
		}
	}
	for range seq {
		break
	}
}

func TestClient_SendsTheToken(t *testing.T) {
	s := NewServer(Options{Store: newWorld(t), Token: func() string { return "s3cret" }})
	outside := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = "192.0.2.1:1"
		s.Handler().ServeHTTP(w, r)
	})
	srv := httptest.NewServer(outside)
	defer srv.Close()
	for token, want := range map[string]int{"": 401, "wrong": 401, "s3cret": 0} {
		c, err := NewClient(srv.URL, srv.Client(), token)
		check(t, err)
		_, err = c.Resource(t.Context(), web.String(), "")
		var p *ProblemError
		if errors.As(err, &p); want == 0 && err != nil || want != 0 && (p == nil || p.Status != want) {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

func TestClient_HandsOnNotices(t *testing.T) {
	c := NewLocalClient(NewServer(Options{Store: newWorld(t), Notices: func() []string { return []string{"synthetic", "old"} }}).Handler())
	var got []string
	c.Notice = func(n string) { got = append(got, n) }
	_, err := c.Resource(t.Context(), web.String(), "")
	check(t, err)
	if fmt.Sprint(got) != "[synthetic old]" {
		t.Errorf("%v", got)
	}
}

func TestClient_NobodyThere(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	address := srv.URL
	srv.Close()
	c, err := NewClient(address, srv.Client(), "")
	check(t, err)
	_, err = c.Resource(t.Context(), web.String(), "")
	var u *UnreachableError
	if !errors.As(err, &u) {
		t.Fatalf("%T %v", err, err)
	}
	for _, part := range []string{address, "connection refused", "elava serve", "--storage-path"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not mention %q", err, part)
		}
	}
	if strings.Contains(err.Error(), Prefix) {
		t.Errorf("%q mentions the path", err)
	}
}

func TestClient_SomebodyElseThere(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"not found": http.NotFound,
		"a page":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello") },
		"no problem": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(500)
			io.WriteString(w, "oops")
		},
	} {
		c := remote(t, h)
		_, err := c.Resource(t.Context(), web.String(), "")
		var a *AnswerError
		if !errors.As(err, &a) {
			t.Errorf("%s: %T %v", name, err, err)
		}
	}
}

func TestClient_AnswerThatBreaksOffIsUnreachable(t *testing.T) {
	c := remote(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"items":[{"key":"aws`)
	}))
	for _, err := range c.Scans(t.Context(), 0) {
		var u *UnreachableError
		if !errors.As(err, &u) {
			t.Errorf("%T %v", err, err)
		}
	}
}

func TestClient_CanceledIsCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := remote(t, h).Resource(ctx, web.String(), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("remote, while it is asked: %v", err)
	}
	local := NewLocalClient(newTestServer(newWorld(t)).Handler())
	if _, err := local.Resource(ctx, web.String(), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("local, before it is asked: %v", err)
	}
}

func TestNewClient_RefusesWhatIsNoAddress(t *testing.T) {
	for _, s := range []string{"", "localhost:2112", "127.0.0.1:2112", "ftp://x", "http://", "http://x?y", "http://x#y", ":", "http://%zz"} {
		if _, err := NewClient(s, nil, ""); err == nil {
			t.Errorf("%q: no error", s)
		}
	}
}
