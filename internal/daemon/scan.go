package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// scan is one listing of a plan, compared with what is recorded.
type scan struct {
	r       *Reconciler
	head    storage.Head
	states  map[resource.Scope]*storage.ScopeState // as recorded
	spool   spool
	mu      sync.Mutex
	results []*listing // a scope that was listed twice has two, of which the first is superseded
}

// listing is what came of listing one scope.
type listing struct {
	index int
	scope resource.Scope
	begun bool // there was time to

	// superseded: the scope was listed again, and nothing of this listing counts.
	superseded bool

	seen   int            // resources listed
	bySeen map[string]int // the same by region
	absent []resource.Key // recorded and not listed; filled when the listing is complete

	err     error          // why it is not complete; nil when it is
	partial error          // a detail that could not be read
	details int            // resources that lack a detail
	bare    []resource.Key // that differ from what is recorded and have no tags
}

// counts reports whether what the listing found is to be believed.
func (l *listing) counts() bool { return l.err == nil && !l.superseded }

// recorded is what is known of a resource before the scan, and whether the scan saw it.
type recorded struct {
	fingerprint resource.Fingerprint
	uid         string
	schema      uint32
	live        bool // false: it came up in this scan
	incomplete  bool
	seen        bool
}

// errStillListing says that an earlier listing of a scope has not returned although it
// was told to.
var errStillListing = errors.New("an earlier listing of this scope still hangs and was left behind; restart the daemon if it does not come back")

// errStillPlanning says the same of a plan.
var errStillPlanning = errors.New("an earlier plan still hangs and was left behind; restart the daemon if it does not come back")

// Time that a call of the provider gets to return after its context ended, before it is left behind.
const abandonAfter = 2 * time.Second

// inTurn puts first the scopes that the last scan had no time to begin. Where there is
// never time for all, each is begun in every second scan at least; else those that come late
// in the plan would never be listed.
func (r *Reconciler) inTurn(scopes []resource.Scope) []resource.Scope {
	scopes = slices.Clone(scopes)
	slices.SortStableFunc(scopes, func(a, b resource.Scope) int {
		return cmp.Compare(r.turn(a), r.turn(b))
	})
	return scopes
}

func (r *Reconciler) turn(s resource.Scope) int {
	if r.unbegun[s] {
		return 0
	}
	return 1
}

// unbegun returns the scopes that there was no time to begin.
func (s *scan) unbegun() map[resource.Scope]bool {
	scopes := map[resource.Scope]bool{}
	for _, l := range s.results {
		if !l.begun && !l.superseded {
			scopes[l.scope] = true
		}
	}
	return scopes
}

// list lists all scopes of the plan, several at a time. It returns an error only where
// the store failed or ctx ended for another reason than the time limit; failures of
// scopes are in the results.
func (s *scan) list(ctx context.Context, scopes []resource.Scope) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.r.opts.Concurrency)
	for _, scope := range scopes {
		l := s.newListing(scope)
		g.Go(func() error { return s.listTwice(ctx, l) })
	}
	return g.Wait()
}

func (s *scan) newListing(scope resource.Scope) *listing {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &listing{index: len(s.results), scope: scope, bySeen: map[string]int{}}
	s.results = append(s.results, l)
	return l
}

