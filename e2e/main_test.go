// Package e2e tests the program that users run: the binary, built once, against a real
// AWS API server (moto) or the demo provider, asked through its own commands and its
// HTTP API. It imports nothing of Elava but the launcher of that server and a proxy
// before it: names of fields, paths of changes and texts are spelled out here, as users read
// them.
//
// Tests share one moto server and have an account each. Those that stop the server have
// one of their own.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/elava-dev/elava/provider/aws/mototest"
)

// program is the path of the binary.
var program string

var sharedServer mototest.Shared

func TestMain(m *testing.M) {
	os.Exit(mainCode(m))
}

func mainCode(m *testing.M) int {
	dir, err := os.MkdirTemp("", "elava-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "elava")
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	env, flags := buildFlags()
	build := exec.CommandContext(ctx, "go", append(append([]string{"build"}, flags...), "-o", program, "github.com/elava-dev/elava/cmd/elava")...)
	build.Env = append(os.Environ(), env...)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building elava: %v\n%s", err, out)
		return 1
	}
	defer sharedServer.Stop()
	return m.Run()
}

// moto returns the server that tests share.
func moto(t testing.TB) *mototest.Server {
	t.Helper()
	return sharedServer.Server(t)
}
