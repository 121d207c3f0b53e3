package judge

import (
	"fmt"
	"math"
	"sort"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/stats"
)

// exposureGrain turns exposures, which may be fractions, into whole trials.
const exposureGrain = 1000

// learn takes a window of the baseline alone.
func (s *Series) learn(m release.Metric, a *release.Observation) {
	switch m.Kind {
	case release.Gauge:
		s.Level.learn(m, a)
		return
	case release.Histogram:
		s.Spread.learn(counted(m, a), len(s.Shares) > 0)
		s.thresholds(m, false)
	}
	if s.sample(sampled(a)) && m.Kind != release.Histogram {
		s.Sampled.OddsA.learn(keepingOf(m, a))
	}
	for i := range s.Shares {
		h := &s.Shares[i]
		sum, ok := count(m, h.Bound, counted(m, a), release.Whole)
		all, okAll := count(m, h.Bound, a, release.Whole)
		if !ok || !okAll {
			continue
		}
		if s.sample(sampled(a)) {
			s.Sampled.All[i].Before.add(all)
		}
		h.Past.Add(sum.Events, sum.Trials, m.Kind == release.Count)
		h.Before.add(sum)
	}
}

// compare folds one window of both arms. whole is the metric as a whole, which
// tells of noise where a segment is too small to.
func (s *Series) compare(m release.Metric, p pair, l Look, whole *Series) {
	a, b := counted(m, p.a), counted(m, p.b)
	switch {
	case m.Kind == release.Gauge:
		s.Level.add(m, a, b)
		return
	case !exposed(m, a, l) || !exposed(m, b, l):
		return
	case m.Kind == release.Histogram:
		s.Spread.add(m, a, b, l)
		s.thresholds(m, true)
	}
	_, least := s.shift(m, p.b)
	for i := range s.Shares {
		h := &s.Shares[i]
		w := window{trust: l.trust(m, b), floor: shifted(floorShare, least)}
		if !w.count(m, h.Bound, arms{a, b}, arms{p.a, p.b}, l) {
			continue
		}
		past := &h.Past.Dispersion
		if all := whole.share(h.Bound); all != nil {
			past = noisier(past, &all.Past.Dispersion)
		}
		scaled := s.sample(sampled(p.a) || sampled(p.b))
		w.before = s.all(i)
		h.add(m, w, past)
		if scaled {
			s.Sampled.All[i].A.add(w.allA)
			s.Sampled.All[i].B.add(w.allB)
		}
		if s.Apart != nil {
			s.Apart.Update(stats.Table{EventsA: w.allA.Events, TrialsA: w.allA.Trials, EventsB: w.allB.Events, TrialsB: w.allB.Trials},
				h.surplus(float64(w.allB.Events))+chance(m, p.a, p.b, w.allA, w.allB))
		}
		if h.Harm.Recent.Looks == 1 {
			h.Since = p.from().UnixNano()
		}
	}
}

// arms are both arms' observations of one window.
type arms struct{ a, b *release.Observation }

// window is what one window tells of a share.
type window struct {
	// a and b are what was counted, allA and allB what that stands for.
	a, b, allA, allB Sum
	// before is what the windows before stand for.
	before All
	// trust is the part of the evidence that counts, floor the share of events
	// below which a candidate passes by itself.
	trust, floor float64
}

// count fills in the sums; false where an arm does not tell.
func (w *window) count(m release.Metric, bound float64, was, all arms, l Look) bool {
	var ok [4]bool
	w.a, ok[0] = count(m, bound, was.a, release.Whole-l.Weight)
	w.b, ok[1] = count(m, bound, was.b, l.Weight)
	w.allA, ok[2] = count(m, bound, all.a, release.Whole-l.Weight)
	w.allB, ok[3] = count(m, bound, all.b, l.Weight)
	return ok == [4]bool{true, true, true, true}
}

// exposed says whether an observation's exposure is known. A count's share of
// traffic over time is, as long as the split held; where the metric names its
// denominator that alone counts, since a window without any of it is no
// exposure, and seconds in its place would be another unit.
func exposed(m release.Metric, o *release.Observation, l Look) bool {
	return m.Kind != release.Count || o.Of > 0 || m.Of == "" && l.Settled
}

