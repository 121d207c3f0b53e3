package judge

import (
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
)

// sampling is what an arm keeps of its bad requests, and of the rest.
type sampling struct{ bad, rest float64 }

// keptOf draws how many of n are kept.
func keptOf(rng *rand.Rand, n int64, share float64) (k int64) {
	if mean := float64(n) * share; n > 200 { // near enough to normal, and quick
		return min(n, max(0, int64(math.Round(mean+math.Sqrt(mean*(1-share))*rng.NormFloat64()))))
	}
	for range n {
		if rng.Float64() < share {
			k++
		}
	}
	return k
}

// thin makes of an observation of all what a source tells that samples.
func thin(rng *rand.Rand, o *release.Observation, s sampling) {
	if len(o.Counts) > 0 {
		for i, n := range o.Counts {
			k := keptOf(rng, n, s.rest)
			o.Kept.Of += float64(k)
			o.Counts[i] = int64(math.Round(float64(k) / s.rest))
		}
		return
	}
	bad, rest := keptOf(rng, o.Events, s.bad), keptOf(rng, int64(o.Of)-o.Events, s.rest)
	o.Kept = release.Kept{Events: bad, Of: float64(bad + rest)}
	o.Events = int64(math.Round(float64(bad) / s.bad))
	o.Of = float64(o.Events) + float64(rest)/s.rest
}

// sampledRun runs one release of a service that samples; fails tells after how
// many looks it failed, 0 for never.
func sampledRun(seed uint64, cfg Config, worse float64, a, b sampling, looks int) (v Verdict, fails int) {
	s := newScene(cfg.Metrics[0], seed)
	s.worse = worse
	var state State
	for k := -60; k < looks; k++ {
		l := s.look(k)
		if cfg.Share.Of != "" && k >= 0 {
			l.Share = l.Weight
		}
		for i := range l.Observations {
			if o := &l.Observations[i]; o.Arm == release.Baseline {
				thin(s.rng, o, a)
			} else {
				thin(s.rng, o, b)
			}
		}
		if state, v = Step(cfg, state, l); v.Outcome == Fail {
			return v, k + 1
		}
	}
	return v, 0
}

var (
	everything = sampling{1, 1}
	tenth      = sampling{0.1, 0.1}
	errorsAll  = sampling{1, 0.1}
)

// TestSampledRatiosKeepTheirWord: harmless releases fail no more often than was
// asked for, and harm is found, whichever way both arms are sampled.
func TestSampledRatiosKeepTheirWord(t *testing.T) {
	heavy(t)
	const runs, looks = 400, 60
	cfg := config(metric(release.Ratio, release.Higher))
	cfg.FalseRollback = 0.05
	for name, x := range map[string]struct {
		a, b sampling
		late int // looks in which errors x2 are found at the latest
	}{
		"a tenth of everything":                {tenth, tenth, 40},
		"all errors and a tenth of the rest":   {errorsAll, errorsAll, 15},
		"all errors and 2 % of the rest":       {sampling{1, 0.02}, sampling{1, 0.02}, 20},
		"all of one arm, a tenth of the other": {tenth, everything, 30},
	} {
		// What is still fine is no harm: the null at its very edge.
		alarms := 0
		for seed := range uint64(runs) {
			if _, at := sampledRun(seed, cfg, 1.05, x.a, x.b, looks); at > 0 {
				alarms++
			}
		}
		if most := runs*0.05 + 2*math.Sqrt(runs*0.05); float64(alarms) > most {
			t.Errorf("%s: %d false alarms in %d releases, at most %.0f are allowed", name, alarms, runs, most)
		}
		found := 0
		for seed := range uint64(40) {
			if _, at := sampledRun(1000+seed, cfg, 2, x.a, x.b, looks); at > 0 && at <= x.late {
				found++
			}
		}
		if found < 36 {
			t.Errorf("%s: errors x2 were found in %d of 40 releases within %d looks", name, found, x.late)
		}
		t.Logf("%s: %d false alarms in %d releases; errors x2 found in %d of 40 within %d looks", name, alarms, runs, found, x.late)
	}
}

