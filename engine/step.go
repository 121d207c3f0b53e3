package engine

import (
	"fmt"
	"time"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

const (
	// patience is how many times in a row a route may fail to be set before
	// people are paged.
	patience = 3
	// pageAgain is how long a provider goes on failing until people are paged
	// once more.
	pageAgain = 15 * time.Minute
	// corrections is how often a lowered weight is put right in one step.
	corrections = 3
	// missedLooks is how many intervals between looks count as watched at most;
	// a longer gap (a machine asleep, a clock set forward) is not watching.
	missedLooks = 3
	// rememberedCommands is how many ids of commands are kept against doubles.
	rememberedCommands = 50
)

// Step folds one event. It returns the next state, the one decision it led to,
// and the effects to be done, in order, once the event is in the journal. The
// state given is left as it was.
func Step(s State, e Event) (State, Decision, []Effect) {
	t := &turn{s: s}
	t.s.Seq++
	if at := e.event(); at.After(t.s.Now) {
		t.s.Now = at
	}
	t.d = Decision{Kind: Stay, Reason: release.Reason{Code: release.Quiet}}
	switch e := e.(type) {
	case Started:
		t.started(e)
	case Looked:
		t.looked(e)
	case Acknowledged:
		t.acknowledged(e)
	case Commanded:
		t.commanded(e)
	}
	t.over(s.Told)
	t.d.At, t.d.Phase, t.d.Weight = t.s.Now, t.s.Phase, CandidateWeight(t.s.Route)
	t.d.Step = t.s.Step + 1
	return t.s, t.d, t.effects
}

// turn is one step being worked out.
type turn struct {
	s       State
	d       Decision
	effects []Effect
	// cap is the weight that the harm budget allows of the next step; 0 for all
	// of it.
	cap release.Weight
}

// CandidateWeight returns the weight of all arms but the first.
func CandidateWeight(r release.Route) release.Weight {
	w := release.Weight(0)
	for i, a := range r.Weights {
		if i > 0 {
			w += a.Weight
		}
	}
	return w
}

// Over tells whether a release has ended and nothing is left to do.
func (s State) Over() bool {
	return (s.Phase == Promoted || s.Phase == RolledBack) && s.Pending.Route == nil
}

// deciding tells whether the release is before its promotion or rollback.
func (s State) deciding() bool {
	switch s.inner() {
	case Promoting, Watching, RollingBack, Recovering, Promoted, RolledBack:
		return false
	}
	return true
}

// inner is the phase behind Paused, Held and Failed.
func (s State) inner() Phase {
	if (s.Phase == Paused || s.Phase == Failed || s.Phase == Held) && s.Before != "" {
		return s.Before
	}
	return s.Phase
}

// next is the index of the step after the present one.
func (s State) next() int { return s.Step + 1 }

func (s State) step() plan.Step {
	if s.Step < 0 || s.Step >= len(s.Plan.Steps) {
		return plan.Step{}
	}
	return s.Plan.Steps[s.Step]
}

func (t *turn) started(e Started) {
	if t.s.Seq != 1 {
		t.refuse("the release has started already")
		return
	}
	p := e.Plan
	t.s = State{
		Release: p.Name, Attempt: e.Attempt, Plan: p, Salt: e.Salt, Epoch: e.Epoch, Methods: e.Methods, Author: e.By,
		Seq: t.s.Seq, Now: e.At, StartedAt: e.At, Step: Withdrawn, Served: true, DataAt: e.At,
	}
	t.s.Route = t.route(0, 0)
	if e.Glass != "" {
		defer t.tell(release.Page, release.ToldGlass, " begins past the guard rails", e.Glass) // after its routes
	}
	if p.StartAt.After(e.At) {
		t.phase(Scheduled, release.NotYet, t.s.startsAt())
		t.decide(Start)
		if _, asked := t.s.asked(); asked {
			t.notify(release.Inform, release.ToldApproval, " asks for approval")
		}
		return
	}
	t.begin()
}

// begin goes to the first step.
func (t *turn) begin() {
	t.climb(Start, release.Reason{Code: release.Begun, Text: "the release begins"})
}

// climb goes to the next step, or promotes after the last. An approval that
// the next step needs is asked first.
func (t *turn) climb(kind DecisionKind, why release.Reason) {
	next := t.s.target()
	if next >= len(t.s.Plan.Steps) {
		t.promote(why)
		return
	}
	if g, closed := t.s.closed(next); closed {
		t.ask(g, why)
		return
	}
	t.shift(kind, next, why)
}

// shift records a step's weight and asks for it to be set.
func (t *turn) shift(kind DecisionKind, step int, why release.Reason) {
	if step != t.s.Step || kind == Forward {
		t.s.Capped = t.cap
	}
	t.s.Step, t.s.Waived = step, 0
	t.s.Watched, t.s.Clock = 0, 0
	t.phase(Shifting, why.Code, why.Text)
	t.setRoute(t.weightOf(step))
	t.decide(kind)
}

func (t *turn) weightOf(step int) release.Weight {
	if step < 0 {
		return 0
	}
	if step == t.s.Step && t.s.Capped > 0 {
		return t.s.Capped
	}
	return t.s.Plan.Steps[step].Weight
}

func (t *turn) promote(why release.Reason) {
	t.s.DecidedAt = t.s.Now
	t.phase(Promoting, release.AllPassed, "after the last step all traffic goes to the candidate: "+why.Text)
	t.s.Decided = t.s.Why
	t.setRoute(release.Whole)
	t.decide(Promote)
	t.notify(release.Inform, release.ToldPromotion, " is promoted")
}

// setRoute records a weight of the candidate and asks for it. It replaces a
// route that is still unacknowledged. A weight set by hand may be finer than the
// provider's grain, and is rounded down. The end of a release holds without lease.
func (t *turn) setRoute(w release.Weight) {
	w = t.settable(w)
	lease := t.s.Plan.Lease
	if !t.s.deciding() && (w == 0 || w == release.Whole) {
		lease = 0
	}
	t.s.Route = t.route(w, lease)
	t.s.Served = false
	t.s.Tries = 0
	e := SetRoute{Effect: t.id(), Route: t.s.Route}
	t.s.Pending.Route = &e
	t.effects = append(t.effects, e)
}

func (t *turn) route(w release.Weight, lease time.Duration) release.Route {
	weights := make([]release.ArmWeight, 0, len(t.s.Plan.Arms))
	for i, a := range t.s.Plan.Arms {
		share := release.Weight(0)
		switch i {
		case 0:
			share = release.Whole - w
		case 1:
			share = w
		}
		weights = append(weights, release.ArmWeight{Arm: a.Name, Weight: share})
	}
	route := release.Route{
		Service: t.s.Plan.Service, Weights: weights, Salt: t.s.Salt, Lease: lease,
		Epoch: t.s.Epoch + t.s.Seq, Owner: fmt.Sprintf("%s/%d", t.s.Release, t.s.Attempt),
	}
	if w > 0 && t.s.deciding() {
		route.Testers, route.Sticky, route.Mirror = t.s.Plan.Testers, t.s.Plan.Sticky, t.s.Plan.Mirror
	}
	return route
}

// settable is the next lower weight that the provider can set.
func (t *turn) settable(w release.Weight) release.Weight {
	grain := max(t.s.Plan.Grain, 1)
	return w / grain * grain
}

func (t *turn) id() EffectID {
	return EffectID{Release: t.s.Release, Attempt: t.s.Attempt, Seq: t.s.Seq, Index: len(t.effects)}
}

// String prints an effect's id: name/attempt/sequence/index.
func (id EffectID) String() string {
	return fmt.Sprintf("%s/%d/%d/%d", id.Release, id.Attempt, id.Seq, id.Index)
}

// aside moves to a phase that keeps the present one behind it, to go back to.
func (t *turn) aside(p Phase, code release.Code, text string) {
	t.s.Before, t.s.BeforeWhy = t.s.inner(), t.s.Why
	t.phase(p, code, text)
}

// phase moves to a phase for a reason.
func (t *turn) phase(p Phase, code release.Code, text string) {
	t.s.Phase = p
	t.s.Why = release.Reason{Code: code, Text: text}
}

// decide names what was decided, with the reason of the phase.
func (t *turn) decide(kind DecisionKind) {
	t.d.Kind, t.d.Reason = kind, t.s.Why
}

func (t *turn) refuse(text string) {
	t.d.Kind = Refuse
	t.d.Reason = release.Reason{Code: release.Refused, Text: text}
}

// config is what the judge works by.
func (t *turn) config() judge.Config {
	p := &t.s.Plan
	return judge.Config{
		Metrics: p.Metrics, FalseRollback: p.FalseRollback, Share: p.Share, HarmBudget: p.HarmBudget, Methods: t.s.Methods,
	}
}

// Percent prints a weight as people write it: 10 %, 0.01 %.
func Percent(w release.Weight) string {
	return fmt.Sprintf("%g %%", float64(w)/1000)
}
