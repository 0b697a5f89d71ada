package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// player takes the steps of a random sequence. It keeps to what the contract allows a
// caller: one mutation of a key in a transaction, or a disappearance and then a creation.
type player struct {
	*twin
	c chooser

	universe []resource.Key
	places   []resource.Scope

	// In the open transaction:
	live  map[resource.Key]bool
	taken map[any]bool // keys and scopes that have their mutation

	contents int // counts up, so that no two contents are alike
}

// step is something that can happen, and how often it is to happen beside the others.
type step struct {
	weight int
	do     func(p *player)
}

// outside are the steps while no transaction is open, inside those while one is. The
// first of each comes about where a script is used up.
var (
	outside = []step{
		{40, (*player).beginRandom},
		{30, (*player).askRandom},
		{4, (*player).reopenStore},
		{4, (*player).crashStore},
		{2, (*player).emptyScan},
		{3, (*player).trimRandom},
		{1, (*player).reclaimStore},
	}
	inside = []step{
		{24, (*player).commitRandom},
		{50, (*player).stageRandom},
		{15, (*player).setScopeRandom},
		{20, (*player).askRandom},
		{3, (*player).stageEverything},
		{6, (*player).rollbackRandom},
		{2, (*player).beginSecond},
		{3, (*player).crashStore},
		{1, (*player).trimRandom},
	}
)

// play takes steps as long as the chooser wants more, and then compares everything.
func play(w *twin, c chooser) {
	w.t.Helper()
	p := &player{twin: w, c: c}
	p.settle()
	for c.more() {
		steps := outside
		if p.txn != nil {
			steps = inside
		}
		choose(c, steps)(p)
	}
	if p.txn != nil {
		p.rollback()
	}
	p.check()
}

func choose(c chooser, steps []step) func(*player) {
	total := 0
	for _, s := range steps {
		total += s.weight
	}
	n := c.pick(total)
	for _, s := range steps {
		if n < s.weight {
			return s.do
		}
		n -= s.weight
	}
	panic("unreachable: the weights do not add up")
}

// settle makes the keys with which the sequence plays: few, so that much happens to
// each, and such as are easily taken for one another.
func (p *player) settle() {
	for _, acc := range []string{"1", "12"} {
		for _, typ := range []string{"AWS::S3::Bucket", "AWS::S3::BucketPolicy"} {
			for _, r := range []string{resource.Global, "us", "us-east-1"} {
				p.places = append(p.places, resource.Scope{Provider: "aws", Account: acc, Region: r, Type: typ})
			}
		}
	}
	for _, s := range p.places {
		for _, id := range []string{"a", "a/b", "ab", "ü:"} {
			p.universe = append(p.universe, in(s, id))
		}
	}
}

// revision picks the head, an old revision or, seldom, one in the future.
func (p *player) revision() int64 {
	head := p.model.head()
	switch p.c.pick(16) {
	case 0, 1, 2, 3:
		return storage.HeadRevision
	case 4:
		return head + 1
	default:
		return p.readable()
	}
}

// readable picks a revision that can be read, or the one below, and seldom a trimmed one.
func (p *player) readable() int64 {
	head := p.model.head()
	if chance(p.c, 8) {
		return int64(p.c.pick(int(head) + 1))
	}
	below := max(1, p.model.oldest) - 1
	return below + int64(p.c.pick(int(head-below)+1))
}

// afterEvent compares the head and one other revision.
func (p *player) afterEvent() {
	p.t.Helper()
	head := p.head()
	p.stats()
	p.checkRevision(storage.HeadRevision)
	if oldest := max(1, p.model.oldest); head.Revision > 0 {
		p.checkRevision(oldest + int64(p.c.pick(int(head.Revision-oldest)+1)))
	}
	p.askRandom()
}

func (p *player) beginRandom() {
	p.t.Helper()
	p.now = p.now.Add(oneOf(p.c, 5*time.Minute, 3*time.Hour, time.Millisecond, time.Microsecond, 0, -time.Millisecond, -time.Hour))
	p.begin(p.now)
	p.live = map[resource.Key]bool{}
	for _, k := range p.model.live(p.model.head()) {
		p.live[k] = true
	}
	p.taken = map[any]bool{}
}

func (p *player) beginSecond() {
	p.t.Helper()
	p.log("begin a second time")
	if _, err := p.store.Begin(p.ctx, p.now); !errors.Is(err, storage.ErrBusy) {
		p.fail("a second Begin: %v, want ErrBusy", err)
	}
}

func (p *player) emptyScan() {
	p.t.Helper()
	p.beginRandom()
	p.commitRandom()
}

func (p *player) commitRandom() {
	p.t.Helper()
	p.commit(storage.ScanMetadata{
		StartTime: p.now.Truncate(time.Millisecond), DurationMS: int64(p.c.pick(200)), ResourceCount: len(p.live),
		Status: oneOf(p.c, storage.ScanSuccess, storage.ScanPartial, storage.ScanFailed),
		Error:  oneOf(p.c, "", "no credentials"),
	})
	p.afterEvent()
}

