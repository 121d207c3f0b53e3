package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// Vote is an approval that somebody gave, or an advance that counts as one.
type Vote struct {
	// Gate is what it is for: 0 the release as a whole, else the step, from 1.
	Gate   int
	Who    string
	At     time.Time
	Reason string
	// Whole says that it stands for as many as are asked: the glass was broken.
	Whole bool
}

// gate is an approval that is asked on the way to a step.
type gate struct {
	number int // as in Vote
	release.Approval
	step string // what it is asked for, in words
}

// gates are those on the way to a step, in the order they are asked. That of the
// whole release stands before the first weight.
func (s State) gates(next int) []gate {
	var out []gate
	if next >= len(s.Plan.Steps) {
		return nil
	}
	if a := s.Plan.Approval; a.From != "" && next == 0 && CandidateWeight(s.Route) == 0 {
		out = append(out, gate{0, a, "the release"})
	}
	if st := s.Plan.Steps[next]; st.Approval.From != "" {
		out = append(out, gate{next + 1, st.Approval, fmt.Sprintf("step %d (%s)", next+1, Percent(st.Weight))})
	}
	return out
}

// closed is the first gate on the way to a step whose approvals are not all
// there.
func (s State) closed(next int) (gate, bool) {
	for _, g := range s.gates(next) {
		if s.missing(g) > 0 {
			return g, true
		}
	}
	return gate{}, false
}

// votes are the approvals of a gate that count now, in the order they came.
func (s State) votes(g gate) []Vote {
	return slices.DeleteFunc(slices.Clone(s.Votes), func(v Vote) bool { return v.Gate != g.number || s.expired(g, v) })
}

func (s State) expired(g gate, v Vote) bool {
	return g.Expires > 0 && s.Now.Sub(v.At) >= g.Expires
}

// missing is how many approvals a gate lacks.
func (s State) missing(g gate) int {
	votes := s.votes(g)
	if slices.ContainsFunc(votes, func(v Vote) bool { return v.Whole }) {
		return 0
	}
	return max(0, max(1, int(g.Quorum))-len(votes))
}

// voters names who gave the approvals that count.
func (s State) voters(g gate) string {
	var names []string
	for _, v := range s.votes(g) {
		names = append(names, v.Who)
	}
	return and(names)
}

