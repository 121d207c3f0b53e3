package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/linnet-project/linnet/release"
)

// Migration leads from one schema of a set to the next, in the words of each
// kind. One that was released is never changed. Because an old and a new Linnet
// work side by side on one database, a migration only adds: what an old one
// reads and writes stays, for one version at least.
type Migration struct{ SQLite, Postgres string }

// migrationsLock is the advisory lock that replicas which start together queue
// at: "lnnt".
const migrationsLock = 0x6c6e6e74

// schemas is the table of how far each set is.
const schemas = `CREATE TABLE IF NOT EXISTS schemas (name TEXT PRIMARY KEY, version INTEGER NOT NULL)`

// Migrate brings a set of tables to its newest schema. A schema one newer than
// steps lead to is that of the next version and fine; one newer still is
// release.ErrInvalid. Where nothing is to be done nothing is written, so that a
// role of PostgreSQL that may not change tables can start too.
func (d *DB) Migrate(ctx context.Context, set string, steps []Migration) error {
	at, err := d.Schema(ctx, set)
	if err != nil {
		return err
	}
	if err := d.known(set, at, len(steps)); err != nil || at >= len(steps) {
		return err
	}
	return d.Write(ctx, func(tx Tx) error {
		if tx.Kind == Postgres {
			if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(?)`, migrationsLock); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, schemas); err != nil {
			return err
		}
		at, err := schemaOf(ctx, tx, set)
		if err != nil {
			return err
		}
		for n := at; n < len(steps); n++ {
			step := steps[n].SQLite
			if tx.Kind == Postgres {
				step = steps[n].Postgres
			}
			if _, err := tx.Exec(ctx, step); err != nil {
				return fmt.Errorf("migration of %s to schema %d: %w", set, n+1, err)
			}
		}
		_, err = tx.Exec(ctx, `INSERT INTO schemas (name, version) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET version = excluded.version WHERE schemas.version < excluded.version`, set, len(steps))
		return err
	})
}

// Schema is how far a set of tables is; 0 where it is not there.
func (d *DB) Schema(ctx context.Context, set string) (version int, err error) {
	err = d.Read(ctx, func(tx Tx) error {
		version, err = schemaOf(ctx, tx, set)
		return err
	})
	return version, err
}

// Check is Migrate for who only reads: a set that is older than steps lead to is
// release.ErrInvalid, one that is not there release.ErrNotFound.
func (d *DB) Check(ctx context.Context, set string, steps []Migration) error {
	at, err := d.Schema(ctx, set)
	switch {
	case err != nil:
		return err
	case at == 0:
		return fmt.Errorf("%s holds no %s: %w", d.name, set, release.ErrNotFound)
	case at < len(steps):
		return fmt.Errorf("%s was written by an older linnet (schema %d of %s, this one reads %d); `linnet run` or `linnet serve` brings it up to date: %w",
			d.name, at, set, len(steps), release.ErrInvalid)
	}
	return d.known(set, at, len(steps))
}

func (d *DB) known(set string, at, newest int) error {
	if at <= newest+1 {
		return nil
	}
	return fmt.Errorf("%s was written by a newer linnet (schema %d of %s, this one knows %d); use that version: %w",
		d.name, at, set, newest, release.ErrInvalid)
}

// formerSet is whose tables are in a file that was made before sets had
// numbers; they are of its first schema.
const formerSet = "journal"

func schemaOf(ctx context.Context, tx Tx, set string) (version int, err error) {
	numbered, err := tx.Has(ctx, "schemas")
	if err != nil {
		return 0, err
	}
	if numbered {
		err = tx.QueryRow(ctx, `SELECT version FROM schemas WHERE name = ?`, set).Scan(&version)
	}
	if err == nil && numbered || err != nil && !errors.Is(err, sql.ErrNoRows) {
		return version, err
	}
	if tx.Kind == SQLite && set == formerSet {
		former, err := tx.Has(ctx, "releases")
		if err == nil && former {
			version = 1
		}
		return version, err
	}
	return 0, nil
}
