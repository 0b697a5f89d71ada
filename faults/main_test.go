package faults

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/elava-dev/elava/provider/aws/mototest"
)

// motoServer starts the server that the tests of this package share, on first use.
var motoServer = sync.OnceValues(func() (*mototest.Server, error) {
	s, err := mototest.Launch(context.Background())
	if err == nil {
		stopMoto = s.Stop
	}
	return s, err
})

var stopMoto = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopMoto()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}
