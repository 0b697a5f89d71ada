package faults

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/aws/faultproxy"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// object is a resource taken apart into what can be read, and fail to be read, on its
// own: "tags" and "attributes.X" for every top-level member.
type object struct {
	uid        string
	parts      map[string]string // canonical JSON; also "name" and "status"
	incomplete map[string]bool   // parts that were never read
}

func objectOf(t *testing.T, r *resource.Resource) *object {
	t.Helper()
	o := &object{uid: r.UID, parts: map[string]string{}, incomplete: map[string]bool{}}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(r.Attributes, &members); err != nil {
		t.Fatalf("%s: %v", r.Key, err)
	}
	for name, value := range members {
		o.parts[resource.PartAttributes+name] = string(value)
	}
	if len(r.Tags) > 0 {
		tags, err := json.Marshal(r.Tags)
		if err != nil {
			t.Fatal(err)
		}
		o.parts[resource.PartTags] = string(tags)
	}
	for part, text := range map[string]string{"name": r.Name, "status": r.Status} {
		if text != "" {
			quoted, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			o.parts[part] = string(quoted)
		}
	}
	return o
}

func (o *object) equal(p *object) bool {
	return maps.Equal(o.parts, p.parts) && maps.Equal(o.incomplete, p.incomplete)
}

// same reports whether o and p can be one resource, seen twice.
func (o *object) same(p *object) bool { return o.uid == "" || p.uid == "" || o.uid == p.uid }

// differs lists the parts in which o and p are not the same, sorted.
func (o *object) differs(p *object) []string {
	all := maps.Clone(o.parts)
	maps.Copy(all, p.parts)
	var parts []string
	for part := range all {
		if o.parts[part] != p.parts[part] {
			parts = append(parts, part)
		}
	}
	slices.Sort(parts)
	return parts
}

// seen is what is to be believed of a resource after an observation in which some parts
// could not be read.
func (o *object) seen(unknown []string, before *object) *object {
	now := &object{uid: o.uid, parts: maps.Clone(o.parts), incomplete: map[string]bool{}}
	known := before != nil && o.same(before)
	for _, part := range unknown {
		delete(now.parts, part)
		switch value := ""; {
		case !known || before.incomplete[part]:
			now.incomplete[part] = true
		default:
			if value = before.parts[part]; value != "" {
				now.parts[part] = value
			}
		}
	}
	return now
}

// silenced reports whether the silence of the tag index may hide what o is: a resource that was
// known to have no tags, has some now, and is in all else what it was. That is all that may come late
// (docs/decisions/0007-tag-index.md).
func (o *object) silenced(before *object) bool {
	return before != nil && o.same(before) && len(before.incomplete) == 0 && len(o.incomplete) == 0 &&
		before.parts[resource.PartTags] == "" && slices.Equal(o.differs(before), []string{resource.PartTags})
}

// at returns the JSON value at a path of a change; ok is false for paths through sets,
// whose keys only the schema knows.
func (o *object) at(path string) (value any, ok bool) {
	if strings.Contains(path, "[") {
		return nil, false
	}
	part, rest := path, ""
	if tail, found := strings.CutPrefix(path, resource.PartAttributes); found {
		name, members, _ := strings.Cut(tail, ".")
		part, rest = resource.PartAttributes+name, members
	} else if tail, found := strings.CutPrefix(path, resource.PartTags+"."); found {
		tags, _ := decoded(o.parts[resource.PartTags]).(map[string]any)
		return tags[tail], true
	}
	value = decoded(o.parts[part])
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, ".")
		m, isObject := value.(map[string]any)
		if !isObject && value != nil {
			return nil, false
		}
		value = m[name]
	}
	return value, true
}

func decoded(text string) any {
	var v any
	_ = json.Unmarshal([]byte(text), &v) // empty: nothing is there
	return v
}

// partOf is the part that a path of a change lies in.
func partOf(path string) string {
	tail, ok := strings.CutPrefix(path, resource.PartAttributes)
	if !ok {
		part, _, _ := strings.Cut(path, ".")
		return part
	}
	if end := strings.IndexAny(tail, ".["); end >= 0 {
		tail = tail[:end]
	}
	return resource.PartAttributes + tail
}

// verdict is an event as far as it can be foretold: "modified key [parts]".
type verdict struct {
	change change.Type
	key    resource.Key
	parts  string
}

func (v verdict) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", v.change, v.key, v.parts))
}

// oracle works out what a store must hold and report. It knows what was true, which
// listings ended well and which parts of which resource could not be read; it takes
// nothing from the code that compares.
type oracle struct {
	t        *testing.T
	tally    tally
	believed map[resource.Key]*object
	looked   map[resource.Scope]bool // false: what the next complete listing finds was there before
}

func newOracle(t *testing.T) *oracle {
	return &oracle{t: t, believed: map[resource.Key]*object{}, looked: map[resource.Scope]bool{}}
}

// follow scans once and fails where store and feed are not as they must be.
func (o *oracle) follow(c *cloud, truth map[resource.Key]*object, rules ...faultproxy.Rule) daemon.ReconcileResult {
	o.t.Helper()
	before := o.believed
	result := c.scan(rules...)
	want := o.scan(truth, c.tapped.outcomes(), indexShortened(c.proxy.Injected()))
	o.tally.judge(o.t, want, c.events(result.Scan.Revision-1), before, o.believed)
	for _, difference := range compare(c.recorded(result.Scan.Revision), o.believed) {
		o.t.Errorf("revision %d: %s", result.Scan.Revision, difference)
	}
	return result
}

