package river

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/linnet-project/linnet/release"
)

// closeEnough is how far a replica's own clock may be off before it goes by the
// database's. Below that it is left alone: what it is corrected by is not measured
// better than that over a network.
const closeEnough = time.Second

// Clock is a replica's clock, put right by the database's where it is off. It is
// safe for use by several goroutines.
type Clock struct {
	own    func() time.Time
	pool   *pgxpool.Pool
	offset atomic.Int64
	// measured is when it was last held against the database's, by own; nil before.
	measured atomic.Pointer[time.Time]
}

// NewClock returns a clock that runs by own until it is first measured.
func NewClock(pool *pgxpool.Pool, own func() time.Time) *Clock {
	return &Clock{own: own, pool: pool}
}

// Now is the time. It carries a monotonic reading where own's results do.
func (c *Clock) Now() time.Time { return c.own().Add(c.Offset()) }

// Offset is what the replica's own clock is corrected by; 0 where it is right.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// NowOrNil says that River may let the database tell the time in statements.
func (c *Clock) NowOrNil() *time.Time { return nil }

// Measure holds the clock against the database's. Errors wrap
// release.ErrUnavailable; the correction stays what it was then.
func (c *Clock) Measure(ctx context.Context) error {
	var theirs time.Time
	before := c.own()
	err := c.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&theirs)
	after := c.own()
	if err != nil {
		return fmt.Errorf("the database's clock cannot be read: %w: %w", err, release.ErrUnavailable)
	}
	took := after.Sub(before)
	off := theirs.Sub(before.Add(took / 2))
	if off.Abs() <= closeEnough+took {
		off = 0
	}
	c.offset.Store(int64(off))
	c.measured.Store(&after)
	return nil
}

// certainFor is how long a measurement is relied on where something begins: a
// clock may be set at any time.
const certainFor = 500 * time.Millisecond

// sure measures the clock, unless it was only just. Errors are those of Measure.
func (c *Clock) sure(ctx context.Context) error {
	if last := c.measured.Load(); last != nil {
		if age := c.own().Sub(*last); age >= 0 && age < certainFor {
			return nil
		}
	}
	return c.Measure(ctx)
}
