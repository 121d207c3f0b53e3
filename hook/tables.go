package hook

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/linnet-project/linnet/database"
)

// tables are this package's: deliveries that were taken, and how far each target
// has been told.
var tables = []database.Migration{{
	SQLite: `CREATE TABLE hook_taken (
	hook TEXT NOT NULL, nonce TEXT NOT NULL, at INTEGER NOT NULL, answer TEXT NOT NULL,
	PRIMARY KEY (hook, nonce)) STRICT, WITHOUT ROWID;
CREATE INDEX hook_taken_at ON hook_taken (at);
CREATE TABLE hook_told (
	target TEXT NOT NULL PRIMARY KEY, place TEXT NOT NULL, holder TEXT NOT NULL, until INTEGER NOT NULL,
	tries INTEGER NOT NULL, since INTEGER NOT NULL, next INTEGER NOT NULL, trouble TEXT NOT NULL,
	sent INTEGER NOT NULL, left_out INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
	Postgres: `CREATE TABLE hook_taken (
	hook TEXT NOT NULL, nonce TEXT NOT NULL, at BIGINT NOT NULL, answer TEXT NOT NULL,
	PRIMARY KEY (hook, nonce));
CREATE INDEX hook_taken_at ON hook_taken (at);
CREATE TABLE hook_told (
	target TEXT NOT NULL PRIMARY KEY, place TEXT NOT NULL, holder TEXT NOT NULL, until BIGINT NOT NULL,
	tries BIGINT NOT NULL, since BIGINT NOT NULL, next BIGINT NOT NULL, trouble TEXT NOT NULL,
	sent BIGINT NOT NULL, left_out BIGINT NOT NULL)`,
}}

// Migrate makes the tables of this package.
func Migrate(ctx context.Context, db *database.DB) error { return db.Migrate(ctx, "hook", tables) }

// takenFor is how long it is remembered that a delivery was taken: those without a
// time in them for as long as anybody might keep one.
const takenFor = 400 * 24 * time.Hour

// delivery is one that was proved.
type delivery struct {
	hook, nonce string
	at          time.Time
}

// taken looks up what a delivery came to that was taken before.
func taken(ctx context.Context, db *database.DB, d delivery) (a answer, known bool, err error) {
	err = db.Glance(ctx, func(tx database.Tx) error {
		var text string
		err := tx.QueryRow(ctx, `SELECT answer FROM hook_taken WHERE hook = ? AND nonce = ?`, d.hook, d.nonce).Scan(&text)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		known = true
		return json.Unmarshal([]byte(text), &a)
	})
	return a, known, err
}

// take remembers a delivery, and forgets those that are too old. Two that come at
// once make one release and both are right.
func take(ctx context.Context, db *database.DB, d delivery, a answer) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return db.Write(ctx, func(tx database.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM hook_taken WHERE at < ?`, d.at.Add(-takenFor).UnixNano()); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO hook_taken (hook, nonce, at, answer) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			d.hook, d.nonce, d.at.UnixNano(), string(text))
		return err
	})
}
