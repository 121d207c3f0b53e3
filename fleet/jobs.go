package fleet

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// Jobs has done at intervals what is not of one release: notices, digests,
// retention, anchors. It is the same on one machine (Tickers) and on several
// (package river).
type Jobs interface {
	// Every has do called soon after the start and then about once an interval,
	// once for all replicas. The name is the job's own, and the same in all of
	// them. An error is logged, and tried again in bounds, with the next interval
	// at the latest. What is added when Run was called already is done, too.
	Every(name string, interval time.Duration, do func(context.Context) error)
}

// Tickers do the jobs of one machine.
type Tickers struct {
	log *slog.Logger

	mu    sync.Mutex
	ctx   context.Context // of Run; nil before it
	wait  []func(context.Context)
	jobs  sync.WaitGroup
	ended bool
}

// jobTimeout bounds one call of a job.
const jobTimeout = 5 * time.Minute

// NewTickers returns Tickers; Run has them go.
func NewTickers(log *slog.Logger) *Tickers { return &Tickers{log: log} }

// Every implements Jobs.
func (t *Tickers) Every(name string, interval time.Duration, do func(context.Context) error) {
	loop := func(ctx context.Context) {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for ctx.Err() == nil {
			t.call(ctx, name, do)
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ended:
	case t.ctx == nil:
		t.wait = append(t.wait, loop)
	default:
		t.jobs.Go(func() { loop(t.ctx) })
	}
}

// call does a job once. Its panic is an error of that job alone: releases go on.
func (t *Tickers) call(ctx context.Context, name string, do func(context.Context) error) {
	short, cancel := context.WithTimeout(ctx, jobTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			t.log.Error("panic", "job", name, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	if err := do(short); err != nil && ctx.Err() == nil {
		t.log.Error("job", "name", name, "error", err)
	}
}

// Run does jobs until the context ends; it returns once none is under way.
func (t *Tickers) Run(ctx context.Context) {
	t.mu.Lock()
	t.ctx = ctx
	for _, loop := range t.wait {
		t.jobs.Go(func() { loop(ctx) })
	}
	t.wait = nil
	t.mu.Unlock()
	<-ctx.Done()
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	t.jobs.Wait()
}
