package stats

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// weight is how many ways there are to put k events on a and b trials so that x
// of them fall on b.
func weight(x, k, a, b int64) float64 {
	ways := new(big.Int).Mul(new(big.Int).Binomial(b, x), new(big.Int).Binomial(a, k-x))
	w, _ := new(big.Float).SetInt(ways).Float64()
	return w
}

// outcomes lists the probabilities of x events on the candidate, given a
// table's margins and the odds ratio, by counting.
func outcomes(k, a, b int64, psi float64) (xs []int64, p []float64) {
	sum := 0.0
	for x := max(0, k-a); x <= min(k, b); x++ {
		w := weight(x, k, a, b) * math.Pow(psi, float64(x))
		xs, p = append(xs, x), append(p, w)
		sum += w
	}
	for i := range p {
		p[i] /= sum
	}
	return xs, p
}

func TestTiltAgainstCounting(t *testing.T) {
	var d tilt
	for a := int64(1); a <= 9; a++ {
		for b := int64(1); b <= 9; b++ {
			for k := int64(1); k < a+b; k++ {
				d.prepare(k, a, b)
				for _, psi := range []float64{1e-3, 0.1, 0.5, 1, 1.05, 2, 20, 100, 1e4} {
					xs, p := outcomes(k, a, b, 1)
					want := 0.0
					for i, x := range xs {
						want += p[i] * math.Pow(psi, float64(x))
					}
					if got := d.logMean(psi); !near(got, math.Log(want), 1e-10) {
						t.Fatalf("k=%d a=%d b=%d psi=%g: got %.12g, want %.12g", k, a, b, psi, got, math.Log(want))
					}
				}
			}
		}
	}
}

// logTiltSlow sums log E[psi^K] term by term in log space.
func logTiltSlow(k, a, b int64, psi float64) float64 {
	total := math.Inf(-1)
	for x := max(0, k-a); x <= min(k, b); x++ {
		total = logAdd(total, logChoose(float64(b), float64(x))+logChoose(float64(a), float64(k-x))+float64(x)*math.Log(psi))
	}
	return total - logChoose(float64(a+b), float64(k))
}

func TestTiltAgainstSum(t *testing.T) {
	heavy(t)
	rng := rand.New(rand.NewPCG(1, 2))
	var d tilt
	for range 4000 {
		a, b := 1+rng.Int64N(30000), 1+rng.Int64N(30000)
		if rng.IntN(2) == 0 {
			b = 1 + rng.Int64N(50)
		}
		k := 1 + rng.Int64N(a+b-1)
		if rng.IntN(2) == 0 {
			k = 1 + rng.Int64N(min(200, a+b-1))
		}
		psi := math.Exp(rng.Float64()*6 - 3)
		if rng.IntN(4) == 0 {
			psi = math.Exp(rng.Float64() * 17) // as far as toleranceAbs beside no event takes it
		}
		d.prepare(k, a, b)
		want, got := logTiltSlow(k, a, b, psi), d.logMean(psi)
		tolerance := 1e-6 + 1e-9*math.Abs(want)
		if psi > farTilt && d.n == 0 {
			tolerance = 1e-3 // the saddlepoint is coarser where one arm has nothing but events
		}
		if math.Abs(got-want) > tolerance {
			t.Fatalf("k=%d a=%d b=%d psi=%g: got %.12g, want %.12g (terms %d)", k, a, b, psi, got, want, d.n)
		}
	}
}

func TestMomentsNearExact(t *testing.T) {
	for _, c := range []struct {
		k, a, b int64
		psi     float64
	}{{60, 1000, 500, 2}, {60, 1000, 500, 1}, {40, 100, 100, 0.2}, {300, 2000, 200, 5}} {
		var d tilt
		d.margins(c.k, c.a, c.b)
		mean, variance := d.moments(c.psi)
		xs, p := outcomes(c.k, c.a, c.b, c.psi)
		m, v := 0.0, 0.0
		for i, x := range xs {
			m += p[i] * float64(x)
		}
		for i, x := range xs {
			v += p[i] * (float64(x) - m) * (float64(x) - m)
		}
		if math.Abs(mean-m) > 0.1 || math.Abs(variance-v) > 0.03*v {
			t.Errorf("%+v: mean %g want about %g, variance %g want about %g", c, mean, m, variance, v)
		}
	}
}

func TestLikelihoodRatioSaysNothingOfEmptyTables(t *testing.T) {
	for _, c := range []Table{{}, {EventsA: 3, TrialsA: 10}, {TrialsA: 10, TrialsB: 10}, {5, 7, 5, 7}, {0, 4, 0, 9}} {
		if got := LogLikelihoodRatio(c, 2); math.Abs(got) > 1e-12 {
			t.Errorf("%+v: %g", c, got)
		}
	}
}

func TestLikelihoodRatioOfHugeCounts(t *testing.T) {
	big := Table{EventsA: 1e7, EventsB: 1e7, TrialsA: 1e9, TrialsB: 1e9}
	// Far from small counts the normal approximation is known: k log psi less
	// the cumulants of the conditional distribution.
	mean, variance := 1e7, 2e7*0.25*(1-0.01)
	s := math.Log(1.0001)
	want := s*1e7 - (s*mean + s*s*variance/2)
	if got := LogLikelihoodRatio(big, 1.0001); math.Abs(got-want) > 1e-4*math.Abs(want)+1e-6 {
		t.Errorf("got %g, want about %g", got, want)
	}
	for _, psi := range []float64{1e-6, 0.1, 1.05, 2, 20, 1e6} {
		finite(t, "huge", LogLikelihoodRatio(big, psi))
	}
}
