package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// mixtureCase is a mixture with increments that it holds for.
type mixtureCase struct {
	name    string
	mixture Mixture
	draw    func(*rand.Rand) (x, v float64)
}

func mixtureCases() []mixtureCase {
	const p, mean = 0.2, 0.3
	event := func(rng *rand.Rand) (x, v float64) {
		if rng.Float64() < p {
			return 1 - p, p * (1 - p)
		}
		return -p, p * (1 - p)
	}
	normal := func(rng *rand.Rand) (x, v float64) { return rng.NormFloat64(), 1 }
	return []mixtureCase{
		{"normal, one side", NormalMixture{Rho: BestRho(100, 0.1), OneSided: true}, normal},
		{"normal", NormalMixture{Rho: BestRho(100, 0.05)}, normal},
		{"gamma-exponential", GammaExponential{Rho: BestRho(100, 0.1), C: 1}, func(rng *rand.Rand) (x, v float64) {
			return rng.ExpFloat64() - 1, 1
		}},
		{"gamma-Poisson", GammaPoisson{Rho: BestRho(30, 0.1), C: 1}, func(rng *rand.Rand) (x, v float64) {
			return float64(poisson(rng, mean)) - mean, mean
		}},
		{"beta-binomial, one side", TunedBetaBinomial(20, 0.05, p, 1-p, true), event},
		{"beta-binomial", TunedBetaBinomial(20, 0.05, p, 1-p, false), event},
	}
}

func TestMixturesCrossRarely(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, steps, alpha = 1000, 200, 0.05
	for i, c := range mixtureCases() {
		rng := rand.New(rand.NewPCG(41, uint64(i)))
		crossed := 0
		for range runs {
			s, v := 0.0, 0.0
			for range steps {
				x, dv := c.draw(rng)
				s, v = s+x, v+dv
				if c.mixture.Log(s, v) >= math.Log(1/alpha) {
					crossed++
					break
				}
			}
		}
		if crossed > alarms(runs, alpha) || crossed == 0 {
			t.Errorf("%s: %d of %d crossed at alpha %g", c.name, crossed, runs, alpha)
		}
	}
}

// TestMixturesByQuadrature compares each with the plain average over slopes.
func TestMixturesByQuadrature(t *testing.T) {
	const rho, c, g, h = 7.0, 1.5, 0.3, 0.7
	average := func(prior, path func(float64) float64, from, to float64) float64 {
		over, under := 0.0, 0.0
		const panels = 400
		for i := range panels {
			a, b := from+(to-from)*float64(i)/panels, from+(to-from)*float64(i+1)/panels
			over += gauss(func(x float64) float64 { return prior(x) * path(x) }, a, b)
			under += gauss(prior, a, b)
		}
		return math.Log(over / under)
	}
	for _, at := range [][2]float64{{0, 0}, {5, 20}, {-4, 20}, {12, 9}, {30, 200}} {
		s, v := at[0], at[1]
		normal := func(l float64) float64 { return math.Exp(-rho * l * l / 2) }
		line := func(l float64) float64 { return math.Exp(l*s - l*l*v/2) }
		check := func(name string, got, want float64) {
			t.Helper()
			if math.Abs(got-want) > 1e-8*math.Max(1, math.Abs(want)) {
				t.Errorf("%s at s %g, v %g: %.12g, by quadrature %.12g", name, s, v, got, want)
			}
		}
		check("one side", NormalMixture{rho, true}.Log(s, v), average(normal, line, 0, 12))
		check("both sides", NormalMixture{Rho: rho}.Log(s, v), average(normal, line, -12, 12))
		// In u = 1 - C lambda, of a gamma prior cut off at 1.
		prior := func(u float64) float64 { return math.Pow(u, rho/c/c-1) * math.Exp(-rho/c/c*u) }
		check("exponential", GammaExponential{rho, c}.Log(s, v), average(prior, func(u float64) float64 {
			return math.Exp((1-u)*s/c + (math.Log(u)+(1-u))*v/c/c)
		}, 0, 1))
		// In u = exp(C lambda), of one from 1 on.
		check("Poisson", GammaPoisson{rho, c}.Log(s, v), average(prior, func(u float64) float64 {
			return math.Exp(math.Log(u)*s/c - (u-1-math.Log(u))*v/c/c)
		}, 1, 40))
		// In the chance q of a step of size H.
		m := BetaBinomial{R: 2, G: g, H: h}
		up, down := v/(g*h)*g+s, v/(g*h)*h-s // steps of H and of -G
		if up < 0 || down < 0 {
			continue
		}
		beta := func(q float64) float64 { return math.Pow(q, 2/h-1) * math.Pow(1-q, 2/g-1) }
		ratio := func(q float64) float64 { return math.Pow(q/g, up) * math.Pow((1-q)/h, down) }
		check("binomial", m.Log(s, v), average(beta, ratio, 0, 1))
		m.OneSided = true
		check("binomial, one side", m.Log(s, v), average(beta, ratio, g, 1))
	}
}

func TestMixtureBoundsAreWhereEvidenceReaches(t *testing.T) {
	for _, c := range mixtureCases() {
		for _, v := range []float64{0, 0.5, 40, 1e4, 1e8} {
			for _, alpha := range []float64{0.2, 0.01, 1e-6} {
				s := MixtureBound(c.mixture, v, alpha)
				if log := c.mixture.Log(s, v); s < c.mixture.most(v) && !near(log, -math.Log(alpha), 1e-9) {
					t.Errorf("%s at v %g, alpha %g: bound %g has log evidence %g", c.name, v, alpha, s, log)
				}
			}
		}
		if b := MixtureBound(c.mixture, -1, 0.05); !math.IsNaN(b) {
			t.Errorf("%s: a bound at negative time: %g", c.name, b)
		}
		if b := MixtureBound(c.mixture, 1, 0); !math.IsNaN(b) {
			t.Errorf("%s: a bound at alpha 0: %g", c.name, b)
		}
		finite(t, c.name, c.mixture.Log(0, 1e15))
	}
	two := NormalMixture{Rho: 5}
	if got, want := two.Bound(30, 0.01), MixtureBound(two, 30, 0.01); !near(got, want, 1e-9) {
		t.Errorf("closed form %g, by search %g", got, want)
	}
	if !math.IsNaN(BestRho(0, 0.05)) || !math.IsNaN(BestRho(1, 1)) {
		t.Error("a rho for no time, or level 1")
	}
}

func TestLogNormal(t *testing.T) {
	for _, z := range []float64{-30.0001, -29.9999} {
		want := -z*z/2 - halfLog2Pi - math.Log(-z) + math.Log1p(-1/(z*z)+3/(z*z*z*z))
		if got := logNormal(z); !near(got, want, 1e-9) {
			t.Errorf("at %g: %.12g, want %.12g", z, got, want)
		}
	}
	if got := logNormal(-1e5); !near(got, -5e9, 1e-6) {
		t.Errorf("far out: %g", got)
	}
}