// count returns an observation's bad events and trials; ok is false where it
// does not tell: a bound inside a bucket, or nothing to count against.
func count(m release.Metric, bound float64, o *release.Observation, w release.Weight) (Sum, bool) {
	switch m.Kind {
	case release.Histogram:
		return beyond(o, bound, m.Worse == release.Lower)
	case release.Count:
		of := o.Of
		if of <= 0 && m.Of == "" {
			of = o.Window.To.Sub(o.Window.From).Seconds() * float64(w) / float64(release.Whole)
		}
		return Sum{o.Events, int64(math.Round(of * exposureGrain))}, of > 0
	}
	n, bad := int64(math.Round(o.Of)), o.Events
	if bad > n {
		n = bad // a scrape between the two counters
	}
	if m.Worse == release.Lower {
		bad = n - bad
	}
	return Sum{bad, n}, n > 0
}

// beyond counts values above a bound (at or below it, where lower is worse).
func beyond(o *release.Observation, bound float64, below bool) (Sum, bool) {
	i := sort.SearchFloat64s(o.Bounds, bound)
	exact := i < len(o.Bounds) && o.Bounds[i] == bound
	if !exact && o.Counts[i] != 0 {
		return Sum{}, false
	}
	under := total(o.Counts[:i+1])
	over := total(o.Counts[i+1:])
	if below {
		return Sum{under, under + over}, under+over > 0
	}
	return Sum{over, under + over}, under+over > 0
}

func (s *Sum) add(more Sum) {
	s.Events += more.Events
	s.Trials += more.Trials
}

// add folds one bucket of both arms. What is tolerated is reckoned at the share
// of all events; the tests see those counted.
func (h *Share) add(m release.Metric, w window, past *stats.Dispersion) {
	a, b, exposure := w.a, w.b, m.Kind == release.Count
	t := stats.Table{EventsA: a.Events, TrialsA: a.Trials, EventsB: b.Events, TrialsB: b.Trials}
	level := w.before.level(Sum{w.allA.Events + w.allB.Events, w.allA.Trials + w.allB.Trials})
	own := All{h.A, h.B, h.Before}.level(Sum{a.Events + b.Events, a.Trials + b.Trials})
	null := nullAt(m, level)
	null.Trust = w.trust
	h.Excluded = null.Excluded
	if exposure && m.Worse == release.Lower {
		// Fewer events are the harm: more of them on the other arm.
		t = stats.Table{EventsA: b.Events, TrialsA: b.Trials, EventsB: a.Events, TrialsB: a.Trials}
	}
	if h.Harm.Harm.Looks == 0 && m.Kind != release.Histogram { // thresholds have the ranks beside them
		h.Robust = robust(past)
	}
	if h.Robust != nil {
		h.Robust.take(t, null.Tolerated, math.Min(own, 0.999), exposure)
	}
	h.Harm.Update(t, exposure, null, past)
	if !exposure {
		h.Floor.Update(b.Events, b.Trials, stats.Bounds{Limit: w.floor, Excluded: w.floor,
			Surplus: h.surplus(float64(b.Trials) * w.floor)})
	}
	h.A.add(a)
	h.B.add(b)
}

// share is the share beyond a bound, nil where that is not judged. A segment
// chooses its own thresholds, which may be others than those of the whole.
func (s *Series) share(bound float64) *Share {
	for i := range s.Shares {
		if s.Shares[i].Bound == bound {
			return &s.Shares[i]
		}
	}
	return nil
}

// noisier is the past that is known better, or of two that are known the one
// with more noise beyond chance.
func noisier(own, whole *stats.Dispersion) *stats.Dispersion {
	known := own.N >= enoughPast && whole.N >= enoughPast
	if known && own.Relative/float64(own.N) > whole.Relative/float64(whole.N) || !known && own.N >= whole.N {
		return own
	}
	return whole
}

// surplus is the relative surplus of a variance v that is known of this share.
func (h *Share) surplus(v float64) float64 {
	return h.Harm.Own.Surplus(&h.Past.Dispersion, v)
}

// level is the baseline's share so far, its past included, kept off 0 and 1.
// Before anything is known it is that of the margins of the first bucket, which
// tell nothing of how the arms differ.
func (x All) level(margins Sum) float64 {
	k, n := float64(x.A.Events+x.Before.Events), float64(x.A.Trials+x.Before.Trials)
	if n == 0 {
		k, n = float64(margins.Events), float64(margins.Trials)
	}
	return (k + 0.5) / (n + 1)
}

