package badger

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"math"
	"slices"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Names and ARNs are indexed: an entry leads from each to the resources that are or were
// called so in some version that is kept, tombstones included. It is written when a
// resource comes to be called so, and not again while its name stays, so that a scan in
// which nothing changes writes nothing. It does not say when: a reader looks at the version
// of the revision it is asked about, and takes it if that is called so.
//
// When a resource is called so no more, that is noted under the revision, and Trim, once it
// has dropped the versions before that revision, drops the entries that no version needs.
// An entry that a roll-back wrote again may be left over. It costs a look at a resource.

// term is what a resource is called: a dimension, and a digest of the text, because a text
// may be long and contain anything.
type term [1 + termDigest]byte

// termDigest is how many bytes of a SHA-256 are kept. Two texts with one digest cost a look
// at a document, like a name that a resource had once.
const termDigest = 6

// Dimensions of terms.
const (
	termName = 'n'
	termARN  = 'a'
)

func newTerm(dimension byte, text string) (t term) {
	sum := sha256.Sum256([]byte(text))
	t[0] = dimension
	copy(t[1:], sum[:])
	return t
}

// termsOf returns what a resource is called.
func termsOf(r *resource.Resource) []term {
	var terms []term
	if r.Name != "" {
		terms = append(terms, newTerm(termName, r.Name))
	}
	if r.ARN != "" {
		terms = append(terms, newTerm(termARN, r.ARN))
	}
	return terms
}

// narrowestTerm returns the term that a filter demands; of two the one that fewer resources
// have.
func narrowestTerm(f *storage.Filter) (term, bool) {
	switch {
	case f.ARN != "":
		return newTerm(termARN, f.ARN), true
	case f.Name != "":
		return newTerm(termName, f.Name), true
	default:
		return term{}, false
	}
}

// turn compares what a resource was called with what it is called from a revision on, or
// was last called, where it is gone. It returns the terms to index and those that have
// ended.
func turn(before, now []term, gone bool) (added, ended []term) {
	for _, t := range now {
		if !slices.Contains(before, t) {
			added = append(added, t)
		}
	}
	if gone {
		return added, append(slices.Clone(before), added...)
	}
	for _, t := range before {
		if !slices.Contains(now, t) {
			ended = append(ended, t)
		}
	}
	return added, ended
}

// termPrefix is what the entries of a term begin with.
func termPrefix(t term) []byte { return append([]byte{prefixTerm}, t[:]...) }

const termPrefixLength = 1 + len(term{})

func termKey(t term, k resource.Key) []byte {
	return appendResourceKey(append(append(make([]byte, 0, 96), prefixTerm), t[:]...), k)
}

// heldTerms are index entries that are yet to be written, in some 40 bytes each instead of
// a hundred: the more of them are written in order at a time, the less often compaction
// writes each again. The zero value is empty.
type heldTerms struct {
	entries []heldTerm
	ids     []byte
	scopes  []resource.Scope
	numbers map[resource.Scope]uint32 // in scopes
}

// heldTerm is one entry: its id is a part of ids.
type heldTerm struct {
	term              term
	scope, id, length uint32
}

// About what one takes, and a scope with its place in the map.
const (
	heldTermBytes  = 20
	heldScopeBytes = 200
)

func (h *heldTerms) size() int {
	return len(h.entries)*heldTermBytes + len(h.ids) + len(h.scopes)*heldScopeBytes
}

func (h *heldTerms) add(t term, k resource.Key) {
	scope := k.Scope()
	number, ok := h.numbers[scope]
	if !ok {
		if h.numbers == nil {
			h.numbers = map[resource.Scope]uint32{}
		}
		number = uint32(len(h.scopes))
		h.scopes, h.numbers[scope] = append(h.scopes, scope), number
	}
	h.entries = append(h.entries, heldTerm{t, number, uint32(len(h.ids)), uint32(len(k.ID))})
	h.ids = append(h.ids, k.ID...)
}

func (h *heldTerms) key(e *heldTerm) []byte {
	s := h.scopes[e.scope]
	return termKey(e.term, resource.Key{
		Provider: s.Provider, Account: s.Account, Type: s.Type, Region: s.Region, ID: string(h.ids[e.id : e.id+e.length]),
	})
}

