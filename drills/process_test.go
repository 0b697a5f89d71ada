//go:build linux

package drills

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elava-dev/elava/e2e/processtest"
)

// waitLimit is for what has to happen some time; no verdict hangs on how soon.
const waitLimit = 10 * time.Minute

// installation is a directory with a configuration and a store.
type installation struct {
	dir   string
	store string
	env   []string
}

func install(t testing.TB, env ...string) *installation {
	t.Helper()
	dir := t.TempDir()
	return &installation{dir: dir, store: filepath.Join(dir, "data"), env: append([]string{
		"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED=true",
	}, env...)}
}

func (i *installation) config() string { return filepath.Join(i.dir, "elava.yaml") }

// configure writes the configuration: keys of daemon and cloud, and other sections.
func (i *installation) configure(t testing.TB, daemon, cloud string, sections ...string) {
	t.Helper()
	text := fmt.Sprintf("daemon: {metrics_port: 0, listen_address: 127.0.0.1, %s}\ncloud: {%s}\nstorage: {path: %s}\n%s\n",
		daemon, cloud, i.store, strings.Join(sections, "\n"))
	next := i.config() + ".next" // as one should: a daemon may be reading it
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, i.config()); err != nil {
		t.Fatal(err)
	}
}

// demoCloud are the keys of cloud for a demo cloud; the oracle knows the same one.
func demoCloud(resources int, changeRate string, faults ...string) string {
	list, err := json.Marshal(append([]string{}, faults...)) // which is YAML too
	if err != nil {
		panic(err) // of strings
	}
	return fmt.Sprintf(`provider: demo, region: [us-east-1, eu-west-1], demo: {resources: %d, change_rate: %s, faults: %s}`,
		resources, changeRate, list)
}

// process is a daemon.
type process struct {
	*processtest.Process
	i *installation
}

// serve starts a daemon and returns when it answers. It is killed at the end of the test.
func (i *installation) serve(t testing.TB) *process {
	t.Helper()
	return i.serveBy(t, exec.Command(program, "serve", "--config", i.config()))
}

func (i *installation) serveBy(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := i.start(t, cmd)
	p.Listening(t)
	return p
}

func (i *installation) start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	cmd.Env, cmd.Dir = i.env, i.dir
	p := &process{i: i}
	t.Cleanup(func() {
		if p.Process == nil {
			return
		}
		if log := p.Log.Text(); strings.Contains(log, "goroutine ") && !strings.Contains(log, "The provider panicked") {
			t.Errorf("the daemon panicked:\n%s", processtest.Tail(log))
		}
	})
	p.Process = processtest.Start(t, cmd, waitLimit)
	return p
}

// behind is how much was logged up to now.
func (p *process) behind() int { return len(p.Log.Text()) }

// awaitBehind waits for a line behind what had been logged at some time.
func (p *process) awaitBehind(t testing.TB, offset int, pattern string) []string {
	t.Helper()
	return p.AwaitIn(t, p.Log, offset, pattern)
}

var scanLine = regexp.MustCompile(`\[Scan #(\d+)\]`)

// lastScan is the newest scan that the log tells of.
func (p *process) lastScan() int64 {
	all := scanLine.FindAllStringSubmatch(p.Log.Text(), -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(all[len(all)-1][1], 10, 64) // digits
	return n
}

// nextScans waits for n more scans that begin after now.
func (p *process) nextScans(t testing.TB, n int64) {
	t.Helper()
	p.AwaitScan(t, p.lastScan()+1+n) // one may be under way
}

func (p *process) get(t testing.TB, path string) string {
	t.Helper()
	body, err := p.tryGet(t, path)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func (p *process) tryGet(t testing.TB, path string) (string, error) {
	t.Helper()
	_, body, err := processtest.Fetch(t.Context(), p.URL+path, nil)
	return body, err
}

type health struct {
	Status         string
	StorageHealthy bool `json:"storage_healthy"`
	Phase          string
	Reasons        []string
	Notices        []string
}

func (p *process) health(t testing.TB) (h health) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.get(t, "/health")), &h); err != nil {
		t.Fatal(err)
	}
	return h
}

// awaitHealth asks until health is as wanted. No signal tells that.
func (p *process) awaitHealth(t testing.TB, what string, wanted func(health) bool) health {
	t.Helper()
	for deadline := time.Now().Add(waitLimit); ; time.Sleep(2 * time.Millisecond) {
		h := p.health(t)
		if wanted(h) {
			return h
		}
		if time.Now().After(deadline) {
			t.Fatalf("not in %s: %s; health is %+v", waitLimit, what, h)
		}
	}
}

// awaitMetric asks until a metric is as wanted.
func (p *process) awaitMetric(t testing.TB, name string, wanted func(float64) bool) float64 {
	t.Helper()
	for deadline := time.Now().Add(waitLimit); ; time.Sleep(10 * time.Millisecond) {
		v := p.metric(t, name)
		if wanted(v) {
			return v
		}
		if time.Now().After(deadline) {
			t.Fatalf("not in %s: %s is %v", waitLimit, name, v)
		}
	}
}

// metric returns the sum of all series of that name.
func (p *process) metric(t testing.TB, name string) float64 {
	t.Helper()
	return sumOf(t, p.get(t, "/metrics"), name)
}

func sumOf(t testing.TB, metrics, name string) (sum float64) {
	t.Helper()
	for line := range strings.Lines(metrics) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if i := strings.LastIndexByte(line, '}'); i > 0 {
			series, value = line[:strings.IndexByte(line, '{')], strings.TrimSpace(line[i+1:])
		}
		if series != name {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		sum += v
	}
	return sum
}

var heapAlloc = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)

// heap is what lives on the heap, in MiB, after a collection.
func (p *process) heap(t testing.TB) float64 {
	t.Helper()
	m := heapAlloc.FindStringSubmatch(p.get(t, "/debug/pprof/heap?debug=1&gc=1"))
	if m == nil {
		t.Fatal("the profile has no HeapAlloc")
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return n / (1 << 20)
}

// files is how many file descriptors the process has open beside those of the store's own
// files, whose number grows with what is stored.
func (p *process) files(t testing.TB) float64 {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", p.PID())
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0.0
	for _, fd := range all {
		target, err := os.Readlink(filepath.Join(dir, fd.Name()))
		if err == nil && !strings.HasPrefix(target, p.i.store) { // else it has just been closed
			n++
		}
	}
	return n
}

// memory is what /proc/PID/status says under a name, in MiB.
func (p *process) memory(t testing.TB, name string) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseFloat(strings.Fields(kb)[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			return n / 1024
		}
	}
	t.Fatalf("no %s in the status of the process", name)
	return 0
}

// stop ends a daemon as its supervisor would. It has to end cleanly.
func (p *process) stop(t testing.TB) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code, took := p.Exit(t); code != 0 {
		t.Fatalf("after SIGTERM: exit code %d after %s", code, took)
	}
}

// reload has the daemon read its configuration again, and waits for what it says to that.
func (p *process) reload(t testing.TB) string {
	t.Helper()
	offset := p.behind()
	p.Signal(t, syscall.SIGHUP)
	return p.awaitBehind(t, offset, `(Configuration (?:reloaded|refused).*)\n`)[1]
}
