package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// Bounds of a command, in bytes, and of how many may wait for one release.
const (
	maxCommandID = 128
	maxWho       = 256
	maxReason    = 1 << 10
	maxWaiting   = 100
)

// Command leaves a person's order for the process that runs the release, which
// takes it at its next turn. Leaving it twice under one id equals once. Errors
// wrap release.ErrNotFound for an unknown release, release.ErrConflict for one
// that has ended or has 100 commands waiting, and release.ErrInvalid.
func (s *Store) Command(ctx context.Context, id ID, command engine.Commanded) error {
	return s.CommandAt(ctx, id, 0, command)
}

// CommandAt is Command for who saw the release at a record: one that is at
// another is release.ErrConflict, and nothing is left. 0 stands for any.
func (s *Store) CommandAt(ctx context.Context, id ID, seq uint64, command engine.Commanded) error {
	if err := checkCommand(command); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx database.Tx) error {
		at, err := hold(ctx, tx, id)
		if err != nil {
			return err
		}
		var waiting, known int
		err = tx.QueryRow(ctx, `SELECT count(*) FILTER (WHERE taken = 0), count(*) FILTER (WHERE id = ?) FROM commands WHERE release = ?`,
			command.ID, at.key).Scan(&waiting, &known)
		switch {
		case err != nil || known > 0:
			return err
		case at.Ended():
			return fmt.Errorf("release %s has ended (%s), nothing is left to %s: %w", id, at.Outcome, command.Verb, release.ErrConflict)
		case seq != 0 && seq != at.Seq:
			return fmt.Errorf("release %s is at record %d, not at %d: something happened meanwhile; look at it again: %w", id, at.Seq, seq, release.ErrConflict)
		case waiting >= maxWaiting:
			return fmt.Errorf("release %s has %d commands waiting and takes no more; is `linnet run` running it: %w", id, waiting, release.ErrConflict)
		}
		return putCommand(ctx, tx, at.key, command, 0)
	})
}

func checkCommand(c engine.Commanded) error {
	switch {
	case !slices.Contains(engine.Verbs(), c.Verb):
		return fmt.Errorf("command %q: expected one of %v: %w", c.Verb, engine.Verbs(), release.ErrInvalid)
	case c.ID == "" || len(c.ID) > maxCommandID || database.Text(c.ID) != c.ID:
		return fmt.Errorf("id of command %s: expected 1 to %d bytes of UTF-8, none of them zero: %w", c.Verb, maxCommandID, release.ErrInvalid)
	case len(c.Who) > maxWho:
		return fmt.Errorf("name of who commands %s has %d bytes and may have %d: %w", c.Verb, len(c.Who), maxWho, release.ErrInvalid)
	case len(c.Reason) > maxReason:
		return fmt.Errorf("reason for %s has %d bytes and may have %d: %w", c.Verb, len(c.Reason), maxReason, release.ErrInvalid)
	case c.At.Before(time.Unix(0, 0)):
		return fmt.Errorf("command %s is dated %s; check the clock: %w", c.Verb, c.At, release.ErrInvalid)
	}
	return nil
}

// take marks a command as taken by a record. One that did not come through the
// inbox is put there, so that a later delivery under its id does nothing.
func take(ctx context.Context, tx database.Tx, key int64, c engine.Commanded, seq uint64) error {
	if c.ID == "" {
		return nil
	}
	return putCommand(ctx, tx, key, c, seq)
}

func putCommand(ctx context.Context, tx database.Tx, key int64, c engine.Commanded, taken uint64) error {
	c.At = c.At.UTC()
	body, err := marshal(storedCommanded(c))
	if err != nil {
		return fmt.Errorf("command %s cannot be stored: %w: %w", c.Verb, release.ErrInvalid, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO commands (release, id, at, verb, who, reason, body, taken) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (release, id) DO UPDATE SET taken = excluded.taken WHERE commands.taken = 0`,
		key, c.ID, c.At.UnixNano(), c.Verb, database.Text(c.Who), database.Text(c.Reason), body, taken)
	return err
}

// commandColumns are what scanCommand reads.
const commandColumns = `id, at, verb, who, reason, body, taken`

// scanCommand reads a command. Its body holds all of it, in the form that it
// has in a record; what an older linnet left has columns only.
func scanCommand(row interface{ Scan(into ...any) error }) (c engine.Commanded, taken uint64, err error) {
	var at int64
	var body []byte
	if err := row.Scan(&c.ID, &at, &c.Verb, &c.Who, &c.Reason, &body, &taken); err != nil {
		return engine.Commanded{}, 0, err
	}
	c.At = time.Unix(0, at).UTC()
	if len(body) > 0 {
		var stored storedCommanded
		if err := json.Unmarshal(body, &stored); err != nil {
			return engine.Commanded{}, 0, fmt.Errorf("command %s in the inbox cannot be read: %w: %w", c.ID, release.ErrInvalid, err)
		}
		c = engine.Commanded(stored)
	}
	return c, taken, nil
}

// Waiting gives the commands that no record has taken yet, in the order they
// came. An unknown release is release.ErrNotFound.
func (r *Reader) Waiting(ctx context.Context, id ID) ([]engine.Commanded, error) {
	var waiting []engine.Commanded
	err := r.db.Read(ctx, func(tx database.Tx) error {
		at, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT `+commandColumns+` FROM commands WHERE release = ? AND taken = 0 ORDER BY n`, at.key)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			c, _, err := scanCommand(rows)
			if err != nil {
				return err
			}
			waiting = append(waiting, c)
		}
		return rows.Err()
	})
	return waiting, err
}

// Given looks up a command by its id: what was ordered, and the record that took
// it, 0 while none has. The bool says whether there is one.
func (r *Reader) Given(ctx context.Context, id ID, command string) (engine.Commanded, uint64, bool, error) {
	var c engine.Commanded
	var taken uint64
	known := false
	err := r.db.Read(ctx, func(tx database.Tx) error {
		at, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		c, taken, err = scanCommand(tx.QueryRow(ctx, `SELECT `+commandColumns+` FROM commands WHERE release = ? AND id = ?`, at.key, command))
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		known = err == nil
		return err
	})
	return c, taken, known, err
}
