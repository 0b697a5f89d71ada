package badger

import (
	"log/slog"
	"path/filepath"
	"time"

	engine "github.com/dgraph-io/badger/v4"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// What benchmarks need to put the bare engine beside a store.

// Engine returns the engine of an open store.
func (s *Store) Engine() *engine.DB { return s.db }

// EngineDir returns the engine's directory within that of a store.
func EngineDir(path string) string { return filepath.Join(path, engineDir) }

// EngineOptions returns the options with which a store that was closed cleanly opens its
// engine.
func EngineOptions(dir string) engine.Options {
	return engineOptions(dir, slog.New(slog.DiscardHandler), true)
}

// Entry is what the engine keeps under a key.
type Entry struct{ Key, Value []byte }

// BaselineEntries returns what a store writes for a resource that is recorded for the
// first time, in the first revision.
func BaselineEntries(r *resource.Resource, f resource.Fingerprint, schema uint32) ([]Entry, error) {
	known := storage.Known{Fingerprint: f, Schema: schema, UID: r.UID}
	value, err := appendVersion(nil, &version{revision: 1, time: time.Now(), changeType: change.Baseline, schema: schema, resource: *r})
	return []Entry{
		{resourceKey(prefixKnown, r.Key), appendKnown(nil, &known)},
		{resourceKey(prefixDocument, r.Key), value},
	}, err
}

// DocumentKey returns the key under which the versions of a resource are kept.
func DocumentKey(k resource.Key) []byte { return resourceKey(prefixDocument, k) }

// LevelZero returns how many tables level 0 of an open store has.
func (s *Store) LevelZero() int { return levelZero(s.db) }

// LevelZeroStall is how many it may have.
const LevelZeroStall = levelZeroStall

// OpenWithoutCompactors opens the bare engine as recovery does.
func OpenWithoutCompactors(dir string) (*engine.DB, error) {
	return engine.OpenManaged(recoveryOptions(dir, nil))
}
