package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sync/semaphore"

	"github.com/elava-dev/elava/query"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Prefix is what all paths of the API begin with.
const Prefix = "/api/v1/"

// noticeHeader carries one notice of Options.Notices.
const noticeHeader = "Elava-Notice"

// Options are what a Server needs. Store is required; the zero value of the others is
// usable.
type Options struct {
	Store  storage.Store
	Logger *slog.Logger     // for failures inside; nil: none
	Token  func() string    // the current bearer token, asked for at every request; "" or nil: none
	Now    func() time.Time // nil: time.Now

	// Schema returns the schema of the documents of a resource, nil where it is not known:
	// a difference then names elements of sets by their position. nil: none is known.
	Schema func(resource.Key) *resource.Schema

	// Notices returns facts that whoever reads an answer should know ("these resources
	// are synthetic"). Each is sent as a header Elava-Notice. nil: none.
	Notices func() []string
}

// Server answers the API's requests. It may be used by several goroutines at a time and
// owns neither the store nor any goroutine.
type Server struct {
	store   storage.Store
	log     *slog.Logger
	token   func() string
	now     func() time.Time
	notices func() []string
	schema  func(resource.Key) *resource.Schema
	scopes  *scopeCache
	queries *query.Engine
	limits  limits
	slots   slots
	exports slots
	sending *semaphore.Weighted // bytes of answers to queries
	gzip    compressor
	feed    *feed
	pieces  pieceCache
}

// limits are what bounds requests in time.
type limits struct {
	answer       time.Duration // for how long an answer may be worked on
	body         time.Duration // for a client to send the body of its request
	heartbeat    time.Duration // between two signs of life of a stream
	writeTimeout time.Duration // for a client of a stream to take what was written
}

