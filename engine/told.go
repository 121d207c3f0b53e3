package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// Told is something lasting that people were told of and that is not over.
type Told struct {
	What release.Happening
	At   time.Time
}

// notify asks for people to be told of the phase's reason.
func (t *turn) notify(u release.Urgency, what release.Happening, title string) {
	t.tell(u, what, title, t.s.Why.Text)
}

func (t *turn) tell(u release.Urgency, what release.Happening, title, text string) {
	t.send(release.Notice{Urgency: u, Happening: what, Title: t.s.Release + title, Text: text})
	if !slices.ContainsFunc(t.s.Told, func(o Told) bool { return o.What == what }) {
		t.s.Told = append(slices.Clone(t.s.Told), Told{what, t.s.Now})
	}
}

// send fills in what every notice of a release has.
func (t *turn) send(n release.Notice) {
	p := &t.s.Plan
	id := t.id()
	n.ID, n.Release, n.Attempt, n.At = id.String(), t.s.Release, t.s.Attempt, t.s.Now
	n.Topic = fmt.Sprintf("%s/%d/%s", t.s.Release, t.s.Attempt, n.Happening)
	n.Service, n.Team, n.Environment, n.Step = p.Service, p.Labels[plan.TeamLabel], p.Labels[plan.EnvironmentLabel], t.s.Step+1
	n.Links, n.Runbook = p.Links, p.Runbook
	if verb, _ := Next(t.s.Phase, t.s.Why.Code); verb != "" {
		n.Next = "linnet release " + verb + " " + t.s.Release
		if asked, ok := t.s.Asked(); ok && asked.Comment && verb == string(Approve) {
			n.Next += " " + GivingReason
		}
	}
	e := Notify{Effect: id, Notice: n}
	t.s.Pending.Notices = append(slices.Clone(t.s.Pending.Notices), e)
	t.effects = append(t.effects, e)
}

// over tells that what people were told of is over. It comes after all else of a
// step. What does not last is forgotten at once.
func (t *turn) over(before []Told) {
	if len(t.s.Told) == 0 {
		return
	}
	var left []Told
	for _, o := range t.s.Told {
		title := endings[o.What]
		switch {
		case title != "" && t.lasts(o):
			left = append(left, o)
		case title != "" && slices.Contains(before, o):
			text := t.d.Reason.Text
			if text == "" {
				text = t.s.Why.Text
			}
			t.send(release.Notice{Urgency: release.Inform, Happening: o.What, Over: true, Title: t.s.Release + title, Text: text})
		}
	}
	t.s.Told = left
}

// endings are the titles that tell the end of what lasts.
var endings = map[release.Happening]string{
	release.ToldRollback:  ": recovery is verified",
	release.ToldApproval:  ": no longer waits for an answer",
	release.ToldHold:      ": no longer holds",
	release.ToldBlind:     ": there is data again",
	release.ToldProvider:  ": no longer waits for the provider",
	release.ToldNotReady:  ": no longer waits for the candidate to be ready",
	release.ToldLowered:   ": no longer held at the lowered weight",
	release.ToldTakenOver: ": no longer waits for the other release",
	release.ToldHarm:      ": the promotion is taken back",
}

// lasts tells whether what people were told of goes on.
func (t *turn) lasts(o Told) bool {
	switch inner := t.s.inner(); o.What {
	case release.ToldRollback:
		return t.s.Cause == ByEvidence && t.s.Recovered != "verified"
	case release.ToldApproval:
		_, asked := t.s.Asked() // also before it starts
		return inner == Waiting || asked
	case release.ToldHold:
		return inner == Held
	case release.ToldBlind:
		return t.s.deciding() && !t.s.DataAt.After(o.At)
	case release.ToldProvider:
		return !t.s.PagedAt.IsZero()
	case release.ToldNotReady:
		return !t.s.UnreadyAt.IsZero()
	case release.ToldLowered:
		return t.s.Phase == Held && t.s.Why.Code == release.WeightLowered
	case release.ToldTakenOver:
		return t.s.Phase == Held && t.s.Why.Code == release.Superseded
	case release.ToldHarm:
		return t.s.Cause == ""
	}
	return false
}

// GivingReason goes on a command to approve where an approval needs a reason.
const GivingReason = "--reason WHY"

// Next is the command that is useful next to somebody who looks at a release in a
// phase, for a reason: the verb of `linnet release`, and what it does. Both are
// empty where nothing is left to do.
func Next(p Phase, why release.Code) (verb, does string) {
	switch p {
	case Scheduled, Shifting, WarmingUp, Observing, Promoting:
		return "show", "shows how it goes; nothing is asked of you"
	case Waiting:
		return "approve", "lets it go on; abort takes it back"
	case Paused:
		return "resume", "lets it go on; abort takes it back"
	case Held:
		switch why {
		case release.WeightLowered, release.Superseded:
			return "resume", "takes back what somebody else set; abort ends it"
		case release.DeadlineHold:
			return "advance", "goes on without a pass, if you answer for it; abort takes it back"
		}
		return "show", "shows what it waits for; it goes on by itself, or abort takes it back"
	case Failed:
		return "show", "shows what the provider said; it tries again by itself"
	case Watching:
		return "abort", "rolls back, should it turn out bad"
	case RollingBack, Recovering:
		return "show", "shows what was found and how the rollback goes"
	case RolledBack:
		return "retry", "begins the next attempt, once the cause is mended"
	}
	return "", ""
}
