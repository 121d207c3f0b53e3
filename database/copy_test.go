package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
)

var copied = []Migration{{
	SQLite: `CREATE TABLE houses (id INTEGER PRIMARY KEY, name TEXT NOT NULL, plan BLOB, old INTEGER NOT NULL) STRICT;
		CREATE TABLE rooms (house INTEGER NOT NULL REFERENCES houses (id), name TEXT NOT NULL, PRIMARY KEY (house, name)) STRICT, WITHOUT ROWID`,
	Postgres: `CREATE TABLE houses (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT NOT NULL, plan BYTEA, old BOOLEAN NOT NULL, more TEXT NOT NULL DEFAULT 'own');
		CREATE TABLE rooms (house BIGINT NOT NULL REFERENCES houses (id), name TEXT NOT NULL, PRIMARY KEY (house, name))`,
}}

func tablesOfTest(ctx context.Context, d *DB) error { return d.Migrate(ctx, "houses", copied) }

// what gives all that is in the tables.
func what(t *testing.T, d *DB) (text string) {
	t.Helper()
	err := d.Read(t.Context(), func(tx Tx) error {
		rows, err := tx.Query(t.Context(), `SELECT h.id, h.name, h.plan, h.old, r.name FROM houses AS h JOIN rooms AS r ON r.house = h.id ORDER BY h.id, r.name`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id int
			var name, room string
			var plan []byte
			var old bool
			if err := rows.Scan(&id, &name, &plan, &old, &room); err != nil {
				return err
			}
			text += fmt.Sprintf("%d %q %x %v %s\n", id, name, plan, old, room)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// From a file to a server and back: nothing is lost, and both go on from there.
func TestCopies(t *testing.T) {
	both(t, func(t *testing.T, d *DB) {
		ctx := t.Context()
		if err := tablesOfTest(ctx, d); err != nil {
			t.Fatal(err)
		}
		err := d.Write(ctx, func(tx Tx) error {
			for n := range 250 {
				var id int
				err := tx.QueryRow(ctx, `INSERT INTO houses (name, plan, old) VALUES (?, ?, ?) RETURNING id`, fmt.Sprintf("house ü %d", n), []byte{0, byte(n)}, n%2 == 0).Scan(&id)
				if err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, `INSERT INTO rooms (house, name) VALUES (?, ?)`, id, "kitchen"); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "backup")
		if err := d.CopyFolder(ctx, dir, tablesOfTest); err != nil {
			t.Fatal(err)
		}
		if err := d.CopyFolder(ctx, dir, tablesOfTest); !errors.Is(err, release.ErrConflict) || !strings.Contains(err.Error(), "there already") {
			t.Errorf("a second copy into the same folder: %v", err)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 2 { // the file, and the lock of its making
			t.Errorf("left in the folder are %v, %v", left, err)
		}
		c, err := ReadFolder(ctx, dir)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if got, want := what(t, c), what(t, d); got != want || strings.Count(got, "\n") != 250 {
			t.Errorf("the copy holds\n%.300s\nwant\n%.300s", got, want)
		}
		if d.Kind() == Postgres {
			backToServer(t, c, d)
		}
	})
}

func backToServer(t *testing.T, c, d *DB) {
	t.Helper()
	ctx := t.Context()
	if err := Fill(ctx, c, d); !errors.Is(err, release.ErrConflict) || !strings.Contains(err.Error(), "250 rows already") {
		t.Errorf("into a database that is in use: %v", err)
	}
	was := what(t, d)
	run := func(statements ...string) {
		t.Helper()
		for _, s := range statements {
			if err := d.Write(ctx, func(tx Tx) error { _, err := tx.Exec(ctx, s); return err }); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(`DROP TABLE rooms`, `DROP TABLE houses`, `DELETE FROM schemas`)
	if err := Fill(ctx, c, d); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "holds houses of schema 1") {
		t.Errorf("into a database without the tables: %v", err)
	}
	if err := tablesOfTest(ctx, d); err != nil {
		t.Fatal(err)
	}
	if err := Fill(ctx, c, d); err != nil {
		t.Fatal(err)
	}
	if got := what(t, d); got != was {
		t.Errorf("after the way back it holds\n%.300s\nwant\n%.300s", got, was)
	}
	run(`INSERT INTO houses (name, old) VALUES ('next', true)`)
}
