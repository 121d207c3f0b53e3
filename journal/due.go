package journal

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/database"
)

// Unfinished gives the releases that somebody must still take turns of: those
// that are not over, and those that are but have notices waiting. The one begun
// first comes first.
func (r *Reader) Unfinished(ctx context.Context) ([]ID, error) {
	return r.ids(ctx, func(database.Tx) (string, []any) {
		return `SELECT name, attempt FROM releases WHERE live = 1 ORDER BY id`, nil
	})
}

// Overdue gives the releases that needed a turn some time ago and did not get
// one, the longest overdue first, at most limit. Time is that of the database.
func (r *Reader) Overdue(ctx context.Context, by time.Duration, limit int) ([]ID, error) {
	return r.ids(ctx, func(tx database.Tx) (string, []any) {
		return `SELECT name, attempt FROM releases WHERE live = 1 AND due < ` + tx.Clock() + ` - ? ORDER BY due, id LIMIT ?`,
			[]any{by.Nanoseconds(), limit}
	})
}

// Ordered gives the releases for which commands wait.
func (r *Reader) Ordered(ctx context.Context) ([]ID, error) {
	return r.ids(ctx, func(database.Tx) (string, []any) {
		return `SELECT name, attempt FROM releases WHERE id IN (SELECT release FROM commands WHERE taken = 0) ORDER BY id`, nil
	})
}

func (r *Reader) ids(ctx context.Context, query func(database.Tx) (string, []any)) (found []ID, err error) {
	err = r.db.Glance(ctx, func(tx database.Tx) error {
		text, args := query(tx)
		rows, err := tx.Query(ctx, text, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id ID
			if err := rows.Scan(&id.Name, &id.Attempt); err != nil {
				return err
			}
			found = append(found, id)
		}
		return rows.Err()
	})
	return found, err
}
