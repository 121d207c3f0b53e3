package chaos

import (
	"slices"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

// soon is how long an abort may take to move the traffic on a machine with
// other things to do; the inbox is looked at every 250 ms.
const soon = 5 * time.Second

// failsEveryWay: the provider begins to fail with the second raise, when the
// candidate turns bad, and the way down meets each of its failures in turn.
func failsEveryWay(w *world) {
	faults := []trafficconf.Fault{trafficconf.Forbidden, trafficconf.Failing, trafficconf.Missing}
	if w.provider.h.Break != nil {
		faults = append(faults, trafficconf.Throttled, trafficconf.Unreachable, trafficconf.Broken)
	}
	faults = append(faults, trafficconf.Contested)
	a := w.begins("bad", w.first, w.second)
	a.when(sets(w.second), func() {
		a.source.turns(bad)
		w.provider.fails(faults[0], nil)
	})
	p := a.starts()
	w.until("the rollback is decided", func() bool { return a.has(decides(engine.RollBack)) })
	for _, fault := range faults {
		w.provider.failsNow(fault)
		w.until("the rollback meets the provider that is "+string(fault), func() bool {
			return w.provider.hit() || a.has(reaches(engine.Recovering)) // some faults let zero through
		})
	}
	w.provider.mends()
	p.ends(engine.RolledBack)
}

// hangs: the second raise hangs, and the rollback after it.
func hangs(w *world) {
	a := w.begins("bad", w.first, w.second)
	a.when(sets(w.second), func() {
		a.source.turns(bad)
		w.provider.fails(trafficconf.Hanging, nil)
	})
	a.when(decides(engine.RollBack), func() { w.provider.fails(trafficconf.Hanging, nil) })
	p := a.starts()
	w.until("the raise hangs", w.provider.hit)
	w.provider.mends()
	w.until("the rollback hangs", func() bool { return a.has(decides(engine.RollBack)) && w.provider.hit() })
	w.provider.mends()
	p.ends(engine.RolledBack)
}

// lies: the provider says yes to a raise and to the rollback, and does neither.
// The read-back after it finds that out, where the provider does not do so
// itself.
func lies(w *world) {
	a := w.begins("bad", w.first, w.second)
	a.when(sets(w.second), func() {
		a.source.turns(bad)
		w.provider.fails(trafficconf.Lying, nil)
	})
	a.when(decides(engine.RollBack), func() { w.provider.failsNow(trafficconf.Lying) })
	p := a.starts()
	w.until("the rollback is decided", func() bool {
		if !a.has(decides(engine.RollBack)) {
			w.provider.mendsIf((*breakage).doubts)
		}
		return a.has(decides(engine.RollBack))
	})
	found := func() bool {
		return a.count(decides(engine.Correct)) > 1 || a.has(decides(engine.RollBack)) && w.provider.doubts()
	}
	w.until("the lie about the rollback is found out", found)
	honest := w.provider.doubts()
	w.provider.mends()
	p.ends(engine.RolledBack)
	if honest {
		return
	}
	if got := w.firstLook(a, reaches(engine.Recovering)); got.Decision.Kind != engine.Correct {
		w.Errorf("the first look after the lie: %s, expected %s", got.Decision.Kind, engine.Correct)
	}
	if !a.paged(engine.Percent(0), engine.Percent(w.first)) {
		w.Errorf("nobody was paged with both weights; told was %+v", a.told())
	}
}

// goodAfterAll: the provider fails the first raise, cannot be read, hangs at the
// second raise, and lies about the promotion; the release comes through.
func goodAfterAll(w *world) {
	a := w.begins("good", w.first, w.second)
	w.provider.fails(trafficconf.Failing, nil)
	a.when(reaches(engine.Observing), func() {
		a.source.turns(quiet)
		w.provider.fails(trafficconf.Failing, func(*release.Route) bool { return true })
	})
	a.when(sets(w.second), func() { w.provider.fails(trafficconf.Hanging, nil) })
	a.when(sets(release.Whole), func() { w.provider.fails(trafficconf.Lying, nil) })
	p := a.starts()
	w.until("the first raise fails", w.provider.hit)
	w.provider.mends()
	w.until("looks are blind to the provider", func() bool { return a.count(blind) > 1 })
	w.provider.mends()
	a.source.turns(good)
	w.until("the second raise hangs", func() bool { return a.has(sets(w.second)) && w.provider.hit() })
	w.provider.mends()
	w.until("the lie about the promotion is found out", func() bool {
		return a.has(lowered) || a.has(sets(release.Whole)) && w.provider.doubts()
	})
	w.provider.mends()
	want := []release.Weight{w.first, w.second, release.Whole}
	if a.has(lowered) {
		a.order(engine.Resume)
		want = append(want, release.Whole)
	}
	p.ends(engine.Promoted)
	w.asked(a, want...)
}

// blind fits a look that could not read back the provider.
func blind(rec journal.Record) bool {
	look, ok := rec.Event.(engine.Looked)
	return ok && look.Seen == nil
}

// lowered fits the decision to hold at a weight that was lowered.
func lowered(rec journal.Record) bool {
	return rec.Decision.Kind == engine.HoldHere && rec.Decision.Reason.Code == release.WeightLowered
}

// abortsHangingRaise: an abort does not wait for a raise that hangs.
func abortsHangingRaise(w *world) {
	a := w.begins("aborted", w.first, w.second)
	a.when(sets(w.second), func() {
		w.provider.fails(trafficconf.Hanging, func(r *release.Route) bool { return r != nil && engine.CandidateWeight(*r) > w.first })
	})
	p := a.starts()
	w.until("the raise hangs", w.provider.hit)
	at := time.Now()
	a.order(engine.Abort)
	w.until("no traffic", func() bool { got, err := w.provider.look(w.Context()); return err == nil && got == 0 })
	if took := time.Since(at); took > soon {
		w.Errorf("the abort took %s", took)
	}
	w.provider.mends()
	p.ends(engine.RolledBack)
	w.asked(a, w.first, w.second, 0)
}

// asked holds a release to have asked for these weights, in this order.
func (w *world) asked(a *attempt, want ...release.Weight) {
	w.Helper()
	if got := a.weights(); !slices.Equal(got, want) {
		w.Errorf("%s asked for the weights %v, expected %v", a.id, got, want)
	}
}

func (a *attempt) weights() (all []release.Weight) {
	for _, route := range a.asked() {
		all = append(all, engine.CandidateWeight(route))
	}
	return all
}

// firstLook is the first look that was recorded after a record that fits.
func (w *world) firstLook(a *attempt, fits func(journal.Record) bool) journal.Record {
	w.Helper()
	after := false
	for _, rec := range a.all() {
		if _, ok := rec.Event.(engine.Looked); ok && after {
			return rec
		}
		after = after || fits(rec)
	}
	w.Errorf("%s has no look there", a.id)
	return journal.Record{}
}

// paged says whether people were paged with all of these words.
func (a *attempt) paged(words ...string) bool {
	return slices.ContainsFunc(a.told(), func(n release.Notice) bool { return n.Urgency == release.Page && containsAll(n.Text, words) })
}
