package api

import (
	"context"
	"fmt"
	"time"

	"github.com/elava-dev/elava/storage"
)

// changes answers /changes: the change feed between two points, newest first or, with
// order=asc, oldest first.
func (s *Server) changes(ctx context.Context, _ string, p *params) (any, error) {
	query := storage.ChangeQuery{
		Filter: p.filter(), ChangeTypes: p.changeTypes(), Key: p.key(),
		OldestFirst: p.oneOf("order", "desc", "asc", "desc") == "asc",
	}
	since, until, limit, c := p.point("since"), p.point("until"), p.limit(), p.cursor("changes")
	if p.err != nil {
		return nil, p.err
	}
	var err error
	if c != nil {
		query.Above, query.UpTo = c.Above, c.Revision
		query.After, err = storage.ParseEventID(c.After)
	} else {
		query.Above, query.UpTo, err = s.span(ctx, since, until)
	}
	if err != nil {
		return nil, err
	}
	answer := list[*storage.ChangeEvent]{Items: []*storage.ChangeEvent{}}
	if query.Above >= query.UpTo { // and an UpTo of 0 would mean the head
		return answer, nil
	}
	b := budget[storage.EventID]{left: maxPassedEvents}
	query.Passed = b.pass
	events, more, err := take(affordable(s.store.Changes(ctx, query)), limit, eventSize)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		answer.Items = append(answer.Items, viewEvent(e))
	}
	if after, ok := b.behind(more, func() string { return events[len(events)-1].ID }); ok {
		answer.NextCursor = cursor{Revision: query.UpTo, Above: query.Above, After: after}.encode("changes", p.question())
	}
	return answer, nil
}

// maxPassedEvents is how many events are looked at, and not selected, for one page.
const maxPassedEvents = 2000

// span resolves since and until. Of revisions, since is exclusive and until inclusive;
// of times both are inclusive.
func (s *Server) span(ctx context.Context, since, until Point) (above, upTo int64, err error) {
	head, err := s.store.Head(ctx)
	if err != nil {
		return 0, 0, err
	}
	upTo = head.Revision
	if !until.IsZero() {
		if upTo, err = s.until(ctx, head, until); err != nil {
			return 0, 0, fmt.Errorf("parameter until: %w", err)
		}
	}
	if since.IsZero() {
		return 0, upTo, s.kept(ctx, 0, upTo, until)
	}
	if since.Revision == 0 {
		since.Time = since.Time.Add(-time.Nanosecond)
	}
	if above, err = s.revisionAt(ctx, head, since); err != nil {
		return 0, 0, fmt.Errorf("parameter since: %w", err)
	}
	if above > upTo {
		return 0, 0, &paramError{"since", "comes after until"}
	}
	return above, upTo, s.kept(ctx, above, upTo, until)
}

// kept refuses a window that was asked for and ends with the oldest revision: of that, what
// there is was kept, and not how it came to be.
func (s *Server) kept(ctx context.Context, above, upTo int64, until Point) error {
	if until.IsZero() || above >= upTo {
		return nil
	}
	stats, err := s.store.Stats(ctx)
	if err == nil && stats.OldestRevision > 1 && upTo == stats.OldestRevision {
		err = fmt.Errorf("parameter until: changes up to revision %d: %w", upTo,
			&storage.CompactedError{Revision: upTo - 1, Oldest: stats.OldestRevision})
	}
	return err
}

// until returns the revision in force at a point. Where retention has dropped it, there
// would be no events up to it, which is not the answer.
func (s *Server) until(ctx context.Context, head storage.Head, p Point) (int64, error) {
	revision, err := s.revisionAt(ctx, head, p)
	if err != nil || revision == 0 {
		return 0, err
	}
	stats, err := s.store.Stats(ctx)
	if err == nil && revision < stats.OldestRevision {
		err = &storage.CompactedError{Revision: revision, Oldest: stats.OldestRevision}
	}
	return revision, err
}

func eventSize(e *storage.ChangeEvent) int {
	n := 0
	for _, c := range e.Changes {
		n += len(c.Path) + len(c.Old) + len(c.New)
	}
	return n
}
