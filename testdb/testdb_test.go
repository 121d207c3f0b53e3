package testdb_test

import (
	"testing"

	"github.com/linnet-project/linnet/testdb"
)

func TestServers(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		db := testdb.Postgres(t).Postgres(t, "postgres")
		testdb.Exec(t, db, "CREATE TABLE t (n integer)", "INSERT INTO t VALUES (1)")
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		db := testdb.MariaDB(t).MariaDB(t, "")
		testdb.Exec(t, db, "CREATE DATABASE d", "CREATE TABLE d.t (n integer)", "INSERT INTO d.t VALUES (1)")
	})
}
