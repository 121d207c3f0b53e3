package sql_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/sql"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testdb"
)

var cases = map[string]func(*testing.T, bed){
	"kinds":                        kinds,
	"parameters":                   parameters,
	"what is wrong with rows":      whatIsWrongWithRows,
	"refused":                      refused,
	"nothing is written":           nothingIsWritten,
	"giving up reaches the server": givingUpReachesTheServer,
	"passwords":                    passwords,
	"clocks":                       clocks,
	"many at once":                 manyAtOnce,
	"encryption":                   encryption,
}

const events = `SELECT version AS arm, at AS time, region, visits, failed, took, bound, level
	FROM visits WHERE at BETWEEN :from AND :to`

func ratio(query string) release.Metric {
	return release.Metric{Name: "failures", Kind: release.Ratio, Query: query, Events: "failed", Of: "visits"}
}

func observe(t *testing.T, s *sql.Source, m release.Metric, windows ...release.Window) release.Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	a, err := s.Observe(ctx, release.Query{Metric: m, Arms: arms, Windows: windows})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func quiet(t *testing.T, a release.Answer) {
	t.Helper()
	if len(a.Warnings) > 0 {
		t.Errorf("warnings: %q", a.Warnings)
	}
}

// said gives observations in short.
func said(a release.Answer) (all []string) {
	for _, o := range a.Observations {
		text := fmt.Sprintf("%s %s +%s: ", o.Arm, o.Segment, o.Window.To.Sub(start()))
		switch {
		case o.Points != nil:
			text += fmt.Sprint(o.Points)
		case o.Counts != nil:
			text += fmt.Sprint(o.Bounds, o.Counts)
		default:
			text += fmt.Sprintf("%d of %g", o.Events, o.Of)
		}
		all = append(all, text)
	}
	return all
}

