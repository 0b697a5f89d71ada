package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/storage"
)

// Ten thousand requests that nobody in good faith would send: what comes back is an
// answer or a problem that docs/api.md describes, no failure of ours, and nothing that was
// not asked for.
func TestServer_SurvivesHostileRequests(t *testing.T) {
	const requests = 10_000
	world := newWorld(t)
	var logged strings.Builder
	s := NewServer(Options{Store: world, Now: func() time.Time { return now }, Logger: logInto(&logged)})
	s.EndStreams() // which would not end
	h := s.Handler()
	a := attacker{rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0)), h, t, nil}
	seed := a.Uint64()
	a.Rand = rand.New(rand.NewPCG(seed, 1))
	documented := kinds(t)
	statuses := map[int]int{}
	for n := range requests {
		r := a.request()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		statuses[w.Code]++
		what := fmt.Sprintf("seed %d, request %d: %s %.300s", seed, n, r.Method, r.URL)
		switch {
		case w.Code == http.StatusOK || w.Code == http.StatusNotModified:
			a.collect(w.Body.Bytes())
			continue
		case w.Code == http.StatusServiceUnavailable && r.URL.Path == streamPath: // it ended
		case w.Code < 400 || w.Code >= 500:
			t.Fatalf("%s: %d %.500s\n%s", what, w.Code, w.Body, logged.String())
		}
		p := problemOf(t, w)
		known := false
		for _, kind := range documented {
			known = known || kind == p.Kind()
		}
		if !known || strings.Contains(p.Detail, "goroutine") {
			t.Fatalf("%s: %d %.500s", what, w.Code, w.Body)
		}
	}
	if logged.Len() > 0 {
		t.Errorf("seed %d: the log has\n%.2000s", seed, logged.String())
	}
	for _, status := range []int{200, 400, 403, 404, 405, 410} {
		if statuses[status] == 0 {
			t.Errorf("no request was answered %d: %v", status, statuses)
		}
	}
}

// attacker makes requests up, out of true ones.
type attacker struct {
	*rand.Rand
	h       http.Handler
	t       *testing.T
	cursors []string
}

func pick[T any](a *attacker, from ...T) T { return from[a.IntN(len(from))] }

// collect remembers cursors, to be sent back where they do not belong.
func (a *attacker) collect(body []byte) {
	_, rest, ok := bytes.Cut(body, []byte(`"next_cursor":"`))
	if ok && len(a.cursors) < 1000 {
		c, _, _ := bytes.Cut(rest, []byte(`"`))
		a.cursors = append(a.cursors, string(c))
	}
}

var hostileTexts = []string{
	"", "0", "-1", "1", "2", "4", "5", "99999999999999999999", "1e9", "0x1", "١", " ", "\x00", "\xff\xfe", "%", "%zz", "../../../../etc/passwd", "..%2f..%2fetc%2fpasswd",
	"'; drop table resources; --", "${jndi:ldap://x}", "<script>", "*", "[", "[a-", "\\", "**::**", "aws::*", "env=prod", "=", "=x", "a=b=c", "2h", "9999999w", "3d2h", "-2h",
	"2025-10-22T10:10:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2025-10-22T10:10:00+23:59", "created", "modified,,created", "asc", "1-1", "2-3", "9223372036854775807",
	"9223372036854775807-2147483647", ",", ",,,,", "us-east-1", "global", account, strings.Repeat("a", 5000), strings.Repeat("x,", 200), "\r\nX-Evil: 1", "\u202e", "null", "{}",
}

func (a *attacker) text() string {
	switch a.IntN(8) {
	case 0:
		b := make([]byte, a.IntN(40))
		for i := range b {
			b[i] = byte(a.IntN(256))
		}
		return string(b)
	case 1:
		return a.cursor()
	case 2:
		return pick(a, web, batch, assets, logged, nowhere).String()
	case 3:
		return pick(a, hostileTexts...) + pick(a, hostileTexts...)
	default:
		return pick(a, hostileTexts...)
	}
}

