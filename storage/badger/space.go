package badger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4/table"

	"github.com/elava-dev/elava/storage"
)

// Badger v4.9 writes through memory maps of files that are longer than what they hold.
// Where the disk has no block for a page, the system does not fail a call: it kills the
// process (SIGBUS). And what fails otherwise is not always survived: a compaction that
// cannot write one of its tables goes on without it, a memtable that cannot be made ends
// the process. So the disk must never be full when Badger writes.
//
// Every write is therefore preceded by a look at the free space, which has to hold what
// is about to be written and everything that Badger may do in the background because of
// it. Whoever asks for a write that does not fit gets storage.ErrFull; nothing of it
// was begun, reads go on, and the next attempt looks again.
//
// What this cannot do: another process may take the space between the look and the
// background work, which ends seconds after the last write. The process is then killed by
// the system; the store is as after any crash, and nothing that was committed is lost.
// Nor are quotas seen that the file system does not show in its free space, and where the
// system does not tell the free space (see freeSpace) nothing is refused.
const (
	// spaceForFiles is for what is small: the manifest, the first pages of new logs, sums,
	// the file system's own blocks.
	spaceForFiles = 4 << 20

	// spaceForDeepLevels bounds what two compactions of the levels below the base write
	// before they delete what they read: a table each and the ten or so below it.
	spaceForDeepLevels = 64 << 20

	// spaceForCutOff is a table of a deep level and those that it overlaps with, and
	// tablesCutOff is how many those are at most, where tables are large.
	spaceForCutOff = 8 << 20
	tablesCutOff   = 32

	// plentyOfSpace is more than Badger's background work ever takes.
	plentyOfSpace = 1 << 30
)

// Room reports ErrFull unless there is space for so many bytes of somebody else's on the
// disk of the store, beside what the store itself may need.
func (s *Store) Room(bytes int64) error {
	done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	return translate(s.room(bytes))
}

// room reports ErrFull unless there is space to write about so many bytes: twice, to the
// log and then to a table.
func (s *Store) room(about int64) error {
	free, known := freeSpace(s.files.dir)
	if !known || free > plentyOfSpace+2*about {
		return nil
	}
	pending, err := s.files.pending()
	if err != nil {
		return err
	}
	return s.files.full(free, spaceForFiles+2*about+pending+s.compactions(), "make room, and writing goes on without a restart")
}

// compactions is what compactions that may begin at any time write at most: all of level
// 0 with the base level, and a part of the levels below.
func (s *Store) compactions() int64 {
	var upper, deep int64
	for _, level := range s.db.Levels() {
		if level.Level == 0 || level.IsBaseLevel {
			upper += level.Size
		} else {
			deep += level.Size
		}
	}
	return upper + min(deep, spaceForDeepLevels)
}

// roomToOpen is room before there is an engine: for reading the logs into tables, for
// the copies that a recovery makes and for the compactions that begin at once.
func (f *files) roomToOpen(clean bool) error {
	free, known := freeSpace(f.dir)
	if !known || free > plentyOfSpace {
		return nil
	}
	need, err := f.compactionsToCome(clean)
	if err != nil {
		return err
	}
	if !clean {
		logs, err := f.allocated(".mem", ".vlog")
		if err != nil {
			return err
		}
		need += 3 * logs // the copy, the tables, and those below level 0
	}
	return f.full(free, need, "make room first")
}

// compactionsToCome is what compactions write that begin when a store is opened: of level
// 0 after a crash and where it holds as many tables as it may, else such as were cut off
// when it was closed.
func (f *files) compactionsToCome(clean bool) (int64, error) {
	tables, err := f.allocated(".sst")
	if err != nil || tables == 0 {
		return spaceForFiles, err
	}
	manifest, err := f.readManifest()
	if err != nil {
		return 0, err
	}
	if len(manifest.Levels) == 0 || clean && len(manifest.Levels[0].Tables) < levelZeroTables {
		return spaceForFiles + min(tables, max(spaceForCutOff, tablesCutOff*tableSizeFor(tables))), nil
	}
	need := int64(spaceForFiles)
	for i, level := range manifest.Levels {
		for id := range level.Tables {
			info, err := os.Stat(table.NewFilename(id, f.dir))
			if err != nil {
				return 0, err
			}
			need += info.Size()
		}
		if i > 0 && len(level.Tables) > 0 {
			break // the base
		}
	}
	return need, nil
}

// roomToClose reports ErrFull unless what is in memory can be written as tables.
func (f *files) roomToClose() error {
	free, known := freeSpace(f.dir)
	if !known || free > plentyOfSpace {
		return nil
	}
	pending, err := f.pending()
	if err != nil {
		return err
	}
	return f.full(free, spaceForFiles/4+pending, "what is in memory is kept in the logs, and recovered when the store is opened again")
}

func (f *files) full(free, need int64, advice string) error {
	if free >= need {
		return nil
	}
	return fmt.Errorf("%w: %s has %d MB free and %d MB are needed; %s",
		storage.ErrFull, f.path, free>>20, (need+1<<20-1)>>20, advice)
}

// pending is what the logs of memtables hold, which becomes tables.
func (f *files) pending() (int64, error) { return f.allocated(".mem") }

// allocated adds up what files with one of these endings take on the disk.
func (f *files) allocated(endings ...string) (int64, error) {
	names, err := f.names()
	if err != nil {
		return 0, err
	}
	var total int64
	for _, name := range names {
		if !slices.Contains(endings, filepath.Ext(name)) {
			continue
		}
		info, err := os.Stat(filepath.Join(f.dir, name))
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			continue
		}
		if err != nil {
			return 0, err
		}
		total += allocatedSize(info)
	}
	return total, nil
}
