package query_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/query"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

func same(t testing.TB, what string, revision int64, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s at revision %d:\ngot  %q\nwant %q", what, revision, got, want)
	}
}

func TestEngine_AnswersAreTheTruthAtEveryRevision(t *testing.T) {
	w := script(t, 1)
	e := query.New(w.store, query.Limits{})
	for revision := range int64(len(w.resources)) {
		var live [][]any
		count := map[string]int{}
		for key, row := range w.resources[revision] {
			live = append(live, row)
			count[key.Type]++
		}
		same(t, "resources", revision, sorted(ask(t, e, "select key, name, status, tags, attributes, revision from resources", revision)), sorted(lines(live)))
		var counts []string
		for typ, n := range count {
			counts = append(counts, fmt.Sprintf("[%s %d]", typ, n))
		}
		same(t, "counts", revision, ask(t, e, "select type, count(*) from resources group by 1 order by 1", revision), sorted(counts))

		upTo := func(rows [][]any) (out [][]any) {
			for _, row := range rows {
				if row[1].(int64) <= revision {
					out = append(out, row)
				}
			}
			return out
		}
		same(t, "changes", revision,
			ask(t, e, "select id, revision, change_type, key, type, region, resource_id, name from changes order by revision", revision),
			lines(upTo(w.changes)))
		same(t, "versions", revision, sorted(ask(t, e, "select key, revision, change_type, name from versions", revision)), sorted(lines(upTo(w.versions))))
		same(t, "scans", revision, ask(t, e, "select count(*), coalesce(max(revision), 0) from scans", revision), []string{fmt.Sprintf("[%d %d]", revision, revision)})
	}
}

// Conditions that the store is asked for select what they select when they are checked row
// by row, which || ” and + have SQLite do.
func TestEngine_ConditionsSelectTheSameWhoeverChecksThem(t *testing.T) {
	w := script(t, 2)
	e := query.New(w.store, query.Limits{})
	for _, table := range []struct {
		name, row  string
		conditions []string
	}{
		{"resources", "key, revision, name", append(conditions("id"), arnConditions()...)},
		{"versions", "key, revision, name, change_type", append(conditions("id"), arnConditions()...)},
		{"changes", "id, key, name", append(conditions("resource_id"),
			"change_type = 'created'", "change_type = 'baseline'", "change_type in ('created', 'disappeared')",
			"revision > 7", "revision >= 7 and revision < 20", "revision = 9", "revision in (3, 5, 99)", "revision < -1", "revision > 7.5", "revision = '9'",
			"time > '2025-10-22T20:00:00.000Z'", "time >= '2025-10-22T20:00:00.000Z'", "time <= '2025-10-22T20:00:00Z'", "time < '2025-10-22T20:00:00.000Z'",
			"time = '2025-10-22T20:00:00.000Z'", "time > '2025-10-23'", "time <= '2025-10-23'", "time < '2025-10-22 20:00:00'", "time > '2025'", "time > 'x'", "time > ''",
			"time < '2025-10-22T9:00:00.000Z'", "time > '2025-10-22T20:00:00,500Z'", "time >= '2025-10-22T9:00:00,000Z'", "time between '2025-10-22T1:00:00.000Z' and '2025-10-22T9:00:00.000Z'",
			"time between '2025-10-22T15:00:00.000Z' and '2025-10-23T02:00:00.000Z'", "time > 5", "time < '0001-01-01'", "time > '9999-12-31T00:00:00.000Z'", "time is not null")},
		{"scans", "revision, status", []string{"revision = 3", "revision < 5", "revision >= 29", "revision > 99", "revision between 4 and 6", "revision in (1, 30)"}},
	} {
		for _, condition := range table.conditions {
			for _, revision := range []int64{0, 12, 30} {
				pushed := ask(t, e, fmt.Sprintf("select %s from %s where %s", table.row, table.name, condition), revision)
				checked := ask(t, e, fmt.Sprintf("select %s from (select * from %s limit -1 offset 0) where %s", table.row, table.name, condition), revision)
				same(t, table.name+" where "+condition, revision, sorted(pushed), sorted(checked))
			}
		}
	}
}

