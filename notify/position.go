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
	"time"

	"github.com/elava-dev/elava/storage"
)

// position is how far a hook has been told, kept in a file of its own. The file's name is
// made of the hook's URL, which may be a secret: so a hook whose filters change goes on,
// and one whose URL changes is new.
//
// Never is anything of a revision told before it is recorded, so that a position is at
// most (head+1)-0. One that the file has above that is of another history: a backup of an
// earlier time was restored.
//
// While the file cannot be written the position goes on in memory, and the file follows
// once it can be: a restart may repeat what was told meanwhile, nothing else does.
type position struct {
	path  string
	last  atomic.Pointer[storage.EventID] // told of, this one included
	ahead storage.EventID                 // what the file had where that was above the head; zero: it was not

	unnoted atomic.Pointer[trouble] // failures of writing the file; nil: the last one succeeded

	// Of the goroutine that tells the hook.
	noted storage.EventID // what the file has
	retry time.Time       // before which writing is not tried again
}

// record is what the file holds. Everything up to Told was told: "12-3" is the third event
// of revision 12, "13-0" all of revision 12.
type record struct {
	Told string `json:"told"`
}

// openPosition reads the position of a hook. A hook that has none begins behind the head,
// and so does one that has been told of what is above it: the first scan after a restore
// reports what is different from the backup, under revisions that were used before.
func openPosition(ctx context.Context, dir, url string, s storage.Store) (*position, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of positions: %w", err)
	}
	sum := sha256.Sum256([]byte(url))
	p := &position{path: filepath.Join(dir, hex.EncodeToString(sum[:16])+".json")}
	told, found, err := p.read()
	if err != nil {
		return nil, err
	}
	head, err := s.Head(ctx) // after the file, so that a store that goes on is not below it
	if err != nil {
		return nil, err
	}
	begin := storage.EventID{Revision: head.Revision + 1}
	if found && told.Compare(begin) <= 0 {
		p.last.Store(&told)
		p.noted = told
		return p, nil
	}
	p.ahead = told
	p.last.Store(&begin)
	return p, p.write()
}

// read returns what the file has, if there is one.
func (p *position) read() (told storage.EventID, found bool, err error) {
	b, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return told, false, nil
	}
	if err != nil {
		return told, false, fmt.Errorf("reading how far the hook was told: %w", err)
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return told, false, fmt.Errorf("%s is damaged; remove it to begin with what is recorded from now on: %w", p.path, err)
	}
	told, err = storage.ParseEventID(r.Told)
	if err != nil {
		return told, false, fmt.Errorf("%s is damaged; remove it to begin with what is recorded from now on: %w", p.path, err)
	}
	return told, true, nil
}

// next returns the event behind which to go on. Its revision is the first of which not
// everything was told.
func (p *position) next() storage.EventID { return *p.last.Load() }

// write makes the file have what next returns, durably.
func (p *position) write() error {
	id := p.next()
	b, err := json.Marshal(record{Told: id.String()})
	if err != nil {
		return err
	}
	if err := replaceFile(p.path, append(b, '\n')); err != nil {
		return fmt.Errorf("noting how far the hook was told: %w", err)
	}
	p.noted = id
	return nil
}

// used returns the newest revision of another history that the hook was told of, as long
// as it was not told as far in this one; else 0.
func (p *position) used() int64 {
	switch {
	case p.next().Compare(p.ahead) >= 0:
		return 0
	case p.ahead.Number == 0:
		return p.ahead.Revision - 1
	default:
		return p.ahead.Revision
	}
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
