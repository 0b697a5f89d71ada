package storagetest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Answers are compared in the form in which they are shown: as indented JSON, in which
// what counts as equal looks the same and the rest does not.

// textLimit is the length above which a text is shown by its beginning and digest.
const textLimit = 400

type versionView struct {
	Key, ARN, Name, Status, UID string
	CreatedAt                   string
	Tags                        map[string]string
	Attributes                  string
	Revision, EndRevision       int64
	ValidFrom, ValidTo          string
	ChangeType                  change.Type
	Changes                     []changeView
	Schema                      uint32
	Incomplete                  []string
}

type changeView struct{ Path, Old, New string }

// The views of events and scans replace members of what they show under its own names.

type eventView struct {
	storage.ChangeEvent
	Time    string       `json:"time"`
	Changes []changeView `json:"changes"`
}

type scanView struct {
	storage.ScanMetadata
	StartTime    string                `json:"start_time"`
	EndTime      string                `json:"end_time"`
	FailedScopes []storage.FailedScope `json:"failed_scopes"`
}

type scopeView struct {
	storage.ScopeState
	Scope            string
	LastCompleteTime string
	Regions          map[string]int
}

type differenceView struct {
	Before, After any
	Steps         []stepView
}

type stepView struct {
	Revision   int64
	Time       string
	ChangeType change.Type
	Event      storage.EventID
	Changes    []changeView
}

type knownView struct {
	Key, Fingerprint string
	Schema           uint32
	UID              string
	Incomplete       bool
}

func viewVersion(v *storage.Version) any {
	r := &v.Resource
	attributes := string(r.Attributes)
	if attributes == "" {
		attributes = "{}"
	}
	return versionView{
		Key: r.Key.String(), ARN: r.ARN, Name: r.Name, Status: r.Status, UID: r.UID,
		CreatedAt: showTime(r.CreatedAt), Tags: filled(r.Tags), Attributes: abbreviate(attributes),
		Revision: v.Revision, ValidFrom: showTime(v.ValidFrom),
		EndRevision: v.EndRevision, ValidTo: showTime(v.ValidTo),
		ChangeType: v.ChangeType, Changes: viewChanges(v.Changes),
		Schema: v.Schema, Incomplete: append([]string{}, v.Incomplete...),
	}
}

func viewDifference(d *storage.Difference) any {
	view := differenceView{After: viewVersion(d.After)}
	if d.Before != nil {
		view.Before = viewVersion(d.Before)
	}
	for _, s := range d.Steps {
		view.Steps = append(view.Steps, stepView{s.Revision, showTime(s.Time), s.ChangeType, s.Event, viewChanges(s.Changes)})
	}
	return view
}

func viewChanges(changes []change.FieldChange) []changeView {
	views := []changeView{}
	for _, c := range changes {
		views = append(views, changeView{c.Path, abbreviate(string(c.Old)), abbreviate(string(c.New))})
	}
	return views
}

func viewEvent(e *storage.ChangeEvent) any {
	return eventView{ChangeEvent: *e, Time: showTime(e.Time), Changes: viewChanges(e.Changes)}
}

func viewScan(m *storage.ScanMetadata) any {
	return scanView{
		ScanMetadata: *m, StartTime: showTime(m.StartTime), EndTime: showTime(m.EndTime),
		FailedScopes: append([]storage.FailedScope{}, m.FailedScopes...),
	}
}

func viewScope(s *storage.ScopeState) any {
	return scopeView{
		ScopeState: *s, Scope: s.Scope.String(),
		LastCompleteTime: showTime(s.LastCompleteTime), Regions: filled(s.Regions),
	}
}

func viewKnown(k storage.Known) any {
	return knownView{k.Key.String(), k.Fingerprint.String(), k.Schema, k.UID, k.Incomplete}
}

func viewHead(h storage.Head) any {
	return map[string]any{"Revision": h.Revision, "Time": showTime(h.Time), "ScanID": h.ScanID}
}

