package docs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elava-dev/elava/provider/aws/mototest"
)

// commandLimit is how long a command may take, on a machine that has other work as well.
const commandLimit = 3 * time.Minute

// notRun are the commands that are not run here, by page and beginning, and why.
var notRun = []struct{ page, begins, why string }{
	{"*", "docker ", "needs an engine of containers; e2e and deploy test what is in the image"},
	{"*", "kubectl ", "needs a cluster"},
	{"*", "helm install", "needs a cluster; deploy renders and checks the chart"},
	{"*", "helm upgrade", "needs a cluster; deploy renders and checks the chart"},
	{"*", "systemctl ", "needs a running systemd; e2e verifies the unit"},
	{"*", "journalctl ", "needs a running systemd"},
	{"*", "make test", "is what runs this"},
	{"docs/api.md", "curl 'http://127.0.0.1:2112/api/v1/resources?type=*instance*&limit=50&cursor=eyJy", "the cursor is that of another answer, cut short"},
	{"docs/backup-format.md", "install -m 600 redaction.key ", "there is a key only where the cloud was AWS; here it is the demo cloud"},
	{"docs/cli.md", "elava completion zsh", "fpath is zsh's; e2e completes in a zsh that is set up so"},
	{"docs/cli.md", "elava completion fish", "the directory is fish's; e2e completes in a fish that is set up so"},
}

// exitCodes are those of commands that a page shows failing; all others exit with 0.
var exitCodes = map[string]int{
	"elava config --config elava.yaml --metrics-port 99999": 2,
}

// standIns are what a reader puts in place of what a page says.
func (r *reader) standIns() []string {
	return []string{
		"--interval 10s", "--interval 1s", // nobody likes to wait
		"192.0.2.10:2112", "127.0.0.1:" + r.port,
		"127.0.0.1:2112", "127.0.0.1:" + r.port,
		"localhost:2112", "localhost:" + r.port,
		"i-0a1b2c3d4e5f60718", r.id,
		"aws/123456789012/us-east-1/AWS::EC2::Instance/i-0abc", r.key,
		"/var/lib/elava/data", filepath.Join(r.home, "var", "data"),
		" TYPE", " '*instance*'",
		" DIR", " " + filepath.Join(r.home, "closed"),
	}
}

// TestFollow runs every command of every page, in order, in a home of the page's own in
// which a daemon with the demo cloud has recorded ten days.
func TestFollow(t *testing.T) {
	template := t.TempDir()
	var days []time.Time
	for day := range 10 {
		days = append(days, time.Now().Add(time.Duration(day-10)*24*time.Hour))
	}
	recordDemo(t, filepath.Join(template, "store"), days)
	moto := mototest.Start(t)
	all := map[string][]command{}
	for _, page := range pages(t) {
		commands, unmarked := readPage(page, pageText(t, page))
		for _, c := range unmarked {
			t.Errorf("%s: looks like a command: put it into a block marked sh or console, or into one marked text", c)
		}
		all[page] = commands
	}
	checkExceptions(t, all)
	for _, page := range slices.Sorted(maps.Keys(all)) {
		commands := all[page]
		if len(commands) == 0 {
			continue
		}
		t.Run(page, func(t *testing.T) {
			r := newReader(t, page, filepath.Join(template, "store"), moto.URL)
			defer r.stop(t)
			for _, c := range commands {
				if why := exception(c); why == "" {
					r.follow(t, c)
				}
			}
		})
	}
}

func exception(c command) string {
	for _, e := range notRun {
		if (e.page == "*" || e.page == c.page) && strings.HasPrefix(c.text, e.begins) {
			return e.why
		}
	}
	return ""
}

// checkExceptions fails for those that no page needs. Those of any page may be needed by none.
func checkExceptions(t *testing.T, all map[string][]command) {
	t.Helper()
	for _, e := range notRun {
		needed := slices.ContainsFunc(all[e.page], func(c command) bool { return strings.HasPrefix(c.text, e.begins) })
		if e.page != "*" && !needed {
			t.Errorf("%s has no command %q: take it off the list", e.page, e.begins)
		}
	}
	for text := range exitCodes {
		shown := false
		for _, commands := range all {
			shown = shown || slices.ContainsFunc(commands, func(c command) bool { return c.text == text })
		}
		if !shown {
			t.Errorf("no page has the command %q: take it off the list", text)
		}
	}
}

