package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

// truthRevisions is how many revisions the scripted account has.
const truthRevisions = 30

// thing is a resource of the scripted account as it is at one revision. All it has are
// flat fields, so that the truth needs nothing of what it is compared with.
type thing struct {
	key    resource.Key
	fields map[string]string // path -> JSON value: "name", "status", "tags.env", "attributes.A"
	since  int               // revision that recorded it like this
	born   int               // revision of its creation or baseline
	quiet  bool              // it was there when its scope was first listed
}

func (x *thing) clone() *thing {
	c := *x
	c.fields = maps.Clone(x.fields)
	return &c
}

func (x *thing) text(path string) string {
	var s string
	if v, ok := x.fields[path]; ok {
		_ = json.Unmarshal([]byte(v), &s)
	}
	return s
}

// resource is the thing as a scan finds it.
func (x *thing) resource() resource.Resource {
	r := resource.Resource{Key: x.key, Name: x.text("name"), Status: x.text("status"), Tags: map[string]string{}, ARN: x.arn()}
	attributes := map[string]json.RawMessage{}
	for path, v := range x.fields {
		if tag, ok := strings.CutPrefix(path, "tags."); ok {
			r.Tags[tag] = x.text("tags." + tag)
		}
		if name, ok := strings.CutPrefix(path, "attributes."); ok {
			attributes[name] = json.RawMessage(v)
		}
	}
	r.Attributes, _ = json.Marshal(attributes)
	return r
}

func (x *thing) arn() string {
	return fmt.Sprintf("arn:aws:x:%s:%s:thing/%s", x.key.Region, x.key.Account, x.key.ID)
}

// truth is everything that happened in the scripted account.
type truth struct {
	states  []map[string]*thing                     // by revision, from 0, which is empty
	events  [][]string                              // by revision: "created KEY", in order
	touched map[string]map[int]map[string]bool      // key -> revision -> paths that an event named
	steps   map[string][]string                     // key -> "modified 5", oldest first
	changes map[string]map[int][]change.FieldChange // key -> revision -> what an event said
}

var truthScopes = []resource.Scope{
	{Provider: "aws", Account: "111122223333", Region: "us-east-1", Type: "AWS::EC2::Instance"},
	{Provider: "aws", Account: "111122223333", Region: "eu-west-1", Type: "AWS::EC2::Instance"},
	{Provider: "aws", Account: "111122223333", Region: "us-east-1", Type: "AWS::Lambda::Function"},
	{Provider: "aws", Account: "444455556666", Region: "us-east-1", Type: "AWS::EC2::Instance"}, // first listed at revision 10
}

const lateScope, lateRevision = 3, 10

// script makes the account up, from a seed, and records it in a store.
func script(t *testing.T, s storage.Store) *truth {
	t.Helper()
	w := &truth{
		states: []map[string]*thing{{}}, events: [][]string{nil},
		touched: map[string]map[int]map[string]bool{}, steps: map[string][]string{}, changes: map[string]map[int][]change.FieldChange{},
	}
	c := rand.New(rand.NewPCG(6, 30))
	for revision := 1; revision <= truthRevisions; revision++ {
		next := map[string]*thing{}
		for k, x := range w.states[revision-1] {
			next[k] = x
		}
		var muts []storage.Mutation
		var events []string
		record := func(typ change.Type, x *thing, changes ...change.FieldChange) {
			k := x.key.String()
			muts = append(muts, found(typ, x.resource(), changes...))
			w.steps[k] = append(w.steps[k], fmt.Sprintf("%s %d", typ, revision))
			if typ.Reported() {
				events = append(events, string(typ)+" "+k)
			}
			if w.touched[k] == nil {
				w.touched[k], w.changes[k] = map[int]map[string]bool{}, map[int][]change.FieldChange{}
			}
			w.touched[k][revision] = map[string]bool{}
			for _, f := range changes {
				w.touched[k][revision][f.Path] = true
			}
			w.changes[k][revision] = changes
		}
		for n, scope := range truthScopes {
			if n == lateScope && revision < lateRevision {
				continue
			}
			first := revision == 1 || n == lateScope && revision == lateRevision
			for i := range 12 {
				key := inScope(scope, fmt.Sprintf("i-%d-%02d", n, i))
				w.live(c, next, key, revision, first, record)
			}
		}
		recordScan(t, s, nil, muts...)
		w.states, w.events = append(w.states, next), append(w.events, events)
	}
	return w
}

