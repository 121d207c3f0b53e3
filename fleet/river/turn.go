package river

import (
	"context"
	"fmt"
	"time"

	queue "github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/linnet-project/linnet/journal"
)

// turnArgs are a turn as a job. They are all that makes it unique: the release,
// and why and when its turn is to be taken.
type turnArgs struct {
	Name    string `json:"name"`
	Attempt int    `json:"attempt"`
	// Key is when the turn is due, or which command asks for it, or in which
	// seconds it was found overdue.
	Key string `json:"key"`
}

// Kind names the job in River's table.
func (turnArgs) Kind() string { return "linnet_turn" }

func (a turnArgs) id() journal.ID { return journal.ID{Name: a.Name, Attempt: a.Attempt} }

// turnJob is a turn to be made a job.
func turnJob(id journal.ID, key string, opts queue.InsertOpts) queue.InsertManyParams {
	// Whatever became of a job: a second one like it is none.
	opts.UniqueOpts = queue.UniqueOpts{ByArgs: true, ByState: rivertype.JobStates()}
	return queue.InsertManyParams{Args: turnArgs{Name: id.Name, Attempt: id.Attempt, Key: key}, InsertOpts: &opts}
}

// dueGrain is how finely due times tell turns apart. Two replicas that took the
// same turn say by a few milliseconds otherwise when the next one is due.
const dueGrain = time.Second

// dueKey names the turn that is due at a time.
func dueKey(at time.Time) string { return "due " + at.UTC().Truncate(dueGrain).Format(time.RFC3339) }

// turnWorker takes turns.
type turnWorker struct {
	queue.WorkerDefaults[turnArgs]
	caller *Caller
}

// Timeout bounds a turn.
func (w *turnWorker) Timeout(*queue.Job[turnArgs]) time.Duration { return turnTimeout }

// Work takes the turn, and makes the next one a job.
func (w *turnWorker) Work(ctx context.Context, j *queue.Job[turnArgs]) error {
	return w.caller.turn(ctx, j.Args.id(), j.Attempt)
}

// turn takes one turn here, unless one is under way here: that one sees what
// there is to see, or says when to come again.
func (c *Caller) turn(ctx context.Context, id journal.ID, attempt int) error {
	if !c.begin(id) {
		c.next.add(id, c.cfg.Clock.Now().Add(crowded))
		return nil
	}
	defer c.end(id)
	if err := c.cfg.Clock.sure(ctx); err != nil {
		return err
	}
	stop := c.hold(ctx, id)
	t, err := c.cfg.Turner.Turn(ctx, id)
	stop()
	c.count(id, err)
	switch {
	case err != nil && attempt < attempts:
		return fmt.Errorf("turn of %s: %w", id, err)
	case err != nil:
		// River keeps the error; the release must go on.
		c.note(ctx, id, t.Next)
		return fmt.Errorf("turn of %s: %w", id, err)
	case !t.Over:
		c.next.add(id, c.cfg.Clock.Now().Add(t.Next))
	}
	return nil
}

// failing is how often a release's turn failed here in a row, and when the last did.
type failing struct {
	count int
	last  time.Time
}

// count counts failures in a row.
func (c *Caller) count(id journal.ID, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		delete(c.failures, id)
	} else {
		c.failures[id] = failing{c.failures[id].count + 1, c.cfg.Clock.Now()}
	}
}

// crowded is how soon to come again where a turn is under way here already.
const crowded = time.Second

// begin notes that a turn is under way here; false where one is.
func (c *Caller) begin(id journal.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[id] {
		return false
	}
	c.busy[id] = true
	return true
}

func (c *Caller) end(id journal.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, id)
}
