package daemon

import (
	"cmp"
	"context"
	"fmt"
)

// Guard says when a complete listing is hard to believe: when more than Share of what is
// recorded of a scope, and more than Count resources, are absent at once, or lose all
// their tags at once. APIs under load answer so; people rarely do so. Such a scope is
// listed once more, and the second listing is believed.
type Guard struct {
	Share float64 // 0 to 1; 0 means DefaultGuardShare, 1 that nothing is doubted
	Count int     // 0 means DefaultGuardCount
}

// The defaults of a Guard.
const (
	DefaultGuardShare = 0.5
	DefaultGuardCount = 20
)

// exceeded reports whether n of all are too many to be believed at once.
func (g Guard) exceeded(n, all int) bool {
	return n > cmp.Or(g.Count, DefaultGuardCount) && float64(n) > cmp.Or(g.Share, DefaultGuardShare)*float64(all)
}

// doubt says why a listing is hard to believe; "" where it is not.
func (s *scan) doubt(ctx context.Context, l *listing) (string, error) {
	state := s.states[l.scope]
	if l.err != nil || state == nil {
		return "", nil
	}
	guard := s.r.opts.Guard
	if n := len(l.absent); guard.exceeded(n, state.Resources) {
		return fmt.Sprintf("%d of %d resources are absent", n, state.Resources), nil
	}
	if !guard.exceeded(len(l.bare), state.Resources) {
		return "", nil
	}
	n, err := s.lostTags(ctx, l)
	if err != nil || !guard.exceeded(n, state.Resources) {
		return "", err
	}
	return fmt.Sprintf("%d of %d resources lost all their tags", n, state.Resources), nil
}

// lostTags counts the resources without tags that had some.
func (s *scan) lostTags(ctx context.Context, l *listing) (n int, err error) {
	for _, key := range l.bare {
		last, err := s.r.opts.Store.Get(ctx, key, s.head.Revision)
		if err != nil {
			return 0, err
		}
		if len(last.Resource.Tags) > 0 {
			n++
		}
	}
	return n, nil
}
