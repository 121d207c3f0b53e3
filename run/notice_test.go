package run_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// A channel that fails or hangs is tried a few times and told as failed; it
// holds up neither the traffic, nor the looks, nor the lease, nor the end.
func TestAChannelThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		fault fault
		tries int // a notice
	}{
		"down":    {down, 3},
		"hangs":   {hang, 3},
		"denied":  {func(context.Context) error { return fmt.Errorf("401: %w", release.ErrInvalid) }, 1},
		"panics":  {func(context.Context) error { panic("nil map") }, 1},
		"unknown": {func(context.Context) error { return fmt.Errorf("what?") }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, aPlan(), func(w *world) {
				w.source.bad = true
				w.notes.fault = c.fault
				s := w.toTheEnd()
				w.settled(s, engine.RolledBack)
				notices, failed := 0, 0
				for _, rec := range w.records() {
					for _, e := range rec.Effects {
						if _, ok := e.(engine.Notify); ok {
							notices++
						}
					}
					a, ok := rec.Event.(engine.Acknowledged)
					if ok && a.Failure != nil && a.Failure.Code == release.NoticeFailed {
						failed++
					}
				}
				if failed != notices || notices == 0 || w.notes.tried != notices*c.tries {
					t.Errorf("%d notices, %d told as failed, %d tries", notices, failed, w.notes.tried)
				}
				if took := w.downIn(); took > time.Second {
					t.Errorf("the traffic moved %s after the decision", took)
				}
				looks := w.looks()
				for i, look := range looks[1:] {
					if apart := look.At.Sub(looks[i].At); apart > every+time.Second {
						t.Errorf("%s between two looks", apart)
					}
				}
			})
		})
	}
}

// downIn is how long after the decision to roll back the provider had done it.
func (w *world) downIn() time.Duration {
	var decided time.Time
	for _, rec := range w.records() {
		if rec.Decision.Kind == engine.RollBack {
			decided = rec.At
		}
		if _, ok := rec.Event.(engine.Acknowledged); ok && !decided.IsZero() && rec.Decision.Reason.Code == release.WeightSet {
			return rec.At.Sub(decided)
		}
	}
	w.Error("no rollback")
	return 0
}

// A channel that comes back gets what it missed.
func TestAChannelThatComesBack(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		w.source.bad = true
		n := 0
		w.notes.fault = func(ctx context.Context) error {
			if n++; n < 3 {
				return down(ctx)
			}
			return nil
		}
		w.settled(w.toTheEnd(), engine.RolledBack)
		w.toldOfAll()
	})
}

// Without a channel a release runs as well.
func TestWithoutAChannel(t *testing.T) {
	inWorld(t, aPlan(), func(w *world) {
		w.cfg.Notifier = nil
		w.settled(w.toTheEnd(), engine.Promoted)
	})
}