// keys yields the keys of the entries, in order.
func (h *heldTerms) keys() iter.Seq[[]byte] {
	slices.SortFunc(h.entries, func(a, b heldTerm) int {
		if c := bytes.Compare(a.term[:], b.term[:]); c != 0 {
			return c
		}
		return bytes.Compare(h.key(&a), h.key(&b))
	})
	return func(yield func([]byte) bool) {
		for i := range h.entries {
			if !yield(h.key(&h.entries[i])) {
				return
			}
		}
	}
}

func endedKey(revision int64, k resource.Key) []byte {
	return appendResourceKey(endedPrefix(revision), k)
}

func endedPrefix(revision int64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, 96), prefixEnded), uint64(revision))
}

const endedPrefixLength = 1 + 8

func appendTerms(b []byte, terms []term) []byte {
	for _, t := range terms {
		b = append(b, t[:]...)
	}
	return b
}

func parseTerms(b []byte) ([]term, error) {
	if len(b)%len(term{}) != 0 {
		return nil, errMalformed
	}
	var terms []term
	for ; len(b) > 0; b = b[len(term{}):] {
		terms = append(terms, term(b))
	}
	return terms, nil
}

// termsAt returns what a resource was called at a revision; nothing where it was not there.
func (s *Store) termsAt(key resource.Key, revision int64) ([]term, error) {
	if revision == 0 {
		return nil, nil
	}
	view := s.db.NewTransactionAt(uint64(revision), false)
	defer view.Discard()
	item, err := view.Get(resourceKey(prefixDocument, key))
	if errors.Is(err, engine.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var v *version
	err = item.Value(func(b []byte) error {
		v, err = decodeVersionToName(key, b)
		return err
	})
	if err != nil || v.changeType == change.Disappeared {
		return nil, err
	}
	return termsOf(&v.resource), nil
}

// listTerm lists the resources that are called so at the revision.
func (s *Store) listTerm(ctx context.Context, q storage.Query, t term) iter.Seq2[*storage.Version, error] {
	return stream(s, q.Revision, "listing resources", func(r *reading, yield func(*storage.Version) bool) error {
		passed := (&lister{q: &q}).passed
		return r.called(ctx, &q, t, func(key resource.Key) (more bool, err error) {
			v, err := r.get(ctx, key)
			switch {
			case errors.Is(err, storage.ErrGone) || errors.Is(err, storage.ErrNotFound) || errors.Is(err, engine.ErrKeyNotFound):
				return true, cmp.Or(r.stillThere(), passed(key))
			case err != nil:
				return false, err
			case q.Match(&v.Resource):
				return yield(v), nil
			default:
				return true, passed(key)
			}
		})
	})
}

// called visits the keys of the resources that are or were called so, of those that the
// query may select.
func (r *reading) called(ctx context.Context, q *storage.Query, t term, visit func(resource.Key) (more bool, err error)) error {
	prefix := termPrefix(t)
	it := r.txn.NewIterator(engine.IteratorOptions{Prefix: prefix})
	defer it.Close()
	l := lister{r: r, q: q, it: it, prefix: prefix}
	return l.keys(ctx, visit)
}

// maxCalled is up to how many resources of a name events are found by the resources. Above,
// reading the events is hardly slower.
const maxCalled = 100

// eventsCalled yields the events of the resources that are or were called by the name that
// the query demands; nil where there are too many of them.
func (r *reading) eventsCalled(ctx context.Context, q *storage.ChangeQuery, w window) (iter.Seq2[storage.EventID, error], error) {
	var keys []resource.Key
	err := r.called(ctx, &storage.Query{Filter: q.Filter}, newTerm(termName, q.Name), func(key resource.Key) (more bool, err error) {
		keys = append(keys, key)
		return len(keys) <= maxCalled, nil
	})
	if err != nil || len(keys) > maxCalled {
		return nil, err
	}
	return r.eventsOf(ctx, keys, w), nil
}

// clearTerms drops what ended from a revision on and up to another, which is the oldest
// that can be read, unless a version that is kept needs it.
func (r *reading) clearTerms(ctx context.Context, batch *engine.WriteBatch, first int64) error {
	it := r.txn.NewIterator(engine.IteratorOptions{Prefix: []byte{prefixEnded}})
	defer it.Close()
	cleared := 0
	for it.Seek(endedPrefix(first)); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		item := it.Item()
		if len(item.Key()) < endedPrefixLength {
			return errBadStoredKey
		}
		revision := int64(binary.BigEndian.Uint64(item.Key()[1:]))
		if revision > r.oldest {
			return nil
		}
		if cleared++; cleared%eventsPerCheck == 0 {
			if err := r.s.room(eventsPerCheck * 1 << 10); err != nil {
				return err
			}
		}
		if err := r.clearEnded(ctx, batch, item); err != nil {
			return err
		}
		if err := batch.DeleteAt(item.KeyCopy(nil), uint64(revision)); err != nil {
			return err
		}
	}
	return nil
}

