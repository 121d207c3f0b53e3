package judge

import (
	"fmt"
	"math"
	"slices"

	"github.com/linnet-project/linnet/release"
)

// leastPoints is how many looks a gauge needs before it is judged.
const leastPoints = 5

// centre is an arm's level in a window: the median of its points where there
// are three or more, so that one spiking instance does not decide, else their
// mean. ok is false without points.
func centre(points []float64) (float64, bool) {
	switch n := len(points); n {
	case 0:
		return 0, false
	case 1, 2:
		return (points[0] + points[n-1]) / 2, true
	default:
		sorted := slices.Sorted(slices.Values(points))
		return (sorted[(n-1)/2] + sorted[n/2]) / 2, true
	}
}

// learn takes a window of the baseline alone. Halves of its instances, in the
// steady order in which a source gives them, stand for two arms of the same
// version.
func (g *Level) learn(m release.Metric, a *release.Observation) {
	if x, ok := centre(a.Points); ok && x > 0 {
		g.Alone.Add(math.Log(x))
	}
	half := len(a.Points) / 2
	x, ok := centre(a.Points[:half])
	switch y, _ := centre(a.Points[half:]); {
	case !ok:
	case m.ToleranceAbs > 0:
		g.Apart.Add(y - x)
	case x > 0 && y > 0:
		g.Apart.Add(math.Log(y / x))
	}
}

// add folds one window of both arms.
func (g *Level) add(m release.Metric, a, b *release.Observation) {
	x, okA := centre(a.Points)
	y, okB := centre(b.Points)
	if !okA || !okB {
		return
	}
	before := g.A.mean()
	g.A.add(x, len(a.Points))
	g.B.add(y, len(b.Points))
	switch {
	case m.ToleranceAbs > 0:
		g.Ratio.Add(worse(m, y-x)/allowed(m, before), &g.Apart)
	case x <= 0 || y <= 0:
		g.Odd++
	default:
		g.Ratio.Add(worse(m, math.Log(y)-math.Log(x)), &g.Apart)
	}
}

// allowed is how much worse a level may be where an absolute tolerance is
// given: that, or the relative one of the baseline's mean level.
func allowed(m release.Metric, level float64) float64 {
	return math.Max(m.ToleranceAbs, m.Tolerance*math.Abs(level))
}

// worse orients a difference so that more is worse.
func worse(m release.Metric, d float64) float64 {
	if m.Worse == release.Lower {
		return -d
	}
	return d
}

// fine is the difference of logarithms that is still fine.
func fine(m release.Metric) float64 {
	if m.Worse == release.Lower {
		return -math.Log1p(-math.Min(m.Tolerance, 0.999))
	}
	return math.Log1p(m.Tolerance)
}

// comparison says what a gauge comes to.
func (g *Level) comparison(m release.Metric, segment string, threshold float64, l Look) Comparison {
	c := Comparison{
		Segment: segment, LogThreshold: threshold, LogPassThreshold: passEvidence(),
		Exclude:   excluded(m)[which(l.Weight)],
		Baseline:  Side{N: g.A.N, Value: g.A.mean()},
		Candidate: Side{N: g.B.N, Value: g.B.mean()},
		Effect:    Effect{Unbounded: true},
	}
	memory := g.Ratio.Memory(&g.Apart)
	if m.ToleranceAbs > 0 {
		c.Test = fmt.Sprintf("anytime-valid t on differences, autocorrelation of %.2f allowed for", memory)
		c.Effect.Ratio = times(m, c.Baseline, c.Candidate)
		g.weigh(&c, m, 1, c.Exclude)
		return c
	}
	c.Test = fmt.Sprintf("anytime-valid t on log ratios, autocorrelation of %.2f allowed for", memory)
	g.weigh(&c, m, fine(m), math.Log(c.Exclude))
	g.odd(&c, m)
	mean := &g.Ratio.Mean
	if mean.N == 0 {
		return c
	}
	c.Effect.Ratio = math.Exp(math.Min(mean.Mu, 700))
	if low, high, ok := mean.Interval(passLevel); ok {
		c.Effect = Effect{Ratio: c.Effect.Ratio, Low: math.Exp(math.Min(low, 700)), High: math.Exp(math.Min(high, 700))}
	}
	return c
}

// weigh holds the points against what is still fine and what a pass rules out.
// Levels that do not move at all pass where they are as good as the baseline,
// for as long as that lasts. Beyond an absolute tolerance they fail; beyond a
// relative one they wait, since two instances may differ by nature.
func (g *Level) weigh(c *Comparison, m release.Metric, fine, excluded float64) {
	mean := &g.Ratio.Mean
	if mean.N < leastPoints {
		return
	}
	c.LogE, c.LogPass = mean.LogAbove(fine), mean.LogBelow(excluded)
	if !mean.Still() {
		return
	}
	c.Warnings = append(c.Warnings, "the levels do not move at all, so their noise is not known")
	switch {
	case mean.Mu <= fine:
		c.LogPass = c.LogPassThreshold
	case m.ToleranceAbs > 0:
		c.LogE = c.LogThreshold
	}
}

// odd tells of levels that have no ratio.
func (g *Level) odd(c *Comparison, m release.Metric) {
	if g.Odd == 0 {
		return
	}
	c.Warnings = append(c.Warnings, fmt.Sprintf("%d windows had a level of zero or below and were left out", g.Odd))
	if g.Ratio.Mean.N < leastPoints {
		c.Reason = release.Reason{Code: release.ZeroBaseline, Text: fmt.Sprintf(
			"%s: levels of zero or below cannot be compared as ratios (set toleranceAbs)", subject(c.Segment, m))}
	}
}

func (p *Points) add(level float64, n int) {
	p.N += int64(n)
	p.Sum += level * float64(n)
}

func (p Points) mean() float64 { return over(p.Sum, float64(p.N)) }
