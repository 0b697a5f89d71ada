package badger_test

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

func TestOpen_TellsASecondProcessWhoHasTheStore(t *testing.T) {
	dir := t.TempDir()
	owner := start(t, "hold", lockOrders{Dir: dir})
	if line := owner.line(); !strings.HasPrefix(line, "holding") {
		t.Fatalf("the owner says %q\n%s", line, owner.stderr)
	}
	_, err := badger.Open(badger.Options{Path: dir})
	var locked *storage.LockedError
	if !errors.As(err, &locked) || !errors.Is(err, storage.ErrLocked) {
		t.Fatalf("Open of a store that another process has: %v, want a LockedError", err)
	}
	if locked.PID != owner.cmd.Process.Pid || locked.Path != dir {
		t.Errorf("got %+v, want process %d and %s", locked, owner.cmd.Process.Pid, dir)
	}
	if !strings.Contains(err.Error(), "--server") {
		t.Errorf("the error does not say what to do: %v", err)
	}
	owner.kill()
	_, _ = owner.wait()
	if err := open(t, dir).Close(); err != nil {
		t.Error(err)
	}
}

// Of many who open a store that was not closed, one recovers it. The others do not touch
// the files meanwhile.
func TestOpen_LetsOneRecover(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	killed := crash(t, s, dir)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var opening sync.WaitGroup
	stores := make(chan *badger.Store, 8)
	for range cap(stores) {
		opening.Go(func() {
			s, err := badger.Open(badger.Options{Path: killed})
			switch {
			case err == nil:
				stores <- s
			case !errors.Is(err, storage.ErrLocked):
				t.Errorf("Open: %v, want ErrLocked", err)
			}
		})
	}
	opening.Wait()
	close(stores)
	if len(stores) != 1 {
		t.Errorf("%d have the store open", len(stores))
	}
	for s := range stores {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(killed, "rescue*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