// clearEnded drops the terms that one note tells of.
func (r *reading) clearEnded(ctx context.Context, batch *engine.WriteBatch, item *engine.Item) error {
	key, err := parseKeyBehind(item.Key(), endedPrefixLength)
	if err != nil {
		return err
	}
	var ended []term
	err = item.Value(func(b []byte) error {
		ended, err = parseTerms(b)
		return err
	})
	if err != nil {
		return err
	}
	for v, err := range r.stored(ctx, key) {
		if err != nil {
			return err
		}
		needed := termsOf(&v.resource)
		ended = slices.DeleteFunc(ended, func(t term) bool { return slices.Contains(needed, t) })
		if len(ended) == 0 {
			return nil
		}
	}
	for _, t := range ended {
		if err := r.clearTerm(batch, termKey(t, key)); err != nil {
			return err
		}
	}
	return nil
}

// clearTerm deletes an entry that no version needs, at its own timestamp, unless it was
// written after the oldest revision: then it is for the event of a resource that was
// replaced, and ends with another note.
func (r *reading) clearTerm(batch *engine.WriteBatch, key []byte) error {
	it := r.txn.NewKeyIterator(key, engine.IteratorOptions{})
	defer it.Close()
	it.Rewind()
	if !it.Valid() || it.Item().IsDeletedOrExpired() {
		return nil
	}
	newest := it.Item().Version()
	for ; it.Valid() && !it.Item().IsDeletedOrExpired(); it.Next() {
		if it.Item().UserMeta()&metaRestored != 0 {
			continue // of one below
		}
		if int64(it.Item().Version()) > r.oldest {
			return nil
		}
		break
	}
	return batch.DeleteAt(key, newest)
}

