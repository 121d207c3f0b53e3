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
	// mostCharted is the largest share that is charted: beyond, half as much
	// again cannot be told.
	mostCharted = 0.9
)

// watch is Watch by the methods of version 2.
func watch(cfg Config, s State, l Look, arm string) (State, Verdict) {
	next := s.clone(len(cfg.Metrics))
	v := Verdict{At: l.At, Blind: true}
	missing := release.Reason{Code: release.NoData, Text: "no data of the " + arm + " in this look"}
	for i, m := range cfg.Metrics {
		if len(next.Metrics[i].Series) == 0 || m.Method == release.Deviation {
			continue
		}
		seen, series := gather(m, l), &next.Metrics[i].Series[0]
		for _, p := range seen.pairs {
			o := p.a
			if arm == release.Candidate {
				o = p.b
			}
			if o != nil && p.segment == "" {
				v.Blind = false
				series.chart(m, o, arm)
			}
		}
		if seen.problem != nil {
			missing = *seen.problem
		}
		if c, ok := series.charted(m, arm); ok {
			c.Metric, c.Kind, c.Severity = m.Name, m.Kind, m.Severity
			v.Comparisons = append(v.Comparisons, c)
		}
	}
	v.Fresh = !v.Blind
	decide(&v)
	switch {
	case v.Blind && v.Outcome != Fail:
		v.Outcome, v.Reason = Wait, missing
	case len(v.Comparisons) == 0:
		v.Reason = release.Reason{Code: release.NoData, Text: "nothing is known of the " + arm + "'s past to hold it against"}
	}
	return next, v
}

// past is what an arm did before it was watched alone.
func (h *Share) past(arm string) Sum {
	if arm == release.Candidate {
		return h.B
	}
	sum := h.A
	sum.add(h.Before)
	return sum
}

// reference is the share (of counts the rate) that a chart alarms beyond: the
// upper bound of the arm's past (two standard errors), with the margin.
func (h *Share) reference(m release.Metric, arm string) (float64, bool) {
	past := h.past(arm)
	if past.Trials == 0 {
		return 0, false
	}
	n := float64(past.Trials)
	if m.Kind == release.Count {
		n /= exposureGrain
		rate := (float64(past.Events) + 1) / n
		return chartMargin * (rate + 2*math.Sqrt(rate/n)), m.Worse != release.Lower
	}
	p := (float64(past.Events) + 1) / (n + 2)
	ref := worsened(m, math.Min(p+2*math.Sqrt(p*(1-p)/n), 1), chartMargin)
	return ref, ref < mostCharted
}

// chart folds one window of the arm that is watched.
func (s *Series) chart(m release.Metric, o *release.Observation, arm string) {
	if m.Kind == release.Gauge {
		past := s.Level.A.mean()
		if arm == release.Candidate {
			past = s.Level.B.mean()
		}
		if x, ok := centre(o.Points); ok && x > 0 && past > 0 {
			s.Level.Chart.Add(worse(m, math.Log(x)-math.Log(past)), &s.Level.Alone)
		}
		return
	}
	if len(s.Charts) != len(s.Shares) {
		s.Charts = make([]stats.Limit, len(s.Shares))
	}
	for i := range s.Shares {
		h := &s.Shares[i]
		ref, ok := h.reference(m, arm)
		sum, told := count(m, h.Bound, counted(m, o), release.Whole)
		if !ok || !told {
			continue
		}
		n := float64(sum.Trials)
		if m.Kind == release.Count {
			n /= exposureGrain
			s.Charts[i].UpdateRate(sum.Events, n, stats.Bounds{Limit: ref, Excluded: 2 * ref, Surplus: h.surplus(n * ref)})
			continue
		}
		s.Charts[i].Update(sum.Events, sum.Trials, stats.Bounds{Limit: ref, Excluded: (1 + ref) / 2, Surplus: h.surplus(n * ref)})
	}
}

// charted says what the charts of a metric come to; ok is false without data.
func (s *Series) charted(m release.Metric, arm string) (Comparison, bool) {
	c := Comparison{
		Test:         "chart of the " + arm + " against its own past",
		LogThreshold: round(math.Log(1 / chartLevel)), LogPassThreshold: round(passEvidence()),
		Effect: Effect{Unbounded: true}, Exclude: chartMargin, Outcome: Pass,
	}
	ok := false
	if m.Kind == release.Gauge {
		mean := &s.Level.Chart.Mean
		ok = mean.N >= leastPoints
		c.LogE = round(mean.LogAbove(math.Log(chartMargin)))
		c.Effect.Ratio = math.Exp(math.Min(mean.Mu, 700))
	} else {
		ok = s.chartedShares(&c, m, arm)
	}
	c.P = math.Exp(-math.Max(0, c.LogE))
	c.Reason = release.Reason{Code: release.HarmExcluded, Text: m.Name + ": the " + arm + " is no worse than in its past"}
	if c.LogE >= c.LogThreshold {
		c.Outcome = Fail
		size := "worse than its own past"
		if c.Effect.Ratio > 1 {
			size = number(c.Effect.Ratio) + "x of its own past"
		}
		c.Reason = release.Reason{Code: release.HarmFound, Text: fmt.Sprintf("%s: the %s is %s; evidence %s, %s is enough",
			m.Name, arm, size, odds(c.LogE), odds(c.LogThreshold))}
	}
	return c, ok
}

// chartedShares averages the charts of a metric's shares, and shows the one
// with most evidence.
func (s *Series) chartedShares(c *Comparison, m release.Metric, arm string) bool {
	var evidence []float64
	best := math.Inf(-1)
	for i := range s.Charts {
		h, chart := &s.Shares[i], &s.Charts[i]
		if chart.Trials == 0 && chart.Exposure == 0 {
			continue
		}
		e := chart.LogAbove()
		evidence = append(evidence, e)
		if e <= best {
			continue
		}
		best = e
		sum := Sum{chart.Events, chart.Trials}
		if m.Kind == release.Count {
			sum.Trials = int64(chart.Exposure * exposureGrain)
		}
		c.Bound, c.Candidate, c.Baseline = h.Bound, side(m, sum), side(m, h.past(arm))
		c.Effect.Ratio = times(m, c.Baseline, c.Candidate)
	}
	if len(evidence) == 0 {
		return false
	}
	c.LogE = round(stats.LogMeanExp(evidence))
	return true
}
