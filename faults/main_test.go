package faults

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/elava-dev/elava/provider/aws/mototest"
)

// motoServer is the server that the tests of this package share.
var motoServer mototest.Shared

func TestMain(m *testing.M) {
	code := m.Run()
	motoServer.Stop()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
