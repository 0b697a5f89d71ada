package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/elava-dev/elava/api"
)

// ShowCommand shows one resource. A resource that is gone is shown as it was last, and
// the command fails (exit code 1) with the time at which it disappeared.
type ShowCommand struct {
	SourceFlags
	Resource string `arg:"" name:"key|id" help:"Key, id, ARN or name of the resource."`
	At       string `placeholder:"POINT" help:"As it was then: a time (RFC 3339), how long ago (2h, 3d), or a revision."`
	Output   string `short:"o" enum:"table,json,yaml" default:"table" help:"One of ${enum}."`
}

// Help implements kong.HelpProvider.
func (c *ShowCommand) Help() string {
	return "A resource that is gone is shown as it was last; the exit code is 1 then, and standard error says when it disappeared."
}

// Run implements the command.
func (c *ShowCommand) Run(ctx context.Context, env *Env) error {
	if err := checkPoint(env, "--at", c.At); err != nil {
		return err
	}
	return c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
		key, err := resolve(ctx, client, c.Resource, c.At)
		if err != nil {
			return err
		}
		r, err := client.Resource(ctx, key, c.At)
		if err == nil {
			return c.show(env, r, r)
		}
		if p, ok := errors.AsType[*api.ProblemError](err); ok && p.Last != nil {
			last := p.Last
			gone := fmt.Errorf("%s disappeared at %s; above is its last state, and elava history shows how it came to that",
				printable(last.Key), momentOr(last.ValidTo, "an unknown time"))
			return errors.Join(c.show(env, &last.Resource, last), gone)
		}
		return err
	})
}

// show writes a resource; whole is the resource or version as JSON shows it.
func (c *ShowCommand) show(env *Env, r *api.Resource, whole any) error {
	if c.Output != "table" {
		return writeOne(env.Stdout, c.Output, whole)
	}
	out := bufio.NewWriter(env.Stdout)
	writeBlock(out, r)
	return out.Flush()
}

// writeBlock writes every field of a resource for the reader.
func writeBlock(out io.Writer, r *api.Resource) {
	field := func(name, value string) {
		fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("%-12s %s", name+":", printable(value)), " "))
	}
	field("Key", r.Key)
	field("Provider", r.Provider)
	field("Account", r.Account)
	field("Region", r.Region)
	field("Type", r.Type)
	field("ID", r.ID)
	field("ARN", r.ARN)
	field("Name", r.Name)
	field("Status", r.Status)
	field("Created at", moment(r.CreatedAt))
	field("Revision", number(r.Revision))
	field("Valid from", moment(&r.ValidFrom))
	field("Valid to", momentOr(r.ValidTo, "(current)"))
	field("Observed at", moment(r.ObservedAt))
	field("Stale", staleness(r.Stale))
	if len(r.Incomplete) > 0 {
		field("Never read", strings.Join(r.Incomplete, ", "))
	}
	writeTags(out, r.Tags)
	fmt.Fprintf(out, "Attributes:\n  %s\n", indented(r.Attributes))
}

// writeContent writes what of a resource can change.
func writeContent(out io.Writer, r *api.Resource) {
	for _, f := range [...][2]string{{"Name:", r.Name}, {"Status:", r.Status}} {
		fmt.Fprintln(out, strings.TrimRight(f[0]+" "+printable(f[1]), " "))
	}
	writeTags(out, r.Tags)
	fmt.Fprintf(out, "Attributes:\n  %s\n", indented(r.Attributes))
}

func staleness(stale bool) string {
	if stale {
		return "yes: its scope could not be listed completely; elava scopes tells why"
	}
	return "no"
}

func writeTags(out io.Writer, tags map[string]string) {
	if len(tags) == 0 {
		fmt.Fprintln(out, "Tags:        (none)")
		return
	}
	fmt.Fprintln(out, "Tags:")
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		fmt.Fprintf(out, "  %s = %s\n", printable(k), printable(tags[k]))
	}
}

// indented lays out JSON, line by line safe for a terminal.
func indented(raw json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "  ", "  "); err != nil {
		return printable(string(raw))
	}
	return printableLines(b.String())
}
