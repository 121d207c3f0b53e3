package run_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
)

// reaper kills a process at its n-th call of the world outside, before or after
// the call has its effect: from then on nothing that the process does arrives.
type reaper struct {
	mu    sync.Mutex
	calls int
	at    int // the call to die at, from 0; -1 for never
	after bool
	dead  bool
	kill  context.CancelFunc
	place string
}

// call is a call of the world outside.
func (r *reaper) call(name string, f func() error) error {
	if r.dies(name, false) {
		return errKilled
	}
	err := f()
	if r.dies(name, true) {
		return errKilled
	}
	return err
}

func (r *reaper) dies(name string, after bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.dead && r.at >= 0 && r.calls == r.at && r.after == after {
		r.dead, r.place = true, fmt.Sprintf("call %d, %s, after %v", r.at, name, after)
		r.kill()
	}
	if after {
		r.calls++
	}
	return r.dead
}

// mortal is the world as a process sees it that may be killed.
type mortal struct {
	*reaper
	world *world
	run.Store
}

func (m mortal) Append(ctx context.Context, id journal.ID, expect uint64, rec journal.Record, s *engine.State) error {
	return m.call("append", func() error { return m.Store.Append(ctx, id, expect, rec, s) })
}

func (m mortal) Apply(ctx context.Context, route release.Route) error {
	return m.call("apply", func() error { return m.world.router.Apply(ctx, route) })
}

func (m mortal) Observed(ctx context.Context) (seen release.Seen, err error) {
	err = m.call("observed", func() (err error) { seen, err = m.world.router.Observed(ctx); return err })
	return seen, err
}

func (m mortal) Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error {
	return m.call("renew", func() error { return m.world.router.Renew(ctx, owner, epoch, lease) })
}

func (m mortal) Observe(ctx context.Context, q release.Query) (a release.Answer, err error) {
	err = m.call("observe", func() (err error) { a, err = m.world.source.Observe(ctx, q); return err })
	return a, err
}

func (m mortal) Notify(ctx context.Context, n release.Notice) error {
	return m.call("notify", func() error { return m.world.notes.Notify(ctx, n) })
}

// live runs a process that may be killed, to its end or its death.
func (w *world) live(reap *reaper) error {
	m := mortal{reaper: reap, world: w, Store: w.store}
	cfg := w.cfg
	cfg.Store, cfg.Router, cfg.Source, cfg.Notifier = m, m, m, m
	ctx, kill := context.WithCancel(w.Context())
	defer kill()
	reap.kill = kill
	r, err := run.New(ctx, cfg, id)
	if err != nil {
		return err
	}
	_, err = r.Run(ctx)
	return err
}

func shortPlan() plan.Plan {
	p := aPlan()
	p.Steps[0].AtLeast, p.Steps[1].AtLeast = every, every
	p.Watch, p.Recovery = 2*every, 2*every
	return p
}

// Killed at any call, before it or after it, and started again: the same end as
// if nothing had happened, the provider serves what is recorded, and people are
// told of everything, twice at most.
func TestKilledAnywhere(t *testing.T) {
	for name, c := range map[string]struct {
		bad  bool
		end  engine.Phase
		away time.Duration // until it is started again
	}{
		"good":                   {false, engine.Promoted, 0},
		"bad":                    {true, engine.RolledBack, 0},
		"good, the lease lapsed": {false, engine.Promoted, 5 * time.Minute},
		"bad, the lease lapsed":  {true, engine.RolledBack, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			inWorld(t, shortPlan(), func(w *world) {
				w.source.bad = c.bad
				undisturbed := &reaper{at: -1}
				if err := w.live(undisturbed); err != nil {
					t.Fatal(err)
				}
				calls = undisturbed.calls
				w.settled(w.recorded(), c.end)
			})
			t.Logf("%d calls", calls)
			if calls < 20 {
				t.Fatalf("only %d calls: the story is too short", calls)
			}
			for at := 0; at < 2*calls; at += everyNth {
				inWorld(t, shortPlan(), func(w *world) {
					w.source.bad = c.bad
					reap := &reaper{at: at / 2, after: at%2 == 1}
					if err := w.live(reap); !errors.Is(err, context.Canceled) && reap.dead {
						t.Errorf("%s: %v", reap.place, err)
					}
					w.pass(c.away)
					w.settled(w.toTheEnd(), c.end)
					w.toldOfAll()
					w.countedOnce()
					if t.Failed() {
						t.Fatal(reap.place)
					}
				})
			}
		})
	}
}

// toldOfAll: each notice was sent, once or twice, under one id.
func (w *world) toldOfAll() {
	w.Helper()
	sent := map[string]int{}
	for _, n := range w.notes.notices() {
		sent[n.ID]++
	}
	for _, rec := range w.records() {
		for _, e := range rec.Effects {
			if n, ok := e.(engine.Notify); ok && (sent[n.Notice.ID] < 1 || sent[n.Notice.ID] > 2) {
				w.Errorf("notice %q was sent %d times", n.Notice.ID, sent[n.Notice.ID])
			}
		}
	}
}
