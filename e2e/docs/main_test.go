package docs

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/observer"
	"github.com/elava-dev/elava/provider/demo"
	"github.com/elava-dev/elava/storage/badger"
)

var update = flag.Bool("update", false, "draw the picture in README.md anew")

// root is the directory of the module, seen from here.
const root = "../.."

// program is the path of the binary, which is made as releases are.
var program string

func TestMain(m *testing.M) {
	os.Exit(mainCode(m))
}

func mainCode(m *testing.M) int {
	dir, err := os.MkdirTemp("", "elava-docs-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "bin", "elava")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "./cmd/elava")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building elava: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// recordDemo fills a new store with scans of the demo cloud at given times. A daemon with
// the demo provider's defaults goes on where it ends.
func recordDemo(t testing.TB, dir string, times []time.Time) {
	t.Helper()
	if err := record(t.Context(), dir, times); err != nil {
		t.Fatal(err)
	}
}

func record(ctx context.Context, dir string, times []time.Time) error {
	log := slog.New(slog.DiscardHandler)
	cloud, err := demo.New(demo.Options{Seed: 1, Resources: 200, ChangeRate: 0.02, Regions: []string{"us-east-1"}, Logger: log})
	if err != nil {
		return err
	}
	metrics, err := observer.NewMetrics(observer.MetricsOptions{})
	if err != nil {
		return err
	}
	store, err := badger.Open(badger.Options{Path: dir, Logger: log})
	if err != nil {
		return err
	}
	next := 0
	r := daemon.NewReconciler(daemon.ReconcilerOptions{
		Provider: cloud, Store: store, Metrics: metrics, Logger: log, Now: func() time.Time { return times[next] },
	})
	for next = range times {
		if _, err := r.Reconcile(ctx); err != nil {
			return fmt.Errorf("scan %d: %w", next+1, err)
		}
	}
	return store.Close()
}
