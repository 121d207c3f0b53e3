package run_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
)

// A provider that is down is tried again, a bounded number of times in a turn;
// people are paged, seldom, and it goes on by itself.
func TestAProviderThatIsDown(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		w.router.applyFault = down
		r := w.runner()
		if err := r.Turn(w.Context()); err != nil {
			t.Fatal(err)
		}
		if n := w.router.count(&w.router.applies); n != 3 {
			t.Errorf("tried %d times in a turn", n)
		}
		g := w.start()
		defer g.stop()
		w.until("failed", func() bool { return w.phase() == engine.Failed })
		w.pass(10 * time.Minute)
		if w.notes.pages() != 1 {
			t.Errorf("%d pages", w.notes.pages())
		}
		tried, acks := w.router.count(&w.router.applies), len(w.records())
		if w.pass(10 * time.Minute); w.router.count(&w.router.applies) < tried+100 {
			t.Errorf("tried %d times in 10 minutes", w.router.count(&w.router.applies)-tried)
		}
		if more := len(w.records()) - acks; more > 2*42 {
			t.Errorf("%d records in 10 minutes without a provider", more)
		}
		w.router.set(func() { w.router.applyFault = nil })
		w.settled(g.end(), engine.Promoted)
		if n := w.notes.pages(); n > 3 { // once more in a while, until it is set
			t.Errorf("%d pages in 20 minutes", n)
		}
	})
}

// A raise that hangs keeps nobody from seeing that the candidate is bad, nor
// does a provider that never tells whether the candidate is ready.
func TestLooksGoOnWhileARaiseHangs(t *testing.T) {
	for name, hangs := range map[string]func(*world){
		"the raise": func(w *world) {
			w.router.applyFault = func(ctx context.Context) error {
				if engine.CandidateWeight(w.recorded().Route) > 0 {
					return hang(ctx)
				}
				return nil
			}
		},
		"the question whether it is ready": func(w *world) { w.router.unready = hang },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, aPlan(), func(w *world) {
				g := w.start()
				defer g.stop()
				w.until("the first step", func() bool { return w.phase() == engine.Observing })
				w.router.set(func() { hangs(w) })
				w.until("a raise", func() bool { return w.phase() == engine.Shifting })
				w.source.set(func() { w.source.bad = true })
				at := time.Now()
				w.until("no traffic", func() bool { return w.router.weight() == 0 })
				if took := time.Since(at); took > every+time.Second {
					t.Errorf("it took %s until there was no traffic", took)
				}
				w.settled(g.end(), engine.RolledBack)
			})
		})
	}
}

// The way down is tried for ever, and soon after the provider is back, however
// seldom the release looks.
func TestARollbackIsTriedForEver(t *testing.T) {
	p := aPlan()
	p.Every, p.Lease = 4*time.Minute, 0
	for name, f := range map[string]fault{
		"down": down, "hangs": hang,
		"refuses":   func(context.Context) error { return fmt.Errorf("no such route: %w", release.ErrInvalid) },
		"panics":    func(context.Context) error { panic("nil map") },
		"is denied": func(context.Context) error { return fmt.Errorf("403") },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, p, func(w *world) {
				w.source.bad = true
				g := w.start()
				defer g.stop()
				w.until("the first step", func() bool { return w.phase() == engine.Observing })
				w.router.set(func() { w.router.applyFault, w.router.seeFault = f, f })
				w.until("the rollback", func() bool { return w.recorded().Harmed })
				w.pass(6 * time.Minute)
				if w.router.weight() != 10_000 || w.notes.pages() != 2 {
					t.Errorf("at %d, with %d pages", w.router.weight(), w.notes.pages())
				}
				w.router.set(func() { w.router.applyFault, w.router.seeFault = nil, nil })
				at := time.Now()
				w.until("no traffic", func() bool { return w.router.weight() == 0 })
				if took := time.Since(at); took > time.Minute {
					t.Errorf("it took %s after the provider was back", took)
				}
				w.settled(g.end(), engine.RolledBack)
			})
		})
	}
}

