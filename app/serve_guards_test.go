package app

import (
	"context"
	"os"
	"path/filepath"
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

// Files are followed, the calendars too; a change that is broken is told for as
// long as it is there, while what held before holds on.
func TestGuardsFollowTheirFiles(t *testing.T) {
	dir := t.TempDir()
	file, days := filepath.Join(dir, "guards.yaml"), filepath.Join(dir, "days.ics")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	event := func(day string) string {
		return "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:" + day + "\nEND:VEVENT\nEND:VCALENDAR\n"
	}
	g := &guards{store: chosen(nil)}
	frozen := func(want bool) {
		t.Helper()
		found, err := g.Check(t.Context(), time.Date(2026, 12, 24, 12, 0, 0, 0, time.UTC), access.Actor{}, spec.File{Name: "checkout-1.5.0"}, plan.Plan{})
		if err != nil || len(found) > 0 != want {
			t.Errorf("%v, %v", found, err)
		}
	}
	read := func() error {
		return g.read(file, func(name string) ([]byte, error) { return os.ReadFile(name) })
	}
	write(days, event("20261224"))
	write(file, "apiVersion: linnet/v1\nkind: Guards\nspec:\n  freezes: [{name: days, calendar: days.ics}]\n")
	if err := read(); err != nil {
		t.Fatal(err)
	}
	frozen(true)
	before := g.rails.Load()
	if err := read(); err != nil || g.rails.Load() != before {
		t.Errorf("files that stay are read anew: %v", err)
	}
	write(days, "no calendar")
	for range 2 {
		if err := read(); err == nil {
			t.Error("a broken calendar is not told")
		}
	}
	frozen(true)
	write(days, event("20261225"))
	if err := read(); err != nil {
		t.Error(err)
	}
	frozen(false)
}
