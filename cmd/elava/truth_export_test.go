package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/storage"
)

// same runs a command through a socket and through a store, which must give the same
// bytes, and returns them.
func (a *asker) same(args ...string) string {
	a.t.Helper()
	near := runReading(a.t, a.env, append(slices.Clone(args), "--storage-path", "x")...)
	far := runReading(a.t, a.env, append(slices.Clone(args), "--server", a.server)...)
	if near.err != nil || far.err != nil {
		a.t.Fatalf("elava %s: from a store: %v, from a daemon: %v", strings.Join(args, " "), near.err, far.err)
	}
	if near != far {
		a.t.Fatalf("elava %s: from a store\n%+v\nfrom a daemon\n%+v", strings.Join(args, " "), near, far)
	}
	return near.stdout
}

var exportFormats = []string{"jsonl", "csv", "parquet"}

// parquetRows reads a Parquet file into rows of which the test knows some columns.
func parquetRows[T any](t *testing.T, text string) []T {
	t.Helper()
	rows, err := parquet.Read[T](strings.NewReader(text), int64(len(text)))
	noError(t, err)
	return rows
}

func exportedResources(t *testing.T, format, text string) []*api.Resource {
	t.Helper()
	if format != "parquet" {
		return decoded(t, format, text, resourceFromCSV)
	}
	var all []*api.Resource
	for _, row := range parquetRows[struct {
		Key        string            `parquet:"key"`
		Name       string            `parquet:"name"`
		Status     string            `parquet:"status,dict"`
		Tags       map[string]string `parquet:"tags"`
		Attributes string            `parquet:"attributes,json"`
		Revision   int64             `parquet:"revision"`
	}](t, text) {
		r := &api.Resource{Key: row.Key, Name: row.Name, Status: row.Status, Tags: map[string]string{}, Attributes: json.RawMessage(row.Attributes), Revision: row.Revision}
		for k, v := range row.Tags {
			r.Tags[k] = v
		}
		all = append(all, r)
	}
	return all
}

func exportedChanges(t *testing.T, format, text string) []*storage.ChangeEvent {
	t.Helper()
	if format != "parquet" {
		return decoded(t, format, text, eventFromCSV)
	}
	var all []*storage.ChangeEvent
	for _, row := range parquetRows[struct {
		ID         string `parquet:"id"`
		ChangeType string `parquet:"change_type,dict"`
		Key        string `parquet:"key"`
		Changes    string `parquet:"changes,json"`
	}](t, text) {
		e := &storage.ChangeEvent{ID: row.ID, ChangeType: change.Type(row.ChangeType), Key: row.Key}
		noError(t, json.Unmarshal([]byte(row.Changes), &e.Changes))
		all = append(all, e)
	}
	return all
}

func TestTruth_ExportedResourcesAtEveryRevision(t *testing.T) {
	t.Parallel()
	w, a := newTruth(t)
	for revision := 1; revision <= truthRevisions; revision++ {
		for n, f := range filterCases {
			want := w.stateLines(revision, f.wants)
			formats := exportFormats[(revision+n)%2:][:1]
			if n == revision%len(filterCases) { // Parquet takes long to write
				formats = exportFormats
			}
			for _, format := range formats {
				args := append([]string{"export", "resources", "--at", strconv.Itoa(revision), "--format", format}, f.flags...)
				wantLines(t, fmt.Sprintf("export at %d, filter %d, %s", revision, n, format), linesOf(exportedResources(t, format, a.same(args...)), resourceLine), want)
			}
		}
	}
}

func TestTruth_ExportedChangesOfEveryWindow(t *testing.T) {
	t.Parallel()
	w, a := newTruth(t)
	kinds := []string{"", "created", "modified", "disappeared"}
	for since := 1; since <= truthRevisions; since++ {
		for until := since; until <= truthRevisions; until++ {
			n := (since*5 + until) % 4 // filters of keys, the first four
			f, kind, format := filterCases[n], kinds[(since+until)%len(kinds)], exportFormats[(since*2+until)%2]
			if (since*3+until)%10 == 0 {
				format = "parquet" // which takes long to write
			}
			args := append([]string{"export", "changes", "--since", strconv.Itoa(since), "--until", strconv.Itoa(until), "--format", format}, f.flags...)
			if kind != "" {
				args = append(args, "--change-type", kind)
			}
			line := func(e *storage.ChangeEvent) string { return e.ID + " " + eventLine(e) }
			got := exportedChanges(t, format, a.same(args...))
			wantLines(t, strings.Join(args, " "), linesOf(got, line), w.eventsBetween(since, until, kind, f.wants))
		}
	}
}

