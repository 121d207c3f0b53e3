package engine

import (
	"fmt"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// reconcile holds what the provider serves against what is recorded. Higher is
// put right at once, lower is respected. It says whether it decided something.
func (t *turn) reconcile(seen release.Seen) bool {
	if t.overtaken(seen) {
		return t.supersede(seen)
	}
	if t.s.Pending.Route != nil && t.s.Tries > 0 && CandidateWeight(t.s.Route) > 0 && t.lapsed(seen) && !t.climbsAgain(seen) {
		t.lapse()
		return true
	}
	if t.arrived(seen) {
		t.routeServed()
		return true
	}
	if t.outrun(seen) && CandidateWeight(seen.Route) < CandidateWeight(t.s.Route) {
		t.unask() // somebody's brake, which is respected below
	} else if t.outrun(seen) {
		t.s.Epoch = seen.Route.Epoch + 1
		t.setRoute(CandidateWeight(t.s.Route))
		t.d.Kind, t.d.Reason = Correct, release.Reason{Code: release.ProviderFails, Text: "the provider has a newer epoch than the route that is to be set; it is asked again with a newer one"}
		return true
	}
	if t.changedSince(seen) {
		t.unask()
	}
	if !t.s.Served || t.s.Pending.Route != nil || t.s.Phase == Scheduled {
		return false
	}
	if seen.Route.Epoch > t.s.Epoch+t.s.Seq {
		t.s.Epoch = seen.Route.Epoch + 1 // somebody else writes; ours must be newer
	}
	want, got := CandidateWeight(t.s.Route), CandidateWeight(seen.Route)
	switch {
	case got == want && len(seen.Parts) == 0:
		t.s.ReadAt = t.s.Now
		return false
	case t.lapsed(seen):
		t.lapse()
	case got < want && !t.correctsLowered():
		t.respect(want, got, seen)
	default:
		t.putRight(want, got, seen)
	}
	return true
}

// correctsLowered says whether a weight that somebody lowered is put right: never
// on the way down, and never after a fail.
func (t *turn) correctsLowered() bool {
	return t.s.Plan.CorrectLowered && t.s.Corrected < corrections && !t.s.Harmed && t.s.inner() != RollingBack
}

// putRight sets what is recorded again. One that was lowered is put right a few
// times only: two who put each other right would never stop.
func (t *turn) putRight(want, got release.Weight, seen release.Seen) {
	code := release.WeightRaised
	if got < want {
		code = release.WeightLowered
		t.s.Corrected++
		if len(seen.Parts) == 0 {
			t.s.ServedWeight = got // putting it right is a raise
		}
	}
	why := release.Reason{Code: code, Text: fmt.Sprintf(
		"the provider serves %s to the candidate and %s is recorded%s; it is put right", servedBy(got, seen), Percent(want), by(seen))}
	t.setRoute(want)
	t.d.Kind, t.d.Reason = Correct, why
	t.tell(release.Page, release.ToldWeight, ": weight put right", why.Text)
}

// servedBy tells the candidate's weight, of several routers each one's.
func servedBy(got release.Weight, seen release.Seen) string {
	if len(seen.Parts) == 0 {
		return Percent(got)
	}
	var each []string
	for _, p := range seen.Parts {
		each = append(each, Percent(CandidateWeight(release.Route{Weights: p.Weights}))+" in "+p.Name)
	}
	return strings.Join(each, ", ")
}

// by tells who else writes what the provider serves, where it can tell.
func by(seen release.Seen) string {
	if len(seen.Writers) == 0 {
		return ""
	}
	return " (it is also written by " + strings.Join(seen.Writers, ", ") + ")"
}

// arrived says that the pending route is what is served, though nobody heard of
// it: it was set before a crash, and since a lease has lapsed on it, say, it
// cannot be set again.
func (t *turn) arrived(seen release.Seen) bool {
	p := t.s.Pending.Route
	return p != nil && t.s.Tries > 0 && len(seen.Parts) == 0 && seen.Route.Owner == p.Route.Owner && seen.Route.Epoch == p.Route.Epoch &&
		CandidateWeight(seen.Route) == CandidateWeight(p.Route)
}

// outrun says that the provider refuses the pending route because it has a
// newer epoch, and that this is nobody else's: a clock that was behind when the
// release began, a journal from a backup, a route set by hand.
func (t *turn) outrun(seen release.Seen) bool {
	p := t.s.Pending.Route
	return p != nil && t.s.Tries > 0 && seen.Route.Epoch > p.Route.Epoch &&
		(seen.Route.Owner == "" || seen.Route.Owner == p.Route.Owner)
}

// changedSince says that the pending route arrived, though nobody heard of it,
// and that somebody changed the weight since: it cannot be set as it is again.
func (t *turn) changedSince(seen release.Seen) bool {
	p := t.s.Pending.Route
	return p != nil && t.s.Tries > 0 && len(seen.Parts) == 0 && seen.Route.Owner == p.Route.Owner && seen.Route.Epoch >= p.Route.Epoch &&
		CandidateWeight(seen.Route) != CandidateWeight(p.Route)
}

// overtaken says whether another release has written after this one, to another
// end. One that serves the same is no reason to stop.
func (t *turn) overtaken(seen release.Seen) bool {
	route := seen.Route
	return t.s.Phase != Scheduled && route.Owner != "" && route.Owner != t.s.Route.Owner && route.Epoch > t.s.Route.Epoch &&
		(!t.s.deciding() || CandidateWeight(route) != CandidateWeight(t.s.Route))
}

// supersede leaves the service to another release: before the end is decided by
// holding until a person says what shall be, after it by ending. Nothing is set
// any more, since two releases that put each other right would never stop.
func (t *turn) supersede(seen release.Seen) bool {
	owner, got := seen.Route.Owner, CandidateWeight(seen.Route)
	if !t.s.deciding() {
		t.end(owner)
		return true
	}
	t.s.ServedWeight = got
	t.s.Overtaken = seen.Route.Epoch
	t.unask()
	if t.s.Phase == Held && t.s.Why.Code == release.Superseded {
		return false
	}
	t.aside(Held, release.Superseded, fmt.Sprintf(
		"%s took over the service and serves %s; it holds until `linnet release resume %s` takes it back, or `linnet release abort %s`",
		owner, Percent(got), t.s.Release, t.s.Release))
	t.decide(HoldHere)
	t.notify(release.Page, release.ToldTakenOver, ": another release took over")
	return true
}

// end ends a release whose service belongs to another one now.
func (t *turn) end(owner string) {
	phase, weight, decided := Promoted, release.Whole, "promotion"
	if t.s.Cause != "" {
		phase, weight, decided = RolledBack, 0, "rollback"
		t.s.Recovered = "not verified"
	}
	t.s.Route = t.route(weight, 0)
	t.unask()
	t.s.Before = ""
	t.s.EndedAt = t.s.Now
	t.phase(phase, release.Superseded, fmt.Sprintf("%s took over the service after the %s was decided; nothing is left to do here", owner, decided))
	t.decide(Finish)
	t.notify(release.Inform, release.ToldTakenOver, ": another release took over")
}

// lapsed says whether our own lease ran out before the decision.
func (t *turn) lapsed(seen release.Seen) bool {
	return seen.Lapsed && t.s.deciding() && seen.Route.Owner == t.s.Route.Owner
}

// climbsAgain says that a lapse is known, and that what is to be set since then
// is not what lapsed.
func (t *turn) climbsAgain(seen release.Seen) bool {
	return t.s.Step == 0 && t.s.ServedWeight == 0 && seen.Route.Epoch < t.s.Pending.Route.Route.Epoch
}

// lapse follows a lease that ran out: the traffic is on the baseline, and the
// release climbs again from the first step, unless a person holds it.
func (t *turn) lapse() {
	t.s.ServedWeight = 0
	t.s.Step, t.s.Waived = Withdrawn, 0
	text := "nobody renewed the lease in time and the provider went back to the baseline by itself; it climbs again from the first step"
	if t.s.Phase == Paused || t.isLowered() {
		t.setRoute(0) // a raise still on its way must not arrive
		t.d.Kind = StepBack
		t.d.Reason = release.Reason{Code: release.LeaseLapsed, Text: text + " once it is resumed"}
		t.tell(release.Inform, release.ToldLease, ": the lease lapsed", t.d.Reason.Text)
		return
	}
	t.s.Before = ""
	t.shift(StepBack, 0, release.Reason{Code: release.LeaseLapsed, Text: text})
	t.notify(release.Inform, release.ToldLease, ": the lease lapsed")
}

// respect records a weight that somebody lowered, and holds there; several
// routers all go to the lowest. A rollback only goes the rest of its way sooner.
func (t *turn) respect(want, got release.Weight, seen release.Seen) {
	t.s.ServedWeight = got
	if t.s.inner() == RollingBack {
		t.bottom()
		t.d.Kind = RollBack
		t.d.Reason = release.Reason{Code: release.RollingDown, Text: fmt.Sprintf(
			"the provider serves %s already, lower than %s; the rollback goes to zero at once", Percent(got), Percent(want))}
		return
	}
	t.s.Route = t.route(got, t.s.Route.Lease)
	title := "weight lowered by hand"
	what := fmt.Sprintf("somebody lowered the weight from %s to %s", Percent(want), servedBy(got, seen))
	if !t.s.LookedAt.After(t.s.ServedAt) { // no look has seen it served
		title = "weight not served"
		what = fmt.Sprintf("%s was set and %s is served: the provider did not do it, or somebody lowered it at once", Percent(want), servedBy(got, seen))
	}
	t.aside(Held, release.WeightLowered, fmt.Sprintf("%s%s; it holds there until `linnet release resume %s`", what, by(seen), t.s.Release))
	if len(seen.Parts) > 0 {
		t.setRoute(got)
	}
	t.decide(HoldHere)
	t.notify(release.Page, release.ToldLowered, ": "+title)
}