// What the provider cannot tell is no reason to do anything.
func TestWeightsThatCannotBeReadBack(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		w.router.seeFault = down
		w.settled(w.toTheEnd(), engine.Promoted)
		if looks := w.looks(); len(looks[0].Warnings) == 0 || looks[0].Seen != nil {
			t.Errorf("the look says %v", looks[0].Warnings)
		}
	})
}

// backwards is a provider that lists the candidate first, and no arm without
// traffic.
type backwards struct{ *router }

func (b backwards) Observed(ctx context.Context) (release.Seen, error) {
	seen, err := b.router.Observed(ctx)
	seen.Route.Weights = slices.DeleteFunc(slices.Clone(seen.Route.Weights), func(w release.ArmWeight) bool { return w.Weight == 0 })
	slices.Reverse(seen.Route.Weights)
	return seen, err
}

// Weights belong to the arms they name, in whichever order they come.
func TestWeightsInAnyOrder(t *testing.T) {
	for end, bad := range map[engine.Phase]bool{engine.Promoted: false, engine.RolledBack: true} {
		inWorld(t, aPlan(), func(w *world) {
			w.source.bad = bad
			w.cfg.Router = backwards{w.router}
			w.settled(w.toTheEnd(), end)
			if n := w.decided(engine.Correct, "") + w.decided(engine.HoldHere, ""); n > 0 {
				t.Errorf("%s: put right or held %d times", end, n)
			}
		})
	}
}

// Higher than recorded is put right; lower is respected.
func TestWeightsChangedByHand(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		g := w.start()
		defer g.stop()
		w.until("the first step", func() bool { return w.phase() == engine.Observing })
		w.router.set(func() { w.router.route.Weights = split(90_000).Weights })
		w.until("put right", func() bool { return w.router.weight() == 10_000 })
		w.router.set(func() { w.router.route.Weights = split(100).Weights })
		w.until("held", func() bool { return w.phase() == engine.Held })
		w.pass(10 * time.Minute)
		if got := w.router.weight(); got != 100 {
			t.Errorf("somebody lowered it to 100 and it serves %d", got)
		}
		w.order(engine.Resume)
		w.settled(g.end(), engine.Promoted)
	})
}

// What a provider can never serve does not begin.
func TestWhatCannotBeServedDoesNotBegin(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		begins bool
	}{
		"not found":   {release.ErrNotFound, false},
		"invalid":     {release.ErrInvalid, false},
		"unavailable": {release.ErrUnavailable, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, aPlan(), func(w *world) {
				w.router.seeFault = func(context.Context) error { return fmt.Errorf("virtual service shop/checkout: %w", c.err) }
				_, err := run.Begin(w.Context(), w.cfg, run.Beginning{Plan: aPlan(), Attempt: 2, File: []byte(file), Salt: "salt"})
				if (err == nil) != c.begins {
					t.Errorf("begins: %v", err)
				}
				if _, err := w.store.Find(w.Context(), journal.ID{Name: id.Name, Attempt: 2}); (err == nil) != c.begins {
					t.Errorf("in the journal: %v", err)
				}
			})
		})
	}
}

// A candidate that cannot take traffic gets none. The release waits, says so,
// pages once that takes too long, and goes on by itself.
func TestACandidateThatIsNotReadyGetsNothing(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		w.router.unready = func(context.Context) error { return fmt.Errorf("0 of 3 pods are ready: %w", release.ErrUnavailable) }
		g := w.start()
		defer g.stop()
		w.until("told", func() bool { return len(w.notes.notices()) > 0 })
		if w.phase() != engine.Shifting || w.notes.pages() != 0 {
			t.Errorf("%s, %d pages", w.phase(), w.notes.pages())
		}
		w.pass(20 * time.Minute)
		if n := w.router.count(&w.router.applies); n != 0 || w.notes.pages() == 0 || w.notes.pages() > 2 {
			t.Errorf("applied %d times, %d pages in 20 minutes", n, w.notes.pages())
		}
		w.router.set(func() { w.router.unready = nil })
		w.settled(g.end(), engine.Promoted)
	})
}

