package api

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/archive"
)

// backupPath is the one path whose answer is a stream and no JSON.
const backupPath = Prefix + "storage/backup"

// backupType is the media type of a backup.
const backupType = "application/vnd.elava.backup"

// stats answers /storage: what the store holds and takes.
func (s *Server) stats(ctx context.Context, _ string, p *params) (any, error) {
	if p.err != nil {
		return nil, p.err
	}
	return s.store.Stats(ctx)
}

// backup streams the whole store as it is now, while scans go on. A failure on the way
// breaks the connection; and a backup that was cut off has no end, so that nobody takes
// it for a whole one.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	dumper, ok := s.store.(storage.Dumper)
	switch {
	case r.Method != http.MethodGet:
		s.refuse(w, r, &methodError{method: r.Method, allowed: "GET"})
		return
	case r.URL.RawQuery != "":
		p := parseParams(r.URL.RawQuery, s.now(), nil)
		s.refuse(w, r, p.err)
		return
	case !ok:
		s.refuse(w, r, fmt.Errorf("%w: this engine makes no backups", errNoSuchPath))
		return
	}
	free, err := s.waitForExport(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer free()
	for _, n := range s.notices() {
		w.Header().Add(noticeHeader, oneLine(n))
	}
	w.Header().Set("Content-Type", backupType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Disposition", `attachment; filename="elava.backup"`)
	summary, err := archive.Write(patient{w}, dumper.Dump(r.Context()))
	if err != nil {
		if r.Context().Err() == nil {
			s.log.ErrorContext(r.Context(), "Backup failed", "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	s.log.InfoContext(r.Context(), "Backup sent", "revision", summary.Header.Revision, "records", summary.Records, "bytes", summary.Bytes)
}

// Storage returns what the store holds and takes.
func (c *Client) Storage(ctx context.Context) (*storage.Stats, error) {
	var stats storage.Stats
	if err := c.get(ctx, "storage", nil, &stats); err != nil {
		return nil, err
	}
	return &stats, nil
}

// Backup copies a backup of the server's store to w. What was copied is a backup only if
// archive.Read reads it to its end.
func (c *Client) Backup(ctx context.Context, w io.Writer) error {
	resp, err := c.send(ctx, "storage/backup", nil, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was read to its end, or that is an error already
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); t != backupType {
		return &AnswerError{Server: c.base.String(), Status: resp.Status}
	}
	c.notice(resp)
	return c.copyBody(ctx, w, resp, "backup")
}

// copyBody copies the body of an answer, which is named for errors of writing it.
func (c *Client) copyBody(ctx context.Context, w io.Writer, resp *http.Response, what string) error {
	body := &readErrors{r: resp.Body}
	if _, err := io.Copy(w, body); err != nil {
		if body.err != nil {
			return c.unheard(ctx, err)
		}
		return fmt.Errorf("writing the %s: %w", what, err)
	}
	return nil
}

// readErrors tells errors of reading from those of writing in a copy.
type readErrors struct {
	r   io.Reader
	err error
}

func (r *readErrors) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}
