package badger

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// reading is one call or iterator under way: a view of the store at the head as it was
// when the call began. What is committed later is not seen.
type reading struct {
	s        *Store
	txn      *engine.Txn
	head     int64
	revision int64 // asked for
	oldest   int64 // that can be read; 0 or 1: all
	needs    int64 // the earliest that the answer depends on; whatever is left does for some
	done     func()
}

// read opens a view and checks the revision asked for.
func (s *Store) read(revision int64) (*reading, error) {
	done, err := s.use()
	if err != nil {
		return nil, err
	}
	head := s.head.Load().Revision
	if revision == storage.HeadRevision {
		revision = head
	}
	if revision < 0 || revision > head {
		done()
		return nil, fmt.Errorf("revision %d: %w; the newest is %d", revision, storage.ErrFutureRevision, head)
	}
	oldest := s.oldest.Load()
	if revision > 0 && revision < oldest {
		done()
		return nil, &storage.CompactedError{Revision: revision, Oldest: oldest}
	}
	return &reading{s: s, oldest: oldest, txn: s.db.NewTransactionAt(uint64(head), false), head: head, revision: revision, needs: revision, done: done}, nil
}

func (r *reading) close() {
	r.txn.Discard()
	r.done()
}

// trimmedMeanwhile explains why something of a revision is not there that was when the
// view was opened: Trim does not wait for readers.
func (r *reading) trimmedMeanwhile(revision int64, err error) error {
	if oldest := r.s.oldest.Load(); oldest > r.oldest && revision <= oldest && errors.Is(err, engine.ErrKeyNotFound) {
		return &storage.CompactedError{Revision: revision, Oldest: oldest}
	}
	return err
}

// stillThere reports whether a revision that the answer depends on was trimmed meanwhile,
// so that what was not found may have been there. Trim says which is the oldest before it
// drops anything.
func (r *reading) stillThere() error {
	if oldest := r.s.oldest.Load(); oldest > r.oldest && r.needs < oldest {
		return &storage.CompactedError{Revision: r.needs, Oldest: oldest}
	}
	return nil
}

// stream makes an iterator of a walk over a view. The walk gives what it finds to a
// function that reports false once nobody wants more.
func stream[T any](s *Store, revision int64, doing string, walk func(*reading, func(T) bool) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		r, err := s.read(revision)
		if err != nil {
			yield(none, fmt.Errorf("%s: %w", doing, err))
			return
		}
		defer r.close()
		stopped := false
		err = walk(r, func(v T) bool {
			if r.stillThere() != nil { // and what lies before this one may be lacking
				return false
			}
			stopped = !yield(v, nil)
			return !stopped
		})
		if stopped {
			return
		}
		if err := cmp.Or(r.stillThere(), err); err != nil {
			yield(none, fmt.Errorf("%s: %w", doing, translate(err)))
		}
	}
}

// Known implements storage.Store.
func (s *Store) Known(ctx context.Context, scope resource.Scope, revision int64) iter.Seq2[storage.Known, error] {
	return stream(s, revision, "reading fingerprints of "+scope.String(), func(r *reading, yield func(storage.Known) bool) error {
		at := s.db.NewTransactionAt(uint64(r.revision), false)
		defer at.Discard()
		it := at.NewIterator(engine.IteratorOptions{Prefix: scopePrefix(prefixKnown, scope)})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			k, err := knownOf(it.Item())
			if err != nil {
				return err
			}
			if !yield(k) {
				return nil
			}
		}
		return nil
	})
}

func knownOf(item *engine.Item) (storage.Known, error) {
	var k storage.Known
	key, err := parseResourceKey(item.Key())
	if err != nil {
		return k, err
	}
	k.Key = key
	return k, item.Value(func(b []byte) error { return decodeKnown(b, &k) })
}

