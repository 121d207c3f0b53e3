package stats

import "math"

// Dispersion measures noise that all events of an arm and bucket share: the
// squared coefficient of variation by which counts vary more than independent
// events would. The variance of a count with binomial variance v is then
// v (1 + cv2 v).
//
// It sums residuals until their variance is at least 1, so that sparse counts
// inform it too, and estimates by moments. Needs a dozen buckets to mean
// anything; Shrunk mixes it with what is known before.
type Dispersion struct {
	// N is the number of informative residuals.
	N int
	// Excess is the sum of squared residuals beyond their variance, Squares
	// the sum of squared variances.
	Excess, Squares float64
	// the residual being pooled
	Residual, Variance, PoolSquares float64
}

// Add takes one bucket's residual (observed less expected) and its variance.
func (d *Dispersion) Add(residual, variance float64) {
	if variance <= 0 {
		return
	}
	d.Residual += residual
	d.Variance += variance
	d.PoolSquares += variance * variance
	if d.Variance < 1 {
		return
	}
	d.N++
	d.Excess += d.Residual*d.Residual - d.Variance
	d.Squares += d.PoolSquares
	d.Residual, d.Variance, d.PoolSquares = 0, 0, 0
}

// CV2 returns the squared coefficient of variation of the shared noise; 0 where
// nothing is known or counts vary no more than independent events would.
func (d *Dispersion) CV2() float64 {
	if d.Squares == 0 {
		return 0
	}
	return math.Max(0, d.Excess/d.Squares)
}

// What is assumed of shared noise before data speak (5 % of the level), what
// that assumption weighs in buckets, the least ever assumed (2 %), and how many
// buckets the past may weigh at most.
const (
	priorCV2    = 0.0025
	priorWeight = 4
	leastCV2    = 0.0004
	pastWeight  = 12
)

// Shrunk returns the squared coefficient of variation to reckon with, from the
// comparison's own residuals and the baseline's past.
func (d *Dispersion) Shrunk(past *Dispersion) float64 {
	weight, sum := float64(priorWeight), priorWeight*priorCV2
	if past.N > 0 {
		weight = math.Min(float64(past.N), pastWeight)
		sum = weight * past.CV2()
	}
	n := float64(d.N)
	return math.Max(leastCV2, (sum+n*d.CV2())/(weight+n))
}

// Succession measures the dispersion of one arm's counts from each bucket to
// the next, which slow drift leaves alone. It is how a baseline's past tells of
// its noise.
type Succession struct {
	Dispersion     Dispersion
	Events, Trials int64
	Has            bool
}

// Add takes the next bucket's events out of trials.
func (s *Succession) Add(events, trials int64) {
	if trials <= 0 {
		return
	}
	if s.Has {
		var d tilt
		d.margins(events+s.Events, s.Trials, trials)
		mean, variance := d.moments(1)
		s.Dispersion.Add(float64(events)-mean, variance)
	}
	s.Events, s.Trials, s.Has = events, trials, true
}
