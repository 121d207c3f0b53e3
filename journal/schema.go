package journal

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/linnet-project/linnet/release"
)

// application marks a database as ours, in SQLite's application_id: "LNNT".
const application = 0x4c4e4e54

// migrations lead from one schema to the next: the first makes schema 1 out of
// an empty database. One that was released is never changed.
var migrations = []string{
	`CREATE TABLE releases (
		id        INTEGER PRIMARY KEY,
		name      TEXT NOT NULL,
		attempt   INTEGER NOT NULL,
		service   TEXT NOT NULL,
		file_hash TEXT NOT NULL,     -- SHA-256 of the file's text, in hex
		started   INTEGER NOT NULL,  -- times are nanoseconds since 1970, UTC
		updated   INTEGER NOT NULL,
		seq       INTEGER NOT NULL,  -- of the last record
		hash      BLOB NOT NULL,     -- of the last record
		phase     TEXT NOT NULL,     -- this and the next four as of the last decision
		step      INTEGER NOT NULL,
		weight    INTEGER NOT NULL,
		code      TEXT NOT NULL,
		reason    TEXT NOT NULL,
		outcome   TEXT NOT NULL,     -- empty until the release has ended
		pruned    INTEGER NOT NULL DEFAULT 0,
		UNIQUE (name, attempt)
	) STRICT;
	CREATE TABLE files (
		release INTEGER PRIMARY KEY REFERENCES releases (id),
		text    BLOB NOT NULL
	) STRICT;
	CREATE TABLE records (
		id      INTEGER PRIMARY KEY,
		release INTEGER NOT NULL REFERENCES releases (id),
		seq     INTEGER NOT NULL,
		form    INTEGER NOT NULL,
		body    BLOB NOT NULL,
		hash    BLOB NOT NULL
	) STRICT;
	CREATE UNIQUE INDEX records_by_seq ON records (release, seq);
	CREATE TABLE snapshots (
		release INTEGER PRIMARY KEY REFERENCES releases (id),
		seq     INTEGER NOT NULL,
		form    TEXT NOT NULL,
		hash    BLOB NOT NULL,       -- of the record it was taken after
		body    BLOB NOT NULL,
		sum     BLOB NOT NULL
	) STRICT;
	CREATE TABLE commands (
		n       INTEGER PRIMARY KEY,
		release INTEGER NOT NULL REFERENCES releases (id),
		id      TEXT NOT NULL,
		at      INTEGER NOT NULL,
		verb    TEXT NOT NULL,
		who     TEXT NOT NULL,
		reason  TEXT NOT NULL,
		taken   INTEGER NOT NULL DEFAULT 0, -- the record that took it
		UNIQUE (release, id)
	) STRICT;`,
	`ALTER TABLE releases ADD COLUMN team TEXT NOT NULL DEFAULT '';
	ALTER TABLE releases ADD COLUMN environment TEXT NOT NULL DEFAULT '';
	ALTER TABLE releases ADD COLUMN author TEXT NOT NULL DEFAULT ''; -- who began it
	CREATE INDEX releases_by_service ON releases (service, id);
	CREATE INDEX releases_unfinished ON releases (id) WHERE outcome = '';`,
}

// migrate brings a database to the newest of the schemas given. It writes the
// marks even where nothing is to be done, so that a file that cannot be
// written is found out now and not at the first record.
func migrate(ctx context.Context, db *sql.DB, path string, steps []string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fault(path, err)
	}
	defer tx.Rollback() // after a commit this does nothing
	at, err := schemaOf(ctx, tx, path, len(steps))
	if err != nil {
		return err
	}
	for n, step := range steps[at:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return fault(path, fmt.Errorf("migration to schema %d: %w", at+n+1, err))
		}
	}
	marks := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", application, len(steps))
	if _, err := tx.ExecContext(ctx, marks); err != nil {
		return fault(path, err)
	}
	return fault(path, tx.Commit())
}

// schemaOf reads the version of a database's schema, and refuses databases
// that are not ours or come from a newer linnet.
func schemaOf(ctx context.Context, q querier, path string, known int) (int, error) {
	var mark, version, tables int
	for _, ask := range []struct {
		query string
		into  *int
	}{
		{"PRAGMA application_id", &mark},
		{"PRAGMA user_version", &version},
		{"SELECT count(*) FROM sqlite_schema", &tables},
	} {
		if err := q.QueryRowContext(ctx, ask.query).Scan(ask.into); err != nil {
			return 0, fault(path, err)
		}
	}
	switch {
	case mark != application && tables > 0:
		return 0, fmt.Errorf("%s is a database of another program; name another folder with --data: %w", path, release.ErrInvalid)
	case version > known:
		return 0, fmt.Errorf("%s was written by a newer linnet (schema %d, this one knows %d); use that version: %w",
			path, version, known, release.ErrInvalid)
	}
	return version, nil
}
