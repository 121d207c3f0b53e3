package judge

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

// balancer splits a service's requests: how many each arm gets in a look.
type balancer func(rng *rand.Rand, look int, w release.Weight) (baseline, candidate int64)

func poissonOf(rng *rand.Rand, mean float64) int64 {
	return (&scene{rng: rng}).poisson(mean)
}

// drawn sends each request on its own.
func drawn(rps float64) balancer {
	return func(rng *rand.Rand, _ int, w release.Weight) (int64, int64) {
		share := float64(w) / float64(release.Whole)
		return poissonOf(rng, rps*15*(1-share)), poissonOf(rng, rps*15*share)
	}
}

// inTurns gives each arm its exact part.
func inTurns(rps float64) balancer {
	return func(rng *rand.Rand, _ int, w release.Weight) (int64, int64) {
		n := poissonOf(rng, rps*15)
		k := n * int64(w) / int64(release.Whole)
		return n - k, k
	}
}

// sticky keeps each of so many users in an arm; a user's rate of requests is
// drawn from an exponential distribution, for good.
func sticky(rps float64, users int, seed uint64) balancer {
	rng := rand.New(rand.NewPCG(seed, 23))
	place, rate, sum := make([]float64, users), make([]float64, users), 0.0
	for i := range users {
		place[i], rate[i] = rng.Float64(), rng.ExpFloat64()
		sum += rate[i]
	}
	return func(rng *rand.Rand, _ int, w release.Weight) (int64, int64) {
		part := 0.0
		for i := range users {
			if place[i] < float64(w)/float64(release.Whole) {
				part += rate[i] / sum
			}
		}
		return poissonOf(rng, rps*15*(1-part)), poissonOf(rng, rps*15*part)
	}
}

// losing lets a part of the candidate's requests go, from a look up to another.
func (b balancer) losing(from, to int, part float64) balancer {
	return func(rng *rand.Rand, k int, w release.Weight) (int64, int64) {
		x, y := b(rng, k, w)
		if k >= from && k < to {
			y = int64(math.Round(float64(y) * (1 - part)))
		}
		return x, y
	}
}

// gaps lose each n-th scrape of an arm, whose requests are then counted with the
// next; sooner or later both arms' go missing.
func (b balancer) gaps(n int) balancer {
	var lateA, lateB int64
	return func(rng *rand.Rand, k int, w release.Weight) (int64, int64) {
		x, y := b(rng, k, w)
		x, y, lateA, lateB = x+lateA, y+lateB, 0, 0
		if k%n == n-1 && k/n%2 == 0 {
			x, lateA = 0, x
		} else if k%n == n-1 {
			y, lateB = 0, y
		}
		return x, y
	}
}

var weightsOfSteps = []release.Weight{1000, 10_000, 50_000}

// steps go up through the weights; at returns a fixed one.
func steps(k int) release.Weight { return weightsOfSteps[min(k/40, 2)] }

func at(w release.Weight) func(int) release.Weight { return func(int) release.Weight { return w } }

// watchShare looks 120 times at a service without errors, and returns the first
// look (from 1) at which the share fails, and at which it waits; 0 for never.
func watchShare(seed uint64, share release.Share, b balancer, weight func(int) release.Weight) (fails, waits int, v Verdict) {
	return watchShareFor(120, seed, share, b, weight)
}

func watchShareFor(looks int, seed uint64, share release.Share, b balancer, weight func(int) release.Weight) (fails, waits int, v Verdict) {
	cfg := config(metric(release.Ratio, release.Higher))
	share.Of = "m"
	cfg.Share = share
	rng := rand.New(rand.NewPCG(seed, 29))
	var s State
	for k := range looks {
		w := weight(k)
		x, y := b(rng, k, w)
		l := flat(k, w, 0, x, 0, y)
		if k > 0 && weight(k-1) == w {
			l.Share = w
		}
		s, v = Step(cfg, s, l)
		for _, c := range v.Comparisons {
			if c.Metric != ShareOfTraffic {
				continue
			}
			if c.Outcome == Fail && fails == 0 {
				return k + 1, waits, v
			}
			if c.Outcome == Wait && waits == 0 {
				waits = k + 1
			}
		}
	}
	return 0, waits, v
}

var (
	usual    = release.Share{Tolerance: 0.2, OnFewer: release.ActFail, OnMore: release.ActWait, Drawn: true}
	anyUsers = release.Share{Tolerance: 0.2, OnFewer: release.ActFail, OnMore: release.ActWait}
)

