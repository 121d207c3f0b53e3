package judge

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const every = 15 * time.Second

// metric is a guardrail with the usual defaults.
func metric(kind release.Kind, worse release.Direction) release.Metric {
	return release.Metric{
		Name: "m", Kind: kind, Worse: worse, Severity: release.Guardrail, Method: release.Sequential, Tolerance: 0.05,
	}
}

func config(metrics ...release.Metric) Config {
	return Config{Metrics: metrics, FalseRollback: 0.01}
}

var latencyBounds = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5}

// scene makes observations of a service: its ordinary state, and by how much
// the candidate's is worse.
type scene struct {
	metric release.Metric
	rng    *rand.Rand
	rps    float64
	weight release.Weight
	rate   float64 // of a ratio's events, of a count's events a second
	worse  float64 // factor on the candidate; 0 or 1 is none
	points int     // instances of a gauge
}

func newScene(m release.Metric, seed uint64) *scene {
	return &scene{metric: m, rng: rand.New(rand.NewPCG(seed, 17)), rps: 200, weight: release.Whole / 2, rate: 0.02, worse: 1, points: 4}
}

func (s *scene) poisson(mean float64) int64 {
	if mean > 50 {
		return max(0, int64(math.Round(mean+math.Sqrt(mean)*s.rng.NormFloat64())))
	}
	limit, n, p := math.Exp(-mean), int64(0), s.rng.Float64()
	for p > limit {
		p *= s.rng.Float64()
		n++
	}
	return n
}

// observe makes what one arm did in the window that ends at a time.
func (s *scene) observe(arm, segment string, to time.Time, share float64) release.Observation {
	worse := 1.0
	if arm == release.Candidate && s.worse > 0 {
		worse = s.worse
	}
	o := release.Observation{Metric: s.metric.Name, Arm: arm, Segment: segment, Window: release.Window{From: to.Add(-every), To: to}}
	n := s.rps * every.Seconds() * share
	switch s.metric.Kind {
	case release.Ratio:
		o.Of = math.Round(n)
		o.Events = min(int64(o.Of), s.poisson(n*s.rate*worse))
	case release.Count:
		o.Events = s.poisson(every.Seconds() * share * s.rate * worse)
	case release.Histogram:
		o.Bounds, o.Counts = latencyBounds, make([]int64, len(latencyBounds)+1)
		before := 0.0
		for i, b := range append(latencyBounds[:len(latencyBounds):len(latencyBounds)], math.Inf(1)) {
			cdf := 0.5 * math.Erfc(-math.Log(b/(0.06*worse))/0.7/math.Sqrt2)
			o.Counts[i] = s.poisson(n * (cdf - before))
			before = cdf
		}
	case release.Gauge:
		for range s.points {
			o.Points = append(o.Points, 0.5*worse*math.Exp(0.04*s.rng.NormFloat64()))
		}
	}
	return o
}

// look is the k-th look; k < 0 are looks at the baseline alone.
func (s *scene) look(k int) Look {
	at := noon.Add(time.Duration(k+1) * every)
	l := Look{At: at, Live: k >= 0, Settled: true, Weight: s.weight}
	share := float64(s.weight) / float64(release.Whole)
	if k < 0 {
		l.Weight, share = 0, 0
	}
	l.Observations = append(l.Observations, s.observe(release.Baseline, "", at, 1-share))
	if k >= 0 {
		l.Observations = append(l.Observations, s.observe(release.Candidate, "", at, share))
	}
	return l
}

// past is n looks at the baseline alone.
func (s *scene) past(cfg Config, n int) State {
	var state State
	for k := -n; k < 0; k++ {
		state, _ = Step(cfg, state, s.look(k))
	}
	return state
}

// until looks until the outcome comes, at most so often, and returns the
// verdict and after how many looks it came; 0 for never.
func (s *scene) until(cfg Config, outcome Outcome, most int) (Verdict, int) {
	state := s.past(cfg, 60)
	var v Verdict
	for k := range most {
		state, v = Step(cfg, state, s.look(k))
		if v.Outcome == outcome {
			return v, k + 1
		}
	}
	return v, 0
}

// flat is an exact look of a ratio: the same counts each time.
func flat(k int, w release.Weight, badA, ofA, badB, ofB int64) Look {
	to := noon.Add(time.Duration(k+1) * every)
	window := release.Window{From: to.Add(-every), To: to}
	return Look{At: to, Live: true, Settled: true, Weight: w, Observations: []release.Observation{
		{Metric: "m", Arm: release.Baseline, Window: window, Events: badA, Of: float64(ofA)},
		{Metric: "m", Arm: release.Candidate, Window: window, Events: badB, Of: float64(ofB)},
	}}
}

func expect(t *testing.T, v Verdict, outcome Outcome, code release.Code) {
	t.Helper()
	if v.Outcome != outcome || v.Reason.Code != code {
		t.Errorf("%s, %s (%s); expected %s, %s", v.Outcome, v.Reason.Code, v.Reason.Text, outcome, code)
	}
}

// heavy marks a test that draws much: with -short it is skipped. make test runs
// it without the race detector, which has nothing to see in what has no
// goroutines.
func heavy(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("draws much: runs without -short")
	}
}
