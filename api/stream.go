package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/elava-dev/elava/storage"
)

// streamPath is the path whose answer never ends.
const streamPath = Prefix + "changes/stream"

// streamType is the media type of Server-Sent Events (WHATWG HTML, section 9.2).
const streamType = "text/event-stream"

// streamParams are the parameters of the stream.
var streamParams = [...]string{"since", "type", "region", "account", "change_type", "key", "id", "name"}

const (
	maxStreams = 4000 // clients at a time; each takes some 40 kB

	heartbeat    = 15 * time.Second // between two signs of life
	writeTimeout = 10 * time.Second // for a client to take what was written

	streamPageEvents = 500       // in one piece
	streamPageBytes  = 256 << 10 // about; one event may be larger
)

// feed tells streams that something was committed, and when to end. Streams wait on a
// channel that is closed; who wakes up reads from the store what is new to it. So nothing
// is queued for anybody, and a client that is slow delays only itself.
type feed struct {
	mu     sync.Mutex
	next   chan struct{} // closed at the next commit
	ended  chan struct{} // closed by end
	closed bool
	open   int // streams
}

func newFeed() *feed { return &feed{next: make(chan struct{}), ended: make(chan struct{})} }

// committed wakes all streams up.
func (f *feed) committed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.next)
	f.next = make(chan struct{})
}

// wait returns the channel that the next commit closes.
func (f *feed) wait() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.next
}

func (f *feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		close(f.ended)
	}
}

// enter counts a stream in, unless there are too many or the feed has ended.
func (f *feed) enter() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return errStopping
	}
	if f.open >= maxStreams {
		return errBusy
	}
	f.open++
	return nil
}

func (f *feed) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
}

// Committed tells the streams that a revision was committed. It does not wait for them.
func (s *Server) Committed() { s.feed.committed() }

// EndStreams ends all streams, and those that begin later, so that a server can shut
// down. Their clients come back and go on where they were.
func (s *Server) EndStreams() { s.feed.end() }

// position is up to where a client knows the feed.
type position struct {
	upTo  int64           // all of the revisions up to this one, and
	after storage.EventID // if not zero, all events up to this one
}

// String is the id that a client sends back: of an event, or of a whole revision.
func (p position) String() string {
	if p.after != (storage.EventID{}) {
		return p.after.String()
	}
	return strconv.FormatInt(p.upTo, 10)
}

// behind is the position at which an event is known, and all before it.
func behind(id storage.EventID) position { return position{upTo: id.Revision - 1, after: id} }

// parsePosition reads what String wrote.
func parsePosition(s string) (position, error) {
	if strings.Contains(s, "-") {
		id, err := storage.ParseEventID(s)
		return behind(id), err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return position{}, fmt.Errorf("%w: event id %q: want revision-number, such as 12-3, or a revision", storage.ErrBadCursor, s)
	}
	return position{upTo: n}, nil
}

// stream answers /changes/stream: the changes of one client's filter from its position
// on, without an end. See feed.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		s.refuse(w, r, &methodError{method: r.Method, allowed: "GET"})
		return
	}
	st, err := s.newStream(r)
	if err == nil {
		err = s.feed.enter()
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer s.feed.leave()
	st.w, st.control = w, http.NewResponseController(w)
	for _, n := range s.notices() {
		w.Header().Add(noticeHeader, oneLine(n))
	}
	h := w.Header()
	h.Set("Content-Type", streamType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	if err := st.run(r.Context()); err != nil {
		s.log.WarnContext(r.Context(), "A stream of changes ended early", "client", r.RemoteAddr, "error", err)
	}
}

// stream is one client of the feed.
type stream struct {
	s        *Server
	query    storage.ChangeQuery // without a position
	question string              // the query as text
	at       position

	w       http.ResponseWriter
	control *http.ResponseController
}

func (s *Server) newStream(r *http.Request) (*stream, error) {
	p := parseParams(r.URL.RawQuery, s.now(), streamParams[:])
	st := &stream{s: s}
	if p.err == nil {
		st.query = storage.ChangeQuery{
			Filter: p.filter(), ChangeTypes: p.changeTypes(), Key: p.key(), OldestFirst: true,
		}
	}
	since := p.point("since")
	if p.err != nil {
		return nil, p.err
	}
	p.values.Del("since")
	st.question = p.question()
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.answer)
	defer cancel()
	var err error
	st.at, err = s.streamStart(ctx, r.Header.Get("Last-Event-ID"), since)
	if err != nil {
		return nil, err
	}
	return st, st.check(ctx)
}

