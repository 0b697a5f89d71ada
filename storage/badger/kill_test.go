package badger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/archive"
	"github.com/elava-dev/elava/storage/badger"
	"github.com/elava-dev/elava/storage/storagetest"
)

// tortureVariable makes the random tests long: a duration, such as 10m.
const tortureVariable = "ELAVA_TORTURE"

// torture is that duration; 0 in everyday's tests.
func torture(t testing.TB) time.Duration {
	t.Helper()
	s := os.Getenv(tortureVariable)
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		t.Fatalf("%s=%q: want a duration such as 10m", tortureVariable, s)
	}
	return d
}

// upkeep changes no answer of a store.
var upkeep = []func(context.Context, storage.Store) error{giveSpaceBack, backUp}

func giveSpaceBack(ctx context.Context, s storage.Store) error {
	return s.(*badger.Store).Reclaim(ctx, nil)
}

func backUp(ctx context.Context, s storage.Store) error {
	_, err := archive.Write(io.Discard, s.(storage.Dumper).Dump(ctx))
	return err
}

// playOrders say which steps of a sequence to take in a store.
type playOrders struct {
	Dir   string
	Seed  uint64
	First int   // step
	Head  int64 // revision before it
	End   int   // step not to take any more
}

// playSequence takes steps, and tells of each when it begins and when it has ended.
func playSequence(text []byte) error {
	endWithParent()
	var o playOrders
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	say("opening")
	s, err := badger.Open(badger.Options{Path: o.Dir})
	if err != nil {
		return err
	}
	ctx := context.Background()
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	say("opened at %d", head.Revision)
	q := sequence(o.Seed)
	q.Progress = func(what string) { say("%s", what) }
	if q.Step(o.First).Commits && head.Revision == o.Head+1 { // it was in flight, and arrived
		say("done %d", o.First)
		o.First++
	}
	for n := o.First; n < o.End; n++ {
		say("begin %d: %s", n, q.Step(n).Name)
		if err := q.Do(ctx, s, n); err != nil {
			return err
		}
		say("done %d", n)
	}
	say("closing")
	return s.Close()
}

func sequence(seed uint64) *storagetest.Sequence {
	return &storagetest.Sequence{Seed: seed, Many: 300, Text: 6000, Upkeep: upkeep}
}