// reader is somebody who follows a page.
type reader struct {
	home, work string
	port       string
	env        []string
	id, key    string // of a resource with a past
	daemon     *running
}

func newReader(t *testing.T, page, store, moto string) *reader {
	t.Helper()
	r := &reader{home: t.TempDir(), port: freePort(t)}
	r.work = filepath.Join(r.home, "work")
	if page == "README.md" || page == "CONTRIBUTING.md" {
		cleanCheckout(t, r.work)
	}
	files := map[string]string{
		"work/elava.yaml":   "cloud:\n  provider: demo\n",
		"work/token":        "secret\n",
		".curlrc":           "fail\nsilent\nshow-error\n", // what is refused is an error
		".aws/config":       "[profile my-profile]\nregion = us-east-1\naws_access_key_id = test\naws_secret_access_key = test\n",
		"var/made-by-setup": "",
	}
	for name, text := range files {
		file := filepath.Join(r.home, filepath.FromSlash(name))
		check(t, os.MkdirAll(filepath.Dir(file), 0o755))
		check(t, os.WriteFile(file, []byte(text), 0o600))
	}
	check(t, os.CopyFS(filepath.Join(r.home, ".local", "state", "elava", "data"), os.DirFS(store)))
	check(t, os.CopyFS(filepath.Join(r.home, "closed"), os.DirFS(store)))
	r.env = append(toolchain(t),
		"HOME="+r.home, "TMPDIR="+r.home, "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"),
		"ELAVA_LISTEN_ADDRESS=127.0.0.1", "ELAVA_METRICS_PORT="+r.port, "ELAVA_SERVER=http://127.0.0.1:"+r.port,
		"AWS_ENDPOINT_URL="+moto, "AWS_EC2_METADATA_DISABLED=true", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
	)
	r.key, r.id = r.pastOf(t)
	return r
}

// toolchain is what go needs of the environment so that it compiles nothing anew.
func toolchain(t *testing.T) []string {
	t.Helper()
	env := []string{"CGO_ENABLED=0", "GOFLAGS=-trimpath"}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GOTOOLCHAIN"} {
		out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		check(t, err)
		env = append(env, name+"="+strings.TrimSpace(string(out)))
	}
	return env
}

// cleanCheckout copies what git knows or would take up.
func cleanCheckout(t *testing.T, dir string) {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	check(t, err)
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and not committed yet
		}
		check(t, err)
		info, err := os.Stat(filepath.Join(root, name))
		check(t, err)
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		check(t, os.WriteFile(filepath.Join(dir, name), text, info.Mode().Perm()))
	}
}

// pastOf returns a resource that was there at the first scan, is there now, and was
// modified in between.
func (r *reader) pastOf(t *testing.T) (key, id string) {
	t.Helper()
	out, err := r.run(t.Context(), `elava query --storage-path ../closed -o csv "select key, id from resources where type like '%Instance' and revision between 4 and 6 and id in (select id from versions where revision = 1) order by 1 limit 1"`)
	check(t, err)
	_, row, _ := strings.Cut(strings.TrimSpace(out), "\n")
	key, id, found := strings.Cut(row, ",")
	if !found {
		t.Fatalf("no resource has a past: %q", out)
	}
	return key, id
}

// shell returns a command that is ready to be run. Of AWS it lists what moto knows.
func (r *reader) shell(ctx context.Context, text string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", "-o", "pipefail", "-c", text)
	cmd.Env, cmd.Dir = r.env, r.work
	if !strings.Contains(text, "--provider demo") {
		cmd.Env = append(slices.Clone(r.env), "ELAVA_CLOUD_INCLUDE_TYPES="+strings.Join(mototest.Populated, ","))
	}
	return cmd
}

// run runs a command to its end and returns what it wrote to standard output.
func (r *reader) run(ctx context.Context, text string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	cmd := r.shell(ctx, text)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%w\n%s%s", err, tail(stdout.String()), tail(stderr.String()))
	}
	return stdout.String(), nil
}

func tail(s string) string { return s[max(0, len(s)-2000):] }