func want(t *testing.T, a release.Answer, lines ...string) {
	t.Helper()
	if got := said(a); !slices.Equal(got, lines) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

func wantError(t *testing.T, err, meaning error, words ...string) {
	t.Helper()
	if !errors.Is(err, meaning) {
		t.Errorf("error %v, want %v", err, meaning)
		return
	}
	for _, w := range append(words, "failures") {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("error %q tells the password", err)
	}
}

// kinds asks each database for each kind, by rows of events and by groups.
func kinds(t *testing.T, b bed) {
	b.insert(t,
		visit{after: 10 * time.Second, version: "stable", region: "eu", visits: "3", failed: "1.00", took: "1", bound: "0.5", level: "2"},
		visit{after: 60 * time.Second, version: "stable", region: "us", visits: "4", took: "3", bound: "1", level: "2.5"}, // NULL failed is none
		visit{after: 60*time.Second + time.Millisecond, version: "stable", region: "eu", visits: "5", failed: "2", took: "-1", level: "7"},
		visit{after: 20 * time.Second, version: "canary", region: "eu", visits: "6", failed: "6", took: "100", bound: "0.5", level: "1e3"},
		visit{after: -time.Second, version: "canary", visits: "1000"}, visit{after: 121 * time.Second, version: "canary", visits: "1000"},
	)
	s := b.source(t)
	a := observe(t, s, ratio(events), minutes(2)...)
	quiet(t, a)
	want(t, a, "baseline  +1m0s: 1 of 7", "candidate  +1m0s: 6 of 6", "baseline  +2m0s: 2 of 5")

	by := ratio(events)
	by.By = []string{"region"}
	want(t, observe(t, s, by, minutes(1)...), "baseline  +1m0s: 1 of 7", "candidate  +1m0s: 6 of 6",
		"baseline region=eu +1m0s: 1 of 3", "candidate region=eu +1m0s: 6 of 6", "baseline region=us +1m0s: 0 of 4")

	want(t, observe(t, s, release.Metric{Name: "n", Kind: release.Count, Query: events, Events: "VISITS"}, minutes(1)...),
		"baseline  +1m0s: 7 of 0", "candidate  +1m0s: 6 of 0")
	want(t, observe(t, s, release.Metric{Name: "level", Kind: release.Gauge, Query: events, Events: "level"}, minutes(1)...),
		"baseline  +1m0s: [2 2.5]", "candidate  +1m0s: [1000]")
	want(t, observe(t, s, release.Metric{Name: "buckets", Kind: release.Histogram, Query: events, Events: "visits"}, minutes(2)...),
		"baseline  +1m0s: [0.5 1] [3 4 0]", "candidate  +1m0s: [0.5 1] [6 0 0]", "baseline  +2m0s: [0.5 1] [0 0 5]")
	single := strings.ReplaceAll(events, "bound, ", "")
	want(t, observe(t, s, release.Metric{Name: "took", Kind: release.Histogram, Query: single, Events: "took"}, minutes(1)...),
		"baseline  +1m0s: [0.8408964152537146 1 2.82842712474619 3.3635856610148585 90.50966799187808 107.63474115247547] [0 1 0 1 0 0 0]",
		"candidate  +1m0s: [0.8408964152537146 1 2.82842712474619 3.3635856610148585 90.50966799187808 107.63474115247547] [0 0 0 0 0 1 0]")

	grouped := "SELECT version AS arm, " + b.plus("min(at)", 1) + " AS time, sum(visits) AS visits, sum(failed) AS failed FROM visits" +
		" WHERE at >= :from AND at <= :to AND version IN (:baseline, :candidate) GROUP BY version -- who's :asked\n;"
	want(t, observe(t, s, ratio(grouped), minutes(2)...), "baseline  +1m0s: 3 of 12", "candidate  +1m0s: 6 of 6")
	none := "SELECT version AS arm, at AS time, visits, failed FROM visits WHERE at > :to AND version = :candidate_track"
	want(t, observe(t, s, ratio(none), minutes(2)...))
}

// parameters are bound with their types, the span on the grid of the grain.
func parameters(t *testing.T, b bed) {
	b.config.Grain = 15 * time.Second
	b.insert(t, visit{after: 50 * time.Second, version: "next", visits: "2"})
	query := "SELECT :candidate_track AS arm, :to AS time, visits + :step AS visits, CASE WHEN at >= :from THEN 1 ELSE 0 END AS failed FROM visits WHERE version = :candidate_track AND 'it''s :from' <> ':to'"
	if b.config.Dialect == sql.PostgreSQL {
		query = strings.Replace(query, ":to AS time", ":to::timestamptz AS time", 1)
	}
	for second, failed := range map[int]int{50: 1, 59: 0, 61: 0} { // the grid is at 45, 45 and 60
		if second == 59 {
			failed = 1
		}
		w := release.Window{From: start().Add(time.Duration(second) * time.Second), To: start().Add(2 * time.Minute)}
		want(t, observe(t, b.source(t), ratio(query), w), fmt.Sprintf("candidate  +2m0s: %d of 17", failed))
	}
}

// whatIsWrongWithRows is said in a warning, and the rest counts.
func whatIsWrongWithRows(t *testing.T, b bed) {
	b.insert(t, visit{version: "v1.5", after: time.Second, visits: "1"}, visit{after: time.Second, visits: "1"},
		visit{version: "stable", after: time.Second, visits: "3"})
	a := observe(t, b.source(t), ratio(events), minutes(1)...)
	want(t, a, "baseline  +1m0s: 0 of 3")
	if all := strings.Join(a.Warnings, "\n"); !strings.Contains(all, `"v1.5"`) || !strings.Contains(all, "1 rows have no arm") {
		t.Errorf("warnings: %s", all)
	}
}

// refused: what a person has to put right is said by name.
func refused(t *testing.T, b bed) {
	b.insert(t, visit{version: "stable", region: "eu", after: time.Second, visits: "1"})
	s := b.source(t)
	ask := func(query string) error {
		_, err := s.Observe(t.Context(), release.Query{Metric: ratio(query), Arms: arms, Windows: minutes(1)})
		return err
	}
	wantError(t, ask(""), release.ErrInvalid, "query: SELECT")
	wantError(t, ask("DELETE FROM visits"), release.ErrInvalid, "SELECT or WITH")
	wantError(t, ask("SELECT 1; SELECT 2"), release.ErrInvalid, "one query")
	wantError(t, ask("SELECT :candidat"), release.ErrInvalid, ":candidat", ":candidate_track", ":from")
	wantError(t, ask("SELECT 'a"), release.ErrInvalid, "ends inside")
	wantError(t, ask("SELECT version AS arm, at AS time FROM visits"), release.ErrInvalid, `no column "failed"`, "arm, time")
	wantError(t, ask("SELECT * FRM visits"), release.ErrInvalid, "refuses the query")
	wantError(t, ask(strings.Replace(events, "failed", "region AS failed", 1)), release.ErrInvalid, `"eu"`, "failed")
	wantError(t, ask(strings.Replace(events, "at AS time", "region AS time", 1)), release.ErrInvalid, `"eu"`, "no time")
	wantError(t, ask(b.many), release.ErrInvalid, "200000 rows", "group")
	if b.config.Dialect == sql.SQLite {
		wantError(t, ask("SELECT * FROM nowhere"), release.ErrInvalid, "nowhere")
		return
	}
	missing := release.ErrNotFound
	if b.config.Dialect == sql.MySQL { // it does not tell who may not know
		missing = release.ErrInvalid
	}
	wantError(t, ask("SELECT * FROM nowhere"), missing, "nowhere", fmt.Sprint(b.config.Port))
	wantError(t, ask("SELECT * FROM hidden"), release.ErrInvalid, "hidden", "GRANT linnet")
}

// nothingIsWritten, whatever the query tries and the user may.
func nothingIsWritten(t *testing.T, b bed) {
	query := map[sql.Dialect]string{
		sql.PostgreSQL: "WITH gone AS (INSERT INTO hidden VALUES (1) RETURNING n) SELECT 'stable' AS arm, now() AS time, n AS visits, n AS failed FROM gone",
		sql.MySQL:      "SELECT 'stable' AS arm, now() AS time, write_it() AS visits, 0 AS failed",
		sql.SQLite:     "WITH x AS (SELECT 1) INSERT INTO hidden SELECT 1",
	}[b.config.Dialect]
	switch b.config.Dialect {
	case sql.PostgreSQL:
		testdb.Exec(t, b.admin, "GRANT ALL ON hidden TO linnet")
		defer testdb.Exec(t, b.admin, "REVOKE ALL ON hidden FROM linnet")
	case sql.MySQL:
		defer testdb.Exec(t, b.admin, "REVOKE ALL ON shop.* FROM linnet@'127.0.0.1'")
		testdb.Exec(t, b.admin, "GRANT ALL ON shop.* TO linnet@'127.0.0.1'", "CREATE FUNCTION write_it() RETURNS integer BEGIN INSERT INTO hidden VALUES (1); RETURN 1; END")
	}
	_, err := b.source(t).Observe(t.Context(), release.Query{Metric: ratio(query), Arms: arms, Windows: minutes(1)})
	if err == nil || !strings.Contains(strings.ToLower(err.Error()), "read") {
		t.Errorf("error %v, want one that says it only reads", err)
	}
	var n int
	if err := b.admin.QueryRowContext(t.Context(), "SELECT count(*) FROM hidden").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows were written, %v", n, err)
	}
}

