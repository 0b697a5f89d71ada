package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"text/tabwriter"
	"time"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/archive"
)

// StorageCommand looks after the store.
type StorageCommand struct {
	Stats   StorageStatsCommand   `cmd:"" help:"Show what the store holds and takes."`
	Verify  StorageVerifyCommand  `cmd:"" help:"Read a whole store and check it against itself."`
	Compact StorageCompactCommand `cmd:"" help:"Give the space of what retention dropped back to the disk now."`
	Backup  StorageBackupCommand  `cmd:"" help:"Write everything a store holds to a file, also while the daemon runs."`
	Restore StorageRestoreCommand `cmd:"" help:"Make a new store from a backup."`
}

// maintainer is what an engine does for people, beside what the daemon asks of it.
type maintainer interface {
	storage.Store
	storage.Dumper
	Verify(ctx context.Context, progress func(part string, entries int64)) (*storage.Verification, error)
	Reclaim(ctx context.Context, progress func(done, total int)) error
}

// closedStore is a store that no daemon has open: what works on it needs all of it.
type closedStore struct {
	StoragePath string `required:"" placeholder:"DIR" help:"Directory of the store. No daemon may have it open."`
}

// use opens the store for a function, and closes it, also at SIGINT and SIGTERM.
func (c *closedStore) use(ctx context.Context, env *Env, f func(context.Context, maintainer) error) error {
	return interruptible(ctx, func(ctx context.Context) error { return c.open(ctx, env, f) })
}

func (c *closedStore) open(ctx context.Context, env *Env, f func(context.Context, maintainer) error) (err error) {
	store, err := env.OpenStore(c.StoragePath)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	m, ok := store.(maintainer)
	if !ok {
		return errors.New("this engine needs no such care")
	}
	return f(ctx, m)
}

// interruptible gives a function a context that ends at the first SIGINT or SIGTERM, so
// that it can remove what it has half done.
func interruptible(ctx context.Context, f func(context.Context) error) error {
	ctx, stop := untilSignal(ctx, func() {})
	defer stop()
	err := f(ctx)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", err)
	}
	return err
}

// StorageStatsCommand shows what the store holds and takes.
type StorageStatsCommand struct {
	SourceFlags
	Output string `short:"o" enum:"table,json" default:"table" help:"One of ${enum}."`
}

// Run implements the command.
func (c *StorageStatsCommand) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
		stats, err := client.Storage(ctx)
		if err != nil {
			return err
		}
		if c.Output == "json" {
			return json.NewEncoder(env.Stdout).Encode(stats)
		}
		w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintf(w, "ENGINE\t%s\n", stats.Engine)
		fmt.Fprintf(w, "FORMAT\t%d\n", stats.FormatVersion)
		fmt.Fprintf(w, "NEWEST REVISION\t%d\n", stats.Revision)
		fmt.Fprintf(w, "OLDEST REVISION\t%d\n", stats.OldestRevision)
		fmt.Fprintf(w, "SIZE\t%d bytes\n", stats.SizeBytes)
		if stats.FreeBytes != nil {
			fmt.Fprintf(w, "FREE ON DISK\t%d bytes\n", *stats.FreeBytes)
		}
		return w.Flush()
	})
}

// StorageVerifyCommand checks a store.
type StorageVerifyCommand struct {
	closedStore
	Output string `short:"o" enum:"table,json" default:"table" help:"One of ${enum}."`
}

// errFindings ends a verification that found something.
var errFindings = errors.New("the store is not whole; restore the newest backup into an empty directory with `elava storage restore`, and keep this store until that is checked")

// Run implements the command.
func (c *StorageVerifyCommand) Run(ctx context.Context, env *Env) error {
	return c.use(ctx, env, func(ctx context.Context, m maintainer) error {
		p := newProgress(env)
		report, err := m.Verify(ctx, func(part string, entries int64) { p.show("%s: %d", part, entries) })
		p.end()
		if err != nil {
			return err
		}
		if c.Output == "json" {
			err = json.NewEncoder(env.Stdout).Encode(report)
		} else {
			err = printVerification(env.Stdout, report)
		}
		if err == nil && !report.OK() {
			err = errFindings
		}
		return err
	})
}

func printVerification(w io.Writer, v *storage.Verification) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "Read revisions %d to %d: %d resources, %d versions, %d events, %d scans, %d scopes.\n",
		v.Oldest, v.Revision, v.Resources, v.Versions, v.Events, v.Scans, v.Scopes)
	for _, f := range v.Findings {
		fmt.Fprintf(b, "FOUND %s\n", printable(f))
	}
	if v.More > 0 {
		fmt.Fprintf(b, "and %d more findings\n", v.More)
	}
	if v.OK() {
		fmt.Fprintln(b, "The store is whole.")
	}
	return b.Flush()
}