var (
	startsDaemon = regexp.MustCompile(`\belava serve\b`)
	scansOnce    = regexp.MustCompile(`\belava (scan\b|serve\b.*--once)`)
	neverEnds    = regexp.MustCompile(`--follow\b|\bcurl -N\b`)
	asksDaemon   = regexp.MustCompile(`\belava (resources|show|history|diff|changes|scans|scopes|query|export|storage (stats|backup))\b|\bcurl\b`)
)

// follow does what a reader would do with a command: a daemon is left running until the next
// one, what never ends is looked at until it shows something, and all else ends.
func (r *reader) follow(t *testing.T, c command) {
	t.Helper()
	text := strings.NewReplacer(r.standIns()...).Replace(c.text)
	switch {
	case scansOnce.MatchString(text):
		r.stop(t)
	case startsDaemon.MatchString(text):
		r.stop(t)
		r.serve(t, c, text)
		return
	case asksDaemon.MatchString(text) && !strings.Contains(text, "--storage-path"):
		r.needDaemon(t)
	}
	if neverEnds.MatchString(text) {
		p := r.start(t, c, text)
		p.await(t, p.stdout, `\S`)
		p.end(t, syscall.SIGINT)
		return
	}
	_, err := r.run(t.Context(), text)
	exit := (*exec.ExitError)(nil)
	code := 0
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	if err != nil && (exit == nil || code != exitCodes[c.text]) || code != exitCodes[c.text] {
		t.Errorf("%s: exit code %d, want %d: %v", c, code, exitCodes[c.text], err)
	}
}

// needDaemon starts the daemon that the reader of a page has, unless one is running.
func (r *reader) needDaemon(t *testing.T) {
	t.Helper()
	if r.daemon == nil {
		c := command{page: "here", text: "elava serve --provider demo --interval 1s"}
		r.serve(t, c, c.text)
	}
}

func (r *reader) serve(t *testing.T, c command, text string) {
	t.Helper()
	r.daemon = r.start(t, c, text)
	r.daemon.await(t, r.daemon.stderr, `\[Scan #\d+\] Found`)
}

func (r *reader) stop(t *testing.T) {
	t.Helper()
	if r.daemon != nil {
		r.daemon.end(t, syscall.SIGTERM)
		r.daemon = nil
	}
}

// running is a command that does not end by itself.
type running struct {
	command        command
	cmd            *exec.Cmd
	stdout, stderr *bufio.Reader
	said           strings.Builder
}

func (r *reader) start(t *testing.T, c command, text string) *running {
	t.Helper()
	p := &running{command: c, cmd: r.shell(context.Background(), text)} // it is ended by end
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}             // bash, and what it starts
	for _, stream := range []struct {
		into *io.Writer
		out  **bufio.Reader
	}{{&p.cmd.Stdout, &p.stdout}, {&p.cmd.Stderr, &p.stderr}} {
		from, to, err := os.Pipe()
		check(t, err)
		t.Cleanup(func() { _ = from.Close() })
		*stream.into, *stream.out = to, bufio.NewReader(from)
		defer to.Close() // the process has its own
	}
	check(t, p.cmd.Start())
	t.Cleanup(func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }) // where it has not ended
	return p
}

// await reads until something matches.
func (p *running) await(t *testing.T, from *bufio.Reader, pattern string) {
	t.Helper()
	limit := time.AfterFunc(commandLimit, func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
	defer limit.Stop()
	re := regexp.MustCompile(pattern)
	for {
		line, err := from.ReadString('\n')
		p.said.WriteString(line)
		if re.MatchString(line) {
			go func() { _, _ = io.Copy(io.Discard, from) }() // or it would wait for a reader
			return
		}
		if err != nil {
			rest, _ := io.ReadAll(p.stderr)
			t.Fatalf("%s: ended before it wrote %q\n%s%s", p.command, pattern, tail(p.said.String()), tail(string(rest)))
		}
	}
}

func (p *running) end(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-p.cmd.Process.Pid, s); err != nil {
		t.Errorf("%s: %v", p.command, err)
	}
	if err := p.cmd.Wait(); err != nil && s == syscall.SIGTERM {
		t.Errorf("%s: at its end: %v", p.command, err)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
