package forecast

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// world simulates releases by other means than the forecast's: other
// generators, request counts first and bad ones out of them, values one by one,
// all metrics judged together, nothing shared between effects.
type world struct {
	scene *Scene
	rng   *rand.Rand
	noise map[string][]float64 // of gauges, by metric and arm
}

func (w *world) poisson(mean float64) float64 {
	return distuv.Poisson{Lambda: mean, Src: w.rng}.Rand()
}

func (w *world) observe(i int, arm string, to time.Time, share, harm float64) release.Observation {
	m, p := w.scene.Plan.Metrics[i], w.scene.Service.Metrics[i]
	every := w.scene.Plan.Every
	o := release.Observation{Metric: m.Name, Arm: arm, Window: release.Window{From: to.Add(-every), To: to}}
	n := 0.0
	if mean := w.scene.Service.Rate * every.Seconds() * share; mean > 0 && m.Kind != release.Gauge {
		n = w.poisson(mean)
	}
	switch m.Kind {
	case release.Ratio:
		o.Of = n
		o.Events = int64(distuv.Binomial{N: n, P: p.Level * harm, Src: w.rng}.Rand())
	case release.Histogram:
		o.Bounds, o.Counts = p.Shape.Bounds, make([]int64, len(p.Shape.Bounds)+1)
		for range int(n) {
			at, _ := slices.BinarySearch(o.Bounds, 0.1*harm*math.Exp(0.8*w.rng.NormFloat64()))
			o.Counts[at]++
		}
	case release.Gauge:
		key := m.Name + arm
		for len(w.noise[key]) < p.Instances {
			w.noise[key] = append(w.noise[key], w.rng.NormFloat64())
		}
		for j := range w.noise[key] {
			x := &w.noise[key][j]
			*x = p.Memory**x + math.Sqrt(1-p.Memory*p.Memory)*w.rng.NormFloat64()
			o.Points = append(o.Points, p.Level*harm*math.Exp(p.Noise**x))
		}
	}
	return o
}

// run plays one release up to a step, in which one metric is harmed (none where
// it is negative), and returns the looks until that metric fails and until the
// step passes; 0 for not within so many.
func (w *world) run(step, harmed int, harm float64, most int) (fails, passes int) {
	p := w.scene.Plan
	cfg := judge.Config{Metrics: p.Metrics, FalseRollback: p.FalseRollback}
	w.noise = map[string][]float64{}
	var state judge.State
	at := time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)
	look := func(weight release.Weight, live bool, harm float64, warm time.Time) (v judge.Verdict) {
		at = at.Add(p.Every)
		l := judge.Look{At: at, Live: live, Settled: true, Weight: weight, WarmUntil: warm}
		share := float64(weight) / float64(release.Whole)
		for i := range p.Metrics {
			if harmed >= 0 && i != harmed {
				continue // another metric says nothing of this one
			}
			l.Observations = append(l.Observations, w.observe(i, release.Baseline, at, 1-share, 1))
			if h := 1.0; live {
				if i == harmed {
					h = harm
				}
				l.Observations = append(l.Observations, w.observe(i, release.Candidate, at, share, h))
			}
		}
		state, v = judge.Step(cfg, state, l)
		return v
	}
	for range 60 {
		look(0, false, 1, time.Time{})
	}
	warm := at.Add(p.WarmUp)
	for i := range step {
		for range p.Steps[i].AtLeast / p.Every {
			look(p.Steps[i].Weight, true, 1, warm)
		}
	}
	for k := 1; k <= most; k++ {
		v := look(p.Steps[step].Weight, true, harm, warm)
		if harmed < 0 && v.Outcome == judge.Pass && v.Fresh && time.Duration(k)*p.Every >= p.Steps[step].AtLeast {
			return 0, k
		}
		for _, c := range v.Comparisons {
			if harmed >= 0 && c.Metric == p.Metrics[harmed].Name && c.Outcome == judge.Fail {
				return k, 0
			}
		}
	}
	return 0, 0
}

