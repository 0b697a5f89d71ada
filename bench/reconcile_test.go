package bench_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/elava-dev/elava/bench"
	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider/demo"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

// BenchmarkReconcile_Unchanged reconciles a demo cloud of 100,000 resources of 1 kB in
// which nothing changes, on a store that knows all of them, and compares the CPU time
// with that of listing the same cloud and encoding every resource by encoding/json: what
// any program spends that does something with each resource. Between the two lie
// fingerprints, reading what is recorded, comparing and the commit.
func BenchmarkReconcile_Unchanged(b *testing.B) {
	const resources = 100_000
	store, err := badger.Open(badger.Options{Path: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	cloud := newDemo(b, demo.Options{Seed: 1, Resources: resources})
	reconciler := daemon.NewReconciler(daemon.ReconcilerOptions{
		Provider: cloud, Store: store, Concurrency: 8, SpoolDir: b.TempDir(),
	})
	reconcile := func(changes int) {
		result, err := reconciler.Reconcile(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if m := result.Scan; m.Status != storage.ScanSuccess || m.ResourceCount != resources || m.Baseline+m.Changes() != changes {
			b.Fatalf("scan: %+v; want %d resources and %d changes", m, resources, changes)
		}
	}
	reconcile(resources)

	c := bench.Comparison{
		Measured:  func() bench.Cost { return bench.Measure(func() { reconcile(0) }) },
		Reference: func() bench.Cost { return bench.Measure(func() { listAndEncode(b, cloud, resources) }) },
		Rounds:    9,
	}
	r := c.Run(b)
	table.Add(b, bench.Row{
		What: "reconciling 100,000 unchanged resources / listing and JSON-encoding them, CPU",
		Unit: "x", Value: r.CPURatio(), Bar: 1.5, Detail: r.CPUDetail(),
	})
}

func newDemo(b *testing.B, o demo.Options) *demo.Provider {
	b.Helper()
	p, err := demo.New(o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := p.Close(); err != nil {
			b.Error(err)
		}
	})
	return p
}

// encodable is a resource with its document as the JSON that it is; encoding/json would
// write a slice of bytes as base64.
type encodable struct {
	Key                    resource.Key
	ARN, Name, Status, UID string
	CreatedAt              time.Time
	Tags                   map[string]string
	Attributes             json.RawMessage
}

// listAndEncode lists a cloud scope after scope, as fast as one goroutine can.
func listAndEncode(b *testing.B, cloud *demo.Provider, want int) {
	ctx := context.Background()
	plan, err := cloud.Plan(ctx)
	if err != nil {
		b.Fatal(err)
	}
	count := 0
	for _, scope := range plan.Scopes {
		err := cloud.List(ctx, scope, func(page []resource.Resource) error {
			for i := range page {
				r := &page[i]
				_, err := json.Marshal(&encodable{
					Key: r.Key, ARN: r.ARN, Name: r.Name, Status: r.Status, UID: r.UID,
					CreatedAt: r.CreatedAt, Tags: r.Tags, Attributes: r.Attributes,
				})
				if err != nil {
					return err
				}
				count++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if count != want {
		b.Fatalf("listed %d resources, want %d", count, want)
	}
}
