package resource

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Digest replaces a secret by a text that is equal for equal secrets and from which
// the secret cannot be guessed. It is called by several goroutines at a time.
type Digest func(secret string) string

// Encoder writes the canonical documents of one type. It compiles, once for each Go
// type that it is given, a plan of what to write in which order, and then walks values
// by that plan: no maps in between, nothing allocated for a field. Several goroutines
// may use one Encoder.
type Encoder struct {
	schema *Schema
	digest Digest
	plans  sync.Map // reflect.Type -> *plan or error
	states sync.Pool
}

// NewEncoder returns an encoder for the documents of schema. A schema with secrets
// needs a digest: without one the encoder would have to choose between leaking and
// losing them.
func NewEncoder(schema *Schema, digest Digest) (*Encoder, error) {
	if err := schema.validate(); err != nil {
		return nil, err
	}
	if len(schema.Secrets) > 0 && digest == nil {
		return nil, fmt.Errorf("schema of %s has secrets, but there is no digest to replace them", schema.Type)
	}
	e := &Encoder{schema: schema, digest: digest}
	e.states.New = func() any { return new(encodeState) }
	return e, nil
}

// Schema returns the schema that the encoder was made for.
func (e *Encoder) Schema() *Schema { return e.schema }

// Redact returns a text with the passwords of URLs in it replaced, for what stands beside
// documents: names and tags. Strings in documents are treated so by Append.
func (e *Encoder) Redact(s string) string { return RedactURLs(s, e.digest) }

// Digest returns what stands for a secret, for texts of which it is a part and which no path of the
// schema names: ids, for example. The encoder must have a digest.
func (e *Encoder) Digest(secret string) string { return e.digest(secret) }

// Append appends the canonical JSON object of v, a struct or a pointer to one, to dst.
//
// Members appear sorted by name under their Go names, which in the AWS SDK are the
// API's. Absent are: unexported fields, nil pointers, empty strings, slices, maps,
// zero times, objects in which nothing is left, and what the schema omits. Kept are
// false, zero and, as elements of a list or values of a map, empty strings: somebody's
// tag without a value is a tag.
func (e *Encoder) Append(dst []byte, v any) ([]byte, error) {
	rv := reflect.ValueOf(v)
	for rv.Kind() == reflect.Pointer {
		if rv.IsNil() {
			return append(dst, "{}"...), nil
		}
		rv = rv.Elem()
	}
	if rv.Kind() != reflect.Struct {
		return dst, fmt.Errorf("encoding %s: want a struct, got %T", e.schema.Type, v)
	}
	p, err := e.plan(rv.Type())
	if err != nil {
		return dst, err
	}
	st := e.states.Get().(*encodeState)
	defer e.states.Put(st)
	st.encoder = e
	out, empty := p.encode(st, dst, rv)
	if st.err != nil {
		err, st.err = st.err, nil
		return dst, fmt.Errorf("encoding %s: %w", e.schema.Type, err)
	}
	if empty {
		out = append(out, "{}"...)
	}
	return out, nil
}

// Check compiles the plan for the Go type of v and reports every path of the schema
// that names no member of it, since a misspelled rule would silently do nothing, and
// whatever else keeps the plan from being made.
func (e *Encoder) Check(v any) error {
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	c := compiler{schema: e.schema, shared: map[reflect.Type]*plan{}, used: map[string]bool{}}
	c.compile(t, "")
	errs := []error{c.err}
	for _, path := range e.schema.paths() {
		if !c.used[path] {
			errs = append(errs, fmt.Errorf("schema of %s: %s has no member %s", e.schema.Type, t, path))
		}
	}
	return errors.Join(errs...)
}

func (e *Encoder) plan(t reflect.Type) (*plan, error) {
	if p, ok := e.plans.Load(t); ok {
		return p.(*plan), nil
	}
	c := compiler{schema: e.schema, shared: map[reflect.Type]*plan{}, used: map[string]bool{}}
	p := c.compile(t, "")
	if c.err != nil {
		return nil, c.err
	}
	e.plans.Store(t, p)
	return p, nil
}

