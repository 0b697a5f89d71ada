package api

import (
	"context"
	"slices"
	"sync"

	"github.com/elava-dev/elava/storage"
)

// scopeStates answers /scopes: what is listed, how fresh it is, and what fails. There is
// no paging: an organization has tens of thousands of scopes, each of which is small.
func (s *Server) scopeStates(ctx context.Context, _ string, p *params) (any, error) {
	filter, at := p.filter(), p.point("at")
	if p.err != nil {
		return nil, p.err
	}
	revision, err := s.pin(ctx, at, nil)
	if err != nil {
		return nil, err
	}
	answer := list[Scope]{Items: []Scope{}}
	if revision == 0 {
		return answer, nil
	}
	for state, err := range s.store.Scopes(ctx, revision) {
		if err != nil {
			return nil, err
		}
		if filter.MatchScope(state.Scope) {
			answer.Items = append(answer.Items, viewScope(state))
		}
	}
	return answer, nil
}

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
