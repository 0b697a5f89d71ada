package main

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/storage"
)

// pollInterval is how often --follow asks for more.
const pollInterval = time.Second

// pause waits until it is time to ask again, or the context ends.
func pause(ctx context.Context) {
	t := time.NewTimer(pollInterval)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// follow shows changes as they come, until the context ends or the limit is reached,
// neither of which is an error. Once the daemon has answered, it may go away and come
// back.
func (c *ChangesCommand) follow(ctx context.Context, env *Env, client *api.Client, wait func(context.Context)) (err error) {
	f := follower{client: client, env: env, query: c.query(), left: -1}
	f.query.OldestFirst = true
	if c.Limit != nil && *c.Limit > 0 {
		f.left = *c.Limit
	}
	if f.query.Since, err = c.begin(ctx, env, client); err != nil {
		return err
	}
	if f.out, err = newListWriter(env, c.Output, changeColumns()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.out.close()) }()
	for {
		pollErr := f.poll(ctx)
		if err := f.out.flush(); err != nil {
			return err
		}
		if ctx.Err() != nil || f.left == 0 {
			return nil
		}
		if err := f.endure(ctx, pollErr); err != nil {
			return err
		}
		wait(ctx)
	}
}

// begin returns the point behind which to begin. A duration ago becomes a time: asked
// for later, it would mean another point.
func (c *ChangesCommand) begin(ctx context.Context, env *Env, client *api.Client) (string, error) {
	if c.Since == "" {
		return newestRevision(ctx, client)
	}
	p, err := api.ParsePoint(c.Since, env.Now())
	if err != nil || p.Revision > 0 {
		return c.Since, err
	}
	return p.Time.Format(time.RFC3339Nano), nil
}

// newestRevision returns the newest revision; empty where there is none yet.
func newestRevision(ctx context.Context, client *api.Client) (string, error) {
	for m, err := range client.Scans(ctx, 1) {
		if err != nil {
			return "", err
		}
		return strconv.FormatInt(m.Revision, 10), nil
	}
	return "", nil
}

// follower asks again and again for what came after the last event that it showed. A
// question that breaks off is repeated as it was; what was shown already is skipped, so
// that every event is shown once and in order.
type follower struct {
	client *api.Client
	env    *Env
	out    listWriter[storage.ChangeEvent]

	query api.ChangeQuery
	seen  storage.EventID // the last one that was shown
	left  int             // to show before the end; negative: no end

	answered bool // the daemon has answered at least once
	lost     bool // but not the last time, and the user was told
}

// poll shows what is new.
func (f *follower) poll(ctx context.Context) error {
	for e, err := range f.client.Changes(ctx, f.query) {
		if err != nil {
			return err
		}
		id, err := storage.ParseEventID(e.ID)
		if err != nil {
			return err
		}
		if id.Compare(f.seen) <= 0 {
			continue
		}
		if err := f.out.write(e); err != nil {
			return err
		}
		f.seen = id
		if f.left--; f.left == 0 {
			return nil
		}
	}
	if f.seen.Revision > 0 {
		f.query.Since = strconv.FormatInt(f.seen.Revision, 10)
	}
	return nil
}

// endure decides whether to go on after an error of poll, or after none.
func (f *follower) endure(ctx context.Context, err error) error {
	if err == nil {
		if f.lost {
			f.env.note("the daemon answers again")
		}
		f.answered, f.lost = true, false
		return nil
	}
	if p, ok := errors.AsType[*api.ProblemError](err); ok && f.answered && p.Kind() == api.KindFutureRevision {
		return f.restart(ctx)
	}
	if !f.answered || !passing(err) {
		return err
	}
	if !f.lost {
		f.env.note("%v; trying again until it answers", err)
	}
	f.lost = true
	return nil
}

// restart goes on from the head of a daemon that knows less than was shown already: its
// store was begun anew, or restored from a backup.
func (f *follower) restart(ctx context.Context) error {
	since, err := newestRevision(ctx, f.client)
	if err != nil {
		if passing(err) {
			return nil // the next poll leads here again
		}
		return err
	}
	f.env.note("the daemon has another history now, without revision %s; going on from its newest revision", f.query.Since)
	f.query.Since, f.seen = since, storage.EventID{}
	return nil
}

// passing reports whether an error may go away by itself.
func passing(err error) bool {
	if _, ok := errors.AsType[*api.UnreachableError](err); ok {
		return true
	}
	p, ok := errors.AsType[*api.ProblemError](err)
	return ok && p.Status >= http.StatusInternalServerError
}
