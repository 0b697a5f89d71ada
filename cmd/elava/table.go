package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	measuredRows = 1000 // the widths of columns come from this many rows
	wideCell     = 60   // runes of free text that a terminal shows
)

// tableWriter writes aligned columns, one line per item. It holds back the first rows
// to measure them; a later row that is wider than a column widens it from there on.
// text/tabwriter would hold back all of them.
type tableWriter[T any] struct {
	out      *bufio.Writer
	columns  []column[T]
	terminal bool
	coloured bool

	held   [][]string
	widths []int // nil as long as rows are held back
}

func newTableWriter[T any](env *Env, columns []column[T]) *tableWriter[T] {
	return &tableWriter[T]{
		out: bufio.NewWriter(env.Stdout), columns: columns, terminal: env.IsTerminal, coloured: coloured(env),
		held: [][]string{names(columns)},
	}
}

func (w *tableWriter[T]) write(item *T) error {
	row := cells(w.columns, item)
	for i, c := range w.columns {
		row[i] = printable(row[i])
		if c.wide && w.terminal {
			row[i] = shorten(row[i], wideCell)
		}
	}
	if w.widths != nil {
		w.measure(row)
		return w.line(row, w.coloured)
	}
	w.held = append(w.held, row)
	if len(w.held) > measuredRows {
		return w.flush()
	}
	return nil
}

// flush writes what is held back, but no header alone: the rows below it may be wider.
func (w *tableWriter[T]) flush() error {
	if len(w.held) == 1 {
		return nil
	}
	return w.release()
}

func (w *tableWriter[T]) close() error { return w.release() }

func (w *tableWriter[T]) release() error {
	if w.widths == nil {
		w.widths = make([]int, len(w.columns))
		for _, row := range w.held {
			w.measure(row)
		}
	}
	for i, row := range w.held {
		if err := w.line(row, w.coloured && i > 0); err != nil {
			return err
		}
	}
	w.held = nil
	return w.out.Flush()
}

func (w *tableWriter[T]) measure(row []string) {
	for i, cell := range row {
		w.widths[i] = max(w.widths[i], utf8.RuneCountInString(cell))
	}
}

// line writes one row. Nothing follows the last cell that is not empty.
func (w *tableWriter[T]) line(row []string, coloured bool) error {
	var b strings.Builder
	blanks := 0
	for i, cell := range row {
		if cell != "" {
			b.WriteString(strings.Repeat(" ", blanks))
			blanks = 0
		}
		var c colour
		if paint := w.columns[i].paint; coloured && paint != nil {
			c = paint(cell)
		}
		b.WriteString(c.paint(cell))
		blanks += max(0, w.widths[i]-utf8.RuneCountInString(cell)) + 2
	}
	b.WriteByte('\n')
	_, err := w.out.WriteString(b.String())
	return err
}

// colour is what a terminal calls a graphic rendition; empty: as it is.
type colour string

const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	faint  colour = "2"
)

func (c colour) paint(s string) string {
	if c == "" || s == "" {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}

// coloured reports whether output may have colours: see https://no-color.org.
func coloured(env *Env) bool {
	return env.IsTerminal && env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "dumb"
}

func paintChange(s string) colour {
	switch s {
	case "created":
		return green
	case "modified":
		return yellow
	case "disappeared":
		return red
	}
	return faint
}

func paintStatus(s string) colour {
	switch s {
	case "failed":
		return red
	case "partial":
		return yellow
	case "excluded", "unavailable":
		return faint
	}
	return ""
}

func paintStale(s string) colour {
	if s == "yes" {
		return yellow
	}
	return ""
}

// printable makes text from the cloud safe for a terminal and for one line: it shows
// characters that steer a terminal or turn the direction of writing, instead of sending
// them.
func printable(s string) string {
	if strings.IndexFunc(s, steers) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if steers(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// printableLines is printable for text of several lines.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

func steers(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) || r == '\u2028' || r == '\u2029'
}

func shorten(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes-1]) + "…"
}

// shown renders a JSON value of a change for the reader.
func shown(v json.RawMessage) string {
	if len(v) == 0 || string(v) == "null" {
		return "(none)"
	}
	return string(v)
}

func number[N int | int64](n N) string { return strconv.FormatInt(int64(n), 10) }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// moment renders a time to the second, in a form that --at takes.
func moment(t *time.Time) string { return momentOr(t, "") }

func momentOr(t *time.Time, none string) string {
	if t == nil || t.IsZero() {
		return none
	}
	return t.UTC().Format(time.RFC3339)
}

// exactly renders a time as JSON does.
func exactly(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// jsonText renders a value that came as JSON.
func jsonText(v any) string {
	b, err := marshal(v)
	if err != nil {
		return fmt.Sprintf("%q", err)
	}
	return string(b)
}