// viewStats leaves out what is the engine's own.
func viewStats(s storage.Stats) any {
	return map[string]any{"Revision": s.Revision, "OldestRevision": s.OldestRevision}
}

func viewRevision(r int64) any { return r }

// showTime shows a time as it is, also where it is not in UTC, as it must be.
func showTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if t.Location() != time.UTC {
		return t.Format(time.RFC3339Nano) + " in " + t.Location().String()
	}
	return t.Format(time.RFC3339Nano)
}

func filled[V any](m map[string]V) map[string]V {
	c := maps.Clone(m)
	if c == nil {
		c = map[string]V{}
	}
	return c
}

func abbreviate(s string) string {
	if len(s) <= textLimit {
		return s
	}
	return fmt.Sprintf("%.40s... %d bytes, SHA-256 %x", s, len(s), sha256.Sum256([]byte(s)))
}

// show returns the form in which a view is compared and printed.
func show(view any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(view); err != nil {
		return fmt.Sprintf("%#v (%v)", view, err)
	}
	return b.String()
}

// showQuery names what a query asks for, and nothing else.
func showQuery(q storage.Query) string {
	var b strings.Builder
	fmt.Fprintf(&b, "List at revision %d", q.Revision)
	showFilter(&b, q.Filter)
	if q.After != nil {
		fmt.Fprintf(&b, ", after %s", q.After)
	}
	return b.String()
}

func showDiffQuery(q storage.DiffQuery) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Diff from %d to %d", q.From, q.To)
	showFilter(&b, q.Filter)
	if q.After != nil {
		fmt.Fprintf(&b, ", after %s", q.After)
	}
	return b.String()
}

func showChangeQuery(q storage.ChangeQuery) string {
	var b strings.Builder
	b.WriteString("Changes")
	showFilter(&b, q.Filter)
	if len(q.ChangeTypes) > 0 {
		fmt.Fprintf(&b, ", change types %q", q.ChangeTypes)
	}
	if q.Key != nil {
		fmt.Fprintf(&b, ", key %s", q.Key)
	}
	if q.Above != 0 || q.UpTo != 0 {
		fmt.Fprintf(&b, ", above %d up to %d", q.Above, q.UpTo)
	}
	if (q.After != storage.EventID{}) {
		fmt.Fprintf(&b, ", after %s", q.After)
	}
	if q.OldestFirst {
		b.WriteString(", oldest first")
	}
	return b.String()
}

func showFilter(b *strings.Builder, f storage.Filter) {
	for _, part := range []struct {
		name   string
		values []string
	}{{"types", f.Types}, {"regions", f.Regions}, {"accounts", f.Accounts}} {
		if len(part.values) > 0 {
			fmt.Fprintf(b, ", %s %q", part.name, part.values)
		}
	}
	if f.Name != "" {
		fmt.Fprintf(b, ", name %q", f.Name)
	}
	if f.ARN != "" {
		fmt.Fprintf(b, ", ARN %q", f.ARN)
	}
	if f.ID != "" {
		fmt.Fprintf(b, ", id %q", f.ID)
	}
	if len(f.Tags) > 0 {
		fmt.Fprintf(b, ", tags %+v", f.Tags)
	}
}

// sentinels are the errors that callers tell apart.
var sentinels = []error{
	storage.ErrNotFound, storage.ErrGone, storage.ErrCompacted, storage.ErrFutureRevision,
	storage.ErrBadCursor, storage.ErrLocked, storage.ErrBusy, storage.ErrCorrupt, storage.ErrFull,
	storage.ErrNewerFormat, storage.ErrClosed, resource.ErrBadKey,
	context.Canceled, context.DeadlineExceeded,
}

