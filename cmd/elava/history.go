package main

import (
	"bufio"
	"context"
	"fmt"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/change"
)

// HistoryCommand shows the versions of one resource, newest first, and what changed.
type HistoryCommand struct {
	SourceFlags
	Resource string `arg:"" name:"key|id" help:"Key, id, ARN or name of the resource, which may have disappeared."`
	Limit    int    `default:"0" placeholder:"N" help:"At most this many versions, the newest; 0 for all."`
	Output   string `short:"o" enum:"table,json,jsonl,yaml" default:"table" help:"One of ${enum}."`
}

// Run implements the command.
func (c *HistoryCommand) Run(ctx context.Context, env *Env) error {
	if err := checkLimit(c.Limit); err != nil {
		return err
	}
	return c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
		key, err := resolve(ctx, client, c.Resource, "")
		if err != nil {
			return err
		}
		versions := client.History(ctx, key, c.Limit)
		if c.Output != "table" {
			return writeList(env, c.Output, columns[api.Version]{}, versions)
		}
		w := newLogWriter(env)
		for v, err := range versions {
			if err != nil {
				return err
			}
			w.version(v)
		}
		return w.out.Flush()
	})
}

// wideValue is how many runes of a value a terminal shows.
const wideValue = 200

// logWriter writes versions as git log writes commits.
type logWriter struct {
	out      *bufio.Writer
	terminal bool
	coloured bool
	begun    bool
}

func newLogWriter(env *Env) *logWriter {
	return &logWriter{out: bufio.NewWriter(env.Stdout), terminal: env.IsTerminal, coloured: coloured(env)}
}

func (w *logWriter) version(v *api.Version) {
	if !w.begun {
		fmt.Fprintf(w.out, "%s\n", printable(v.Key))
		w.begun = true
	}
	fmt.Fprintf(w.out, "\nrevision %d  %s  %s\n", v.Revision, moment(&v.ValidFrom),
		w.in(paintChange(string(v.ChangeType)), explained(v.ChangeType)))
	for _, c := range v.Changes {
		fmt.Fprintf(w.out, "    %s: %s -> %s\n", printable(c.Path), w.in(red, w.value(c.Old)), w.in(green, w.value(c.New)))
	}
}

func (w *logWriter) in(c colour, s string) string {
	if !w.coloured {
		return s
	}
	return c.paint(s)
}

func (w *logWriter) value(raw []byte) string {
	s := printable(shown(raw))
	if w.terminal {
		s = shorten(s, wideValue)
	}
	return s
}

// explained says in words what is no change in the cloud.
func explained(t change.Type) string {
	switch t {
	case change.Baseline:
		return "baseline (there when its scope was first listed)"
	case change.Rebaselined:
		return "rebaselined (recorded anew, without a change in the cloud)"
	default:
		return string(t)
	}
}