// givingUpReachesTheServer: neither a deadline nor a caller that goes away
// leaves a query running there.
func givingUpReachesTheServer(t *testing.T, b bed) {
	for _, by := range []string{"caller", "timeout"} {
		b.config.Timeout = time.Minute
		if by == "timeout" {
			b.config.Timeout = 500 * time.Millisecond
		}
		s := b.source(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() {
			_, err := s.Observe(ctx, release.Query{Metric: ratio(b.slow), Arms: arms, Windows: minutes(1)})
			done <- err
		}()
		if by == "caller" {
			b.runs(t, true)
			cancel()
		}
		select {
		case err := <-done:
			wantError(t, err, release.ErrUnavailable)
			if by == "caller" {
				wantError(t, err, context.Canceled)
			} else {
				wantError(t, err, release.ErrUnavailable, "no answer within 500ms")
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: it does not end", by)
		}
		b.runs(t, false)
	}
}

// runs waits until a query of Linnet's runs on the server, or none does.
func (b bed) runs(t *testing.T, want bool) {
	t.Helper()
	if b.running == "" {
		return // it runs in this process
	}
	deadline := time.After(10 * time.Second)
	for {
		var n int
		if err := b.admin.QueryRowContext(t.Context(), b.running).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 == want {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%d queries run on the server", n)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// passwords are read when they are used, and never told.
func passwords(t *testing.T, b bed) {
	if b.config.Dialect == sql.SQLite {
		t.Skip("SQLite has no passwords")
	}
	file := filepath.Join(t.TempDir(), "rotated")
	b.config.PasswordFile = file
	s := b.source(t)
	ask := func(s *sql.Source) error {
		_, err := s.Observe(t.Context(), release.Query{Metric: ratio(events), Arms: arms, Windows: minutes(1)})
		return err
	}
	wantError(t, ask(s), release.ErrInvalid, file)
	for text, ok := range map[string]bool{secret + "-wrong": false, secret: true} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if ok {
			if err := ask(s); err != nil {
				t.Errorf("with the right password: %v", err)
			}
			continue
		}
		fresh := b.source(t)
		wantError(t, ask(fresh), release.ErrInvalid, file, "linnet")
	}
	b.config.Database = "nowhere"
	err := ask(b.source(t))
	if !errors.Is(err, release.ErrNotFound) && !errors.Is(err, release.ErrInvalid) {
		t.Errorf("no such database: %v", err)
	}
	b.config.Port = 1
	wantError(t, ask(b.source(t)), release.ErrUnavailable, "127.0.0.1:1/nowhere")
}

// clocks: a server whose clock differs by much is told of.
func clocks(t *testing.T, b bed) {
	if b.config.Dialect == sql.SQLite {
		t.Skip("SQLite has no clock of its own")
	}
	b.config.Now = func() time.Time { return time.Now().Add(-time.Hour) }
	a := observe(t, b.source(t), ratio(events), minutes(1)...)
	if len(a.Warnings) != 1 || !strings.Contains(a.Warnings[0], "1h0m0s ahead of ours") {
		t.Errorf("warnings: %q", a.Warnings)
	}
}

// manyAtOnce get their answers, on few connections.
func manyAtOnce(t *testing.T, b bed) {
	b.insert(t, visit{version: "stable", after: time.Second, visits: "5", failed: "1"})
	s := b.source(t)
	first := observe(t, s, ratio(events), minutes(3)...)
	done := make(chan release.Answer)
	for range 20 {
		go func() {
			a, err := s.Observe(t.Context(), release.Query{Metric: ratio(events), Arms: arms, Windows: minutes(3)})
			if err != nil {
				t.Error(err)
			}
			done <- a
		}()
	}
	for range 20 {
		if got := <-done; !reflect.DeepEqual(got, first) {
			t.Errorf("got %+v, want %+v", got, first)
		}
	}
}

func TestBadConfigs(t *testing.T) {
	now := time.Now
	for _, c := range []sql.Config{
		{}, {Dialect: "oracle", Database: "d", Host: "h", Port: 1, Now: now}, {Dialect: sql.PostgreSQL, Host: "h", Port: 1, Now: now},
		{Dialect: sql.PostgreSQL, Database: "d", Port: 1, Now: now}, {Dialect: sql.MySQL, Host: "h", Database: "d", Now: now},
		{Dialect: sql.SQLite, Database: "d"}, {Dialect: sql.SQLite, Database: "d", Now: now, Timeout: -1},
	} {
		if _, err := sql.New(c); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	s, err := sql.New(sql.Config{Dialect: sql.SQLite, Database: filepath.Join(t.TempDir(), "none.db"), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Observe(t.Context(), release.Query{Metric: ratio(events), Arms: arms, Windows: minutes(1)})
	wantError(t, err, release.ErrNotFound, "none.db")
}

// encryption checks who answers, unless it is told not to.
func encryption(t *testing.T, b bed) {
	if b.ca == "" {
		t.Skip("SQLite has no connections")
	}
	b.config.Encrypted = true
	ask := func() error {
		_, err := b.source(t).Observe(t.Context(), release.Query{Metric: ratio(events), Arms: arms, Windows: minutes(1)})
		return err
	}
	wantError(t, ask(), release.ErrInvalid, "certificate", "caFile")
	b.config.CAFile = b.ca
	if err := ask(); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	b.config.ServerName = "db.example.com"
	wantError(t, ask(), release.ErrInvalid, "db.example.com")
	b.config.Insecure = true
	if err := ask(); err != nil {
		t.Errorf("without a check: %v", err)
	}
	if b.config.Dialect == sql.PostgreSQL {
		var n int
		err := b.admin.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_ssl WHERE ssl AND pid <> pg_backend_pid()").Scan(&n)
		if err != nil || n == 0 {
			t.Errorf("%d connections are encrypted, %v", n, err)
		}
	}
}
