package query

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"

	"modernc.org/libc"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// moduleName is the name of the virtual tables' module in SQLite.
const moduleName = "elava"

// accounting has SQLite count the memory that it uses, which the limit on memory needs
// and this build of SQLite does not do by itself. It is a setting of the process, made
// before SQLite is first used.
var accounting = sync.OnceValue(func() error {
	tls := libc.NewTLS()
	defer tls.Close()
	arguments := libc.Xmalloc(tls, 8)
	if arguments == 0 {
		return errors.New("starting SQLite: out of memory")
	}
	defer libc.Xfree(tls, arguments)
	if code := sqlite3.Xsqlite3_config(tls, sqlite3.SQLITE_CONFIG_MEMSTATUS, libc.VaList(arguments, int32(1))); code != sqlite3.SQLITE_OK {
		return fmt.Errorf("starting SQLite: it does not count its memory (code %d)", code)
	}
	return nil
})

// connector opens databases in memory with the module of one engine, for one query at a
// time. Every query gets one of its own, so that none finds what another left.
type connector struct {
	driver *sqlite.Driver

	session        *session // of the query under way, which the functions ask for the time
	liked, globbed *globbed // the patterns that were compared with last
}

func newConnector(live *sessions, limits Limits) *connector {
	c := &connector{driver: &sqlite.Driver{}}
	_ = c.driver.RegisterModule(moduleName, module{live: live}) // fails for a second of the name only
	c.registerFunctions(limits)
	return c
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := errors.Join(accounting(), ctx.Err()); err != nil {
		return nil, err
	}
	return c.driver.Open(":memory:")
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return c.driver }

// prepare makes the tables of a session in a new connection and then locks it.
func prepare(ctx context.Context, conn *sql.Conn, id int64, limits Limits) error {
	var setup strings.Builder
	fmt.Fprintf(&setup, "PRAGMA hard_heap_limit=%d; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;", limits.Memory)
	for _, t := range tables() {
		fmt.Fprintf(&setup, "CREATE VIRTUAL TABLE %s USING %s(%d);", t.name, moduleName, id)
	}
	if _, err := conn.ExecContext(ctx, setup.String()); err != nil {
		return err
	}
	for id, most := range map[int]int{
		sqlite3.SQLITE_LIMIT_LENGTH:              limits.Value,
		sqlite3.SQLITE_LIMIT_SQL_LENGTH:          limits.Text + 64<<10, // what wrap adds
		sqlite3.SQLITE_LIMIT_COLUMN:              200,
		sqlite3.SQLITE_LIMIT_EXPR_DEPTH:          200,
		sqlite3.SQLITE_LIMIT_COMPOUND_SELECT:     100,
		sqlite3.SQLITE_LIMIT_VDBE_OP:             12_000, // between jumps SQLite does not look at the time
		sqlite3.SQLITE_LIMIT_FUNCTION_ARG:        100,
		sqlite3.SQLITE_LIMIT_ATTACHED:            0,
		sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: maxPattern,
		sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER:     0,
		sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH:       0,
		sqlite3.SQLITE_LIMIT_WORKER_THREADS:      0,
	} {
		if _, err := sqlite.Limit(conn, id, most); err != nil {
			return err
		}
	}
	return conn.Raw(func(c any) error {
		return c.(sqlite.AuthorizerRegisterer).RegisterAuthorizer(authorize)
	})
}

// authorize decides about every action of a statement while it is compiled.
func authorize(action sqlite.AuthorizerActionCode, arg1, arg2, database, _ string) sqlite.AuthorizerReturnCode {
	switch action {
	case sqlite.AuthSelect, sqlite.AuthRecursive:
		return sqlite.AuthorizerOK
	case sqlite.AuthFunction:
		if allowedFunctions[strings.ToLower(arg2)] {
			return sqlite.AuthorizerOK
		}
	case sqlite.AuthRead:
		if readable(arg1, database) {
			return sqlite.AuthorizerOK
		}
	}
	return sqlite.AuthorizerDeny
}

// readable reports whether a table may be read: one of ours, one of the functions of JSON
// that are tables, or what the statement itself defines, which belongs to no database.
func readable(table, database string) bool {
	if database == "" {
		return true
	}
	switch strings.ToLower(table) {
	case "json_each", "json_tree":
		return true
	}
	for _, t := range tables() {
		if strings.EqualFold(t.name, table) {
			return true
		}
	}
	return false
}

// columnsOf compiles a statement and returns the names of its columns. A program with more
// steps than it may have is told by SQLite as a lack of memory.
func columnsOf(conn *sql.Conn, text string) (names []string, err error) {
	err = conn.Raw(func(c any) error {
		info, err := c.(interface {
			ColumnInfo(string) ([]sqlite.ColumnInfo, error)
		}).ColumnInfo(text)
		for _, column := range info {
			names = append(names, column.Name)
		}
		return err
	})
	if failure, ok := errors.AsType[*sqlite.Error](err); ok && failure.Code()&0xff == sqlite3.SQLITE_NOMEM {
		err = fmt.Errorf("%w before it runs: shorten its lists and expressions", ErrMemory)
	}
	if err == nil && len(names) == 0 {
		err = &Error{"there is no query in it: want a SELECT, VALUES or WITH"}
	}
	return names, err
}

// translate returns what an error of SQLite means to a user.
func translate(err error, limits Limits) error {
	failure, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	switch failure.Code() & 0xff {
	case sqlite3.SQLITE_NOMEM:
		return fmt.Errorf("%w: at most %d MiB for all queries together; select fewer columns, sort or group fewer rows", ErrMemory, limits.Memory>>20)
	case sqlite3.SQLITE_AUTH:
		return &Error{"not possible here: a query only reads the tables " + tableNames() + " and calls functions without side effects (" + message(failure) + ")"}
	case sqlite3.SQLITE_TOOBIG:
		return &Error{fmt.Sprintf("a value has more than %d bytes", limits.Value)}
	}
	return &Error{message(failure)}
}

// message returns the text of an error without the driver's frame:
// "SQL logic error: no such column: x (1)".
func message(e *sqlite.Error) string {
	text := strings.TrimPrefix(e.Error(), "SQL logic error: ")
	if i := strings.LastIndex(text, " ("); i > 0 {
		text = text[:i]
	}
	return text
}

func tableNames() string {
	var names []string
	for _, t := range tables() {
		names = append(names, t.name)
	}
	return strings.Join(names, ", ")
}
