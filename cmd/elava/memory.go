package main

import (
	"log/slog"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// memoryRatio is the share of the container's memory limit that Go may use; the rest is
	// for what the store maps and for stacks.
	memoryRatio = 0.8

	// garbagePercent is how much garbage Go lets gather before it collects, in percent of
	// what is in use. A daemon that mostly waits is better off with less memory than with
	// the few percent of CPU time that Go's own 100 would save it (docs/benchmarks.md).
	garbagePercent = 50

	// quietMemory is up to what Go's memory may grow before it collects more eagerly, where
	// no container sets a limit: with what the store maps, a daemon with 100,000 resources
	// stays below 256 MiB through its first scan.
	quietMemory = 140 << 20

	// growEvery is the time between two looks at whether more than that is in use.
	growEvery = time.Second

	// looksBeforeGrowing is for how many looks in a row it has to be in use: a peak is no
	// reason to grow, and a first scan of many resources is one.
	looksBeforeGrowing = 30
)

// limitMemory bounds the memory of Go, as far as GOGC and GOMEMLIMIT do not do it. The
// returned function ends what it began.
func limitMemory(log *slog.Logger, env *Env) (stop func() error) {
	if env.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if env.Getenv("GOMEMLIMIT") != "" {
		return func() error { return nil }
	}
	container, err := memlimit.FromCgroup()
	if err != nil || container > math.MaxInt64 {
		return keepQuiet() // no container, or none with a limit
	}
	limit := int64(float64(container) * memoryRatio)
	debug.SetMemoryLimit(limit)
	log.Debug("Memory limit set from the container's", "bytes", limit)
	return func() error { return nil }
}

// softLimit is quietMemory while a fifth of it is left beside what is in use, and else
// what garbagePercent comes to.
func softLimit(live int64) int64 {
	if live+live/5 < quietMemory {
		return quietMemory
	}
	return live + live*garbagePercent/100
}

// keepQuiet sets a soft limit that follows what is really in use, so that it never makes
// Go collect more often than garbagePercent alone would once more than quietMemory is.
func keepQuiet() (stop func() error) {
	debug.SetMemoryLimit(quietMemory)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(growEvery)
		defer ticker.Stop()
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		least, looks := int64(math.MaxInt64), 0
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			metrics.Read(live)
			least = min(least, int64(live[0].Value.Uint64()))
			if looks++; looks%looksBeforeGrowing == 0 {
				debug.SetMemoryLimit(softLimit(least))
				least = math.MaxInt64
			}
		}
	}()
	return func() error {
		close(done)
		<-ended
		return nil
	}
}
