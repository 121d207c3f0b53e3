package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// looked takes one look at the world. A fail comes before all else, so that
// nobody who meddles with weights can keep a release from rolling back.
func (t *turn) looked(e Looked) {
	if t.s.Seq == 1 || t.s.Over() {
		t.refuse("nothing to look at: the release is not running")
		return
	}
	v := t.judged(e)
	t.passTime(v)
	t.d.Reason = v.Reason
	if v.Outcome != "" {
		t.d.Verdict = &v
	}
	switch {
	case t.s.deciding() && v.Outcome == judge.Fail:
		t.rollBack(ByEvidence, v.Reason)
	case t.s.inner() == RollingBack && t.s.Stage < t.s.due():
		t.goDown()
	case e.Seen != nil && t.reconcile(*e.Seen):
	default:
		t.follow(e, v)
	}
	t.s.LookedAt = t.s.Now
}

// follow goes on from a look that brought nothing grave.
func (t *turn) follow(e Looked, v judge.Verdict) {
	switch t.s.inner() {
	case Scheduled:
		if t.s.Now.Before(t.s.Plan.StartAt) {
			t.d.Reason = t.s.Why
			return
		}
		t.begin()
	case Recovering, Watching:
		t.aftermath(v)
	case RollingBack, Promoting, Promoted, RolledBack:
		t.d.Reason = t.s.Why
	default:
		t.weigh(e, v)
	}
}

// judged asks the judge what the look is worth. Windows that ended before the
// candidate had traffic teach the baseline's noise.
func (t *turn) judged(e Looked) judge.Verdict {
	news := t.news(e)
	look := judge.Look{At: t.s.Now, Problems: e.Problems, Weight: t.s.ServedWeight}
	look.WarmUntil = t.s.warmUntil()
	if !t.s.deciding() {
		look.Observations = news
		return t.charted(look)
	}
	var past []release.Observation
	look.Settled = t.s.Pending.Route == nil && !t.moved(e.Seen)
	for _, o := range news {
		if t.s.Exposed.IsZero() || !o.Window.To.After(t.s.Exposed) {
			past = append(past, o)
			continue
		}
		look.Observations = append(look.Observations, o)
		look.Settled = look.Settled && !o.Window.From.Before(t.s.ServedAt)
	}
	if look.Settled {
		look.Share = look.Weight
	}
	if e.Share != nil {
		look.Share = *e.Share
	}
	if len(past) > 0 {
		t.s.Judge, _ = judge.Step(t.config(), t.s.Judge, judge.Look{At: t.s.Now, Observations: past})
	}
	var v judge.Verdict
	look.Live = !t.s.Exposed.IsZero() && e.Window.To.After(t.s.Exposed)
	t.s.Judge, v = judge.Step(t.config(), t.s.Judge, look)
	if len(past) > 0 {
		v.Blind, v.Dark = false, false
	}
	if !look.Live && !t.s.Exposed.IsZero() {
		v.Reason.Text = "this look ends before the candidate got traffic"
	}
	t.s.Last = v
	return v
}

// moved says that the provider serves something else than was acknowledged,
// nobody knows since when.
func (t *turn) moved(seen *release.Seen) bool {
	return seen != nil && (seen.Lapsed || len(seen.Parts) > 0 || CandidateWeight(seen.Route) != t.s.ServedWeight)
}

// warmUntil is when the candidate has warmed up; zero without a warm-up.
func (s State) warmUntil() time.Time {
	if s.Plan.WarmUp <= 0 {
		return time.Time{}
	}
	return s.Exposed.Add(s.Plan.WarmUp)
}

// warming says whether a look now still shows the warm-up: its window ended
// Delay ago, and began Every before that.
func (s State) warming() bool {
	return s.Now.Add(-s.Plan.Delay - s.Plan.Every).Before(s.warmUntil())
}

// news are the observations of windows that were not seen before; a clock set
// back, or a source that is asked again, must not count the same traffic twice.
func (t *turn) news(e Looked) []release.Observation {
	if e.Window.To.After(t.s.WindowTo) {
		t.s.WindowTo = e.Window.To
	}
	metrics := t.s.Plan.Metrics
	before := t.s.Covered
	t.s.Covered = make([]time.Time, len(metrics))
	copy(t.s.Covered, before)
	var out []release.Observation
	for _, o := range e.Observations {
		i := slices.IndexFunc(metrics, func(m release.Metric) bool { return m.Name == o.Metric })
		if i < 0 || i < len(before) && !o.Window.To.After(before[i]) {
			continue
		}
		out = append(out, o)
		if o.Window.To.After(t.s.Covered[i]) {
			t.s.Covered[i] = o.Window.To
		}
	}
	return out
}

