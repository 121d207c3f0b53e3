package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestMeanFalseAlarmsAndCoverage(t *testing.T) {
	t.Parallel()
	const runs, looks, alpha = 800, 100, 0.05
	rng := rand.New(rand.NewPCG(4, 4))
	above, below, missed := 0, 0, 0
	for range runs {
		var m Mean
		a, b, out := 0, 0, 0
		for range looks {
			m.Add(3 + 2*rng.NormFloat64())
			if m.LogAbove(3) >= math.Log(1/alpha) {
				a = 1
			}
			if m.LogBelow(3) >= math.Log(1/alpha) {
				b = 1
			}
			if low, high, ok := m.Interval(alpha); ok && (low > 3 || high < 3) {
				out = 1
			}
		}
		above, below, missed = above+a, below+b, missed+out
	}
	for name, n := range map[string]int{"above": above, "below": below, "interval": missed} {
		if n > alarms(runs, alpha) {
			t.Errorf("%s: %d of %d at alpha %g", name, n, runs, alpha)
		}
	}
}

// TestOneSideIsNeverMoreThanTwice the two-sided evidence, and nearly that when
// the side is plain.
func TestOneSideIsNeverMoreThanTwice(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	var m Mean
	for range 50 {
		m.Add(1 + rng.NormFloat64())
		if m.N < 3 || m.Mu <= 0 {
			continue
		}
		n := float64(m.N)
		two := AnytimeT(m.Mu/math.Sqrt(m.M2/(n-1)/n), n-1, n, priorRatio)
		if one := m.LogAbove(0); one > two+math.Log(2) {
			t.Fatalf("at %d points: one side %g, both %g", m.N, one, two)
		}
	}
	n := float64(m.N)
	if gain := m.LogAbove(0) - AnytimeT(m.Mu/math.Sqrt(m.M2/(n-1)/n), n-1, n, priorRatio); gain < 0.6 {
		t.Errorf("a plain side gains %g, at most log 2", gain)
	}
}

func TestMeanEdges(t *testing.T) {
	var m Mean
	if _, _, ok := m.Interval(0.05); ok || m.LogAbove(0) != 0 || m.LogBelow(0) != 0 {
		t.Error("no point, and yet an opinion")
	}
	for range 20 {
		m.Add(0.7)
		m.Add(math.NaN())
		m.Add(math.Inf(1))
	}
	if m.N != 20 || !m.Still() || m.LogAbove(0) != 0 || m.LogBelow(1) != 0 {
		t.Errorf("points that do not vary: %+v, above %g, below %g", m, m.LogAbove(0), m.LogBelow(1))
	}
	var huge Mean
	for i := range 20 {
		huge.Add(1e7 + float64(i%3))
	}
	finite(t, "huge", huge.LogAbove(0), huge.LogBelow(2e7), huge.Mu, huge.M2)
	if huge.LogAbove(0) < 10 || huge.LogAbove(1e7+1) > math.Log(20) {
		t.Errorf("ten millions with a little noise: %g above 0, %g above their mean", huge.LogAbove(0), huge.LogAbove(1e7+1))
	}
}

// TestMeanAgainstTwoPasses compares the running variance with the plain one.
func TestMeanAgainstTwoPasses(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	var m Mean
	var xs []float64
	for range 500 {
		x := 1e6 + rng.NormFloat64()
		xs = append(xs, x)
		m.Add(x)
	}
	mean, squares := 0.0, 0.0
	for _, x := range xs {
		mean += x / 500
	}
	for _, x := range xs {
		squares += (x - mean) * (x - mean)
	}
	if !near(m.Mu, mean, 1e-12) || !near(m.M2, squares, 1e-6) {
		t.Errorf("got %.12g and %.12g, want %.12g and %.12g", m.Mu, m.M2, mean, squares)
	}
}
