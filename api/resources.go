package api

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// resources answers /resources: those that are live at one revision, by key.
func (s *Server) resources(ctx context.Context, _ string, p *params) (any, error) {
	query := storage.Query{Filter: p.filter()}
	query.ARN = p.one("arn")
	at, limit, c := p.point("at"), p.limit(), p.cursor("resources")
	if p.err != nil {
		return nil, p.err
	}
	if c != nil {
		after, err := resource.ParseKey(c.After)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", storage.ErrBadCursor, err)
		}
		query.After = &after
	}
	revision, err := s.pin(ctx, at, c)
	if err != nil {
		return nil, err
	}
	answer := page[Resource]{Items: []Resource{}, Revision: revision}
	if revision == 0 { // would mean the head, which may have come into being by now
		return answer, nil
	}
	query.Revision = revision
	b := budget[resource.Key]{left: maxPassed}
	query.Passed = b.pass
	versions, more, err := take(affordable(s.store.List(ctx, query)), limit, documentSize)
	if err != nil {
		return nil, err
	}
	scopes, err := s.scopes.at(ctx, revision)
	if err != nil {
		return nil, err
	}
	for _, v := range versions {
		answer.Items = append(answer.Items, viewResource(v, scopes))
	}
	if after, ok := b.behind(more, func() string { return versions[len(versions)-1].Resource.Key.String() }); ok {
		answer.NextCursor = cursor{Revision: revision, After: after}.encode("resources", p.question())
	}
	return answer, nil
}

// maxPassed is how many resources are looked at, and not selected, for one page. So many
// take some 10 ms.
const maxPassed = 4000

func documentSize(v *storage.Version) int {
	n := len(v.Resource.Attributes)
	for _, c := range v.Changes {
		n += len(c.Old) + len(c.New)
	}
	return n
}

// resource answers /resource/{key}: one resource, live or gone.
func (s *Server) resource(ctx context.Context, key string, p *params) (any, error) {
	at := p.point("at")
	if p.err != nil {
		return nil, p.err
	}
	k, err := resource.ParseKey(key)
	if err != nil {
		return nil, err
	}
	revision, err := s.pin(ctx, at, nil)
	if err != nil {
		return nil, err
	}
	if revision == 0 {
		return nil, fmt.Errorf("%s: %w: no scan has been committed yet", k, storage.ErrNotFound)
	}
	v, err := s.store.Get(ctx, k, revision)
	if err != nil {
		return nil, s.explainAbsence(ctx, k, revision, err)
	}
	scopes, err := s.scopes.at(ctx, revision)
	if err != nil {
		return nil, err
	}
	return viewResource(v, scopes), nil
}

// explainAbsence adds to an error of Get what the client should know: which resource,
// and its last version where it is gone.
func (s *Server) explainAbsence(ctx context.Context, k resource.Key, revision int64, err error) error {
	if gone, ok := errors.AsType[*storage.GoneError](err); ok && gone.Last != nil {
		last, err := s.lastSeen(ctx, gone.Last)
		if err != nil {
			return err
		}
		return &goneError{GoneError: gone, last: last}
	}
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("%s: %w: neither at revision %d nor before", k, storage.ErrNotFound, revision)
	}
	return err
}

// lastSeen renders the last version of a resource that is gone, as it was known at the
// revision before its end.
func (s *Server) lastSeen(ctx context.Context, v *storage.Version) (Version, error) {
	if v.EndRevision < 2 {
		return viewVersion(v, nil), nil
	}
	scopes, err := s.scopes.at(ctx, v.EndRevision-1)
	if err != nil && !errors.Is(err, storage.ErrCompacted) {
		return Version{}, err
	}
	return viewVersion(v, scopes), nil
}

// history answers /history/{key}: all versions of one resource up to a point, newest
// first. A cursor counts versions from the newest one at the pinned revision: retention takes them from
// the other end.
func (s *Server) history(ctx context.Context, key string, p *params) (any, error) {
	path := "history/" + key
	at, limit, c := p.point("at"), p.limit(), p.cursor(path)
	if p.err != nil {
		return nil, p.err
	}
	k, err := resource.ParseKey(key)
	if err != nil {
		return nil, err
	}
	done := 0
	if c != nil {
		if done, err = strconv.Atoi(c.After); err != nil {
			return nil, fmt.Errorf("%w: damaged", storage.ErrBadCursor)
		}
	}
	revision, err := s.pin(ctx, at, c)
	if err != nil {
		return nil, err
	}
	if !at.IsZero() && c == nil { // of what came later or was trimmed, History says nothing
		if _, err := s.store.Get(ctx, k, revision); err != nil && !errors.Is(err, storage.ErrGone) {
			return nil, s.explainAbsence(ctx, k, revision, err)
		}
	}
	skip := done
	seq := where(s.store.History(ctx, k), func(v *storage.Version) bool {
		if v.Revision > revision {
			return false
		}
		skip--
		return skip < 0
	})
	versions, more, err := take(seq, limit, documentSize)
	if err != nil {
		return nil, s.explainAbsence(ctx, k, revision, err)
	}
	answer := list[Version]{Items: []Version{}}
	for _, v := range versions {
		view, err := s.viewPast(ctx, v, revision)
		if err != nil {
			return nil, err
		}
		answer.Items = append(answer.Items, view)
	}
	if more {
		after := strconv.Itoa(done + len(versions))
		answer.NextCursor = cursor{Revision: revision, After: after}.encode(path, p.question())
	}
	return answer, nil
}

// viewPast renders a version of a history. Only of the one that is current is it known
// when it was last observed: the states of scopes at the end of each of the others would
// have to be read for that.
func (s *Server) viewPast(ctx context.Context, v *storage.Version, revision int64) (Version, error) {
	if v.EndRevision != 0 {
		return viewVersion(v, nil), nil
	}
	scopes, err := s.scopes.at(ctx, revision)
	if err != nil {
		return Version{}, err
	}
	return viewVersion(v, scopes), nil
}
