package stage_test

import (
	"context"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/sim/stage"
)

// heads keeps the last record of each release.
type heads map[string]journal.Record

func (h heads) Begin(_ context.Context, id journal.ID, _ []byte, rec journal.Record, _ *engine.State) error {
	h[id.Name] = rec
	return nil
}

func (h heads) Append(_ context.Context, id journal.ID, _ uint64, rec journal.Record, _ *engine.State) error {
	h[id.Name] = rec
	return nil
}

// Each release of the stage comes to what the pages are to show.
func TestReleases(t *testing.T) {
	t.Parallel()
	got := heads{}
	now := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	if err := stage.Fill(t.Context(), got, append(stage.Many(8, now.AddDate(0, 0, -10)), stage.Releases(now)...)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]engine.Phase{
		"checkout-2.14.0": engine.RolledBack, "checkout-2.13.2": engine.Promoted, "checkout-2.13.1": engine.Promoted, "checkout-2.13.0": engine.RolledBack,
		"search-7.1.0": engine.Observing, "search-7.0.4": engine.RolledBack, "payments-5.0.0": engine.Waiting, "payments-4.9.9": engine.Promoted,
		"catalog-3.9.1": engine.RolledBack, "profile-1.4.0": engine.RolledBack, "recommend-0.9.3": engine.Paused,
		"service-00-1.1.0": engine.Promoted, "service-03-1.1.0": engine.RolledBack,
	} {
		if rec := got[name]; rec.Decision.Phase != want {
			t.Errorf("%s: %s at record %d (%s), want %s", name, rec.Decision.Phase, rec.Seq, rec.Decision.Reason.Text, want)
		} else {
			t.Logf("%s: %s at record %d after %s: %s", name, rec.Decision.Phase, rec.Seq, now.Sub(rec.At), rec.Decision.Reason.Text)
		}
	}
}
