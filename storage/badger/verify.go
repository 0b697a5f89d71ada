package badger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Verify reads the whole store and checks it against itself: the checksums of all
// tables, the order and form of keys, the chain of versions of every resource, their
// fingerprints, their names and ARNs against the index of these, the index of events
// against the events and these against the versions, and the counts of scans and scopes. progress, if not nil, is told what is being checked
// and how many entries of it were read. The error is that of a check that could not be
// made; what it found is in the result.
func (s *Store) Verify(ctx context.Context, progress func(part string, entries int64)) (*storage.Verification, error) {
	r, err := s.read(storage.HeadRevision)
	if err != nil {
		return nil, err
	}
	defer r.close()
	s.maintenance.Lock()
	defer s.maintenance.Unlock()
	r.oldest = s.oldest.Load()
	if progress == nil {
		progress = func(string, int64) {}
	}
	v := &verifier{
		r: r, ctx: ctx, progress: progress,
		live:   map[resource.Scope]int{},
		counts: map[int64]*storage.ScanMetadata{},
	}
	v.report.Revision, v.report.Oldest = r.head, max(min(1, r.head), r.oldest)
	v.report.Findings = []string{}
	if err := v.all(); err != nil {
		return &v.report, fmt.Errorf("verifying the store: %w", translate(err))
	}
	return &v.report, nil
}

// verifier lives for one call of Verify, whose context it keeps for that reason.
type verifier struct {
	r        *reading
	ctx      context.Context
	progress func(string, int64)
	report   storage.Verification
	hasher   resource.Hasher
	called   *termSet // nil where names and ARNs are not indexed

	live   map[resource.Scope]int          // live resources by the scope of their keys
	counts map[int64]*storage.ScanMetadata // events counted by revision
}

// Entries between two calls of progress.
const progressEvery = 10_000

