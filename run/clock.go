package run

import "time"

// clock gives the time that events carry. It follows the wall clock, except
// that it never goes back: where that was set back it runs at half speed until
// the two meet. So the stages of a rollback and the watch for blindness go on,
// and nothing is left standing in the future.
type clock struct {
	read func() time.Time
	last time.Time // the last reading, with its monotonic part
	told time.Time
}

func (c *clock) now() time.Time {
	at := c.read()
	passed := time.Duration(0)
	if !c.last.IsZero() {
		passed = max(at.Sub(c.last), 0)
	}
	c.last = at
	if wall := at.Round(0).UTC(); wall.Before(c.told) {
		c.told = c.told.Add(passed / 2)
	} else {
		c.told = wall
	}
	return c.told
}

// atLeast keeps the clock from telling a time before t.
func (c *clock) atLeast(t time.Time) {
	if t.After(c.told) {
		c.told = t.UTC()
	}
}

func (r *Runner) now() time.Time { return r.clock.now() }

// wall is the time as the world has it; windows go by it.
func (r *Runner) wall() time.Time { return r.cfg.Now().Round(0).UTC() }