// knownAt reads what was recorded of a resource for comparison at a revision from which a
// version is still valid. Where that revision was trimmed, it is looked for at the oldest
// one: what was recorded may be left as a restored copy alone, which is filed in between.
func (r *reading) knownAt(key resource.Key, revision int64) (storage.Known, error) {
	revision = max(revision, r.oldest)
	at := r.s.db.NewTransactionAt(uint64(revision), false)
	defer at.Discard()
	item, err := at.Get(resourceKey(prefixKnown, key))
	if err != nil {
		return storage.Known{}, fmt.Errorf("fingerprint of %s at revision %d: %w", key, revision, err)
	}
	return knownOf(item)
}

// Get implements storage.Store.
func (s *Store) Get(ctx context.Context, key resource.Key, revision int64) (*storage.Version, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := s.read(revision)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", key, err)
	}
	defer r.close()
	v, err := r.get(ctx, key)
	if err != nil {
		err = cmp.Or(r.stillThere(), err)
		var gone *storage.GoneError
		if errors.As(err, &gone) {
			return nil, err
		}
		return nil, fmt.Errorf("reading %s: %w", key, translate(err))
	}
	return v, nil
}

// get looks at the head at the newest version only. At an earlier revision it walks down
// the versions, which also tells when the one found was ended, and does not look up the
// newest first: to find the block that holds a version and to uncompress it is what a
// read costs.
func (r *reading) get(ctx context.Context, key resource.Key) (*storage.Version, error) {
	if r.revision == r.head {
		v, err := r.newest(key)
		if err != nil {
			return nil, err
		}
		if v.changeType != change.Disappeared {
			return v.public(), nil
		}
	}
	var gone *storage.Version
	for v, err := range r.versions(ctx, key) {
		switch {
		case err != nil:
			return nil, err
		case v.Revision > r.revision:
			continue
		case gone != nil:
			return nil, &storage.GoneError{Last: v}
		case v.ChangeType != change.Disappeared:
			return v, nil
		default:
			gone = v
		}
	}
	if gone != nil {
		return nil, &storage.GoneError{Last: gone}
	}
	return nil, storage.ErrNotFound
}

// newest returns the newest version of a resource, a tombstone too.
func (r *reading) newest(key resource.Key) (*version, error) {
	item, err := r.txn.Get(resourceKey(prefixDocument, key))
	if err != nil {
		return nil, err
	}
	return versionOf(key, item)
}

func versionOf(key resource.Key, item *engine.Item) (*version, error) {
	var v *version
	err := item.Value(func(b []byte) error {
		var err error
		v, err = decodeVersion(key, b)
		return err
	})
	return v, err
}

// public returns the version as readers see it, not ended.
func (v *version) public() *storage.Version {
	return &storage.Version{
		Resource: v.resource, Revision: v.revision, ValidFrom: v.time,
		ChangeType: v.changeType, Schema: v.schema, Incomplete: v.incomplete,
	}
}

// History implements storage.Store.
func (s *Store) History(ctx context.Context, key resource.Key) iter.Seq2[*storage.Version, error] {
	return stream(s, storage.HeadRevision, "reading the history of "+key.String(), func(r *reading, yield func(*storage.Version) bool) error {
		r.needs = math.MaxInt64
		found := false
		for v, err := range r.stored(ctx, key) {
			if err != nil {
				return err
			}
			found = true
			p := v.version.public()
			p.EndRevision, p.ValidTo = v.endRevision, v.endTime
			if v.changeType == change.Modified && v.revision > r.oldest {
				e, err := r.event(storage.EventID{Revision: v.revision, Number: v.event})
				switch {
				case err == nil:
					p.Changes = e.Changes
				case !errors.Is(err, storage.ErrCompacted):
					return err
				}
			}
			if !yield(p) {
				return nil
			}
		}
		if !found {
			return storage.ErrNotFound
		}
		return nil
	})
}

// storedVersion is a version with what its successor says of it.
type storedVersion struct {
	*version
	endRevision int64
	endTime     time.Time
}

