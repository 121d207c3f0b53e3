package testdb_test

import (
	"database/sql"
	"testing"

	"github.com/linnet-project/linnet/testdb"
)

func TestServers(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		db := testdb.Postgres(t).Postgres(t, "postgres")
		testdb.Exec(t, db, "CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1)")
	})
	t.Run("a pair of PostgreSQL", func(t *testing.T) {
		t.Parallel()
		p := testdb.NewPair(t)
		both, err := sql.Open("pgx", p.URL("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer both.Close()
		both.SetMaxIdleConns(0) // each statement asks anew who takes writes; one that was cut is told so at its next use
		testdb.Exec(t, both, "CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1)")
		was := p.Primary()
		p.Restart(t)
		testdb.Exec(t, p.Primary().Postgres(t, "postgres"), "INSERT INTO t VALUES (2)")
		p.FailOver(t)
		if p.Primary() == was {
			t.Error("the same is primary after a fail-over")
		}
		testdb.Exec(t, both, "INSERT INTO t VALUES (3)")
		p.FailOver(t) // and back
		testdb.Exec(t, both, "INSERT INTO t VALUES (4)")
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		db := testdb.MariaDB(t).MariaDB(t, "")
		testdb.Exec(t, db, "CREATE DATABASE d", "CREATE TABLE d.t (n integer)", "INSERT INTO d.t VALUES (1)")
	})
}
