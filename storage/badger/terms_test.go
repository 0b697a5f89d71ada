package badger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/archive"
	"github.com/elava-dev/elava/storage/badger"
	"github.com/elava-dev/elava/storage/storagetest"
)

// eventfulStore plays a part of a sequence, with renamings, trims and roll-backs, in a new
// store and in a model.
func eventfulStore(t *testing.T, dir string) (*badger.Store, *storagetest.Model) {
	t.Helper()
	seed := storagetest.Seed(t)
	t.Logf("seed %d: repeat with STORAGETEST_SEED=%d", seed, seed)
	q := &storagetest.Sequence{Seed: seed, Many: 150, Text: 200}
	s, model := open(t, dir).(*badger.Store), storagetest.NewModel()
	for n := range 20 {
		for _, s := range []storage.Store{s, model} {
			if err := q.Do(t.Context(), s, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s, model
}

// compareWhole compares a store with a model and with itself, and closes it.
func compareWhole(t *testing.T, s *badger.Store, model *storagetest.Model) {
	t.Helper()
	if err := storagetest.Compare(t.Context(), model, s, nil); err != nil {
		t.Error(err)
	}
	if report, err := s.Verify(t.Context(), nil); err != nil || !report.OK() {
		t.Errorf("Verify: %v, findings %q", err, report.Findings)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// closedAs1 makes a store one of format 1 and closes it.
func closedAs1(t *testing.T, s *badger.Store) {
	t.Helper()
	if err := errors.Join(s.Unindex(), s.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestTerms_StoreOfFormat1IsIndexedWhenItIsOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, model := eventfulStore(t, dir)
	closedAs1(t, s)
	s = open(t, dir).(*badger.Store)
	if entries, _, _ := s.TermEntries(); entries == 0 {
		t.Error("nothing is indexed")
	}
	compareWhole(t, s, model)
}

// What an indexed store writes is what indexing it later writes.
func TestTerms_IndexingLaterGivesTheSameEntries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir).(*badger.Store)
	l := &life{t: t, s: s}
	for round := range 3 {
		l.scan(change.Baseline, "a", "b", "c")
		l.renamed(fmt.Sprint("other ", round), "a", "b")
		l.replaced("c")
		l.scan(change.Disappeared, "a", "b", "c")
	}
	if err := s.Trim(t.Context(), 6); err != nil {
		t.Fatal(err)
	}
	entries, _, ended := s.TermEntries()
	closedAs1(t, s)
	s = open(t, dir).(*badger.Store)
	defer s.Close()
	if e, _, n := s.TermEntries(); e != entries || n != ended || e == 0 {
		t.Errorf("%d entries and %d notes, want %d and %d", e, n, entries, ended)
	}
}

func TestTerms_WithoutAnIndexEverythingIsReadAndFound(t *testing.T) {
	t.Parallel()
	s, model := eventfulStore(t, t.TempDir())
	if err := s.Unindex(); err != nil {
		t.Fatal(err)
	}
	compareWhole(t, s, model)
}

// stopAfter is a context that is cancelled after it was looked at so many times.
type stopAfter struct {
	context.Context
	left atomic.Int64
}

func (c *stopAfter) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

func TestTerms_IndexingGoesOnWhereItWasCutOff(t *testing.T) {
	t.Parallel()
	const resources = 2*badger.IndexedPerNote + badger.IndexedPerNote/2
	dir := t.TempDir()
	s := open(t, dir).(*badger.Store)
	l := &life{t: t, s: s}
	var ids []string
	for i := range resources {
		ids = append(ids, fmt.Sprintf("r-%06d", i))
	}
	l.scan(change.Baseline, ids...)
	if err := s.Unindex(); err != nil {
		t.Fatal(err)
	}
	stop := &stopAfter{Context: t.Context()}
	stop.left.Store(resources - 10)
	if err := s.IndexTerms(stop); !errors.Is(err, context.Canceled) {
		t.Fatalf("indexing that is cut off: %v", err)
	}
	noted, err := s.Indexed()
	if last := ids[2*badger.IndexedPerNote-1]; err != nil || !strings.HasSuffix(noted, last) {
		t.Errorf("it got to %q, %v; want %s to be noted", noted, err, last)
	}
	cut := crash(t, s, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, cut} {
		s = open(t, dir).(*badger.Store)
		if noted, err := s.Indexed(); noted != "" || err != nil {
			t.Errorf("once it is done, %q is noted, %v", noted, err)
		}
		if entries, written, _ := s.TermEntries(); entries != 2*resources || written > entries+2 {
			t.Errorf("%d entries, written %d times; want %d, each once", entries, written, 2*resources)
		}
		if report, err := s.Verify(t.Context(), nil); err != nil || !report.OK() {
			t.Errorf("Verify: %v, findings %q", err, report.Findings)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What is noted counts for the head that it was noted at: an older release may have gone
// on with the store.
func TestTerms_IndexingBeginsAnewAfterACommit(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir()).(*badger.Store)
	defer s.Close()
	l := &life{t: t, s: s}
	var ids []string
	for i := range badger.IndexedPerNote + 10 {
		ids = append(ids, fmt.Sprintf("r-%06d", i))
	}
	l.scan(change.Baseline, ids...)
	stop := &stopAfter{Context: t.Context()}
	stop.left.Store(badger.IndexedPerNote + 5)
	if err := s.IndexTerms(stop); !errors.Is(err, context.Canceled) {
		t.Fatalf("indexing that is cut off: %v", err)
	}
	l.renamed("new", ids[0])
	if err := s.Unindex(); err != nil {
		t.Fatal(err)
	}
	if err := s.IndexTerms(t.Context()); err != nil {
		t.Fatal(err)
	}
	if entries, _, ended := s.TermEntries(); entries != 2*len(ids)+1 || ended != 1 {
		t.Errorf("%d entries and %d notes, want %d and 1", entries, ended, 2*len(ids)+1)
	}
}

// renamed commits the resources under another name.
func (l *life) renamed(name string, ids ...string) {
	l.t.Helper()
	var all []storage.Mutation
	for _, id := range ids {
		r := l.resource(id)
		r.Name = name + " " + id
		all = append(all, l.mutation(change.Modified, r))
	}
	l.commit(l.complete(), true, all...)
}

func TestTerms_NothingIsWrittenForAResourceThatKeepsItsName(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir()).(*badger.Store)
	defer s.Close()
	l := &life{t: t, s: s}
	l.scan(change.Baseline, "a", "b")
	for range 5 {
		l.scan(change.Modified, "a")
		l.scan(change.Rebaselined, "b")
		l.commit(l.complete(), true)
	}
	if entries, written, ended := s.TermEntries(); entries != 4 || written != 4 || ended != 0 {
		t.Errorf("%d entries, written %d times, %d notes; want 4, 4 and 0", entries, written, ended)
	}
}

// However often names change, what is left after Trim are those of what is left.
func TestTerms_TrimDropsWhatNothingIsCalled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir).(*badger.Store)
	l := &life{t: t, s: s}
	l.scan(change.Baseline, "a", "b", "c")
	for n := range 10 {
		l.renamed(fmt.Sprint("name ", n), "a", "b")
		l.scan(change.Disappeared, "c")
		l.rolledBack("a", "b")
		l.scan(change.Created, "c")
	}
	l.scan(change.Disappeared, "b", "c")
	if entries, _, ended := s.TermEntries(); entries != 26 || ended != 32 {
		t.Fatalf("%d entries and %d notes before Trim, want 26 and 32", entries, ended)
	}
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for oldest := head.Revision - 25; oldest <= head.Revision; oldest += 5 {
		if err := s.Trim(t.Context(), oldest); err != nil {
			t.Fatal(err)
		}
		for revision := oldest; revision <= head.Revision; revision++ {
			if err := storagetest.Searches(t.Context(), s, revision); err != nil {
				t.Error(err)
			}
		}
	}
	if entries, _, ended := s.TermEntries(); entries != 2 || ended != 0 {
		t.Errorf("%d entries and %d notes, want 2 of the one resource that is left, and 0", entries, ended)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestTerms_MissingEntriesAreFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir).(*badger.Store)
	l := &life{t: t, s: s}
	l.scan(change.Baseline, "a", "b")
	l.n--
	if err := s.ForgetTerms(l.resource("a")); err != nil {
		t.Fatal(err)
	}
	report, err := s.Verify(t.Context(), nil)
	if err != nil || report.OK() || !strings.Contains(report.Findings[0], "not found by its name") {
		t.Errorf("Verify: %v, findings %q; want one that names the index", err, report.Findings)
	}
	cut := crash(t, s, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := badger.Open(badger.Options{Path: cut}); !errors.Is(err, storage.ErrCorrupt) || !strings.Contains(err.Error(), "names and ARNs") {
		t.Errorf("opening after a crash: %v, want ErrCorrupt that names the index", err)
	}
}

// A backup tells nothing of the index, so that an old one makes a store with one.
func TestTerms_RestoredStoreFindsByName(t *testing.T) {
	t.Parallel()
	s, model := eventfulStore(t, t.TempDir())
	if err := s.Unindex(); err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	if _, err := archive.Write(&backup, s.Dump(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := badger.Restore(t.Context(), dir, nil, archive.Read(&backup)); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir).(*badger.Store)
	if entries, _, _ := s.TermEntries(); entries == 0 {
		t.Error("nothing is indexed")
	}
	compareWhole(t, s, model)
}

// Trim and searches go on at a time: what is found is right, or the revision was trimmed.
func TestTerms_SearchesWhileTrimming(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir()).(*badger.Store)
	defer s.Close()
	l := &life{t: t, s: s}
	l.scan(change.Baseline, "a", "b")
	const renamings = 60
	for range renamings {
		l.renamed("other", "a")
		l.renamed("role", "a")
	}
	done := make(chan error, 1)
	go func() {
		for oldest := int64(2); oldest <= 2*renamings; oldest++ {
			if err := s.Trim(t.Context(), oldest); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	searches := 0
	for revision := int64(1); revision <= 2*renamings; revision++ {
		name := "role a"
		if revision%2 == 0 {
			name = "other a"
		}
		q := storage.Query{Filter: storage.Filter{Name: name}, Revision: revision}
		var found []resource.Key
		var failed error
		for v, err := range s.List(t.Context(), q) {
			if failed = err; err == nil {
				found = append(found, v.Resource.Key)
			}
		}
		if errors.Is(failed, storage.ErrCompacted) {
			continue
		}
		if failed != nil || len(found) != 1 {
			t.Errorf("%q at revision %d: %v, %v; want one resource", name, revision, found, failed)
		}
		searches++
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	t.Logf("%d of %d searches were ahead of Trim", searches, 2*renamings)
}
