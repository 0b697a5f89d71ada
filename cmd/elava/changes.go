package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"os/signal"
	"syscall"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// ChangesCommand shows the change feed.
type ChangesCommand struct {
	SourceFlags
	FilterFlags
	ChangeType []string `placeholder:"KIND" enum:"created,modified,disappeared" help:"Only these: ${enum}."`
	Key        string   `help:"Only the resource with this key."`
	Since      string   `placeholder:"POINT" help:"From then on: a time (RFC 3339), how long ago (2h, 3d), or what came after a revision."`
	Until      string   `placeholder:"POINT" help:"Up to then."`
	Limit      *int     `placeholder:"N" help:"At most this many, the newest; 0 for all (default: 100, or all with --since)."`
	Follow     bool     `short:"f" help:"Stay, and show changes as they are recorded, oldest first: those from now on, or from --since. With --limit, end after so many."`
	Output     string   `short:"o" enum:"table,json,jsonl,csv,yaml" default:"table" help:"One of ${enum}."`
}

// defaultChanges is how many changes are shown where nothing says how many.
const defaultChanges = 100

// Run implements the command.
func (c *ChangesCommand) Run(ctx context.Context, env *Env) error {
	if err := c.validate(env); err != nil {
		return err
	}
	if c.Follow {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
	}
	return c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
		if c.Follow {
			return c.follow(ctx, env, client, pause)
		}
		return c.list(ctx, env, client)
	})
}

func (c *ChangesCommand) validate(env *Env) error {
	if c.Follow && c.Until != "" {
		return usagef("--follow has no end: leave --until out")
	}
	if c.Follow && c.StoragePath != "" {
		return usagef("--follow needs a daemon: nothing is recorded in a store that no daemon has open")
	}
	if c.Key != "" {
		if _, err := resource.ParseKey(c.Key); err != nil {
			return usagef("--key: %w", err)
		}
	}
	if c.Limit != nil {
		if err := checkLimit(*c.Limit); err != nil {
			return err
		}
	}
	if err := checkPoint(env, "--since", c.Since); err != nil {
		return err
	}
	return checkPoint(env, "--until", c.Until)
}

func (c *ChangesCommand) query() api.ChangeQuery {
	return api.ChangeQuery{
		Types: c.Type, Regions: c.Region, Accounts: c.Account, ChangeTypes: c.ChangeType,
		Key: c.Key, Since: c.Since, Until: c.Until,
	}
}

// list shows what there is now. Where it leaves something out unasked, it says so.
func (c *ChangesCommand) list(ctx context.Context, env *Env, client *api.Client) error {
	q := c.query()
	if c.Limit != nil {
		q.Limit = *c.Limit
		return writeList(env, c.Output, changeColumns(), client.Changes(ctx, q))
	}
	if c.Since != "" {
		return writeList(env, c.Output, changeColumns(), client.Changes(ctx, q))
	}
	q.Limit = defaultChanges + 1
	cut := false
	first := head(client.Changes(ctx, q), defaultChanges, &cut)
	if err := writeList(env, c.Output, changeColumns(), first); err != nil {
		return err
	}
	if cut {
		env.note("these are the newest %d changes; --limit 0 or --since shows more", defaultChanges)
	}
	return nil
}

// head yields the first n items and tells whether there are more.
func head[T any](seq iter.Seq2[T, error], n int, more *bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		left := n
		for item, err := range seq {
			if err == nil && left == 0 {
				*more = true
				return
			}
			if !yield(item, err) {
				return
			}
			left--
		}
	}
}

func changeColumns() columns[storage.ChangeEvent] {
	type event = storage.ChangeEvent
	return columns[event]{
		table: []column[event]{
			{name: "TIME", value: func(e *event) string { return moment(&e.Time) }},
			{name: "REVISION", value: func(e *event) string { return number(e.Revision) }},
			{name: "CHANGE", value: func(e *event) string { return string(e.ChangeType) }, paint: paintChange},
			{name: "TYPE", value: func(e *event) string { return e.Type }},
			{name: "ID", value: func(e *event) string { return e.ResourceID }},
			{name: "NAME", wide: true, value: func(e *event) string { return e.Name }},
			{name: "ACCOUNT", value: func(e *event) string { return e.Account }},
			{name: "REGION", value: func(e *event) string { return e.Region }},
			{name: "WHAT", wide: true, value: summary},
		},
		csv: fileColumns(api.ChangeColumns()),
	}
}

// summary tells the first field that changed, and how many more there are.
func summary(e *storage.ChangeEvent) string {
	if len(e.Changes) == 0 {
		return ""
	}
	c := e.Changes[0]
	s := fmt.Sprintf("%s: %s -> %s", c.Path, shown(c.Old), shown(c.New))
	if n := len(e.Changes) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}
