package demo

import (
	"fmt"
	"slices"
	"time"

	"github.com/elava-dev/elava/resource"
)

// state is all that is remembered of one slot: which resource holds it, whether there
// is one, and how often each aspect of it changed. All else follows from these numbers.
//
//	step   state of slot 7                        what a scan reports
//	0      {successor 0}                          i-0ab.. running
//	4      {successor 0, status 1}                i-0ab.. modified: stopped
//	9      {successor 0, status 1, gone}          i-0ab.. disappeared
//	12     {successor 1}                          i-0f3.. created: running
type state struct {
	successor uint16 // how many resources held the slot before
	gone      bool
	turns     [aspects]uint8
}

// aspect is a side of a resource that can change by itself.
type aspect uint8

const (
	aspectTags aspect = iota
	aspectStatus
	aspectSize
	aspectMembers // the elements of a set
	aspects       = 4
)

// cycle is where turns begin anew. The length of every list that is walked through by
// turns divides it, so that the last turn and the first differ like any other two.
const cycle = 240

// One in deathOdds changes of a resource is its end. With one spare slot for every
// deathOdds resources, and a slot without a resource getting one whenever it is chosen,
// as many appear as disappear.
const deathOdds = 10

// world is the cloud at one step. It is not changed once it is shown.
type world struct {
	tick   uint64
	live   int
	states []state
}

// extent is the range of slots, from first to before end, that make up one scope.
type extent struct {
	scope      resource.Scope
	index      int // among all extents
	kind       *kind
	first, end int
	arnPrefix  string // with the fixed part of the local id
	urlPrefix  string // the same, for kinds that are named by a URL
}

// cloud is what stays the same at every step.
type cloud struct {
	seed      uint64
	regions   []string
	rate      uint64 // changes per slot and step, in units of 2^-32
	resources int
	slots     int
	extents   []*extent // ascending by slots
	byScope   map[resource.Scope]*extent
	pools     map[string]*pools // by region
	settings  []setting         // as many as the smallest kind needs; sorted by name
	values    []string
}

func newCloud(o Options) (*cloud, error) {
	c := &cloud{
		seed:      o.Seed,
		regions:   o.Regions,
		rate:      uint64(o.ChangeRate * (1 << 32)),
		resources: o.Resources,
		slots:     o.Resources + (o.Resources+deathOdds-1)/deathOdds,
		byScope:   map[resource.Scope]*extent{},
		pools:     map[string]*pools{},
	}
	kinds, err := catalogue()
	if err != nil {
		return nil, err
	}
	c.layOut(kinds)
	unborn := c.unborn()
	for _, region := range c.regions {
		c.pools[region] = c.newPools(region, unborn)
	}
	return c, c.fillUp(kinds, o.AttributeBytes)
}

// layOut gives every scope its share of the slots, by the weight of its kind.
func (c *cloud) layOut(kinds []*kind) {
	total := 0
	for _, k := range kinds {
		total += k.weight * len(c.regions)
	}
	before := 0
	border := func() int { return int(int64(c.slots) * int64(before) / int64(total)) }
	add := func(k *kind, region string, weight int) {
		e := newExtent(k, region)
		e.index = len(c.extents)
		e.first = border()
		before += weight
		e.end = border()
		c.extents = append(c.extents, e)
		c.byScope[e.scope] = e
	}
	for _, k := range kinds {
		if k.accountWide {
			add(k, resource.Global, k.weight*len(c.regions))
			continue
		}
		for _, region := range c.regions {
			add(k, region, k.weight)
		}
	}
}

func newExtent(k *kind, region string) *extent {
	arnRegion := region
	if k.accountWide {
		arnRegion = ""
	}
	return &extent{
		kind:      k,
		scope:     resource.Scope{Provider: Name, Account: Account, Region: region, Type: k.schema.Type},
		arnPrefix: "arn:demo:" + k.service + ":" + arnRegion + ":" + Account + ":" + k.noun + "/" + k.local,
		urlPrefix: "https://" + k.service + "." + region + ".demo.invalid/" + Account + "/" + k.local,
	}
}

// unborn returns the slots that hold no resource at step 0, ascending.
func (c *cloud) unborn() []int {
	spare := c.slots - c.resources
	slots := make([]int, 0, spare)
	r := rng(streamUnborn.key(c.seed))
	spread(&r, c.slots, spare, func(slot int) { slots = append(slots, slot) })
	return slots
}

