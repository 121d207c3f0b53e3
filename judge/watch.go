package judge

import (
	"fmt"
	"math"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/stats"
)

// Watching one version alone against its own past is weaker than comparing two
// side by side: the world may have changed instead. So it asks for more: harm
// of half as much again beyond the upper bound of the past.
const (
	chartMargin = 1.5
	chartLevel  = 0.01
)

// Watch takes one look at a version that has no other beside it: the candidate
// after a promotion, the baseline after a rollback. It charts each metric
// against what that version did while both were compared. Fail says that it got
// worse, Pass that there was data and it did not; its false alarms stay below
// 1 % for a metric over the whole watch if the world does not change.
func Watch(cfg Config, s State, l Look, arm string) (State, Verdict) {
	next := s.clone(len(cfg.Metrics))
	v := Verdict{At: l.At, Blind: true}
	for i, m := range cfg.Metrics {
		if len(next.Metrics[i].Series) == 0 || m.Method == release.Deviation {
			continue
		}
		series := &next.Metrics[i].Series[0]
		for j := range l.Observations {
			o := &l.Observations[j]
			if o.Metric == m.Name && o.Arm == arm && o.Segment == "" {
				v.Blind = false
				series.chart(m, o, arm)
			}
		}
		if c, ok := series.charted(m, arm); ok {
			c.Metric, c.Kind, c.Severity = m.Name, m.Kind, m.Severity
			v.Comparisons = append(v.Comparisons, c)
		}
	}
	v.Fresh = !v.Blind
	decide(&v)
	if len(v.Comparisons) == 0 {
		v.Outcome = Wait
		v.Reason = release.Reason{Code: release.NoData, Text: "nothing is known of the " + arm + "'s past to hold it against"}
	}
	return next, v
}

// reference is the share that a chart alarms beyond: the upper bound of the
// arm's past (two standard errors), with the margin.
func (h *Share) reference(arm string) (float64, bool) {
	past := h.A
	if arm == release.Candidate {
		past = h.B
	}
	if past.Trials == 0 {
		return 0, false
	}
	n := float64(past.Trials)
	p := (float64(past.Events) + 1) / (n + 2)
	ref := chartMargin * (p + 2*math.Sqrt(p*(1-p)/n))
	return ref, ref < 0.9
}

// chart folds one window of the arm that is watched.
func (s *Series) chart(m release.Metric, o *release.Observation, arm string) {
	if m.Kind == release.Gauge {
		past := s.Level.A
		if arm == release.Candidate {
			past = s.Level.B
		}
		x, ok := centre(o.Points)
		if !ok || x <= 0 || past.mean() <= 0 {
			return
		}
		d := math.Log(x / past.mean())
		if m.Worse == release.Lower {
			d = -d
		}
		s.Level.Chart.Add(d, max(1, s.Level.Batch))
		return
	}
	for i := range s.Shares {
		h := &s.Shares[i]
		ref, ok := h.reference(arm)
		sum, told := count(m, h.Bound, o, release.Whole)
		if ok && told {
			h.Chart.Update(sum.Events, sum.Trials, ref, math.Min(2*ref, (1+ref)/2), h.Harm.Own.Shrunk(&h.Past.Dispersion))
		}
	}
}

// charted says what the charts of a metric come to; ok is false without data.
func (s *Series) charted(m release.Metric, arm string) (Comparison, bool) {
	c := Comparison{
		Test:         "chart of the " + arm + " against its own past",
		LogThreshold: round(math.Log(1 / chartLevel)), LogPassThreshold: round(logPass),
		Effect: Effect{Unbounded: true}, Exclude: chartMargin, Outcome: Pass,
	}
	if m.Kind == release.Gauge {
		if s.Level.Chart.N < leastBatches {
			return c, false
		}
		if e, t := s.Level.Chart.LogEvidence(math.Log(chartMargin)); t > 0 {
			c.LogE = round(e)
		}
		c.Effect.Ratio = math.Exp(s.Level.Chart.Mu)
	} else {
		var evidence []float64
		best := math.Inf(-1)
		for i := range s.Shares {
			h := &s.Shares[i]
			if h.Chart.Looks == 0 {
				continue
			}
			e := h.Chart.LogAbove()
			evidence = append(evidence, e)
			if ref, ok := h.reference(arm); ok && e > best {
				best = e
				c.Bound = h.Bound
				c.Candidate = side(Sum{h.Chart.Events, h.Chart.Trials}, false)
				c.Baseline = Side{Value: ref / chartMargin}
				c.Effect.Ratio = c.Candidate.Value / math.Max(c.Baseline.Value, 1e-12)
			}
		}
		if len(evidence) == 0 {
			return c, false
		}
		c.LogE = round(stats.LogMeanExp(evidence))
	}
	c.Reason = release.Reason{Code: release.HarmExcluded, Text: m.Name + ": no worse than its past"}
	if c.LogE >= c.LogThreshold {
		c.Outcome = Fail
		c.Reason = release.Reason{Code: release.HarmFound, Text: fmt.Sprintf(
			"%s: the %s is worse than its own past, %sx; evidence %s", m.Name, arm, number(c.Effect.Ratio), odds(c.LogE))}
	}
	return c, true
}
