//go:build unix

package badger

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks a directory as Badger does. It fails only where another process has it.
func tryLock(dir string) (release func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return func() {}, nil // opening will say so
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, err
		}
		return func() {}, nil
	}
	return func() { _ = f.Close() }, nil
}

// allocatedSize is what a file takes on the disk. POSIX counts blocks of 512 bytes.
func allocatedSize(info os.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}
