package engine

import (
	"time"

	"github.com/linnet-project/linnet/release"
)

// stages is in how many steps a rollback over time goes down; the first is at
// once, the last at the end of that time.
const stages = 3

// Wake returns when time alone may change something, or zero: a start in the
// future, or the next stage of a rollback.
func (s State) Wake() time.Time {
	switch {
	case s.Phase == Scheduled:
		return s.Plan.StartAt
	case s.inner() == RollingBack && s.Stage < stages:
		return s.DecidedAt.Add(s.Plan.RollbackOver * time.Duration(s.Stage) / (stages - 1))
	}
	return time.Time{}
}

// due is how many stages of the rollback should have been asked for by now.
func (s State) due() int {
	over := s.Plan.RollbackOver
	if over <= 0 || s.Descent == 0 {
		return stages
	}
	since := min(s.Now.Sub(s.DecidedAt), over)
	return 1 + int(since*(stages-1)/over)
}

// rollBack begins the way down. Nothing raises the weight after. A route that
// was not acknowledged may not be served, so stages start from the lower one.
func (t *turn) rollBack(cause Cause, why release.Reason) {
	t.s.Cause = cause
	t.s.Harmed = t.s.Harmed || cause == ByEvidence
	t.s.DecidedAt = t.s.Now
	t.s.Descent = CandidateWeight(t.s.Route)
	if !t.s.Served {
		t.s.Descent = min(t.s.Descent, t.s.ServedWeight)
	}
	t.s.Before = ""
	t.s.Decided = why
	t.phase(RollingBack, why.Code, why.Text)
	t.descend()
	t.decide(RollBack)
	urgency := release.Page
	if cause == ByPerson {
		urgency = release.Inform // whoever did it is awake
	}
	t.notify(urgency, release.ToldRollback, " is rolled back")
}

// neverBegan ends a release that a person aborted before anything was asked of
// the provider: what is served there belongs to somebody else.
func (t *turn) neverBegan(why release.Reason) {
	t.s.Cause = ByPerson
	t.s.DecidedAt, t.s.EndedAt = t.s.Now, t.s.Now
	t.s.Before = ""
	t.phase(RolledBack, why.Code, why.Text+"; no traffic had been moved")
	t.s.Decided = t.s.Why
	t.decide(RollBack)
	t.notify(release.Inform, release.ToldAbort, " is aborted")
}

// descend sets the weight of the stage that is due: at the last one zero, for
// good.
func (t *turn) descend() {
	t.s.Stage = t.s.due()
	weight := t.settable(release.Weight(uint64(t.s.Descent) * uint64(stages-t.s.Stage) / stages))
	if weight == 0 {
		t.bottom()
		return
	}
	t.setRoute(min(weight, CandidateWeight(t.s.Route)))
}

// bottom ends the way down: no traffic for the candidate, for good.
func (t *turn) bottom() {
	t.s.Stage = stages
	t.setRoute(0)
}

// goDown takes the next stage of a rollback. The phase keeps the reason why it
// rolls back.
func (t *turn) goDown() {
	t.descend()
	t.d.Kind = RollBack
	t.d.Reason = release.Reason{Code: release.RollingDown, Text: "the rollback goes on, to " + Percent(CandidateWeight(t.s.Route))}
}

// stepBack goes down to the next lower step, or withdraws from the first. A
// person's pause, or brake, stays, and so does a provider that fails.
func (t *turn) stepBack(why release.Reason) {
	t.s.DataAt = t.s.Now // the next step back waits as long again
	phase, because, before := t.s.Phase, t.s.Why, t.s.Before
	to := max(t.s.Step-1, Withdrawn)
	for to > Withdrawn && t.weightOf(to) >= CandidateWeight(t.s.Route) {
		to--
	}
	t.shift(StepBack, to, why)
	t.notify(release.Page, release.ToldBlind, " steps back")
	switch {
	case phase == Paused || phase == Failed:
		t.s.Phase, t.s.Why = phase, because
		t.s.Before, t.s.BeforeWhy = Shifting, why
	case lowered(phase, because):
		t.s.Phase, t.s.Before, t.s.Why = Held, before, because
	}
}

// lowered tells the phase that respects what somebody else serves: a weight
// lowered by hand, or another release's.
func lowered(p Phase, why release.Reason) bool {
	return p == Held && (why.Code == release.WeightLowered || why.Code == release.Superseded)
}

func (t *turn) isLowered() bool { return lowered(t.s.Phase, t.s.Why) }
