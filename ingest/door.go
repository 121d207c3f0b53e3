// Package ingest is the front door: what is sent to us goes through it into the
// store. A batch is decoded and held against the rules, written to a log, and
// then acknowledged; everything that is counted is a fold over that log, so that
// nothing acknowledged is lost or counted twice, wherever the process is killed.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/tsdb/fileutil"

	"github.com/linnet-project/linnet/ingest/fold"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/log"
	"github.com/linnet-project/linnet/release"
)

// Door is an open front door. It is safe for concurrent use.
type Door struct {
	config Config
	terms  fold.Terms
	log    *log.Log
	health *health

	room  room
	queue chan *entry
	folds chan []*entry
	snaps chan chan fold.Snapshot
	live  atomic.Bool // whether time alone would change something
	lock  fileutil.Releaser

	coming  sync.RWMutex // held to read while a batch is put into the queue
	closed  bool         // guarded by coming
	stop    context.CancelFunc
	workers sync.WaitGroup

	// Of the folding goroutine alone: the state, and why the store lacks part of
	// what it holds, once the door has to end without the store.
	state  *fold.Fold
	behind error
}

// entry is a batch, or a tick, on its way.
type entry struct {
	prepared *fold.Prepared
	packed   log.Packed
	batch    item.Batch // with its body, for the quarantine
	size     int
	tick     time.Time
	seq      uint64
	done     chan result // has room for one; nil of what is folded again
}

type result struct {
	receipt item.Receipt
	err     error
}

// Open opens a door: it goes on from the last checkpoint, folds what came after
// it, and begins to take batches. It must be closed. An error wraps
// release.ErrInvalid where the folder or the configuration is no good,
// release.ErrConflict where another process has the folder open, and
// release.ErrUnavailable where the disk or the store takes nothing.
func Open(ctx context.Context, c Config) (*Door, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Limits.fill()
	if c.Dir == "" || c.Store == nil || c.Rules == nil || c.Quarantine == nil || c.Now == nil {
		return nil, fmt.Errorf("front door: a folder, a store, rules, a quarantine and a clock are needed: %w", release.ErrInvalid)
	}
	if err := c.Rules.Terms().Check(); err != nil {
		return nil, fmt.Errorf("front door: %w", err)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("front door: %w: %w", err, release.ErrInvalid)
	}
	lock, _, err := fileutil.Flock(filepath.Join(c.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("front door %s is in use by another process (%w): %w", c.Dir, err, release.ErrConflict)
	}
	l, err := log.Open(filepath.Join(c.Dir, "log"), log.Options{Segment: c.Limits.Segment, Logger: c.Logger})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("front door: %w", err), lock.Release())
	}
	d := &Door{
		config: c, terms: c.Rules.Terms(), log: l, lock: lock, health: newHealth(c.Logger, c.Now),
		room:  room{bytes: c.Limits.QueueBytes, batches: c.Limits.QueueBatches},
		queue: make(chan *entry, c.Limits.QueueBatches), folds: make(chan []*entry, 1), snaps: make(chan chan fold.Snapshot),
	}
	if err := d.recover(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("front door %s: %w", c.Dir, err), l.Close(), lock.Release())
	}
	d.health.gauges(d)
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	d.workers.Go(d.write)
	d.workers.Go(func() { d.fold(work) })
	d.workers.Go(func() { d.keep(work) })
	return d, nil
}

// Close takes no more, finishes what is under way, writes a checkpoint and closes
// the log. The store stays open.
func (d *Door) Close() error {
	d.coming.Lock()
	if d.closed {
		d.coming.Unlock()
		return nil
	}
	d.closed = true
	close(d.queue)
	d.coming.Unlock()
	// A store that takes nothing must not hold up the end: what it lacks is in the
	// log.
	timer := time.AfterFunc(closeTimeout, d.stop)
	d.workers.Wait()
	timer.Stop()
	if d.behind == nil {
		d.checkpoint(d.state.Snapshot())
	}
	return errors.Join(d.log.Close(), d.lock.Release())
}

// closeTimeout bounds how long Close waits for the store.
const closeTimeout = 10 * time.Second

// room is what is left of the queue.
type room struct {
	mu             sync.Mutex
	bytes, batches int
	usedBytes      int
	usedBatches    int
}

// take reserves room for a batch, if there is any.
func (r *room) take(size int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.usedBytes+size > r.bytes || r.usedBatches == r.batches {
		return false
	}
	r.usedBytes += size
	r.usedBatches++
	return true
}

func (r *room) give(size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.usedBytes -= size
	r.usedBatches--
}

func (r *room) used() (bytes, batches int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.usedBytes, r.usedBatches
}
