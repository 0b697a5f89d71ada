package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/elava-dev/elava/storage"
)

// maxStreamLine is the length in bytes of the longest line of a stream: an event of a
// resource with a very large document.
const maxStreamLine = 64 << 20

// silence is after how long without a sign of life a stream counts as broken: three
// heartbeats.
const silence = 3 * heartbeat

// Streamed is one step of a stream of changes.
type Streamed struct {
	// ID is up to where the stream was read: what Client.Stream takes to go on there.
	ID string
	// Event is the change; nil where only the position moved.
	Event *storage.ChangeEvent
}

// Stream yields changes as they are recorded, oldest first: those after lastID, which is
// the ID of what was yielded last; where it is empty, those since q.Since or, where that
// is empty too, from now on. Until, OldestFirst and Limit of the query do not count. It
// ends with an error, or when the context does: then with the context's.
func (c *Client) Stream(ctx context.Context, q ChangeQuery, lastID string) iter.Seq2[Streamed, error] {
	return func(yield func(Streamed, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		watchdog := time.AfterFunc(silence, func() {
			cancel(&UnreachableError{Server: c.base.String(), Err: fmt.Errorf("nothing was heard for %s", silence)})
		})
		defer watchdog.Stop()
		if err := c.readStream(ctx, q, lastID, func() { watchdog.Reset(silence) }, yield); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			yield(Streamed{}, err)
		}
	}
}

// readStream returns nil where yield wanted no more.
func (c *Client) readStream(ctx context.Context, q ChangeQuery, lastID string, heard func(), yield func(Streamed, error) bool) error {
	header := http.Header{"Accept": {streamType + ", application/problem+json"}}
	if lastID != "" {
		header.Set("Last-Event-ID", lastID)
	}
	resp, err := c.send(ctx, "changes/stream", q.streamed(), header)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it has no end
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); t != streamType {
		return &AnswerError{Server: c.base.String(), Status: resp.Status}
	}
	c.notice(resp)
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(make([]byte, 0, 4<<10), maxStreamLine)
	var e sentEvent
	for lines.Scan() {
		heard()
		if !e.take(lines.Text()) {
			continue
		}
		step, err := e.step()
		if err != nil {
			return err
		}
		if step.ID != "" && !yield(step, nil) {
			return nil
		}
		e = sentEvent{}
	}
	if err := lines.Err(); err != nil {
		return c.unheard(ctx, err)
	}
	return c.unheard(ctx, io.ErrUnexpectedEOF)
}

// streamed are the parameters of the stream.
func (q *ChangeQuery) streamed() values {
	v := q.filters()
	v.add("since", q.Since)
	return v
}

// sentEvent collects the lines of one Server-Sent Event.
type sentEvent struct{ id, kind, data string }

// take takes a line and reports whether it ends the event.
func (e *sentEvent) take(line string) bool {
	if line == "" {
		return true
	}
	name, value, _ := strings.Cut(line, ":")
	value = strings.TrimPrefix(value, " ")
	switch name {
	case "id":
		e.id = value
	case "event":
		e.kind = value
	case "data":
		e.data += value
	}
	return false
}

// step is what an event says; its ID is empty where it is nothing.
func (e *sentEvent) step() (Streamed, error) {
	step := Streamed{ID: e.id}
	switch e.kind {
	case "change":
		step.Event = new(storage.ChangeEvent)
		if err := json.Unmarshal([]byte(e.data), step.Event); err != nil {
			return Streamed{}, fmt.Errorf("reading the stream: %w", err)
		}
	case "problem":
		p := new(ProblemError)
		if err := json.Unmarshal([]byte(e.data), &p.Problem); err != nil {
			return Streamed{}, fmt.Errorf("reading the stream: %w", err)
		}
		return Streamed{}, p
	}
	return step, nil
}
