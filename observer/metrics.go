package observer

import (
	"context"
	"errors"
	"fmt"
	runtimemetrics "runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/elava-dev/elava/change"
)

// meterName is the instrumentation scope of all instruments here.
const meterName = "github.com/elava-dev/elava/observer"

// BuildInfo says which program runs. It becomes the labels of elava_build_info.
type BuildInfo struct {
	Version   string // "1.2.3"
	Revision  string // of the source
	GoVersion string // "go1.26.0"
}

// MetricsOptions are what Metrics needs from outside. The zero value is valid: then
// nothing is recorded.
type MetricsOptions struct {
	// MeterProvider makes the instruments; nil records nothing.
	MeterProvider metric.MeterProvider
	Build         BuildInfo
	// Start is when the daemon started, for daemon_uptime_seconds; zero means now.
	Start time.Time
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// StorageStats tells how the store is. It is called at every scrape, by several
	// goroutines at a time, and must answer at once. Where it is nil or answers !ok, the
	// series of the store are absent.
	StorageStats func() (s StorageSample, ok bool)
}

// StorageSample is how the store is at one time.
type StorageSample struct {
	SizeBytes int64  // that it takes
	FreeBytes *int64 // that its disk has left; nil where that is not known
	Revision  int64  // newest committed one
}

// Metrics are the daemon's instruments. Its methods may be called by several
// goroutines at a time. A context that is done does not stop a count: what happened
// is counted.
//
// Absent until there is something to tell: daemon_reconciliation_duration_ms,
// daemon_last_reconciliation_timestamp and elava_reconciliation_interval_seconds before the
// first reconciliation ended,
// daemon_resources_current before the first SetInventory. A zero would claim a scan
// in 1970 and an empty cloud.
type Metrics struct {
	counters  counters
	gauges    gauges
	inventory atomic.Pointer[inventory] // nil before the first SetInventory
	lastEnd   atomic.Pointer[time.Time] // nil before the first ReconciliationEnded
	interval  atomic.Int64              // of reconciliations, in nanoseconds; 0 before the first SetInterval
	config    atomic.Pointer[reload]    // never nil
	build     metric.MeasurementOption  // labels of elava_build_info
	options   MetricsOptions            // with its defaults filled in
	callbacks []metric.Registration     // emptied by Close
	closing   sync.Mutex                // guards callbacks
	seeding   sync.Mutex                // guards seeded
	seeded    map[typeRegion]struct{}   // label pairs whose change counters exist
}

// reload is how the last reading of the configuration ended.
type reload struct {
	ok      bool
	inForce time.Time // since when what is in force is
}

// typeRegion are the labels of the change counters.
type typeRegion struct{ resourceType, region string }

// NewMetrics creates the instruments and starts to answer for the observable ones.
// Close ends that.
func NewMetrics(options MetricsOptions) (*Metrics, error) {
	m := &Metrics{options: withDefaults(options), seeded: make(map[typeRegion]struct{})}
	m.config.Store(&reload{ok: true, inForce: m.options.Start})
	m.build = metric.WithAttributeSet(attribute.NewSet(
		attribute.String("version", options.Build.Version),
		attribute.String("revision", options.Build.Revision),
		attribute.String("goversion", options.Build.GoVersion),
	))
	meter := m.options.MeterProvider.Meter(meterName)
	f := factory{meter: meter}
	m.counters = newCounters(&f)
	m.gauges = newGauges(&f)
	if f.err != nil {
		return nil, fmt.Errorf("creating metrics: %w", f.err)
	}
	if err := m.observe(meter); err != nil {
		return nil, errors.Join(fmt.Errorf("observing metrics: %w", err), m.Close())
	}
	m.counters.exist()
	return m, nil
}

