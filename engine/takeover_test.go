package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// tale is a release told event by event.
type tale struct {
	s       State
	d       Decision
	effects []Effect
	at      time.Time
	ids     int
}

func newTale(p plan.Plan) *tale {
	p.Name, p.Service, p.Arms, p.Every, p.FalseRollback = "checkout", "shop", arms, 15*time.Second, 0.01
	p.Watch, p.Recovery = time.Hour, time.Hour
	if p.Metrics == nil {
		p.Metrics = []release.Metric{{Name: "errors", Kind: release.Ratio, Worse: release.Higher,
			Severity: release.Guardrail, Method: release.Sequential, Tolerance: 0.05}}
	}
	if p.Steps == nil {
		p.Steps = []plan.Step{{Weight: 50_000, AtLeast: time.Minute}}
	}
	t := &tale{at: noon}
	t.step(Started{At: noon, Attempt: 1, Plan: p, Salt: "salt", Epoch: 7, Methods: 1})
	return t
}

func (t *tale) step(e Event) { t.s, t.d, t.effects = Step(t.s, e) }

func (t *tale) served() {
	t.step(Acknowledged{At: t.at, Effect: t.s.Pending.Route.Effect})
}

func (t *tale) fails(after time.Duration) {
	t.at = t.at.Add(after)
	t.step(Acknowledged{At: t.at, Effect: t.s.Pending.Route.Effect, Failure: &release.Reason{Code: release.ProviderFails, Text: "i/o timeout"}})
}

func (t *tale) order(v Verb) {
	t.ids++
	t.step(Commanded{At: t.at, ID: string(rune('a' + t.ids)), Verb: v, Who: "ann"})
}

func (t *tale) look(what sight, seen *release.Seen) {
	t.at = t.at.Add(15 * time.Second)
	e := Looked{At: t.at, Seen: seen, Window: release.Window{To: t.at.Add(-t.s.Plan.Delay)}}
	e.Window.From = e.Window.To.Add(-15 * time.Second)
	for _, m := range t.s.Plan.Metrics {
		for _, arm := range arms {
			if what == nothing {
				continue
			}
			e.Observations = append(e.Observations, observed(m, arm.Name, e.Window, what))
		}
	}
	t.step(e)
}

// foreign is what another release, that came later, serves.
func (t *tale) foreign(w release.Weight) *release.Seen {
	r := t.s.route(w)
	r.Owner, r.Epoch = "checkout-2/1", t.s.Route.Epoch+100
	return &release.Seen{Route: r}
}

func (s State) route(w release.Weight) release.Route {
	r := s.Route
	r.Weights = []release.ArmWeight{{Arm: release.Baseline, Weight: release.Whole - w}, {Arm: release.Candidate, Weight: w}}
	return r
}

func (t *tale) pages() (n int) {
	for _, e := range t.effects {
		if notice, ok := e.(Notify); ok && notice.Notice.Urgency == release.Page {
			n++
		}
	}
	return n
}

// After its end is decided a release leaves the service to the next one.
func TestAnotherReleaseAfterTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		lead func(*tale)
		end  Phase
	}{
		"recovering": {func(s *tale) { s.order(Abort); s.served() }, RolledBack},
		"rolling back, and the provider refuses": {func(s *tale) {
			s.order(Abort)
			for range 4 {
				s.fails(time.Second)
			}
		}, RolledBack},
		"watching": {func(s *tale) { s.order(Advance); s.served() }, Promoted},
		"lowered after the end": {func(s *tale) {
			s.order(Advance)
			s.served()
			s.look(good, &release.Seen{Route: s.s.route(30_000)})
		}, Promoted},
	} {
		s := newTale(plan.Plan{})
		s.served()
		c.lead(s)
		s.look(good, s.foreign(5000))
		if s.s.Phase != c.end || s.d.Reason.Code != release.Superseded || !s.s.Over() || s.pages() > 0 || len(s.news()) != 1 {
			t.Errorf("%s: %s, %+v, effects %+v", name, s.s.Phase, s.d.Reason, s.effects)
		}
	}
}

// news are the effects but those that only tell that something is over.
func (s *tale) news() []Effect {
	return slices.DeleteFunc(slices.Clone(s.effects), func(e Effect) bool {
		n, ok := e.(Notify)
		return ok && n.Notice.Over
	})
}

