package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testdb"
)

// both runs a test on each kind of database.
func both(t *testing.T, test func(t *testing.T, d *DB)) {
	t.Helper()
	keep := func(d *DB, err error) *DB {
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return d
	}
	t.Run("SQLite", func(t *testing.T) { test(t, keep(OpenFolder(t.Context(), t.TempDir()))) })
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, keep(OpenURL(t.Context(), testdb.Postgres(t).URL("postgres"))))
	})
}

func TestTransactionsAndMigrations(t *testing.T) {
	both(t, func(t *testing.T, d *DB) {
		ctx := t.Context()
		one := Migration{
			SQLite:   `CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT`,
			Postgres: `CREATE TABLE things (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT NOT NULL)`,
		}
		two := Migration{SQLite: `ALTER TABLE things ADD COLUMN size INTEGER`, Postgres: `ALTER TABLE things ADD COLUMN size BIGINT`}
		for _, steps := range [][]Migration{{one}, {one, two}, {one, two}, {one}} { // an old one starts beside a new one
			if err := d.Migrate(ctx, "things", steps); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Migrate(ctx, "things", nil); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("a schema two newer: %v", err)
		}
		add := func(name string, fail error) error {
			return d.Write(ctx, func(tx Tx) error {
				if _, err := tx.Exec(ctx, `INSERT INTO things (name, size) VALUES (?, ?)`, name, 3); err != nil {
					return err
				}
				return fail
			})
		}
		if err := errors.Join(add("kept", nil), add("also kept", nil)); err != nil {
			t.Fatal(err)
		}
		if err := add("taken back", fmt.Errorf("no: %w", release.ErrConflict)); !errors.Is(err, release.ErrConflict) {
			t.Error(err)
		}
		var n, size int
		err := d.Read(ctx, func(tx Tx) error {
			return tx.QueryRow(ctx, `SELECT count(*), sum(size) FROM things WHERE name LIKE ?`, "%kept").Scan(&n, &size)
		})
		if err != nil || n != 2 || size != 6 {
			t.Errorf("%d rows, %d, %v", n, size, err)
		}
	})
}

func TestAddressesAreNotShown(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), connectWait)
	defer cancel()
	for _, address := range []string{"postgres://u:geheim@127.0.0.1:1/x", "postgres://u:geheim@%zz/x"} {
		if _, err := OpenURL(ctx, address); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%v", err)
		}
	}
}
