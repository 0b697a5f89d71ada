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
