package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// Summary is what the index knows of a release, as of its last record.
type Summary struct {
	ID      ID
	Service string
	// Team and Environment are labels of the file, Author is who began it; empty
	// where nobody said.
	Team, Environment, Author string

	FileHash string // SHA-256 of the release file, in hex
	Started  time.Time
	Updated  time.Time
	Seq      uint64 // the last record
	Phase    engine.Phase
	Step     int
	Weight   release.Weight
	Reason   release.Reason
	Outcome  Outcome // empty until it has ended
	// Pruned says that retention has removed the records.
	Pruned bool
	// Place orders all releases of a journal by when they were begun; see Choice.
	Place int64
}

// Ended says that nothing more will happen to the release.
func (s Summary) Ended() bool { return s.Outcome != "" }

// maxList bounds a list of releases.
const maxList = 10_000

const entryColumns = `id, name, attempt, service, file_hash, started, updated, seq, hash,
	phase, step, weight, code, reason, outcome, pruned, team, environment, author`

func scanEntry(row interface{ Scan(into ...any) error }) (entry, error) {
	var e entry
	var started, updated int64
	var hash []byte
	err := row.Scan(&e.key, &e.ID.Name, &e.ID.Attempt, &e.Service, &e.FileHash, &started, &updated, &e.Seq, &hash,
		&e.Phase, &e.Step, &e.Weight, &e.Reason.Code, &e.Reason.Text, &e.Outcome, &e.Pruned, &e.Team, &e.Environment, &e.Author)
	if err != nil {
		return entry{}, err
	}
	if len(hash) != len(e.hash) {
		return entry{}, &Broken{ID: e.ID, What: "the hash in its index is no SHA-256"}
	}
	e.hash, e.Place = Hash(hash), e.key
	e.Started, e.Updated = time.Unix(0, started).UTC(), time.Unix(0, updated).UTC()
	return e, nil
}

// List gives the releases in the journal, the last begun first, at most the
// last 10,000.
func (r *Reader) List(ctx context.Context) ([]Summary, error) {
	entries, err := entries(ctx, r.db, `SELECT `+entryColumns+` FROM releases ORDER BY started DESC, id DESC LIMIT ?`, maxList)
	if err != nil {
		return nil, fault(r.path, err)
	}
	return each(entries, func(e entry) Summary { return e.Summary }), nil
}

func entries(ctx context.Context, q querier, query string, args ...any) ([]entry, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []entry
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, e)
	}
	return found, rows.Err()
}

// Find gives what the index knows of one release, also after its records were
// removed. An unknown release is release.ErrNotFound.
func (r *Reader) Find(ctx context.Context, id ID) (Summary, error) {
	e, err := find(ctx, r.db, id)
	return e.Summary, fault(r.path, err)
}

// Latest gives the last attempt of a name, and whether there is one.
func (r *Reader) Latest(ctx context.Context, name string) (ID, bool, error) {
	id := ID{Name: name}
	err := r.db.QueryRowContext(ctx, `SELECT attempt FROM releases WHERE name = ? ORDER BY attempt DESC LIMIT 1`, name).Scan(&id.Attempt)
	if errors.Is(err, sql.ErrNoRows) {
		return ID{}, false, nil
	}
	if err != nil {
		return ID{}, false, fault(r.path, err)
	}
	return id, true, nil
}

// FileText gives the release file as it was read when the release began.
// Errors wrap release.ErrNotFound where the release is unknown or pruned.
func (r *Reader) FileText(ctx context.Context, id ID) ([]byte, error) {
	var text []byte
	err := r.reading(ctx, func(q querier) error {
		at, err := find(ctx, q, id)
		if err != nil {
			return err
		}
		if at.Pruned {
			return goneError(at.Summary)
		}
		text, err = fileText(ctx, q, at)
		return err
	})
	return text, err
}

func fileText(ctx context.Context, q querier, at entry) ([]byte, error) {
	var text []byte
	err := q.QueryRowContext(ctx, `SELECT text FROM files WHERE release = ?`, at.key).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, &Broken{ID: at.ID, What: "its release file is missing"}
	}
	return text, err
}

// goneError says that a release is known and its records are not there.
func goneError(s Summary) error {
	return fmt.Errorf("the records of %s, which ended %s, were removed by retention; restore a copy of the journal to see them: %w",
		s.ID, s.Outcome, release.ErrNotFound)
}
