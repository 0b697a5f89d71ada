package daemon_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider/providertest"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
	"github.com/elava-dev/elava/storage/storagetest"
)

// disk opens the store that a scenario runs on, and opens it again after it was closed,
// with what was committed to it.
type disk func() (storage.Store, error)

func modelDisk(*testing.T) disk {
	var last *storagetest.Model
	return func() (storage.Store, error) {
		if last == nil {
			last = storagetest.NewModel()
		} else {
			last = last.Reopen()
		}
		return last, nil
	}
}

func badgerDisk(t *testing.T) disk {
	dir := t.TempDir()
	return func() (storage.Store, error) { return badger.Open(badger.Options{Path: dir}) }
}

var disks = map[string]func(*testing.T) disk{"model": modelDisk, "badger": badgerDisk}

func TestScenarios(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "scenarios", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 80 {
		t.Fatalf("there are only %d scenarios", len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, engine := range slices.Sorted(maps.Keys(disks)) {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+engine, func(t *testing.T) {
				t.Parallel()
				if err := play(t, string(text), disks[engine](t)); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			})
		}
	}
}

// world is a scenario under way.
type world struct {
	t     *testing.T
	cloud *cloud
	fake  *providertest.Fake
	clock atomic.Int64 // Unix milliseconds; each look at it takes one

	open       disk
	store      *tapped
	reconciler *daemon.Reconciler

	broken string // the call of the store that fails next

	head      storage.Head
	inventory map[resource.Key]*storage.Version // at the head, before the scan
	scanned   bool
}

// play runs a scenario and returns the first difference to what it expects.
func play(t *testing.T, text string, open disk) (err error) {
	statements, err := parseScenario(text)
	if err != nil {
		return err
	}
	w := &world{t: t, cloud: newCloud(), fake: providertest.New("fake"), open: open}
	w.clock.Store(time.Date(2025, 10, 22, 10, 0, 0, 0, time.UTC).UnixMilli())
	if err := w.start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.store.Close()) }()
	for _, s := range statements {
		if err := w.do(s); err != nil {
			return err
		}
	}
	if !w.scanned {
		return errors.New("the scenario scans nothing")
	}
	return nil
}

// start opens the store and makes a reconciler, as the daemon does when it starts.
func (w *world) start() error {
	s, err := w.open()
	if err != nil {
		return err
	}
	w.store = tap(s)
	w.reconciler = daemon.NewReconciler(daemon.ReconcilerOptions{
		Provider: w.fake, Store: w.store, Now: w.now, Concurrency: 4, SpoolDir: w.t.TempDir(),
	})
	return nil
}

func (w *world) now() time.Time { return time.UnixMilli(w.clock.Add(1)).UTC() }

func (w *world) do(s *statement) error {
	if done, err := w.cloud.change(s); done {
		return err
	}
	switch s.verb {
	case "restart":
		return errors.Join(s.takes(0, 0), w.store.Close(), w.start())
	case "clock":
		return w.setClock(s)
	case "break":
		w.broken = strings.Join(s.args, "")
		return s.takes(1, 1)
	case "scan":
		w.scanned = true
		return w.scan(s)
	default:
		return s.errorf("unknown statement")
	}
}

func (w *world) setClock(s *statement) error {
	if err := s.takes(1, 1); err != nil {
		return err
	}
	d, err := time.ParseDuration(s.args[0])
	if err != nil {
		return s.errorf("%v", err)
	}
	w.clock.Add(d.Milliseconds())
	return nil
}

