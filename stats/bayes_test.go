package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestWorseExactly: a whole number of candidate events has a closed form.
func TestWorseExactly(t *testing.T) {
	logBeta := func(a, b float64) float64 {
		x, _ := math.Lgamma(a)
		y, _ := math.Lgamma(b)
		z, _ := math.Lgamma(a + b)
		return x + y - z
	}
	// The sum over the candidate's events for equal chances (Miller, "Formulas
	// for Bayesian A/B testing").
	better := func(a, b Beta) float64 {
		sum := 0.0
		for i := 0.0; i < b.A; i++ {
			sum += math.Exp(logBeta(a.A+i, b.B+a.B) - math.Log(b.B+i) - logBeta(1+i, b.B) - logBeta(a.A, a.B))
		}
		return sum
	}
	for _, c := range [][2]Beta{
		{{1, 1}, {1, 1}}, {{2, 10}, {3, 9}}, {{0.5, 1000.5}, {4, 1000}}, {{300, 7000}, {20, 300}}, {{40, 3}, {2, 0.5}},
	} {
		want := better(c[0], c[1])
		if got := ProbabilityWorse(c[0], c[1], 0); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v: %.12g, want %.12g", c, got, want)
		}
		if got := ProbabilityWorseFast(c[0], c[1], 0); math.Abs(got-want) > 1e-6 {
			t.Errorf("%v, fast: %.12g, want %.12g", c, got, want)
		}
	}
	// Rare events are as rates.
	for _, a := range []float64{0.05, 0.3, 7} {
		want := ProbabilityWorseRate(Gamma{a, 1e12}, Gamma{a, 1e12}, 0.1)
		for _, got := range []float64{ProbabilityWorse(Beta{a, 1e12}, Beta{a, 1e12}, 0.1), ProbabilityWorseFast(Beta{a, 1e12}, Beta{a, 1e12}, 0.1)} {
			if math.Abs(got-want) > 1e-6 {
				t.Errorf("%g events in 1e12: %.12g, as a rate %.12g", a, got, want)
			}
		}
	}
	// Uniform beliefs and a factor c: 1 - c/2 for c up to 1, 1/(2c) above.
	for _, c := range []float64{0.3, 1, 1.7, 40} {
		want := math.Min(1-c/2, 1/(2*c))
		if c > 1 {
			want = 1 / (2 * c)
		}
		if got := ProbabilityWorse(Beta{1, 1}, Beta{1, 1}, c-1); math.Abs(got-want) > 1e-9 {
			t.Errorf("uniform, %g: %.12g, want %.12g", c, got, want)
		}
	}
}

// TestWorseFromNothingToThousandsOfMillions: no NaN, both sides add up to 1, and
// the fast way agrees.
func TestWorseFromNothingToThousandsOfMillions(t *testing.T) {
	heavy(t)
	t.Parallel()
	trials := []int64{0, 10, 1000, 1e6, 1e9}
	for _, prior := range []float64{0.5, 1} {
		for _, n := range trials {
			for _, m := range trials {
				for _, rate := range []float64{0, 1e-6, 0.01, 0.9, 1} {
					a := Beta{prior, prior}.After(int64(rate*float64(n)), n)
					b := Beta{prior, prior}.After(int64(rate*float64(m)), m)
					for _, tolerance := range []float64{0, 0.3} {
						p := ProbabilityWorse(a, b, tolerance)
						q := ProbabilityWorse(b, a, 1/(1+tolerance)-1)
						fast := ProbabilityWorseFast(a, b, tolerance)
						finite(t, "worse", p, q, fast)
						if math.Abs(p+q-1) > 1e-8 || math.Abs(p-fast) > 1e-6 {
							t.Errorf("%v, %v, tolerance %g: %.10g, the other way %.10g, fast %.10g", a, b, tolerance, p, q, fast)
						}
					}
				}
			}
		}
	}
	loss := ExpectedLoss(Beta{1e9, 1e9}, Beta{0.5, 0.5}, 0)
	if !near(loss, 1/(2*math.Pi), 1e-3) { // the mean of (p - 1/2)+ under the arcsine law
		t.Errorf("loss against a half: %g", loss)
	}
}

