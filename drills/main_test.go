//go:build linux

package drills

import (
	"fmt"
	"os"
	"testing"

	"github.com/elava-dev/elava/e2e/processtest"
)

// program is the path of the binary.
var program string

func TestMain(m *testing.M) {
	os.Exit(mainCode(m))
}

func mainCode(m *testing.M) int {
	built, remove, err := processtest.Build([]string{"CGO_ENABLED=0"}, []string{"-trimpath"}) // as releases are
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	program = built
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