// TestSampledHistograms: thinned alike and unlike, harmless ones seldom fail, and
// slower ones do.
func TestSampledHistograms(t *testing.T) {
	heavy(t)
	const runs = 100
	cfg := config(metric(release.Histogram, release.Higher))
	cfg.FalseRollback = 0.05
	for _, b := range []sampling{tenth, everything} {
		alarms, found := 0, 0
		for seed := range uint64(runs) {
			if _, at := sampledRun(seed, cfg, 1, tenth, b, 40); at > 0 {
				alarms++
			}
			if seed < 10 {
				if _, at := sampledRun(seed, cfg, 1.5, tenth, b, 40); at > 0 {
					found++
				}
			}
		}
		if alarms > 10 || found < 9 {
			t.Errorf("candidate sampled by %g: %d of %d harmless ones failed, %d of 10 slow ones", b.rest, alarms, runs, found)
		}
	}
}

// TestSampledApartWaits: where one arm keeps all of its errors and the other a
// part, their counts cannot be held against each other, and nothing is.
func TestSampledApartWaits(t *testing.T) {
	cfg := config(metric(release.Ratio, release.Higher))
	for name, x := range map[string][2]sampling{
		"errors of one arm only":        {tenth, errorsAll},
		"errors, by another factor":     {sampling{1, 0.1}, sampling{1, 0.2}},
		"a part of one arm's errors":    {everything, sampling{0.2, 1}},
		"all of one, some of the other": {errorsAll, everything},
	} {
		for _, worse := range []float64{0.5, 1, 3} {
			v, at := sampledRun(3, cfg, worse, x[0], x[1], 40)
			if at > 0 || v.Outcome != Wait || v.Reason.Code != release.SampledApart || !strings.Contains(v.Reason.Text, "sampled too differently") {
				t.Errorf("%s, %gx: %s after %d looks: %+v", name, worse, v.Outcome, at, v.Reason)
			}
		}
	}
}

// TestSampledByOddSharesIsSampledAlike: a window's few errors, scaled up to whole
// ones, tell badly which share of them was kept. That is no reason to leave the
// window alone, nor any other.
func TestSampledByOddSharesIsSampledAlike(t *testing.T) {
	for _, share := range []float64{0.03, 0.15, 0.3, 0.7} {
		rng := rand.New(rand.NewPCG(5, 8))
		var s State
		var v Verdict
		for k := range 60 {
			l := flat(k, release.Whole/2, 3, 60, 3, 60)
			for i := range l.Observations {
				thin(rng, &l.Observations[i], sampling{share, share})
			}
			if s, v = Step(config(metric(release.Ratio, release.Higher)), s, l); v.Reason.Code == release.SampledApart {
				t.Fatalf("%g kept, look %d: %s, %+v", share, k, v.Reason.Text, l.Observations)
			}
		}
	}
}

// TestSampledFiguresAreScaledUp, and a warning says what was counted.
func TestSampledFiguresAreScaledUp(t *testing.T) {
	m := metric(release.Ratio, release.Higher)
	var s State
	var v Verdict
	for k := range 5 {
		l := flat(k, release.Whole/2, 30, 1500, 60, 1500)
		l.Observations[0].Kept = release.Kept{Events: 30, Of: 177}
		l.Observations[1].Kept = release.Kept{Events: 60, Of: 204}
		s, v = Step(config(m), s, l)
	}
	c := v.Comparisons[0]
	if c.Baseline != (Side{N: 7500, Events: 150, Value: 0.02}) || c.Candidate != (Side{N: 7500, Events: 300, Value: 0.04}) {
		t.Errorf("%+v against %+v, want the figures of all", c.Candidate, c.Baseline)
	}
	if c.Effect.Ratio < 1.9 || c.Effect.Ratio > 2.1 {
		t.Errorf("a ratio of %g, want 2", c.Effect.Ratio)
	}
	if text := strings.Join(c.Warnings, ";"); !strings.Contains(text, "only a sample was counted, 1,905 of 15,000 requests") {
		t.Errorf("warnings %q", c.Warnings)
	}
	if strings.Contains(v.Reason.Text, "177") {
		t.Errorf("reason %q", v.Reason.Text)
	}
	if b, ok := c.Belief(m); !ok || b.Loss < 15 || b.Loss > 25 {
		t.Errorf("an expected loss of %g in 1,000 (%t), want about 20", b.Loss, ok)
	}
}