// worldAt returns the cloud at a step.
func (c *cloud) worldAt(tick uint64) *world {
	w := &world{live: c.resources, states: make([]state, c.slots)}
	for _, slot := range c.unborn() {
		w.states[slot].gone = true
	}
	for w.tick < tick {
		c.advance(w)
	}
	return w
}

// after returns the step after w.
func (c *cloud) after(w *world) *world {
	next := &world{tick: w.tick, live: w.live, states: slices.Clone(w.states)}
	c.advance(next)
	return next
}

// advance makes w the step after it. The cost is that of what changes, not that of
// what there is.
func (c *cloud) advance(w *world) {
	w.tick++
	r := rng(mix(streamStep.key(c.seed) + w.tick))
	scaled := c.rate * uint64(c.slots)
	count := int(scaled >> 32)
	if r.next()>>32 < scaled&(1<<32-1) { // what is left of a whole change is its probability
		count++
	}
	at := 0
	spread(&r, c.slots, count, func(slot int) {
		for slot >= c.extents[at].end {
			at++
		}
		w.live += w.states[slot].change(&r, c.extents[at].kind)
	})
}

// change is one change of a slot. It returns by how many resources there are more.
func (s *state) change(r *rng, k *kind) int {
	if s.gone {
		*s = state{successor: s.successor + 1}
		return 1
	}
	if r.below(deathOdds) == 0 {
		s.gone = true
		return -1
	}
	turn := &s.turns[k.changes[r.below(len(k.changes))]]
	*turn = (*turn + 1) % cycle
	return 0
}

// identity returns the number of a resource from which its id is made. No two slots,
// and no two successors on one slot, have the same.
func (c *cloud) identity(slot int, successor uint16) uint64 {
	return mix(streamIdentity.key(c.seed) + uint64(successor)<<48 + uint64(slot))
}

// pools are the ids that resources of one region refer to.
type pools struct {
	vpcs, subnets, groups, instances, volumes []string
}

const poolSize = 64

// newPools takes ids of resources that are there at step 0.
func (c *cloud) newPools(region string, unborn []int) *pools {
	of := func(resourceType string) []string {
		e := c.byScope[resource.Scope{Provider: Name, Account: Account, Region: region, Type: resourceType}]
		var ids []string
		for slot := e.first; slot < e.end && len(ids) < poolSize; slot++ {
			if _, gone := slices.BinarySearch(unborn, slot); !gone {
				ids = append(ids, e.kind.local+string(appendHex(nil, c.identity(slot, 0))))
			}
		}
		if len(ids) == 0 { // a cloud too small to have one here: the reference dangles
			ids = append(ids, e.kind.local+string(appendHex(nil, c.identity(c.slots+e.index, 0))))
		}
		return ids
	}
	p := &pools{
		subnets:   of(typeSubnet),
		groups:    of(typeSecurityGroup),
		instances: of(typeInstance),
		volumes:   of(typeVolume),
	}
	index := slices.Index(c.regions, region)
	for i := range 4 {
		p.vpcs = append(p.vpcs, "vpc-0"+string(appendHex(nil, c.identity(c.slots+len(c.extents)+4*index+i, 0))))
	}
	return p
}

// fillUp decides how many settings the documents of each kind need to have the size
// wanted, by encoding one without any. It also finds schemas that do not fit.
func (c *cloud) fillUp(kinds []*kind, bytes int) error {
	for i := range 256 {
		c.values = append(c.values, string(appendHex(nil, mix(uint64(i)))[:12]))
	}
	perSetting, most := len(`,{"Name":"","Source":"user","Value":"0123456789ab"}`)+len(settingName(0)), 0
	for _, k := range kinds {
		e := c.extents[slices.IndexFunc(c.extents, func(e *extent) bool { return e.kind == k })]
		sample, err := newWriter(c, e, 0).write(e.first, state{})
		if err != nil {
			return fmt.Errorf("schema of %s: %w", k.schema.Type, err)
		}
		k.settings = max(0, bytes-len(sample.Attributes)) / perSetting
		most = max(most, k.settings)
	}
	for i := range most {
		c.settings = append(c.settings, setting{Name: settingName(i), Source: "user"})
	}
	return nil
}

// epoch is the time around which the cloud was built.
var epoch = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)