func (p *player) rollbackRandom() {
	p.t.Helper()
	p.rollback()
	p.afterEvent()
}

// trimRandom mostly trims a little: more would leave nothing to look at.
func (p *player) trimRandom() {
	p.t.Helper()
	head, oldest := p.model.head(), p.model.oldest
	switch p.c.pick(8) {
	case 0:
		p.trim(head + 1) // in the future
	case 1, 2:
		p.trim(max(1, head-int64(p.c.pick(3))))
	default:
		p.trim(min(head, oldest+int64(p.c.pick(4))))
	}
	p.afterEvent()
}

// reclaimStore has an engine that can do so give space back.
func (p *player) reclaimStore() {
	p.t.Helper()
	if r, ok := p.store.(reclaimer); ok {
		p.log("give space back")
		p.ok(r.Reclaim(p.ctx, nil), "Reclaim")
		p.afterEvent()
	}
}

func (p *player) reopenStore() {
	p.t.Helper()
	if !p.options.Persistent {
		return
	}
	p.reopen()
	p.afterEvent()
}

func (p *player) crashStore() {
	p.t.Helper()
	if p.options.Crash == nil {
		return
	}
	p.crash()
	p.afterEvent()
}

func (p *player) stageRandom() {
	p.t.Helper()
	for range 1 + p.c.pick(4) {
		p.stageKey(oneOf(p.c, p.universe...))
	}
}

func (p *player) stageEverything() {
	p.t.Helper()
	for _, k := range p.universe {
		p.stageKey(k)
	}
}

// stageKey stages what can happen to a key.
func (p *player) stageKey(k resource.Key) {
	p.t.Helper()
	if p.taken[k] {
		return
	}
	if !p.live[k] && chance(p.c, 2) {
		return // stays away for a while
	}
	p.taken[k] = true
	if !p.live[k] {
		p.live[k] = true
		p.stage(p.mutation(oneOf(p.c, change.Created, change.Created, change.Baseline), k))
		return
	}
	switch what := oneOf(p.c, change.Modified, change.Modified, change.Rebaselined, change.Disappeared, change.Created); what {
	case change.Disappeared:
		delete(p.live, k)
		p.stage(disappeared(k))
	case change.Created: // replaced, perhaps not at once
		p.stage(disappeared(k))
		if chance(p.c, 2) {
			p.askRandom()
		}
		p.stage(p.mutation(what, k))
	default:
		p.stage(p.mutation(what, k))
	}
}

// mutation makes up contents for a key.
func (p *player) mutation(t change.Type, k resource.Key) storage.Mutation {
	p.contents++
	r := example(k, p.contents)
	r.Name = oneOf(p.c, "", "web", "db")
	r.ARN = oneOf(p.c, "", r.ARN, p.randomARN(k))
	r.Status = oneOf(p.c, "running", "", "stopped")
	r.UID = oneOf(p.c, "", fmt.Sprint("uid-", p.contents))
	r.Tags["env"] = oneOf(p.c, "prod", "dev", "")
	if chance(p.c, 4) {
		r.Tags = nil
	}
	switch p.c.pick(16) {
	case 14:
		r.Attributes = nil
	case 15:
		r.Attributes = fmt.Appendf(nil, `{"Body":"%s%d"}`, strings.Repeat("x", 50_000), p.contents)
	}
	if chance(p.c, 4) {
		r.CreatedAt = time.Time{}
	}
	var changes []change.FieldChange
	if t == change.Modified {
		changes = modified(k, p.contents).Changes[:p.c.pick(3)]
	}
	mut := observed(t, r, changes...)
	mut.Schema = uint32(p.c.pick(3))
	mut.Incomplete = oneOf(p.c, nil, []string{"tags"}, []string{"attributes.Policy", "tags"})
	return mut
}

func (p *player) setScopeRandom() {
	p.t.Helper()
	s := storage.ScopeState{
		Scope: oneOf(p.c, p.places...),
		Status: oneOf(p.c, storage.ScopeComplete, storage.ScopePartial, storage.ScopeFailed,
			storage.ScopeUnavailable, storage.ScopeExcluded),
		Resources: p.c.pick(100),
	}
	if p.taken[s.Scope] {
		return
	}
	p.taken[s.Scope] = true
	if s.Status != storage.ScopeComplete {
		s.Reason, s.Error = "throttled", oneOf(p.c, "", "Rate exceeded", "slow\ndown")
	}
	if s.Scope.Region == resource.Global {
		s.Regions = map[string]int{"us": p.c.pick(5), "us-east-1": p.c.pick(5)}
	}
	if last := int64(p.c.pick(int(p.model.head()) + 1)); last > 0 {
		s.LastComplete, s.LastCompleteTime = last, p.model.timeOf(last)
	}
	p.setScope(s)
}

