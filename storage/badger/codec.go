package badger

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Bits of Badger's user meta byte of a version.
const (
	metaTombstone byte = 1 << iota
	// metaRestored marks a copy that a roll-back wrote over an entry of an uncommitted
	// revision: what it says was recorded by the revision in its header, not by the one
	// it is filed under.
	metaRestored
)

// errMalformed is a value that this package did not write.
var errMalformed = errors.New("malformed value")

// codes of change types in versions and events. Numbers are for ever: they are on disk.
var changeCodes = [...]change.Type{
	1: change.Created,
	2: change.Modified,
	3: change.Disappeared,
	4: change.Baseline,
	5: change.Rebaselined,
}

func changeCode(t change.Type) (byte, error) {
	if i := slices.Index(changeCodes[:], t); i > 0 {
		return byte(i), nil
	}
	return 0, fmt.Errorf("change type %q has no code", t)
}

// version is a stored version: storage.Version without what is known only by looking at
// its neighbours.
type version struct {
	revision   int64
	time       time.Time
	changeType change.Type
	event      int // number of its change event within the revision; 0 for none
	replaced   int // number of the event that says that another resource of this key disappeared in the same scan; 0 for none
	schema     uint32
	incomplete []string
	resource   resource.Resource
}

// appendVersion writes the layout that docs/storage-format.md describes under "d".
func appendVersion(b []byte, v *version) ([]byte, error) {
	code, err := changeCode(v.changeType)
	if err != nil {
		return nil, err
	}
	b = append(b, code)
	b = binary.AppendUvarint(b, uint64(v.revision))
	b = binary.AppendVarint(b, v.time.UnixMilli())
	b = binary.AppendUvarint(b, uint64(v.event))
	b = binary.AppendUvarint(b, uint64(v.replaced))
	b = binary.AppendUvarint(b, uint64(v.schema))
	b = appendStrings(b, v.incomplete)
	r := &v.resource
	b = appendString(b, r.ARN)
	b = appendString(b, r.Name)
	b = appendString(b, r.Status)
	b = appendString(b, r.UID)
	b = appendTime(b, r.CreatedAt)
	b = binary.AppendUvarint(b, uint64(len(r.Tags)))
	for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
		b = appendString(b, k)
		b = appendString(b, r.Tags[k])
	}
	return append(b, r.Attributes...), nil
}

func decodeVersion(key resource.Key, b []byte) (*version, error) {
	d := decoder{b: b}
	v := d.versionToName(key)
	r := &v.resource
	r.Status = d.string()
	r.UID = d.string()
	r.CreatedAt = d.time()
	if n := d.count(2); n > 0 {
		r.Tags = make(map[string]string, n)
		for range n {
			k := d.string()
			r.Tags[k] = d.string()
		}
	}
	if d.failed {
		return nil, errMalformed
	}
	r.Attributes = slices.Clone(d.b)
	return v, nil
}

// decodeVersionToName decodes no more of a version than what it is called.
func decodeVersionToName(key resource.Key, b []byte) (*version, error) {
	d := decoder{b: b}
	v := d.versionToName(key)
	if d.failed {
		return nil, errMalformed
	}
	return v, nil
}

// versionToName reads the first part of a version, which ends with the name.
func (d *decoder) versionToName(key resource.Key) *version {
	v := &version{}
	if code := d.byte(); code > 0 && int(code) < len(changeCodes) {
		v.changeType = changeCodes[code]
	} else {
		d.fail()
	}
	v.revision = int64(d.uvarint())
	v.time = time.UnixMilli(d.varint()).UTC()
	v.event = int(d.uvarint())
	v.replaced = int(d.uvarint())
	v.schema = uint32(d.uvarint())
	v.incomplete = d.strings()
	v.resource.Key = key
	v.resource.ARN = d.string()
	v.resource.Name = d.string()
	return v
}

