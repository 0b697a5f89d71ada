package bench_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elava-dev/elava/bench"
)

// BenchmarkServe_PeakMemory runs the real program, `elava serve`, on a demo cloud of
// 100,000 resources of 1 kB: the first scan, which records all of them, and then scans in
// which nothing changes, or 2 % of the resources do. Reported is the most memory that the
// process had at any time, as Linux counts it, with the pages of the store's mapped files.
// GOMEMLIMIT sets no limit, and GOGC is what the program makes of it.
func BenchmarkServe_PeakMemory(b *testing.B) {
	program := buildElava(b)
	const scans = 6
	for _, c := range []struct{ name, rate string }{{"Unchanged", "0%"}, {"Changing", "2%"}} {
		b.Run(c.name, func(b *testing.B) {
			var peak int64
			for b.Loop() {
				peak = max(peak, servePeak(b, program, c.rate, scans))
			}
			b.ReportMetric(0, "ns/op")
			table.Add(b, bench.Row{
				What: fmt.Sprintf("peak memory of serve, 100,000 resources of 1 kB, %s change per scan", c.rate),
				Unit: "MiB", Value: float64(peak) / bench.MiB, Bar: 256,
				Detail: fmt.Sprintf("the first scan and %d more", scans-1),
			})
		})
	}
}

// buildElava builds the program whose memory is measured.
func buildElava(b *testing.B) string {
	b.Helper()
	if runtime.GOOS != "linux" {
		b.Skip("the peak of memory is read from /proc")
	}
	program := filepath.Join(b.TempDir(), "elava")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-o", program, "../cmd/elava")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as releases are
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("building elava: %v\n%s", err, out)
	}
	return program
}

// servePeak runs the program for some scans and returns the most memory that it had.
func servePeak(b *testing.B, program, rate string, scans int) int64 {
	b.Helper()
	serve := exec.CommandContext(b.Context(), program, "serve",
		"--provider", "demo", "--interval", "1s", "--listen-address", "127.0.0.1", "--metrics-port", "0", "--storage-path", b.TempDir())
	serve.Env = append(os.Environ(),
		"ELAVA_CLOUD_DEMO_RESOURCES=100000", "ELAVA_CLOUD_DEMO_CHANGE_RATE="+rate, "GOMEMLIMIT=", "GOGC=")
	log, err := serve.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		b.Fatal(err)
	}
	timer := time.AfterFunc(5*time.Minute, func() { _ = serve.Process.Kill() })
	defer timer.Stop()
	// The line of a scan comes after its commit.
	said, err := awaitLine(log, fmt.Sprintf("[Scan #%d]", scans))
	peak, peakErr := bench.PeakMemory(serve.Process.Pid)
	stopErr := serve.Process.Signal(syscall.SIGTERM)
	_, drainErr := io.Copy(io.Discard, log)
	if err := errors.Join(err, peakErr, stopErr, drainErr, serve.Wait()); err != nil {
		b.Fatalf("elava serve: %v\n%s", err, said)
	}
	return peak
}

// awaitLine reads until a line holds text, and returns what it read.
func awaitLine(r io.Reader, text string) (string, error) {
	var said strings.Builder
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		said.WriteString(line)
		if strings.Contains(line, text) {
			return said.String(), nil
		}
		if err != nil {
			return said.String(), fmt.Errorf("no line with %s: %w", text, err)
		}
	}
}
