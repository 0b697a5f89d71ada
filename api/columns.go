package api

import (
	"strconv"
	"strings"
	"time"

	"github.com/elava-dev/elava/storage"
)

// Column is one column of a list in CSV. The columns of a list are a contract with whoever
// reads them: new ones come last.
type Column[T any] struct {
	Name  string
	Value func(*T) string
}

// ResourceColumns are the columns of resources. Tags, attributes and the names of missing
// parts are JSON; times are as in JSON, and empty where there is none.
func ResourceColumns() []Column[Resource] {
	return []Column[Resource]{
		{"key", func(r *Resource) string { return r.Key }},
		{"provider", func(r *Resource) string { return r.Provider }},
		{"account", func(r *Resource) string { return r.Account }},
		{"region", func(r *Resource) string { return r.Region }},
		{"type", func(r *Resource) string { return r.Type }},
		{"id", func(r *Resource) string { return r.ID }},
		{"arn", func(r *Resource) string { return r.ARN }},
		{"name", func(r *Resource) string { return r.Name }},
		{"status", func(r *Resource) string { return r.Status }},
		{"created_at", func(r *Resource) string { return timeCell(r.CreatedAt) }},
		{"tags", func(r *Resource) string { return jsonCell(r.Tags) }},
		{"attributes", func(r *Resource) string { return string(r.Attributes) }},
		{"revision", func(r *Resource) string { return strconv.FormatInt(r.Revision, 10) }},
		{"valid_from", func(r *Resource) string { return timeCell(&r.ValidFrom) }},
		{"valid_to", func(r *Resource) string { return timeCell(r.ValidTo) }},
		{"observed_at", func(r *Resource) string { return timeCell(r.ObservedAt) }},
		{"stale", func(r *Resource) string { return strconv.FormatBool(r.Stale) }},
		{"incomplete", func(r *Resource) string { return jsonCell(append([]string{}, r.Incomplete...)) }},
	}
}

// ChangeColumns are the columns of change events. Changes are JSON.
func ChangeColumns() []Column[storage.ChangeEvent] {
	type event = storage.ChangeEvent
	return []Column[event]{
		{"id", func(e *event) string { return e.ID }},
		{"revision", func(e *event) string { return strconv.FormatInt(e.Revision, 10) }},
		{"time", func(e *event) string { return timeCell(&e.Time) }},
		{"change_type", func(e *event) string { return string(e.ChangeType) }},
		{"key", func(e *event) string { return e.Key }},
		{"provider", func(e *event) string { return e.Provider }},
		{"account", func(e *event) string { return e.Account }},
		{"region", func(e *event) string { return e.Region }},
		{"type", func(e *event) string { return e.Type }},
		{"resource_id", func(e *event) string { return e.ResourceID }},
		{"name", func(e *event) string { return e.Name }},
		{"changes", func(e *event) string { return jsonCell(e.Changes) }},
	}
}

// timeCell renders a time as JSON does.
func timeCell(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// jsonCell renders what came as JSON, and so can be rendered.
func jsonCell(v any) string {
	b, err := encode(v)
	if err != nil {
		return strconv.Quote(err.Error())
	}
	return strings.TrimSuffix(string(b), "\n")
}
