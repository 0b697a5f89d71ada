package observer

import (
	"context"
	"encoding"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"go.opentelemetry.io/otel/trace"
)

// Formats of the log.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// NewLogger makes a logger that writes records of at least the given level to w, one
// line and one Write each; w need not be safe for concurrent use. A nil level means
// info.
//
// Text is for people:
//
//	2025-10-22 10:00:00 | Metrics server listening on :2112
//	2025-10-22 10:05:00 | WARN Scope is stale scope=us-east-1/AWS::RDS::DBInstance error="access denied"
//
// The time is in the time zone of the process. Levels other than info stand before the
// message. Values that would not be read back as one word are quoted as in Go; keys of
// groups are joined with dots.
//
// JSON is that of slog.JSONHandler, but for durations, which are texts as in the other
// format: "1.5s".
//
// A record that is logged within a span of a trace that is sent has trace_id and span_id.
func NewLogger(w io.Writer, level slog.Leveler, format string) (*slog.Logger, error) {
	if level == nil {
		level = slog.LevelInfo
	}
	switch format {
	case FormatText:
		return slog.New(&traceHandler{&textHandler{out: &lineWriter{w: w}, level: level}}), nil
	case FormatJSON:
		return slog.New(&traceHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: legible})}), nil
	default:
		return nil, fmt.Errorf("log format %q is unknown: use %s or %s", format, FormatText, FormatJSON)
	}
}

// legible writes durations with their unit.
func legible(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// traceHandler adds the ids by which a record is found from its trace, and the trace from
// the record.
type traceHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h *traceHandler) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *traceHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &traceHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h *traceHandler) WithGroup(name string) slog.Handler {
	return &traceHandler{h.Handler.WithGroup(name)}
}

// lineWriter is shared by a handler and all that are derived from it.
type lineWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lineWriter) write(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.w.Write(line)
	return err
}

// textHandler writes the text format. It is never changed: WithAttrs and WithGroup
// return another one.
type textHandler struct {
	out    *lineWriter
	level  slog.Leveler
	prefix string // open groups: "a.b."
	attrs  string // attributes of WithAttrs, formatted: " a.k=v a.b.k=v"
}

func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	derived := *h
	line := []byte(h.attrs)
	for _, a := range attrs {
		line = appendAttr(line, h.prefix, a)
	}
	derived.attrs = string(line)
	return &derived
}

func (h *textHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	derived := *h
	derived.prefix += name + "."
	return &derived
}

func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	line := make([]byte, 0, 256) // most lines are shorter
	if !r.Time.IsZero() {
		line = r.Time.Local().AppendFormat(line, time.DateTime)
		line = append(line, " | "...)
	}
	if r.Level != slog.LevelInfo {
		line = append(line, r.Level.String()...)
		line = append(line, ' ')
	}
	line = appendMessage(line, r.Message)
	line = append(line, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		line = appendAttr(line, h.prefix, a)
		return true
	})
	return h.out.write(append(line, '\n'))
}

// appendMessage adds the message as it is, except for what would break the line or
// steer a terminal.
func appendMessage(line []byte, message string) []byte {
	for i, r := range message {
		_, size := utf8.DecodeRuneInString(message[i:])
		if unicode.IsPrint(r) && (r != utf8.RuneError || size > 1) {
			line = append(line, message[i:i+size]...)
			continue
		}
		quoted := strconv.Quote(message[i : i+size])
		line = append(line, quoted[1:len(quoted)-1]...)
	}
	return line
}

// appendAttr adds " key=value", or the members of a group. Empty attributes and empty
// groups add nothing; members of a group without a name stand beside it.
func appendAttr(line []byte, prefix string, a slog.Attr) []byte {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range value.Group() {
			line = appendAttr(line, prefix, member)
		}
		return line
	}
	if a.Key == "" && value.Equal(slog.Value{}) {
		return line
	}
	line = append(line, ' ')
	line = appendWord(line, prefix+a.Key)
	line = append(line, '=')
	return appendWord(line, text(value))
}

// appendWord adds s, quoted if it would not be read back as one word.
func appendWord(line []byte, s string) []byte {
	if s == "" || strings.ContainsFunc(s, breaksWord) || !utf8.ValidString(s) {
		return strconv.AppendQuote(line, s)
	}
	return append(line, s...)
}

func breaksWord(r rune) bool {
	return r == ' ' || r == '=' || r == '"' || !unicode.IsPrint(r)
}

func text(v slog.Value) string {
	switch v.Kind() {
	case slog.KindTime:
		return v.Time().Format(time.RFC3339)
	case slog.KindAny:
		return anyText(v.Any())
	default:
		return v.String()
	}
}

// anyText writes a value whose type is not known. A method of it that panics must not
// end the program that only wanted to log.
func anyText(v any) (s string) {
	defer func() {
		if p := recover(); p != nil {
			s = panicText(v, p)
		}
	}()
	switch v := v.(type) {
	case error:
		return v.Error()
	case []string:
		return strings.Join(v, ",")
	case []byte:
		return string(v)
	case encoding.TextMarshaler:
		b, err := v.MarshalText()
		if err != nil {
			return "!ERROR: " + err.Error()
		}
		return string(b)
	default:
		return fmt.Sprintf("%+v", v)
	}
}

func panicText(v, p any) string {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
		return "<nil>" // a method that does not expect a nil receiver
	}
	return fmt.Sprintf("!PANIC: %v", p)
}