// cursor returns one that is forged, or one that is true and perhaps bent.
func (a *attacker) cursor() string {
	if len(a.cursors) == 0 || a.IntN(3) == 0 {
		c := cursor{Revision: int64(pick(a, 0, -1, 1, 2, 4, 9, 1<<62)), Above: int64(pick(a, 0, 1, 5, -3)), After: pick(a, hostileTexts...)}
		path := pick(a, "resources", "changes", "scans", "scopes", "diff", "history/"+web.String())
		return c.encode(path, pick(a, "", "from=1", "type=%2A"))
	}
	c := []byte(pick(a, a.cursors...))
	switch a.IntN(4) {
	case 0:
		c[a.IntN(len(c))] = byte('A' + a.IntN(26))
	case 1:
		c = c[:a.IntN(len(c))]
	case 2:
		raw, _ := base64.RawURLEncoding.DecodeString(string(c))
		c = []byte(base64.StdEncoding.EncodeToString(append(raw, '{')))
	}
	return string(c)
}

func (a *attacker) path() string {
	if a.IntN(10) == 0 {
		return pick(a, "", "/", "//", "..", "../health", "./resources", "resources/", "resource", "resource/", "history/", "query", "export", "storage/backup/", "RESOURCES", "resources%00",
			"resource/%", "resource/"+url.PathEscape(a.text()), url.PathEscape(a.text()))
	}
	return pick(a, "resources", "changes", "changes/stream", "diff", "scans", "scopes", "storage", "openapi.json", "resource/"+escaped(a), "history/"+escaped(a))
}

func escaped(a *attacker) string {
	if a.IntN(4) == 0 {
		return url.PathEscape(a.text())
	}
	return url.PathEscape(pick(a, web, batch, assets, logged, nowhere).String())
}

var hostileParams = []string{
	"at", "since", "until", "from", "to", "type", "region", "account", "tag", "name", "id", "arn", "key", "change_type", "order", "limit", "cursor", "x", "",
}

func (a *attacker) request() *http.Request {
	var query []string
	for range a.IntN(5) {
		value := a.text()
		if a.IntN(3) > 0 {
			value = url.QueryEscape(value)
		}
		query = append(query, pick(a, hostileParams...)+"="+value)
	}
	if a.IntN(3) == 0 {
		query = append(query, "limit=1")
	}
	if a.IntN(2) == 0 {
		query = append(query, "from=1")
	}
	method := http.MethodGet
	if a.IntN(20) == 0 {
		method = pick(a, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodPatch, "PROPFIND")
	}
	r := httptest.NewRequestWithContext(a.t.Context(), method, "http://localhost/", strings.NewReader(a.text()))
	raw := Prefix + a.path()
	r.URL.RawPath, r.URL.Path = raw, raw
	if path, err := url.PathUnescape(raw); err == nil {
		r.URL.Path = path
	}
	r.URL.RawQuery = strings.Join(query, "&")
	r.RemoteAddr = "127.0.0.1:1"
	for range a.IntN(3) {
		name := pick(a, "Host", "Origin", "Forwarded", "X-Forwarded-For", "Sec-Fetch-Site", "Authorization", "Accept-Encoding", "If-None-Match", "Last-Event-ID", "Range", "Content-Type")
		if a.IntN(3) > 0 {
			name = pick(a, "Accept-Encoding", "If-None-Match", "Last-Event-ID", "Authorization") // which do not turn everything into 403
		}
		r.Header.Add(name, pick(a, "", "gzip", "gzip;q=0", "gzip;q=x", "*", `W/"4-0"`, `"`, "1-1", "Bearer ", "Bearer x", "null", "https://evil.example", a.text()))
	}
	if a.IntN(30) == 0 {
		r.Host = a.text()
	}
	return r
}

// The pages of a list show one state whatever is committed in between.
func TestServer_CursorsSeeOneRevisionWhileScansGoOn(t *testing.T) {
	s := newWorld(t)
	h := newTestServer(s).Handler()
	for _, list := range []string{"resources?limit=1", "diff?from=1&limit=1", "changes?limit=1", "scopes?limit=1", "history/" + url.PathEscape(web.String()) + "?limit=1"} {
		type answer struct {
			Items      []any
			NextCursor string `json:"next_cursor"`
		}
		whole := answerTo[answer](t, h, strings.Replace(list, "limit=1", "limit=1000", 1))
		var got []any
		for target := list; ; {
			a := answerTo[answer](t, h, target)
			got = append(got, a.Items...)
			if a.NextCursor == "" {
				break
			}
			target = list + "&cursor=" + a.NextCursor
			head, err := s.Head(t.Context())
			check(t, err)
			server := webServer(fmt.Sprint("t", head.Revision))
			server.Key = keyIn(instances, fmt.Sprint("i-0", head.Revision))
			commit(t, s, scan{
				mutations: []storage.Mutation{mutation("created", server), mutation("modified", webServer(fmt.Sprint("x", head.Revision)))},
				scopes:    []storage.ScopeState{complete(instances, int(head.Revision))},
			})
		}
		if fmt.Sprint(got) != fmt.Sprint(whole.Items) || len(got) < 2 {
			t.Errorf("%s: page by page\n%v\nat once\n%v", list, got, whole.Items)
		}
	}
}

