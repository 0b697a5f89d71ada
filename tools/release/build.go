package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/elava-dev/elava/tools/licences"
)

// program is what is released.
const program = "./cmd/elava"

// linkerFlags are what the Dockerfile has too.
func linkerFlags(s source) string {
	return "-s -w -X main.version=" + s.Version + " -X main.commit=" + s.Commit
}

// build compiles the program. What the environment says of Go does not count, but for where
// its caches and downloads are.
func build(ctx context.Context, root string, s source, p licences.Platform) ([]byte, error) {
	dir, err := os.MkdirTemp("", "elava-release-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary file less or more
	name := filepath.Join(dir, "elava")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", linkerFlags(s), "-o", name, program)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.OS, "GOARCH="+p.Arch,
		"GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return os.ReadFile(name)
}
