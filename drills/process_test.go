//go:build linux

package drills

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
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
	i      *installation
	cmd    *exec.Cmd
	log    *output
	exited chan struct{} // closed when it ended
	code   int           // valid then; -1: by a signal
	url    string
}

// serve starts a daemon and returns when it answers. It is killed at the end of the test.
func (i *installation) serve(t testing.TB) *process {
	t.Helper()
	return i.serveBy(t, exec.Command(program, "serve", "--config", i.config()))
}

func (i *installation) serveBy(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := i.start(t, cmd)
	p.url = "http://127.0.0.1:" + p.await(t, `Metrics server listening on \S*:(\d+)`)[1]
	return p
}

func (i *installation) start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{i: i, cmd: cmd, log: newOutput(), exited: make(chan struct{})}
	cmd.Env, cmd.Dir = i.env, i.dir
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		p.log.readAll(r)
		r.Close()
		_ = cmd.Wait()
		p.code = cmd.ProcessState.ExitCode()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.log.release()
		_ = cmd.Process.Kill()
		<-p.exited
		if log, _ := p.log.text(); strings.Contains(log, "goroutine ") && !strings.Contains(log, "The provider panicked") {
			t.Errorf("the daemon panicked:\n%s", tail(log))
		} else if t.Failed() {
			t.Logf("log:\n%s", tail(log))
		}
	})
	return p
}

func tail(s string) string {
	if len(s) > 5000 {
		return "..." + s[len(s)-5000:]
	}
	return s
}

// output is what a process writes, to be read while it writes. It can be held: then nobody
// reads, and the process stands still when the pipe is full.
type output struct {
	held    sync.Mutex
	holding bool

	mu   sync.Mutex
	buf  bytes.Buffer
	more chan struct{} // closed and replaced whenever there is more
}

func newOutput() *output { return &output{more: make(chan struct{})} }

func (o *output) readAll(r io.Reader) {
	chunk := make([]byte, 4096)
	for {
		o.held.Lock()
		o.held.Unlock() //nolint:staticcheck // to wait
		n, err := r.Read(chunk)
		o.mu.Lock()
		o.buf.Write(chunk[:n])
		close(o.more)
		o.more = make(chan struct{})
		o.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// hold and release are for the goroutine of the test.
func (o *output) hold() {
	o.held.Lock()
	o.holding = true
}

func (o *output) release() {
	if o.holding {
		o.holding = false
		o.held.Unlock()
	}
}

func (o *output) text() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String(), o.more
}

// await waits for a line of the log and returns what the groups of the pattern matched.
func (p *process) await(t testing.TB, pattern string) []string {
	t.Helper()
	return p.awaitBehind(t, 0, pattern)
}

// behind is how much was logged up to now.
func (p *process) behind() int {
	text, _ := p.log.text()
	return len(text)
}

// awaitBehind waits for a line behind what had been logged at some time.
func (p *process) awaitBehind(t testing.TB, offset int, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	limit := time.NewTimer(waitLimit)
	defer limit.Stop()
	exited := p.exited
	for {
		text, more := p.log.text()
		if m := re.FindStringSubmatch(text[offset:]); m != nil {
			return m
		}
		if exited == nil {
			t.Fatalf("the daemon ended with code %d before it logged %q:\n%s", p.code, pattern, tail(text))
		}
		select {
		case <-more:
		case <-exited:
			exited = nil // look once more
		case <-limit.C:
			t.Fatalf("nothing in %s like %q:\n%s", waitLimit, pattern, tail(text))
		}
	}
}

// awaitScan waits until a scan is stored.
func (p *process) awaitScan(t testing.TB, n int64) {
	t.Helper()
	p.await(t, fmt.Sprintf(`\[Scan #%d\]`, n))
}

var scanLine = regexp.MustCompile(`\[Scan #(\d+)\]`)

// lastScan is the newest scan that the log tells of.
func (p *process) lastScan() int64 {
	text, _ := p.log.text()
	all := scanLine.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(all[len(all)-1][1], 10, 64) // digits
	return n
}

// nextScans waits for n more scans that begin after now.
func (p *process) nextScans(t testing.TB, n int64) {
	t.Helper()
	p.awaitScan(t, p.lastScan()+1+n) // one may be under way
}

var client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}

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
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		return "", err
	}
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	return string(b), err
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
	dir := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
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

// peak is the most memory that the process ever had resident, in MiB, files that it maps
// included.
func (p *process) peak(t testing.TB) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseFloat(strings.Fields(kb)[0], 64)
			if err != nil {
				t.Fatal(err)
			}
			return n / 1024
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// exit waits for the end and returns the exit code and how long it took.
func (p *process) exit(t testing.TB) (int, time.Duration) {
	t.Helper()
	began := time.Now()
	select {
	case <-p.exited:
		return p.code, time.Since(began)
	case <-time.After(waitLimit):
		t.Fatalf("the daemon did not end in %s", waitLimit)
		return 0, 0
	}
}

// stop ends a daemon as its supervisor would. It has to end cleanly.
func (p *process) stop(t testing.TB) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	if code, took := p.exit(t); code != 0 {
		t.Fatalf("after SIGTERM: exit code %d after %s", code, took)
	}
}

// reload has the daemon read its configuration again, and waits for what it says to that.
func (p *process) reload(t testing.TB) string {
	t.Helper()
	offset := p.behind()
	p.signal(t, syscall.SIGHUP)
	return p.awaitBehind(t, offset, `(Configuration (?:reloaded|refused).*)\n`)[1]
}
