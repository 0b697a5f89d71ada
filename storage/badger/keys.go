package badger

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// The first byte of a key names what is kept under it. Parts of keys end with a zero
// byte, which resource.Key.Validate keeps out of every part: so keys sort as
// resource.Key.Compare does, and no part is taken for the beginning of a longer one.
const (
	prefixDocument = 'd' // provider, account, type, region, id -> a version
	prefixKnown    = 'h' // the same key -> what a comparison needs of it
	prefixScope    = 'c' // provider, account, type, region -> scope state
	prefixScan     = 's' // revision -> scan metadata; its presence commits the revision
	prefixEvent    = 'e' // revision, number -> change event
	prefixIndex    = 'x' // dimension, value, revision, number -> nothing
	prefixTerm     = 'n' // term, the key of a resource -> nothing
	prefixEnded    = 'u' // revision, the key of a resource -> terms that it ended
	prefixIndexing = 'j' // how far the terms of an old store were indexed
	prefixIntent   = 'i' // that revision's number of entries went beyond one transaction
	prefixOldest   = 'o' // the oldest revision that can be read
	prefixCleared  = 't' // the revision below which Trim has removed everything
	prefixFlush    = 'z' // nothing: written and dropped to empty the memtable
)

// Dimensions of the index of events.
const (
	indexType       = 't'
	indexRegion     = 'r'
	indexAccount    = 'a'
	indexChangeType = 'c'
)

var errBadStoredKey = errors.New("malformed key")

func appendPart(b []byte, part string) []byte {
	b = append(b, part...)
	return append(b, 0)
}

// scopePrefix is what the keys of all resources of a scope begin with. That of an
// account-wide scope ends before the region.
func scopePrefix(prefix byte, s resource.Scope) []byte {
	return appendScope(append(make([]byte, 0, 64), prefix), s)
}

func appendScope(b []byte, s resource.Scope) []byte {
	b = appendPart(b, s.Provider)
	b = appendPart(b, s.Account)
	b = appendPart(b, s.Type)
	if s.Region == resource.Global {
		return b
	}
	return appendPart(b, s.Region)
}

func resourceKey(prefix byte, k resource.Key) []byte {
	return appendResourceKey(append(make([]byte, 0, 96), prefix), k)
}

func appendResourceKey(b []byte, k resource.Key) []byte {
	b = appendPart(b, k.Provider)
	b = appendPart(b, k.Account)
	b = appendPart(b, k.Type)
	b = appendPart(b, k.Region)
	return append(b, k.ID...)
}

func parseResourceKey(b []byte) (resource.Key, error) { return parseKeyBehind(b, 1) }

// parseKeyBehind reads the key of a resource that stands behind some bytes.
func parseKeyBehind(b []byte, n int) (resource.Key, error) {
	if len(b) < n {
		return resource.Key{}, errBadStoredKey
	}
	parts := strings.SplitN(string(b[n:]), "\x00", 5)
	if len(parts) != 5 {
		return resource.Key{}, errBadStoredKey
	}
	return resource.Key{Provider: parts[0], Account: parts[1], Type: parts[2], Region: parts[3], ID: parts[4]}, nil
}

func scopeKey(s resource.Scope) []byte {
	b := make([]byte, 0, 64)
	b = append(b, prefixScope)
	b = appendPart(b, s.Provider)
	b = appendPart(b, s.Account)
	b = appendPart(b, s.Type)
	return append(b, s.Region...)
}

func parseScopeKey(b []byte) (resource.Scope, error) {
	parts := strings.SplitN(string(b[1:]), "\x00", 4)
	if len(parts) != 4 {
		return resource.Scope{}, errBadStoredKey
	}
	return resource.Scope{Provider: parts[0], Account: parts[1], Type: parts[2], Region: parts[3]}, nil
}

func scanKey(revision int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefixScan}, uint64(revision))
}

func parseScanKey(b []byte) (int64, error) {
	if len(b) != 9 {
		return 0, errBadStoredKey
	}
	return int64(binary.BigEndian.Uint64(b[1:])), nil
}

func intentKey() []byte { return []byte{prefixIntent} }

func appendEventID(b []byte, id storage.EventID) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(id.Revision))
	return binary.BigEndian.AppendUint32(b, uint32(id.Number))
}

const eventIDLength = 12

// parseEventID reads the event id at the end of a key.
func parseEventID(b []byte) (storage.EventID, error) {
	if len(b) < eventIDLength {
		return storage.EventID{}, errBadStoredKey
	}
	b = b[len(b)-eventIDLength:]
	return storage.EventID{
		Revision: int64(binary.BigEndian.Uint64(b)),
		Number:   int(binary.BigEndian.Uint32(b[8:])),
	}, nil
}

func eventKey(id storage.EventID) []byte {
	return appendEventID([]byte{prefixEvent}, id)
}

// indexPrefix is what the index entries of one value of one dimension begin with.
func indexPrefix(dimension byte, value string) []byte {
	return appendPart([]byte{prefixIndex, dimension}, value)
}

// eventIndexes is how many index entries an event has.
const eventIndexes = 4

// indexPrefixes returns the prefixes of all index entries of an event.
func indexPrefixes(k resource.Key, t change.Type) [][]byte {
	return [][]byte{
		indexPrefix(indexType, k.Type), indexPrefix(indexRegion, k.Region),
		indexPrefix(indexAccount, k.Account), indexPrefix(indexChangeType, string(t)),
	}
}
