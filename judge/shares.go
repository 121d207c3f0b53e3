package judge

import (
	"fmt"
	"math"
	"sort"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/stats"
)

// maxBounds is how many bounds of a histogram are judged.
const maxBounds = 24

// exposureGrain turns exposures, which may be fractions, into whole trials.
const exposureGrain = 1000

// learn takes a window of the baseline alone.
func (s *Series) learn(m release.Metric, a *release.Observation) {
	if m.Kind == release.Gauge {
		if x, ok := centre(a.Points); ok && x > 0 {
			s.Level.Memory.Add(math.Log(x))
		}
		return
	}
	s.bounds(m, a)
	for i := range s.Shares {
		if sum, ok := count(m, s.Shares[i].Bound, a, release.Whole); ok {
			s.Shares[i].Past.Add(sum.Events, sum.Trials)
		}
	}
}

// compare folds one window of both arms.
func (s *Series) compare(m release.Metric, a, b *release.Observation, l Look) {
	if m.Kind == release.Gauge {
		s.Level.add(m, a, b)
		return
	}
	if m.Kind == release.Count && m.Of == "" && a.Of <= 0 && !l.Settled {
		return // the exposure of this window is not known
	}
	s.bounds(m, a)
	for i := range s.Shares {
		h := &s.Shares[i]
		x, okA := count(m, h.Bound, a, release.Whole-l.Weight)
		y, okB := count(m, h.Bound, b, l.Weight)
		if okA && okB {
			h.add(m, x, y)
		}
	}
}

// bounds fixes what is compared, at the first observation: one share for ratios
// and counts, and for a histogram its bounds, thinned to maxBounds.
func (s *Series) bounds(m release.Metric, o *release.Observation) {
	if len(s.Shares) > 0 {
		return
	}
	if m.Kind != release.Histogram {
		s.Shares = []Share{{}}
		return
	}
	total := int64(0)
	for _, n := range o.Counts {
		total += n
	}
	if total == 0 || len(o.Bounds) == 0 {
		return
	}
	step := (len(o.Bounds) + maxBounds - 1) / maxBounds
	for i := step - 1; i < len(o.Bounds); i += step {
		s.Shares = append(s.Shares, Share{Bound: o.Bounds[i]})
	}
}

// count returns an observation's bad events and trials; ok is false where it
// does not tell: a bound inside a bucket, or nothing to count against.
func count(m release.Metric, bound float64, o *release.Observation, w release.Weight) (Sum, bool) {
	switch m.Kind {
	case release.Ratio:
		n, bad := int64(math.Round(o.Of)), o.Events
		if bad > n {
			n = bad // a scrape between the two counters
		}
		if m.Worse == release.Lower {
			bad = n - bad
		}
		return Sum{bad, n}, true
	case release.Count:
		of := o.Of
		if of <= 0 {
			of = o.Window.To.Sub(o.Window.From).Seconds() * float64(w) / float64(release.Whole)
		}
		return Sum{o.Events, int64(math.Round(of * exposureGrain))}, of > 0
	case release.Histogram:
		return beyond(o, bound, m.Worse == release.Lower)
	}
	return Sum{}, false
}

// beyond counts values above a bound (at or below it, where lower is worse).
func beyond(o *release.Observation, bound float64, below bool) (Sum, bool) {
	i := sort.SearchFloat64s(o.Bounds, bound)
	if len(o.Counts) != len(o.Bounds)+1 {
		return Sum{}, false
	}
	exact := i < len(o.Bounds) && o.Bounds[i] == bound
	if !exact && o.Counts[i] != 0 {
		return Sum{}, false
	}
	var under, over int64
	for j, n := range o.Counts {
		if j <= i {
			under += n
		} else {
			over += n
		}
	}
	if below {
		return Sum{under, under + over}, true
	}
	return Sum{over, under + over}, true
}

// add folds one bucket of both arms. The null and the excluded harm are stated
// as odds ratios at the baseline's level as it was before this bucket.
func (h *Share) add(m release.Metric, a, b Sum) {
	exposure := m.Kind == release.Count
	if exposure && m.Worse == release.Lower {
		a, b = b, a // fewer events than the baseline is the harm
	}
	null := h.null(m, exposure)
	h.Excluded = null.Excluded
	h.Harm.Update(stats.Table{EventsA: a.Events, TrialsA: a.Trials, EventsB: b.Events, TrialsB: b.Trials},
		exposure, null, &h.Past.Dispersion)
	if !exposure {
		h.Floor.Update(b.Events, b.Trials, floorShare, floorShare, h.Harm.Own.Shrunk(&h.Past.Dispersion))
	}
	h.A.Events += a.Events
	h.A.Trials += a.Trials
	h.B.Events += b.Events
	h.B.Trials += b.Trials
}

