package engine

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// whatMustHold holds every step of a random story to the rules that no event
// may break.
func whatMustHold(t *rapid.T, w *world, e Event, was State, d Decision, effects []Effect) {
	before, after := CandidateWeight(was.Route), CandidateWeight(w.s.Route)
	if after > before && !(w.s.Over() && d.Reason.Code == release.Superseded) { // that end is recorded, not asked for
		mayRise(t, w, e, was, d)
	}
	if w.s.Now.Before(was.Now) {
		t.Fatalf("time went back from %v to %v", was.Now, w.s.Now)
	}
	if most := missedLooks * w.s.Plan.Every; w.s.Watched > was.Watched+most || w.s.Clock > was.Clock+most {
		t.Fatalf("one look counted as %v watched", w.s.Watched-was.Watched)
	}
	effectsInOrder(t, w, was, effects)
	if look, ok := e.(Looked); ok {
		afterLook(t, w, look, was, d)
	} else if d.Kind == RollBack {
		if c, ok := e.(Commanded); !ok || c.Verb != Abort && c.Verb != Reject {
			t.Fatalf("%T rolled back", e)
		}
	}
	if d.Reason.Code == "" || d.Reason.Text == "" && d.Kind != Stay {
		t.Fatalf("decision %s without a reason: %+v", d.Kind, d.Reason)
	}
	if w.s.Over() && (w.s.Route.Lease != 0 && !w.s.Exposed.IsZero() || after != 0 && after != release.Whole) {
		t.Fatalf("ended on %+v", w.s.Route)
	}
}

// mayRise: evidence, a person, a deadline that says go, the start, or climbing
// again from the first step; and never after harm.
func mayRise(t *rapid.T, w *world, e Event, was State, d Decision) {
	after := CandidateWeight(w.s.Route)
	if was.Harmed || w.s.Harmed || was.Cause != "" {
		t.Fatalf("the weight rose to %s after a rollback was decided", Percent(after))
	}
	if w.lowered && d.Kind != Continue {
		t.Fatalf("the weight rose to %s though somebody had lowered it", Percent(after))
	}
	pastApprovals(t, w, was)
	first := after <= w.s.Plan.Steps[0].Weight
	switch e := e.(type) {
	case Started:
		if d.Kind == Start && first {
			return
		}
	case Commanded:
		if (d.Kind == Forward || d.Kind == Continue || d.Kind == Promote) && e.Verb != Pause && e.Verb != Abort {
			return
		}
	case Looked:
		switch {
		case d.Kind == Start && was.Phase == Scheduled && first && !w.s.Now.Before(was.Plan.StartAt):
			return
		case d.Kind == Continue && was.Step == Withdrawn && first && d.Verdict != nil && (!d.Verdict.Blind || was.Dark && !d.Verdict.Dark):
			return
		case d.Kind == Forward || d.Kind == Promote:
			st := was.step()
			since := was.ServedAt
			if was.LookedAt.After(since) {
				since = was.LookedAt
			}
			added := min(w.s.Now.Sub(since), missedLooks*was.Plan.Every)
			soaked := was.Watched+added >= st.AtLeast && !e.Window.To.Before(was.ServedAt.Add(st.AtLeast))
			if d.Verdict.Outcome == judge.Pass && d.Verdict.Fresh && soaked {
				return
			}
			if st.AtDeadline == plan.Go && was.Clock+added >= st.AtMost && d.Verdict.Fresh {
				return
			}
		}
	}
	t.Fatalf("%T raised the weight to %s by %s (%+v) in phase %s, step %d", e, Percent(after), d.Kind, d.Reason, was.Phase, was.Step)
}

