// Package audit keeps what people and programs did, and what they tried and were
// not allowed: who, when, from where, to what, why, and what it changed.
//
// What concerns a release stands in the release's own chain too, where a replay
// needs it; the audit has all of it in one place, and what is about no release.
// Its lines are chained as the records of a release are, by the same function,
// under an ID that no release has. It lies in the database of the journal.
//
// Anchors are heads of all chains, signed and kept where whoever can write the
// database cannot: they show also what such a person changed.
package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// Log is the audit of a database. It is safe for use by several goroutines and
// processes.
type Log struct{ db *database.DB }

// Line is one entry as it is kept.
type Line struct {
	// Seq counts lines from 1.
	Seq   uint64
	Entry control.Entry
	// Hash chains the line to all before it.
	Hash journal.Hash
}

// set is what the tables are called among the sets of migrations.
const set = "audit"

// migrations lead from one schema to the next. One that was released is never
// changed.
var migrations = []database.Migration{{
	SQLite: `CREATE TABLE audit_lines (
		seq    INTEGER PRIMARY KEY,
		at     INTEGER NOT NULL,   -- this and the next four are for looking up; the body has all
		who    TEXT NOT NULL,
		what   TEXT NOT NULL,
		object TEXT NOT NULL,
		denied INTEGER NOT NULL,
		form   INTEGER NOT NULL,
		body   BLOB NOT NULL,
		hash   BLOB NOT NULL
	) STRICT;
	CREATE TABLE audit_past (      -- the last line of each part that retention removed
		seq    INTEGER PRIMARY KEY,
		hash   BLOB NOT NULL
	) STRICT;` + indexes,
	Postgres: `CREATE TABLE audit_lines (
		seq    BIGINT PRIMARY KEY,
		at     BIGINT NOT NULL,
		who    TEXT NOT NULL,
		what   TEXT NOT NULL,
		object TEXT NOT NULL,
		denied BIGINT NOT NULL,
		form   BIGINT NOT NULL,
		body   BYTEA NOT NULL,
		hash   BYTEA NOT NULL
	);
	CREATE TABLE audit_past (
		seq    BIGINT PRIMARY KEY,
		hash   BYTEA NOT NULL
	);` + indexes,
}, {
	SQLite: `CREATE INDEX audit_by_what ON audit_lines (what, seq);` + denied,
	// By bytes, so that a range is what begins alike.
	Postgres: `CREATE INDEX audit_by_what ON audit_lines (what COLLATE "C", seq);` + denied,
}}

const denied = `CREATE INDEX audit_denied ON audit_lines (seq) WHERE denied = 1;`

const indexes = `
	CREATE INDEX audit_by_who ON audit_lines (who, seq);
	CREATE INDEX audit_by_object ON audit_lines (object, seq);`

// On is the audit of a database that is open; it makes its tables.
func On(ctx context.Context, db *database.DB) (*Log, error) {
	if err := db.Migrate(ctx, set, migrations); err != nil {
		return nil, err
	}
	return &Log{db}, nil
}

// ReaderOn is On for who only reads. A database without an audit is
// release.ErrNotFound.
func ReaderOn(ctx context.Context, db *database.DB) (*Log, error) {
	if err := db.Check(ctx, set, migrations); err != nil {
		return nil, err
	}
	return &Log{db}, nil
}

// chainLock is the advisory lock of PostgreSQL at which writers queue: there is
// one end of the chain. "audt".
const chainLock = 0x61756474

// Audit implements control.Auditor. Texts that are longer than what is kept of
// them are cut: nobody keeps a line out of the audit by a long name.
func (l *Log) Audit(ctx context.Context, e control.Entry) error {
	if e.At.Before(time.Unix(0, 0)) || e.What == "" {
		return fmt.Errorf("audit: an entry needs a time and what was done: %w", release.ErrInvalid)
	}
	e = trim(e)
	body, err := encode(e)
	if err != nil {
		return err
	}
	return l.db.Write(ctx, func(tx database.Tx) error {
		if tx.Kind == database.Postgres {
			if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(?)`, chainLock); err != nil {
				return err
			}
		}
		last, err := end(ctx, tx)
		if err != nil {
			return err
		}
		hash := journal.Link(last.Hash, journal.AuditChain(), last.Seq+1, form, body)
		denied := 0
		if e.Denied != "" {
			denied = 1
		}
		_, err = tx.Exec(ctx, `INSERT INTO audit_lines (seq, at, who, what, object, denied, form, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			last.Seq+1, e.At.UnixNano(), database.Text(e.Who.Name), database.Text(e.What), database.Text(e.Object), denied, form, body, hash[:])
		return err
	})
}

// end is the last line there is, or was.
func end(ctx context.Context, tx database.Tx) (journal.Head, error) {
	for _, table := range []string{"audit_lines", "audit_past"} {
		head, err := scanHead(tx.QueryRow(ctx, `SELECT seq, hash FROM `+table+` ORDER BY seq DESC LIMIT 1`))
		if !errors.Is(err, sql.ErrNoRows) {
			return head, err
		}
	}
	return journal.Head{ID: journal.AuditChain()}, nil
}

func scanHead(row *sql.Row) (journal.Head, error) {
	head := journal.Head{ID: journal.AuditChain()}
	var hash []byte
	if err := row.Scan(&head.Seq, &hash); err != nil {
		return head, err
	}
	if len(hash) != len(head.Hash) {
		return head, &journal.Broken{ID: head.ID, Seq: head.Seq, What: "its hash is no SHA-256"}
	}
	head.Hash = journal.Hash(hash)
	return head, nil
}

// Bounds of what is kept of a text, in bytes, and of groups.
const (
	maxText   = 4 << 10
	maxGroups = 100
)

func trim(e control.Entry) control.Entry {
	for _, text := range []*string{&e.Who.Name, &e.Who.From, &e.What, &e.Object, &e.Reason, &e.Before, &e.After, &e.Denied} {
		*text = clip(*text)
	}
	groups := e.Who.Groups[:min(len(e.Who.Groups), maxGroups)]
	e.Who = access.Actor{Name: e.Who.Name, Kind: access.Kind(clip(string(e.Who.Kind))), From: e.Who.From}
	for _, g := range groups {
		e.Who.Groups = append(e.Who.Groups, clip(g))
	}
	e.At = e.At.UTC().Round(0)
	return e
}

// clip cuts a text between characters, and shows that it did.
func clip(text string) string {
	const more = "…"
	if text = database.Text(text); len(text) <= maxText {
		return text
	}
	at := maxText - len(more)
	for at > 0 && text[at]&0xc0 == 0x80 {
		at--
	}
	return text[:at] + more
}
