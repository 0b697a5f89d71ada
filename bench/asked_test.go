package bench_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/bench"
)

// What the daemon of BenchmarkServe_Asked lists, and who asks it meanwhile.
const (
	scanningResources = 300_000
	scanningScans     = 101 // the first records all of it, each other one changes 1 %
	askedScans        = 10  // that follow at least, while the daemon is asked
	scanningStreams   = 20
)

// BenchmarkServe_Asked runs the real program on a demo cloud of 300,000 resources of 1 kB
// of which 1 % change from scan to scan, one scan after the other. When it has a hundred
// such revisions it goes on scanning, while two clients ask it without a pause: one
// whatever can be asked for, in turn, the other for exports in every format; and twenty
// follow the stream, until all of these questions were answered. The figure is the most memory of its own that the process had until
// the last scan: pages of mapped files are the system's to take back. GOMEMLIMIT sets no
// limit, and GOGC is what the program makes of it.
func BenchmarkServe_Asked(b *testing.B) {
	program := buildElava(b)
	for b.Loop() {
		askWhileItScans(b, program)
	}
	b.ReportMetric(0, "ns/op")
}

func askWhileItScans(b *testing.B, program string) {
	b.Helper()
	serve := exec.CommandContext(b.Context(), program, "serve",
		"--provider", "demo", "--interval", "1s", "--listen-address", "127.0.0.1", "--metrics-port", "0", "--storage-path", filepath.Join(b.TempDir(), "store"))
	serve.Env = append(os.Environ(),
		fmt.Sprintf("ELAVA_CLOUD_DEMO_RESOURCES=%d", scanningResources), "ELAVA_CLOUD_DEMO_CHANGE_RATE=1%", "GOMEMLIMIT=", "GOGC=")
	log, err := serve.StderrPipe()
	fatal(b, err)
	fatal(b, serve.Start())
	b.Cleanup(func() { _ = serve.Process.Kill() }) // where it has not ended already
	memory := bench.WatchProcess(serve.Process.Pid)
	began := time.Now()

	lines := bufio.NewReader(log)
	said, err := awaitLine(lines, "Metrics server listening on")
	fatal(b, err)
	address := "http://" + regexp.MustCompile(`listening on (\S+)`).FindStringSubmatch(said)[1]
	if said, err = awaitLine(lines, fmt.Sprintf("[Scan #%d]", scanningScans)); err != nil {
		b.Fatalf("elava serve: %v\n%s", err, said)
	}
	unasked, err := bench.PeakMemory(serve.Process.Pid)
	fatal(b, err)
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	askers := startAskers(ctx, b, address)
	scans := scanningScans
	for scans < scanningScans+askedScans || askers.waiting() {
		scans++
		if said, err = awaitLine(lines, fmt.Sprintf("[Scan #%d]", scans)); err != nil {
			b.Fatalf("elava serve: %v\n%s", err, said)
		}
	}
	took := time.Since(began)
	peak, peakErr := bench.PeakMemory(serve.Process.Pid)
	own, ownErr := memory.Stop()
	stop()
	answers := askers.wait()
	fatal(b, errors.Join(peakErr, ownErr, serve.Process.Signal(syscall.SIGTERM)))
	_, err = io.Copy(io.Discard, lines)
	fatal(b, errors.Join(err, serve.Wait()))

	detail := fmt.Sprintf("%.0f MiB with pages of mapped files, %.0f MiB before it was asked; %d scans in %s; answered during the last %d: %s",
		float64(peak)/bench.MiB, float64(unasked)/bench.MiB, scans, took.Round(time.Second), scans-scanningScans, answers)
	table.Add(b, bench.Row{
		What: "anonymous memory of serve, 300,000 resources of 1 kB, 1 % change per scan, asked all the time after 100", Unit: "MiB",
		Value: float64(own) / bench.MiB, Bar: 512, Detail: detail,
	})
}

// askers ask a daemon until their context ends.
type askers struct {
	done    sync.WaitGroup
	late    atomic.Int64 // questions that took longer than they may
	failed  atomic.Bool
	asked   map[string]*atomic.Int64
	b       *testing.B
	address string
	client  *api.Client
}