// StorageCompactCommand gives space back.
type StorageCompactCommand struct {
	closedStore
}

// Run implements the command.
func (c *StorageCompactCommand) Run(ctx context.Context, env *Env) error {
	return c.use(ctx, env, func(ctx context.Context, m maintainer) error {
		before, err := m.Stats(ctx)
		if err != nil {
			return err
		}
		p := newProgress(env)
		err = m.Reclaim(ctx, func(done, total int) { p.show("%d of %d", done, total) })
		p.end()
		if err != nil {
			return err
		}
		after, err := m.Stats(ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "The store took %d bytes and takes %d.\n", before.SizeBytes, after.SizeBytes)
		return err
	})
}

// StorageBackupCommand writes a backup.
type StorageBackupCommand struct {
	SourceFlags
	File string `arg:"" help:"File to write; it must not exist."`
}

// Run implements the command.
func (c *StorageBackupCommand) Run(ctx context.Context, env *Env) error {
	return interruptible(ctx, func(ctx context.Context) error { return c.backUp(ctx, env) })
}

// backUp reads the backup back before it gets its name.
func (c *StorageBackupCommand) backUp(ctx context.Context, env *Env) error {
	var summary *archive.Summary
	err := createFile(c.File, func(f *os.File) error {
		p := newProgress(env)
		err := c.ask(ctx, env, func(ctx context.Context, client *api.Client) error {
			return client.Backup(ctx, &countingWriter{w: f, count: func(n int64) { p.show("%d bytes", n) }})
		})
		p.end()
		if err != nil {
			return err
		}
		if summary, err = readBack(f); err != nil {
			return fmt.Errorf("reading the backup back: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "Wrote %s: revisions %d to %d, %d records, %d bytes.\n",
		c.File, max(min(1, summary.Header.Revision), summary.Header.Oldest), summary.Header.Revision, summary.Records, summary.Bytes)
	return err
}

func readBack(f *os.File) (*archive.Summary, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	s := &archive.Summary{Bytes: size}
	for rec, err := range archive.Read(f) {
		if err != nil {
			return nil, err
		}
		if rec.Header != nil {
			s.Header = *rec.Header
		} else {
			s.Records++
		}
	}
	return s, nil
}

// StorageRestoreCommand makes a store from a backup.
type StorageRestoreCommand struct {
	StoragePath string `required:"" placeholder:"DIR" help:"Directory of the new store: empty, or not there yet."`
	File        string `arg:"" help:"Backup to read."`
}

// Run implements the command.
func (c *StorageRestoreCommand) Run(ctx context.Context, env *Env) error {
	return interruptible(ctx, func(ctx context.Context) error { return c.restore(ctx, env) })
}

func (c *StorageRestoreCommand) restore(ctx context.Context, env *Env) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	p := newProgress(env)
	header, err := env.Restore(ctx, c.StoragePath, counted(archive.Read(f), p))
	p.end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "Restored revisions %d to %d into %s.\n",
		max(min(1, header.Revision), header.Oldest), header.Revision, c.StoragePath)
	return err
}

func counted(records iter.Seq2[storage.DumpRecord, error], p *progress) iter.Seq2[storage.DumpRecord, error] {
	return func(yield func(storage.DumpRecord, error) bool) {
		n := 0
		for rec, err := range records {
			n++
			p.show("%d records", n)
			if !yield(rec, err) {
				return
			}
		}
	}
}

type countingWriter struct {
	w     io.Writer
	n     int64
	count func(int64)
}

func (w *countingWriter) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	w.n += int64(n)
	w.count(w.n)
	return n, err
}

// progress is a line on standard error that is written over; on no terminal it is
// nothing.
type progress struct {
	w    io.Writer
	last time.Time
	now  func() time.Time
}

func newProgress(env *Env) *progress {
	p := &progress{now: env.Now}
	if env.IsTerminal {
		p.w = env.Stderr
	}
	return p
}

// Time between two lines of progress: fast enough to be seen moving.
const progressEvery = 200 * time.Millisecond

func (p *progress) show(format string, args ...any) {
	now := p.now()
	if p.w == nil || now.Sub(p.last) < progressEvery {
		return
	}
	p.last = now
	fmt.Fprintf(p.w, "\r\x1b[K"+format, args...)
}

func (p *progress) end() {
	if p.w != nil && !p.last.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
