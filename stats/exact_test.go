package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// plainFisher adds hypergeometric probabilities by their definition.
func plainFisher(t Table, psi float64) (upper, lower, both float64) {
	k := t.EventsA + t.EventsB
	weight := func(x int64) float64 {
		if x < 0 || x > t.TrialsB || k-x < 0 || k-x > t.TrialsA {
			return 0
		}
		return math.Exp(logChoose(float64(t.TrialsB), float64(x))+logChoose(float64(t.TrialsA), float64(k-x))-
			logChoose(float64(t.TrialsA+t.TrialsB), float64(k))) * math.Pow(psi, float64(x))
	}
	all, here := 0.0, weight(t.EventsB)
	for x := range k + 1 {
		w := weight(x)
		all += w
		if x >= t.EventsB {
			upper += w
		}
		if x <= t.EventsB {
			lower += w
		}
		if w <= here*(1+1e-7) {
			both += w
		}
	}
	return upper / all, lower / all, both / all
}

func anyTable(rng *rand.Rand, most int64) Table {
	t := Table{TrialsA: 1 + rng.Int64N(most), TrialsB: 1 + rng.Int64N(most)}
	t.EventsA, t.EventsB = rng.Int64N(t.TrialsA+1), rng.Int64N(t.TrialsB+1)
	return t
}

func TestFisherAgainstItsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for range 200 {
		table := anyTable(rng, 60)
		upper, lower, both := plainFisher(table, 1)
		for side, want := range map[Side]float64{Greater: upper, Less: lower, TwoSided: both} {
			got, err := FisherExact(table, side, 0.05)
			if err != nil || !near(got.P, want, 1e-11) {
				t.Errorf("%+v, side %d: P %g, want %g, %v", table, side, got.P, want, err)
			}
			if side == TwoSided && got.Low > 0 {
				if up, _, _ := plainFisher(table, got.Low); !near(up, 0.025, 1e-9) {
					t.Errorf("%+v: at the low end %g the upper tail is %g", table, got.Low, up)
				}
			}
			if side == Less && !math.IsInf(got.High, 1) {
				if _, down, _ := plainFisher(table, got.High); !near(down, 0.05, 1e-9) {
					t.Errorf("%+v: at the high end %g the lower tail is %g", table, got.High, down)
				}
			}
		}
	}
}

