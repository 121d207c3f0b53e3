package chaos

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

func killedGood(w *world) { w.killed(good, engine.Promoted, release.Whole) }

func killedBad(w *world) { w.killed(bad, engine.RolledBack, 0) }

// killed: every change kills its process before the provider hears of it, then
// in the middle, then between the change and its acknowledgement; each time the
// provider crashes, too, where it keeps something. The release asks for what it
// would have asked for undisturbed.
func (w *world) killed(h health, phase engine.Phase, last release.Weight) {
	a := w.begins("killed", w.first, w.second)
	a.deadly = true
	a.when(sets(w.second), func() { a.source.turns(h) })
	p := a.starts()
	deaths := 0
	for p.waits(); p.dead.Load(); p.waits() {
		deaths++
		w.provider.crashes()
		p = a.starts()
	}
	a.settled(p.state, phase)
	if deaths < 9 {
		w.Errorf("it was killed %d times", deaths)
	}
	w.asked(a, w.first, w.second, last)
}

// nobodyRenews: Linnet is killed and stays away longer than its lease. The
// provider goes back to the baseline by itself, and whoever comes back climbs
// from the first step.
func nobodyRenews(w *world) {
	if !w.provider.leases() || w.provider.h.Advance == nil {
		w.Skip("the provider has no leases")
	}
	a := w.begins("lapsed", w.first, w.second)
	a.when(sets(w.second), func() { a.source.turns(quiet) })
	p := a.starts()
	w.until("the second step", func() bool { return w.serves(w.second) })
	p.kill()
	p.waits()
	w.provider.h.Advance(2 * lease)
	w.until("the provider goes back by itself", func() bool { return w.serves(0) })
	w.provider.crashes()
	a.source.turns(good)
	a.starts().ends(engine.Promoted)
	w.asked(a, w.first, w.second, w.first, w.second, release.Whole)
}

// editedByHand: a weight that somebody raises is put right by the next look, a
// lowered one holds until somebody resumes, and one that is raised after the
// rollback goes to zero again.
func editedByHand(w *world) {
	edit := w.provider.h.Edit
	switch {
	case edit == nil:
		w.Skip("nobody edits there by hand")
	case w.second == w.first:
		w.Skip("the provider has one weight only between nothing and all")
	}
	sets2 := func(rec journal.Record) bool {
		return rec.Decision.Phase == engine.Observing && rec.Decision.Weight == w.second
	}
	a := w.begins("edited", w.first, w.second)
	a.source.turns(quiet)
	a.when(reaches(engine.Observing), func() { w.hand(w.second, func() { edit(w.second) }) })
	p := a.starts()
	w.until("the raised weight is put right", func() bool { return a.has(decides(engine.Correct)) && w.serves(w.first) })
	if got := w.firstLook(a, reaches(engine.Observing)); got.Decision.Kind != engine.Correct || got.Decision.Reason.Code != release.WeightRaised {
		w.Errorf("the first look after the edit: %s (%s)", got.Decision.Kind, got.Decision.Reason.Text)
	}
	w.until("somebody is paged with both weights", func() bool { return a.paged(engine.Percent(w.first), engine.Percent(w.second)) })

	a.when(sets2, func() { w.hand(w.first, func() { edit(w.first) }) })
	a.source.turns(good)
	w.until("the lowered weight is respected", func() bool { return a.has(lowered) })
	if got := w.firstLook(a, sets2); !lowered(got) {
		w.Errorf("the first look after the edit: %s (%s)", got.Decision.Kind, got.Decision.Reason.Text)
	}
	looks := a.count(isLook)
	w.until("it was looked a while", func() bool { return a.count(isLook) > looks+4 })
	if !w.serves(w.first) {
		w.Errorf("the lowered weight was not respected")
	}
	w.asked(a, w.first, w.first, w.second)

	a.when(sets(w.second), func() { a.source.turns(bad) })
	a.when(reaches(engine.Recovering), func() { w.hand(w.first, func() { edit(w.first) }) })
	a.order(engine.Resume)
	p.ends(engine.RolledBack)
	w.asked(a, w.first, w.first, w.second, w.second, 0, 0)
}

