package sql

import (
	"errors"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
)

var all = map[string]param{"from": {name: "from"}, "to": {name: "to"}, "baseline_version": {name: "baseline_version"}}

// TestPlaceholders: only what is a parameter to the database becomes one.
func TestPlaceholders(t *testing.T) {
	for _, c := range []struct {
		dialect     Dialect
		query, want string
	}{
		{PostgreSQL, "SELECT a::int, :from::timestamptz, x[1 : 2] WHERE t>:from AND t<=:to;", "SELECT a::int, $1::timestamptz, x[1 : 2] WHERE t>$2 AND t<=$3"},
		{PostgreSQL, `SELECT ':from', 'it''s :from', "a :from ""b"" :from", :to`, `SELECT ':from', 'it''s :from', "a :from ""b"" :from", $1`},
		{PostgreSQL, `SELECT E'\' :from', 'C:\', :to`, `SELECT E'\' :from', 'C:\', $1`},
		{PostgreSQL, "SELECT $$ :from $$, $tag$ :from $$ $tag$, :to, a$b$c", "SELECT $$ :from $$, $tag$ :from $$ $tag$, $1, a$b$c"},
		{PostgreSQL, "SELECT 1 -- :from\n, /* /* :from */ :from */ :to", "SELECT 1 -- :from\n, /* /* :from */ :from */ $1"},
		{PostgreSQL, "SELECT a ? 'b', b #> '{}', :baseline_version", "SELECT a ? 'b', b #> '{}', $1"},
		{MySQL, `SELECT 'a\' :from', "b\" :from", :to`, `SELECT 'a\' :from', "b\" :from", ?`},
		{MySQL, "SELECT `a\\`, :to # :from\n, 5--:from, @x:=1", "SELECT `a\\`, ? # :from\n, 5--?, @x:=1"},
		{MySQL, "SELECT :to -- :from", "SELECT ? -- :from"},
		{SQLite, `SELECT [a :from], 'C:\', :to`, `SELECT [a :from], 'C:\', ?`},
		{SQLite, "  -- first\n (SELECT :to)", "  -- first\n (SELECT ?)"},
		{SQLite, "with x as (select :to) select * from x", "with x as (select ?) select * from x"},
	} {
		got, err := dialects[c.dialect].ask(c.query, all)
		if err != nil || got.text != c.want {
			t.Errorf("%s: %s\ngot  %s, %v\nwant %s", c.dialect, c.query, got.text, err, c.want)
		}
		if n := strings.Count(strings.Join(namesIn(got), " "), " ") + 1; len(got.args) > 0 && n != len(got.args) {
			t.Errorf("%s: %v", c.query, got.args)
		}
	}
	for _, query := range []string{
		"SELECT :nothing", "SELECT 'open", "SELECT /* open", "SELECT $$ open", "SELECT x[1:n]", "", "INSERT INTO x SELECT 1",
		"selection", "SELECT 1; DROP TABLE x", "; SELECT 1", "-- SELECT 1",
	} {
		if got, err := dialects[PostgreSQL].ask(query, all); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%q: %+v, %v", query, got, err)
		}
	}
}

// TestFilesAreNotWritten: INTO OUTFILE is a SELECT, and MySQL lets a transaction
// that only reads do it.
func TestFilesAreNotWritten(t *testing.T) {
	for _, query := range []string{
		"SELECT 1 INTO OUTFILE '/tmp/x'", "select a from t where b = 'c'\ninto\tdumpfile '/tmp/x'", "SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */",
		"SELECT 1 /*M!100100 INTO OUTFILE '/tmp/x' */", "SELECT a INTO b FROM c", "SELECT 1 INTO/**/OUTFILE '/tmp/x'",
	} {
		if got, err := dialects[MySQL].ask(query, all); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%q: %+v, %v", query, got, err)
		}
	}
	for _, query := range []string{"SELECT into_stock, `into`, 'into' FROM t -- into", "SELECT 1 /* into a file! */"} {
		if _, err := dialects[MySQL].ask(query, all); err != nil {
			t.Errorf("%q: %v", query, err)
		}
	}
}

func namesIn(q question) (names []string) {
	for _, p := range q.args {
		names = append(names, p.name)
	}
	return names
}

// FuzzPlaceholders: pieces joined are the query, a parameter is always one that
// is known, and what is left of the query without them is what it was.
func FuzzPlaceholders(f *testing.F) {
	for _, seed := range []string{
		"SELECT :from", "SELECT ':from' || :to -- x\n;", "WITH a AS (SELECT E'\\'' $$:to$$) SELECT \"a\"\":b\" /* /* */ */ ::int", "select [x]:to#`", "SELECT '", ":", "$a$",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for name, d := range dialects {
			joined, bare := "", ""
			for p := range d.pieces(query) {
				if p.text == "" {
					t.Fatalf("%s: an empty piece of %q", name, query)
				}
				joined += p.text
				if p.kind != end && p.kind != parameter {
					bare += p.text
				}
			}
			if joined != query {
				t.Fatalf("%s: %q became %q", name, query, joined)
			}
			d.placeholder = func(int, param) string { return "" }
			if q, err := d.ask(query, all); err == nil && q.text != bare {
				t.Errorf("%s: %q became %q without its parameters", name, query, q.text)
			}
		}
	})
}

// FuzzTimes: whatever a database answers, a time is one that windows can have.
func FuzzTimes(f *testing.F) {
	for _, seed := range []string{"2026-01-02 10:00:05.5", "2026-01-02T10:00:05Z", "1767348005", "1767348005123", "1e300", "-1", "NaN", "2026-01-02 10:00:05+09", "9999-12-31"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := timeOf(text)
		if other, ok2 := timeOf([]byte(text)); ok != ok2 || !other.Equal(at) {
			t.Errorf("%q: %s as text, %s as bytes", text, at, other)
		}
		if ok && (at.Year() < -2000 || at.Year() >= 5200) {
			t.Errorf("%q is %s", text, at)
		}
	})
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-02 10:00:05.5": "2026-01-02T10:00:05.5Z", "2026-01-02T10:00:05Z": "2026-01-02T10:00:05Z", "2026-01-02": "2026-01-02T00:00:00Z",
		"2026-01-02 19:00:05+09": "2026-01-02T10:00:05Z", "1767348005": "2026-01-02T10:00:05Z", "1767348005250": "2026-01-02T10:00:05.25Z",
		"1767348005.25": "2026-01-02T10:00:05.25Z", "1767348005250000000": "2026-01-02T10:00:05.25Z",
	} {
		if at, ok := timeOf(text); !ok || textOf(at) != want {
			t.Errorf("%s: %s, %v, want %s", text, textOf(at), ok, want)
		}
	}
	for _, odd := range []any{"yesterday", "", true, []byte("NaN"), "1e19"} {
		if at, ok := timeOf(odd); ok {
			t.Errorf("%v: %s", odd, at)
		}
	}
}
