//go:build linux

package drills

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// cage is a memory cgroup, as a container has: the system ends what wants more than its
// limit. Pages of files that are read or mapped count, the program's own among them, but
// are given back before that.
type cage struct {
	dir         string
	limit, peak string // files of the cgroup: what it may use, and the most that it did
	kills       string // the file that counts what was ended
}

// newCage makes a cgroup for the time of the test; nil where the machine lets nobody make
// one, which is so within most containers, or for users that are not root.
func newCage(t testing.TB, bytes int64) *cage {
	t.Helper()
	c := findCgroups(t)
	if c == nil {
		return nil
	}
	c.dir = filepath.Join(c.dir, fmt.Sprintf("elava-drills-%d", os.Getpid()))
	if err := os.Mkdir(c.dir, 0o755); err != nil {
		t.Logf("no memory cgroup: %v", err)
		return nil
	}
	t.Cleanup(func() {
		if err := os.Remove(c.dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(c.dir, c.limit), []byte(strconv.FormatInt(bytes, 10)), 0o644); err != nil {
		t.Logf("no memory cgroup: %v", err)
		return nil
	}
	return c
}

// findCgroups returns where memory cgroups are made, of either version; nil: nowhere.
func findCgroups(t testing.TB) *cage {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		place, what, ok := strings.Cut(line, " - ")
		fields, kind := strings.Fields(place), strings.Fields(what)
		switch {
		case !ok || len(fields) < 5 || len(kind) < 3:
		case kind[0] == "cgroup" && strings.Contains(","+kind[2]+",", ",memory,"):
			return &cage{dir: fields[4], limit: "memory.limit_in_bytes", peak: "memory.max_usage_in_bytes", kills: "memory.oom_control"}
		case kind[0] == "cgroup2":
			controllers, err := os.ReadFile(filepath.Join(fields[4], "cgroup.subtree_control"))
			if err == nil && strings.Contains(string(controllers), "memory") {
				return &cage{dir: fields[4], limit: "memory.max", peak: "memory.peak", kills: "memory.events"}
			}
		}
	}
	return nil
}

// within returns a command that goes into the cage and is then the process that is started.
func (c *cage) within(args ...string) *exec.Cmd {
	script := fmt.Sprintf(`echo $$ > %q && exec "$@"`, filepath.Join(c.dir, "cgroup.procs"))
	return exec.Command("sh", append([]string{"-c", script, "sh"}, args...)...)
}

// wantNoneKilled fails where the system had to end a process, and says how much was used,
// in MiB, where the system tells.
func (c *cage) wantNoneKilled(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, c.kills))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "oom_kill 0\n") {
		t.Errorf("the system ran out of memory within the limit: %s", text)
	}
	used, err := os.ReadFile(filepath.Join(c.dir, c.peak))
	if err != nil {
		return "" // before Linux 5.19
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(string(used)), 64)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(" (of which %.0f were used, with files that were read)", n/(1<<20))
}
