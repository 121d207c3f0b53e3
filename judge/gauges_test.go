package judge

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
)

func TestCentre(t *testing.T) {
	for _, c := range []struct {
		points []float64
		want   float64
		ok     bool
	}{
		{nil, 0, false}, {[]float64{3}, 3, true}, {[]float64{1, 3}, 2, true}, {[]float64{9, 1, 2}, 2, true}, {[]float64{4, 1, 100, 2}, 3, true},
	} {
		if got, ok := centre(c.points); got != c.want || ok != c.ok {
			t.Errorf("centre of %v is %g, %v", c.points, got, ok)
		}
	}
	points := []float64{3, 1, 2}
	if centre(points); points[0] != 3 {
		t.Error("the observation was sorted in place")
	}
}

// TestOneSpikingInstance of several does not decide.
func TestOneSpikingInstance(t *testing.T) {
	m := metric(release.Gauge, release.Higher)
	s := newScene(m, 3)
	state := s.past(config(m), 60)
	var v Verdict
	for k := range 60 {
		l := s.look(k)
		l.Observations[1].Points[0] *= 30
		if state, v = Step(config(m), state, l); v.Outcome == Fail {
			t.Fatalf("one instance of four spikes: %s", v.Reason.Text)
		}
	}
	expect(t, v, Pass, release.HarmExcluded)
}

// TestGaugeFalseAlarms: levels that remember their last value, drift in common,
// and instances that differ a little for good, as they do.
func TestGaugeFalseAlarms(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs = 120
	m := metric(release.Gauge, release.Higher)
	m.Tolerance = 0.1
	cfg := Config{Metrics: []release.Metric{m}, FalseRollback: 0.05}
	failed, passed := 0, 0
	for i := range runs {
		rng := rand.New(rand.NewPCG(uint64(i), 3))
		noise := make([]float64, 8)
		apart := make([]float64, 8)
		for j := range apart {
			apart[j] = 0.02 * rng.NormFloat64()
		}
		s := newScene(m, uint64(i))
		var state State
		var v Verdict
		for k := -60; k < 120 && v.Outcome != Fail; k++ {
			l := s.look(k)
			load := 0.5 * (1 + 0.3*math.Sin(float64(k)/30))
			for n := range l.Observations {
				for p := range l.Observations[n].Points {
					j := 4*n + p
					noise[j] = 0.6*noise[j] + 0.05*rng.NormFloat64()
					l.Observations[n].Points[p] = load * math.Exp(noise[j]+apart[j])
				}
			}
			state, v = Step(cfg, state, l)
		}
		switch v.Outcome {
		case Fail:
			failed++
		case Pass:
			passed++
		}
	}
	if failed > 14 || passed < runs*9/10 {
		t.Errorf("of %d harmless releases %d fail at 5 %%, %d pass in half an hour", runs, failed, passed)
	}
}

func TestLevelsOfZeroAreLeftOut(t *testing.T) {
	m := metric(release.Gauge, release.Higher)
	s := newScene(m, 3)
	var state State
	var v Verdict
	for k := range 12 {
		l := s.look(k)
		for i := range l.Observations[0].Points {
			l.Observations[0].Points[i] = 0
		}
		state, v = Step(config(m), state, l)
	}
	c := v.Comparisons[0]
	if !strings.Contains(v.Reason.Text, "set toleranceAbs") {
		t.Errorf("no word of what to do: %s", v.Reason.Text)
	}
	if v.Outcome != Wait || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "12 windows") {
		t.Errorf("%s, %q", v.Outcome, c.Warnings)
	}
}

// TestLevelsThatStandStill: nothing is known of their noise. Alike they pass;
// apart they wait, and say why.
func TestLevelsThatStandStill(t *testing.T) {
	m := metric(release.Gauge, release.Higher)
	for _, candidate := range []float64{8, 16} {
		s := newScene(m, 3)
		var state State
		var v Verdict
		for k := range 20 {
			l := s.look(k)
			l.Observations[0].Points, l.Observations[1].Points = []float64{8}, []float64{candidate}
			state, v = Step(config(m), state, l)
		}
		if want := map[float64]Outcome{8: Pass, 16: Wait}[candidate]; v.Outcome != want || len(v.Comparisons[0].Warnings) != 1 {
			t.Errorf("8 against %g: %s, warnings %q", candidate, v.Outcome, v.Comparisons[0].Warnings)
		}
	}
}

// TestDifferencesOfLevels: with an absolute tolerance an empty queue is a level
// as any other, still or moving.
func TestDifferencesOfLevels(t *testing.T) {
	m := metric(release.Gauge, release.Higher)
	m.ToleranceAbs = 10
	for _, c := range []struct {
		name          string
		level, jitter float64
		want          Outcome
	}{{"flooded", 1000, 1, Fail}, {"flooded and still", 1000, 0, Fail}, {"empty", 0, 1, Pass}, {"empty and still", 0, 0, Pass}} {
		rng := rand.New(rand.NewPCG(3, 4))
		s := newScene(m, 3)
		var state State
		var v Verdict
		for k := -30; k < 20 && v.Outcome != Fail; k++ {
			l := s.look(k)
			l.Observations[0].Points = []float64{0, 0}
			if k >= 0 {
				l.Observations[1].Points = []float64{c.level + c.jitter*rng.Float64()}
			}
			state, v = Step(config(m), state, l)
		}
		if v.Outcome != c.want {
			t.Errorf("%s: %s: %s", c.name, v.Outcome, v.Reason.Text)
		}
		if c.want == Pass && !strings.Contains(v.Reason.Text, "worse by 20 is ruled out") {
			t.Errorf("%s: %s", c.name, v.Reason.Text)
		}
	}
}
