package badger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	engine "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/y"

	"github.com/elava-dev/elava/bench"
	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/provider/demo"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

// The cloud of these benchmarks: of a demo cloud in one region, the types that are 72 %
// of it, which makes 300,000 documents of 1 kB, 100,000 of them in one scope.
const (
	benchCloud     = 416_667
	benchDocuments = 300_000
	benchRevisions = 100 // with changes, after the first scan
	benchUnchanged = 100 // without any, after those
	benchRegion    = "us-east-1"
	benchLargest   = "Demo::Compute::Instance" // the type of the scope with 100,000

	benchMemory = 256 * bench.MiB
	// What cmd/elava tells Go: its share of a container's memory limit, and how much
	// garbage may gather, in percent.
	benchMemoryRatio = 0.8
	benchGarbage     = 50
)

// benchChild names the file for the report of a process in which a benchmark does its
// work alone.
const benchChild = "ELAVA_BENCH_REPORT"

// BenchmarkStore compares the store with the bare engine under the same options, or with
// itself, and prints a table of all figures.
//
// What it reads was written by another process, of which it also learns how the store
// grew and how much memory all of it took; see BenchmarkStore_Alone.
func BenchmarkStore(b *testing.B) {
	var table bench.Table
	b.Run("FirstScan", func(b *testing.B) { benchFirstScan(b, &table) })
	dir := b.TempDir()
	report := workAlone(b, dir)
	b.Run("Growth", func(b *testing.B) { benchGrowth(b, &table, report) })
	b.Run("Reading", func(b *testing.B) { benchReading(b, &table, dir) })
	b.Run("Open", func(b *testing.B) { benchOpen(b, &table, dir) })
	b.Run("PeakMemory", func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(0, "ns/op")
		table.Add(b, bench.Row{
			What: "peak memory of a process that does all of it", Unit: "MiB",
			Value: float64(report.OwnMemory) / bench.MiB, Bar: benchMemory / bench.MiB,
			Detail: fmt.Sprintf("as with a limit of %d MiB; %.0f MiB with pages of mapped files, which a limit takes back",
				benchMemory/bench.MiB, float64(report.PeakMemory)/bench.MiB),
		})
	})
	if err := table.Print(os.Stdout); err != nil {
		b.Error(err)
	}
}

// document is what the cloud says of one resource.
type document struct {
	resource    resource.Resource
	fingerprint resource.Fingerprint
	schema      uint32
}

