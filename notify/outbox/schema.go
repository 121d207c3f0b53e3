package outbox

import (
	"context"

	"github.com/linnet-project/linnet/database"
)

// set is the name of this package's tables in the database.
const set = "notices"

// migrations lead to the schema of this version. Times are nanoseconds since
// 1970, 0 for never.
//
// A notice is there once, by its id. A book is what package notify remembers of a
// service. A delivery is a message to one channel; its state is waiting, sent or
// dead, and who sends it holds its lease. A part is a notice that it tells.
var migrations = []database.Migration{{
	SQLite: `
CREATE TABLE notices_told (
	id        TEXT PRIMARY KEY,
	at        INTEGER NOT NULL,
	release   TEXT NOT NULL,
	topic     TEXT NOT NULL,
	book      TEXT NOT NULL,
	urgency   TEXT NOT NULL,
	body      TEXT NOT NULL,
	dropped   TEXT NOT NULL,
	acked_by  TEXT NOT NULL,
	acked_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX notices_told_by_time ON notices_told (at);
CREATE INDEX notices_told_by_topic ON notices_told (topic);
CREATE TABLE notices_books (
	name TEXT PRIMARY KEY,
	body TEXT NOT NULL,
	due  INTEGER NOT NULL
) STRICT;
CREATE INDEX notices_books_by_due ON notices_books (due);
CREATE TABLE notices_deliveries (
	id        TEXT PRIMARY KEY,
	channel   TEXT NOT NULL,
	state     TEXT NOT NULL,
	due       INTEGER NOT NULL,
	tries     INTEGER NOT NULL,
	leased    INTEGER NOT NULL,
	lease     TEXT NOT NULL,
	sent_at   INTEGER NOT NULL,
	failure   TEXT NOT NULL,
	digest    INTEGER NOT NULL,
	escalated INTEGER NOT NULL
) STRICT;
CREATE INDEX notices_deliveries_by_due ON notices_deliveries (state, due);
CREATE TABLE notices_parts (
	delivery TEXT NOT NULL REFERENCES notices_deliveries (id) ON DELETE CASCADE,
	notice   TEXT NOT NULL REFERENCES notices_told (id) ON DELETE CASCADE,
	PRIMARY KEY (delivery, notice)
) STRICT;
CREATE INDEX notices_parts_by_notice ON notices_parts (notice);
CREATE TABLE notices_threads (
	channel TEXT NOT NULL,
	release TEXT NOT NULL,
	thread  TEXT NOT NULL,
	at      INTEGER NOT NULL,
	PRIMARY KEY (channel, release)
) STRICT;`,
	Postgres: `
CREATE TABLE notices_told (
	id        TEXT PRIMARY KEY,
	at        BIGINT NOT NULL,
	release   TEXT NOT NULL,
	topic     TEXT NOT NULL,
	book      TEXT NOT NULL,
	urgency   TEXT NOT NULL,
	body      TEXT NOT NULL,
	dropped   TEXT NOT NULL,
	acked_by  TEXT NOT NULL,
	acked_at  BIGINT NOT NULL
);
CREATE INDEX notices_told_by_time ON notices_told (at);
CREATE INDEX notices_told_by_topic ON notices_told (topic);
CREATE TABLE notices_books (
	name TEXT PRIMARY KEY,
	body TEXT NOT NULL,
	due  BIGINT NOT NULL
);
CREATE INDEX notices_books_by_due ON notices_books (due);
CREATE TABLE notices_deliveries (
	id        TEXT PRIMARY KEY,
	channel   TEXT NOT NULL,
	state     TEXT NOT NULL,
	due       BIGINT NOT NULL,
	tries     BIGINT NOT NULL,
	leased    BIGINT NOT NULL,
	lease     TEXT NOT NULL,
	sent_at   BIGINT NOT NULL,
	failure   TEXT NOT NULL,
	digest    BIGINT NOT NULL,
	escalated BIGINT NOT NULL
);
CREATE INDEX notices_deliveries_by_due ON notices_deliveries (state, due);
CREATE TABLE notices_parts (
	delivery TEXT NOT NULL REFERENCES notices_deliveries (id) ON DELETE CASCADE,
	notice   TEXT NOT NULL REFERENCES notices_told (id) ON DELETE CASCADE,
	PRIMARY KEY (delivery, notice)
);
CREATE INDEX notices_parts_by_notice ON notices_parts (notice);
CREATE TABLE notices_threads (
	channel TEXT NOT NULL,
	release TEXT NOT NULL,
	thread  TEXT NOT NULL,
	at      BIGINT NOT NULL,
	PRIMARY KEY (channel, release)
);`,
}, {
	SQLite:   `CREATE INDEX notices_told_by_release ON notices_told (release, at);`,
	Postgres: `CREATE INDEX notices_told_by_release ON notices_told (release COLLATE "C", at);`,
}}

// Migrate makes the tables of this package, or brings them to the present schema.
func Migrate(ctx context.Context, db *database.DB) error { return db.Migrate(ctx, set, migrations) }