// TestFisherPublished: Fisher's twins of criminals, as R prints them in the
// example of ?fisher.test; its interval is found to about 1e-6.
func TestFisherPublished(t *testing.T) {
	got, err := FisherExact(Table{EventsB: 2, TrialsB: 17, EventsA: 10, TrialsA: 13}, Less, 0.05)
	if err != nil || !near(got.P, 0.0004652, 5e-8) || !near(got.OddsRatio, 0.04693661, 5e-8) ||
		!near(got.High, 0.2849601, 2e-6) || got.Low != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFisherOfMany(t *testing.T) {
	heavy(t)
	got, err := FisherExact(Table{EventsB: 60_000, TrialsB: 1_000_000, EventsA: 50_000, TrialsA: 1_000_000}, TwoSided, 0.05)
	odds := (60_000.0 / 940_000) / (50_000.0 / 950_000)
	if err != nil || !near(got.OddsRatio, odds, 1e-4) || got.P > 1e-200 || got.Low > odds || got.High < odds {
		t.Errorf("%+v, %v; the odds ratio is %g", got, err, odds)
	}
	if _, err := FisherExact(Table{EventsB: 3e6, TrialsB: 1e9, EventsA: 3e6, TrialsA: 1e9}, TwoSided, 0.05); err == nil {
		t.Error("six million events are summed")
	}
}

func TestExactTablesEdges(t *testing.T) {
	for _, bad := range []Table{{EventsB: -1, TrialsB: 3, TrialsA: 3}, {EventsB: 4, TrialsB: 3, TrialsA: 3}, {EventsA: 1}} {
		if _, err := FisherExact(bad, TwoSided, 0.05); err == nil {
			t.Errorf("Fisher takes %+v", bad)
		}
		if _, err := Boschloo(bad, TwoSided); err == nil {
			t.Errorf("Boschloo takes %+v", bad)
		}
		if _, err := CochranMantelHaenszel([]Table{bad}, TwoSided, 0.05); err == nil {
			t.Errorf("Cochran takes %+v", bad)
		}
		if _, err := ExactStrata([]Table{bad}, TwoSided, 0.05); err == nil {
			t.Errorf("the exact strata take %+v", bad)
		}
	}
	none := Table{TrialsA: 5, TrialsB: 5}
	got, err := FisherExact(none, TwoSided, 0.05)
	if err != nil || got.P != 1 || !math.IsNaN(got.OddsRatio) || got.Low != 0 || !math.IsInf(got.High, 1) {
		t.Errorf("no event: %+v, %v", got, err)
	}
	one, err := FisherExact(Table{EventsB: 5, TrialsB: 5, TrialsA: 5}, TwoSided, 0.05)
	if err != nil || !math.IsInf(one.OddsRatio, 1) || !math.IsInf(one.High, 1) || !(one.Low > 1) {
		t.Errorf("all against none: %+v, %v", one, err)
	}
	if _, err := FisherExact(none, TwoSided, 1); err == nil {
		t.Error("alpha 1 is taken")
	}
	if _, err := Boschloo(Table{TrialsA: 5}, TwoSided); err == nil {
		t.Error("an arm without trials is tested")
	}
	if _, err := Boschloo(Table{TrialsA: 5000, TrialsB: 5000}, TwoSided); err == nil {
		t.Error("25 million tables are looked at")
	}
	if _, err := CochranMantelHaenszel([]Table{none}, TwoSided, 0.05); err == nil {
		t.Error("strata without events are tested")
	}
	if _, err := ExactStrata(nil, TwoSided, 0.05); err == nil {
		t.Error("no strata are tested")
	}
}

// TestBoschlooPublished: the example of scipy.stats.boschloo_exact, which prints
// 0.0483 and 0.0355; the digits are those of a sum in whole numbers over shares
// in steps of 0.0005.
func TestBoschlooPublished(t *testing.T) {
	got, err := Boschloo(Table{EventsB: 74, TrialsB: 117, EventsA: 31, TrialsA: 63}, Greater)
	if err != nil || !near(got.Fisher, 0.048312210086912215, 1e-13) ||
		got.P < 0.03556405430458655 || got.P > 0.0355641 || !near(got.Share, 0.569, 1e-3) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestBoschlooAgainstItsDefinition(t *testing.T) {
	heavy(t)
	rng := rand.New(rand.NewPCG(5, 2))
	for range 25 {
		table := anyTable(rng, 9)
		for _, side := range []Side{Greater, Less} {
			p := func(t Table) float64 {
				upper, lower, _ := plainFisher(t, 1)
				return side.choose(upper, lower)
			}
			seen, extreme := p(table), []Table{}
			for a := range table.TrialsA + 1 {
				for b := range table.TrialsB + 1 {
					other := Table{TrialsA: table.TrialsA, TrialsB: table.TrialsB, EventsA: a, EventsB: b}
					if p(other) <= seen*(1+1e-9) {
						extreme = append(extreme, other)
					}
				}
			}
			most := 0.0
			for i := range 2000 {
				share, sum := (float64(i)+0.5)/2000, 0.0
				for _, e := range extreme {
					sum += math.Exp(logBinomialDensity(float64(e.EventsA), float64(e.TrialsA-e.EventsA), share, 1-share) +
						logBinomialDensity(float64(e.EventsB), float64(e.TrialsB-e.EventsB), share, 1-share))
				}
				most = math.Max(most, sum)
			}
			got, err := Boschloo(table, side)
			if err != nil || got.P < most-1e-9 || got.P > most+1e-4 {
				t.Errorf("%+v, side %d: %+v, %v; want P %g", table, side, got, err, most)
			}
		}
	}
}

// TestLevelOfExactTables: none exceeds its level, and Boschloo's test gives less
// of it away.
func TestLevelOfExactTables(t *testing.T) {
	t.Parallel()
	const runs, alpha = 1500, 0.05
	rng := rand.New(rand.NewPCG(5, 3))
	fisher, boschloo := 0, 0
	known := map[Table]SupremumTest{}
	for range runs {
		table := Table{TrialsA: 25, TrialsB: 20, EventsA: binomialDraw(rng, 25, 0.3), EventsB: binomialDraw(rng, 20, 0.3)}
		if f, err := FisherExact(table, Greater, alpha); err != nil {
			t.Fatal(err)
		} else if f.P <= alpha {
			fisher++
		}
		b, ok := known[table]
		if !ok {
			var err error
			if b, err = Boschloo(table, Greater); err != nil {
				t.Fatal(err)
			}
			known[table] = b
		}
		if b.P <= alpha {
			boschloo++
		}
	}
	if boschloo > alarms(runs, alpha) || fisher >= boschloo {
		t.Errorf("Boschloo %d, Fisher %d of %d", boschloo, fisher, runs)
	}
}

func binomialDraw(rng *rand.Rand, n int64, p float64) int64 {
	k := int64(0)
	for range n {
		if rng.Float64() < p {
			k++
		}
	}
	return k
}

// TestStrataOfOneAreTheTable: with a single stratum the exact test is Fisher's,
// and the chi-squared statistics differ by N/(N-1).
func TestStrataOfOneAreTheTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 4))
	for range 50 {
		table := anyTable(rng, 80)
		if table.EventsA+table.EventsB == 0 || table.EventsA+table.EventsB == table.TrialsA+table.TrialsB {
			continue
		}
		for _, side := range []Side{TwoSided, Greater, Less} {
			fisher, err := FisherExact(table, side, 0.1)
			if err != nil {
				t.Fatal(err)
			}
			strata, err := ExactStrata([]Table{table}, side, 0.1)
			if err != nil {
				t.Fatal(err)
			}
			same := func(a, b float64) bool { return a == b || near(a, b, 1e-8) || math.IsNaN(a) && math.IsNaN(b) }
			if !same(fisher.P, strata.P) || !same(fisher.OddsRatio, strata.OddsRatio) ||
				!same(fisher.Low, strata.Low) || !same(fisher.High, strata.High) {
				t.Errorf("%+v: Fisher %+v, strata %+v", table, fisher, strata)
			}
		}
		cmh, err := CochranMantelHaenszel([]Table{table}, TwoSided, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		chi2, err := EqualShares([]Share{{table.EventsA, table.TrialsA}, {table.EventsB, table.TrialsB}})
		n := float64(table.TrialsA + table.TrialsB)
		if err != nil || !near(cmh.Chi2, chi2.Chi2*(n-1)/n, 1e-10) {
			t.Errorf("%+v: CMH %g, chi-squared %g, %v", table, cmh.Chi2, chi2.Chi2, err)
		}
	}
}

