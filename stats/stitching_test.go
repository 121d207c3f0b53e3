package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestStitchedBoundsAreCrossedRarely(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, steps, alpha = 600, 300, 0.05
	rng := rand.New(rand.NewPCG(42, 1))
	poly := PolyStitching{VMin: 10, S: 1.4, Eta: 2}
	crossed := 0
	for range runs {
		s := 0.0
		for i := range steps {
			s += rng.NormFloat64()
			if s > poly.Bound(float64(i+1), alpha) {
				crossed++
				break
			}
		}
	}
	if crossed > alarms(runs, alpha) {
		t.Errorf("polynomial stitching: %d of %d", crossed, runs)
	}
}

// TestBandsHoldTheDistribution of uniform points, from the first look on.
func TestBandsHoldTheDistribution(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, first, steps, alpha = 300, 50, 300, 0.1
	rng := rand.New(rand.NewPCG(42, 2))
	band, ok := NewEmpiricalProcess(alpha, first, 0.85)
	if !ok {
		t.Fatal("no band")
	}
	double := DoubleStitching{TOpt: first, Delta: 0.5, S: 1.4, Eta: 2}
	lil, stitched := 0, 0
	for range runs {
		var points []float64
		outLIL, outStitched := false, false
		for i := 1; i <= steps; i++ {
			x := rng.Float64()
			at, _ := slices.BinarySearch(points, x)
			points = slices.Insert(points, at, x)
			if i < first || i%50 != 0 {
				continue
			}
			n := float64(i)
			for j, x := range points {
				over := float64(j+1)/n - x
				outLIL = outLIL || math.Max(over, x-float64(j)/n) > band.Radius(n)
				outStitched = outStitched || over*n > double.Bound(x, n, alpha)
			}
		}
		if outLIL {
			lil++
		}
		if outStitched {
			stitched++
		}
	}
	if most := alarms(runs, alpha); lil > most || stitched > most {
		t.Errorf("left the band: %d and %d of %d", lil, stitched, runs)
	}
}

func TestStitchingEdges(t *testing.T) {
	for _, p := range []PolyStitching{{}, {VMin: 1, S: 1, Eta: 2}, {VMin: 1, S: 1.4, Eta: 1}, {VMin: 1, C: -1, S: 1.4, Eta: 2}} {
		if b := p.Bound(3, 0.05); !math.IsNaN(b) {
			t.Errorf("%+v: %g", p, b)
		}
	}
	for _, c := range [][3]float64{{0, 10, 0.85}, {1, 10, 0.85}, {0.05, 0, 0.85}, {0.05, 10, 0.7}, {math.NaN(), 10, 0.85}} {
		if band, ok := NewEmpiricalProcess(c[0], c[1], c[2]); ok {
			t.Errorf("%v: %+v", c, band)
		}
	}
	for _, alpha := range []float64{1e-12, 0.5, 0.99} {
		band, ok := NewEmpiricalProcess(alpha, 1, 0.85)
		if r := band.Radius(1e6); !ok || !(r > 0 && r < 0.1) {
			t.Errorf("alpha %g: radius %g", alpha, r)
		}
		if !math.IsInf(band.Radius(0.5), 1) {
			t.Error("a radius before the first look")
		}
	}
	d := DoubleStitching{TOpt: 10, Delta: 0.5, S: 1.4, Eta: 2}
	if !math.IsNaN(d.Bound(0, 10, 0.05)) || !math.IsNaN(d.Bound(0.5, 10, 2)) || !math.IsNaN(DoubleStitching{}.Bound(0.5, 10, 0.1)) {
		t.Error("a bound of quantile 0, at level 2, or of nothing")
	}
	finite(t, "stitched", d.Bound(1e-9, 1e9, 1e-9), d.Bound(1-1e-9, 0, 0.5))
}
