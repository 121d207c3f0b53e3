package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// CopyFolder makes a data folder that holds what the database holds at one
// moment, while others go on writing. tables makes the tables of a new database,
// of every set that may be in this one. The folder must not hold a database yet.
// Where it fails nothing is left that looks like one.
func (d *DB) CopyFolder(ctx context.Context, dir string, tables func(context.Context, *DB) error) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return PathFault(dir, err)
	}
	path := filepath.Join(dir, FileName)
	if err := present(path); err == nil {
		return fmt.Errorf("%s is there already; name a folder without one: %w", path, release.ErrConflict)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Beside it, and renamed when it is whole.
	half, err := os.MkdirTemp(dir, "copy-")
	if err != nil {
		return PathFault(dir, err)
	}
	err = d.copyInto(ctx, half, tables)
	if err == nil {
		err = os.Rename(filepath.Join(half, FileName), path)
	}
	return PathFault(dir, errors.Join(err, os.RemoveAll(half), syncDir(dir)))
}

func (d *DB) copyInto(ctx context.Context, dir string, tables func(context.Context, *DB) error) error {
	if d.kind == SQLite {
		path := filepath.Join(dir, FileName)
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600) // for its mode
		if err != nil {
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
		return errors.Join(d.vacuumInto(ctx, path), syncFile(path))
	}
	to, err := OpenFolder(ctx, dir)
	if err != nil {
		return err
	}
	if err := tables(ctx, to); err != nil {
		return errors.Join(err, to.Close())
	}
	return errors.Join(Fill(ctx, d, to), to.Close())
}