// Nothing that is not harm fails: over 120 looks, none in hundreds, whatever
// splits the traffic.
func TestShareOfHarmlessTraffic(t *testing.T) {
	heavy(t)
	const seeds = 40
	for name, c := range map[string]struct {
		share  release.Share
		b      func(seed uint64) balancer
		weight func(int) release.Weight
	}{
		"drawn":          {usual, func(uint64) balancer { return drawn(1000) }, steps},
		"drawn, small":   {usual, func(uint64) balancer { return drawn(30) }, steps},
		"in turns":       {usual, func(uint64) balancer { return inTurns(1000) }, steps},
		"gaps":           {usual, func(uint64) balancer { return drawn(1000).gaps(16) }, steps},
		"gaps, often":    {usual, func(uint64) balancer { return drawn(100).gaps(5) }, steps},
		"a restart":      {usual, func(uint64) balancer { return drawn(1000).losing(60, 61, 0.9) }, steps},
		"200 users":      {anyUsers, func(s uint64) balancer { return sticky(100, 200, s) }, steps},
		"200 busy users": {anyUsers, func(s uint64) balancer { return sticky(1000, 200, s) }, at(1000)},
		"500 users":      {anyUsers, func(s uint64) balancer { return sticky(1000, 500, s) }, at(10_000)},
		"2000 users":     {anyUsers, func(s uint64) balancer { return sticky(1000, 2000, s) }, steps},
		"users, restart": {anyUsers, func(s uint64) balancer { return sticky(1000, 2000, s).losing(60, 61, 0.9) }, steps},
	} {
		waited := 0
		for seed := range uint64(seeds) {
			fails, waits, v := watchShare(seed, c.share, c.b(seed), c.weight)
			if fails > 0 {
				t.Errorf("%s, seed %d: failed at look %d: %s", name, seed, fails, v.Reason.Text)
			}
			waited += min(waits, 1)
		}
		if c.share.Drawn && waited > 1 {
			t.Errorf("%s: %d of %d waited", name, waited, seeds)
		}
	}
}

// A candidate that serves half of what it should from a minute on is found
// within two looks, whether users stay or not.
func TestShareFindsRefusedTraffic(t *testing.T) {
	for name, c := range map[string]struct {
		share  release.Share
		b      func(seed uint64) balancer
		onset  int
		within int
	}{
		"drawn":              {usual, func(uint64) balancer { return drawn(1000) }, 4, 2},
		"drawn, late":        {usual, func(uint64) balancer { return drawn(1000) }, 60, 2},
		"drawn, at once":     {usual, func(uint64) balancer { return drawn(1000) }, 0, 4},
		"drawn, 100/s":       {usual, func(uint64) balancer { return drawn(100) }, 20, 7},
		"2000 users stay":    {anyUsers, func(s uint64) balancer { return sticky(1000, 2000, s) }, 20, 4},
		"users stay, minute": {anyUsers, func(s uint64) balancer { return sticky(1000, 2000, s) }, 5, 20},
	} {
		late := 0
		for seed := range uint64(50) {
			fails, _, v := watchShare(seed, c.share, c.b(seed).losing(c.onset, 1000, 0.5), at(10_000))
			if fails == 0 || fails > c.onset+c.within {
				late++
			} else if v.Reason.Code != release.TrafficRefused || v.Outcome != Fail || v.Metric != ShareOfTraffic {
				t.Fatalf("%s: %s %s by %s", name, v.Outcome, v.Reason.Code, v.Metric)
			}
		}
		if late > 5 {
			t.Errorf("%s: %d of 50 not found within %d looks", name, late, c.within)
		}
	}
}

func TestShareReason(t *testing.T) {
	_, _, v := watchShare(1, usual, drawn(1000).losing(20, 1000, 0.5), at(10_000))
	for _, part := range []string{"share of traffic: expected 10 %, got 5.", " of 2", " requests since 12:05:00", "refuses traffic", "routing", "is enough"} {
		if !strings.Contains(v.Reason.Text, part) {
			t.Errorf("%q lacks %q", v.Reason.Text, part)
		}
	}
}

// A split that is not the one that was set is the routing's fault: it waits,
// unless the file says otherwise.
func TestShareOfARoutingFault(t *testing.T) {
	wrong := func(rng *rand.Rand, k int, _ release.Weight) (int64, int64) { return drawn(1000)(rng, k, 50_000) }
	for _, share := range []release.Share{usual, anyUsers} {
		fails, waits, v := watchShare(1, share, wrong, at(10_000))
		if fails != 0 || waits == 0 || waits > 6 || v.Reason.Code != release.SampleRatio || v.Outcome != Wait {
			t.Errorf("failed at %d, waited at %d: %s", fails, waits, v.Reason.Text)
		}
	}
	share := usual
	share.OnMore, share.OnFewer = release.ActFail, release.ActWait
	if fails, _, v := watchShare(1, share, wrong, at(10_000)); fails == 0 || v.Reason.Code != release.SampleRatio {
		t.Errorf("failed at %d: %s", fails, v.Reason.Text)
	}
	if fails, waits, v := watchShare(1, share, drawn(1000).losing(10, 1000, 0.5), at(10_000)); fails != 0 || waits == 0 || v.Outcome != Wait {
		t.Errorf("failed at %d, waited at %d: %s", fails, waits, v.Reason.Text)
	}
}

