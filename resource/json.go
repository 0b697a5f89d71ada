package resource

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendJSON appends the canonical form of any JSON value to dst: members sorted by
// name, null members and elements left out, empty objects and arrays absent. With a
// digest, every string is replaced by what it makes of it; names of members stay. absent
// reports that nothing was left and nothing appended.
func AppendJSON(dst, raw []byte, digest Digest) (out []byte, absent bool, err error) {
	v, err := decodeJSON(raw)
	if err != nil {
		return dst, true, err
	}
	out, absent = appendValue(dst, v, digest)
	return out, absent, nil
}

func decodeJSON(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("reading JSON: more than one value")
	}
	return v, nil
}

// AppendValue appends the canonical form of a value that encoding/json decoded with
// UseNumber, by the rules of AppendJSON.
func AppendValue(dst []byte, v any) (out []byte, absent bool) { return appendValue(dst, v, nil) }

// appendValue appends a decoded value. Empty strings stay: here, below user-keyed maps
// and in policies, they are data.
func appendValue(dst []byte, v any, digest Digest) ([]byte, bool) {
	start := len(dst)
	switch v := v.(type) {
	case nil:
		return dst, true
	case string:
		if digest != nil {
			v = digest(v)
		}
		return AppendString(dst, v), false
	case json.Number:
		return append(dst, v...), false
	case bool:
		return strconv.AppendBool(dst, v), false
	case []any:
		dst = append(dst, '[')
		for _, e := range v {
			mark := len(dst)
			if mark > start+1 {
				dst = append(dst, ',')
			}
			var absent bool
			if dst, absent = appendValue(dst, e, digest); absent {
				dst = dst[:mark]
			}
		}
		return closeList(dst, start)
	case map[string]any:
		dst = append(dst, '{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			mark := len(dst)
			if mark > start+1 {
				dst = append(dst, ',')
			}
			dst = AppendString(dst, name)
			dst = append(dst, ':')
			var absent bool
			if dst, absent = appendValue(dst, v[name], digest); absent {
				dst = dst[:mark]
			}
		}
		if len(dst) == start+1 {
			return dst[:start], true
		}
		return append(dst, '}'), false
	default:
		return dst, true
	}
}

// AppendPolicy appends a policy, which arrives as a string (plain or URL-encoded, as
// IAM sends it), as a canonical object, so that only what it grants can differ:
// statements, actions, resources, principals and the values of conditions are sets,
// and one of them alone is a set of one. A string that is no JSON is kept as a string.
// A JSON document without statements (a redrive policy, for example) is only sorted.
// With redact, every string is replaced by what it makes of it.
func AppendPolicy(dst []byte, policy string, redact Digest) []byte {
	text := policy
	if strings.HasPrefix(text, "%") {
		if decoded, err := url.PathUnescape(text); err == nil {
			text = decoded
		}
	}
	v, err := decodeJSON([]byte(text))
	if err != nil {
		if redact != nil && redact(text) != text {
			policy = redact(text)
		}
		return AppendString(dst, policy)
	}
	if doc, ok := v.(map[string]any); ok && doc["Statement"] != nil {
		v = normalPolicy(doc)
	}
	out, absent := appendValue(dst, v, redact)
	if absent {
		return append(out, "{}"...)
	}
	return out
}

func normalPolicy(doc map[string]any) map[string]any {
	statements, ok := doc["Statement"].([]any)
	if !ok {
		statements = []any{doc["Statement"]}
	}
	type sortable struct {
		sid, text string
		value     any
	}
	order := make([]sortable, 0, len(statements))
	for _, s := range statements {
		m, ok := s.(map[string]any)
		if ok {
			s = normalStatement(m)
		}
		text, _ := appendValue(nil, s, nil)
		sid, _ := m["Sid"].(string)
		order = append(order, sortable{sid, string(text), s})
	}
	slices.SortStableFunc(order, func(a, b sortable) int {
		if c := strings.Compare(a.sid, b.sid); c != 0 {
			return c
		}
		return strings.Compare(a.text, b.text)
	})
	sorted := make([]any, len(order))
	for i := range order {
		sorted[i] = order[i].value
	}
	out := maps.Clone(doc)
	out["Statement"] = sorted
	return out
}

func normalStatement(s map[string]any) map[string]any {
	out := maps.Clone(s)
	for _, name := range [...]string{"Action", "NotAction", "Resource", "NotResource"} {
		if v, ok := out[name]; ok {
			out[name] = normalSet(v)
		}
	}
	for _, name := range [...]string{"Principal", "NotPrincipal"} {
		if m, ok := out[name].(map[string]any); ok {
			out[name] = normalValues(m)
		}
	}
	if conditions, ok := out["Condition"].(map[string]any); ok {
		c := make(map[string]any, len(conditions))
		for operator, keys := range conditions {
			if m, ok := keys.(map[string]any); ok {
				keys = normalValues(m)
			}
			c[operator] = keys
		}
		out["Condition"] = c
	}
	return out
}

func normalValues(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = normalSet(v)
	}
	return out
}

// normalSet returns the texts of one plain value or a list of them, sorted, each once.
// IAM takes numbers and booleans for texts. Anything else comes back as it is.
func normalSet(v any) any {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	texts := make([]string, 0, len(list))
	for _, e := range list {
		switch e := e.(type) {
		case string:
			texts = append(texts, e)
		case json.Number:
			texts = append(texts, e.String())
		case bool:
			texts = append(texts, strconv.FormatBool(e))
		default:
			return v
		}
	}
	slices.Sort(texts)
	texts = slices.Compact(texts)
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Only what JSON demands is escaped: quotes,
// backslashes and control characters; invalid UTF-8 becomes U+FFFD. Unlike
// encoding/json it leaves <, > and & alone: these documents are no HTML.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(dst, s[done:i]...)
			dst = append(dst, "\uFFFD"...)
			i++
			done = i
			continue
		}
		dst = append(dst, s[done:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		done = i
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}
