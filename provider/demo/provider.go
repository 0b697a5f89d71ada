package demo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Name is the first part of the keys of all resources of this provider.
const Name = "demo"

// pageSize is the number of resources on a full page: the most that EC2 allows.
const pageSize = 1000

// Provider is a synthetic cloud. All its methods may be called by several goroutines
// at a time.
type Provider struct {
	cloud  *cloud
	log    *slog.Logger
	faults atomic.Pointer[faultSet]
	now    atomic.Pointer[world]

	planning sync.Mutex
	planned  bool // the step that now holds was shown by a Plan

	include, exclude []string // globs on types

	closing sync.Once
	closed  chan struct{}
}

var _ provider.Provider = (*Provider)(nil)

// New returns the cloud that the options describe, at step o.Tick. The error names all
// that is wrong with the options, and what is allowed.
func New(o Options) (*Provider, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("demo cloud: %w", err)
	}
	c, err := newCloud(o)
	if err != nil {
		return nil, err
	}
	p := &Provider{
		cloud: c, log: o.Logger, closed: make(chan struct{}), include: o.IncludeTypes, exclude: o.ExcludeTypes,
	}
	if err := p.SetFaults(o.Faults); err != nil {
		return nil, err
	}
	p.now.Store(c.worldAt(o.Tick))
	return p, nil
}

// Close ends listings that hang in spite of their context. It always returns nil, and
// the provider can be used after it.
func (p *Provider) Close() error {
	p.closing.Do(func() { close(p.closed) })
	return nil
}

// Name returns "demo".
func (p *Provider) Name() string { return Name }

// Schema returns the schema of a type's documents, and nil for unknown types.
func (p *Provider) Schema(resourceType string) *resource.Schema {
	for _, e := range p.cloud.extents {
		if e.kind.schema.Type == resourceType {
			return e.kind.schema
		}
	}
	return nil
}

// Plan begins the next step of the cloud, except that the first Plan begins the step
// at which the provider was made. All scopes are in every plan, empty ones too.
func (p *Provider) Plan(ctx context.Context) (*provider.Plan, error) {
	if err := interrupted(ctx); err != nil {
		return nil, err
	}
	p.planning.Lock()
	if p.planned {
		p.now.Store(p.cloud.after(p.now.Load()))
	}
	p.planned = true
	w := p.now.Load()
	p.planning.Unlock()

	p.log.DebugContext(ctx, "demo cloud made a step", "tick", w.tick, "resources", w.live)
	plan := &provider.Plan{
		Scopes:  make([]resource.Scope, 0, len(p.cloud.extents)),
		Notices: []string{"demo provider: these resources are synthetic, no cloud account is read"},
	}
	for _, e := range p.cloud.extents {
		if p.selects(e.scope.Type) {
			plan.Scopes = append(plan.Scopes, e.scope)
		}
	}
	if f := p.faults.Load(); len(f.faults) > 0 {
		plan.Notices = append(plan.Notices, "demo provider: faults are switched on: "+f.String())
	}
	return plan, nil
}

// selects reports whether the options ask for a type.
func (p *Provider) selects(t string) bool {
	return storage.MatchType(p.include, t) && (len(p.exclude) == 0 || !storage.MatchType(p.exclude, t))
}

// Tick returns the number of the step that listings show now.
func (p *Provider) Tick() uint64 { return p.now.Load().tick }

// Count returns the number of resources at the current step.
func (p *Provider) Count() int { return p.now.Load().live }

// Truth returns all resources of the step at which it is called, whatever faults make
// of them. It generates them anew at each use and hands them over.
func (p *Provider) Truth() iter.Seq[resource.Resource] {
	w := p.now.Load()
	return func(yield func(resource.Resource) bool) {
		for _, e := range p.cloud.extents {
			out := newWriter(p.cloud, e, w.tick)
			for slot := e.first; slot < e.end; slot++ {
				if w.states[slot].gone {
					continue
				}
				r, err := out.write(slot, w.states[slot])
				if err != nil {
					panic(fmt.Sprintf("demo cloud: %v", err)) // New wrote one of each kind
				}
				if !yield(r) {
					return
				}
			}
		}
	}
}

// List generates the resources of one scope, page by page, with the faults that were
// switched on when it began. Every error but those of page is a *provider.Error.
func (p *Provider) List(ctx context.Context, scope resource.Scope, page func([]resource.Resource) error) error {
	e, ok := p.cloud.byScope[scope]
	if !ok {
		return &provider.Error{Reason: provider.ReasonOther, Err: fmt.Errorf("the demo cloud has no scope %s", scope)}
	}
	w := p.now.Load()
	t := p.faults.Load().at(p.cloud, e, w.tick)
	if err := p.begin(ctx, e, &t); err != nil {
		return err
	}
	out := newWriter(p.cloud, e, w.tick)
	for slot := e.first; ; {
		if err := sleep(ctx, t.delay); err != nil {
			return err
		}
		resources, next, err := out.page(w, slot)
		if err != nil {
			return &provider.Error{Reason: provider.ReasonBadAnswer, Err: err}
		}
		if t.partial != nil {
			t.partial.hideTags(resources, p.cloud.seed)
		}
		if len(resources) > 0 {
			if err := page(resources); err != nil {
				return err
			}
		}
		switch slot = next; {
		case t.secondPage != nil:
			return t.secondPage
		case slot == e.end:
			return nil
		}
	}
}

// begin does what goes wrong before the first page.
func (p *Provider) begin(ctx context.Context, e *extent, t *trouble) error {
	switch {
	case t.panics != nil:
		panic(fmt.Sprintf("demo cloud: panic while listing %s: %s", e.scope, t.panics.hint()))
	case t.firstPage != nil:
		return t.firstPage
	case t.hangsHard:
		<-p.closed
		return &provider.Error{Reason: provider.ReasonOther, Err: errors.New("the demo provider was closed")}
	case t.hangs:
		<-ctx.Done()
	}
	return interrupted(ctx)
}

// page writes the resources of the next page, which begins at slot, and returns where
// the one after it begins.
func (w *writer) page(now *world, slot int) (resources []resource.Resource, next int, err error) {
	resources = make([]resource.Resource, 0, min(pageSize, w.extent.end-slot))
	for ; slot < w.extent.end && len(resources) < pageSize; slot++ {
		if now.states[slot].gone {
			continue
		}
		r, err := w.write(slot, now.states[slot])
		if err != nil {
			return nil, slot, err
		}
		resources = append(resources, r)
	}
	return resources, slot, nil
}

// interrupted returns the end of ctx as an Error, or nil.
func interrupted(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &provider.Error{Reason: provider.ReasonOf(err), Err: err}
	}
	return nil
}

// sleep waits, or returns the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return interrupted(ctx)
}
