// Package processtest runs the program that users run, as a process of its own, for tests:
// what it writes can be read while it writes, its lines awaited, and it never outlives the
// test. What a test wants to know of the program beyond that is the test's own.
package processtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"
)

// buildLimit is for a build that has to compile the AWS SDK.
const buildLimit = 15 * time.Minute

// Build builds the program into a directory of its own, under the system's for temporary
// files, and returns its path. remove deletes it. env is added to the environment of the
// build.
func Build(env, flags []string) (program string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "elava-test-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) } // what is left of it is the system's to delete
	program = filepath.Join(dir, "elava")
	ctx, cancel := context.WithTimeout(context.Background(), buildLimit)
	defer cancel()
	build := exec.CommandContext(ctx, "go", append(append([]string{"build"}, flags...), "-o", program, "github.com/elava-dev/elava/cmd/elava")...)
	build.Env = append(os.Environ(), env...)
	if out, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("building elava: %w\n%s", err, out)
	}
	return program, remove, nil
}

// Random returns random numbers whose seed is printed, and can be given by the variable
// ELAVA_SEED.
func Random(t testing.TB) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("ELAVA_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed: ELAVA_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// Process is a command that goes on until it is told to end. One goroutine, that of the
// test, calls its methods.
type Process struct {
	Stdout, Log *Output // Log is what it writes to its standard error
	URL         string  // of its HTTP server, once Listening has returned
	Limit       time.Duration

	cmd    *exec.Cmd
	exited chan struct{}
}

// Start runs a command in the background; its outputs are taken. It is killed at the end
// of the test, which prints its log if it has failed. What was given to t.Cleanup before
// runs after that. limit is for what the command has to do some time: no verdict should
// hang on how soon.
func Start(t testing.TB, cmd *exec.Cmd, limit time.Duration) *Process {
	t.Helper()
	p := &Process{Stdout: NewOutput(), Log: NewOutput(), Limit: limit, cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.Stdout, p.Log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = cmd.Wait() // the test asks for its code
	}()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("log of %q:\n%s", cmd.Args, Tail(p.Log.Text()))
		}
	})
	return p
}

// PID returns the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended and all that it wrote can be read.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Code returns how the process ended, once it has: its exit code, or -1 for a signal.
func (p *Process) Code() int { return p.cmd.ProcessState.ExitCode() }

// Signal sends a signal. A process that has ended does not mind.
func (p *Process) Signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// Kill gives the process no time to say goodbye, and returns when it has ended.
func (p *Process) Kill() {
	p.Log.Release()
	_ = p.cmd.Process.Kill() // else it has ended
	<-p.exited
}

// Exit waits for the end and returns the exit code and how long it took from now.
func (p *Process) Exit(t testing.TB) (code int, took time.Duration) {
	t.Helper()
	began := time.Now()
	limit := time.NewTimer(p.Limit)
	defer limit.Stop()
	select {
	case <-p.exited:
		return p.Code(), time.Since(began)
	case <-limit.C:
		t.Fatalf("the process did not end in %s", p.Limit)
		return 0, 0
	}
}

// Listening waits until the process says where its HTTP server listens.
func (p *Process) Listening(t testing.TB) {
	t.Helper()
	p.URL = "http://127.0.0.1:" + p.Await(t, `Metrics server listening on \S*:(\d+)`)[1]
}

// AwaitScan waits until the log tells that the scan with a number is stored, and returns
// what it says.
func (p *Process) AwaitScan(t testing.TB, n int64) string {
	t.Helper()
	return p.Await(t, fmt.Sprintf(`\[Scan #%d\].*`, n))[0]
}

// Await waits for a line of the log and returns what the groups of the pattern matched.
func (p *Process) Await(t testing.TB, pattern string) []string {
	t.Helper()
	return p.AwaitIn(t, p.Log, 0, pattern)
}

// AwaitIn waits for a line of an output behind its first bytes.
func (p *Process) AwaitIn(t testing.TB, o *Output, behind int, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	limit := time.NewTimer(p.Limit)
	defer limit.Stop()
	exited := p.exited
	for {
		text, more := o.Read()
		if m := re.FindStringSubmatch(text[behind:]); m != nil {
			return m
		}
		if exited == nil {
			t.Fatalf("the process ended with code %d before it wrote %q:\n%s", p.Code(), pattern, Tail(text))
		}
		select {
		case <-more:
		case <-exited:
			exited = nil // look once more
		case <-limit.C:
			t.Fatalf("nothing in %s like %q:\n%s", p.Limit, pattern, Tail(text))
		}
	}
}

// Tail returns the end of a long text.
func Tail(s string) string {
	const most = 6000
	if len(s) > most {
		return "..." + s[len(s)-most:]
	}
	return s
}

// Output is what a process writes, to be read while it writes.
type Output struct {
	held    sync.Mutex // while nothing is taken
	holding bool

	mu      sync.Mutex
	buf     bytes.Buffer
	written chan struct{} // closed and replaced at every write
}

// NewOutput returns an empty one.
func NewOutput() *Output { return &Output{written: make(chan struct{})} }

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	o.held.Lock()
	o.held.Unlock() //nolint:staticcheck // to wait
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.written)
	o.written = make(chan struct{})
	return o.buf.Write(p)
}

// Hold has nobody take what is written: the process stands still when the pipe is full.
// Hold and Release are for the goroutine of the test.
func (o *Output) Hold() {
	o.held.Lock()
	o.holding = true
}

// Release ends that, if anything is held.
func (o *Output) Release() {
	if o.holding {
		o.holding = false
		o.held.Unlock()
	}
}

// Text returns what was written up to now.
func (o *Output) Text() string {
	text, _ := o.Read()
	return text
}

// Read returns what was written up to now, and a channel that is closed when there is more.
func (o *Output) Read() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String(), o.written
}

// Fetch asks an HTTP server on a connection of its own; change, if not nil, alters the
// request before it is sent.
func Fetch(ctx context.Context, url string, change func(*http.Request)) (code int, body string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	if change != nil {
		change(r)
	}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or broken
	b, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(b), err
}
