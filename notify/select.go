package notify

import (
	"context"
	"errors"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

func (h *hook) changeTypes() []change.Type {
	var types []change.Type
	for _, t := range h.ChangeTypes {
		types = append(types, change.Type(t))
	}
	return types
}

// wants reports whether an event is of a resource that has the hook's tags, which events
// do not carry: after the change or, where it disappeared, before. What retention has
// dropped of that is told of, rather than too little.
func (h *hook) wants(ctx context.Context, e *storage.ChangeEvent) (bool, error) {
	if len(h.Filter.Tags) == 0 {
		return true, nil
	}
	key, err := resource.ParseKey(e.Key)
	if err != nil {
		return false, err
	}
	if e.ChangeType == change.Disappeared {
		return h.wanted(ctx, key, e.Revision-1)
	}
	return h.wanted(ctx, key, e.Revision)
}

func (h *hook) wanted(ctx context.Context, key resource.Key, revision int64) (bool, error) {
	v, err := h.opts.Store.Get(ctx, key, max(revision, 1))
	if gone, ok := errors.AsType[*storage.GoneError](err); ok {
		v, err = gone.Last, nil
	}
	if errors.Is(err, storage.ErrCompacted) || errors.Is(err, storage.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	f := storage.Filter{Tags: h.Filter.Tags}
	return f.Match(&v.Resource), nil
}
