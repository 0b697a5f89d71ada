//go:build !unix

package badger

import "os"

// allocatedSize is the length of a file where the system does not tell what it takes.
func allocatedSize(info os.FileInfo) int64 { return info.Size() }
