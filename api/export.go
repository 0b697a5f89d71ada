package api

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/elava-dev/elava/storage"
)

// exportPrefix is what the paths of exports begin with. Their answers are streams of any
// length and no JSON.
const exportPrefix = Prefix + "export/"

// revisionHeader names the revision that an export shows.
const revisionHeader = "Elava-Revision"

// exportTypes are the formats of exports and their media types.
var exportTypes = map[string]string{
	"jsonl":   "application/jsonl",
	"csv":     "text/csv",
	"parquet": "application/vnd.apache.parquet",
}

// exportMedia are the media types of exports.
func exportMedia() []string { return slices.Collect(maps.Values(exportTypes)) }

// exportBuffer is how many bytes are written at a time.
const exportBuffer = 64 << 10

// rowWriter writes the rows of an export one by one. close writes what ends the format.
type rowWriter[T any] interface {
	write(*T) error
	close() error
}

// export answers /export/resources and /export/changes, a number at a time: one of Parquet
// holds rows in memory, and each is slow to end.
func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		s.refuse(w, r, &methodError{method: r.Method, allowed: "GET"})
		return
	}
	free, err := s.waitForExport(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer free()
	stream, err := s.exported(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	for _, n := range s.notices() {
		w.Header().Add(noticeHeader, oneLine(n))
	}
	h := w.Header()
	h.Set("Content-Type", exportTypes[stream.format])
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="elava-%s.%s"`, stream.what, stream.format))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set(revisionHeader, strconv.FormatInt(stream.revision, 10))
	out := bufio.NewWriterSize(patient{w}, exportBuffer)
	if err = stream.write(out); err == nil {
		err = out.Flush()
	}
	if err != nil {
		if r.Context().Err() == nil {
			s.log.ErrorContext(r.Context(), "Export failed", "path", r.URL.Path, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// waitForExport waits, as long as an answer may take, for a slot for something that reads
// all of the store and is slow to end.
func (s *Server) waitForExport(r *http.Request) (free func(), err error) {
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.answer)
	defer cancel()
	return s.exports.take(ctx)
}

// exportStream is an export that can begin.
type exportStream struct {
	what, format string
	revision     int64
	write        func(io.Writer) error
}

// exported reads the parameters of an export and returns what it will write. What the
// store refuses at once is an error here, so that the client gets it as one.
func (s *Server) exported(r *http.Request) (*exportStream, error) {
	e := &exportStream{what: strings.TrimPrefix(r.URL.Path, exportPrefix)}
	var err error
	switch e.what {
	case "resources":
		err = s.exportResources(r, e)
	case "changes":
		err = s.exportChanges(r, e)
	default:
		err = fmt.Errorf("%w: %s", errNoSuchPath, r.URL.Path)
	}
	return e, err
}

// exportParams are the parameters of an export.
func exportParams(what string) []string {
	if what == "resources" {
		return []string{"format", "type", "region", "account", "tag", "name", "id", "at"}
	}
	return []string{"format", "since", "until", "type", "region", "account", "change_type", "key", "id", "name"}
}

func (p *params) format() string { return p.oneOf("format", "jsonl", "csv", "jsonl", "parquet") }

func (s *Server) exportResources(r *http.Request, e *exportStream) error {
	p := parseParams(r.URL.RawQuery, s.now(), exportParams(e.what))
	q := storage.Query{Filter: p.filter()}
	at := p.point("at")
	if e.format = p.format(); p.err != nil {
		return p.err
	}
	ctx := r.Context()
	revision, err := s.pin(ctx, at, nil)
	if err != nil {
		return err
	}
	e.revision, q.Revision = revision, revision
	var scopes *storage.Freshness
	if revision > 0 {
		if scopes, err = s.scopes.at(ctx, revision); err != nil {
			return err
		}
	}
	for _, err := range s.store.List(ctx, storage.Query{Revision: revision, KeysOnly: true}) { // refuses a revision that was dropped
		if err != nil {
			return err
		}
		break
	}
	e.write = func(w io.Writer) error {
		form := exportForm[Resource]{ResourceColumns(), newResourceFile, func(b []byte, r *Resource) ([]byte, error) {
			return appendResource(b, r), nil
		}}
		if revision == 0 { // would mean the head, which may have come into being by now
			return form.write(w, e.format, none[Resource])
		}
		return form.write(w, e.format, mapped(s.store.List(ctx, q), func(v *storage.Version) *Resource {
			view := viewResource(v, scopes)
			return &view
		}))
	}
	return nil
}

// exportChanges exports the events of a window, oldest first.
func (s *Server) exportChanges(r *http.Request, e *exportStream) error {
	p := parseParams(r.URL.RawQuery, s.now(), exportParams(e.what))
	q := storage.ChangeQuery{Filter: p.filter(), ChangeTypes: p.changeTypes(), Key: p.key(), OldestFirst: true}
	since, until := p.point("since"), p.point("until")
	if e.format = p.format(); p.err != nil {
		return p.err
	}
	ctx := r.Context()
	var err error
	if q.Above, q.UpTo, err = s.span(ctx, since, until); err != nil {
		return err
	}
	events := none[storage.ChangeEvent]
	if q.Above < q.UpTo { // and an UpTo of 0 would mean the head
		if err := s.reachable(ctx, storage.ChangeQuery{Above: q.Above, UpTo: q.UpTo, OldestFirst: true}); err != nil {
			return err
		}
		events = mapped(s.store.Changes(ctx, q), viewEvent)
	}
	e.revision = q.UpTo
	form := exportForm[storage.ChangeEvent]{ChangeColumns(), newChangeFile, func(b []byte, c *storage.ChangeEvent) ([]byte, error) {
		line, err := encode(c)
		return append(b, line...), err
	}}
	e.write = func(w io.Writer) error { return form.write(w, e.format, events) }
	return nil
}

// reachable refuses a window of changes that was dropped, as a store does at its first
// element. It is asked without a filter, with which it might read everything before it finds
// that element.
func (s *Server) reachable(ctx context.Context, q storage.ChangeQuery) error {
	for _, err := range s.store.Changes(ctx, q) {
		return err
	}
	return nil
}

func none[T any](func(*T, error) bool) {}

// mapped yields what a function makes of each element.
func mapped[S, T any](seq iter.Seq2[*S, error], view func(*S) *T) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for item, err := range seq {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(view(item), nil) {
				return
			}
		}
	}
}

// exportForm is how items of a type are written.
type exportForm[T any] struct {
	columns []Column[T]
	parquet func(io.Writer) rowWriter[T]
	line    func([]byte, *T) ([]byte, error) // appends JSON, as the API has it, and a new line
}

// write writes all items. On an error the output is left without an end.
func (f *exportForm[T]) write(w io.Writer, format string, items iter.Seq2[*T, error]) error {
	var out rowWriter[T]
	switch format {
	case "csv":
		out = newCSVFile(w, f.columns)
	case "parquet":
		out = f.parquet(w)
	default:
		out = &jsonLines[T]{w: w, line: f.line}
	}
	for item, err := range items {
		if err != nil {
			return err
		}
		if err := out.write(item); err != nil {
			return err
		}
	}
	return out.close()
}

// jsonLines writes items as the API does, one on a line.
type jsonLines[T any] struct {
	w    io.Writer
	line func([]byte, *T) ([]byte, error)
	buf  []byte
}

func (f *jsonLines[T]) write(item *T) (err error) {
	if f.buf, err = f.line(f.buf[:0], item); err != nil {
		return err
	}
	_, err = f.w.Write(f.buf)
	return err
}

func (f *jsonLines[T]) close() error { return nil }

// csvFile writes RFC 4180 with a header line.
type csvFile[T any] struct {
	out     *csv.Writer
	columns []Column[T]
	cells   []string
	begun   bool
}

func newCSVFile[T any](w io.Writer, columns []Column[T]) *csvFile[T] {
	return &csvFile[T]{out: csv.NewWriter(w), columns: columns, cells: make([]string, len(columns))}
}

func (f *csvFile[T]) begin() error {
	if f.begun {
		return nil
	}
	f.begun = true
	for i, c := range f.columns {
		f.cells[i] = c.Name
	}
	return f.out.Write(f.cells)
}

func (f *csvFile[T]) write(item *T) error {
	if err := f.begin(); err != nil {
		return err
	}
	for i, c := range f.columns {
		f.cells[i] = c.Value(item)
	}
	return f.out.Write(f.cells)
}

func (f *csvFile[T]) close() error {
	if err := f.begin(); err != nil {
		return err
	}
	f.out.Flush()
	return f.out.Error()
}

// ExportResources copies the inventory to w in a format: "jsonl", "csv" or "parquet". The
// query's Limit and ARN have no meaning here. Where it returns an error, what was copied is
// not whole.
func (c *Client) ExportResources(ctx context.Context, q ResourceQuery, format string, w io.Writer) error {
	v := q.filters()
	v.add("format", format)
	v.add("at", q.At)
	return c.export(ctx, "resources", v, w)
}

// ExportChanges copies the events of a window to w, oldest first; the rest is as with
// ExportResources.
func (c *Client) ExportChanges(ctx context.Context, q ChangeQuery, format string, w io.Writer) error {
	v := q.filters()
	v.add("format", format)
	v.add("since", q.Since)
	v.add("until", q.Until)
	return c.export(ctx, "changes", v, w)
}

func (c *Client) export(ctx context.Context, what string, v values, w io.Writer) error {
	resp, err := c.send(ctx, "export/"+what, v, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was read to its end, or that is an error already
	want := exportTypes[v["format"][0]]
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); t != want {
		return &AnswerError{Server: c.base.String(), Status: resp.Status}
	}
	c.notice(resp)
	return c.copyBody(ctx, w, resp, "export")
}
