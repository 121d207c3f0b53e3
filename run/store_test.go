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
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
)

// spoilt is a journal whose calls a test can make fail, before they happen or
// after.
type spoilt struct {
	run.Store
	mu            sync.Mutex
	before, after func(ctx context.Context, op string, rec *journal.Record) error
}

func (s *spoilt) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *spoilt) do(ctx context.Context, op string, rec *journal.Record, f func() error) error {
	s.mu.Lock()
	before, after := s.before, s.after
	s.mu.Unlock()
	if before != nil {
		if err := before(ctx, op, rec); err != nil {
			return err
		}
	}
	if err := f(); err != nil || after == nil {
		return err
	}
	return after(ctx, op, rec)
}

func (s *spoilt) Append(ctx context.Context, id journal.ID, expect uint64, rec journal.Record, state *engine.State) error {
	return s.do(ctx, "append", &rec, func() error { return s.Store.Append(ctx, id, expect, rec, state) })
}

func (s *spoilt) Load(ctx context.Context, id journal.ID, fold journal.Fold) (out engine.State, seq uint64, err error) {
	err = s.do(ctx, "load", nil, func() (err error) { out, seq, err = s.Store.Load(ctx, id, fold); return err })
	return out, seq, err
}

func (s *spoilt) Waiting(ctx context.Context, id journal.ID) (out []engine.Commanded, err error) {
	err = s.do(ctx, "waiting", nil, func() (err error) { out, err = s.Store.Waiting(ctx, id); return err })
	return out, err
}

// spoil puts a journal that can fail in the place of the world's.
func (w *world) spoil() *spoilt {
	s := &spoilt{Store: w.store}
	w.cfg.Store = s
	return s
}

var errFull = fmt.Errorf("the disk is full: %w", release.ErrUnavailable)

// Without a journal nothing is done to the world, the lease is not renewed, and
// all goes on once it is there again.
func TestAJournalThatIsUnavailable(t *testing.T) {
	for name, f := range map[string]func(ctx context.Context, op string) error{
		"full": func(_ context.Context, op string) error {
			if op == "append" {
				return errFull
			}
			return nil
		},
		"locked": func(ctx context.Context, op string) error { return hang(ctx) },
		"gone":   func(context.Context, string) error { return errors.New("no such device") },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, aPlan(), func(w *world) {
				store := w.spoil()
				g := w.start()
				defer g.stop()
				w.until("the first step", func() bool { return w.phase() == engine.Observing })
				store.set(func() {
					store.before = func(ctx context.Context, op string, _ *journal.Record) error { return f(ctx, op) }
				})
				w.pass(20 * time.Second)
				seq, applies, renewals := w.recorded().Seq, w.router.count(&w.router.applies), w.router.count(&w.router.renewals)
				w.pass(10 * time.Minute)
				if w.recorded().Seq != seq || w.router.count(&w.router.applies) != applies || w.router.count(&w.router.renewals) != renewals {
					t.Error("something was done that could not be recorded")
				}
				if got := w.router.weight(); got != 0 {
					t.Errorf("nobody could record, and the candidate keeps %d", got)
				}
				store.set(func() { store.before = nil })
				w.settled(g.end(), engine.Promoted)
				w.countedOnce()
			})
		})
	}
}

// An append may have happened although it failed. Nothing is done twice.
func TestAnAppendOfUnknownOutcome(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		store, n := w.spoil(), 0
		store.after = func(_ context.Context, op string, _ *journal.Record) error {
			if n++; op == "append" && n%2 == 0 {
				return errFull
			}
			return nil
		}
		w.settled(w.toTheEnd(), engine.Promoted)
		w.acknowledged()
		w.countedOnce()
	})
}

// countedOnce holds the observations in the journal to the traffic there was:
// none of a metric's windows overlaps another.
func (w *world) countedOnce() {
	w.Helper()
	last := map[string]time.Time{}
	for _, look := range w.looks() {
		for _, o := range look.Observations {
			key := o.Metric + "/" + o.Arm
			if o.Window.From.Before(last[key]) {
				w.Errorf("%s: window from %s counted again, up to %s it was", key, o.Window.From, last[key])
			}
			last[key] = o.Window.To
		}
	}
}

// A journal that is damaged cannot be gone on with, and says so.
func TestADamagedJournalEndsTheRun(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		store := w.spoil()
		store.before = func(_ context.Context, op string, _ *journal.Record) error {
			if op == "append" {
				return fmt.Errorf("the file is damaged: %w", release.ErrInvalid)
			}
			return nil
		}
		_, err := w.runner().Run(w.Context())
		if !errors.Is(err, release.ErrInvalid) || w.router.applies > 0 && len(w.router.applied) > 1 {
			t.Errorf("it ended with %v", err)
		}
	})
}

