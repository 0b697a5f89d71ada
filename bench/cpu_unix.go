//go:build unix

package bench

import (
	"syscall"
	"time"
)

// cpuTime returns what the process has used up to now, as user and as system.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // only for arguments that are not these
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