// vacuumInto copies a file, on a connection that keeps no writer waiting.
func (d *DB) vacuumInto(ctx context.Context, path string) error {
	read := d.read
	if d.write != nil { // then read refuses to write any file at all
		var err error
		if read, err = connect(d.name, 1, DefaultSettings(), "mode=ro"); err != nil {
			return d.fault(err)
		}
		defer read.Close()
	}
	_, err := read.ExecContext(ctx, `VACUUM INTO ?`, path)
	return d.fault(err)
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// ownSets are sets of PostgreSQL alone, which a copy does without: who does what
// next is worked out anew.
var ownSets = []string{"fleet"}

// table is a table that is copied, as its target has it.
type table struct {
	name    string
	columns []string
	// boolean are columns that take no numbers for true and false.
	boolean map[string]bool
}

// Fill copies all rows from one database to another of the other kind, as they
// stand at one moment, into tables that are there and empty. What is not empty is
// release.ErrConflict, and a set of tables that one of the two does not have in
// the same schema release.ErrInvalid.
func Fill(ctx context.Context, from, to *DB) error {
	lite := from
	if from.kind == Postgres {
		lite = to
	}
	return from.Read(ctx, func(source Tx) error {
		return to.Write(ctx, func(target Tx) error {
			if err := sameSets(ctx, from, source, target); err != nil {
				return err
			}
			names := source
			if lite == to {
				names = target
			}
			tables, err := tablesOf(ctx, names)
			if err != nil {
				return err
			}
			for _, name := range tables {
				t, err := describe(ctx, names, target, name)
				if err == nil {
					err = copyRows(ctx, source, target, t, to.name)
				}
				if err != nil {
					return fmt.Errorf("table %s: %w", name, err)
				}
			}
			return nil
		})
	})
}

// sameSets refuses to copy where rows would be left behind or misread.
func sameSets(ctx context.Context, from *DB, source, target Tx) error {
	there, err := versions(ctx, target)
	if err != nil {
		return err
	}
	here, err := versions(ctx, source)
	if err != nil {
		return err
	}
	for set, version := range here {
		if at, ok := there[set]; (!ok || at != version) && !slices.Contains(ownSets, set) {
			return fmt.Errorf("%s holds %s of schema %d, and this linnet copies schema %d; use the linnet that wrote it: %w",
				from.name, set, version, at, release.ErrInvalid)
		}
	}
	return nil
}

func versions(ctx context.Context, tx Tx) (map[string]int, error) {
	rows, err := tx.Query(ctx, `SELECT name, version FROM schemas`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]int{}
	for rows.Next() {
		var name string
		var version int
		if err := rows.Scan(&name, &version); err != nil {
			return nil, err
		}
		found[name] = version
	}
	return found, rows.Err()
}

// tablesOf gives the tables of a SQLite database in the order they were made:
// one that refers to another comes after it.
func tablesOf(ctx context.Context, lite Tx) ([]string, error) {
	return words(ctx, lite, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'schemas' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY rowid`)
}

func describe(ctx context.Context, lite, target Tx, name string) (table, error) {
	t := table{name: name, boolean: map[string]bool{}}
	var err error
	if t.columns, err = words(ctx, lite, `SELECT name FROM pragma_table_info(?) ORDER BY cid`, name); err != nil {
		return t, err
	}
	if target.Kind == Postgres {
		boolean, err := words(ctx, target, `SELECT column_name FROM information_schema.columns
			WHERE table_schema = current_schema() AND table_name = ? AND data_type = 'boolean'`, name)
		if err != nil {
			return t, err
		}
		for _, column := range boolean {
			t.boolean[column] = true
		}
	}
	return t, nil
}

func words(ctx context.Context, tx Tx, query string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var word string
		if err := rows.Scan(&word); err != nil {
			return nil, err
		}
		found = append(found, word)
	}
	return found, rows.Err()
}

// atOnce is how many rows one statement writes.
const atOnce = 100

// copyRows copies one table.
func copyRows(ctx context.Context, source, target Tx, t table, where string) error {
	var n int
	if err := target.QueryRow(ctx, `SELECT count(*) FROM `+t.name).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("%s holds %d rows already; name one that is empty: %w", where, n, release.ErrConflict)
	}
	rows, err := source.Query(ctx, `SELECT `+strings.Join(t.columns, ", ")+` FROM `+t.name+` ORDER BY 1`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var args []any
	for rows.Next() {
		values, err := scanAny(rows, len(t.columns))
		if err != nil {
			return err
		}
		for i, v := range values {
			if number, ok := v.(int64); ok && t.boolean[t.columns[i]] {
				values[i] = number != 0
			}
		}
		if args = append(args, values...); len(args) == atOnce*len(t.columns) {
			if err := t.insert(ctx, target, args); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := t.insert(ctx, target, args); err != nil {
		return err
	}
	return t.goOn(ctx, target)
}

func scanAny(rows *sql.Rows, n int) ([]any, error) {
	values, into := make([]any, n), make([]any, n)
	for i := range values {
		into[i] = &values[i]
	}
	return values, rows.Scan(into...)
}

func (t table) insert(ctx context.Context, target Tx, args []any) error {
	if len(args) == 0 {
		return nil
	}
	own := ""
	if target.Kind == Postgres {
		own = "OVERRIDING SYSTEM VALUE "
	}
	row := "(?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	_, err := target.Exec(ctx, `INSERT INTO `+t.name+` (`+strings.Join(t.columns, ", ")+`) `+own+`VALUES `+
		row+strings.Repeat(", "+row, len(args)/len(t.columns)-1), args...)
	return err
}

// goOn lets numbers that PostgreSQL draws follow those that were copied.
func (t table) goOn(ctx context.Context, target Tx) error {
	if target.Kind != Postgres {
		return nil
	}
	drawn, err := words(ctx, target, `SELECT column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = ? AND is_identity = 'YES'`, t.name)
	for _, column := range drawn {
		if err != nil {
			return err
		}
		_, err = target.Exec(ctx, fmt.Sprintf(`SELECT setval(pg_get_serial_sequence('%[1]s', '%[2]s'), (SELECT coalesce(max(%[2]s), 1) FROM %[1]s))`, t.name, column))
	}
	return err
}
