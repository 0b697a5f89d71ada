package query

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"

	"modernc.org/sqlite/vtab"

	"github.com/elava-dev/elava/storage"
)

// row is one row of a table, whose values are made when they are asked for.
type row interface {
	value(column int) vtab.Value // by its place in the table
}

// table is one table that queries can read.
type table struct {
	name    string
	columns []Column
	primary string  // column that tells rows apart
	rows    float64 // a guess at how many there are, for SQLite's planner

	// inOrder reports whether rows come by a column, newest first where desc; nil: by none.
	inOrder func(column string) bool

	// scan yields rows that a demand selects, and may yield others: SQLite checks them
	// again.
	scan func(s *session, d *demand) iter.Seq2[row, error]
}

// Column is one column of a table.
type Column struct {
	Name string
	Type string // TEXT or INTEGER

	// pushed are the operators whose right-hand sides the store is asked for.
	pushed []vtab.ConstraintOp
	key    bool    // part of a resource's key
	hidden bool    // not part of *, nor of the documentation
	share  float64 // of the rows that an equal value selects, guessed; 0: all
}

// Table describes a table, for documentation.
type Table struct {
	Name    string
	Columns []Column
}

// Tables returns what queries can read, in the order of the documentation.
func Tables() []Table {
	var all []Table
	for _, t := range tables() {
		shown := slices.DeleteFunc(slices.Clone(t.columns), func(c Column) bool { return c.hidden })
		all = append(all, Table{t.name, shown})
	}
	return all
}

func tables() []*table {
	return []*table{resourcesTable(), versionsTable(), changesTable(), scansTable(), scopesTable()}
}

// identity is the hidden column that tells rows apart where no other does alone: SQLite
// wants one, to find the rows that several alternatives of a query select.
func identity() Column { return Column{Name: "identity", Type: "TEXT", hidden: true} }

func tableNamed(name string) (*table, bool) {
	for _, t := range tables() {
		if t.name == name {
			return t, true
		}
	}
	return nil, false
}

// session is one query under way. It lives for one call of Engine.Query, whose context
// it keeps for that reason: SQLite's callbacks have none.
type session struct {
	ctx      context.Context
	store    storage.Store
	revision int64 // 0: nothing was recorded yet
	oldest   int64 // that could be read when the query began

	// exact forbids to hand comparisons of text to the store, which compares bytes: the
	// query names a collation, by which more may be equal.
	exact bool

	freshness *storage.Freshness    // once it was needed
	scan      *storage.ScanMetadata // read last: changes that are joined with scans ask for it again
	err       error                 // of the store: SQLite only learns that there was one
}

// mentionsCollation reports whether a query may compare text otherwise than byte by byte.
func mentionsCollation(text string) bool { return strings.Contains(strings.ToLower(text), "collate") }

// fail remembers the first error.
func (s *session) fail(err error) error {
	if s.err == nil {
		s.err = err
	}
	return err
}

// sessions are the queries under way, which the tables of a connection find by a number
// in their declaration.
type sessions struct {
	mu   sync.Mutex
	last int64
	all  map[int64]*session
}

func newSessions() *sessions { return &sessions{all: map[int64]*session{}} }

func (x *sessions) add(s *session) int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.last++
	x.all[x.last] = s
	return x.last
}

func (x *sessions) remove(id int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.all, id)
}

