// Package query answers SQL over a store: the inventory at a point in time and the
// changes up to it, as five tables that are read while the query runs. Nothing is copied
// into a database first: rows come from the storage contract one by one, and what a query
// demands of type, region, account, id, key, name and time is handed to the store.
//
// The language is that of SQLite (modernc.org/sqlite), each query on a connection of its
// own to a database in memory that holds the tables alone. See Tables for their columns.
//
// # What a query cannot do
//
// It cannot write, attach or read files, load extensions, change settings or make
// tables: SQLite asks about every action while it compiles a statement, and all but reading
// the tables and calling the functions in Functions is refused. The first statement is
// the only one.
//
// # Limits
//
// See Limits. Memory is that of SQLite in the whole process, which its allocator
// enforces; time is enforced while SQLite computes and while the store is read. See famine
// for what does not end then.
package query

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/elava-dev/elava/storage"
)

// Limits of a query. The zero value of a field means its default.
type Limits struct {
	Time       time.Duration // that an answer may take; 10 s
	Memory     int64         // bytes that SQLite may use for all queries of the process together; 128 MiB
	Rows       int           // of an answer, which is cut behind them; 10,000
	Bytes      int           // of the rows of an answer as JSON, which is cut before they are more; 16 MiB. The first row is always there
	Text       int           // bytes of a query, 64 KiB
	Value      int           // bytes of one value, and of one row on its way; 4 MiB
	Concurrent int           // queries at a time; 4. Others wait as long as they may take
}

func (l Limits) orDefaults() Limits {
	set(&l.Time, 10*time.Second)
	set(&l.Memory, 128<<20)
	set(&l.Rows, 10_000)
	set(&l.Bytes, 16<<20)
	set(&l.Text, 64<<10)
	set(&l.Value, 4<<20)
	set(&l.Concurrent, 4)
	return l
}

func set[N int | int64 | time.Duration](field *N, value N) {
	if *field == 0 {
		*field = value
	}
}

// Errors on which callers branch. A query that cannot be run is an *Error.
var (
	ErrTime   = errors.New("the query took too long")
	ErrMemory = errors.New("the query needs too much memory")
	ErrBusy   = errors.New("too many queries are running")
)

// Error is a query that SQLite refuses. Its text is SQLite's.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

// Engine runs queries over one store. Make one with New; it may be used by several
// goroutines at a time and holds nothing while no query runs.
type Engine struct {
	store  storage.Store
	limits Limits
	idle   chan *connector // as many as there may be queries at a time
	live   *sessions
}

// New returns an engine over a store that must stay open as long as it is used.
func New(store storage.Store, limits Limits) *Engine {
	limits = limits.orDefaults()
	e := &Engine{store: store, limits: limits, idle: make(chan *connector, limits.Concurrent), live: newSessions()}
	for range limits.Concurrent {
		e.idle <- newConnector(e.live, limits)
	}
	return e
}

// Result is an answer.
type Result struct {
	Columns []string // each name once: the second of a name has _2 appended
	Rows    [][]any  // of nil, int64, float64, string and []byte
	Cut     bool     // there are more rows than the limits allow
	Bytes   int      // about what the rows take as JSON
}

// Query runs one statement. The tables show what was known at a revision, which must not
// be above the head; 0 shows that nothing was recorded yet. Errors are an *Error, ErrTime,
// ErrMemory, ErrBusy, the context's, or the store's.
func (e *Engine) Query(ctx context.Context, text string, revision int64) (result *Result, err error) {
	err = e.Use(ctx, text, revision, func(r *Result) error {
		result = r
		return nil
	})
	return result, err
}

// Use is Query for answers that are to be few: the query counts among those that run until
// use has ended, whose error it returns.
func (e *Engine) Use(ctx context.Context, text string, revision int64, use func(*Result) error) error {
	if err := e.check(text); err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, e.limits.Time, ErrTime)
	defer cancel()
	var c *connector
	select {
	case c = <-e.idle:
		defer func() {
			c.session = nil
			e.idle <- c
		}()
	case <-limited.Done():
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return ErrBusy
	}
	s, err := e.session(limited, revision)
	if err != nil {
		return err
	}
	s.exact = mentionsCollation(text)
	c.session = s
	before, hungry := hunger.state()
	result, err := e.run(c, text)
	if err != nil {
		err = e.explain(ctx, s, err)
		if since, _ := hunger.state(); errors.Is(err, ErrMemory) && (hungry || since != before) {
			return ErrBusy
		}
		return err
	}
	return use(result)
}

// session begins a query at a revision. One that was dropped is refused, also for the
// tables that are not read at one: they would be empty, as if nothing had happened.
func (e *Engine) session(ctx context.Context, revision int64) (*session, error) {
	s := &session{ctx: ctx, store: e.store, revision: revision}
	if revision == 0 {
		return s, nil
	}
	stats, err := e.store.Stats(ctx)
	if err == nil && revision < stats.OldestRevision {
		err = &storage.CompactedError{Revision: revision, Oldest: stats.OldestRevision}
	}
	s.oldest = stats.OldestRevision
	return s, err
}