// serves says whether the provider serves a weight now.
func (w *world) serves(want release.Weight) bool {
	got, err := w.provider.look(w.Context())
	return err == nil && got == want
}

func isLook(rec journal.Record) bool {
	_, ok := rec.Event.(engine.Looked)
	return ok
}

// arrivesLate: a raise that was under way for long reaches the provider after
// the rollback. One that keeps epochs refuses it; with any other the next look
// puts it right.
func arrivesLate(w *world) {
	a := w.begins("late", w.first, w.second)
	a.when(sets(w.second), func() { a.source.turns(bad) })
	refused := false
	a.when(reaches(engine.Recovering), func() {
		var late release.Route
		for _, route := range a.asked() {
			if engine.CandidateWeight(route) == w.second {
				late = route
			}
		}
		apply := func() { refused = errors.Is(w.provider.apply(w.Context(), late), release.ErrConflict) }
		if w.provider.h.Fences {
			apply()
			return
		}
		w.hand(w.second, apply)
	})
	a.starts().ends(engine.RolledBack)
	got := w.firstLook(a, reaches(engine.Recovering))
	switch {
	case w.provider.h.Fences && !refused:
		w.Error("a change that was overtaken was taken, by a provider that keeps epochs")
	case !refused && got.Decision.Kind != engine.Correct:
		w.Errorf("the first look after it: %s (%s)", got.Decision.Kind, got.Decision.Reason.Text)
	}
}

// runTwice: two processes run one release, each by its own door to the journal.
// Together they do what one would. Where the provider does not refuse the one
// that is late, what it writes is put right.
func runTwice(w *world) {
	w.mu.Lock()
	w.twice = !w.provider.h.Fences
	w.mu.Unlock()
	a := w.begins("twice", w.first, w.second)
	a.when(sets(w.second), func() { a.source.turns(bad) })
	other, err := journal.Open(w.Context(), a.dir)
	if err != nil {
		w.Fatal(err)
	}
	defer other.Close()
	p, q := a.starts(), a.startsOn(other)
	p.waits()
	q.waits()
	a.settled(p.state, engine.RolledBack)
	a.settled(q.state, engine.RolledBack)
	got := a.weights()
	for len(got) > 3 && got[len(got)-1] == 0 {
		got = got[:len(got)-1] // zero again, after what came late
	}
	if !slices.Equal(got, []release.Weight{w.first, w.second, 0}) {
		w.Errorf("together they asked for the weights %v", a.weights())
	}
}

// twoReleases: a second release of the service begins, on another machine, while
// a first one runs. Whichever gets the service, by the provider's lights, the
// other does not fight for it for ever, nothing is served that neither recorded,
// and when one is aborted and the other fails there is no traffic left.
func twoReleases(w *world) {
	one := w.beginsAt(time.Now().Add(-time.Minute), "one", w.first)
	one.source.turns(quiet)
	p := one.starts()
	w.until("the first release has its step", func() bool { return one.has(reaches(engine.Observing)) })
	two := w.begins("two", w.second)
	two.source.turns(quiet)
	q := two.starts()
	w.until("one of the two gives way", func() bool { return one.has(yields) || two.has(yields) })
	looks := two.count(isLook)
	w.until("it was looked a while", func() bool { return two.count(isLook) > looks+4 })
	one.order(engine.Abort)
	p.waits()
	one.over(p.state, engine.RolledBack) // the other may have the service by now
	two.source.turns(bad)
	two.order(engine.Abort)
	q.ends(engine.RolledBack)
}

// yields fits a record by which a release leaves the service to another one: it
// holds, or cannot set what it wants.
func yields(rec journal.Record) bool {
	return rec.Decision.Kind == engine.HoldHere
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
