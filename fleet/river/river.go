package river

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	queue "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/linnet-project/linnet/calm"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/fleet"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// Turner takes one turn of a release, as fleet.Fleet does.
type Turner interface {
	Turn(ctx context.Context, id journal.ID) (fleet.Turn, error)
}

// Journal is what is asked of the journal: what is overdue, and where commands
// wait, all by the database's clock.
type Journal interface {
	// Overdue gives at most so many releases that were due that long ago, the
	// longest overdue first.
	Overdue(ctx context.Context, by time.Duration, most int) ([]journal.ID, error)
	// Ordered gives the releases that have commands waiting.
	Ordered(ctx context.Context) ([]journal.ID, error)
	// Postpone notes that a release needs no turn for so long.
	Postpone(ctx context.Context, id journal.ID, by time.Duration) error
}

// Config is what a Caller works with. DB, Turner, Journal, Clock and Name must be
// set.
type Config struct {
	DB      *database.DB
	Turner  Turner
	Journal Journal
	Clock   *Clock
	// Name tells this replica from the others; Version is what it runs.
	Name, Version string
	// Turns tells how many turns this replica took in the last minute; nil for
	// nobody who counts.
	Turns func() int
	Log   *slog.Logger
	// Tidy is called now and then, to let go of what was kept for releases whose
	// turns other replicas take; nil for nothing.
	Tidy func()
	// Workers bounds the turns that this replica takes at once; 100 where it is 0.
	Workers int
}

// Limits on what is waited for, and how often what is looked at.
const (
	// turnTimeout bounds a turn; jobTimeout another job.
	turnTimeout = 60 * time.Second
	jobTimeout  = 5 * time.Minute
	// attempts is how often a job that fails is tried. A turn that fails for good
	// is overdue before long, and becomes another job.
	attempts = 3
	// kept is how long River keeps what is done, and what failed; it bounds the
	// size of its table.
	kept       = 30 * time.Second
	keptFailed = time.Hour
	// lookAround is how often a replica looks at what is overdue and ordered.
	lookAround = time.Second
	// overdue is how late a release is when it is made a job again.
	overdue = 5 * time.Second
	// fetchEvery is how often a replica asks for turns that have become due. It
	// bounds how late looks are, and that a replica takes all its workers can do:
	// each asking fills those that are free, once.
	fetchEvery = 200 * time.Millisecond
	// most is how many overdue releases are made jobs at a time.
	most = 1000
	// storeWait bounds a call of the database.
	storeWait = 5 * time.Second
	// stopWait bounds how long turns under way may take once it is to stop.
	stopWait = 20 * time.Second
)

// The queues: people's commands wait for nothing else, and work that is not of
// releases holds up no turn.
const (
	turnsQueue    = "turns"
	commandsQueue = "commands"
	jobsQueue     = "jobs"
)

// Caller calls the turns that are this replica's share, and jobs that happen once
// for all replicas. It is safe for use by several goroutines.
type Caller struct {
	cfg    Config
	client *queue.Client[pgx.Tx]
	next   *planner

	mu   sync.Mutex
	jobs map[string]job
	busy map[journal.ID]bool // turns under way here
	// failures counts the turns that failed here in a row, of releases of which the
	// last one did.
	failures map[journal.ID]failing
	// overdue is how many releases were at the last look.
	overdue int
	// lateSince is since when there have been any.
	lateSince time.Time
}

