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

// Migrate brings a set of tables to its newest schema. A schema one newer than
// steps lead to is that of the next version and fine; one newer still is
// release.ErrInvalid.
func (d *DB) Migrate(ctx context.Context, set string, steps []Migration) error {
	return d.Write(ctx, func(tx Tx) error {
		if tx.Kind == Postgres {
			if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(?)`, migrationsLock); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS schemas (name TEXT PRIMARY KEY, version INTEGER NOT NULL)`); err != nil {
			return err
		}
		var at int
		err := tx.QueryRow(ctx, `SELECT version FROM schemas WHERE name = ?`, set).Scan(&at)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if at > len(steps)+1 {
			return fmt.Errorf("%s was written by a newer linnet (schema %d of %s, this one knows %d); use that version: %w",
				d.name, at, set, len(steps), release.ErrInvalid)
		}
		for n := at; n < len(steps); n++ {
			step := steps[n].SQLite
			if tx.Kind == Postgres {
				step = steps[n].Postgres
			}
			if _, err := tx.tx.ExecContext(ctx, step); err != nil {
				return fmt.Errorf("%s: migration of %s to schema %d: %w", d.name, set, n+1, err)
			}
		}
		_, err = tx.Exec(ctx, `INSERT INTO schemas (name, version) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET version = excluded.version WHERE schemas.version < excluded.version`, set, len(steps))
		return err
	})
}