func withDefaults(o MetricsOptions) MetricsOptions {
	if o.MeterProvider == nil {
		o.MeterProvider = noop.NewMeterProvider()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Start.IsZero() {
		o.Start = o.Now()
	}
	if o.StorageStats == nil {
		o.StorageStats = func() (StorageSample, bool) { return StorageSample{}, false }
	}
	return o
}

// Close ends the observable metrics; their series are absent from then on. Counting
// goes on without effect for anyone who still counts. Closing twice is safe.
func (m *Metrics) Close() error {
	m.closing.Lock()
	defer m.closing.Unlock()
	var errs []error
	for _, c := range m.callbacks {
		errs = append(errs, c.Unregister())
	}
	m.callbacks = nil
	return errors.Join(errs...)
}

// ReconciliationEnded counts one iteration of the loop, however it ended, with the
// time it took and the time at which it ended.
func (m *Metrics) ReconciliationEnded(ctx context.Context, d time.Duration, at time.Time) {
	m.counters.reconciliations.Add(ctx, 1)
	m.counters.duration.Record(ctx, float64(max(d, 0))/float64(time.Millisecond))
	m.lastEnd.Store(&at)
}

// SetInterval tells how far apart reconciliations begin.
func (m *Metrics) SetInterval(d time.Duration) { m.interval.Store(int64(d)) }

// ConfigReloaded tells that the configuration was read at a time, and whether it is in force.
// Before the first call the one read at the start is. One goroutine calls it at a time.
func (m *Metrics) ConfigReloaded(ok bool, at time.Time) {
	now := reload{ok: ok, inForce: at}
	if !ok {
		now.inForce = m.config.Load().inForce
	}
	m.config.Store(&now)
}

// ReconciliationFailed counts one iteration that failed as a whole.
func (m *Metrics) ReconciliationFailed(ctx context.Context) {
	m.counters.failures.Add(ctx, 1)
}

// ReconciliationTimedOut counts one iteration that was ended by its time limit.
func (m *Metrics) ReconciliationTimedOut(ctx context.Context) {
	m.counters.timeouts.Add(ctx, 1)
}

// StorageWriteFailed counts one write that the store refused or could not finish.
func (m *Metrics) StorageWriteFailed(ctx context.Context) {
	m.counters.writeErrors.Add(ctx, 1)
}

// ResourcesScanned adds n resources that a provider handed on.
func (m *Metrics) ResourcesScanned(ctx context.Context, n int) {
	m.counters.scanned.Add(ctx, count(n))
}

// ChangeCounted adds n changes of a type of resource in the region of the resources.
// Types that are not reported in the change feed are not counted.
func (m *Metrics) ChangeCounted(ctx context.Context, t change.Type, resourceType, region string, n int) {
	if c := m.counters.change(t); c != nil {
		c.Add(ctx, count(n), typeRegion{resourceType, region}.labels())
	}
}

// EventsStored adds n change events that were committed.
func (m *Metrics) EventsStored(ctx context.Context, n int) {
	m.counters.eventsStored.Add(ctx, count(n))
}

// count keeps counters monotonic, which the SDK leaves to its callers.
func count(n int) int64 { return int64(max(n, 0)) }

func (l typeRegion) labels() metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(
		attribute.String("type", l.resourceType),
		attribute.String("region", l.region),
	))
}

// observe registers one callback per source, so that a failure of one leaves the
// others alone.
func (m *Metrics) observe(meter metric.Meter) error {
	g := &m.gauges
	for _, source := range []struct {
		callback    metric.Callback
		instruments []metric.Observable
	}{
		{m.observeProcess, []metric.Observable{g.uptime, g.goroutines, g.memory, g.build}},
		{m.observeConfig, []metric.Observable{g.reloadOK, g.reloaded}},
		{m.observeScans, []metric.Observable{g.lastEnd, g.interval, g.resourcesNow, g.resources, g.scopeUp, g.scopeComplete}},
		{m.observeStorage, []metric.Observable{g.storageSize, g.storageFree, g.storageRevision}},
	} {
		r, err := meter.RegisterCallback(source.callback, source.instruments...)
		if err != nil {
			return err
		}
		m.callbacks = append(m.callbacks, r)
	}
	return nil
}

// Names in runtime/metrics. What the runtime has mapped without what it gave back to
// the operating system is what GOMEMLIMIT limits (runtime/debug.SetMemoryLimit). It
// holds heap, stacks and the runtime's own structures; it does not hold the program
// itself, memory of C code, or files that the store maps.
const (
	runtimeMapped     = "/memory/classes/total:bytes"
	runtimeReleased   = "/memory/classes/heap/released:bytes"
	runtimeGoroutines = "/sched/goroutines:goroutines"
)

func (m *Metrics) observeProcess(_ context.Context, o metric.Observer) error {
	s := []runtimemetrics.Sample{{Name: runtimeMapped}, {Name: runtimeReleased}, {Name: runtimeGoroutines}}
	runtimemetrics.Read(s)
	o.ObserveInt64(m.gauges.memory, int64(s[0].Value.Uint64()-s[1].Value.Uint64()))
	o.ObserveInt64(m.gauges.goroutines, int64(s[2].Value.Uint64()))
	o.ObserveFloat64(m.gauges.uptime, m.options.Now().Sub(m.options.Start).Seconds())
	o.ObserveInt64(m.gauges.build, 1, m.build)
	return nil
}

func (m *Metrics) observeConfig(_ context.Context, o metric.Observer) error {
	c := m.config.Load()
	ok := int64(0)
	if c.ok {
		ok = 1
	}
	o.ObserveInt64(m.gauges.reloadOK, ok)
	o.ObserveInt64(m.gauges.reloaded, c.inForce.Unix())
	return nil
}

func (m *Metrics) observeScans(_ context.Context, o metric.Observer) error {
	if at := m.lastEnd.Load(); at != nil {
		o.ObserveInt64(m.gauges.lastEnd, at.Unix())
	}
	if d := m.interval.Load(); d > 0 {
		o.ObserveFloat64(m.gauges.interval, time.Duration(d).Seconds())
	}
	if inv := m.inventory.Load(); inv != nil {
		inv.observe(&m.gauges, o)
	}
	return nil
}

func (m *Metrics) observeStorage(_ context.Context, o metric.Observer) error {
	s, ok := m.options.StorageStats()
	if !ok {
		return nil
	}
	o.ObserveInt64(m.gauges.storageSize, s.SizeBytes)
	o.ObserveInt64(m.gauges.storageRevision, s.Revision)
	if s.FreeBytes != nil {
		o.ObserveInt64(m.gauges.storageFree, *s.FreeBytes)
	}
	return nil
}