// versions yields the versions of one resource, newest first, each ended by the one
// before.
func (r *reading) versions(ctx context.Context, key resource.Key) iter.Seq2[*storage.Version, error] {
	return func(yield func(*storage.Version, error) bool) {
		for v, err := range r.stored(ctx, key) {
			if err != nil {
				yield(nil, err)
				return
			}
			p := v.version.public()
			p.EndRevision, p.ValidTo = v.endRevision, v.endTime
			if !yield(p, nil) {
				return
			}
		}
	}
}

// stored yields the same with what only this package knows. A restored copy is the
// version that it is a copy of, which may or may not be there too.
func (r *reading) stored(ctx context.Context, key resource.Key) iter.Seq2[storedVersion, error] {
	return func(yield func(storedVersion, error) bool) {
		it := r.txn.NewKeyIterator(resourceKey(prefixDocument, key), engine.IteratorOptions{})
		defer it.Close()
		var newer *version
		for it.Rewind(); it.Valid(); it.Next() {
			if err := ctx.Err(); err != nil {
				yield(storedVersion{}, err)
				return
			}
			if it.Item().IsDeletedOrExpired() {
				return // trimmed, or undone: there is nothing below that counts
			}
			v, err := versionOf(key, it.Item())
			if err != nil {
				yield(storedVersion{}, err)
				return
			}
			if newer != nil && newer.revision == v.revision {
				continue
			}
			if r.trimmed(v, newer) {
				return
			}
			out := storedVersion{version: v}
			if newer != nil {
				out.endRevision, out.endTime = newer.revision, newer.time
			}
			if !yield(out, nil) {
				return
			}
			newer = v
		}
	}
}

// trimmed reports whether a version only served revisions that were trimmed. It may
// still be there: the engine drops it when it next rewrites that part of the store.
func (r *reading) trimmed(v, newer *version) bool {
	if v.changeType == change.Disappeared && v.revision <= r.oldest {
		return true
	}
	return newer != nil && newer.revision <= r.oldest
}

// List implements storage.Store.
func (s *Store) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	if t, ok := narrowestTerm(&q.Filter); ok && s.indexed.Load() {
		return s.listTerm(ctx, q, t)
	}
	if q.KeysOnly && len(q.Tags) == 0 && q.Name == "" && q.ARN == "" {
		return s.listKeys(ctx, q)
	}
	return stream(s, q.Revision, "listing resources", func(r *reading, yield func(*storage.Version) bool) error {
		it := r.txn.NewIterator(engine.IteratorOptions{Prefix: []byte{prefixDocument}, AllVersions: r.revision < r.head})
		defer it.Close()
		l := lister{r: r, q: &q, it: it, prefix: []byte{prefixDocument}}
		l.start()
		for {
			v, err := l.next(ctx)
			if err != nil || v == nil {
				return err
			}
			if q.Match(&v.Resource) {
				if !yield(v) {
					return nil
				}
			} else if err := l.passed(v.Resource.Key); err != nil {
				return err
			}
		}
	})
}

// listKeys lists keys from what is recorded for comparison, of which there is something
// for live resources alone.
func (s *Store) listKeys(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	return stream(s, q.Revision, "listing keys", func(r *reading, yield func(*storage.Version) bool) error {
		at := s.db.NewTransactionAt(uint64(r.revision), false)
		defer at.Discard()
		it := at.NewIterator(engine.IteratorOptions{Prefix: []byte{prefixKnown}})
		defer it.Close()
		l := lister{r: r, q: &q, it: it, prefix: []byte{prefixKnown}}
		return l.keys(ctx, func(key resource.Key) (more bool, err error) {
			return yield(&storage.Version{Resource: resource.Resource{Key: key}}), nil
		})
	})
}

// lister walks over documents, or what else is kept under the keys of resources behind a
// prefix, key by key, and leaves out scopes in which the query can find nothing.
type lister struct {
	r      *reading
	q      *storage.Query
	it     *engine.Iterator
	prefix []byte
}

// passed tells the query of a key that it does not select.
func (l *lister) passed(key resource.Key) error { return tell(l.q.Passed, key) }