// conditions are those on the columns of a resource's key, of which id is the name of one.
func conditions(id string) []string {
	key := "'aws/1/us-east-1/AWS::EC2::Instance/i-1'"
	return []string{
		"type = 'AWS::EC2::Instance'", "type = 'aws::ec2::instance'", "type in ('AWS::S3::Bucket', 'AWS::IAM::Role', 'x')",
		"type like 'aws::ec2::%'", "type like '%::_olume'", "type glob 'AWS::EC2::*'", "type glob 'aws::*'", "type glob '*[ab]*'", "type = '*'", "type like '*'",
		"type = 'aws::ec2::instance' collate nocase", "region = 'US-EAST-1' collate nocase", "name = 'WEB' collate nocase",
		"region = 'us-east-1'", "region in ('us-east-1', 'global')", "region = 'us-east-1' and region = 'global'", "account = '1'", "account = 1", "account = 1.0", "account is '1'",
		id + " = 'i-1'", id + " in ('i-1', 'i-2')", id + " = ''", "key = " + key, "key = 'nonsense'", "key in (" + key + ", 'x')", "key > " + key,
		"name = 'web'", "name = ''", "name is null", "type = 'AWS::EC2::Instance' and region = 'us-east-1' and account = '2' and " + id + " = 'i-2'",
		"type = 'AWS::EC2::Volume' or region = 'global'", "(" + id + " = 'i-1' or " + id + " = 'i-2') and (region = 'global' or key = " + key + ")",
		"type = (select max(type) from scopes)", "key in (select key from changes where change_type = 'disappeared')", "type <> 'AWS::IAM::Role'", "provider = 'aws'", "provider = 'gcp'",
	}
}

func arnConditions() []string {
	return []string{
		"arn = 'arn:i-1/web'", "arn in ('arn:i-1/web', 'arn:i-2/web', 'x')", "arn = ''", "arn = 'ARN:I-1/WEB' collate nocase", "arn = 'arn:i-1/web' and name = 'web'",
		"arn = 'arn:i-1/web' and name = 'db'", "arn > 'arn:i-1'", "arn = 1",
	}
}

func TestEngine_JoinsAndReadsJSON(t *testing.T) {
	w := script(t, 3)
	e := query.New(w.store, query.Limits{})
	joined := ask(t, e, "select count(*) from changes c join scans s on s.revision = c.revision", 30)
	same(t, "join", 30, joined, []string{fmt.Sprintf("[%d]", len(w.changes))})
	modified := ask(t, e, "select count(*) from changes c, json_each(c.changes) j where j.value->>'path' = 'attributes.Size'", 30)
	same(t, "json_each", 30, modified, ask(t, e, "select count(*) from changes where change_type = 'modified'", 30))
	same(t, "attributes", 30, ask(t, e, "select count(*) from resources where attributes->'Size' <> json(revision)", 30), []string{"[0]"})
	same(t, "tags", 30,
		ask(t, e, "select count(*) from resources where tags->>'env' in ('prod', 'dev')", 30), []string{fmt.Sprintf("[%d]", len(w.resources[30]))})
}

// countedStore notes what it is asked for.
type countedStore struct {
	storage.Store
	lists []storage.Query
	feeds []storage.ChangeQuery
	scans int
}

func (c *countedStore) Scans(ctx context.Context, before int64) iter.Seq2[*storage.ScanMetadata, error] {
	c.scans++
	return c.Store.Scans(ctx, before)
}

func (c *countedStore) List(ctx context.Context, q storage.Query) iter.Seq2[*storage.Version, error] {
	c.lists = append(c.lists, q)
	return c.Store.List(ctx, q)
}

func (c *countedStore) Changes(ctx context.Context, q storage.ChangeQuery) iter.Seq2[*storage.ChangeEvent, error] {
	c.feeds = append(c.feeds, q)
	return c.Store.Changes(ctx, q)
}

