package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// samples draws two samples; with a step they have ties.
func samples(rng *rand.Rand, nx, ny int, shift, step float64) (x, y []float64) {
	draw := func(n int, shift float64) []float64 {
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = shift + rng.NormFloat64()
			if step > 0 {
				xs[i] = step * math.Round(xs[i]/step)
			}
		}
		return xs
	}
	return draw(nx, shift), draw(ny, 0)
}

// deals calls f with each way to deal the pooled points out to two samples.
func deals(x, y []float64, f func(x, y []float64)) {
	all := slices.Concat(x, y)
	for mask := range 1 << len(all) {
		var a, b []float64
		for i, v := range all {
			if mask>>i&1 == 1 {
				a = append(a, v)
			} else {
				b = append(b, v)
			}
		}
		if len(a) == len(x) {
			f(a, b)
		}
	}
}

func plainU(x, y []float64) float64 {
	u := 0.0
	for _, a := range x {
		for _, b := range y {
			switch {
			case a > b:
				u++
			case a == b:
				u += 0.5
			}
		}
	}
	return u
}

func TestRankSumAgainstAllDeals(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 60 {
		step := []float64{0, 0.5, 1.5}[i%3]
		x, y := samples(rng, 1+rng.IntN(6), 1+rng.IntN(6), 0.7, step)
		seen, all, above, below := plainU(x, y), 0.0, 0.0, 0.0
		deals(x, y, func(a, b []float64) {
			u := plainU(a, b)
			all++
			if u >= seen {
				above++
			}
			if u <= seen {
				below++
			}
		})
		want := map[Side]float64{
			Greater: above / all, Less: below / all, TwoSided: math.Min(1, 2*math.Min(above, below)/all),
		}
		for side, p := range want {
			got, err := RankSum(x, y, side, RankExact)
			if err != nil {
				t.Fatal(err)
			}
			if got.U != seen || !near(got.P, p, 1e-12) || !got.Exact {
				t.Errorf("x %v, y %v, side %d: got %+v, want U %g, P %g", x, y, side, got, seen, p)
			}
		}
	}
}

