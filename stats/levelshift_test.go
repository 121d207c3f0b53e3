package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// ofNoise makes a series of two parts of noise: one that passes, and one that
// lasts, autoregressive.
func ofNoise(rng *rand.Rand, n Noise) func() float64 {
	next := autoregressive(rng, n.Memory)
	return func() float64 {
		return math.Sqrt(n.Passing)*rng.NormFloat64() + math.Sqrt(n.Lasting)*next()
	}
}

func TestNoiseIsFoundAgain(t *testing.T) {
	for _, want := range []Noise{{4, 0, 0}, {1, 3, 0.7}, {2, 2, 0.5}, {1, 1.5, 0.9}} {
		next := ofNoise(rand.New(rand.NewPCG(2, 2)), want)
		var w Wander
		for k := range 5000 {
			w.Add(100 + 0.5*float64(k) + next()) // an even rise is no noise
		}
		got := w.Contrasts(math.Inf(1)).Noise(0)
		if !near(got.Passing, want.Passing, 0.4) || math.Abs(got.Lasting-want.Lasting) > 0.4*want.Lasting+0.2 ||
			math.Abs(got.Autocorrelation()-want.Autocorrelation()) > 0.1 {
			t.Errorf("%+v measured as %+v", want, got)
		}
	}
}

// TestNoiseKnownToPass makes white noise surer to be white.
func TestNoiseKnownToPass(t *testing.T) {
	next := ofNoise(rand.New(rand.NewPCG(2, 3)), Noise{Passing: 1})
	unsure, sure := 0.0, 0.0
	for range 20 {
		var w Wander
		for range 60 {
			w.Add(next())
		}
		c := w.Contrasts(30)
		unsure, sure = unsure+c.Noise(0).Lasting, sure+c.Noise(1).Lasting
	}
	if sure > 0.8*unsure {
		t.Errorf("of white noise %g is said to last where that is known, and %g where not", sure/20, unsure/20)
	}
}

func TestWanderEdges(t *testing.T) {
	var w Wander
	if (w.Contrasts(30).Noise(0) != Noise{}) || w.Contrasts(30).Known() {
		t.Error("no point, and yet an opinion")
	}
	for range 40 {
		w.Add(math.NaN())
		w.Add(math.Inf(-1))
		w.Add(7)
	}
	if w.N != 40 || (w.Contrasts(30).Noise(0) != Noise{}) || !w.Contrasts(30).Known() || w.Contrasts(30).Weight[0] != 30 {
		t.Errorf("points that stand still: %+v", w)
	}
	var huge Wander
	for k := range 40 {
		huge.Add(1e100 * float64(k%3))
	}
	n := huge.Contrasts(30).Noise(0)
	finite(t, "huge", n.Passing, n.Lasting, n.Memory)
	if c := (Contrasts{}).Plus(huge.Contrasts(30)); c != huge.Contrasts(30) {
		t.Errorf("nothing known and %+v are %+v", huge.Contrasts(30), c)
	}
	var j Jitter
	j.Add(math.NaN())
	for k := range 100 {
		j.Add(float64(3 * k))
	}
	if j.N != 100 || j.Variance() != 0 || (&Jitter{N: 2}).Variance() != 0 {
		t.Errorf("an even rise: %+v", j)
	}
}

// dense is the log likelihood ratio of a shift of all points, by the covariance
// matrix of the noise: x' S^-1 1 shift - shift^2 1' S^-1 1 / 2.
func dense(xs []float64, n Noise, shift float64) float64 {
	size := len(xs)
	rows := make([][]float64, size) // the covariances, the points, and ones
	for i := range rows {
		rows[i] = make([]float64, size+1)
		for j := range size {
			rows[i][j] = n.Lasting * math.Pow(n.Memory, math.Abs(float64(i-j)))
		}
		rows[i][i] += n.Passing
		rows[i][size] = 1
	}
	for i := range rows { // elimination; the covariances are positive definite
		for j := range rows {
			if j == i {
				continue
			}
			f := rows[j][i] / rows[i][i]
			for k := i; k <= size; k++ {
				rows[j][k] -= f * rows[i][k]
			}
		}
	}
	sum := 0.0
	for i, x := range xs {
		weight := rows[i][size] / rows[i][i]
		sum += weight * (x*shift - shift*shift/2)
	}
	return sum
}

// TestShiftAgainstCovariances compares the filter with the plain likelihood.
func TestShiftAgainstCovariances(t *testing.T) {
	n := Noise{Passing: 1, Lasting: 2, Memory: 0.7}
	s := LevelShift{Noise: n, Doubt: n.Lasting, Fresh: 1}
	var xs []float64
	for k := range 12 {
		x := 0.9 * math.Sin(float64(k*k)) // small, so that nothing is clipped
		xs = append(xs, x)
		s.weigh(x)
		want := dense(xs, n, shiftSizes[0]*math.Sqrt(3))
		if got := s.First[0] - math.Log(0.5/3); !near(got, want, 1e-9) {
			t.Fatalf("after %d points: log ratio %g, by covariances %g", k+1, got, want)
		}
	}
	if s.Clipped != 0 {
		t.Error("something was clipped")
	}
}

