// Package glass keeps requests to break the glass: what somebody wants done past
// guard rails or approvals, until a second person agrees, once, or the time for it
// is over.
package glass

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
)

// tables are this package's. A request stays after its time, for the list.
var tables = []database.Migration{{
	SQLite: `CREATE TABLE glass_requests (
	id TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, until INTEGER NOT NULL, body TEXT NOT NULL,
	agreed INTEGER NOT NULL DEFAULT 0, by_whom TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;
CREATE INDEX glass_requests_at ON glass_requests (at)`,
	Postgres: `CREATE TABLE glass_requests (
	id TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL, until BIGINT NOT NULL, body TEXT NOT NULL,
	agreed BIGINT NOT NULL DEFAULT 0, by_whom TEXT NOT NULL DEFAULT '');
CREATE INDEX glass_requests_at ON glass_requests (at)`,
}}

const (
	// keptFor is how long a request is listed; the audit keeps what it was.
	keptFor = 90 * 24 * time.Hour
	// mostOpen bounds how many wait at once.
	mostOpen = 100
)

// Requests implements control.GlassKeeper on a database. It is safe for use by
// several goroutines, and several processes.
type Requests struct{ db *database.DB }

// New makes the tables where they are missing.
func New(ctx context.Context, db *database.DB) (*Requests, error) {
	return &Requests{db}, db.Migrate(ctx, "glass", tables)
}

// Ask implements control.GlassKeeper. More than 100 that wait are
// release.ErrConflict.
func (r *Requests) Ask(ctx context.Context, q control.GlassRequest) error {
	body, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("request to break the glass: %w: %w", err, release.ErrInvalid)
	}
	return r.db.Write(ctx, func(tx database.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM glass_requests WHERE at < ?`, q.At.Add(-keptFor).UnixNano()); err != nil {
			return err
		}
		var open int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM glass_requests WHERE agreed = 0 AND until > ?`, q.At.UnixNano()).Scan(&open); err != nil {
			return err
		}
		if open >= mostOpen {
			return fmt.Errorf("%d requests to break the glass wait already: %w", open, release.ErrConflict)
		}
		_, err := tx.Exec(ctx, `INSERT INTO glass_requests (id, at, until, body) VALUES (?, ?, ?, ?)`,
			q.ID, q.At.UnixNano(), q.Until.UnixNano(), database.Text(string(body)))
		return err
	})
}

const columns = `body, agreed, by_whom FROM glass_requests`

func scan(row interface{ Scan(into ...any) error }) (q control.GlassRequest, err error) {
	var body, by string
	var agreed int64
	if err := row.Scan(&body, &agreed, &by); err != nil {
		return q, err
	}
	if err := json.Unmarshal([]byte(body), &q); err != nil {
		return control.GlassRequest{}, fmt.Errorf("a request to break the glass cannot be read: %w: %w", err, release.ErrInvalid)
	}
	if agreed != 0 {
		q.By, q.Agreed = by, time.Unix(0, agreed).UTC()
	}
	return q, nil
}

// Find implements control.GlassKeeper.
func (r *Requests) Find(ctx context.Context, id string) (q control.GlassRequest, err error) {
	err = r.db.Read(ctx, func(tx database.Tx) (err error) {
		q, err = scan(tx.QueryRow(ctx, `SELECT `+columns+` WHERE id = ?`, database.Text(id)))
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("no request %q to break the glass: %w", id, release.ErrNotFound)
	}
	return q, err
}

// List implements control.GlassKeeper.
func (r *Requests) List(ctx context.Context, most int) (all []control.GlassRequest, err error) {
	err = r.db.Read(ctx, func(tx database.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `SELECT `+columns+` ORDER BY at DESC, id LIMIT ?`, most)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			q, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, q)
		}
		return rows.Err()
	})
	return all, err
}

// Agree implements control.GlassKeeper. Of two at once one is the first.
func (r *Requests) Agree(ctx context.Context, id, by string, at time.Time) error {
	var changed int64
	err := r.db.Write(ctx, func(tx database.Tx) error {
		res, err := tx.Exec(ctx, `UPDATE glass_requests SET agreed = ?, by_whom = ? WHERE id = ? AND agreed = 0 AND until > ?`,
			at.UnixNano(), database.Text(by), database.Text(id), at.UnixNano())
		if err == nil {
			changed, err = res.RowsAffected()
		}
		return err
	})
	if err == nil && changed == 0 {
		return control.UsedUp(id)
	}
	return err
}
