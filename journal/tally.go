package journal

import (
	"context"

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

// scanning is a row of which something has been taken already.
type scanning func(into ...any) error

// Scan fills in the rest.
func (s scanning) Scan(into ...any) error { return s(into...) }
