package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/storage"
)

// ScansCommand lists the metadata of scans.
type ScansCommand struct {
	SourceFlags
	Limit  int    `default:"100" placeholder:"N" help:"At most this many, the newest; 0 for all (default: ${default})."`
	Output string `short:"o" enum:"table,json,jsonl,csv,yaml" default:"table" help:"One of ${enum}."`
}

// Run implements the command.
func (c *ScansCommand) Run(ctx context.Context, env *Env) error {
	if err := checkLimit(c.Limit); err != nil {
		return err
	}
	return c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
		return writeList(env, c.Output, scanColumns(), client.Scans(ctx, c.Limit))
	})
}

func scanColumns() columns[storage.ScanMetadata] {
	type scan = storage.ScanMetadata
	counts := []column[scan]{
		{name: "created", value: func(m *scan) string { return number(m.Created) }},
		{name: "modified", value: func(m *scan) string { return number(m.Modified) }},
		{name: "disappeared", value: func(m *scan) string { return number(m.Disappeared) }},
	}
	return columns[scan]{
		table: append(append([]column[scan]{
			{name: "SCAN", value: func(m *scan) string { return number(m.ScanID) }},
			{name: "REVISION", value: func(m *scan) string { return number(m.Revision) }},
			{name: "ENDED", value: func(m *scan) string { return moment(&m.EndTime) }},
			{name: "TOOK", value: func(m *scan) string { return (time.Duration(m.DurationMS) * time.Millisecond).String() }},
			{name: "STATUS", value: func(m *scan) string { return string(m.Status) }, paint: paintStatus},
			{name: "RESOURCES", value: func(m *scan) string { return number(m.ResourceCount) }},
		}, upper(counts)...), []column[scan]{
			{name: "BASELINE", value: func(m *scan) string { return number(m.Baseline) }},
			{name: "ERRORS", value: func(m *scan) string { return number(m.ErrorCount) }},
			{name: "ERROR", wide: true, value: func(m *scan) string { return m.Error }},
		}...),
		csv: append(append([]column[scan]{
			{name: "scan_id", value: func(m *scan) string { return number(m.ScanID) }},
			{name: "revision", value: func(m *scan) string { return number(m.Revision) }},
			{name: "start_time", value: func(m *scan) string { return exactly(&m.StartTime) }},
			{name: "end_time", value: func(m *scan) string { return exactly(&m.EndTime) }},
			{name: "duration_ms", value: func(m *scan) string { return number(m.DurationMS) }},
			{name: "resource_count", value: func(m *scan) string { return number(m.ResourceCount) }},
			{name: "error_count", value: func(m *scan) string { return number(m.ErrorCount) }},
			{name: "status", value: func(m *scan) string { return string(m.Status) }},
		}, counts...), []column[scan]{
			{name: "baseline", value: func(m *scan) string { return number(m.Baseline) }},
			{name: "rebaselined", value: func(m *scan) string { return number(m.Rebaselined) }},
			{name: "error", value: func(m *scan) string { return m.Error }},
			{name: "failed_scopes", value: func(m *scan) string { return jsonText(m.FailedScopes) }},
		}...),
	}
}

// upper returns the columns with the names that a table gives them.
func upper[T any](all []column[T]) []column[T] {
	named := slices.Clone(all)
	for i := range named {
		named[i].name = strings.ToUpper(named[i].name)
	}
	return named
}
