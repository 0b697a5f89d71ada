package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/elava-dev/elava/storage"
)

// Retention is applied every so often, and with a long one more seldom: what is a
// fiftieth of it too old harms nobody, and giving space back rewrites the store.
const (
	minTrimInterval = time.Minute
	maxTrimInterval = 6 * time.Hour
	trimFraction    = 50
)

// reclaimer is a store that gives the space of what was trimmed back when it is asked.
type reclaimer interface {
	Reclaim(ctx context.Context, progress func(done, total int)) error
}

// retain trims the store to its retention until ctx ends, beside the scans. A store that
// fails is asked again later, as by the scans.
func (d *Daemon) retain(ctx context.Context) error {
	var days *calendar // from the start, though a retention may be set only later
	for ctx.Err() == nil {
		retention := d.settings.current().Retention
		if err := d.apply(ctx, retention, &days); err != nil && ctx.Err() == nil {
			d.log.Error("Retention could not be applied, it is tried again later", "error", err)
		}
		d.awaitTrim(ctx, retention)
	}
	return nil
}

func (d *Daemon) apply(ctx context.Context, retention time.Duration, days **calendar) (err error) {
	if *days == nil {
		if *days, err = d.newCalendar(ctx); err != nil {
			return fmt.Errorf("reading when the last scan was: %w", err)
		}
	}
	if retention <= 0 {
		return nil
	}
	return d.trim(ctx, (*days).today().Add(-retention))
}

// calendar says how late it is, to retention. A clock that is set forward, or was wrong when
// the machine started, must not drop what was recorded: what time there was for certain has
// gone by since the last scan before the start, by the monotonic clock. While a daemon did
// not run no time goes by, so that history is kept longer by that, until the next start.
type calendar struct {
	now      func() time.Time
	lastScan time.Time // when the daemon started
	began    time.Time // with its monotonic reading
}

func (d *Daemon) newCalendar(ctx context.Context) (*calendar, error) {
	head, err := d.opts.Store.Head(ctx)
	if err != nil {
		return nil, err
	}
	c := calendar{now: d.opts.Now, lastScan: head.Time, began: time.Now()}
	if head.Revision == 0 {
		c.lastScan = c.now()
	}
	return &c, nil
}

func (c *calendar) today() time.Time {
	if certain := c.lastScan.Add(time.Since(c.began)); certain.Before(c.now()) {
		return certain
	}
	return c.now()
}

// awaitTrim returns when a retention is to be applied again, when it is another one, or
// when ctx ends.
func (d *Daemon) awaitTrim(ctx context.Context, retention time.Duration) {
	timer := time.NewTimer(min(max(retention/trimFraction, minTrimInterval), maxTrimInterval))
	defer timer.Stop()
	for {
		now, changed := d.settings.watch()
		if now.Retention != retention {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-changed:
		}
	}
}

// trim drops what only serves times before the cut, and gives its space back if that was
// anything.
func (d *Daemon) trim(ctx context.Context, cut time.Time) error {
	store := d.opts.Store
	revision, err := store.RevisionAt(ctx, cut)
	if err != nil {
		return err
	}
	before, err := store.Stats(ctx)
	if err != nil {
		return err
	}
	if revision <= before.OldestRevision {
		return nil
	}
	if err := store.Trim(ctx, revision); err != nil {
		return err
	}
	if r, ok := store.(reclaimer); ok {
		if err := r.Reclaim(ctx, nil); err != nil {
			return err
		}
	}
	return d.logTrim(ctx, revision, before)
}

func (d *Daemon) logTrim(ctx context.Context, revision int64, before storage.Stats) error {
	after, err := d.opts.Store.Stats(ctx)
	if err != nil {
		return err
	}
	d.log.Info(fmt.Sprintf("Retention dropped %s", plural(int(revision-before.OldestRevision), "revision")),
		"oldest", revision, "bytes_before", before.SizeBytes, "bytes_after", after.SizeBytes)
	return nil
}
