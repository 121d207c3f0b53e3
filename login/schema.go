package login

import (
	"context"

	"github.com/linnet-project/linnet/database"
)

// set is the name of this package's tables in the database.
const set = "login"

// migrations lead to the schema of this version. Of tokens and sessions only
// hashes are kept. Times are nanoseconds since 1970, 0 for never; lists are JSON.
var migrations = []database.Migration{{
	SQLite: `
CREATE TABLE login_accounts (
	name     TEXT PRIMARY KEY,
	kind     TEXT NOT NULL,
	groups   TEXT NOT NULL,
	made_at  INTEGER NOT NULL,
	made_by  TEXT NOT NULL,
	seen_at  INTEGER NOT NULL,
	disabled INTEGER NOT NULL
) STRICT;
CREATE TABLE login_tokens (
	id       TEXT PRIMARY KEY,
	hash     BLOB NOT NULL,
	owner    TEXT NOT NULL REFERENCES login_accounts (name),
	name     TEXT NOT NULL,
	scopes   TEXT NOT NULL,
	made_at  INTEGER NOT NULL,
	made_by  TEXT NOT NULL,
	ends_at  INTEGER NOT NULL,
	used_at  INTEGER NOT NULL,
	revoked  INTEGER NOT NULL
) STRICT;
CREATE INDEX login_tokens_by_owner ON login_tokens (owner);
CREATE TABLE login_sessions (
	hash     BLOB PRIMARY KEY,
	owner    TEXT NOT NULL REFERENCES login_accounts (name),
	made_at  INTEGER NOT NULL,
	used_at  INTEGER NOT NULL,
	ends_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX login_sessions_by_owner ON login_sessions (owner);
CREATE INDEX login_sessions_by_end ON login_sessions (ends_at);`,
	Postgres: `
CREATE TABLE login_accounts (
	name     TEXT PRIMARY KEY,
	kind     TEXT NOT NULL,
	groups   TEXT NOT NULL,
	made_at  BIGINT NOT NULL,
	made_by  TEXT NOT NULL,
	seen_at  BIGINT NOT NULL,
	disabled BIGINT NOT NULL
);
CREATE TABLE login_tokens (
	id       TEXT PRIMARY KEY,
	hash     BYTEA NOT NULL,
	owner    TEXT NOT NULL REFERENCES login_accounts (name),
	name     TEXT NOT NULL,
	scopes   TEXT NOT NULL,
	made_at  BIGINT NOT NULL,
	made_by  TEXT NOT NULL,
	ends_at  BIGINT NOT NULL,
	used_at  BIGINT NOT NULL,
	revoked  BIGINT NOT NULL
);
CREATE INDEX login_tokens_by_owner ON login_tokens (owner);
CREATE TABLE login_sessions (
	hash     BYTEA PRIMARY KEY,
	owner    TEXT NOT NULL REFERENCES login_accounts (name),
	made_at  BIGINT NOT NULL,
	used_at  BIGINT NOT NULL,
	ends_at  BIGINT NOT NULL
);
CREATE INDEX login_sessions_by_owner ON login_sessions (owner);
CREATE INDEX login_sessions_by_end ON login_sessions (ends_at);`,
}, {
	SQLite:   `CREATE INDEX login_tokens_by_end ON login_tokens (ends_at);`,
	Postgres: `CREATE INDEX login_tokens_by_end ON login_tokens (ends_at);`,
}}

// Migrate makes the tables of this package, or brings them to the present schema.
func Migrate(ctx context.Context, db *database.DB) error { return db.Migrate(ctx, set, migrations) }
