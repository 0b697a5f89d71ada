package main

import (
	"context"

	"github.com/elava-dev/elava/api"
)

// ScopesCommand shows what is listed, how fresh it is and what fails.
type ScopesCommand struct {
	SourceFlags
	FilterFlags
	At     string `placeholder:"POINT" help:"As it was then: a time (RFC 3339), how long ago (2h, 3d), or a revision."`
	Output string `short:"o" enum:"table,json,jsonl,csv,yaml" default:"table" help:"One of ${enum}."`
}

// Run implements the command.
func (c *ScopesCommand) Run(ctx context.Context, env *Env) error {
	if err := checkPoint(env, "--at", c.At); err != nil {
		return err
	}
	return c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
		return writeList(env, c.Output, scopeColumns(), client.Scopes(ctx, api.ScopeQuery{
			Types: c.Type, Regions: c.Region, Accounts: c.Account, At: c.At,
		}))
	})
}

func scopeColumns() columns[api.Scope] {
	return columns[api.Scope]{
		table: []column[api.Scope]{
			{name: "ACCOUNT", value: func(s *api.Scope) string { return s.Account }},
			{name: "REGION", value: func(s *api.Scope) string { return s.Region }},
			{name: "TYPE", value: func(s *api.Scope) string { return s.Type }},
			{name: "STATUS", value: func(s *api.Scope) string { return string(s.Status) }, paint: paintStatus},
			{name: "RESOURCES", value: func(s *api.Scope) string { return number(s.ResourceCount) }},
			{name: "LAST COMPLETE", value: func(s *api.Scope) string { return momentOr(s.LastComplete, "never") }},
			{name: "ERROR", wide: true, value: func(s *api.Scope) string { return s.LastError }},
		},
		csv: []column[api.Scope]{
			{name: "provider", value: func(s *api.Scope) string { return s.Provider }},
			{name: "account", value: func(s *api.Scope) string { return s.Account }},
			{name: "region", value: func(s *api.Scope) string { return s.Region }},
			{name: "type", value: func(s *api.Scope) string { return s.Type }},
			{name: "status", value: func(s *api.Scope) string { return string(s.Status) }},
			{name: "resource_count", value: func(s *api.Scope) string { return number(s.ResourceCount) }},
			{name: "last_complete", value: func(s *api.Scope) string { return exactly(s.LastComplete) }},
			{name: "last_error", value: func(s *api.Scope) string { return s.LastError }},
		},
	}
}