// indexShortened reports whether an answer of the tag index lacked elements.
func indexShortened(injected []faultproxy.Injection) bool {
	return slices.ContainsFunc(injected, func(i faultproxy.Injection) bool {
		return i.Call.Service == indexService && i.Fault == faultproxy.Rewrite
	})
}

// scan moves on by one scan and returns the events that it must report. shortened: an answer of
// the tag index lacked elements.
func (o *oracle) scan(truth map[resource.Key]*object, listed map[resource.Scope]*outcome, shortened bool) map[verdict]int {
	events := map[verdict]int{}
	next := maps.Clone(o.believed)
	for scope, l := range listed {
		switch {
		case l.err == nil:
			o.complete(scope, l, truth, next, events, shortened)
			o.looked[scope] = true
		case provider.ReasonOf(l.err) == provider.ReasonUnavailable:
			o.looked[scope] = false
		}
	}
	o.believed = next
	return events
}

func (o *oracle) complete(
	scope resource.Scope, l *outcome, truth, next map[resource.Key]*object, events map[verdict]int, shortened bool,
) {
	for key := range o.believed {
		if scope.Contains(key) && truth[key] == nil {
			delete(next, key)
			events[verdict{change.Disappeared, key, ""}]++
		}
	}
	for key, now := range truth {
		if !scope.Contains(key) {
			continue
		}
		before := o.believed[key]
		next[key] = now.seen(l.unknown[key], before)
		if shortened && l.bare[key] && next[key].silenced(before) {
			o.tally.late++
			next[key] = before
		}
		switch {
		case before == nil && !o.looked[scope]: // a baseline
		case before == nil:
			events[verdict{change.Created, key, ""}]++
		case !now.same(before):
			events[verdict{change.Disappeared, key, ""}]++
			events[verdict{change.Created, key, ""}]++
		default:
			parts := slices.DeleteFunc(before.differs(next[key]), func(part string) bool { return before.incomplete[part] })
			if len(parts) > 0 {
				events[verdict{change.Modified, key, fmt.Sprint(parts)}]++
			}
		}
	}
}

// verdictOf reads an event of the feed.
func verdictOf(t *testing.T, e *storage.ChangeEvent) verdict {
	t.Helper()
	key, err := resource.ParseKey(e.Key)
	if err != nil {
		t.Fatal(err)
	}
	v := verdict{change: e.ChangeType, key: key}
	if e.ChangeType == change.Modified {
		var parts []string
		for _, c := range e.Changes {
			parts = append(parts, partOf(c.Path))
		}
		slices.Sort(parts)
		v.parts = fmt.Sprint(slices.Compact(parts))
	}
	return v
}

// tally counts what became of the events that a run should have reported. late are scans that
// could not know yet of the tags of a resource.
type tally struct {
	true_, false_, missed, double, late int
}

func (n tally) String() string {
	return fmt.Sprintf("%d true, %d false, %d missed, %d double, %d late events", n.true_, n.false_, n.missed, n.double, n.late)
}

// judge compares the events of one scan with those that it must report, and the values
// in them with what was and is believed.
func (n *tally) judge(t *testing.T, want map[verdict]int, got []*storage.ChangeEvent, before, after map[resource.Key]*object) {
	t.Helper()
	seen := map[verdict]int{}
	for _, e := range got {
		v := verdictOf(t, e)
		switch seen[v]++; {
		case want[v] == 0:
			n.false_++
			t.Errorf("revision %d: false: %s %s", e.Revision, v, changesOf(e))
		case seen[v] > want[v]:
			n.double++
			t.Errorf("revision %d: double: %s", e.Revision, v)
		case !valuesAreTrue(t, e, before[v.key], after[v.key]):
			n.false_++
		default:
			n.true_++
		}
	}
	for v := range want {
		if seen[v] == 0 {
			n.missed++
			t.Errorf("missed: %s", v)
		}
	}
}

func changesOf(e *storage.ChangeEvent) string {
	b, err := json.Marshal(e.Changes)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// valuesAreTrue reports whether the values in a modification are those before and after.
func valuesAreTrue(t *testing.T, e *storage.ChangeEvent, before, after *object) bool {
	t.Helper()
	for _, c := range e.Changes {
		for _, side := range []struct {
			said  json.RawMessage
			truth *object
		}{{c.Old, before}, {c.New, after}} {
			want, ok := side.truth.at(c.Path)
			if got := decoded(string(side.said)); ok && !reflect.DeepEqual(got, want) {
				t.Errorf("revision %d: %s of %s: the event says %s, true is %v", e.Revision, c.Path, e.Key, side.said, want)
				return false
			}
		}
	}
	return true
}

// compare returns the differences between two states of the world, at most a few.
func compare(got, want map[resource.Key]*object) []string {
	var all []string
	for key, w := range want {
		switch g := got[key]; {
		case g == nil:
			all = append(all, key.String()+" is not recorded")
		case !g.equal(w):
			all = append(all, fmt.Sprintf("%s differs in %v (never read: %v, want %v): recorded %v, want %v",
				key, w.differs(g), g.incomplete, w.incomplete, g.parts, w.parts))
		}
	}
	for key := range got {
		if want[key] == nil {
			all = append(all, key.String()+" is recorded and should not be")
		}
	}
	slices.Sort(all)
	return all[:min(len(all), 5)]
}
