//go:build unix

package badger

import (
	"os"
	"syscall"
)

// allocatedSize is what a file takes on the disk. POSIX counts blocks of 512 bytes.
func allocatedSize(info os.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}
