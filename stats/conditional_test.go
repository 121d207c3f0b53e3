package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// logTiltSlow sums log E[psi^K] term by term in log space.
func logTiltSlow(k, a, b int64, psi float64) float64 {
	choose := func(n, r int64) float64 {
		x, _ := math.Lgamma(float64(n + 1))
		y, _ := math.Lgamma(float64(r + 1))
		z, _ := math.Lgamma(float64(n - r + 1))
		return x - y - z
	}
	total := math.Inf(-1)
	for x := max(0, k-a); x <= min(k, b); x++ {
		total = logAdd(total, choose(b, x)+choose(a, k-x)+float64(x)*math.Log(psi))
	}
	return total - choose(a+b, k)
}

func TestLogLikelihoodRatioReference(t *testing.T) {
	// Values computed with scipy 1.10.1 (hypergeom, logsumexp).
	for _, c := range []struct {
		id    string
		table Table
		psi   float64
		want  float64
	}{
		{"hypergeom-1", Table{1, 3, 100, 100}, 2, 0.4609358691687757},
		{"hypergeom-2", Table{6, 12, 600, 600}, 2, 1.0335943041046463},
		{"hypergeom-3", Table{6, 12, 600, 600}, 1.5, 0.854104422281301},
		{"hypergeom-5", Table{0, 0, 1000, 1000}, 2, 0},
		{"hypergeom-7", Table{10, 30, 10000, 10000}, 3, 5.242236617272397},
		{"hypergeom-8", Table{12, 6, 600, 600}, 2, -3.1252887792550252},
	} {
		if got := LogLikelihoodRatio(c.table, c.psi); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: got %.15g, want %.15g", c.id, got, c.want)
		}
	}
}

func TestTiltAgainstSum(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var d tilt
	for range 4000 {
		a, b := 1+rng.Int64N(30000), 1+rng.Int64N(30000)
		if rng.IntN(2) == 0 {
			b = 1 + rng.Int64N(50)
		}
		k := rng.Int64N(a + b + 1)
		if rng.IntN(2) == 0 {
			k = rng.Int64N(min(200, a+b) + 1)
		}
		psi := math.Exp(rng.Float64()*6 - 3)
		d.prepare(k, a, b)
		want, got := logTiltSlow(k, a, b, psi), d.logMean(psi)
		if math.Abs(got-want) > 1e-7+1e-9*math.Abs(want) {
			t.Fatalf("k=%d a=%d b=%d psi=%g: got %.12g, want %.12g (terms %d)", k, a, b, psi, got, want, d.n)
		}
	}
}

func TestMomentsNearExact(t *testing.T) {
	var d tilt
	d.prepare(60, 1000, 500)
	mean, variance := d.moments(2)
	sum, m1, m2 := 0.0, 0.0, 0.0
	for i := range d.n {
		p := d.terms[i] * math.Pow(2, float64(i))
		x := d.lo + float64(i)
		sum += p
		m1 += p * x
		m2 += p * x * x
	}
	m1 /= sum
	v := m2/sum - m1*m1
	if math.Abs(mean-m1) > 0.05 || math.Abs(variance-v) > 0.3 {
		t.Errorf("mean %g want about %g, variance %g want about %g", mean, m1, variance, v)
	}
}

// poisson draws a Poisson count; knuth's product for small means, the normal
// approximation above.
func poisson(rng *rand.Rand, mean float64) int64 {
	if mean > 60 {
		return max(0, int64(math.Round(mean+math.Sqrt(mean)*rng.NormFloat64())))
	}
	limit, n, p := math.Exp(-mean), int64(0), rng.Float64()
	for p > limit {
		p *= rng.Float64()
		n++
	}
	return n
}

type world struct {
	n, share, rate, ratio float64
	common, own           float64 // log-normal noise of both arms, of each arm
	onset                 int
}

func (w world) bucket(rng *rand.Rand, i int) Table {
	shock := math.Exp(w.common*rng.NormFloat64() - w.common*w.common/2)
	noise := func() float64 { return math.Exp(w.own*rng.NormFloat64() - w.own*w.own/2) }
	ratio := w.ratio
	if i < w.onset {
		ratio = 1
	}
	a, b := int64(w.n*(1-w.share)), int64(w.n*w.share)
	return Table{
		TrialsA: a, TrialsB: b,
		EventsA: min(a, poisson(rng, float64(a)*w.rate*shock*noise())),
		EventsB: min(b, poisson(rng, float64(b)*w.rate*shock*ratio*noise())),
	}
}

// runWorld plays one release and returns the first look at which the evidence
// for harm, and that for a pass, reaches its threshold; 0 for never.
func runWorld(rng *rand.Rand, w world, looks int, alpha float64) (harm, pass int) {
	past := Succession{}
	for i := range 60 {
		alone := w
		alone.share, alone.onset = 0, 1<<30
		s := alone.bucket(rng, i)
		past.Add(s.EventsA, s.TrialsA)
	}
	var c Conditional
	null := Null{Tolerated: 1.05, Excluded: [2]float64{5, 2}}
	for i := 1; i <= looks; i++ {
		c.Update(w.bucket(rng, i-1), false, null, &past.Dispersion)
		if c.LogHarm() >= math.Log(1/alpha) && harm == 0 {
			harm = i
		}
		if c.LogPass(1, 2) >= math.Log(20) && pass == 0 {
			pass = i
		}
	}
	return harm, pass
}