// raiseFormat makes a store of an older format one of this: it indexes what there is. Where
// there is no room for that, names and ARNs are searched for in every document until the
// store is opened with more.
func (s *Store) raiseFormat(ctx context.Context) error {
	if s.format > unindexedFormat {
		s.indexed.Store(true)
		return nil
	}
	s.log.Info("Indexing names and ARNs, which the release that wrote the store did not")
	err := s.indexTerms(ctx)
	if errors.Is(err, storage.ErrFull) {
		s.log.Warn("Names and ARNs are not indexed: searches for them read everything until the store is opened with more room", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("indexing names and ARNs: %w", err)
	}
	if err := writeFormat(s.path); err != nil {
		return err
	}
	s.format = FormatVersion
	s.indexed.Store(true)
	return nil
}

// Resources after which it is noted how far the index is, so that a store that takes long
// is not begun again by every start of a process that is not given the time.
const indexedPerNote = 1000

// indexTerms indexes everything that is kept. It can be interrupted, and goes on where it
// was if nothing was committed meanwhile.
func (s *Store) indexTerms(ctx context.Context) error {
	head := s.head.Load().Revision
	if head == 0 {
		return nil
	}
	start, err := s.readIndexing(head)
	if err != nil {
		return err
	}
	r, err := s.read(storage.HeadRevision)
	if err != nil {
		return err
	}
	defer r.close()
	x := indexer{r: r, batch: s.db.NewManagedWriteBatch()}
	defer func() { x.batch.Cancel() }()
	it := r.txn.NewIterator(engine.IteratorOptions{Prefix: []byte{prefixDocument}})
	defer it.Close()
	for it.Seek(start); it.Valid(); it.Next() {
		raw := it.Item().KeyCopy(nil)
		key, err := parseResourceKey(raw)
		if err != nil {
			return err
		}
		if err := x.resource(ctx, key); err != nil {
			return err
		}
		if x.resources%indexedPerNote == 0 {
			if err := x.note(head, raw); err != nil {
				return err
			}
		}
	}
	if start != nil || x.resources >= indexedPerNote {
		if err := x.batch.DeleteAt([]byte{prefixIndexing}, uint64(head)); err != nil {
			return err
		}
	}
	return x.batch.Flush()
}

// readIndexing returns the key of the last document that was indexed up to a head; nil
// where there is none.
func (s *Store) readIndexing(head int64) (key []byte, err error) {
	view := s.db.NewTransactionAt(math.MaxUint64, false)
	defer view.Discard()
	item, err := view.Get([]byte{prefixIndexing})
	if errors.Is(err, engine.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = item.Value(func(b []byte) error {
		if len(b) > 8 && int64(binary.BigEndian.Uint64(b)) == head {
			key = bytes.Clone(b[8:])
		}
		return nil
	})
	return key, err
}

// indexer writes the entries of a store that has none.
type indexer struct {
	r         *reading
	batch     *engine.WriteBatch
	resources int
}

// resource does for the versions of a resource what txn.stageTerms would have done.
func (x *indexer) resource(ctx context.Context, key resource.Key) error {
	x.resources++
	if x.resources%eventsPerCheck == 0 {
		if err := x.r.s.room(eventsPerCheck*1<<10 + bytesInFlight); err != nil {
			return err
		}
	}
	var versions []*version
	for v, err := range x.r.stored(ctx, key) {
		if err != nil {
			return err
		}
		v.resource.Attributes, v.resource.Tags = nil, nil
		versions = append(versions, v.version)
	}
	var before []term
	for _, v := range slices.Backward(versions) {
		if err := x.replaced(v, before); err != nil {
			return err
		}
		if v.replaced > 0 {
			before = nil
		}
		now := termsOf(&v.resource)
		gone := v.changeType == change.Disappeared
		if err := x.write(v, before, now, gone); err != nil {
			return err
		}
		if before = now; gone {
			before = nil
		}
	}
	return nil
}

// replaced indexes what was there before a version that replaced it in the same scan.
func (x *indexer) replaced(v *version, before []term) error {
	if v.replaced == 0 || v.revision <= x.r.oldest {
		return nil
	}
	e, err := x.r.event(storage.EventID{Revision: v.revision, Number: v.replaced})
	if err != nil {
		return err
	}
	return x.write(v, before, termsOf(&resource.Resource{Name: e.Name}), true)
}

func (x *indexer) write(v *version, before, now []term, gone bool) error {
	key, at := v.resource.Key, uint64(v.revision)
	added, ended := turn(before, now, gone)
	for _, t := range added {
		if err := x.batch.SetEntryAt(engine.NewEntry(termKey(t, key), nil), at); err != nil {
			return err
		}
	}
	if len(ended) == 0 || v.revision <= x.r.oldest {
		return nil
	}
	return x.batch.SetEntryAt(engine.NewEntry(endedKey(v.revision, key), appendTerms(nil, ended)), at)
}

// note notes how far the index is.
func (x *indexer) note(head int64, key []byte) error {
	if err := x.batch.Flush(); err != nil {
		return err
	}
	x.batch = x.r.s.db.NewManagedWriteBatch()
	t := x.r.s.db.NewTransactionAt(math.MaxUint64, true)
	defer t.Discard()
	if err := t.Set([]byte{prefixIndexing}, append(numberValue(head), key...)); err != nil {
		return err
	}
	return t.CommitAt(uint64(head), nil)
}

// termSet holds which entries there are, by a hash of each: 8 bytes.
type termSet struct {
	seed   maphash.Seed
	hashes []uint64
}

// termSet reads the whole index.
func (r *reading) termSet(ctx context.Context) (*termSet, error) {
	set := &termSet{seed: maphash.MakeSeed()}
	it := r.txn.NewIterator(engine.IteratorOptions{Prefix: []byte{prefixTerm}})
	defer it.Close()
	for it.Rewind(); it.Valid(); it.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		set.hashes = append(set.hashes, maphash.Bytes(set.seed, it.Item().Key()))
	}
	slices.Sort(set.hashes)
	return set, nil
}

// lacks reports whether something that a resource is called has no entry.
func (s *termSet) lacks(r *resource.Resource) bool {
	return slices.ContainsFunc(termsOf(r), func(t term) bool {
		_, found := slices.BinarySearch(s.hashes, maphash.Bytes(s.seed, termKey(t, r.Key)))
		return !found
	})
}
