package judge

import (
	"fmt"
	"math"

	"github.com/linnet-project/linnet/release"
)

// deviate keeps a window's values of both arms for the deviation method.
func (s *Series) deviate(m release.Metric, p pair) {
	s.Dev = Deviation{}
	if p.a == nil || p.b == nil {
		return
	}
	s.Dev = Deviation{A: windowSide(m, p.a), B: windowSide(m, p.b), Has: true}
}

// windowSide is what one arm did in one window, as a single value: a rate, a
// level, or for histograms the quantile asked for (p99 by default), read off
// the buckets by linear interpolation.
func windowSide(m release.Metric, o *release.Observation) Side {
	switch m.Kind {
	case release.Gauge:
		x, _ := centre(o.Points)
		return Side{N: int64(len(o.Points)), Value: x}
	case release.Histogram:
		q := 0.99
		if m.Limit != nil && m.Limit.Quantile > 0 {
			q = m.Limit.Quantile
		}
		return quantile(o, q)
	case release.Count:
		of := o.Of
		if of <= 0 {
			of = o.Window.To.Sub(o.Window.From).Seconds()
		}
		s := Side{N: o.Events, Events: o.Events}
		if of > 0 {
			s.Value = float64(o.Events) / of
		}
		return s
	}
	s := Side{N: int64(o.Of), Events: o.Events}
	if o.Of > 0 {
		s.Value = float64(o.Events) / o.Of
	}
	return s
}

// quantile reads a quantile off a histogram's buckets, linearly within one; in
// the last bucket it is that bucket's lower bound.
func quantile(o *release.Observation, q float64) Side {
	var total int64
	for _, n := range o.Counts {
		total += n
	}
	s := Side{N: total}
	if total == 0 || len(o.Bounds) == 0 {
		return s
	}
	rank, seen := q*float64(total), 0.0
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
	c := Comparison{
		Segment: s.Segment, Baseline: s.Dev.A, Candidate: s.Dev.B, Effect: Effect{Unbounded: true},
		Test:     "percent deviation of the last window",
		Outcome:  Wait,
		Warnings: []string{"no guarantee on false alarms: each look is a fresh test"},
	}
	least := max(m.MinSamples, 1)
	a, b := s.Dev.A, s.Dev.B
	switch {
	case !s.Dev.Has:
		c.Reason = release.Reason{Code: release.NoData, Text: m.Name + ": no data of both arms in the last window"}
		return c
	case a.N < least || b.N < least:
		c.Reason = release.Reason{Code: release.TooFew, Text: fmt.Sprintf(
			"%s: %d and %d samples in the last window; %d of each are needed", m.Name, a.N, b.N, least)}
		return c
	}
	worse := b.Value - a.Value
	if m.Worse == release.Lower {
		worse = -worse
	}
	if a.Value == 0 && m.ToleranceAbs == 0 && worse > 0 {
		c.Reason = release.Reason{Code: release.ZeroBaseline, Text: fmt.Sprintf(
			"%s: the baseline is 0 and the candidate %s; a percentage of 0 says nothing (set toleranceAbs)", m.Name, number(b.Value))}
		return c
	}
	allowed := math.Max(m.Tolerance*math.Abs(a.Value), m.ToleranceAbs)
	if a.Value != 0 {
		c.Effect.Ratio = b.Value / a.Value
	}
	text := fmt.Sprintf("%s: candidate %s, baseline %s, %s allowed", m.Name, number(b.Value), number(a.Value), number(allowed))
	if worse > allowed {
		c.Outcome = Fail
		c.Reason = release.Reason{Code: release.HarmFound, Text: text + ": worse than that"}
	} else {
		c.Outcome = Pass
		c.Reason = release.Reason{Code: release.WithinDeviation, Text: text + ": within that"}
	}
	return c
}