// scan reconciles once and checks what came of it.
func (w *world) scan(s *statement) error {
	before, err := w.inventoryAt(storage.HeadRevision)
	if err != nil {
		return err
	}
	w.inventory = before
	if w.head, err = w.store.Head(w.t.Context()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	w.show(cancel)
	if w.broken != "" {
		w.store.failOnce(w.broken, errors.New("the disk says no"))
		w.broken = ""
	}
	w.clock.Add(time.Minute.Milliseconds())
	mutations, states := w.store.count(callStage), w.store.count(callSetScope)
	result, scanErr := w.reconciler.Reconcile(ctx)
	w.store.on("", nil)
	outcome := outcome{
		ReconcileResult: result, err: scanErr,
		mutations: w.store.count(callStage) - mutations, states: w.store.count(callSetScope) - states,
	}
	return w.check(s, &outcome)
}

// show makes the fake show the cloud of the scenario.
func (w *world) show(cancel context.CancelFunc) {
	for _, schema := range w.cloud.schemas {
		w.fake.SetSchema(schema)
	}
	w.fake.SetPageSize(w.cloud.pages)
	w.fake.FailPlan(nil)
	if w.cloud.plan != nil {
		w.fake.FailPlan(w.cloud.plan)
	}
	for _, nick := range slices.Sorted(maps.Keys(w.cloud.scopes)) {
		sc := w.cloud.scopes[nick]
		if sc.dropped {
			w.fake.Drop(sc.scope)
			continue
		}
		w.fake.Set(sc.scope, sc.listed()...)
		w.fake.Confirms(sc.scope, sc.confirms)
		w.fake.FailInPlan(sc.scope, nil)
		if sc.inPlan != nil {
			w.fake.FailInPlan(sc.scope, sc.inPlan)
		}
		w.fake.Hook(sc.scope, sc.hook(cancel))
		if sc.glimpse != nil {
			w.showGlimpse(sc, sc.hook(cancel))
		}
	}
}

// showGlimpse makes the first listing of a scope another one than those that follow,
// where then is called before each page.
func (w *world) showGlimpse(sc *cloudScope, then providertest.Hook) {
	whole := sc.listed()
	w.fake.Set(sc.scope, sc.glimpsed()...)
	w.fake.Hook(sc.scope, func(context.Context, int) error {
		w.fake.Hook(sc.scope, then)
		w.fake.Set(sc.scope, whole...)
		return nil
	})
	sc.glimpse = nil
}

// hook fails before the page that follows those that are told by after.
func (sc *cloudScope) hook(cancel context.CancelFunc) providertest.Hook {
	if sc.fault == nil {
		return nil
	}
	fault, after, panics, cancels := sc.fault, sc.after, sc.panics, sc.cancels
	return func(ctx context.Context, page int) error {
		switch {
		case page <= after:
			return nil
		case panics:
			panic(fault.Error())
		case cancels:
			cancel()
			<-ctx.Done()
			return ctx.Err()
		default:
			return fault
		}
	}
}

// inventoryAt returns what the store lists at a revision.
func (w *world) inventoryAt(revision int64) (map[resource.Key]*storage.Version, error) {
	all := map[resource.Key]*storage.Version{}
	for v, err := range w.store.List(w.t.Context(), storage.Query{Revision: revision}) {
		if err != nil {
			return nil, fmt.Errorf("listing revision %d: %w", revision, err)
		}
		all[v.Resource.Key] = v
	}
	return all, nil
}

// withoutMember returns a JSON object without one of its members.
func withoutMember(object []byte, name string) []byte {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(object, &members); err != nil {
		return object
	}
	delete(members, name)
	out, err := json.Marshal(members)
	if err != nil {
		return object
	}
	return out
}

// A runner that sees no difference would be worth nothing.
func TestScenarios_WrongExpectationsAreSeen(t *testing.T) {
	const setUp = `
scope web east T::Web
scope db east T::DB
put web/a tags.env=prod {"Size":1}
put db/d
scan success baseline=2
put web/a tags.env=prod {"Size":2}
fail db reason=throttled
`
	right := "scan partial errors=1\n  modified web/a\n    attributes.Size 1 -> 2\n  scope db failed throttled last=1\n"
	if err := play(t, setUp+right, modelDisk(t)); err != nil {
		t.Fatalf("the right expectation fails: %v", err)
	}
	for name, replace := range map[string][2]string{
		"status":              {"scan partial", "scan success"},
		"error count":         {"errors=1", "errors=0"},
		"baseline":            {"errors=1", "errors=1 baseline=1"},
		"resources":           {"errors=1", "errors=1 resources=7"},
		"missing event":       {"  modified web/a\n    attributes.Size 1 -> 2\n", ""},
		"further event":       {"  modified", "  created web/b\n  modified"},
		"change type":         {"modified", "created"},
		"key":                 {"web/a", "web/b"},
		"path":                {"attributes.Size", "attributes.Sizes"},
		"old value":           {"1 -> 2", "3 -> 2"},
		"new value":           {"1 -> 2", "1 -> 3"},
		"further field":       {"1 -> 2", "1 -> 2\n    status null -> 1"},
		"missing scope":       {"  scope db failed throttled last=1\n", ""},
		"scope status":        {"db failed throttled", "db complete"},
		"scope reason":        {"throttled", "timeout"},
		"last complete":       {"last=1", "last=2"},
		"nothing stored":      {right, "scan stores-nothing\n"},
		"quiet":               {"errors=1", "errors=1 quiet"},
		"further state":       {"  scope", "  scope web failed timeout\n  scope"},
		"recorded attributes": {"  scope", "  recorded web/a tags.env=prod {\"Size\":3}\n  scope"},
		"recorded tags":       {"  scope", "  recorded web/a {\"Size\":2}\n  scope"},
		"history":             {"  scope", "  history web/a baseline@1\n  scope"},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := strings.Replace(right, replace[0], replace[1], 1)
			if wrong == right {
				t.Fatal("the expectation is not another one")
			}
			if err := play(t, setUp+wrong, modelDisk(t)); err == nil {
				t.Errorf("nobody noticed that this is wrong:\n%s", wrong)
			}
		})
	}
}

func TestScenarios_MistakesInAScenarioAreErrors(t *testing.T) {
	for name, text := range map[string]string{
		"no scan":           "scope web east T::Web",
		"unknown statement": "scope web east T::Web\nexplode web\nscan success",
		"unknown scope":     "put web/a\nscan success",
		"unknown option":    "scope web east T::Web\nput web/a colour=red\nscan success baseline=1",
		"unknown resource":  "scope web east T::Web\ndelete web/a\nscan success",
		"broken JSON":       "scope web east T::Web\nput web/a {\"A\"\nscan success baseline=1",
		"indented":          "  scan success",
		"unknown count":     "scan success bassline=1",
		"unknown check":     "scan success\n  expect web/a",
	} {
		if err := play(t, text, modelDisk(t)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
