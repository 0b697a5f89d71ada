// Package change compares two documents of one resource and names what differs.
//
// It is pure: no clock, no store, no provider. Which resources are compared with
// which, and what follows from a difference, is the reconciler's business.
//
// # Invariants
//
//   - Compare reports nothing exactly when both sides say the same facts: order of
//     sets and the difference between empty, null and absent are no facts.
//   - A path names an element of a set by its key, not by its position, so that one
//     added rule is one change and not a shift of all that follow.
//   - Changes come sorted by path: the same two documents give the same list.
package change

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/elava-dev/elava/resource"
)

// Type is what happened to a resource between two revisions.
type Type string

// The first three are reported in the change feed. The others are recorded quietly:
// they say something about Elava's knowledge, not about the cloud.
const (
	Created     Type = "created"
	Modified    Type = "modified"
	Disappeared Type = "disappeared"

	Baseline    Type = "baseline"    // present at its scope's first complete listing
	Rebaselined Type = "rebaselined" // recorded anew: another schema version, or a part that was unknown before
)

// Reported reports whether changes of this type belong in the change feed.
func (t Type) Reported() bool { return t == Created || t == Modified || t == Disappeared }

// FieldChange is one difference between two documents.
type FieldChange struct {
	// Path is "name", "status", "tags." and a tag's key, or "attributes." and the way
	// to a member: "attributes.IpPermissions[tcp:443-443].IpRanges[10.0.0.0/8]".
	Path string `json:"path"`
	// Old and New are canonical JSON values; null where the side has nothing there.
	Old json.RawMessage `json:"old"`
	New json.RawMessage `json:"new"`
}

var null = json.RawMessage("null")

// Compare returns what differs between before and after, two observations of one
// resource. schema may be nil: then every array is a list. It fails where attributes
// are not JSON.
func Compare(schema *resource.Schema, before, after *resource.Resource) ([]FieldChange, error) {
	c := comparison{schema: schema}
	c.text("name", before.Name, after.Name)
	c.text("status", before.Status, after.Status)
	c.tags(before.Tags, after.Tags)
	if !bytes.Equal(before.Attributes, after.Attributes) {
		a, err := decode(before.Attributes)
		if err != nil {
			return nil, fmt.Errorf("comparing %s: stored attributes: %w", before.Key, err)
		}
		b, err := decode(after.Attributes)
		if err != nil {
			return nil, fmt.Errorf("comparing %s: new attributes: %w", after.Key, err)
		}
		root := place{shown: "attributes"}
		c.value(root, c.ordered(root, a), c.ordered(root, b))
	}
	slices.SortStableFunc(c.changes, func(a, b FieldChange) int { return cmp.Compare(a.Path, b.Path) })
	return c.changes, nil
}

// Without returns the changes that lie in none of the parts, which are named as in
// resource.Unknown.
func Without(changes []FieldChange, parts []string) []FieldChange {
	return slices.DeleteFunc(slices.Clone(changes), func(c FieldChange) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return within(c.Path, part) })
	})
}

func within(path, part string) bool {
	rest, ok := strings.CutPrefix(path, part)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

func decode(attributes []byte) (any, error) {
	if len(attributes) == 0 {
		return map[string]any{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(attributes))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return v, nil
}

// comparison collects the changes of one pair.
type comparison struct {
	schema  *resource.Schema
	changes []FieldChange
}

// place is where in the documents a pair of values lies.
type place struct {
	shown  string // the path that users see
	rule   string // the path by which the schema knows it, without keys and positions
	policy bool   // within a policy document
}

func (p place) member(name string) place {
	p.shown += "." + name
	if p.rule != "" {
		p.rule += "."
	}
	p.rule += name
	return p
}

func (p place) element(key string) place {
	p.shown += "[" + key + "]"
	return p
}

func (c *comparison) text(path, before, after string) {
	if before != after {
		c.report(path, textOrNil(before), textOrNil(after))
	}
}

func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (c *comparison) tags(before, after map[string]string) {
	for _, k := range unionOfKeys(before, after) {
		a, inA := before[k]
		b, inB := after[k]
		if a == b && inA == inB {
			continue
		}
		c.report(resource.PartTags+"."+k, presentText(a, inA), presentText(b, inB))
	}
}

func presentText(s string, present bool) any {
	if !present {
		return nil
	}
	return s
}

func unionOfKeys[V any](a, b map[string]V) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// value compares two decoded values at p.
func (c *comparison) value(p place, before, after any) {
	if a, ok := before.(map[string]any); ok {
		if b, ok := after.(map[string]any); ok {
			c.object(p, a, b)
			return
		}
	}
	a, aIsArray := before.([]any)
	b, bIsArray := after.([]any)
	if (aIsArray || before == nil) && (bIsArray || after == nil) && (aIsArray || bIsArray) {
		c.array(p, a, b) // absent is empty: the first element of a set is an element that was added
		return
	}
	if !equal(before, after) {
		c.report(p.shown, before, after)
	}
}

// inside returns the place of an object, as seen by its members.
func (c *comparison) inside(p place) place {
	p.policy = p.policy || c.schema.PolicyAt(p.rule)
	return p
}

// ordered puts the sets below v, which it changes, in one order and takes absent
// elements out of all arrays. Elements that hold sets can then be told apart by their
// JSON. Canonical documents are so already; others need not be.
func (c *comparison) ordered(p place, v any) any {
	switch v := v.(type) {
	case map[string]any:
		p = c.inside(p)
		for name, member := range v {
			v[name] = c.ordered(p.member(name), member)
		}
	case []any:
		for i, element := range v {
			v[i] = c.ordered(p, element)
		}
		v = slices.DeleteFunc(v, func(e any) bool { return bytes.Equal(encode(e), null) })
		if _, isSet := c.schema.SetAt(p.rule); isSet || p.policy {
			sortByJSON(v)
		}
		return v
	}
	return v
}

func sortByJSON(values []any) {
	type sortable struct {
		text  json.RawMessage
		value any
	}
	order := make([]sortable, len(values))
	for i, v := range values {
		order[i] = sortable{encode(v), v}
	}
	slices.SortStableFunc(order, func(a, b sortable) int { return bytes.Compare(a.text, b.text) })
	for i := range order {
		values[i] = order[i].value
	}
}

func (c *comparison) object(p place, before, after map[string]any) {
	p = c.inside(p)
	for _, name := range unionOfKeys(before, after) {
		c.value(p.member(name), before[name], after[name])
	}
}

func (c *comparison) array(p place, before, after []any) {
	if p.policy {
		c.set(p, before, after, policyKey(p, before, after))
		return
	}
	template, isSet := c.schema.SetAt(p.rule)
	if !isSet {
		c.list(p, before, after)
		return
	}
	c.set(p, before, after, keyFunc(template))
}

// keyFunc returns the key of a set's elements, or nil where they have none.
func keyFunc(t resource.KeyTemplate) func(any) string {
	if len(t.Members()) == 0 {
		return nil
	}
	return func(element any) string {
		m, _ := element.(map[string]any)
		return t.Render(func(name string) string { return plainText(m[name]) })
	}
}

// policyKey tells policy statements apart by their Sid where every one has its own. All
// else in a policy is a set without keys.
func policyKey(p place, sides ...[]any) func(any) string {
	if !strings.HasSuffix(p.rule, "Statement") {
		return nil
	}
	sid := func(e any) string {
		m, _ := e.(map[string]any)
		return plainText(m["Sid"])
	}
	for _, side := range sides {
		seen := map[string]bool{"": true}
		for _, e := range side {
			if seen[sid(e)] {
				return nil
			}
			seen[sid(e)] = true
		}
	}
	return sid
}

func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	default:
		return ""
	}
}