// appendKnown writes the layout of docs/storage-format.md under "h".
func appendKnown(b []byte, k *storage.Known) []byte {
	b = append(b, k.Fingerprint[:]...)
	b = binary.AppendUvarint(b, uint64(k.Schema))
	flags := byte(0)
	if k.Incomplete {
		flags = 1
	}
	b = append(b, flags)
	return append(b, k.UID...)
}

func decodeKnown(b []byte, k *storage.Known) error {
	if len(b) < len(k.Fingerprint) {
		return errMalformed
	}
	copy(k.Fingerprint[:], b)
	d := decoder{b: b[len(k.Fingerprint):]}
	k.Schema = uint32(d.uvarint())
	k.Incomplete = d.byte()&1 != 0
	k.UID = string(d.b)
	if d.failed {
		return errMalformed
	}
	return nil
}

// appendEvent writes the layout of docs/storage-format.md under "e". What the key of
// the entry says is not repeated.
func appendEvent(b []byte, r *resource.Resource, t change.Type, at time.Time, changes []change.FieldChange) ([]byte, error) {
	code, err := changeCode(t)
	if err != nil {
		return nil, err
	}
	b = append(b, code)
	b = binary.AppendVarint(b, at.UnixMilli())
	b = appendString(b, r.Key.String())
	b = appendString(b, r.Name)
	if len(changes) == 0 {
		return b, nil
	}
	b = append(b, '[')
	for i, c := range changes {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendChange(b, c)
	}
	return append(b, ']'), nil
}

// appendChange writes a change as JSON with its values as they are: encoding/json would
// escape what needs no escaping.
func appendChange(b []byte, c change.FieldChange) []byte {
	b = append(b, `{"path":`...)
	b = resource.AppendString(b, c.Path)
	b = append(b, `,"old":`...)
	b = appendRaw(b, c.Old)
	b = append(b, `,"new":`...)
	b = appendRaw(b, c.New)
	return append(b, '}')
}

func appendRaw(b, value []byte) []byte {
	if len(value) == 0 {
		return append(b, "null"...)
	}
	return append(b, value...)
}

// decodeEventKey reads the key of the resource alone.
func decodeEventKey(b []byte) (resource.Key, error) {
	d := decoder{b: b}
	d.byte()   // what happened
	d.varint() // when
	key, err := resource.ParseKey(d.string())
	if d.failed || err != nil {
		return resource.Key{}, errMalformed
	}
	return key, nil
}

func decodeEvent(id storage.EventID, b []byte) (*storage.ChangeEvent, error) {
	d := decoder{b: b}
	code := d.byte()
	at := time.UnixMilli(d.varint()).UTC()
	key, err := resource.ParseKey(d.string())
	name := d.string()
	if d.failed || err != nil || code == 0 || int(code) >= len(changeCodes) {
		return nil, errMalformed
	}
	e := &storage.ChangeEvent{
		ID: id.String(), Revision: id.Revision, Time: at, ChangeType: changeCodes[code],
		Key: key.String(), Provider: key.Provider, Account: key.Account, Region: key.Region,
		Type: key.Type, ResourceID: key.ID, Name: name, Changes: []change.FieldChange{},
	}
	if len(d.b) > 0 {
		if err := json.Unmarshal(d.b, &e.Changes); err != nil {
			return nil, errMalformed
		}
	}
	return e, nil
}

// scanRecord is the JSON kept under "s". One is written per scan whether anything
// changed or not, so names are short and zeros left out.
type scanRecord struct {
	ScanID      int64  `json:"i"`
	Start       int64  `json:"s"` // Unix milliseconds
	End         int64  `json:"e"` // Unix milliseconds; the time of the revision
	Duration    int64  `json:"d,omitempty"`
	Resources   int    `json:"n,omitempty"`
	Errors      int    `json:"x,omitempty"`
	Status      string `json:"t"`
	Created     int    `json:"c,omitempty"`
	Modified    int    `json:"m,omitempty"`
	Disappeared int    `json:"g,omitempty"`
	Baseline    int    `json:"b,omitempty"`
	Rebaselined int    `json:"r,omitempty"`
	Error       string `json:"w,omitempty"`
}

