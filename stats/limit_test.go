package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// binomialP is the probability of k events out of n, by counting.
func binomialP(k, n int64, p float64) float64 {
	return weight(k, k, 0, n) * math.Pow(p, float64(k)) * math.Pow(1-p, float64(n-k))
}

// TestLimitIsAnEProcess enumerates the outcomes of two small buckets.
func TestLimitIsAnEProcess(t *testing.T) {
	const n = 7
	b := Bounds{Limit: 0.2, Excluded: 0.4, Surplus: 0.3}
	expect := func(p float64, evidence func(*Limit) float64) float64 {
		sum := 0.0
		for i := range int64(n + 1) {
			for j := range int64(n + 1) {
				var l Limit
				l.Update(i, n, b)
				l.Update(j, n, b)
				sum += binomialP(i, n, p) * binomialP(j, n, p) * math.Exp(evidence(&l))
			}
		}
		return sum
	}
	for _, p := range []float64{0, 0.05, 0.2} {
		if e := expect(p, (*Limit).LogAbove); e > 1+1e-9 {
			t.Errorf("share %g: evidence above the limit is %g on average", p, e)
		}
	}
	for _, p := range []float64{0.4, 0.7, 1} {
		if e := expect(p, (*Limit).LogBelow); e > 1+1e-9 {
			t.Errorf("share %g: evidence below the excluded share is %g on average", p, e)
		}
	}
	if above, below := expect(0.6, (*Limit).LogAbove), expect(0.1, (*Limit).LogBelow); above < 2 || below < 1.5 {
		t.Errorf("where they should grow, they are %g and %g on average", above, below)
	}
}

// TestRatesArePoissonLimits: a rate is the limit of ever finer trials.
func TestRatesArePoissonLimits(t *testing.T) {
	var rate, share Limit
	const cells = 1e7
	for _, k := range []int64{3, 0, 7, 20, 2} {
		rate.UpdateRate(k, 15, Bounds{Limit: 0.2, Excluded: 0.5, Surplus: 0.1})
		share.Update(k, cells, Bounds{Limit: 0.2 * 15 / cells, Excluded: 0.5 * 15 / cells, Surplus: 0.1})
	}
	if !near(rate.LogAbove(), share.LogAbove(), 1e-4) || !near(rate.LogBelow(), share.LogBelow(), 1e-4) {
		t.Errorf("rate %g and %g, share %g and %g", rate.LogAbove(), rate.LogBelow(), share.LogAbove(), share.LogBelow())
	}
	if rate.Events != 32 || rate.Exposure != 75 {
		t.Errorf("%d events over %g", rate.Events, rate.Exposure)
	}
}

func TestLimitFalseAlarms(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, looks, alpha = 800, 120, 0.05
	rng := rand.New(rand.NewPCG(2, 3))
	above, below, rates := 0, 0, 0
	crosses := func(update func(*Limit), evidence func(*Limit) float64) int {
		var l Limit
		for range looks {
			update(&l)
			if evidence(&l) >= math.Log(1/alpha) {
				return 1
			}
		}
		return 0
	}
	bounds := Bounds{Limit: 0.01, Excluded: 0.05}
	for range runs {
		above += crosses(func(l *Limit) { l.Update(poisson(rng, 2), 200, bounds) }, (*Limit).LogAbove)
		below += crosses(func(l *Limit) { l.Update(min(200, poisson(rng, 10)), 200, bounds) }, (*Limit).LogBelow)
		rates += crosses(func(l *Limit) { l.UpdateRate(poisson(rng, 3), 15, Bounds{Limit: 0.2, Excluded: 0.4}) }, (*Limit).LogAbove)
	}
	for name, n := range map[string]int{"above": above, "below": below, "rates": rates} {
		if n > alarms(runs, alpha) {
			t.Errorf("%s: %d of %d crossed at alpha %g", name, n, runs, alpha)
		}
	}
}

func TestLimitFindsAndPasses(t *testing.T) {
	b := Bounds{Limit: 0.01, Excluded: 0.05}
	var quiet, late, none Limit
	for range 40 {
		quiet.Update(2, 400, b)
		late.Update(2, 400, b)
		none.Update(0, 5, b)
	}
	for range 4 {
		late.Update(20, 400, b)
	}
	if quiet.LogAbove() > 0 || quiet.LogBelow() < math.Log(20) {
		t.Errorf("half of the limit: above %g, below %g", quiet.LogAbove(), quiet.LogBelow())
	}
	if late.LogAbove() < math.Log(100) {
		t.Errorf("five times the limit for four looks after forty: %g", late.LogAbove())
	}
	// 200 trials without an event rule out a share of 5 %.
	if none.LogBelow() < math.Log(20) || none.LogAbove() > 0 {
		t.Errorf("no event in 200: above %g, below %g", none.LogAbove(), none.LogBelow())
	}
}

func TestLimitEdges(t *testing.T) {
	var l Limit
	if l.LogAbove() != 0 || math.Abs(l.LogBelow()) > 1e-12 {
		t.Errorf("before any look: %g and %g", l.LogAbove(), l.LogBelow())
	}
	b := Bounds{Limit: 1e-9, Excluded: 1 - 1e-9}
	l.Update(0, 0, b)
	l.Update(-1, 5, b)
	l.Update(6, 5, b)
	l.UpdateRate(3, 0, b)
	l.UpdateRate(3, math.NaN(), b)
	if above := l.LogAbove(); math.Abs(above) > 1e-9 || math.Abs(l.LogBelow()) > 1e-12 {
		t.Errorf("buckets that say nothing: %g and %g", above, l.LogBelow())
	}
	l.Update(1e7, 1e7, b) // nothing but events
	l.Update(0, 1e7, b)
	l.UpdateRate(1e7, 15, b)
	finite(t, "limit", l.LogAbove(), l.LogBelow(), l.Above.Waiting)
	finite(t, "limit", l.Above.Started[:]...)
	finite(t, "limit", l.Below.Under[:]...)
}
