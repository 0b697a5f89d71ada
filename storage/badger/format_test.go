package badger_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
	"github.com/elava-dev/elava/storage/storagetest"
)

var update = flag.Bool("update", false, "write the store of the current format to testdata anew; for a new format only")

// A store of every format that a release wrote opens and reads exactly, whether it was
// closed or its process was killed. What is in testdata is never written again.
func TestFormat_EveryReleasedOneReadsExactly(t *testing.T) {
	current := filepath.Join("testdata", fmt.Sprintf("format-%d", badger.FormatVersion))
	if *update {
		writeFormat(t, current)
	}
	formats, err := filepath.Glob(filepath.Join("testdata", "format-*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(formats) != badger.FormatVersion {
		t.Fatalf("%d formats are in testdata, and this is number %d: run the test with -update", len(formats), badger.FormatVersion)
	}
	for _, dir := range formats {
		want, err := os.ReadFile(filepath.Join(dir, "answers.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, state := range []string{"closed", "killed"} {
			t.Run(filepath.Base(dir)+" "+state, func(t *testing.T) {
				store := t.TempDir()
				unpack(t, filepath.Join(dir, state+".tar.gz"), store)
				s := open(t, store)
				got, err := storagetest.Answers(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Error(firstDifference(string(want), got))
				}
				findByName(t, s)
				if report, err := s.(*badger.Store).Verify(t.Context(), nil); err != nil || !report.OK() {
					t.Errorf("Verify: %v, findings %q", err, report.Findings)
				}
				(&life{t: t, s: s, n: 50}).scan(change.Created, "after")
				findByName(t, s)
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// findByName compares what names and ARNs find with what is there, at every revision.
func findByName(t *testing.T, s storage.Store) {
	t.Helper()
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if stats.FormatVersion != badger.FormatVersion {
		t.Errorf("the store has format %d once it is open, want %d", stats.FormatVersion, badger.FormatVersion)
	}
	for revision := stats.OldestRevision; revision <= stats.Revision; revision++ {
		if err := storagetest.Searches(t.Context(), s, revision); err != nil {
			t.Error(err)
		}
	}
}

// writeFormat writes a store with one of everything, closed and killed, and its answers.
func writeFormat(t *testing.T, dir string) {
	store := t.TempDir()
	s := open(t, store)
	l := &life{t: t, s: s}
	l.scan(change.Baseline, "a", "b", "c", "d")
	l.scan(change.Modified, "a")
	l.scan(change.Disappeared, "b")
	l.scan(change.Created, "b", "e")
	l.scan(change.Rebaselined, "c")
	if err := s.Close(); err != nil { // so that there is a table
		t.Fatal(err)
	}
	l.s = open(t, store)
	l.rolledBack("a", "d", "f")
	l.failing("a")
	l.scan(change.Disappeared, "d", "e")
	if err := l.s.Trim(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	l.replaced("c")
	l.large("g")
	killed := crash(t, l.s, store)
	answers, err := storagetest.Answers(t.Context(), l.s)
	if err := errors.Join(err, l.s.Close(), os.MkdirAll(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "answers.json"), []byte(answers), 0o644); err != nil {
		t.Fatal(err)
	}
	pack(t, store, filepath.Join(dir, "closed.tar.gz"))
	pack(t, killed, filepath.Join(dir, "killed.tar.gz"))
}

// life makes scans of a few resources.
type life struct {
	t testing.TB
	s storage.Store
	n int
}

var formatScope = resource.Scope{Provider: "aws", Account: "123456789012", Region: "eu-central-1", Type: "AWS::IAM::Role"}

func (l *life) resource(id string) *resource.Resource {
	return &resource.Resource{
		Key:        resource.Key{Provider: "aws", Account: formatScope.Account, Region: formatScope.Region, Type: formatScope.Type, ID: id},
		ARN:        "arn:aws:iam::123456789012:role/" + id,
		Name:       "role " + id,
		Status:     "active",
		UID:        fmt.Sprintf("AROA%d", l.n),
		CreatedAt:  time.Date(2024, 2, 29, 12, 0, 0, 5, time.UTC),
		Tags:       map[string]string{"env": "prod", "n": fmt.Sprint(l.n), "ü": ""},
		Attributes: fmt.Appendf(nil, `{"MaxSessionDuration":%d,"Path":"/"}`, l.n),
	}
}

func (l *life) mutation(what change.Type, r *resource.Resource) storage.Mutation {
	var h resource.Hasher
	m := storage.Mutation{Type: what, Resource: r, Fingerprint: h.Sum(r), Schema: 2}
	switch what {
	case change.Modified:
		m.Changes = []change.FieldChange{{Path: "attributes.MaxSessionDuration", Old: []byte("1"), New: fmt.Append(nil, l.n)}}
	case change.Rebaselined:
		m.Incomplete = []string{resource.PartTags}
	}
	return m
}

// commit stages mutations and the state of the scope, and commits or rolls back.
func (l *life) commit(state storage.ScopeState, keep bool, mutations ...storage.Mutation) {
	l.t.Helper()
	l.n++
	ctx := l.t.Context()
	txn, err := l.s.Begin(ctx, time.Date(2025, 10, 22, 10, l.n, 0, 0, time.UTC))
	if err != nil {
		l.t.Fatal(err)
	}
	live := 0
	for k, err := range l.s.Known(ctx, formatScope, storage.HeadRevision) {
		if err != nil {
			l.t.Fatal(k, err)
		}
		live++
	}
	for _, m := range mutations {
		switch m.Type {
		case change.Created, change.Baseline:
			live++
		case change.Disappeared:
			live--
		}
		if err := txn.Stage(ctx, m); err != nil {
			l.t.Fatal(err)
		}
	}
	state.Scope, state.Resources = formatScope, live
	meta := storage.ScanMetadata{StartTime: txn.Time(), DurationMS: 12, ResourceCount: live, Status: storage.ScanSuccess}
	if state.Status == storage.ScopeFailed {
		meta.ErrorCount, meta.Status = 1, storage.ScanPartial
	}
	if err := txn.SetScope(ctx, state); err != nil {
		l.t.Fatal(err)
	}
	if keep {
		err = txn.Commit(ctx, &meta)
	} else {
		err = txn.Rollback()
	}
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) complete() storage.ScopeState {
	return storage.ScopeState{Status: storage.ScopeComplete}
}

func (l *life) mutations(what change.Type, ids ...string) []storage.Mutation {
	var all []storage.Mutation
	for _, id := range ids {
		all = append(all, l.mutation(what, l.resource(id)))
	}
	return all
}

func (l *life) scan(what change.Type, ids ...string) {
	l.t.Helper()
	l.commit(l.complete(), true, l.mutations(what, ids...)...)
}

// rolledBack stages more than is held back in memory, so that there is something to undo.
func (l *life) rolledBack(ids ...string) {
	l.t.Helper()
	l.commit(l.complete(), false, append(l.mutations(change.Modified, ids...), l.mutation(change.Created, l.largeResource("undone")))...)
}

func (l *life) failing(ids ...string) {
	l.t.Helper()
	l.commit(storage.ScopeState{Status: storage.ScopeFailed, Reason: "throttled", Error: "Rate exceeded"}, true,
		l.mutations(change.Modified, ids...)...)
}

func (l *life) replaced(id string) {
	l.t.Helper()
	l.commit(l.complete(), true, l.mutation(change.Disappeared, l.resource(id)), l.mutation(change.Created, l.resource(id)))
}

func (l *life) large(id string) {
	l.t.Helper()
	l.commit(l.complete(), true, l.mutation(change.Created, l.largeResource(id)))
}

func (l *life) largeResource(id string) *resource.Resource {
	r := l.resource(id)
	r.Attributes = fmt.Appendf(nil, `{"Document":"%s"}`, strings.Repeat("0123456789", 60_000))
	return r
}

func pack(t testing.TB, dir, file string) {
	t.Helper()
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for _, name := range filesOf(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		err = w.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o600, Size: int64(len(content))})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close(), os.WriteFile(file, packed.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func unpack(t testing.TB, file, dir string) {
	t.Helper()
	packed, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(header.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}