// streamStart returns where a stream begins: behind what the client knows already, since
// a point, or now.
func (s *Server) streamStart(ctx context.Context, known string, since Point) (position, error) {
	head, err := s.store.Head(ctx)
	if err != nil {
		return position{}, err
	}
	if known == "" {
		if since.IsZero() {
			return position{upTo: head.Revision}, nil
		}
		above, _, err := s.span(ctx, since, Point{})
		return position{upTo: above}, err
	}
	at, err := parsePosition(known)
	if err == nil && at == (position{}) { // nothing was there; what came since may have been dropped
		stats, err := s.store.Stats(ctx)
		if err == nil && stats.OldestRevision > 1 {
			err = &storage.CompactedError{Revision: 1, Oldest: stats.OldestRevision}
		}
		return at, err
	}
	if err == nil && max(at.upTo, at.after.Revision) > head.Revision {
		err = fmt.Errorf("%w: the event %s is not of this history, the newest revision of which is %d", storage.ErrFutureRevision, known, head.Revision)
	}
	return at, err
}

// check refuses a position that was dropped by retention before anything is answered.
func (st *stream) check(ctx context.Context) error {
	return st.s.reachable(ctx, storage.ChangeQuery{Above: st.at.upTo, After: st.at.after, OldestFirst: true})
}

