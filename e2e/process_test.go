package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elava-dev/elava/e2e/processtest"
)

const (
	commandLimit = 2 * time.Minute // of a command that ends by itself
	waitLimit    = 3 * time.Minute
)

// elava is one installation: a home directory, an environment and a store.
type elava struct {
	home  string
	store string
	env   []string
}

// install makes an installation whose environment holds nothing of the machine's own.
func install(t testing.TB, env ...string) *elava {
	t.Helper()
	home := t.TempDir()
	e := &elava{home: home, store: filepath.Join(home, "state", "data")}
	e.env = append([]string{
		"HOME=" + home,
		"TMPDIR=" + home,
		"AWS_EC2_METADATA_DISABLED=true",
		// The race detector waits a second at the end of a process unless told not to.
		"GORACE=halt_on_error=1 exitcode=66 atexit_sleep_ms=0",
	}, env...)
	return e
}

// with returns the same installation with more variables.
func (e *elava) with(env ...string) *elava {
	c := *e
	c.env = append(append([]string{}, e.env...), env...)
	return &c
}

// result is how a command ended.
type result struct {
	stdout, stderr string
	code           int
	took           time.Duration
}

// run runs a command to its end.
func (e *elava) run(t testing.TB, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env, cmd.Dir = e.env, e.home
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	r := result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), time.Since(began)}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("elava %q: %v", args, err)
	}
	if ctx.Err() != nil {
		t.Fatalf("elava %q did not end in %s\n%s", args, commandLimit, r.stderr)
	}
	noRace(t, r.stderr)
	return r
}

func noRace(t testing.TB, log string) {
	t.Helper()
	if i := strings.Index(log, "DATA RACE"); i >= 0 {
		t.Errorf("a data race:\n%s", log[max(0, i-20):])
	}
}