// pastApprovals: whatever raised the weight to another step, the people that the
// step asks for had said yes, lately enough. It counts them anew, from the story.
func pastApprovals(t *rapid.T, w *world, was State) {
	if w.s.Step < 0 || w.s.Step >= len(w.s.Plan.Steps) || w.s.Step == was.Step && was.Capped == 0 || w.s.Phase != Shifting {
		return
	}
	asked := []release.Approval{w.s.Plan.Steps[w.s.Step].Approval}
	if CandidateWeight(was.Route) == 0 && w.s.Step == 0 {
		asked = append(asked, w.s.Plan.Approval)
	}
	for _, a := range asked {
		if a.From != "" && a.Quorum > 0 && !w.said(a) {
			t.Fatalf("step %d was entered without %+v", w.s.Step+1, a)
		}
	}
}

// said tells whether enough people gave an approval that counts, going by the
// orders alone.
func (w *world) said(a release.Approval) bool {
	people := map[string]bool{}
	now := noon
	var at []time.Time // as the release takes the time
	for _, e := range w.events {
		if When(e).After(now) {
			now = When(e)
		}
		at = append(at, now)
	}
	for i, e := range w.events {
		c, ok := e.(Commanded)
		if !ok || c.Verb != Approve && c.Verb != Advance || a.Expires > 0 && now.Sub(at[i]) >= a.Expires || a.Comment && c.Reason == "" {
			continue
		}
		if c.Glass != "" && c.Glass != c.Who {
			return true
		}
		if slices.Contains(c.Groups, Anybody) || slices.Contains(c.Groups, a.From) && c.Who != author {
			people[c.Who] = true
		}
	}
	return len(people) >= int(a.Quorum)
}

// unwatched is the part of the time since the last look that counts for nothing.
func unwatched(was State, now time.Time) time.Duration {
	since := was.ServedAt
	if was.LookedAt.After(since) {
		since = was.LookedAt
	}
	if !was.Served || was.ServedAt.IsZero() {
		return 0
	}
	return max(0, now.Sub(since)-missedLooks*was.Plan.Every)
}

// afterLook: harm rolls back at once, blindness steps back under its name, and
// a weight that is too high is put right.
func afterLook(t *rapid.T, w *world, look Looked, was State, d Decision) {
	fails := d.Verdict != nil && d.Verdict.Outcome == judge.Fail
	if d.Kind == RollBack && !fails && was.Cause == "" {
		t.Fatalf("a look without a fail rolled back: %+v", d.Reason)
	}
	if fails && was.deciding() && !(d.Kind == RollBack && w.s.Harmed) {
		t.Fatalf("a fail in phase %s led to %s", was.Phase, d.Kind)
	}
	arrived := was.Pending.Route != nil && w.s.Pending.Route == nil // told first; the next look steps back
	if d.Verdict != nil && d.Verdict.Blind && !fails && !arrived && was.deciding() && CandidateWeight(was.Route) > 0 &&
		w.s.Now.Sub(was.DataAt)-unwatched(was, w.s.Now) >= was.Plan.BlindFor {
		switch d.Reason.Code {
		case release.Blind, release.LeaseLapsed, release.WeightLowered, release.WeightRaised, release.Superseded:
		default:
			t.Fatalf("blind since %v at %v led to %s (%+v)", was.DataAt, w.s.Now, d.Kind, d.Reason)
		}
	}
	if wake := was.Wake(); !wake.IsZero() && !w.s.Now.Before(wake) && w.s.Wake().Equal(wake) {
		t.Fatalf("woken at %v in phase %s for nothing", wake, was.Phase)
	}
	if look.Seen == nil || fails || was.Pending.Route != nil || was.Phase == Scheduled || was.Over() || w.s.Why.Code == release.Superseded {
		return
	}
	highest := CandidateWeight(look.Seen.Route)
	for _, p := range look.Seen.Parts {
		highest = max(highest, CandidateWeight(release.Route{Weights: p.Weights}))
	}
	if highest > CandidateWeight(was.Route) && w.s.Pending.Route == nil {
		t.Fatalf("seen %s, recorded %s, and nothing was done", Percent(CandidateWeight(look.Seen.Route)), Percent(CandidateWeight(was.Route)))
	}
}

