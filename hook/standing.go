package hook

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/database"
)

// Standing is how far a target was told, by whichever Linnet does.
type Standing struct {
	Target string
	// Sent and LeftOut count events: those it took, and those it was never told
	// because it did not take them.
	Sent, LeftOut int64
	// Since is when the event that waits was first tried, and Tries how often; zero
	// where none waits. Those behind it wait too.
	Since time.Time
	Tries int
	// Trouble is why the last try failed, without addresses and secrets; empty where
	// it did not.
	Trouble string
}

// Standings are those of targets, in their order; one that was never told anything
// stands at zero.
func Standings(ctx context.Context, db *database.DB, targets []string) ([]Standing, error) {
	known := map[string]Standing{}
	err := db.Glance(ctx, func(tx database.Tx) error {
		rows, err := tx.Query(ctx, `SELECT target, sent, left_out, tries, since, trouble FROM hook_told`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var s Standing
			var since int64
			if err := rows.Scan(&s.Target, &s.Sent, &s.LeftOut, &s.Tries, &since, &s.Trouble); err != nil {
				return err
			}
			if s.Tries > 0 {
				s.Since = time.Unix(0, since).UTC()
			}
			known[s.Target] = s
		}
		return rows.Err()
	})
	all := make([]Standing, len(targets))
	for i, name := range targets {
		all[i] = known[name]
		all[i].Target = name
	}
	return all, err
}