// paths lists all paths that the schema's rules name, sorted.
func (s *Schema) paths() []string {
	all := slices.Concat(s.Omit, s.Policies, s.Secrets, slices.Collect(maps.Keys(s.Sets)))
	slices.Sort(all)
	return slices.Compact(all)
}

// encodeState is what one Append needs beside its destination. Stacks grow to what the
// largest document needed and are used again.
type encodeState struct {
	encoder *Encoder
	scratch []byte
	err     error
}

// encodeFunc appends v to dst and reports whether v counts as absent, in which case
// dst comes back as it was.
type encodeFunc func(st *encodeState, dst []byte, v reflect.Value) (out []byte, absent bool)

// plan is how to encode the values of one Go type at one place of a document.
type plan struct {
	encode encodeFunc
}

// compiler makes plans. A type below which the schema has no rule needs one plan
// wherever it stands; sharing it also ends the recursion of recursive types.
type compiler struct {
	schema *Schema
	shared map[reflect.Type]*plan
	used   map[string]bool
	err    error
}

func (c *compiler) compile(t reflect.Type, path string) *plan {
	plain := !c.hasRules(path)
	if plain {
		if p, ok := c.shared[t]; ok {
			return p
		}
	}
	p := new(plan)
	if plain {
		c.shared[t] = p
	}
	p.encode = c.encoderOf(t, path)
	return p
}

// hasRules reports whether the schema names the path or anything below it.
func (c *compiler) hasRules(path string) bool {
	if path == "" {
		return true
	}
	for _, rule := range c.schema.paths() {
		if rule == path || strings.HasPrefix(rule, path+".") {
			return true
		}
	}
	return false
}

// rule reports whether rules names the path, and remembers that it was of use.
func (c *compiler) rule(rules []string, path string) bool {
	if !slices.Contains(rules, path) {
		return false
	}
	c.used[path] = true
	return true
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()
)

// smithyDocument is what the AWS SDK calls a value of free form.
type smithyDocument interface {
	MarshalSmithyDocument() ([]byte, error)
}

var smithyDocumentType = reflect.TypeFor[smithyDocument]()

func (c *compiler) encoderOf(t reflect.Type, path string) encodeFunc {
	if c.rule(c.schema.Secrets, path) {
		if _, isSet := c.schema.Sets[path]; isSet && t.Kind() == reflect.Slice {
			return c.listEncoder(t, path) // each element is a secret
		}
		return c.secretEncoder(t)
	}
	if c.rule(c.schema.Policies, path) {
		return c.policyEncoder(t, path)
	}
	switch {
	case t == timeType:
		return encodeTime
	case t == bytesType:
		return encodeBytes
	case t.Implements(smithyDocumentType):
		return encodeSmithyDocument
	}
	switch t.Kind() {
	case reflect.Pointer:
		elem := c.compile(t.Elem(), path)
		return func(st *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
			if v.IsNil() {
				return dst, true
			}
			return elem.encode(st, dst, v.Elem())
		}
	case reflect.Struct:
		return c.structEncoder(t, path)
	case reflect.Slice, reflect.Array:
		return c.listEncoder(t, path)
	case reflect.Map:
		return c.mapEncoder(t, path)
	case reflect.Interface:
		return encodeInterface
	case reflect.String:
		return encodeString
	case reflect.Bool:
		return encodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return encodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return encodeUint
	case reflect.Float32, reflect.Float64:
		return encodeFloat
	default:
		c.err = errors.Join(c.err, fmt.Errorf("schema of %s: member %s: cannot encode a Go %s", c.schema.Type, path, t))
		return encodeNothing
	}
}

func encodeNothing(_ *encodeState, dst []byte, _ reflect.Value) ([]byte, bool) { return dst, true }

func encodeTime(_ *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
	t := v.Interface().(time.Time)
	if t.IsZero() {
		return dst, true
	}
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"'), false
}

