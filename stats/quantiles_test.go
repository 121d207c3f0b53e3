package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// histogramOf counts points at or below each bound.
func histogramOf(points, bounds []float64) []int64 {
	counts := make([]int64, len(bounds))
	for _, x := range points {
		for i, b := range bounds {
			if x <= b {
				counts[i]++
			}
		}
	}
	return counts
}

func logNormals(rng *rand.Rand, n int, scale float64) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = scale * math.Exp(0.6*rng.NormFloat64())
	}
	return xs
}

// TestQuantilesCover, at all looks together: the quantile of an arm, the
// difference and the ratio of two, from points and from histograms.
func TestQuantilesCover(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, looks, each, alpha = 120, 8, 60, 0.1
	bounds := []float64{0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, math.Inf(1)}
	rng := rand.New(rand.NewPCG(43, 1))
	for _, p := range []float64{0.5, 0.9} {
		q := QuantileTest{P: p, Tune: 300, Alpha: alpha}
		z := math.Sqrt2 * math.Erfinv(2*p-1)
		truth := math.Exp(0.6 * z)
		missed := map[string]int{}
		for range runs {
			var a, b []float64
			out := map[string]bool{}
			for range looks {
				a = append(a, logNormals(rng, each, 1)...)
				b = append(b, logNormals(rng, each, 1.2)...)
				low, high := q.Interval(a)
				out["arm"] = out["arm"] || truth < low || truth > high
				low, high = q.Difference(a, b)
				out["difference"] = out["difference"] || 0.2*truth < low || 0.2*truth > high
				out["p"] = out["p"] || q.PValue(a, scaled(b, 1/1.2)) <= alpha
				r, ok := q.Histograms(bounds, histogramOf(a, bounds), histogramOf(b, bounds))
				if !ok {
					t.Fatal("no comparison")
				}
				out["bucket"] = out["bucket"] || 1.2*truth < r.B.Low || 1.2*truth > r.B.High
				out["ratio"] = out["ratio"] || 1.2 < r.Ratio.Low || 1.2 > r.Ratio.High
			}
			for name, is := range out {
				if is {
					missed[name]++
				}
			}
		}
		for name, n := range missed {
			if n > alarms(runs, alpha) {
				t.Errorf("p%g, %s: missed in %d of %d", 100*p, name, n, runs)
			}
		}
	}
}

func scaled(xs []float64, by float64) []float64 {
	ys := slices.Clone(xs)
	for i := range ys {
		ys[i] *= by
	}
	return ys
}

// TestDifferenceAgainstPValue: a difference is ruled out where the p-value of
// arms shifted by it is at most alpha.
func TestDifferenceAgainstPValue(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 2))
	for range 20 {
		q := QuantileTest{P: 0.5 + 0.3*rng.Float64(), Tune: 50, Alpha: 0.1}
		a, b := logNormals(rng, 60+rng.IntN(40), 1), logNormals(rng, 60+rng.IntN(40), 1.5)
		low, high := q.Difference(a, b)
		for _, c := range []struct {
			shift float64
			out   bool
		}{{low - 1e-9, true}, {low + 1e-9, false}, {high - 1e-9, false}, {high + 1e-9, true}} {
			shifted := slices.Clone(b)
			for i := range shifted {
				shifted[i] -= c.shift
			}
			if p := q.PValue(a, shifted); (p <= q.Alpha) != c.out {
				t.Errorf("%+v: shifted by %g p is %g; the interval is %g to %g", q, c.shift, p, low, high)
			}
		}
	}
}

// TestHistogramsWithPointsOfTheirOwn: with a bound at each point the histogram
// says what the points say.
func TestHistogramsWithPointsOfTheirOwn(t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 3))
	q := QuantileTest{P: 0.9, Tune: 200, Alpha: 0.05}
	a, b := logNormals(rng, 300, 1), logNormals(rng, 250, 2)
	bounds := append(slices.Concat(a, b), math.Inf(1))
	slices.Sort(bounds)
	r, ok := q.Histograms(bounds, histogramOf(a, bounds), histogramOf(b, bounds))
	if !ok {
		t.Fatal("no comparison")
	}
	if p := q.PValue(a, b); r.P > 3*p || r.P < p/3 {
		t.Errorf("p %g from points, %g from buckets", p, r.P)
	}
	low, high := q.Interval(b)
	if !near(r.B.Low, low, 0.03) || !near(r.B.High, high, 0.1) || r.B.Low > low || r.B.High < high {
		t.Errorf("%g to %g from points, %+v from buckets", low, high, r.B)
	}
	logs := func(xs []float64) []float64 {
		ys := slices.Clone(xs)
		for i := range ys {
			ys[i] = math.Log(ys[i])
		}
		return ys
	}
	low, high = q.Difference(logs(a), logs(b))
	if low, high := math.Exp(low), math.Exp(high); r.Ratio.Low > low || r.Ratio.High < high || !near(r.Ratio.Low, low, 0.1) || !near(r.Ratio.High, high, 0.1) {
		t.Errorf("ratio %g to %g from points, %+v from buckets", low, high, r.Ratio)
	}
}

