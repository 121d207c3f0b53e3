package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// alarms is how many of runs harmless releases may alarm without doubt: what a
// true rate of alpha stays below with a probability of about 0.999.
func alarms(runs int, alpha float64) int {
	n := float64(runs)
	return int(n*alpha + 3.1*math.Sqrt(n*alpha*(1-alpha)) + 1)
}

// poisson draws a Poisson count; Knuth's product for small means, the normal
// approximation above.
func poisson(rng *rand.Rand, mean float64) int64 {
	if mean > 60 {
		return max(0, int64(math.Round(mean+math.Sqrt(mean)*rng.NormFloat64())))
	}
	limit, n, p := math.Exp(-mean), int64(0), rng.Float64()
	for p > limit {
		p *= rng.Float64()
		n++
	}
	return n
}

// world makes buckets of a release.
type world struct {
	n, share, rate, ratio float64
	common, own           float64 // log-normal noise of both arms, of each arm
	clump                 float64 // events that come at a time, on average
	onset                 int
	exposure              bool
}

func (w world) bucket(rng *rand.Rand, i int) Table {
	shock := math.Exp(w.common*rng.NormFloat64() - w.common*w.common/2)
	events := func(trials int64, ratio float64) int64 {
		mean := float64(trials) * w.rate * shock * ratio * math.Exp(w.own*rng.NormFloat64()-w.own*w.own/2)
		if w.clump <= 1 {
			return poisson(rng, mean)
		}
		sum := int64(0)
		for range poisson(rng, mean/w.clump) {
			sum += 1 + poisson(rng, w.clump-1)
		}
		return sum
	}
	ratio := w.ratio
	if i < w.onset {
		ratio = 1
	}
	a, b := int64(w.n*(1-w.share)), int64(w.n*w.share)
	t := Table{TrialsA: a, TrialsB: b, EventsA: events(a, 1), EventsB: events(b, ratio)}
	if !w.exposure {
		t.EventsA, t.EventsB = min(a, t.EventsA), min(b, t.EventsB)
	}
	return t
}

// past is what an hour's quarter of the baseline alone teaches.
func (w world) past(rng *rand.Rand) *Dispersion {
	w.share, w.onset = 0, 1<<30
	var s Succession
	for i := range 60 {
		t := w.bucket(rng, i)
		s.Add(t.EventsA, t.TrialsA, w.exposure)
	}
	return &s.Dispersion
}

// play plays one release and returns the first look at which the evidence for
// harm, and that for a pass, reaches its threshold; 0 for never.
func (w world) play(rng *rand.Rand, looks int, alpha float64) (harm, pass int) {
	past := w.past(rng)
	var c Conditional
	null := Null{Tolerated: 1.05, Excluded: [2]float64{5, 2}}
	for i := 1; i <= looks; i++ {
		c.Update(w.bucket(rng, i-1), w.exposure, null, past)
		if c.LogHarm() >= math.Log(1/alpha) && harm == 0 {
			harm = i
		}
		if c.LogPass(1, 2) >= math.Log(20) && pass == 0 {
			pass = i
		}
	}
	return harm, pass
}

// autoregressive makes a stationary series of unit variance and given lag-one
// autocorrelation.
func autoregressive(rng *rand.Rand, r float64) func() float64 {
	x := rng.NormFloat64()
	return func() float64 {
		x = r*x + math.Sqrt(1-r*r)*rng.NormFloat64()
		return x
	}
}

func finite(t *testing.T, name string, xs ...float64) {
	t.Helper()
	for _, x := range xs {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			t.Fatalf("%s: %v is not finite", name, xs)
		}
	}
}

// heavy marks a test that draws much: with -short it is skipped. make test runs
// it without the race detector, which has nothing to see in what has no
// goroutines.
func heavy(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("draws much: runs without -short")
	}
}
