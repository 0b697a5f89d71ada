package badger_test

import (
	"errors"
	"iter"
	"testing"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/storage"
)

// Trim waits for no reader: one that has begun may find nothing where there was something,
// and then says so instead of ending as if there had been nothing.
func TestTrim_TellsReadersUnderWay(t *testing.T) {
	for name, read := range map[string]func(storage.Store) iter.Seq[error]{
		"List": func(s storage.Store) iter.Seq[error] {
			return errorsOf(s.List(t.Context(), storage.Query{Revision: 1}))
		},
		"List, keys only": func(s storage.Store) iter.Seq[error] {
			return errorsOf(s.List(t.Context(), storage.Query{Revision: 1, KeysOnly: true}))
		},
		"Known": func(s storage.Store) iter.Seq[error] { return errorsOf(s.Known(t.Context(), formatScope, 1)) },
		"Diff": func(s storage.Store) iter.Seq[error] {
			return errorsOf(s.Diff(t.Context(), storage.DiffQuery{From: 1, To: 3}))
		},
		"Changes": func(s storage.Store) iter.Seq[error] {
			return errorsOf(s.Changes(t.Context(), storage.ChangeQuery{Above: 1}))
		},
		"Changes, oldest first": func(s storage.Store) iter.Seq[error] {
			return errorsOf(s.Changes(t.Context(), storage.ChangeQuery{Above: 1, OldestFirst: true}))
		},
		"Changes of an id": func(s storage.Store) iter.Seq[error] {
			return errorsOf(s.Changes(t.Context(), storage.ChangeQuery{Above: 1, Filter: storage.Filter{ID: "b"}}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, t.TempDir())
			defer s.Close()
			l := &life{t: t, s: s}
			l.scan(change.Created, "a", "b", "c")
			l.scan(change.Modified, "a", "b")
			l.scan(change.Disappeared, "b", "c")
			n := 0
			var last error
			for err := range read(s) {
				if n++; n == 1 {
					if err != nil {
						t.Fatal(err)
					}
					if err := s.Trim(t.Context(), 3); err != nil {
						t.Fatal(err)
					}
				}
				last = err
			}
			if n != 2 || !errors.Is(last, storage.ErrCompacted) {
				t.Errorf("after Trim it went on with %d elements and ended with %v", n-1, last)
			}
		})
	}
}

func errorsOf[T any](seq iter.Seq2[T, error]) iter.Seq[error] {
	return func(yield func(error) bool) {
		for _, err := range seq {
			if !yield(err) {
				return
			}
		}
	}
}