// TestStrataLevelAndCoverage where strata differ in level and split.
func TestStrataLevelAndCoverage(t *testing.T) {
	t.Parallel()
	const runs, alpha = 800, 0.05
	rng := rand.New(rand.NewPCG(5, 5))
	alarm, missed, exact := 0, 0, 0
	for range runs {
		var strata, harmed []Table
		for i := range 8 {
			a, b, p := int64(60-5*i), int64(10+8*i), 0.05*float64(i+1)
			ea := binomialDraw(rng, a, p)
			strata = append(strata, Table{TrialsA: a, TrialsB: b, EventsA: ea, EventsB: binomialDraw(rng, b, p)})
			harmed = append(harmed, Table{TrialsA: a, TrialsB: b, EventsA: ea, EventsB: binomialDraw(rng, b, atOdds(p, 2))})
		}
		r, err := CochranMantelHaenszel(strata, TwoSided, alpha)
		if err != nil {
			t.Fatal(err)
		}
		e, err := ExactStrata(strata, TwoSided, alpha)
		if err != nil {
			t.Fatal(err)
		}
		if r.P <= alpha {
			alarm++
		}
		if e.P <= alpha {
			exact++
		}
		if r, err = CochranMantelHaenszel(harmed, TwoSided, alpha); err != nil || r.Low > 2 || r.High < 2 {
			missed++
		}
	}
	for name, n := range map[string]int{"test": alarm, "exact": exact, "interval": missed} {
		if n > alarms(runs, alpha) {
			t.Errorf("%s: %d of %d at alpha %g", name, n, runs, alpha)
		}
	}
}
