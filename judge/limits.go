package judge

import (
	"fmt"
	"math"
	"sort"

	"github.com/linnet-project/linnet/release"
)

// limit folds one window of the candidate against the metric's absolute limit.
func (s *Series) limit(m release.Metric, b *release.Observation, l Look) {
	g := &s.Limit
	switch m.Kind {
	case release.Gauge:
		if x, ok := centre(b.Points); ok && x > 0 && m.Limit.Value > 0 {
			d := math.Log(x / m.Limit.Value)
			if m.Worse == release.Lower {
				d = -d
			}
			if s.Level.Batch == 0 {
				s.Level.Batch = s.Level.Memory.BatchLength(unknownBatch)
			}
			g.Level.Add(d, s.Level.Batch)
			g.Reached = true
		}
	case release.Count:
		if sum, ok := count(m, 0, b, l.Weight); ok {
			of := float64(sum.Trials) / exposureGrain
			limit := m.Limit.Value
			g.Rate.Update(sum.Events, of, limit, limit*excludedLimit(m, l), s.noise())
			g.Reached = true
		}
	default:
		if m.Kind == release.Histogram && g.Bound == 0 {
			g.Bound = limitBound(b.Bounds, m.Limit.Value)
		}
		if sum, ok := count(m, g.Bound, b, l.Weight); ok && sum.Trials > 0 {
			limit := limitShare(m)
			g.Share.Update(sum.Events, sum.Trials, limit, math.Min(limit*excludedLimit(m, l), (1+limit)/2), s.noise())
			g.Reached = true
		}
	}
}

// noise is what is known of the noise that a bucket's events share.
func (s *Series) noise() float64 {
	if len(s.Shares) == 0 {
		return 0
	}
	return s.Shares[0].Harm.Own.Shrunk(&s.Shares[0].Past.Dispersion)
}

func excludedLimit(m release.Metric, l Look) float64 { return excluded(m)[which(l.Weight)] }

// limitShare is the largest share of bad events that the limit allows.
func limitShare(m release.Metric) float64 {
	share := m.Limit.Value
	switch {
	case m.Kind == release.Histogram:
		share = 1 - m.Limit.Quantile
	case m.Worse == release.Lower:
		share = 1 - share
	}
	return math.Min(math.Max(share, 1e-9), 1-1e-9)
}

// limitBound is the bucket bound that stands for a histogram's limit: the
// first at or above it, else the last.
func limitBound(bounds []float64, value float64) float64 {
	if len(bounds) == 0 {
		return value
	}
	return bounds[min(sort.SearchFloat64s(bounds, value), len(bounds)-1)]
}

// limited says what the candidate's limit comes to.
func (s *Series) limited(m release.Metric, threshold float64, l Look) Comparison {
	g := &s.Limit
	c := Comparison{
		Segment: s.Segment, LogThreshold: threshold, LogPassThreshold: logPass,
		Exclude: excludedLimit(m, l), Effect: Effect{Unbounded: true}, Bound: g.Bound,
		Test: "sequential test against a limit",
	}
	if !g.Reached {
		return c
	}
	switch m.Kind {
	case release.Gauge:
		if g.Level.N >= leastBatches {
			if e, t := g.Level.LogEvidence(0); t > 0 {
				c.LogE = e
			}
			if e, t := g.Level.LogEvidence(math.Log(c.Exclude)); t < 0 {
				c.LogPass = e
			}
		}
		c.Candidate = Side{N: int64(g.Level.Finished), Value: math.Exp(g.Level.Mu) * m.Limit.Value}
		c.Effect.Ratio = math.Exp(g.Level.Mu)
	case release.Count:
		c.LogE, c.LogPass = g.Rate.LogAbove(), g.Rate.LogBelow()
		c.Candidate = Side{N: g.Rate.Trials, Events: g.Rate.Events}
	default:
		c.LogE, c.LogPass = g.Share.LogAbove(), g.Share.LogBelow()
		c.Candidate = side(Sum{g.Share.Events, g.Share.Trials}, false)
		c.Effect.Ratio = c.Candidate.Value / limitShare(m)
	}
	if m.Kind == release.Histogram && g.Bound != m.Limit.Value {
		c.Warnings = append(c.Warnings, fmt.Sprintf("no bucket bound at %s; judged at %s", number(m.Limit.Value), number(g.Bound)))
	}
	c.Baseline = Side{Value: m.Limit.Value}
	switch {
	case round(c.LogE) >= round(threshold):
		c.Outcome = Fail
		c.Reason = release.Reason{Code: release.LimitBroken, Text: limitText(c, m, "breaks its limit of")}
	case round(c.LogPass) >= round(logPass):
		c.Outcome = Pass
		c.Reason = release.Reason{Code: release.HarmExcluded, Text: limitText(c, m, "stays clear of") + fmt.Sprintf(" %gx", c.Exclude)}
	}
	return c
}
