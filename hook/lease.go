package hook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// leaseFor is how long a Linnet that is not heard of keeps a target. It is longer
// than a delivery can take, so that a healthy one never loses it.
const leaseFor = 90 * time.Second

// told is how far a target has been told, as its row has it.
type told struct {
	target string
	place  journal.Cursor
	// tries counts those of the event behind place, the first of which was at
	// since; none is before next.
	tries       int
	since, next time.Time
	// trouble is why the last try failed; empty when it did not.
	trouble       string
	sent, leftOut int64
}

// errLost says that another Linnet tells the target now.
var errLost = fmt.Errorf("another Linnet sends to this target now: %w", release.ErrConflict)

// lease makes a target this holder's own, where nobody else has it. A target that
// was never told anything begins at a place.
func lease(ctx context.Context, db *database.DB, h holding, begin journal.Cursor) (t told, mine bool, err error) {
	t.target = h.target
	err = db.Write(ctx, func(tx database.Tx) error {
		// What is there already, and held by us for long enough, is not written.
		_, err := tx.Exec(ctx, `INSERT INTO hook_told (target, place, holder, until, tries, since, next, trouble, sent, left_out)
			VALUES (?, ?, '', 0, 0, 0, 0, '', 0, 0) ON CONFLICT DO NOTHING`, h.target, string(begin))
		if err != nil {
			return err
		}
		var holder string
		var until, since, next int64
		row := tx.QueryRow(ctx, `SELECT place, holder, until, tries, since, next, trouble, sent, left_out FROM hook_told WHERE target = ?`+tx.Lock(), h.target)
		if err := row.Scan(&t.place, &holder, &until, &t.tries, &since, &next, &t.trouble, &t.sent, &t.leftOut); err != nil {
			return err
		}
		t.since, t.next = time.Unix(0, since), time.Unix(0, next)
		mine = holder == h.holder || until <= h.now.UnixNano()
		if !mine || holder == h.holder && until > h.now.Add(leaseFor/2).UnixNano() {
			return nil
		}
		_, err = tx.Exec(ctx, `UPDATE hook_told SET holder = ?, until = ? WHERE target = ?`, h.holder, h.now.Add(leaseFor).UnixNano(), h.target)
		return err
	})
	return t, mine, err
}

// holding is who wants a target, and when.
type holding struct {
	target, holder string
	now            time.Time
}

// keep writes how far a target was told, and holds on to it; errLost where it is
// another's by now.
func keep(ctx context.Context, db *database.DB, h holding, t told) error {
	return db.Write(ctx, func(tx database.Tx) error {
		r, err := tx.Exec(ctx, `UPDATE hook_told SET place = ?, until = ?, tries = ?, since = ?, next = ?, trouble = ?, sent = ?, left_out = ?
			WHERE target = ? AND holder = ?`, string(t.place), h.now.Add(leaseFor).UnixNano(), t.tries, t.since.UnixNano(), t.next.UnixNano(),
			t.trouble, t.sent, t.leftOut, h.target, h.holder)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errLost)
		}
		return nil
	})
}

// giveBack gives a target back, so that another need not wait for it.
func giveBack(ctx context.Context, db *database.DB, h holding) error {
	return db.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE hook_told SET until = 0 WHERE target = ? AND holder = ?`, h.target, h.holder)
		return err
	})
}
