package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// drifted is what two routers serve of which somebody edited one.
func (t *tale) drifted(eu, us release.Weight) *release.Seen {
	seen := &release.Seen{Route: t.s.route(min(eu, us)), Writers: []string{"kubectl-edit"}}
	seen.Parts = []release.Part{{Name: "eu", Weights: t.s.route(eu).Weights}, {Name: "us", Weights: t.s.route(us).Weights}}
	return seen
}

func (t *tale) says(tt *testing.T, code release.Code, words ...string) {
	tt.Helper()
	if t.d.Reason.Code != code {
		tt.Errorf("reason %+v, expected %s", t.d.Reason, code)
	}
	for _, w := range words {
		if !strings.Contains(t.d.Reason.Text, w) {
			tt.Errorf("reason %q does not say %q", t.d.Reason.Text, w)
		}
	}
}

// One of several routers that was lowered takes the others down with it; one
// that was raised is put right.
func TestRoutersThatDiffer(t *testing.T) {
	lowered := newTale(plan.Plan{})
	lowered.served()
	lowered.look(good, lowered.drifted(50_000, 10_000))
	lowered.says(t, release.WeightLowered, "50 % in eu", "10 % in us", "kubectl-edit")
	if p := lowered.s.Pending.Route; lowered.s.Phase != Held || p == nil || CandidateWeight(p.Route) != 10_000 {
		t.Errorf("%s, %+v", lowered.s.Phase, p)
	}
	raised := newTale(plan.Plan{})
	raised.served()
	raised.look(good, raised.drifted(50_000, 60_000))
	raised.says(t, release.WeightRaised, "60 % in us", "kubectl-edit")
	if p := raised.s.Pending.Route; p == nil || CandidateWeight(p.Route) != 50_000 {
		t.Errorf("asked for %+v", p)
	}
}

// What no look has seen served is not told as somebody's doing alone: a provider
// may say yes and do nothing.
func TestAWeightThatNeverCame(t *testing.T) {
	never := newTale(plan.Plan{})
	never.served()
	never.look(good, &release.Seen{Route: never.s.route(0)})
	never.says(t, release.WeightLowered, "50 % was set and 0 % is served", "the provider did not do it")
	later := newTale(plan.Plan{})
	later.served()
	later.look(good, &release.Seen{Route: later.s.route(50_000)})
	later.look(good, &release.Seen{Route: later.s.route(0)})
	later.says(t, release.WeightLowered, "somebody lowered the weight from 50 % to 0 %")
}

// A route that reached only one of several routers stays asked for.
func TestARouteThatArrivedInPart(t *testing.T) {
	s := newTale(plan.Plan{})
	s.fails(time.Second)
	seen := s.drifted(50_000, 0)
	s.look(good, seen)
	if p := s.s.Pending.Route; p == nil || CandidateWeight(p.Route) != 50_000 || s.s.Phase != Shifting {
		t.Errorf("%s, %+v: %+v", s.s.Phase, p, s.d.Reason)
	}
}

// A lowered weight is put right where the file says so, three times; then it is
// respected, so that two tools do not fight for ever.
func TestALoweredWeightIsPutRight(t *testing.T) {
	s := newTale(plan.Plan{CorrectLowered: true, Steps: []plan.Step{{Weight: 50_000, AtLeast: time.Hour}}})
	s.served()
	for range corrections {
		s.look(good, &release.Seen{Route: s.s.route(20_000), Writers: []string{"argocd-controller"}})
		s.says(t, release.WeightLowered, "20 %", "50 %", "argocd-controller")
		if s.d.Kind != Correct || s.s.Pending.Route == nil {
			t.Fatalf("decided %s", s.d.Kind)
		}
		s.served()
	}
	s.look(good, &release.Seen{Route: s.s.route(20_000)})
	if s.s.Phase != Held || s.s.Pending.Route != nil {
		t.Errorf("after %d times: %s, %+v", corrections, s.s.Phase, s.s.Pending.Route)
	}
}

// On the way down a lowered weight is welcome, whatever the file says.
func TestALoweredWeightOnTheWayDown(t *testing.T) {
	s := newTale(plan.Plan{CorrectLowered: true, RollbackOver: 10 * time.Minute})
	s.served()
	s.look(bad, &release.Seen{Route: s.s.Route})
	s.served()
	was := CandidateWeight(s.s.Route)
	s.look(good, &release.Seen{Route: s.s.route(was / 2)})
	if p := s.s.Pending.Route; p == nil || CandidateWeight(p.Route) != 0 {
		t.Errorf("from %s: asked for %+v", Percent(was), p)
	}
}