func TestWorseByDrawing(t *testing.T) {
	heavy(t)
	const draws = 200_000
	rng := rand.New(rand.NewPCG(51, 1))
	gamma := func(shape int) float64 {
		sum := 0.0
		for range shape {
			sum += rng.ExpFloat64()
		}
		return sum
	}
	beta := func(a, b int) float64 { x := gamma(a); return x / (x + gamma(b)) }
	normalGamma := func(g NormalGamma) float64 {
		variance := g.Scale / gamma(int(g.Shape))
		return g.Mu + rng.NormFloat64()*math.Sqrt(variance/g.Weight)
	}
	na, nb := NormalGamma{10, 4, 3, 20}, NormalGamma{11, 9, 6, 12}
	var shares, rates, means, lossShares, lossRates, lossMeans float64
	for range draws {
		for _, c := range []struct {
			x           float64
			worse, loss *float64
		}{
			{beta(3, 8) - 1.2*beta(4, 9), &shares, &lossShares},
			{gamma(6)/7 - 1.2*gamma(3)/5, &rates, &lossRates},
			{normalGamma(nb) - 1.05*normalGamma(na), &means, &lossMeans},
		} {
			if c.x > 0 {
				*c.worse += 1.0 / draws
				*c.loss += c.x / draws
			}
		}
	}
	for name, c := range map[string][2]float64{
		"share":      {ProbabilityWorse(Beta{4, 9}, Beta{3, 8}, 0.2), shares},
		"rate":       {ProbabilityWorseRate(Gamma{3, 5}, Gamma{6, 7}, 0.2), rates},
		"mean":       {ProbabilityWorseMean(na, nb, 0.05), means},
		"share loss": {ExpectedLoss(Beta{4, 9}, Beta{3, 8}, 0.2), lossShares},
		"rate loss":  {ExpectedLossRate(Gamma{3, 5}, Gamma{6, 7}, 0.2), lossRates},
		"mean loss":  {ExpectedLossMean(na, nb, 0.05), lossMeans},
	} {
		if math.Abs(c[0]-c[1]) > 0.005 {
			t.Errorf("%s: %.4f, by drawing %.4f", name, c[0], c[1])
		}
	}
}

// TestWorseMeanExactly: with very many points t distributions are normal, and a
// known baseline leaves one t distribution.
func TestWorseMeanExactly(t *testing.T) {
	many := func(mu, variance float64) NormalGamma { return NormalGamma{mu, 1, 1e9, 1e9 * variance} }
	if got, want := ProbabilityWorseMean(many(0, 4), many(2, 5), 0), 0.7475074624530771; math.Abs(got-want) > 1e-8 {
		t.Errorf("two normal means: %.12g, want %.12g", got, want)
	}
	sharp := NormalGamma{1, 1e20, 1e6, 1e6}
	candidate := NormalGamma{2, 3, 0.5, 1.5} // t of one degree of freedom, scale 1
	if got, want := ProbabilityWorseMean(sharp, candidate, 0), 0.75; math.Abs(got-want) > 1e-8 {
		t.Errorf("a Cauchy mean against 1: %.12g, want %.12g", got, want)
	}
	if got := ProbabilityWorseMean(candidate, sharp, 0); math.Abs(got-0.25) > 1e-8 {
		t.Errorf("the other way: %.12g", got)
	}
	if loss := ExpectedLossMean(sharp, candidate, 0); !math.IsInf(loss, 1) {
		t.Errorf("a belief without a mean loses %g", loss)
	}
	a, b := NormalGamma{1e6, 5, 4, 3e6}, NormalGamma{1.001e6, 50, 40, 3e8}
	direct, swapped := ExpectedLossMean(a, b, 0), ExpectedLossMean(b, a, 0)
	if !near(direct-swapped, 1000, 1e-7) { // E(x)+ - E(-x)+ = E(x)
		t.Errorf("losses %.10g and %.10g differ by %.10g, want 1000", direct, swapped, direct-swapped)
	}
}

func TestPosteriors(t *testing.T) {
	if got := (Beta{1, 2}).After(3, 10); got != (Beta{4, 9}) {
		t.Errorf("beta: %v", got)
	}
	if got := (Gamma{1, 2}).After(3, 10); got != (Gamma{4, 12}) {
		t.Errorf("gamma: %v", got)
	}
	// In two parts, or all at once.
	rng := rand.New(rand.NewPCG(51, 2))
	var first, second, both Mean
	for i := range 30 {
		x := 5 + rng.NormFloat64()
		both.Add(x)
		if i < 12 {
			first.Add(x)
		} else {
			second.Add(x)
		}
	}
	prior := NormalGamma{3, 2, 1.5, 4}
	once, twice := prior.After(both), prior.After(first).After(second)
	if !near(once.Mu, twice.Mu, 1e-12) || !near(once.Scale, twice.Scale, 1e-12) || once.Weight != twice.Weight || once.Shape != twice.Shape {
		t.Errorf("at once %+v, in parts %+v", once, twice)
	}
	if p := (Beta{2, 5}).Between(0, 1) + (Beta{2, 5}).Between(-3, 0); !near(p, 1, 1e-12) {
		t.Errorf("all of [0, 1] has %g", p)
	}
	if p := (Beta{1, 1e9}).Between(30e-9, 31e-9); !near(p/(math.Exp(-30)-math.Exp(-31)), 1, 1e-6) {
		t.Errorf("far out: %g", p)
	}
}

