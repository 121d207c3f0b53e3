package judge

import (
	"fmt"
	"math"

	"github.com/linnet-project/linnet/release"
)

// deviate keeps a window's values of both arms for the deviation method.
func (s *Series) deviate(m release.Metric, p pair, l Look) {
	if p.a == nil || p.b == nil || !exposed(m, p.a, l) || !exposed(m, p.b, l) {
		return
	}
	s.Dev = &Deviation{A: windowSide(m, p.a, release.Whole-l.Weight), B: windowSide(m, p.b, l.Weight)}
}

// windowSide is what one arm did in one window, as a single value: a rate, a
// level, or for histograms the quantile asked for (p99 by default), read off
// the buckets by linear interpolation. w is the arm's share of traffic.
func windowSide(m release.Metric, o *release.Observation, w release.Weight) Side {
	switch m.Kind {
	case release.Gauge:
		x, _ := centre(o.Points)
		return Side{N: int64(len(o.Points)), Value: x}
	case release.Histogram:
		o = counted(m, o)
		q := 0.99
		if m.Limit != nil && m.Limit.Quantile > 0 {
			q = m.Limit.Quantile
		}
		return quantile(o, q)
	}
	sum, _ := count(m, 0, o, w)
	out := side(m, sum)
	if sampled(o) {
		sum, _ = count(m, 0, counted(m, o), w)
		out.N = side(m, sum).N // of these the least sample is asked
	}
	return out
}

// quantile reads a quantile off a histogram's buckets, linearly within one; in
// the last bucket it is that bucket's lower bound.
func quantile(o *release.Observation, q float64) Side {
	s := Side{N: total(o.Counts)}
	if s.N == 0 || len(o.Bounds) == 0 {
		return s
	}
	rank, seen := q*float64(s.N), 0.0
	for i, n := range o.Counts {
		if seen+float64(n) < rank && i < len(o.Bounds) {
			seen += float64(n)
			continue
		}
		if i >= len(o.Bounds) {
			s.Value = o.Bounds[len(o.Bounds)-1]
			return s
		}
		low := 0.0
		if i > 0 {
			low = o.Bounds[i-1]
		}
		s.Value = low
		if n > 0 {
			s.Value += (o.Bounds[i] - low) * (rank - seen) / float64(n)
		}
		return s
	}
	return s
}

// deviation says what the last window comes to by percent deviation. It gives
// no guarantee on false alarms, and its record says so.
func (s *Series) deviation(m release.Metric) Comparison {
	var dev Deviation
	if s.Dev != nil {
		dev = *s.Dev
	}
	c := Comparison{
		Segment: s.Segment, Baseline: dev.A, Candidate: dev.B, Effect: Effect{Unbounded: true},
		Test:     "percent deviation of the last window",
		Warnings: []string{"no guarantee on false alarms: each look is a fresh test"},
	}
	c.Outcome, c.Reason = s.deviates(m, dev)
	if a, b := dev.A.Value, dev.B.Value; a > 0 && b > 0 {
		c.Effect.Ratio = over(b, a)
		if m.Worse == release.Lower {
			c.Effect.Ratio = over(a, b)
		}
	}
	return c
}

func (s *Series) deviates(m release.Metric, dev Deviation) (Outcome, release.Reason) {
	a, b, name := dev.A, dev.B, subject(s.Segment, m)
	least := max(m.MinSamples, 1)
	off := worse(m, b.Value-a.Value)
	allowed := math.Max(m.Tolerance*math.Abs(a.Value), m.ToleranceAbs)
	figures := fmt.Sprintf("%s against the baseline's %s", number(b.Value), number(a.Value))
	switch {
	case s.Dev == nil:
		return Wait, release.Reason{Code: release.NoData, Text: name + ": no data of both arms in the last window"}
	case a.N < least || b.N < least:
		return Wait, release.Reason{Code: release.TooFew, Text: fmt.Sprintf(
			"%s: %d samples of the candidate and %d of the baseline in the last window; %d of each are needed", name, b.N, a.N, least)}
	case a.Value == 0 && m.ToleranceAbs == 0 && off > 0:
		return Wait, release.Reason{Code: release.ZeroBaseline, Text: fmt.Sprintf(
			"%s: %s; a percentage of 0 says nothing (set toleranceAbs)", name, figures)}
	case off > allowed:
		return Fail, release.Reason{Code: release.HarmFound, Text: fmt.Sprintf(
			"%s: %s in the last window, worse by %s where %s is allowed", name, figures, number(off), number(allowed))}
	case off > 0:
		return Pass, release.Reason{Code: release.WithinDeviation, Text: fmt.Sprintf(
			"%s: %s in the last window, worse by %s where %s is allowed", name, figures, number(off), number(allowed))}
	}
	return Pass, release.Reason{Code: release.WithinDeviation, Text: name + ": " + figures + " in the last window, not worse"}
}