// TestSampledAlikeIsNoSurerThanWhatWasCounted: a tenth that stands for all gives
// the evidence of the tenth.
func TestSampledAlikeIsNoSurerThanWhatWasCounted(t *testing.T) {
	for _, kind := range []release.Kind{release.Ratio, release.Count} {
		m := metric(kind, release.Higher)
		if kind == release.Count {
			m.Of = "requests"
		}
		var s, plain State
		var v, w Verdict
		for k := range 8 {
			l := flat(k, release.Whole/2, 300, 15000, 450, 15000)
			l.Observations[0].Kept = release.Kept{Events: 30, Of: 1500}
			l.Observations[1].Kept = release.Kept{Events: 45, Of: 1500}
			s, v = Step(config(m), s, l)
			plain, w = Step(config(m), plain, flat(k, release.Whole/2, 30, 1500, 45, 1500))
		}
		// The level is known a little better, and with it the tolerated odds.
		if a, b := v.Comparisons[0].LogE, w.Comparisons[0].LogE; math.Abs(a-b) > 0.01*math.Abs(b) {
			t.Errorf("%s: evidence of %g, that of what was counted is %g", kind, a, b)
		}
	}
}

// TestSampledLimits: a limit on all requests is not broken by keeping more of the
// errors, and one that is broken is found.
func TestSampledLimits(t *testing.T) {
	m := metric(release.Ratio, release.Higher)
	m.LimitOnly = true
	for _, x := range []struct {
		limit float64
		want  Outcome
	}{{0.03, Pass}, {0.01, Fail}} {
		m.Limit = &release.Limit{Value: x.limit}
		for _, b := range []sampling{tenth, errorsAll, everything} {
			if v, _ := sampledRun(5, config(m), 1, tenth, b, 60); v.Outcome != x.want {
				t.Errorf("limit %g, %+v kept: %s, %+v", x.limit, b, v.Outcome, v.Reason)
			}
		}
	}
}

// TestSampledShareAndBudget: scaled numbers are no surer than what was counted.
// Neither the share of traffic nor the harm budget fails what does no harm.
func TestSampledShareAndBudget(t *testing.T) {
	heavy(t)
	const runs = 150
	m := metric(release.Ratio, release.Higher)
	cfg := config(m)
	cfg.FalseRollback = 0.05
	cfg.Share = release.Share{Of: m.Name, Tolerance: 0.05, Drawn: true, OnFewer: release.ActFail, OnMore: release.ActFail}
	cfg.HarmBudget = 1
	for _, x := range []sampling{{0.02, 0.02}, {1, 0.02}} {
		alarms := 0
		for seed := range uint64(runs) {
			if v, at := sampledRun(seed, cfg, 1, x, x, 40); at > 0 {
				alarms++
				t.Logf("%+v: %s", x, v.Reason.Text)
			}
		}
		if alarms > 12 {
			t.Errorf("%+v kept: %d of %d harmless releases failed", x, alarms, runs)
		}
		v, _ := sampledRun(1, cfg, 1, x, x, 40)
		if v.Harm.Upper < v.Harm.Estimate+100 && x.bad < 1 {
			t.Errorf("%+v kept: at most %g spent, where %g are estimated from every fiftieth", x, v.Harm.Upper, v.Harm.Estimate)
		}
	}
}

// TestImpossibleSamples are nonsense of the source and no evidence.
func TestImpossibleSamples(t *testing.T) {
	m := metric(release.Ratio, release.Higher)
	for _, k := range []release.Kept{{Events: 61, Of: 100}, {Events: 5, Of: 2000}, {Events: 50, Of: 20}, {Events: -1}, {Of: math.NaN()}} {
		l := flat(0, release.Whole/2, 30, 1500, 60, 1500)
		l.Observations[1].Kept = k
		_, v := Step(config(m), State{}, l)
		expect(t, v, Wait, release.SourceInvalid)
	}
}

// TestSampledStateIsAValue: a step leaves the state of what is sampled alone.
func TestSampledStateIsAValue(t *testing.T) {
	cfg := config(metric(release.Ratio, release.Higher), metric(release.Histogram, release.Higher))
	cfg.Metrics[1].Name = "h"
	r, h := newScene(cfg.Metrics[0], 1), newScene(cfg.Metrics[1], 2)
	var s State
	for k := -10; k < 20; k++ {
		l := r.look(k)
		l.Observations = append(l.Observations, h.look(k).Observations...)
		for i := range l.Observations {
			thin(r.rng, &l.Observations[i], tenth)
		}
		before := text(t, s)
		next, v := Step(cfg, s, l)
		again, w := Step(cfg, s, l)
		if text(t, s) != before || text(t, next) != text(t, again) || !reflect.DeepEqual(v, w) {
			t.Fatalf("look %d: the state changed under its step", k)
		}
		s = next
	}
}
