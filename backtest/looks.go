package backtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// Again is a release that happened, played once more by another plan: its records
// come one after the other, and what it observed is judged as the other plan has
// it. The weights stay what they were; a step of the plan changes the clock alone.
type Again struct {
	plan plan.Plan
	// then is the release as it was.
	then engine.State
	// past is what was observed before the candidate got traffic.
	past []release.Observation
	// now is the release by the plan; nil until the candidate got traffic.
	now *replay
	// last is the last look that was played.
	last time.Time
	was  Was
	over bool
}

// Was is how a release went in truth.
type Was struct {
	// Decided says that it was promoted or rolled back, After how long after the
	// candidate first got traffic, and Reason why.
	Decided bool
	Outcome Outcome
	After   time.Duration
	Reason  release.Reason
}

// mostPast bounds the observations from before the candidate's traffic.
const mostPast = 100_000

// NewAgain returns one that plays a release by a plan.
func NewAgain(p plan.Plan) *Again { return &Again{plan: p} }

// Add plays one record, its event and what was decided on it. A plan whose metrics
// the release did not measure is release.ErrInvalid, and so is a first event that
// begins no release.
func (a *Again) Add(e engine.Event, d engine.Decision) error {
	if a.over {
		return nil
	}
	if started, ok := e.(engine.Started); ok {
		if err := a.fits(started.Plan); err != nil {
			return err
		}
	} else if a.then.Seq == 0 {
		return fmt.Errorf("its first record begins no release: %w", release.ErrInvalid)
	}
	before := a.then
	a.then, _, _ = engine.Step(a.then, e)
	if look, ok := e.(engine.Looked); ok {
		a.look(before, look)
	}
	if d.Kind == engine.RollBack || d.Kind == engine.Promote {
		a.over = true // what comes after has no two arms to compare
		a.was = Was{Decided: true, Outcome: Promoted, Reason: d.Reason}
		if d.Kind == engine.RollBack {
			a.was.Outcome = RolledBack
		}
		if !before.Exposed.IsZero() {
			a.was.After = d.At.Sub(before.Exposed)
		}
	}
	return nil
}

// fits says which metrics of the plan the release did not measure, or otherwise.
func (a *Again) fits(then plan.Plan) error {
	for _, m := range a.plan.Metrics {
		i := slices.IndexFunc(then.Metrics, func(was release.Metric) bool { return was.Name == m.Name })
		if i < 0 {
			return fmt.Errorf("metric %s was not measured then: %w", m.Name, release.ErrInvalid)
		}
		was := then.Metrics[i]
		if was.Kind != m.Kind || was.Events != m.Events || was.Of != m.Of || was.Query != m.Query || was.Averages != m.Averages || !slices.Equal(was.By, m.By) {
			return fmt.Errorf("metric %s was measured otherwise then: its query, kind or segments have changed: %w", m.Name, release.ErrInvalid)
		}
	}
	// Looks come as they came.
	a.plan.Every, a.plan.Delay = then.Every, then.Delay
	a.plan.StartAt, a.plan.Lease = time.Time{}, 0
	return nil
}

// look judges what was observed by the plan.
func (a *Again) look(before engine.State, e engine.Looked) {
	switch {
	case before.Exposed.IsZero():
		if len(a.past) < mostPast {
			a.past = append(a.past, e.Observations...)
		}
		return
	case a.now == nil:
		a.begin(before)
	}
	if a.now.result.Outcome != "" {
		return
	}
	share := shareThen(before, e)
	a.now.step(engine.Looked{At: e.At, Window: e.Window, Observations: e.Observations, Problems: e.Problems, Share: &share})
	a.now.result.Looks++
	a.last = e.At
}

// begin begins the release when the candidate got traffic.
func (a *Again) begin(then engine.State) {
	at := then.Exposed
	a.now, a.last = &replay{plan: a.plan, start: at}, at
	a.now.step(engine.Started{At: at, Attempt: 1, Plan: a.plan, Salt: "replay", Epoch: 1, Methods: judge.Methods})
	if len(a.past) > 0 {
		a.now.step(engine.Looked{At: at, Window: release.Window{From: at, To: at}, Observations: a.past})
		a.past = nil
	}
}

// shareThen is the share of requests that the candidate should have had in a look;
// 0 where it changed meanwhile, or is not known.
func shareThen(before engine.State, e engine.Looked) release.Weight {
	switch {
	case e.Share != nil:
		return *e.Share
	case before.Pending.Route != nil || e.Window.From.Before(before.ServedAt):
		return 0
	case e.Seen != nil && (e.Seen.Lapsed || len(e.Seen.Parts) > 0 || engine.CandidateWeight(e.Seen.Route) != before.ServedWeight):
		return 0
	}
	return before.ServedWeight
}

// Result is what the plan would have come to, and how the release went. One whose
// candidate never got traffic is release.ErrInvalid.
func (a *Again) Result() (Result, Was, error) {
	if a.now == nil {
		return Result{}, a.was, fmt.Errorf("its candidate got no traffic that was looked at: %w", release.ErrInvalid)
	}
	r := a.now.finish()
	if r.Outcome == Held {
		r.At = a.last.Sub(a.now.start)
	}
	r.Verdict = a.now.state.Last
	return r, a.was, nil
}
