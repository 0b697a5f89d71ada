package storage

import (
	"context"
	"iter"
	"time"

	"github.com/elava-dev/elava/resource"
)

// Dumper is a store whose whole content can be copied out.
type Dumper interface {
	// Dump yields everything that the store holds up to its head, as one state, while
	// scans go on: first one DumpHeader, then all else in no particular order.
	Dump(ctx context.Context) iter.Seq2[DumpRecord, error]
}

// DumpRecord is one piece of a dump. Exactly one field is set.
type DumpRecord struct {
	Header  *DumpHeader
	Version *DumpVersion
	Event   *ChangeEvent
	Scan    *ScanMetadata
	Scope   *DumpScope
}

// DumpHeader says what a dump holds.
type DumpHeader struct {
	Revision int64     // the head
	Oldest   int64     // revision that can be read; 0 or 1: all
	Time     time.Time // of the head; zero in an empty store
}

// DumpVersion is one version with what an engine needs to keep of it.
type DumpVersion struct {
	Version     Version              // EndRevision and ValidTo are not set
	Fingerprint resource.Fingerprint // zero for tombstones
	Event       int                  // number of its change event; 0: none
	Replaced    int                  // number of the event of the resource that it replaced in the same scan; 0: none
}

// DumpScope is a state of a scope and the revision that set it.
type DumpScope struct {
	Revision int64
	State    ScopeState
}
