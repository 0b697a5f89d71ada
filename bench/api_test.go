package bench_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/bench"
	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

// The inventory that the API is asked about: resources of 0.8 kB in 60 scopes, of which
// one in a hundred changes with every revision.
const (
	apiResources = 300_000
	apiRevisions = 100
	apiScopes    = 60
)

func apiKey(i int) resource.Key {
	return resource.Key{
		Provider: "aws", Account: "111122223333", Region: fmt.Sprintf("us-east-%d", i%3+1),
		Type: fmt.Sprintf("AWS::Bench::Type%02d", i%apiScopes/3), ID: fmt.Sprintf("i-%08d", i),
	}
}

func apiResource(i, version int) *resource.Resource {
	k := apiKey(i)
	return &resource.Resource{
		Key: k, ARN: fmt.Sprintf("arn:aws:bench:%s:%s:thing/%s", k.Region, k.Account, k.ID),
		Name: fmt.Sprintf("name-%08d", i), Status: "running", Tags: map[string]string{"team": fmt.Sprint(i % 50)},
		Attributes: fmt.Appendf(nil, `{"Description":%q,"Size":%d,"Version":%d}`, strings.Repeat(fmt.Sprintf("text %d ", i%1000), 60), i%17, version),
	}
}

// recordRevision commits what changed of some resources.
func recordRevision(b *testing.B, s storage.Store, numbers []int, revision int) {
	b.Helper()
	ctx := b.Context()
	when := time.Date(2025, 10, 22, 10, 0, 0, 0, time.UTC).Add(time.Duration(revision) * 5 * time.Minute)
	x, err := s.Begin(ctx, when)
	fatal(b, err)
	defer x.Rollback()
	var h resource.Hasher
	for _, i := range numbers {
		m := storage.Mutation{Type: change.Baseline, Resource: apiResource(i, revision), Schema: 1}
		if revision > 1 {
			m.Type = change.Modified
			m.Changes = []change.FieldChange{{Path: "attributes.Version", Old: json.RawMessage("0"), New: fmt.Appendf(nil, "%d", revision)}}
		}
		m.Fingerprint = h.Sum(m.Resource)
		fatal(b, x.Stage(ctx, m))
	}
	if revision == 1 {
		for i := range apiScopes {
			fatal(b, x.SetScope(ctx, storage.ScopeState{Scope: apiKey(i).Scope(), Status: storage.ScopeComplete, Resources: apiResources / apiScopes}))
		}
	}
	fatal(b, x.Commit(ctx, &storage.ScanMetadata{StartTime: when, Status: storage.ScanSuccess, ResourceCount: apiResources}))
}

