package run_test

import (
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// A clock that is set does not stop the looks, and moves no traffic by itself.
func TestTheClockIsSet(t *testing.T) {
	for _, jump := range []time.Duration{-20 * time.Minute, -2 * time.Second, time.Hour, 24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			p := aPlan()
			p.Steps[0].AtLeast, p.Steps[0].AtMost = 5*time.Minute, 2*time.Hour
			inWorld(t, p, func(w *world) {
				g := w.start()
				defer g.stop()
				w.until("the first step", func() bool { return w.phase() == engine.Observing })
				looks := len(w.looks())
				w.jump(jump)
				w.pass(100 * time.Second)
				if got := len(w.looks()) - looks; got < 6 {
					t.Errorf("%d looks in 100 s", got)
				}
				if got := w.router.weight(); got != 10_000 {
					t.Errorf("the clock moved the weight to %d", got)
				}
				if w.decided(engine.StepBack, "") > 0 {
					t.Error("the lease was not kept")
				}
				w.settled(g.end(), engine.Promoted)
				w.countedOnce()
			})
		})
	}
}

// Blind because the clock went back, it says why, and steps back in time.
func TestTheClockGoesBackAndItIsBlind(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		g := w.start()
		defer g.stop()
		w.until("the first step", func() bool { return w.phase() == engine.Observing })
		w.jump(-6 * time.Hour)
		w.pass(time.Minute)
		looks := w.looks()
		if last := looks[len(looks)-1]; len(last.Warnings) == 0 || !strings.Contains(last.Warnings[0], "the clock was set back") {
			t.Errorf("the look says %v", last.Warnings)
		}
		w.pass(9 * time.Minute)
		if w.decided(engine.StepBack, release.Blind) != 1 || w.router.weight() != 0 {
			t.Errorf("blind for 10 minutes it serves %d", w.router.weight())
		}
	})
}

// A rollback in stages goes on although the clock went back.
func TestTheClockGoesBackInARollback(t *testing.T) {
	p := aPlan()
	p.RollbackOver = 2 * time.Minute
	inWorld(t, p, func(w *world) {
		w.source.bad = true
		g := w.start()
		defer g.stop()
		w.until("the rollback", func() bool { return w.phase() == engine.RollingBack })
		w.jump(-6 * time.Hour)
		w.pass(10 * time.Minute)
		if got := w.router.weight(); got != 0 {
			t.Errorf("10 minutes after a fail it serves %d", got)
		}
	})
}

// A release that begins later begins then.
func TestItBeginsWhenItIsTime(t *testing.T) {
	p := aPlan()
	p.StartAt = time.Date(2000, 1, 1, 0, 20, 0, 0, time.UTC) // bubbles begin with the year 2000
	inWorld(t, p, func(w *world) {
		g := w.start()
		defer g.stop()
		w.pass(19 * time.Minute)
		if w.phase() != engine.Scheduled || len(w.looks()) > 0 || w.router.count(&w.router.applies) > 0 {
			t.Errorf("it is %s after %d looks", w.phase(), len(w.looks()))
		}
		w.settled(g.end(), engine.Promoted)
	})
}