func (x *sessions) get(text string) (*session, error) {
	id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("session %q: %w", text, err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	s, ok := x.all[id]
	if !ok {
		return nil, fmt.Errorf("session %d has ended", id)
	}
	return s, nil
}

// module makes the tables of connections. It implements vtab.Module.
type module struct{ live *sessions }

// Create implements vtab.Module. The arguments are the module's name, the database's, the
// table's, and the number of the session.
func (m module) Create(c vtab.Context, args []string) (vtab.Table, error) {
	if len(args) != 4 {
		return nil, fmt.Errorf("%d arguments", len(args))
	}
	t, ok := tableNamed(args[2])
	if !ok {
		return nil, fmt.Errorf("no table %q", args[2])
	}
	s, err := m.live.get(args[3])
	if err != nil {
		return nil, err
	}
	var columns []string
	for _, c := range t.columns {
		declared := c.Name + " " + c.Type
		if c.hidden {
			declared += " HIDDEN"
		}
		columns = append(columns, declared)
	}
	declaration := fmt.Sprintf("CREATE TABLE t(%s, PRIMARY KEY(%s)) WITHOUT ROWID", strings.Join(columns, ", "), t.primary)
	return &view{table: t, session: s}, c.Declare(declaration)
}

// Connect implements vtab.Module.
func (m module) Connect(c vtab.Context, args []string) (vtab.Table, error) { return m.Create(c, args) }

// view is a table as one session sees it. It implements vtab.Table.
type view struct {
	table   *table
	session *session
}

// Open implements vtab.Table.
func (v *view) Open() (vtab.Cursor, error) { return &cursor{view: v}, nil }

// Disconnect implements vtab.Table.
func (v *view) Disconnect() error { return nil }

// Destroy implements vtab.Table.
func (v *view) Destroy() error { return nil }

// BestIndex implements vtab.Table: it chooses which comparisons the store is to make, and
// writes them down for Filter as plan.String does.
func (v *view) BestIndex(info *vtab.IndexInfo) error {
	p := plan{keysOnly: v.keysSuffice(info.ColUsed)}
	rows := v.table.rows
	for i := range info.Constraints {
		c := &info.Constraints[i]
		c.ArgIndex = -1
		if !c.Usable || c.Column < 0 || c.Column >= len(v.table.columns) {
			continue
		}
		column := &v.table.columns[c.Column]
		if !column.pushes(c.Op) {
			continue
		}
		c.ArgIndex = len(p.terms)
		p.terms = append(p.terms, term{c.Column, c.Op})
		rows = max(1, rows*column.selects(c.Op))
	}
	if len(info.OrderBy) == 1 && v.table.inOrder != nil {
		o := info.OrderBy[0]
		if o.Column >= 0 && v.table.inOrder(v.table.columns[o.Column].Name) {
			info.OrderByConsumed = true
			p.oldestFirst = !o.Desc
		}
	}
	info.IdxStr = p.String()
	info.EstimatedRows = int64(rows)
	info.EstimatedCost = beginning + rows
	return nil
}

// beginning is what it costs to begin to read the store, in rows: a join is to do that seldom.
const beginning = 100

// keysSuffice reports whether all columns used are parts of a resource's key.
func (v *view) keysSuffice(used uint64) bool {
	for i, c := range v.table.columns {
		if !c.key && used&(1<<i) != 0 {
			return false
		}
	}
	return true
}

func (c *Column) pushes(op vtab.ConstraintOp) bool { return slices.Contains(c.pushed, op) }

// selects guesses which share of the rows a comparison selects.
func (c *Column) selects(op vtab.ConstraintOp) float64 {
	switch {
	case op != vtab.OpEQ:
		return 0.3
	case c.share > 0:
		return c.share
	}
	return 1
}

// term is one comparison that the store is to make.
type term struct {
	column int
	op     vtab.ConstraintOp
}

// plan is what BestIndex tells Filter, by way of SQLite.
type plan struct {
	keysOnly    bool
	oldestFirst bool
	terms       []term // in the order of Filter's values
}

// String writes the plan: flags, then "column:operator" for every term.
func (p *plan) String() string {
	var b strings.Builder
	if p.keysOnly {
		b.WriteByte('k')
	}
	if p.oldestFirst {
		b.WriteByte('o')
	}
	for _, t := range p.terms {
		fmt.Fprintf(&b, " %d:%d", t.column, t.op)
	}
	return b.String()
}

func parsePlan(s string) (plan, error) {
	flags, rest, _ := strings.Cut(s, " ")
	p := plan{keysOnly: strings.Contains(flags, "k"), oldestFirst: strings.Contains(flags, "o")}
	for _, field := range strings.Fields(rest) {
		var t term
		if _, err := fmt.Sscanf(field, "%d:%d", &t.column, &t.op); err != nil {
			return p, fmt.Errorf("plan %q: %w", s, err)
		}
		p.terms = append(p.terms, t)
	}
	return p, nil
}

// demand is what a query wants of a table, for its scan.
type demand struct {
	keysOnly    bool
	oldestFirst bool
	terms       []comparison
}

type comparison struct {
	column string
	op     vtab.ConstraintOp
	value  vtab.Value // int64, float64, string, []byte or nil
}

// text returns the text that a column must be equal to, if there is one.
func (d *demand) text(column string) (string, bool) {
	for _, c := range d.terms {
		if s, ok := c.value.(string); ok && c.column == column && c.op == vtab.OpEQ {
			return s, true
		}
	}
	return "", false
}

// cursor walks over the rows of a table. It implements vtab.Cursor.
type cursor struct {
	view *view
	next func() (row, error, bool)
	stop func()
	row  row
}

// Filter implements vtab.Cursor. SQLite calls it again for every value of an IN, and for
// every row of an outer table.
func (c *cursor) Filter(_ int, planned string, values []vtab.Value) error {
	c.end()
	s := c.view.session
	p, err := parsePlan(planned)
	if err == nil && len(values) < len(p.terms) {
		err = errors.New("SQLite left values out")
	}
	if err != nil {
		return s.fail(err)
	}
	c.next, c.stop = iter.Pull2(c.view.table.scan(s, c.view.demand(&p, values)))
	return c.Next()
}

// demand leaves out comparisons that the store does not make as SQLite does.
func (v *view) demand(p *plan, values []vtab.Value) *demand {
	d := &demand{keysOnly: p.keysOnly, oldestFirst: p.oldestFirst}
	for i, t := range p.terms {
		value := values[i]
		if text, isText := value.(string); isText {
			if v.session.exact {
				continue
			}
			value = strings.Clone(text)
		}
		d.terms = append(d.terms, comparison{v.table.columns[t.column].Name, t.op, value})
	}
	return d
}

func (c *cursor) end() {
	if c.stop != nil {
		c.stop()
	}
	c.next, c.stop, c.row = nil, nil, nil
}

// Next implements vtab.Cursor.
func (c *cursor) Next() error {
	s := c.view.session
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.revision == 0 {
		c.row = nil
		return nil
	}
	r, err, more := c.next()
	if err != nil {
		return s.fail(err)
	}
	c.row = nil
	if more {
		c.row = r
	}
	return nil
}

// Eof implements vtab.Cursor.
func (c *cursor) Eof() bool { return c.row == nil }

// Column implements vtab.Cursor.
func (c *cursor) Column(i int) (vtab.Value, error) { return c.row.value(i), nil }

// Rowid implements vtab.Cursor. SQLite does not call it: the tables are WITHOUT ROWID.
func (c *cursor) Rowid() (int64, error) { return 0, errors.New("rows have no numbers") }

// Close implements vtab.Cursor.
func (c *cursor) Close() error {
	c.end()
	return nil
}
