package demo

import (
	"slices"
	"strconv"
	"time"

	"github.com/elava-dev/elava/resource"
)

// writer makes the resources of one extent at one step. One goroutine uses it.
type writer struct {
	cloud    *cloud
	extent   *extent
	document document
	draft    draft
	arn      []byte
	json     []byte
}

func newWriter(c *cloud, e *extent, tick uint64) *writer {
	return &writer{cloud: c, extent: e, document: e.kind.document(), draft: draft{tick: tick, kind: e.kind}}
}

// draft is what a document is filled from.
type draft struct {
	rng

	tick    uint64
	kind    *kind
	turns   [aspects]uint8
	pools   *pools
	region  string
	arn, id string
	uid     string // empty where the successor of a resource has an id of its own
	name    string
	status  string
	created time.Time

	settings []setting
	text     []byte
}

// write makes the resource on a slot. It fails only where a document cannot be encoded.
func (w *writer) write(slot int, s state) (resource.Resource, error) {
	c, e, k, d := w.cloud, w.extent, w.extent.kind, &w.draft
	d.rng = rng(c.identity(slot, s.successor) + streamContent.key(c.seed))
	d.turns = s.turns
	d.region = e.scope.Region
	if k.accountWide {
		d.region = pick(d, c.regions)
	}
	d.pools = c.pools[d.region]
	w.identify(slot, s)
	d.name = d.newName(slot - e.first)
	d.status = ""
	if k.statuses[0] != "" {
		d.status = k.statuses[(boolInt(d.below(8) == 0)+int(d.turns[aspectStatus]))%2]
	}
	d.created = epoch.Add(time.Duration(d.below(700)-700)*24*time.Hour +
		time.Duration(d.below(86400))*time.Second + time.Duration(s.successor)*24*time.Hour)
	tags := d.newTags()
	d.newSettings(c, k.settings)

	w.document.fill(d)
	var err error
	if w.json, err = k.encoder.Append(w.json[:0], w.document.value); err != nil {
		return resource.Resource{}, err
	}
	r := resource.Resource{
		Key:        resource.Key{Provider: Name, Account: Account, Region: d.region, Type: k.schema.Type, ID: d.id},
		ARN:        d.arn,
		Name:       d.name,
		Status:     d.status,
		UID:        d.uid,
		CreatedAt:  d.created,
		Tags:       tags,
		Attributes: slices.Clone(w.json),
	}
	if k.accountWide && !k.regional {
		r.Key.Region = resource.Global
	}
	return r, nil
}

// identify sets the ids and the ARN, which mostly share their memory.
func (w *writer) identify(slot int, s state) {
	e, d := w.extent, &w.draft
	number := w.cloud.identity(slot, s.successor)
	if e.kind.sameID {
		d.uid = "ROLE" + string(appendHex(nil, number))
		number = w.cloud.identity(slot, 0)
	}
	w.arn = appendHex(append(w.arn[:0], e.arnPrefix...), number)
	d.arn = string(w.arn)
	switch e.kind.naming {
	case namedByARN:
		d.id = d.arn
	case namedByURL:
		w.arn = appendHex(append(w.arn[:0], e.urlPrefix...), number)
		d.id = string(w.arn)
	default:
		d.id = d.arn[len(e.arnPrefix)-len(e.kind.local):]
	}
}

// newName returns a name such as web-042.
func (d *draft) newName(n int) string {
	d.text = append(d.text[:0], pick(d, words[:])...)
	d.text = append(d.text, '-')
	for limit := 100; n < limit && limit > 1; limit /= 10 {
		d.text = append(d.text, '0')
	}
	d.text = strconv.AppendInt(d.text, int64(n), 10)
	return string(d.text)
}

// newTags moves on by two turns for each owner: at every second one the resource is
// marked for review.
func (d *draft) newTags() map[string]string {
	turn := int(d.turns[aspectTags])
	tags := make(map[string]string, 6)
	tags["Name"] = d.name
	tags["env"] = pick(d, environments[:])
	tags["team"] = pick(d, teams[:])
	tags["owner"] = owners[(d.below(len(owners))+turn/2)%len(owners)]
	if d.below(4) == 0 {
		tags["backup"] = "" // a tag without a value is a tag
	}
	if turn%2 == 1 {
		tags["review"] = "requested"
	}
	return tags
}

func (d *draft) newSettings(c *cloud, n int) {
	d.settings = append(d.settings[:0], c.settings[:min(n, len(c.settings))]...)
	for i := range d.settings {
		d.settings[i].Value = pick(d, c.values)
	}
}

// setting fills documents up to their size.
type setting struct {
	Name, Value, Source string
}

// settingName returns names of one length whose order is that of i.
func settingName(i int) string {
	number := strconv.Itoa(100000 + i)
	return "option-" + number[1:]
}

// pick returns one of list, which is not empty, at random.
func pick[T any](d *draft, list []T) T { return list[d.below(len(list))] }

// sized returns one of list at random, and the next of it at each turn of the size.
func sized[T any](d *draft, list []T) T {
	return list[(d.below(len(list))+int(d.turns[aspectSize]))%len(list)]
}

// extra returns how many elements, from 0 to 3, a set has got beside its first ones.
func (d *draft) extra() int { return int(d.turns[aspectMembers]) % 4 }

// address returns a private IPv4 address.
func (d *draft) address() string {
	b := d.appendNetwork()
	d.text = strconv.AppendInt(b, int64(1+d.below(254)), 10)
	return string(d.text)
}

// block returns a private IPv4 network of 256 addresses.
func (d *draft) block() string {
	d.text = append(d.appendNetwork(), "0/24"...)
	return string(d.text)
}

// appendNetwork returns the text of the first three bytes of an address.
func (d *draft) appendNetwork() []byte {
	b := append(d.text[:0], "10."...)
	b = strconv.AppendInt(b, int64(d.below(64)), 10)
	b = append(b, '.')
	b = strconv.AppendInt(b, int64(d.below(256)), 10)
	return append(b, '.')
}

// zone returns an availability zone of the region.
func (d *draft) zone() string {
	d.text = append(append(d.text[:0], d.region...), "abc"[d.below(3)])
	return string(d.text)
}

// join returns the concatenation with one allocation and without a format.
func (d *draft) join(parts ...string) string {
	d.text = d.text[:0]
	for _, p := range parts {
		d.text = append(d.text, p...)
	}
	return string(d.text)
}

// shuffle turns a set by some places, others at every step: the order in which an API
// returns a set says nothing.
func shuffle[T any](d *draft, set []T) {
	if len(set) < 2 {
		return
	}
	by := int(mix(d.tick) % uint64(len(set)))
	slices.Reverse(set[:by])
	slices.Reverse(set[by:])
	slices.Reverse(set)
}

// drifting returns a number that is another at every step, as counters are.
func (d *draft) drifting(limit int) int64 {
	return int64((d.next() + mix(d.tick)) % uint64(limit))
}

// appendHex appends n as 16 hexadecimal digits.
func appendHex(b []byte, n uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[n>>shift&15])
	}
	return b
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Words that names and tags are made of. None of the lists is ever changed.
var (
	words        = [...]string{"web", "api", "worker", "batch", "cache", "search", "billing", "auth", "mail", "étl"}
	environments = [...]string{"prod", "prod", "staging", "dev"}
	teams        = [...]string{"platform", "payments", "données", "growth", "security"}
	owners       = [...]string{"ana", "björn", "chen", "dilara", "東京-oncall", "femi"}
)
