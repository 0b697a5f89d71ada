package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/query"
)

func post(t testing.TB, h http.Handler, contentType, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://localhost/api/v1/query", strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:1234"
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestQuery_AnswersAtAPoint(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	for body, want := range map[string]string{
		`{"sql":"select type, count(*) n from resources group by 1 order by 1"}`:                  `{"columns":["type","n"],"rows":[["AWS::EC2::Instance",1],["AWS::Logs::LogGroup",1],["AWS::S3::Bucket",1]],"revision":4,"truncated":false}`,
		`{"sql":"select key from resources where id = 'i-0batch'","at":"2"}`:                      `{"columns":["key"],"rows":[["aws/111122223333/us-east-1/AWS::EC2::Instance/i-0batch"]],"revision":2,"truncated":false}`,
		`{"sql":"select id, stale from resources where stale","at":"2025-10-22T10:20:00Z"}`:       `{"columns":["id","stale"],"rows":[["/aws/lambda//thumb:nail 100%/../x",1]],"revision":4,"truncated":false}`,
		`{"sql":"select attributes->>'Note' from resources where name like 'web%'"}`:              `{"columns":["attributes->>'Note'"],"rows":[["a<b>&c"]],"revision":4,"truncated":false}`,
		`{"sql":"select 1.5, null, x'00ff', 9e999, -9e999, 9007199254740993"}`:                    `{"columns":["1.5","null","x'00ff'","9e999","-9e999","9007199254740993"],"rows":[[1.5,null,"AP8=","Infinity","-Infinity",9007199254740993]],"revision":4,"truncated":false}`,
		`{"sql":"select observed_at, valid_from, created_at from resources where id = 'i-0web'"}`: `{"columns":["observed_at","valid_from","created_at"],"rows":[["2025-10-22T10:20:00.000Z","2025-10-22T10:10:00.000Z","2024-02-29T23:59:59.500Z"]],"revision":4,"truncated":false}`,
	} {
		w := post(t, h, "application/json; charset=utf-8", body)
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d\ngot  %s\nwant %s", body, w.Code, got, want)
		}
	}
}

func TestQuery_RefusesWithAProblem(t *testing.T) {
	s := newTestServer(newWorld(t))
	s.queries = query.New(s.store, query.Limits{Time: 200 * time.Millisecond, Memory: 16 << 20})
	h := s.Handler()
	for _, tt := range []struct {
		contentType, body string
		status            int
		kind, detail      string
	}{
		{"text/plain", `{"sql":"select 1"}`, 415, "media-type", "application/json"},
		{"", `{"sql":"select 1"}`, 415, "media-type", "application/json"},
		{"application/json", ``, 400, "bad-body", "sql"},
		{"application/json", `[]`, 400, "bad-body", "sql"},
		{"application/json", `{"sql":"select 1"} x`, 400, "bad-body", "behind"},
		{"application/json", `{"sql":"select 1","limit":3}`, 400, "bad-body", "limit"},
		{"application/json", `{"sql":"` + strings.Repeat("x", 600_000) + `"}`, 400, "bad-body", "large"},
		{"application/json", `{"sql":""}`, 400, KindInvalidQuery, "no query"},
		{"application/json", `{"sql":"select * from nosuch"}`, 400, KindInvalidQuery, "no such table: nosuch"},
		{"application/json", `{"sql":"drop table resources"}`, 400, KindInvalidQuery, "only reads the tables"},
		{"application/json", `{"sql":"select 1","at":"99"}`, 400, KindFutureRevision, "the newest is 4"},
		{"application/json", `{"sql":"select 1","at":"yesterday"}`, 400, KindInvalidParameter, "at"},
		{"application/json", `{"sql":"select 1","at":"2020-01-01T00:00:00Z"}`, 404, "no-revision", "first revision"},
		{"application/json", `{"sql":"with recursive c(x) as (select 1 union all select x+1 from c) select count(*) from c"}`, 422, "query-limit", "200ms"},
	} {
		w := post(t, h, tt.contentType, tt.body)
		p := problemOf(t, w)
		if w.Code != tt.status || p.Kind() != tt.kind || !strings.Contains(p.Detail, tt.detail) {
			t.Errorf("%.80s: %d %s, want %d %s with %q", tt.body, w.Code, w.Body, tt.status, tt.kind, tt.detail)
		}
	}
}

