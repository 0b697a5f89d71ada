//go:build linux || darwin || freebsd

package badger

import "syscall"

// freeSpace is what a process without privileges may still write to the file system of a
// directory.
func freeSpace(dir string) (free int64, known bool) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), true //nolint:unconvert // other systems have other types
}
