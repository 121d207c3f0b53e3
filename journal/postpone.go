package journal

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/database"
)

// Postpone notes that an unfinished release needs no turn for so long, by the
// clock of the database: somebody is at it, or has tried and will try again then.
// What a record says of it next goes before. A release that is not there, or over,
// is left alone.
func (s *Store) Postpone(ctx context.Context, id ID, by time.Duration) error {
	return s.db.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE releases SET due = ? + `+tx.Clock()+` WHERE name = ? AND attempt = ? AND live = 1`,
			by.Nanoseconds(), id.Name, id.Attempt)
		return err
	})
}
