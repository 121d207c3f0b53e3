package judge

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
)

func byRegion() release.Metric {
	m := metric(release.Ratio, release.Higher)
	m.By = []string{"region"}
	return m
}

// regional is a look at regions of equal traffic; the whole is their sum. bad
// is by how much the candidate is worse in each.
func (s *scene) regional(k int, bad map[string]float64, regions ...string) Look {
	whole := s.look(k)
	whole.Observations = slices.Clone(whole.Observations)
	sums := make([]release.Observation, len(whole.Observations))
	copy(sums, whole.Observations)
	for i := range sums {
		sums[i].Events, sums[i].Of = 0, 0
	}
	out := whole
	out.Observations = nil
	for _, r := range regions {
		s.worse = max(bad[r], 1)
		one := s.look(k)
		for i, o := range one.Observations {
			o.Segment = "region=" + r
			sums[i].Events += o.Events
			sums[i].Of += o.Of
			out.Observations = append(out.Observations, o)
		}
	}
	out.Observations = append(out.Observations, sums...)
	return out
}

func TestAFaultInOneRegionIsFoundAndNamed(t *testing.T) {
	m := byRegion()
	s := newScene(m, 2)
	s.weight, s.rps = release.Whole/4, 300
	regions := []string{"ap", "eu", "sa", "us"}
	bad := map[string]float64{"eu": 6}
	var state State
	var v Verdict
	for k := -60; k < 20 && v.Outcome != Fail; k++ {
		state, v = Step(config(m), state, s.regional(k, bad, regions...))
	}
	if v.Outcome != Fail || v.Segment != "region=eu" || !strings.Contains(v.Reason.Text, "m in region=eu") {
		t.Errorf("%s in %q: %s", v.Outcome, v.Segment, v.Reason.Text)
	}
}

// TestBudgetsOfSegmentsSumToOne whenever segments appear, and the thresholds
// follow them.
func TestBudgetsOfSegmentsSumToOne(t *testing.T) {
	for name, appear := range map[string]func(k int) int{
		"all at once":        func(int) int { return 4 },
		"in the past":        func(k int) int { return min(6, 10+k) },
		"one by one, late":   func(k int) int { return max(0, k) },
		"none":               func(int) int { return 0 },
		"hundreds":           func(int) int { return 300 },
		"hundreds, one late": func(k int) int { return 20 * max(1, k) },
	} {
		m := byRegion()
		s := newScene(m, 1)
		var state State
		var v Verdict
		for k := -5; k < 30; k++ {
			var regions []string
			for i := range appear(k) {
				regions = append(regions, fmt.Sprintf("r%03d", i))
			}
			state, v = Step(config(m), state, s.regional(k, nil, regions...))
		}
		sum := 0.0
		for i, series := range state.Metrics[0].Series {
			sum += series.Budget
			if got, want := v.Comparisons[i].LogThreshold, math.Log(100/series.Budget); math.Abs(got-want) > 1e-6 {
				t.Errorf("%s: threshold of %q is %g, its budget asks for %g", name, series.Segment, got, want)
			}
		}
		if sum > 1+1e-12 || state.Metrics[0].Series[0].Budget != wholeBudget {
			t.Errorf("%s: the budgets sum to %g, the whole's is %g", name, sum, state.Metrics[0].Series[0].Budget)
		}
		if n := len(state.Metrics[0].Series); n > MaxSegments+1 {
			t.Errorf("%s: %d segments", name, n-1)
		}
		warned := len(v.Comparisons) > 0 && slices.ContainsFunc(v.Comparisons[0].Warnings, func(w string) bool { return strings.Contains(w, "more than 100 segments") })
		if warned != strings.HasPrefix(name, "hundreds") {
			t.Errorf("%s: warnings %q", name, v.Comparisons[0].Warnings)
		}
	}
}

// TestALateSegmentIsJudged: a region that appears long after the start, wholly
// broken on the candidate.
func TestALateSegmentIsJudged(t *testing.T) {
	m := byRegion()
	s := newScene(m, 9)
	var state State
	var v Verdict
	found := 0
	for k := -20; k < 60 && v.Outcome != Fail; k++ {
		regions := []string{"eu", "us", "ap", "sa", "af", "me", "cn", "jp"}
		if k >= 40 {
			regions = append(regions, "nz")
		}
		state, v = Step(config(m), state, s.regional(k, map[string]float64{"nz": 8}, regions...))
		found = k
	}
	if v.Outcome != Fail || v.Segment != "region=nz" || found > 45 {
		t.Errorf("at look %d: %s in %q: %s", found, v.Outcome, v.Segment, v.Reason.Text)
	}
}

