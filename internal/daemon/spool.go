package daemon

import (
	"bufio"
	"cmp"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"sync"

	"github.com/elava-dev/elava/resource"
)

// finding is a resource that is not recorded as it was found.
type finding struct {
	Scope       int // index within the scan
	Resource    resource.Resource
	Fingerprint resource.Fingerprint
	Schema      uint32
	Incomplete  []string // parts that were never read
	Known       bool     // some version of it is recorded and live
	KnownUID    string
	KnownSchema uint32
}

// Bytes of findings that a spool holds in memory. A scan of a known cloud finds little;
// the first scan of a large one finds everything, and goes to a file.
const spoolMemory = 8 << 20

// spool holds findings until it is known which scopes are complete. Findings go to a
// file of its directory once they take too much memory; the file has no name, so nothing
// of it survives the process. The zero spool with a directory is ready for use by
// several goroutines; all has to be added before findings are read back.
type spool struct {
	dir  string
	room func(bytes int64) error // whether the disk has room for so much; nil: it has

	mu       sync.Mutex
	held     []finding
	heldSize int
	file     *os.File
	buffer   *bufio.Writer
	encoder  *gob.Encoder
	count    int
}

func (s *spool) add(f finding) error {
	f.Resource.Unknown = nil // what is left of it is in Incomplete; errors cannot be written
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	if s.file == nil {
		s.held = append(s.held, f)
		s.heldSize += sizeOf(&f.Resource)
		if s.heldSize <= spoolMemory {
			return nil
		}
		return s.spill()
	}
	return s.write(&f)
}

// sizeOf estimates what a resource takes in memory.
func sizeOf(r *resource.Resource) int {
	n := 512 + len(r.Attributes) + len(r.ARN) + len(r.Key.ID)
	for k, v := range r.Tags {
		n += 64 + len(k) + len(v)
	}
	return n
}

func (s *spool) spill() error {
	f, err := os.CreateTemp(s.dir, "elava-scan-*.tmp")
	if err != nil {
		return fmt.Errorf("spooling a large scan: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return errors.Join(fmt.Errorf("spooling a large scan: %w", err), f.Close())
	}
	s.file = f
	s.buffer = bufio.NewWriterSize(careful{f, s.room}, 256<<10)
	s.encoder = gob.NewEncoder(s.buffer)
	for i := range s.held {
		if err := s.write(&s.held[i]); err != nil {
			return err
		}
	}
	s.held = nil
	return nil
}

// careful is a file that takes no space which its disk's owner needs.
type careful struct {
	file *os.File
	room func(bytes int64) error
}

// Write implements io.Writer.
func (c careful) Write(b []byte) (int, error) {
	if c.room != nil {
		if err := c.room(int64(len(b))); err != nil {
			return 0, err
		}
	}
	return c.file.Write(b)
}

func (s *spool) write(f *finding) error {
	if err := s.encoder.Encode(f); err != nil {
		return fmt.Errorf("spooling a large scan: %w", err)
	}
	return nil
}

// all yields the findings: in the order of their keys where they fit into memory, else
// in the order in which they were added.
func (s *spool) all() iter.Seq2[*finding, error] {
	return func(yield func(*finding, error) bool) {
		if s.file == nil {
			slices.SortFunc(s.held, func(a, b finding) int {
				return cmp.Or(a.Resource.Key.Compare(b.Resource.Key), cmp.Compare(a.Scope, b.Scope))
			})
			for i := range s.held {
				if !yield(&s.held[i], nil) {
					return
				}
			}
			return
		}
		if err := s.rewind(); err != nil {
			yield(nil, err)
			return
		}
		decoder := gob.NewDecoder(bufio.NewReaderSize(s.file, 256<<10))
		for range s.count {
			f := new(finding)
			if err := decoder.Decode(f); err != nil {
				yield(nil, fmt.Errorf("reading a spooled scan: %w", err))
				return
			}
			if !yield(f, nil) {
				return
			}
		}
	}
}

func (s *spool) rewind() error {
	if err := s.buffer.Flush(); err != nil {
		return fmt.Errorf("spooling a large scan: %w", err)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading a spooled scan: %w", err)
	}
	return nil
}

func (s *spool) close() error {
	s.held = nil
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