// showError shows of an error what a caller can branch on, not its wording.
func showError(err error) string {
	if err == nil {
		return ""
	}
	if gone := new(storage.GoneError); errors.As(err, &gone) {
		if gone.Last == nil {
			return "gone, without the last version\n"
		}
		return "gone, last version " + show(viewVersion(gone.Last))
	}
	if compacted := new(storage.CompactedError); errors.As(err, &compacted) {
		return fmt.Sprintf("compacted, oldest is %d\n", compacted.Oldest)
	}
	var kinds []string
	for _, s := range sentinels {
		if errors.Is(err, s) {
			kinds = append(kinds, s.Error())
		}
	}
	if kinds == nil {
		return "an error of no kind that callers know\n"
	}
	return "error: " + strings.Join(kinds, ", ") + "\n"
}

// errAfterError is what an iterator deserves that goes on after an error.
var errAfterError = errors.New("the iterator went on after an error")

// collect takes all elements of an iterator up to its error.
func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var items []T
	var failed error
	for item, err := range seq {
		if failed != nil {
			return items, fmt.Errorf("%w: %s", errAfterError, fmt.Sprint(failed))
		}
		if failed = err; err == nil {
			items = append(items, item)
		}
	}
	return items, failed
}

// showAll shows what an iterator answered.
func showAll[T any](items []T, err error, view func(T) any) string {
	var b strings.Builder
	for _, item := range items {
		b.WriteString(show(view(item)))
	}
	b.WriteString(showError(err))
	return b.String()
}

// diff returns the lines in which two texts differ and a few around them; "" for equal
// texts. Lines that only got has begin with +, lines that it lacks with -.
func diff(want, got string) string {
	if want == got {
		return ""
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	head := 0
	for head < len(w) && head < len(g) && w[head] == g[head] {
		head++
	}
	tail := 0
	for tail < len(w)-head && tail < len(g)-head && w[len(w)-1-tail] == g[len(g)-1-tail] {
		tail++
	}
	lines := slices.Concat(marked("  ", w[:head]),
		edits(w[head:len(w)-tail], g[head:len(g)-tail]),
		marked("  ", w[len(w)-tail:]))
	return shorten(lines)
}

func marked(mark string, lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = mark + line
	}
	return out
}

// edits returns the lines of both texts in order, those that both have once: the longest
// common subsequence, for texts that are not too long for it.
func edits(w, g []string) []string {
	const limit = 4_000_000
	if len(w)*len(g) > limit {
		return append(marked("- ", w), marked("+ ", g)...)
	}
	common := make([][]int, len(w)+1) // length of what w[i:] and g[j:] have in common
	for i := range common {
		common[i] = make([]int, len(g)+1)
	}
	for i := len(w) - 1; i >= 0; i-- {
		for j := len(g) - 1; j >= 0; j-- {
			if w[i] == g[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var lines []string
	i, j := 0, 0
	for i < len(w) && j < len(g) {
		switch {
		case w[i] == g[j]:
			lines = append(lines, "  "+w[i])
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			lines = append(lines, "- "+w[i])
			i++
		default:
			lines = append(lines, "+ "+g[j])
			j++
		}
	}
	return slices.Concat(lines, marked("- ", w[i:]), marked("+ ", g[j:]))
}

// shorten keeps the lines that differ and a few around them, and of very many the first.
func shorten(lines []string) string {
	const around, limit = 5, 120
	keep := make([]bool, len(lines))
	for i, line := range lines {
		if strings.HasPrefix(line, "  ") {
			continue
		}
		for k := max(0, i-around); k <= min(i+around, len(lines)-1); k++ {
			keep[k] = true
		}
	}
	var b strings.Builder
	written := 0
	for i, line := range lines {
		switch {
		case keep[i] && written == limit:
			b.WriteString("  ... and more\n")
			return b.String()
		case keep[i]:
			b.WriteString(line + "\n")
			written++
		case i > 0 && keep[i-1]:
			b.WriteString("  ...\n")
		}
	}
	return b.String()
}
