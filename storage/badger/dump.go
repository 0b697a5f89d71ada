package badger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

var _ storage.Dumper = (*Store)(nil)

// Dump implements storage.Dumper. What is trimmed waits until it has ended.
func (s *Store) Dump(ctx context.Context) iter.Seq2[storage.DumpRecord, error] {
	return stream(s, storage.HeadRevision, "dumping the store", func(r *reading, yield func(storage.DumpRecord) bool) error {
		s.maintenance.Lock()
		defer s.maintenance.Unlock()
		r.oldest = s.oldest.Load()
		d := &dumper{r: r, ctx: ctx, yield: yield}
		for _, part := range [...]func() error{d.header, d.scopes, d.versions, d.events, d.scans} {
			if err := part(); err != nil || d.stopped {
				return err
			}
		}
		return nil
	})
}

// dumper walks over everything a view holds. It lives for one call of Dump, whose
// context it keeps for that reason.
type dumper struct {
	r       *reading
	ctx     context.Context
	yield   func(storage.DumpRecord) bool
	stopped bool
}

func (d *dumper) put(rec storage.DumpRecord) {
	d.stopped = d.stopped || !d.yield(rec)
}

func (d *dumper) header() error {
	h := &storage.DumpHeader{Revision: d.r.head, Oldest: d.r.oldest}
	if d.r.head > 0 {
		var err error
		if h.Time, err = d.r.timeOf(d.r.head); err != nil {
			return err
		}
	}
	d.put(storage.DumpRecord{Header: h})
	return nil
}

// each walks over all entries under a prefix, with all their versions.
func (d *dumper) each(prefix byte, visit func(*engine.Item) error) error {
	it := d.r.txn.NewIterator(engine.IteratorOptions{Prefix: []byte{prefix}, AllVersions: true})
	defer it.Close()
	for it.Rewind(); it.Valid() && !d.stopped; it.Next() {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		if it.Item().IsDeletedOrExpired() {
			continue
		}
		if err := visit(it.Item()); err != nil {
			return fmt.Errorf("entry %q: %w", it.Item().Key(), err)
		}
	}
	return nil
}

// scopes dumps states. A restored copy says what an older entry says, which is there too
// unless it was trimmed.
func (d *dumper) scopes() error {
	return d.each(prefixScope, func(item *engine.Item) error {
		state, err := scopeOf(item)
		if err != nil {
			return err
		}
		d.put(storage.DumpRecord{Scope: &storage.DumpScope{Revision: int64(item.Version()), State: *state}})
		return nil
	})
}

func (d *dumper) versions() error {
	var last []byte
	return d.each(prefixDocument, func(item *engine.Item) error {
		if string(item.Key()) == string(last) {
			return nil
		}
		last = item.KeyCopy(last)
		key, err := parseResourceKey(last)
		if err != nil {
			return err
		}
		for v, err := range d.r.stored(d.ctx, key) {
			if err != nil {
				return err
			}
			if err := d.version(v.version); err != nil || d.stopped {
				return err
			}
		}
		return nil
	})
}

func (d *dumper) version(v *version) error {
	out := &storage.DumpVersion{Version: *v.public(), Event: v.event, Replaced: v.replaced}
	if v.changeType != change.Disappeared {
		k, err := d.r.knownAt(v.resource.Key, v.revision)
		if err != nil {
			return err
		}
		out.Fingerprint = k.Fingerprint
	}
	d.put(storage.DumpRecord{Version: out})
	return nil
}

func (d *dumper) events() error {
	return d.each(prefixEvent, func(item *engine.Item) error {
		id, err := parseEventID(item.Key())
		if err != nil || id.Revision <= d.r.oldest {
			return err
		}
		e, err := d.r.event(id)
		if err == nil {
			d.put(storage.DumpRecord{Event: e})
		}
		return err
	})
}

func (d *dumper) scans() error {
	return d.each(prefixScan, func(item *engine.Item) error {
		m, err := scanOf(item)
		if err == nil && m.Revision >= d.r.oldest {
			d.put(storage.DumpRecord{Scan: m})
		}
		return err
	})
}

// restoreDir is where a restore builds the engine's files before they become the store.
const restoreDir = "restore.tmp"

// Restore makes a new store at path from a dump. There must be none yet. Until the dump
// was read to its end without an error there is no store at path, also not after a crash.
func Restore(ctx context.Context, path string, log *slog.Logger, dump iter.Seq2[storage.DumpRecord, error]) (*storage.DumpHeader, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := refuseStore(path); err != nil {
		return nil, fmt.Errorf("restoring into %s: %w", path, err)
	}
	temporary := filepath.Join(path, restoreDir)
	if err := errors.Join(os.RemoveAll(temporary), os.MkdirAll(temporary, 0o700)); err != nil {
		return nil, fmt.Errorf("restoring into %s: %w", path, err)
	}
	header, err := load(ctx, temporary, log, dump)
	if err == nil {
		err = adopt(path, temporary, header)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("restoring into %s: %w", path, err), os.RemoveAll(temporary))
	}
	return header, nil
}

