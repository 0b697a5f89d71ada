package badger_test

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
	"github.com/elava-dev/elava/storage/storagetest"
)

// randomTime is how long random sequences are tried on every run of the tests.
const randomTime = 30 * time.Second

// Random sequences of scans, roll-backs, crashes, reopenings, trims and questions give the
// same answers as the Model.
func TestRandom_AnswersAsTheModel(t *testing.T) {
	t.Parallel()
	budget := randomTime
	switch {
	case torture(t) > 0:
		budget = torture(t)
	case testing.Short():
		budget = 5 * time.Second
	}
	end := time.Now().Add(budget)
	for n := 0; n == 0 || time.Now().Before(end); n++ {
		seed := storagetest.Seed(t)
		ok := t.Run("sequence", func(t *testing.T) {
			t.Logf("seed %d", seed)
			storagetest.Random(t, seed, 200, open, options)
		})
		if !ok || os.Getenv("STORAGETEST_SEED") != "" {
			break
		}
	}
}

// A life of scans of thousands of resources gives the same answers as the Model, while
// space is given back all the time.
func TestRandom_ScansGoOnWhileSpaceIsGivenBack(t *testing.T) {
	t.Parallel()
	seed := storagetest.Seed(t)
	t.Logf("seed %d: repeat with STORAGETEST_SEED=%d", seed, seed)
	q := &storagetest.Sequence{Seed: seed, Many: 500}
	s, model := open(t, t.TempDir()).(*badger.Store), storagetest.NewModel()
	ctx, stop := context.WithCancel(t.Context())
	var reclaiming sync.WaitGroup
	reclaiming.Go(func() {
		for ctx.Err() == nil {
			if err := s.Reclaim(ctx, nil); err != nil && ctx.Err() == nil {
				t.Errorf("Reclaim: %v", err)
				return
			}
		}
	})
	for n := range 25 {
		for _, s := range []storage.Store{s, model} {
			if err := q.Do(t.Context(), s, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop()
	reclaiming.Wait()
	if err := storagetest.Compare(t.Context(), model, s, nil); err != nil {
		t.Error(err)
	}
	if report, err := s.Verify(t.Context(), nil); err != nil || !report.OK() {
		t.Errorf("Verify: %v, findings %q", err, report.Findings)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// What a fuzzer makes up is a sequence too.
func FuzzStore(f *testing.F) {
	f.Add([]byte{})
	random := rand.New(rand.NewPCG(1, 1))
	for _, length := range []int{20, 100, 300} {
		script := make([]byte, length)
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		storagetest.RunScript(t, script, open, options)
	})
}
