package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// splitter draws how many of a bucket's requests the candidate gets.
type splitter func(rng *rand.Rand, bucket int) (candidate, all int64)

// multinomial draws each request on its own.
func multinomial(n, share float64) splitter {
	return func(rng *rand.Rand, _ int) (int64, int64) {
		k := poisson(rng, n*share)
		return k, k + poisson(rng, n*(1-share))
	}
}

// turns gives every arm its exact part, as a balancer that takes turns does.
func turns(n, share float64) splitter {
	return func(rng *rand.Rand, _ int) (int64, int64) {
		all := poisson(rng, n)
		return int64(float64(all)*share + rng.Float64()), all
	}
}

// bursty multiplies the candidate's requests by noise that its bucket shares.
func bursty(n, share, cv float64) splitter {
	return func(rng *rand.Rand, _ int) (int64, int64) {
		k := poisson(rng, n*share*math.Exp(cv*rng.NormFloat64()-cv*cv/2))
		return k, k + poisson(rng, n*(1-share))
	}
}

// from a bucket on, the candidate serves only a part of its requests.
func (s splitter) refusing(from int, part float64) splitter {
	return func(rng *rand.Rand, i int) (int64, int64) {
		k, all := s(rng, i)
		if i < from {
			return k, all
		}
		kept := int64(math.Round(float64(k) * part))
		return kept, all - k + kept
	}
}

// finds is how many buckets it takes until the evidence for fewer, or for more,
// reaches log(1/alpha); 0 for never.
func (s splitter) finds(seed uint64, share float64, buckets int) (fewer, more int) {
	rng := rand.New(rand.NewPCG(seed, 3))
	var split Split
	for i := range buckets {
		k, n := s(rng, i)
		split.Update(k, n, SplitBounds{Expected: share, Least: 0.8 * share, Most: 1.2 * share})
		if fewer == 0 && split.LogFewer() >= math.Log(100) {
			fewer = i + 1
		}
		if more == 0 && split.LogMore() >= math.Log(100) {
			more = i + 1
		}
	}
	return fewer, more
}

// A split that is as it was set alarms no more often than stated, either way.
// Where the candidate stands at the edge of the tolerance it may so at most at
// the level.
func TestSplitLevel(t *testing.T) {
	heavy(t)
	const runs, buckets = 400, 120
	for name, s := range map[string]struct {
		split splitter
		share float64
	}{
		"multinomial":           {multinomial(15_000, 0.1), 0.1},
		"small":                 {multinomial(450, 0.01), 0.01},
		"in turns":              {turns(1500, 0.1), 0.1},
		"half and half":         {multinomial(1500, 0.5), 0.5},
		"noise of 10 %":         {bursty(15_000, 0.1, 0.1), 0.1},
		"noise of 20 %":         {bursty(15_000, 0.1, 0.2), 0.1},
		"at the lower edge":     {multinomial(1500, 0.1*0.8), 0.1},
		"at the upper edge":     {multinomial(1500, 0.1*1.2), 0.1},
		"lower edge, large":     {multinomial(30_000, 0.1*0.8), 0.1},
		"lower edge, in clumps": {bursty(1500, 0.1*0.8, 0.1), 0.1},
	} {
		fewer, more := 0, 0
		for seed := range uint64(runs) {
			f, m := s.split.finds(seed, s.share, buckets)
			fewer, more = fewer+min(f, 1), more+min(m, 1)
		}
		if most := alarms(runs, 0.01); fewer > most || more > most {
			t.Errorf("%s: %d and %d alarms in %d, at most %d are to be expected", name, fewer, more, runs, most)
		}
	}
}

// Half of the requests lost, late: two buckets where there are many of them.
func TestSplitFindsRefusedTraffic(t *testing.T) {
	for name, c := range map[string]struct {
		n, share float64
		within   int
	}{
		"1,000 requests/s at 10 %": {15_000, 0.1, 2},
		"1,000 requests/s at 1 %":  {15_000, 0.01, 5},
		"100 requests/s at 10 %":   {1500, 0.1, 5},
	} {
		late := 0
		for seed := range uint64(100) {
			const onset = 40
			fewer, _ := multinomial(c.n, c.share).refusing(onset, 0.5).finds(seed, c.share, 120)
			if fewer == 0 || fewer > onset+c.within {
				late++
			}
		}
		if late > 5 {
			t.Errorf("%s: %d of 100 are not found within %d buckets", name, late, c.within)
		}
	}
}

// One freak bucket, a restart say, adds no more than its most.
func TestSplitIsNotTurnedByOneBucket(t *testing.T) {
	var s Split
	for range 20 {
		s.Update(1000, 10_000, SplitBounds{Expected: 0.1, Least: 0.08, Most: 0.12})
	}
	s.Update(3, 9000, SplitBounds{Expected: 0.1, Least: 0.08, Most: 0.12})
	if e := s.LogFewer(); e > math.Log(100) {
		t.Errorf("one bucket gave log evidence %.1f", e)
	}
}

func TestSplitLeavesOutWhatSaysNothing(t *testing.T) {
	var s Split
	bounds := SplitBounds{Expected: 0.1, Least: 0.08, Most: 0.12}
	s.Update(0, 0, bounds)
	s.Update(-1, 10, bounds)
	s.Update(11, 10, bounds)
	s.Update(1, 10, SplitBounds{})
	s.Update(1, 10, SplitBounds{Expected: math.NaN(), Least: 0.08})
	s.Update(1, 10, SplitBounds{Expected: 1, Least: 0.08})
	if s != (Split{}) {
		t.Errorf("took something: %+v", s)
	}
	s.Update(0, 10_000, SplitBounds{Expected: 0.5, Least: -1, Most: 1.1})
	if s.Buckets != 1 || s.LogFewer() != 0 || s.LogMore() != 0 {
		t.Errorf("a bucket without bounds told something: %+v", s)
	}
	if n := testing.AllocsPerRun(100, func() { s.Update(100, 1000, bounds) }); n > 0 {
		t.Errorf("an update allocates %v times", n)
	}
}

func BenchmarkSplit(b *testing.B) {
	var s Split
	for b.Loop() {
		s.Update(1000, 10_000, SplitBounds{Expected: 0.1, Least: 0.08, Most: 0.12})
	}
}
