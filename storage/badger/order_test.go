package badger_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

// What a scan records here fills three memtables.
const (
	largeDocuments = 1000
	largeDocument  = 10_000
)

var orderScope = resource.Scope{Provider: "aws", Account: "111122223333", Region: "us-east-1", Type: "AWS::EC2::Instance"}

func orderKey(name string, n int) resource.Key {
	return resource.Key{Provider: orderScope.Provider, Account: orderScope.Account, Region: orderScope.Region, Type: orderScope.Type,
		ID: fmt.Sprintf("%s-%04d", name, n)}
}

// large returns a large document.
func large(key resource.Key, text string) (*resource.Resource, resource.Fingerprint) {
	r := &resource.Resource{Key: key, Attributes: fmt.Appendf(nil, `{"Text":%q}`, strings.Repeat(text, largeDocument))}
	var hasher resource.Hasher
	return r, hasher.Sum(r)
}

// recordMany commits or rolls back a revision of many large documents.
func recordMany(t testing.TB, s storage.Store, name, text string, end func(storage.Txn) error) {
	t.Helper()
	txn, err := s.Begin(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for n := range largeDocuments {
		r, fingerprint := large(orderKey(name, n), text)
		m := storage.Mutation{Type: change.Baseline, Resource: r, Fingerprint: fingerprint, Schema: 1}
		if err := txn.Stage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := end(txn); err != nil {
		t.Fatal(err)
	}
}

func commitMany(txn storage.Txn) error {
	return txn.Commit(context.Background(), &storage.ScanMetadata{Status: storage.ScanSuccess})
}

func rollBack(txn storage.Txn) error { return txn.Rollback() }

// wantOnly makes sure that resources with these names and texts are there and nothing else,
// and that the store is whole.
func wantOnly(t testing.TB, s storage.Store, want map[string]string) {
	t.Helper()
	known := 0
	for k, err := range s.Known(t.Context(), orderScope, storage.HeadRevision) {
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(k.Key.ID, "-")
		if _, fingerprint := large(k.Key, want[name]); k.Fingerprint != fingerprint {
			t.Fatalf("%s is not as it was committed", k.Key.ID)
		}
		known++
	}
	if known != len(want)*largeDocuments {
		t.Errorf("%d resources, want %d", known, len(want)*largeDocuments)
	}
	report, err := s.(*badger.Store).Verify(t.Context(), nil)
	if err != nil || !report.OK() {
		t.Errorf("Verify: %v, findings %.500q", err, report.Findings)
	}
}

// A reader keeps the memtable that it reads, and with it the log, which is older than all
// that was flushed meanwhile. After a crash that log does not bring back what was undone.
func TestOrder_AReaderBringsNothingBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	recordMany(t, s, "first", "a", commitMany)
	var endReading func()
	recordMany(t, s, "first", "b", func(txn storage.Txn) error {
		next, stop := iter.Pull2(s.Known(t.Context(), orderScope, storage.HeadRevision))
		if _, err, ok := next(); err != nil || !ok {
			t.Fatalf("Known: %v, %v", err, ok)
		}
		endReading = stop
		return txn.Rollback()
	})
	recordMany(t, s, "second", "c", commitMany)
	killed := crash(t, s, dir)
	for !hasGap(t, killed) { // the last memtables are being written
		killed = crash(t, s, dir)
	}
	endReading()
	for _, dir := range []string{killed, dir} {
		if dir != killed {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		again := open(t, dir)
		wantOnly(t, again, map[string]string{"first": "a", "second": "c"})
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// hasGap reports whether logs are there although younger ones have gone.
func hasGap(t testing.TB, dir string) bool {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(dir, "badger", "*.mem"))
	if err != nil {
		t.Fatal(err)
	}
	var first, last int
	if _, err := fmt.Sscanf(filepath.Base(logs[0]), "%d.mem", &first); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(filepath.Base(logs[len(logs)-1]), "%d.mem", &last); err != nil {
		t.Fatal(err)
	}
	return last-first+1 > len(logs)
}

// However much there is in memory and in level 0 when a process dies, level 0 has no more
// tables than Badger leaves alone when compactors begin.
func TestOrder_LevelZeroIsSmall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	recordMany(t, s, "first", "a", commitMany)
	crowded := crash(t, s, dir)
	small := func(s storage.Store) {
		t.Helper()
		if n := s.(*badger.Store).LevelZero(); n > badger.LevelZeroStall {
			t.Errorf("level 0 has %d tables", n)
		}
	}
	small(s)
	recordMany(t, s, "first", "b", rollBack)
	small(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	small(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	crowd(t, badger.EngineDir(crowded))
	s = open(t, crowded)
	small(s)
	wantOnly(t, s, map[string]string{"first": "a"})
	recordMany(t, s, "second", "c", commitMany)
	small(s)
	wantOnly(t, s, map[string]string{"first": "a", "second": "c"})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// crowd puts tables into level 0 as a killed process may leave them, of a scan that was
// not committed.
func crowd(t testing.TB, dir string) {
	t.Helper()
	db, err := badger.OpenWithoutCompactors(dir)
	if err != nil {
		t.Fatal(err)
	}
	batch := db.NewWriteBatchAt(2)
	err = batch.SetEntry(engine.NewEntry([]byte{'i'}, nil))
	for n := range 2 * largeDocuments {
		err = errors.Join(err, batch.SetEntry(engine.NewEntry(badger.DocumentKey(orderKey("first", n)), make([]byte, largeDocument))))
	}
	if err := errors.Join(err, batch.Flush(), db.Close()); err != nil {
		t.Fatal(err)
	}
	db, err = badger.OpenWithoutCompactors(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := db.Levels()[0].NumTables; n <= badger.LevelZeroStall {
		t.Fatalf("level 0 has %d tables, want more", n)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
