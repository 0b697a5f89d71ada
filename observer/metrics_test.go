package observer_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/observer"
)

var (
	start = time.Date(2025, 10, 22, 10, 0, 0, 0, time.UTC)
	done  = time.Date(2025, 10, 22, 9, 55, 0, 0, time.UTC)
)

// watched is Metrics with the exporter that shows them.
type watched struct {
	*observer.Metrics
	prometheus *observer.Prometheus
}

func watch(t *testing.T, options observer.MetricsOptions, sdk ...sdkmetric.Option) watched {
	t.Helper()
	p, err := observer.NewPrometheus(sdk...)
	if err != nil {
		t.Fatal(err)
	}
	options.MeterProvider = p.MeterProvider()
	m, err := observer.NewMetrics(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(m.Close(), p.Shutdown(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return watched{m, p}
}

func (w watched) families(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := w.prometheus.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*dto.MetricFamily)
	for _, f := range families {
		byName[f.GetName()] = f
	}
	return byName
}

// series are the values of all counters and gauges by `name{label="value"}`.
func (w watched) series(t *testing.T) map[string]float64 {
	t.Helper()
	values := make(map[string]float64)
	for name, f := range w.families(t) {
		for _, m := range f.GetMetric() {
			if m.GetHistogram() == nil {
				values[name+labels(m)] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return values
}

func labels(m *dto.Metric) string {
	var pairs []string
	for _, l := range m.GetLabel() {
		pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	if pairs == nil {
		return ""
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

func named(series map[string]float64, name string) map[string]float64 {
	found := make(map[string]float64)
	for s, v := range series {
		if s == name || strings.HasPrefix(s, name+"{") {
			found[s] = v
		}
	}
	return found
}

func wantSeries(t *testing.T, got map[string]float64, name string, want map[string]float64) {
	t.Helper()
	if found := named(got, name); !maps.Equal(found, want) {
		t.Errorf("%s:\n got %v\nwant %v", name, found, want)
	}
}

// contract is the type of every metric and its labels, as promised to users.
var contract = map[string]struct {
	kind   dto.MetricType
	labels string
}{
	"daemon_reconciliation_total":                        {dto.MetricType_COUNTER, ""},
	"daemon_reconciliation_duration_ms":                  {dto.MetricType_HISTOGRAM, ""},
	"daemon_reconciliation_errors_total":                 {dto.MetricType_COUNTER, ""},
	"daemon_last_reconciliation_timestamp":               {dto.MetricType_GAUGE, ""},
	"daemon_resources_scanned_total":                     {dto.MetricType_COUNTER, ""},
	"daemon_resources_current":                           {dto.MetricType_GAUGE, ""},
	"daemon_uptime_seconds":                              {dto.MetricType_GAUGE, ""},
	"daemon_goroutines":                                  {dto.MetricType_GAUGE, ""},
	"daemon_memory_usage_bytes":                          {dto.MetricType_GAUGE, ""},
	"storage_write_errors_total":                         {dto.MetricType_COUNTER, ""},
	"reconciliation_timeout_total":                       {dto.MetricType_COUNTER, ""},
	"elava_resources_created_total":                      {dto.MetricType_COUNTER, "region type"},
	"elava_resources_modified_total":                     {dto.MetricType_COUNTER, "region type"},
	"elava_resources_disappeared_total":                  {dto.MetricType_COUNTER, "region type"},
	"elava_change_events_stored_total":                   {dto.MetricType_COUNTER, ""},
	"elava_resources":                                    {dto.MetricType_GAUGE, "account region type"},
	"elava_scope_up":                                     {dto.MetricType_GAUGE, "account region type"},
	"elava_scope_last_complete_timestamp_seconds":        {dto.MetricType_GAUGE, "account region type"},
	"elava_storage_size_bytes":                           {dto.MetricType_GAUGE, ""},
	"elava_storage_free_bytes":                           {dto.MetricType_GAUGE, ""},
	"elava_storage_revision":                             {dto.MetricType_GAUGE, ""},
	"elava_build_info":                                   {dto.MetricType_GAUGE, "goversion revision version"},
	"elava_reconciliation_interval_seconds":              {dto.MetricType_GAUGE, ""},
	"elava_config_last_reload_successful":                {dto.MetricType_GAUGE, ""},
	"elava_config_last_reload_success_timestamp_seconds": {dto.MetricType_GAUGE, ""},
}

func full(t *testing.T) watched {
	t.Helper()
	w := watch(t, observer.MetricsOptions{
		Build: observer.BuildInfo{Version: "1.2.3", Revision: "abc", GoVersion: "go1.26"},
		Start: start,
		Now:   func() time.Time { return start.Add(90 * time.Second) },
		StorageStats: func() (observer.StorageSample, bool) {
			free := int64(8192)
			return observer.StorageSample{SizeBytes: 4096, FreeBytes: &free, Revision: 7}, true
		},
	})
	w.SetInventory([]observer.ScopeSample{{
		Account: "1", Region: "us-east-1", Type: "AWS::EC2::VPC", Up: true, LastComplete: done,
		Resources: map[string]int{"us-east-1": 2},
	}})
	w.ReconciliationEnded(t.Context(), 1200*time.Millisecond, done)
	w.SetInterval(5 * time.Minute)
	return w
}

func TestMetrics_NamesTypesAndLabelsAreTheContract(t *testing.T) {
	families := full(t).families(t)
	for name, want := range contract {
		f, ok := families[name]
		if !ok {
			t.Errorf("%s is missing", name)
			continue
		}
		var got []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			got = append(got, l.GetName())
		}
		if f.GetType() != want.kind || strings.Join(got, " ") != want.labels {
			t.Errorf("%s is a %s with labels %v, want %s with %q", name, f.GetType(), got, want.kind, want.labels)
		}
	}
	for name := range families {
		if _, ok := contract[name]; !ok {
			t.Errorf("%s is not in the contract", name)
		}
	}
}

func TestMetrics_LintFindsOnlyTheSeedsOwnNames(t *testing.T) {
	families := slices.Collect(maps.Values(full(t).families(t)))
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	// The first design fixed milliseconds; dashboards already use the name.
	known := map[string]bool{
		"daemon_reconciliation_duration_ms: metric names should not contain abbreviated units": true,
	}
	for _, p := range problems {
		text := p.Metric + ": " + p.Text
		if !known[text] {
			t.Error(text)
		}
		delete(known, text)
	}
	for text := range known {
		t.Errorf("no longer found, remove it here: %s", text)
	}
}

func TestMetrics_ValuesBeforeTheFirstScan(t *testing.T) {
	got := watch(t, observer.MetricsOptions{}).series(t)
	for _, name := range []string{
		"daemon_reconciliation_total", "daemon_reconciliation_errors_total", "daemon_resources_scanned_total",
		"storage_write_errors_total", "reconciliation_timeout_total", "elava_change_events_stored_total",
	} {
		wantSeries(t, got, name, map[string]float64{name: 0})
	}
	for _, absent := range []string{
		"daemon_last_reconciliation_timestamp", "daemon_resources_current", "elava_resources", "elava_scope_up",
		"elava_storage_size_bytes", "elava_storage_free_bytes", "elava_storage_revision",
	} {
		wantSeries(t, got, absent, nil)
	}
}

func TestMetrics_GaugesTellTheProcessTheStoreAndTheBuild(t *testing.T) {
	got := full(t).series(t)
	for name, want := range map[string]float64{
		"daemon_uptime_seconds":                90,
		"daemon_last_reconciliation_timestamp": float64(done.Unix()),
		"daemon_resources_current":             2,
		"elava_storage_size_bytes":             4096,
		"elava_storage_free_bytes":             8192,
		"elava_storage_revision":               7,
		`elava_build_info{goversion="go1.26",revision="abc",version="1.2.3"}`: 1,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v (present: %v), want %v", name, v, ok, want)
		}
	}
	if n := got["daemon_goroutines"]; n < 1 || n > 1e6 {
		t.Errorf("daemon_goroutines = %v", n)
	}
	if b := got["daemon_memory_usage_bytes"]; b < 1<<20 || b > 1<<40 {
		t.Errorf("daemon_memory_usage_bytes = %v", b)
	}
}

func TestMetrics_CountersCount(t *testing.T) {
	w := watch(t, observer.MetricsOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what a timeout or a shutdown ended is counted all the same
	w.ReconciliationEnded(ctx, 3*time.Second, done)
	w.ReconciliationEnded(ctx, -time.Second, done)
	w.ReconciliationFailed(ctx)
	w.ReconciliationTimedOut(ctx)
	w.StorageWriteFailed(ctx)
	w.ResourcesScanned(ctx, 42)
	w.ResourcesScanned(ctx, -1)
	w.EventsStored(ctx, 3)
	w.ChangeCounted(ctx, change.Created, "AWS::EC2::VPC", "us-east-1", 1)
	w.ChangeCounted(ctx, change.Modified, "AWS::EC2::VPC", "us-east-1", 2)
	w.ChangeCounted(ctx, change.Disappeared, "AWS::EC2::VPC", "eu-west-1", 3)
	w.ChangeCounted(ctx, change.Baseline, "AWS::EC2::VPC", "us-east-1", 4)
	got := w.series(t)
	for name, want := range map[string]float64{
		"daemon_reconciliation_total":                                                2,
		"daemon_reconciliation_errors_total":                                         1,
		"reconciliation_timeout_total":                                               1,
		"storage_write_errors_total":                                                 1,
		"daemon_resources_scanned_total":                                             42,
		"elava_change_events_stored_total":                                           3,
		`elava_resources_created_total{region="us-east-1",type="AWS::EC2::VPC"}`:     1,
		`elava_resources_modified_total{region="us-east-1",type="AWS::EC2::VPC"}`:    2,
		`elava_resources_disappeared_total{region="eu-west-1",type="AWS::EC2::VPC"}`: 3,
	} {
		if got[name] != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
	h := w.families(t)["daemon_reconciliation_duration_ms"].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 2 || h.GetSampleSum() != 3000 {
		t.Errorf("durations: %d of %v ms, want 2 of 3000 ms", h.GetSampleCount(), h.GetSampleSum())
	}
	first, last := h.GetBucket()[0].GetUpperBound(), h.GetBucket()[len(h.GetBucket())-1].GetUpperBound()
	if first != 10 || last != (30*time.Minute).Seconds()*1000 {
		t.Errorf("buckets from %v to %v ms", first, last)
	}
}

func TestMetrics_InventoryIsReplacedWhole(t *testing.T) {
	w := watch(t, observer.MetricsOptions{})
	w.SetInventory([]observer.ScopeSample{
		{Account: "1", Region: "us-east-1", Type: "T", Up: true, LastComplete: done, Resources: map[string]int{"us-east-1": 5}},
		{Account: "1", Region: "eu-west-1", Type: "T", Up: true, LastComplete: done},
		{Account: "2", Region: "us-east-1", Type: "T"},
		{Account: "2", Region: "global", Type: "B", LastComplete: done, Resources: map[string]int{"us-east-1": 1, "eu-west-1": 2}},
	})
	got := w.series(t)
	wantSeries(t, got, "daemon_resources_current", map[string]float64{"daemon_resources_current": 8})
	wantSeries(t, got, "elava_resources", map[string]float64{
		`elava_resources{account="1",region="us-east-1",type="T"}`: 5,
		`elava_resources{account="1",region="eu-west-1",type="T"}`: 0,
		`elava_resources{account="2",region="us-east-1",type="B"}`: 1,
		`elava_resources{account="2",region="eu-west-1",type="B"}`: 2,
	})
	wantSeries(t, got, "elava_scope_up", map[string]float64{
		`elava_scope_up{account="1",region="us-east-1",type="T"}`: 1,
		`elava_scope_up{account="1",region="eu-west-1",type="T"}`: 1,
		`elava_scope_up{account="2",region="us-east-1",type="T"}`: 0,
		`elava_scope_up{account="2",region="global",type="B"}`:    0,
	})
	at := float64(done.Unix())
	wantSeries(t, got, "elava_scope_last_complete_timestamp_seconds", map[string]float64{
		`elava_scope_last_complete_timestamp_seconds{account="1",region="us-east-1",type="T"}`: at,
		`elava_scope_last_complete_timestamp_seconds{account="1",region="eu-west-1",type="T"}`: at,
		`elava_scope_last_complete_timestamp_seconds{account="2",region="global",type="B"}`:    at,
	})

	w.SetInventory([]observer.ScopeSample{
		{Account: "1", Region: "us-east-1", Type: "T", LastComplete: done, Resources: map[string]int{"us-east-1": 4}},
	})
	got = w.series(t)
	wantSeries(t, got, "daemon_resources_current", map[string]float64{"daemon_resources_current": 4})
	wantSeries(t, got, "elava_resources", map[string]float64{`elava_resources{account="1",region="us-east-1",type="T"}`: 4})
	wantSeries(t, got, "elava_scope_up", map[string]float64{`elava_scope_up{account="1",region="us-east-1",type="T"}`: 0})
	wantSeries(t, got, "elava_scope_last_complete_timestamp_seconds", map[string]float64{
		`elava_scope_last_complete_timestamp_seconds{account="1",region="us-east-1",type="T"}`: at,
	})

	w.SetInventory(nil)
	got = w.series(t)
	wantSeries(t, got, "daemon_resources_current", map[string]float64{"daemon_resources_current": 0})
	wantSeries(t, got, "elava_scope_up", nil)
}

func TestMetrics_ScopesOfOnePlaceAreSummed(t *testing.T) {
	w := watch(t, observer.MetricsOptions{})
	w.SetInventory([]observer.ScopeSample{
		{Account: "1", Region: "us-east-1", Type: "T", LastComplete: done, Resources: map[string]int{"us-east-1": 5}},
		{Account: "1", Region: "global", Type: "T", LastComplete: done, Resources: map[string]int{"us-east-1": 2}},
	})
	wantSeries(t, w.series(t), "elava_resources", map[string]float64{`elava_resources{account="1",region="us-east-1",type="T"}`: 7})
}

func TestMetrics_ChangeCountersExistBeforeTheFirstChange(t *testing.T) {
	w := watch(t, observer.MetricsOptions{})
	samples := []observer.ScopeSample{
		{Account: "1", Region: "us-east-1", Type: "T"}, // never listed: its labels are known all the same
		{Account: "2", Region: "us-east-1", Type: "T", Resources: map[string]int{"us-east-1": 1}},
		{Account: "1", Region: "global", Type: "B", Resources: map[string]int{"eu-west-1": 1}},
	}
	w.SetInventory(samples)
	for _, name := range []string{"elava_resources_created_total", "elava_resources_modified_total", "elava_resources_disappeared_total"} {
		wantSeries(t, w.series(t), name, map[string]float64{
			name + `{region="us-east-1",type="T"}`: 0,
			name + `{region="eu-west-1",type="B"}`: 0,
		})
	}
	w.ChangeCounted(t.Context(), change.Created, "T", "us-east-1", 2)
	w.SetInventory(samples)
	wantSeries(t, w.series(t), "elava_resources_created_total", map[string]float64{
		`elava_resources_created_total{region="us-east-1",type="T"}`: 2,
		`elava_resources_created_total{region="eu-west-1",type="B"}`: 0,
	})
}

func scopes(n int) []observer.ScopeSample {
	samples := make([]observer.ScopeSample, n)
	for i := range samples {
		region := fmt.Sprintf("region-%d", i)
		samples[i] = observer.ScopeSample{
			Account: "1", Region: region, Type: "T", Up: true, LastComplete: done, Resources: map[string]int{region: 1},
		}
	}
	return samples
}

func TestMetrics_ThousandsOfScopesAreNotFolded(t *testing.T) {
	const n = 5000
	w := watch(t, observer.MetricsOptions{})
	w.SetInventory(scopes(n))
	got := w.series(t)
	for _, name := range []string{
		"elava_resources", "elava_scope_up", "elava_scope_last_complete_timestamp_seconds",
		"elava_resources_created_total", "elava_resources_modified_total", "elava_resources_disappeared_total",
	} {
		if found := len(named(got, name)); found != n {
			t.Errorf("%s has %d series, want %d", name, found, n)
		}
	}
}

// Each reader has its own pipeline: the snapshot and the lifted limit must reach both.
func TestMetrics_AFurtherReaderSeesTheSame(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	w := watch(t, observer.MetricsOptions{}, sdkmetric.WithReader(reader))
	w.SetInventory(scopes(3000))
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	for _, m := range data.ScopeMetrics[0].Metrics {
		if m.Name == "elava_scope_up" {
			if n := len(m.Data.(metricdata.Gauge[int64]).DataPoints); n != 3000 {
				t.Errorf("%d scopes, want 3000", n)
			}
			return
		}
	}
	t.Error("elava_scope_up is missing")
}

func TestMetrics_AScrapeNeverMixesTwoScans(t *testing.T) {
	w := watch(t, observer.MetricsOptions{})
	w.SetInventory(scopes(10))
	var writers sync.WaitGroup
	writers.Go(func() {
		for i := range 100 {
			w.SetInventory(scopes(10 + i%2*10))
			w.ChangeCounted(context.Background(), change.Created, "T", "region-1", 1)
		}
	})
	for range 50 {
		got := w.series(t)
		up, total := len(named(got, "elava_scope_up")), int(got["daemon_resources_current"])
		if up != total || (up != 10 && up != 20) {
			t.Fatalf("%d scopes with %d resources", up, total)
		}
	}
	writers.Wait()
}

func TestMetrics_CloseEndsTheObservableOnes(t *testing.T) {
	w := full(t)
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := w.series(t)
	wantSeries(t, got, "elava_scope_up", nil)
	wantSeries(t, got, "daemon_uptime_seconds", nil)
	w.ReconciliationFailed(t.Context()) // still safe
}

func TestMetrics_WithoutProviderRecordNothing(t *testing.T) {
	m, err := observer.NewMetrics(observer.MetricsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m.SetInventory(scopes(1))
	m.ReconciliationEnded(t.Context(), time.Second, done)
	m.ChangeCounted(t.Context(), change.Created, "T", "r", 1)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNewPrometheus_IsApartFromTheGlobalRegistry(t *testing.T) {
	full(t)
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if _, ok := contract[f.GetName()]; ok {
			t.Errorf("%s is in the global registry", f.GetName())
		}
	}
}

func TestPrometheus_ShutdownTwiceIsSafe(t *testing.T) {
	p, err := observer.NewPrometheus()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := p.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkScrape20000Scopes(b *testing.B) {
	p, err := observer.NewPrometheus()
	if err != nil {
		b.Fatal(err)
	}
	m, err := observer.NewMetrics(observer.MetricsOptions{MeterProvider: p.MeterProvider()})
	if err != nil {
		b.Fatal(err)
	}
	m.SetInventory(scopes(20000))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Gatherer().Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
