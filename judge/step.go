package judge

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/stats"
)

// Limits and constants of judging.
const (
	// MaxSegments is how many segments of a metric are judged; further ones
	// are left out, with a warning.
	MaxSegments = 100
	// passLevel is the error probability of a pass and of shown intervals.
	passLevel = 0.05
	// floorShare is the least absolute harm that a pass must rule out.
	floorShare = 0.005
	// wideWeight is the weight above which the narrower default exclude holds.
	wideWeight = release.Whole / 20
)

// passEvidence is the log evidence that a pass needs.
func passEvidence() float64 { return math.Log(1 / passLevel) }

// step is Step by the methods of version 2.
func step(cfg Config, s State, l Look) (State, Verdict) {
	next := s.clone(len(cfg.Metrics))
	v := Verdict{At: l.At, Fresh: l.Live, Blind: true, Dark: true}
	for i, m := range cfg.Metrics {
		seen := gather(m, l)
		v.Blind = v.Blind && !seen.sighted(m, l)
		v.Dark = v.Dark && len(seen.pairs) == 0
		next.Metrics[i].take(m, seen, l)
		if !l.Live {
			continue
		}
		if m.Severity == release.Guardrail && !seen.fresh(m) {
			v.Fresh = false
		}
		v.Comparisons = append(v.Comparisons, next.Metrics[i].compare(cfg, m, seen, l)...)
		next.besides(cfg, i, seen, l)
	}
	if !l.Live {
		v.Outcome = Wait
		v.Reason = release.Reason{Code: release.Collecting, Text: "the candidate has no traffic yet"}
		return next, v
	}
	next.judgeBesides(cfg, &v)
	adjust(v.Comparisons)
	decide(&v)
	return next, v
}

// take folds a look's observations into the metric's evidence.
func (ms *Metric) take(m release.Metric, seen sighting, l Look) {
	ms.register(m, seen.pairs, l.Live)
	for i := range ms.Series {
		ms.Series[i].Dev = nil // it tells of the last look alone, and so does Unlike
		if x := ms.Series[i].Sampled; x != nil {
			x.Unlike = false
		}
	}
	for _, p := range seen.pairs {
		s := ms.find(p.segment)
		switch {
		case s == nil:
		case !l.Live:
			if p.a != nil {
				s.learn(m, p.a)
			}
		case !skipWarming(m, l, p):
			s.take(m, p, l, &ms.Series[0])
		}
	}
}

// take folds one window. A limit is judged alike whatever the method of the
// comparison.
func (s *Series) take(m release.Metric, p pair, l Look, whole *Series) {
	if m.Limit != nil && p.b != nil {
		s.limit(m, p.b, l)
	}
	s.match(m, p, l)
	switch {
	case m.LimitOnly:
	case m.Method == release.Deviation:
		s.deviate(m, p, l)
	case p.a == nil || p.b == nil:
	case s.keeps(m, p.a, p.b):
		s.compare(m, p, l, whole)
	default:
		s.Sampled.Unlike = true
	}
}

// skipWarming says whether a window is left alone because the candidate was
// still warming up when it began.
func skipWarming(m release.Metric, l Look, p pair) bool {
	return (m.Kind == release.Histogram || m.Kind == release.Gauge) && p.from().Before(l.WarmUntil)
}

// cooling is how long after its warm-up a candidate's latency is not yet taken at
// its word: what is slow at the start fades, and does not end at an instant.
const cooling = time.Minute

// trust is the part of a window's evidence that counts: it grows to all of it
// while a candidate that has just warmed up cools.
func (l Look) trust(m release.Metric, b *release.Observation) float64 {
	if m.Kind != release.Histogram || l.WarmUntil.IsZero() {
		return 1
	}
	return math.Min(float64(b.Window.To.Sub(l.WarmUntil))/float64(cooling), 1)
}

// What a test weighs in the false-alarm budget. Errors and other events are what
// users feel, and tell least in a look; a level shows in a few looks, so it does
// with less. Traffic that is refused, and a budget of harm that is spent, show
// plainly.
const (
	eventsWeight       = 2.0 // Ratio, Count
	distributionWeight = 1.0 // Histogram
	levelWeight        = 0.5 // Gauge
	besideWeight       = 0.5
)

