package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

func TestServer_AnswersAreAsPromised(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	for _, tt := range []struct{ name, target string }{
		{"resources", "resources"},
		{"resources-at-1", "resources?at=1"},
		{"resources-none", "resources?type=AWS::No::Such"},
		{"resource", "resource/" + web.String()},
		{"resource-past", "resource/" + web.String() + "?at=1"},
		{"resource-stale", "resource/" + url.PathEscape(logged.String())},
		{"resource-gone", "resource/" + batch.String()},
		{"resource-never-seen", "resource/" + nowhere.String()},
		{"history", "history/" + web.String()},
		{"history-gone", "history/" + batch.String()},
		{"changes", "changes"},
		{"changes-page", "changes?limit=1&order=asc"},
		{"scans", "scans"},
		{"scopes", "scopes"},
	} {
		t.Run(tt.name, func(t *testing.T) { golden(t, tt.name, ask(t, h, tt.target).Body.Bytes()) })
	}
}

func TestServer_EmptyStoreHasEmptyLists(t *testing.T) {
	h := newTestServer(storagetest.NewModel()).Handler()
	for target, want := range map[string]string{
		"resources": `{"items":[],"revision":0}`,
		"changes":   `{"items":[]}`,
		"scans":     `{"items":[]}`,
		"scopes":    `{"items":[]}`,
	} {
		if got := strings.TrimSpace(ask(t, h, target).Body.String()); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	for _, target := range []string{"resource/" + web.String(), "history/" + web.String(), "resources?at=2h", "scopes?at=now"} {
		if w := ask(t, h, target); w.Code != http.StatusNotFound && w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

func TestServer_Headers(t *testing.T) {
	s := NewServer(Options{Store: newWorld(t), Notices: func() []string { return []string{"these are\r\nsynthetic"} }})
	w := ask(t, s.Handler(), "resources")
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff",
		"Elava-Notice": "these are  synthetic",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestServer_HeadHasTheHeadersOfGet(t *testing.T) {
	srv := httptest.NewServer(newTestServer(newWorld(t)).Handler())
	defer srv.Close()
	resp, err := srv.Client().Head(srv.URL + Prefix + "resources")
	check(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength <= 0 {
		t.Errorf("HEAD: %s, length %d", resp.Status, resp.ContentLength)
	}
}

func TestServer_Filters(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	for query, want := range map[string]string{
		"":                                   "i-0web " + logged.ID + " assets",
		"type=aws::ec2::*":                   "i-0web",
		"type=AWS::EC2::*,AWS::S3::Bucket":   "i-0web assets",
		"type=AWS::EC2::*&type=AWS::S3::*":   "i-0web assets",
		"region=us-east-1":                   "i-0web",
		"region=eu-west-1,us-east-1":         "i-0web " + logged.ID + " assets",
		"account=999":                        "",
		"tag=env":                            "i-0web",
		"tag=env%3Dprod":                     "i-0web",
		"tag=env=prod&tag=empty=":            "i-0web",
		"tag=env%3Dtest":                     "",
		"name=assets":                        "assets",
		"id=i-0web":                          "i-0web",
		"arn=arn:aws:s3:::assets":            "assets",
		"at=1":                               "i-0web assets",
		"at=2":                               "i-0batch i-0web " + logged.ID + " assets",
		"at=2025-10-22T10:14:59.999Z":        "i-0batch i-0web " + logged.ID + " assets",
		"at=2025-10-22T10:15:00Z":            "i-0web " + logged.ID + " assets",
		"at=2025-10-22T12:05:00+02:00":       "i-0web assets", // the plus is not escaped
		"at=2025-10-22T12:05:00%2B02:00":     "i-0web assets",
		"at=105m":                            "i-0web " + logged.ID + " assets",
		"at=110m":                            "i-0batch i-0web " + logged.ID + " assets",
		"at=9999-12-31T23:59:59Z":            "i-0web " + logged.ID + " assets",
		"at=4&type=AWS::EC2::*&limit=1":      "i-0web",
		"type=AWS::EC2::*&region=eu-west-1":  "",
		"type=AWS::Logs::*&region=eu-west-1": logged.ID,
	} {
		answer := answerTo[page[Resource]](t, h, "resources?"+query)
		var ids []string
		for _, r := range answer.Items {
			ids = append(ids, r.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("?%s: %q, want %q", query, got, want)
		}
	}
}

func TestServer_ChangesBetweenPoints(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	for query, want := range map[string]string{
		"":                                      "3-1 2-3 2-2 2-1",
		"order=desc":                            "3-1 2-3 2-2 2-1",
		"order=asc":                             "2-1 2-2 2-3 3-1",
		"since=2":                               "3-1", // exclusive
		"since=3":                               "",
		"since=4":                               "",
		"until=2":                               "2-3 2-2 2-1", // inclusive
		"since=1&until=2":                       "2-3 2-2 2-1",
		"since=2&until=2":                       "",
		"since=2025-10-22T10:15:00Z":            "3-1", // inclusive
		"since=2025-10-22T10:15:00.001Z":        "",
		"until=2025-10-22T10:10:00Z":            "2-3 2-2 2-1",
		"until=2025-10-22T10:09:59Z":            "",
		"until=2025-10-22T09:00:00Z":            "",
		"since=1h":                              "",
		"since=3h":                              "3-1 2-3 2-2 2-1",
		"since=2030-01-01T00:00:00Z":            "",
		"change_type=created":                   "2-3 2-2",
		"change_type=created,disappeared":       "3-1 2-3 2-2",
		"key=" + url.QueryEscape(web.String()):  "2-1",
		"id=i-0batch":                           "3-1 2-2",
		"name=batch&change_type=disappeared":    "3-1",
		"type=AWS::Logs::*":                     "2-3",
		"region=us-east-1&account=" + account:   "3-1 2-2 2-1",
		"since=1970-01-01T00:00:00Z":            "3-1 2-3 2-2 2-1",
		"since=0001-01-01T00:00:01Z&limit=1000": "3-1 2-3 2-2 2-1",
	} {
		answer := answerTo[list[storage.ChangeEvent]](t, h, "changes?"+query)
		var ids []string
		for _, e := range answer.Items {
			ids = append(ids, e.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("?%s: %q, want %q", query, got, want)
		}
	}
}

func TestServer_Scopes(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	for query, want := range map[string]string{
		"":                         "AWS::EC2::Instance=complete AWS::Logs::LogGroup=failed AWS::S3::Bucket=complete",
		"at=3&type=aws::logs::*":   "AWS::Logs::LogGroup=complete",
		"region=us-east-1":         "AWS::EC2::Instance=complete AWS::S3::Bucket=complete",
		"account=999&region=mars":  "",
		"at=2025-10-22T10:05:00Z&": "AWS::EC2::Instance=complete AWS::Logs::LogGroup=complete AWS::S3::Bucket=complete",
	} {
		var got []string
		for _, s := range answerTo[list[Scope]](t, h, "scopes?"+query).Items {
			got = append(got, s.Type+"="+string(s.Status))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("?%s: %q, want %q", query, got, want)
		}
	}
}

func TestServer_RefusesWithAProblem(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	for _, tt := range []struct {
		target string
		status int
		kind   string
		detail string // part of it
	}{
		{"nothing", 404, "no-such-path", "/api/v1/nothing"},
		{"", 404, "no-such-path", "/api/v1/"},
		{"resources/", 404, "no-such-path", "resources/"},
		{"resource", 404, "no-such-path", "/api/v1/resource"},
		{"query", 405, "method-not-allowed", ""},
		{"resource/", 400, "bad-key", "provider/account/region/type/id"},
		{"resource/a/b/c", 400, "bad-key", "a/b/c"},
		{"resource/a/b//d/e", 400, "bad-key", "empty region"},
		{"history/i-0web", 400, "bad-key", ""},
		{"history/" + nowhere.String(), 404, KindNotFound, nowhere.String()},
		{"resource/" + batch.String() + "?at=1", 404, KindNotFound, "revision 1"},
		{"resource/" + batch.String(), 410, KindGone, "disappeared at revision 3"},
		{"resource/" + web.String() + "?color=red", 400, KindInvalidParameter, "color: unknown here; there are at"},
		{"resources?naem=x", 400, KindInvalidParameter, "type, region, account, tag, name"},
		{"resources?limit=0", 400, KindInvalidParameter, "1 to 1000"},
		{"resources?limit=1001", 400, KindInvalidParameter, "1 to 1000"},
		{"resources?limit=-1", 400, KindInvalidParameter, "limit"},
		{"resources?limit=1e3", 400, KindInvalidParameter, "limit"},
		{"resources?limit=99999999999999999999", 400, KindInvalidParameter, "limit"},
		{"resources?limit=5&limit=6", 400, KindInvalidParameter, "limit: may be given once"},
		{"resources?at=1&at=2", 400, KindInvalidParameter, "at: may be given once"},
		{"resources?type=", 400, KindInvalidParameter, "type: is empty"},
		{"resources?type=a,,b", 400, KindInvalidParameter, "type"},
		{"resources?type=[", 400, KindInvalidParameter, "malformed pattern"},
		{"resources?tag==x", 400, KindInvalidParameter, "tag"},
		{"resources?type=" + strings.Repeat("a,", 100) + "a", 400, KindInvalidParameter, "at most 100"},
		{"resources?" + strings.Repeat("region=a&", 101), 400, KindInvalidParameter, "at most 100"},
		{"resources?type=%zz", 400, KindInvalidParameter, "malformed"},
		{"resources?a;b", 400, KindInvalidParameter, "malformed"},
		{"resources?at=yesterday", 400, KindInvalidParameter, "2025-10-22T10:00:00Z"},
		{"resources?at=0", 400, KindInvalidParameter, "numbered from 1"},
		{"resources?at=5", 400, KindFutureRevision, "5 was asked for, the newest is 4"},
		{"resources?at=2025-10-22T10:04:59.999Z", 404, "no-revision", "the first revision is 1 at 2025-10-22T10:05:00Z"},
		{"resources?at=1w", 404, "no-revision", "revision is 1"},
		{"scopes?at=1900-01-01T00:00:00Z", 404, "no-revision", "revision is 1"},
		{"resources?cursor=x", 400, KindBadCursor, ""},
		{"storage?limit=5", 400, KindInvalidParameter, "no parameters"},
		{"scans?type=x", 400, KindInvalidParameter, "type"},
		{"changes?since=99", 400, KindFutureRevision, "since"},
		{"changes?until=99", 400, KindFutureRevision, "until"},
		{"changes?since=3&until=2", 400, KindInvalidParameter, "after until"},
		{"changes?since=1h&until=3h", 400, KindInvalidParameter, "after until"},
		{"changes?change_type=baseline", 400, KindInvalidParameter, "created, modified, disappeared"},
		{"changes?order=random", 400, KindInvalidParameter, "asc, desc"},
		{"changes?key=i-0web", 400, KindInvalidParameter, "key"},
		{"changes?tag=env", 400, KindInvalidParameter, "tag"},
	} {
		w := ask(t, h, tt.target)
		p := problemOf(t, w)
		if w.Code != tt.status || p.Kind() != tt.kind || !strings.Contains(p.Detail, tt.detail) {
			t.Errorf("%s: %s, want %d %s with %q", tt.target, w.Body, tt.status, tt.kind, tt.detail)
		}
	}
}

// What retention has dropped is said to be dropped; it is neither absent nor empty.
func TestServer_DroppedRevisions(t *testing.T) {
	s := newWorld(t)
	h := newTestServer(s).Handler()
	cursor := answerTo[page[Resource]](t, h, "resources?limit=1&at=1").NextCursor
	check(t, s.Trim(t.Context(), 3))
	for _, target := range []string{
		"resources?at=2", "resources?at=2025-10-22T10:10:00Z", "resources?at=2025-10-22T09:00:00Z",
		"resources?limit=1&at=1&cursor=" + cursor, "resource/" + web.String() + "?at=1", "scopes?at=1",
		"changes?since=1", "changes?since=2025-10-22T10:06:00Z", "changes?until=2", "changes?until=2025-10-22T10:10:00Z",
		"changes?until=3", "changes?until=2025-10-22T10:15:00Z", "changes?since=1960-01-01T00:00:00Z&until=3", // up to what is kept, all changes were dropped
		"export/resources?at=1", "export/changes?since=1", "export/changes?until=3", "export/changes?until=2&type=x", "export/changes?since=1&type=x",
	} {
		p := problemOf(t, ask(t, h, target))
		if p.Status != http.StatusGone || p.Kind() != KindCompacted || !strings.Contains(p.Detail, "the oldest available is 3") {
			t.Errorf("%s: %+v", target, p)
		}
	}
	for _, target := range []string{
		"resources", "resources?at=3", "changes", "changes?since=3", "changes?since=3&until=3", "changes?until=4", "export/resources?at=3", "export/changes?since=3&until=3", "history/" + web.String(), "scans",
	} {
		if w := ask(t, h, target); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

func TestServer_OtherMethodsAreNotAllowed(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
		r := httptest.NewRequest(method, "http://localhost"+Prefix+"resources", nil)
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if p := problemOf(t, w); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %+v, Allow %q", method, p, w.Header().Get("Allow"))
		}
	}
}

// A key in a path may contain whatever an id contains; clients escape it.
func TestServer_KeysInPaths(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	for _, target := range []string{
		url.PathEscape(logged.String()),
		strings.ReplaceAll(url.PathEscape(logged.String()), "%2F", "/"),
		strings.ReplaceAll(url.PathEscape(logged.String()), ":", "%3A"),
	} {
		if got := answerTo[Resource](t, h, "resource/"+target); got.Key != logged.String() {
			t.Errorf("%s: %s", target, got.Key)
		}
		if got := answerTo[list[Version]](t, h, "history/"+target); len(got.Items) != 1 {
			t.Errorf("history %s: %v", target, got)
		}
	}
}

func TestServer_StorageErrorsHaveTheirStatus(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
		logged bool
	}{
		{errors.New("disk on fire: secret path"), 500, true},
		{fmt.Errorf("reading: %w", storage.ErrCorrupt), 500, true},
		{storage.ErrClosed, 503, false},
		{fmt.Errorf("scanning: %w", context.DeadlineExceeded), 503, false},
		{&storage.CompactedError{Revision: 3, Oldest: 7}, 410, false},
	} {
		var log strings.Builder
		h := NewServer(Options{Store: failing{head: tt.err}, Logger: logInto(&log)}).Handler()
		w := ask(t, h, "resources")
		p := problemOf(t, w)
		if w.Code != tt.status || strings.Contains(log.String(), tt.err.Error()) != tt.logged {
			t.Errorf("%v: %s; log %q", tt.err, w.Body, log.String())
		}
		if w.Code >= 500 && strings.Contains(p.Detail, tt.err.Error()) {
			t.Errorf("%v: tells what went wrong inside: %s", tt.err, p.Detail)
		}
	}
}

func TestServer_PanicIsAnInternalError(t *testing.T) {
	var log strings.Builder
	h := NewServer(Options{Logger: logInto(&log)}).Handler() // without a store
	w := ask(t, h, "resources")
	if p := problemOf(t, w); w.Code != 500 || strings.Contains(p.Detail, "nil") {
		t.Errorf("%s", w.Body)
	}
	if !strings.Contains(log.String(), "nil pointer") || !strings.Contains(log.String(), "api.(*Server).entityTag") {
		t.Errorf("log: %s", log.String())
	}
}

// brokenList fails after the first element.
type brokenList struct{ storage.Store }

func (b brokenList) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	return func(yield func(*storage.Version, error) bool) {
		for v, err := range b.Store.List(ctx, q) {
			if !yield(v, err) {
				return
			}
			break
		}
		yield(nil, errors.New("checksum mismatch"))
	}
}

func TestServer_FailureMidwayIsNoShortList(t *testing.T) {
	h := newTestServer(brokenList{newWorld(t)}).Handler()
	if w := ask(t, h, "resources"); w.Code != 500 || strings.Contains(w.Body.String(), "i-0web") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestServer_LargeDocumentsEndAPageEarly(t *testing.T) {
	s := storagetest.NewModel()
	var c scan
	for i := range 5 {
		c.mutations = append(c.mutations, mutation(change.Created, resource.Resource{
			Key:        keyIn(instances, fmt.Sprint("i-", i)),
			Attributes: fmt.Appendf(nil, `{"UserData":%q}`, strings.Repeat("x", maxPageBytes/2)),
		}))
	}
	commit(t, s, c)
	if got := fmt.Sprint(pageSizes(t, newTestServer(s).Handler(), "resources?type=*")); got != "[2 2 1]" {
		t.Errorf("pages of %v", got)
	}
}

func TestTake_EndsAPageThatTakesLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(yield func(int, error) bool) {
			for n := range 10 {
				time.Sleep(3 * time.Second)
				if !yield(n, nil) {
					return
				}
			}
		}
		items, more, err := take(slow, 100, func(int) int { return 1 })
		if err != nil || !more || len(items) != 1 {
			t.Errorf("%d items, more %v, %v; want one and more", len(items), more, err)
		}
	})
}

// pageSizes reads all pages of an answer.
func pageSizes(t *testing.T, h http.Handler, target string) (sizes []int) {
	t.Helper()
	for cursor := ""; ; {
		answer := answerTo[list[json.RawMessage]](t, h, target+cursor)
		sizes = append(sizes, len(answer.Items))
		if answer.NextCursor == "" {
			return sizes
		}
		cursor = "&cursor=" + answer.NextCursor
	}
}

// TestServer_LittleSelectedEndsAPageEarly has two resources in 5,000 that a filter selects,
// near the ends of what the pages before have looked at.
func TestServer_LittleSelectedEndsAPageEarly(t *testing.T) {
	s := storagetest.NewModel()
	var first, second scan
	for i := range 5000 {
		r := resource.Resource{Key: keyIn(instances, fmt.Sprintf("i-%04d", i)), Name: "many", Attributes: []byte(`{"Size":1}`)}
		if i == 1500 || i == 4500 {
			r.Name, r.Tags = "few", map[string]string{"rare": ""}
		}
		first.mutations = append(first.mutations, mutation(change.Baseline, r))
		r.Attributes = []byte(`{"Size":2}`)
		second.mutations = append(second.mutations, mutation(change.Modified, r, change.FieldChange{Path: "attributes.Size", Old: []byte("1"), New: []byte("2")}))
	}
	commit(t, s, first)
	commit(t, s, second)
	h := newTestServer(s).Handler()
	for target, want := range map[string]string{
		"resources?tag=rare":              "[1 1]",
		"resources?tag=none":              "[0 0]",
		"changes?name=few":                "[1 1 0]",
		"changes?name=few&order=asc":      "[1 0 1]",
		"changes?name=none":               "[0 0 0]",
		"changes?id=i-1500":               "[0 1 0]",
		"diff?from=1&tag=rare":            "[0 1 0 0 1]",
		"diff?from=1&change_type=created": "[0 0 0 0 0 0]",
		"diff?from=1&key=" + url.QueryEscape(keyIn(instances, "i-0003").String()): "[1 0 0 0 0]",
	} {
		if got := fmt.Sprint(pageSizes(t, h, target)); got != want {
			t.Errorf("%s: pages of %v, want %v", target, got, want)
		}
	}
}

func TestServer_ObservedAt(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	at := func(minute int) *time.Time {
		when := time.Date(2025, 10, 22, 10, minute, 0, 0, time.UTC)
		return &when
	}
	for _, tt := range []struct {
		what  string
		got   Resource
		want  *time.Time
		stale bool
	}{
		{"live", answerTo[Resource](t, h, "resource/"+web.String()), at(20), false},
		{"in an account-wide scope", answerTo[Resource](t, h, "resource/"+assets.String()), at(20), false},
		{"in the past", answerTo[Resource](t, h, "resource/"+web.String()+"?at=1"), at(5), false},
		{"before its scope failed", answerTo[Resource](t, h, "resource/"+url.PathEscape(logged.String())+"?at=3"), at(15), false},
		{"stale", answerTo[Resource](t, h, "resource/"+url.PathEscape(logged.String())), at(15), true},
		{"gone", problemOf(t, ask(t, h, "resource/"+batch.String())).Last.Resource, at(10), false},
		{"its tombstone", answerTo[list[Version]](t, h, "history/"+batch.String()).Items[0].Resource, at(20), false},
		{"superseded", answerTo[list[Version]](t, h, "history/"+web.String()).Items[1].Resource, nil, false},
	} {
		same := tt.got.ObservedAt == tt.want || tt.got.ObservedAt != nil && tt.want != nil && tt.got.ObservedAt.Equal(*tt.want)
		if !same || tt.got.Stale != tt.stale {
			t.Errorf("%s: observed at %v, stale %v", tt.what, tt.got.ObservedAt, tt.got.Stale)
		}
	}
}

func TestServer_ResourceWithoutCompleteScopeIsStale(t *testing.T) {
	s := storagetest.NewModel()
	commit(t, s, scan{mutations: []storage.Mutation{mutation(change.Baseline, webServer("t3.small"))}})
	got := answerTo[Resource](t, newTestServer(s).Handler(), "resource/"+web.String())
	if !got.Stale || got.ObservedAt == nil || !got.ObservedAt.Equal(start) {
		t.Errorf("observed at %v, stale %v", got.ObservedAt, got.Stale)
	}
}

// countingScopes counts how often the states of scopes are read.
type countingScopes struct {
	storage.Store
	reads *int
}

func (c countingScopes) Scopes(ctx context.Context, revision int64) iter.Seq2[*storage.ScopeState, error] {
	*c.reads++
	return c.Store.Scopes(ctx, revision)
}

func TestServer_PagesOfOneRevisionReadScopesOnce(t *testing.T) {
	reads := 0
	h := newTestServer(countingScopes{newWorld(t), &reads}).Handler()
	for range 3 {
		ask(t, h, "resources?limit=1")
	}
	if reads != 1 {
		t.Errorf("%d reads", reads)
	}
	for revision := range 4 {
		ask(t, h, fmt.Sprint("resources?at=", revision+1))
	}
	if reads != 4 {
		t.Errorf("%d reads after four revisions", reads)
	}
}

func FuzzServer_HostileRequestsAreNoServerErrors(f *testing.F) {
	h := newTestServer(newWorld(f)).Handler()
	for _, path := range []string{
		"resources", "resource/" + web.String(), "history/" + batch.String(), "resource/%ff/%00/../..", "changes", "scans",
		"scopes", "resource/aws/1/2/3/" + strings.Repeat("%2f", 300),
	} {
		f.Add(path, "at=1&limit=1&type=aws::*")
		f.Add(path, "since=-1&cursor=eyJyIjoxfQ&tag=%00=")
		f.Add(path, "until=99999999999w&at=0000-01-01T00:00:00Z&id=%ff")
		f.Add(path, "cursor="+cursor{Revision: 1 << 62, After: "x"}.encode("resources", ""))
		f.Add(path, "cursor="+cursor{Revision: 1 << 62, After: "9-9"}.encode("changes", ""))
		f.Add(path, "cursor="+cursor{Revision: 1 << 62}.encode("scans", ""))
		f.Add(path, "cursor="+cursor{Revision: 4, After: "-9"}.encode("history/"+web.String(), ""))
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		u, err := url.Parse("http://localhost" + Prefix + path)
		if err != nil {
			t.Skip()
		}
		u.RawQuery = query
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", nil)
		r.URL, r.RemoteAddr = u, "[::1]:1"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s: %d %s", u, w.Code, w.Body)
		}
	})
}