// effectsInOrder: ids and epochs rise, routes are whole and come before
// notices, the last route is pending, and only ends are without lease.
func effectsInOrder(t *rapid.T, w *world, was State, effects []Effect) {
	told := false
	for i, e := range effects {
		if want := (EffectID{w.s.Release, w.s.Attempt, w.s.Seq, i}); e.ID() != want {
			t.Fatalf("effect %v, expected id %v", e.ID(), want)
		}
		switch e := e.(type) {
		case Notify:
			told = true
			if e.Notice.ID != e.Effect.String() || e.Notice.Title == "" || e.Notice.Text == "" {
				t.Fatalf("notice %+v", e.Notice)
			}
		case SetRoute:
			if told {
				t.Fatal("people are told before the traffic moves")
			}
			routeIsSound(t, w, e.Route)
			if weight := CandidateWeight(e.Route); w.s.Cause != "" && weight > was.ServedWeight {
				t.Fatalf("on the way down %s is asked for, and %s is known to be served", Percent(weight), Percent(was.ServedWeight))
			}
			w.last = &e
		}
	}
	if w.s.Pending.Route == nil {
		w.last = nil
	} else if w.last == nil || w.last.Effect != w.s.Pending.Route.Effect {
		t.Fatalf("pending %+v, asked for last %+v", w.s.Pending.Route, w.last)
	}
	gone := w.s.Why.Code == release.Superseded || w.s.Why.Code == release.WeightLowered // somebody else wrote since
	if p := was.Pending.Route; p != nil && w.s.Pending.Route == nil {
		gone = gone || w.s.Served && w.s.ServedWeight == CandidateWeight(p.Route) // seen to be served
	}
	if was.Pending.Route != nil && w.s.Pending.Route == nil && !w.acknowledged && !gone {
		t.Fatal("a route is no longer pending and nobody acknowledged it")
	}
}

func routeIsSound(t *rapid.T, w *world, r release.Route) {
	sum := release.Weight(0)
	for _, a := range r.Weights {
		sum += a.Weight
	}
	if sum != release.Whole {
		t.Fatalf("weights sum to %d: %+v", sum, r)
	}
	if grain := max(w.s.Plan.Grain, 1); CandidateWeight(r)%grain != 0 {
		t.Fatalf("%s cannot be set by a provider with grain %d", Percent(CandidateWeight(r)), grain)
	}
	asks := r.Testers != release.Testers{} || r.Mirror > 0
	if exposed := CandidateWeight(r) > 0 && w.s.deciding(); asks != (exposed && w.s.Plan.Mirror > 0) {
		t.Fatalf("in phase %s at %s the route asks for %+v and %d", w.s.Phase, Percent(CandidateWeight(r)), r.Testers, r.Mirror)
	}
	if r.Epoch <= w.epoch {
		t.Fatalf("epoch %d after %d", r.Epoch, w.epoch)
	}
	w.epoch = r.Epoch
	weight := CandidateWeight(r)
	end := weight == release.Whole || weight == 0 && !w.s.deciding()
	switch {
	case end && r.Lease != 0:
		t.Fatalf("%s for good has a lease", Percent(weight))
	case !end && r.Lease != w.s.Plan.Lease:
		t.Fatalf("%s in phase %s without lease", Percent(weight), w.s.Phase)
	}
}

func TestWhatMustHoldOverRandomStories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := begin(t)
		for range rapid.IntRange(1, 80).Draw(t, "events") {
			w.random(t)
		}
		w.replays(t)
		aborted := w.s.Cause != ""
		w.goodWorld(t)
		if w.s.Phase != Promoted != aborted {
			t.Fatalf("in a good world it ended %s (rolled back before: %v)", w.s.Phase, aborted)
		}
	})
}