// charted judges the one version that is left, against its own past.
func (t *turn) charted(look judge.Look) (v judge.Verdict) {
	switch t.s.inner() {
	case Watching:
		t.s.Judge, v = judge.Watch(t.config(), t.s.Judge, look, release.Candidate)
	case Recovering:
		t.s.Judge, v = judge.Watch(t.config(), t.s.Judge, look, release.Baseline)
	default:
		return v
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
	gap := t.s.Now.Sub(since)
	d := min(gap, missedLooks*t.s.Plan.Every)
	if v.Blind {
		t.s.DataAt = t.s.DataAt.Add(gap - d) // time that was not watched is not blindness
	}
	t.s.Watched += d
	if t.s.Phase != Paused && t.s.Phase != Waiting && !v.Blind {
		t.s.Clock += d
	}
}

// weigh decides on a look while the release is on its way and nothing fails:
// an ordered run of guards, the gravest first.
func (t *turn) weigh(e Looked, v judge.Verdict) {
	switch {
	case t.s.Phase == Held && t.s.Why.Code == release.Superseded:
		t.d.Reason = t.s.Why // the traffic is another's: nothing is moved
	case t.blindTooLong(v) && CandidateWeight(t.s.Route) > 0:
		t.s.Dark = v.Dark
		t.stepBack(release.Reason{Code: release.Blind, Text: fmt.Sprintf(
			"no data for %s (%s)", t.s.Now.Sub(t.s.DataAt).Round(time.Second), v.Reason.Text)})
	case t.s.Phase == Paused || t.s.Phase == Failed || t.s.Phase == Shifting:
	case t.isLowered():
	case t.s.Phase == Waiting && t.askAgain():
	case t.s.Step == Withdrawn:
		if t.s.Phase != Waiting && t.sightedAgain(v) {
			t.climb(Continue, release.Reason{Code: release.Resumed, Text: "there is data again; it climbs again from the first step"})
		}
	case t.s.Phase == Waiting && t.s.Why.Code == release.NeedsApproval:
	default:
		t.onStep(e, v)
	}
}

// sightedAgain says whether a withdrawn release may climb: once both arms can be
// seen again; where there was no data at all, once there is any. A candidate
// that fell silent by itself must be seen to be back, or a person advances.
func (t *turn) sightedAgain(v judge.Verdict) bool {
	return !v.Blind || (t.s.Dark && !v.Dark)
}

func (t *turn) blindTooLong(v judge.Verdict) bool {
	return v.Blind && t.s.Plan.BlindFor > 0 && t.s.Now.Sub(t.s.DataAt) >= t.s.Plan.BlindFor
}

// onStep decides whether to leave the present step.
func (t *turn) onStep(e Looked, v judge.Verdict) {
	st := t.s.step()
	fresh := v.Outcome == judge.Pass && v.Fresh && e.Window.To.After(t.s.ServedAt)
	watched := min(t.s.Watched, e.Window.To.Sub(t.s.ServedAt))
	late := st.AtMost > 0 && t.s.Clock >= st.AtMost
	switch {
	case v.Warns:
		why := release.Reason{Code: release.WarningFails, Text: warningText(v)}
		t.d.Reason = why
		if t.s.Why.Code != release.WarningFails || t.s.Phase != Held {
			t.hold(why, release.Inform)
		}
	case fresh && watched >= st.AtLeast:
		t.proceed(release.Reason{Code: release.StepPassed, Text: v.Reason.Text})
	case late && st.AtDeadline == plan.Go && !v.Blind && v.Fresh:
		t.proceed(release.Reason{Code: release.DeadlineGo, Text: atMostOver(st) + " and the file says to go on: " + v.Reason.Text + v.Hidden()})
	case late && st.AtDeadline == plan.Ask:
		t.askAtDeadline(v)
	case late:
		if t.s.Why.Code != release.DeadlineHold && t.s.Why.Code != release.HarmBudget {
			t.hold(release.Reason{Code: release.DeadlineHold, Text: atMostOver(st) + " without a pass; it holds and keeps looking: " + v.Reason.Text + v.Hidden()}, release.Inform)
		}
	case t.s.Phase == Held && t.s.Why.Code == release.WarningFails:
		t.observe("the warning has cleared")
		t.decide(Continue)
	case t.s.Phase == WarmingUp && !t.s.warming():
		t.observe("warm-up is over")
	case fresh:
		t.d.Reason = release.Reason{Code: release.AtLeast, Text: fmt.Sprintf("passes, and is watched for %s of at least %s: %s",
			watched.Round(time.Second), st.AtLeast, v.Reason.Text)}
	}
}

func (t *turn) askAtDeadline(v judge.Verdict) {
	if t.s.Phase == Waiting {
		return
	}
	text := fmt.Sprintf("%s without a pass (`linnet release approve %s` goes on, `linnet release abort %s` rolls back): %s",
		atMostOver(t.s.step()), t.s.Release, t.s.Release, v.Reason.Text+v.Hidden())
	if g, closed := t.s.closed(t.s.target()); closed {
		text += "; " + t.s.asks(g)
	}
	t.phase(Waiting, release.DeadlineAsk, text)
	t.decide(Await)
	t.notify(release.Inform, release.ToldApproval, " asks what to do")
}

// atMostOver begins the sentence on a step's deadline.
func atMostOver(st plan.Step) string {
	return "the time for this step (" + st.AtMost.String() + ") is over"
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
	t.notify(u, release.ToldHold, " holds")
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
	past := t.s.Now.Sub(t.s.EndedAt)
	switch {
	case t.s.Phase == Held || t.s.Phase == Failed:
	case v.Outcome == judge.Fail && !t.s.Alarmed:
		t.s.Alarmed = true
		t.alarm(v)
	case past >= max(over, t.s.Plan.ReadBack) && (v.Outcome != judge.Wait || past >= 2*over):
		t.finish(v) // without data it waits for some, for as long again
	}
}

// alarm tells people that things got worse, once.
func (t *turn) alarm(v judge.Verdict) {
	what, title := release.ToldHarm, ": worse since the promotion"
	why := release.Reason{Code: release.WatchHarm, Text: v.Reason.Text + "; `linnet release abort " + t.s.Release + "` rolls back"}
	if t.s.Phase == Recovering {
		what, title = release.ToldRecovery, ": the baseline does not recover"
		why = release.Reason{Code: release.NotRecovered, Text: "the rollback did not help: " + v.Reason.Text}
	}
	t.s.Why, t.d.Reason = why, why
	t.notify(release.Page, what, title)
}

// finish ends the watch, and with it the release. People are told where nobody
// saw what the provider serves since the end: it may have said yes and done
// nothing.
func (t *turn) finish(v judge.Verdict) {
	t.conclude(v)
	if t.s.ReadAt.IsZero() || t.s.ReadAt.After(t.s.EndedAt) {
		return
	}
	t.tell(release.Page, release.ToldUnseen, ": the end was not seen", fmt.Sprintf(
		"%s was set, and what the provider serves could not be read back since; look whether it does", Percent(CandidateWeight(t.s.Route))))
}

// conclude says how the watch ended. Only what is still seen at the end counts
// as seen.
func (t *turn) conclude(v judge.Verdict) {
	if t.s.Phase == Watching {
		t.phase(Promoted, release.WatchOver, t.watchEnd(v))
		t.decide(Finish)
		return
	}
	if v.Outcome == judge.Pass && v.Fresh && !t.s.Alarmed {
		t.s.Recovered = "verified"
		t.phase(RolledBack, release.Recovered, "recovery is verified: the baseline is as it was before")
		t.decide(Finish)
		return
	}
	t.s.Recovered = "not verified"
	text := v.Reason.Text
	if v.Outcome == judge.Pass {
		text = "there is no data of the baseline any more"
	}
	t.phase(RolledBack, release.NotRecovered, "recovery is not verified: "+text)
	t.decide(Finish)
	t.notify(release.Inform, release.ToldRecovery, ": recovery is not verified")
}

// watchEnd tells how the watch after a promotion ended.
func (t *turn) watchEnd(v judge.Verdict) string {
	switch {
	case t.s.Alarmed:
		return "the watch after the promotion is over; it had an alarm"
	case !v.Fresh:
		return "the watch after the promotion is over; there was no data at its end"
	}
	return "the watch after the promotion ended quietly"
}
