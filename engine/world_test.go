package engine

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// author began every release of a random story.
const author = "sue"

var arms = []release.Arm{{Name: release.Baseline, Version: "1"}, {Name: release.Candidate, Version: "2"}}

// world is a release in a random story, with what the rules need to remember.
type world struct {
	s      State
	text   string    // the state as it was when it was made
	at     time.Time // the clock of the world; may go back
	events []Event
	ids    int

	last         *SetRoute // the last route asked for and not acknowledged
	acknowledged bool      // whether the present event acknowledges a route
	epoch        uint64    // of the last route asked for
	lowered      bool      // somebody lowered the weight and nobody resumed
}

// begin draws a plan and starts it.
func begin(t *rapid.T) *world { return start(t, drawPlan(t)) }

func start(t *rapid.T, p plan.Plan) *world {
	w := &world{at: noon}
	w.step(t, Started{At: noon, Attempt: 1, Plan: p, Salt: "salt", Epoch: 7, Methods: 1, By: author})
	return w
}

func drawPlan(t *rapid.T) plan.Plan {
	p := plan.Plan{
		Name: "checkout", Service: "shop", Arms: arms, Every: 15 * time.Second, FalseRollback: 0.01,
		Delay:        rapid.SampledFrom([]time.Duration{0, 5 * time.Second, 40 * time.Second}).Draw(t, "delay"),
		WarmUp:       rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(t, "warm-up"),
		BlindFor:     rapid.SampledFrom([]time.Duration{time.Minute, 5 * time.Minute}).Draw(t, "blindFor"),
		RollbackOver: rapid.SampledFrom([]time.Duration{0, 30 * time.Second, 5 * time.Minute}).Draw(t, "over"),
		Lease:        rapid.SampledFrom([]time.Duration{0, 30 * time.Second}).Draw(t, "lease"),
		Watch:        time.Minute, Recovery: time.Minute,
		ReadBack: rapid.SampledFrom([]time.Duration{0, 10 * time.Minute}).Draw(t, "readBack"),
		Metrics: []release.Metric{
			{Name: "errors", Kind: release.Ratio, Worse: release.Higher, Severity: release.Guardrail, Method: release.Sequential, Tolerance: 0.05},
		},
	}
	if rapid.Bool().Draw(t, "latency") {
		p.Metrics = append(p.Metrics, release.Metric{
			Name: "latency", Kind: release.Histogram, Worse: release.Higher, Severity: release.Guardrail, Method: release.Sequential, Tolerance: 0.05})
	}
	if rapid.Bool().Draw(t, "cpu") {
		p.Metrics = append(p.Metrics, release.Metric{
			Name: "cpu", Kind: release.Gauge, Worse: release.Higher, Severity: release.Warning, Method: release.Deviation, Tolerance: 0.1})
	}
	p.Grain = rapid.SampledFrom([]release.Weight{0, 1, 1000}).Draw(t, "grain")
	p.CorrectLowered = rapid.Bool().Draw(t, "correctLowered")
	if rapid.Bool().Draw(t, "asks") {
		p.Testers, p.Mirror = release.Testers{Header: "X-Arm"}, 500
	}
	weights := []release.Weight{1, 1000, 10_000, 50_000}
	if p.Grain > 1 {
		weights = []release.Weight{1000, 2000, 10_000, 50_000}
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "steps") {
		st := plan.Step{Weight: weights[i], AtDeadline: rapid.SampledFrom([]plan.AtDeadline{plan.Hold, plan.Ask, plan.Go}).Draw(t, "atDeadline")}
		st.AtLeast = rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(t, "atLeast")
		st.AtMost = st.AtLeast + rapid.SampledFrom([]time.Duration{0, time.Minute, 5 * time.Minute}).Draw(t, "atMost")
		if rapid.IntRange(0, 3).Draw(t, "approval") == 0 {
			st.Approval = drawApproval(t)
		}
		p.Steps = append(p.Steps, st)
	}
	if rapid.IntRange(0, 3).Draw(t, "approval of the whole") == 0 {
		p.Approval = drawApproval(t)
	}
	if rapid.IntRange(0, 4).Draw(t, "later") == 0 {
		p.StartAt = noon.Add(10 * time.Minute)
	}
	return p
}

func drawApproval(t *rapid.T) release.Approval {
	return release.Approval{
		From: "managers", Quorum: rapid.SampledFrom([]int64{0, 1, 1, 2, 3}).Draw(t, "quorum"),
		Expires: rapid.SampledFrom([]time.Duration{0, 0, time.Minute, time.Hour}).Draw(t, "expires"),
		Comment: rapid.Bool().Draw(t, "comment"),
	}
}

