//go:build linux

package drills

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
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

// writeReport writes the page, if all drills were run in full length.
func writeReport(passed bool) error {
	if !full() || flag.Lookup("test.run").Value.String() != "" {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Failure drills\n\n"+
		"<!-- Written by make drills. Edits are lost. -->\n\n"+
		"What became of a daemon whose surroundings failed: the real program, built as releases are, against the demo cloud, whose every step is known, or against\n"+
		"moto behind a proxy that breaks answers. Sections are those of the [first design](seed.md). `make drills` runs them all, as root, and writes this page; `make test` runs a short\n"+
		"form of each. \"Exact\" means: the inventory and all events of every revision are those that the truth of the cloud demands, none is false, missing or double.\n\n")
	outcome := "all passed"
	if !passed {
		outcome = "**not all passed**"
	}
	fmt.Fprintf(&b, "Run on %s with %s on %s/%s with %d CPUs: %s.\n\n",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), outcome)
	b.WriteString("| Drill | Section | What was done | How often | Result |\n| --- | --- | --- | --- | --- |\n")
	entries.Lock()
	defer entries.Unlock()
	slices.SortStableFunc(entries.all, func(a, b entry) int { return cmp.Compare(a.number, b.number) })
	for _, e := range entries.all {
		verdict := "passed"
		if e.failed {
			verdict = "**FAILED**"
		}
		fmt.Fprintf(&b, "| %s. %s | %s | %s | %s | %s: %s. |\n", e.number, e.title, e.section, cell(e.did), cell(e.often), verdict, cell(e.result))
	}
	return os.WriteFile(reportFile, b.Bytes(), 0o644)
}

func cell(s string) string { return strings.NewReplacer("|", `\|`, "*", `\*`, "\n", " ").Replace(s) }
