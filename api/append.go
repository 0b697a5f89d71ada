package api

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/elava-dev/elava/resource"
)

// appendResource appends the JSON of a resource, byte for byte what encode writes. An
// export of an inventory takes a third of the time with it.
func appendResource(b []byte, r *Resource) []byte {
	for _, m := range [...]struct{ name, value string }{
		{`{"key":`, r.Key}, {`,"provider":`, r.Provider}, {`,"account":`, r.Account}, {`,"region":`, r.Region},
		{`,"type":`, r.Type}, {`,"id":`, r.ID}, {`,"arn":`, r.ARN}, {`,"name":`, r.Name}, {`,"status":`, r.Status},
	} {
		b = append(b, m.name...)
		b = appendText(b, m.value)
	}
	b = appendTime(append(b, `,"created_at":`...), r.CreatedAt)
	b = append(b, `,"tags":{`...)
	for i, key := range slices.Sorted(maps.Keys(r.Tags)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, key)
		b = append(b, ':')
		b = appendText(b, r.Tags[key])
	}
	b = append(b, `},"attributes":`...)
	b = append(b, r.Attributes...) // canonical, so that encode would leave it as it is
	b = append(b, `,"revision":`...)
	b = strconv.AppendInt(b, r.Revision, 10)
	b = appendTime(append(b, `,"valid_from":`...), &r.ValidFrom)
	b = appendTime(append(b, `,"valid_to":`...), r.ValidTo)
	b = appendTime(append(b, `,"observed_at":`...), r.ObservedAt)
	b = append(b, `,"stale":`...)
	b = strconv.AppendBool(b, r.Stale)
	for i, part := range r.Incomplete {
		b = append(b, []string{`,"incomplete":[`, `,`}[min(i, 1)]...)
		b = appendText(b, part)
	}
	if len(r.Incomplete) > 0 {
		b = append(b, ']')
	}
	return append(b, "}\n"...)
}

// appendText appends a JSON string. Where resource.AppendString and encoding/json differ,
// it does as the latter.
func appendText(b []byte, s string) []byte {
	if strings.ContainsAny(s, "\b\f\u2028\u2029") || !utf8.ValidString(s) {
		return append(b, jsonCell(s)...)
	}
	return resource.AppendString(b, s)
}

func appendTime(b []byte, t *time.Time) []byte {
	if t == nil {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = t.AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}