func encodeBytes(_ *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
	b := v.Bytes()
	if len(b) == 0 {
		return dst, true
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"'), false
}

func encodeString(st *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
	s := v.String()
	if s == "" {
		return dst, true
	}
	return AppendString(dst, st.encoder.Redact(s)), false
}

func encodeBool(_ *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
	return strconv.AppendBool(dst, v.Bool()), false
}

func encodeInt(_ *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
	return strconv.AppendInt(dst, v.Int(), 10), false
}

func encodeUint(_ *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
	return strconv.AppendUint(dst, v.Uint(), 10), false
}

// encodeFloat leaves out what JSON cannot say.
func encodeFloat(_ *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, true
	}
	return strconv.AppendFloat(dst, f, 'g', -1, v.Type().Bits()), false
}

func encodeSmithyDocument(st *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
	if v.Kind() == reflect.Interface && v.IsNil() {
		return dst, true
	}
	raw, err := v.Interface().(smithyDocument).MarshalSmithyDocument()
	if err != nil {
		st.fail(fmt.Errorf("a value of free form: %w", err))
		return dst, true
	}
	out, absent, err := AppendJSON(dst, raw, st.encoder.Redact)
	if err != nil {
		st.fail(fmt.Errorf("a value of free form: %w", err))
		return dst, true
	}
	return out, absent
}

func (st *encodeState) fail(err error) {
	if st.err == nil {
		st.err = err
	}
}

// encodeInterface writes a union: the AWS SDK has a Go type named XMemberFoo with one
// field Value for the choice Foo of the union X. It becomes {"Foo": value}, and
// {"Foo": ""} where the value is absent: the choice alone is a fact.
func encodeInterface(st *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
	if v.IsNil() {
		return dst, true
	}
	v = v.Elem()
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return dst, true
		}
		v = v.Elem()
	}
	p, err := st.encoder.unionPlan(v.Type())
	if err != nil {
		st.fail(err)
		return dst, true
	}
	start := len(dst)
	_, choice, isUnion := strings.Cut(v.Type().Name(), "Member")
	if isUnion && v.Kind() == reflect.Struct && v.NumField() > 0 && v.Type().Field(0).Name == "Value" {
		v = v.Field(0)
		dst = append(dst, '{')
		dst = AppendString(dst, choice)
		dst = append(dst, ':')
		out, absent := p.encode(st, dst, v)
		if absent {
			out = append(out, `""`...)
		}
		return append(out, '}'), false
	}
	out, absent := p.encode(st, dst, v)
	if absent {
		return out[:start], true
	}
	return out, false
}

// unionPlan returns the plan for what an interface holds: the value of a union's
// choice, or the type itself. No rule of a schema reaches below an interface.
func (e *Encoder) unionPlan(t reflect.Type) (*plan, error) {
	if _, _, isUnion := strings.Cut(t.Name(), "Member"); isUnion && t.Kind() == reflect.Struct && t.NumField() > 0 && t.Field(0).Name == "Value" {
		t = t.Field(0).Type
	}
	type key struct{ reflect.Type }
	if p, ok := e.plans.Load(key{t}); ok {
		return p.(*plan), nil
	}
	c := compiler{schema: &Schema{Type: e.schema.Type}, shared: map[reflect.Type]*plan{}, used: map[string]bool{}}
	p := c.compile(t, "-")
	if c.err != nil {
		return nil, c.err
	}
	e.plans.Store(key{t}, p)
	return p, nil
}

// member is one field of a struct in the order of the document.
type member struct {
	label []byte // `"Name":`
	index []int  // more than one step for a field of an embedded struct
	plan  *plan
}

func (c *compiler) structEncoder(t reflect.Type, path string) encodeFunc {
	members := c.members(t, path, nil)
	slices.SortFunc(members, func(a, b member) int { return bytes.Compare(a.label, b.label) })
	return func(st *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
		start := len(dst)
		dst = append(dst, '{')
		for i := range members {
			m := &members[i]
			f, ok := fieldAt(v, m.index)
			if !ok {
				continue
			}
			mark := len(dst)
			if mark > start+1 {
				dst = append(dst, ',')
			}
			dst = append(dst, m.label...)
			var absent bool
			if dst, absent = m.plan.encode(st, dst, f); absent {
				dst = dst[:mark]
			}
		}
		if len(dst) == start+1 {
			return dst[:start], true
		}
		return append(dst, '}'), false
	}
}

