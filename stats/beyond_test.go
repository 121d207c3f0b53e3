package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestBeyondExactly: against integrals in closed form. With pA uniform and pB
// uniform, P(pB > m + f pA) is an area.
func TestBeyondExactly(t *testing.T) {
	flat := Beta{1, 1}
	for _, c := range []struct{ margin, factor, want float64 }{
		{0.25, 1, 0.75 * 0.75 / 2},
		{0.5, 0, 0.5},
		{0.1, 0.5, 1 - 0.1 - 0.25},
		{0.5, 5, 0.5 * 0.1 / 2},
		{0, 1, 0.5},
		{1, 1, 0},
	} {
		if got := ProbabilityBeyond(flat, flat, c.margin, c.factor); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("margin %g, factor %g: %.9f, want %.9f", c.margin, c.factor, got, c.want)
		}
	}
	// A baseline that is known to be 0 nearly: what lies beyond the margin.
	b := Beta{3, 400}
	if got, want := ProbabilityBeyond(Beta{1, 1e13}, b, 0.005, 2), b.Between(0.005, 1); math.Abs(got-want) > 1e-6 {
		t.Errorf("above a margin: %.9f, want %.9f", got, want)
	}
}

// TestBeyondByDrawing: sharp and wide beliefs, of few events and of many.
func TestBeyondByDrawing(t *testing.T) {
	heavy(t)
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 12))
	const draws = 100_000
	for _, c := range []struct {
		a, b           Beta
		margin, factor float64
	}{
		{Beta{1, 500}, Beta{4, 600}, 0.005, 1},
		{Beta{40, 4000}, Beta{70, 4000}, 0.005, 1},
		{Beta{3, 1000}, Beta{100, 10_000}, 0.005, 2},
		{Beta{100, 10_000}, Beta{4, 100}, 0.005, 1},
		{Beta{20, 980}, Beta{30, 900}, 0.002, 0.9},
	} {
		above, loss := 0.0, 0.0
		draw := func(b Beta) float64 {
			x, y := gamma(rng, int(b.A)), gamma(rng, int(b.B))
			return x / (x + y)
		}
		for range draws {
			a, b := draw(c.a), draw(c.b)
			if b > c.margin+c.factor*a {
				above++
			}
			loss += math.Max(0, b-a)
		}
		p := above / draws
		if got := ProbabilityBeyond(c.a, c.b, c.margin, c.factor); math.Abs(got-p) > 4*math.Sqrt(p*(1-p)/draws)+1e-4 {
			t.Errorf("%+v: %.5f, drawn %.5f", c, got, p)
		}
		if got := ExpectedLossFast(c.a, c.b, 0); math.Abs(got-loss/draws) > 0.03*loss/draws+1e-6 {
			t.Errorf("%+v: loss %.7f, drawn %.7f", c, got, loss/draws)
		}
	}
}

// gamma draws a gamma variable of a whole shape, by the normal approximation of
// its cube root where it is large (Wilson, Hilferty 1931).
func gamma(rng *rand.Rand, shape int) float64 {
	if shape > 60 {
		k := float64(shape)
		c := 1 - 1/(9*k) + rng.NormFloat64()/(3*math.Sqrt(k))
		return k * c * c * c
	}
	sum := 0.0
	for range shape {
		sum += rng.ExpFloat64()
	}
	return sum
}

func TestBeyondAgreesWithItsKin(t *testing.T) {
	for _, a := range []Beta{{0.5, 10}, {1, 1e6}, {30, 970}, {5e4, 5e6}} {
		for _, b := range []Beta{{0.5, 20}, {2, 1e5}, {60, 940}, {6e4, 5e6}} {
			if p, q := ProbabilityBeyond(a, b, 1e-15, 1.1), ProbabilityWorse(a, b, 0.1); math.Abs(p-q) > 1e-5 {
				t.Errorf("%v against %v: %.8f with next to no margin, %.8f without", b, a, p, q)
			}
			if fast, slow := ExpectedLossFast(a, b, 0.1), ExpectedLoss(a, b, 0.1); math.Abs(fast-slow) > 3e-6*math.Max(a.Mean(), b.Mean()) {
				t.Errorf("%v against %v: loss %.10f, exactly %.10f", b, a, fast, slow)
			}
		}
	}
	// One mean held against a point is two, of which one is known.
	g := NormalGamma{0.1, 12, 6, 0.4}
	if p, q := g.Above(0.05), ProbabilityWorseMean(NormalGamma{0.05, 1e12, 1e6, 1}, g, 0); math.Abs(p-q) > 1e-6 {
		t.Errorf("above: %.9f, %.9f", p, q)
	}
}

func TestBeyondEdges(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	good := Beta{1, 1}
	for _, x := range []float64{-1, nan, inf} {
		if p := ProbabilityBeyond(good, good, x, 1) + ProbabilityBeyond(good, good, 0.1, x); p != 0 {
			t.Errorf("%g: %g", x, p)
		}
	}
	if p := ProbabilityBeyond(Beta{}, good, 0.1, 1) + ProbabilityBeyond(good, Beta{nan, 1}, 0.1, 1) + ExpectedLossFast(Beta{}, good, 0) +
		ExpectedLossFast(good, good, -1) + (NormalGamma{}).Above(0) + (NormalGamma{0, 1, 1, 1}).Above(nan); p != 0 {
		t.Errorf("improper: %g", p)
	}
	for _, a := range []float64{0.05, 3, 1e15} {
		for _, b := range []float64{0.05, 3, 1e15} {
			p := ProbabilityBeyond(Beta{a, b}, Beta{b, a}, 0.005, 2)
			finite(t, "extreme beliefs", p, ExpectedLossFast(Beta{a, b}, Beta{b, a}, 0), NormalGamma{a, b, a, b}.Above(0.1))
			if p < 0 || p > 1 {
				t.Errorf("%g, %g: %g", a, b, p)
			}
		}
	}
}

func BenchmarkBeyond(b *testing.B) {
	for name, c := range map[string][2]Beta{"few": {{1, 1000}, {3, 900}}, "many": {{500, 99_500}, {60, 9_940}}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				ProbabilityBeyond(c[0], c[1], 0.005, 1)
			}
		})
	}
	b.Run("loss", func(b *testing.B) {
		for b.Loop() {
			ExpectedLossFast(Beta{11, 99_990}, Beta{21, 9_980}, 0)
		}
	})
}