func encodeScan(m *storage.ScanMetadata) ([]byte, error) {
	return json.Marshal(scanRecord{
		ScanID: m.ScanID, Start: m.StartTime.UnixMilli(), End: m.EndTime.UnixMilli(), Duration: m.DurationMS,
		Resources: m.ResourceCount, Errors: m.ErrorCount, Status: string(m.Status),
		Created: m.Created, Modified: m.Modified, Disappeared: m.Disappeared,
		Baseline: m.Baseline, Rebaselined: m.Rebaselined, Error: m.Error,
	})
}

func decodeScan(revision int64, b []byte) (*storage.ScanMetadata, error) {
	var r scanRecord
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, errMalformed
	}
	return &storage.ScanMetadata{
		ScanID: r.ScanID, Revision: revision,
		StartTime: time.UnixMilli(r.Start).UTC(), EndTime: time.UnixMilli(r.End).UTC(), DurationMS: r.Duration,
		ResourceCount: r.Resources, ErrorCount: r.Errors, Status: storage.ScanStatus(r.Status),
		Created: r.Created, Modified: r.Modified, Disappeared: r.Disappeared,
		Baseline: r.Baseline, Rebaselined: r.Rebaselined, Error: r.Error,
		FailedScopes: []storage.FailedScope{},
	}, nil
}

// scopeRecord is the JSON kept under "c".
type scopeRecord struct {
	Status       string         `json:"t"`
	Reason       string         `json:"y,omitempty"`
	Error        string         `json:"w,omitempty"`
	Resources    int            `json:"n,omitempty"`
	Regions      map[string]int `json:"r,omitempty"`
	LastComplete int64          `json:"l,omitempty"`
	LastTime     int64          `json:"e,omitempty"` // Unix milliseconds
}

func encodeScope(s *storage.ScopeState) ([]byte, error) {
	r := scopeRecord{
		Status: string(s.Status), Reason: s.Reason, Error: s.Error,
		Resources: s.Resources, Regions: s.Regions, LastComplete: s.LastComplete,
	}
	if !s.LastCompleteTime.IsZero() {
		r.LastTime = s.LastCompleteTime.UnixMilli()
	}
	return json.Marshal(r)
}

func decodeScope(scope resource.Scope, b []byte) (*storage.ScopeState, error) {
	var r scopeRecord
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, errMalformed
	}
	s := &storage.ScopeState{
		Scope: scope, Status: storage.ScopeStatus(r.Status), Reason: r.Reason, Error: r.Error,
		Resources: r.Resources, Regions: r.Regions, LastComplete: r.LastComplete,
	}
	if r.LastTime != 0 {
		s.LastCompleteTime = time.UnixMilli(r.LastTime).UTC()
	}
	return s, nil
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

// appendTime writes a time to the nanosecond; a zero time as a single zero byte.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	b = append(b, 1)
	b = binary.AppendVarint(b, t.Unix())
	return binary.AppendUvarint(b, uint64(t.Nanosecond()))
}

// decoder reads what the append functions wrote. After the first failure it returns
// zero values.
type decoder struct {
	b      []byte
	failed bool
}

func (d *decoder) fail() {
	d.failed = true
	d.b = nil
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.fail()
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) string() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail()
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

// count reads how many elements follow, of which each takes at least size bytes.
func (d *decoder) count(size int) int {
	n := d.uvarint()
	if n > uint64(len(d.b)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) strings() []string {
	n := d.count(1)
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.string()
	}
	return list
}

func (d *decoder) time() time.Time {
	if d.byte() == 0 {
		return time.Time{}
	}
	sec := d.varint()
	return time.Unix(sec, int64(d.uvarint())).UTC()
}
