//go:build linux

package drills

import (
	"context"
	"slices"
	"testing"

	"github.com/elava-dev/elava/provider/demo"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

// oracle knows what a store has to hold that was filled from a demo cloud.
type oracle struct {
	cloud demo.Options
	// step returns which step of the cloud a revision shows. A daemon shows one at each
	// scan, and after a start goes on behind the last one that was stored.
	step    func(revision int64) uint64
	watches func(resource.Key) bool // what is listed; nil: everything
	events  int                     // compared

	last   int64 // revision of which the world was worked out last
	latest world
}

// newOracle is for a cloud of demoCloud with every scan stored.
func newOracle(resources int, changeRate float64) *oracle {
	return &oracle{
		cloud: demo.Options{Seed: 1, Resources: resources, ChangeRate: changeRate, Regions: []string{"us-east-1", "eu-west-1"}},
		step:  func(revision int64) uint64 { return uint64(revision - 1) },
	}
}

type world map[resource.Key]state

// state tells a resource that was changed from another one of the same name.
type state struct {
	content resource.Fingerprint
	uid     string
}

func (o *oracle) world(t testing.TB, revision int64) world {
	t.Helper()
	if o.latest != nil && o.last == revision {
		return o.latest
	}
	options := o.cloud
	options.Tick = o.step(revision)
	p, err := demo.New(options)
	if err != nil {
		t.Fatal(err)
	}
	var h resource.Hasher
	w := world{}
	for r := range p.Truth() {
		if o.watches == nil || o.watches(r.Key) {
			w[r.Key] = state{h.Sum(&r), r.UID}
		}
	}
	o.last, o.latest = revision, w
	return w
}

// demands are the events between two worlds, as lines in order.
func demands(before, after world) []string {
	var all []string
	for k, is := range after {
		switch was, ok := before[k]; {
		case !ok:
			all = append(all, "created "+k.String())
		case was.uid != is.uid:
			all = append(all, "disappeared "+k.String(), "created "+k.String())
		case was.content != is.content:
			all = append(all, "modified "+k.String())
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			all = append(all, "disappeared "+k.String())
		}
	}
	slices.Sort(all)
	return all
}

// check compares all revisions above one with the truth, and returns the head.
func (o *oracle) check(t testing.TB, s storage.Store, above int64) int64 {
	t.Helper()
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	said := map[int64][]string{}
	for e, err := range s.Changes(t.Context(), storage.ChangeQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Revision > above {
			said[e.Revision] = append(said[e.Revision], string(e.ChangeType)+" "+e.Key)
		}
	}
	var before world
	for r := max(above, 1); r <= head.Revision; r++ {
		now := o.world(t, r)
		if before != nil {
			want, got := demands(before, now), said[r]
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("revision %d says %d events, the truth demands %d:\n%.2000q\n%.2000q", r, len(got), len(want), got, want)
			}
			o.events += len(want)
		}
		before = now
	}
	o.checkInventory(t, s, before)
	return head.Revision
}

func (o *oracle) checkInventory(t testing.TB, s storage.Store, want world) {
	t.Helper()
	var h resource.Hasher
	n := 0
	for v, err := range s.List(t.Context(), storage.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		if o.watches != nil && !o.watches(v.Resource.Key) {
			continue
		}
		n++
		if is, ok := want[v.Resource.Key]; !ok || is.content != h.Sum(&v.Resource) {
			t.Fatalf("%s is recorded otherwise than it is", v.Resource.Key)
		}
	}
	if n != len(want) {
		t.Fatalf("%d resources are recorded, there are %d", n, len(want))
	}
}

// open opens the store of a daemon that has ended, and verifies it.
func open(t testing.TB, dir string) *badger.Store {
	t.Helper()
	s, err := badger.Open(badger.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	report, err := s.Verify(t.Context(), nil)
	if err != nil || !report.OK() {
		t.Fatalf("the store is not whole: %v %+v", err, report)
	}
	return s
}

func closeStore(t testing.TB, s storage.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// checkStore opens a store, compares all revisions above one with the truth and closes it.
func (o *oracle) checkStore(t testing.TB, dir string, above int64) (head int64) {
	t.Helper()
	s := open(t, dir)
	defer closeStore(t, s)
	return o.check(t, s, above)
}

// scopesOf are the newest states of the scopes of a store.
func scopesOf(t testing.TB, s storage.Store) []*storage.ScopeState {
	t.Helper()
	var all []*storage.ScopeState
	for state, err := range s.Scopes(context.WithoutCancel(t.Context()), storage.HeadRevision) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, state)
	}
	return all
}
