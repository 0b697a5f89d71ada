package storagetest

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Sequence is what happens to a store in the life of a daemon, made up from a seed: scans
// of a few resources and of thousands, scans that are rolled back, documents of half a
// megabyte, Trim, and upkeep. What step n does follows from the seed, n and what the store
// holds, and from nothing else. So two stores with which the same steps succeeded hold the
// same, and a process that died in the middle of a step can be replaced by another one.
type Sequence struct {
	Seed uint64

	// Many is how many resources each of the two large scopes can have. The large scans
	// are meant to be more than an engine keeps in memory. 0: 1200.
	Many int

	// Text is how long the documents of the large scopes are at most. 0: 1200.
	Text int

	// Upkeep is what may be done to an engine without changing its answers, such as
	// giving space back, or a backup. The Model is spared.
	Upkeep []func(context.Context, storage.Store) error

	// Progress, if not nil, is told what a step is about to do.
	Progress func(what string)
}

// Step is what a step of a Sequence is about.
type Step struct {
	Name    string
	Commits bool // it adds a revision
	Trims   bool
	weight  int
	do      func(*act) error
}

var sequenceSteps = []Step{
	{Name: "small scan", Commits: true, weight: 26, do: (*act).smallScan},
	{Name: "large scan", Commits: true, weight: 14, do: (*act).largeScan},
	{Name: "large documents", Commits: true, weight: 8, do: (*act).largeDocuments},
	{Name: "empty scan", Commits: true, weight: 6, do: (*act).emptyScan},
	{Name: "small scan rolled back", weight: 6, do: (*act).smallRollback},
	{Name: "large scan rolled back", weight: 8, do: (*act).largeRollback},
	{Name: "trim", Trims: true, weight: 14, do: (*act).trim},
	{Name: "upkeep", weight: 18, do: (*act).upkeep},
}

// Scopes of a Sequence.
var (
	largeScopes    = []resource.Scope{instances, scopeOf("eu-west-1", instance)}
	smallScopes    = []resource.Scope{scopeOf(region, bucket), scopeOf("eu-west-1", bucket), scopeOf(region, role)}
	documentsScope = scopeOf(region, "AWS::IAM::ManagedPolicy")
)

// Step tells what step n is about.
func (q *Sequence) Step(n int) Step {
	if n == 0 {
		return sequenceSteps[1]
	}
	total := 0
	for _, s := range sequenceSteps {
		total += s.weight
	}
	at := q.random(n, 0).IntN(total)
	for _, s := range sequenceSteps {
		if at < s.weight {
			return s
		}
		at -= s.weight
	}
	panic("unreachable: the weights do not add up")
}

// Do takes step n. The steps before it were taken, in order.
func (q *Sequence) Do(ctx context.Context, s storage.Store, n int) error {
	a := &act{q: q, ctx: ctx, store: s, random: q.random(n, 1), n: n}
	step := q.Step(n)
	if err := step.do(a); err != nil {
		return fmt.Errorf("step %d (%s) of seed %d: %w", n, step.Name, q.Seed, err)
	}
	return nil
}

func (q *Sequence) random(n, stream int) *rand.Rand {
	return rand.New(rand.NewPCG(q.Seed, uint64(n)<<1|uint64(stream)))
}

func (q *Sequence) progress(what string) {
	if q.Progress != nil {
		q.Progress(what)
	}
}

// act is one step being taken. It keeps the context of Do, whose only call it lives for.
type act struct {
	q      *Sequence
	ctx    context.Context
	store  storage.Store
	random *rand.Rand
	n      int

	txn    storage.Txn
	staged int
}

func (a *act) chance(percent int) bool { return a.random.IntN(100) < percent }

func (a *act) smallScan() error { return a.scan(true, a.smallScopes) }

func (a *act) largeScan() error { return a.scan(true, a.largeScopes) }

func (a *act) largeDocuments() error { return a.scan(true, a.documents) }

func (a *act) emptyScan() error { return a.scan(true, func() error { return nil }) }

func (a *act) smallRollback() error { return a.scan(false, a.smallScopes) }

func (a *act) largeRollback() error { return a.scan(false, a.largeScopes) }