// unheard is a provider whose answer to the first raise is lost, and whose
// candidate is not ready any more from then on.
type unheard struct{ *router }

func (u unheard) Apply(ctx context.Context, route release.Route) error {
	if err := u.router.Apply(ctx, route); err != nil || u.count(&u.applies) > 1 {
		return err
	}
	u.set(func() { u.unready = down })
	return fmt.Errorf("the answer was lost: %w", release.ErrUnavailable)
}

// A raise that is served is judged, though its answer was lost and the candidate
// cannot take the traffic that it gets.
func TestARaiseThatArrivedUnheardIsJudged(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		w.cfg.Router = unheard{w.router}
		w.source.bad = true
		g := w.start()
		defer g.stop()
		w.until("a weight", func() bool { return w.router.weight() == 10_000 })
		w.until("no traffic", func() bool { return w.router.weight() == 0 })
		w.settled(g.end(), engine.RolledBack)
	})
}

// A lowered weight is put right only once the candidate is ready: that is a raise
// like any other.
func TestALoweredWeightWaitsForReadiness(t *testing.T) {
	p := aPlan()
	p.CorrectLowered = true
	inWorld(t, p, func(w *world) {
		g := w.start()
		defer g.stop()
		w.until("the first step", func() bool { return w.phase() == engine.Observing })
		w.router.set(func() { w.router.unready, w.router.route.Weights = down, split(0).Weights })
		w.until("told", func() bool { return w.decided(engine.Correct, "") > 0 })
		w.pass(2 * every)
		if n := w.router.count(&w.router.applies); n != 1 {
			t.Errorf("set %d times, though the candidate is not ready", n-1)
		}
		w.router.set(func() { w.router.unready = nil })
		w.settled(g.end(), engine.Promoted)
	})
}

// While the next step waits for the candidate to be ready, the lease of the
// present one goes on.
func TestALeaseGoesOnWhileTheNextStepWaits(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		g := w.start()
		defer g.stop()
		w.until("the first step", func() bool { return w.phase() == engine.Observing })
		w.router.set(func() {
			w.router.unready = func(context.Context) error { return fmt.Errorf("1 of 3 pods is ready: %w", release.ErrUnavailable) }
		})
		w.until("the next step waits", func() bool { return w.phase() == engine.Shifting })
		w.pass(10 * lease)
		if got := w.router.weight(); got != 10_000 || w.phase() != engine.Shifting {
			t.Errorf("after %s it serves %d, and is %s", 10*lease, got, w.phase())
		}
		w.router.set(func() { w.router.unready = nil })
		w.settled(g.end(), engine.Promoted)
	})
}

// A rollback asks nobody whether the candidate is ready.
func TestARollbackAsksNobodyForReadiness(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		g := w.start()
		defer g.stop()
		w.until("the first step", func() bool { return w.phase() == engine.Observing })
		w.router.set(func() { w.router.unready = hang })
		w.source.set(func() { w.source.bad = true })
		w.until("down", func() bool { return w.router.weight() == 0 })
		w.settled(g.end(), engine.RolledBack)
	})
}

// Who else writes is told once, not at every look.
func TestOtherWritersAreToldOnce(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		w.router.writers = []string{"argocd-controller"}
		g := w.start()
		defer g.stop()
		w.settled(g.end(), engine.Promoted)
		told := 0
		for _, rec := range w.records() {
			if look, ok := rec.Event.(engine.Looked); ok && strings.Contains(strings.Join(look.Warnings, " "), "argocd-controller") {
				told++
			}
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}