// listCloud calls a function with every document of the cloud.
func listCloud(tb testing.TB, each func(document)) []resource.Scope {
	tb.Helper()
	cloud, err := demo.New(demo.Options{Seed: 1, Resources: benchCloud, Regions: []string{benchRegion}})
	if err != nil {
		tb.Fatal(err)
	}
	plan, err := cloud.Plan(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	scopes := slices.DeleteFunc(plan.Scopes, func(s resource.Scope) bool { return !slices.Contains(benchTypes(), s.Type) })
	var hasher resource.Hasher
	for _, scope := range scopes {
		err := cloud.List(tb.Context(), scope, func(page []resource.Resource) error {
			for i := range page {
				each(document{page[i], hasher.Sum(&page[i]), cloud.Schema(scope.Type).Version})
			}
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := cloud.Close(); err != nil {
		tb.Fatal(err)
	}
	return scopes
}

// benchTypes are the types that are listed, with their shares of the demo cloud in percent.
func benchTypes() []string {
	return []string{
		benchLargest,                   // 24
		"Demo::Compute::Volume",        // 20
		"Demo::Network::SecurityGroup", // 10
		"Demo::Function::Function",     // 8
		"Demo::Network::Subnet",        // 6
		"Demo::Queue::Queue",           // 4
	}
}

func openStore(tb testing.TB, dir string) *badger.Store {
	tb.Helper()
	s, err := badger.Open(badger.Options{Path: dir})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func closeStore(tb testing.TB, s *badger.Store) {
	tb.Helper()
	if err := s.Close(); err != nil {
		tb.Fatal(err)
	}
}

// benchFirstScan stages and commits all documents as one revision, and compares the CPU time
// with that of writing the same bytes, which are the documents and the fingerprints as the
// store encodes them, with one write batch of the engine. What the store does beside it
// is to encode, to check keys, to look at the free space, to announce the revision and
// to commit it.
func benchFirstScan(b *testing.B, table *bench.Table) {
	var documents []document
	listCloud(b, func(d document) { documents = append(documents, d) })
	var entries []badger.Entry
	for i := range documents {
		d := &documents[i]
		both, err := badger.BaselineEntries(&d.resource, d.fingerprint, d.schema)
		if err != nil {
			b.Fatal(err)
		}
		entries = append(entries, both...)
	}
	c := bench.Comparison{
		Measured: func() bench.Cost {
			s := openStore(b, b.TempDir())
			defer closeStore(b, s)
			return bench.Measure(func() {
				txn := begin(b, s)
				for i := range documents {
					stageBaseline(b, txn, &documents[i])
				}
				commit(b, txn)
			})
		},
		Reference: func() bench.Cost {
			db := openEngine(b, b.TempDir())
			defer closeEngine(b, db)
			return bench.Measure(func() {
				batch := db.NewWriteBatchAt(1)
				for _, e := range entries {
					if err := batch.SetEntry(engine.NewEntry(e.Key, e.Value)); err != nil {
						b.Fatal(err)
					}
				}
				if err := batch.Flush(); err != nil {
					b.Fatal(err)
				}
			})
		},
		Rounds: 5,
	}
	r := c.Run(b)
	table.Add(b, bench.Row{
		What: fmt.Sprintf("first scan of %d documents / engine's write batch, CPU", len(documents)),
		Unit: "x", Value: r.CPURatio(), Bar: 1.4, Detail: r.CPUDetail() + fmt.Sprintf("; time that passed, mostly for the disk: %.2f", r.WallRatio()),
	})
}

// encodeDocument encodes what the document of a resource is made of: all that a cloud
// says of it.
func encodeDocument(r *resource.Resource) []byte {
	out, err := json.Marshal(struct {
		ARN, Name, Status, UID string
		CreatedAt              time.Time
		Tags                   map[string]string
		Attributes             json.RawMessage
	}{r.ARN, r.Name, r.Status, r.UID, r.CreatedAt, r.Tags, r.Attributes})
	if err != nil {
		panic(err) // the document came from the encoder
	}
	return out
}

func openEngine(tb testing.TB, dir string) *engine.DB {
	tb.Helper()
	db, err := engine.OpenManaged(badger.EngineOptions(dir))
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

func closeEngine(tb testing.TB, db *engine.DB) {
	tb.Helper()
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
}

func begin(tb testing.TB, s storage.Store) storage.Txn {
	tb.Helper()
	txn, err := s.Begin(tb.Context(), time.Now())
	if err != nil {
		tb.Fatal(err)
	}
	return txn
}

func stageBaseline(tb testing.TB, txn storage.Txn, d *document) {
	err := txn.Stage(tb.Context(), storage.Mutation{
		Type: change.Baseline, Resource: &d.resource, Fingerprint: d.fingerprint, Schema: d.schema,
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func commit(tb testing.TB, txn storage.Txn) {
	tb.Helper()
	meta := storage.ScanMetadata{StartTime: time.Now(), DurationMS: 1234, ResourceCount: benchDocuments, Status: storage.ScanSuccess}
	if err := txn.Commit(tb.Context(), &meta); err != nil {
		tb.Fatal(err)
	}
}

// aloneReport is what BenchmarkStore_Alone found out.
type aloneReport struct {
	Documents      int
	Changed        int   // documents, over all revisions
	Compressed     int64 // bytes of the changed documents, by zstd in blocks of 32 KiB
	ChangedGrowth  int64 // bytes that the store grew with them
	UnchangedScans int
	UnchangedBytes int64 // that it grew with those
	OwnMemory      int64 // the most at any time, without pages of mapped files
	PeakMemory     int64 // with them
	Size           int64
}

// workAlone has BenchmarkStore_Alone make a store at dir in a process of its own.
func workAlone(b *testing.B, dir string) aloneReport {
	b.Helper()
	file := filepath.Join(b.TempDir(), "report.json")
	child := exec.CommandContext(b.Context(), os.Args[0],
		"-test.run=^$", "-test.bench=^BenchmarkStore_Alone$", "-test.benchtime=1x", "-test.timeout=30m")
	child.Env = append(os.Environ(), benchChild+"="+file, "ELAVA_BENCH_STORE="+dir)
	if out, err := child.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	var r aloneReport
	if err := json.Unmarshal(text, &r); err != nil {
		b.Fatal(err)
	}
	return r
}

// BenchmarkStore_Alone is run by BenchmarkStore, in a process in which nothing else takes
// memory. Within a memory limit it scans, without a cloud: it records all documents;
// changes 1 % of them, a hundred times; records a hundred scans in which nothing changed;
// reads single resources, all resources at the head and in the middle, and fingerprints;
// and opens the store again.
func BenchmarkStore_Alone(b *testing.B) {
	file, dir := os.Getenv(benchChild), os.Getenv("ELAVA_BENCH_STORE")
	if file == "" {
		b.Skip("a part of BenchmarkStore")
	}
	limit := float64(benchMemory) * benchMemoryRatio
	debug.SetMemoryLimit(int64(limit))
	debug.SetGCPercent(benchGarbage)
	memory := bench.WatchMemory()
	var r aloneReport

	s := openStore(b, dir)
	txn := begin(b, s)
	scopes := listCloud(b, func(d document) {
		stageBaseline(b, txn, &d)
		r.Documents++
	})
	commit(b, txn)
	closeStore(b, s)
	first := lengthOf(b, dir)

	s = openStore(b, dir)
	pack := packer{}
	random := rand.New(rand.NewPCG(1, 2))
	for range benchRevisions {
		r.Changed += changeSome(b, s, scopes, random, &pack)
	}
	closeStore(b, s)
	r.Compressed, r.ChangedGrowth = pack.flush(), lengthOf(b, dir)-first
	changed := settle(b, dir)

	s = openStore(b, dir)
	for range benchUnchanged {
		for _, scope := range scopes[len(scopes)-1:] {
			countKnown(b, s, scope)
		}
		commit(b, begin(b, s))
		r.UnchangedScans++
	}
	closeStore(b, s)
	r.Size = lengthOf(b, dir)
	r.UnchangedBytes = r.Size - changed

	s = openStore(b, dir)
	keys := knownKeys(b, s, scopes[:1])
	for range 10_000 {
		if _, err := s.Get(b.Context(), keys[random.IntN(len(keys))], 1+random.Int64N(benchRevisions)); err != nil {
			b.Fatal(err)
		}
	}
	for _, revision := range []int64{storage.HeadRevision, benchRevisions / 2} {
		if n := countListed(b, s, storage.Query{Revision: revision}); n != r.Documents {
			b.Fatalf("listed %d resources, want %d", n, r.Documents)
		}
	}
	countKnown(b, s, scopes[0])
	closeStore(b, s)
	closeStore(b, openStore(b, dir))

	var err error
	if r.OwnMemory, err = memory.Stop(); err != nil {
		b.Fatal(err)
	}
	if r.PeakMemory, err = bench.PeakMemory(0); err != nil {
		b.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
}

// changeSome commits a revision in which about 1 % of the documents differ in one tag,
// and returns how many. Which they are is found as a scan does it, by reading the
// fingerprints of all.
func changeSome(tb testing.TB, s storage.Store, scopes []resource.Scope, random *rand.Rand, pack *packer) int {
	var chosen []resource.Key
	for _, scope := range scopes {
		for k, err := range s.Known(tb.Context(), scope, storage.HeadRevision) {
			if err != nil {
				tb.Fatal(err)
			}
			if random.IntN(100) == 0 {
				chosen = append(chosen, k.Key)
			}
		}
	}
	txn := begin(tb, s)
	var hasher resource.Hasher
	for _, key := range chosen {
		before, err := s.Get(tb.Context(), key, storage.HeadRevision)
		if err != nil {
			tb.Fatal(err)
		}
		now := before.Resource
		now.Tags = maps.Clone(now.Tags)
		now.Tags["deployment"] = fmt.Sprintf("%012x", random.Uint64()>>16)
		changes, err := change.Compare(&resource.Schema{Type: key.Type}, &before.Resource, &now)
		if err != nil || len(changes) != 1 {
			tb.Fatalf("%s: %d changes, %v; want 1", key, len(changes), err)
		}
		err = txn.Stage(tb.Context(), storage.Mutation{
			Type: change.Modified, Resource: &now, Fingerprint: hasher.Sum(&now), Schema: before.Schema, Changes: changes,
		})
		if err != nil {
			tb.Fatal(err)
		}
		pack.add(encodeDocument(&now))
	}
	commit(tb, txn)
	return len(chosen)
}

// packer adds up what documents take when they are compressed as the store does it.
type packer struct {
	block      []byte
	compressed int64
}

func (p *packer) add(document []byte) {
	p.block = append(p.block, document...)
	for len(p.block) >= 32<<10 {
		p.compress(p.block[:32<<10])
		p.block = append(p.block[:0], p.block[32<<10:]...)
	}
}

func (p *packer) compress(block []byte) {
	out, err := y.ZSTDCompress(nil, block, 1)
	if err != nil {
		panic(err) // only where it cannot be set up
	}
	p.compressed += int64(len(out))
}

func (p *packer) flush() int64 {
	p.compress(p.block)
	p.block = nil
	return p.compressed
}

// settle has the engine merge everything into one level, so that nothing that was written
// before can shrink later, and returns the length of all files of the closed store.
func settle(tb testing.TB, dir string) int64 {
	tb.Helper()
	s := openStore(tb, dir)
	if err := s.Engine().Flatten(1); err != nil {
		tb.Fatal(err)
	}
	closeStore(tb, s)
	return lengthOf(tb, dir)
}

func lengthOf(tb testing.TB, dir string) int64 {
	tb.Helper()
	var total int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return total
}

func knownKeys(tb testing.TB, s storage.Store, scopes []resource.Scope) []resource.Key {
	tb.Helper()
	var keys []resource.Key
	for _, scope := range scopes {
		for k, err := range s.Known(tb.Context(), scope, storage.HeadRevision) {
			if err != nil {
				tb.Fatal(err)
			}
			keys = append(keys, k.Key)
		}
	}
	return keys
}

func countListed(tb testing.TB, s storage.Store, q storage.Query) int {
	n := 0
	for _, err := range s.List(tb.Context(), q) {
		if err != nil {
			tb.Fatal(err)
		}
		n++
	}
	return n
}

func countKnown(tb testing.TB, s storage.Store, scope resource.Scope) int {
	n := 0
	for _, err := range s.Known(tb.Context(), scope, storage.HeadRevision) {
		if err != nil {
			tb.Fatal(err)
		}
		n++
	}
	return n
}

// benchGrowth reports how the store grew: in scans that change 1 %, compared with the
// bytes of the changed documents alone, compressed as the store does it; and in scans
// that change nothing. Lengths of files are compared after the store was closed and the
// engine had tidied up.
func benchGrowth(b *testing.B, table *bench.Table, r aloneReport) {
	for b.Loop() {
	}
	b.ReportMetric(0, "ns/op")
	table.Add(b, bench.Row{
		What: fmt.Sprintf("growth in an unchanged scan of %d", r.Documents), Unit: "B",
		Value: float64(r.UnchangedBytes) / float64(r.UnchangedScans), Bar: 300,
		Detail: fmt.Sprintf("%d bytes in %d scans", r.UnchangedBytes, r.UnchangedScans),
	})
	table.Add(b, bench.Row{
		What: fmt.Sprintf("growth in %d revisions with 1 %% changed / the changed documents, compressed", benchRevisions), Unit: "x",
		Value: float64(r.ChangedGrowth) / float64(r.Compressed), Bar: 2,
		Detail: fmt.Sprintf("%d bytes by %d for %d documents; the store has %.0f MB", r.ChangedGrowth, r.Compressed, r.Changed, float64(r.Size)/1e6),
	})
}

// benchReading compares reads. One resource at a random revision: with the engine's get
// of the same key at the same timestamp, and a copy of the value. All resources in the
// middle of the history: with all at the head. The fingerprints of one scope: with the
// documents of the same scope. The caches of the engine are the store's in all of these.
func benchReading(b *testing.B, table *bench.Table, dir string) {
	s := openStore(b, dir)
	defer closeStore(b, s)
	scope := resource.Scope{Provider: demo.Name, Account: demo.Account, Region: benchRegion, Type: benchLargest}
	b.Run("Get", func(b *testing.B) { benchGet(b, table, s) })
	b.Run("ListInThePast", func(b *testing.B) {
		list := func(revision int64) func() bench.Cost {
			return func() bench.Cost {
				return bench.Measure(func() { countListed(b, s, storage.Query{Revision: revision}) })
			}
		}
		c := bench.Comparison{Measured: list(1 + benchRevisions/2), Reference: list(storage.HeadRevision), Rounds: 5}
		r := c.Run(b)
		table.Add(b, bench.Row{
			What: "all resources at a middle revision / at the head, CPU", Unit: "x", Value: r.CPURatio(), Bar: 2, Detail: r.CPUDetail(),
		})
	})
	b.Run("Fingerprints", func(b *testing.B) {
		inventory := 0
		c := bench.Comparison{
			Measured: func() bench.Cost { return bench.Measure(func() { inventory = countKnown(b, s, scope) }) },
			Reference: func() bench.Cost {
				q := storage.Query{Filter: storage.Filter{Types: []string{scope.Type}, Regions: []string{scope.Region}}}
				return bench.Measure(func() { countListed(b, s, q) })
			},
			Rounds: 9,
		}
		r := c.Run(b)
		table.Add(b, bench.Row{
			What: fmt.Sprintf("fingerprints of a scope of %d / its documents, CPU", inventory), Unit: "x",
			Value: r.CPURatio(), Bar: 0.25, Detail: r.CPUDetail(),
		})
	})
}

func benchGet(b *testing.B, table *bench.Table, s *badger.Store) {
	const gets = 10_000
	var scopes []resource.Scope
	for _, t := range benchTypes() {
		scopes = append(scopes, resource.Scope{Provider: demo.Name, Account: demo.Account, Region: benchRegion, Type: t})
	}
	keys := knownKeys(b, s, scopes)
	seed := uint64(0)
	// No measurement reads the keys of another one, so that none finds what it needs in a
	// cache because of what went before.
	read := func(get func(resource.Key, int64)) func() bench.Cost {
		return func() bench.Cost {
			seed++
			random := rand.New(rand.NewPCG(7, seed))
			return bench.Measure(func() {
				for range gets {
					get(keys[random.IntN(len(keys))], 1+random.Int64N(1+benchRevisions))
				}
			})
		}
	}
	var times []time.Duration
	p99 := time.Hour
	c := bench.Comparison{
		Measured: func() bench.Cost {
			times = times[:0]
			cost := read(func(k resource.Key, revision int64) {
				start := time.Now()
				if _, err := s.Get(context.Background(), k, revision); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(start))
			})()
			slices.Sort(times)
			p99 = min(p99, times[len(times)*99/100])
			return cost
		},
		Reference: read(func(k resource.Key, revision int64) {
			txn := s.Engine().NewTransactionAt(uint64(revision), false)
			defer txn.Discard()
			item, err := txn.Get(badger.DocumentKey(k))
			if err == nil {
				_, err = item.ValueCopy(nil)
			}
			if err != nil {
				b.Fatal(err)
			}
		}),
		Rounds: 9,
	}
	r := c.Run(b)
	table.Add(b, bench.Row{
		What: fmt.Sprintf("one of %d resources at a random revision / engine's get, CPU", len(keys)), Unit: "x",
		Value: r.CPURatio(), Bar: 1.5,
		Detail: fmt.Sprintf("%s by %s each", r.Measured.CPU/gets, r.Reference.CPU/gets),
	})
	table.Add(b, bench.Row{
		What: "p99 of the same", Unit: "ms", Value: float64(p99) / float64(time.Millisecond), Bar: 2, Detail: "time of one get; best of the rounds",
	})
}

// benchOpen opens the store, which compares the checksums of all files, and compares the
// time with that of opening a copy of it with the bare engine.
func benchOpen(b *testing.B, table *bench.Table, dir string) {
	bare := b.TempDir()
	if err := os.CopyFS(bare, os.DirFS(badger.EngineDir(dir))); err != nil {
		b.Fatal(err)
	}
	c := bench.Comparison{
		Measured: func() bench.Cost {
			var s *badger.Store
			cost := bench.Measure(func() { s = openStore(b, dir) })
			closeStore(b, s)
			return cost
		},
		Reference: func() bench.Cost {
			var db *engine.DB
			cost := bench.Measure(func() { db = openEngine(b, bare) })
			closeEngine(b, db)
			return cost
		},
		Rounds: 9,
	}
	r := c.Run(b)
	const allowance = 200 * time.Millisecond
	milliseconds := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	table.Add(b, bench.Row{
		What: "opening / 1.5 times the engine's opening and 200 ms", Unit: "ms", Value: milliseconds(r.Measured.Wall),
		Bar: 1.5*milliseconds(r.Reference.Wall) + milliseconds(allowance), Detail: r.WallDetail(),
	})
}
