//go:build linux

package drills

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// program is the path of the binary.
var program string

func TestMain(m *testing.M) {
	os.Exit(mainCode(m))
}

func mainCode(m *testing.M) int {
	dir, err := os.MkdirTemp("", "elava-drills-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "elava")
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "github.com/elava-dev/elava/cmd/elava")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as releases are
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building elava: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	if err := writeReport(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// full reports whether the drills are to be run in full length.
func full() bool { return os.Getenv("ELAVA_DRILLS") == "full" }

// times is how often something is done: in the short form, or in full length.
func times(short, long int) int {
	if full() {
		return long
	}
	return short
}