// A provider that would take a late writer's weights is read back for a while
// after the end, though nobody wants the end watched.
func TestReadBackAfterTheEnd(t *testing.T) {
	s := newTale(plan.Plan{ReadBack: 10 * time.Minute})
	s.s.Plan.Recovery = 0
	s.served()
	s.order(Abort)
	s.served()
	for s.at.Sub(s.s.EndedAt) < 9*time.Minute {
		s.look(nothing, &release.Seen{Route: s.s.Route})
	}
	s.look(nothing, &release.Seen{Route: s.s.route(20_000)})
	s.says(t, release.WeightRaised, "20 %", "0 %")
	if p := s.s.Pending.Route; p == nil || CandidateWeight(p.Route) != 0 {
		t.Fatalf("asked for %+v", p)
	}
	s.served()
	for s.at.Sub(s.s.EndedAt) < 11*time.Minute {
		s.look(nothing, &release.Seen{Route: s.s.Route})
	}
	if !s.s.Over() {
		t.Errorf("%s", s.s.Phase)
	}
}

// A release does not end in silence where nobody saw its end.
func TestAnEndThatNobodySaw(t *testing.T) {
	for _, seen := range []bool{true, false} {
		s := newTale(plan.Plan{})
		s.served()
		s.look(good, &release.Seen{Route: s.s.Route})
		s.order(Abort)
		s.served()
		for !s.s.Over() {
			if seen {
				s.look(good, &release.Seen{Route: s.s.Route})
			} else {
				s.look(good, nil)
			}
		}
		if told := s.pages() == 1; told == seen {
			t.Errorf("read back: %v, paged: %v, effects %+v", seen, told, s.effects)
		}
	}
}

// A candidate that is not ready keeps its weight waiting, without crying wolf
// at once and without giving up.
func TestACandidateThatIsNotReady(t *testing.T) {
	s := newTale(plan.Plan{BlindFor: 5 * time.Minute})
	not := func(after time.Duration) {
		s.at = s.at.Add(after)
		s.step(Acknowledged{At: s.at, Effect: s.s.Pending.Route.Effect, Failure: &release.Reason{Code: release.NotReady, Text: "0 of 3 targets are healthy"}})
	}
	not(time.Second)
	s.says(t, release.NotReady, "50 %", "0 of 3 targets")
	if len(s.effects) != 1 || s.pages() != 0 || s.s.Phase != Shifting {
		t.Fatalf("%s, %+v", s.s.Phase, s.effects)
	}
	for range 10 {
		not(15 * time.Second)
		if len(s.effects) != 0 {
			t.Fatalf("told again: %+v", s.effects)
		}
	}
	not(3 * time.Minute)
	if s.pages() != 1 || s.s.Phase != Shifting {
		t.Errorf("after %s: %d pages, %s", s.at.Sub(noon), s.pages(), s.s.Phase)
	}
	s.served()
	if s.s.Phase != Observing && s.s.Phase != WarmingUp || !s.s.UnreadyAt.IsZero() {
		t.Errorf("once ready: %s", s.s.Phase)
	}
}

// That people were paged for a candidate that is not ready delays no page for a
// provider that fails to take it down.
func TestAFailingRollbackAfterACandidateThatWasNotReady(t *testing.T) {
	s := newTale(plan.Plan{BlindFor: time.Minute, Steps: []plan.Step{{Weight: 5000}, {Weight: 50_000}}})
	s.served()
	s.order(Advance)
	for range 2 {
		s.at = s.at.Add(time.Minute)
		s.step(Acknowledged{At: s.at, Effect: s.s.Pending.Route.Effect, Failure: &release.Reason{Code: release.NotReady, Text: "0 of 3 targets are healthy"}})
	}
	if s.pages() != 1 {
		t.Fatalf("%d pages for a candidate that is not ready", s.pages())
	}
	s.order(Abort)
	pages := 0
	for range patience {
		s.fails(time.Second)
		pages += s.pages()
	}
	if pages != 1 || s.s.Phase != Failed {
		t.Errorf("%d pages, %s: %+v", pages, s.s.Phase, s.d.Reason)
	}
}

// A weight that somebody lowered while a raise failed ends the failing: what
// fails later is counted from then.
func TestABrakeEndsTheFailing(t *testing.T) {
	s := newTale(plan.Plan{})
	s.fails(time.Second)
	brake := &release.Seen{Route: s.s.route(0)}
	brake.Route.Epoch, brake.Route.Owner = s.s.Route.Epoch+100, ""
	s.look(nothing, brake)
	if s.s.Phase != Held || !s.s.FailedAt.IsZero() {
		t.Errorf("%s, failing since %s", s.s.Phase, s.s.FailedAt)
	}
}
