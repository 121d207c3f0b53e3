package run_test

import (
	"context"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// atOnce is how soon an abort takes effect at most: the inbox is looked at every
// 250 ms.
const atOnce = 700 * time.Millisecond

// aborted orders an abort and tells how long it took until the traffic moved.
func (w *world) aborted() time.Duration {
	w.Helper()
	at := time.Now()
	w.order(engine.Abort)
	w.until("no traffic", func() bool { return w.router.weight() == 0 && w.recorded().Pending.Route == nil })
	return time.Since(at)
}

func TestAnAbortWaitsForNothing(t *testing.T) {
	for name, slow := range map[string]func(w *world){
		"nothing is slow": func(w *world) {},
		"a source hangs": func(w *world) {
			w.source.set(func() { w.source.fault = func(ctx context.Context, _ release.Query) error { return hang(ctx) } })
		},
		"the provider's read-back hangs": func(w *world) { w.router.set(func() { w.router.seeFault = hang }) },
		"renewing hangs":                 func(w *world) { w.router.set(func() { w.router.renewing = hang }) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, aPlan(), func(w *world) {
				g := w.start()
				defer g.stop()
				w.until("the first step", func() bool { return w.phase() == engine.Observing })
				slow(w)
				looks := len(w.looks())
				w.pass(every + 100*time.Millisecond)
				if took := w.aborted(); took > atOnce {
					t.Errorf("the abort took %s", took)
				}
				if name == "a source hangs" && len(w.looks()) != looks {
					t.Errorf("%d looks in between, want none: it was in the middle of one", len(w.looks())-looks)
				}
				w.source.set(func() { w.source.fault = nil })
				w.router.set(func() { w.router.seeFault, w.router.renewing = nil, nil })
				if s := g.end(); s.Cause != engine.ByPerson {
					t.Errorf("ended by %s", s.Cause)
				}
			})
		})
	}
}

// A raise that hangs is cut short by an abort; the way down is not.
func TestAnAbortCutsARaiseShort(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		g := w.start()
		defer g.stop()
		w.until("the first step", func() bool { return w.phase() == engine.Observing })
		w.router.set(func() {
			w.router.applyFault = func(ctx context.Context) error {
				if engine.CandidateWeight(w.recorded().Route) > 0 {
					return hang(ctx)
				}
				return nil
			}
		})
		w.until("a raise", func() bool { return w.phase() == engine.Shifting })
		w.pass(time.Second)
		if took := w.aborted(); took > atOnce {
			t.Errorf("the abort took %s", took)
		}
		w.settled(g.end(), engine.RolledBack)
	})
}

// A way down that takes its time is not cut short over and over by aborts that
// cannot be recorded.
func TestAWayDownIsNotCutShort(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		w.source.bad = true
		g := w.start()
		defer g.stop()
		w.until("some traffic", func() bool { return w.router.weight() > 0 })
		w.router.set(func() {
			w.router.applyFault = func(ctx context.Context) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(5 * time.Second):
					return nil
				}
			}
		})
		w.until("the rollback", func() bool { return w.phase() == engine.RollingBack })
		w.pass(time.Millisecond)
		applies := w.router.count(&w.router.applies)
		w.order(engine.Abort)
		w.until("no traffic", func() bool { return w.router.weight() == 0 })
		if n := w.router.count(&w.router.applies); n != applies {
			t.Errorf("the way down was begun %d times more", n-applies)
		}
		w.settled(g.end(), engine.RolledBack)
	})
}

// People's other orders are taken in turn, and one delivered twice counts once.
func TestOrdersAreTakenInTheirOrder(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		g := w.start()
		defer g.stop()
		w.until("the first step", func() bool { return w.phase() == engine.Observing })
		w.order(engine.Pause)
		w.order(engine.Resume)
		w.order(engine.Advance)
		w.until("the second step", func() bool { return w.router.weight() == 50_000 })
		if w.decided(engine.Refuse, "") > 0 {
			t.Error("an order was refused")
		}
		w.order(engine.Pause)
		w.until("paused", func() bool { return w.phase() == engine.Paused })
		w.pass(10 * time.Minute)
		if got := w.phase(); got != engine.Paused {
			t.Errorf("it went on by itself: %s", got)
		}
		w.order(engine.Resume)
		w.settled(g.end(), engine.Promoted)
	})
}