// listTwice lists a scope, and once more where the first listing is hard to believe. Of the
// listing that counts it confirms what is absent.
func (s *scan) listTwice(ctx context.Context, l *listing) error {
	c, err := s.listScope(ctx, l)
	if err != nil {
		return err
	}
	doubt, err := s.doubt(ctx, l)
	if err != nil && ctx.Err() != nil { // the time limit is no failure of the store
		l.err = context.Cause(ctx)
		return nil
	}
	if err != nil {
		return err
	}
	if doubt == "" {
		return s.confirm(ctx, c)
	}
	s.r.log.WarnContext(ctx, "A listing is hard to believe, the scope is listed once more", "scope", l.scope, "first", doubt)
	again := s.newListing(l.scope)
	l.superseded = true
	if c, err = s.listScope(ctx, again); err != nil {
		return err
	}
	if doubt, err = s.doubt(ctx, again); err != nil {
		if ctx.Err() == nil {
			return err
		}
		again.err = context.Cause(ctx)
	}
	switch {
	case again.err != nil:
		s.r.log.WarnContext(ctx, "The second listing failed, the last known state is kept", "scope", l.scope, "error", again.err)
	case doubt != "":
		s.r.log.WarnContext(ctx, "The second listing says the same and is believed", "scope", l.scope, "second", doubt)
	default:
		s.r.log.WarnContext(ctx, "The second listing contradicts the first and is believed", "scope", l.scope, "resources", again.seen)
	}
	return s.confirm(ctx, c)
}

// listScope reads what is recorded of a scope, lists it and notes the differences.
func (s *scan) listScope(ctx context.Context, l *listing) (*comparer, error) {
	c := &comparer{s: s, l: l, provider: s.r.opts.Provider}
	if ctx.Err() != nil {
		l.err = context.Cause(ctx)
		return c, nil
	}
	l.begun = true
	var err error
	if c.known, err = s.known(ctx, l.scope); err != nil {
		if ctx.Err() != nil {
			l.err = context.Cause(ctx)
			return c, nil
		}
		return nil, err
	}
	return c, s.compare(ctx, c, func(ctx context.Context, page func([]resource.Resource) error) error {
		if p, ok := c.provider.(provider.Comparer); ok {
			return p.ListKnown(ctx, l.scope, c.same, page)
		}
		return c.provider.List(ctx, l.scope, page)
	})
}

// confirm asks for what is absent from a complete listing, where the provider knows how:
// a list may lack what is there. What cannot be asked for is not known to be gone, and the
// scope fails.
func (s *scan) confirm(ctx context.Context, c *comparer) error {
	p, ok := s.r.opts.Provider.(provider.Confirmer)
	missing := c.l.absent
	if !ok || c.l.err != nil || len(missing) == 0 {
		return nil
	}
	err := s.compare(ctx, c, func(ctx context.Context, page func([]resource.Resource) error) error {
		return p.Confirm(ctx, c.l.scope, missing, page)
	})
	if n := len(missing) - len(c.l.absent); err == nil && c.l.err == nil && n > 0 {
		s.r.log.WarnContext(ctx, "A complete listing lacked resources that are there", "scope", c.l.scope, "resources", n)
	}
	return err
}

// reading is a call of the provider that hands on pages of one scope.
type reading func(ctx context.Context, page func([]resource.Resource) error) error

// compare has the provider hand pages to the comparer, and notes how that ended and what
// is absent. The error is one of the store.
func (s *scan) compare(ctx context.Context, c *comparer, read reading) error {
	c.l.err = s.judge(c.l.scope, s.traceScope(ctx, c.l, func(ctx context.Context) error { return s.run(ctx, c.l.scope, read, c.page) }))
	if failure := (*storageError)(nil); errors.As(c.l.err, &failure) {
		return failure
	}
	if c.l.err == nil {
		c.l.absent = c.absent()
	}
	return nil
}

// judge returns what a failure is, given what is known of the scope: one that was listed
// before does exist. Taken for unavailable, it would have what is created meanwhile as a
// baseline, which is reported to nobody.
func (s *scan) judge(scope resource.Scope, err error) error {
	var e *provider.Error
	state := s.stateOf(scope)
	if !errors.As(err, &e) || e.Otherwise == nil || state.LastComplete == 0 || state.Status == storage.ScopeUnavailable {
		return err
	}
	return e.Otherwise
}