// testWeight is what each test of a metric weighs in the false-alarm budget.
func testWeight(k release.Kind) float64 {
	switch k {
	case release.Histogram:
		return distributionWeight
	case release.Gauge:
		return levelWeight
	}
	return eventsWeight
}

// tests weighs all tests of a severity that share the false-alarm budget. A
// deviation or a belief is none, and the limit beside it is one; so is each
// thing that the share of traffic can fail for, and the harm budget.
func tests(cfg Config, severity release.Severity) float64 {
	sum := 0.0
	for _, m := range cfg.Metrics {
		if m.Severity != severity {
			continue
		}
		if !m.LimitOnly && m.Method != release.Deviation && m.Method != release.Bayesian {
			sum += testWeight(m.Kind)
		}
		if m.Limit != nil {
			sum += testWeight(m.Kind)
		}
	}
	if severity == release.Guardrail {
		sum += besideWeight * float64(cfg.actions()+min(1, cfg.payers()))
	}
	return math.Max(sum, besideWeight)
}

// compare returns what the metric comes to, as a whole and by segment.
func (ms *Metric) compare(cfg Config, m release.Metric, seen sighting, l Look) []Comparison {
	var out []Comparison
	seen.unlike = ms.Series[0].Sampled != nil && ms.Series[0].Sampled.Unlike
	base := math.Log(math.Max(1, tests(cfg, m.Severity)/testWeight(m.Kind)) / cfg.FalseRollback)
	for i := range ms.Series {
		s := &ms.Series[i]
		own := s.threshold(base)
		switch {
		case m.LimitOnly:
		case m.Method == release.Deviation:
			out = append(out, s.deviation(m))
		case m.Method == release.Bayesian:
			c := s.comparison(m, own, l)
			s.believe(&c, m)
			out = append(out, c)
		default:
			c := s.comparison(m, own, l)
			c.P = pValue(&s.Peak, c.LogE)
			out = append(out, c)
		}
		if m.Limit != nil {
			c := s.limited(m, own, l)
			c.P = pValue(&s.Limit.Peak, c.LogE)
			out = append(out, c)
		}
	}
	jointly(out, base, false)
	jointly(out, base, true)
	for i := range out {
		c := &out[i]
		c.Metric, c.Kind, c.Severity = m.Name, m.Kind, m.Severity
		c.LogE, c.LogThreshold = round(c.LogE), round(c.LogThreshold)
		c.LogPass, c.LogPassThreshold = round(c.LogPass), round(c.LogPassThreshold)
		if m.Averages || seen.averages {
			c.Warnings = append(c.Warnings, averagesText)
		}
		if s := ms.find(c.Segment); s.Spread != nil && s.Spread.B != nil && !c.AgainstLimit && c.LogE >= c.LogThreshold {
			c.Superiority, c.Quantiles = s.Distribution(m)
			c.Shape = s.Spread.shape(m)
		}
		settle(c, m, seen, l)
	}
	if ms.Overfull {
		out[0].Warnings = append(out[0].Warnings, fmt.Sprintf(
			"more than %d segments; the others are judged in the whole only", MaxSegments))
	}
	return out
}

// averagesText warns of a metric that was told as averages.
const averagesText = "the source tells averages and not how many requests they are of: a rate without counts cannot be judged exactly, " +
	"so it is judged as a level, by how much it wanders"

// pValue is the always-valid p-value by the most evidence so far, which it keeps.
func pValue(peak *float64, logE float64) float64 {
	*peak = math.Max(*peak, round(logE))
	return math.Exp(-*peak)
}

// adjust corrects the p-values of guardrails for their number.
func adjust(all []Comparison) {
	var at []int
	var ps []float64
	for i := range all {
		c := &all[i]
		if c.beside() { // those keep no peak
			c.P = math.Exp(-math.Max(0, c.LogE))
		}
		if c.Severity == release.Guardrail && c.LogThreshold > 0 {
			at, ps = append(at, i), append(ps, c.P)
		}
	}
	for j, p := range stats.Holm(ps) {
		all[at[j]].P = p
	}
}

