package sql_test

import (
	dbsql "database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver sqlite

	"github.com/linnet-project/linnet/metric/sql"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testdb"
)

const secret = "0nly-for-l1nnet"

// bed is a database with a table of visits, and who may read it.
type bed struct {
	config sql.Config
	admin  *dbsql.DB
	ca     string
	// instant is a literal of a time.
	instant func(time.Time) string
	// plus adds seconds to a time, slow is a query that takes a minute, many is a
	// query of so many rows that no answer may have them.
	plus       func(at string, seconds int) string
	slow, many string
	// running counts queries that run, with a comment in them.
	running string
}

const columns = "version varchar(20), region varchar(20), visits integer, failed decimal(20, 2), took double precision, bound double precision, level double precision"

// TestDatabases runs every case with each database: a server each, and for each
// case a table of its own.
func TestDatabases(t *testing.T) {
	for name, open := range map[string]func(*testing.T) bed{"postgres": postgres, "mysql": mariadb, "sqlite": sqlite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t)
			b.config.Timeout, b.config.Now = time.Minute, time.Now
			for name, run := range cases {
				t.Run(name, func(t *testing.T) {
					testdb.Exec(t, b.admin, "DELETE FROM visits", "DELETE FROM hidden")
					run(t, b)
				})
			}
		})
	}
}

func passwordFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func postgres(t *testing.T) bed {
	server := testdb.Postgres(t)
	testdb.Exec(t, server.Postgres(t, "postgres"), "CREATE DATABASE shop", "CREATE ROLE linnet LOGIN PASSWORD '"+secret+"'")
	admin := server.Postgres(t, "shop")
	testdb.Exec(t, admin, "CREATE TABLE visits (at timestamptz, "+columns+")", "GRANT SELECT ON visits TO linnet", "CREATE TABLE hidden (n integer)")
	return bed{
		config: sql.Config{Dialect: sql.PostgreSQL, Host: server.Host, Port: server.Port, Database: "shop", User: "linnet", PasswordFile: passwordFile(t)},
		admin:  admin, ca: server.CAFile,
		instant: func(at time.Time) string {
			return "timestamptz '" + at.UTC().Format("2006-01-02 15:04:05.999999") + "+00'"
		},
		plus:    func(at string, seconds int) string { return fmt.Sprintf("%s + interval '%d s'", at, seconds) },
		slow:    "SELECT 'stable' AS arm, now() AS time, 1 AS visits, 0 AS failed FROM pg_sleep(60)",
		many:    "SELECT 'stable' AS arm, generate_series(1, 100000000) AS time, 1 AS visits, 0 AS failed",
		running: "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND usename = 'linnet'",
	}
}

func mariadb(t *testing.T) bed {
	server := testdb.MariaDB(t)
	testdb.Exec(t, server.MariaDB(t, ""), "CREATE DATABASE shop", "CREATE USER linnet@'127.0.0.1' IDENTIFIED BY '"+secret+"'")
	admin := server.MariaDB(t, "shop")
	testdb.Exec(t, admin, "CREATE TABLE visits (at datetime(6), "+columns+")", "GRANT SELECT ON shop.visits TO linnet@'127.0.0.1'",
		"GRANT SELECT ON shop.seq_1_to_100000000 TO linnet@'127.0.0.1'", "CREATE TABLE hidden (n integer)")
	return bed{
		config: sql.Config{Dialect: sql.MySQL, Host: server.Host, Port: server.Port, Database: "shop", User: "linnet", PasswordFile: passwordFile(t)},
		admin:  admin, ca: server.CAFile,
		instant: func(at time.Time) string { return "timestamp'" + at.UTC().Format("2006-01-02 15:04:05.999999") + "'" },
		plus:    func(at string, seconds int) string { return fmt.Sprintf("%s + interval %d second", at, seconds) },
		slow:    "SELECT 'stable' AS arm, now() AS time, 1 AS visits, sleep(60) AS failed",
		many:    "SELECT 'stable' AS arm, seq AS time, 1 AS visits, 0 AS failed FROM seq_1_to_100000000",
		running: "SELECT count(*) FROM information_schema.processlist WHERE user = 'linnet' AND command <> 'Sleep'",
	}
}

func sqlite(t *testing.T) bed {
	file := filepath.Join(t.TempDir(), "shop data?#%.db") // as odd as a path can be
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "shop.db")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	admin, err := dbsql.Open("sqlite", "file:"+link+"?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	testdb.Exec(t, admin, "CREATE TABLE visits (at text, "+columns+")", "CREATE TABLE hidden (n integer)")
	return bed{
		config:  sql.Config{Dialect: sql.SQLite, Database: file},
		admin:   admin,
		instant: func(at time.Time) string { return "'" + at.UTC().Format("2006-01-02 15:04:05.000") + "'" },
		plus:    func(at string, seconds int) string { return fmt.Sprintf("datetime(%s, '+%d seconds')", at, seconds) },
		slow:    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT 'stable' AS arm, n AS time, 1 AS visits, 0 AS failed FROM c WHERE n < 0",
		many:    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT 'stable' AS arm, n AS time, 1 AS visits, 0 AS failed FROM c",
	}
}

func (b bed) source(t *testing.T) *sql.Source {
	t.Helper()
	s, err := sql.New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

var arms = []release.Arm{
	{Name: release.Baseline, Version: "stable", Labels: map[string]string{"track": "main"}},
	{Name: release.Candidate, Version: "canary", Labels: map[string]string{"track": "next"}},
}

// start is when the visits begin.
func start() time.Time { return time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC) }

// visit is a row of the table.
type visit struct {
	after                              time.Duration // start
	version, region                    string
	visits, failed, took, bound, level string // SQL
}

func (b bed) insert(t *testing.T, all ...visit) {
	t.Helper()
	for _, v := range all {
		or := func(s string) string {
			if s == "" {
				return "NULL"
			}
			return s
		}
		quote := func(s string) string {
			if s == "" {
				return "NULL"
			}
			return "'" + s + "'"
		}
		testdb.Exec(t, b.admin, fmt.Sprintf("INSERT INTO visits (at, version, region, visits, failed, took, bound, level) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
			b.instant(start().Add(v.after)), quote(v.version), quote(v.region), or(v.visits), or(v.failed), or(v.took), or(v.bound), or(v.level)))
	}
}

// minutes are windows from start on.
func minutes(n int) (windows []release.Window) {
	for i := range n {
		from := start().Add(time.Duration(i) * time.Minute)
		windows = append(windows, release.Window{From: from, To: from.Add(time.Minute)})
	}
	return windows
}
