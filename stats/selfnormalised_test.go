package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// robust makes releases of 1,000 candidate requests a bucket, with log-normal
// noise that each arm's events of a bucket share.
type robust struct {
	mean, share, cv, ratio float64
	incidents              bool // of both arms, x20 in a tenth of the buckets
}

func (w robust) bucket(rng *rand.Rand) Table {
	sigma := math.Sqrt(math.Log1p(w.cv * w.cv))
	noise := func() float64 { return math.Exp(sigma*rng.NormFloat64() - sigma*sigma/2) }
	level, times := w.mean, (1-w.share)/w.share
	if w.incidents && rng.Float64() < 0.1 {
		level *= 20
	}
	return Table{
		TrialsA: int64(math.Round(1000 * times)), EventsA: poisson(rng, level*times*noise()),
		TrialsB: 1000, EventsB: poisson(rng, level*w.ratio*noise()),
	}
}

// play returns the first look at which the self-normalised test, the sign test
// and their average reach log(1/alpha); 0 for never.
func (w robust) play(rng *rand.Rand, looks int, tolerated, alpha float64) (first [3]int) {
	var s SelfNormalised
	var b SignBet
	for i := 1; i <= looks; i++ {
		t := w.bucket(rng)
		s.Update(t, tolerated)
		b.Update(t, tolerated)
		logs := [3]float64{s.LogHarm(), b.LogHarm()}
		logs[2] = LogMeanExp(logs[:2])
		for j, e := range logs {
			if e >= math.Log(1/alpha) && first[j] == 0 {
				first[j] = i
			}
		}
	}
	return first
}

func TestRobustFalseAlarms(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, looks, alpha = 400, 120, 0.01
	names := [3]string{"self-normalised", "sign", "average"}
	var total [3]int
	worlds := 0
	for _, cv := range []float64{0.3, 0.5} {
		for _, mean := range []float64{1, 10, 60} {
			for _, share := range []float64{0.5, 0.05, 0.01} {
				for _, incidents := range []bool{false, true} {
					w := robust{mean: mean, share: share, cv: cv, ratio: 1, incidents: incidents}
					rng := rand.New(rand.NewPCG(31, uint64(worlds)))
					worlds++
					var count [3]int
					for range runs {
						for j, look := range w.play(rng, looks, 1, alpha) {
							if look > 0 {
								count[j]++
								total[j]++
							}
						}
					}
					for j, n := range count {
						if n > alarms(runs, alpha) {
							t.Errorf("%s: %d of %d in %+v", names[j], n, runs, w)
						}
					}
				}
			}
		}
	}
	for j, n := range total {
		t.Logf("%s: %.4f", names[j], float64(n)/float64(runs*worlds))
		if n > alarms(runs*worlds, alpha) {
			t.Errorf("%s: %d of %d altogether", names[j], n, runs*worlds)
		}
	}
}

// TestRobustTolerance: a candidate at the tolerated ratio is the
// null, one far beyond it is found.
func TestRobustTolerance(t *testing.T) {
	t.Parallel()
	const runs, alpha = 500, 0.01
	rng := rand.New(rand.NewPCG(31, 99))
	var count [3]int
	for range runs {
		w := robust{mean: 20, share: 0.5, cv: 0.3, ratio: 1.5}
		for j, look := range w.play(rng, 120, 1.5, alpha) {
			if look > 0 {
				count[j]++
			}
		}
	}
	for j, n := range count {
		if n > alarms(runs, alpha) {
			t.Errorf("test %d: %d of %d at the tolerated ratio", j, n, runs)
		}
	}
	found := 0
	for range 100 {
		if (robust{mean: 20, share: 0.5, cv: 0.3, ratio: 3}).play(rng, 60, 1.5, alpha)[2] > 0 {
			found++
		}
	}
	if found < 98 {
		t.Errorf("three times the errors, tolerated 1.5: found %d of 100 in 60 buckets", found)
	}
}

func TestRobustDelay(t *testing.T) {
	heavy(t)
	t.Parallel()
	const runs, alpha = 200, 0.01
	for _, c := range []struct {
		world robust
		most  [3]float64 // mean delay in buckets
	}{
		{robust{mean: 10, share: 0.5, ratio: 2}, [3]float64{16, 11, 12.5}},
		{robust{mean: 60, share: 0.5, ratio: 2}, [3]float64{14, 9.5, 10.5}},
		{robust{mean: 60, share: 0.05, ratio: 2}, [3]float64{14, 9.5, 10.5}},
		{robust{mean: 10, share: 0.5, cv: 0.3, ratio: 3}, [3]float64{16, 11, 12}},
		{robust{mean: 1, share: 0.01, cv: 0.3, ratio: 5}, [3]float64{20, 12, 13}},
	} {
		rng := rand.New(rand.NewPCG(31, 7))
		var sum [3]float64
		for range runs {
			for j, look := range c.world.play(rng, 400, 1, alpha) {
				if look == 0 {
					look = 400
				}
				sum[j] += float64(look) / runs
			}
		}
		t.Logf("%+v: %.1f", c.world, sum)
		for j := range sum {
			if sum[j] > c.most[j] {
				t.Errorf("%+v: test %d takes %.1f buckets on average, want %.1f", c.world, j, sum[j], c.most[j])
			}
		}
	}
}