// comparison says what the series comes to by the sequential method.
func (s *Series) comparison(m release.Metric, threshold float64, l Look) Comparison {
	if m.Kind == release.Gauge {
		return s.Level.comparison(m, s.Segment, threshold, l)
	}
	i := which(l.Weight)
	c := Comparison{Segment: s.Segment, LogThreshold: threshold, LogPassThreshold: passEvidence(), Exclude: excluded(m)[i]}
	if len(s.Shares) == 0 {
		c.Effect.Unbounded = true
		return c
	}
	evidence := make([]float64, len(s.Shares))
	worst, slowest := 0, 0
	c.LogPass = math.Inf(1)
	for j := range s.Shares {
		evidence[j] = s.Shares[j].logHarm()
		if evidence[j] > evidence[worst] {
			worst = j
		}
		if pass := s.Shares[j].logPass(i, m.Kind == release.Count); pass < c.LogPass {
			c.LogPass, slowest = pass, j
		}
	}
	c.LogE = evidence[0]
	if s.Spread != nil {
		c.LogE = s.Spread.average(m, evidence)
	}
	shown := slowest
	if round(c.LogE) >= round(threshold) {
		shown = worst
	}
	h := &s.Shares[shown]
	c.Bound = h.Bound
	c.Test = s.testName(m, h)
	h.describe(&c, m, i, s.all(shown))
	if s.Sampled != nil {
		h.tells(&c, m, s.all(shown))
	}
	if s.Apart != nil {
		e := &c.Effect
		e.Difference, e.DifferenceLow, e.DifferenceHigh, _ = s.Apart.Difference(passLevel)
	}
	c.Matched = s.Matched.side(m)
	if s.Sampled != nil && s.Matched.Trials > 0 {
		c.Counted = side(m, Sum{h.B.Events, int64(math.Round(s.Matched.Trials))})
	}
	return c
}

// describe fills in the figures of a share and of its recent stretch.
func (h *Share) describe(c *Comparison, m release.Metric, i int, all All) {
	exposure := m.Kind == release.Count
	c.Baseline, c.Candidate = side(m, all.A), side(m, all.B)
	c.Effect = h.effect(m, c.Baseline, all)
	c.ByFloor = !exposure && h.Floor.LogBelow() > h.Harm.LogPass(i, h.Excluded[i])
	if r := h.Harm.Recent; r.Looks > 0 && r.Looks < h.Harm.Buckets {
		a, b := Sum{r.Table.EventsA, r.Table.TrialsA}, Sum{r.Table.EventsB, r.Table.TrialsB}
		if exposure && m.Worse == release.Lower {
			a, b = b, a
		}
		a, b = scaled(a, h.A, all.A), scaled(b, h.B, all.B)
		c.Recent = Recent{Since: time.Unix(0, h.Since).UTC(), Baseline: side(m, a), Candidate: side(m, b)}
	}
}

// side turns sums into what the metric was declared as.
func side(m release.Metric, s Sum) Side {
	if m.Kind == release.Ratio && m.Worse == release.Lower {
		s.Events = s.Trials - s.Events
	}
	out := Side{N: s.Trials, Events: s.Events, Value: over(float64(s.Events), float64(s.Trials))}
	if m.Kind == release.Count {
		out.N = (s.Trials + exposureGrain - 1) / exposureGrain
		out.Value *= exposureGrain
	}
	return out
}

// effect is the ratio of rates with its confidence sequence, turned from odds;
// where hits are few and fewer are worse, it is the baseline's hits over the
// candidate's.
func (h *Share) effect(m release.Metric, baseline Side, all All) Effect {
	if h.Harm.Buckets == 0 {
		return Effect{Unbounded: true}
	}
	p := all.level(Sum{})
	of := func(psi float64) float64 {
		rates := ratio(psi, p, m.Kind == release.Count)
		if rates > 0 && fewHits(m, baseline) {
			return psi / rates
		}
		return rates
	}
	low, high, open := h.Harm.Interval(passLevel)
	return Effect{Ratio: of(h.Harm.Estimate()), Low: of(low), High: of(high), Unbounded: open}
}

// ratio turns an odds ratio into one of rates, at a baseline's share p; over
// exposures they are the same.
func ratio(psi, p float64, exposure bool) float64 {
	if exposure {
		return psi
	}
	return stats.RateRatio(psi, math.Min(p, 0.999))
}

// testName names the statistics, with what they were adapted to.
func (s *Series) testName(m release.Metric, h *Share) string {
	name := "conditional e-process (hypergeometric)"
	if m.Kind == release.Count {
		name = "conditional e-process (binomial)"
	}
	tempering := h.Harm.Tempering()
	if s.Spread != nil {
		name = fmt.Sprintf("rank e-process and %d thresholds, averaged", len(s.Shares))
		tempering = math.Min(tempering, s.Spread.Ranks.Tempering())
	}
	if tempering < 0.995 {
		name += fmt.Sprintf(", tempered by %.2f for shared noise", tempering)
	}
	if h.Robust != nil {
		name += "; averaged with self-normalised and sign tests, since " + h.Robust.why()
	}
	return name
}