func TestASegmentWithoutDataHoldsNothing(t *testing.T) {
	m := byRegion()
	s := newScene(m, 9)
	s.rps = 1000
	var state State
	var v Verdict
	for k := range 30 {
		regions := []string{"eu", "us"}
		if k > 10 {
			regions = regions[:1]
		}
		state, v = Step(config(m), state, s.regional(k, nil, regions...))
	}
	if v.Outcome != Pass || !v.Fresh {
		t.Errorf("a region fell silent: %s, fresh %v: %s", v.Outcome, v.Fresh, v.Reason.Text)
	}
}

// TestSegmentsKeepTheBudget: twelve regions, no harm, 40 looks.
func TestSegmentsKeepTheBudget(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs = 60
	m := byRegion()
	cfg := Config{Metrics: []release.Metric{m}, FalseRollback: 0.05}
	regions := strings.Split("abcdefghijkl", "")
	failed := 0
	for i := range runs {
		s := newScene(m, uint64(100+i))
		s.weight, s.rps = release.Whole/10, 40
		var state State
		var v Verdict
		for k := -20; k < 40 && v.Outcome != Fail; k++ {
			state, v = Step(cfg, state, s.regional(k, nil, regions...))
		}
		if v.Outcome == Fail {
			failed++
		}
	}
	if failed > 9 { // what a true 5 % stays below with probability 0.999
		t.Errorf("%d of %d harmless releases fail at 5 %%", failed, runs)
	}
}

// TestBudgetIsShared: what the guardrails, their segments and what is judged
// beside them may fail with adds up to what is allowed, whatever they are.
func TestBudgetIsShared(t *testing.T) {
	ratio, latency, level := byRegion(), metric(release.Histogram, release.Higher), metric(release.Gauge, release.Higher)
	latency.Name, level.Name = "latency", "level"
	latency.Limit = &release.Limit{Value: 0.5, Quantile: 0.9}
	warning := latency
	warning.Name, warning.Severity = "warning", release.Warning
	cfg := config(ratio, latency, level, warning)
	cfg.Share, cfg.HarmBudget = usual, 100
	cfg.Share.Of = "m"
	var s State
	var v Verdict
	for k := -5; k < 6; k++ {
		l := newScene(ratio, 1).regional(k, nil, "eu", "us")
		l.Share = l.Weight
		for _, m := range cfg.Metrics[1:] {
			l.Observations = append(l.Observations, newScene(m, 2).look(k).Observations...)
		}
		s, v = Step(cfg, s, l)
	}
	spent, warned := 0.0, 0.0
	for _, c := range v.Comparisons {
		if c.P <= 0 || c.P > 1 || c.P < math.Exp(-math.Max(0, c.LogE))-1e-9 && c.LogThreshold > 0 {
			t.Errorf("%s %s: p is %g at evidence %g", c.Metric, c.Segment, c.P, c.LogE)
		}
		if c.Severity == release.Warning {
			warned += math.Exp(-c.LogThreshold)
		} else {
			spent += math.Exp(-c.LogThreshold)
		}
	}
	if spent > cfg.FalseRollback*1.00001 || spent < cfg.FalseRollback*0.9 {
		t.Errorf("the guardrails share %g of %g", spent, cfg.FalseRollback)
	}
	if math.Abs(warned-cfg.FalseRollback) > 1e-6 {
		t.Errorf("the warnings share %g of %g", warned, cfg.FalseRollback)
	}
}

// TestSegmentsFindTheirThreshold: a segment of a histogram learns the noise of
// the whole at its own bound, not at another that happens to stand in its place.
func TestSegmentsFindTheirThreshold(t *testing.T) {
	whole := Series{Shares: []Share{{Bound: 0.1}, {Bound: 0.5}}}
	if got := whole.share(0.5); got != &whole.Shares[1] {
		t.Errorf("the share beyond 0.5 is %+v", got)
	}
	if got := whole.share(0.25); got != nil {
		t.Errorf("a bound that is not judged has %+v", got)
	}
}