// Before that it holds, tells whose it is, and takes the service back only when
// a person says so.
func TestAnotherReleaseBeforeTheEnd(t *testing.T) {
	for _, weight := range []release.Weight{5000, 80_000} {
		s := newTale(plan.Plan{BlindFor: time.Minute})
		s.served()
		other := s.foreign(weight)
		s.look(good, other)
		if s.s.Phase != Held || s.d.Reason.Code != release.Superseded || !strings.Contains(s.d.Reason.Text, "checkout-2/1") || s.pages() != 1 {
			t.Fatalf("%s, %+v", s.s.Phase, s.d.Reason)
		}
		for k := range 20 {
			s.look(nothingSeen(k), other)
			if s.s.Phase != Held || len(s.effects) != 0 {
				t.Fatalf("%s, %+v", s.s.Phase, s.effects)
			}
		}
		s.order(Resume)
		if p := s.s.Pending.Route; p == nil || p.Route.Epoch <= other.Route.Epoch || CandidateWeight(p.Route) != 50_000 {
			t.Errorf("resumed to %+v", p)
		}
	}
}

// A raise that could not be set when another release took over is not set any
// more, not even where the provider would take it.
func TestASupersededReleaseSetsNothing(t *testing.T) {
	for _, failures := range []int{0, 1, 4} {
		s := newTale(plan.Plan{})
		for range failures {
			s.fails(time.Second)
		}
		other := s.foreign(5000)
		s.look(good, other)
		if s.s.Phase != Held || s.d.Reason.Code != release.Superseded || s.s.Pending.Route != nil {
			t.Fatalf("after %d failures: %s, %+v, to be set %+v", failures, s.s.Phase, s.d.Reason, s.s.Pending.Route)
		}
		s.look(good, other)
		s.order(Resume)
		if p := s.s.Pending.Route; p == nil || p.Route.Epoch <= other.Route.Epoch || CandidateWeight(p.Route) != 50_000 {
			t.Errorf("after %d failures: resumed to %+v", failures, p)
		}
	}
}

// nothingSeen is a world that goes blind after ten looks.
func nothingSeen(k int) sight {
	if k < 10 {
		return good
	}
	return nothing
}

// A release that waits for its first approval still does after another one took
// over in between.
func TestApprovalAfterAnotherRelease(t *testing.T) {
	s := newTale(plan.Plan{Steps: []plan.Step{{Weight: 5000, Approval: release.Approval{From: "managers"}}}})
	s.look(good, s.foreign(10_000))
	s.order(Resume)
	if s.s.Phase != Waiting || CandidateWeight(s.s.Route) != 0 {
		t.Errorf("%s at %s", s.s.Phase, Percent(CandidateWeight(s.s.Route)))
	}
}

// A route that arrived, of which nobody heard, and that somebody changed since
// cannot be set as it is: its epoch is taken.
func TestChangedBeforeItWasAcknowledged(t *testing.T) {
	s := newTale(plan.Plan{})
	s.served()
	s.order(Abort)
	s.fails(time.Second)
	first := s.s.Pending.Route.Route.Epoch
	s.look(good, &release.Seen{Route: s.s.route(70_000)})
	if p := s.s.Pending.Route; p == nil || p.Route.Epoch <= first || CandidateWeight(p.Route) != 0 || s.d.Kind != Correct {
		t.Errorf("%+v: %+v", s.d, p)
	}
}

// Somebody is paged until the weight is set.
func TestPagesUntilItIsSet(t *testing.T) {
	s := newTale(plan.Plan{})
	s.served()
	s.order(Abort)
	pages := 0
	for range 60 {
		s.fails(time.Minute)
		pages += s.pages()
	}
	if pages != 4 || !strings.Contains(s.s.Pending.Notices[len(s.s.Pending.Notices)-1].Notice.Text, "still fails") {
		t.Errorf("%d pages in an hour", pages)
	}
	s.served()
	if !s.s.FailedAt.IsZero() || !s.s.PagedAt.IsZero() {
		t.Errorf("set, and failing since %v", s.s.FailedAt)
	}
}

// An abort does not wait for the stages of a rollback.
func TestAbortInAStagedRollback(t *testing.T) {
	s := newTale(plan.Plan{RollbackOver: 10 * time.Minute})
	s.served()
	s.order(Abort)
	s.served()
	if CandidateWeight(s.s.Route) == 0 {
		t.Fatal("no stages")
	}
	s.order(Abort)
	if s.d.Kind != RollBack || CandidateWeight(s.s.Route) != 0 || s.s.Pending.Route == nil {
		t.Errorf("%s: %s", s.d.Kind, s.d.Reason.Text)
	}
	s.order(Abort)
	if s.d.Kind != Refuse {
		t.Errorf("a third time: %s", s.d.Kind)
	}
}

