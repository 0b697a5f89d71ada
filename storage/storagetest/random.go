package storagetest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Environment variables by which a failure is repeated, or a search made longer.
const (
	seedVariable  = "STORAGETEST_SEED"
	stepsVariable = "STORAGETEST_STEPS"
)

// Seed returns the seed in the environment variable STORAGETEST_SEED, and a new one
// where it is not set.
func Seed(t testing.TB) uint64 {
	t.Helper()
	s := os.Getenv(seedVariable)
	if s == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", seedVariable, err)
	}
	return seed
}

// Random applies a random sequence of transactions, questions, reopenings and crashes to
// a new store and to a Model, and fails where their answers differ. The same seed and
// number of steps give the same sequence; a failure prints both. The environment
// variable STORAGETEST_STEPS replaces steps, for a longer search.
//
// Every step puts some questions; every commit, rollback, reopening and crash is
// followed by all questions about the head and about one other revision; the end by all
// about every revision.
func Random(t testing.TB, seed uint64, steps int, open Open, o Options) {
	t.Helper()
	if s := os.Getenv(stepsVariable); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("%s: %v", stepsVariable, err)
		}
		steps = n
	}
	w := newTwin(t, open, o)
	w.repeat = fmt.Sprintf("%s=%d %s=%d go test -run '^%s$' (in the package of the engine)",
		seedVariable, seed, stepsVariable, steps, strings.ReplaceAll(t.Name(), "/", "$/^"))
	play(w, &dice{rand.New(rand.NewPCG(seed, 0)), steps})
}

// RunScript does as Random does, with data in place of chance: every byte decides
// something, and the sequence ends with them. Any data is a valid script, which makes it
// the body of a fuzz target.
func RunScript(t testing.TB, data []byte, open Open, o Options) {
	t.Helper()
	w := newTwin(t, open, o)
	w.repeat = fmt.Sprintf("the script %q", data)
	play(w, &script{data})
}

// chooser decides what happens next.
type chooser interface {
	more() bool     // whether there is to be another step
	pick(n int) int // from 0 to n-1
}

// dice chooses by chance.
type dice struct {
	random *rand.Rand
	steps  int
}

func (d *dice) more() bool {
	d.steps--
	return d.steps >= 0
}

func (d *dice) pick(n int) int { return d.random.IntN(n) }

// script chooses by its bytes, and the first of everything when they are used up.
type script struct{ data []byte }

func (s *script) more() bool { return len(s.data) > 0 }

func (s *script) pick(n int) int {
	v := 0
	for width := 1; width < n && len(s.data) > 0; width <<= 8 {
		v = v<<8 | int(s.data[0])
		s.data = s.data[1:]
	}
	return v % n
}

// oneOf picks one of several.
func oneOf[T any](c chooser, of ...T) T { return of[c.pick(len(of))] }

// chance is true once in n.
func chance(c chooser, n int) bool { return c.pick(n) == n-1 }
