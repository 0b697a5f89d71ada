package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/storage"
)

// retryInterval is how long --follow waits before it asks a daemon again that has gone.
const retryInterval = time.Second

// pause waits until it is time to ask again, or the context ends.
func pause(ctx context.Context) {
	t := time.NewTimer(retryInterval)
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
	if c.Limit != nil && *c.Limit > 0 {
		f.left = *c.Limit
	}
	if f.query.Since, err = pinned(env, c.Since); err != nil {
		return err
	}
	if f.out, err = newListWriter(env, c.Output, changeColumns()); err != nil {
		return err
	}
	for {
		streamErr := f.listen(ctx)
		if ctx.Err() != nil || f.left == 0 {
			return f.out.close()
		}
		if f.answered {
			if err := f.out.flush(); err != nil {
				return err
			}
		}
		if err := f.endure(streamErr); err != nil {
			if f.answered {
				err = errors.Join(err, f.out.close())
			}
			return err
		}
		wait(ctx)
	}
}

// follower reads the stream of changes. Where that breaks off it is asked for what comes
// after the last step that was taken, so that every event is shown once and in order.
type follower struct {
	client *api.Client
	env    *Env
	out    listWriter[storage.ChangeEvent]

	query api.ChangeQuery
	last  string // id of the last step that was taken; empty before the first
	left  int    // to show before the end; negative: no end

	answered bool // the daemon has answered at least once
	lost     bool // but not the last time, and the user was told
}

// listen shows what the stream brings until that ends. Where the stream has caught up,
// what was written becomes visible.
func (f *follower) listen(ctx context.Context) error {
	for step, err := range f.client.Stream(ctx, f.query, f.last) {
		if err != nil {
			return err
		}
		if f.lost {
			f.env.note("the daemon answers again")
		}
		f.answered, f.lost, f.last = true, false, step.ID
		if step.Event == nil {
			err = f.out.flush()
		} else {
			f.left--
			err = f.out.write(step.Event)
		}
		if err != nil || f.left == 0 {
			return err
		}
	}
	return nil
}

// endure decides whether to go on after an error of the stream.
func (f *follower) endure(err error) error {
	if p, ok := errors.AsType[*api.ProblemError](err); ok && p.Kind() == api.KindFutureRevision && f.last != "" {
		// its store was begun anew, or restored from a backup
		f.env.note("the daemon has another history now (%v); going on from its newest revision", err)
		f.last, f.query.Since = "", ""
		return nil
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

// passing reports whether an error may go away by itself.
func passing(err error) bool {
	if _, ok := errors.AsType[*api.UnreachableError](err); ok {
		return true
	}
	p, ok := errors.AsType[*api.ProblemError](err)
	return ok && p.Status >= http.StatusInternalServerError
}
