//go:build linux

package drills

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const reportFile = "../docs/drills.md"

// entry is one drill in the report.
type entry struct {
	number  string // in the list of drills: "1", "5b"
	section string // of the first design
	title   string
	did     string // what was done
	often   string // how often
	result  string // with figures
	failed  bool
}

// entries are those of all drills that were run.
var entries struct {
	sync.Mutex
	all []entry
}

// drill is one of them at work. What is told of it goes into the report.
type drill struct {
	*testing.T
	entry
	began time.Time
}

// begin enters a drill into the report. Drills run side by side: most of them wait.
func begin(t *testing.T, number, section, title string) *drill {
	t.Helper()
	t.Parallel()
	return beginAlone(t, number, section, title)
}

// beginAlone is for a drill beside which no other may run.
func beginAlone(t *testing.T, number, section, title string) *drill {
	t.Helper()
	d := &drill{T: t, entry: entry{number: number, section: section, title: title}, began: time.Now()}
	t.Cleanup(func() {
		d.failed = t.Failed() || d.result == ""
		if d.result == "" {
			d.result = "not ended"
		}
		t.Logf("drill %s (section %s), %s: %s; %s", d.number, d.section, d.often, d.did, d.result)
		entries.Lock()
		defer entries.Unlock()
		entries.all = append(entries.all, d.entry)
	})
	return d
}

// tell says what was done and what came of it.
func (d *drill) tell(did, often, result string) {
	d.did, d.often, d.result = did, often, fmt.Sprintf("%s. %s", result, inSeconds(time.Since(d.began)))
}

func inSeconds(d time.Duration) string {
	return fmt.Sprintf("Took %d s", int(d.Round(time.Second).Seconds()))
}

// writeReport writes the page, if drills were run in full length. A run of some of them
// renews their rows.
func writeReport() error {
	if !full() {
		return nil
	}
	rows := map[string]string{} // by number
	if flag.Lookup("test.run").Value.String() != "" {
		page, err := os.ReadFile(reportFile)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, m := range reportRow.FindAllStringSubmatch(string(page), -1) {
			rows[m[1]] = m[0]
		}
	}
	entries.Lock()
	defer entries.Unlock()
	for _, e := range entries.all {
		rows[e.number] = e.row()
	}
	return os.WriteFile(reportFile, []byte(page(rows)), 0o644)
}

var reportRow = regexp.MustCompile(`(?m)^\| (\d[a-z]?)\. .*\n`)

// row is the drill's line in the table.
func (e *entry) row() string {
	verdict := "passed"
	if e.failed {
		verdict = failedVerdict
	}
	return fmt.Sprintf("| %s. %s | %s | %s | %s | %s: %s. |\n", e.number, e.title, e.section, cell(e.did), cell(e.often), verdict, cell(e.result))
}

const failedVerdict = "**FAILED**"

func page(rows map[string]string) string {
	var b strings.Builder
	b.WriteString("# Failure drills\n\n" +
		"<!-- Written by make drills. Edits are lost. -->\n\n" +
		"What became of a daemon whose surroundings failed: the real program, built as releases are, against the demo cloud, whose every step is known, or against\n" +
		"moto behind a proxy that breaks answers. Sections are those of the [first design](seed.md). `make drills` runs them all, as root, and writes this page; `make drills DRILLS=Kill` runs\n" +
		"those whose test has that in its name, and renews their rows; `make test` runs a short form of each. \"Exact\" means: the inventory and all events of every revision are those that the\n" +
		"truth of the cloud demands, none is false, missing or double.\n\n")
	numbers, failed := slices.Sorted(maps.Keys(rows)), 0
	for _, n := range numbers {
		if strings.Contains(rows[n], failedVerdict) {
			failed++
		}
	}
	fmt.Fprintf(&b, "Last run on %s with %s on %s/%s with %d CPUs. Of %d drills %d failed.\n\n",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), len(rows), failed)
	b.WriteString("| Drill | Section | What was done | How often | Result |\n| --- | --- | --- | --- | --- |\n")
	for _, n := range numbers {
		b.WriteString(rows[n])
	}
	return b.String()
}

func cell(s string) string { return strings.NewReplacer("|", `\|`, "*", `\*`, "\n", " ").Replace(s) }
