package backtest_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/backtest"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// happened is what one record has of a release.
type happened struct {
	event    engine.Event
	decision engine.Decision
}

// live runs a release as a world does that serves each weight two seconds after it
// was asked to, and gives its records. failing is the share of the candidate's
// requests that fail.
func live(t *testing.T, p plan.Plan, failing float64, looks int) (all []happened) {
	t.Helper()
	var s engine.State
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var step func(engine.Event)
	step = func(e engine.Event) {
		next, d, _ := engine.Step(s, e)
		s = next
		all = append(all, happened{e, d})
		if s.Pending.Route != nil {
			now = now.Add(2 * time.Second)
			step(engine.Acknowledged{At: now, Effect: s.Pending.Route.Effect})
		}
	}
	p.StartAt, p.Steps = time.Time{}, append([]plan.Step{}, p.Steps...)
	for i := range p.Steps {
		p.Steps[i].Approval = release.Approval{}
	}
	step(engine.Started{At: now, Attempt: 1, Plan: p, Salt: "salt", Methods: judge.Methods})
	for range looks {
		now = now.Add(p.Every)
		w := release.Window{From: now.Add(-p.Delay - p.Every), To: now.Add(-p.Delay)}
		share := float64(s.ServedWeight) / float64(release.Whole)
		q := release.Query{Metric: p.Metrics[0]}
		look := engine.Looked{At: now, Window: w, Observations: []release.Observation{observed(q, release.Baseline, w, 15_000*(1-share), 0.02)}}
		if share > 0 {
			look.Observations = append(look.Observations, observed(q, release.Candidate, w, 15_000*share, failing))
		}
		step(look)
	}
	return all
}

func again(t *testing.T, p plan.Plan, records []happened) (backtest.Result, backtest.Was, error) {
	t.Helper()
	a := backtest.NewAgain(p)
	for _, r := range records {
		if err := a.Add(r.event, r.decision); err != nil {
			return backtest.Result{}, backtest.Was{}, err
		}
	}
	return a.Result()
}

// The file that a release had decides as it did, at the same time; another one
// decides otherwise.
func TestAgain(t *testing.T) {
	bad, good := live(t, checkout(), 0.06, 200), live(t, checkout(), 0.02, 200)
	lax, slow := checkout(), checkout()
	lax.Metrics = []release.Metric{checkout().Metrics[0]}
	lax.Metrics[0].Tolerance = 9
	slow.Steps = []plan.Step{{Weight: 5000, AtLeast: time.Hour, AtMost: 2 * time.Hour, AtDeadline: plan.Hold}}
	for name, c := range map[string]struct {
		records []happened
		by      plan.Plan
		was     backtest.Outcome
		want    backtest.Outcome
	}{
		"the same file, bad":  {bad, checkout(), backtest.RolledBack, backtest.RolledBack},
		"the same file, good": {good, checkout(), backtest.Promoted, backtest.Promoted},
		"a lax one":           {bad, lax, backtest.RolledBack, backtest.Held},
		"a slow one":          {good, slow, backtest.Promoted, backtest.Held},
	} {
		t.Run(name, func(t *testing.T) {
			r, was, err := again(t, c.by, c.records)
			if err != nil || !was.Decided || was.Outcome != c.was || r.Outcome != c.want || r.Reason.Text == "" {
				t.Fatalf("%+v, was %+v, %v", r, was, err)
			}
			// Served two seconds after it was asked for, and looked at each 15 s.
			if off := (r.At - was.After).Abs(); off > 20*time.Second || was.After <= 0 {
				t.Errorf("decided after %s, then after %s", r.At, was.After)
			}
			if c.want == backtest.RolledBack && r.Metric != "errors" {
				t.Errorf("%+v", r)
			}
		})
	}
}

// What a release did not measure cannot be judged.
func TestAgainDoesNotFit(t *testing.T) {
	records := live(t, checkout(), 0.02, 20)
	for says, change := range map[string]func(*release.Metric){
		"was not measured then":        func(m *release.Metric) { m.Name = "latency" },
		"query, kind or segments have": func(m *release.Metric) { m.Events = "other_total" },
	} {
		p := checkout()
		p.Metrics = []release.Metric{checkout().Metrics[0]}
		change(&p.Metrics[0])
		if _, _, err := again(t, p, records); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	if _, _, err := again(t, checkout(), records[:1]); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "no traffic") {
		t.Errorf("of one that ended before any traffic: %v", err)
	}
	if _, _, err := again(t, checkout(), records[2:]); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("without its beginning: %v", err)
	}
}
