package badger

import (
	"context"
	"fmt"
	"time"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/storage"
)

// The store writes some entries again under the same key and the same timestamp: what it
// undoes, and what the next scan of that revision records over it; the intent; what a
// scan reports as gone and then as there again; what was trimmed; where the last trim got
// to; what Badger moves within its value log. Of two such entries the one that was written
// last has to win, for ever. Badger does not promise that, so here is why it is so (v4.9.6,
// files in parentheses).
//
// Writes reach the memtable in order (doWrites in db.go, one batch of requests at a time;
// commitAndSend in txn.go sends under a lock), and a memtable holds one value of a key and
// timestamp. Memtables become tables in order, by one goroutine, which numbers them
// (flushMemtable and handleMemTableFlush in db.go). Level 0 lists its tables in the order
// in which they were added, and after a restart in that of their numbers (initTables in
// level_handler.go). Whoever reads or merges asks memtables, then level 0, newest first,
// then level by level, and takes the first (db.get, NewIterator, MergeIterator.fix: the
// left of two equal keys; levels.get: only a larger version replaces what was found).
// Compaction of level 0 takes the oldest tables, without leaving one out, down to the first
// level that holds anything; below, the versions of a key are never in two tables of a
// level; ranges that are being compacted are not taken twice (fillTablesL0ToLbase,
// levelTargets, subcompact, compareAndAdd in levels.go).
//
// Two things break that, and both are kept from happening:
//
//  1. Compaction of level 0 into itself (fillTablesL0ToL0) leaves out tables younger than ten
//     seconds, gives what it merged a newer number than theirs, and has level 0 sorted by
//     keys (replaceTables). It takes at least four tables. Level 0 never has four while
//     compactors run: a table that would be the fourth waits until there are fewer than
//     levelZeroStall (addLevel0Table). It does not wait when the engine is being closed or
//     a prefix dropped; both are done at rest only (below), when there is one memtable and
//     room for its table. After a crash there may be more tables, and there are no compactors
//     until all are below level 0 (recoverCrash).
//
//  2. The log of a memtable is removed when its table is written and nobody reads the
//     memtable any more. After a crash the log that a reader had kept would become the
//     newest table. Logs are numbered in order, and their tables written in order, so where
//     a number is missing every log before it can be removed (dropFlushed).

// fewestMerged is how many tables Badger merges within level 0 at least.
const fewestMerged = 4

// The build fails unless level 0 always has fewer tables than that.
const _ = uint(fewestMerged - 1 - levelZeroStall)

// How long rest waits: when a store is closed, for what the engine has to do, and else no
// longer than a scan may be kept waiting.
const (
	restToClose = time.Minute
	restToEmpty = 10 * time.Second
)

// rest waits until one memtable is left and level 0 has room for its table. Nobody may
// write meanwhile. Whoever reads for long may keep a memtable, and an engine that cannot
// compact keeps level 0: that is storage.ErrBusy in the end. Badger has no signal for it.
func rest(ctx context.Context, db *engine.DB, f *files, atMost time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, atMost,
		fmt.Errorf("the engine has not come to rest for %v, because somebody reads for long or compaction is slow: %w", atMost, storage.ErrBusy))
	defer cancel()
	for {
		resting, err := isResting(db, f)
		if err != nil || resting {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func isResting(db *engine.DB, f *files) (bool, error) {
	names, err := f.names()
	return err == nil && len(memtableLogs(names)) <= 1 && levelZero(db) < levelZeroStall, err
}

// levelZero is how many tables level 0 has.
func levelZero(db *engine.DB) int {
	for _, level := range db.Levels() {
		if level.Level == 0 {
			return level.NumTables
		}
	}
	return 0
}

// sink brings all that is in memory and in level 0 below level 0, which Badger does when
// it drops a prefix. There has to be something to drop. Nobody may write meanwhile, and
// the engine has to be at rest or without compactors.
func (s *Store) sink() error {
	if err := s.writeNumber(prefixFlush, 0, max(1, s.head.Load().Revision)); err != nil {
		return err
	}
	if err := s.db.DropPrefix([]byte{prefixFlush}); err != nil {
		return err
	}
	if n := levelZero(s.db); n > 0 { // Badger logs why, and goes on
		return fmt.Errorf("compacting level 0: %d tables are left", n)
	}
	return nil
}
