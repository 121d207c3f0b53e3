package backtest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// Recording is series as they were recorded, with their times.
type Recording interface {
	// Observe answers a query from what was recorded up to the end of its last
	// window.
	Observe(ctx context.Context, q release.Query) (release.Answer, error)
	// Start is the first sample of a series with these labels.
	Start(labels map[string]string) (time.Time, bool)
	// Begin and End are the first and the last sample of all.
	Begin() time.Time
	End() time.Time
	// Gauge is the last value of a series without labels at an instant.
	Gauge(name string, at time.Time) (float64, bool)
}

// weightGauge is the series that tells a recording's true weights, from 0 to 1.
const weightGauge = "linnet_candidate_weight_ratio"

// maxLooks bounds how long a recording may be: a week of looks each 15 s.
const maxLooks = 50_000

// maxPast bounds how many windows of the baseline's past are looked at.
const maxPast = 240

// Outcome is how a recording ends.
type Outcome string

// The outcomes of a recording.
const (
	Promoted   Outcome = "promoted"
	RolledBack Outcome = "rolled-back"
	Held       Outcome = "held" // neither by the last look
)

// Result is what a recording came to.
type Result struct {
	Outcome Outcome
	// At is from the start to the decision; to the last look where there is
	// none.
	At      time.Duration
	Step    int // from 1
	Metric  string
	Segment string
	Reason  release.Reason
	// Verdict is the last one.
	Verdict judge.Verdict
	Looks   int
}

// Replay judges a recording. weight is the candidate's true share of traffic
// where the recording does not tell it; 0 where that is not known either.
func Replay(ctx context.Context, p plan.Plan, rec Recording, weight release.Weight) (Result, error) {
	start, ok := rec.Start(candidate(p).Labels)
	if !ok {
		return Result{}, fmt.Errorf("no series has the candidate's labels (%s): %w", pairs(candidate(p).Labels), release.ErrInvalid)
	}
	if looks := rec.End().Sub(start) / p.Every; looks > maxLooks {
		return Result{}, fmt.Errorf("it reaches from %s to %s, which is %d looks, and may have %d: is a timestamp wrong? %w",
			start.Format(time.RFC3339), rec.End().Format(time.RFC3339), looks, maxLooks, release.ErrInvalid)
	}
	r := &replay{ctx: ctx, plan: p, rec: rec, weight: weight, start: start}
	r.plan.StartAt, r.plan.Lease, r.plan.Delay = time.Time{}, 0, 0
	if !r.told() {
		r.plan.Share = release.Share{} // nothing to hold it against
	}
	r.step(engine.Started{At: start, Attempt: 1, Plan: r.plan, Salt: "replay", Epoch: 1, Methods: judge.Methods})
	if err := r.look(start, past(rec.Begin(), start, p.Every)); err != nil {
		return Result{}, err
	}
	for k := 1; r.result.Outcome == ""; k++ {
		at := start.Add(time.Duration(k) * p.Every)
		if at.After(rec.End()) {
			break
		}
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		window := release.Window{From: at.Add(-p.Every), To: at}
		if err := r.look(at, []release.Window{window}); err != nil {
			return Result{}, err
		}
		r.result.Looks = k
	}
	return r.finish(), nil
}

func candidate(p plan.Plan) release.Arm { return p.Arms[len(p.Arms)-1] }

// past returns the windows before start, oldest first.
func past(begin, start time.Time, every time.Duration) []release.Window {
	var out []release.Window
	for k := maxPast; k >= 1; k-- {
		from := start.Add(-time.Duration(k) * every)
		if !from.Before(begin) {
			out = append(out, release.Window{From: from, To: from.Add(every)})
		}
	}
	return out
}

// replay is a release being played.
type replay struct {
	ctx    context.Context
	plan   plan.Plan
	rec    Recording
	weight release.Weight
	start  time.Time
	state  engine.State
	result Result
}