// With a delay longer than the warm-up the windows of the warm-up come after
// it is over, and are left alone all the same.
func TestWarmUpIsOfTheWindow(t *testing.T) {
	cpu := release.Metric{Name: "cpu", Kind: release.Gauge, Worse: release.Higher,
		Severity: release.Guardrail, Method: release.Deviation, Tolerance: 0.1}
	s := newTale(plan.Plan{WarmUp: time.Minute, Delay: 2 * time.Minute, Metrics: []release.Metric{cpu}})
	s.served()
	for range 12 { // up to the window that begins 45 s after the first traffic
		if s.look(hot, nil); s.s.Cause != "" {
			t.Fatalf("judged at %v: %s", s.at.Sub(noon), s.d.Reason.Text)
		}
	}
	if s.s.Phase != WarmingUp {
		t.Errorf("%s at %v", s.s.Phase, s.at.Sub(noon))
	}
	if s.look(hot, nil); s.s.Cause != ByEvidence {
		t.Errorf("not judged after the warm-up: %s", s.d.Reason.Text)
	}
}

// TestARefusedRouteIsSetWithANewerEpoch: where the provider's epoch is newer
// and nobody else's, a rollback does not hang on it, and a brake is respected.
func TestARefusedRouteIsSetWithANewerEpoch(t *testing.T) {
	w := newTale(plan.Plan{})
	w.served()
	w.order(Abort)
	w.fails(0)
	ahead := release.Seen{Route: w.s.Route}
	ahead.Route.Epoch += 1000
	ahead.Route.Owner = ""
	ahead.Route.Weights = []release.ArmWeight{{Arm: release.Baseline, Weight: 50_000}, {Arm: release.Candidate, Weight: 50_000}}
	w.look(nothing, &ahead)
	p := w.s.Pending.Route
	if p == nil || p.Route.Epoch <= ahead.Route.Epoch || CandidateWeight(p.Route) != 0 {
		t.Errorf("pending %+v after the provider served epoch %d", p, ahead.Route.Epoch)
	}

	w = newTale(plan.Plan{})
	w.fails(0)
	brake := release.Seen{Route: w.s.Route}
	brake.Route.Epoch += 1000
	brake.Route.Owner = ""
	brake.Route.Weights = []release.ArmWeight{{Arm: release.Baseline, Weight: release.Whole}, {Arm: release.Candidate}}
	w.look(nothing, &brake)
	if w.s.Pending.Route != nil || w.s.Phase != Held || w.s.Why.Code != release.WeightLowered {
		t.Errorf("%s (%s), pending %+v, after somebody set 0 %%", w.s.Phase, w.s.Why.Code, w.s.Pending.Route)
	}
}

// A lease that ran out is told once, however long the provider then fails to set
// the first step; people are paged for that. Only where the step arrived and its
// lease ran out again, its epoch is taken.
func TestALapseIsToldOnce(t *testing.T) {
	w := newTale(plan.Plan{Lease: time.Minute})
	w.served()
	lapsed := &release.Seen{Route: w.s.route(0), Lapsed: true}
	w.look(nothing, lapsed)
	if w.d.Kind != StepBack || CandidateWeight(w.s.Pending.Route.Route) != 50_000 {
		t.Fatalf("%s: %+v", w.d.Kind, w.s.Pending.Route)
	}
	first, pages := w.s.Pending.Route.Effect, 0
	for range patience {
		w.fails(time.Second)
		pages += w.pages()
		w.look(nothing, lapsed)
		if w.s.Pending.Route.Effect != first || len(w.effects) > 0 {
			t.Fatalf("%s: %s, effects %+v", w.d.Kind, w.d.Reason.Text, w.effects)
		}
	}
	if w.s.Phase != Failed || pages != 1 {
		t.Errorf("%s, %d pages", w.s.Phase, pages)
	}
	w.look(nothing, &release.Seen{Route: w.s.route(0), Lapsed: true})
	if p := w.s.Pending.Route; w.d.Kind != StepBack || p == nil || p.Effect == first {
		t.Errorf("it arrived and ran out: %s, %+v", w.d.Kind, p)
	}
}

// TestArrivedUnheard: a route that is served and cannot be set again, because
// the lease has lapsed on it since, counts as set.
func TestArrivedUnheard(t *testing.T) {
	w := newTale(plan.Plan{Lease: time.Minute})
	w.served()
	w.order(Abort)
	w.fails(0)
	w.look(nothing, &release.Seen{Route: w.s.Pending.Route.Route, Lapsed: true})
	if w.s.Pending.Route != nil || w.s.Phase != Recovering {
		t.Errorf("%s, pending %+v, though 0 %% is served", w.s.Phase, w.s.Pending.Route)
	}
}