func fatal(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func newAPIStore(b *testing.B) storage.Store {
	b.Helper()
	s, err := badger.Open(badger.Options{Path: b.TempDir()})
	fatal(b, err)
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	all := make([]int, apiResources)
	for i := range all {
		all[i] = i
	}
	recordRevision(b, s, all, 1)
	for revision := 2; revision <= apiRevisions; revision++ {
		var some []int
		for i := (revision * 37) % 100; i < apiResources; i += 100 {
			some = append(some, i)
		}
		recordRevision(b, s, some, revision)
	}
	removeSome(b, s)
	return s
}

// goneNumber is the number of a resource that has disappeared at the head, the nth of a
// thousand. No other question of the benchmark is about one of them.
func goneNumber(n int) int { return n%1000*300 + 299 }

// removeSome commits a revision in which a thousand resources disappear.
func removeSome(b *testing.B, s storage.Store) {
	b.Helper()
	x, err := s.Begin(b.Context(), time.Date(2025, 10, 23, 10, 0, 0, 0, time.UTC))
	fatal(b, err)
	defer x.Rollback()
	for n := range 1000 {
		fatal(b, x.Stage(b.Context(), storage.Mutation{Type: change.Disappeared, Resource: apiResource(goneNumber(n), 0)}))
	}
	fatal(b, x.Commit(b.Context(), &storage.ScanMetadata{StartTime: x.Time(), Status: storage.ScanSuccess, ResourceCount: apiResources - 1000}))
}

// BenchmarkAPI_Latency asks a server with 300,000 resources and 100 revisions, without a
// network. The figure is the median of 21 answers, each of another resource or page.
func BenchmarkAPI_Latency(b *testing.B) {
	s := newAPIStore(b)
	h := api.NewServer(api.Options{Store: s}).Handler()
	key := func(n int) string { return apiKey(n * 9973 % apiResources).String() }
	arn := func(n int) string { return apiResource(n*9973%apiResources, 0).ARN }
	for _, q := range []struct {
		name   string
		target func(n int) string
		bar    float64 // ms
	}{
		{"show, at the head", func(n int) string { return "resource/" + key(n) }, 20},
		{"show, at a past revision", func(n int) string { return fmt.Sprintf("resource/%s?at=%d", key(n), 20+n) }, 20},
		{"history", func(n int) string { return "history/" + key(n) }, 20},
		{"resources, first page", func(int) string { return "resources" }, 50},
		{"resources, first page at a past revision", func(n int) string { return fmt.Sprintf("resources?at=%d", 20+n) }, 50},
		{"resources of a type, first page", func(n int) string { return fmt.Sprintf("resources?type=*type%02d", n%20) }, 50},
		{"resources by id", func(n int) string { return "resources?id=" + apiKey(n*9973%apiResources).ID }, 50},
		{"resources by id and ARN", func(n int) string {
			return "resources?id=" + apiKey(n*9973%apiResources).ID + "&arn=" + url.QueryEscape(arn(n))
		}, 50},
		{"changes, first page", func(int) string { return "changes" }, 50},
		{"changes of a type, first page", func(n int) string { return fmt.Sprintf("changes?type=*type%02d", n%20) }, 50},
		{"changes of one resource", func(n int) string { return "changes?key=" + url.QueryEscape(key(n)) }, 50},
		{"diff of the last two revisions, first page", func(int) string { return "diff?from=99&to=100" }, 50},
		{"diff of three revisions, first page", func(int) string { return "diff?from=97&to=100" }, 50},
		{"diff by a tag that nothing has, first page", func(int) string { return "diff?from=1&tag=nothing" }, 50},
		{"diff of all revisions of one resource", func(n int) string { return "diff?from=1&key=" + url.QueryEscape(key(n)) }, 50},
		{"diff of all revisions, first page", func(int) string { return "diff?from=1" }, 50},
		{"scans, first page", func(int) string { return "scans" }, 50},
		{"scopes", func(int) string { return "scopes" }, 50},
		{"resources by name", func(n int) string { return fmt.Sprintf("resources?name=name-%08d", n*9973%apiResources) }, 50},
		{"resources by name, at a past revision", func(n int) string { return fmt.Sprintf("resources?at=%d&name=name-%08d", 20+n, n*9973%apiResources) }, 50},
		{"resources by ARN", func(n int) string { return "resources?arn=" + url.QueryEscape(arn(n)) }, 50},
		{"resources by a name that nothing has", func(n int) string { return fmt.Sprintf("resources?name=nobody-%d", n) }, 50},
		{"changes by the name of something gone", func(n int) string {
			return fmt.Sprintf("changes?change_type=disappeared&name=name-%08d", goneNumber(n*37))
		}, 50},
		{"changes by the id of something gone", func(n int) string {
			return "changes?change_type=disappeared&id=" + apiKey(goneNumber(n*37)).ID
		}, 50},
		{"changes by id", func(n int) string { return "changes?id=" + apiKey(n*9973%apiResources).ID }, 50},
		{"changes by an id that nothing has", func(n int) string { return fmt.Sprintf("changes?id=nothing-%d", n) }, 50},
		{"changes of a type that did not happen, first page", func(n int) string { return fmt.Sprintf("changes?type=*type%02d&change_type=created", n%20) }, 50},
		{"changes of all types that did not happen, first page", func(int) string { return "changes?type=*&change_type=created" }, 50},
		{"resources by tag, first page", func(n int) string { return fmt.Sprintf("resources?tag=team=%d", n) }, 50},
		{"resources by a tag that nothing has, first page", func(n int) string { return fmt.Sprintf("resources?tag=nothing=%d", n) }, 50},
		{"resources by type, region and account, first page", func(n int) string {
			return fmt.Sprintf("resources?type=*type%02d&region=us-east-%d&account=111122223333", n%20, n%3+1)
		}, 50},
		{"resources of a type that there is not", func(n int) string { return fmt.Sprintf("resources?type=nothing%d", n) }, 50},
	} {
		b.Run(q.name, func(b *testing.B) {
			const rounds = 21
			var took []time.Duration
			for b.Loop() {
				took = took[:0]
				for n := range rounds {
					took = append(took, latency(b, h, q.target(n)))
				}
			}
			b.ReportMetric(0, "ns/op")
			slices.Sort(took)
			median := took[len(took)/2]
			table.Add(b, bench.Row{
				What: "API with 300,000 resources and 100 revisions: " + q.name, Unit: "ms",
				Value: float64(median) / float64(time.Millisecond), Bar: q.bar,
				Detail: fmt.Sprintf("median of %d, %s to %s", len(took), took[0].Round(10*time.Microsecond), took[len(took)-1].Round(10*time.Microsecond)),
			})
		})
	}
}

// latency is the time of one answer, which must be one.
func latency(b *testing.B, h http.Handler, target string) time.Duration {
	b.Helper()
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "http://localhost"+api.Prefix+target, nil)
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	start := time.Now()
	h.ServeHTTP(w, r)
	took := time.Since(start)
	if w.Code != http.StatusOK || w.Body.Len() < len(`{"items":[],"revision":1}`) {
		b.Fatalf("%s: %d %.300s", target, w.Code, w.Body)
	}
	return took
}

