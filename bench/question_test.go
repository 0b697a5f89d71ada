package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/bench"
	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

// Size of the history that questions are asked about.
const (
	askedResources = 300_000
	askedRevisions = 100
	askedShare     = 100 // one of so many changes in each revision
)

// BenchmarkQuestions asks a store of 300,000 resources of 1 kB and 100 revisions in each of
// which 1 % were modified, through the API and without a network.
func BenchmarkQuestions(b *testing.B) {
	store := newHistory(b)
	client := api.NewLocalClient(api.NewServer(api.Options{Store: store}).Handler())
	limitMemory(b) // what building the history left behind counts no more
	memory := bench.WatchMemory()

	for _, at := range []struct {
		name, point string
		bar         float64
	}{{"the newest revision", "", 1}, {"a past revision", "50", 2}} {
		count := func() {
			result, err := client.Query(b.Context(), api.QueryRequest{SQL: "select type, count(*) from resources group by 1", At: at.point})
			if err != nil {
				b.Fatal(err)
			}
			total := int64(0)
			for _, row := range result.Rows {
				n, err := row[1].(json.Number).Int64()
				if err != nil {
					b.Fatal(err)
				}
				total += n
			}
			if total != askedResources {
				b.Fatalf("%d resources", total)
			}
		}
		best := bench.Measure(count)
		for range 4 {
			next := bench.Measure(count)
			best = bench.Cost{CPU: min(best.CPU, next.CPU), Wall: min(best.Wall, next.Wall)}
		}
		table.Add(b, bench.Row{
			What: "SQL: 300,000 resources counted by type at " + at.name + ", CPU", Unit: "s", Value: best.CPU.Seconds(), Bar: at.bar,
			Detail: fmt.Sprintf("least of 5; %s on the clock", best.Wall.Round(time.Millisecond)),
		})
	}

	c := bench.Comparison{
		Measured: func() bench.Cost {
			return bench.Measure(func() {
				if err := client.ExportResources(b.Context(), api.ResourceQuery{}, "jsonl", io.Discard); err != nil {
					b.Fatal(err)
				}
			})
		},
		Reference: func() bench.Cost { return bench.Measure(func() { iterate(b, store) }) },
		Rounds:    4,
	}
	r := c.Run(b)
	table.Add(b, bench.Row{
		What: "export of 300,000 resources as JSON lines / a bare iteration of the store, clock", Unit: "x",
		Value: r.WallRatio(), Bar: 2, Detail: r.WallDetail() + "; CPU " + r.CPUDetail(),
	})
	for _, format := range []string{"csv", "parquet"} {
		cost := bench.Measure(func() {
			if err := client.ExportResources(b.Context(), api.ResourceQuery{}, format, io.Discard); err != nil {
				b.Fatal(err)
			}
		})
		b.Logf("export as %s: %s of CPU, %s on the clock", format, cost.CPU, cost.Wall)
	}
	peak, err := memory.Stop()
	if err != nil {
		b.Fatal(err)
	}
	table.Add(b, bench.Row{
		What: "memory of the process while it was asked", Unit: "MiB", Value: float64(peak) / bench.MiB, Bar: 512,
		Detail: "anonymous memory; SQL, then exports in three formats",
	})
}

// limitMemory lets as much garbage gather as the daemon does, for the rest of a benchmark.
func limitMemory(b *testing.B) {
	percent := debug.SetGCPercent(50)
	b.Cleanup(func() { debug.SetGCPercent(percent) })
	debug.FreeOSMemory()
}

func iterate(b *testing.B, store storage.Store) {
	n := 0
	for _, err := range store.List(context.Background(), storage.Query{}) {
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	if n != askedResources {
		b.Fatalf("%d resources", n)
	}
}

func newHistory(b *testing.B) storage.Store {
	b.Helper()
	store, err := badger.Open(badger.Options{Path: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	random := rand.New(rand.NewPCG(1, 0))
	for revision := range askedRevisions {
		x, err := store.Begin(b.Context(), time.Date(2025, 1, 1, 0, revision, 0, 0, time.UTC))
		if err != nil {
			b.Fatal(err)
		}
		for i := range askedResources {
			if revision > 0 && i%askedShare != revision%askedShare {
				continue
			}
			if err := x.Stage(b.Context(), askedMutation(random, i, revision)); err != nil {
				b.Fatal(err)
			}
		}
		if err := x.Commit(b.Context(), &storage.ScanMetadata{Status: storage.ScanSuccess, ResourceCount: askedResources}); err != nil {
			b.Fatal(err)
		}
	}
	return store
}

func askedMutation(random *rand.Rand, i, revision int) storage.Mutation {
	r := &resource.Resource{
		Key: resource.Key{
			Provider: "aws", Account: fmt.Sprintf("%012d", i%3), Region: fmt.Sprintf("eu-west-%d", i%7),
			Type: fmt.Sprintf("AWS::Service%d::Thing", i%30), ID: fmt.Sprintf("i-%08d", i),
		},
		ARN: fmt.Sprintf("arn:aws:service:::thing/i-%08d", i), Name: fmt.Sprintf("thing-%d", i), Status: "running",
		Tags: map[string]string{"env": "prod", "team": fmt.Sprint(i % 50)},
	}
	r.Attributes = fmt.Appendf(nil, `{"Digest":"%x%x","Revision":%d,"Text":%q}`,
		random.Uint64(), random.Uint64(), revision, strings.Repeat("a usual document is text that repeats; ", 20))
	var h resource.Hasher
	m := storage.Mutation{Type: change.Baseline, Resource: r, Fingerprint: h.Sum(r), Schema: 1}
	if revision > 0 {
		m.Type = change.Modified
		m.Changes = []change.FieldChange{{Path: "attributes.Revision", Old: json.RawMessage("0"), New: fmt.Appendf(nil, "%d", revision)}}
	}
	return m
}