// fieldAt is v.FieldByIndex without the panic on a nil embedded pointer.
func fieldAt(v reflect.Value, index []int) (reflect.Value, bool) {
	for i, x := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, true
}

// members lists the fields of t to write. Embedded structs are flattened; the SDK's
// ResultMetadata says something about a call and nothing about a resource.
func (c *compiler) members(t reflect.Type, path string, index []int) []member {
	var all []member
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(index), i)
		if f.Anonymous {
			ft := f.Type
			if ft.Kind() == reflect.Pointer {
				ft = ft.Elem()
			}
			if f.IsExported() && ft.Kind() == reflect.Struct {
				all = append(all, c.members(ft, path, at)...)
			}
			continue
		}
		if !f.IsExported() || f.Name == "ResultMetadata" {
			continue
		}
		below := f.Name
		if path != "" {
			below = path + "." + f.Name
		}
		if c.rule(c.schema.Omit, below) {
			continue
		}
		label := append(AppendString(nil, f.Name), ':')
		all = append(all, member{label: label, index: at, plan: c.compile(f.Type, below)})
	}
	return all
}

func (c *compiler) mapEncoder(t reflect.Type, path string) encodeFunc {
	if t.Key().Kind() != reflect.String {
		c.err = errors.Join(c.err, fmt.Errorf("schema of %s: member %s: a map needs strings as keys, not %s", c.schema.Type, path, t.Key()))
		return encodeNothing
	}
	elem := c.compile(t.Elem(), path)
	return func(st *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
		if v.Len() == 0 {
			return dst, true
		}
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		start := len(dst)
		dst = append(dst, '{')
		for _, k := range keys {
			mark := len(dst)
			if mark > start+1 {
				dst = append(dst, ',')
			}
			dst = AppendString(dst, k.String())
			dst = append(dst, ':')
			var absent bool
			value := v.MapIndex(k)
			if dst, absent = elem.encode(st, dst, value); absent {
				if dst, absent = appendAbsent(dst, value); absent {
					dst = dst[:mark]
				}
			}
		}
		if len(dst) == start+1 {
			return dst[:start], true
		}
		return append(dst, '}'), false
	}
}

// appendAbsent writes what stands for an absent value where its place alone says
// something, in a list or a map: an empty string. All else stays absent, as it does for
// AppendJSON, by which documents are compared.
func appendAbsent(dst []byte, v reflect.Value) ([]byte, bool) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return dst, true
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.String:
		return append(dst, `""`...), false
	default:
		return dst, true
	}
}

func (c *compiler) listEncoder(t reflect.Type, path string) encodeFunc {
	elem := c.compile(t.Elem(), path)
	template, isSet := c.schema.Sets[path]
	if !isSet {
		return func(st *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
			start := len(dst)
			dst = append(dst, '[')
			for i := range v.Len() {
				dst, _ = appendElement(st, dst, start+1, elem, v.Index(i))
			}
			return closeList(dst, start)
		}
	}
	c.used[path] = true
	key := c.keyOf(t.Elem(), path, ParseKeyTemplate(template))
	return func(st *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
		return encodeSet(st, dst, v, elem, key)
	}
}

// appendElement appends one element and its comma where it is not the first, which
// stands at first.
func appendElement(st *encodeState, dst []byte, first int, elem *plan, v reflect.Value) (out []byte, absent bool) {
	mark := len(dst)
	if mark > first {
		dst = append(dst, ',')
	}
	if dst, absent = elem.encode(st, dst, v); absent {
		if dst, absent = appendAbsent(dst, v); absent {
			return dst[:mark], true
		}
	}
	return dst, false
}

func closeList(dst []byte, start int) ([]byte, bool) {
	if len(dst) == start+1 {
		return dst[:start], true
	}
	return append(dst, ']'), false
}

// setElement is where one element of a set lies in the destination.
type setElement struct {
	key        string
	start, end int
}

