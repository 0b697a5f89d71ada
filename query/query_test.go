package query_test

import (
	"testing"
	"time"

	"github.com/elava-dev/elava/query"
	"github.com/elava-dev/elava/storage/storagetest"
)

func TestSmoke(t *testing.T) {
	e := query.New(storagetest.NewModel(), query.Limits{Time: 2 * time.Second})
	for _, q := range []string{
		"select 1 as a, 2 as a, 'x'", "select type, count(*) from resources group by 1;", "select * from versions", "select * from changes where time > '2025' order by time desc limit 3",
		"with recursive c(x) as (select 1 union all select x+1 from c) select count(*) from c",
		"select 1 union all select x from (with recursive c(x) as (select 1 union all select x+1 from c) select x from c where x < 0)",
		"select * from (select 1) a, json_each('[1,2]')", "with t as (select 1 as z) select count(*) from t", "select count(*) from (select key from resources)",
		"pragma table_info(resources)", "select * from pragma_table_info('resources')", "attach 'x' as y", "vacuum into '/tmp/x'", "create temp table x(a)", "insert into resources values(1)",
		"select load_extension('x')", "select * from sqlite_schema", "select * from dbstat", "select * from sqlite_dbpage", "explain select 1", "begin", "select 1; select 2", "select 1 /*", "", "-- x",
		"select length(printf('%*c', 100000000, 'x'))", "select length(zeroblob(100000000))",
		"with recursive c(x) as (select 1 union all select x+1 from c limit 3000000) select count(*) from (select x, x*2, hex(x)||'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' h from c order by h desc)",
		"select x from fts5vocab", "select current_timestamp",
		"select key from resources where type = 'a' or region='b'", "select * from nosuch", "selec", "select ?", "select instr('aé√b','√'), replace('aXbX','X','--'), trim('  a '), trim('xxaxx','x'), rtrim(5.50)",
		"select 9e999, 1.5, x'00ff', null", "values (1),(2)", "select tags->>'env' from resources", "select json_extract(attributes,'$.A') from resources",
	} {
		begin := time.Now()
		r, err := e.Query(t.Context(), q, 0)
		if r != nil {
			t.Logf("%s\n   -> %v %v cut=%v (%s)", q, r.Columns, r.Rows[:min(3, len(r.Rows))], r.Cut, time.Since(begin))
		} else {
			t.Logf("%s\n   !! %v (%s)", q, err, time.Since(begin))
		}
	}
}