// and joins names: ann, bob and eve.
func and(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// asks says what a gate needs, and how it is given.
func (s State) asks(g gate) string {
	text := g.step + " needs an approval from " + g.From
	if g.Quorum > 1 {
		text = fmt.Sprintf("%s needs %d approvals from %s", g.step, g.Quorum, g.From)
	}
	if given := s.voters(g); given != "" {
		text += fmt.Sprintf(", %d given by %s", len(s.votes(g)), given)
	}
	how := "linnet release approve " + s.Release
	if g.Comment {
		how += " " + GivingReason
	}
	return text + " (`" + how + "`)"
}

// startsAt says when a release starts, and what it needs until then.
func (s State) startsAt() string {
	text := "it starts at " + s.Plan.StartAt.UTC().Format(time.RFC3339)
	if g, closed := s.closed(0); closed && g.number == 0 {
		text += ", and " + s.asks(g)
	}
	return text
}

// ask waits for the approvals of a gate, and tells those who can give them.
// Approvals that have expired are gone, and said to be.
func (t *turn) ask(g gate, why release.Reason) {
	text := ": " + why.Text
	if gone := t.forget(g); gone != "" {
		text = "; " + gone + text
	}
	t.phase(Waiting, release.NeedsApproval, t.s.asks(g)+text)
	t.decide(Await)
	t.notify(release.Inform, release.ToldApproval, " asks for approval")
}

// forget drops a gate's approvals that have expired, and names them.
func (t *turn) forget(g gate) string {
	var gone []string
	t.s.Votes = slices.DeleteFunc(slices.Clone(t.s.Votes), func(v Vote) bool {
		old := v.Gate == g.number && t.s.expired(g, v)
		if old {
			gone = append(gone, v.Who)
		}
		return old
	})
	if len(gone) == 0 {
		return ""
	}
	return fmt.Sprintf("what %s approved has expired after %s", and(gone), g.Expires)
}

// askAgain asks once more where an approval that was given has expired while
// others were waited for. It says whether it did.
func (t *turn) askAgain() bool {
	g, closed := t.s.closed(t.s.target())
	if !closed || t.s.Why.Code != release.NeedsApproval {
		return false
	}
	gone := t.forget(g)
	if gone != "" {
		t.ask(g, release.Reason{Text: gone})
	}
	return gone != ""
}

// asked is the gate at which people can say something now, with whether its
// approvals are still missing. A release that starts later takes the approval of
// the whole before.
func (s State) asked() (gate, bool) {
	if s.Phase == Scheduled {
		g, closed := s.closed(0)
		return g, closed && g.number == 0
	}
	return s.closed(s.target())
}

// Asked is the approval that a release waits for.
type Asked struct {
	// Gate is 0 for the release as a whole, else the step, from 1.
	Gate int
	release.Approval
	// Missing is how many more are needed.
	Missing int
	Given   []Vote
}

// Asked tells which approval people can give now; false where none is asked, or
// where anybody may answer (at a deadline).
func (s State) Asked() (Asked, bool) {
	g, ok := s.asked()
	if s.inner() != Waiting && s.Phase != Scheduled || !ok {
		return Asked{}, false
	}
	return Asked{Gate: g.number, Approval: g.Approval, Missing: s.missing(g), Given: s.votes(g)}, true
}

// mayVote says why somebody's approval does not count; "" where it does.
func (t *turn) mayVote(g gate, e Commanded) string {
	local := slices.Contains(e.Groups, Anybody)
	switch {
	case e.Glass != "" && e.Glass == e.Who:
		return "the second person who breaks the glass must be another than " + e.Who
	case g.Comment && strings.TrimSpace(e.Reason) == "":
		return "an approval of " + g.step + " needs a reason (`--reason`)"
	case e.Glass != "" || g.Quorum == 0 || local:
		return ""
	case !slices.Contains(e.Groups, g.From):
		return e.Who + " is not of " + g.From + ", who are asked for " + g.step
	case e.Who == t.s.Author:
		return e.Who + " began this release, and the author's own approval does not count"
	}
	return ""
}

// vote counts an approval. A second one of the same person takes the place of the
// first.
func (t *turn) vote(g gate, e Commanded) {
	v := Vote{Gate: g.number, Who: e.Who, At: t.s.Now, Reason: e.Reason, Whole: e.Glass != ""}
	t.s.Votes = slices.Clone(t.s.Votes)
	if i := slices.IndexFunc(t.s.Votes, func(o Vote) bool { return o.Gate == v.Gate && o.Who == v.Who }); i >= 0 {
		t.s.Votes[i] = v
		return
	}
	t.s.Votes = append(t.s.Votes, v)
}

// approve answers a wait for approval. Where the step before has evidence to
// go by, the weight still moves on a fresh pass only.
func (t *turn) approve(e Commanded) {
	g, closed := t.s.asked()
	early := t.s.Phase == Scheduled && closed
	if t.s.Phase != Waiting && !early {
		t.refuse("it does not wait for an approval: it is " + string(t.s.Phase))
		return
	}
	why := release.Reason{Code: release.Approved, Text: said(e, "approved")}
	if closed {
		if no := t.mayVote(g, e); no != "" {
			t.refuse(no)
			return
		}
		t.vote(g, e)
		if g.Quorum > 1 && t.s.missing(g) == 0 {
			why.Text += fmt.Sprintf("; approved by %s", t.s.voters(g))
		}
		if e.Glass != "" {
			why.Text += "; the glass was broken, and " + e.Glass + " agreed"
			defer t.tell(release.Page, release.ToldGlass, ": the glass was broken", why.Text)
		}
		if early || t.s.missing(g) > 0 {
			t.count(g, why)
			return
		}
	}
	t.goOn(why)
}

// count notes an approval, or one that is taken back, that moves nothing yet.
func (t *turn) count(g gate, why release.Reason) {
	switch {
	case t.s.Phase == Scheduled:
		t.s.Why.Text = t.s.startsAt()
	case t.s.Phase == Waiting && t.s.Why.Code == release.NeedsApproval:
		t.s.Why.Text = t.s.asks(g)
	}
	if t.s.missing(g) > 0 {
		why.Text += "; " + t.s.asks(g)
	} else {
		why.Text += "; " + t.s.startsAt()
	}
	t.d.Kind, t.d.Reason = Counted, why
}

// goOn follows the last approval that was missing.
func (t *turn) goOn(why release.Reason) {
	asked := t.s.Why.Code == release.DeadlineAsk
	recent := t.s.Now.Sub(t.s.LookedAt) <= missedLooks*t.s.Plan.Every
	passes := recent && t.s.Last.Outcome == judge.Pass && t.s.Last.Fresh && !t.s.Last.Warns
	switch {
	case t.s.Step == Withdrawn || t.s.Waived == t.s.target()+1:
		t.climb(Forward, why)
	case asked || passes:
		t.proceed(why)
	default:
		why.Text += "; the weight moves with the next fresh pass"
		t.s.Phase, t.s.Why = Observing, why
		t.decide(Continue)
	}
}

// reject ends the release, as one of those who are asked says.
func (t *turn) reject(e Commanded) {
	g, closed := t.s.asked()
	early := t.s.Phase == Scheduled && closed
	switch {
	case t.s.Phase != Waiting && !early:
		t.refuse("it does not wait for an approval: it is " + string(t.s.Phase) + "; `linnet release abort " + t.s.Release + "` ends it")
		return
	case strings.TrimSpace(e.Reason) == "":
		t.refuse("to reject it, say why (`--reason`)")
		return
	case closed && g.Quorum > 0 && !slices.Contains(e.Groups, Anybody) && !slices.Contains(e.Groups, g.From):
		t.refuse(e.Who + " is not of " + g.From + ", who are asked; `linnet release abort " + t.s.Release + "` ends it")
		return
	}
	t.leave(release.Reason{Code: release.Rejected, Text: said(e, "rejected it")})
}

// retract takes back what somebody approved, until the weight it is for is set.
func (t *turn) retract(e Commanded) {
	next := t.s.target()
	if t.s.Phase == Scheduled {
		next = 0
	}
	if !t.s.deciding() {
		t.refuse("there is nothing to take back: it is " + string(t.s.Phase))
		return
	}
	for _, g := range t.s.gates(next) {
		if !slices.ContainsFunc(t.s.votes(g), func(v Vote) bool { return v.Who == e.Who }) {
			continue
		}
		t.s.Votes = slices.DeleteFunc(slices.Clone(t.s.Votes), func(v Vote) bool { return v.Gate == g.number && v.Who == e.Who })
		t.count(g, release.Reason{Code: release.Retracted, Text: said(e, "took the approval back")})
		return
	}
	t.refuse(e.Who + " has given no approval that the next weight waits for; `linnet release pause " + t.s.Release + "` stays where it is")
}
