package badger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// The root of a disk has a directory that nobody but root may read: it is none of the
// store's. That of the store itself has to be read.
func TestStats_LeavesOutWhatMayNotBeRead(t *testing.T) {
	m := meter{root: "data"}
	denied := &fs.PathError{Op: "open", Path: "lost+found", Err: os.ErrPermission}
	if err := m.visit(filepath.Join("data", "lost+found"), nil, denied); err != filepath.SkipDir {
		t.Errorf("below the root: %v", err)
	}
	if err := m.visit("data", nil, denied); !errors.Is(err, os.ErrPermission) {
		t.Errorf("the root: %v", err)
	}
}

// Every table is a file that stays open and mapped; Linux lets a process map 65,530.
func TestTableSize_KeepsTheFilesOfALargeStoreFew(t *testing.T) {
	const most = 65530 / 3
	for _, stored := range []int64{0, 1, 1 << 30, 3 << 30, 10 << 30, 100 << 30, 1 << 40} {
		size := tableSizeFor(stored)
		if tables := stored / size; size < tableSizeFor(0) || tables > most {
			t.Errorf("a store of %d bytes has %d tables of %d bytes, want %d at most", stored, tables, size, most)
		}
	}
	if small, threeGB := tableSizeFor(0), tableSizeFor(3<<30-1); small != threeGB {
		t.Errorf("tables of a store below 3 GiB are of %d bytes, want %d as in an empty one: larger ones take more memory", threeGB, small)
	}
}
