package observer

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"

	"github.com/elava-dev/elava/change"
)

// counters are the instruments that are recorded when something happens.
type counters struct {
	reconciliations metric.Int64Counter
	failures        metric.Int64Counter
	timeouts        metric.Int64Counter
	scanned         metric.Int64Counter
	writeErrors     metric.Int64Counter
	eventsStored    metric.Int64Counter
	created         metric.Int64Counter
	modified        metric.Int64Counter
	disappeared     metric.Int64Counter
	duration        metric.Float64Histogram
}

// durationBounds returns the upper bounds of the duration histogram in milliseconds,
// from 10 ms (the synthetic provider, one region) to 30 min (an organization with
// throttled calls). They are dense around one second to five minutes, where a scan of
// one account lies.
func durationBounds() []float64 {
	return []float64{
		10, 25, 50, 100, 250, 500,
		1_000, 2_500, 5_000, 10_000, 20_000, 30_000,
		60_000, 120_000, 300_000, 600_000, 1_200_000, 1_800_000,
	}
}

func newCounters(f *factory) counters {
	return counters{
		reconciliations: f.counter("daemon_reconciliation_total", "Scans that ended, however they ended. One that a stop of the daemon interrupted is not counted."),
		failures:        f.counter("daemon_reconciliation_errors_total", "Scans that failed as a whole: nothing could be listed, or the store refused. One in which only some scopes failed is not among them."),
		timeouts:        f.counter("reconciliation_timeout_total", "Scans whose listing took longer than daemon.reconciliation_timeout."),
		scanned:         f.counter("daemon_resources_scanned_total", "Resources that were listed, over all scans."),
		writeErrors:     f.counter("storage_write_errors_total", "Scans that could not be stored, or whose comparison could not read the store."),
		eventsStored:    f.counter("elava_change_events_stored_total", "Change events that were committed to the store."),
		created:         f.counter("elava_resources_created_total", "Resources that were created."),
		modified:        f.counter("elava_resources_modified_total", "Resources that were modified."),
		disappeared:     f.counter("elava_resources_disappeared_total", "Resources that disappeared."),
		duration: f.histogram("daemon_reconciliation_duration_ms", "ms",
			"Duration of scans in milliseconds. Absent before the first one ended.", durationBounds()),
	}
}

// exist makes the counters without labels visible with value 0.
func (c *counters) exist() {
	// The context of a count carries only trace and baggage, and there is none yet.
	ctx := context.Background()
	for _, counter := range []metric.Int64Counter{
		c.reconciliations, c.failures, c.timeouts, c.scanned, c.writeErrors, c.eventsStored,
	} {
		counter.Add(ctx, 0)
	}
}

// change returns the counter of a type of change; nil for types that are not reported.
func (c *counters) change(t change.Type) metric.Int64Counter {
	switch t {
	case change.Created:
		return c.created
	case change.Modified:
		return c.modified
	case change.Disappeared:
		return c.disappeared
	default:
		return nil
	}
}

// gauges are the instruments that are asked at every scrape.
type gauges struct {
	lastEnd         metric.Int64ObservableGauge
	interval        metric.Float64ObservableGauge
	reloadOK        metric.Int64ObservableGauge
	reloaded        metric.Int64ObservableGauge
	resourcesNow    metric.Int64ObservableGauge
	uptime          metric.Float64ObservableGauge
	goroutines      metric.Int64ObservableGauge
	memory          metric.Int64ObservableGauge
	build           metric.Int64ObservableGauge
	resources       metric.Int64ObservableGauge
	scopeUp         metric.Int64ObservableGauge
	scopeComplete   metric.Int64ObservableGauge
	storageSize     metric.Int64ObservableGauge
	storageFree     metric.Int64ObservableGauge
	storageRevision metric.Int64ObservableGauge
}

func newGauges(f *factory) gauges {
	return gauges{
		lastEnd: f.gauge("daemon_last_reconciliation_timestamp", "s", "Unix time in seconds at which the last scan ended. Absent before the first."),
		interval: f.floatGauge("elava_reconciliation_interval_seconds", "s",
			"Seconds from the start of one scan to the start of the next, as it is now: the configured interval or, while scans take longer, a multiple of it. Absent before the first scan ended."),
		reloadOK: f.gauge("elava_config_last_reload_successful", "",
			"1 if the configuration that was last read is in force, 0 if it was refused and the one before stays."),
		reloaded: f.gauge("elava_config_last_reload_success_timestamp_seconds", "s",
			"Unix time in seconds at which the configuration in force was read."),
		resourcesNow: f.gauge("daemon_resources_current", "", "Resources that exist, over all scopes."),
		uptime:       f.floatGauge("daemon_uptime_seconds", "s", "Seconds since the start."),
		goroutines:   f.gauge("daemon_goroutines", "", "Goroutines that exist."),
		memory: f.gauge("daemon_memory_usage_bytes", "By",
			"Memory that the Go runtime has mapped and not returned to the operating system. Files that the store maps are not in it."),
		build:           f.gauge("elava_build_info", "", "Always 1; the labels say which program runs."),
		resources:       f.gauge("elava_resources", "", "Resources by the region they are in: buckets by their own, though their scope is global. 0 where a scope holds none; no series where it was never listed."),
		scopeUp:         f.gauge("elava_scope_up", "", "1 if the last scan listed the scope to its last page, 0 if not. A scope that only lacks details (partial) is 1. Absent where there is nothing to list (unavailable)."),
		scopeComplete:   f.gauge("elava_scope_last_complete_timestamp_seconds", "s", "Unix time in seconds of the last complete listing. Absent if there was none."),
		storageSize:     f.gauge("elava_storage_size_bytes", "By", "Size of the store in bytes."),
		storageFree:     f.gauge("elava_storage_free_bytes", "By", "Bytes that are free on the disk of the store. Absent where the system does not tell."),
		storageRevision: f.gauge("elava_storage_revision", "", "Newest committed revision."),
	}
}

// factory makes instruments and keeps the errors, so that a list of instruments reads
// as a list. After an error its instruments are not to be used.
type factory struct {
	meter metric.Meter
	err   error
}

func (f *factory) keep(err error) { f.err = errors.Join(f.err, err) }

func (f *factory) counter(name, description string) metric.Int64Counter {
	c, err := f.meter.Int64Counter(name, metric.WithDescription(description))
	f.keep(err)
	return c
}

func (f *factory) histogram(name, unit, description string, bounds []float64) metric.Float64Histogram {
	h, err := f.meter.Float64Histogram(name, metric.WithUnit(unit), metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(bounds...))
	f.keep(err)
	return h
}

func (f *factory) gauge(name, unit, description string) metric.Int64ObservableGauge {
	g, err := f.meter.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	f.keep(err)
	return g
}

func (f *factory) floatGauge(name, unit, description string) metric.Float64ObservableGauge {
	g, err := f.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	f.keep(err)
	return g
}