// New migrates River's tables and returns a Caller that does nothing yet. Errors
// wrap release.ErrUnavailable, and release.ErrInvalid where the database is not
// PostgreSQL.
func New(ctx context.Context, cfg Config) (*Caller, error) {
	if cfg.DB.Kind() != database.Postgres {
		return nil, fmt.Errorf("several machines need PostgreSQL, and %s is not: %w", cfg.DB.Name(), release.ErrInvalid)
	}
	if cfg.Workers == 0 {
		cfg.Workers = 100
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := Migrate(ctx, cfg.DB, cfg.Log); err != nil {
		return nil, err
	}
	c := &Caller{cfg: cfg, jobs: map[string]job{}, busy: map[journal.ID]bool{}, failures: map[journal.ID]failing{}}
	workers := queue.NewWorkers()
	queue.AddWorker(workers, &turnWorker{caller: c})
	queue.AddWorker(workers, &jobWorker{caller: c})
	client, err := queue.NewClient(riverpgxv5.New(cfg.DB.Pool()), &queue.Config{
		ID:     cfg.Name,
		Logger: calm.Log(cfg.Log),
		Queues: map[string]queue.QueueConfig{
			turnsQueue:    {MaxWorkers: cfg.Workers, FetchPollInterval: fetchEvery},
			commandsQueue: {MaxWorkers: max(cfg.Workers/4, 1)},
			jobsQueue:     {MaxWorkers: 10},
		},
		Workers: workers, MaxAttempts: attempts, JobTimeout: turnTimeout, RescueStuckJobsAfter: 2 * jobTimeout,
		CompletedJobRetentionPeriod: kept, CancelledJobRetentionPeriod: kept, DiscardedJobRetentionPeriod: keptFailed,
		RetryPolicy: retrySoon{cfg.Clock}, SoftStopTimeout: stopWait,
		// River schedules by the clock of the replica that leads; it, too, goes by
		// the database's.
		Test: queue.TestConfig{Time: cfg.Clock},
	})
	if err != nil {
		return nil, fmt.Errorf("queue of turns: %w: %w", err, release.ErrInvalid)
	}
	c.client, c.next = client, newPlanner(c.insert, cfg.Clock.Now)
	return c, nil
}

// Migrate makes River's tables in a database of PostgreSQL, or brings them to the
// schema of this binary, one replica after the other.
func Migrate(ctx context.Context, db *database.DB, log *slog.Logger) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(db.Pool()), &rivermigrate.Config{Logger: calm.Log(log)})
	if err != nil {
		return fmt.Errorf("queue of turns: %w: %w", err, release.ErrInvalid)
	}
	if err := db.Migrate(ctx, "fleet", migrations()); err != nil {
		return err
	}
	return Alone(db)(ctx, "migration of the queue of turns", func(ctx context.Context) error {
		if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			return fmt.Errorf("%s: migration of the queue of turns: %w: %w", db.Name(), err, release.ErrUnavailable)
		}
		return nil
	})
}

// Run calls turns until the context ends, and lets those under way come to their
// end, in bounds. A database that is away does not end it: it goes on when that is
// back.
func (c *Caller) Run(ctx context.Context) error {
	if err := c.start(ctx); err != nil {
		return err
	}
	var loops sync.WaitGroup
	loops.Go(func() { c.every(ctx, lookAround, c.lookAround) })
	loops.Go(func() { c.every(ctx, measureEvery, c.cfg.Clock.Measure) })
	loops.Go(func() { c.every(ctx, claimEvery, c.claim) })
	loops.Go(func() { c.every(ctx, beatEvery, c.beat) })
	loops.Go(func() { c.next.run(ctx) })
	if c.cfg.Tidy != nil {
		loops.Go(func() {
			for pause(ctx, tidyEvery) == nil {
				c.cfg.Tidy()
			}
		})
	}
	<-ctx.Done()
	loops.Wait()
	<-c.client.Stopped()
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWait)
	defer cancel()
	c.next.rest(short)
	if err := c.leave(short); err != nil {
		c.cfg.Log.Warn("this replica is listed for an hour", "error", err)
	}
	return nil
}

// measureEvery is how often the clock is held against the database's, tidyEvery
// how often what is kept is tidied.
const (
	measureEvery = 5 * time.Second
	tidyEvery    = time.Minute
)

// start starts River, which wants the database to be there.
func (c *Caller) start(ctx context.Context) error {
	for {
		err := c.client.Start(ctx)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		c.cfg.Log.Error("the queue of turns cannot be read", "error", err)
		if err := pause(ctx, lookAround); err != nil {
			return err
		}
	}
}

// every calls f now, and again and again; what fails is told once, until it works
// again.
func (c *Caller) every(ctx context.Context, d time.Duration, f func(context.Context) error) {
	failing := false
	for {
		short, cancel := context.WithTimeout(ctx, storeWait)
		err := f(short)
		cancel()
		if err != nil && ctx.Err() == nil && !failing {
			c.cfg.Log.Error("the database cannot be used", "error", err)
		}
		if failing && err == nil {
			c.cfg.Log.Warn("the database can be used again")
		}
		failing = err != nil
		if pause(ctx, d) != nil {
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// retrySoon is when a job that failed is tried again: 1 s, 2 s, 4 s later.
type retrySoon struct{ clock *Clock }

// NextRetry implements River's ClientRetryPolicy.
func (r retrySoon) NextRetry(j *rivertype.JobRow) time.Time {
	return r.clock.Now().Add(time.Second << min(max(len(j.Errors), 0), attempts))
}
