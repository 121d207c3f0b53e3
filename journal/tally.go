package journal

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/database"
)

// Tally counts releases that are alike.
type Tally struct {
	// Last is the last begun of them: its service, team, environment and outcome
	// are those of all.
	Last  Summary
	Count int
}

// Tallies counts all releases by service, team, environment and outcome.
func (r *Reader) Tallies(ctx context.Context) (all []Tally, err error) {
	err = r.db.Glance(ctx, func(tx database.Tx) error {
		rows, err := tx.Query(ctx, `SELECT t.n, `+entryColumns+` FROM releases JOIN
			(SELECT max(id) AS top, count(*) AS n FROM releases GROUP BY service, team, environment, outcome) AS t ON t.top = releases.id
			ORDER BY service, team, environment, outcome`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var t Tally
			e, err := scanEntry(scanning(func(into ...any) error { return rows.Scan(append([]any{&t.Count}, into...)...) }))
			if err != nil {
				return err
			}
			t.Last = e.Summary
			all = append(all, t)
		}
		return rows.Err()
	})
	return all, err
}

// Past is a release among those of its service that were begun last.
type Past struct {
	ID                         ID
	Service, Team, Environment string

	Outcome Outcome // empty until it has ended
	// Started, Updated and Promoted are as in Summary.
	Started, Updated, Promoted time.Time
	// Nth counts the releases of the same service, team and environment from the
	// one that was begun last, which is 1; NthAlike those with the same outcome.
	Nth, NthAlike int
}

// Pasts gives for each service, team and environment the releases that were begun
// last, at most so many, and of those that were promoted at most so many, by
// service, the last begun first. A service of "" is all of them.
func (r *Reader) Pasts(ctx context.Context, service string, last, promoted int) (all []Past, err error) {
	where, args := "", []any{}
	if service != "" {
		where, args = " WHERE service = ?", []any{service}
	}
	err = r.db.Glance(ctx, func(tx database.Tx) error {
		rows, err := tx.Query(ctx, `SELECT name, attempt, service, team, environment, outcome, started, updated, promoted, n, alike FROM
			(SELECT id, name, attempt, service, team, environment, outcome, started, updated, promoted,
				row_number() OVER (PARTITION BY service, team, environment ORDER BY id DESC) AS n,
				row_number() OVER (PARTITION BY service, team, environment, outcome ORDER BY id DESC) AS alike
			FROM releases`+where+`) AS r
			WHERE n <= ? OR outcome = 'promoted' AND alike <= ? ORDER BY service, team, environment, n`, append(args, last, promoted)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p Past
			var times [3]int64
			if err := rows.Scan(&p.ID.Name, &p.ID.Attempt, &p.Service, &p.Team, &p.Environment, &p.Outcome,
				&times[0], &times[1], &times[2], &p.Nth, &p.NthAlike); err != nil {
				return err
			}
			p.Started, p.Updated = time.Unix(0, times[0]).UTC(), time.Unix(0, times[1]).UTC()
			if times[2] != 0 {
				p.Promoted = time.Unix(0, times[2]).UTC()
			}
			all = append(all, p)
		}
		return rows.Err()
	})
	return all, err
}

// scanning is a row of which something has been taken already.
type scanning func(into ...any) error

// Scan fills in the rest.
func (s scanning) Scan(into ...any) error { return s(into...) }
