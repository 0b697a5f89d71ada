package main

import (
	"context"

	"github.com/elava-dev/elava/api"
)

// FilterFlags select by where a resource is and what it is. Several values of one flag
// are alternatives.
type FilterFlags struct {
	Type    []string `placeholder:"GLOB" help:"Only these types, without regard to case: aws::ec2::*"`
	Region  []string `placeholder:"REGION" help:"Only these regions."`
	Account []string `placeholder:"ID" help:"Only these accounts."`
}

// ResourcesCommand lists the inventory.
type ResourcesCommand struct {
	SourceFlags
	FilterFlags
	Tag    []string `sep:"none" placeholder:"KEY[=VALUE]" help:"Only what has this tag. May be repeated; then all of them."`
	Name   string   `help:"Only what has this name."`
	At     string   `placeholder:"POINT" help:"As it was then: a time (RFC 3339), how long ago (2h, 3d), or a revision."`
	Limit  int      `default:"0" placeholder:"N" help:"At most this many; 0 for all."`
	Output string   `short:"o" enum:"table,json,jsonl,csv,yaml" default:"table" help:"One of ${enum}."`
}

// Run implements the command.
func (c *ResourcesCommand) Run(ctx context.Context, env *Env) error {
	if err := checkPoint(env, "--at", c.At); err != nil {
		return err
	}
	if err := checkLimit(c.Limit); err != nil {
		return err
	}
	return c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
		return writeList(env, c.Output, resourceColumns(), client.Resources(ctx, api.ResourceQuery{
			Types: c.Type, Regions: c.Region, Accounts: c.Account, Tags: c.Tag, Name: c.Name, At: c.At, Limit: c.Limit,
		}))
	})
}

func resourceColumns() columns[api.Resource] {
	return columns[api.Resource]{
		table: []column[api.Resource]{
			{name: "TYPE", value: func(r *api.Resource) string { return r.Type }},
			{name: "ID", value: func(r *api.Resource) string { return r.ID }},
			{name: "NAME", wide: true, value: func(r *api.Resource) string { return r.Name }},
			{name: "STATUS", value: func(r *api.Resource) string { return r.Status }},
			{name: "ACCOUNT", value: func(r *api.Resource) string { return r.Account }},
			{name: "REGION", value: func(r *api.Resource) string { return r.Region }},
			{name: "REVISION", value: func(r *api.Resource) string { return number(r.Revision) }},
			{name: "SINCE", value: func(r *api.Resource) string { return moment(&r.ValidFrom) }},
			{name: "STALE", value: func(r *api.Resource) string { return yes(r.Stale) }, paint: paintStale},
		},
		csv: fileColumns(api.ResourceColumns()),
	}
}
