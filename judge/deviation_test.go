package judge

import (
	"testing"

	"github.com/linnet-project/linnet/release"
)

func deviating() release.Metric {
	m := metric(release.Ratio, release.Higher)
	m.Method, m.Tolerance, m.MinSamples = release.Deviation, 0.5, 100
	return m
}

func TestDeviation(t *testing.T) {
	for _, c := range []struct {
		name                 string
		badA, ofA, badB, ofB int64
		abs                  float64
		outcome              Outcome
		code                 release.Code
	}{
		{"alike", 10, 1000, 10, 1000, 0, Pass, release.WithinDeviation},
		{"just within", 10, 1000, 15, 1000, 0, Pass, release.WithinDeviation},
		{"beyond", 10, 1000, 16, 1000, 0, Fail, release.HarmFound},
		{"better", 10, 1000, 0, 1000, 0, Pass, release.WithinDeviation},
		{"too few", 1, 99, 1, 1000, 0, Wait, release.TooFew},
		{"idle", 0, 0, 0, 0, 0, Wait, release.TooFew},
		{"zero baseline", 0, 1000, 1, 1000, 0, Wait, release.ZeroBaseline},
		{"both zero", 0, 1000, 0, 1000, 0, Pass, release.WithinDeviation},
		{"zero baseline, absolute", 0, 1000, 1, 1000, 0.01, Pass, release.WithinDeviation},
		{"zero baseline, beyond absolute", 0, 1000, 11, 1000, 0.01, Fail, release.HarmFound},
	} {
		m := deviating()
		m.ToleranceAbs = c.abs
		_, v := Step(config(m), State{}, flat(0, release.Whole/2, c.badA, c.ofA, c.badB, c.ofB))
		if v.Outcome != c.outcome || (v.Reason.Code != c.code && v.Reason.Code != release.Idle) {
			t.Errorf("%s: %s, %s: %s", c.name, v.Outcome, v.Reason.Code, v.Reason.Text)
		}
		if len(v.Comparisons[0].Warnings) == 0 {
			t.Errorf("%s: no word of what it cannot promise", c.name)
		}
	}
}

// TestDeviationForgets: it speaks of the last window only, so an old fail or
// pass does not stand in for data.
func TestDeviationForgets(t *testing.T) {
	m := deviating()
	for _, bad := range []int64{10, 100} {
		s, v := Step(config(m), State{}, flat(0, release.Whole/2, 10, 1000, bad, 1000))
		if want := map[int64]Outcome{10: Pass, 100: Fail}[bad]; v.Outcome != want {
			t.Errorf("%d bad: %s", bad, v.Outcome)
		}
		one := flat(1, release.Whole/2, 10, 1000, bad, 1000)
		one.Observations = one.Observations[:1]
		_, v = Step(config(m), s, one)
		expect(t, v, Wait, release.NoData)
	}
}

func TestDeviationOfEveryKind(t *testing.T) {
	for i, c := range kinds {
		m := metric(c.kind, c.direction)
		m.Method, m.Tolerance = release.Deviation, 0.25
		if c.rate == 0.98 {
			m.Tolerance = 0.02
		}
		s := newScene(m, uint64(i))
		s.rate, s.rps = c.rate, 5000
		if c.kind == release.Count {
			s.rate *= 100
		}
		_, v := Step(config(m), State{}, s.look(0))
		expect(t, v, Pass, release.WithinDeviation)
		s.worse = c.worse
		_, v = Step(config(m), State{}, s.look(1))
		expect(t, v, Fail, release.HarmFound)
		if r := v.Comparisons[0].Effect.Ratio; r <= 1 {
			t.Errorf("%s worse %s: ratio %g; above 1 is worse", c.kind, c.direction, r)
		}
	}
}

// TestDeviationOfCountsKnowsTheSplit: at 5 % of the traffic a twentieth of the
// events is alike.
func TestDeviationOfCountsKnowsTheSplit(t *testing.T) {
	m := metric(release.Count, release.Higher)
	m.Method, m.Tolerance = release.Deviation, 0.3
	s := newScene(m, 1)
	s.rate, s.weight = 400, release.Whole/20
	_, v := Step(config(m), State{}, s.look(0))
	expect(t, v, Pass, release.WithinDeviation)
}

func TestDeviationWarmsUp(t *testing.T) {
	m := metric(release.Gauge, release.Higher)
	m.Method = release.Deviation
	s := newScene(m, 1)
	s.worse = 5
	l := s.look(0)
	l.WarmUntil = l.At
	_, v := Step(config(m), State{}, l)
	expect(t, v, Wait, release.Warming)
}

func TestQuantile(t *testing.T) {
	o := &release.Observation{Bounds: []float64{1, 2, 4}, Counts: []int64{50, 40, 8, 2}}
	for q, want := range map[float64]float64{0.5: 1, 0.7: 1.5, 0.9: 2, 0.94: 3, 0.99: 4} {
		if got := quantile(o, q); got.Value != want || got.N != 100 {
			t.Errorf("quantile %g is %g of %d, expected %g", q, got.Value, got.N, want)
		}
	}
}
