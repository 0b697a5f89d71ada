// Package bench measures Elava against bars. Times of a busy machine say little, so a
// figure is a ratio: what Elava takes, by what a reference takes that does only the part
// that cannot be avoided. Both are measured in the same process, turn about, several
// times, and the least of each counts, which is the one that was disturbed least.
//
// The benchmarks are in this directory, which has those of the whole program, and in
// storage/badger, whose reference needs the engine's options. `make bench` runs both; a
// missed bar fails it. docs/benchmarks.md has figures. This package has what they share.
package bench

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// Cost is what something took.
type Cost struct {
	CPU  time.Duration // of all threads of the process, the collector's included
	Wall time.Duration
}

// Measure runs f once, with a heap from which garbage was just collected.
func Measure(f func()) Cost {
	runtime.GC()
	cpu, wall := cpuTime(), time.Now()
	f()
	return Cost{CPU: cpuTime() - cpu, Wall: time.Since(wall)}
}

// Comparison is a measured function and its reference. Each returns its own cost, so
// that it can leave out of it what it needs to get ready: see Measure.
type Comparison struct {
	Measured, Reference func() Cost
	Rounds              int // at least
}

// Result is what came of a comparison.
type Result struct {
	Measured, Reference Cost // the least of all rounds, CPU and wall each for itself

	cpu, wall []float64 // ratios of the rounds
}

// Run compares for as many rounds as the comparison demands and b's time allows. What
// goes first changes with every round.
func (c *Comparison) Run(b *testing.B) Result {
	b.Helper()
	var r Result
	rounds := 0
	round := func() {
		var measured, reference Cost
		if rounds%2 == 0 {
			reference = c.Reference()
			measured = c.Measured()
		} else {
			measured = c.Measured()
			reference = c.Reference()
		}
		rounds++
		r.add(measured, reference)
	}
	for b.Loop() {
		round()
	}
	for rounds < c.Rounds {
		round()
	}
	b.ReportMetric(0, "ns/op") // of a round, which is no figure of anything
	return r
}

func (r *Result) add(measured, reference Cost) {
	if len(r.cpu) == 0 {
		r.Measured, r.Reference = measured, reference
	}
	r.Measured = least(r.Measured, measured)
	r.Reference = least(r.Reference, reference)
	r.cpu = append(r.cpu, over(measured.CPU, reference.CPU))
	r.wall = append(r.wall, over(measured.Wall, reference.Wall))
}

func least(a, b Cost) Cost { return Cost{CPU: min(a.CPU, b.CPU), Wall: min(a.Wall, b.Wall)} }

func over(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }

// CPURatio is the ratio of the least CPU times.
func (r *Result) CPURatio() float64 { return over(r.Measured.CPU, r.Reference.CPU) }

// WallRatio is the ratio of the least times that passed.
func (r *Result) WallRatio() float64 { return over(r.Measured.Wall, r.Reference.Wall) }

// CPUDetail tells the CPU times and how far the rounds lay apart.
func (r *Result) CPUDetail() string { return detail(r.Measured.CPU, r.Reference.CPU, r.cpu) }

// WallDetail tells the same of the time that passed.
func (r *Result) WallDetail() string { return detail(r.Measured.Wall, r.Reference.Wall, r.wall) }

func detail(measured, reference time.Duration, ratios []float64) string {
	return fmt.Sprintf("%s by %s; %d rounds, %.2f to %.2f",
		round(measured), round(reference), len(ratios), slices.Min(ratios), slices.Max(ratios))
}

// round keeps three digits or so.
func round(d time.Duration) time.Duration {
	for unit := time.Second; unit > 1; unit /= 10 {
		if d >= 100*unit {
			return d.Round(unit)
		}
	}
	return d
}

// Row is one figure and the bar that it has to stay below.
type Row struct {
	What   string // was measured
	Unit   string // of Value: "x" for a ratio; in the style of testing.B.ReportMetric
	Value  float64
	Bar    float64
	Detail string // how the value came to be
}

// Table collects the rows of several benchmarks.
type Table struct{ rows []Row }

// Add reports a figure of b, which fails where it is above its bar.
func (t *Table) Add(b *testing.B, r Row) {
	b.Helper()
	t.rows = append(t.rows, r)
	b.ReportMetric(r.Value, r.Unit)
	b.ReportMetric(r.Bar, r.Unit+"-bar")
	if !r.within() {
		b.Errorf("%s: %s is above the bar of %s (%s)", r.What, figure(r.Value, r.Unit), figure(r.Bar, r.Unit), r.Detail)
	}
}

func (r *Row) within() bool { return r.Value <= r.Bar }

// figure writes a value with the digits that matter.
func figure(v float64, unit string) string {
	digits := 2
	if v >= 100 {
		digits = 0
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + unit
}

// Print writes the rows for people; nothing where there are none.
func (t *Table) Print(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "\nwhat\tmeasured\tbar\t\thow")
	for i := range t.rows {
		r := &t.rows[i]
		verdict := "met"
		if !r.within() {
			verdict = "MISSED"
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", r.What, figure(r.Value, r.Unit), figure(r.Bar, r.Unit), verdict, r.Detail)
	}
	fmt.Fprintln(out)
	return out.Flush()
}

// MiB is the unit in which memory is reported.
const MiB = 1 << 20

// PeakMemory returns the most physical memory that a process has had, in bytes: what
// Linux counts as resident, pages of mapped files included. 0 is this process.
func PeakMemory(pid int) (int64, error) { return memoryOf(pid, "VmHWM:") }

// memoryOf reads a line of a process's status, in bytes.
func memoryOf(pid int, name string) (int64, error) {
	process := "self"
	if pid != 0 {
		process = strconv.Itoa(pid)
	}
	status, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0, fmt.Errorf("reading memory, for which Linux is needed: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		text, found := strings.CutPrefix(line, name)
		if !found {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading memory: %w", err)
		}
		return kilobytes << 10, nil
	}
	return 0, fmt.Errorf("the status of process %s has no %s", process, name)
}

// Watch follows the memory of a process.
type Watch struct {
	stop chan struct{}
	done chan struct{}
	peak int64
	err  error
}

// WatchMemory looks every few milliseconds at how much physical memory is the process's
// own: not pages of mapped files, which the system takes back where it needs them.
func WatchMemory() *Watch { return WatchProcess(0) }

// WatchProcess does the same for the process with an id; 0 is this one.
func WatchProcess(pid int) *Watch {
	w := &Watch{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			now, err := memoryOf(pid, "RssAnon:")
			if err != nil {
				w.err = err
				return
			}
			w.peak = max(w.peak, now)
			select {
			case <-tick.C:
			case <-w.stop:
				return
			}
		}
	}()
	return w
}

// Stop returns the most that was seen, in bytes.
func (w *Watch) Stop() (int64, error) {
	close(w.stop)
	<-w.done
	return w.peak, w.err
}