// live lets one thing live through one revision.
func (w *truth) live(c *rand.Rand, next map[string]*thing, key resource.Key, revision int, first bool, record func(change.Type, *thing, ...change.FieldChange)) {
	k := key.String()
	x := next[k]
	switch chance := c.IntN(100); {
	case x == nil && (first && chance < 70 || !first && chance < 15):
		x = &thing{key: key, since: revision, born: revision, quiet: first, fields: map[string]string{
			"name": quoted("name " + key.ID), "attributes.A": number(c.IntN(3)), "attributes.B": number(c.IntN(3)),
		}}
		next[k] = x
		if first {
			record(change.Baseline, x)
			return
		}
		record(change.Created, x)
	case x == nil || chance >= 30: // nothing happens
	case chance < 5:
		delete(next, k)
		record(change.Disappeared, x)
	case chance < 9: // a new schema shows a field, or shows it otherwise
		y := x.clone()
		y.fields["attributes.New"], y.since = number(c.IntN(5)), revision
		next[k] = y
		record(change.Rebaselined, y)
	default:
		y := x.clone()
		y.since = revision
		changes := w.mutate(c, y)
		if len(changes) == 0 {
			return
		}
		next[k] = y
		record(change.Modified, y, changes...)
	}
}

// mutate changes some fields to one of few values, so that some come back.
func (w *truth) mutate(c *rand.Rand, x *thing) []change.FieldChange {
	var changes []change.FieldChange
	for _, path := range []string{"attributes.A", "attributes.B", "attributes.New", "name", "status", "tags.env"} {
		if c.IntN(3) > 0 {
			continue
		}
		old, had := x.fields[path]
		value := quoted([]string{"one", "two", "three"}[c.IntN(3)])
		if strings.HasPrefix(path, "attributes.") {
			value = number(c.IntN(3))
		}
		if value == old {
			continue
		}
		f := change.FieldChange{Path: path, New: json.RawMessage(value)}
		if had {
			f.Old = json.RawMessage(old)
		}
		x.fields[path] = value
		changes = append(changes, f)
	}
	return changes
}

func quoted(s string) string { return strconv.Quote(s) }

// difference is a line for each thing that is different between two revisions.
func (w *truth) difference(from, to int, wanted func(before, after *thing) bool) []string {
	var lines []string
	a, b := w.states[from], w.states[to]
	keys := slices.SortedFunc(maps.Keys(w.touched), func(x, y string) int { return mustKey(x).Compare(mustKey(y)) })
	for _, k := range keys {
		before, after := a[k], b[k]
		if !wanted(before, after) {
			continue
		}
		switch {
		case before == nil && after == nil:
		case after == nil:
			lines = append(lines, "disappeared "+k)
		case before == nil:
			// first listed in between, and nothing is known of before that
			if w.firstStep(k, from) != "baseline" {
				lines = append(lines, "created "+k)
			}
		default:
			if fields := w.fieldsBetween(k, before, after, from, to); len(fields) > 0 {
				lines = append(lines, "modified "+k+" "+strings.Join(fields, ", "))
			}
		}
	}
	return lines
}

// firstStep is how a thing came up after a revision, if nothing was known of it before.
func (w *truth) firstStep(k string, from int) string {
	for i, step := range w.steps[k] {
		typ, revision, _ := strings.Cut(step, " ")
		if n, _ := strconv.Atoi(revision); n > from {
			if i > 0 {
				return "known"
			}
			return typ
		}
	}
	return ""
}