// set pairs the elements of two sets: by key where they have one, else by equality.
func (c *comparison) set(p place, before, after []any, key func(any) string) {
	if key == nil {
		c.keyless(p, before, after)
		return
	}
	a, b := byKey(before, key), byKey(after, key)
	for _, k := range unionOfKeys(a, b) {
		c.value(p.element(k), a[k], b[k])
	}
}

// byKey indexes elements by key. Where keys repeat, against the schema's word, the
// second is "key#2": nothing is lost, and order decides who is who.
func byKey(elements []any, key func(any) string) map[string]any {
	m := make(map[string]any, len(elements))
	for _, e := range elements {
		k := key(e)
		for n := 2; ; n++ {
			if _, taken := m[k]; !taken {
				break
			}
			k = key(e) + "#" + strconv.Itoa(n)
		}
		m[k] = e
	}
	return m
}

// keyless takes out what both sets have and pairs the rest: plain values stand for
// themselves ([10.0.0.0/8] is added or removed), others by position among the rest.
func (c *comparison) keyless(p place, before, after []any) {
	a, b := difference(before, after), difference(after, before)
	if !anyComposite(a) && !anyComposite(b) {
		for _, v := range a {
			c.report(p.element(plainText(v)).shown, v, nil)
		}
		for _, v := range b {
			c.report(p.element(plainText(v)).shown, nil, v)
		}
		return
	}
	for i := range max(len(a), len(b)) {
		c.value(p.element(strconv.Itoa(i)), at(a, i), at(b, i))
	}
}

func anyComposite(values []any) bool {
	return slices.ContainsFunc(values, func(v any) bool {
		switch v.(type) {
		case map[string]any, []any:
			return true
		}
		return false
	})
}

// difference returns the elements of a that b lacks, each as often as it lacks it.
func difference(a, b []any) []any {
	count := map[string]int{}
	for _, v := range b {
		count[string(encode(v))]++
	}
	var rest []any
	for _, v := range a {
		k := string(encode(v))
		if count[k] > 0 {
			count[k]--
			continue
		}
		rest = append(rest, v)
	}
	return rest
}

func at(values []any, i int) any {
	if i < len(values) {
		return values[i]
	}
	return nil
}

// list compares two ordered lists. What both begin and end with is left aside, so that
// an element put in front is one change.
func (c *comparison) list(p place, before, after []any) {
	n := 0
	for n < len(before) && n < len(after) && equal(before[n], after[n]) {
		n++
	}
	a, b := before[n:], after[n:]
	for len(a) > 0 && len(b) > 0 && equal(a[len(a)-1], b[len(b)-1]) {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	for i := range max(len(a), len(b)) {
		c.value(p.element(strconv.Itoa(n+i)), at(a, i), at(b, i))
	}
}

func (c *comparison) report(path string, before, after any) {
	c.changes = append(c.changes, FieldChange{Path: path, Old: encode(before), New: encode(after)})
}

func equal(a, b any) bool { return bytes.Equal(encode(a), encode(b)) }

// encode returns the canonical JSON of a decoded value; null for what counts as absent.
func encode(v any) json.RawMessage {
	if v == nil {
		return null
	}
	out, absent := resource.AppendValue(nil, v)
	if absent {
		return null
	}
	return out
}
