package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestLevelFalseAlarms: a mean that is exactly tolerated, in series that
// remember, over 120 looks. With a past, the stated level holds; a memory of
// 0.9 without a past is beyond what is promised, and is tested only so far that
// nobody makes it worse unawares.
func TestLevelFalseAlarms(t *testing.T) {
	t.Parallel()
	const runs, looks, alpha = 500, 120, 0.05
	for _, c := range []struct {
		r    float64
		past int
		most float64
	}{{0, 60, alpha}, {0.5, 60, alpha}, {0.7, 60, alpha}, {0.9, 60, alpha}, {0, 0, alpha}, {0.5, 0, alpha}, {0.7, 0, alpha}, {0.9, 0, 0.2}} {
		t.Run(fmt.Sprintf("%g after %d", c.r, c.past), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(6, uint64(c.r*10)))
			crossed, missed := 0, 0
			for range runs {
				next := autoregressive(rng, c.r)
				var past Memory
				for range c.past {
					past.Add(next())
				}
				var l Level
				hit, out := 0, 0
				for range looks {
					l.Add(2+next(), &past)
					if l.Mean.LogAbove(2) >= math.Log(1/alpha) {
						hit = 1
					}
					if low, high, ok := l.Mean.Interval(alpha); ok && (low > 2 || high < 2) {
						out = 1
					}
				}
				crossed, missed = crossed+hit, missed+out
			}
			if crossed > alarms(runs, c.most) || missed > alarms(runs, 1.6*c.most) {
				t.Errorf("%d of %d crossed, %d intervals missed", crossed, runs, missed)
			}
			t.Logf("%d of %d crossed, %d intervals missed", crossed, runs, missed)
		})
	}
}

func TestLevelFindsAShift(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	looks := 0
	for range 100 {
		next := autoregressive(rng, 0.5)
		var past Memory
		for range 60 {
			past.Add(next())
		}
		var l Level
		for l.Mean.LogAbove(0) < math.Log(100) && l.Own.N < 100 {
			l.Add(3+next(), &past)
		}
		looks += l.Own.N
	}
	if looks > 100*17 {
		t.Errorf("three standard deviations take %d looks on average", looks/100)
	}
}

func TestMemory(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, r := range []float64{0, 0.5, 0.9} {
		next := autoregressive(rng, r)
		var m Memory
		for range 4000 {
			m.Add(100 + next())
		}
		if got, ok := m.Autocorrelation(); !ok || math.Abs(got-r) > 0.05 {
			t.Errorf("autocorrelation %g measured as %g", r, got)
		}
	}
	var few, still Memory
	for range 9 {
		few.Add(rng.NormFloat64())
	}
	if _, ok := few.Autocorrelation(); ok {
		t.Error("nine points, and yet an opinion")
	}
	for range 50 {
		still.Add(5)
		still.Add(math.NaN())
	}
	if r, ok := still.Autocorrelation(); !ok || r != 0 || still.N != 50 {
		t.Errorf("a series that stands still: %g of %d points", r, still.N)
	}
}

// TestDispersionMeasuresNoise: the noise that events share is found again, and
// none where there is none; the edges of an incident do not pass for it.
func TestDispersionMeasuresNoise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		w         world
		low, high float64 // of the surplus at the past's own size of counts, per event
	}{
		{"none", world{n: 3000, rate: 0.02, ratio: 1}, 0, 0.3},
		{"shared", world{n: 3000, rate: 0.02, ratio: 1, own: 0.3}, 0.8, 8},
		{"clumps", world{n: 3000, rate: 0.002, ratio: 1, clump: 3}, 1, 4.5},
	} {
		rng := rand.New(rand.NewPCG(5, 5))
		sum := 0.0
		for range 20 {
			d := c.w.past(rng)
			sum += (&Dispersion{}).Surplus(d, d.Squares/d.Variance) / 20
		}
		if sum < c.low || sum > c.high {
			t.Errorf("%s: surplus %g on average, expected %g to %g", c.name, sum, c.low, c.high)
		}
	}
	var quiet, incident Succession
	rng := rand.New(rand.NewPCG(5, 7))
	for i := range 60 {
		k := poisson(rng, 30)
		quiet.Add(k, 3000, false)
		if i >= 21 && i < 30 {
			k += 270
		}
		incident.Add(k, 3000, false)
	}
	if q, i := quiet.Dispersion.CV2(), incident.Dispersion.CV2(); i > q+0.2 {
		t.Errorf("ten times the level for nine buckets turns a noise of %g into %g", q, i)
	}
}

func TestDispersionEdges(t *testing.T) {
	var none Dispersion
	if none.CV2() != 0 || none.Surplus(&Dispersion{}, 0) < 0 {
		t.Error("nothing known")
	}
	none.Add(5, 0)
	none.Add(5, math.NaN())
	if none != (Dispersion{}) {
		t.Errorf("a bucket without variance left %+v", none)
	}
	var s Succession
	for _, c := range [][2]int64{{0, 0}, {-1, 5}, {5, 5}, {5, 5}, {1e7, 1e8}, {1e7, 1e8}} {
		s.Add(c[0], c[1], false)
	}
	finite(t, "succession", s.Dispersion.CV2(), s.Dispersion.Surplus(&s.Dispersion, 1e7))
}