// settle turns evidence into an outcome. Thresholds compare rounded
// log-evidence, so that another architecture decides alike.
func settle(c *Comparison, m release.Metric, seen sighting, l Look) {
	switch {
	case c.Outcome != "": // deviation and belief have their own
	case c.LogE >= c.LogThreshold:
		c.Outcome, c.Reason = Fail, harmReason(c, m)
	case c.LogPass >= c.LogPassThreshold && !(c.AgainstLimit && c.Effect.Ratio > 1): // never while it is beyond its limit
		c.Outcome, c.Reason = Pass, passReason(c, m)
	default:
		c.Outcome = Wait
		if c.Reason.Code == "" {
			c.Reason = waitReason(c, m)
		}
	}
	if c.Outcome == Fail || c.Segment != "" {
		return
	}
	if r, missing := missing(m, seen); missing {
		c.Outcome, c.Reason = Wait, r
		return
	}
	switch {
	case seen.unlike && !c.AgainstLimit:
		c.Outcome, c.Reason = Wait, release.Reason{Code: release.SampledApart, Text: m.Name + ": the baseline and the candidate are sampled too differently to be compared; " +
			"keep the same share of both arms' errors, and of the rest"}
	case seen.warming:
		c.Outcome = Wait
		c.Reason = release.Reason{Code: release.Warming, Text: m.Name + ": the candidate is warming up; not judged yet"}
	case c.Outcome == Wait && !seen.activeA && !seen.activeB:
		c.Reason = release.Reason{Code: release.Idle, Text: m.Name + ": nothing happened in this look: " + strings.TrimPrefix(c.Reason.Text, m.Name+": ")}
	}
}

// missing says why a metric has no data in this look, where it has none.
func missing(m release.Metric, seen sighting) (release.Reason, bool) {
	if seen.problem != nil {
		return *seen.problem, true
	}
	var arms []string
	if !m.LimitOnly && !seen.hasA {
		arms = append(arms, release.Baseline)
	}
	if !seen.hasB {
		arms = append(arms, release.Candidate)
	}
	if len(arms) == 0 {
		return release.Reason{}, false
	}
	return release.Reason{Code: release.NoData,
		Text: fmt.Sprintf("%s: no data of the %s in this look", m.Name, strings.Join(arms, " and the "))}, true
}

// decide combines comparisons into the verdict: any failing guardrail fails,
// all passing guardrails pass, and otherwise it waits for the one named: one
// without data before one that still collects.
func decide(v *Verdict) {
	var failing, waiting, passing *Comparison
	for i := range v.Comparisons {
		c := &v.Comparisons[i]
		switch {
		case c.Severity == release.Warning:
			if c.Outcome == Fail {
				v.Warns = true
				c.Reason.Code = release.WarningFails
			}
		case c.Outcome == Fail:
			if failing == nil || c.LogE-c.LogThreshold > failing.LogE-failing.LogThreshold {
				failing = c
			}
		case c.Segment != "": // a segment can fail, but nothing waits for it
		case c.beside() && c.Outcome == Pass: // a pass is the metrics' to give
		case c.Outcome == Wait:
			if waiting == nil || patience(c) < patience(waiting) {
				waiting = c
			}
		case passing == nil || c.LogPass < passing.LogPass:
			passing = c
		}
	}
	v.Outcome = Wait
	v.Reason = release.Reason{Code: release.NoData, Text: "no guardrail has been looked at"}
	for _, c := range []*Comparison{passing, waiting, failing} { // the last one wins
		if c != nil {
			v.Outcome, v.Reason, v.Metric, v.Segment = c.Outcome, c.Reason, c.Metric, c.Segment
		}
	}
}

// patience orders comparisons that wait by how near to a pass they are.
func patience(c *Comparison) float64 {
	if c.Reason.Code == release.Collecting {
		return c.LogPass - c.LogPassThreshold
	}
	return math.Inf(-1)
}

// round keeps evidence to six decimals and finite, for the record.
func round(x float64) float64 {
	return math.Round(math.Min(math.Max(x, -1e6), 1e6)*1e6)/1e6 + 0 // + 0 makes -0 plain
}