func TestServer_AnswersOnceForOneRevision(t *testing.T) {
	s := newWorld(t)
	h := newTestServer(s).Handler()
	again := func(target, tag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "http://localhost"+Prefix+target, nil)
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, target := range []string{"resources", "resources?at=2", "resource/" + web.String(), "changes?since=1", "scans", "scopes", "diff?from=1", "resources?at=2025-10-22T10:10:00Z"} {
		tag := ask(t, h, target).Header().Get("ETag")
		if w := again(target, `"x", `+tag); tag == "" || w.Code != http.StatusNotModified || w.Body.Len() != 0 {
			t.Errorf("%s: tag %q; %d with %d bytes", target, tag, w.Code, w.Body.Len())
		}
		if w := again(target, `W/"3-x"`); w.Code != http.StatusOK {
			t.Errorf("%s: another tag is answered %d", target, w.Code)
		}
	}
	for _, target := range []string{"resources?at=2h", "changes?since=1d", "storage", "openapi.json"} {
		if tag := ask(t, h, target).Header().Get("ETag"); tag != "" {
			t.Errorf("%s has the tag %q, and may change without a scan", target, tag)
		}
	}
	tag := ask(t, h, "resources").Header().Get("ETag")
	for target, want := range map[string]int{
		"resource/aws/1/us-east-1/T/none": http.StatusNotFound, "resources?at=99": http.StatusBadRequest, "resources?cursor=x": http.StatusBadRequest, "nosuch": http.StatusNotFound,
	} {
		if got, any := again(target, tag).Code, again(target, "*").Code; got != want || any != want {
			t.Errorf("%s with the tag of another answer: %d, with any: %d; want %d", target, got, any, want)
		}
	}
	commit(t, s, scan{})
	if w := again("resources", tag); w.Code != http.StatusOK || w.Header().Get("ETag") == tag {
		t.Errorf("after a scan: %d, tag %q", w.Code, w.Header().Get("ETag"))
	}
}

func TestServer_CompressesForWhoTakesIt(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	plain := ask(t, h, "resources").Body.String()
	for header, want := range map[string]bool{
		"": false, "gzip": true, "br, gzip": true, "GZIP": true, "gzip;q=0.5": true, "gzip; q=1": true, "gzip;q=0": false, "deflate": false, "identity": false, "gzip;q=x": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "http://localhost"+Prefix+"resources", nil)
		r.RemoteAddr = "127.0.0.1:1"
		if header != "" {
			r.Header.Set("Accept-Encoding", header)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != want || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: compressed %v, Vary %q", header, got, w.Header().Get("Vary"))
		}
	}
	srv := httptest.NewServer(h) // and a client of Go reads it without being told
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL + Prefix + "resources")
	check(t, err)
	defer resp.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(resp.Body)
	check(t, err)
	if b.String() != plain || !resp.Uncompressed {
		t.Errorf("uncompressed %v; %d bytes, want %d", resp.Uncompressed, b.Len(), len(plain))
	}
}

func TestServer_AnswersSoManyAtATime(t *testing.T) {
	s := newTestServer(newWorld(t))
	s.limits.answer = 20 * time.Millisecond
	for range maxAnswers {
		s.slots <- struct{}{}
	}
	w := ask(t, s.Handler(), "resources")
	if p := problemOf(t, w); p.Kind() != "too-many-requests" || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	<-s.slots
	if w := ask(t, s.Handler(), "resources"); w.Code != http.StatusOK {
		t.Errorf("with room for one: %d %s", w.Code, w.Body)
	}
}

// hanging is a store that answers when the question is given up.
type hanging struct{ storage.Store }

func (hanging) Head(ctx context.Context) (storage.Head, error) {
	<-ctx.Done()
	return storage.Head{}, ctx.Err()
}

func TestServer_GivesUpWhatTakesTooLong(t *testing.T) {
	s := newTestServer(hanging{newWorld(t)})
	s.limits.answer = 10 * time.Millisecond
	for _, target := range []string{"resources", "changes/stream"} {
		if w := ask(t, s.Handler(), target); problemOf(t, w).Kind() != "timeout" {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}
