package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The bound holds at all looks at once, and the evidence of harm stays below its
// level, whether or not the level of errors moves.
func TestExcessCovers(t *testing.T) {
	heavy(t)
	const runs, buckets, alpha = 600, 120, 0.05
	for name, c := range map[string]struct {
		n, share, rate, ratio, common float64
	}{
		"no harm":                  {1500, 0.1, 0.01, 1, 0},
		"no harm, half":            {1500, 0.5, 0.02, 1, 0},
		"no harm, one percent":     {1500, 0.01, 0.01, 1, 0},
		"hardly any errors":        {1500, 0.1, 0.0002, 1, 0},
		"nine tenths":              {1500, 0.9, 0.0005, 1, 0},
		"all but one percent":      {1500, 0.99, 0.01, 1, 0},
		"nine tenths, twice":       {1500, 0.9, 0.01, 2, 0},
		"incidents of both":        {1500, 0.1, 0.01, 1, 0.5},
		"twice as bad":             {1500, 0.1, 0.01, 2, 0},
		"twice, one percent":       {1500, 0.01, 0.01, 2, 0},
		"five times, few requests": {150, 0.1, 0.01, 5, 0},
	} {
		over, alarmed, missed := 0, 0, 0
		for seed := range uint64(runs) {
			rng := rand.New(rand.NewPCG(seed, 5))
			var e Excess
			truth, out, harmed, beside := 0.0, false, false, false
			for range buckets {
				a, b := c.n*(1-c.share), c.n*c.share
				p := c.rate * math.Exp(c.common*rng.NormFloat64()-c.common*c.common/2)
				t := Table{TrialsA: int64(a), TrialsB: int64(b)}
				t.EventsA, t.EventsB = min(t.TrialsA, poisson(rng, a*p)), min(t.TrialsB, poisson(rng, b*p*c.ratio))
				e.Update(t, 0)
				truth += b * p * (c.ratio - 1)
				out = out || e.Bound(alpha) < truth
				harmed = harmed || e.LogHarm() >= math.Log(1/alpha)
				_, low, high, _ := e.Difference(alpha)
				n := float64(e.Trials)
				beside = beside || low > truth/n || high < truth/n
			}
			if out {
				over++
			}
			if harmed {
				alarmed++
			}
			if beside {
				missed++
			}
		}
		most := alarms(runs, alpha)
		if over > most {
			t.Errorf("%s: the bound was below the truth in %d of %d, at most %d are to be expected", name, over, runs, most)
		}
		if missed > most {
			t.Errorf("%s: the interval missed the difference in %d of %d, at most %d are to be expected", name, missed, runs, most)
		}
		if c.ratio <= 1 && alarmed > most {
			t.Errorf("%s: harm was found in %d of %d, at most %d are to be expected", name, alarmed, runs, most)
		}
		if c.ratio > 1 && c.rate*c.n*c.share*buckets > 100 && alarmed < runs*9/10 {
			t.Errorf("%s: harm was found in %d of %d only", name, alarmed, runs)
		}
	}
}

// Before any trial there is no difference to tell.
func TestExcessOfNothing(t *testing.T) {
	if _, _, _, ok := (&Excess{}).Difference(0.05); ok {
		t.Error("nothing, and yet a difference")
	}
}

// Nothing seen is not nothing possible; more data say more.
func TestExcessBound(t *testing.T) {
	var none Excess
	if b := none.Bound(0.05); b < 3 || b > 15 || none.LogHarm() != 0 {
		t.Errorf("without data the bound is %g and the evidence %g", b, none.LogHarm())
	}
	var e Excess
	e.Update(Table{EventsA: 90, TrialsA: 9000, EventsB: 10, TrialsB: 1000}, 0)
	if got := e.Estimate(); got != 0 {
		t.Errorf("estimate %g, expected 0", got)
	}
	now, later := e.Bound(0.05), e.After(100, 0.05)
	if later/100 > now/4 {
		t.Errorf("per request the bound falls from %g to %g only", now, later/100)
	}
	was := e
	e.Update(Table{EventsA: 5, TrialsA: 0, EventsB: 1, TrialsB: 10}, 0)
	e.Update(Table{EventsA: 5, TrialsA: 4, EventsB: 1, TrialsB: 10}, 0)
	e.Update(Table{EventsA: 1, TrialsA: 4, EventsB: -1, TrialsB: 10}, 0)
	e.Update(Table{EventsA: 1, TrialsA: 4, EventsB: 1, TrialsB: 10}, math.NaN())
	if e != was {
		t.Errorf("took what says nothing: %+v", e)
	}
}