// level is the baseline's share so far, kept off 0.
func (h *Share) level() float64 {
	return (float64(h.A.Events) + 0.5) / (float64(h.A.Trials) + 1)
}

func (h *Share) null(m release.Metric, exposure bool) stats.Null {
	excludes := excluded(m)
	if exposure {
		rate := h.level() * exposureGrain
		tolerated := math.Max(1+m.Tolerance, 1+m.ToleranceAbs/rate)
		return stats.Null{Tolerated: tolerated, Excluded: excludes}
	}
	p := math.Min(h.level(), 0.999)
	worse := math.Max(p*(1+m.Tolerance), p+m.ToleranceAbs)
	n := stats.Null{Tolerated: stats.OddsRatio(p, math.Min(worse, (1+p)/2))}
	for i, x := range excludes {
		n.Excluded[i] = stats.OddsRatio(p, math.Max(p*x, p+floorShare))
	}
	return n
}

// excluded returns the harm that a pass rules out, for small and for wide
// weights.
func excluded(m release.Metric) [2]float64 {
	if m.Exclude > 0 {
		return [2]float64{m.Exclude, m.Exclude}
	}
	return [2]float64{5, 2}
}

// which returns the index of the excluded harm that applies at a weight.
func which(w release.Weight) int {
	if w <= wideWeight {
		return 0
	}
	return 1
}

// logPass is the evidence that this share passes: the average of the
// comparison's and of the candidate's own smallness.
func (h *Share) logPass(i int, exposure bool) float64 {
	if h.Harm.Looks == 0 {
		return 0
	}
	compared := h.Harm.LogPass(i, h.Excluded[i])
	if exposure {
		return compared
	}
	return stats.LogMeanExp([]float64{compared, h.Floor.LogBelow()})
}

// comparison says what the series comes to by the sequential method.
func (s *Series) comparison(m release.Metric, threshold float64, l Look) Comparison {
	if m.Kind == release.Gauge {
		return s.Level.comparison(m, s.Segment, threshold, l)
	}
	i := which(l.Weight)
	c := Comparison{
		Segment: s.Segment, LogThreshold: threshold, LogPassThreshold: logPass,
		Exclude: excluded(m)[i],
	}
	if len(s.Shares) == 0 {
		return c
	}
	exposure := m.Kind == release.Count
	evidence := make([]float64, len(s.Shares))
	worst := 0
	c.LogPass = math.Inf(1)
	for j := range s.Shares {
		evidence[j] = s.Shares[j].Harm.LogHarm()
		if evidence[j] > evidence[worst] {
			worst = j
		}
		c.LogPass = math.Min(c.LogPass, s.Shares[j].logPass(i, exposure))
	}
	c.LogE = stats.LogMeanExp(evidence)
	h := &s.Shares[worst]
	c.Bound = h.Bound
	c.Test = testName(m, h, len(s.Shares))
	c.Baseline, c.Candidate = side(h.A, exposure), side(h.B, exposure)
	c.Effect = h.effect(exposure)
	if exposure && m.Worse == release.Lower {
		c.Baseline, c.Candidate = c.Candidate, c.Baseline
	}
	return c
}

func side(s Sum, exposure bool) Side {
	out := Side{N: s.Trials, Events: s.Events}
	if s.Trials > 0 {
		out.Value = float64(s.Events) / float64(s.Trials)
	}
	if exposure {
		out.N = s.Trials / exposureGrain
		out.Value *= exposureGrain
	}
	return out
}

// effect is the ratio of rates with its confidence sequence, turned from odds.
func (h *Share) effect(exposure bool) Effect {
	if h.Harm.Buckets == 0 {
		return Effect{Unbounded: true}
	}
	low, high, open := h.Harm.Interval(passLevel)
	rate := func(psi float64) float64 {
		if exposure {
			return psi
		}
		return stats.RateRatio(psi, math.Min(h.level(), 0.999))
	}
	return Effect{Ratio: rate(h.Harm.Estimate()), Low: rate(low), High: rate(high), Unbounded: open}
}

func testName(m release.Metric, h *Share, bounds int) string {
	name := "conditional e-process (hypergeometric)"
	if m.Kind == release.Count {
		name = "conditional e-process (binomial)"
	}
	if bounds > 1 {
		name += fmt.Sprintf(", averaged over %d bounds", bounds)
	}
	if f := h.Harm.Tempering(); f < 0.995 {
		name += fmt.Sprintf(", tempered by %.2f for shared noise", f)
	}
	return name
}
