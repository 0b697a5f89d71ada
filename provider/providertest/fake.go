// Package providertest holds a cloud that tests program: Fake lists what it was told to
// list and fails where it was told to fail. It is for tests of what consumes a provider;
// for large clouds that change by themselves there is package demo.
//
// A Fake checks nothing that it is given: resources outside their scope, keys that
// appear twice and documents that are not canonical are handed on, because a consumer
// must be tested against them too. Everything that goes in or out is copied, so neither
// the test nor the consumer can change what the other one holds.
package providertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
)

// DefaultPageSize is the number of resources on a full page of a Fake.
const DefaultPageSize = 100

// Hook is called before each page of a listing, counted from 1, without any lock held:
// it may block, panic, and change the Fake. Its error ends the listing and comes back
// unchanged. An empty scope has one page, for its hook only. An answer of Confirm is the
// first and only page of a listing.
type Hook func(ctx context.Context, page int) error

// Fake is a provider in memory. Its methods may be called by several goroutines at a
// time; a listing under way shows the scope as it was when the listing began.
type Fake struct {
	name string

	mu       sync.Mutex
	order    []resource.Scope // in the order of first mention
	scopes   map[resource.Scope]*scope
	schemas  map[string]*resource.Schema
	notices  []string
	planErr  error
	pageSize int
	plans    int
}

// scope is what the Fake tells of one scope. Its resources are replaced, never changed.
type scope struct {
	resources []resource.Resource
	err       error
	planErr   error
	hook      Hook
	confirms  bool
	listings  int
}

var (
	_ provider.Provider  = (*Fake)(nil)
	_ provider.Confirmer = (*Fake)(nil)
)

// New returns a Fake without scopes.
func New(name string) *Fake {
	return &Fake{
		name:     name,
		scopes:   map[resource.Scope]*scope{},
		schemas:  map[string]*resource.Schema{},
		pageSize: DefaultPageSize,
	}
}

// Set makes these the resources of a scope, which is from now on part of the plan.
func (f *Fake) Set(s resource.Scope, resources ...resource.Resource) {
	f.change(s, func(sc *scope) { sc.resources = copies(resources) })
}

// Put adds resources to the scopes of their keys (see resource.Key.Scope), or replaces
// those with the same keys.
func (f *Fake) Put(resources ...resource.Resource) {
	for _, r := range resources {
		f.change(r.Key.Scope(), func(sc *scope) {
			kept := without(sc.resources, r.Key)
			sc.resources = append(kept, clone(r))
		})
	}
}

// Delete takes resources out of all scopes, which stay in the plan.
func (f *Fake) Delete(keys ...resource.Key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, sc := range f.scopes {
		for _, k := range keys {
			sc.resources = without(sc.resources, k)
		}
	}
}

// Drop takes a scope with its resources, errors and hook out of the plan.
func (f *Fake) Drop(s resource.Scope) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.scopes, s)
	f.order = slices.DeleteFunc(f.order, func(o resource.Scope) bool { return o == s })
}

// Fail makes listings of a scope end with err after their first page, as one does that
// is throttled: what was handed on before is to be thrown away. For a failure before
// the first page use Hook. Nil makes it well again.
func (f *Fake) Fail(s resource.Scope, err error) {
	f.change(s, func(sc *scope) { sc.err = err })
}

// FailInPlan moves a scope to the failed ones of the plan. Nil moves it back.
func (f *Fake) FailInPlan(s resource.Scope, err error) {
	f.change(s, func(sc *scope) { sc.planErr = err })
}

// FailPlan makes Plan fail. Nil makes it well again.
func (f *Fake) FailPlan(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.planErr = err
}

// Hook calls h before each page of a scope; nil calls nothing.
func (f *Fake) Hook(s resource.Scope, h Hook) {
	f.change(s, func(sc *scope) { sc.hook = h })
}

// Confirms says whether the Fake can be asked for single resources of a scope. Without it
// Confirm hands on none.
func (f *Fake) Confirms(s resource.Scope, on bool) {
	f.change(s, func(sc *scope) { sc.confirms = on })
}

// SetSchema makes schema that of the documents of its type.
func (f *Fake) SetSchema(schema *resource.Schema) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.schemas[schema.Type] = schema
}

// SetNotices makes these the notices of the plans to come.
func (f *Fake) SetNotices(notices ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notices = slices.Clone(notices)
}

// SetPageSize makes pages of n resources, at least one.
func (f *Fake) SetPageSize(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pageSize = max(n, 1)
}

