package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
)

// apiToken is the API's bearer token, from whichever file it is to come now. Both methods
// may be called by several goroutines at a time.
type apiToken struct{ read atomic.Pointer[func() string] }

func (t *apiToken) set(read func() string) { t.read.Store(&read) }

// current returns the token; "" where none is configured.
func (t *apiToken) current() string { return (*t.read.Load())() }

// tokenFile is the file of the API's bearer token. It is read again when it changes, so
// that a token can be replaced while the daemon runs. Where it cannot be read then, or is
// empty, the last token stays, and the log says so: half of a file is not a new token.
type tokenFile struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex
	seen  os.FileInfo // of the file when it was last looked into; nil: it was not there
	token string
}

// newTokenFile reads a token for the first time, when it must be there.
func newTokenFile(path string, log *slog.Logger) (*tokenFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading the token: %w", err)
	}
	token, err := readTokenFile(path)
	if err != nil {
		return nil, err
	}
	return &tokenFile{path: path, log: log, seen: info, token: token}, nil
}

// current returns the token. It may be called by several goroutines at a time.
func (f *tokenFile) current() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		info = nil
	}
	if sameFile(info, f.seen) {
		return f.token
	}
	f.seen = info // also where it cannot be read: the log need not say so at every request
	token, err := readTokenFile(f.path)
	if err != nil {
		f.log.Warn("The API's token changed and cannot be read; the last one stays valid", "error", err)
		return f.token
	}
	if token != f.token {
		f.log.Info("The API has a new token", "file", f.path)
	}
	f.token = token
	return f.token
}

// sameFile reports whether two looks at a path saw the same content, as far as its name
// in the directory tells. A link that leads elsewhere is another file.
func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// readTokenFile returns the bearer token in a file, which may end with a new line.
func readTokenFile(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" {
		return "", fmt.Errorf("the token file %s is empty", file)
	}
	return token, nil
}
