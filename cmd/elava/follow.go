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
	if err := f.begin(ctx); err != nil {
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
		if err := f.endure(pollErr); err != nil {
			return err
		}
		wait(ctx)
	}
}

// follower asks again and again for what came after the revision up to which it has
// shown everything. A question that breaks off is repeated as it was; what was shown
// already is skipped, so that every event is shown once and in order.
type follower struct {
	client *api.Client
	env    *Env
	out    listWriter[storage.ChangeEvent]

	query api.ChangeQuery
	upTo  int64           // everything up to this revision was shown; -1: nothing was asked yet
	seen  storage.EventID // the last event that was shown
	left  int             // to show before the end; negative: no end

	answered bool // the daemon has answered at least once
	lost     bool // but not the last time, and the user was told
}

// begin fixes the point behind which to begin. A duration ago becomes a time: asked for
// later, it would mean another point. The first poll asks in any case, so that a
// question that is refused is refused at once.
func (f *follower) begin(ctx context.Context) error {
	defer func() { f.upTo = -1 }()
	if f.query.Since == "" {
		revision, err := f.newestRevision(ctx)
		f.shown(revision)
		return err
	}
	p, err := api.ParsePoint(f.query.Since, f.env.Now())
	if err == nil && p.Revision == 0 {
		f.query.Since = p.Time.Format(time.RFC3339Nano)
	}
	return err
}

// newestRevision returns the newest revision; 0 where there is none yet.
func (f *follower) newestRevision(ctx context.Context) (int64, error) {
	for m, err := range f.client.Scans(ctx, 1) {
		if err != nil {
			return 0, err
		}
		return m.Revision, nil
	}
	return 0, nil
}

// shown notes that everything up to a revision was shown, or need not be.
func (f *follower) shown(upTo int64) {
	f.upTo, f.query.Since = upTo, ""
	if upTo > 0 {
		f.query.Since = strconv.FormatInt(upTo, 10)
	}
}

// poll shows what is new. It goes by the newest revision and not by the last event, so
// that it does not fall behind retention where nothing happens for long.
func (f *follower) poll(ctx context.Context) error {
	newest, err := f.newestRevision(ctx)
	if err != nil || newest == f.upTo {
		return err
	}
	if newest < f.upTo { // its store was begun anew, or restored from a backup
		f.env.note("the daemon has another history now, up to revision %d instead of %d; going on from there", newest, f.upTo)
		f.seen = storage.EventID{}
		f.shown(newest)
		return nil
	}
	for e, err := range f.client.Changes(ctx, f.query) {
		if err != nil {
			return err
		}
		if err := f.show(e); err != nil || f.left == 0 {
			return err
		}
	}
	f.shown(newest) // and perhaps more, which will be skipped
	return nil
}

func (f *follower) show(e *storage.ChangeEvent) error {
	id, err := storage.ParseEventID(e.ID)
	if err != nil || id.Compare(f.seen) <= 0 {
		return err
	}
	f.seen = id
	f.left--
	return f.out.write(e)
}

// endure decides whether to go on after an error of poll, or after none.
func (f *follower) endure(err error) error {
	if err == nil {
		if f.lost {
			f.env.note("the daemon answers again")
		}
		f.answered, f.lost = true, false
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