// NewServer returns a server over a store that must stay open as long as it is used.
func NewServer(o Options) *Server {
	s := &Server{
		store: o.Store, log: o.Logger, token: o.Token, now: o.Now, notices: o.Notices,
		schema: o.Schema, scopes: newScopeCache(o.Store), queries: query.New(o.Store, query.Limits{}), feed: newFeed(),
		slots: make(slots, maxAnswers), exports: make(slots, maxExports), sending: semaphore.NewWeighted(maxSending),
		limits: limits{answer: answerTimeout, body: bodyTimeout, heartbeat: heartbeat, writeTimeout: writeTimeout},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.token == nil {
		s.token = func() string { return "" }
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.notices == nil {
		s.notices = func() []string { return nil }
	}
	if s.schema == nil {
		s.schema = func(resource.Key) *resource.Schema { return nil }
	}
	return s
}

// Handler returns the handler of all paths below Prefix. It applies Guard.
func (s *Server) Handler() http.Handler {
	return Guard(s.token)(http.HandlerFunc(s.serve))
}

// answerFunc answers one request. key is the rest of the path, for paths that end in a
// key.
type answerFunc func(ctx context.Context, key string, p *params) (any, error)

// endpoint is one path and the parameters that it takes.
type endpoint struct {
	params []string
	answer answerFunc

	unversioned bool // the answer may change without a new revision
}

// endpoints are the paths. Those that end in a slash are followed by a resource key.
func (s *Server) endpoint(path string) (endpoint, bool) {
	switch path {
	case "resources":
		return endpoint{params: []string{"type", "region", "account", "tag", "name", "id", "arn", "at", "limit", "cursor"}, answer: s.resources}, true
	case "resource/":
		return endpoint{params: []string{"at"}, answer: s.resource}, true
	case "history/":
		return endpoint{params: []string{"at", "limit", "cursor"}, answer: s.history}, true
	case "changes":
		return endpoint{params: []string{
			"since", "until", "type", "region", "account", "change_type", "key", "id", "name", "order", "limit", "cursor",
		}, answer: s.changes}, true
	case "diff":
		return endpoint{params: []string{
			"from", "to", "type", "region", "account", "tag", "change_type", "key", "id", "name", "limit", "cursor",
		}, answer: s.diff}, true
	case "scans":
		return endpoint{params: []string{"limit", "cursor"}, answer: s.scans}, true
	case "storage":
		return endpoint{answer: s.stats, unversioned: true}, true
	case "openapi.json":
		return endpoint{answer: s.openAPI, unversioned: true}, true
	case "scopes":
		return endpoint{params: []string{"type", "region", "account", "at", "limit", "cursor"}, answer: s.scopeStates}, true
	}
	return endpoint{}, false
}

// splitPath returns the path of an endpoint and the key behind it. It works on the path
// as it was sent, because a key may contain anything: escaped slashes, dots and all.
func splitPath(u *url.URL) (path, key string, err error) {
	rest, ok := strings.CutPrefix(u.EscapedPath(), Prefix)
	if !ok {
		return "", "", fmt.Errorf("%w: %s", errNoSuchPath, u.Path)
	}
	path, rest, keyed := strings.Cut(rest, "/")
	if !keyed {
		return path, "", nil
	}
	key, err = url.PathUnescape(rest)
	if err != nil {
		return "", "", fmt.Errorf("%w: %s: %w", errNoSuchPath, u.Path, err)
	}
	return path + "/", key, nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == backupPath:
		s.backup(w, r)
		return
	case r.URL.Path == streamPath:
		s.stream(w, r)
		return
	case strings.HasPrefix(r.URL.Path, exportPrefix):
		s.export(w, r)
		return
	case r.URL.Path == queryPath:
		s.query(w, r)
		return
	}
	s.answerInTurn(w, r, s.answer)
}

// answerInTurn waits for a slot and answers, or refuses what takes too long.
func (s *Server) answerInTurn(w http.ResponseWriter, r *http.Request, f func(*http.Request) (answer, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.answer)
	defer cancel()
	free, err := s.slots.take(ctx)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer free()
	a, err := safely(f, r.WithContext(ctx))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if a.sent != nil {
		defer a.sent()
	}
	s.sendAnswer(w, r, a)
}

// answer is a whole answer, ready to be sent.
type answer struct {
	body    []byte // nil: the client has it already
	tag     string // entity tag; may be empty
	notices []string
	sent    func() // if not nil, to be called once it was sent
}

func (s *Server) sendAnswer(w http.ResponseWriter, r *http.Request, a answer) {
	h := w.Header()
	for _, n := range a.notices {
		h.Add(noticeHeader, oneLine(n))
	}
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-store")
	if a.tag != "" {
		h.Set("ETag", a.tag)
		h.Set("Cache-Control", "private, no-cache")
	}
	if a.body == nil {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if len(a.body) >= minCompressed && acceptsGzip(r.Header) {
		h.Set("Content-Encoding", "gzip")
		a.body = s.gzip.compress(a.body)
	}
	send(w, http.StatusOK, "application/json", a.body)
}

// safely makes an error of a panic: nothing was written yet.
func safely(f func(*http.Request) (answer, error), r *http.Request) (a answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f(r)
}

// answer finds and runs the endpoint.
func (s *Server) answer(r *http.Request) (a answer, err error) {
	path, key, err := splitPath(r.URL)
	if err != nil {
		return answer{}, err
	}
	e, ok := s.endpoint(path)
	if !ok {
		return answer{}, fmt.Errorf("%w: %s", errNoSuchPath, r.URL.Path)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return answer{}, &methodError{method: r.Method, allowed: "GET, HEAD"}
	}
	p := parseParams(r.URL.RawQuery, s.now(), e.params)
	if p.err != nil {
		return answer{}, p.err
	}
	a = answer{notices: s.notices()}
	if a.tag, err = s.entityTag(r.Context(), e, r.URL, p); err != nil {
		return answer{}, err
	}
	known := r.Header.Values("If-None-Match")
	if hasTag(known, a.tag) {
		return a, nil
	}
	value, err := e.answer(r.Context(), key, p)
	if err != nil {
		return answer{}, err
	}
	if a.tag != "" && slices.Equal(known, []string{"*"}) { // any answer, if there is one
		return a, nil
	}
	if a.body, err = encode(value); err != nil {
		return answer{}, fmt.Errorf("encoding the answer: %w", err)
	}
	return a, nil
}

// refuse answers with a problem and logs what is our fault.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := newProblem(err)
	if p.Status == http.StatusInternalServerError {
		s.log.ErrorContext(r.Context(), "API request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if gone, ok := errors.AsType[*goneError](err); ok {
		p.Last = &gone.last
	}
	if method, ok := errors.AsType[*methodError](err); ok {
		w.Header().Set("Allow", method.allowed)
	}
	if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	writeProblem(w, p)
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Cache-Control", "no-store")
	body, err := encode(p)
	if err != nil { // the last version of a resource cannot be rendered
		p.Last = nil
		body, _ = encode(p)
	}
	send(w, p.Status, "application/problem+json", body)
}

func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	allowSending(w, sendTimeout)
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails where the client is gone, and the server notices that itself
}

// encode renders JSON as the documents in it are rendered: <, > and & stay as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// oneLine makes a text fit for a header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// pin returns the revision that a list is read at: that of the cursor, the one in force
// at the point, or the head. 0, without an error, means that nothing was ever recorded.
func (s *Server) pin(ctx context.Context, at Point, c *cursor) (int64, error) {
	if c != nil {
		return c.Revision, nil
	}
	head, err := s.store.Head(ctx)
	if err != nil {
		return 0, err
	}
	if at.IsZero() {
		return head.Revision, nil
	}
	revision, err := s.revisionAt(ctx, head, at)
	if err == nil && revision == 0 {
		return 0, s.beforeFirst(ctx, head)
	}
	return revision, err
}

// revisionAt returns the revision in force at a point; 0 before the first. A time in the
// future means the head, a revision in the future is an error.
func (s *Server) revisionAt(ctx context.Context, head storage.Head, p Point) (int64, error) {
	switch {
	case p.Revision > head.Revision:
		return 0, fmt.Errorf("%w: %d was asked for, the newest is %d", storage.ErrFutureRevision, p.Revision, head.Revision)
	case p.Revision > 0:
		return p.Revision, nil
	case head.Revision == 0 || p.Time.Before(time.Unix(0, 0)):
		return 0, nil // engines need not know the Middle Ages
	case !p.Time.Before(head.Time):
		return head.Revision, nil
	}
	return s.store.RevisionAt(ctx, p.Time)
}

// beforeFirst is the error of asking for a time before the first revision.
func (s *Server) beforeFirst(ctx context.Context, head storage.Head) error {
	if head.Revision == 0 {
		return fmt.Errorf("%w: no scan has been committed yet", errNoRevision)
	}
	for first, err := range s.store.Scans(ctx, 2) {
		if err != nil {
			return err
		}
		return fmt.Errorf("%w: the first revision is %d at %s",
			errNoRevision, first.Revision, first.EndTime.UTC().Format(time.RFC3339Nano))
	}
	return fmt.Errorf("%w: the record of the first scan is not kept any more", errNoRevision)
}
