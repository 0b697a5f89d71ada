// Package e2e tests the program that users run: the binary, built once, against a real
// AWS API server (moto) or the demo provider, asked through its own commands and its
// HTTP API. It imports nothing of Elava but the launchers of program and server and a
// proxy before that: names of fields, paths of changes and texts are spelled out here, as users read
// them.
//
// Tests share one moto server and have an account each. Those that stop the server have
// one of their own.
package e2e

import (
	"fmt"
	"os"
	"testing"

	"github.com/elava-dev/elava/e2e/processtest"
	"github.com/elava-dev/elava/provider/aws/mototest"
)

// program is the path of the binary.
var program string

var sharedServer mototest.Shared

func TestMain(m *testing.M) {
	os.Exit(mainCode(m))
}

func mainCode(m *testing.M) int {
	built, remove, err := processtest.Build(buildFlags())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	program = built
	defer sharedServer.Stop()
	return m.Run()
}

// moto returns the server that tests share.
func moto(t testing.TB) *mototest.Server {
	t.Helper()
	return sharedServer.Server(t)
}