// looksToShift plays one series of n points, after a past, and returns at which the
// evidence reaches log(1/alpha); 0 for never.
func looksToShift(rng *rand.Rand, n Noise, points, past int, mean func(k int) float64, alpha float64) int {
	next := ofNoise(rng, n)
	var w Wander
	for range past {
		w.Add(next())
	}
	var s LevelShift
	for k := range points {
		s.Add(mean(k)+next(), 3, w.Contrasts(pastLooks), 0)
		if s.LogHarm() >= math.Log(1/alpha) {
			return k + 1
		}
	}
	return 0
}

// TestShiftFalseAlarms: means at their margin, the hardest harmless ones, and
// means that move below it.
func TestShiftFalseAlarms(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, alpha = 600, 0.01
	at := func(int) float64 { return 3 }
	rises := func(k int) float64 { return 3 - 8*math.Exp(-float64(k)/30) }
	jumps := func(k int) float64 { return float64(3 - 6*(k/20%2)) }
	for _, c := range []struct {
		name string
		n    Noise
		past int
		mean func(int) float64
		most float64
	}{
		{"white", Noise{1, 0, 0}, 60, at, alpha}, {"memory .5", Noise{0.3, 0.7, 0.5}, 60, at, alpha},
		{"memory .7", Noise{0.3, 0.7, 0.7}, 60, at, alpha}, {"memory .9", Noise{0.5, 0.5, 0.9}, 60, at, 0.12},
		{"memory .7, no past", Noise{0.3, 0.7, 0.7}, 0, at, alpha},
		{"rises to it", Noise{0.3, 0.7, 0.7}, 60, rises, alpha}, {"jumps up to it", Noise{0.3, 0.7, 0.7}, 60, jumps, alpha},
	} {
		rng := rand.New(rand.NewPCG(21, 7))
		crossed := 0
		for range runs {
			if looksToShift(rng, c.n, 120, c.past, c.mean, alpha) > 0 {
				crossed++
			}
		}
		if crossed > alarms(runs, c.most) {
			t.Errorf("%s: %d of %d crossed", c.name, crossed, runs)
		}
		t.Logf("%s: %d of %d crossed", c.name, crossed, runs)
	}
}

// TestShiftIsFound at once, and late nearly as fast.
func TestShiftIsFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ size, start, within float64 }{{4, 0, 4}, {4, 40, 6}, {4, 110, 8}, {2, 0, 20}, {2, 40, 42}, {8, 40, 4.5}} {
		rng := rand.New(rand.NewPCG(22, 7))
		sum := 0.0
		for range 200 {
			mean := func(k int) float64 {
				if float64(k) < c.start {
					return 1
				}
				return 3 + c.size
			}
			k := looksToShift(rng, Noise{0.3, 0.7, 0.7}, 200, 60, mean, 0.001)
			if k == 0 {
				k = 200
			}
			sum += (float64(k) - c.start) / 200
		}
		if sum > c.within {
			t.Errorf("a shift of %g standard deviations from point %g takes %g points", c.size, c.start, sum)
		}
		t.Logf("%g from %g: %g points", c.size, c.start, sum)
	}
}

// TestOnePointDoesNotDecide, however far out.
func TestOnePointDoesNotDecide(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 7))
	for start := range 40 {
		mean := func(k int) float64 {
			if k == start {
				return 1e6
			}
			return 1
		}
		if k := looksToShift(rng, Noise{0.3, 0.7, 0.7}, 60, 60, mean, 0.02); k > 0 {
			t.Errorf("point %d alone decides", start)
		}
	}
}

func TestShiftEdges(t *testing.T) {
	var s LevelShift
	if s.LogHarm() != 0 {
		t.Error("no point, and yet an opinion")
	}
	for range 60 {
		s.Add(5, 1, Contrasts{}, 0)
		s.Add(math.NaN(), 1, Contrasts{}, 0)
		s.Add(1, math.Inf(1), Contrasts{}, 0)
	}
	if s.Own.N != 60 || s.Looks != 0 || s.LogHarm() != 0 {
		t.Errorf("points that stand still beyond the margin: %+v", s)
	}
	var still, huge Wander
	for k := range 60 {
		still.Add(1)
		huge.Add(1e90 * float64(k%2))
	}
	for name, past := range map[string]Contrasts{"still": still.Contrasts(30), "huge": huge.Contrasts(30), "none": {}} {
		for _, size := range []float64{-1e100, 1e-300, 0, 1, 1e100} {
			var s LevelShift
			for k := range 300 {
				s.Add(size*float64(k%3), 0, past, 0)
			}
			finite(t, name, s.LogHarm(), s.Foretold, s.Doubt, s.Fresh, s.Waiting, s.Stretch, s.First[0], s.Later[0][0], s.Later[3][2])
		}
	}
}

// TestShiftTellsTheStretch of points that speak for it.
func TestShiftTellsTheStretch(t *testing.T) {
	next := ofNoise(rand.New(rand.NewPCG(24, 7)), Noise{Passing: 1})
	var w Wander
	for range 60 {
		w.Add(next())
	}
	var s LevelShift
	for k := range 60 {
		mean := 0.0
		if k >= 50 {
			mean = 8
		}
		s.Add(mean+next(), 3, w.Contrasts(pastLooks), 0)
	}
	if s.Recent < 9 || s.Recent > 11 {
		t.Errorf("the last 10 of 60 points are shifted, and %d are told", s.Recent)
	}
}