func (w *truth) fieldsBetween(k string, before, after *thing, from, to int) []string {
	var fields []string
	paths := map[string]bool{}
	for _, x := range []*thing{before, after} {
		for path := range x.fields {
			paths[path] = true
		}
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		old, new := before.fields[path], after.fields[path]
		said := before.born != after.born
		for r := from + 1; r <= to; r++ {
			said = said || w.touched[k][r][path]
		}
		if old != new && said {
			fields = append(fields, path+": "+orNull(old)+" -> "+orNull(new))
		}
	}
	return fields
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

func mustKey(s string) resource.Key {
	k, err := resource.ParseKey(s)
	if err != nil {
		panic(err)
	}
	return k
}

// stateLines are the things of a revision, by key.
func (w *truth) stateLines(revision int, wanted func(*thing) bool) []string {
	var lines []string
	for _, k := range slices.SortedFunc(maps.Keys(w.states[revision]), func(x, y string) int { return mustKey(x).Compare(mustKey(y)) }) {
		if x := w.states[revision][k]; wanted(x) {
			lines = append(lines, x.line())
		}
	}
	return lines
}

func (x *thing) line() string {
	r := x.resource()
	return fmt.Sprintf("%s %q %q %s %s since %d", r.Key, r.Name, r.Status, jsonText(r.Tags), r.Attributes, x.since)
}

// Reading answers back.

func resourceLine(r *api.Resource) string {
	return fmt.Sprintf("%s %q %q %s %s since %d", r.Key, r.Name, r.Status, jsonText(r.Tags), r.Attributes, r.Revision)
}

func eventLine(e *storage.ChangeEvent) string {
	line := string(e.ChangeType) + " " + e.Key
	var fields []string
	for _, f := range e.Changes {
		fields = append(fields, fmt.Sprintf("%s: %s -> %s", f.Path, orNull(string(f.Old)), orNull(string(f.New))))
	}
	if len(fields) > 0 {
		line += " " + strings.Join(fields, ", ")
	}
	return line
}

// decoded reads the output of a command in a format back into items.
func decoded[T any](t *testing.T, format, output string, fromCSV func(map[string]string) T) []T {
	t.Helper()
	var items []T
	switch format {
	case "json":
		var answer struct{ Items []T }
		noError(t, json.Unmarshal([]byte(output), &answer))
		items = answer.Items
	case "jsonl":
		for line := range strings.Lines(output) {
			var item T
			noError(t, json.Unmarshal([]byte(line), &item))
			items = append(items, item)
		}
	case "yaml":
		var list []any
		noError(t, yaml.Unmarshal([]byte(output), &list))
		for _, v := range list {
			b, err := json.Marshal(v)
			noError(t, err)
			var item T
			noError(t, json.Unmarshal(b, &item))
			items = append(items, item)
		}
	case "csv":
		rows, err := csv.NewReader(strings.NewReader(output)).ReadAll()
		noError(t, err)
		for _, row := range rows[1:] {
			cells := map[string]string{}
			for i, name := range rows[0] {
				cells[name] = row[i]
			}
			items = append(items, fromCSV(cells))
		}
	}
	return items
}

func resourceFromCSV(c map[string]string) *api.Resource {
	r := &api.Resource{Key: c["key"], Name: c["name"], Status: c["status"], Attributes: json.RawMessage(c["attributes"])}
	_ = json.Unmarshal([]byte(c["tags"]), &r.Tags)
	r.Revision, _ = strconv.ParseInt(c["revision"], 10, 64)
	return r
}

func eventFromCSV(c map[string]string) *storage.ChangeEvent {
	e := &storage.ChangeEvent{ID: c["id"], Key: c["key"], ChangeType: change.Type(c["change_type"])}
	_ = json.Unmarshal([]byte(c["changes"]), &e.Changes)
	return e
}

// kept is a store that outlives the commands that open it.
type kept struct{ storage.Store }

func (kept) Close() error { return nil }

func wantLines(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s:\n%s\nthe truth is\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func linesOf[T any](items []T, line func(T) string) []string {
	var lines []string
	for _, item := range items {
		lines = append(lines, line(item))
	}
	return lines
}

// asker asks the same questions through the commands and through the API.
type asker struct {
	t      *testing.T
	env    *Env
	api    http.Handler
	server string // its address
}

func (a *asker) cli(args ...string) string {
	a.t.Helper()
	r := runReading(a.t, a.env, append(args, "--storage-path", "x")...)
	if r.err != nil {
		a.t.Fatalf("elava %s: %v", strings.Join(args, " "), r.err)
	}
	return r.stdout
}

// pagesOf asks the API for all pages of a list.
func pagesOf[T any](a *asker, path string, question url.Values) []T {
	a.t.Helper()
	var all []T
	q := maps.Clone(question)
	for {
		r := httptest.NewRequest(http.MethodGet, "http://localhost"+api.Prefix+path+"?"+q.Encode(), nil)
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		a.api.ServeHTTP(w, r)
		var answer struct {
			Items      []T
			NextCursor string `json:"next_cursor"`
		}
		if w.Code != http.StatusOK {
			a.t.Fatalf("%s?%s: %d %s", path, q.Encode(), w.Code, w.Body)
		}
		noError(a.t, json.Unmarshal(w.Body.Bytes(), &answer))
		all = append(all, answer.Items...)
		if answer.NextCursor == "" {
			return all
		}
		q.Set("cursor", answer.NextCursor)
	}
}

var machineFormats = []string{"json", "jsonl", "csv", "yaml"}

// someFormats are two of them, by turns.
func someFormats(n int) []string {
	n %= len(machineFormats)
	return []string{machineFormats[n], machineFormats[(n+1)%len(machineFormats)]}
}

// newTruth returns the scripted account in a real store, and who asks about it.
func newTruth(t *testing.T) (*truth, *asker) {
	t.Helper()
	store, err := badger.Open(badger.Options{Path: t.TempDir()})
	noError(t, err)
	t.Cleanup(func() { noError(t, store.Close()) })
	env := readingEnv(nil)
	env.OpenStore = func(string) (storage.Store, error) { return kept{store}, nil }
	return script(t, store), &asker{t, env, api.NewServer(api.Options{Store: store}).Handler(), serverOf(t, store).URL}
}

// filterCase is a filter and what it selects.
type filterCase struct {
	flags  []string
	params url.Values
	wants  func(*thing) bool
}

var filterCases = []filterCase{
	{nil, url.Values{}, func(*thing) bool { return true }},
	{[]string{"--type", "aws::lambda::*"}, url.Values{"type": {"aws::lambda::*"}}, func(x *thing) bool { return x.key.Type == "AWS::Lambda::Function" }},
	{[]string{"--region", "eu-west-1"}, url.Values{"region": {"eu-west-1"}}, func(x *thing) bool { return x.key.Region == "eu-west-1" }},
	{[]string{"--account", "444455556666"}, url.Values{"account": {"444455556666"}}, func(x *thing) bool { return x.key.Account == "444455556666" }},
	{[]string{"--tag", "env=one"}, url.Values{"tag": {"env=one"}}, func(x *thing) bool { return x.text("tags.env") == "one" }},
	{[]string{"--tag", "env", "--type", "*instance", "--region", "us-east-1"}, url.Values{"tag": {"env"}, "type": {"*instance"}, "region": {"us-east-1"}},
		func(x *thing) bool {
			return x.text("tags.env") != "" && x.key.Type == "AWS::EC2::Instance" && x.key.Region == "us-east-1"
		}},
}

func TestTruth_EveryResourceAtEveryRevision(t *testing.T) {
	t.Parallel()
	w, a := newTruth(t)
	for revision := 1; revision <= truthRevisions; revision++ {
		at := strconv.Itoa(revision)
		for n, f := range filterCases {
			want := w.stateLines(revision, f.wants)
			for _, format := range machineFormats {
				out := a.cli(append([]string{"resources", "--at", at, "-o", format}, f.flags...)...)
				wantLines(t, fmt.Sprintf("resources at %s, filter %d, %s", at, n, format), linesOf(decoded(t, format, out, resourceFromCSV), resourceLine), want)
			}
			q := maps.Clone(f.params)
			q.Set("at", at)
			q.Set("limit", "5")
			wantLines(t, fmt.Sprintf("API resources at %s, filter %d", at, n), linesOf(pagesOf[*api.Resource](a, "resources", q), resourceLine), want)
			wantTable(t, a.cli(append([]string{"resources", "--at", at}, f.flags...)...), want)
		}
		for k, x := range w.states[revision] {
			var r api.Resource
			noError(t, json.Unmarshal([]byte(a.cli("show", k, "--at", at, "-o", "json")), &r))
			wantLines(t, "show "+k+" at "+at, []string{resourceLine(&r)}, []string{x.line()})
		}
	}
	for _, x := range w.states[truthRevisions] { // every way to name one
		for _, what := range []string{x.key.String(), x.key.ID, x.arn()} {
			var r api.Resource
			noError(t, json.Unmarshal([]byte(a.cli("show", what, "-o", "json")), &r))
			wantLines(t, "show "+what, []string{resourceLine(&r)}, []string{x.line()})
		}
	}
}

// wantTable holds the second column of a table, the id, against lines of things.
func wantTable(t *testing.T, table string, want []string) {
	t.Helper()
	var got, ids []string
	for line := range strings.Lines(table) {
		got = append(got, strings.Fields(line)[1])
	}
	for _, line := range want {
		ids = append(ids, mustKey(strings.Fields(line)[0]).ID)
	}
	wantLines(t, "table", got[1:], ids)
}

func TestTruth_AllPairsOfDiffs(t *testing.T) {
	t.Parallel()
	w, a := newTruth(t)
	seen := map[string]int{}
	for from := 1; from <= truthRevisions; from++ {
		for to := from; to <= truthRevisions; to++ {
			n := (from*7 + to) % len(filterCases)
			f := filterCases[n]
			want := w.difference(from, to, func(before, after *thing) bool {
				return before != nil && f.wants(before) || after != nil && f.wants(after)
			})
			what := fmt.Sprintf("diff %d %d, filter %d", from, to, n)
			args := append([]string{"diff", strconv.Itoa(from), strconv.Itoa(to)}, f.flags...)
			for _, format := range someFormats(from + to) {
				got := decoded(t, format, a.cli(append(args, "-o", format)...), eventFromCSV)
				wantLines(t, what+" "+format, linesOf(got, eventLine), want)
			}
			wantLines(t, what+" table", diffTable(a.cli(args...)), want)
			q := maps.Clone(f.params)
			q.Set("from", strconv.Itoa(from))
			q.Set("to", strconv.Itoa(to))
			q.Set("limit", "3")
			wantLines(t, "API "+what, linesOf(pagesOf[*storage.ChangeEvent](a, "diff", q), eventLine), want)
			for _, line := range want {
				typ, _, _ := strings.Cut(line, " ")
				seen[typ]++
			}
		}
	}
	if seen["created"] < 100 || seen["modified"] < 100 || seen["disappeared"] < 100 {
		t.Errorf("the script shows too little: %v", seen)
	}
}

// diffTable reads the table of diff back.
func diffTable(table string) []string {
	kinds := map[string]string{"+": "created", "~": "modified", "-": "disappeared"}
	var lines []string
	s := bufio.NewScanner(strings.NewReader(table))
	fields := 0
	for s.Scan() {
		line := s.Text()
		if field, ok := strings.CutPrefix(line, "    "); ok {
			separator := ", "
			if fields == 0 {
				separator = " "
			}
			fields++
			lines[len(lines)-1] += separator + strings.ReplaceAll(field, "(none)", "null")
			continue
		}
		words := strings.Fields(line)
		if len(words) < 2 || kinds[words[0]] == "" {
			continue
		}
		fields = 0
		lines = append(lines, kinds[words[0]]+" "+words[1])
	}
	return lines
}

func TestTruth_AllHistories(t *testing.T) {
	t.Parallel()
	w, a := newTruth(t)
	for k, steps := range w.steps {
		var want []string
		for _, step := range slices.Backward(steps) {
			typ, revision, _ := strings.Cut(step, " ")
			n, _ := strconv.Atoi(revision)
			e := storage.ChangeEvent{ChangeType: change.Type(typ), Key: "at " + revision, Changes: w.changes[k][n]}
			want = append(want, eventLine(&e))
		}
		line := func(v *api.Version) string {
			e := storage.ChangeEvent{ChangeType: v.ChangeType, Key: "at " + strconv.FormatInt(v.Revision, 10), Changes: v.Changes}
			return eventLine(&e)
		}
		for _, format := range []string{"json", "jsonl", "yaml"} {
			got := decoded[*api.Version](t, format, a.cli("history", k, "-o", format), nil)
			wantLines(t, "history "+k+" "+format, linesOf(got, line), want)
		}
		q := url.Values{"limit": {"2"}}
		wantLines(t, "API history "+k, linesOf(pagesOf[*api.Version](a, "history/"+url.PathEscape(k), q), line), want)
		wantLines(t, "history "+k, historyTable(a.cli("history", k)), want)
	}
}

// historyTable reads the table of history back.
func historyTable(table string) []string {
	var lines []string
	fields := 0
	for line := range strings.Lines(table) {
		line = strings.TrimSuffix(line, "\n")
		if field, ok := strings.CutPrefix(line, "    "); ok {
			separator := ", "
			if fields == 0 {
				separator = " "
			}
			fields++
			lines[len(lines)-1] += separator + strings.ReplaceAll(field, "(none)", "null")
			continue
		}
		if words := strings.Fields(line); len(words) > 3 && words[0] == "revision" {
			lines = append(lines, words[3]+" at "+words[1])
			fields = 0
		}
	}
	return lines
}

func TestTruth_ChangesOfEveryWindow(t *testing.T) {
	t.Parallel()
	w, a := newTruth(t)
	kinds := []string{"", "created", "modified", "disappeared"}
	for since := 1; since <= truthRevisions; since++ {
		for until := since; until <= truthRevisions; until++ {
			n := (since*5 + until) % 4 // filters of keys, the first four
			f, kind := filterCases[n], kinds[(since+until)%len(kinds)]
			var want []string
			for r := since + 1; r <= until; r++ {
				for i, e := range w.events[r] {
					typ, k, _ := strings.Cut(e, " ")
					if (kind == "" || typ == kind) && f.wants(&thing{key: mustKey(k)}) {
						want = append(want, fmt.Sprintf("%d-%d %s", r, i+1, e))
					}
				}
			}
			slices.Reverse(want)
			line := func(e *storage.ChangeEvent) string { return e.ID + " " + string(e.ChangeType) + " " + e.Key }
			args := append([]string{"changes", "--since", strconv.Itoa(since), "--until", strconv.Itoa(until)}, f.flags...)
			q := maps.Clone(f.params)
			if kind != "" {
				args = append(args, "--change-type", kind)
				q.Set("change_type", kind)
			}
			for _, format := range someFormats(since + until) {
				got := decoded(t, format, a.cli(append(args, "-o", format)...), eventFromCSV)
				wantLines(t, strings.Join(args, " ")+" "+format, linesOf(got, line), want)
			}
			q.Set("since", strconv.Itoa(since))
			q.Set("until", strconv.Itoa(until))
			q.Set("limit", "4")
			wantLines(t, "API "+strings.Join(args, " "), linesOf(pagesOf[*storage.ChangeEvent](a, "changes", q), line), want)
		}
	}
}