func TestHistogramInterpolation(t *testing.T) {
	bounds := []float64{10, 20, 40, math.Inf(1)}
	q := QuantileTest{P: 0.5, Tune: 100, Alpha: 0.05}
	r, ok := q.Histograms(bounds, []int64{0, 50, 100, 100}, []int64{0, 0, 40, 100})
	if !ok || r.A.Value != 20 || r.B.Value != 40 || r.Ratio.Value != 2 {
		t.Errorf("got %+v", r)
	}
	if !math.IsInf(r.B.High, 1) || !math.IsInf(r.Ratio.High, 1) || r.Ratio.Low > 1 {
		t.Errorf("the candidate's median may be anywhere above 20: %+v", r)
	}
	q.P = 0.25
	if r, _ := q.Histograms(bounds, []int64{0, 50, 100, 100}, []int64{100, 100, 100, 100}); r.A.Value != 15 || r.B.Value != 2.5 || r.Ratio.Low != 0 {
		t.Errorf("got %+v", r)
	}
}

func TestQuantilesEdges(t *testing.T) {
	q := QuantileTest{P: 0.9, Tune: 100, Alpha: 0.05}
	inf := math.Inf(1)
	for _, bad := range []QuantileTest{{}, {P: 1, Tune: 1, Alpha: 0.1}, {P: 0.5, Tune: inf, Alpha: 0.1}, {P: 0.5, Tune: 9, Alpha: math.NaN()}} {
		low, high := bad.Interval([]float64{1, 2})
		from, to := bad.Difference([]float64{1}, []float64{2})
		_, ok := bad.Histograms([]float64{1}, []int64{1}, []int64{1})
		if low != -inf || high != inf || from != -inf || to != inf || ok || bad.PValue([]float64{1}, []float64{1}) != 1 {
			t.Errorf("%+v has an opinion", bad)
		}
		if !math.IsNaN(QuantileRadius(bad, 10, 0.05, true)) {
			t.Errorf("%+v has a radius", bad)
		}
	}
	for _, points := range [][]float64{nil, {math.NaN(), 1}, {3}, {3, 3, 3}} {
		low, high := q.Interval(points)
		from, to := q.Difference(points, []float64{1, 2, 3})
		if low != -inf || high != inf || from != -inf || to != inf || q.PValue(points, points) != 1 {
			t.Errorf("%v: an opinion from few points or none", points)
		}
	}
	same := make([]float64, 1000)
	if low, high := q.Interval(same); low != 0 || high != 0 {
		t.Errorf("a thousand times the same: %g to %g", low, high)
	}
	if low, high := q.Difference(same, same); low != 0 || high != 0 {
		t.Errorf("a thousand times the same in both arms: %g to %g", low, high)
	}
	for name, h := range map[string]struct {
		bounds []float64
		a, b   []int64
	}{
		"no bounds":        {nil, nil, nil},
		"falling bounds":   {[]float64{2, 1}, []int64{1, 2}, []int64{1, 2}},
		"bound of 0":       {[]float64{0, 1}, []int64{1, 2}, []int64{1, 2}},
		"a bound missing":  {[]float64{1}, []int64{1, 2}, []int64{1, 2}},
		"falling counts":   {[]float64{1, 2}, []int64{2, 1}, []int64{1, 2}},
		"negative counts":  {[]float64{1, 2}, []int64{-1, 1}, []int64{1, 2}},
		"an arm of points": {[]float64{1, 2}, []int64{0, 0}, []int64{1, 2}},
	} {
		if r, ok := q.Histograms(h.bounds, h.a, h.b); ok {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestProportionCovers(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, alpha = 150, 0.1
	rng := rand.New(rand.NewPCG(43, 5))
	for _, p := range []float64{0.02, 0.3} {
		missed := 0
		for range runs {
			k, n := int64(0), int64(0)
			for range 15 {
				for range 20 {
					n++
					if rng.Float64() < p {
						k++
					}
				}
				if low, high, ok := ProportionInterval(k, n, 100, alpha); !ok || p < low || p > high {
					missed++
					break
				}
			}
		}
		if missed > alarms(runs, alpha) {
			t.Errorf("chance %g: missed in %d of %d", p, missed, runs)
		}
	}
	for _, c := range [][2]int64{{-1, 3}, {4, 3}, {0, 0}} {
		if low, high, ok := ProportionInterval(c[0], c[1], 100, 0.05); ok || low != 0 || high != 1 {
			t.Errorf("%v: %g to %g", c, low, high)
		}
	}
	low, high, ok := ProportionInterval(1e9, 4e9, 1e6, 0.05)
	if !ok || low > 0.25 || high < 0.25 || high-low > 1e-3 || high-low < 1e-6 {
		t.Errorf("four thousand millions of trials: %.9g to %.9g", low, high)
	}
	if _, _, ok := ProportionInterval(1, 2, 0, 0.05); ok {
		t.Error("tuned for nothing")
	}
}
