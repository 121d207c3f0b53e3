// Package databasetest runs tests of what is kept in a database on each kind of
// database that Linnet knows.
package databasetest

import (
	"testing"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/testdb"
)

// Fresh gives an empty database, which is closed when the test ends.
type Fresh func(testing.TB) *database.DB

// Each runs a test on SQLite and, side by side with it, on a PostgreSQL of its own.
// Stories within the test had better come one after the other: a journal's feed
// waits for whatever is written anywhere on the same PostgreSQL.
func Each(t *testing.T, test func(t *testing.T, fresh Fresh)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, Folder)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		server := testdb.Postgres(t)
		test(t, func(t testing.TB) *database.DB {
			t.Helper()
			db, err := database.OpenURL(t.Context(), server.Fresh(t))
			return opened(t, db, err)
		})
	})
}

// Folder is Fresh for SQLite.
func Folder(t testing.TB) *database.DB {
	t.Helper()
	db, err := database.OpenFolder(t.Context(), t.TempDir())
	return opened(t, db, err)
}

func opened(t testing.TB, db *database.DB, err error) *database.DB {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // its server may be gone
	return db
}
