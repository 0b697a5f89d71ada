// Package storage is the contract between Elava and the engines that keep its
// history: numbered revisions of an inventory of resources.
//
// A scan is one transaction. What it stages stays invisible until Commit, which makes
// versions, tombstones, change events, scope states and scan metadata visible together
// as the next revision. Every read names the revision that it wants to see, so a reader
// sees one state of the world however long it takes and whatever is committed meanwhile.
//
// Engines live in packages of their own (storage/badger); all of them pass the suite in
// storage/storagetest, which compares them with a model made of maps and slices.
//
// # Invariants
//
//   - Revisions are numbered from 1 without gaps, and their times ascend with them,
//     also where the clock was set back.
//   - What was not committed is never seen, also not after a crash, and a transaction
//     that was not committed leaves nothing behind that a later one would show.
//   - A resource that nobody staged keeps its version.
//   - An answer is streamed: no method holds an inventory in memory.
package storage

import (
	"context"
	"iter"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
)

// HeadRevision means the newest committed revision where one is to be given.
const HeadRevision int64 = 0

// Store is an engine. Its methods may be called by several goroutines at a time; there
// is one transaction at a time. Iterators stop at their first error, which is their
// last element; they may be broken off at any time.
//
// Revisions given to a method may be HeadRevision. A revision above the head is
// ErrFutureRevision; one that was dropped by Trim is a *CompactedError. Changes that
// were asked for from a dropped revision on (Above not 0, or After) are one too.
type Store interface {
	// Head returns the newest committed revision; its zero value before the first.
	Head(ctx context.Context) (Head, error)

	// Begin opens the transaction of the next revision, whose time is now or, where the
	// clock was set back, just after the head's. A second one is ErrBusy.
	Begin(ctx context.Context, now time.Time) (Txn, error)

	// Known yields what is recorded of each live resource of a scope, without reading
	// documents, in the order of keys. A scope with region resource.Global yields the
	// resources of its account and type in all regions.
	Known(ctx context.Context, scope resource.Scope, revision int64) iter.Seq2[Known, error]

	// Get returns the version of one resource that is valid at a revision. ErrNotFound:
	// never seen up to then. *GoneError: it had disappeared by then.
	Get(ctx context.Context, key resource.Key, revision int64) (*Version, error)

	// List yields the resources that are live at a revision, in the order of keys.
	List(ctx context.Context, q Query) iter.Seq2[*Version, error]

	// History yields all versions of one resource, newest first, tombstones included,
	// each with its changes. ErrNotFound where there are none.
	History(ctx context.Context, key resource.Key) iter.Seq2[*Version, error]

	// Diff yields the resources of which versions were recorded after q.From and up to
	// q.To, in the order of keys.
	Diff(ctx context.Context, q DiffQuery) iter.Seq2[*Difference, error]

	// Changes yields change events, newest first or, if asked, oldest first.
	Changes(ctx context.Context, q ChangeQuery) iter.Seq2[*ChangeEvent, error]

	// Scans yields the metadata of committed scans, newest first, beginning below the
	// revision before; HeadRevision begins with the newest.
	Scans(ctx context.Context, before int64) iter.Seq2[*ScanMetadata, error]

	// Scopes yields the states of all scopes at a revision, in the order of
	// resource.Scope.Compare.
	Scopes(ctx context.Context, revision int64) iter.Seq2[*ScopeState, error]

	// RevisionAt returns the revision in force at a time: the newest one that is not
	// younger. Before the oldest that can be read it is the one below that, which is 0
	// where nothing was trimmed.
	RevisionAt(ctx context.Context, t time.Time) (int64, error)

	Stats(ctx context.Context) (Stats, error)

	// Trim makes the given revision the oldest that can be read and drops what only
	// serves earlier ones: versions that were superseded by then, resources that had
	// disappeared by then, events up to it and the metadata of the scans before it. The
	// version of every resource that is valid at it, and all after, stay. Trimming below
	// the oldest does nothing. Space is given back later.
	Trim(ctx context.Context, revision int64) error

	// Close waits for an open transaction to end and releases the store. Twice is safe.
	Close() error
}

// Txn is the transaction of one scan. One goroutine uses it at a time.
type Txn interface {
	Revision() int64 // that Commit will make visible
	Time() time.Time // of the revision, UTC, to the millisecond

	// Stage records what happened to one resource. There is no limit to how much is
	// staged. Two mutations of one key, a disappearance and then a creation, mean that
	// the resource was replaced by another one of the same name.
	Stage(ctx context.Context, m Mutation) error

	// SetScope records the state of a scope. Only changed states need to be set.
	SetScope(ctx context.Context, s ScopeState) error

	// Commit makes all that was staged visible and durable. It sets meta's Revision,
	// ScanID and EndTime and its counts of changes. Times are kept to the millisecond.
	Commit(ctx context.Context, meta *ScanMetadata) error

	// Rollback forgets what was staged. After Commit, and a second time, it does
	// nothing, so it can be deferred.
	Rollback() error
}

// Head is the newest committed revision.
type Head struct {
	Revision int64 // 0: nothing was committed yet
	Time     time.Time
	ScanID   int64
}

// Known is what a comparison needs to know of a recorded resource.
type Known struct {
	Key         resource.Key
	Fingerprint resource.Fingerprint
	Schema      uint32 // of the recorded document
	UID         string
	Incomplete  bool // some part was never read
}

// Version is a resource as it was from one revision to another.
type Version struct {
	Resource resource.Resource

	Revision  int64     // that recorded it
	ValidFrom time.Time // the time of that revision

	EndRevision int64     // that ended it; 0 while it is the newest
	ValidTo     time.Time // the time of that revision; zero while it is the newest

	// ChangeType is how the version came to be. A version with change.Disappeared is a
	// tombstone: its resource has key, ARN and name only.
	ChangeType change.Type

	// Changes is what differs from the version before. Only History fills it.
	Changes []change.FieldChange

	Schema     uint32   // version of the schema that the document was made with
	Incomplete []string // parts that were never read, named as in resource.Unknown
}

// Mutation is one thing that a scan found.
type Mutation struct {
	// Type says what happened. Created, Modified and Disappeared also become change
	// events; Baseline and Rebaselined do not.
	Type change.Type

	// Resource is the resource as it is now. For Disappeared, only its key, ARN and name
	// count.
	Resource *resource.Resource

	Fingerprint resource.Fingerprint // of Resource; not used for Disappeared
	Schema      uint32
	Incomplete  []string
	Changes     []change.FieldChange // for Modified
}

// ChangeEvent is one entry of the change feed.
type ChangeEvent struct {
	ID         string      `json:"id"` // revision and number within it: "12-3"
	Revision   int64       `json:"revision"`
	Time       time.Time   `json:"time"` // of the revision
	ChangeType change.Type `json:"change_type"`

	Key        string `json:"key"`
	Provider   string `json:"provider"`
	Account    string `json:"account"`
	Region     string `json:"region"`
	Type       string `json:"type"`
	ResourceID string `json:"resource_id"`
	Name       string `json:"name"`

	Changes []change.FieldChange `json:"changes"` // empty unless modified
}

// Stats is a summary of what a store holds.
type Stats struct {
	Engine         string `json:"engine"`
	FormatVersion  int    `json:"format_version"`
	Revision       int64  `json:"revision"`
	OldestRevision int64  `json:"oldest_revision"`      // that can still be read; 0 in an empty store
	SizeBytes      int64  `json:"size_bytes"`           // on disk
	FreeBytes      *int64 `json:"free_bytes,omitempty"` // on that disk; nil where that is not known
}