// Answers that are being sent have a bound. One that waits for its turn counts as a query
// that runs, and small ones do not wait.
func TestQuery_LargeAnswersAreSentInTurn(t *testing.T) {
	const large = `{"sql":"select printf('%.*c', 20000, char(1))"}`
	s := newTestServer(newWorld(t))
	s.limits.answer = 300 * time.Millisecond
	s.queries = query.New(s.store, query.Limits{Concurrent: 1, Time: 100 * time.Millisecond})
	h := s.Handler()
	if w := post(t, h, "application/json", large); w.Code != http.StatusOK || w.Body.Len() < 120_000 || !s.sending.TryAcquire(maxSending) {
		t.Fatalf("with room: %d, %d bytes, and the room must be free again", w.Code, w.Body.Len())
	}
	waiting := make(chan *httptest.ResponseRecorder)
	go func() { waiting <- post(t, h, "application/json", large) }()
	for { // until it runs, and waits
		w := post(t, h, "application/json", `{"sql":"select 1"}`)
		if w.Code == http.StatusTooManyRequests {
			break
		}
		if w.Code != http.StatusOK {
			t.Errorf("a small answer: %d %s", w.Code, w.Body)
		}
	}
	if p := problemOf(t, <-waiting); p.Kind() != "too-many-requests" {
		t.Errorf("a large one without room: %+v", p)
	}
	s.sending.Release(maxSending)
	if w := post(t, h, "application/json", large); w.Code != http.StatusOK {
		t.Errorf("with room again: %d %s", w.Code, w.Body)
	}
}

func TestQuery_AnswerIsEncodedAsItsShape(t *testing.T) {
	for text, rows := range map[string]int{"select 1 a, 2 b where 0": 0, "select '<&>' || char(1, 8232) as \"[]\", x'00ff', null, 1.5, 1e300, 9e999": 1, "values (1, 'a'), (2, 'b')": 2} {
		s := newTestServer(newWorld(t))
		result, err := s.queries.Query(t.Context(), text, 4)
		check(t, err)
		if len(result.Rows) != rows {
			t.Errorf("%s: %d rows", text, len(result.Rows))
		}
		shape := QueryResult{Columns: result.Columns, Rows: [][]any{}, Revision: 4, Truncated: result.Cut}
		for _, row := range result.Rows {
			view := make([]any, len(row))
			for i := range row {
				view[i] = viewValue(row[i])
			}
			shape.Rows = append(shape.Rows, view)
		}
		want, err := encode(shape)
		check(t, err)
		got, err := encodeResult(result, 4)
		check(t, err)
		if string(got) != string(want) {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestClient_Query(t *testing.T) {
	c := NewLocalClient(newTestServer(newWorld(t)).Handler())
	result, err := c.Query(t.Context(), QueryRequest{SQL: "select 9007199254740993, 'x'", At: "2"})
	check(t, err)
	if n, ok := result.Rows[0][0].(json.Number); !ok || n != "9007199254740993" || result.Revision != 2 {
		t.Errorf("%+v", result)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Query(ctx, QueryRequest{SQL: "select 1"}); err == nil {
		t.Error("a canceled query was answered")
	}
}

// Whatever is posted, the answer is rows or a problem, and never a failure of the server.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		`{"sql":"select 1"}`, `{"sql":"select * from versions, changes","at":"1h"}`, `{"sql":"attach 'x' as y"}`, `{"sql":"vacuum into '/tmp/x'"}`, `{`, `null`, `{"sql":null}`,
		`{"sql":"select json_extract(attributes, '$.a') from resources where type glob '[' or key = 'a/b/c/d/e'"}`, `{"sql":"\u0000"}`, `{"sql":"select '\ud800'"}`,
	} {
		f.Add(seed)
	}
	s := newTestServer(newWorld(f))
	s.queries = query.New(s.store, query.Limits{Time: 2 * time.Second})
	h := s.Handler()
	f.Fuzz(func(t *testing.T, body string) {
		w := post(t, h, "application/json", body)
		if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}