func (s *scan) known(ctx context.Context, scope resource.Scope) (map[string]recorded, error) {
	state := s.states[scope]
	if state == nil {
		return map[string]recorded{}, nil
	}
	known := make(map[string]recorded, state.Resources)
	for k, err := range s.r.opts.Store.Known(ctx, scope, s.head.Revision) {
		if err != nil {
			return nil, err
		}
		known[within(scope, k.Key)] = recorded{
			fingerprint: k.Fingerprint, uid: k.UID, schema: k.Schema, incomplete: k.Incomplete, live: true,
		}
	}
	return known, nil
}

// within tells the resources of one scope apart in as few bytes as possible.
func within(scope resource.Scope, k resource.Key) string {
	if scope.Region == k.Region {
		return k.ID
	}
	return k.Region + "\x00" + k.ID
}

// run reads a scope with pages going to page. A call that does not heed its context is left
// behind: its pages are refused, and its scope is not read again before it returns.
func (s *scan) run(ctx context.Context, scope resource.Scope, read reading, page func(context.Context, []resource.Resource) error) error {
	if !s.r.running.begin(scope) {
		return &provider.Error{Reason: provider.ReasonTimeout, Err: errStillListing}
	}
	var mu sync.Mutex // held while a page is taken
	left := false
	err := s.r.call(ctx, "listing "+scope.String(), func() error {
		return read(ctx, func(p []resource.Resource) error {
			mu.Lock()
			defer mu.Unlock()
			if left {
				return context.Cause(ctx)
			}
			return page(ctx, p)
		})
	}, func() { s.r.running.end(scope) })
	mu.Lock()
	left = true
	mu.Unlock()
	return err
}

// call calls the provider in a goroutine of its own, so that a call that does not heed its
// context cannot hold up the iteration: it is left behind. returned runs when f has
// returned, and before call does unless f was left behind. A panic is an error.
func (r *Reconciler) call(ctx context.Context, what string, f func() error, returned func()) error {
	done := make(chan error, 1)
	go func() {
		err := r.guard(ctx, what, f)
		returned()
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(abandonAfter)
	defer timer.Stop()
	select {
	case err := <-done:
		if err == nil || provider.ReasonOf(err) == provider.ReasonTimeout {
			return err // it may know for what the time was spent
		}
	case <-timer.C:
		r.log.WarnContext(ctx, "A call of the provider does not stop and is left behind", "call", what)
	}
	return context.Cause(ctx)
}

// guard turns a panic of the provider into an error.
func (r *Reconciler) guard(ctx context.Context, what string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			r.log.ErrorContext(ctx, "The provider panicked", "call", what, "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("collector panicked: %v", v)
		}
	}()
	return f()
}

// comparer compares the pages of one listing with what is recorded of its scope.
type comparer struct {
	s *scan
	l *listing

	// The provider that is read, which is not that of the reconciler any more where a call
	// was left behind and goes on.
	provider provider.Provider

	mu     sync.Mutex // the provider may ask while it hands on pages
	known  map[string]recorded
	hasher resource.Hasher
}

func (c *comparer) schemaVersion(resourceType string) uint32 {
	if s := c.provider.Schema(resourceType); s != nil {
		return s.Version
	}
	return 0
}

// same reports whether a resource is as it is recorded; see provider.Comparer.
func (c *comparer) same(r *resource.Resource) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.known[within(c.l.scope, r.Key)]
	return before.live && !before.incomplete && len(r.Unknown) == 0 && before.schema == c.schemaVersion(r.Key.Type) &&
		sameIdentity(before.uid, r.UID) && c.hasher.Sum(r) == before.fingerprint
}