// refuseStore makes sure that a restore overwrites nothing.
func refuseStore(path string) error {
	if _, err := os.Stat(filepath.Join(path, formatFile)); err == nil {
		return errors.New("there is a store already; restore into an empty directory and move it there afterwards")
	}
	entries, err := os.ReadDir(filepath.Join(path, engineDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s is not empty; restore into an empty directory", filepath.Join(path, engineDir))
	}
	return err
}

// adopt makes the restored files the store. FORMAT is written last.
func adopt(path, temporary string, header *storage.DumpHeader) error {
	dir := filepath.Join(path, engineDir)
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(temporary, dir); err != nil {
		return err
	}
	f := files{path: path, dir: dir}
	if err := errors.Join(f.noteHead(header.Revision), f.closed()); err != nil {
		return err
	}
	return writeFormat(path)
}

// loader writes the records of a dump.
type loader struct {
	batch  *engine.WriteBatch
	header *storage.DumpHeader
	scans  int64
}

func load(ctx context.Context, dir string, log *slog.Logger, dump iter.Seq2[storage.DumpRecord, error]) (_ *storage.DumpHeader, err error) {
	db, err := openEngine(engineOptions(dir, log))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	l := &loader{batch: db.NewManagedWriteBatch()}
	defer l.batch.Cancel()
	for rec, err := range dump {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err // of the dump, not of the store
		}
		if err := l.record(&rec); err != nil {
			return nil, translate(err)
		}
	}
	if err := l.finish(); err != nil {
		return nil, err
	}
	if err := indexLoaded(ctx, db, dir, log); err != nil {
		return nil, err
	}
	return l.header, rest(ctx, db, &files{dir: dir}, restToClose)
}

// indexLoaded indexes the names and ARNs of what was loaded. A dump tells nothing of the
// index, and gives the versions of a resource in no order.
func indexLoaded(ctx context.Context, db *engine.DB, dir string, log *slog.Logger) error {
	s := &Store{db: db, log: log, files: files{path: dir, dir: dir}}
	s.idle = sync.NewCond(&s.mu)
	err := s.readState()
	if err == nil {
		err = s.indexTerms(ctx)
	}
	return translate(err)
}

func (l *loader) record(rec *storage.DumpRecord) error {
	if l.header == nil {
		if rec.Header == nil {
			return errors.New("the first record is no header")
		}
		l.header = rec.Header
		return nil
	}
	switch {
	case rec.Version != nil:
		return l.version(rec.Version)
	case rec.Event != nil:
		return l.event(rec.Event)
	case rec.Scan != nil:
		return l.scan(rec.Scan)
	case rec.Scope != nil:
		return l.scope(rec.Scope)
	default:
		return errors.New("a record says nothing that this release knows")
	}
}

func (l *loader) put(key, value []byte, meta byte, revision int64) error {
	if revision < 1 || revision > l.header.Revision {
		return fmt.Errorf("a record of revision %d in a dump up to %d", revision, l.header.Revision)
	}
	return l.batch.SetEntryAt(engine.NewEntry(key, value).WithMeta(meta), uint64(revision))
}

func (l *loader) version(d *storage.DumpVersion) error {
	v := version{
		revision: d.Version.Revision, time: d.Version.ValidFrom, changeType: d.Version.ChangeType,
		event: d.Event, replaced: d.Replaced, schema: d.Version.Schema, incomplete: d.Version.Incomplete,
		resource: d.Version.Resource,
	}
	key := v.resource.Key
	if err := key.Validate(); err != nil {
		return err
	}
	value, err := appendVersion(nil, &v)
	if err != nil {
		return err
	}
	if v.changeType == change.Disappeared {
		if err := l.batch.DeleteAt(resourceKey(prefixKnown, key), uint64(v.revision)); err != nil {
			return err
		}
		return l.put(resourceKey(prefixDocument, key), value, metaTombstone, v.revision)
	}
	known := storage.Known{Fingerprint: d.Fingerprint, Schema: v.schema, UID: v.resource.UID, Incomplete: len(v.incomplete) > 0}
	if err := l.put(resourceKey(prefixKnown, key), appendKnown(nil, &known), 0, v.revision); err != nil {
		return err
	}
	return l.put(resourceKey(prefixDocument, key), value, 0, v.revision)
}

func (l *loader) event(e *storage.ChangeEvent) error {
	id, err := storage.ParseEventID(e.ID)
	if err != nil {
		return err
	}
	key, err := resource.ParseKey(e.Key)
	if err != nil {
		return err
	}
	value, err := appendEvent(nil, &resource.Resource{Key: key, Name: e.Name}, e.ChangeType, e.Time, e.Changes)
	if err != nil {
		return err
	}
	if err := l.put(eventKey(id), value, 0, id.Revision); err != nil {
		return err
	}
	for _, prefix := range indexPrefixes(key, e.ChangeType) {
		if err := l.put(appendEventID(prefix, id), nil, 0, id.Revision); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) scan(m *storage.ScanMetadata) error {
	value, err := encodeScan(m)
	if err != nil {
		return err
	}
	l.scans++
	return l.put(scanKey(m.Revision), value, 0, m.Revision)
}

func (l *loader) scope(d *storage.DumpScope) error {
	value, err := encodeScope(&d.State)
	if err != nil {
		return err
	}
	return l.put(scopeKey(d.State.Scope), value, 0, d.Revision)
}

// finish checks that nothing is missing and writes the rest.
func (l *loader) finish() error {
	if l.header == nil {
		return errors.New("the dump is empty")
	}
	h := l.header
	if want := h.Revision - max(1, h.Oldest) + 1; l.scans != want {
		return fmt.Errorf("the dump holds %d scans and should hold %d", l.scans, want)
	}
	if h.Oldest > 1 {
		for _, prefix := range [...]byte{prefixOldest, prefixCleared} {
			if err := l.put([]byte{prefix}, numberValue(h.Oldest), 0, h.Revision); err != nil {
				return err
			}
		}
	}
	return l.batch.Flush()
}