// TestRobustFindsLateHarm within one and a half times the time of harm that
// begins at once, by the average of both tests.
func TestRobustFindsLateHarm(t *testing.T) {
	t.Parallel()
	const runs, quiet, alpha = 200, 40, 0.01
	mean := func(before int) float64 {
		rng := rand.New(rand.NewPCG(31, 8))
		sum := 0
		for range runs {
			var s SelfNormalised
			var b SignBet
			for i := 1; i <= before+400; i++ {
				w := robust{mean: 60, share: 0.5, cv: 0.3, ratio: 2}
				if i <= before {
					w.ratio = 1
				}
				table := w.bucket(rng)
				s.Update(table, 1)
				b.Update(table, 1)
				if i > before && LogMeanExp([]float64{s.LogHarm(), b.LogHarm()}) >= math.Log(1/alpha) {
					sum += i - before
					break
				}
			}
		}
		return float64(sum) / runs
	}
	if atOnce, late := mean(0), mean(quiet); late > 1.55*atOnce {
		t.Errorf("found after %.1f buckets at once, after %.1f when it begins late", atOnce, late)
	}
}

// TestSelfNormalisedSkew holds what the contract says of skew: increments whose
// rare values are large and positive are harmless, those whose rare values are
// large and negative are not.
func TestSelfNormalisedSkew(t *testing.T) {
	expect := func(slope, up, down float64) float64 {
		f := func(x float64) float64 { return math.Exp(slope*x - slope*slope*x*x/2) }
		return (down*f(up) + up*f(-down)) / (up + down) // mean zero
	}
	worst := 0.0
	for down := 0.05; down < 6; down *= 1.3 {
		for up := 0.05; up < 60; up *= 1.3 {
			for slope := 0.02; slope < 5; slope *= 1.2 {
				e := expect(slope, up, down)
				if up >= down && e > 1+1e-12 {
					t.Fatalf("up %g, down %g, slope %g: %g on average", up, down, slope, e)
				}
				worst = max(worst, e)
			}
		}
	}
	if worst < 1.5 {
		t.Errorf("rare large negative increments: %g on average, so the contract is too careful", worst)
	}
}

func TestRobustEdges(t *testing.T) {
	var s SelfNormalised
	var b SignBet
	if s.LogHarm() != 0 || b.LogHarm() != 0 {
		t.Error("no look, and yet an opinion")
	}
	for _, bad := range []Table{
		{}, {TrialsA: 5}, {TrialsB: 5, EventsB: 2}, {TrialsA: 5, TrialsB: 5},
		{TrialsA: 5, TrialsB: 5, EventsA: -1, EventsB: 3},
	} {
		s.Update(bad, 1)
		b.Update(bad, 1)
	}
	good := Table{TrialsA: 5, TrialsB: 5, EventsA: 1, EventsB: 3}
	for _, tolerated := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		s.Update(good, tolerated)
		b.Update(good, tolerated)
	}
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e200} {
		s.Add(x)
		b.Add(x)
	}
	if s.N != 0 || b.N != 0 {
		t.Errorf("took what says nothing: %+v %+v", s, b)
	}
	huge := Table{TrialsA: 1 << 62, TrialsB: 1 << 62, EventsA: 1, EventsB: 1 << 61}
	for range 1000 {
		s.Update(huge, 1)
		b.Update(huge, 1)
	}
	finite(t, "huge", s.LogHarm(), b.LogHarm())
	if s.LogHarm() < 100 || b.LogHarm() < 100 {
		t.Errorf("plain harm: %g and %g", s.LogHarm(), b.LogHarm())
	}
	allocs := testing.AllocsPerRun(100, func() {
		s.Update(good, 1)
		b.Update(good, 1)
		_ = s.LogHarm() + b.LogHarm()
	})
	if allocs != 0 {
		t.Errorf("%g allocations a look", allocs)
	}
}

func BenchmarkRobust(b *testing.B) {
	var s SelfNormalised
	var sign SignBet
	t := Table{TrialsA: 9000, TrialsB: 1000, EventsA: 90, EventsB: 12}
	for b.Loop() {
		s.Update(t, 1)
		sign.Update(t, 1)
		_ = s.LogHarm() + sign.LogHarm()
	}
}
