package journal

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// The feed has the records of all releases in one order that never changes, so
// that who has read up to a record has missed none before it. SQLite has one
// writer at a time, and ids follow each other. On PostgreSQL ids are drawn
// before a transaction commits, and commits come in another order; so a record
// goes by the transaction that wrote it, and is given only once no transaction
// that began before can still commit.

// Cursor is a place in the feed. The empty one is before all records.
type Cursor string

// Entry is a record in the feed.
type Entry struct {
	ID ID
	// Service, Team, Environment and Author are those of the release; see Summary.
	Service, Team, Environment, Author string

	Record Record
	// Damaged is why the record cannot be read, a *Broken; nil where it can. One
	// damaged release holds up nobody who reads the others.
	Damaged error
	// Cursor is the place after it.
	Cursor Cursor
}

// Feeding says which records of the feed are wanted.
type Feeding struct {
	// After is where to go on.
	After Cursor
	// Quiet asks for looks in which nothing happened, too.
	Quiet bool
	// Most is how many are given at most, from 1 to 1,000.
	Most int
}

// maxFeeding bounds what one call gives.
const maxFeeding = 1000

// place is a Cursor taken apart; xid is 0 on SQLite.
type place struct{ xid, id int64 }

func (p place) cursor() Cursor { return Cursor(fmt.Sprintf("%d.%d", p.xid, p.id)) }

func (c Cursor) place() (place, error) {
	if c == "" {
		return place{}, nil
	}
	before, after, found := strings.Cut(string(c), ".")
	xid, err1 := strconv.ParseInt(before, 10, 64)
	id, err2 := strconv.ParseInt(after, 10, 64)
	p := place{xid, id}
	if !found || err1 != nil || err2 != nil || xid < 0 || id < 0 || p.cursor() != c {
		return place{}, fmt.Errorf("cursor %q: not one that the feed gave; leave it out to begin anew: %w", c, release.ErrInvalid)
	}
	return p, nil
}

// Before says that a place comes before another. Places that the feed did not
// give come before none.
func (c Cursor) Before(other Cursor) bool {
	a, err1 := c.place()
	b, err2 := other.place()
	return err1 == nil && err2 == nil && (a.xid < b.xid || a.xid == b.xid && a.id < b.id)
}

// Events gives the next records of all releases. Fewer than asked for means that
// there are no more as yet. Records that retention removed are not there. They
// are read without their chain: Verify proves that they are what was written.
func (r *Reader) Events(ctx context.Context, f Feeding) (found []Entry, err error) {
	at, err := f.After.place()
	if err != nil {
		return nil, err
	}
	err = r.db.Glance(ctx, func(tx database.Tx) error {
		query, args := feedQuery(tx.Kind, at, f)
		rows, err := tx.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		var u unpacker
		for rows.Next() {
			e, err := scanFeed(rows, &u)
			if err != nil {
				return err
			}
			found = append(found, e)
		}
		return rows.Err()
	})
	return found, err
}

func feedQuery(kind database.Kind, at place, f Feeding) (string, []any) {
	xid, after, order := "0", "r.id > ?", "r.id"
	args := []any{at.id}
	if kind == database.Postgres {
		xid, order = "r.xid", "r.xid, r.id"
		after = "(r.xid, r.id) > (?, ?) AND r.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
		args = []any{at.xid, at.id}
	}
	if !f.Quiet {
		after += " AND r.quiet = 0"
	}
	return `SELECT ` + xid + `, r.id, a.name, a.attempt, a.service, a.team, a.environment, a.author, r.seq, r.form, r.body, r.hash
		FROM records AS r JOIN releases AS a ON a.id = r.release WHERE ` + after + ` ORDER BY ` + order + ` LIMIT ?`,
		append(args, min(max(f.Most, 1), maxFeeding))
}

func scanFeed(rows interface{ Scan(into ...any) error }, u *unpacker) (Entry, error) {
	var at place
	var e Entry
	var r row
	err := rows.Scan(&at.xid, &at.id, &e.ID.Name, &e.ID.Attempt, &e.Service, &e.Team, &e.Environment, &e.Author, &r.seq, &r.form, &r.body, &r.hash)
	if err != nil {
		return Entry{}, err
	}
	if r.form > formNow {
		// Of a newer linnet beside this one; left out now, it would never be told.
		return Entry{}, fmt.Errorf("record %d of %s has form %d and this linnet knows %d: run the newer linnet here, too: %w", r.seq, e.ID, r.form, formNow, release.ErrInvalid)
	}
	if e.Record, err = r.read(u); err != nil {
		e.Record, e.Damaged = Record{Seq: r.seq}, &Broken{ID: e.ID, Seq: r.seq, What: err.Error()}
	}
	e.Cursor = at.cursor()
	return e, nil
}

// read reads a record without looking at what is before it.
func (r row) read(u *unpacker) (Record, error) {
	if r.form != formNow || len(r.hash) != len(Hash{}) {
		return Record{}, fmt.Errorf("it has form %d and a hash of %d bytes, which this linnet does not know: %w", r.form, len(r.hash), release.ErrInvalid)
	}
	body, err := u.unpack(r.body, maxBody)
	if err != nil {
		return Record{}, err
	}
	rec, err := decodeRecord(body)
	rec.Seq, rec.Hash = r.seq, Hash(r.hash)
	return rec, err
}

// Newest is the place after the last record that is in the feed now.
func (r *Reader) Newest(ctx context.Context) (Cursor, error) {
	query := `SELECT 0, coalesce(max(id), 0) FROM records`
	if r.db.Kind() == database.Postgres {
		query = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1, 9223372036854775807`
	}
	var at place
	err := r.db.Glance(ctx, func(tx database.Tx) error { return tx.QueryRow(ctx, query).Scan(&at.xid, &at.id) })
	return at.cursor(), err
}

// Quiet tells a look in which nothing happened.
func (r Record) Quiet() bool {
	_, look := r.Event.(engine.Looked)
	return look && r.Decision.Kind == engine.Stay && len(r.Effects) == 0
}