// TestRankSumNormalIsCloseToExact from ten points a side.
func TestRankSumNormalIsCloseToExact(t *testing.T) {
	heavy(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 40 {
		step := []float64{0, 0.3}[i%2]
		x, y := samples(rng, 10+rng.IntN(20), 10+rng.IntN(20), rng.Float64(), step)
		for _, side := range []Side{TwoSided, Greater, Less} {
			exact, err := RankSum(x, y, side, RankExact)
			if err != nil {
				t.Fatal(err)
			}
			normal, err := RankSum(x, y, side, RankNormal)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(exact.P-normal.P) > 0.012 {
				t.Errorf("%d and %d points, step %g, side %d: exact %g, normal %g", len(x), len(y), step, side, exact.P, normal.P)
			}
		}
	}
}

// TestRankCountsOfLargeSamples: moments, and the two halves, of a distribution
// of 40,000 pairs.
func TestRankCountsOfLargeSamples(t *testing.T) {
	d := newRankCounts(200, 200)
	sum, variance := 0.0, 0.0
	for u, p := range d.p {
		off := float64(u) - 20_000
		twice := 2.0
		if off == 0 {
			twice = 1
		}
		sum += twice * p
		variance += twice * p * off * off
	}
	if want := 200.0 * 200 * 401 / 12; !near(sum, 1, 1e-10) || !near(variance, want, 1e-10) {
		t.Errorf("probabilities add up to %.15g, variance %.15g of %.15g", sum, variance, want)
	}
	if small := newRankCounts(30, 40).atMost(0); !near(small*math.Exp(logChoose(70, 30)), 1, 1e-11) {
		t.Errorf("the smallest probability is %g", small)
	}
}

func TestRankSumAndShiftOfThousands(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	x, y := samples(rng, 4000, 5000, 0.1, 0.01)
	r, err := RankSum(x, y, TwoSided, RankAuto)
	if err != nil || r.Exact || !r.Ties || r.P > 0.001 {
		t.Errorf("a shift of 0.1 in thousands: %+v, %v", r, err)
	}
	s, err := ShiftInterval(x, y, 0.05, TwoSided, RankAuto)
	if err != nil || !(s.Low < 0.1 && 0.1 < s.High) || s.High-s.Low > 0.1 {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestShiftIntervalIsTheTestInverted: at a shift just inside the interval the
// test does not reject, just outside it does.
func TestShiftIntervalIsTheTestInverted(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	for i := range 30 {
		method := []RankMethod{RankExact, RankNormal}[i%2]
		x, y := samples(rng, 8+rng.IntN(9), 8+rng.IntN(9), 2, 0)
		for _, side := range []Side{TwoSided, Greater, Less} {
			s, err := ShiftInterval(x, y, 0.1, side, method)
			if err != nil {
				t.Fatal(err)
			}
			if s.Exact != (method == RankExact) || s.Alpha > 0.1 {
				t.Errorf("%+v", s)
			}
			p := func(shift float64) float64 {
				moved := slices.Clone(x)
				for i := range moved {
					moved[i] -= shift
				}
				r, err := RankSum(moved, y, side, method)
				if err != nil {
					t.Fatal(err)
				}
				return r.P
			}
			for _, end := range []float64{s.Low, s.High} {
				if math.IsInf(end, 0) {
					continue
				}
				outside, inside := p(end-1e-6), p(end+1e-6)
				if end == s.High {
					outside, inside = inside, outside
				}
				if outside > 0.1 || inside < 0.1 {
					t.Errorf("method %d, side %d, end %g: p %g outside, %g inside", method, side, end, outside, inside)
				}
			}
		}
	}
}

// TestShiftIntervalFollowsTheUnit, from nanoseconds to years, and a shift of
// everything.
func TestShiftIntervalFollowsTheUnit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	for i := range 20 {
		x, y := samples(rng, 20, 25, 0.5, []float64{0, 0.1}[i%2])
		for _, method := range []RankMethod{RankExact, RankNormal} {
			base, err := ShiftInterval(x, y, 0.02, TwoSided, method)
			if err != nil {
				t.Fatal(err)
			}
			for _, unit := range []float64{1e-12, 1.0 / 1024, 3, 1e9} {
				scaled := [2][]float64{slices.Clone(x), slices.Clone(y)}
				for _, xs := range scaled {
					for i := range xs {
						xs[i] *= unit
					}
				}
				s, err := ShiftInterval(scaled[0], scaled[1], 0.02, TwoSided, method)
				if err != nil {
					t.Fatal(err)
				}
				for what, pair := range map[string][2]float64{
					"estimate": {s.Estimate / unit, base.Estimate},
					"low":      {s.Low / unit, base.Low},
					"high":     {s.High / unit, base.High},
				} {
					if math.Abs(pair[0]-pair[1]) > 1e-9 {
						t.Errorf("method %d, unit %g: %s is %.12g, want %.12g", method, unit, what, pair[0], pair[1])
					}
				}
			}
		}
	}
}

func TestRankSumLevelAndShiftCoverage(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, alpha = 800, 0.05
	for _, method := range []RankMethod{RankExact, RankNormal} {
		rng := rand.New(rand.NewPCG(1, 6))
		alarm, missed := 0, 0
		for range runs {
			x, y := samples(rng, 12, 17, 3, 0)
			s, err := ShiftInterval(x, y, alpha, TwoSided, method)
			if err != nil {
				t.Fatal(err)
			}
			if s.Low > 3 || s.High < 3 {
				missed++
			}
			a, b := samples(rng, 12, 17, 0, 0.5)
			r, err := RankSum(a, b, TwoSided, method)
			if err != nil {
				t.Fatal(err)
			}
			if r.P <= alpha {
				alarm++
			}
		}
		if alarm > alarms(runs, alpha) || missed > alarms(runs, alpha) {
			t.Errorf("method %d: %d alarms, %d misses of %d at alpha %g", method, alarm, missed, runs, alpha)
		}
	}
}

func TestRankSumEdges(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	if _, err := RankSum(nil, []float64{1}, TwoSided, RankAuto); err == nil {
		t.Error("no first sample, and no complaint")
	}
	if _, err := RankSum([]float64{1}, []float64{nan, inf}, TwoSided, RankAuto); err == nil {
		t.Error("no usable second sample, and no complaint")
	}
	for _, method := range []RankMethod{RankAuto, RankExact, RankNormal, RankUncorrected} {
		r, err := RankSum([]float64{2, 2, nan}, []float64{2, 2, 2}, TwoSided, method)
		if err != nil || r.P != 1 || r.U != 3 || r.NX != 2 {
			t.Errorf("equal points: %+v, %v", r, err)
		}
		r, err = RankSum([]float64{5}, []float64{3}, Greater, method)
		if err != nil || !(r.P > 0 && r.P <= 0.5) {
			t.Errorf("one point each: %+v, %v", r, err)
		}
	}
	many := make([]float64, 600)
	for i := range many {
		many[i] = float64(i)
	}
	if _, err := RankSum(many, many, TwoSided, RankExact); err == nil {
		t.Error("360,000 pairs are counted")
	}
	for _, alpha := range []float64{0, 1, -1, nan} {
		if _, err := ShiftInterval(many[:9], many[:9], alpha, TwoSided, RankAuto); err == nil {
			t.Errorf("alpha %g is taken", alpha)
		}
	}
	if _, err := ShiftInterval([]float64{1, 1}, []float64{2, 2}, 0.05, TwoSided, RankAuto); err == nil {
		t.Error("two constants have an interval")
	}
	s, err := ShiftInterval([]float64{1, 1, 1, 1, 1}, []float64{2, 3, 4, 5, 1e12}, 0.05, TwoSided, RankAuto)
	if err != nil || math.Abs(s.Estimate+3) > 1e-3 {
		t.Errorf("a constant and a far point: %+v, %v", s, err)
	}
	s, err = ShiftInterval([]float64{1, 2}, []float64{3, 5}, 0.05, TwoSided, RankExact)
	if err != nil || s.Alpha <= 0.05 || s.Low != -4 || s.High != -1 {
		t.Errorf("too few points for 95 %%: %+v, %v", s, err)
	}
}
