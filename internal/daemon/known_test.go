package daemon_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/providertest"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage/storagetest"
)

// asking is a provider that asks of each resource whether it is as recorded.
type asking struct {
	*providertest.Fake
	same map[string]bool // by id, of the last listing
}

func (p *asking) ListKnown(
	ctx context.Context, scope resource.Scope, same func(*resource.Resource) bool, page func([]resource.Resource) error,
) error {
	p.same = map[string]bool{}
	return p.List(ctx, scope, func(rs []resource.Resource) error {
		for i := range rs {
			p.same[rs[i].Key.ID] = same(&rs[i])
		}
		return page(rs)
	})
}

func TestReconciler_TellsTheProviderWhatIsAsRecorded(t *testing.T) {
	fake := providertest.New("fake")
	unread := providertest.Resource(web, "unread", `{}`)
	unread.Unknown = []resource.Unknown{{Part: resource.PartTags, Err: errors.New("denied")}}
	fake.Set(web, providertest.Resource(web, "kept", `{}`), providertest.Resource(web, "changed", `{}`),
		providertest.Resource(web, "tagged", `{}`), unread)
	p := &asking{Fake: fake}
	var _ provider.Comparer = p
	rec := newReconciler(t, p, storagetest.NewModel())
	reconcile(t, rec)
	if want := map[string]bool{"kept": false, "changed": false, "tagged": false, "unread": false}; !maps.Equal(p.same, want) {
		t.Errorf("nothing was recorded, and as recorded is %v", p.same)
	}
	tagged := providertest.Resource(web, "tagged", `{}`)
	tagged.Tags = map[string]string{"k": "v"}
	fake.Put(providertest.Resource(web, "changed", `{"Size":2}`), tagged, providertest.Resource(web, "unread", `{}`), providertest.Resource(web, "new", `{}`))
	reconcile(t, rec)
	want := map[string]bool{"kept": true, "changed": false, "tagged": false, "unread": false, "new": false}
	if !maps.Equal(p.same, want) {
		t.Errorf("as recorded is %v, want %v", p.same, want)
	}
	reconcile(t, rec)
	for id, same := range p.same {
		if !same {
			t.Errorf("%s is not as recorded, and nothing changed", id)
		}
	}
}
