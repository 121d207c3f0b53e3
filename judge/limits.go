package judge

import (
	"fmt"
	"math"
	"sort"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/stats"
)

// farBelow is by how many times a gauge is reckoned below its limit at most.
const farBelow = 1000

// limit folds one window of the candidate against the metric's absolute limit.
func (s *Series) limit(m release.Metric, b *release.Observation, l Look) {
	g := s.Limit
	scaled := s.sample(sampled(b))
	most, least := s.shift(m, b)
	if m.Kind == release.Histogram && g.Bound == 0 {
		g.Bound = limitBound(b.Bounds, m.Limit.Value)
	}
	if scaled {
		if all, ok := count(m, g.Bound, b, l.Weight); ok && m.Kind != release.Gauge && exposed(m, b, l) {
			s.Sampled.Limit.add(all)
		}
		b = counted(m, b)
	}
	switch m.Kind {
	case release.Gauge:
		if x, ok := centre(b.Points); ok && m.Limit.Value > 0 {
			far := m.Limit.Value / farBelow // an idle queue is not unknown
			g.Level.Add(worse(m, math.Log(math.Max(x, far))-math.Log(m.Limit.Value)), &s.Level.Alone)
			g.Reached = true
		}
	case release.Count:
		sum, ok := count(m, 0, b, l.Weight)
		if !ok || !exposed(m, b, l) {
			return
		}
		of := float64(sum.Trials) / exposureGrain
		surplus := s.surplus(m.Limit.Value * of)
		for i, factor := range excluded(m) {
			bounds := stats.Bounds{Limit: m.Limit.Value, Excluded: m.Limit.Value * factor, Surplus: surplus}
			if m.Worse == release.Lower { // harm lies below the limit, a pass above its part
				bounds.Limit, bounds.Excluded = m.Limit.Value/factor, m.Limit.Value
			}
			g.Share[i].UpdateRate(sum.Events, of, bounds)
		}
		g.Reached = true
	default:
		sum, ok := count(m, g.Bound, b, l.Weight)
		if !ok {
			return
		}
		p := limitShare(m)
		surplus := s.surplus(float64(sum.Trials) * p * (1 - p))
		for i, factor := range excluded(m) {
			g.Share[i].Update(sum.Events, sum.Trials, stats.Bounds{
				Limit: shifted(p, most), Excluded: shifted(excludedShare(p, factor), least), Surplus: surplus})
		}
		g.Reached = true
	}
}

// surplus is what is known of the surplus of a variance v: that of the share
// nearest to the limit's bound.
func (s *Series) surplus(v float64) float64 {
	if len(s.Shares) == 0 {
		return (&stats.Dispersion{}).Surplus(&stats.Dispersion{}, v)
	}
	i := sort.Search(len(s.Shares)-1, func(i int) bool { return s.Shares[i].Bound >= s.Limit.Bound })
	return s.Shares[i].surplus(v)
}

// excludedShare is the share that a pass must show the candidate to stay below.
func excludedShare(limit, factor float64) float64 {
	return math.Min(math.Max(limit*factor, limit+floorShare), (1+limit)/2)
}

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
	g, i := s.Limit, which(l.Weight)
	share := &g.Share[i]
	c := Comparison{
		Segment: s.Segment, LogThreshold: threshold, LogPassThreshold: passEvidence(),
		Exclude: excluded(m)[i], Effect: Effect{Unbounded: true}, Bound: g.Bound,
		Baseline: Side{Value: m.Limit.Value}, AgainstLimit: true,
		Test: "sequential test against a limit",
	}
	if !g.Reached {
		return c
	}
	switch m.Kind {
	case release.Gauge:
		g.levelled(&c, m)
	case release.Count:
		c.LogE, c.LogPass = share.LogAbove(), share.LogBelow()
		c.Candidate = Side{N: int64(share.Exposure), Events: share.Events, Value: over(float64(share.Events), share.Exposure)}
		if s.Sampled != nil {
			c.Candidate = side(m, s.Sampled.Limit)
		}
		c.Effect.Ratio = over(c.Candidate.Value, m.Limit.Value)
		if m.Worse == release.Lower {
			c.LogE, c.LogPass = c.LogPass, c.LogE
			c.Effect.Ratio = 1 / math.Max(c.Effect.Ratio, 1e-6)
		}
	default:
		c.LogE, c.LogPass = share.LogAbove(), share.LogBelow()
		all := g.sum()
		if s.Sampled != nil {
			all = s.Sampled.Limit
		}
		c.Candidate = side(m, all)
		c.Effect.Ratio = over(float64(all.Events), float64(all.Trials)) / limitShare(m)
	}
	if s.Sampled != nil && m.Kind != release.Gauge {
		c.Warnings = append(c.Warnings, "only a sample was counted: the evidence is from those counted, the figures are scaled up to all")
	}
	if m.Kind == release.Histogram && g.Bound != m.Limit.Value {
		c.Warnings = append(c.Warnings, fmt.Sprintf("no bucket bound at %s; judged at %s", number(m.Limit.Value), number(g.Bound)))
	}
	return c
}

// sum are the events and trials so far.
func (g *Limit) sum() Sum {
	s := &g.Share[0]
	return Sum{s.Events, s.Trials + int64(math.Round(s.Exposure*exposureGrain))}
}

// levelled says what a gauge's level comes to beside its limit. A level that
// does not move at all is plainly on one side of it.
func (g *Limit) levelled(c *Comparison, m release.Metric) {
	mean := &g.Level.Mean
	if mean.N >= leastPoints {
		c.LogE, c.LogPass = mean.LogAbove(0), mean.LogBelow(math.Log(c.Exclude))
		switch {
		case mean.Still() && mean.Mu > 0:
			c.LogE = c.LogThreshold
		case mean.Still():
			c.LogPass = c.LogPassThreshold
		}
	}
	c.Effect.Ratio = math.Exp(math.Min(mean.Mu, 700))
	c.Candidate = Side{N: int64(g.Level.Own.N), Value: math.Exp(math.Min(worse(m, mean.Mu), 700)) * m.Limit.Value}
}

// over divides, to a finite number; 0 where there is nothing to divide by.
func over(x, y float64) float64 {
	if y <= 0 {
		return 0
	}
	return math.Min(x/y, math.MaxFloat64)
}