// keys visits the keys that the query can select, of entries that have one version each,
// until the visitor has enough.
func (l *lister) keys(ctx context.Context, visit func(resource.Key) (more bool, err error)) error {
	l.start()
	for l.it.Valid() {
		if err := ctx.Err(); err != nil {
			return err
		}
		key, err := parseKeyBehind(l.it.Item().Key(), len(l.prefix))
		if err != nil {
			return err
		}
		if to := elsewhere(l.prefix, &l.q.Filter, key); to != nil {
			if err := l.passed(key); err != nil {
				return err
			}
			l.it.Seek(to)
			continue
		}
		if l.q.MatchKey(key) {
			if more, err := visit(key); err != nil || !more {
				return err
			}
		} else if err := l.passed(key); err != nil {
			return err
		}
		l.it.Next()
	}
	return nil
}

func (l *lister) start() {
	if l.q.After == nil {
		l.it.Rewind()
		return
	}
	after := appendResourceKey(slices.Clone(l.prefix), *l.q.After)
	l.it.Seek(after)
	l.skip(after)
}

// skip goes past all versions of a key.
func (l *lister) skip(key []byte) {
	for l.it.Valid() && bytes.Equal(l.it.Item().Key(), key) {
		l.it.Next()
	}
}

// next returns the version of the next key that is live at the revision, nil at the end.
func (l *lister) next(ctx context.Context) (*storage.Version, error) {
	for l.it.Valid() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		raw := l.it.Item().KeyCopy(nil)
		key, err := parseResourceKey(raw)
		if err != nil {
			return nil, err
		}
		if to := elsewhere(l.prefix, &l.q.Filter, key); to != nil {
			if err := l.passed(key); err != nil {
				return nil, err
			}
			l.it.Seek(to)
			continue
		}
		v, err := l.versionAt(key, raw)
		if err != nil {
			return nil, err
		}
		if v != nil && v.ChangeType != change.Disappeared {
			return v, nil
		}
		if err := l.passed(key); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// elsewhere returns where to go on if nothing in the key's type or scope is wanted, or
// only one id of the scope that is not the key's. What is walked over lies below prefix.
func elsewhere(prefix []byte, f *storage.Filter, key resource.Key) []byte {
	if !f.MatchScope(key.Scope().AccountWide()) {
		return behind(appendScope(slices.Clone(prefix), key.Scope().AccountWide()))
	}
	if key.Region != resource.Global && !f.MatchScope(key.Scope()) {
		return behind(appendScope(slices.Clone(prefix), key.Scope()))
	}
	if f.ID == "" || f.ID == key.ID {
		return nil
	}
	wanted := key
	if wanted.ID = f.ID; key.ID < f.ID {
		return appendResourceKey(slices.Clone(prefix), wanted)
	}
	wanted.ID = ""
	return behind(appendResourceKey(slices.Clone(prefix), wanted))
}

// behind returns the first key behind all that begin with prefix, which ends with a
// zero byte.
func behind(prefix []byte) []byte {
	prefix[len(prefix)-1] = 1
	return prefix
}

// versionAt returns the version of the key that is valid at the revision, nil if there
// is none, and goes on to the next key.
func (l *lister) versionAt(key resource.Key, raw []byte) (*storage.Version, error) {
	var newer, found *version
	over := false // what comes after a deletion was trimmed
	for ; l.it.Valid() && bytes.Equal(l.it.Item().Key(), raw); l.it.Next() {
		item := l.it.Item()
		over = over || item.IsDeletedOrExpired()
		if over || found != nil {
			continue
		}
		above := int64(item.Version()) > l.r.revision && item.UserMeta()&metaRestored == 0
		if above {
			newer = &version{revision: int64(item.Version())}
			continue
		}
		v, err := versionOf(key, item)
		if err != nil {
			return nil, err
		}
		if v.revision > l.r.revision {
			newer = v
			continue
		}
		found = v
	}
	if found == nil {
		return nil, nil
	}
	out := found.public()
	if newer == nil {
		return out, nil
	}
	at, err := l.r.timeOf(newer.revision)
	out.EndRevision, out.ValidTo = newer.revision, at
	return out, err
}
