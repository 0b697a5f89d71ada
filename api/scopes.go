package api

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// scopeStates answers /scopes: what is listed, how fresh it is, and what fails. Pages are
// large unless asked for otherwise: what people have is mostly shown at once.
func (s *Server) scopeStates(ctx context.Context, _ string, p *params) (any, error) {
	filter, at, limit, c := p.filter(), p.point("at"), p.limitOr(maxLimit), p.cursor("scopes")
	if p.err != nil {
		return nil, p.err
	}
	wanted := func(state *storage.ScopeState) bool { return filter.MatchScope(state.Scope) }
	if c != nil {
		after, err := resource.ParseScope(c.After)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", storage.ErrBadCursor, err)
		}
		wanted = func(state *storage.ScopeState) bool {
			return state.Scope.Compare(after) > 0 && filter.MatchScope(state.Scope)
		}
	}
	revision, err := s.pin(ctx, at, c)
	if err != nil {
		return nil, err
	}
	answer := list[Scope]{Items: []Scope{}}
	if revision == 0 {
		return answer, nil
	}
	states, more, err := take(where(s.store.Scopes(ctx, revision), wanted), limit, scopeSize)
	if err != nil {
		return nil, err
	}
	for _, state := range states {
		answer.Items = append(answer.Items, viewScope(state))
	}
	if more {
		last := states[len(states)-1].Scope
		answer.NextCursor = cursor{Revision: revision, After: last.String()}.encode("scopes", p.question())
	}
	return answer, nil
}

func scopeSize(s *storage.ScopeState) int { return len(s.Error) }

// cachedRevisions is how many revisions a scopeCache remembers: the head and those that
// a few clients page through.
const cachedRevisions = 4

// scopeCache remembers the scope states of the revisions that were asked for last. A
// revision never changes, so an entry is never wrong. Without it, every page of a list
// would read the states of all scopes again.
type scopeCache struct {
	store storage.Store

	mu      sync.Mutex
	entries []scopeEntry // the one used last is the last
}

type scopeEntry struct {
	revision int64
	index    *storage.Freshness
}

func newScopeCache(store storage.Store) *scopeCache { return &scopeCache{store: store} }

// at returns the scope states at a revision.
func (c *scopeCache) at(ctx context.Context, revision int64) (*storage.Freshness, error) {
	if index := c.find(revision); index != nil {
		return index, nil
	}
	index, err := storage.ReadFreshness(ctx, c.store, revision)
	if err != nil {
		return nil, err
	}
	c.add(scopeEntry{revision, index})
	return index, nil
}

func (c *scopeCache) find(revision int64) *storage.Freshness {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.entries, func(e scopeEntry) bool { return e.revision == revision })
	if i < 0 {
		return nil
	}
	e := c.entries[i]
	c.entries = append(slices.Delete(c.entries, i, i+1), e)
	return e.index
}

func (c *scopeCache) add(e scopeEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = slices.DeleteFunc(c.entries, func(old scopeEntry) bool { return old.revision == e.revision })
	if len(c.entries) == cachedRevisions {
		c.entries = slices.Delete(c.entries, 0, 1)
	}
	c.entries = append(c.entries, e)
}
