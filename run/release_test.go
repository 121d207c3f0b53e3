package run_test

import (
	"slices"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

func TestAGoodReleaseIsPromoted(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		s := w.toTheEnd()
		w.settled(s, engine.Promoted)
		var weights []release.Weight
		for _, r := range w.router.applied {
			weights = append(weights, engine.CandidateWeight(r))
		}
		if want := []release.Weight{10_000, 50_000, release.Whole}; !slices.Equal(weights, want) {
			w.Errorf("the provider was set to %v, want %v", weights, want)
		}
		w.acknowledged()
	})
}

func TestABadReleaseIsRolledBack(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		w.source.bad = true
		s := w.toTheEnd()
		w.settled(s, engine.RolledBack)
		if s.Cause != engine.ByEvidence || w.notes.pages() != 1 {
			w.Errorf("rolled back by %s with %d pages", s.Cause, w.notes.pages())
		}
		w.acknowledged()
	})
}

// acknowledged: every effect is acknowledged once, after its record, and a
// notice carries the effect's id.
func (w *world) acknowledged() {
	w.Helper()
	effects, acks := map[engine.EffectID]int{}, map[engine.EffectID]int{}
	ids := map[string]bool{}
	for _, rec := range w.records() {
		for _, e := range rec.Effects {
			effects[e.ID()]++
			if n, ok := e.(engine.Notify); ok {
				ids[n.Notice.ID] = true
				if n.Notice.ID != n.Effect.String() {
					w.Errorf("notice %q of effect %s", n.Notice.ID, n.Effect)
				}
			}
		}
		if a, ok := rec.Event.(engine.Acknowledged); ok {
			acks[a.Effect]++
			if effects[a.Effect] != 1 {
				w.Errorf("%s is acknowledged before it was recorded", a.Effect)
			}
		}
	}
	for e := range effects {
		if acks[e] != 1 {
			w.Errorf("%s is acknowledged %d times", e, acks[e])
		}
	}
	for _, n := range w.notes.notices() {
		if !ids[n.ID] {
			w.Errorf("a notice %q that nothing asked for", n.ID)
		}
	}
}

// The first look asks for the baseline's past; where it cannot be had, the look
// is a look all the same.
func TestTheFirstLookAsksForThePast(t *testing.T) {
	for name, refuse := range map[string]bool{"past known": false, "past refused": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, aPlan(), func(w *world) {
				asked := 0
				w.source.odd = func(q release.Query) (release.Answer, bool) {
					w.source.set(func() { asked += len(q.Windows) })
					if refuse && len(q.Windows) > 1 {
						panic("no such past")
					}
					return release.Answer{}, false
				}
				if err := w.runner().Turn(w.Context()); err != nil {
					w.Fatal(err)
				}
				look := w.looks()[0]
				if asked != 2*61 || len(look.Problems) > 0 {
					w.Errorf("asked for %d windows of two metrics, problems %v", asked, look.Problems)
				}
				if past := len(look.Observations) > 2*2; past == refuse {
					w.Errorf("%d observations, refused %v", len(look.Observations), refuse)
				}
				if refuse != (len(look.Warnings) > 0) {
					w.Errorf("refused %v, warnings %v", refuse, look.Warnings)
				}
			})
		})
	}
}

// Windows follow each other without gap or overlap, whatever the looks do.
func TestWindowsFollowEachOther(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		w.toTheEnd()
		looks := w.looks()
		for i, look := range looks[1:] {
			if !look.Window.From.Equal(looks[i].Window.To) {
				w.Errorf("window %v after %v", look.Window, looks[i].Window)
			}
		}
	})
}

// A lease is renewed after each look that is recorded, so it never lapses while
// somebody watches.
func TestTheLeaseIsRenewedByLooking(t *testing.T) {
	p := aPlan()
	p.Steps[0].AtLeast = 30 * time.Minute
	p.Steps[0].AtMost = time.Hour
	inWorld(t, p, func(w *world) {
		g := w.start()
		w.pass(20 * time.Minute)
		g.halt()
		if looks := len(w.looks()); w.router.renewals < looks-2 || w.router.renewals > looks || looks < 70 {
			w.Errorf("%d renewals for %d looks", w.router.renewals, looks)
		}
		if w.decided(engine.StepBack, "") > 0 {
			w.Error("a lease that was renewed lapsed")
		}
	})
}

// Nobody runs the release for longer than the lease: the traffic goes back by
// itself, and the release climbs from its first step.
func TestALapsedLeaseClimbsFromTheFirstStep(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		g := w.start()
		w.until("the second step", func() bool { return w.router.weight() == 50_000 })
		g.halt()
		w.pass(10 * time.Minute)
		if got := w.router.weight(); got != 0 {
			w.Fatalf("nobody renewed, and the candidate has %d", got)
		}
		applied := len(w.router.applied)
		w.settled(w.toTheEnd(), engine.Promoted)
		if got := engine.CandidateWeight(w.router.applied[applied]); got != 10_000 {
			w.Errorf("went on with %d", got)
		}
		if w.decided(engine.StepBack, release.LeaseLapsed) != 1 {
			w.Error("the lapse is not told")
		}
	})
}

// The raise is in the journal, the process dies, the lease runs out: what was
// true then is not now, and the raise must not be set.
func TestARaiseIsNotSetAfterTheLeaseRanOut(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		g := w.start()
		w.until("the first step", func() bool { return w.router.weight() == 10_000 })
		w.router.set(func() { w.router.applyFault = hang })
		w.until("the second step recorded", func() bool {
			return engine.CandidateWeight(w.recorded().Route) == 50_000
		})
		g.halt()
		w.router.set(func() { w.router.applyFault = nil })
		w.pass(10 * time.Minute)
		applied := len(w.router.applied)
		w.settled(w.toTheEnd(), engine.Promoted)
		if got := engine.CandidateWeight(w.router.applied[applied]); got != 10_000 {
			w.Errorf("went on with %d after the lease ran out", got)
		}
	})
}

func TestTheContextEndsIt(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		for _, after := range []time.Duration{0, time.Millisecond, every / 2, every, 5 * every} {
			w.router.set(func() { w.router.seeFault = nil })
			g := w.start()
			w.pass(after)
			w.router.set(func() { w.router.seeFault = hang })
			at := time.Now()
			g.halt()
			if took := time.Since(at); took > 0 || g.err == nil {
				w.Errorf("after %s it took %s to stop: %v", after, took, g.err)
			}
		}
	})
}