func (e *Engine) check(text string) error {
	switch {
	case len(text) > e.limits.Text:
		return &Error{fmt.Sprintf("the query has %d bytes; at most %d are read", len(text), e.limits.Text)}
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return &Error{"the query is not UTF-8 text without zero bytes"}
	}
	return nil
}

// explain returns what an error of SQLite means. What failed in a table is what made the
// query fail, whatever SQLite says of it.
func (e *Engine) explain(ctx context.Context, s *session, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.ctx.Err() != nil:
		return fmt.Errorf("%w: at most %s", ErrTime, e.limits.Time)
	case s.err != nil:
		return s.err
	}
	return translate(err, e.limits)
}

// run executes a statement on a connection of its own.
func (e *Engine) run(c *connector, text string) (result *Result, err error) {
	s, db := c.session, sql.OpenDB(c)
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(s.ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	id := e.live.add(s)
	defer e.live.remove(id)
	if err := prepare(s.ctx, conn, id, e.limits); err != nil {
		return nil, fmt.Errorf("preparing the tables: %w", err)
	}
	columns, err := columnsOf(conn, text)
	if err != nil {
		return nil, err
	}
	if deadline, ok := s.ctx.Deadline(); ok {
		defer hunger.after(time.Until(deadline) + grace)()
	}
	rows, err := conn.QueryContext(s.ctx, wrap(text, len(columns), e.limits.Rows+1))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	result = &Result{Columns: distinct(columns), Rows: [][]any{}}
	return result, e.read(rows, result)
}

// wrap returns a statement that computes all rows of the answer, up to a number, before
// it yields the first: the driver interrupts SQLite for a context only until then.
// MATERIALIZED keeps SQLite from computing rows one by one. The columns get names of ours,
// since two of one name would be renamed.
func wrap(text string, columns, rows int) string {
	names := make([]string, columns)
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
	}
	return fmt.Sprintf("WITH answer(%s) AS MATERIALIZED (SELECT * FROM (\n%s\n) LIMIT %d) SELECT * FROM answer",
		strings.Join(names, ","), statement(text), rows)
}

// statement returns the text without what may end a statement but not a subquery:
// semicolons, and the space and comments among them.
func statement(text string) string {
	end := 0
	for i := 0; i < len(text); {
		length, ends := piece(text[i:])
		if i += length; !ends {
			end = i
		}
	}
	return text[:end]
}

// piece returns how long the comment, the quoted text or else the byte is that a text begins
// with, and whether it may stand behind a statement. See https://www.sqlite.org/lang_comment.html
// and, for quotes, https://www.sqlite.org/lang_keywords.html; a doubled quote is two texts here.
func piece(text string) (length int, ends bool) {
	switch {
	case strings.HasPrefix(text, "--"):
		return through(text, 2, "\n"), true
	case strings.HasPrefix(text, "/*"):
		return through(text, 2, "*/"), strings.Contains(text[2:], "*/")
	case strings.ContainsRune("'\"`", rune(text[0])):
		return through(text, 1, text[:1]), false
	case text[0] == '[':
		return through(text, 1, "]"), false
	}
	return 1, strings.ContainsRune("; \t\r\n\f", rune(text[0]))
}

// through is the length of a text up to a mark behind its first bytes and with it, or else
// all of it.
func through(text string, from int, mark string) int {
	i := strings.Index(text[from:], mark)
	if i < 0 {
		return len(text)
	}
	return from + i + len(mark)
}

// distinct makes the names of columns unique.
func distinct(names []string) []string {
	out := make([]string, len(names))
	taken := make(map[string]bool, len(names))
	for i, name := range names {
		unique := name
		for n := 2; taken[unique]; n++ {
			unique = fmt.Sprintf("%s_%d", name, n)
		}
		taken[unique] = true
		out[i] = unique
	}
	return out
}

// read reads rows up to the limits.
func (e *Engine) read(rows *sql.Rows, into *Result) error {
	for rows.Next() {
		if len(into.Rows) == e.limits.Rows {
			into.Cut = true
			return nil
		}
		row := make([]any, len(into.Columns))
		targets := make([]any, len(row))
		for i := range row {
			targets[i] = &row[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		size := sizeOf(row)
		if len(into.Rows) > 0 && into.Bytes+size > e.limits.Bytes {
			into.Cut = true
			return nil
		}
		into.Bytes += size
		into.Rows = append(into.Rows, row)
	}
	return rows.Err()
}

// sizeOf is what a row takes at most as JSON, with the comma behind it.
func sizeOf(row []any) int {
	const number = 25 // -1.7976931348623157e+308, and a comma
	n := len("[],")
	for _, v := range row {
		switch v := v.(type) {
		case string:
			n += textSize(v) + len(`"",`)
		case []byte:
			n += base64.StdEncoding.EncodedLen(len(v)) + len(`"",`)
		default:
			n += number
		}
	}
	return n
}

// textSize is the length of a text as JSON, where a character may become \u0001.
func textSize(s string) int {
	n := len(s)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t' || c == '\b' || c == '\f':
			n++
		case c < ' ':
			n += len(`\u0001`) - 1
		case c < utf8.RuneSelf:
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
				n += len(`\u2028`) - size
			}
			i += size - 1
		}
	}
	return n
}
