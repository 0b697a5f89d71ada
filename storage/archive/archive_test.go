package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/archive"
	"github.com/elava-dev/elava/storage/badger"
)

var scope = resource.Scope{Provider: "aws", Account: "123456789012", Region: "us-east-1", Type: "AWS::EC2::Instance"}

func machine(i, generation int) *resource.Resource {
	return &resource.Resource{
		Key:  resource.Key{Provider: scope.Provider, Account: scope.Account, Region: scope.Region, Type: scope.Type, ID: fmt.Sprintf("i-%05d", i)},
		Name: fmt.Sprintf("web <%d> & ü", i), Status: "running", ARN: "arn:x", UID: "u", CreatedAt: time.Unix(1e9, 123).UTC(),
		Tags:       map[string]string{"generation": fmt.Sprint(generation), "empty": ""},
		Attributes: fmt.Appendf(nil, `{"Generation":%d,"Text":"%s"}`, generation, strings.Repeat("<&>", i%50)),
	}
}

// commit stores one scan.
func commit(t testing.TB, s storage.Store, muts ...storage.Mutation) {
	t.Helper()
	ctx := context.Background()
	txn, err := s.Begin(ctx, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer txn.Rollback()
	var h resource.Hasher
	live := 0
	for _, m := range muts {
		m.Fingerprint = h.Sum(m.Resource)
		if err := txn.Stage(ctx, m); err != nil {
			t.Fatal(err)
		}
		switch m.Type {
		case change.Created, change.Baseline:
			live++
		case change.Disappeared:
			live--
		}
	}
	state := storage.ScopeState{Scope: scope, Status: storage.ScopeComplete, Resources: live}
	for s, err := range s.Scopes(ctx, storage.HeadRevision) {
		if err != nil {
			t.Fatal(err)
		}
		state.Resources += s.Resources
	}
	if err := txn.SetScope(ctx, state); err != nil {
		t.Fatal(err)
	}
	if err := txn.Commit(ctx, &storage.ScanMetadata{StartTime: time.Now(), Status: storage.ScanSuccess}); err != nil {
		t.Fatal(err)
	}
}

// filled returns a store with a history: 3,000 resources, some changed, gone, replaced.
func filled(t testing.TB) *badger.Store {
	t.Helper()
	s, err := badger.Open(badger.Options{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var all []storage.Mutation
	for i := range 3000 {
		all = append(all, storage.Mutation{Type: change.Baseline, Resource: machine(i, 1), Schema: 3, Incomplete: []string{"tags"}})
	}
	commit(t, s, all...)
	commit(t, s,
		storage.Mutation{Type: change.Modified, Resource: machine(1, 2), Changes: []change.FieldChange{{Path: "tags.a<b", Old: []byte(`"<"`), New: []byte(`1e400`)}}},
		storage.Mutation{Type: change.Disappeared, Resource: machine(2, 1)},
		storage.Mutation{Type: change.Disappeared, Resource: machine(3, 1)},
		storage.Mutation{Type: change.Created, Resource: machine(3, 9)},
	)
	commit(t, s)
	commit(t, s, storage.Mutation{Type: change.Created, Resource: machine(2, 5)})
	return s
}

func backup(t testing.TB, s storage.Dumper) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := archive.Write(&b, s.Dump(context.Background())); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func restored(t testing.TB, stream []byte) *badger.Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "new")
	if _, err := badger.Restore(context.Background(), dir, nil, archive.Read(bytes.NewReader(stream))); err != nil {
		t.Fatal(err)
	}
	s, err := badger.Open(badger.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func whole(t testing.TB, s *badger.Store) {
	t.Helper()
	report, err := s.Verify(context.Background(), nil)
	if err != nil || !report.OK() {
		t.Fatalf("Verify: %v %q", err, report.Findings)
	}
}

func TestRestore_GivesTheSameStore(t *testing.T) {
	original := filled(t)
	whole(t, original)
	stream := backup(t, original)
	copied := restored(t, stream)
	whole(t, copied)
	if got := backup(t, copied); !bytes.Equal(got, stream) {
		t.Errorf("a backup of the restored store has %d bytes that differ from the first one's %d", len(got), len(stream))
	}
	commit(t, copied, storage.Mutation{Type: change.Disappeared, Resource: machine(7, 1)})
	whole(t, copied)
}

func TestRestore_KeepsWhatWasTrimmedAway(t *testing.T) {
	original := filled(t)
	if err := original.Trim(context.Background(), 2); err != nil {
		t.Fatal(err)
	}
	whole(t, original)
	copied := restored(t, backup(t, original))
	whole(t, copied)
	_, err := copied.Get(context.Background(), machine(1, 1).Key, 1)
	var compacted *storage.CompactedError
	if !errors.As(err, &compacted) || compacted.Oldest != 2 {
		t.Errorf("reading revision 1 of the copy: %v, want a CompactedError that names 2", err)
	}
}

func TestRestore_OfAnEmptyStoreIsAnEmptyStore(t *testing.T) {
	s, err := badger.Open(badger.Options{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	copied := restored(t, backup(t, s))
	if head, err := copied.Head(context.Background()); err != nil || head.Revision != 0 {
		t.Errorf("head is %+v, %v", head, err)
	}
	commit(t, copied, storage.Mutation{Type: change.Baseline, Resource: machine(1, 1)})
	whole(t, copied)
}

func TestRestore_RefusesADirectoryWithAStore(t *testing.T) {
	stream := backup(t, filled(t))
	dir := t.TempDir()
	if _, err := badger.Restore(context.Background(), dir, nil, archive.Read(bytes.NewReader(stream))); err != nil {
		t.Fatal(err)
	}
	_, err := badger.Restore(context.Background(), dir, nil, archive.Read(bytes.NewReader(stream)))
	if err == nil || !strings.Contains(err.Error(), "store already") {
		t.Errorf("second Restore: %v", err)
	}
}

func TestRestore_CutOffLeavesNoStore(t *testing.T) {
	stream := backup(t, filled(t))
	records := archive.Read(bytes.NewReader(stream))
	broken := errors.New("power cut")
	half := func(yield func(storage.DumpRecord, error) bool) {
		n := 0
		for rec, err := range records {
			if n++; n == 2000 {
				yield(storage.DumpRecord{}, broken)
				return
			}
			if !yield(rec, err) {
				return
			}
		}
	}
	dir := t.TempDir()
	if _, err := badger.Restore(context.Background(), dir, nil, half); !errors.Is(err, broken) {
		t.Fatalf("Restore: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
	if _, err := badger.Restore(context.Background(), dir, nil, archive.Read(bytes.NewReader(stream))); err != nil {
		t.Errorf("restoring again: %v", err)
	}
}

// readAll reads a stream to its end or its error.
func readAll(records iter.Seq2[storage.DumpRecord, error]) (n int, err error) {
	for _, err := range records {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func TestRead_RefusesDamageWithItsOffset(t *testing.T) {
	stream := backup(t, filled(t))
	want, err := readAll(archive.Read(bytes.NewReader(stream)))
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		damaged := bytes.Clone(stream)
		at := random.IntN(len(damaged))
		what := "a flipped bit"
		switch random.IntN(3) {
		case 0:
			damaged[at] ^= 1 << random.IntN(8)
		case 1:
			what = "a cut"
			damaged = damaged[:at]
		case 2:
			what = "an insertion"
			damaged = append(damaged[:at], append([]byte{byte(random.IntN(256))}, damaged[at:]...)...)
		}
		n, err := readAll(archive.Read(bytes.NewReader(damaged)))
		switch {
		case bytes.Equal(damaged, stream):
		case err == nil:
			t.Fatalf("%s at %d of %d was not noticed", what, at, len(stream))
		case n > want:
			t.Fatalf("%s at %d gave %d records of %d", what, at, n, want)
		case !errors.Is(err, archive.ErrDamaged) && !errors.Is(err, archive.ErrNotABackup) && !errors.Is(err, storage.ErrNewerFormat):
			t.Fatalf("%s at %d: %v", what, at, err)
		case errors.Is(err, archive.ErrDamaged) && !strings.Contains(err.Error(), "offset"):
			t.Fatalf("%s at %d: the error names no offset: %v", what, at, err)
		}
	}
}

func TestRead_RefusesOtherFilesAndNewerVersionsByName(t *testing.T) {
	if _, err := readAll(archive.Read(strings.NewReader("PK\x03\x04 something else entirely"))); !errors.Is(err, archive.ErrNotABackup) {
		t.Errorf("a foreign file: %v", err)
	}
	if _, err := readAll(archive.Read(strings.NewReader(""))); !errors.Is(err, archive.ErrNotABackup) {
		t.Errorf("an empty file: %v", err)
	}
	_, err := readAll(archive.Read(strings.NewReader("ELAVA-BACKUP 2\nwhatever")))
	if !errors.Is(err, storage.ErrNewerFormat) || !strings.Contains(err.Error(), "2") {
		t.Errorf("a newer version: %v", err)
	}
}

func TestDump_IsOneStateWhileScansGoOn(t *testing.T) {
	s := filled(t)
	n := 0
	var revisions int64
	for rec, err := range s.Dump(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%500 == 0 {
			commit(t, s, storage.Mutation{Type: change.Modified, Resource: machine(10, n), Changes: []change.FieldChange{{Path: "x", Old: []byte("1"), New: []byte("2")}}})
		}
		if rec.Scan != nil {
			revisions = max(revisions, rec.Scan.Revision)
		}
		if rec.Version != nil && rec.Version.Version.Revision > 4 {
			t.Fatalf("a version of revision %d", rec.Version.Version.Revision)
		}
	}
	if revisions != 4 {
		t.Errorf("the dump ends at revision %d, want 4, where it began", revisions)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("ELAVA-BACKUP 1\n\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(backup(f, filled(f)))
	f.Fuzz(func(t *testing.T, stream []byte) {
		_, _ = readAll(archive.Read(bytes.NewReader(stream))) // must not panic or hang
	})
}