func startAskers(ctx context.Context, b *testing.B, address string) *askers {
	b.Helper()
	client, err := api.NewClient(address, nil, "")
	fatal(b, err)
	a := &askers{asked: map[string]*atomic.Int64{}, b: b, address: address, client: client}
	var keys []string
	for r, err := range client.Resources(ctx, api.ResourceQuery{At: "1", Limit: 1000}) {
		fatal(b, err)
		keys = append(keys, r.Key)
	}
	key := func(n int) string { return keys[n*37%len(keys)] }
	statements := []string{
		"select type, count(*) from resources group by 1",
		"select region, name, count(*) from resources group by 1, 2 order by 3 desc limit 10",
		"select key, attributes from resources where type like '%Instance' order by key desc limit 500",
		"select change_type, count(*) from changes group by 1",
		"select type, max(valid_from), count(*) from versions group by 1",
	}
	a.ask(ctx, map[string]question{
		"show": func(ctx context.Context, n int) error {
			_, err := client.Resource(ctx, key(n), "")
			return present(err)
		},
		"show in the past": func(ctx context.Context, n int) error {
			_, err := client.Resource(ctx, key(n), "1")
			return present(err)
		},
		"history": func(ctx context.Context, n int) error { return read(client.History(ctx, key(n), "", 0)) },
		"listing": func(ctx context.Context, n int) error {
			return read(client.Resources(ctx, api.ResourceQuery{Types: []string{[]string{"*instance*", "*bucket*", "*"}[n%3]}, Limit: 5000}))
		},
		"changes": func(ctx context.Context, _ int) error { return read(client.Changes(ctx, api.ChangeQuery{Limit: 2000})) },
		"diff": func(ctx context.Context, _ int) error {
			return read(client.Diff(ctx, api.DiffQuery{From: "1", Limit: 2000}))
		},
		"SQL": func(ctx context.Context, n int) error {
			at := []string{"", "1"}[n/len(statements)%2]
			_, err := client.Query(ctx, api.QueryRequest{SQL: statements[n%len(statements)], At: at})
			return err
		},
	})
	exports := map[string]question{}
	for _, format := range []string{"jsonl", "csv", "parquet"} {
		exports["export of resources as "+format] = func(ctx context.Context, _ int) error {
			return client.ExportResources(ctx, api.ResourceQuery{}, format, io.Discard)
		}
		exports["export of changes as "+format] = func(ctx context.Context, _ int) error {
			return client.ExportChanges(ctx, api.ChangeQuery{}, format, io.Discard)
		}
	}
	a.ask(ctx, exports)
	a.follow(ctx)
	return a
}

// question asks something for the nth time.
type question func(ctx context.Context, n int) error

// inTime takes a question that was given up for its time for one that was answered: how
// long an answer takes depends on what else the machine does.
func (a *askers) inTime(err error) error {
	p, ok := errors.AsType[*api.ProblemError](err)
	if ok && (p.Kind() == "query-limit" || p.Kind() == "timeout") {
		a.late.Add(1)
		return nil
	}
	return err
}

// present takes a resource that has disappeared meanwhile for an answer.
func present(err error) error {
	if p, ok := errors.AsType[*api.ProblemError](err); ok && p.Kind() == api.KindGone {
		return nil
	}
	return err
}

func read[T any](all iter.Seq2[*T, error]) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// ask asks some questions in turn, one at a time, without a pause.
func (a *askers) ask(ctx context.Context, questions map[string]question) {
	var names []string
	for name := range questions {
		names = append(names, name)
		a.asked[name] = new(atomic.Int64)
	}
	slices.Sort(names)
	a.done.Go(func() {
		for n := 0; ; n++ {
			for _, name := range names {
				err := a.inTime(questions[name](ctx, n))
				if ctx.Err() != nil {
					return
				}
				if err != nil {
					a.fail(name, err)
					return
				}
				a.asked[name].Add(1)
			}
		}
	})
}

// follow has clients read the stream.
func (a *askers) follow(ctx context.Context) {
	events := new(atomic.Int64)
	a.asked["event of a stream"] = events
	for range scanningStreams {
		a.done.Go(func() {
			if err := countEvents(ctx, a.address, events); err != nil && ctx.Err() == nil {
				a.fail("stream", err)
			}
		})
	}
}

func countEvents(ctx context.Context, address string, events *atomic.Int64) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+api.Prefix+"changes/stream", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // an endless one
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "event: change") {
			events.Add(1)
		}
	}
	return errors.Join(errors.New("it ended"), lines.Err())
}

func (a *askers) fail(what string, err error) {
	a.b.Errorf("%s: %v", what, err)
	a.failed.Store(true)
}

// waiting reports whether some question has not been answered yet, and may be.
func (a *askers) waiting() bool {
	if a.failed.Load() {
		return false
	}
	for _, n := range a.asked {
		if n.Load() == 0 {
			return true
		}
	}
	return false
}

// wait waits for all of them and tells how often each question was answered.
func (a *askers) wait() string {
	a.done.Wait()
	var told []string
	for name, n := range a.asked {
		if n.Load() == 0 {
			a.b.Errorf("no %s was answered", name)
		}
		told = append(told, fmt.Sprintf("%s %d", name, n.Load()))
	}
	slices.Sort(told)
	if n := a.late.Load(); n > 0 {
		told = append(told, fmt.Sprintf("of which %d took longer than they may and were given up", n))
	}
	return strings.Join(told, ", ")
}