// Plans returns how often Plan was called.
func (f *Fake) Plans() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.plans
}

// Listings returns how many listings of a scope were begun.
func (f *Fake) Listings(s resource.Scope) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if sc, ok := f.scopes[s]; ok {
		return sc.listings
	}
	return 0
}

// Name implements provider.Provider.
func (f *Fake) Name() string { return f.name }

// Schema implements provider.Provider.
func (f *Fake) Schema(resourceType string) *resource.Schema {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.schemas[resourceType]
}

// Plan implements provider.Provider: the scopes in the order in which the test first
// mentioned them.
func (f *Fake) Plan(ctx context.Context) (*provider.Plan, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plans++
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f.planErr != nil {
		return nil, f.planErr
	}
	plan := &provider.Plan{Notices: slices.Clone(f.notices)}
	for _, s := range f.order {
		if err := f.scopes[s].planErr; err != nil {
			plan.Failed = append(plan.Failed, &provider.ScopeError{Scope: s, Err: err})
			continue
		}
		plan.Scopes = append(plan.Scopes, s)
	}
	return plan, nil
}

// List implements provider.Provider.
func (f *Fake) List(ctx context.Context, s resource.Scope, page func([]resource.Resource) error) error {
	sc, size, err := f.beginListing(s)
	if err != nil {
		return err
	}
	rest := sc.resources
	for n := 1; ; n++ {
		if sc.hook != nil {
			if err := sc.hook(ctx, n); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		count := min(size, len(rest))
		if count > 0 {
			if err := page(copies(rest[:count])); err != nil {
				return err
			}
		}
		rest = rest[count:]
		if sc.err != nil {
			return sc.err
		}
		if len(rest) == 0 {
			return nil
		}
	}
}

// Confirm implements provider.Confirmer.
func (f *Fake) Confirm(ctx context.Context, s resource.Scope, missing []resource.Key, page func([]resource.Resource) error) error {
	f.mu.Lock()
	sc, ok := f.scopes[s]
	if !ok || !sc.confirms {
		f.mu.Unlock()
		return nil
	}
	shown := *sc
	f.mu.Unlock()
	if shown.hook != nil {
		if err := shown.hook(ctx, 1); err != nil {
			return err
		}
	}
	var there []resource.Resource
	for _, r := range shown.resources {
		if slices.Contains(missing, r.Key) {
			there = append(there, r)
		}
	}
	return page(copies(there))
}

// beginListing returns what the listing shows, which later changes do not reach.
func (f *Fake) beginListing(s resource.Scope) (shown scope, pageSize int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	sc, ok := f.scopes[s]
	if !ok {
		return scope{}, 0, &provider.Error{Reason: provider.ReasonOther, Err: fmt.Errorf("the fake provider has no scope %s", s)}
	}
	sc.listings++
	return *sc, f.pageSize, nil
}

// change calls fn, with the lock held, for a scope, which it makes where there is none.
func (f *Fake) change(s resource.Scope, fn func(*scope)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	sc, ok := f.scopes[s]
	if !ok {
		sc = &scope{}
		f.scopes[s] = sc
		f.order = append(f.order, s)
	}
	fn(sc)
}

func without(list []resource.Resource, k resource.Key) []resource.Resource {
	return slices.DeleteFunc(slices.Clone(list), func(r resource.Resource) bool { return r.Key == k })
}

func copies(list []resource.Resource) []resource.Resource {
	out := make([]resource.Resource, len(list))
	for i := range list {
		out[i] = clone(list[i])
	}
	return out
}

func clone(r resource.Resource) resource.Resource {
	r.Tags = maps.Clone(r.Tags)
	r.Attributes = slices.Clone(r.Attributes)
	r.Unknown = slices.Clone(r.Unknown)
	return r
}

// Resource returns a resource for tests whose attributes are the JSON object given,
// made canonical. It panics where that is no JSON.
func Resource(s resource.Scope, id, attributes string) resource.Resource {
	document, absent, err := resource.AppendJSON(nil, []byte(attributes), nil)
	if err != nil {
		panic(fmt.Sprintf("providertest: attributes of %s: %v", id, err))
	}
	if absent {
		document = []byte("{}")
	}
	return resource.Resource{
		Key:        resource.Key{Provider: s.Provider, Account: s.Account, Region: s.Region, Type: s.Type, ID: id},
		Name:       id,
		Status:     "available",
		CreatedAt:  time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC),
		Tags:       map[string]string{},
		Attributes: document,
	}
}
