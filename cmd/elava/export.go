package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/elava-dev/elava/api"
)

// ExportCommand writes whole lists for other programs.
type ExportCommand struct {
	Resources ExportResourcesCommand `cmd:"" help:"Write the inventory, now or at a point in time."`
	Changes   ExportChangesCommand   `cmd:"" help:"Write the changes of a window of time, oldest first."`
}

// FileFlags say what is written, and where.
type FileFlags struct {
	Format string `enum:"jsonl,csv,parquet" default:"jsonl" help:"One of ${enum} (default: ${default})."`
	File   string `short:"f" placeholder:"FILE" help:"File to write, which must not exist (default: standard output)."`
}

// ExportResourcesCommand writes the inventory.
type ExportResourcesCommand struct {
	SourceFlags
	FilterFlags
	FileFlags
	Tag  []string `sep:"none" placeholder:"KEY[=VALUE]" help:"Only what has this tag. May be repeated; then all of them."`
	Name string   `help:"Only what has this name."`
	At   string   `placeholder:"POINT" help:"As it was then: a time (RFC 3339), how long ago (2h, 3d), or a revision."`
}

// Run implements the command.
func (c *ExportResourcesCommand) Run(ctx context.Context, env *Env) error {
	if err := checkPoint(env, "--at", c.At); err != nil {
		return err
	}
	return c.write(ctx, env, func(ctx context.Context, w io.Writer) error {
		return c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
			return client.ExportResources(ctx, api.ResourceQuery{
				Types: c.Type, Regions: c.Region, Accounts: c.Account, Tags: c.Tag, Name: c.Name, At: c.At,
			}, c.Format, w)
		})
	})
}

// ExportChangesCommand writes changes.
type ExportChangesCommand struct {
	SourceFlags
	FilterFlags
	FileFlags
	ChangeType []string `placeholder:"KIND" enum:"created,modified,disappeared" help:"Only these: ${enum}."`
	Since      string   `placeholder:"POINT" help:"From then on: a time (RFC 3339), how long ago (2h, 3d), or what came after a revision."`
	Until      string   `placeholder:"POINT" help:"Up to then."`
}

// Run implements the command.
func (c *ExportChangesCommand) Run(ctx context.Context, env *Env) error {
	if err := errors.Join(checkPoint(env, "--since", c.Since), checkPoint(env, "--until", c.Until)); err != nil {
		return err
	}
	return c.write(ctx, env, func(ctx context.Context, w io.Writer) error {
		return c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
			return client.ExportChanges(ctx, api.ChangeQuery{
				Types: c.Type, Regions: c.Region, Accounts: c.Account, ChangeTypes: c.ChangeType, Since: c.Since, Until: c.Until,
			}, c.Format, w)
		})
	})
}

// write hands a function the place to write to. A file gets its name once it is whole, and
// at SIGINT and SIGTERM there is none.
func (f *FileFlags) write(ctx context.Context, env *Env, export func(context.Context, io.Writer) error) error {
	if f.File == "" {
		if f.Format == "parquet" && env.IsTerminal {
			return usagef("--format parquet is nothing to look at: name a file with --file")
		}
		return export(ctx, env.Stdout)
	}
	return interruptible(ctx, func(ctx context.Context) error {
		var bytes int64
		err := createFile(f.File, func(out *os.File) (err error) {
			bytes, err = exportTo(ctx, env, out, export)
			return err
		})
		if err == nil {
			env.note("wrote %s, %d bytes", f.File, bytes)
		}
		return err
	})
}

// exportTo has a function write to a file, shows how far it is, and returns how much it was.
func exportTo(ctx context.Context, env *Env, out *os.File, export func(context.Context, io.Writer) error) (bytes int64, err error) {
	p := newProgress(env)
	defer p.end()
	counted := &countingWriter{w: out, count: func(n int64) { p.show("%d bytes", n) }}
	err = export(ctx, counted)
	return counted.n, err
}

// createFile has a function fill a new file, which gets its name once it is whole.
func createFile(name string, fill func(*os.File) error) error {
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%s exists; name a file that does not", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.tmp")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), name)
}