// TestConditionalFalseAlarms: with no harm, at most the stated share of
// releases ever crosses, over 120 looks, whatever the noise.
func TestConditionalFalseAlarms(t *testing.T) {
	const runs, alpha = 400, 0.05
	for name, w := range map[string]world{
		"plain":              {n: 1500, share: 0.05, rate: 0.01, ratio: 1},
		"half":               {n: 1500, share: 0.5, rate: 0.02, ratio: 1},
		"within tolerance":   {n: 3000, share: 0.5, rate: 0.02, ratio: 1.04},
		"common shocks":      {n: 1500, share: 0.5, rate: 0.02, ratio: 1, common: 0.5},
		"noise of each arm":  {n: 1500, share: 0.5, rate: 0.02, ratio: 1, own: 0.3},
		"much noise of each": {n: 3000, share: 0.5, rate: 0.02, ratio: 1, own: 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, uint64(len(name))))
			crossed := 0
			for range runs {
				if h, _ := runWorld(rng, w, 120, alpha); h > 0 {
					crossed++
				}
			}
			// 32 of 400 is what a true 5 % stays under with probability 0.995.
			if crossed > 32 {
				t.Errorf("%d of %d harmless releases crossed at alpha %g", crossed, runs, alpha)
			}
			t.Logf("%d of %d", crossed, runs)
		})
	}
}

func TestConditionalFindsHarm(t *testing.T) {
	for name, c := range map[string]struct {
		w      world
		within int // looks, for half of the releases
	}{
		"x5 at 5 %":            {world{n: 3000, share: 0.05, rate: 0.01, ratio: 5}, 3},
		"x2 at half":           {world{n: 1500, share: 0.5, rate: 0.01, ratio: 2}, 12},
		"x20 at once":          {world{n: 3000, share: 0.05, rate: 0.005, ratio: 20}, 1},
		"x5 after forty looks": {world{n: 3000, share: 0.05, rate: 0.01, ratio: 5, onset: 40}, 44},
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			found := 0
			for range 100 {
				if h, _ := runWorld(rng, c.w, c.within, 0.01); h > 0 {
					found++
				}
			}
			if found < 50 {
				t.Errorf("found in %d of 100 within %d looks", found, c.within)
			}
			t.Logf("found in %d of 100 within %d looks", found, c.within)
		})
	}
}

func TestConditionalPasses(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	passed, wrong := 0, 0
	for range 200 {
		if _, p := runWorld(rng, world{n: 1500, share: 0.5, rate: 0.02, ratio: 1}, 40, 0.01); p > 0 {
			passed++
		}
		if _, p := runWorld(rng, world{n: 1500, share: 0.5, rate: 0.02, ratio: 2.05}, 40, 0.01); p > 0 {
			wrong++
		}
	}
	if passed < 180 || wrong > 20 {
		t.Errorf("harmless passed: %d of 200, harm of twice passed: %d of 200", passed, wrong)
	}
	t.Logf("harmless passed: %d, harm passed: %d", passed, wrong)
}

func TestConditionalIntervalCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	const runs = 300
	missed := 0
	for range runs {
		var c Conditional
		w := world{n: 2000, share: 0.3, rate: 0.02, ratio: 1.5}
		truth := OddsRatio(0.02, 0.03)
		for i := range 60 {
			c.Update(w.bucket(rng, i), false, Null{Tolerated: 1, Excluded: [2]float64{5, 2}}, &Dispersion{})
			if lo, hi, open := c.Interval(0.05); truth < lo || (!open && truth > hi) {
				missed++
				break
			}
		}
	}
	if missed > runs/10 {
		t.Errorf("missed in %d of %d", missed, runs)
	}
}

func TestConditionalSilentWithoutEvents(t *testing.T) {
	var c Conditional
	for range 100 {
		c.Update(Table{TrialsA: 1000, TrialsB: 10}, false, Null{Tolerated: 1.05, Excluded: [2]float64{5, 2}}, &Dispersion{})
	}
	if got := c.LogHarm(); math.Abs(got) > 1e-9 {
		t.Errorf("evidence %g without a single event", got)
	}
	if got := c.LogPass(1, 2); math.Abs(got) > 1e-12 {
		t.Errorf("pass evidence %g without a single event", got)
	}
}

func TestUpdateDoesNotAllocate(t *testing.T) {
	var c Conditional
	past := Dispersion{}
	null := Null{Tolerated: 1.05, Excluded: [2]float64{5, 2}}
	if n := testing.AllocsPerRun(100, func() {
		c.Update(Table{10, 3, 1000, 100}, false, null, &past)
	}); n != 0 {
		t.Errorf("%g allocations a look", n)
	}
}

func BenchmarkConditional(b *testing.B) {
	for name, t := range map[string]Table{"few": {10, 3, 5000, 300}, "many": {8000, 500, 20000, 1000}} {
		b.Run(name, func(b *testing.B) {
			var c Conditional
			past := Dispersion{}
			null := Null{Tolerated: 1.05, Excluded: [2]float64{5, 2}}
			b.ReportAllocs()
			for b.Loop() {
				c.Update(t, false, null, &past)
			}
		})
	}
}
