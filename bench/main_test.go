package bench_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/elava-dev/elava/bench"
)

// table collects the figures of all benchmarks of this directory.
var table bench.Table

func TestMain(m *testing.M) {
	if os.Getenv(fixtureVariable) != "" {
		serveFixture() // this is the server's process
		return
	}
	code := m.Run()
	if err := table.Print(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}
