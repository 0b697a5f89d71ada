package badger_test

import "syscall"

// hasSpace reports whether a file system is there and has 2 GB to spare.
func hasSpace(dir string) bool {
	var st syscall.Statfs_t
	return syscall.Statfs(dir, &st) == nil && int64(st.Bavail)*st.Bsize > 2<<30
}