// must runs a command that has to end with code 0 and returns its standard output.
func (e *elava) must(t testing.TB, args ...string) string {
	t.Helper()
	r := e.run(t, args...)
	if r.code != 0 {
		t.Fatalf("elava %q: exit code %d\n%s%s", args, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// once scans once and returns the log.
func (e *elava) once(t testing.TB, args ...string) string {
	t.Helper()
	r := e.run(t, append([]string{"serve", "--once", "--storage-path", e.store}, args...)...)
	if r.code != 0 {
		t.Fatalf("serve --once: exit code %d\n%s", r.code, r.stderr)
	}
	return r.stderr
}

// checkWhole checks that the log of a scan tells of nothing that could not be read.
func checkWhole(t testing.TB, log string) {
	t.Helper()
	if !strings.Contains(log, "[Scan #") || strings.Contains(log, "WARN") || strings.Contains(log, "ERROR") || strings.Contains(log, "status=") {
		t.Errorf("the scan was not whole:\n%s", processtest.Tail(log))
	}
}

// closed is where commands find the store while no daemon has it open.
func (e *elava) closed() source { return source{e, []string{"--storage-path", e.store}} }

// source is who answers commands.
type source struct {
	e    *elava
	args []string
}

// items runs a command that lists something and decodes what it lists.
func items[T any](t testing.TB, s source, args ...string) []T {
	t.Helper()
	out := s.e.must(t, append(append(args, "-o", "json"), s.args...)...)
	return decodeItems[T](t, out)
}

func decodeItems[T any](t testing.TB, text string) []T {
	t.Helper()
	var page struct{ Items []T }
	if err := json.Unmarshal([]byte(text), &page); err != nil || page.Items == nil {
		t.Fatalf("not a list of items: %v\n%.2000s", err, text)
	}
	return page.Items
}

func (s source) resources(t testing.TB, args ...string) []resourceItem {
	t.Helper()
	return items[resourceItem](t, s, append([]string{"resources"}, args...)...)
}

// changes returns all events, oldest first.
func (s source) changes(t testing.TB, args ...string) []event {
	t.Helper()
	all := items[event](t, s, append([]string{"changes", "--limit", "0"}, args...)...)
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// scans returns all scans, oldest first.
func (s source) scans(t testing.TB) []scanItem {
	t.Helper()
	all := items[scanItem](t, s, "scans", "--limit", "0")
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

func (s source) history(t testing.TB, key string) []version {
	t.Helper()
	return items[version](t, s, "history", key)
}

// The JSON of contract.md.
type resourceItem struct {
	Key        string            `json:"key"`
	Provider   string            `json:"provider"`
	Account    string            `json:"account"`
	Region     string            `json:"region"`
	Type       string            `json:"type"`
	ID         string            `json:"id"`
	ARN        string            `json:"arn"`
	Name       string            `json:"name"`
	Status     string            `json:"status"`
	Tags       map[string]string `json:"tags"`
	Attributes json.RawMessage   `json:"attributes"`
	Revision   int64             `json:"revision"`
	ValidFrom  time.Time         `json:"valid_from"`
	ValidTo    *time.Time        `json:"valid_to"`
	Stale      bool              `json:"stale"`
}

type version struct {
	resourceItem
	ChangeType string        `json:"change_type"`
	Changes    []fieldChange `json:"changes"`
}

type fieldChange struct {
	Path string          `json:"path"`
	Old  json.RawMessage `json:"old"`
	New  json.RawMessage `json:"new"`
}

type event struct {
	ID         string        `json:"id"`
	Revision   int64         `json:"revision"`
	ChangeType string        `json:"change_type"`
	Key        string        `json:"key"`
	Region     string        `json:"region"`
	Type       string        `json:"type"`
	ResourceID string        `json:"resource_id"`
	Changes    []fieldChange `json:"changes"`
}

type scanItem struct {
	ScanID        int64     `json:"scan_id"`
	Revision      int64     `json:"revision"`
	EndTime       time.Time `json:"end_time"`
	ResourceCount int       `json:"resource_count"`
	ErrorCount    int       `json:"error_count"`
	Status        string    `json:"status"`
	Created       int       `json:"created"`
	Modified      int       `json:"modified"`
	Disappeared   int       `json:"disappeared"`
	Baseline      int       `json:"baseline"`
	FailedScopes  []struct{ Account, Region, Type, Error string }
}

type scopeItem struct {
	Account       string `json:"account"`
	Region        string `json:"region"`
	Type          string `json:"type"`
	Status        string `json:"status"`
	ResourceCount int    `json:"resource_count"`
	LastError     string `json:"last_error"`
}

type healthStatus struct {
	Status               string     `json:"status"`
	LastReconciliation   *time.Time `json:"last_reconciliation"`
	ReconciliationErrors int        `json:"reconciliation_errors"`
	StorageHealthy       bool       `json:"storage_healthy"`
	Phase                string     `json:"phase"`
	Reasons              []string   `json:"reasons"`
}

// process is a command that goes on until it is told to end.
type process struct {
	*processtest.Process
	e *elava
}

// start runs a command in the background. It is killed at the end of the test.
func (e *elava) start(t testing.TB, args ...string) *process {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Dir = e.env, e.home
	p := &process{e: e}
	t.Cleanup(func() {
		if p.Process != nil {
			noRace(t, p.Log.Text())
		}
	})
	p.Process = processtest.Start(t, cmd, waitLimit)
	return p
}

// serve starts a daemon on a free port and returns when it listens.
func (e *elava) serve(t testing.TB, args ...string) *process {
	t.Helper()
	p := e.start(t, append([]string{"serve", "--storage-path", e.store, "--metrics-port", "0"}, args...)...)
	p.Listening(t)
	return p
}

// nextScans waits for n more scans that begin after now.
func (p *process) nextScans(t testing.TB, n int) {
	t.Helper()
	scans := p.source().scans(t)
	last := int64(0)
	if len(scans) > 0 {
		last = scans[len(scans)-1].ScanID
	}
	p.AwaitScan(t, last+1+int64(n)) // one may be under way
}

func (p *process) source() source { return source{p.e, []string{"--server", p.URL}} }

// get asks the HTTP server.
func (p *process) get(t testing.TB, path string) (int, string) {
	t.Helper()
	return fetch(t, p.URL+path, nil)
}

func fetch(t testing.TB, url string, change func(*http.Request)) (int, string) {
	t.Helper()
	code, body, err := processtest.Fetch(t.Context(), url, change)
	if err != nil {
		t.Fatal(err)
	}
	return code, body
}

func (p *process) health(t testing.TB) healthStatus {
	t.Helper()
	code, body := p.get(t, "/health")
	var h healthStatus
	if err := json.Unmarshal([]byte(body), &h); err != nil {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	if want := map[bool]int{true: 503, false: 200}[h.Status == "unhealthy"]; code != want {
		t.Errorf("/health answers %d, want %d: %s", code, want, body)
	}
	return h
}

// awaitHealth asks until the answer is as wanted.
func (p *process) awaitHealth(t testing.TB, what string, wanted func(healthStatus) bool) healthStatus {
	t.Helper()
	var h healthStatus
	eventually(t, what, func() bool {
		h = p.health(t)
		return wanted(h)
	}, func() string { return fmt.Sprintf("health is %+v", h) })
	return h
}

// eventually asks until the answer is yes. It is for what no signal tells.
func eventually(t testing.TB, what string, ask func() bool, otherwise func() string) {
	t.Helper()
	deadline := time.Now().Add(waitLimit)
	for !ask() {
		if time.Now().After(deadline) {
			t.Fatalf("not in %s: %s; %s", waitLimit, what, otherwise())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// stop ends a daemon as its supervisor would and checks that it ended cleanly.
func (p *process) stop(t testing.TB) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	code, took := p.Exit(t)
	if code != 0 || !strings.Contains(p.Log.Text(), "Daemon stopped") {
		t.Fatalf("after SIGTERM: exit code %d in %s\n%s", code, took, processtest.Tail(p.Log.Text()))
	}
}
