package engine

import (
	"fmt"

	"github.com/linnet-project/linnet/release"
)

// reconcile holds what the provider serves against what is recorded. Higher is
// put right at once, lower is respected. It says whether it decided something.
func (t *turn) reconcile(seen release.Seen) bool {
	if t.s.Pending.Route != nil && t.s.Tries > 0 && CandidateWeight(t.s.Route) > 0 && t.lapsed(seen) {
		t.lapse()
		return true
	}
	if !t.s.Served || t.s.Pending.Route != nil || t.s.Phase == Scheduled {
		return false
	}
	if seen.Route.Epoch > t.s.Epoch+t.s.Seq {
		t.s.Epoch = seen.Route.Epoch + 1 // somebody else writes; ours must be newer
	}
	want, got := CandidateWeight(t.s.Route), CandidateWeight(seen.Route)
	switch {
	case got == want:
		return false
	case got > want:
		why := release.Reason{Code: release.WeightRaised, Text: fmt.Sprintf(
			"the provider serves %s to the candidate and %s is recorded; it is put right", Percent(got), Percent(want))}
		t.setRoute(want)
		t.d.Kind, t.d.Reason = Correct, why
		t.tell(release.Page, t.s.Release+": weight put right", why.Text)
	case t.lapsed(seen):
		t.lapse()
	default:
		t.respect(want, got)
	}
	return true
}

// lapsed says whether our own lease ran out before the decision.
func (t *turn) lapsed(seen release.Seen) bool {
	return seen.Lapsed && t.s.deciding() && seen.Route.Owner == t.s.Route.Owner
}

// lapse follows a lease that ran out: the traffic is on the baseline, and the
// release climbs again from the first step, unless a person holds it.
func (t *turn) lapse() {
	t.s.ServedWeight = 0
	t.s.Step = Withdrawn
	text := "nobody renewed the lease in time and the provider went back to the baseline by itself; it climbs again from the first step"
	if t.s.Phase == Paused || t.isLowered() {
		t.setRoute(0) // a raise still on its way must not arrive
		t.d.Kind = StepBack
		t.d.Reason = release.Reason{Code: release.LeaseLapsed, Text: text + " once it is resumed"}
		t.tell(release.Inform, t.s.Release+": the lease lapsed", t.d.Reason.Text)
		return
	}
	t.s.Before = ""
	t.shift(StepBack, 0, release.Reason{Code: release.LeaseLapsed, Text: text})
	t.notify(release.Inform, t.s.Release+": the lease lapsed")
}

// respect records a weight that somebody lowered, and holds there. A rollback
// only goes the rest of its way sooner.
func (t *turn) respect(want, got release.Weight) {
	t.s.ServedWeight = got
	if t.s.inner() == RollingBack {
		t.bottom()
		t.d.Kind = RollBack
		t.d.Reason = release.Reason{Code: release.RollingDown, Text: fmt.Sprintf(
			"the provider serves %s already, lower than %s; the rollback goes to zero at once", Percent(got), Percent(want))}
		return
	}
	t.s.Route = t.route(got, t.s.Route.Lease)
	t.aside(Held, release.WeightLowered, fmt.Sprintf(
		"somebody lowered the weight from %s to %s; it holds there until `linnet release resume %s`",
		Percent(want), Percent(got), t.s.Release))
	t.decide(HoldHere)
	t.notify(release.Page, t.s.Release+": weight lowered by hand")
}
