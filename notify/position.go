package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/elava-dev/elava/storage"
)

// position is how far a hook has been told, kept in a file of its own. The file's name is
// made of the hook's URL, which may be a secret: so a hook whose filters change goes on,
// and one whose URL changes is new.
type position struct {
	path string
	last atomic.Pointer[storage.EventID] // told of, this one included
}

// record is what the file holds. Everything up to Told was told: "12-3" is the third event
// of revision 12, "13-0" all of revision 12.
type record struct {
	Told string `json:"told"`
}

// openPosition reads the position of a hook. A hook that has none begins behind the head.
func openPosition(ctx context.Context, dir, url string, s storage.Store) (*position, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of positions: %w", err)
	}
	sum := sha256.Sum256([]byte(url))
	p := &position{path: filepath.Join(dir, hex.EncodeToString(sum[:16])+".json")}
	b, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		head, err := s.Head(ctx)
		if err != nil {
			return nil, err
		}
		return p, p.set(storage.EventID{Revision: head.Revision + 1})
	}
	if err != nil {
		return nil, fmt.Errorf("reading how far the hook was told: %w", err)
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("%s is damaged; remove it to begin with what is recorded from now on: %w", p.path, err)
	}
	id, err := storage.ParseEventID(r.Told)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged; remove it to begin with what is recorded from now on: %w", p.path, err)
	}
	p.last.Store(&id)
	return p, nil
}

// next returns the event behind which to go on. Its revision is the first of which not
// everything was told.
func (p *position) next() storage.EventID { return *p.last.Load() }

// set notes how far the hook was told, durably.
func (p *position) set(id storage.EventID) error {
	b, err := json.Marshal(record{Told: id.String()})
	if err != nil {
		return err
	}
	if err := replaceFile(p.path, append(b, '\n')); err != nil {
		return fmt.Errorf("noting how far the hook was told: %w", err)
	}
	p.last.Store(&id)
	return nil
}

// replaceFile writes a file so that a crash leaves the old or the new one.
func replaceFile(path string, content []byte) error {
	temporary := path + ".tmp"
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
