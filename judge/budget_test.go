package judge

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

// spend looks so often at a ratio and returns the last verdict and state.
func spend(cfg Config, looks int, badA, ofA, badB, ofB int64) (State, Verdict) {
	var s State
	var v Verdict
	for k := range looks {
		s, v = Step(cfg, s, flat(k, 10_000, badA, ofA, badB, ofB))
	}
	return s, v
}

func budgeted(budget int64, metrics ...release.Metric) Config {
	cfg := config(metrics...)
	cfg.HarmBudget = budget
	return cfg
}

// The bound is an upper one, never more than failed on the candidate.
func TestHarmSoFar(t *testing.T) {
	cfg := budgeted(200, metric(release.Ratio, release.Higher))
	_, none := spend(cfg, 1, 0, 9000, 0, 1000)
	if h := none.Harm; h.Estimate != 0 || h.Upper != 0 || h.Each <= 0 || h.Budget != 200 || h.Rate != 10_000/15. {
		t.Errorf("without errors: %+v", h)
	}
	_, few := spend(cfg, 10, 90, 9000, 10, 1000)
	if h := few.Harm; math.Abs(h.Estimate) > 1e-6 || h.Upper < 10 || h.Upper > 100 || h.Metric != "m" {
		t.Errorf("no harm: %+v", h)
	}
	_, harm := spend(cfg, 10, 90, 9000, 20, 1000)
	if h := harm.Harm; math.Abs(h.Estimate-100) > 1e-6 || h.Upper < 100 || h.Upper > 200 {
		t.Errorf("100 failed because of the candidate: %+v", h)
	}
	if _, off := spend(config(metric(release.Ratio, release.Higher)), 10, 90, 9000, 20, 1000); off.Harm != (Harm{}) || len(off.Comparisons) != 1 {
		t.Errorf("without a budget: %+v", off.Harm)
	}
}

// Misses are counted where fewer good events are the harm.
func TestHarmOfMisses(t *testing.T) {
	_, v := spend(budgeted(200, metric(release.Ratio, release.Lower)), 10, 8910, 9000, 980, 1000)
	if h := v.Harm; math.Abs(h.Estimate-100) > 1e-6 {
		t.Errorf("%+v", h)
	}
}

// Of several guardrails the one that shows the most counts, once.
func TestHarmOfSeveralGuardrails(t *testing.T) {
	one, other, warning := metric(release.Ratio, release.Higher), metric(release.Ratio, release.Higher), metric(release.Ratio, release.Higher)
	other.Name, warning.Name, warning.Severity = "n", "w", release.Warning
	cfg := budgeted(500, one, other, warning)
	var s State
	var v Verdict
	for k := range 10 {
		l := flat(k, 10_000, 90, 9000, 12, 1000)
		for _, name := range []string{"n", "w"} {
			more := flat(k, 10_000, 90, 9000, 20, 1000)
			if name == "w" {
				more = flat(k, 10_000, 90, 9000, 900, 1000)
			}
			for i := range more.Observations {
				more.Observations[i].Metric = name
			}
			l.Observations = append(l.Observations, more.Observations...)
		}
		s, v = Step(cfg, s, l)
	}
	if v.Harm.Metric != "n" || math.Abs(v.Harm.Estimate-100) > 1e-6 {
		t.Errorf("%+v", v.Harm)
	}
	if n := tests(cfg, release.Guardrail); n != 2*eventsWeight+besideWeight {
		t.Errorf("%g tests, expected one a metric and a part of one for the budget", n)
	}
}

// A weight that the budget affords costs at most what is left of it.
func TestHarmAffords(t *testing.T) {
	h := Harm{Metric: "m", Upper: 50, Budget: 200, Each: 0.01, Rate: 100}
	if w := h.Affords(10 * time.Minute); w != 25_000 {
		t.Errorf("affords %d", w)
	}
	if w := h.Affords(time.Minute); w != release.Whole {
		t.Errorf("affords %d for a minute", w)
	}
	h.Upper = 200
	if w := h.Affords(time.Minute); w != 0 {
		t.Errorf("affords %d though it is spent", w)
	}
	if w := (Harm{Budget: 200}).Affords(time.Hour); w != release.Whole {
		t.Errorf("affords %d before anything is known", w)
	}
	if w := (Harm{}).Affords(time.Hour); w != release.Whole {
		t.Errorf("affords %d without a budget", w)
	}
}

// What is forecast comes: more data at the same rates afford more.
func TestHarmForecast(t *testing.T) {
	cfg := budgeted(120, metric(release.Ratio, release.Higher))
	s, v := spend(cfg, 4, 95, 9500, 5, 500)
	present, long := release.Weight(5000), 10*time.Minute
	if w := v.Harm.Affords(long); w > present {
		t.Fatalf("affords %d at once", w)
	}
	wait, ok := s.Forecast(cfg, present, long)
	if !ok || wait < time.Minute || wait > 12*time.Hour {
		t.Fatalf("in %s, %v", wait, ok)
	}
	_, v = spend(cfg, 4+int(wait/every), 95, 9500, 5, 500)
	if w := v.Harm.Affords(long); w <= present {
		t.Errorf("after %s it affords %d", wait, w)
	}
	s, _ = spend(cfg, 4, 95, 9500, 250, 500)
	if wait, ok := s.Forecast(cfg, present, long); ok {
		t.Errorf("much harm, and it will do in %s", wait)
	}
	if _, ok := (&State{}).Forecast(cfg, present, long); ok {
		t.Error("a forecast out of nothing")
	}
}

