package observer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/elava-dev/elava/observer"
)

func textLogger(t testing.TB, w io.Writer, level slog.Leveler) *slog.Logger {
	t.Helper()
	logger, err := observer.NewLogger(w, level, observer.FormatText)
	if err != nil {
		t.Fatal(err)
	}
	return logger
}

var textLine = regexp.MustCompile(`^(?:(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) \| )?(?:(DEBUG|WARN|ERROR) )?(.*)$`)

// parse reads a line back as slogtest wants it. Messages must contain no '='.
func parse(t *testing.T, line string) map[string]any {
	t.Helper()
	parts := textLine.FindStringSubmatch(line)
	record := map[string]any{slog.LevelKey: "INFO"}
	if parts[1] != "" {
		record[slog.TimeKey] = parts[1]
	}
	if parts[2] != "" {
		record[slog.LevelKey] = parts[2]
	}
	message, rest := parts[3], ""
	if i := strings.Index(message, "="); i >= 0 {
		i = max(strings.LastIndex(message[:i], " "), 0)
		message, rest = message[:i], message[i:]
	}
	record[slog.MessageKey] = message
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		var key, value string
		key, rest = word(t, rest, "=")
		value, rest = word(t, strings.TrimPrefix(rest, "="), " ")
		put(record, strings.Split(key, "."), value)
	}
	return record
}

// word reads a quoted or bare word up to end.
func word(t *testing.T, s, end string) (first, rest string) {
	t.Helper()
	if strings.HasPrefix(s, `"`) {
		quoted, err := strconv.QuotedPrefix(s)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		first, _ = strconv.Unquote(quoted)
		return first, s[len(quoted):]
	}
	if i := strings.Index(s, end); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

func put(record map[string]any, path []string, value string) {
	for _, group := range path[:len(path)-1] {
		if record[group] == nil {
			record[group] = map[string]any{}
		}
		record = record[group].(map[string]any)
	}
	record[path[len(path)-1]] = value
}

func TestTextHandler_KeepsTheRulesOfSlog(t *testing.T) {
	var log *lines
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		log = &lines{}
		return textLogger(t, log, slog.LevelDebug).Handler()
	}, func(t *testing.T) map[string]any {
		return parse(t, strings.TrimSuffix(log.String(), "\n"))
	})
}

