package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/fleet"
	"github.com/linnet-project/linnet/fleet/river"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// openClock sets the clock that all parts go by: on several machines it follows
// the database's.
func (s *serving) openClock(ctx context.Context) (func() error, error) {
	if s.db.Kind() != database.Postgres {
		return nil, nil
	}
	s.clock = river.NewClock(s.db.Pool(), s.now)
	s.now = s.clock.Now
	return nil, s.clock.Measure(ctx)
}

// openJobs makes what other parts have their work done by at intervals, and on
// several machines the queue of turns.
func (s *serving) openJobs(ctx context.Context) (_ func() error, err error) {
	if s.clock == nil {
		s.tickers = fleet.NewTickers(s.log)
		s.jobs = s.tickers
		return nil, nil
	}
	s.river, err = river.New(ctx, river.Config{
		DB: s.db, Turner: s.fleet, Journal: s.store, Clock: s.clock, Name: s.replica(), Version: Version, Log: s.log, Tidy: s.fleet.Tidy,
		Turns: func() int { return s.lastMinute.count(s.now()) },
	})
	if err != nil {
		return nil, err
	}
	s.jobs = s.river
	s.fleet.OnBegun(func(id journal.ID) {
		// Without it the release begins when it is found overdue.
		short, cancel := context.WithTimeout(ctx, wakeWait)
		defer cancel()
		if err := s.river.Wake(short, id, "begun"); err != nil {
			s.log.Warn("its first turn waits until it is found", "release", id.String(), "seq", 1, "error", err)
		}
	})
	s.measures.registry.MustRegister(newQueueMeasures(s.river))
	return nil, nil
}

// wakeWait bounds the waking of a release: nobody who asks waits for it longer.
const wakeWait = 2 * time.Second

// replica names this process: what people call it, and what no other is called.
func (s *serving) replica() string {
	name := s.hostName()
	return name[:min(len(name), longestName)] + "-" + rand.Text()[:8]
}

// hostName is what people call this process.
func (s *serving) hostName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "linnet"
	}
	return cmp.Or(s.name, host)
}

// longestName is what River takes, less our part of it.
const longestName = 80

// waking is the journal as the desk sees it where other replicas take turns, too:
// a command brings the release's turn at once.
type waking struct {
	*journal.Store
	wake func(ctx context.Context, id journal.ID, key string) error
}

// CommandAt leaves a command and wakes the release. That it could not be woken is
// no error: the command is there, and found within a second.
func (w waking) CommandAt(ctx context.Context, id journal.ID, seq uint64, command engine.Commanded) error {
	if err := w.Store.CommandAt(ctx, id, seq, command); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wakeWait)
	defer cancel()
	_ = w.wake(ctx, id, command.ID)
	return nil
}

// deskJournal is what the desk works with.
func (s *serving) deskJournal() control.Journal {
	if s.river == nil {
		return s.store
	}
	return waking{s.store, s.river.Wake}
}

// openTurns has turns taken and jobs done: from now on releases move.
func (s *serving) openTurns(ctx context.Context) (func() error, error) {
	if s.river != nil {
		s.group.Go(func() error { return s.river.Run(ctx) })
		return nil, nil
	}
	s.timers = fleet.NewTimers(fleet.TimersConfig{Fleet: s.fleet, Queue: s.store, Now: s.now, Log: s.log})
	s.measures.queue(s.timers.Lag)
	s.group.Go(func() error { s.timers.Run(ctx); return nil })
	s.group.Go(func() error { s.tickers.Run(ctx); return nil })
	return nil, nil
}

// lag tells how far behind the turns are.
func (s *serving) lag() fleet.Lag {
	if s.river != nil {
		return s.river.Lag()
	}
	return s.timers.Lag()
}

// behind says that the replicas together do not take turns when they are due.
func (s *serving) behind(ctx context.Context) error {
	late, err := s.store.Overdue(ctx, behind, 1)
	if err == nil && len(late) > 0 {
		err = fmt.Errorf("release %s has been overdue for %s; are the replicas, or the database, too slow: %w", late[0], behind, release.ErrUnavailable)
	}
	return err
}

// queueMeasures tell how the queue of turns does, asked when they are read.
type queueMeasures struct {
	caller                                      *river.Caller
	jobs, length, oldest, here, late, clock, up *prometheus.Desc
}

func newQueueMeasures(c *river.Caller) queueMeasures {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return queueMeasures{
		caller: c,
		jobs: desc("linnet_queue_jobs",
			"Turns in the queue of all replicas, by state: waiting (due and taken by nobody), running, scheduled, failed (given up in the last hour).", "state"),
		length: desc("linnet_queue_length", "Turns in the queue of all replicas that are not done."),
		oldest: desc("linnet_turn_lag_seconds", "How long the turn that waits longest is due."),
		here:   desc("linnet_turns_running", "Turns under way in this replica."),
		late:   desc("linnet_queue_overdue", "Releases that were due five seconds ago, or longer, when this replica last looked."),
		clock:  desc("linnet_clock_correction_seconds", "What this replica's own clock is corrected by to follow the database's; 0 where it is right."),
		up:     desc("linnet_queue_up", "Whether the database answered when it was asked for these figures."),
	}
}

// Describe implements prometheus.Collector.
func (q queueMeasures) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{q.jobs, q.length, q.oldest, q.here, q.late, q.clock, q.up} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (q queueMeasures) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readyWait)
	defer cancel()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	s, err := q.caller.Stats(ctx)
	gauge(q.here, float64(s.Here))
	gauge(q.late, float64(s.Overdue))
	gauge(q.clock, s.ClockOff.Seconds())
	if err != nil {
		gauge(q.up, 0)
		return
	}
	gauge(q.up, 1)
	gauge(q.jobs, float64(s.Waiting), "waiting")
	gauge(q.jobs, float64(s.Running), "running")
	gauge(q.jobs, float64(s.Scheduled), "scheduled")
	gauge(q.jobs, float64(s.Failed), "failed")
	gauge(q.length, float64(s.Waiting+s.Running+s.Scheduled))
	gauge(q.oldest, s.Oldest.Seconds())
}
