package judge

import (
	"fmt"
	"math"
	"sort"

	"github.com/linnet-project/linnet/release"
)

// leastBatches is how many batches a gauge needs before it is judged,
// unknownBatch how many windows make a batch where the baseline's memory is
// not known.
const (
	leastBatches = 5
	unknownBatch = 4
)

// centre is an arm's level in a window: the median of its points where there
// are three or more, so that one spiking instance does not decide, else their
// mean. ok is false without points.
func centre(points []float64) (float64, bool) {
	switch n := len(points); {
	case n == 0:
		return 0, false
	case n < 3:
		sum := 0.0
		for _, p := range points {
			sum += p
		}
		return sum / float64(n), true
	default:
		sorted := append([]float64(nil), points...)
		sort.Float64s(sorted)
		if n%2 == 1 {
			return sorted[n/2], true
		}
		return (sorted[n/2-1] + sorted[n/2]) / 2, true
	}
}

// add folds one window of both arms.
func (g *Level) add(m release.Metric, a, b *release.Observation) {
	x, okA := centre(a.Points)
	y, okB := centre(b.Points)
	if !okA || !okB {
		return
	}
	g.A = Points{g.A.N + int64(len(a.Points)), g.A.Sum + x*float64(len(a.Points))}
	g.B = Points{g.B.N + int64(len(b.Points)), g.B.Sum + y*float64(len(b.Points))}
	if x <= 0 || y <= 0 {
		g.Odd++
		return
	}
	if g.Batch == 0 {
		g.Batch = g.Memory.BatchLength(unknownBatch)
	}
	d := math.Log(y / x)
	if m.Worse == release.Lower {
		d = -d
	}
	g.Ratio.Add(d, g.Batch)
}

// comparison says what a gauge comes to.
func (g *Level) comparison(m release.Metric, segment string, threshold float64, l Look) Comparison {
	c := Comparison{
		Segment: segment, LogThreshold: threshold, LogPassThreshold: logPass,
		Exclude:   excluded(m)[which(l.Weight)],
		Baseline:  Side{N: g.A.N, Value: g.A.mean()},
		Candidate: Side{N: g.B.N, Value: g.B.mean()},
		Effect:    Effect{Unbounded: true},
		Test:      fmt.Sprintf("anytime-valid t on batches of %d windows of log ratios", max(1, g.Batch)),
	}
	if g.Odd > 0 {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%d windows had a level of zero or below and were left out", g.Odd))
	}
	tolerance := m.Tolerance
	if mean := math.Abs(c.Baseline.Value); mean > 0 {
		tolerance = math.Max(tolerance, m.ToleranceAbs/mean)
	}
	if g.Ratio.N >= leastBatches {
		if e, t := g.Ratio.LogEvidence(math.Log1p(tolerance)); t > 0 {
			c.LogE = e
		}
		if e, t := g.Ratio.LogEvidence(math.Log(c.Exclude)); t < 0 {
			c.LogPass = e
		}
		if g.Ratio.M2 == 0 && g.Ratio.Mu < math.Log1p(tolerance) {
			c.LogPass = logPass // two levels that do not move at all
		}
	}
	if g.Ratio.N > 0 {
		c.Effect.Ratio = math.Exp(g.Ratio.Mu)
		if low, high, ok := g.Ratio.Interval(passLevel); ok {
			c.Effect = Effect{Ratio: c.Effect.Ratio, Low: math.Exp(low), High: math.Exp(math.Min(high, 700))}
		}
	}
	return c
}

func (p Points) mean() float64 {
	if p.N == 0 {
		return 0
	}
	return p.Sum / float64(p.N)
}
