package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestBettingCovers(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, steps, alpha = 300, 400, 0.05
	for name, draw := range map[string]func(*rand.Rand) float64{
		"events":  func(rng *rand.Rand) float64 { return math.Floor(rng.Float64() + 0.2) },
		"uniform": func(rng *rand.Rand) float64 { return 0.4 * rng.Float64() },
		"skewed":  func(rng *rand.Rand) float64 { return math.Pow(rng.Float64(), 4) },
	} {
		rng := rand.New(rand.NewPCG(46, 1))
		missed, width := 0, 0.0
		for range runs {
			b, ok := NewBetting(alpha, 50)
			if !ok {
				t.Fatal("no betting")
			}
			for range steps {
				b.Add(draw(rng))
			}
			low, high := b.Interval()
			if low > 0.2 || high < 0.2 {
				missed++
			}
			width += (high - low) / runs
		}
		if missed > alarms(runs, alpha) {
			t.Errorf("%s: missed in %d of %d", name, missed, runs)
		}
		if width > 0.25 || width < 0.02 {
			t.Errorf("%s: %.3f wide after %d points", name, width, steps)
		}
	}
}

// TestBettingIsAnEProcess enumerates six tosses, half of them heads on average.
func TestBettingIsAnEProcess(t *testing.T) {
	above, below := 0.0, 0.0
	for path := range 64 {
		b, _ := NewBetting(0.05, 10)
		for i := range 6 {
			b.Add(float64(path >> i & 1))
		}
		above += math.Exp(b.LogAbove(5)) / 64
		below += math.Exp(b.LogBelow(5)) / 64
	}
	if !near(above, 1, 1e-12) || !near(below, 1, 1e-12) {
		t.Errorf("on average %.15g and %.15g", above, below)
	}
}

func TestBettingEdges(t *testing.T) {
	for _, c := range []struct {
		alpha float64
		steps int
	}{{0, 10}, {1, 10}, {math.NaN(), 10}, {0.05, 1}, {0.05, 1 << 20}} {
		if _, ok := NewBetting(c.alpha, c.steps); ok {
			t.Errorf("%+v bets", c)
		}
	}
	b, _ := NewBetting(0.05, 20)
	for _, x := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
		b.Add(x)
	}
	if low, high := b.Interval(); b.N != 0 || low != 0 || high != 1 || b.LogAbove(-1) != 0 || b.LogBelow(21) != 0 {
		t.Errorf("no point: %g to %g", low, high)
	}
	for range 2000 {
		b.Add(1)
	}
	if low, high := b.Interval(); low < 0.9 || high != 1 {
		t.Errorf("nothing but 1: %g to %g", low, high)
	}
	finite(t, "betting", b.Above...)
	finite(t, "betting", b.Below...)
	if allocs := testing.AllocsPerRun(10, func() { b.Add(0.5) }); allocs != 0 {
		t.Errorf("%g allocations a point", allocs)
	}
}