func (v *verifier) all() error {
	v.progress("checksums", 0)
	if err := v.r.s.db.VerifyChecksum(); err != nil {
		v.report.Find("checksums: %v", err)
		return nil // what Badger reads after that is not worth checking
	}
	for _, part := range [...]func() error{v.terms, v.documents, v.known, v.events, v.index, v.scans, v.scopes} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// each walks over the newest versions of all entries under a prefix.
func (v *verifier) each(part string, prefix byte, visit func(*engine.Item) error) error {
	it := v.r.txn.NewIterator(engine.IteratorOptions{Prefix: []byte{prefix}})
	defer it.Close()
	var n int64
	var last []byte
	for it.Rewind(); it.Valid(); it.Next() {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		if n%progressEvery == 0 {
			v.progress(part, n)
		}
		n++
		if bytes.Compare(it.Item().Key(), last) <= 0 {
			v.report.Find("%s: %q does not come behind %q", part, it.Item().Key(), last)
		}
		last = it.Item().KeyCopy(last)
		if err := visit(it.Item()); err != nil {
			if v.ctx.Err() != nil {
				return v.ctx.Err()
			}
			v.report.Find("%s: %q: %v", part, last, err)
		}
	}
	v.progress(part, n)
	return nil
}

// terms checks the form of the index of names and ARNs. It may lead to a resource that is
// called otherwise.
func (v *verifier) terms() error {
	if !v.r.s.indexed.Load() {
		return nil
	}
	err := v.each("names", prefixTerm, func(item *engine.Item) error {
		_, err := parseKeyBehind(item.Key(), termPrefixLength)
		return err
	})
	if err == nil {
		v.called, err = v.r.termSet(v.ctx)
	}
	return err
}

// documents checks the versions of every resource.
func (v *verifier) documents() error {
	return v.each("versions", prefixDocument, func(item *engine.Item) error {
		key, err := parseResourceKey(item.Key())
		if err != nil {
			return err
		}
		if err := key.Validate(); err != nil {
			return err
		}
		return v.chain(key)
	})
}

// chain checks that the versions of a resource follow each other.
func (v *verifier) chain(key resource.Key) error {
	var newer *version
	for stored, err := range v.r.stored(v.ctx, key) {
		if err != nil {
			return err
		}
		if newer == nil && stored.changeType != change.Disappeared {
			v.report.Resources++
			v.live[key.Scope()]++
		}
		if err := v.version(stored.version, newer); err != nil {
			return fmt.Errorf("version of revision %d: %w", stored.revision, err)
		}
		newer = stored.version
		v.report.Versions++
	}
	if newer == nil {
		return nil
	}
	first := newer.changeType
	if newer.revision > v.r.oldest && first != change.Created && first != change.Baseline {
		return fmt.Errorf("its first version is %q", first)
	}
	return nil
}

func (v *verifier) version(this, newer *version) error {
	switch {
	case this.revision < 1 || this.revision > v.r.head:
		return fmt.Errorf("beyond the head %d", v.r.head)
	case newer != nil && newer.revision <= this.revision:
		return fmt.Errorf("comes behind revision %d", newer.revision)
	case newer != nil && this.changeType == change.Disappeared && newer.changeType != change.Created && newer.changeType != change.Baseline:
		return fmt.Errorf("is a tombstone and is followed by %q", newer.changeType)
	case newer != nil && !this.time.Before(newer.time):
		return errors.New("is not older than its successor")
	case v.called != nil && v.called.lacks(&this.resource):
		return errors.New("is not found by its name and ARN")
	case this.changeType == change.Disappeared:
		return v.eventOf(this)
	case len(this.resource.Attributes) > 0 && !json.Valid(this.resource.Attributes):
		return errors.New("attributes are no JSON")
	}
	k, err := v.r.knownAt(this.resource.Key, this.revision)
	if err != nil {
		return err
	}
	if k.Fingerprint != v.hasher.Sum(&this.resource) {
		return errors.New("its fingerprint is that of another document")
	}
	return v.eventOf(this)
}

// eventOf checks that a version has the events that it names.
func (v *verifier) eventOf(this *version) error {
	if this.revision <= v.r.oldest {
		return nil
	}
	if this.changeType.Reported() != (this.event > 0) {
		return fmt.Errorf("is %q with event number %d", this.changeType, this.event)
	}
	for _, number := range [...]int{this.event, this.replaced} {
		if number == 0 {
			continue
		}
		e, err := v.r.event(storage.EventID{Revision: this.revision, Number: number})
		if err != nil {
			return err
		}
		if e.Key != this.resource.Key.String() {
			return fmt.Errorf("its event is of %s", e.Key)
		}
	}
	return nil
}

// known checks that there is a fingerprint for live resources alone.
func (v *verifier) known() error {
	var n int64
	err := v.each("fingerprints", prefixKnown, func(item *engine.Item) error {
		n++
		k, err := knownOf(item)
		if err != nil {
			return err
		}
		document, err := v.r.txn.Get(resourceKey(prefixDocument, k.Key))
		if err != nil {
			return fmt.Errorf("without a version: %w", err)
		}
		if document.UserMeta()&metaTombstone != 0 {
			return errors.New("of a resource that has disappeared")
		}
		return nil
	})
	if err == nil && n != v.report.Resources {
		v.report.Find("fingerprints: %d for %d live resources", n, v.report.Resources)
	}
	return err
}

func (v *verifier) events() error {
	return v.each("events", prefixEvent, func(item *engine.Item) error {
		id, err := parseEventID(item.Key())
		if err != nil {
			return err
		}
		if id.Revision <= v.r.oldest {
			return nil
		}
		e, err := v.r.event(id)
		if err != nil {
			return err
		}
		key, err := resource.ParseKey(e.Key)
		if err != nil {
			return err
		}
		v.report.Events++
		if v.counts[id.Revision] == nil {
			v.counts[id.Revision] = &storage.ScanMetadata{}
		}
		v.counts[id.Revision].Count(e.ChangeType)
		for _, prefix := range indexPrefixes(key, e.ChangeType) {
			if _, err := v.r.txn.Get(appendEventID(prefix, id)); err != nil {
				return fmt.Errorf("index entry %q: %w", prefix, err)
			}
		}
		return nil
	})
}

func (v *verifier) index() error {
	var n int64
	err := v.each("index", prefixIndex, func(item *engine.Item) error {
		id, err := parseEventID(item.Key())
		if err != nil || id.Revision <= v.r.oldest {
			return err
		}
		n++
		_, err = v.r.txn.Get(eventKey(id))
		return err
	})
	if want := 4 * v.report.Events; err == nil && n != want {
		v.report.Find("index: %d entries for %d events, want %d", n, v.report.Events, want)
	}
	return err
}

// scans checks that no revision is missing, that times ascend and that counts are right.
func (v *verifier) scans() error {
	next := max(1, v.r.oldest)
	var last *storage.ScanMetadata
	err := v.each("scans", prefixScan, func(item *engine.Item) error {
		m, err := scanOf(item)
		if err != nil || m.Revision < v.r.oldest {
			return err
		}
		v.report.Scans++
		if m.Revision != next {
			v.report.Find("scans: revision %d comes where %d should", m.Revision, next)
		}
		next = m.Revision + 1
		if last != nil && !m.EndTime.After(last.EndTime) {
			v.report.Find("scans: revision %d is not younger than the one before", m.Revision)
		}
		last = m
		return v.countsOf(m)
	})
	if err == nil && v.r.head > 0 && next != v.r.head+1 {
		v.report.Find("scans: they end at revision %d, and the head is %d", next-1, v.r.head)
	}
	return err
}

func (v *verifier) countsOf(m *storage.ScanMetadata) error {
	if m.Revision <= v.r.oldest {
		return nil
	}
	c := v.counts[m.Revision]
	if c == nil {
		c = &storage.ScanMetadata{}
	}
	if c.Created != m.Created || c.Modified != m.Modified || c.Disappeared != m.Disappeared {
		return fmt.Errorf("revision %d says %d created, %d modified, %d disappeared; its events say %d, %d, %d",
			m.Revision, m.Created, m.Modified, m.Disappeared, c.Created, c.Modified, c.Disappeared)
	}
	return nil
}

// scopes checks that every scope says how many of its resources are live.
func (v *verifier) scopes() error {
	return v.each("scopes", prefixScope, func(item *engine.Item) error {
		state, err := scopeOf(item)
		if err != nil {
			return err
		}
		v.report.Scopes++
		n := v.live[state.Scope]
		if state.Scope.Region == resource.Global {
			n = 0
			for scope, live := range v.live {
				if scope.AccountWide() == state.Scope {
					n += live
				}
			}
		}
		if n != state.Resources {
			return fmt.Errorf("it says %d resources, and %d are live", state.Resources, n)
		}
		return nil
	})
}