// askRandom puts one question of a random kind with random arguments.
func (p *player) askRandom() {
	p.t.Helper()
	switch p.c.pick(14) {
	case 11, 12, 13:
		_, _ = p.list(p.randomSearch())
	case 0:
		_, _ = p.list(p.randomQuery())
	case 1:
		_, _ = p.known(oneOf(p.c, p.places...), p.revision())
	case 2:
		_, _ = p.get(oneOf(p.c, p.universe...), p.revision())
	case 3:
		_, _ = p.history(oneOf(p.c, p.universe...))
	case 4, 5:
		_, _ = p.feed(p.randomChangeQuery())
	case 6:
		p.scans(p.readable())
	case 7:
		_, _ = p.scopes(p.revision())
	case 8:
		p.revisionAt(p.randomTime())
	case 9, 10:
		_, _ = p.diff(p.randomDiffQuery())
	}
}

func (p *player) randomTime() time.Time {
	t := p.model.timeOf(int64(p.c.pick(int(p.model.head()) + 1)))
	if t.IsZero() {
		t = epoch
	}
	return t.Add(oneOf(p.c, 0, -1, 1, -time.Millisecond, time.Millisecond, -time.Hour, time.Hour))
}

func (p *player) randomFilter() storage.Filter {
	f := storage.Filter{
		Types:    oneOf(p.c, nil, nil, []string{"AWS::S3::Bucket"}, []string{"*bucketpolicy", "x"}, []string{"aws::s3::*"}),
		Regions:  oneOf(p.c, nil, nil, []string{"us"}, []string{resource.Global, "us-east-1"}),
		Accounts: oneOf(p.c, nil, nil, []string{"1"}, []string{"12", "1"}),
		Name:     oneOf(p.c, "", "", "", "web", "db", "name of a"), // the last one is that of tombstones
		ID:       oneOf(p.c, "", "", "", "a", "a/b"),
	}
	return f
}

func (p *player) randomQuery() storage.Query {
	q := storage.Query{Revision: p.revision()}
	if chance(p.c, 2) {
		q.Filter = p.randomFilter()
		q.Tags = oneOf(p.c, nil, nil,
			[]storage.TagFilter{{Key: "env", Value: "prod"}},
			[]storage.TagFilter{{Key: "env"}, {Key: "n", AnyValue: true}})
	}
	if chance(p.c, 3) {
		k := oneOf(p.c, p.universe...)
		k.ID += oneOf(p.c, "", "", "x")
		q.After = &k
	}
	return q
}

// randomSearch asks for a name or an ARN, or both, at any revision.
func (p *player) randomSearch() storage.Query {
	q := p.randomQuery()
	q.Name = oneOf(p.c, "", "web", "db", "name of a", "nobody")
	if q.Name == "" || chance(p.c, 4) {
		q.ARN = p.randomARN(oneOf(p.c, p.universe...))
	}
	q.KeysOnly = chance(p.c, 4)
	return q
}

// randomARN is one of two that a resource has in turn.
func (p *player) randomARN(k resource.Key) string {
	return oneOf(p.c, "arn:", "arn:2:") + k.String()
}

func (p *player) randomDiffQuery() storage.DiffQuery {
	q := p.randomQuery()
	return storage.DiffQuery{Filter: q.Filter, From: p.revision(), To: q.Revision, After: q.After}
}

func (p *player) randomChangeQuery() storage.ChangeQuery {
	q := storage.ChangeQuery{OldestFirst: chance(p.c, 2)}
	if chance(p.c, 2) {
		q.Filter = p.randomFilter()
		q.ChangeTypes = oneOf(p.c, nil, []change.Type{change.Modified}, []change.Type{change.Created, change.Disappeared})
	}
	if chance(p.c, 2) {
		q.Above = p.readable()
	}
	if chance(p.c, 2) {
		q.UpTo = p.readable()
	}
	if chance(p.c, 3) {
		k := oneOf(p.c, p.universe...)
		q.Key = &k
	}
	if after := p.readable(); chance(p.c, 2) && after > 0 {
		q.After = storage.EventID{Revision: after, Number: p.c.pick(10)}
	}
	return q
}

// checkRevision also asks about keys of which there should be nothing.
func (p *player) checkRevision(revision int64) {
	p.t.Helper()
	p.twin.checkRevision(revision)
	for _, name := range []string{"web", "db", "name of a"} {
		_, _ = p.list(storage.Query{Filter: storage.Filter{Name: name}, Revision: revision})
	}
	recorded := p.keys()
	for _, k := range p.universe {
		if !slices.Contains(recorded, k) {
			_, _ = p.get(k, revision)
			_, _ = p.history(k)
		}
	}
}
