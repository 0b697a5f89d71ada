package storagetest

import (
	"testing"

	"github.com/elava-dev/elava/storage"
)

// Open opens the store in a directory, which exists and is empty unless a store was
// opened in it before. It ends the test where it cannot. The suite closes the store.
type Open func(t testing.TB, dir string) storage.Store

// Options say what an engine can do. The zero Options are those of a store that
// forgets everything when it is closed.
type Options struct {
	// Persistent: a store opened in the directory of a closed one holds what that held.
	Persistent bool

	// Crash copies to a new directory what dir would hold if the process died at this
	// instant, and returns the new one. s is open in dir, perhaps in the middle of a
	// transaction; the suite closes it afterwards. Nil: crashes are not tested.
	Crash func(t testing.TB, s storage.Store, dir string) string
}

// testCase is one sentence of the contract.
type testCase struct {
	name  string
	needs needs
	heavy bool // takes seconds
	run   func(w *twin)
}

// needs is what an engine must be able to do for a test to make sense.
type needs int

const (
	nothing needs = iota
	persistence
	crashes
)

func (n needs) metBy(o Options) bool {
	return n == nothing || n == persistence && o.Persistent || n == crashes && o.Crash != nil
}

// Exercise runs the conformance suite on an engine, each test on a store of its own.
func Exercise(t *testing.T, open Open, o Options) {
	for _, c := range allCases() {
		if !c.needs.metBy(o) {
			continue
		}
		t.Run(c.name, func(t *testing.T) { c.run(newTwin(t, open, o)) })
	}
}

func allCases() []testCase {
	var all []testCase
	for _, group := range [][]testCase{
		transactionCases, readCases, filterCases, nameCases, changeCases, diffCases, scopeCases, timeCases, trimCases, upkeepCases, durabilityCases, robustnessCases,
	} {
		all = append(all, group...)
	}
	return all
}