// encodeSet writes the elements as they come, then puts them in the order of their
// keys, and of their bytes where keys are equal.
func encodeSet(st *encodeState, dst []byte, v reflect.Value, elem *plan, key func(reflect.Value) string) ([]byte, bool) {
	start := len(dst)
	dst = append(dst, '[')
	elements := make([]setElement, 0, 8)
	for i := range v.Len() {
		var absent bool
		mark := len(dst)
		if dst, absent = appendElement(st, dst, start+1, elem, v.Index(i)); absent {
			continue
		}
		if mark > start+1 {
			mark++ // the comma
		}
		elements = append(elements, setElement{key(v.Index(i)), mark, len(dst)})
	}
	compare := func(a, b setElement) int {
		if c := strings.Compare(a.key, b.key); c != 0 {
			return c
		}
		return bytes.Compare(dst[a.start:a.end], dst[b.start:b.end])
	}
	if !slices.IsSortedFunc(elements, compare) {
		slices.SortFunc(elements, compare)
		st.reorder(dst[start+1:], start+1, elements)
	}
	return closeList(dst, start)
}

// reorder rewrites body, which begins at offset of the destination, with its elements
// in the order given.
func (st *encodeState) reorder(body []byte, offset int, elements []setElement) {
	s := append(st.scratch[:0], body...)
	out := body[:0]
	for i, e := range elements {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, s[e.start-offset:e.end-offset]...)
	}
	st.scratch = s
}

// keyOf returns a function that renders the key of a set's element of Go type t.
func (c *compiler) keyOf(t reflect.Type, path string, template KeyTemplate) func(reflect.Value) string {
	if len(template.Members()) == 0 {
		return func(reflect.Value) string { return "" }
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	index := map[string][]int{}
	for _, name := range template.Members() {
		f, ok := reflect.StructField{}, false
		if t.Kind() == reflect.Struct {
			f, ok = t.FieldByName(name)
		}
		if !ok {
			c.err = errors.Join(c.err, fmt.Errorf("schema of %s: set %s: %s has no member %s for its key", c.schema.Type, path, t, name))
			continue
		}
		index[name] = f.Index
	}
	if len(template.Members()) == 1 && template.Render(func(string) string { return "x" }) == "x" {
		at := index[template.Members()[0]]
		return func(v reflect.Value) string { return scalarText(v, at) }
	}
	return func(v reflect.Value) string {
		return template.Render(func(name string) string { return scalarText(v, index[name]) })
	}
}

// scalarText returns the text of a plain member as it stands in the document, without
// quotes.
func scalarText(v reflect.Value, index []int) string {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	v, ok := fieldAt(v, index)
	for ok && v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	if !ok {
		return ""
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	default:
		return ""
	}
}

// secretEncoder digests every string below a secret member and keeps the rest of its
// shape, so that one sees which variable changed, not to what.
func (c *compiler) secretEncoder(t reflect.Type) encodeFunc {
	inner := compiler{schema: &Schema{Type: c.schema.Type}, shared: map[reflect.Type]*plan{}, used: map[string]bool{}}
	p := inner.compile(t, "-")
	c.err = errors.Join(c.err, inner.err)
	return func(st *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
		raw, absent := p.encode(st, nil, v)
		if absent {
			return dst, true
		}
		out, absent, err := AppendJSON(dst, raw, st.encoder.digest)
		if err != nil {
			st.fail(fmt.Errorf("a secret member: %w", err))
			return dst, true
		}
		return out, absent
	}
}

func (c *compiler) policyEncoder(t reflect.Type, path string) encodeFunc {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.String {
		c.err = errors.Join(c.err, fmt.Errorf("schema of %s: policy %s: want a string, found %s", c.schema.Type, path, t))
		return encodeNothing
	}
	return func(st *encodeState, dst []byte, v reflect.Value) ([]byte, bool) {
		for v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return dst, true
			}
			v = v.Elem()
		}
		if v.Len() == 0 {
			return dst, true
		}
		out := AppendPolicy(dst, v.String(), st.encoder.Redact)
		if string(out[len(dst):]) == "{}" { // says nothing
			return dst, true
		}
		return out, false
	}
}