func TestEngine_ConditionsReachTheStore(t *testing.T) {
	s := &countedStore{Store: script(t, 4).store}
	e := query.New(s, query.Limits{})
	ask(t, e, "select count(*) from resources where type like 'aws::ec2::%' and region = 'global' and account = '1' and id = 'i-1'", 20)
	q := s.lists[0]
	if !q.KeysOnly || q.Revision != 20 || !slices.Equal(q.Types, []string{"aws::ec2::*"}) || q.Regions[0] != "global" || q.Accounts[0] != "1" || q.ID != "i-1" {
		t.Errorf("the store was asked for %+v", q)
	}
	ask(t, e, "select tags from resources", 20)
	if s.lists[1].KeysOnly {
		t.Error("tags were asked for without documents")
	}
	ask(t, e, "select key from resources where arn = 'arn:i-1/web' and name = 'web'", 20)
	if q := s.lists[2]; q.ARN != "arn:i-1/web" || q.Name != "web" {
		t.Errorf("the store was asked for %+v", q)
	}
	ask(t, e, "select count(*) from changes where revision > 5 and time < '2025-10-22T19:00:00.000Z' and type = 'AWS::S3::Bucket' and change_type = 'created'", 20)
	f := s.feeds[0]
	if f.Above < 4 || f.UpTo != 10 || f.Types[0] != "AWS::S3::Bucket" || f.ChangeTypes[0] != change.Created {
		t.Errorf("the store was asked for %+v", f)
	}
	ask(t, e, "select * from changes order by time limit 1", 20)
	if !s.feeds[1].OldestFirst {
		t.Error("the store was not asked for the oldest first")
	}
}

// A join reads each side once, or the larger one by the condition: never the scans of every
// change.
func TestEngine_JoinsByWhatSelectsLittle(t *testing.T) {
	for _, join := range []string{
		"changes c join scans s on s.revision = c.revision", "changes c join scans s using (revision)", "scans s join changes c on s.revision = c.revision",
		"changes c join scans s on s.revision = c.revision where s.revision > 3", "changes c left join scans s on s.revision = c.revision",
	} {
		s := &countedStore{Store: script(t, 4).store}
		ask(t, query.New(s, query.Limits{}), "select s.status, count(*) from "+join+" group by 1", 30)
		if s.scans > 30 || len(s.feeds) > 30 {
			t.Errorf("%s: the scans are read %d times and the changes %d times", join, s.scans, len(s.feeds))
		}
	}
}

func TestEngine_TakesWhatMayStandBehindAStatement(t *testing.T) {
	e := query.New(script(t, 5).store, query.Limits{})
	for _, text := range []string{
		"select ';--' || \"a;\" from (select 1 as \"a;\"); -- that is all", "select ';--1' /* ; */ ;; /* one\n */ ; -- two\n ;", "select ';--1' -- no semicolon", "select ';--1';\n",
	} {
		same(t, text, 30, ask(t, e, text, 30), []string{"[;--1]"})
	}
}

