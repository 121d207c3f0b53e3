package river

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	queue "github.com/riverqueue/river"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
)

// claimEvery is how often a replica looks whether a job is due.
const claimEvery = time.Second

// job is something that is done at intervals, once for all replicas.
type job struct {
	interval time.Duration
	do       func(context.Context) error
}

// Every implements fleet.Jobs.
func (c *Caller) Every(name string, interval time.Duration, do func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jobs[name] = job{interval, do}
}

// migrations are those of the tables of replicas and of when a job is next due. River's own
// periodic jobs begin anew with each leader, so that one a day would not happen
// where there is a new one every hour.
func migrations() []database.Migration {
	return []database.Migration{{
		SQLite:   `SELECT 1`, // there are no replicas
		Postgres: `CREATE TABLE fleet_jobs (name TEXT PRIMARY KEY, due BIGINT NOT NULL)`,
	}, {
		SQLite: `SELECT 1`,
		Postgres: `CREATE TABLE fleet_replicas (name TEXT PRIMARY KEY, version TEXT NOT NULL,
			started BIGINT NOT NULL, seen BIGINT NOT NULL, turns BIGINT NOT NULL)`, // times are by the database's clock
	}}
}

// claim makes jobs of what is due. Whoever moves the due time makes the job, in
// one transaction.
func (c *Caller) claim(ctx context.Context) error {
	var names []string
	var intervals []int64
	c.mu.Lock()
	for name, j := range c.jobs {
		names, intervals = append(names, name), append(intervals, int64(j.interval))
	}
	c.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	err := pgx.BeginFunc(ctx, c.cfg.DB.Pool(), func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			INSERT INTO fleet_jobs AS known (name, due)
			SELECT name, (extract(epoch FROM now()) * 1e9)::bigint + every FROM unnest($1::text[], $2::bigint[]) AS wanted (name, every) ORDER BY name
			ON CONFLICT (name) DO UPDATE SET due = excluded.due WHERE known.due <= (extract(epoch FROM now()) * 1e9)::bigint
			RETURNING name`, names, intervals)
		if err != nil {
			return err
		}
		due, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, name := range due {
			if _, err := c.client.InsertTx(ctx, tx, jobArgs{Name: name}, &queue.InsertOpts{Queue: jobsQueue}); err != nil {
				return err
			}
		}
		return nil
	})
	return c.fault(err)
}

// jobArgs name what is to be done.
type jobArgs struct {
	Name string `json:"name"`
}

// Kind names the job in River's table.
func (jobArgs) Kind() string { return "linnet_job" }

// jobWorker does what is done at intervals.
type jobWorker struct {
	queue.WorkerDefaults[jobArgs]
	caller *Caller
}

// Timeout bounds a job.
func (w *jobWorker) Timeout(*queue.Job[jobArgs]) time.Duration { return jobTimeout }

// Work does it. A replica of another version of Linnet may know jobs that this one
// does not: it leaves them to be tried again.
func (w *jobWorker) Work(ctx context.Context, j *queue.Job[jobArgs]) error {
	w.caller.mu.Lock()
	known, ok := w.caller.jobs[j.Args.Name]
	w.caller.mu.Unlock()
	if !ok {
		return fmt.Errorf("job %q is not known to this version of linnet: %w", j.Args.Name, release.ErrNotFound)
	}
	// One that takes longer than its interval is not begun a second time beside it.
	l, had, err := acquire(ctx, w.caller.cfg.DB, "job "+j.Args.Name, tries)
	if err == nil && !had {
		return nil
	}
	if err == nil {
		err = l.during(ctx, known.do)
		l.release(ctx)
	}
	if err != nil {
		w.caller.cfg.Log.Error("job", "name", j.Args.Name, "try", j.Attempt, "error", err)
		return fmt.Errorf("job %q: %w", j.Args.Name, err)
	}
	return nil
}
