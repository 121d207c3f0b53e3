package backtest_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/backtest"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// tape is a recording of one ratio: 100 requests a second, a tenth of them to
// the candidate from start on, with these error rates. It fails the test when
// it is asked for what has not happened yet.
type tape struct {
	t                   *testing.T
	begin, start, end   time.Time
	baseline, candidate float64
	now                 time.Time // the end of the last window asked for
	gauge               bool      // whether the candidate's weight is recorded
	refuses             time.Time // from then on the candidate serves half, where it is not zero
}

func (r *tape) Begin() time.Time { return r.begin }
func (r *tape) End() time.Time   { return r.end }

func (r *tape) Start(labels map[string]string) (time.Time, bool) {
	return r.start, labels["version"] == "canary"
}

func (r *tape) Gauge(_ string, at time.Time) (float64, bool) {
	if at.After(r.start) {
		return 0.1, r.gauge
	}
	return 0, r.gauge
}

func (r *tape) Observe(_ context.Context, q release.Query) (release.Answer, error) {
	var a release.Answer
	for _, w := range q.Windows {
		if w.To.Before(r.now) || w.To.After(r.end) {
			r.t.Errorf("asked for a window to %s after one to %s; the recording ends at %s", w.To, r.now, r.end)
		}
		r.now = w.To
		n := w.To.Sub(w.From).Seconds() * 100
		share := 0.1
		if !w.To.After(r.start) {
			share = 0
		}
		a.Observations = append(a.Observations, observed(q, release.Baseline, w, n*(1-share), r.baseline))
		if share > 0 {
			got := n * share
			if !r.refuses.IsZero() && w.From.After(r.refuses) {
				got /= 2
			}
			a.Observations = append(a.Observations, observed(q, release.Candidate, w, got, r.candidate))
		}
	}
	return a, nil
}

func observed(q release.Query, arm string, w release.Window, n, rate float64) release.Observation {
	return release.Observation{Metric: q.Metric.Name, Arm: arm, Window: w, Events: int64(n * rate), Of: n}
}

func checkout() plan.Plan {
	step := func(w release.Weight) plan.Step {
		return plan.Step{Weight: w, AtLeast: 2 * time.Minute, AtMost: 10 * time.Minute, AtDeadline: plan.Hold, Approval: release.Approval{From: "owners", Quorum: 2, Comment: true}}
	}
	return plan.Plan{
		Name: "checkout", Service: "checkout",
		Arms: []release.Arm{
			{Name: release.Baseline, Labels: map[string]string{"version": "stable"}},
			{Name: release.Candidate, Labels: map[string]string{"version": "canary"}},
		},
		Steps: []plan.Step{step(5000), step(50_000)},
		Metrics: []release.Metric{{Name: "errors", Kind: release.Ratio, Worse: release.Higher, Severity: release.Guardrail,
			Method: release.Sequential, Tolerance: 0.05}},
		Every: 15 * time.Second, BlindFor: 10 * time.Minute, FalseRollback: 0.01, Watch: time.Minute, Recovery: time.Minute,
		StartAt: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Delay: 5 * time.Second, Lease: time.Minute,
	}
}

func record(t *testing.T, candidate float64, length time.Duration) *tape {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	start := begin.Add(10 * time.Minute)
	return &tape{t: t, begin: begin, start: start, end: start.Add(length), baseline: 0.02, candidate: candidate}
}

// TestReplay plays recordings to each of their ends; approvals count as given,
// and only what was recorded up to an instant is seen at it.
func TestReplay(t *testing.T) {
	for name, c := range map[string]struct {
		candidate float64
		length    time.Duration
		want      backtest.Outcome
		step      int
		within    time.Duration
	}{
		"good":      {0.02, time.Hour, backtest.Promoted, 2, 30 * time.Minute},
		"bad":       {0.2, time.Hour, backtest.RolledBack, 1, time.Minute},
		"too short": {0.02, time.Minute, backtest.Held, 1, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := backtest.Replay(t.Context(), checkout(), record(t, c.candidate, c.length), 10_000)
			if err != nil {
				t.Fatal(err)
			}
			if r.Outcome != c.want || r.Step != c.step || r.At > c.within {
				t.Errorf("%s at step %d after %s (%s), want %s at step %d within %s",
					r.Outcome, r.Step, r.At, r.Reason.Text, c.want, c.step, c.within)
			}
		})
	}
}

