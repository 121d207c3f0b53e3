package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/database"
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
	// Promoted is when it was decided that the candidate takes all traffic; zero
	// where it was not, and where an older linnet wrote it down.
	Promoted time.Time

	Seq     uint64 // the last record
	Phase   engine.Phase
	Step    int
	Weight  release.Weight
	Reason  release.Reason
	Outcome Outcome // empty until it has ended
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
	phase, step, weight, code, reason, outcome, pruned, team, environment, author, promoted`

func scanEntry(row interface{ Scan(into ...any) error }) (entry, error) {
	var e entry
	var started, updated, promoted int64
	var hash []byte
	err := row.Scan(&e.key, &e.ID.Name, &e.ID.Attempt, &e.Service, &e.FileHash, &started, &updated, &e.Seq, &hash,
		&e.Phase, &e.Step, &e.Weight, &e.Reason.Code, &e.Reason.Text, &e.Outcome, &e.Pruned, &e.Team, &e.Environment, &e.Author, &promoted)
	if err != nil {
		return entry{}, err
	}
	if len(hash) != len(e.hash) {
		return entry{}, &Broken{ID: e.ID, What: "the hash in its index is no SHA-256"}
	}
	e.hash, e.Place = Hash(hash), e.key
	e.Started, e.Updated = time.Unix(0, started).UTC(), time.Unix(0, updated).UTC()
	if promoted != 0 {
		e.Promoted = time.Unix(0, promoted).UTC()
	}
	return e, nil
}

// List gives the releases in the journal, the last begun first, at most the
// last 10,000.
func (r *Reader) List(ctx context.Context) ([]Summary, error) {
	return r.summaries(ctx, `SELECT `+entryColumns+` FROM releases ORDER BY started DESC, id DESC LIMIT ?`, maxList)
}

func (r *Reader) summaries(ctx context.Context, query string, args ...any) ([]Summary, error) {
	found, err := r.entries(ctx, query, args...)
	return each(found, func(e entry) Summary { return e.Summary }), err
}

// entries asks the index once.
func (r *Reader) entries(ctx context.Context, query string, args ...any) (found []entry, err error) {
	err = r.db.Glance(ctx, func(tx database.Tx) (err error) {
		found, err = entries(ctx, tx, query, args...)
		return err
	})
	return found, err
}

func entries(ctx context.Context, tx database.Tx, query string, args ...any) ([]entry, error) {
	rows, err := tx.Query(ctx, query, args...)
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
	at, err := r.find(ctx, id)
	return at.Summary, err
}

func (r *Reader) find(ctx context.Context, id ID) (at entry, err error) {
	err = r.db.Glance(ctx, func(tx database.Tx) (err error) {
		at, err = find(ctx, tx, id)
		return err
	})
	return at, err
}

// Latest gives the last attempt of a name, and whether there is one.
func (r *Reader) Latest(ctx context.Context, name string) (ID, bool, error) {
	id := ID{Name: name}
	err := r.db.Glance(ctx, func(tx database.Tx) error {
		return tx.QueryRow(ctx, `SELECT coalesce(max(attempt), 0) FROM releases WHERE name = ?`, name).Scan(&id.Attempt)
	})
	if err != nil || id.Attempt == 0 {
		return ID{}, false, err
	}
	return id, true, nil
}

// FileText gives the release file as it was read when the release began.
// Errors wrap release.ErrNotFound where the release is unknown or pruned.
func (r *Reader) FileText(ctx context.Context, id ID) ([]byte, error) {
	var text []byte
	err := r.db.Read(ctx, func(tx database.Tx) error {
		at, err := find(ctx, tx, id)
		if err != nil {
			return err
		}
		if at.Pruned {
			return goneError(at.Summary)
		}
		text, err = fileText(ctx, tx, at)
		return err
	})
	return text, err
}

func fileText(ctx context.Context, tx database.Tx, at entry) ([]byte, error) {
	var text []byte
	err := tx.QueryRow(ctx, `SELECT text FROM files WHERE release = ?`, at.key).Scan(&text)
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
