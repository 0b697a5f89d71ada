// Package deploy tests what is there to be copied: the unit, the image's contents, the
// chart, the alerts. It holds tests only. What a test needs and is missing fails it, with
// the name of the Debian package that has it.
package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// tool runs a program to its end and returns what it printed.
func tool(t testing.TB, debianPackage, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v: it is in Debian's package %s", err, debianPackage)
	}
	return output(t, exec.Command(path, args...))
}

func output(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}

var exposure = regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)

func TestUnit_IsValidAndHardened(t *testing.T) {
	text, err := os.ReadFile("systemd/elava.service")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable() // systemd wants the program to be there
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "elava.service")
	if err := os.WriteFile(unit, bytes.ReplaceAll(text, []byte("/usr/local/bin/elava"), []byte(self)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := tool(t, "systemd", "systemd-analyze", "verify", unit); strings.TrimSpace(out) != "" {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	out := tool(t, "systemd", "systemd-analyze", "security", "--offline=true", unit)
	m := exposure.FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("no exposure level in:\n%s", out)
	}
	if level, err := strconv.ParseFloat(m[1], 64); err != nil || level > 2.0 {
		t.Errorf("exposure level %s, want at most 2.0\n%s", m[1], out)
	}
}

func TestRules_AreValidAndFireWhenTheyShould(t *testing.T) {
	tool(t, "prometheus", "promtool", "check", "rules", "--lint=all", "--lint-fatal", "prometheus/rules.yaml")
	tool(t, "prometheus", "promtool", "test", "rules", "prometheus/rules_test.yaml")
}

var (
	alertName = regexp.MustCompile(`(?m)^ *- alert: (\w+)$`)
	runbook   = regexp.MustCompile(`runbook_url: \S*/docs/runbook\.md#(\w+)`)
)

func TestRules_HaveAnEntryInTheRunbookAndATest(t *testing.T) {
	rules, pages := read(t, "prometheus/rules.yaml"), read(t, "../docs/runbook.md")
	tests := read(t, "prometheus/rules_test.yaml")
	names, links := alertName.FindAllStringSubmatch(rules, -1), runbook.FindAllStringSubmatch(rules, -1)
	if len(names) == 0 || len(names) != len(links) {
		t.Fatalf("%d alerts have %d links to the runbook", len(names), len(links))
	}
	for i, n := range names {
		if !strings.Contains(pages, "\n## "+n[1]+"\n") || links[i][1] != strings.ToLower(n[1]) {
			t.Errorf("%s has no entry in the runbook, or its link leads to another one", n[1])
		}
		if !strings.Contains(tests, "alertname: "+n[1]+"\n        exp_alerts:") {
			t.Errorf("no test shows that %s fires", n[1])
		}
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The image without an engine to build it: the binary as the Dockerfile builds it, in a
// root that holds what the image holds, run as the image's user.
func TestImage_RunsWithNothingButTheBinary(t *testing.T) {
	root, data := image(t)
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("/usr/local/bin/elava", args...)
		cmd.Dir, cmd.Env = "/", []string{"ELAVA_STORAGE_PATH=/data"}
		cmd.SysProcAttr = inImage(t, root, data)
		return output(t, cmd)
	}
	if out := run("version"); !strings.Contains(out, "v1.2.3") {
		t.Errorf("version: %s", out)
	}
	if out := run("serve", "--once", "--provider", "demo"); !strings.Contains(out, "[Scan #1] Found 200 resources") {
		t.Errorf("serve: %s", out)
	}
	if out := run("scopes", "--storage-path", "/data"); !strings.Contains(out, "complete") {
		t.Errorf("scopes: %s", out)
	}
}

// image lays out what the image holds, less the certificates: the binary and a directory
// for the store.
func image(t testing.TB) (root, data string) {
	t.Helper()
	root = t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	data = filepath.Join(root, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=v1.2.3", "-o", filepath.Join(root, "usr/local/bin/elava"), "./cmd/elava")
	build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
	output(t, build)
	return root, data
}

// imageUser is the user of the Dockerfile.
const imageUser = 65532

// inImage has a process see root as everything there is, as the image's user. Without
// being root it is the one in a name space of its own.
func inImage(t testing.TB, root, data string) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return &syscall.SysProcAttr{
			Chroot: root, Cloneflags: syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
	}
	if err := os.Chown(data, imageUser, imageUser); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: imageUser, Gid: imageUser}}
}

func TestDockerfile_IsWhatTheTestRuns(t *testing.T) {
	text := read(t, "Dockerfile")
	for _, want := range []string{
		"FROM scratch", "CGO_ENABLED=0", "USER 65532:65532", "/out/elava /usr/local/bin/elava", "ENV ELAVA_STORAGE_PATH=/data",
		"/etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the Dockerfile has no %q", want)
		}
	}
}
