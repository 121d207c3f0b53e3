package river

import (
	"context"
	"sync"
	"time"

	queue "github.com/riverqueue/river"

	"github.com/linnet-project/linnet/journal"
)

// lookAround makes jobs of what is overdue and of what people command. Every
// replica does; the names of the jobs say where they mean the same.
func (c *Caller) lookAround(ctx context.Context) error {
	ordered, err := c.cfg.Journal.Ordered(ctx)
	if err != nil {
		return err
	}
	late, err := c.cfg.Journal.Overdue(ctx, overdue, most)
	if err != nil {
		return err
	}
	return c.insert(ctx, c.found(ordered, late))
}

// hopes is after how many failures in a row here a command hurries a release no
// more: it waits for the next try.
const hopes = 3

// found makes jobs of what was found, and keeps how much is overdue.
func (c *Caller) found(ordered, late []journal.ID) (jobs []queue.InsertManyParams) {
	now := c.cfg.Clock.Now().UTC()
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, f := range c.failures {
		if now.Sub(f.last) > keptFailed { // its turns are taken elsewhere, or it has ended
			delete(c.failures, id)
		}
	}
	for _, id := range ordered {
		if c.failures[id].count <= hopes {
			jobs = append(jobs, turnJob(id, "ordered "+now.Truncate(lookAround).Format(time.RFC3339), queue.InsertOpts{Queue: commandsQueue}))
		}
	}
	for _, id := range late {
		if !c.busy[id] {
			jobs = append(jobs, turnJob(id, "overdue "+now.Truncate(overdue).Format(time.RFC3339), queue.InsertOpts{Queue: turnsQueue}))
		}
	}
	if len(late) > 0 && c.overdue == 0 {
		c.lateSince = now
	}
	c.overdue = len(late)
	return jobs
}

// Wake has the turn of a release taken at once, by whichever replica is free: it
// was begun, or somebody left a command, whose id is the key.
func (c *Caller) Wake(ctx context.Context, id journal.ID, key string) error {
	return c.insert(ctx, []queue.InsertManyParams{turnJob(id, "wake "+key, queue.InsertOpts{Queue: commandsQueue})})
}

// insert makes jobs, but of those that are there already.
func (c *Caller) insert(ctx context.Context, jobs []queue.InsertManyParams) error {
	for len(jobs) > 0 {
		n := min(len(jobs), batch)
		if _, err := c.client.InsertMany(ctx, jobs[:n]); err != nil {
			return err
		}
		jobs = jobs[n:]
	}
	return nil
}

// holding is how often a turn that takes long says that somebody is at it, and
// heldFor how long it does: a source is given 15 s to answer, and a turn that takes
// longer than this may hang.
const (
	holding = 3 * time.Second
	heldFor = 30 * time.Second
)

// hold keeps a release from being overdue while its turn is under way here, until
// what it returns is called: a slow source must not be asked by every replica at
// once. Where this process stands still, it is overdue soon.
func (c *Caller) hold(ctx context.Context, id journal.ID) func() {
	ctx, cancel := context.WithTimeout(ctx, heldFor)
	var held sync.WaitGroup
	held.Go(func() {
		for pause(ctx, holding) == nil {
			c.note(ctx, id, 0)
		}
	})
	return func() { cancel(); held.Wait() }
}

// note writes when a release is next due. Where that fails it is overdue by what
// was written before, and its turn is taken early, which does no harm.
func (c *Caller) note(ctx context.Context, id journal.ID, in time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	if err := c.cfg.Journal.Postpone(ctx, id, in); err != nil && ctx.Err() == nil {
		c.cfg.Log.Warn("when it is due could not be written", "release", id.String(), "error", err)
	}
}
