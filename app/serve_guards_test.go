package app

import (
	"context"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/spec"
)

// chosen are the unfinished releases of a journal.
type chosen []journal.Summary

func (c chosen) Choose(context.Context, journal.Choice) ([]journal.Summary, error) { return c, nil }

// Limits count releases that move traffic; one that only watches after its end is
// in nobody's way.
func TestLimitsLeaveOutWhoOnlyWatches(t *testing.T) {
	rails, err := compileGuards("guards.yaml", []byte("apiVersion: linnet/v1\nkind: Guards\nspec:\n  limits: [{name: one, atMost: 1}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for phase, refused := range map[engine.Phase]bool{
		engine.Observing: true, engine.Held: true, engine.RollingBack: true, engine.Watching: false, engine.Recovering: false,
	} {
		g := &guards{store: chosen{{ID: journal.ID{Name: "other", Attempt: 1}, Phase: phase}}}
		g.rails.Store(&rails)
		found, err := g.Check(t.Context(), time.Now(), access.Actor{}, spec.File{Name: "checkout-1.5.0"}, plan.Plan{})
		if err != nil || len(found) > 0 != refused {
			t.Errorf("beside one that is %s: %v, %v", phase, found, err)
		}
	}
}
