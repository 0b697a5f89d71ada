package observer

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/elava-dev/elava/change"
)

// ScopeSample is what the metrics tell about one scope after a scan. A scope is told
// once: account, region and type are unique among the samples.
type ScopeSample struct {
	Account string
	Region  string // of the scope; "global" where one listing answers for all regions
	Type    string
	// Up says that the last scan listed the scope completely.
	Up bool
	// LastComplete is when the scope was last listed completely; zero means never, and
	// then its series is absent.
	LastComplete time.Time
	// Resources counts the live resources by the region they are in. A scope that was
	// listed completely and holds none counts 0 in its own region.
	Resources map[string]int
}

// regions are where the scope has resources, and its own region if it has none.
func (s *ScopeSample) regions() []string {
	if len(s.Resources) == 0 {
		return []string{s.Region}
	}
	return slices.Collect(maps.Keys(s.Resources))
}

// scopeLabels are the labels of the gauges that are told by scope or by place.
type scopeLabels struct{ account, region, resourceType string }

func (l scopeLabels) option() metric.ObserveOption {
	return metric.WithAttributeSet(attribute.NewSet(
		attribute.String("account", l.account),
		attribute.String("region", l.region),
		attribute.String("type", l.resourceType),
	))
}

// point is one series with its value. Its labels are made when the inventory is told,
// not at every scrape.
type point struct {
	value  int64
	labels metric.ObserveOption
}

// inventory is what is known after one scan. It is never changed once it is told.
type inventory struct {
	total     int64
	resources []point
	up        []point
	complete  []point
}

func newInventory(samples []ScopeSample) *inventory {
	inv := &inventory{}
	places := make(map[scopeLabels]int64)
	for i := range samples {
		inv.addScope(&samples[i])
		countPlaces(places, &samples[i])
	}
	for labels, n := range places {
		inv.total += n
		inv.resources = append(inv.resources, point{n, labels.option()})
	}
	return inv
}

func (inv *inventory) addScope(s *ScopeSample) {
	labels := scopeLabels{s.Account, s.Region, s.Type}.option()
	var up int64
	if s.Up {
		up = 1
	}
	inv.up = append(inv.up, point{up, labels})
	if !s.LastComplete.IsZero() {
		inv.complete = append(inv.complete, point{s.LastComplete.Unix(), labels})
	}
}

// countPlaces adds the resources of a scope. A global and a regional scope of one type
// may have resources in the same place.
func countPlaces(places map[scopeLabels]int64, s *ScopeSample) {
	if len(s.Resources) == 0 && s.LastComplete.IsZero() {
		return // nothing is known: neither some nor none
	}
	for _, region := range s.regions() {
		places[scopeLabels{s.Account, region, s.Type}] += int64(s.Resources[region])
	}
}

func (inv *inventory) observe(g *gauges, o metric.Observer) {
	o.ObserveInt64(g.resourcesNow, inv.total)
	for _, series := range []struct {
		gauge  metric.Int64ObservableGauge
		points []point
	}{{g.resources, inv.resources}, {g.scopeUp, inv.up}, {g.scopeComplete, inv.complete}} {
		for _, p := range series.points {
			o.ObserveInt64(series.gauge, p.value, p.labels)
		}
	}
}

// SetInventory replaces what is told about the scopes: a scope that is not among the
// samples has no series any more. The samples are read before it returns and not kept.
//
// It also makes the change counters exist with 0 for each type and region that is new
// here. Those stay when their scope goes: a counter that vanishes and comes back would
// look like a restart.
func (m *Metrics) SetInventory(samples []ScopeSample) {
	m.seedChangeCounters(samples)
	m.inventory.Store(newInventory(samples))
}

func (m *Metrics) seedChangeCounters(samples []ScopeSample) {
	m.seeding.Lock()
	defer m.seeding.Unlock()
	for i := range samples {
		for _, region := range samples[i].regions() {
			m.seedChangeCounter(typeRegion{samples[i].Type, region})
		}
	}
}

func (m *Metrics) seedChangeCounter(labels typeRegion) {
	if _, ok := m.seeded[labels]; ok {
		return
	}
	m.seeded[labels] = struct{}{}
	// The context of a count carries only trace and baggage: there is none here.
	ctx, option := context.Background(), labels.labels()
	for _, t := range []change.Type{change.Created, change.Modified, change.Disappeared} {
		m.counters.change(t).Add(ctx, 0, option)
	}
}