// Harm within the tolerance fails once it has cost more than the budget, and
// never before; what the baseline does as well costs nothing.
func TestHarmBudgetFails(t *testing.T) {
	m := metric(release.Ratio, release.Higher)
	m.Tolerance = 1
	cfg := budgeted(200, m)
	_, v := spend(cfg, 30, 900, 90_000, 150, 10_000)
	expect(t, v, Fail, release.HarmBudget)
	if v.Metric != BudgetOfHarm || !strings.Contains(v.Reason.Text, "of 200") {
		t.Errorf("%s: %s", v.Metric, v.Reason.Text)
	}
	if _, v = spend(cfg, 3, 900, 90_000, 150, 10_000); v.Outcome == Fail {
		t.Errorf("failed over 150: %s", v.Reason.Text)
	}
	if _, v = spend(cfg, 200, 900, 90_000, 100, 10_000); v.Outcome == Fail {
		t.Errorf("failed without harm: %s", v.Reason.Text)
	}
}

// A harmless release is seldom rolled back by its budget, however small it is.
func TestHarmBudgetLevel(t *testing.T) {
	heavy(t)
	m := metric(release.Ratio, release.Higher)
	m.Tolerance = 1
	cfg := budgeted(5, m)
	failed := 0
	for seed := range uint64(100) {
		s := newScene(m, seed)
		s.weight = 10_000
		if _, looks := s.until(cfg, Fail, 120); looks > 0 {
			failed++
		}
	}
	if failed > 4 { // 1 % in all
		t.Errorf("%d of 100 failed", failed)
	}
}

func TestHiddenEffects(t *testing.T) {
	latency := metric(release.Histogram, release.Higher)
	latency.Name = "latency"
	cfg := config(metric(release.Ratio, release.Higher), latency)
	var s State
	var v Verdict
	for k := range 5 {
		s, v = Step(cfg, s, flat(k, 10_000, 9, 900, 1, 100))
	}
	if got := v.Hidden(); !strings.Contains(got, "m up to ") || !strings.Contains(got, "latency harm of any size") {
		t.Errorf("early: %q", got)
	}
	for k := range 400 {
		s, v = Step(cfg, s, flat(k+5, 10_000, 9, 900, 1, 100))
	}
	if got := v.Hidden(); strings.Contains(got, "m up to") {
		t.Errorf("what passes hides nothing: %q", got)
	}
	for _, c := range []struct {
		c    Comparison
		want string
	}{
		{Comparison{Candidate: Side{N: 9}, Effect: Effect{High: 1.34}}, " (up to 1.34x cannot be excluded)"},
		{Comparison{Candidate: Side{N: 9}, Effect: Effect{High: 1.34}, Exclude: 2}, ""}, // that is not ruled out, says the reason
		{Comparison{Candidate: Side{N: 9}, Effect: Effect{Unbounded: true}}, " (harm of any size cannot be excluded)"},
		{Comparison{Candidate: Side{N: 9}, Effect: Effect{Unbounded: true}, AgainstLimit: true}, ""},
	} {
		if got := hidden(&c.c); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestPValuesBeside: what is judged beside the metrics has p-values of its own,
// which are no zeros that would stand for certain harm, and with which those of
// the metrics are corrected.
func TestPValuesBeside(t *testing.T) {
	run := func(cfg Config, badB int64) map[string]float64 {
		var s State
		var v Verdict
		for k := range 10 {
			l := flat(k, 10_000, 90, 9000, badB, 1000)
			l.Share = l.Weight
			s, v = Step(cfg, s, l)
		}
		ps := map[string]float64{}
		for _, c := range v.Comparisons {
			ps[c.Metric] = c.P
		}
		return ps
	}
	cfg := budgeted(20, metric(release.Ratio, release.Higher))
	cfg.Share = release.Share{Of: "m", Tolerance: 0.2, Drawn: true, OnFewer: release.ActFail, OnMore: release.ActWait}
	if ps := run(cfg, 10); len(ps) != 3 || ps["m"] != 1 || ps[ShareOfTraffic] != 1 || ps[BudgetOfHarm] != 1 {
		t.Errorf("without harm: %v", ps)
	}
	alone, ps := run(config(cfg.Metrics...), 16), run(cfg, 16)
	if got := ps["m"] / alone["m"]; got < 2 || got > 3 {
		t.Errorf("one of three p-values is %g times that of one alone", got)
	}
	if ps[ShareOfTraffic] != 1 || ps[BudgetOfHarm] <= 0 || ps[BudgetOfHarm] > 0.05 {
		t.Errorf("with harm: %v", ps)
	}
}