func (c *comparer) page(ctx context.Context, resources []resource.Resource) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	for i := range resources {
		if err := c.resource(ctx, &resources[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparer) resource(ctx context.Context, r *resource.Resource) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := r.Key.Validate(); err != nil {
		return &provider.Error{Reason: provider.ReasonBadAnswer, Err: err}
	}
	if !c.l.scope.Contains(r.Key) {
		return &provider.Error{Reason: provider.ReasonBadAnswer,
			Err: fmt.Errorf("listing %s gave a resource of another scope: %s", c.l.scope, r.Key)}
	}
	at := within(c.l.scope, r.Key)
	before := c.known[at]
	if before.seen {
		return nil // a page that overlaps with another one
	}
	now := before
	now.seen = true
	c.known[at] = now
	c.l.seen++
	c.l.bySeen[r.Key.Region]++
	if r.UID == "" {
		r.UID = before.uid // an API that leaves it out once says nothing by that
	}
	incomplete, sameParts, err := c.complete(ctx, r, before)
	if err != nil {
		return err
	}
	f := finding{
		Scope: c.l.index, Resource: *r, Fingerprint: c.hasher.Sum(r),
		Schema: c.schemaVersion(r.Key.Type), Incomplete: incomplete,
		Known: before.live, KnownUID: before.uid, KnownSchema: before.schema,
	}
	if before.live && f.Fingerprint == before.fingerprint && f.Schema == before.schema &&
		sameIdentity(before.uid, r.UID) && sameParts {
		return nil
	}
	if len(r.Attributes) > 0 && (r.Attributes[0] != '{' || !json.Valid(r.Attributes)) {
		return &provider.Error{Reason: provider.ReasonBadAnswer, Err: fmt.Errorf("the document of %s is no JSON object", r.Key)}
	}
	if before.live && len(r.Tags) == 0 {
		c.l.bare = append(c.l.bare, r.Key)
	}
	if err := c.s.spool.add(f); err != nil {
		return &storageError{err}
	}
	return nil
}

// sameIdentity reports whether two unique ids can be of one resource. An absent one says
// nothing.
func sameIdentity(a, b string) bool { return a == "" || b == "" || a == b }

// complete gives a resource the last known value of what could not be read. It returns
// the parts that were never read, and whether they are the same as recorded.
func (c *comparer) complete(ctx context.Context, r *resource.Resource, before recorded) (parts []string, same bool, err error) {
	if len(r.Unknown) == 0 {
		return nil, !before.incomplete, nil
	}
	c.l.details++
	if c.l.partial == nil {
		c.l.partial = r.Unknown[0].Err
	}
	var recordedParts []string
	if before.live && sameIdentity(before.uid, r.UID) {
		last, err := c.s.r.opts.Store.Get(ctx, r.Key, c.s.head.Revision)
		if err != nil && ctx.Err() != nil { // the time limit is no failure of the store
			return nil, false, context.Cause(ctx)
		}
		if err != nil {
			return nil, false, &storageError{err}
		}
		if err := r.Inherit(&last.Resource, last.Incomplete); err != nil {
			return nil, false, err
		}
		recordedParts = last.Incomplete
	}
	for _, u := range r.Unknown {
		parts = append(parts, u.Part)
	}
	return parts, len(parts) == len(recordedParts), nil // Inherit leaves none that was not recorded
}

// absent lists what is recorded and was not seen.
func (c *comparer) absent() []resource.Key {
	var gone []resource.Key
	for at, k := range c.known {
		if k.seen {
			continue
		}
		gone = append(gone, c.keyOf(at))
	}
	return gone
}

// keyOf is the reverse of within.
func (c *comparer) keyOf(at string) resource.Key {
	s := c.l.scope
	k := resource.Key{Provider: s.Provider, Account: s.Account, Region: s.Region, Type: s.Type, ID: at}
	for i := range len(at) {
		if at[i] == 0 {
			k.Region, k.ID = at[:i], at[i+1:]
			break
		}
	}
	return k
}

// listings remembers which scopes are being listed.
type listings struct {
	mu      sync.Mutex
	running map[resource.Scope]bool
}

func (l *listings) begin(s resource.Scope) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running[s] {
		return false
	}
	if l.running == nil {
		l.running = map[resource.Scope]bool{}
	}
	l.running[s] = true
	return true
}

func (l *listings) end(s resource.Scope) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.running, s)
}
