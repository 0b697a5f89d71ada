package query_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/elava-dev/elava/query"
	"github.com/elava-dev/elava/storage/storagetest"
)

// plain returns what SQLite answers whose functions nobody has replaced.
func plain(t *testing.T, text string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", ":memory:")
	check(t, err)
	defer func() { check(t, db.Close()) }()
	rows, err := db.QueryContext(t.Context(), text)
	check(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	check(t, err)
	var all [][]any
	for rows.Next() {
		row := make([]any, len(columns))
		targets := make([]any, len(row))
		for i := range row {
			targets[i] = &row[i]
		}
		check(t, rows.Scan(targets...))
		all = append(all, row)
	}
	check(t, rows.Err())
	return lines(all)
}

// literals writes texts as rows of VALUES.
func literals(texts []string) string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = "('" + strings.ReplaceAll(s, "'", "''") + "')"
	}
	return strings.Join(out, ",")
}

// words returns random texts of a few characters.
func words(r *rand.Rand, n int, alphabet string) []string {
	letters := []rune(alphabet)
	out := make([]string, n)
	for i := range out {
		for range r.IntN(9) {
			out[i] += string(letters[r.IntN(len(letters))])
		}
	}
	return out
}

var oddValues = []string{
	"null", "x'61'", "x'2a'", "1", "-17", "1.0", "2.5", "-0.0", "1e17", "1e18", "1e20", "1e-4", "1e-5", "1e-7", "0.1+0.2", "1.7976931348623157e308", "123456789012345678", "12345678901234567.0", "0.1", "100000.0", "1e15", "1e16", "9e999", "-9e999", "1.5e300",
	"''", "'a'||char(0)||'b'", "cast(x'ff41' as text)", "cast(x'c3' as text)", "cast(x'e28082' as text)", "cast(x'80' as text)", "'É'", "'é'", "'%'", "'*'", "'1%'", "'1*'", "'%.0'", "'*e+*'",
}

func TestEngine_LikeAndGlobAreThoseOfSQLite(t *testing.T) {
	e := query.New(storagetest.NewModel(), query.Limits{Time: time.Minute})
	ask(t, e, "select 1", 0) // SQLite is set up by the engine, before its first use
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	compare := func(text string) {
		got, want := ask(t, e, text, 0), plain(t, text)
		if len(got) != len(want) {
			t.Fatalf("seed %d: %d rows, want %d: %.300s", seed, len(got), len(want), text)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("seed %d: %s, want %s: %.300s", seed, got[i], want[i], text[len(text)-200:])
			}
		}
	}
	for range 2 {
		for _, alphabet := range []struct{ patterns, texts string }{
			{"aAb%%_", "aAbB"}, {"aé√%_!", "aéÉ√"}, {"ab**?", "ab"}, {"ab*?[]^-", "ab]^-["}, {"é[]*-a^", "éaÉ-"},
		} {
			tables := fmt.Sprintf("with p(x) as (values%s), t(y) as (values%s) ", literals(words(r, 40, alphabet.patterns)), literals(words(r, 40, alphabet.texts)))
			compare(tables + "select x, y, y like x, y glob x, y not like x escape '!', y like x escape 'é', y like x escape '%', y like x escape '_' from p, t")
		}
	}
	odd := fmt.Sprintf("with p(x) as (values(%[1]s)) ", strings.Join(oddValues, "),("))
	compare(odd + "select hex(a.x), hex(b.x), a.x like b.x, a.x glob b.x, a.x like b.x escape 'a', like('%1%', a.x, null), a.x not like b.x from p a, p b")
	compare(odd + "select hex(a.x), instr(a.x, 1), replace(a.x, '1', '2'), trim(a.x, '1'), replace(a.x, 'x', '') from p a where typeof(a.x) <> 'blob'")
	for text, want := range map[string]string{
		"select 'a' like 'a' escape ''": "single character", "select 'a' like 'a' escape 'ab'": "single character", "select like('a')": "number of arguments", "select glob('a')": "number of arguments",
		"select 'a' like printf('%.1001c', 'a')": "too complex", "select 'a' glob printf('%.1001c', 'a')": "too complex",
	} {
		if _, err := e.Query(t.Context(), text, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
