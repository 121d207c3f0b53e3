package engine

import (
	"fmt"
	"time"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// looked takes one look at the world.
func (t *turn) looked(e Looked) {
	if t.s.Seq == 1 || t.s.Over() {
		t.refuse("nothing to look at: the release is not running")
		return
	}
	if e.Seen != nil && t.reconcile(*e.Seen) {
		t.judged(e) // evidence is kept, the decision stands
		t.s.LookedAt = t.s.Now
		return
	}
	v := t.judged(e)
	t.passTime(v)
	t.s.LookedAt = t.s.Now
	t.d.Verdict, t.d.Reason = &v, v.Reason
	switch t.s.inner() {
	case Scheduled:
		if !t.s.Now.Before(t.s.Plan.StartAt) {
			t.begin()
		}
	case RollingBack:
		if wake := t.s.Wake(); !wake.IsZero() && !t.s.Now.Before(wake) {
			t.descend()
			t.s.Why = release.Reason{Code: release.RollingDown, Text: "the rollback goes on"}
			t.decide(RollBack)
		}
	case Recovering, Watching:
		t.aftermath(v)
	case Promoting, Promoted, RolledBack:
	default:
		t.weigh(e, v)
	}
}

// judged asks the judge what the look is worth. Windows that ended before the
// candidate had traffic teach the baseline's noise.
func (t *turn) judged(e Looked) judge.Verdict {
	look := judge.Look{At: t.s.Now, Problems: e.Problems, Weight: t.s.ServedWeight}
	look.Settled = !e.Window.From.Before(t.s.ServedAt)
	look.Warming = t.s.Now.Before(t.s.Exposed.Add(t.s.Plan.WarmUp))
	if e.Window.To.After(t.s.WindowTo) {
		t.s.WindowTo = e.Window.To
	}
	var v judge.Verdict
	if !t.s.deciding() {
		arm := release.Candidate
		if p := t.s.inner(); p == RollingBack || p == Recovering {
			arm = release.Baseline
		}
		if p := t.s.inner(); p == Watching || p == Recovering {
			look.Observations = e.Observations
			t.s.Judge, v = judge.Watch(t.config(), t.s.Judge, look, arm)
			t.s.Last = v
		}
		return v
	}
	var past []release.Observation
	for _, o := range e.Observations {
		if t.s.Exposed.IsZero() || !o.Window.To.After(t.s.Exposed) {
			past = append(past, o)
		} else {
			look.Observations = append(look.Observations, o)
		}
	}
	if len(past) > 0 {
		t.s.Judge, _ = judge.Step(t.config(), t.s.Judge, judge.Look{At: t.s.Now, Observations: past})
	}
	look.Live = !t.s.Exposed.IsZero() && e.Window.To.After(t.s.Exposed)
	t.s.Judge, v = judge.Step(t.config(), t.s.Judge, look)
	if len(past) > 0 {
		v.Blind = false
	}
	t.s.Last = v
	return v
}

// passTime adds the time since the last look to the step's clocks.
func (t *turn) passTime(v judge.Verdict) {
	if !v.Blind {
		t.s.DataAt = t.s.Now
	}
	since := t.s.ServedAt
	if t.s.LookedAt.After(since) {
		since = t.s.LookedAt
	}
	if !t.s.Served || t.s.ServedAt.IsZero() {
		return
	}
	d := min(t.s.Now.Sub(since), missedLooks*t.s.Plan.Every)
	t.s.Watched += d
	if t.s.Phase != Paused && t.s.Phase != Waiting && !v.Blind {
		t.s.Clock += d
	}
}

// weigh decides on a look while the release is on its way: an ordered run of
// guards, the gravest first.
func (t *turn) weigh(e Looked, v judge.Verdict) {
	exposed := CandidateWeight(t.s.Route) > 0 || t.s.ServedWeight > 0
	switch {
	case v.Outcome == judge.Fail && exposed:
		t.rollBack(ByEvidence, v.Reason)
	case t.blindTooLong(v) && CandidateWeight(t.s.Route) > 0 && t.s.Phase != Failed:
		t.stepBack(release.Reason{Code: release.Blind, Text: fmt.Sprintf(
			"blind: no data for %s (%s)", t.s.Now.Sub(t.s.DataAt).Round(time.Second), v.Reason.Text)})
	case t.s.Phase == Paused || t.s.Phase == Failed || t.s.Phase == Shifting:
	case t.s.Phase == Held && t.s.Why.Code == release.WeightLowered:
	case t.s.Step == Withdrawn:
		if t.s.Phase != Waiting && !v.Blind {
			t.climb(Continue, release.Reason{Code: release.Resumed, Text: "there is data again; it climbs from the first step"})
		}
	case t.s.Phase == Waiting && t.s.Why.Code == release.NeedsApproval:
	default:
		t.onStep(e, v)
	}
}

func (t *turn) blindTooLong(v judge.Verdict) bool {
	return v.Blind && t.s.Plan.BlindFor > 0 && t.s.Now.Sub(t.s.DataAt) >= t.s.Plan.BlindFor
}

// onStep decides whether to leave the present step.
func (t *turn) onStep(e Looked, v judge.Verdict) {
	st := t.s.step()
	fresh := v.Outcome == judge.Pass && v.Fresh && e.Window.To.After(t.s.ServedAt)
	late := st.AtMost > 0 && t.s.Clock >= st.AtMost
	switch {
	case v.Warns:
		if t.s.Why.Code != release.WarningFails || t.s.Phase != Held {
			t.hold(release.Reason{Code: release.WarningFails, Text: warningText(v)}, release.Inform)
		}
	case fresh && t.s.Watched >= st.AtLeast:
		t.climb(Forward, release.Reason{Code: release.StepPassed, Text: v.Reason.Text})
	case late && st.AtDeadline == plan.Go && !v.Blind && v.Fresh:
		t.climb(Forward, release.Reason{Code: release.DeadlineGo, Text: "atMost is over and the file says go: " + v.Reason.Text})
	case late && st.AtDeadline == plan.Ask:
		t.askAtDeadline(v)
	case late:
		if t.s.Why.Code != release.DeadlineHold {
			t.hold(release.Reason{Code: release.DeadlineHold, Text: "atMost is over without a pass: " + v.Reason.Text}, release.Inform)
		}
	case t.s.Phase == Held && t.s.Why.Code == release.WarningFails:
		t.observe("the warning has cleared")
		t.decide(Continue)
	case t.s.Phase == WarmingUp && !t.s.Now.Before(t.s.Exposed.Add(t.s.Plan.WarmUp)):
		t.observe("warm-up is over")
	case fresh:
		t.d.Reason = release.Reason{Code: release.AtLeast, Text: fmt.Sprintf("passes; watched %s of at least %s: %s",
			t.s.Watched.Round(time.Second), st.AtLeast, v.Reason.Text)}
	}
}

func (t *turn) askAtDeadline(v judge.Verdict) {
	if t.s.Phase == Waiting {
		return
	}
	t.phase(Waiting, release.DeadlineAsk, "atMost is over without a pass, and a person is asked: "+v.Reason.Text)
	t.decide(Await)
	t.notify(release.Inform, t.s.Release+" asks what to do")
}

// observe goes back to looking.
func (t *turn) observe(text string) {
	t.s.Before = ""
	t.phase(Observing, release.Collecting, text)
}

// hold stays at the present weight, for a reason that people are told.
func (t *turn) hold(why release.Reason, u release.Urgency) {
	t.s.Before = ""
	t.phase(Held, why.Code, why.Text)
	t.decide(HoldHere)
	t.notify(u, t.s.Release+" holds")
}

func warningText(v judge.Verdict) string {
	for _, c := range v.Comparisons {
		if c.Severity == release.Warning && c.Outcome == judge.Fail {
			return "a warning fails: " + c.Reason.Text
		}
	}
	return "a warning fails"
}

// aftermath watches the world after a promotion or a rollback.
func (t *turn) aftermath(v judge.Verdict) {
	over := t.s.Plan.Watch
	if t.s.inner() == Recovering {
		over = t.s.Plan.Recovery
	}
	switch {
	case t.s.Phase == Held || t.s.Phase == Failed:
	case v.Outcome == judge.Fail && !t.s.Alarmed:
		t.s.Alarmed = true
		t.alarm(v)
	case t.s.Now.Sub(t.s.EndedAt) >= over:
		t.finish(v)
	}
}

// alarm tells people that things got worse, once.
func (t *turn) alarm(v judge.Verdict) {
	code, text := release.WatchHarm, v.Reason.Text+"; `linnet release abort "+t.s.Release+"` rolls back"
	if t.s.Phase == Recovering {
		code, text = release.NotRecovered, "the baseline does not recover: "+v.Reason.Text
	}
	t.s.Why = release.Reason{Code: code, Text: text}
	t.d.Reason = t.s.Why
	t.notify(release.Page, t.s.Release+": worse after the "+string(t.s.Phase))
}

// finish ends the watch, and with it the release.
func (t *turn) finish(v judge.Verdict) {
	if t.s.Phase == Watching {
		text := "the watch after promotion ended quietly"
		if t.s.Alarmed {
			text = "the watch after promotion is over; it had an alarm"
		}
		t.phase(Promoted, release.WatchOver, text)
		t.decide(Finish)
		return
	}
	t.s.Recovered = "not verified"
	code, text := release.NotRecovered, "recovery is not verified: "+v.Reason.Text
	if v.Outcome == judge.Pass && !t.s.Alarmed {
		t.s.Recovered = "verified"
		code, text = release.Recovered, "the baseline is as it was before"
	}
	t.phase(RolledBack, code, text)
	t.decide(Finish)
}

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
			"the provider serves %s and %s is recorded; put right", Percent(got), Percent(want))}
		t.setRoute(want, t.s.Route.Lease)
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
// release climbs again from the first step.
func (t *turn) lapse() {
	t.s.Route = t.route(0, 0)
	t.s.Pending.Route, t.s.Served, t.s.Tries = nil, true, 0
	t.s.ServedWeight = 0
	t.s.Step = Withdrawn
	why := release.Reason{Code: release.LeaseLapsed,
		Text: "the lease lapsed and the provider went back to the baseline by itself; it climbs from the first step"}
	if t.s.Phase == Paused || (t.s.Phase == Held && t.s.Why.Code == release.WeightLowered) {
		t.d.Kind, t.d.Reason = StepBack, why
		return
	}
	t.s.Before = ""
	t.shift(StepBack, 0, why)
	t.notify(release.Inform, t.s.Release+" starts again after a lapsed lease")
}

// respect records a weight that somebody lowered, and holds there.
func (t *turn) respect(want, got release.Weight) {
	before := t.s.inner()
	t.s.Route = t.route(got, t.s.Route.Lease)
	t.s.ServedWeight = got
	t.s.Before = before
	t.phase(Held, release.WeightLowered, fmt.Sprintf(
		"somebody lowered the weight from %s to %s; it holds there until `linnet release resume %s`",
		Percent(want), Percent(got), t.s.Release))
	t.decide(HoldHere)
	t.notify(release.Page, t.s.Release+": weight lowered by hand")
}
