package resource

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Resource is one observation of one resource. A Resource handed on by a provider
// is owned by the receiver: nobody changes its slices and maps any more.
type Resource struct {
	Key Key

	ARN    string // empty where the cloud has none
	Name   string // for people; may be empty and need not be unique
	Status string // as the API says it ("running"); empty where there is none

	// UID tells apart two resources that bear the same key one after the other: a
	// role that was deleted and made anew has the same name and another UID. Empty
	// where the API has nothing of the kind; empty and set never count as different.
	UID string

	CreatedAt time.Time // zero where the API does not say

	// Tags holds every tag, also those with an empty value.
	Tags map[string]string

	// Attributes is the canonical JSON object of all else that the API says, under
	// the API's own names. Empty counts as {}.
	Attributes []byte

	// Unknown names the parts that could not be read this time although the
	// resource itself was listed. They are absent above; that says nothing about the
	// cloud. See Inherit.
	Unknown []Unknown
}

// Unknown is a part of a resource that could not be read.
type Unknown struct {
	Part string // "status", "tags", or "attributes." and the name of a top-level attribute
	Err  error
}

// PartStatus is the name of the status in Unknown.Part.
const PartStatus = "status"

// PartTags is the name of the tags in Unknown.Part.
const PartTags = "tags"

// PartAttributes is the prefix of an attribute's name in Unknown.Part.
const PartAttributes = "attributes."

// Fingerprint is a digest of a resource's document, tags, name and status: the
// first 128 bits of a SHA-256, so that equal fingerprints mean equal contents. The
// zero Fingerprint is that of no resource.
type Fingerprint [16]byte

// String returns the fingerprint in hexadecimal digits.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// Hasher computes fingerprints and reuses its buffers. The zero Hasher is ready for
// use; one goroutine uses it at a time.
type Hasher struct {
	buf  []byte
	keys []string
}

// Sum returns the fingerprint of r.
func (h *Hasher) Sum(r *Resource) Fingerprint {
	h.keys = h.keys[:0]
	for k := range r.Tags {
		h.keys = append(h.keys, k)
	}
	slices.Sort(h.keys)
	b := h.buf[:0]
	b = appendSized(b, r.Name)
	b = appendSized(b, r.Status)
	b = appendLength(b, len(h.keys))
	for _, k := range h.keys {
		b = appendSized(b, k)
		b = appendSized(b, r.Tags[k])
	}
	if len(r.Attributes) == 0 {
		b = append(b, "{}"...)
	}
	b = append(b, r.Attributes...)
	h.buf = b
	sum := sha256.Sum256(b)
	return Fingerprint(sum[:16])
}

// appendSized writes the length before the text, so that no two lists of texts give
// the same bytes.
func appendSized(b []byte, s string) []byte { return append(appendLength(b, len(s)), s...) }

func appendLength(b []byte, n int) []byte {
	return append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// Inherit replaces every unknown part of r by what prev says of it and forgets that
// it was unknown, except for the parts named in incomplete: those were never known
// of prev either, and stay in r.Unknown. Where r does not say when it was created,
// prev does. It fails only where the attributes of either are not a JSON object.
func (r *Resource) Inherit(prev *Resource, incomplete []string) error {
	if r.CreatedAt.IsZero() {
		r.CreatedAt = prev.CreatedAt
	}
	var names []string
	for _, u := range r.Unknown {
		switch name, isAttribute := strings.CutPrefix(u.Part, PartAttributes); {
		case isAttribute:
			names = append(names, name)
		case u.Part == PartTags:
			r.Tags = maps.Clone(prev.Tags)
		case u.Part == PartStatus:
			r.Status = prev.Status
		}
	}
	if len(names) > 0 {
		merged, err := inheritMembers(r.Attributes, prev.Attributes, names)
		if err != nil {
			return fmt.Errorf("keeping the last value of %s of %s: %w", strings.Join(names, ", "), r.Key, err)
		}
		r.Attributes = merged
	}
	r.Unknown = slices.DeleteFunc(slices.Clone(r.Unknown), func(u Unknown) bool {
		return !slices.Contains(incomplete, u.Part)
	})
	return nil
}

// inheritMembers returns the object dst with the named members as they are in src.
// Both are canonical, so re-marshalling a map of raw members (which sorts them) is
// canonical too.
func inheritMembers(dst, src []byte, names []string) ([]byte, error) {
	d, err := members(dst)
	if err != nil {
		return nil, err
	}
	s, err := members(src)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if v, ok := s[name]; ok {
			d[name] = v
		} else {
			delete(d, name)
		}
	}
	return marshalMembers(d), nil
}

func members(object []byte) (map[string]json.RawMessage, error) {
	m := map[string]json.RawMessage{}
	if len(object) == 0 {
		return m, nil
	}
	if err := json.Unmarshal(object, &m); err != nil {
		return nil, fmt.Errorf("reading attributes: %w", err)
	}
	if m == nil {
		return nil, errors.New("reading attributes: null is no object")
	}
	return m, nil
}

func marshalMembers(m map[string]json.RawMessage) []byte {
	b := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, name)
		b = append(b, ':')
		b = append(b, m[name]...)
	}
	return append(b, '}')
}
