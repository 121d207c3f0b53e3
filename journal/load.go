package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// page is how many records are read at a time.
const page = 200

// Fold gives the state after an event; engine.Step without what it decides.
type Fold func(engine.State, engine.Event) engine.State

// Records hands the records of a release to fn in order, from a sequence on
// (0 and 1 are the first). Each is checked against the chain; the error names
// the first that does not fit and is a *Broken. An error of fn ends it and is
// returned as it is. Records written meanwhile are handed over too.
func (r *Reader) Records(ctx context.Context, id ID, from uint64, fn func(Record) error) error {
	var at entry
	var c *chain
	err := r.db.Read(ctx, func(tx database.Tx) (err error) {
		if at, err = find(ctx, tx, id); err != nil {
			return err
		}
		if at.Pruned {
			return goneError(at.Summary)
		}
		c, err = begin(ctx, tx, at, from)
		return err
	})
	if err != nil {
		return err
	}
	for more := true; more; {
		var records []Record
		err := r.db.Glance(ctx, func(tx database.Tx) (err error) {
			records, err = c.page(ctx, tx, at.key, page)
			return err
		})
		for _, rec := range records {
			if err := fn(rec); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		more = len(records) == page
	}
	return nil
}

// Load gives the state of a release and the sequence of its last record: the
// last snapshot, and the events after it folded onto it. A snapshot that
// another version of linnet took, or that is damaged, is passed over and all
// events are folded again. Errors are those of Records.
func (r *Reader) Load(ctx context.Context, id ID, fold Fold) (engine.State, uint64, error) {
	state, c, err := r.load(ctx, id, fold)
	if err != nil {
		return engine.State{}, 0, err
	}
	return state, c.seq, nil
}

func (r *Reader) load(ctx context.Context, id ID, fold Fold) (state engine.State, c *chain, err error) {
	err = r.db.Read(ctx, func(tx database.Tx) error {
		at, err := find(ctx, tx, id)
		if err == nil && at.Pruned {
			err = goneError(at.Summary)
		}
		if err != nil {
			return err
		}
		if state, c, err = resume(ctx, tx, at); err != nil {
			return err
		}
		return c.walk(ctx, tx, at, func(rec Record) { state = fold(state, rec.Event) })
	})
	return state, c, err
}

// begin gives a chain that stands before a record.
func begin(ctx context.Context, tx database.Tx, at entry, from uint64) (*chain, error) {
	c := &chain{id: at.ID}
	if from <= 1 {
		return c, nil
	}
	var hash []byte
	c.seq = from - 1
	if c.seq > at.Seq {
		return nil, fmt.Errorf("release %s has %d records, %d cannot be read: %w", at.ID, at.Seq, from, release.ErrNotFound)
	}
	err := tx.QueryRow(ctx, `SELECT hash FROM records WHERE release = ? AND seq = ?`, at.key, c.seq).Scan(&hash)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, &Broken{ID: at.ID, Seq: c.seq, What: "it is missing"}
	case err != nil:
		return nil, err
	case len(hash) != len(c.hash):
		return nil, &Broken{ID: at.ID, Seq: c.seq, What: "its hash is no SHA-256"}
	}
	c.hash = Hash(hash)
	return c, nil
}

// page reads the next records, at most so many, and returns those that fit
// with the error that the first other one gave. The query is over before it
// returns, so that what the caller does with records holds up no writer.
func (c *chain) page(ctx context.Context, tx database.Tx, key int64, most int) ([]Record, error) {
	rows, err := tx.Query(ctx, `SELECT seq, form, body, hash FROM records
		WHERE release = ? AND seq > ? ORDER BY seq LIMIT ?`, key, c.seq, most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []Record
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.seq, &r.form, &r.body, &r.hash); err != nil {
			return records, err
		}
		rec, err := c.next(r)
		if err != nil {
			return records, err
		}
		records = append(records, rec)
	}
	return records, rows.Err()
}

// walk hands all records to fn up to the one the index knows as the last, and
// checks that it is.
func (c *chain) walk(ctx context.Context, tx database.Tx, at entry, fn func(Record)) error {
	for more := true; more; {
		records, err := c.page(ctx, tx, at.key, page)
		for _, rec := range records {
			fn(rec)
		}
		if err != nil {
			return err
		}
		more = len(records) == page
	}
	switch {
	case c.seq < at.Seq:
		return &Broken{ID: at.ID, Seq: c.seq + 1, What: fmt.Sprintf("it is missing; the index knows %d records", at.Seq)}
	case c.seq > at.Seq:
		return &Broken{ID: at.ID, Seq: at.Seq + 1, What: fmt.Sprintf("the index knows only %d records; it was changed", at.Seq)}
	case c.hash != at.hash:
		return &Broken{ID: at.ID, Seq: c.seq, What: fmt.Sprintf("its hash is %x and the index says %x", c.hash[:], at.hash[:])}
	}
	return nil
}