// at is what the time of a record looks like.
func at(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func TestTextHandler_WritesTheFormatOfTheContract(t *testing.T) {
	tests := []struct {
		level   slog.Level
		message string
		attrs   []any
		want    string
	}{
		{slog.LevelInfo, "Starting Elava daemon...", []any{"provider", "aws", "regions", "us-east-1", "storage", "/var/lib/elava/data"},
			"Starting Elava daemon... provider=aws regions=us-east-1 storage=/var/lib/elava/data"},
		{slog.LevelInfo, "Reconciliation loop started (interval: 5m)", nil, "Reconciliation loop started (interval: 5m)"},
		{slog.LevelInfo, "[Scan #1] Found 42 resources, 3 changes", []any{"duration", 1200 * time.Millisecond, "revision", 1},
			"[Scan #1] Found 42 resources, 3 changes duration=1.2s revision=1"},
		{slog.LevelWarn, "Scope is stale", []any{"error", errors.New("access denied")}, `WARN Scope is stale error="access denied"`},
		{slog.LevelError, "m", nil, "ERROR m"},
		{slog.LevelDebug, "m", nil, "DEBUG m"},
		{slog.LevelInfo + 1, "m", nil, "INFO+1 m"},
		{slog.LevelInfo, "", []any{"k", "v"}, " k=v"},
		{slog.LevelInfo, "m", []any{"regions", []string{"a", "b"}}, "m regions=a,b"},
		{slog.LevelInfo, "m", []any{"b", []byte("x y")}, `m b="x y"`},
		{slog.LevelInfo, "m", []any{"n", nil, "f", 1.5, "t", true, "u", uint64(7)}, "m n=<nil> f=1.5 t=true u=7"},
		{slog.LevelInfo, "m", []any{"addr", netip.MustParseAddr("::1")}, "m addr=::1"},
		{slog.LevelInfo, "m", []any{"at", time.Date(2025, 1, 2, 3, 4, 5, 6, time.UTC)}, "m at=2025-01-02T03:04:05Z"},
		{slog.LevelInfo, "m", []any{"empty", "", "eq", "a=b", "q", `a"b`, "back", `a\b`}, `m empty="" eq="a=b" q="a\"b" back=a\b`},
		{slog.LevelInfo, "m", []any{"two words", 1}, `m "two words"=1`},
		{slog.LevelInfo, "m", []any{slog.Group("g", "a", 1, slog.Group("h", "b", 2))}, "m g.a=1 g.h.b=2"},
		{slog.LevelInfo, "m", []any{"lonely"}, "m !BADKEY=lonely"},
	}
	for _, test := range tests {
		var log lines
		now := time.Date(2025, 10, 22, 10, 0, 0, 999, time.UTC)
		r := slog.NewRecord(now, test.level, test.message, 0)
		r.Add(test.attrs...)
		if err := textLogger(t, &log, slog.LevelDebug).Handler().Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if want := at(now) + " | " + test.want + "\n"; log.String() != want {
			t.Errorf("\n got %q\nwant %q", log.String(), want)
		}
	}
}

type hostile struct{ text string }

func (h hostile) MarshalText() ([]byte, error) { return []byte(h.text), nil }

func TestTextHandler_ARecordIsOneLineAndOneWrite(t *testing.T) {
	forged := "x\n2025-10-22 10:00:00 | Daemon stopped\r\u2028\x1b[2J\x00\xff"
	var log lines
	logger := textLogger(t, &log, nil).With("with"+forged, forged).WithGroup("g" + forged)
	logger.Info(forged, "k"+forged, forged, "e", errors.New(forged), "m", hostile{forged}, "s", []string{forged})
	got := strings.TrimSuffix(log.String(), "\n")
	if log.writes != 1 || strings.ContainsAny(got, "\n\r\x1b\x00\u2028") || strings.Contains(got, "\xff") {
		t.Errorf("%d writes: %q", log.writes, got)
	}
	var value string
	if i := strings.Index(got, ` "with`); i >= 0 {
		_, rest := word(t, got[i+1:], "=")
		value, _ = word(t, rest[1:], " ")
	}
	if value != forged {
		t.Errorf("a value was read back as %q", value)
	}
}

type panics struct{}

func (*panics) Error() string { panic("no error text") }

type failing struct{}

func (failing) MarshalText() ([]byte, error) { return nil, errors.New("cannot") }

type needsReceiver struct{ text string }

func (n *needsReceiver) Error() string { return n.text }

func TestTextHandler_SurvivesValuesThatDoNot(t *testing.T) {
	var log lines
	var none *needsReceiver
	textLogger(t, &log, nil).Info("m", "a", &panics{}, "b", none, "c", failing{}, "d", 1)
	if want := ` | m a="!PANIC: no error text" b=<nil> c="!ERROR: cannot" d=1` + "\n"; !strings.HasSuffix(log.String(), want) {
		t.Errorf("got %q, want %q", log.String(), want)
	}
}

func TestTextHandler_DerivedLoggersDoNotMix(t *testing.T) {
	var log lines
	base := textLogger(t, &log, nil).With("a", 1)
	left, right := base.With("l", 1), base.WithGroup("g").With("r", 1)
	left.Info("m")
	right.Info("m", "x", 2)
	base.Info("m")
	var got []string
	for line := range strings.Lines(log.String()) {
		got = append(got, line[len("2025-10-22 10:00:00 | "):])
	}
	if want := []string{"m a=1 l=1\n", "m a=1 g.r=1 g.x=2\n", "m a=1\n"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTextHandler_LevelCanChangeWhileItRuns(t *testing.T) {
	var log lines
	var level slog.LevelVar
	logger := textLogger(t, &log, &level)
	logger.Debug("one")
	level.Set(slog.LevelDebug)
	logger.Debug("two")
	level.Set(slog.LevelError)
	logger.Warn("three")
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, " | DEBUG two\n") {
		t.Errorf("got %q", got)
	}
}

// unsafeWriter is what the race detector watches.
type unsafeWriter struct{ lines []string }

func (u *unsafeWriter) Write(p []byte) (int, error) {
	u.lines = append(u.lines, string(p))
	return len(p), nil
}

func TestTextHandler_ManyGoroutinesWriteWholeLines(t *testing.T) {
	var out unsafeWriter
	logger := textLogger(t, &out, nil)
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			own := logger.With("writer", i)
			for n := range 100 {
				own.Info("m", "n", n)
			}
		})
	}
	writers.Wait()
	if len(out.lines) != 800 {
		t.Fatalf("%d writes, want 800", len(out.lines))
	}
	whole := regexp.MustCompile(`^\S+ \S+ \| m writer=\d n=\d+\n$`)
	for _, line := range out.lines {
		if !whole.MatchString(line) {
			t.Fatalf("%q", line)
		}
	}
}

