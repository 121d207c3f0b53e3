package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func firstMean(samples [][]float64) float64 { return Summarise(samples[0]).Mean }

// plugVariance is the variance with divisor n.
func plugVariance(samples [][]float64) float64 {
	s := Summarise(samples[0])
	return s.Variance * float64(s.N-1) / float64(s.N)
}

// TestBootstrapPublished: the variance of 26 children's test A in chapter 14 of
// Efron and Tibshirani, An Introduction to the Bootstrap: 171.5, acceleration
// 0.061, bias 0.146, and a 90 % interval from 115.8 to 259.6, from 2,000
// resamples, with which the bias is known to 0.03.
func TestBootstrapPublished(t *testing.T) {
	xs := datasets(t)["Efron A"].X
	r, err := Bootstrap([][]float64{xs}, plugVariance, 20_000, 0.1, rand.New(rand.NewPCG(8, 1)))
	if err != nil || !near(r.Estimate, 171.5, 3e-4) || !near(r.Acceleration, 0.061, 5e-4) ||
		math.Abs(r.Bias-0.146) > 0.08 || math.Abs(r.Low-115.8) > 3 || math.Abs(r.High-259.6) > 5 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestBootstrapAcceleration of a mean is a sixth of the skewness over sqrt(n),
// and that of a difference the joint one, with signs.
func TestBootstrapAcceleration(t *testing.T) {
	x, y := []float64{1, 2, 3, 4, 10}, []float64{0, 0, 1, 7, 2, 2, 30}
	moments := func(xs []float64) (m2, m3, n float64) {
		m, n := Summarise(xs).Mean, float64(len(xs))
		for _, v := range xs {
			m2 += (v - m) * (v - m)
			m3 += (v - m) * (v - m) * (v - m)
		}
		return m2 / n / n, m3 / n / n / n, n
	}
	x2, x3, _ := moments(x)
	y2, y3, _ := moments(y)
	if got, want := acceleration([][]float64{x}, firstMean), x3/(6*math.Pow(x2, 1.5)); !near(got, want, 1e-12) {
		t.Errorf("of a mean: %g, want %g", got, want)
	}
	difference := func(s [][]float64) float64 { return Summarise(s[0]).Mean - Summarise(s[1]).Mean }
	if got, want := acceleration([][]float64{x, y}, difference), (x3-y3)/(6*math.Pow(x2+y2, 1.5)); !near(got, want, 1e-12) {
		t.Errorf("of a difference: %g, want %g", got, want)
	}
}

func TestBootstrapCoverage(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, alpha = 400, 0.1
	rng := rand.New(rand.NewPCG(8, 2))
	// The ratio of the means of two skewed samples, the truth being 2.
	ratio := func(s [][]float64) float64 {
		a, b := 0.0, 0.0
		for _, v := range s[0] {
			a += v
		}
		for _, v := range s[1] {
			b += v
		}
		return a / float64(len(s[0])) / (b / float64(len(s[1])))
	}
	low, high := 0, 0
	for range runs {
		x, y := make([]float64, 40), make([]float64, 30)
		for i := range x {
			x[i] = 2 * rng.ExpFloat64()
		}
		for i := range y {
			y[i] = rng.ExpFloat64()
		}
		r, err := Bootstrap([][]float64{x, y}, ratio, 400, alpha, rng)
		if err != nil {
			t.Fatal(err)
		}
		if r.Low > 2 {
			low++
		}
		if r.High < 2 {
			high++
		}
	}
	if most := alarms(runs, 1.4*alpha/2); low > most || high > most || low+high < runs/50 {
		t.Errorf("%d too high, %d too low of %d at alpha %g", low, high, runs, alpha)
	}
}

func TestBootstrapEdges(t *testing.T) {
	chance := rand.New(rand.NewPCG(8, 3))
	good := [][]float64{{1, 2, 3, 4, 5, math.NaN()}}
	same, err := Bootstrap([][]float64{{7, 7, 7}}, firstMean, 200, 0.05, chance)
	if err != nil || same.Low != 7 || same.High != 7 {
		t.Errorf("a constant: %+v, %v", same, err)
	}
	ends := func(alpha float64) Resampled {
		r, err := Bootstrap(good, firstMean, 1000, alpha, chance)
		if err != nil || !(r.Low <= r.Estimate && r.Estimate <= r.High) {
			t.Errorf("alpha %g: %+v, %v", alpha, r, err)
		}
		return r
	}
	if wide, narrow := ends(1e-6), ends(0.5); wide.Low >= narrow.Low || wide.High <= narrow.High || wide.Low < 1 || wide.High > 5 {
		t.Errorf("wide %+v, narrow %+v", wide, narrow)
	}
	nan := func([][]float64) float64 { return math.NaN() }
	rarely := func(s [][]float64) float64 {
		if s[0][0] == 1 && s[0][1] == 2 {
			return 1
		}
		return math.Inf(1)
	}
	for name, call := range map[string]func() error{
		"few resamples": func() error { _, err := Bootstrap(good, firstMean, 99, 0.05, chance); return err },
		"alpha":         func() error { _, err := Bootstrap(good, firstMean, 999, 0, chance); return err },
		"one point":     func() error { _, err := Bootstrap([][]float64{{1}}, firstMean, 999, 0.05, chance); return err },
		"no sample": func() error {
			_, err := Bootstrap(nil, func([][]float64) float64 { return 1 }, 999, 0.05, chance)
			return err
		},
		"no number": func() error { _, err := Bootstrap(good, nan, 999, 0.05, chance); return err },
		"rarely":    func() error { _, err := Bootstrap(good, rarely, 999, 0.05, chance); return err },
	} {
		if call() == nil {
			t.Errorf("%s: no complaint", name)
		}
	}
}
