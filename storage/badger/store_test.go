package badger_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
	"github.com/elava-dev/elava/storage/storagetest"
)

func open(t testing.TB, dir string) storage.Store {
	t.Helper()
	s, err := badger.Open(badger.Options{Path: dir})
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}

// crash copies what a killed process would leave: the files as they are, mapped memory
// included, and no clean end. Badger writes tables in the background; a copy during
// which the set of files changed is no state that ever was, and is made again.
func crash(t testing.TB, _ storage.Store, dir string) string {
	t.Helper()
	for range 1000 {
		to := t.TempDir()
		before := listing(t, dir)
		err := copySparsely(dir, to)
		if err == nil && slices.Equal(before, listing(t, dir)) {
			return to
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("copying the store: %v", err)
		}
	}
	t.Fatal("the files of the store never came to rest")
	return ""
}

// listing names the files of a directory with their sizes.
func listing(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			names = append(names, fmt.Sprint(path, info.Size(), info.ModTime()))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var options = storagetest.Options{Persistent: true, Crash: crash}

func TestStore_KeepsTheContract(t *testing.T) {
	t.Parallel()
	storagetest.Exercise(t, open, options)
}

func TestOpen_NamesTheOwnerOfALockedStore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	_, err := badger.Open(badger.Options{Path: dir})
	var locked *storage.LockedError
	if !errors.As(err, &locked) || !errors.Is(err, storage.ErrLocked) {
		t.Fatalf("second Open: got %v, want a LockedError", err)
	}
	if locked.PID != os.Getpid() {
		t.Errorf("owner is %d, want %d", locked.PID, os.Getpid())
	}
	if !strings.Contains(err.Error(), "--server") {
		t.Errorf("the error does not say what to do: %v", err)
	}
}

func TestOpen_RefusesOtherFormatsByName(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		want    error
		says    string
	}{
		"a newer format": {"elava store format 99\n", storage.ErrNewerFormat, "99"},
		"nonsense":       {"hello\n", storage.ErrCorrupt, "FORMAT"},
		"empty":          {"", storage.ErrCorrupt, "FORMAT"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := open(t, dir).Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := badger.Open(badger.Options{Path: dir})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %v that says %q", err, c.want, c.says)
			}
		})
	}
}

func TestOpen_DoesNotTakeAStoreWithoutItsFormatForANewOne(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "FORMAT")); err != nil {
		t.Fatal(err)
	}
	if _, err := badger.Open(badger.Options{Path: dir}); !errors.Is(err, storage.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}