// agreed is a plan and service whose forecasts are held to simulations.
func agreed() *Scene {
	metrics := []release.Metric{
		guardrail("errors", release.Ratio, release.Higher, 0.1),
		guardrail("latency", release.Histogram, release.Higher, 0.05),
		guardrail("cpu", release.Gauge, release.Higher, 0.1),
	}
	s := &Scene{Draws: seeded(3), Plan: plan.Plan{
		Metrics: metrics, Every: 15 * time.Second, WarmUp: time.Minute, FalseRollback: 0.01,
		Steps: []plan.Step{
			{Weight: 10_000, AtLeast: 2 * time.Minute, AtMost: 12 * time.Minute},
			{Weight: 50_000, AtLeast: 2 * time.Minute, AtMost: 12 * time.Minute},
		},
	}}
	s.Service = Service{Rate: 60, Metrics: []Profile{
		{Level: 0.02},
		{Shape: Shape{Bounds: []float64{0.05, 0.1, 0.3, 1}}},
		{Level: 0.4, Noise: 0.08, Memory: 0.5, Instances: 3},
	}}
	for _, b := range s.Service.Metrics[1].Shape.Bounds {
		s.Service.Metrics[1].Shape.Beyond = append(s.Service.Metrics[1].Shape.Beyond, upper(math.Log(b/0.1)/0.8))
	}
	return s
}

// near says that a forecast agrees with a simulation: within 10 %, or one look.
// What is beyond the step's end counts as its end.
func near(got, want int) bool {
	return math.Abs(float64(got-want)) <= math.Max(0.1*float64(want), 1)
}

// TestForecastsAgreeWithSimulation: times at both powers, and of a pass.
func TestForecastsAgreeWithSimulation(t *testing.T) {
	heavy(t)
	const releases = 400
	s := agreed()
	for _, c := range []struct {
		cell Cell
		harm float64
	}{
		{Cell{Step: 0, Metric: 0}, 2},
		{Cell{Step: 1, Metric: 0}, 2},
		{Cell{Step: 0, Metric: 1}, 1.5},
		{Cell{Step: 1, Metric: 1}, 1.2},
		{Cell{Step: 0, Metric: 2}, 1.4},
		{Cell{Step: 1, Metric: everyMetric}, 1},
	} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			w := &world{scene: s, rng: rand.New(rand.NewPCG(77, uint64(c.cell.Step*10+c.cell.Metric)))}
			most := s.horizon(c.cell.Step)
			want, powers := sample{most: most}, []float64{power, highPower}
			for range releases {
				fails, passes := w.run(c.cell.Step, c.cell.Metric, c.harm, most)
				want.add(max(fails, passes))
			}
			var got *sample
			if c.cell.Metric == everyMetric {
				f := s.Play(c.cell)
				got, powers = &f.passed, []float64{0.5, highPower}
			} else {
				got = s.newRunner(c.cell).until(c.harm, fine, powers...)
			}
			for _, p := range powers {
				x, _ := got.quantile(p)
				y, _ := want.quantile(p)
				t.Logf("%+v x%g, %g: forecast %d looks (%d paths), simulation %d", c.cell, c.harm, p, x, got.n(), y)
				if !near(min(x, most+1), min(y, most+1)) {
					t.Errorf("%+v x%g, %g: forecast %d looks , simulation %d", c.cell, c.harm, p, x, y)
				}
			}
		})
	}
}

// TestTheSmallestEffectAgreesWithSimulation: a tenth more than the forecast's
// smallest harm is seen with more than the power told, a tenth less with less.
func TestTheSmallestEffectAgreesWithSimulation(t *testing.T) {
	heavy(t)
	const releases = 300
	s := agreed()
	f := s.Play(Cell{Step: 1, Metric: 0})
	for _, looks := range []int{s.least(1), s.horizon(1)} {
		x := f.smallest(looks)
		w := &world{scene: s, rng: rand.New(rand.NewPCG(78, uint64(looks)))}
		for _, around := range []float64{0.9, 1.1} {
			got := sample{most: looks}
			for range releases {
				fails, _ := w.run(1, 0, 1+(x-1)*around, looks)
				got.add(fails)
			}
			share := got.within(looks)
			t.Logf("%d looks, smallest x%g: at %g of the harm %g are seen", looks, x, around, share)
			if (around < 1) != (share < power) {
				t.Errorf("in %d looks x%g is said to be the least seen; at %g of it %g of the releases are seen", looks, x, around, share)
			}
		}
	}
}