func TestEngine_SaysWhatIsWrong(t *testing.T) {
	e := query.New(script(t, 5).store, query.Limits{})
	for text, want := range map[string]string{
		"":                             "no query",
		"-- nothing":                   "no query",
		"selec 1":                      `near "selec": syntax error`,
		"select nosuch from resources": "no such column: nosuch",
		"select * from nosuch":         "no such table: nosuch",
		"select 1; select 2":           `near ";"`,
		"select ?":                     "variables",
		"select 1\x00":                 "zero bytes",
		"select '" + strings.Repeat("x", 70_000) + "'":                 "at most 65536",
		"select replace(hex(printf('%.1000000c', 'x')), '7', 'yyyyy')": "more than",
	} {
		_, err := e.Query(t.Context(), text, 30)
		var refused *query.Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
}

// Whatever reaches out of the query is refused, and no file appears or is read.
func TestEngine_ReachesNothingBeyondTheTables(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	check(t, os.WriteFile(secret, []byte("top secret"), 0o600))
	t.Chdir(dir)
	e := query.New(script(t, 6).store, query.Limits{})
	for _, text := range []string{
		"attach '" + secret + "' as x", "attach database ':memory:' as x", "detach main", "vacuum", "vacuum into '" + dir + "/copy'", "vacuum main into '" + dir + "/copy'",
		"select load_extension('" + secret + "')", "select readfile('" + secret + "')", "select writefile('" + dir + "/out', 'x')", "select edit('x')",
		"select fts3_tokenizer('simple')", "select zeroblob(1000000000)", "select randomblob(1000000000)", "select sqlite_compileoption_get(0)",
		"pragma table_info(resources)", "pragma writable_schema=1", "pragma temp_store_directory='" + dir + "'", "pragma database_list", "pragma hard_heap_limit=0",
		"select * from pragma_database_list", "select * from pragma_table_info('resources')", "select * from pragma_compile_options()",
		"select * from sqlite_schema", "select * from sqlite_master", "select * from temp.sqlite_master", "select * from dbstat", "select * from sqlite_dbpage", "select * from sqlite_stmt",
		"create table t(a)", "create temp table t(a)", "create view v as select 1", "create temp view v as select 1", "create trigger t after insert on resources begin select 1; end",
		"create virtual table t using fts5(a)", "create virtual table t using elava(1)", "create index i on resources(key)", "create table t as select * from resources",
		"insert into resources(key) values('x')", "update resources set name = 'x'", "delete from resources", "replace into scans(revision) values(1)", "drop table resources", "alter table resources rename to x",
		"with x as (select 1) delete from resources", "insert into resources(key) select key from resources returning *", "begin", "commit", "rollback", "savepoint a", "release a", "reindex", "analyze",
		"explain select 1", "explain query plan select 1", "select 1 /*", "select 1) union select (select 1", "select 1) limit 1) select * from sqlite_master --",
	} {
		result, err := e.Query(t.Context(), text, 30)
		if err == nil {
			t.Errorf("%s: answered %v", text, result.Rows)
		} else if refused := (*query.Error)(nil); !errors.As(err, &refused) || strings.Contains(err.Error(), "secret top") {
			t.Errorf("%s: %v", text, err)
		}
	}
	entries, err := os.ReadDir(dir)
	check(t, err)
	if len(entries) != 1 {
		t.Errorf("files appeared: %v", entries)
	}
	same(t, "the tables afterwards", 30, ask(t, e, "select count(*) > 0 from resources", 30), []string{"[1]"})
}

func TestEngine_EndsWhatTakesTooLong(t *testing.T) {
	e := query.New(script(t, 7).store, query.Limits{Time: 300 * time.Millisecond})
	forever := "with recursive c(x) as (select 1 union all select x+1 from c) select "
	for _, text := range []string{
		forever + "count(*) from c", forever + "x from c where x < 0", "select 1 union all select x from (" + forever + "x from c where x < 0)",
		"select count(*) from changes a, changes b, changes c, changes d, changes e where a.name || b.name || c.name || d.name || e.name = 'x'",
		manyColumns("t.s like p.s"), manyColumns("t.s glob replace(p.s, '%', '*')"), manyColumns("t.s like p.s escape 'x'"),
		forever + "max(hex(x)) from c where instr(printf('%.200000c', 'x'), printf('%.100000c', 'x') || x) = -1",
	} {
		begin := time.Now()
		_, err := e.Query(t.Context(), text, 30)
		if !errors.Is(err, query.ErrTime) {
			t.Errorf("%s: %v", text, err)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%s: took %s", text, took)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Query(ctx, "select 1", 30); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled query: %v", err)
	}
}

// What SQLite does not end when it is interrupted is ended by taking its memory away, which
// others survive or are asked to try again for, and which is given back.
func TestEngine_EndsWhatDoesNotLookAtTheTime(t *testing.T) {
	const long = "with t(j) as materialized (select '[' || replace(hex(printf('%.*c', 900000, 'a')), '61', '1,') || '1]') select "
	sum := strings.TrimSuffix(strings.Repeat("json_valid(j)+", 100), "+") + ","
	e := query.New(script(t, 13).store, query.Limits{Time: 500 * time.Millisecond})
	for _, text := range []string{long + strings.Repeat(sum, 25) + "1 from t", long + strings.Repeat("upper(j) = lower(j),", 199) + "1 from t"} {
		stuck := make(chan error)
		begin := time.Now()
		go func() {
			_, err := e.Query(t.Context(), text, 30)
			stuck <- err
		}()
		for running := true; running; {
			select {
			case err := <-stuck:
				if took := time.Since(begin); !errors.Is(err, query.ErrTime) || took > 30*time.Second {
					t.Errorf("%.200s: %v after %s", text, err, took)
				}
				running = false
			default:
				if _, err := e.Query(t.Context(), "select key, length(printf('%.*c', 100000, 'a')) from resources", 30); err != nil && !errors.Is(err, query.ErrBusy) && !errors.Is(err, query.ErrTime) {
					t.Fatalf("beside it: %v", err)
				}
			}
		}
		same(t, "afterwards", 30, ask(t, e, "select length(printf('%.*c', 4000000, 'a'))", 30), []string{"[4000000]"})
	}
}

// manyColumns computes an expression of a long text and a long pattern in every column of
// one row, between which SQLite does not look whether it is to end.
func manyColumns(expression string) string {
	return "with t(s) as materialized (select printf('%.*c', 4000000, 'a')), p(s) as materialized (select '%' || printf('%.*c', 900, 'a') || 'b%') select " +
		strings.TrimSuffix(strings.Repeat(expression+",", 100), ",") + " from t, p"
}

func TestEngine_EndsWhatTakesTooMuchMemory(t *testing.T) {
	e := query.New(script(t, 8).store, query.Limits{Memory: 16 << 20, Time: 5 * time.Minute})
	rows := "with recursive c(x) as (select 1 union all select x+1 from c limit 100000000) "
	for _, text := range []string{
		rows + "select count(*) from (select distinct printf('%.10000c', 'x') || x from c)",
		rows + "select count(*) from (select printf('%.1000c', 'x') || x y from c order by y)",
		rows + "select x % 1000, group_concat('x') from c group by printf('%.1000c', 'x') || x % 1000",
		rows + "select printf('%.100000c', 'x') from c",
	} {
		if _, err := e.Query(t.Context(), text, 30); !errors.Is(err, query.ErrMemory) {
			var refused *query.Error // one value may be the first to be too large
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), "bytes") {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	same(t, "afterwards", 30, ask(t, e, "select 1", 30), []string{"[1]"})

	long := "select 1 in (" + strings.TrimSuffix(strings.Repeat("abs(1),", 9000), ",") + ")"
	if _, err := e.Query(t.Context(), long, 30); !errors.Is(err, query.ErrMemory) || !strings.Contains(err.Error(), "shorten") {
		t.Errorf("a program of too many steps: %v", err)
	}
}

func TestEngine_CutsAnswersAtTheirLimits(t *testing.T) {
	e := query.New(script(t, 9).store, query.Limits{Rows: 5, Bytes: 1000})
	rows := "with recursive c(x) as (select 1 union all select x+1 from c limit 5000) "
	for text, want := range map[string]int{
		rows + "select x from c":                           5,
		rows + "select printf('%.600c', 'x') from c":       1,
		rows + "select printf('%.400c', 'x') from c":       2,
		rows + "select printf('%.*c', 80, char(1)) from c": 2, // six bytes each, as JSON
		rows + "select printf('%.2000c', 'x') from c":      1, // one row is there whatever it takes
		rows + "select x from c limit 5":                   5,
	} {
		result, err := e.Query(t.Context(), text, 30)
		check(t, err)
		if len(result.Rows) != want || result.Cut != !strings.HasSuffix(text, "5") {
			t.Errorf("%s: %d rows, cut: %v", text, len(result.Rows), result.Cut)
		}
	}
}

// What an answer takes is counted as it is encoded.
func TestEngine_CountsBytesOfJSON(t *testing.T) {
	e := query.New(storagetest.NewModel(), query.Limits{})
	for text, numbers := range map[string]int{
		"select 'plain', '', '\"\\', 'é√😀', char(8232)||char(8233)": 0, "select cast(x'ff80c3' as text), x'00ff', x''": 0,
		"with recursive c(x) as (select 1 union all select x+1 from c limit 200) select char(x, 0, x), hex(x) from c": 0,
		"select 1, null, 1.5, -1.7976931348623157e308, -9223372036854775807":                                          5,
	} {
		result, err := e.Query(t.Context(), text, 0)
		check(t, err)
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		check(t, encoder.Encode(result.Rows))
		if most := b.Len() + 25*numbers + 2*len(result.Rows); result.Bytes < b.Len()-3 || result.Bytes > most {
			t.Errorf("%s: counted %d bytes of %d", text, result.Bytes, b.Len())
		}
	}
}

func TestEngine_RunsAFewQueriesAtATime(t *testing.T) {
	e := query.New(script(t, 10).store, query.Limits{Concurrent: 1, Time: time.Second})
	begun := make(chan struct{})
	done := make(chan error)
	go func() {
		close(begun)
		_, err := e.Query(t.Context(), "with recursive c(x) as (select 1 union all select x+1 from c) select count(*) from c", 30)
		done <- err
	}()
	<-begun
	_, second := e.Query(t.Context(), "with recursive c(x) as (select 1 union all select x+1 from c) select count(*) from c", 30)
	first := <-done
	busy := 0
	for _, err := range []error{first, second} {
		if errors.Is(err, query.ErrBusy) {
			busy++
		} else if !errors.Is(err, query.ErrTime) {
			t.Errorf("%v", err)
		}
	}
	if busy > 1 {
		t.Error("both queries were turned away")
	}
}

func TestEngine_NamesColumnsOnce(t *testing.T) {
	e := query.New(storagetest.NewModel(), query.Limits{})
	result, err := e.Query(t.Context(), "select 1 a, 2 a, 3 a_2, 4 a", 0)
	check(t, err)
	same(t, "columns", 0, result.Columns, []string{"a", "a_2", "a_2_2", "a_3"})
}

func TestEngine_HandsOnWhatTheStoreSays(t *testing.T) {
	w := script(t, 11)
	check(t, w.store.Trim(t.Context(), 20))
	e := query.New(w.store, query.Limits{})
	for _, table := range []string{"resources", "versions", "changes", "scans", "scopes"} {
		if _, err := e.Query(t.Context(), "select * from "+table, 5); !errors.Is(err, storage.ErrCompacted) {
			t.Errorf("%s: %v, want what was compacted", table, err)
		}
	}
	same(t, "changes", 30, ask(t, e, "select count(*) from changes where revision > 2", 30), ask(t, e, "select count(*) from changes", 30))
}

// The functions that are replaced do what those of SQLite do:
// https://www.sqlite.org/lang_corefunc.html
func TestEngine_ReplacedFunctionsAreThoseOfSQLite(t *testing.T) {
	e := query.New(storagetest.NewModel(), query.Limits{})
	for call, want := range map[string]string{
		"instr('aé√b', '√')": "3", "instr('abc', 'x')": "0", "instr('abc', '')": "1", "instr(x'00ff', x'ff')": "2", "instr(null, 'a')": "<nil>", "instr(1234, 34)": "3",
		"replace('aXbX', 'X', '--')": "a--b--", "replace('a', '', 'b')": "a", "replace('a', null, 'b')": "<nil>", "replace(121, 1, 3)": "323",
		"trim('  a ')": "a", "trim('xyaxy', 'yx')": "a", "ltrim('xxa', 'x')": "a", "rtrim('axx', 'x')": "a", "rtrim(5.50, '5')": "5.", "trim(null, 'x')": "<nil>", "trim('abc', '')": "abc",
	} {
		if got := ask(t, e, "select "+call, 0)[0]; got != "["+want+"]" {
			t.Errorf("%s: %s, want %s", call, got, want)
		}
	}
}

// docs/sql.md lists the tables with their columns.
func TestDocs_HaveEveryTableAndColumn(t *testing.T) {
	page, err := os.ReadFile("../docs/sql.md")
	check(t, err)
	for _, table := range query.Tables() {
		var columns []string
		for _, c := range table.Columns {
			columns = append(columns, "`"+c.Name+"`")
		}
		if want := " | " + strings.Join(columns, " ") + " |\n"; !strings.Contains(string(page), want) || !strings.Contains(string(page), "\n| `"+table.Name+"` | ") {
			t.Errorf("docs/sql.md lacks the table %s with%s", table.Name, want)
		}
	}
}

// No text makes the engine panic, or answer with anything but rows and the errors that it
// promises.
func FuzzEngine(f *testing.F) {
	for _, seed := range append(conditions("id"), "1", "x'00'", "json_each('[1]')", "(select 1", "1) --", "1 /*", "'' || zeroblob(9)") {
		f.Add("select * from resources where " + seed)
	}
	f.Add("with recursive c(x) as (select 1 union select x+1 from c limit 9) select * from c, changes")
	f.Add("select row_number() over (order by time), json_group_array(key) from changes group by type")
	e := query.New(script(f, 12).store, query.Limits{Time: 2 * time.Second})
	f.Fuzz(func(t *testing.T, text string) {
		_, err := e.Query(t.Context(), text, 30)
		var refused *query.Error
		if err != nil && !errors.As(err, &refused) && !errors.Is(err, query.ErrTime) && !errors.Is(err, query.ErrMemory) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