func TestBeliefsEdges(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	good := Beta{1, 1}
	for _, bad := range []Beta{{}, {-1, 1}, {1, 0}, {nan, 1}, {1, inf}, {1e-300, 1}} {
		if p := ProbabilityWorse(bad, good, 0) + ProbabilityWorse(good, bad, 0) + ProbabilityWorseFast(bad, good, 0) +
			ExpectedLoss(good, bad, 0) + bad.Between(0, 1); p != 0 {
			t.Errorf("%v: %g", bad, p)
		}
	}
	for _, tolerance := range []float64{-1, -2, nan, inf} {
		p := ProbabilityWorse(good, good, tolerance) + ProbabilityWorseFast(good, good, tolerance) + ExpectedLoss(good, good, tolerance)
		p += ProbabilityWorseRate(Gamma{1, 1}, Gamma{1, 1}, tolerance) + ExpectedLossRate(Gamma{1, 1}, Gamma{1, 1}, tolerance)
		p += ProbabilityWorseMean(NormalGamma{0, 1, 1, 1}, NormalGamma{0, 1, 1, 1}, tolerance)
		if p != 0 {
			t.Errorf("tolerance %g: %g", tolerance, p)
		}
	}
	if p := ProbabilityWorseRate(Gamma{}, Gamma{1, 1}, 0) + ExpectedLossRate(Gamma{1, inf}, Gamma{1, 1}, 0) +
		ProbabilityWorseMean(NormalGamma{}, NormalGamma{0, 1, 1, 1}, 0) + ExpectedLossMean(NormalGamma{nan, 1, 1, 1}, NormalGamma{0, 1, 1, 1}, 0); p != 0 {
		t.Errorf("improper beliefs: %g", p)
	}
	if good.After(-1, 3) != good || good.After(4, 3) != good || (Gamma{1, 1}).After(1, 0) != (Gamma{1, 1}) || (Gamma{1, 1}).After(-1, 5) != (Gamma{1, 1}) {
		t.Error("learnt from what cannot be")
	}
	// Beliefs of next to nothing, from one end to the other.
	for _, a := range []float64{0.05, 0.4, 1e15} {
		for _, b := range []float64{0.05, 3, 1e15} {
			x, y := Beta{a, b}, Beta{b, a}
			finite(t, "extreme beliefs", ProbabilityWorse(x, y, 0.1), ProbabilityWorseFast(x, y, 0.1), ProbabilityWorseFast(y, good, 0.1),
				ProbabilityWorseRate(Gamma{a, b}, Gamma{b, a}, 0.1), ProbabilityWorseMean(NormalGamma{a, b, a, b}, NormalGamma{b, a, b, a}, 0.1))
		}
	}
	g := NormalGamma{1, 2, 3, 4}
	if g.After(Mean{}) != g || g.After(Mean{N: 3, Mu: nan, M2: 1}) != g || g.After(Mean{N: 3, Mu: 1, M2: inf}) != g {
		t.Error("learnt from what is not finite")
	}
}

// TestWorseIsCalibrated: of releases drawn from the prior, those with a
// probability of harm around p are worse in a share of p.
func TestWorseIsCalibrated(t *testing.T) {
	t.Parallel()
	const releases, tolerance = 4000, 0.1
	rng := rand.New(rand.NewPCG(51, 3))
	prior := Gamma{4, 200}
	var said, was, count [5]float64
	for range releases {
		rate := func() (sum float64) {
			for range 4 {
				sum += rng.ExpFloat64() / 200
			}
			return sum
		}
		a, b := rate(), rate()
		p := ProbabilityWorseRate(prior.After(poisson(rng, 900*a), 900), prior.After(poisson(rng, 100*b), 100), tolerance)
		i := min(4, int(5*p))
		count[i]++
		said[i] += p
		if b > (1+tolerance)*a {
			was[i]++
		}
	}
	for i, n := range count {
		if gap := math.Abs(said[i]-was[i]) / n; gap > 3.5*math.Sqrt(0.25/n) {
			t.Errorf("around %.2f: worse in %.2f of %g", said[i]/n, was[i]/n, n)
		}
	}
}

func BenchmarkWorse(b *testing.B) {
	x, y := Beta{11, 99_990}, Beta{21, 9_980}
	b.Run("fast", func(b *testing.B) {
		for b.Loop() {
			ProbabilityWorseFast(x, y, 0.1)
		}
	})
	b.Run("exact", func(b *testing.B) {
		for b.Loop() {
			ProbabilityWorse(x, y, 0.1)
		}
	})
}