// A process is killed again and again, wherever it is. After each kill the store opens, is
// whole, holds what was committed and nothing else, and takes the next scan.
func TestKill_LosesNothingThatWasCommitted(t *testing.T) {
	t.Parallel()
	kills := 50
	switch {
	case torture(t) > 0:
		kills = 1000
	case testing.Short():
		kills = 8
	}
	seed := storagetest.Seed(t)
	t.Logf("seed %d: repeat with STORAGETEST_SEED=%d", seed, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	places := map[string]int{}
	for n := 0; n < kills; {
		for _, place := range newVictim(t, random).live(min(8, kills-n)) {
			n++
			places[place]++
			if n%100 == 0 {
				t.Logf("%d of %d kills", n, kills)
			}
		}
	}
	t.Logf("%d kills, while: %v", kills, places)
}

// endOfLife is the step at which a new store is begun, so that old ones do not slow the
// test down.
const endOfLife = 45

// victim is a store whose process is killed, and the Model to which the same happens.
type victim struct {
	t      *testing.T
	random *rand.Rand
	q      *storagetest.Sequence
	dir    string
	model  *storagetest.Model
	next   int // step that is not known to have succeeded
	held   int // how often it found the store locked
}

func newVictim(t *testing.T, random *rand.Rand) *victim {
	dir, err := os.MkdirTemp("", "elava-kill-*")
	if err != nil {
		t.Fatal(err)
	}
	return &victim{t: t, random: random, q: sequence(random.Uint64()), dir: dir, model: storagetest.NewModel()}
}

// buried removes the store, unless it is of interest.
func (v *victim) buried() {
	if v.t.Failed() {
		v.t.Logf("the sequence has seed %d and the store is in %s", v.q.Seed, v.dir)
		return
	}
	_ = os.RemoveAll(v.dir)
}

// live kills the process up to so many times, and returns what it was doing each time.
func (v *victim) live(kills int) (places []string) {
	defer v.buried()
	for len(places) < kills && v.next < endOfLife {
		if place := v.killOnce(); place != "" {
			places = append(places, place)
		}
	}
	return places
}

func (v *victim) head() int64 {
	v.t.Helper()
	h, err := v.model.Head(context.Background())
	if err != nil {
		v.t.Fatal(err)
	}
	return h.Revision
}

// killOnce starts a process and kills it, and mostly looks at what it left. It returns
// what the process was doing; "" if it had ended before.
func (v *victim) killOnce() (place string) {
	v.t.Helper()
	p := start(v.t, "play", playOrders{Dir: v.dir, Seed: v.q.Seed, First: v.next, Head: v.head(), End: endOfLife})
	place = v.follow(p)
	p.kill()
	rest, err := p.wait()
	for _, line := range rest {
		v.acknowledge(line)
	}
	if code := p.cmd.ProcessState.ExitCode(); code > 0 && v.stillHeld(p.stderr.String()) {
		return ""
	} else if code > 0 {
		v.t.Fatalf("the process ended by itself: %v\n%s", err, p.stderr)
	} else if code == 0 {
		place = ""
	}
	if place == "" || v.random.IntN(5) > 0 {
		v.examine()
	}
	return place
}

// stillHeld reports whether a process found the store locked for this one, which had closed
// it: a child that a test beside this one was starting just then had the file open until it
// ran its own program. That passes.
func (v *victim) stillHeld(said string) bool {
	v.held++
	return v.held < 100 && strings.Contains(said, fmt.Sprintf("is in use by process %d;", os.Getpid()))
}

// follow reads what the process says up to a random line, waits for a random time, most
// often none, and returns what it said last.
func (v *victim) follow(p *process) string {
	place := "starting"
	for range v.random.IntN(30) {
		line := p.line()
		if line == "" {
			return "closed"
		}
		v.acknowledge(line)
		if !strings.HasPrefix(line, "done") {
			place, _, _ = strings.Cut(line, " ")
		}
		if step, ok := strings.CutPrefix(line, "begin "); ok {
			_, place, _ = strings.Cut(step, ": ")
		}
	}
	time.Sleep([...]time.Duration{
		0, 0,
		time.Duration(v.random.IntN(3000)) * time.Microsecond,
		time.Duration(v.random.IntN(40)) * time.Millisecond,
		time.Duration(v.random.IntN(300)) * time.Millisecond,
	}[v.random.IntN(5)])
	return place
}

// acknowledge lets the Model take a step that has succeeded.
func (v *victim) acknowledge(line string) {
	v.t.Helper()
	text, ok := strings.CutPrefix(line, "done ")
	if !ok {
		return
	}
	if n, err := strconv.Atoi(text); err != nil || n != v.next {
		v.t.Fatalf("the process says %q, and the next step is %d", line, v.next)
	}
	v.step(v.model)
	v.next++
}

func (v *victim) step(s storage.Store) {
	v.t.Helper()
	if err := v.q.Do(context.Background(), s, v.next); err != nil {
		v.t.Fatal(err)
	}
}

// examine opens the store and compares it with the Model, and then takes steps in both up
// to the next commit.
func (v *victim) examine() {
	v.t.Helper()
	s, err := badger.Open(badger.Options{Path: v.dir})
	if err != nil {
		v.t.Fatalf("opening the store after the kill: %v", err)
	}
	v.settle(s)
	report, err := s.Verify(context.Background(), nil)
	if err != nil || !report.OK() {
		v.t.Fatalf("Verify: %v, findings %q", err, report.Findings)
	}
	v.compare(s)
	for more := true; more; v.next++ {
		more = !v.q.Step(v.next).Commits
		v.step(s)
		v.step(v.model)
	}
	if v.random.IntN(3) == 0 { // else after the next kill
		v.compare(s)
	}
	if err := s.Close(); err != nil {
		v.t.Fatalf("Close: %v", err)
	}
}

// settle finds out whether the step that was in flight when the process died succeeded. If
// not, it is taken again or given up.
func (v *victim) settle(s storage.Store) {
	v.t.Helper()
	head, err := s.Head(context.Background())
	if err != nil {
		v.t.Fatal(err)
	}
	stats, err := s.Stats(context.Background())
	if err != nil {
		v.t.Fatal(err)
	}
	known, err := v.model.Stats(context.Background())
	if err != nil {
		v.t.Fatal(err)
	}
	step := v.q.Step(v.next)
	switch {
	case step.Commits && head.Revision == known.Revision+1, step.Trims && stats.OldestRevision > known.OldestRevision:
		v.step(v.model)
		v.next++
	case v.random.IntN(2) == 0:
		v.next++ // never again: what it staged must not show in the step that comes instead
	}
}

func (v *victim) compare(s storage.Store) {
	v.t.Helper()
	picked := v.random.Int64N(5)
	err := storagetest.Compare(context.Background(), v.model, s, func(r int64) bool { return r%5 == picked })
	if err != nil {
		v.t.Fatalf("before step %d: %v", v.next, err)
	}
}

// lockOrders say which store to hold.
type lockOrders struct{ Dir string }

// holdStore opens a store and keeps it until it is killed.
func holdStore(text []byte) error {
	var o lockOrders
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	s, err := badger.Open(badger.Options{Path: o.Dir})
	if err != nil {
		return err
	}
	say("holding as %d", os.Getpid())
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, s.Close())
}