func TestTextHandler_ReturnsTheErrorOfTheWriter(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	err = textLogger(t, f, nil).Handler().Handle(context.Background(), slog.NewRecord(time.Now(), 0, "m", 0))
	if !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestNewLogger_JSON(t *testing.T) {
	var log lines
	logger, err := observer.NewLogger(&log, slog.LevelWarn, observer.FormatJSON)
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("hidden")
	logger.Warn("seen", "k", "v", "took", 1500*time.Millisecond)
	var record map[string]any
	if err := json.Unmarshal([]byte(log.String()), &record); err != nil {
		t.Fatalf("%v: %s", err, log.String())
	}
	if record["level"] != "WARN" || record["msg"] != "seen" || record["k"] != "v" || record["took"] != "1.5s" {
		t.Errorf("got %v", record)
	}
}

func TestNewLogger_RefusesUnknownFormats(t *testing.T) {
	if _, err := observer.NewLogger(io.Discard, nil, "xml"); err == nil ||
		err.Error() != `log format "xml" is unknown: use text or json` {
		t.Errorf("got %v", err)
	}
}

func FuzzTextHandler(f *testing.F) {
	f.Add("message", "key", "value")
	f.Add("a\nb", "k=", "\"\x1b\xff")
	f.Fuzz(func(t *testing.T, message, key, value string) {
		var log lines
		textLogger(t, &log, nil).Info(message, slog.String(key, value))
		if got := log.String(); log.writes != 1 || strings.IndexByte(got, '\n') != len(got)-1 {
			t.Fatalf("%d writes: %q", log.writes, got)
		}
	})
}

func TestLogger_NamesTheTrace(t *testing.T) {
	sampled := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0xab, 15: 1}, SpanID: trace.SpanID{0xcd, 7: 2}, TraceFlags: trace.FlagsSampled,
	})
	for format, want := range map[string]string{
		observer.FormatText: "trace_id=ab000000000000000000000000000001 span_id=cd00000000000002",
		observer.FormatJSON: `"trace_id":"ab000000000000000000000000000001","span_id":"cd00000000000002"`,
	} {
		var out bytes.Buffer
		log, err := observer.NewLogger(&out, nil, format)
		if err != nil {
			t.Fatal(err)
		}
		log = log.With("a", 1)
		log.InfoContext(trace.ContextWithSpanContext(t.Context(), sampled), "within")
		log.InfoContext(trace.ContextWithSpanContext(t.Context(), sampled.WithTraceFlags(0)), "not sent")
		log.Info("outside")
		lines := strings.SplitAfter(out.String(), "\n")
		if !strings.Contains(lines[0], want) || strings.Contains(lines[1]+lines[2], "trace_id") {
			t.Errorf("%s: got %q", format, lines)
		}
	}
}
