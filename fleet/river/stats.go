package river

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/fleet"
)

// Stats tell how the queue does.
type Stats struct {
	// Waiting are turns that are due and that nobody has taken, Running those that
	// are under way in any replica, Scheduled those that are to come, Failed the
	// ones of the last hour that were given up.
	Waiting, Running, Scheduled, Failed int
	// Oldest is how long the one that waits longest is due.
	Oldest time.Duration
	// Here is how many turns are under way in this replica, Overdue how many
	// releases were overdue when it last looked.
	Here, Overdue int
	// ClockOff is what this replica's own clock is corrected by.
	ClockOff time.Duration
}

// Lag tells how many releases were overdue at the last look around, and for how
// long there have been any.
func (c *Caller) Lag() fleet.Lag {
	c.mu.Lock()
	defer c.mu.Unlock()
	lag := fleet.Lag{Overdue: c.overdue, Length: len(c.busy)}
	if c.overdue > 0 {
		lag.Oldest = overdue + c.cfg.Clock.Now().Sub(c.lateSince)
	}
	return lag
}

// Stats asks the database how the queue does. Errors wrap release.ErrUnavailable.
func (c *Caller) Stats(ctx context.Context) (Stats, error) {
	s := Stats{ClockOff: c.cfg.Clock.Offset()}
	c.mu.Lock()
	s.Here, s.Overdue = len(c.busy), c.overdue
	c.mu.Unlock()
	var oldest float64
	err := c.cfg.DB.Pool().QueryRow(ctx, `SELECT
		count(*) FILTER (WHERE state = 'available' AND scheduled_at <= now()),
		count(*) FILTER (WHERE state = 'running'),
		count(*) FILTER (WHERE state IN ('scheduled', 'retryable') OR state = 'available' AND scheduled_at > now()),
		count(*) FILTER (WHERE state = 'discarded'),
		coalesce(extract(epoch FROM now() - min(scheduled_at) FILTER (WHERE state = 'available' AND scheduled_at <= now())), 0)::float8
		FROM river_job WHERE state <> 'completed'`).Scan(&s.Waiting, &s.Running, &s.Scheduled, &s.Failed, &oldest)
	if err != nil {
		return s, c.fault(err)
	}
	s.Oldest = time.Duration(oldest * float64(time.Second))
	return s, nil
}
