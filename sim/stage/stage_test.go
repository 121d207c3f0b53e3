package stage_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/report"
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

// What the pages are told of each release is numbers that JSON has, and earlier
// releases' levels are of the size of this one's.
func TestCoursesOfReleases(t *testing.T) {
	t.Parallel()
	db, err := database.OpenFolder(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	store, err := journal.On(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	if err := stage.Fill(t.Context(), store, stage.Releases(now)); err != nil {
		t.Fatal(err)
	}
	desk := control.New(control.Config{Journal: store, Policy: access.Everybody{}, Now: func() time.Time { return now }})
	for name, why := range map[string]string{"checkout-2.14.0": "region=sa", "profile-1.4.0": "wrong image", "checkout-2.13.2": "quietly"} {
		if s, err := store.Find(t.Context(), journal.ID{Name: name, Attempt: 1}); err != nil || !strings.Contains(s.Reason.Text, why) {
			t.Errorf("lists say of %s that %q (%v), and not %q", name, s.Reason.Text, err, why)
		}
	}
	for _, r := range stage.Releases(now) {
		if _, err := store.Verify(t.Context(), journal.ID{Name: nameOf(r), Attempt: 1}); err != nil {
			t.Error(err)
		}
	}
	levels := 0
	for _, name := range []string{"checkout-2.14.0", "payments-5.0.0", "search-7.1.0", "recommend-0.9.3", "catalog-3.9.1"} {
		c, err := desk.Course(t.Context(), access.Actor{Name: "ann"}, journal.ID{Name: name, Attempt: 1}, report.Wanted{})
		if err != nil {
			t.Fatal(err)
		}
		for c.Records < c.Total || c.HistoryMissing > 0 {
			if c, err = desk.Course(t.Context(), access.Actor{Name: "ann"}, journal.ID{Name: name, Attempt: 1}, report.Wanted{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := json.Marshal(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, track := range c.Tracks {
			if track.Against != "baseline" || track.Standing == nil || track.Standing.Baseline.Value == nil {
				continue
			}
			for _, h := range track.History {
				levels++
				if own := *track.Standing.Baseline.Value; own > 0.001 && (h.Value > 4*own || 4*h.Value < own) {
					t.Errorf("%s: %s was %g in %s and is %g", name, track.Metric, h.Value, h.Name, own)
				}
			}
		}
	}
	if levels < 8 {
		t.Errorf("only %d earlier levels were told", levels)
	}
}

// nameOf is what a release file calls its release.
func nameOf(r stage.Release) string {
	_, after, _ := strings.Cut(r.File, "name: ")
	name, _, _ := strings.Cut(after, "\n")
	return name
}