// A release that is harmed reaches zero and ends, whatever else comes, as soon
// as the provider answers: no metrics are needed.
func TestAfterAFailItReachesZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := begin(t)
		for range rapid.IntRange(0, 40).Draw(t, "events") {
			w.random(t)
		}
		for range 200 {
			if w.s.Cause != "" || w.s.Phase == Watching || w.s.Over() {
				break
			}
			w.settle(t)
			w.look(t, bad, w.recorded())
		}
		for range rapid.IntRange(0, 30).Draw(t, "more events") {
			w.random(t)
		}
		if !w.s.Harmed {
			return
		}
		for i := 0; !w.s.Over(); i++ {
			if i > 500 {
				t.Fatalf("stuck %s at %s", w.s.Phase, Percent(CandidateWeight(w.s.Route)))
			}
			w.acknowledge(t, nil)
			w.at = w.s.Now.Add(w.s.Plan.Every)
			w.look(t, nothing, w.recorded())
		}
		if CandidateWeight(w.s.Route) != 0 || w.s.Phase != RolledBack {
			t.Fatalf("ended %s at %s", w.s.Phase, Percent(CandidateWeight(w.s.Route)))
		}
	})
}

// Whatever a broken monitor shows, or does not, is no harm; nor is it a pass.
func TestABrokenMonitorIsNotABrokenCanary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		for i := range p.Steps {
			p.Steps[i].AtDeadline = plan.Ask // "go" goes on an idle service
		}
		w := start(t, p)
		for range rapid.IntRange(1, 80).Draw(t, "looks") {
			w.acknowledge(t, nil)
			w.at = w.at.Add(rapid.SampledFrom(jumps).Draw(t, "time"))
			w.look(t, rapid.SampledFrom([]sight{nothing, problems, idle, baselineOnly, candidateOnly}).Draw(t, "sight"), w.recorded())
			if w.s.Cause != "" || w.s.Phase == Promoting {
				t.Fatalf("%s without any evidence", w.s.Phase)
			}
		}
	})
}

func TestDoublesChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := begin(t)
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			w.random(t)
			last := w.events[len(w.events)-1]
			switch e := last.(type) {
			case Commanded:
			case Acknowledged:
				if e.Failure != nil {
					continue // failing again is news
				}
			default:
				continue
			}
			was := w.s
			w.step(t, last)
			was.Seq, was.Now = w.s.Seq, w.s.Now
			if text(t, was) != text(t, w.s) {
				t.Fatalf("%+v twice changed something", last)
			}
		}
	})
}

func (w *world) replays(t *rapid.T) {
	at := rapid.IntRange(0, len(w.events)-1).Draw(t, "snapshot")
	var s State
	for i, e := range w.events {
		s, _, _ = Step(s, e)
		if i == at {
			s = reread(t, s)
		}
	}
	if text(t, s) != text(t, w.s) {
		t.Fatalf("replayed:\n%s\nlived:\n%s", text(t, s), text(t, w.s))
	}
}

func reread(t *rapid.T, s State) (out State) {
	if err := json.Unmarshal([]byte(text(t, s)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func text(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("not to be snapshotted: %v", err)
	}
	return string(b)
}

// A clock set back makes Linnet look at the same window again.
func TestTheSameTrafficCountsOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := begin(t)
		for range rapid.IntRange(1, 20).Draw(t, "events") {
			w.random(t)
		}
		w.settle(t)
		w.look(t, good, w.recorded())
		again := w.events[len(w.events)-1].(Looked)
		empty := again
		empty.Observations = nil
		one, _, _ := Step(w.s, again)
		other, _, _ := Step(w.s, empty)
		if text(t, one.Judge) != text(t, other.Judge) {
			t.Fatal("the same window counted twice")
		}
	})
}

func TestTheCommandListStaysShort(t *testing.T) {
	s, _, _ := Step(State{}, Started{At: noon, Attempt: 1, Plan: plan.Plan{Name: "r", Arms: arms, Steps: []plan.Step{{Weight: 1000}}}})
	for i := range 3 * rememberedCommands {
		s, _, _ = Step(s, Commanded{At: noon, ID: string(rune('a' + i)), Verb: "dance", Who: "ann"})
	}
	if len(s.DoneCommands) != rememberedCommands || !slices.Contains(s.DoneCommands, string(rune('a'+3*rememberedCommands-1))) {
		t.Errorf("remembers %d commands, expected the last %d", len(s.DoneCommands), rememberedCommands)
	}
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
