package daemon_test

import (
	"context"
	"fmt"
	"net/http"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/observer"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/demo"
	"github.com/elava-dev/elava/storage/badger"
)

// scraped reads the series without labels from the text of /metrics.
func scraped(t *testing.T, text string) map[string]float64 {
	t.Helper()
	series := map[string]float64{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) != 2 || line[0] == '#' || strings.Contains(line, "{") {
			continue
		}
		value, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		series[fields[0]] = value
	}
	return series
}

// The whole of it: a cloud that changes, a store on the disk, a port, a signal.
func TestDaemon_FullLifecycle(t *testing.T) {
	ctx, release := signal.NotifyContext(t.Context(), syscall.SIGTERM)
	defer release()
	cloud, err := demo.New(demo.Options{Resources: 300, ChangeRate: 0.1, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	// The plan of the third iteration says that two have ended, and holds that one up.
	var plans atomic.Int32
	third := newGate()
	p := &odd{Provider: cloud}
	p.planWith(func(ctx context.Context) (*provider.Plan, error) {
		if plans.Add(1) == 3 {
			if err := third.heeding(ctx); err != nil {
				return nil, err
			}
		}
		return cloud.Plan(ctx)
	})
	dir := t.TempDir()
	store, err := badger.Open(badger.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	metrics, exporter := watch(t)
	d, err := daemon.New(daemon.Options{
		Provider: p, Store: store, Metrics: metrics, SpoolDir: dir,
		Settings: daemon.Settings{Interval: 10 * time.Millisecond, Timeout: time.Minute, ShutdownTimeout: 20 * time.Second, Concurrency: 4},
		Listen: func(routes map[string]http.Handler) (*observer.MetricsServer, error) {
			return observer.NewMetricsServer(observer.MetricsServerOptions{
				Address: "127.0.0.1", Gatherer: exporter.Gatherer(), Routes: routes,
			})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(ctx); err != nil {
		t.Fatal(err)
	}
	await(t, "the third iteration", third.reached)

	address := d.Server().Addr().String()
	code, text := fetch(t, "http://"+address+"/metrics")
	series := scraped(t, text)
	if code != http.StatusOK || series["daemon_reconciliation_total"] != 2 || series["daemon_resources_scanned_total"] < 500 ||
		series["elava_change_events_stored_total"] == 0 || series["daemon_reconciliation_duration_ms_count"] != 2 {
		t.Errorf("/metrics answers %d %v", code, series)
	}
	for _, path := range []string{"/-/ready", "/-/healthy", "/health"} {
		if code, body := fetch(t, "http://"+address+path); code != http.StatusOK {
			t.Errorf("%s answers %d %s", path, code, body)
		}
	}

	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of the daemon", d.Done())
	if err := d.Err(); err != nil {
		t.Errorf("the daemon ended with %v", err)
	}
	wantPortFree(t, address)
	reopened, err := badger.Open(badger.Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer reopened.Close()
	wantHead(t, reopened, 2)
	wantTruth(t, reopened, cloud)
	if got := fmt.Sprint(len(events(t, reopened))); got != strconv.FormatFloat(series["elava_change_events_stored_total"], 'f', -1, 64) {
		t.Errorf("%s events are stored, the metrics say %v", got, series["elava_change_events_stored_total"])
	}
}
