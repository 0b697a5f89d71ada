//go:build !unix

package bench

import "time"

var start = time.Now()

// cpuTime returns the time that passed, where nothing better is known.
func cpuTime() time.Duration { return time.Since(start) }
