package badger_test

import (
	"os"
	"path/filepath"
	"testing"
)

// What a process leaves that is killed at moments that last only microseconds.
func TestOpen_AfterAKill(t *testing.T) {
	write := func(t *testing.T, name string) {
		t.Helper()
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rename := func(t *testing.T, from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	for name, leave := range map[string]func(t *testing.T, dir string){
		"a log was made and not yet sized": func(t *testing.T, dir string) {
			rename(t, filepath.Join(dir, "SUMS"), filepath.Join(dir, "SUMS.open"))
			write(t, filepath.Join(dir, "badger", "00009.mem"))
			write(t, filepath.Join(dir, "badger", "000009.vlog"))
		},
		"the store was being made": func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "badger")); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(filepath.Join(dir, "SUMS")); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(filepath.Join(dir, "badger"), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "badger", "MANIFEST-REWRITE"))
		},
		"what a recovery had kept was being removed": func(t *testing.T, dir string) {
			rename(t, filepath.Join(dir, "SUMS"), filepath.Join(dir, "SUMS.open"))
			if err := os.Mkdir(filepath.Join(dir, "rescue.tmp"), 0o700); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := open(t, dir).Close(); err != nil {
				t.Fatal(err)
			}
			leave(t, dir)
			for range 2 {
				if err := open(t, dir).Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// The sums of a closed store are put aside before the engine touches its files, so that
// a process that is killed meanwhile does not leave sums that are not those of the files.
func TestOpen_PutsTheSumsAside(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	killed := crash(t, s, dir)
	if _, err := os.Stat(filepath.Join(killed, "SUMS")); !os.IsNotExist(err) {
		t.Errorf("an open store has sums of when it was closed: %v", err)
	}
	if err := open(t, killed).Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