// step folds an event, twice, and holds it to what must hold.
func (w *world) step(t *rapid.T, e Event) {
	was := w.s
	next, d, effects := Step(was, e)
	again, d2, effects2 := Step(was, e)
	if w.text != "" && text(t, was) != w.text {
		t.Fatalf("%T changed the state it was given", e)
	}
	if !reflect.DeepEqual(next, again) || !reflect.DeepEqual(d, d2) || !reflect.DeepEqual(effects, effects2) {
		t.Fatalf("%T gave two different answers", e)
	}
	w.text = text(t, next)
	w.s, w.events = next, append(w.events, e)
	a, ok := e.(Acknowledged)
	w.acknowledged = ok && was.Pending.Route != nil && a.Effect == was.Pending.Route.Effect && a.Failure == nil
	whatMustHold(t, w, e, was, d, effects)
	if c, ok := e.(Commanded); d.Reason.Code == release.WeightLowered {
		w.lowered = d.Kind != Correct
	} else if ok && c.Verb == Resume && d.Kind == Continue {
		w.lowered = false
	}
}

// jumps are how far the clock moves between two events.
var jumps = []time.Duration{
	0, time.Second, 15 * time.Second, 15 * time.Second, 15 * time.Second, 15 * time.Second, time.Minute, 10 * time.Minute, 24 * time.Hour, -time.Hour, -time.Second,
}

// random is any event that can happen.
func (w *world) random(t *rapid.T) {
	w.at = w.at.Add(rapid.SampledFrom(jumps).Draw(t, "time"))
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0:
		code := rapid.SampledFrom([]release.Code{release.ProviderFails, release.ProviderFails, release.NotReady}).Draw(t, "code")
		w.acknowledge(t, &release.Reason{Code: code, Text: "connection refused"})
	case 1, 2:
		w.acknowledge(t, nil)
	case 3:
		w.step(t, Acknowledged{At: w.at, Effect: EffectID{w.s.Release, w.s.Attempt, uint64(rapid.IntRange(0, len(w.events)).Draw(t, "stale")), 0}})
	case 4, 5:
		w.command(t, rapid.SampledFrom([]Verb{Pause, Resume, Advance, Approve, Abort, Pause, Resume, Advance, Approve, Resume, Approve, Reject, Retract, "dance"}).Draw(t, "verb"))
	default:
		w.look(t, rapid.SampledFrom(sights).Draw(t, "sight"), w.seen(t))
	}
}

func (w *world) command(t *rapid.T, v Verb) {
	w.ids++
	id := w.ids
	if id > 1 && rapid.IntRange(0, 9).Draw(t, "double") == 0 {
		id--
	}
	w.step(t, Commanded{At: w.at, ID: fmt.Sprint(id), Verb: v,
		Who:    rapid.SampledFrom([]string{"ann", "bob", "eve", "dan", author}).Draw(t, "who"),
		Reason: rapid.SampledFrom([]string{"because", "because", ""}).Draw(t, "reason"),
		Groups: rapid.SampledFrom([][]string{{"managers"}, {"managers", "testers"}, {"testers"}, {Anybody}, nil}).Draw(t, "groups"),
		Glass:  rapid.SampledFrom([]string{"", "", "", "", "", "", "", "", "", "dan"}).Draw(t, "glass"),
	})
}

// acknowledge ends all that is pending, a route first.
func (w *world) acknowledge(t *rapid.T, failure *release.Reason) {
	if p := w.s.Pending.Route; p != nil {
		w.step(t, Acknowledged{At: w.at, Effect: p.Effect, Failure: failure})
	}
	for _, n := range w.s.Pending.Notices {
		w.step(t, Acknowledged{At: w.at, Effect: n.Effect})
	}
}

// recorded is what an honest provider serves.
func (w *world) recorded() *release.Seen {
	if w.s.Pending.Route != nil {
		return nil
	}
	return &release.Seen{Route: w.s.Route}
}

// seen is what a provider may show: the truth, what somebody else set, a lapse.
func (w *world) seen(t *rapid.T) *release.Seen {
	route := w.s.Route
	weight := CandidateWeight(route)
	switch rapid.IntRange(0, 14).Draw(t, "seen") {
	case 7:
		return w.uneven(route, weight, min(release.Whole, 2*weight+1))
	case 8:
		return w.uneven(route, weight/2, weight)
	case 0:
		return nil
	case 1:
		weight = min(release.Whole, weight*2+1)
	case 2:
		weight = release.Whole
	case 3:
		weight /= 2
	case 4:
		return &release.Seen{Route: w.withWeight(route, 0), Lapsed: true}
	case 5:
		route.Owner, weight = "somebody/1", weight/3
	case 6:
		route.Owner, route.Epoch = "somebody/1", w.s.Epoch+w.s.Seq+1000
	}
	return &release.Seen{Route: w.withWeight(route, weight)}
}