// Where users stay in their arm, too little from the first window on may be
// they: it waits and names both, and does not fail.
func TestShareThatWasNeverThere(t *testing.T) {
	fails, waits, v := watchShare(1, anyUsers, drawn(1000).losing(0, 1000, 0.6), at(10_000))
	if fails != 0 || waits == 0 || !strings.Contains(v.Reason.Text, "few users") {
		t.Errorf("failed at %d, waited at %d: %s", fails, waits, v.Reason.Text)
	}
}

// Silence is no refusal: a candidate without requests waits as idle, however
// long, and one that comes back is judged from there.
func TestShareOfASilentCandidate(t *testing.T) {
	fails, _, _ := watchShare(1, usual, drawn(1000).losing(20, 60, 1), at(10_000))
	if fails != 0 {
		t.Errorf("failed at look %d", fails)
	}
}

// Without a weight to hold it against, or at the ends, nothing is said.
func TestShareIsOffWithoutAWeight(t *testing.T) {
	cfg := config(metric(release.Ratio, release.Higher))
	cfg.Share = usual
	cfg.Share.Of = "m"
	for _, w := range []release.Weight{0, release.Whole} {
		var s State
		var v Verdict
		for k := range 10 {
			l := flat(k, 10_000, 0, 1000, 0, 1000)
			l.Share = w
			s, v = Step(cfg, s, l)
		}
		if len(v.Comparisons) != 1 {
			t.Errorf("at %d: %+v", w, v.Comparisons)
		}
	}
}

// A share that holds neither passes nor keeps others from it; it is a
// part of a test more for the false-alarm budget.
func TestShareThatHoldsDecidesNothing(t *testing.T) {
	cfg := config(metric(release.Ratio, release.Higher))
	without := math.Log(1 / cfg.FalseRollback)
	cfg.Share = usual
	cfg.Share.Of = "m"
	var s State
	var v Verdict
	for k := range 20 {
		l := flat(k, 50_000, 5, 1000, 5, 1000)
		l.Share = 50_000
		s, v = Step(cfg, s, l)
	}
	if v.Outcome != Pass || v.Metric != "m" || len(v.Comparisons) != 2 || v.Comparisons[1].Reason.Code != release.ShareHolds {
		t.Errorf("%s by %s: %+v", v.Outcome, v.Metric, v.Comparisons)
	}
	if got := v.Comparisons[0].LogThreshold - without; math.Abs(got-math.Log(1+besideWeight/eventsWeight)) > 1e-6 {
		t.Errorf("the threshold rose by %.3f, expected log %g", got, 1+besideWeight/eventsWeight)
	}
	cfg.Share.OnFewer = release.ActWait
	if n := tests(cfg, release.Guardrail); n != eventsWeight {
		t.Errorf("%g tests where nothing of the share fails", n)
	}
}

// The first whole window at a new weight says nothing, and a histogram counts as
// well as a ratio.
func TestShareAfterAChange(t *testing.T) {
	m := metric(release.Histogram, release.Higher)
	cfg := config(m)
	cfg.Share = usual
	cfg.Share.Of = "m"
	var s State
	for k := range 6 {
		to := noon.Add(time.Duration(k+1) * every)
		window := release.Window{From: to.Add(-every), To: to}
		var v Verdict
		s, v = Step(cfg, s, Look{At: to, Live: true, Weight: 10_000, Share: 10_000, Observations: []release.Observation{
			{Metric: "m", Arm: release.Baseline, Window: window, Bounds: []float64{1}, Counts: []int64{900, 0}},
			{Metric: "m", Arm: release.Candidate, Window: window, Bounds: []float64{1}, Counts: []int64{100, 0}},
		}})
		if want := 1 + min(k, 1); len(v.Comparisons) != want {
			t.Errorf("look %d: %d comparisons, want %d", k, len(v.Comparisons), want)
		}
	}
	if c := s.Traffic.Weighed; c.All != 5000 || c.Candidate != 500 {
		t.Errorf("%d of %d", c.Candidate, c.All)
	}
}

// TestShareOfHardlyAnyTraffic: a candidate that is mostly silent, since there is
// hardly any traffic, is told of no routing fault in ten hours.
func TestShareOfHardlyAnyTraffic(t *testing.T) {
	heavy(t)
	for _, rps := range []float64{0.7, 2} {
		waited := 0
		for seed := range uint64(10) {
			_, waits, v := watchShareFor(2400, seed, usual, drawn(rps), at(1000))
			if waits > 0 {
				waited++
				t.Logf("look %d: %s", waits, v.Reason.Text)
			}
		}
		if waited > 1 {
			t.Errorf("%g requests/s: %d of 10 waited", rps, waited)
		}
	}
}
