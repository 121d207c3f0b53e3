package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestSafeTAgainstIntegration: the likelihood of |t| is an integral over the
// standard deviation, here in steps.
func TestSafeTAgainstIntegration(t *testing.T) {
	for _, c := range []struct{ t, df, centre float64 }{{0, 3, 1}, {2, 5, 1.5}, {4.5, 22, 3}, {1, 100, 4}, {9, 60, 6}} {
		density := func(centre float64) float64 {
			// The noncentral t density but for what does not depend on centre.
			sum := 0.0
			const steps = 20_000
			for i := range steps {
				s := 30 * (float64(i) + 0.5) / steps // chi over sqrt(df)
				sum += math.Pow(s, c.df) * math.Exp(-c.df*s*s/2) * math.Exp(-(c.t*s-centre)*(c.t*s-centre)/2)
			}
			return sum
		}
		want := math.Log((density(c.centre) + density(-c.centre)) / 2 / density(0))
		if got := logSafeT(c.t, c.df, c.centre*c.centre); !near(got, want, 1e-8) {
			t.Errorf("%+v: %.12g, want %.12g", c, got, want)
		}
	}
}

func TestSafeTIsAnEValue(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, alpha = 2000, 0.05
	rng := rand.New(rand.NewPCG(12, 1))
	alarm, sum, found := 0, 0.0, 0
	for range runs {
		x, y := samples(rng, 60, 60, 0, 0)
		crossed := 0
		var last float64
		for n := 3; n <= 60; n += 3 {
			logE, err := SafeT(Summarise(x[:n]), Summarise(y[:n]), 0.6)
			if err != nil {
				t.Fatal(err)
			}
			if last = logE; logE >= math.Log(1/alpha) {
				crossed = 1
			}
		}
		alarm += crossed
		sum += math.Min(1000, math.Exp(last)) / runs
		harmed := shifted(x, 0.8)
		if logE, err := SafeT(Summarise(harmed), Summarise(y), 0.6); err == nil && logE >= math.Log(1/alpha) {
			found++
		}
	}
	if alarm > alarms(runs, alpha) || sum > 1.5 || found < runs*8/10 {
		t.Errorf("%d alarms of %d, %g on average, %d found", alarm, runs, sum, found)
	}
}

func TestSafeTDeltaIsTheBest(t *testing.T) {
	for _, c := range []struct {
		nx, ny int
		alpha  float64
	}{{10, 14, 0.05}, {2, 2, 0.05}, {1, 2, 0.01}, {300, 20, 0.001}, {50_000, 50_000, 0.01}} {
		delta, err := SafeTDelta(c.nx, c.ny, c.alpha)
		if err != nil {
			t.Fatal(err)
		}
		n, df := safeSize(c.nx, c.ny), float64(c.nx+c.ny-2)
		smallest := func(delta float64) float64 {
			f := func(logT float64) float64 { return logSafeT(math.Exp(logT), df, delta*delta*n) + math.Log(c.alpha) }
			return math.Exp(zero(f, -25, 25))
		}
		best := smallest(delta)
		if best > smallest(delta*1.02) || best > smallest(delta*0.98) {
			t.Errorf("%+v: delta %g needs t %g; %g and %g beside it", c, delta, best, smallest(delta*0.98), smallest(delta*1.02))
		}
	}
}

func TestSafeTRefuses(t *testing.T) {
	good := Summary{10, 3, 1}
	for _, bad := range []Summary{{}, {3, math.NaN(), 1}, {3, 1, -1}} {
		if _, err := SafeT(bad, good, 0.5); err == nil {
			t.Errorf("%+v is taken", bad)
		}
		if _, err := SafeT(good, bad, 0.5); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	for _, delta := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := SafeT(good, good, delta); err == nil {
			t.Errorf("delta %g is taken", delta)
		}
	}
	if _, err := SafeT(Summary{1, 1, 0}, Summary{1, 2, 0}, 1); err == nil {
		t.Error("two points are tested")
	}
	if _, err := SafeT(Summary{5, 1, 0}, Summary{5, 2, 0}, 1); err == nil {
		t.Error("constants are tested")
	}
	if _, err := SafeTDelta(1, 1, 0.05); err == nil {
		t.Error("two points have a delta")
	}
	if _, err := SafeTDelta(5, 5, 0); err == nil {
		t.Error("alpha 0 is taken")
	}
	big, err := SafeT(Summary{1_000_000, 5, 1}, Summary{1_000_000, 0, 1}, 2)
	if err != nil || !isFinite(big) || big < 1e5 {
		t.Errorf("a great difference of many: %g, %v", big, err)
	}
}