// run sends what there is and waits for more, until the client goes or is too slow, or
// the server ends. Only what the server does wrong is an error.
func (st *stream) run(ctx context.Context) error {
	if !st.send([]byte(": elava\nid: " + st.at.String() + "\n\n")) {
		return nil
	}
	beat := time.NewTicker(st.s.limits.heartbeat)
	defer beat.Stop()
	for {
		next := st.s.feed.wait() // before the head is read, so that no commit is missed
		ok, err := st.catchUp(ctx)
		if err != nil && ctx.Err() == nil {
			st.report(err)
			return err
		}
		if !ok || err != nil {
			return nil
		}
		select {
		case <-next:
		case <-beat.C:
			if !st.send([]byte(":\n\n")) {
				return nil
			}
		case <-st.s.feed.ended:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// catchUp sends everything up to the head, and reports whether the client takes it.
func (st *stream) catchUp(ctx context.Context) (ok bool, err error) {
	head, err := st.s.store.Head(ctx)
	if err != nil {
		return false, err
	}
	for st.at.upTo < head.Revision || st.at.after != (storage.EventID{}) {
		select {
		case <-st.s.feed.ended:
			return false, nil
		default:
		}
		next, err := st.next(ctx, head.Revision)
		if err != nil {
			return false, err
		}
		if !st.send(next.text) {
			return false, nil
		}
		st.at = next.end
	}
	return true, nil
}

// next returns the next piece up to a revision. One that takes longer than an answer may is
// a sign of life, and is asked for again.
func (st *stream) next(ctx context.Context, upTo int64) (*piece, error) {
	limited, cancel := context.WithTimeout(ctx, st.s.limits.answer)
	defer cancel()
	query := st.query
	query.Above, query.After, query.UpTo = st.at.upTo, st.at.after, upTo
	next, err := st.s.pieces.get(limited, pieceKey{st.question, st.at, upTo}, func() (*piece, error) {
		return st.s.readPiece(limited, query)
	})
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return &piece{text: []byte(":\n\n"), end: st.at}, nil
	}
	return next, err
}

// send writes and flushes, and reports whether the client took it in time. http.Server
// lifts the deadline when the request ends.
func (st *stream) send(text []byte) bool {
	if err := st.control.SetWriteDeadline(time.Now().Add(st.s.limits.writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return false
	}
	if _, err := st.w.Write(text); err != nil {
		return false
	}
	err := st.control.Flush()
	return err == nil || errors.Is(err, http.ErrNotSupported)
}

// report tells the client why its stream ends.
func (st *stream) report(err error) {
	body, encodeErr := encode(newProblem(err))
	if encodeErr == nil {
		st.send(fmt.Appendf(nil, "event: problem\ndata: %s\n\n", bytes.TrimSpace(body)))
	}
}

// piece is a part of the feed as it is sent, shared by all clients that are at its place.
type piece struct {
	text []byte
	end  position
}

// readPiece reads the events of a query and writes them as Server-Sent Events. It ends where
// enough was looked at, with the id of what that was: the client goes on behind it.
func (s *Server) readPiece(ctx context.Context, q storage.ChangeQuery) (*piece, error) {
	free, err := s.slots.take(ctx)
	if err != nil {
		return nil, err
	}
	defer free()
	var b bytes.Buffer
	n := 0
	looked := budget[storage.EventID]{left: maxPassedEvents}
	q.Passed = looked.pass
	for e, err := range affordable(s.store.Changes(ctx, q)) {
		if err != nil {
			return nil, err
		}
		if n == streamPageEvents || b.Len() > streamPageBytes {
			return &piece{text: b.Bytes(), end: behind(q.After)}, nil
		}
		data, err := encode(viewEvent(e)) // ends with a new line
		if err != nil {
			return nil, fmt.Errorf("encoding event %s: %w", e.ID, err)
		}
		fmt.Fprintf(&b, "id: %s\nevent: change\ndata: %s\n", e.ID, data)
		if q.After, err = storage.ParseEventID(e.ID); err != nil {
			return nil, err
		}
		n++
	}
	end := position{upTo: q.UpTo}
	if looked.left <= 0 {
		end = behind(looked.last)
	}
	fmt.Fprintf(&b, "id: %s\n\n", end) // no event: browsers note the id and say nothing
	return &piece{text: b.Bytes(), end: end}, nil
}

// cachedPieces is how many pieces are remembered: 16 take some 4 MB.
const cachedPieces = 16

// pieceKey says which part of the feed a piece is.
type pieceKey struct {
	question string
	at       position
	upTo     int64
}

// pieceCache remembers the pieces that were read last: a thousand clients that wake up
// at one commit want the same, which is read and encoded once. A piece never changes.
type pieceCache struct {
	mu      sync.Mutex
	entries []*pieceEntry // oldest first
}

type pieceEntry struct {
	key   pieceKey
	ready chan struct{} // closed when piece or err is set
	piece *piece
	err   error
}

// get returns a piece, which is read by the first who asks for it while the others wait.
// They do not share a failure: it may be only that the first one's client has gone.
func (c *pieceCache) get(ctx context.Context, key pieceKey, read func() (*piece, error)) (*piece, error) {
	e, first := c.entry(key)
	if first {
		e.piece, e.err = read()
		if e.err != nil {
			c.forget(e)
		}
		close(e.ready)
		return e.piece, e.err
	}
	select {
	case <-e.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if e.err != nil {
		return read()
	}
	return e.piece, nil
}

func (c *pieceCache) entry(key pieceKey) (e *pieceEntry, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if e.key == key {
			return e, false
		}
	}
	if len(c.entries) == cachedPieces {
		copy(c.entries, c.entries[1:])
		c.entries = c.entries[:cachedPieces-1]
	}
	e = &pieceEntry{key: key, ready: make(chan struct{})}
	c.entries = append(c.entries, e)
	return e, true
}

func (c *pieceCache) forget(e *pieceEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.entries {
		if c.entries[i] == e {
			c.entries = append(c.entries[:i], c.entries[i+1:]...)
			return
		}
	}
}