// eventsBetween are the events above one revision and up to another, oldest first.
func (w *truth) eventsBetween(since, until int, kind string, wants func(*thing) bool) []string {
	var lines []string
	for r := since + 1; r <= until; r++ {
		for i, e := range w.events[r] {
			typ, k, _ := strings.Cut(e, " ")
			if kind != "" && typ != kind || !wants(&thing{key: mustKey(k)}) {
				continue
			}
			told := storage.ChangeEvent{ChangeType: change.Type(typ), Key: k, Changes: w.changes[k][r]}
			lines = append(lines, fmt.Sprintf("%d-%d %s", r, i+1, eventLine(&told)))
		}
	}
	return lines
}

// rowsOf are the rows of an answer to SQL in a format, as texts by column.
func rowsOf(t *testing.T, format, text string) []map[string]string {
	t.Helper()
	var all []map[string]string
	for _, row := range decoded(t, format, text, func(c map[string]string) map[string]any {
		row := map[string]any{}
		for name, v := range c {
			row[name] = v
		}
		return row
	}) {
		cells := map[string]string{}
		for name, v := range row {
			cells[name] = fmt.Sprint(v)
		}
		all = append(all, cells)
	}
	return all
}

func TestTruth_QueriesAtEveryRevision(t *testing.T) {
	t.Parallel()
	w, a := newTruth(t)
	for revision := 1; revision <= truthRevisions; revision++ {
		at := strconv.Itoa(revision)
		want := slices.Sorted(slices.Values(w.stateLines(revision, func(*thing) bool { return true })))
		for _, format := range someFormats(revision)[:1] {
			out := a.same("query", "select key, name, status, tags, attributes, revision from resources", "--at", at, "-o", format)
			var got []string
			for _, cells := range rowsOf(t, format, out) {
				got = append(got, resourceLine(resourceFromCSV(cells)))
			}
			slices.Sort(got)
			wantLines(t, "query at "+at+" "+format, got, want)

			out = a.same("query", "select id, change_type, key, changes from changes order by revision, cast(substr(id, instr(id, '-') + 1) as integer)", "--at", at, "-o", format)
			got = nil
			for _, cells := range rowsOf(t, format, out) {
				e := eventFromCSV(cells)
				got = append(got, e.ID+" "+eventLine(e))
			}
			wantLines(t, "query of changes at "+at+" "+format, got, w.eventsBetween(0, revision, "", func(*thing) bool { return true }))
		}
	}
}

func TestQuery_AnswersTheSameFromDaemonAndStore(t *testing.T) {
	s := readingStore(t)
	a := &asker{t: t, env: readingEnv(s), server: serverOf(t, s).URL}
	for _, format := range append([]string{"table"}, machineFormats...) {
		compareGolden(t, "query -o "+format, a.same("query", "select name, tags, revision, 0.5 half, null missing from resources order by key", "-o", format))
		compareGolden(t, "query nothing -o "+format, a.same("query", "select id, stale from resources where type = 'none'", "-o", format))
	}
}

// What --file writes is what standard output gets, and what the API answers.
func TestExport_AFileHoldsWhatTheAPIAnswers(t *testing.T) {
	s := readingStore(t)
	srv := serverOf(t, s)
	for _, what := range []string{"resources", "changes"} {
		for _, format := range exportFormats {
			resp, err := http.Get(srv.URL + api.Prefix + "export/" + what + "?format=" + format)
			noError(t, err)
			want, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			noError(t, err)
			for _, source := range [][]string{{"--server", srv.URL}, {"--storage-path", "x"}} {
				args := append([]string{"export", what, "--format", format}, source...)
				if got := runReading(t, readingEnv(s), args...); got.err != nil || got.stdout != string(want) || len(want) == 0 {
					t.Errorf("elava %q: %v, %d bytes; the API has %d", args, got.err, len(got.stdout), len(want))
				}
				file := filepath.Join(t.TempDir(), "file")
				got := runReading(t, readingEnv(s), append(args, "--file", file)...)
				written, err := os.ReadFile(file)
				if got.err != nil || err != nil || string(written) != string(want) || got.stdout != "" || got.stderr != fmt.Sprintf("note: wrote %s, %d bytes\n", file, len(want)) {
					t.Errorf("elava %q --file: %+v; %v, %d bytes; the API has %d", args, got, err, len(written), len(want))
				}
				again := runReading(t, readingEnv(s), append(args, "--file", file)...)
				if again.err == nil || !strings.Contains(again.err.Error(), "exists") {
					t.Errorf("elava %q --file of a file that exists: %v", args, again.err)
				}
			}
			if format != "parquet" {
				compareGolden(t, "export "+what+" "+format, string(want))
			}
		}
	}
}
