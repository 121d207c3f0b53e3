package engine

import (
	"fmt"
	"slices"

	"github.com/linnet-project/linnet/release"
)

// commanded takes a person's order. One that does not apply now is refused
// with the reason; one delivered twice is taken once.
func (t *turn) commanded(e Commanded) {
	t.d.Who = e.Who
	if t.s.Seq == 1 {
		t.refuse("the release has not started")
		return
	}
	if slices.Contains(t.s.DoneCommands, e.ID) {
		t.d.Reason = release.Reason{Code: release.Quiet, Text: "taken already"}
		return
	}
	done := append(slices.Clone(t.s.DoneCommands), e.ID)
	t.s.DoneCommands = done[max(0, len(done)-rememberedCommands):]
	switch e.Verb {
	case Abort:
		t.abort(e)
	case Pause:
		t.pause(e)
	case Resume:
		t.resume(e)
	case Advance:
		t.advance(e)
	case Approve:
		t.approve(e)
	case Reject:
		t.reject(e)
	case Retract:
		t.retract(e)
	default:
		t.refuse(fmt.Sprintf("unknown command %q", e.Verb))
	}
}

// said prints who ordered something, and why.
func said(e Commanded, did string) string {
	text := e.Who + " " + did
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

func (t *turn) abort(e Commanded) {
	switch inner := t.s.inner(); {
	case inner == RollingBack && t.s.Stage < stages:
		t.bottom()
		t.d.Kind = RollBack
		t.d.Reason = release.Reason{Code: release.Aborted, Text: said(e, "aborted it; the rollback goes to zero at once")}
	case inner == RollingBack, inner == Recovering, inner == RolledBack:
		t.refuse("it is rolled back already")
	case inner == Promoted:
		t.refuse("the release is over; a new one rolls back")
	default:
		t.leave(release.Reason{Code: release.Aborted, Text: said(e, "aborted it")})
	}
}

// leave gives the release up because a person says so.
func (t *turn) leave(why release.Reason) {
	if t.s.Exposed.IsZero() && t.s.Served && CandidateWeight(t.s.Route) == 0 {
		t.neverBegan(why)
		return
	}
	t.rollBack(ByPerson, why)
}

func (t *turn) pause(e Commanded) {
	switch {
	case !t.s.deciding():
		t.refuse("there is nothing to pause: it is " + string(t.s.Phase))
	case t.s.Phase == Paused:
		t.refuse("it is paused already")
	case t.s.Phase == Failed || t.s.Phase == Scheduled:
		t.refuse("it is " + string(t.s.Phase) + " and moves no traffic; abort it to end it")
	case t.isLowered():
		t.refuse("it holds already, at what somebody else set")
	default:
		t.aside(Paused, release.PausedByPerson, said(e, "paused it"))
		t.decide(Suspend)
	}
}

func (t *turn) resume(e Commanded) {
	why := release.Reason{Code: release.Resumed, Text: said(e, "resumed it")}
	switch {
	case t.s.Phase == Paused:
		t.resumePaused(why)
	case t.isLowered():
		t.resumeLowered(why)
	case t.s.Phase == Held && t.s.Step == Withdrawn:
		t.refuse("it has no traffic and climbs again by itself once there is data; `linnet release advance " +
			t.s.Release + "` goes to the first step without")
	case t.s.Phase == Held:
		t.s.Clock = 0
		t.observe(why.Text)
		t.s.Why = why
		t.decide(Continue)
	default:
		t.refuse("it is " + string(t.s.Phase) + ", not paused or held")
	}
}

// resumePaused goes back to where it was paused; to the first step where the
// traffic was withdrawn meanwhile.
func (t *turn) resumePaused(why release.Reason) {
	t.s.Phase, t.s.Why, t.s.Before = t.s.Before, t.s.BeforeWhy, ""
	if t.s.Step == Withdrawn && t.s.Served && !t.s.Exposed.IsZero() {
		t.climb(Continue, why)
		return
	}
	t.d.Kind, t.d.Reason = Continue, why
}

// resumeLowered goes back to what was recorded before somebody lowered it.
func (t *turn) resumeLowered(why release.Reason) {
	before := t.s.Before
	t.s.Before = ""
	t.s.Epoch = max(t.s.Epoch, t.s.Overtaken) // what is set now must be newer
	switch before {
	case Promoting, Watching:
		t.phase(Promoting, why.Code, why.Text)
		t.setRoute(release.Whole)
		t.decide(Continue)
	default:
		if t.s.Step == Withdrawn {
			t.climb(Continue, why) // which asks for an approval first, where one is due
			return
		}
		t.shift(Continue, t.s.Step, why)
	}
}

func (t *turn) advance(e Commanded) {
	why := release.Reason{Code: release.Advanced, Text: said(e, "advanced it")}
	switch {
	case t.s.Harmed:
		t.refuse("a guardrail failed; nothing raises the weight in this attempt")
	case !t.s.deciding():
		t.refuse("there is no step to advance to: it is " + string(t.s.Phase))
	case t.s.Phase == Failed || t.s.inner() == Shifting:
		t.refuse("the provider has not set the present weight yet")
	case t.isLowered():
		t.refuse("somebody else set the weight; resume first")
	default:
		t.inPlace(e, why)
	}
}

// inPlace goes on in place of evidence. An advance is also the approval of who
// gives it, where theirs counts; a quorum it does not replace, so that the
// release may wait for others, and moves once they have approved.
func (t *turn) inPlace(e Commanded, why release.Reason) {
	next := t.s.target()
	waits := t.s.Phase == Waiting && t.s.Why.Code == release.NeedsApproval
	for _, g := range t.s.gates(next) {
		if t.s.missing(g) == 0 {
			continue
		}
		no := t.mayVote(g, e)
		if no != "" && waits {
			t.refuse(no)
			return
		}
		if no != "" {
			why.Text += " (" + no + ")"
			continue
		}
		t.vote(g, e)
	}
	if e.Glass != "" {
		why.Text += "; the glass was broken, and " + e.Glass + " agreed"
		defer t.tell(release.Page, release.ToldGlass, ": the glass was broken", why.Text)
	}
	t.s.Before = ""
	t.s.Waived = next + 1
	t.climb(Forward, why)
}