// scan stages, and then commits or rolls back.
func (a *act) scan(commit bool, stage func() error) error {
	var err error
	if a.txn, err = a.store.Begin(a.ctx, epoch.Add(time.Duration(a.n)*time.Minute)); err != nil {
		return err
	}
	defer func() { _ = a.txn.Rollback() }()
	if err := stage(); err != nil {
		return err
	}
	if !commit {
		a.q.progress("roll back")
		return a.txn.Rollback()
	}
	a.q.progress("commit")
	meta := storage.ScanMetadata{StartTime: a.txn.Time(), DurationMS: int64(a.n), Status: storage.ScanSuccess}
	return a.txn.Commit(a.ctx, &meta)
}

func (a *act) smallScopes() error {
	for _, s := range smallScopes {
		if a.chance(60) {
			if err := a.stageScope(s, 20, 20, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *act) largeScopes() error {
	for _, s := range largeScopes {
		if err := a.stageScope(s, cmp.Or(a.q.Many, 1200), 50, cmp.Or(a.q.Text, 1200)); err != nil {
			return err
		}
	}
	return nil
}

func (a *act) documents() error { return a.stageScope(documentsScope, 3, 70, 500_000) }

// stageScope stages changes of about so many percent of a scope's resources, with a
// text of random length up to a limit in each.
func (a *act) stageScope(s resource.Scope, resources, percent, text int) error {
	live := map[resource.Key]bool{}
	for k, err := range a.store.Known(a.ctx, s, storage.HeadRevision) {
		if err != nil {
			return err
		}
		live[k.Key] = true
	}
	appears := change.Created
	if len(live) == 0 {
		appears = change.Baseline
	}
	for _, k := range many(s, resources) {
		if !a.chance(percent) {
			continue
		}
		if err := a.stageKey(k, live, appears, text); err != nil {
			return err
		}
	}
	// A scope that failed would be counted in the metadata of all later scans: they all
	// say that nothing failed.
	return a.txn.SetScope(a.ctx, storage.ScopeState{Scope: s, Status: storage.ScopeComplete, Resources: len(live)})
}

func (a *act) stageKey(k resource.Key, live map[resource.Key]bool, appears change.Type, text int) error {
	switch {
	case !live[k]:
		live[k] = true
		return a.stage(a.observed(appears, k, text))
	case a.chance(10):
		delete(live, k)
		return a.stage(disappeared(k))
	case a.chance(5):
		if err := a.stage(disappeared(k)); err != nil {
			return err
		}
		return a.stage(a.observed(change.Created, k, text))
	case a.chance(10):
		return a.stage(a.observed(change.Rebaselined, k, text))
	default:
		return a.stage(a.observed(change.Modified, k, text))
	}
}

func (a *act) observed(t change.Type, k resource.Key, text int) storage.Mutation {
	r := example(k, a.n)
	if a.chance(20) {
		r.Name = oneOf(&dice{random: a.random}, "", "web", "db")
	}
	if text > 0 {
		r.Attributes = fmt.Appendf(nil, `{"N":%d,"Text":"%s"}`, a.n, a.text(text))
	}
	var changes []change.FieldChange
	if t == change.Modified {
		changes = modified(k, a.n).Changes
	}
	return observed(t, r, changes...)
}

// text returns a text of random length that compresses to about half.
func (a *act) text(limit int) []byte {
	length := a.random.IntN(limit)
	bits := make([]byte, 0, length/2+8)
	for len(bits) < length/2 {
		bits = binary.LittleEndian.AppendUint64(bits, a.random.Uint64())
	}
	return hex.AppendEncode(nil, bits[:length/2])
}

func (a *act) stage(m storage.Mutation) error {
	if a.staged%300 == 0 {
		a.q.progress("stage")
	}
	a.staged++
	return a.txn.Stage(a.ctx, m)
}

// trim keeps the newest three revisions at least, most of the time.
func (a *act) trim() error {
	head, err := a.store.Head(a.ctx)
	if err != nil {
		return err
	}
	to := head.Revision - int64(a.random.IntN(8))
	if a.chance(80) {
		to = min(to, head.Revision-3)
	}
	a.q.progress("trim")
	return a.store.Trim(a.ctx, max(0, to))
}

func (a *act) upkeep() error {
	if _, isModel := a.store.(*Model); isModel || len(a.q.Upkeep) == 0 {
		return nil
	}
	a.q.progress("upkeep")
	return a.q.Upkeep[a.random.IntN(len(a.q.Upkeep))](a.ctx, a.store)
}
