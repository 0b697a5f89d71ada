package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/elava-dev/elava/storage"
)

func exported(t *testing.T, c *Client, at, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, c.ExportResources(t.Context(), ResourceQuery{At: at}, format, &b))
	return b.Bytes()
}

func TestExport_FormatsHoldWhatTheListHolds(t *testing.T) {
	c := NewLocalClient(newTestServer(newWorld(t)).Handler())
	for _, at := range []string{"", "1", "3"} {
		var want []Resource
		var lines bytes.Buffer
		for r, err := range c.Resources(t.Context(), ResourceQuery{At: at}) {
			check(t, err)
			want = append(want, *r)
			line, err := encode(r)
			check(t, err)
			lines.Write(line)
		}
		if got := exported(t, c, at, "jsonl"); !bytes.Equal(got, lines.Bytes()) {
			t.Errorf("at %q: lines\n%s\nwant\n%s", at, got, lines.Bytes())
		}
		cells, err := csv.NewReader(bytes.NewReader(exported(t, c, at, "csv"))).ReadAll()
		check(t, err)
		rows, err := parquet.Read[resourceRow](bytes.NewReader(exported(t, c, at, "parquet")), int64(len(exported(t, c, at, "parquet"))))
		check(t, err)
		if len(cells) != len(want)+1 || len(rows) != len(want) {
			t.Fatalf("at %q: %d rows of CSV, %d of Parquet, want %d", at, len(cells), len(rows), len(want))
		}
		for i, r := range want {
			for j, column := range ResourceColumns() {
				if cells[0][j] != column.Name || cells[i+1][j] != column.Value(&r) {
					t.Errorf("at %q: %s of %s is %q, want %q", at, cells[0][j], r.Key, cells[i+1][j], column.Value(&r))
				}
			}
			row := &rows[i]
			if row.Key != r.Key || row.Attributes != string(r.Attributes) || fmt.Sprint(row.Tags) != fmt.Sprint(r.Tags) || row.Stale != r.Stale ||
				!row.ValidFrom.Equal(r.ValidFrom) || (row.CreatedAt == nil) != (r.CreatedAt == nil) || !slices.Equal(row.Incomplete, r.Incomplete) {
				t.Errorf("at %q: Parquet has %+v, want %+v", at, row, r)
			}
		}
	}
}

func TestExport_ChangesAreThoseOfTheWindowOldestFirst(t *testing.T) {
	c := NewLocalClient(newTestServer(newWorld(t)).Handler())
	var b bytes.Buffer
	check(t, c.ExportChanges(t.Context(), ChangeQuery{Since: "1", Until: "3"}, "jsonl", &b))
	var ids []string
	for d := json.NewDecoder(&b); d.More(); {
		var e storage.ChangeEvent
		check(t, d.Decode(&e))
		ids = append(ids, e.ID)
	}
	if got := strings.Join(ids, " "); got != "2-1 2-2 2-3 3-1" {
		t.Errorf("events %s", got)
	}
	b.Reset()
	check(t, c.ExportChanges(t.Context(), ChangeQuery{ChangeTypes: []string{"disappeared"}}, "parquet", &b))
	rows, err := parquet.Read[changeRow](bytes.NewReader(b.Bytes()), int64(b.Len()))
	check(t, err)
	if len(rows) != 1 || rows[0].ID != "3-1" || rows[0].Changes != "[]" {
		t.Errorf("rows %+v", rows)
	}
}

func TestExport_RefusesWithAProblem(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	for target, status := range map[string]int{
		"export/resources?format=xml": 400, "export/resources?limit=3": 400, "export/resources?at=99": 400, "export/changes?at=1": 400,
		"export/nothing": 404, "export/": 404, "export": 404, "export/changes?since=3&until=1": 400,
	} {
		if w := ask(t, h, target); w.Code != status {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

// breaking fails in the middle of a list.
type breaking struct{ storage.Store }

func (s breaking) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	return func(yield func(*storage.Version, error) bool) {
		for v, err := range s.Store.List(ctx, q) {
			if !yield(v, err) {
				return
			}
			yield(nil, errors.New("the disk is gone"))
			return
		}
	}
}

func TestExport_ThatBreaksOffIsAnError(t *testing.T) {
	c := NewLocalClient(newTestServer(breaking{newWorld(t)}).Handler())
	for format := range exportTypes {
		var b bytes.Buffer
		err := c.ExportResources(t.Context(), ResourceQuery{}, format, &b)
		if _, ok := errors.AsType[*UnreachableError](err); !ok {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// Whether a window was dropped is known before anything is written, and without reading what
// a filter does not select.
func TestExport_LooksForDroppedChangesWithoutAFilter(t *testing.T) {
	store := &firstQuestion{Store: newWorld(t)}
	ask(t, newTestServer(store).Handler(), "export/changes?type=x&since=1")
	if q := store.first; q == nil || len(q.Types) > 0 || q.Above != 1 || q.UpTo != 4 {
		t.Errorf("the store was first asked for %+v", q)
	}
}

// firstQuestion remembers which changes it was first asked for.
type firstQuestion struct {
	storage.Store
	first *storage.ChangeQuery
}

func (s *firstQuestion) Changes(ctx context.Context, q storage.ChangeQuery) iter.Seq2[*storage.ChangeEvent, error] {
	if s.first == nil {
		s.first = &q
	}
	return s.Store.Changes(ctx, q)
}

// Who stops reading ends the export.
func TestExport_EndsWithItsReader(t *testing.T) {
	c := NewLocalClient(newTestServer(newWorld(t)).Handler())
	for range 3 {
		resp, err := c.send(t.Context(), "export/resources", nil, nil)
		check(t, err)
		check(t, resp.Body.Close())
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Elava-Revision") != "4" {
			t.Errorf("%s %v", resp.Status, resp.Header)
		}
	}
}

func FuzzAppendResource(f *testing.F) {
	f.Add("plain", "a<b>&\"\\", "\u2028\u2029\b\f\n\r\t\x01\x7f")
	f.Add("\xff\xfe", "日本", "😀")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		at := start
		r := Resource{
			Key: a, Name: b, Status: c, Tags: map[string]string{a: b, c: a, "z": ""}, Attributes: json.RawMessage(`{"A":[1,"<"]}`),
			ValidFrom: start, CreatedAt: &at, Incomplete: []string{a, c}, Stale: len(a)%2 == 0,
		}
		want, err := encode(r)
		check(t, err)
		if got := appendResource(nil, &r); !bytes.Equal(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}
