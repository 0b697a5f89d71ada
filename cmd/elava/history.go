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
	At       string `placeholder:"POINT" help:"Only up to then: a time (RFC 3339), how long ago (2h, 3d), or a revision."`
	Limit    int    `default:"0" placeholder:"N" help:"At most this many versions, the newest; 0 for all."`
	Full     bool   `help:"Whole documents instead of the fields that changed."`
	Unified  bool   `help:"Compare whole documents line by line, as diff -u does."`
	Output   string `short:"o" enum:"table,json,jsonl,yaml" default:"table" help:"One of ${enum}."`
}

// Run implements the command.
func (c *HistoryCommand) Run(ctx context.Context, env *Env) error {
	if err := c.validate(env); err != nil {
		return err
	}
	return c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
		at, err := pinned(env, c.At)
		if err != nil {
			return err
		}
		key, err := resolve(ctx, client, c.Resource, at)
		if err != nil {
			return err
		}
		if c.Output != "table" {
			return writeList(env, c.Output, columns[api.Version]{}, client.History(ctx, key, at, c.Limit))
		}
		return c.write(ctx, env, client, key, at)
	})
}

func (c *HistoryCommand) validate(env *Env) error {
	if (c.Full || c.Unified) && c.Output != "table" {
		return usagef("--full and --unified are for people: leave --output out")
	}
	if c.Full && c.Unified {
		return usagef("--full and --unified exclude each other")
	}
	if err := checkPoint(env, "--at", c.At); err != nil {
		return err
	}
	return checkLimit(c.Limit)
}

func (c *HistoryCommand) write(ctx context.Context, env *Env, client *api.Client, key, at string) error {
	ask := c.Limit
	if ask > 0 && c.Unified {
		ask++ // the last one shown is compared with the one before it
	}
	w := logWriter{changeWriter: newChangeWriter(env)}
	shown := 0
	for pair, err := range withBefore(client.History(ctx, key, at, ask)) {
		if err != nil {
			return err
		}
		if c.Limit > 0 && shown == c.Limit {
			break
		}
		shown++
		w.version(pair[0])
		switch {
		case c.Unified:
			w.compared(pair[1], pair[0])
		case c.Full && pair[0].ChangeType != change.Disappeared:
			w.document(&pair[0].Resource)
		case !c.Full:
			w.changes(pair[0].Changes)
		}
	}
	return w.out.Flush()
}

// wideValue is how many runes of a value a terminal shows.
const wideValue = 200

// changeWriter writes what changed, for the reader.
type changeWriter struct {
	out      *bufio.Writer
	terminal bool
	coloured bool
}

// logWriter writes versions as git log writes commits.
type logWriter struct {
	*changeWriter
	begun bool
}

func (w *logWriter) version(v *api.Version) {
	if !w.begun {
		fmt.Fprintf(w.out, "%s\n", printable(v.Key))
		w.begun = true
	}
	fmt.Fprintf(w.out, "\nrevision %d  %s  %s\n", v.Revision, moment(&v.ValidFrom),
		w.in(paintChange(string(v.ChangeType)), explained(v.ChangeType)))
}

// compared writes how a version differs from the one before. A tombstone has no document.
func (w *logWriter) compared(before, after *api.Version) {
	document := func(v *api.Version) (*api.Resource, string) {
		if v == nil {
			return nil, "nothing"
		}
		name := "revision " + number(v.Revision)
		if v.ChangeType == change.Disappeared {
			return nil, name
		}
		return &v.Resource, name
	}
	a, aName := document(before)
	b, bName := document(after)
	w.unified(a, b, aName, bName)
}

func (w *changeWriter) changes(changes []change.FieldChange) {
	for _, c := range changes {
		fmt.Fprintf(w.out, "    %s: %s -> %s\n", printable(c.Path), w.in(red, w.value(c.Old)), w.in(green, w.value(c.New)))
	}
}

func (w *changeWriter) in(c colour, s string) string {
	if !w.coloured {
		return s
	}
	return c.paint(s)
}

func (w *changeWriter) value(raw []byte) string {
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
