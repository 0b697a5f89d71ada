package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"os"
	"time"

	"github.com/elava-dev/elava/query"
)

// queryPath is the one path that is asked with a body.
const queryPath = Prefix + "query"

// QueryRequest is the body of a query.
type QueryRequest struct {
	SQL string `json:"sql"`          // one statement that reads
	At  string `json:"at,omitempty"` // as for ParsePoint; empty: now
}

// QueryResult is its answer.
type QueryResult struct {
	Columns []string `json:"columns"` // each name once: the second "a" is "a_2"

	// Rows hold null, numbers and strings; blobs are strings in base64, and infinities the
	// strings "Infinity" and "-Infinity", for which JSON has no numbers. A Client returns
	// numbers as json.Number.
	Rows [][]any `json:"rows"`

	Revision  int64 `json:"revision"`  // that the tables showed
	Truncated bool  `json:"truncated"` // there are more rows than an answer may have
}

// maxQueryBody is the length in bytes above which the body of a query is not read: that
// of the longest query with every character escaped.
const maxQueryBody = 512 << 10

// query answers /query. A slot is taken when the body is there: a client that is slow to
// send it keeps nobody else waiting.
func (s *Server) query(w http.ResponseWriter, r *http.Request) {
	q, err := s.readQuery(w, r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.answerInTurn(w, r, func(r *http.Request) (answer, error) { return s.runQuery(r.Context(), q) })
}

const (
	// maxSending is how many bytes of answers to queries are being sent at a time: what
	// slow clients have not taken stays in memory. Others wait, and count among the queries
	// that run.
	maxSending = 64 << 20

	// minSending is the length in bytes below which an answer does not wait: all that are
	// answered at a time take little.
	minSending = 64 << 10
)

func (s *Server) runQuery(ctx context.Context, q *QueryRequest) (a answer, err error) {
	at, err := s.queryPoint(q)
	if err != nil {
		return answer{}, err
	}
	revision, err := s.pin(ctx, at, nil)
	if err != nil {
		return answer{}, err
	}
	a.notices = s.notices()
	err = s.queries.Use(ctx, q.SQL, revision, func(result *query.Result) error {
		if a.body, err = encodeResult(result, revision); err != nil {
			return fmt.Errorf("encoding the answer: %w", err)
		}
		a.sent, err = s.maySend(ctx, int64(len(a.body)))
		return err
	})
	return a, err
}

// maySend waits until an answer may be sent, after which sent is to be called.
func (s *Server) maySend(ctx context.Context, size int64) (sent func(), err error) {
	if size < minSending {
		return nil, nil
	}
	size = min(size, maxSending)
	if err := s.sending.Acquire(ctx, size); errors.Is(err, context.DeadlineExceeded) {
		return nil, errBusy
	} else if err != nil {
		return nil, err
	}
	return func() { s.sending.Release(size) }, nil
}

// encodeResult writes the JSON of a QueryResult, byte for byte what encode writes, and lets
// go of the rows as it does: an answer is not in memory twice.
func encodeResult(r *query.Result, revision int64) ([]byte, error) {
	head, err := encode(QueryResult{Columns: r.Columns, Rows: [][]any{}, Revision: revision, Truncated: r.Cut})
	if err != nil {
		return nil, err
	}
	// The end is of a known form; names of columns may be of any.
	before, end, _ := cutLast(head, []byte("[]"))
	b := append(make([]byte, 0, len(head)+r.Bytes), before...)
	b = append(b, '[')
	for i, row := range r.Rows {
		for j, v := range row {
			b = append(b, []string{"[", ","}[min(j, 1)]...)
			if b, err = appendValue(b, v); err != nil {
				return nil, err
			}
		}
		b = append(b, ']')
		if r.Rows[i] = nil; i+1 < len(r.Rows) {
			b = append(b, ',')
		}
	}
	b = append(b, ']')
	return append(b, end...), nil
}

func appendValue(b []byte, v any) ([]byte, error) {
	if text, ok := v.(string); ok {
		return appendText(b, text), nil
	}
	value, err := encode(viewValue(v))
	return append(b, bytes.TrimSuffix(value, []byte("\n"))...), err
}

func cutLast(b, separator []byte) (before, after []byte, found bool) {
	i := bytes.LastIndex(b, separator)
	if i < 0 {
		return b, nil, false
	}
	return b[:i], b[i+len(separator):], true
}

func (s *Server) queryPoint(q *QueryRequest) (Point, error) {
	if q.At == "" {
		return Point{}, nil
	}
	at, err := ParsePoint(q.At, s.now())
	if err != nil {
		return Point{}, &paramError{"at", err.Error()}
	}
	return at, nil
}

// readQuery reads the request. It insists on its type, which a form of another site cannot
// send.
func (s *Server) readQuery(w http.ResponseWriter, r *http.Request) (*QueryRequest, error) {
	control := http.NewResponseController(w) // where it has no deadlines, there is no client
	_ = control.SetReadDeadline(time.Now().Add(s.limits.body))
	if r.Method != http.MethodPost {
		return nil, &methodError{method: r.Method, allowed: "POST"}
	}
	if p := parseParams(r.URL.RawQuery, s.now(), nil); p.err != nil {
		return nil, p.err
	}
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t != "application/json" {
		return nil, fmt.Errorf(`%w: want Content-Type: application/json and a body such as {"sql": "select 1"}`, errMediaType)
	}
	q, err := decodeQuery(http.MaxBytesReader(w, r.Body, maxQueryBody))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fmt.Errorf("%w: it did not come within %s", errSlowBody, s.limits.body)
	}
	if err != nil { // what is left of the body is still to come within its time
		return nil, err
	}
	_ = control.SetReadDeadline(time.Time{}) // or it would end the request while the query runs
	return q, nil
}

func decodeQuery(body io.Reader) (*QueryRequest, error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	var q QueryRequest
	if err := d.Decode(&q); err != nil {
		return nil, fmt.Errorf(`%w: %w; want {"sql": "select 1"}`, errBadBody, err)
	}
	switch _, err := d.Token(); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, err
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: there is something behind the object", errBadBody)
	}
	return &q, nil
}

// viewValue makes a value fit for JSON.
func viewValue(v any) any {
	if b, ok := v.([]byte); ok && len(b) == 0 {
		return "" // a slice of nothing may be nil, which JSON has as null
	}
	if f, ok := v.(float64); ok {
		switch {
		case math.IsInf(f, 1):
			return "Infinity"
		case math.IsInf(f, -1):
			return "-Infinity"
		}
	}
	return v
}

// Query runs one statement over the server's store.
func (c *Client) Query(ctx context.Context, q QueryRequest) (*QueryResult, error) {
	body, err := encode(q)
	if err != nil {
		return nil, err
	}
	resp, err := c.do(ctx, http.MethodPost, "query", nil, nil, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	var result QueryResult
	return &result, c.read(ctx, resp, &result)
}