// TestReplayEndsWithAPass: where the time of a step is not over, the reason does
// not read as if nothing were missing.
func TestReplayEndsWithAPass(t *testing.T) {
	p := checkout()
	p.Steps[0].AtLeast = 55 * time.Minute
	p.Steps[0].AtMost = time.Hour
	r, err := backtest.Replay(t.Context(), p, record(t, 0.02, 50*time.Minute), 10_000)
	if err != nil {
		t.Fatal(err)
	}
	if r.Outcome != backtest.Held || !strings.HasPrefix(r.Reason.Text, "the recording ends before the decision, though its last look passes: errors: ") {
		t.Errorf("%s: %s", r.Outcome, r.Reason.Text)
	}
}

// TestReplayDoesNotLookAhead: what comes after a decision does not change it.
func TestReplayDoesNotLookAhead(t *testing.T) {
	long, err := backtest.Replay(t.Context(), checkout(), record(t, 0.1, time.Hour), 0)
	if err != nil {
		t.Fatal(err)
	}
	short, err := backtest.Replay(t.Context(), checkout(), record(t, 0.1, long.At), 0)
	if err != nil {
		t.Fatal(err)
	}
	if long.Outcome != backtest.RolledBack || short.At != long.At || short.Reason != long.Reason {
		t.Errorf("cut at its decision it gives %+v, whole %+v", short, long)
	}
}

// TestReplayRefusesAStrayTimestamp: one wrong sample must not keep it busy for
// years of looks.
func TestReplayRefusesAStrayTimestamp(t *testing.T) {
	_, err := backtest.Replay(t.Context(), checkout(), record(t, 0.02, 10*365*24*time.Hour), 0)
	if err == nil || !strings.Contains(err.Error(), "timestamp") {
		t.Errorf("got %v", err)
	}
}

func TestReplayNeedsACandidate(t *testing.T) {
	p := checkout()
	p.Arms[1].Labels = map[string]string{"version": "other"}
	if _, err := backtest.Replay(t.Context(), p, record(t, 0.02, time.Hour), 0); err == nil {
		t.Error("a recording without the candidate was judged")
	}
}

// TestEValue: what is shown is finite and has no more digits than mean something.
func TestEValue(t *testing.T) {
	for logE, want := range map[float64]float64{0: 1, 4.605170: 100, 5.298317: 200} {
		if got := backtest.EValue(logE); got < want*0.99999 || got > want*1.00001 {
			t.Errorf("EValue(%g) = %g, want %g", logE, got, want)
		}
	}
	for _, logE := range []float64{1e6, -1e6, math.Inf(1), math.Inf(-1)} {
		if e := backtest.EValue(logE); !(e > 0 && e < 1e300) {
			t.Errorf("EValue(%g) = %g", logE, e)
		}
	}
}

// TestReplayOfRefusedTraffic: the expected share is what the recording tells, else
// what its reader says, whatever the steps say; with neither nothing is held
// against it.
func TestReplayOfRefusedTraffic(t *testing.T) {
	for name, c := range map[string]struct {
		gauge   bool
		weight  release.Weight
		refuses bool
		want    backtest.Outcome
	}{
		"told by the recording":   {true, 0, true, backtest.RolledBack},
		"the recording goes over": {true, 50_000, true, backtest.RolledBack},
		"told by its reader":      {false, 10_000, true, backtest.RolledBack},
		"told by nobody":          {false, 0, true, backtest.Promoted},
		"nothing is refused":      {true, 0, false, backtest.Promoted},
	} {
		t.Run(name, func(t *testing.T) {
			p := checkout()
			p.Share = release.Share{Of: "errors", Tolerance: 0.2, OnFewer: release.ActFail, OnMore: release.ActWait, Drawn: true}
			rec := record(t, 0.02, time.Hour)
			if rec.gauge = c.gauge; c.refuses {
				rec.refuses = rec.start.Add(time.Minute)
			}
			r, err := backtest.Replay(t.Context(), p, rec, c.weight)
			if err != nil {
				t.Fatal(err)
			}
			if r.Outcome != c.want {
				t.Errorf("%s after %s: %s", r.Outcome, r.At, r.Reason.Text)
			}
			if c.want == backtest.RolledBack && (r.Metric != judge.ShareOfTraffic || r.Reason.Code != release.TrafficRefused || r.At > 4*time.Minute) {
				t.Errorf("%s after %s by %s: %s", r.Outcome, r.At, r.Metric, r.Reason.Text)
			}
		})
	}
}

// A recording without the candidate says by which labels it was looked for.
func TestReplayWithoutACandidate(t *testing.T) {
	p := checkout()
	p.Arms[1].Labels = map[string]string{"version": "none", "region": "eu"}
	_, err := backtest.Replay(t.Context(), p, record(t, 0.02, time.Minute), 0)
	if err == nil || !strings.Contains(err.Error(), "(region=eu, version=none)") {
		t.Errorf("%v", err)
	}
}