// Streams of the benchmark: clients that follow, and what they follow.
const (
	streamClients = 1000
	streamScans   = 20
	streamEvents  = 500 // of a scan
)

// BenchmarkStream has a thousand clients follow 10,000 changes, with a restart of the
// server in the middle, and fails unless each gets each change once and in order. The
// figure is the memory of the process with all clients in it.
func BenchmarkStream_ThousandClients(b *testing.B) {
	for b.Loop() {
		followAll(b)
	}
	b.ReportMetric(0, "ns/op")
}

func followAll(b *testing.B) {
	b.Helper()
	store, err := badger.Open(badger.Options{Path: b.TempDir()})
	fatal(b, err)
	defer func() { fatal(b, store.Close()) }()
	recordRevision(b, store, nil, 1)
	var server atomic.Pointer[api.Server]
	server.Store(api.NewServer(api.Options{Store: store}))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { server.Load().Handler().ServeHTTP(w, r) }))
	defer srv.Close()
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
	defer cancel()

	var done sync.WaitGroup
	var reconnects, failures atomic.Int64
	for range streamClients {
		done.Go(func() {
			breaks, err := followRaw(ctx, srv.URL)
			reconnects.Add(int64(breaks))
			if err != nil && failures.Add(1) < 5 {
				b.Error(err)
			}
		})
	}
	numbers := make([]int, streamEvents)
	for i := range numbers {
		numbers[i] = i
	}
	start := time.Now()
	var peak uint64
	for n := range streamScans {
		recordRevision(b, store, numbers, n+2)
		server.Load().Committed()
		if n == streamScans/2 {
			old := server.Swap(api.NewServer(api.Options{Store: store}))
			old.EndStreams()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse+m.StackInuse)
	}
	done.Wait()
	took := time.Since(start)
	table.Add(b, bench.Row{
		What: "1,000 clients of the stream and 10,000 changes, memory of server and clients", Unit: "MB", Value: float64(peak) / 1e6, Bar: 512,
		Detail: fmt.Sprintf("%s for 10 million events, %d reconnects", took.Round(time.Second), reconnects.Load()),
	})
}

// followRaw reads ids, and no more, until it has seen all of them.
func followRaw(ctx context.Context, address string) (breaks int, err error) {
	last, next := "1", storage.EventID{Revision: 2, Number: 1}
	end := storage.EventID{Revision: streamScans + 2, Number: 1}
	for ; next != end; breaks++ {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+api.Prefix+"changes/stream", nil)
		if err != nil {
			return breaks, err
		}
		r.Header.Set("Last-Event-ID", last)
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			return breaks, err
		}
		if resp.StatusCode == http.StatusServiceUnavailable {
			resp.Body.Close()
			continue
		}
		lines := bufio.NewScanner(resp.Body)
		for next != end && lines.Scan() {
			id, ok := strings.CutPrefix(lines.Text(), "id: ")
			if !ok {
				continue
			}
			last = id
			if !strings.Contains(id, "-") || id == storage.EventID.String(before(next)) {
				continue // a position
			}
			if id != next.String() {
				resp.Body.Close()
				return breaks, fmt.Errorf("event %s came where %s was next", id, next)
			}
			if next.Number++; next.Number > streamEvents {
				next = storage.EventID{Revision: next.Revision + 1, Number: 1}
			}
		}
		resp.Body.Close()
		if ctx.Err() != nil {
			return breaks, fmt.Errorf("event %s did not come: %w", next, ctx.Err())
		}
	}
	return breaks - 1, nil
}

// before is the event with whose id a stream that goes on behind it begins.
func before(id storage.EventID) storage.EventID {
	if id.Number--; id.Number == 0 {
		id = storage.EventID{Revision: id.Revision - 1, Number: streamEvents}
	}
	return id
}
