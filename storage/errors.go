package storage

import (
	"errors"
	"fmt"
)

// Errors on which callers branch. Engines translate their own into these.
var (
	ErrNotFound       = errors.New("not found")
	ErrGone           = errors.New("gone")
	ErrCompacted      = errors.New("revision compacted")
	ErrFutureRevision = errors.New("revision is in the future")
	ErrBadCursor      = errors.New("bad cursor")
	ErrLocked         = errors.New("store is in use")
	ErrBusy           = errors.New("a transaction is open")
	ErrCorrupt        = errors.New("store is damaged")
	ErrFull           = errors.New("no space left for the store")
	ErrNewerFormat    = errors.New("store has a newer format")
	ErrClosed         = errors.New("store is closed")
)

// GoneError says that a resource had disappeared and what it was before. It is ErrGone.
type GoneError struct {
	Last *Version // the last version before it disappeared
}

func (e *GoneError) Error() string {
	return fmt.Sprintf("%s disappeared at revision %d (%s)",
		e.Last.Resource.Key, e.Last.EndRevision, e.Last.ValidTo.Format("2006-01-02 15:04:05 MST"))
}

// Is makes a GoneError ErrGone.
func (e *GoneError) Is(target error) bool { return target == ErrGone }

// CompactedError says which is the oldest revision that can still be read. It is
// ErrCompacted.
type CompactedError struct {
	Revision, Oldest int64
}

func (e *CompactedError) Error() string {
	return fmt.Sprintf("revision %d was dropped by retention; the oldest available is %d", e.Revision, e.Oldest)
}

// Is makes a CompactedError ErrCompacted.
func (e *CompactedError) Is(target error) bool { return target == ErrCompacted }

// LockedError says who has the store open. It is ErrLocked.
type LockedError struct {
	Path string
	PID  int // of the owner; 0 if unknown
}

func (e *LockedError) Error() string {
	owner := "another process"
	if e.PID > 0 {
		owner = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("store %s is in use by %s; ask the daemon with --server, or stop it first", e.Path, owner)
}

// Is makes a LockedError ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }
