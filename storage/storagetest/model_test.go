package storagetest

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/elava-dev/elava/storage"
)

// models is a disk: what was committed to the Model of a directory is there when the
// directory is opened again.
type models struct {
	mu   sync.Mutex
	dirs map[string]*Model
}

func newModels() *models { return &models{dirs: map[string]*Model{}} }

func (d *models) open(_ testing.TB, dir string) storage.Store {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.dirs[dir]; m != nil {
		d.dirs[dir] = m.Reopen()
	} else {
		d.dirs[dir] = NewModel()
	}
	return d.dirs[dir]
}

func (d *models) crash(t testing.TB, _ storage.Store, dir string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	copied := t.TempDir()
	d.dirs[copied] = d.dirs[dir].Reopen()
	return copied
}

func (d *models) options() Options { return Options{Persistent: true, Crash: d.crash} }

func TestModel_Conforms(t *testing.T) {
	t.Parallel()
	d := newModels()
	Exercise(t, d.open, d.options())
}

func TestExercise_LeavesOutWhatAnEngineCannotDo(t *testing.T) {
	crash := func(testing.TB, storage.Store, string) string { return "" }
	for _, c := range []struct {
		options Options
		want    []needs
	}{
		{Options{}, []needs{nothing}},
		{Options{Persistent: true}, []needs{nothing, persistence}},
		{Options{Crash: crash}, []needs{nothing, crashes}},
		{Options{Persistent: true, Crash: crash}, []needs{nothing, persistence, crashes}},
	} {
		for _, n := range []needs{nothing, persistence, crashes} {
			if got := n.metBy(c.options); got != slices.Contains(c.want, n) {
				t.Errorf("%+v meets %v: %v", c.options, n, got)
			}
		}
	}
}

func TestExercise_NamesEveryTestOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range allCases() {
		if seen[c.name] || c.name == "" || c.run == nil {
			t.Errorf("%q is there twice or empty", c.name)
		}
		seen[c.name] = true
	}
}

func TestRandom_ModelAnswersAsAModel(t *testing.T) {
	t.Parallel()
	d := newModels()
	Random(t, Seed(t), 500, d.open, d.options())
}

func TestRandom_SameSeedSameSequence(t *testing.T) {
	t.Parallel()
	run := func() []string {
		d := newModels()
		w := newTwin(t, d.open, d.options())
		play(w, &dice{rand.New(rand.NewPCG(42, 0)), 200})
		return w.trail
	}
	if first, second := run(), run(); !slices.Equal(first, second) {
		t.Errorf("one seed gave two sequences:\n%s", diff(strings.Join(first, "\n"), strings.Join(second, "\n")))
	}
}

func FuzzModel(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x20\x03\x07\x01\x00\x20\x01\x02\x00\x00"))
	random := rand.New(rand.NewPCG(1, 1))
	for range 5 {
		data := make([]byte, 400)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newModels()
		RunScript(t, data, d.open, d.options())
	})
}
