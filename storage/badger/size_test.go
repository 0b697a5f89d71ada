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
	for stored, most := range map[int64]int64{1 << 30: 65530 / 3, 3 << 30: 65530 / 3, 10 << 30: 65530 / 3, 39 << 30: 65530} {
		if tables := stored / tableSizeFor(stored); tables > most {
			t.Errorf("a store of %d bytes has %d tables, want %d at most", stored, tables, most)
		}
	}
	if small, threeGB := tableSizeFor(0), tableSizeFor(3<<30-1); small != threeGB {
		t.Errorf("tables of a store below 3 GiB are of %d bytes, want %d as in an empty one: larger ones take more memory", threeGB, small)
	}
	// A compaction reads a table and the ten or so that it overlaps with; two may run.
	if largest := tableSizeFor(1 << 50); 2*16*largest > spaceForDeepLevels {
		t.Errorf("two compactions of tables of %d bytes need more space on the disk than the %d that are kept for them", largest, spaceForDeepLevels)
	}
}