// uneven is what two routers serve that differ.
func (w *world) uneven(route release.Route, low, high release.Weight) *release.Seen {
	seen := &release.Seen{Route: w.withWeight(route, low), Writers: []string{"kubectl-edit"}}
	for name, weight := range map[string]release.Weight{"eu": low, "us": high} {
		seen.Parts = append(seen.Parts, release.Part{Name: name, Weights: w.withWeight(route, weight).Weights})
	}
	slices.SortFunc(seen.Parts, func(a, b release.Part) int { return strings.Compare(a.Name, b.Name) })
	return seen
}

func (w *world) withWeight(r release.Route, weight release.Weight) release.Route {
	r.Weights = []release.ArmWeight{{Arm: release.Baseline, Weight: release.Whole - weight}, {Arm: release.Candidate, Weight: weight}}
	return r
}

// sight is what a look shows.
type sight string

const (
	good          sight = "good"
	soso          sight = "so-so"
	bad           sight = "bad"
	nothing       sight = "nothing"
	problems      sight = "problems"
	idle          sight = "idle"
	baselineOnly  sight = "baseline only"
	candidateOnly sight = "candidate only"
	hot           sight = "hot"
)

var sights = []sight{good, good, good, soso, bad, nothing, nothing, problems, idle, baselineOnly, candidateOnly, hot}

func (w *world) look(t *rapid.T, what sight, seen *release.Seen) {
	e := Looked{At: w.at, Seen: seen}
	e.Window = release.Window{From: w.s.WindowTo, To: w.at.Add(-w.s.Plan.Delay)}
	if e.Window.From.IsZero() {
		e.Window.From = e.Window.To.Add(-w.s.Plan.Every)
	}
	for _, m := range w.s.Plan.Metrics {
		if what == problems {
			e.Problems = append(e.Problems, release.Problem{Metric: m.Name, Reason: release.Reason{Code: release.SourceDown, Text: m.Name + ": connection refused"}})
			continue
		}
		for _, arm := range arms {
			if what == nothing || what == baselineOnly && arm.Name != release.Baseline || what == candidateOnly && arm.Name != release.Candidate {
				continue
			}
			e.Observations = append(e.Observations, observed(m, arm.Name, e.Window, what))
		}
	}
	w.step(t, e)
}

// observed is what an arm did under a sight; only the candidate can be bad.
func observed(m release.Metric, arm string, w release.Window, what sight) release.Observation {
	o := release.Observation{Metric: m.Name, Arm: arm, Window: w}
	candidate := arm == release.Candidate
	events, of := int64(40), int64(20_000)
	switch {
	case what == idle:
		events, of = 0, 0
	case what == soso:
		events, of = 0, 3
	case what == bad && candidate:
		events = 4000
	}
	level := 1.0
	if what == hot && candidate {
		level = 3
	}
	switch m.Kind {
	case release.Ratio:
		o.Events, o.Of = events, float64(of)
	case release.Histogram:
		o.Bounds, o.Counts = []float64{0.1, 1}, []int64{of - events, events / 2, events - events/2}
	case release.Gauge:
		o.Points = []float64{level}
	}
	return o
}

// settle does what a good world does between two looks: effects succeed, and
// people answer what they are asked.
func (w *world) settle(t *rapid.T) {
	w.acknowledge(t, nil)
	w.at = w.s.Now.Add(w.s.Plan.Every)
	w.ids++
	verb := Verb("")
	switch {
	case w.s.Phase == Paused || w.s.Phase == Held && w.s.Before != "":
		verb = Resume
	case w.s.Phase == Waiting:
		verb = Approve
	}
	if verb != "" {
		for _, who := range []string{"ann", "bob", "eve"} {
			w.step(t, Commanded{At: w.at, ID: fmt.Sprintf("settle %d by %s", w.ids, who), Verb: verb, Who: who, Reason: "fine", Groups: []string{"managers"}})
		}
		w.acknowledge(t, nil)
	}
}

// goodWorld goes on until the release is over, and it must be.
func (w *world) goodWorld(t *rapid.T) {
	for i := 0; !w.s.Over(); i++ {
		if i > 300 {
			t.Fatalf("stuck %s in step %d at %s: %+v", w.s.Phase, w.s.Step, Percent(CandidateWeight(w.s.Route)), w.s.Why)
		}
		w.settle(t)
		if !w.s.Over() {
			w.look(t, good, w.recorded())
		}
	}
}
