package demo_test

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/demo"
	"github.com/elava-dev/elava/resource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newProvider(t testing.TB, o demo.Options) *demo.Provider {
	t.Helper()
	p, err := demo.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func plan(t testing.TB, p *demo.Provider) *provider.Plan {
	t.Helper()
	pl, err := p.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pl
}

// scan makes the next step and lists all of it.
func scan(t testing.TB, p *demo.Provider) map[resource.Key]resource.Resource {
	t.Helper()
	all := map[resource.Key]resource.Resource{}
	for _, s := range plan(t, p).Scopes {
		err := p.List(t.Context(), s, func(page []resource.Resource) error {
			for _, r := range page {
				if _, twice := all[r.Key]; twice {
					t.Errorf("%s is listed twice", r.Key)
				}
				if !s.Contains(r.Key) {
					t.Errorf("the listing of %s has %s", s, r.Key)
				}
				all[r.Key] = r
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func fingerprints(all map[resource.Key]resource.Resource) map[resource.Key]resource.Fingerprint {
	var h resource.Hasher
	sums := make(map[resource.Key]resource.Fingerprint, len(all))
	for k, r := range all {
		sums[k] = h.Sum(&r)
	}
	return sums
}

// tally counts what differs between two scans.
func tally(before, after map[resource.Key]resource.Fingerprint) (created, modified, disappeared int) {
	for k, sum := range after {
		switch old, ok := before[k]; {
		case !ok:
			created++
		case old != sum:
			modified++
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			disappeared++
		}
	}
	return created, modified, disappeared
}

func TestCloud_IsTheSameForTheSameSeedAndAnotherForAnother(t *testing.T) {
	scans := func(seed uint64) (sums []map[resource.Key]resource.Fingerprint) {
		p := newProvider(t, demo.Options{Seed: seed, Resources: 2000, ChangeRate: 0.1})
		for range 4 {
			sums = append(sums, fingerprints(scan(t, p)))
		}
		return sums
	}
	one, again, other := scans(1), scans(1), scans(2)
	if !reflect.DeepEqual(one, again) {
		t.Error("two clouds with one seed differ")
	}
	for k := range other[0] {
		if _, ok := one[0][k]; ok {
			t.Fatalf("two seeds share the resource %s", k)
		}
	}
}

// The documents of one small cloud, pinned: a release that alters them alters what
// users' stores see, and has to raise the schema versions.
func TestCloud_DocumentsAreThoseOfTheReleaseBefore(t *testing.T) {
	p := newProvider(t, demo.Options{Seed: 42, Resources: 500, ChangeRate: 0.3, Tick: 20})
	sums := fingerprints(scan(t, p))
	keys := slices.SortedFunc(func(yield func(resource.Key) bool) {
		for k := range sums {
			if !yield(k) {
				return
			}
		}
	}, resource.Key.Compare)
	var all []byte
	for _, k := range keys {
		sum := sums[k]
		all = append(append(all, k.String()...), sum[:]...)
	}
	var h resource.Hasher
	const want = "8eec708ed643271786ade2afb034e9f5"
	if got := h.Sum(&resource.Resource{Attributes: all}).String(); got != want {
		t.Errorf("digest of the cloud is %s, want %s: if documents were altered on purpose, raise the versions of their schemas and pin the new digest", got, want)
	}
}

func TestCloud_WithoutARateNothingChanges(t *testing.T) {
	p := newProvider(t, demo.Options{Seed: 3, Resources: 3000})
	first := fingerprints(scan(t, p))
	if len(first) != 3000 {
		t.Errorf("%d resources, want exactly 3000 at the first step", len(first))
	}
	for range 5 {
		if c, m, d := tally(first, fingerprints(scan(t, p))); c+m+d > 0 {
			t.Fatalf("%d created, %d modified, %d disappeared in a cloud that does not change", c, m, d)
		}
	}
}

func TestCloud_ChangesAtItsRate(t *testing.T) {
	const rate, steps = 0.05, 20
	n := 20000
	if raceEnabled {
		n = 4000
	}
	p := newProvider(t, demo.Options{Seed: 4, Resources: n, ChangeRate: rate})
	before := fingerprints(scan(t, p))
	var created, modified, disappeared int
	for range steps {
		after := fingerprints(scan(t, p))
		c, m, d := tally(before, after)
		created, modified, disappeared = created+c, modified+m, disappeared+d
		before = after
		if len(after) != p.Count() {
			t.Fatalf("listed %d, but the cloud has %d", len(after), p.Count())
		}
	}
	within := func(what string, got int, want float64) {
		t.Helper()
		if math.Abs(float64(got)-want) > max(want/10, 3*math.Sqrt(want)) {
			t.Errorf("%d %s in %d steps, want about %.0f", got, what, steps, want)
		}
	}
	within("modified", modified, steps*rate*0.9*float64(n))
	within("disappeared", disappeared, steps*rate*0.1*float64(n))
	within("created", created, steps*rate*0.1*float64(n))
	within("resources", p.Count(), float64(n))
}

func TestCloud_FractionsOfAChangeAddUp(t *testing.T) {
	const steps = 2000
	p := newProvider(t, demo.Options{Seed: 5, Resources: 10, ChangeRate: 0.01})
	before := fingerprints(scan(t, p))
	total := 0
	for range steps {
		after := fingerprints(scan(t, p))
		c, m, d := tally(before, after)
		total += c + m + d
		before = after
	}
	if want := steps * 11 * 0.01; math.Abs(float64(total)-want) > want/3 {
		t.Errorf("%d changes in %d steps, want about %.0f", total, steps, want)
	}
}

// With a rate of 1 every resource changes at every step: an unchanged one was changed in
// a way that nobody sees.
func TestCloud_EveryChangeIsVisible(t *testing.T) {
	p := newProvider(t, demo.Options{Seed: 6, Resources: 300, ChangeRate: 1})
	sums := fingerprints(scan(t, p))
	for range 50 {
		after := scan(t, p)
		next := fingerprints(after)
		for k, sum := range next {
			if old, ok := sums[k]; ok && old == sum {
				t.Fatalf("%s did not change from step %d to %d: %s", k, p.Tick()-1, p.Tick(), after[k].Attributes)
			}
		}
		sums = next
	}
}

// Few resources live to see the last turn of an aspect; it differs from the first all
// the same.
func TestCloud_EveryTurnDiffersFromTheNextAndTheLastFromTheFirst(t *testing.T) {
	p := newProvider(t, demo.Options{Seed: 6, Resources: 300})
	var h resource.Hasher
	series := 0
	err := p.Turns(func(turns []resource.Resource) bool {
		series++
		for i := range turns {
			a, b := &turns[i], &turns[(i+1)%demo.Cycle]
			if a.Key != b.Key || h.Sum(a) == h.Sum(b) {
				t.Errorf("turn %d of %s is like the next: %s %v %s", i, a.Key, a.Status, a.Tags, a.Attributes)
			}
		}
		return true
	})
	if err != nil || series < 60 {
		t.Errorf("%d aspects of 22 scopes were tried, %v", series, err)
	}
}

func TestCloud_ModificationsNameFieldsAndKeysOfSets(t *testing.T) {
	p := newProvider(t, demo.Options{Seed: 7, Resources: 2000, ChangeRate: 0.5})
	seen := map[string]bool{}
	before := scan(t, p)
	for range 6 {
		after := scan(t, p)
		for k, b := range after {
			a, ok := before[k]
			if !ok {
				continue
			}
			changes, err := change.Compare(p.Schema(k.Type), &a, &b)
			if err != nil {
				t.Fatal(err)
			}
			if len(changes) > 8 {
				t.Errorf("one modification of %s has %d changes: %v", k, len(changes), changes)
			}
			for _, c := range changes {
				seen[c.Path] = true
			}
		}
		before = after
	}
	for _, path := range []string{
		"status", "tags.owner", "tags.review",
		"attributes.InstanceType", "attributes.Size",
		"attributes.IpPermissions[tcp:22-22]",
		"attributes.IpPermissions[tcp:443-443].IpRanges[192.168.0.0/16]",
		"attributes.Listeners[HTTPS:8443]",
		"attributes.LifecycleRules[cleanup]",
		"attributes.Environment.Variables.GREETING",
		"attributes.AttachedPolicies[arn:demo:identity:::policy/PowerUser]",
		"attributes.Ipv6CidrBlocks[2001:db8:2::/64]",
	} {
		if !seen[path] {
			t.Errorf("no change of %s in six steps", path)
		}
	}
}

func TestCloud_StartingLateIsTheSameAsStepping(t *testing.T) {
	o := demo.Options{Seed: 8, Resources: 5000, ChangeRate: 0.02, AttributeBytes: 300}
	stepping := newProvider(t, o)
	for range 50 {
		plan(t, stepping)
	}
	o.Tick = 50
	late := newProvider(t, o)
	if late.Count() == 5000 {
		t.Error("nothing appeared or disappeared in fifty steps")
	}
	for range 3 {
		if !reflect.DeepEqual(fingerprints(scan(t, stepping)), fingerprints(scan(t, late))) {
			t.Fatalf("step %d differs from step %d of a cloud that started late", stepping.Tick(), late.Tick())
		}
	}
	if stepping.Tick() != 52 || late.Tick() != 52 {
		t.Errorf("steps are %d and %d, want 52", stepping.Tick(), late.Tick())
	}
}

func TestCloud_ListsEveryResourceExactlyOnceWithAValidKey(t *testing.T) {
	n := 50000
	if raceEnabled {
		n = 10000
	}
	p := newProvider(t, demo.Options{Seed: 9, Resources: n, ChangeRate: 0.3, Tick: 10})
	all := scan(t, p)
	arns := map[string]bool{}
	for k, r := range all {
		if err := k.Validate(); err != nil {
			t.Error(err)
		}
		if parsed, err := resource.ParseKey(k.String()); err != nil || parsed != k {
			t.Errorf("key %s reads back as %s, %v", k, parsed, err)
		}
		arns[r.ARN] = true
	}
	if len(arns) != len(all) {
		t.Errorf("%d resources have %d ARNs", len(all), len(arns))
	}
	truth := 0
	for r := range p.Truth() {
		truth++
		listed, ok := all[r.Key]
		if !ok || !reflect.DeepEqual(listed, r) {
			t.Fatalf("listed %+v, but the truth is %+v", listed, r)
		}
	}
	if truth != len(all) || truth != p.Count() {
		t.Errorf("listed %d, counted %d, the truth is %d", len(all), p.Count(), truth)
	}
}

func TestCloud_DocumentsAreCanonicalAndOfTheSizeWanted(t *testing.T) {
	for _, bytes := range []int{demo.DefaultAttributeBytes, 5000} {
		p := newProvider(t, demo.Options{Seed: 10, Resources: 1000, AttributeBytes: bytes})
		total, byType, unicode := 0, map[string]int{}, false
		for r := range p.Truth() {
			total += len(r.Attributes)
			byType[r.Key.Type]++
			unicode = unicode || r.Tags["owner"] == "東京-oncall"
			canonical, _, err := resource.AppendJSON(nil, r.Attributes, nil)
			if err != nil || string(canonical) != string(r.Attributes) {
				t.Fatalf("%s is not canonical: %s, %v", r.Key, r.Attributes, err)
			}
		}
		if mean := total / 1000; mean < bytes*8/10 || mean > bytes*12/10 {
			t.Errorf("documents have %d bytes on average, want about %d", mean, bytes)
		}
		if len(byType) != 12 || !unicode {
			t.Errorf("types are %v, a unicode tag was seen: %t", byType, unicode)
		}
	}
}

func TestCloud_MovingFieldsAreLeftOut(t *testing.T) {
	p := newProvider(t, demo.Options{Seed: 11, Resources: 200})
	moving := []string{"AvailableIpAddressCount", "ItemCount", "State", "RoleLastUsed", "LatestRestorableTime", "StateUpdated"}
	for r := range p.Truth() {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(r.Attributes, &members); err != nil {
			t.Fatal(err)
		}
		for _, name := range moving {
			if value, ok := members[name]; ok {
				t.Errorf("%s has %s: %s", r.Key, name, value)
			}
		}
	}
}

func TestCloud_ListsBucketsOnceForAllRegions(t *testing.T) {
	p := newProvider(t, demo.Options{Seed: 12, Resources: 2000, Regions: []string{"r1", "r2", "r3"}})
	scope := resource.Scope{Provider: "demo", Account: demo.Account, Region: resource.Global, Type: "Demo::Storage::Bucket"}
	regions := map[string]int{}
	err := p.List(t.Context(), scope, func(page []resource.Resource) error {
		for _, r := range page {
			regions[r.Key.Region]++
		}
		return nil
	})
	if err != nil || len(regions) != 3 || regions[resource.Global] > 0 {
		t.Errorf("buckets by region: %v, %v; want some in each of the three", regions, err)
	}
}

// A role that is made anew bears its old name; its UID tells that it is another one.
func TestCloud_SuccessorOfARoleHasItsKeyAndAnotherUID(t *testing.T) {
	p := newProvider(t, demo.Options{Seed: 13, Resources: 500, ChangeRate: 1})
	uids := map[resource.Key]map[string]bool{}
	for range 60 {
		for k, r := range scan(t, p) {
			if r.UID != "" {
				if uids[k] == nil {
					uids[k] = map[string]bool{}
				}
				uids[k][r.UID] = true
			}
		}
	}
	successors := 0
	for _, u := range uids {
		successors += len(u) - 1
	}
	if len(uids) == 0 || successors == 0 {
		t.Errorf("%d roles had %d successors", len(uids), successors)
	}
}

func TestPlan_SaysThatTheCloudIsSynthetic(t *testing.T) {
	p := newProvider(t, demo.Options{Resources: 1, Faults: []string{"flaky:50"}})
	pl := plan(t, p)
	if len(pl.Notices) != 2 || !strings.Contains(pl.Notices[0], "synthetic, no cloud account is read") || !strings.Contains(pl.Notices[1], "flaky:50") {
		t.Errorf("notices are %q", pl.Notices)
	}
	if len(pl.Scopes) != 22 || p.Name() != "demo" {
		t.Errorf("%d scopes of provider %q, want 22 of demo: empty ones too", len(pl.Scopes), p.Name())
	}
	for _, s := range pl.Scopes {
		if err := s.Validate(); err != nil || p.Schema(s.Type) == nil {
			t.Errorf("scope %s: %v, schema %v", s, err, p.Schema(s.Type))
		}
	}
	if p.Schema("Demo::No::Such") != nil {
		t.Error("an unknown type has a schema")
	}
}

// A listing that outlives its scan shows the step at which it began.
func TestList_ShowsOneStepAlthoughThePlanGoesOn(t *testing.T) {
	o := demo.Options{Seed: 14, Resources: 20000, ChangeRate: 0.5}
	p, q := newProvider(t, o), newProvider(t, o)
	scope := plan(t, p).Scopes[0]
	collect := func(p *demo.Provider, each func()) map[resource.Key]resource.Resource {
		all := map[resource.Key]resource.Resource{}
		err := p.List(t.Context(), scope, func(page []resource.Resource) error {
			each()
			for _, r := range page {
				all[r.Key] = r
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	got := collect(p, func() { plan(t, p) })
	want := collect(q, func() {})
	if p.Tick() == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("a listing during which the cloud went to step %d is not that of step 0", p.Tick())
	}
}

func TestNew_NamesEverythingThatIsWrongAndWhatIsAllowed(t *testing.T) {
	_, err := demo.New(demo.Options{
		Resources: -1, ChangeRate: math.NaN(), AttributeBytes: -5,
		Regions: []string{"eu/west", "a", "a", "global"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"1 to 20000000", "0 to 1", "1 to 1048576", `"eu/west"`, `"a" is given twice`, `"global"`, "us-east-1"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %s:\n%v", part, err)
		}
	}
	p := newProvider(t, demo.Options{Regions: []string{"all"}})
	if p.Count() != demo.DefaultResources {
		t.Errorf("the default cloud has %d resources", p.Count())
	}
}

func TestNew_TakesTheSmallestCloud(t *testing.T) {
	p := newProvider(t, demo.Options{Resources: 1, ChangeRate: 1})
	for range 50 {
		if n := len(scan(t, p)); n != p.Count() || n > 2 {
			t.Fatalf("listed %d of %d", n, p.Count())
		}
	}
}

func TestList_MemoryIsBoundedByAPage(t *testing.T) {
	n := 1_000_000
	if raceEnabled || testing.Short() {
		n = 100_000
	}
	p := newProvider(t, demo.Options{Seed: 15, Resources: n, ChangeRate: 0.01})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, peak, pages, count := heap(), uint64(0), 0, 0
	plan(t, p)
	for _, s := range plan(t, p).Scopes {
		err := p.List(context.Background(), s, func(page []resource.Resource) error {
			if len(page) > 1000 {
				t.Errorf("a page of %d", len(page))
			}
			count += len(page)
			if pages++; pages%100 == 0 {
				peak = max(peak, heap())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if count != p.Count() {
		t.Errorf("listed %d of %d", count, p.Count())
	}
	if grown := int64(peak) - int64(before); grown > 16<<20 {
		t.Errorf("listing %d resources held %d bytes more", count, grown)
	}
	if before > 64<<20 {
		t.Errorf("a cloud of %d resources takes %d bytes", n, before)
	}
}

func BenchmarkList(b *testing.B) {
	p := newProvider(b, demo.Options{Seed: 1, Resources: 10000})
	scopes := plan(b, p).Scopes
	bytes := 0
	b.ReportAllocs()
	for b.Loop() {
		bytes = 0
		for _, s := range scopes {
			_ = p.List(b.Context(), s, func(page []resource.Resource) error {
				for i := range page {
					bytes += len(page[i].Attributes)
				}
				return nil
			})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10000, "ns/resource")
	b.ReportMetric(float64(bytes)/10000, "B/document")
}

// What a consumer does with a listing costs, for comparison.
func BenchmarkListAndMarshal(b *testing.B) {
	p := newProvider(b, demo.Options{Seed: 1, Resources: 10000})
	scopes := plan(b, p).Scopes
	for b.Loop() {
		for _, s := range scopes {
			_ = p.List(b.Context(), s, func(page []resource.Resource) error {
				for i := range page {
					r := &page[i]
					_, _ = json.Marshal(struct {
						*resource.Resource
						Attributes json.RawMessage
					}{r, r.Attributes})
				}
				return nil
			})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10000, "ns/resource")
}

func BenchmarkStep(b *testing.B) {
	p := newProvider(b, demo.Options{Seed: 1, Resources: 1_000_000, ChangeRate: 0.01})
	for b.Loop() {
		plan(b, p)
	}
}

func BenchmarkStartLate(b *testing.B) {
	for b.Loop() {
		newProvider(b, demo.Options{Seed: 1, Resources: 100_000, ChangeRate: 0.01, Tick: 1000})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(1000*1100), "ns/change")
}
