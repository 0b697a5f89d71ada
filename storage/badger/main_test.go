package badger_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Some tests need a process of their own: to kill it, to have it hold a lock, or because
// the engine may end it. It is the test binary again, with a role and its orders in the
// environment.
const (
	roleVariable   = "STORAGETEST_ROLE"
	ordersVariable = "STORAGETEST_ORDERS"
)

// roles are what a process can be started for. It gets its orders as JSON and ends when
// the role ends, or when the parent does.
var roles = map[string]func(orders []byte) error{
	"play":   playSequence,
	"hold":   holdStore,
	"answer": answerAboutStores,
	"fill":   fillDisk,
}

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		inMemory()
		os.Exit(m.Run())
	}
	if err := roles[role]([]byte(os.Getenv(ordersVariable))); err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// inMemory puts temporary directories into memory, where the system has a file system there
// that is large enough: most tests need no disk, and would wait for nothing else.
func inMemory() {
	const memory = "/dev/shm"
	if os.Getenv("TMPDIR") == "" && hasSpace(memory) {
		if err := os.Setenv("TMPDIR", memory); err != nil {
			panic(err)
		}
	}
}

// process is a child in one of the roles.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	stderr *strings.Builder
}

func start(t testing.TB, role string, orders any) *process {
	t.Helper()
	return startWith(t, role, orders, func(*exec.Cmd) {})
}

// startWith is start after a change to how the process is started.
func startWith(t testing.TB, role string, orders any, change func(*exec.Cmd)) *process {
	t.Helper()
	text, err := json.Marshal(orders)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(self), stderr: &strings.Builder{}}
	p.cmd.Env = append(os.Environ(), roleVariable+"="+role, ordersVariable+"="+string(text))
	p.cmd.Stderr = p.stderr
	p.cmd.WaitDelay = time.Minute
	change(p.cmd)
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewScanner(out)
	p.out.Buffer(nil, 64<<20)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.kill()
		_, _ = p.wait()
	})
	return p
}

// line waits for the next line of output; "" at the end.
func (p *process) line() string {
	p.out.Scan()
	return p.out.Text()
}

// kill ends the process as the system would that needs its memory.
func (p *process) kill() { _ = p.cmd.Process.Kill() }

// wait waits for the end of the process and returns what it had still to say.
func (p *process) wait() (rest []string, err error) {
	for p.out.Scan() {
		rest = append(rest, p.out.Text())
	}
	return rest, p.cmd.Wait()
}

// endWithParent ends this process when the parent has died: then its input ends.
func endWithParent() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(2)
	}()
}

// say writes a line to the parent. What was said before a kill arrives.
func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }
