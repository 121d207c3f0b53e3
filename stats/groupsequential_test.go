package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestGroupSequentialTables: Jennison and Turnbull 2000, tables 2.1 and 2.3
// (two-sided, 5 %), and Armitage, McPherson and Rowe 1969 for repeated looks.
func TestGroupSequentialTables(t *testing.T) {
	heavy(t)
	for k, want := range map[int][2]float64{
		1: {1.960, 1.960}, 2: {2.178, 1.977}, 3: {2.289, 2.004}, 4: {2.361, 2.024}, 5: {2.413, 2.040}, 10: {2.555, 2.087}, 20: {2.672, 2.126},
	} {
		pocock, err := Pocock(k, 0.05, TwoSided)
		if err != nil || math.Abs(pocock-want[0]) > 6e-4 {
			t.Errorf("Pocock, %d looks: %.4f, want %.3f, %v", k, pocock, want[0], err)
		}
		fleming, err := OBrienFleming(k, 0.05, TwoSided)
		if err != nil || math.Abs(fleming-want[1]) > 6e-4 {
			t.Errorf("O'Brien-Fleming, %d looks: %.4f, want %.3f, %v", k, fleming, want[1], err)
		}
	}
	for k, want := range map[int]float64{1: .050, 2: .083, 3: .107, 4: .126, 5: .142, 10: .193, 20: .248} {
		if got, err := RepeatedLooks(k, normalLimit(0.025), TwoSided); err != nil || math.Abs(got-want) > 6e-4 {
			t.Errorf("%d looks err with %.4f, want %.3f, %v", k, got, want, err)
		}
	}
}

// TestSpendingTables: bounds that Lan and DeMets' program gives for five equal
// looks, two-sided at 5 %, as the R package ldbounds prints them.
func TestSpendingTables(t *testing.T) {
	for name, c := range map[string]struct {
		spending Spending
		want     [5]float64
	}{
		"O'Brien-Fleming": {SpendLikeOBrienFleming, [5]float64{4.8769, 3.3569, 2.6803, 2.2898, 2.0310}},
		"Pocock":          {SpendLikePocock, [5]float64{2.4380, 2.4268, 2.4101, 2.3966, 2.3859}},
	} {
		l, err := Spend(evenly(5), 0.05, TwoSided, c.spending)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range l.Bounds {
			if math.Abs(got-c.want[i]) > 2e-4 {
				t.Errorf("%s, look %d: %.4f, want %.4f", name, i+1, got, c.want[i])
			}
		}
		if p, err := l.Crossing(0); err != nil || math.Abs(p-0.05) > 1e-6 {
			t.Errorf("%s: level %.8f, %v", name, p, err)
		}
	}
}

// TestCrossingAgainstTwoNormals: two looks are a bivariate normal distribution,
// integrated here in steps.
func TestCrossingAgainstTwoNormals(t *testing.T) {
	for _, c := range []struct {
		l     Looks
		drift float64
	}{
		{Looks{[]float64{0.5, 1}, []float64{2.178, 2.178}, TwoSided}, 0},
		{Looks{[]float64{0.5, 1}, []float64{2.8, 1.98}, Greater}, 2.5},
		{Looks{[]float64{0.2, 0.9}, []float64{3, 2}, Less}, -3},
		{Looks{[]float64{0.01, 1}, []float64{1, 1}, TwoSided}, 1},
		{Looks{[]float64{0.9, 0.95}, []float64{math.Inf(1), 2}, Greater}, 1},
	} {
		side, drift, crossed := c.l.Side, c.drift, 0.0
		if side == Less {
			drift = -drift
		}
		t1, t2 := c.l.Information[0], c.l.Information[1]
		const steps = 40_000
		for i := range steps {
			z := -9 + 18*(float64(i)+0.5)/steps
			at := z + drift*math.Sqrt(t1)
			mass := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) * 18 / steps
			if at >= c.l.Bounds[0] || side == TwoSided && at <= -c.l.Bounds[0] {
				crossed += mass
				continue
			}
			mean, sd := at*math.Sqrt(t1)+drift*(t2-t1), math.Sqrt(t2-t1)
			edge := c.l.Bounds[1] * math.Sqrt(t2)
			p := normalUpper((edge - mean) / sd)
			if side == TwoSided {
				p += normalUpper((edge + mean) / sd)
			}
			crossed += mass * p
		}
		got, err := c.l.Crossing(c.drift)
		if err != nil || math.Abs(got-crossed) > 1e-4 {
			t.Errorf("%+v, drift %g: %.6f, want %.6f, %v", c.l, c.drift, got, crossed, err)
		}
	}
}

// TestGroupSequentialLevelAndPower by drawing.
func TestGroupSequentialLevelAndPower(t *testing.T) {
	t.Parallel()
	const runs = 6000
	rng := rand.New(rand.NewPCG(9, 1))
	for _, side := range []Side{TwoSided, Greater} {
		l, err := Spend([]float64{0.1, 0.35, 0.5, 0.95, 1}, 0.05, side, SpendLikePocock)
		if err != nil {
			t.Fatal(err)
		}
		for _, drift := range []float64{0, 2.5} {
			crossed := 0
			for range runs {
				sum, last := 0.0, 0.0
				for i, part := range l.Information {
					sum += drift*(part-last) + math.Sqrt(part-last)*rng.NormFloat64()
					last = part
					z := sum / math.Sqrt(part)
					if z >= l.Bounds[i] || side == TwoSided && z <= -l.Bounds[i] {
						crossed++
						break
					}
				}
			}
			want, err := l.Crossing(drift)
			if err != nil || crossed > alarms(runs, want) || runs-crossed > alarms(runs, 1-want) {
				t.Errorf("side %d, drift %g: %d of %d, want a share of %.4f, %v", side, drift, crossed, runs, want, err)
			}
		}
	}
}

func TestGroupSequentialEdges(t *testing.T) {
	nan := math.NaN()
	for name, call := range map[string]func() error{
		"no looks":         func() error { _, err := Pocock(0, 0.05, TwoSided); return err },
		"too many looks":   func() error { _, err := OBrienFleming(501, 0.05, TwoSided); return err },
		"alpha":            func() error { _, err := Pocock(3, nan, TwoSided); return err },
		"alpha of a half":  func() error { _, err := Pocock(3, 0.6, Greater); return err },
		"z":                func() error { _, err := RepeatedLooks(3, nan, TwoSided); return err },
		"repeated no look": func() error { _, err := RepeatedLooks(0, 2, TwoSided); return err },
		"few bounds":       func() error { _, err := Looks{Information: []float64{1}}.Crossing(0); return err },
		"falling": func() error {
			_, err := Looks{Information: []float64{0.5, 0.4}, Bounds: []float64{2, 2}}.Crossing(0)
			return err
		},
		"drift": func() error {
			_, err := Looks{Information: []float64{0.5}, Bounds: []float64{2}}.Crossing(nan)
			return err
		},
		"spend nothing":  func() error { _, err := Spend(nil, 0.05, TwoSided, SpendLikePocock); return err },
		"spend too late": func() error { _, err := Spend([]float64{0.5, 1.1}, 0.05, TwoSided, SpendLikePocock); return err },
		"spend alpha":    func() error { _, err := Spend([]float64{0.5}, 1, TwoSided, SpendLikePocock); return err },
	} {
		if call() == nil {
			t.Errorf("%s: no complaint", name)
		}
	}
	early, err := Spend([]float64{0.001, 1}, 0.05, Greater, SpendLikeOBrienFleming)
	if err != nil || !math.IsInf(early.Bounds[0], 1) || math.Abs(early.Bounds[1]-normalLimit(0.05)) > 1e-5 {
		t.Errorf("a look that may spend nothing: %+v, %v", early, err)
	}
	if p, err := RepeatedLooks(4, 0, TwoSided); err != nil || math.Abs(p-1) > 1e-9 {
		t.Errorf("bounds of 0 are crossed with %g, %v", p, err)
	}
	if p, err := RepeatedLooks(2, -1, Greater); err != nil || p < 0.84 || p > 1 {
		t.Errorf("bounds below 0 are crossed with %g, %v", p, err)
	}
}