// Two runners on one release come to one end: who loses an append reads again
// and goes on, and no traffic is counted twice.
func TestTwoRunnersOnOneRelease(t *testing.T) {
	for name, c := range map[string]struct {
		bad, tolerant bool
		end           engine.Phase
		apart         time.Duration
	}{
		"good":              {end: engine.Promoted},
		"bad":               {bad: true, end: engine.RolledBack},
		"without epochs":    {tolerant: true, end: engine.Promoted},
		"out of step":       {end: engine.Promoted, apart: 7 * time.Second},
		"bad, out of step":  {bad: true, end: engine.RolledBack, apart: 100 * time.Millisecond},
		"a moment after":    {end: engine.Promoted, apart: time.Millisecond},
		"bad, no epochs":    {bad: true, tolerant: true, end: engine.RolledBack},
		"a whole look late": {end: engine.Promoted, apart: every},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, aPlan(), func(w *world) {
				w.source.bad, w.router.tolerant = c.bad, c.tolerant
				slow := func(ctx context.Context) error { // so that the two are in each other's way
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(50 * time.Millisecond):
						return nil
					}
				}
				w.router.applyFault, w.router.seeFault = slow, slow
				one := w.start()
				defer one.stop()
				w.pass(c.apart)
				other := w.start()
				defer other.stop()
				// The last record may be the other's word that people were told, too.
				last, also := one.end(), other.end()
				if also.Seq > last.Seq {
					last = also
				}
				w.settled(last, c.end)
				w.countedOnce()
				if n := w.decided(engine.Finish, ""); n != 1 {
					t.Errorf("ended %d times", n)
				}
				if n := w.decided(engine.HoldHere, "") + w.decided(engine.Correct, "") + w.decided(engine.StepBack, ""); n > 0 {
					t.Errorf("%d times they took each other's work for somebody's hand", n)
				}
			})
		})
	}
}

// What a look saw of the provider is worth nothing once another runner has set
// another route: it must not pass for somebody's hand.
func TestALookAtARouteThatHasChanged(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		other := w.runner()
		advanced := false
		g := w.start()
		defer g.stop()
		w.until("the first step", func() bool { return w.phase() == engine.Observing })
		w.source.set(func() {
			w.source.fault = func(ctx context.Context, q release.Query) error {
				w.pass(100 * time.Millisecond) // the weights are read back meanwhile
				if q.Metric.Name != "errors" || advanced {
					return nil
				}
				advanced = true
				w.order(engine.Advance)
				return other.Turn(ctx)
			}
		})
		w.settled(g.end(), engine.Promoted)
		if n := w.decided(engine.HoldHere, ""); n > 0 || !advanced {
			t.Errorf("it held %d times at what it took for a lowered weight", n)
		}
	})
}

// A runner is stopped between its record and its deed, and another decides
// meanwhile. Waking up, it reads again before it acts; the shorter its sleep,
// the more it is the provider's epoch that refuses the stale route.
func TestASleeperDoesNotActOnWhatIsOver(t *testing.T) {
	for _, sleep := range []time.Duration{0, 5 * time.Second, staleAfter, time.Hour, -time.Hour} {
		t.Run(sleep.String(), func(t *testing.T) {
			inWorld(t, aPlan(), func(w *world) {
				store := w.spoil()
				w.router.tolerant = sleep < 0 || sleep >= staleAfter // no epoch helps then
				other := w.cfg
				other.Store = w.store
				asleep, stale := false, uint64(0)
				store.after = func(ctx context.Context, op string, rec *journal.Record) error {
					if op != "append" || asleep || rec.Decision.Weight != 50_000 {
						return nil
					}
					asleep, stale = true, w.recorded().Pending.Route.Route.Epoch
					w.order(engine.Abort)
					r, err := run.New(ctx, other, id)
					if err == nil {
						err = r.Turn(ctx)
					}
					if err != nil {
						w.Error(err)
					}
					w.jump(sleep)
					return nil
				}
				w.settled(w.toTheEnd(), engine.RolledBack)
				seen := 0
				for i, r := range w.router.applied {
					if r.Epoch != stale {
						continue
					}
					// The other one set it first, as the journal told it to.
					if seen++; seen > 1 || engine.CandidateWeight(w.router.applied[i+1]) != 0 {
						t.Errorf("%s asleep, and it set a route that was over", sleep)
					}
				}
				for _, rec := range w.records() {
					if a, ok := rec.Event.(engine.Acknowledged); ok && a.Failure != nil {
						t.Errorf("the stale route is told as a fault of the provider: %s", a.Failure.Text)
					}
				}
			})
		})
	}
}

// Reading the journal takes longer than what was read may be acted on.
func TestAJournalTooSlowToActOn(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		store := w.spoil()
		store.after = func(_ context.Context, op string, _ *journal.Record) error {
			if op == "load" {
				w.jump(staleAfter)
			}
			return nil
		}
		err := w.runner().Turn(w.Context())
		if !errors.Is(err, release.ErrUnavailable) || w.router.applies > 0 {
			t.Errorf("%v, and %d routes set", err, w.router.applies)
		}
	})
}

const staleAfter = 10 * time.Second