// step folds an event, and what a perfect world answers: routes are served at
// once, approvals are given.
func (r *replay) step(e engine.Event) {
	s, d, _ := engine.Step(r.state, e)
	before := r.state
	r.state = s
	r.decided(before, d)
	if p := s.Pending.Route; p != nil {
		r.step(engine.Acknowledged{At: s.Now, Effect: p.Effect})
		return
	}
	for len(r.state.Pending.Notices) > 0 {
		n := r.state.Pending.Notices[0]
		r.state, _, _ = engine.Step(r.state, engine.Acknowledged{At: s.Now, Effect: n.Effect})
	}
	if r.state.Phase == engine.Waiting && r.state.Why.Code == release.NeedsApproval {
		// As many people as are asked, each with a reason.
		r.step(engine.Commanded{At: s.Now, ID: fmt.Sprint(r.state.Seq), Verb: engine.Approve, Who: fmt.Sprintf("backtest %d", r.state.Seq),
			Reason: "approvals count as given", Groups: []string{engine.Anybody}})
	}
}

// decided notes the end of the release.
func (r *replay) decided(before engine.State, d engine.Decision) {
	if r.result.Outcome != "" {
		return
	}
	switch d.Kind {
	case engine.RollBack:
		r.result.Outcome = RolledBack
	case engine.Promote:
		r.result.Outcome = Promoted
	default:
		return
	}
	r.result.At, r.result.Step = d.At.Sub(r.start), before.Step+1
	r.result.Reason = d.Reason
	if d.Verdict != nil {
		r.result.Metric, r.result.Segment = d.Verdict.Metric, d.Verdict.Segment
	}
}

// look observes windows and steps the engine once.
func (r *replay) look(at time.Time, windows []release.Window) error {
	if len(windows) == 0 {
		return nil
	}
	look := engine.Looked{At: at, Window: windows[len(windows)-1]}
	share := r.share(look.Window)
	look.Share = &share
	for _, m := range r.plan.Metrics {
		a, err := r.rec.Observe(r.ctx, release.Query{Metric: m, Arms: r.plan.Arms, Windows: windows})
		if err != nil {
			return fmt.Errorf("metric %s: %w", m.Name, err)
		}
		for _, o := range a.Observations {
			if r.expose(m, &o) {
				look.Observations = append(look.Observations, o)
			}
		}
	}
	r.step(look)
	r.result.Verdict = r.state.Last
	return nil
}

// expose gives a count without a denominator its exposure: its arm's true share
// of the window. What the share was is not what a step says; where nobody
// knows it, the count cannot be judged and is left out.
func (r *replay) expose(m release.Metric, o *release.Observation) bool {
	if m.Kind != release.Count || m.Of != "" || !o.Window.To.After(r.start) {
		return true
	}
	share := r.weightAt(o.Window.To)
	if !(share > 0 && share < 1) {
		return false
	}
	if o.Arm == release.Baseline {
		share = 1 - share
	}
	o.Of = o.Window.To.Sub(o.Window.From).Seconds() * share
	return true
}

// weightAt is the candidate's true share of the traffic at an instant, as the
// recording tells it, else as it was given; 0 where that is not known.
func (r *replay) weightAt(at time.Time) float64 {
	if w, ok := r.rec.Gauge(weightGauge, at); ok {
		return w
	}
	return float64(r.weight) / float64(release.Whole)
}

// share is the share of requests that the candidate should have had in a window;
// 0 where it changed meanwhile, or is not known.
func (r *replay) share(w release.Window) release.Weight {
	before, after := r.weightAt(w.From), r.weightAt(w.To)
	if before != after || !(after > 0 && after < 1) {
		return 0
	}
	return release.Weight(math.Round(after * float64(release.Whole)))
}

// told says whether the recording or its reader tells the candidate's weight.
func (r *replay) told() bool {
	_, ok := r.rec.Gauge(weightGauge, r.rec.End())
	return ok || r.weight > 0
}

// pairs writes labels as name=value, in order.
func pairs(labels map[string]string) string {
	var all []string
	for name, value := range labels {
		all = append(all, name+"="+value)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func (r *replay) finish() Result {
	if r.result.Outcome != "" {
		return r.result
	}
	r.result.Outcome = Held
	r.result.At = time.Duration(r.result.Looks) * r.plan.Every
	r.result.Step = max(r.state.Step, 0) + 1 // it counts from 1, also before any traffic
	r.result.Reason = r.state.Last.Reason
	if r.state.Last.Outcome == judge.Pass { // a bare pass would read as a promotion
		r.result.Reason.Text = "the recording ends before the decision, though its last look passes: " + r.result.Reason.Text
	}
	r.result.Metric, r.result.Segment = r.state.Last.Metric, r.state.Last.Segment
	return r.result
}
