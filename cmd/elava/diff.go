package main

import (
	"bufio"
	"context"
	"fmt"
	"iter"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/storage"
)

// DiffCommand shows what is different between two points.
type DiffCommand struct {
	SourceFlags
	FilterFlags
	From       string   `arg:"" help:"The earlier point: a time (RFC 3339), how long ago (2h, 3d), or a revision."`
	To         string   `arg:"" optional:"" help:"The later point; now unless given."`
	Resource   string   `placeholder:"KEY|ID" help:"Only this resource: its key, id, ARN or name."`
	Tag        []string `sep:"none" placeholder:"KEY[=VALUE]" help:"Only what has this tag at one of the points. May be repeated; then all of them."`
	ChangeType []string `placeholder:"KIND" enum:"created,modified,disappeared" help:"Only these: ${enum}."`
	Limit      int      `default:"0" placeholder:"N" help:"At most this many; 0 for all."`
	Full       bool     `help:"Whole documents: of what is there, as it is; of what is not, as it was."`
	Unified    bool     `help:"Compare whole documents line by line, as diff -u does."`
	Output     string   `short:"o" enum:"table,json,jsonl,csv,yaml" default:"table" help:"One of ${enum}."`
}

// Help implements kong.HelpProvider.
func (c *DiffCommand) Help() string {
	return "What changed in between and changed back is no difference. elava changes shows every change."
}

// Run implements the command.
func (c *DiffCommand) Run(ctx context.Context, env *Env) error {
	if err := c.validate(env); err != nil {
		return err
	}
	return c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
		q := api.DiffQuery{
			Types: c.Type, Regions: c.Region, Accounts: c.Account, Tags: c.Tag, ChangeTypes: c.ChangeType, Limit: c.Limit,
		}
		var err error
		if q.From, q.To, err = c.pin(env); err != nil {
			return err
		}
		if c.Resource != "" {
			if q.Key, err = resolve(ctx, client, c.Resource, q.To, q.From); err != nil {
				return err
			}
		}
		if c.Output != "table" {
			return writeList(env, c.Output, changeColumns(), client.Diff(ctx, q))
		}
		if q.To == "" && (c.Full || c.Unified) {
			if q.To, err = newestRevision(ctx, client); err != nil {
				return err
			}
		}
		return c.write(ctx, env, client, q)
	})
}

func (c *DiffCommand) validate(env *Env) error {
	if (c.Full || c.Unified) && c.Output != "table" {
		return usagef("--full and --unified are for people: leave --output out")
	}
	if c.Full && c.Unified {
		return usagef("--full and --unified exclude each other")
	}
	if err := checkPoint(env, "FROM", c.From); err != nil {
		return err
	}
	if err := checkPoint(env, "TO", c.To); err != nil {
		return err
	}
	return checkLimit(c.Limit)
}

// pin makes times of durations, so that all that is asked is asked about the same points.
func (c *DiffCommand) pin(env *Env) (from, to string, err error) {
	if from, err = pinned(env, c.From); err != nil {
		return "", "", err
	}
	to, err = pinned(env, c.To)
	return from, to, err
}

func (c *DiffCommand) write(ctx context.Context, env *Env, client *api.Client, q api.DiffQuery) error {
	w := diffWriter{changeWriter: newChangeWriter(env)}
	for e, err := range client.Diff(ctx, q) {
		if err != nil {
			return err
		}
		before, after, err := c.documents(ctx, client, q, e)
		if err != nil {
			return err
		}
		w.event(e)
		switch {
		case c.Unified:
			w.unified(before, after, "at "+pointOr(q.From, "now"), "at "+pointOr(q.To, "now"))
		case c.Full && after != nil:
			w.document(after)
		case c.Full:
			w.document(before)
		default:
			w.changes(e.Changes)
		}
	}
	w.summary()
	return w.out.Flush()
}

// documents returns a resource as it is at both points, where that is to be shown; nil
// where it is not there.
func (c *DiffCommand) documents(ctx context.Context, client *api.Client, q api.DiffQuery, e *storage.ChangeEvent) (before, after *api.Resource, err error) {
	if !c.Full && !c.Unified {
		return nil, nil, nil
	}
	if e.ChangeType != "created" {
		if before, err = client.Resource(ctx, e.Key, q.From); err != nil {
			return nil, nil, err
		}
	}
	if e.ChangeType != "disappeared" {
		after, err = client.Resource(ctx, e.Key, q.To)
	}
	return before, after, err
}

// newestRevision names the present, so that what is asked for later is of the same; empty
// before the first scan.
func newestRevision(ctx context.Context, client *api.Client) (string, error) {
	for m, err := range client.Scans(ctx, 1) {
		if err != nil {
			return "", err
		}
		return number(m.Revision), nil
	}
	return "", nil
}

// pinned makes a time of how long ago, which asked a moment later means another one.
func pinned(env *Env, point string) (string, error) {
	if point == "" {
		return "", nil
	}
	p, err := api.ParsePoint(point, env.Now())
	if err != nil || p.Revision != 0 {
		return point, err
	}
	return exactly(&p.Time), nil
}

func pointOr(point, none string) string {
	if point == "" {
		return none
	}
	return point
}

// diffWriter writes differences for the reader and counts them.
type diffWriter struct {
	*changeWriter
	created, modified, disappeared int
}

func newChangeWriter(env *Env) *changeWriter {
	return &changeWriter{out: bufio.NewWriter(env.Stdout), terminal: env.IsTerminal, coloured: coloured(env)}
}

func (w *diffWriter) event(e *storage.ChangeEvent) {
	mark := "~"
	switch e.ChangeType {
	case "created":
		w.created++
		mark = "+"
	case "disappeared":
		w.disappeared++
		mark = "-"
	default:
		w.modified++
	}
	line := mark + " " + printable(e.Key)
	if e.Name != "" && e.Name != e.ResourceID {
		line += "  (" + printable(e.Name) + ")"
	}
	fmt.Fprintln(w.out, w.in(paintChange(string(e.ChangeType)), line))
}

func (w *diffWriter) summary() {
	if n := w.created + w.modified + w.disappeared; n > 0 {
		fmt.Fprintf(w.out, "\n%d created, %d modified, %d disappeared\n", w.created, w.modified, w.disappeared)
		return
	}
	fmt.Fprintln(w.out, "no difference")
}

// withBefore yields each version of a history with the one before it, nil for the first.
func withBefore(versions iter.Seq2[*api.Version, error]) iter.Seq2[[2]*api.Version, error] {
	return func(yield func([2]*api.Version, error) bool) {
		var newer *api.Version
		for v, err := range versions {
			if err != nil {
				yield([2]*api.Version{}, err)
				return
			}
			if newer != nil && !yield([2]*api.Version{newer, v}, nil) {
				return
			}
			newer = v
		}
		if newer != nil {
			yield([2]*api.Version{newer, nil}, nil)
		}
	}
}
