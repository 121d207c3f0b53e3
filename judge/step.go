package judge

import (
	"fmt"
	"math"
	"strings"

	"github.com/linnet-project/linnet/release"
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

var logPass = math.Log(1 / passLevel)

// Step takes one look: it returns the next state, leaving the one given as it
// was, and the verdict that the state and this look come to.
func Step(cfg Config, s State, l Look) (State, Verdict) {
	next := s.clone(len(cfg.Metrics))
	v := Verdict{At: l.At, Fresh: true, Blind: true}
	for i, m := range cfg.Metrics {
		seen := gather(m, l)
		if len(seen.pairs) > 0 {
			v.Blind = false
		}
		next.Metrics[i].take(m, seen, l)
		if !l.Live {
			continue
		}
		if m.Severity == release.Guardrail && !seen.both {
			v.Fresh = false
		}
		v.Comparisons = append(v.Comparisons, next.Metrics[i].compare(cfg, m, seen, l)...)
	}
	if !l.Live {
		v.Outcome, v.Fresh = Wait, false
		v.Reason = release.Reason{Code: release.Collecting, Text: "the candidate has no traffic yet"}
		return next, v
	}
	decide(&v)
	return next, v
}

// pair is both arms' observations of one window and segment; either may be nil.
type pair struct {
	segment string
	a, b    *release.Observation
}

// sighting is what a look shows of one metric.
type sighting struct {
	pairs []pair
	// both says that the metric as a whole has observations of both arms.
	both    bool
	problem *release.Reason
	anyA    bool
	anyB    bool
}

// gather pairs a look's observations of one metric by window and segment, in
// the order in which they came.
func gather(m release.Metric, l Look) sighting {
	var s sighting
	type key struct {
		segment string
		to      int64
	}
	at := map[key]int{}
	for i := range l.Observations {
		o := &l.Observations[i]
		if o.Metric != m.Name || (o.Arm != release.Baseline && o.Arm != release.Candidate) {
			continue
		}
		k := key{o.Segment, o.Window.To.UnixNano()}
		j, ok := at[k]
		if !ok {
			j = len(s.pairs)
			at[k] = j
			s.pairs = append(s.pairs, pair{segment: o.Segment})
		}
		if o.Arm == release.Baseline {
			s.pairs[j].a = o
			s.anyA = true
		} else {
			s.pairs[j].b = o
			s.anyB = true
		}
		if o.Segment == "" && s.pairs[j].a != nil && s.pairs[j].b != nil {
			s.both = true
		}
	}
	for _, p := range l.Problems {
		if p.Metric == m.Name {
			r := p.Reason
			s.problem = &r
		}
	}
	return s
}

// take folds a look's observations into the metric's evidence.
func (ms *Metric) take(m release.Metric, seen sighting, l Look) {
	ms.register(m, seen)
	for _, p := range seen.pairs {
		s := ms.find(p.segment)
		if s == nil {
			continue
		}
		switch {
		case !l.Live:
			if p.a != nil {
				s.learn(m, p.a)
			}
		case m.Method == release.Deviation:
			s.deviate(m, p)
		default:
			if m.Limit != nil && p.b != nil && !skipWarming(m, l) {
				s.limit(m, p.b, l)
			}
			if !m.LimitOnly && p.a != nil && p.b != nil && !skipWarming(m, l) {
				s.compare(m, p.a, p.b, l)
			}
		}
	}
}

// skipWarming says whether a metric is left alone while the candidate warms up.
func skipWarming(m release.Metric, l Look) bool {
	return l.Warming && (m.Kind == release.Histogram || m.Kind == release.Gauge)
}

// register makes room for segments not seen before. Half of the budget is the
// metric's as a whole; of the other half, four fifths go to the segments seen
// first, equally, and each later one gets half of what is left.
func (ms *Metric) register(m release.Metric, seen sighting) {
	if len(ms.Series) == 0 {
		budget := 1.0
		if len(m.By) > 0 {
			budget = 0.5
			ms.Reserve = 0.1
		}
		ms.Series = []Series{{Budget: budget}}
	}
	first := len(ms.Series) == 1
	for _, p := range seen.pairs {
		if p.segment == "" || ms.find(p.segment) != nil || len(ms.Series) > MaxSegments {
			continue
		}
		s := Series{Segment: p.segment}
		if !first {
			s.Budget = ms.Reserve / 2
			ms.Reserve -= s.Budget
		}
		ms.Series = append(ms.Series, s)
	}
	if first {
		for i := range ms.Series[1:] {
			ms.Series[i+1].Budget = 0.4 / float64(len(ms.Series)-1)
		}
	}
}

func (ms *Metric) find(segment string) *Series {
	for i := range ms.Series {
		if ms.Series[i].Segment == segment {
			return &ms.Series[i]
		}
	}
	return nil
}

// tests counts how many tests of a severity share the false-alarm budget.
func tests(metrics []release.Metric, severity release.Severity) int {
	n := 0
	for _, m := range metrics {
		if m.Severity != severity || m.Method == release.Deviation {
			continue
		}
		if !m.LimitOnly {
			n++
		}
		if m.Limit != nil {
			n++
		}
	}
	return max(n, 1)
}

// compare returns what the metric comes to, as a whole and by segment.
func (ms *Metric) compare(cfg Config, m release.Metric, seen sighting, l Look) []Comparison {
	var out []Comparison
	threshold := math.Log(float64(tests(cfg.Metrics, m.Severity)) / cfg.FalseRollback)
	for i := range ms.Series {
		s := &ms.Series[i]
		own := threshold - math.Log(s.Budget)
		if m.Method == release.Deviation {
			out = append(out, s.deviation(m))
		} else {
			if !m.LimitOnly {
				out = append(out, s.comparison(m, own, l))
			}
			if m.Limit != nil {
				out = append(out, s.limited(m, own, l))
			}
		}
	}
	for i := range out {
		c := &out[i]
		c.Metric, c.Kind, c.Severity = m.Name, m.Kind, m.Severity
		c.LogE, c.LogThreshold = round(c.LogE), round(c.LogThreshold)
		c.LogPass, c.LogPassThreshold = round(c.LogPass), round(c.LogPassThreshold)
		settle(c, m, seen, l)
	}
	return out
}

// settle turns evidence into an outcome. Thresholds compare rounded
// log-evidence, so that another architecture decides alike.
func settle(c *Comparison, m release.Metric, seen sighting, l Look) {
	if c.Outcome == "" {
		switch {
		case c.LogE >= c.LogThreshold:
			c.Outcome = Fail
			c.Reason = harmReason(c, m)
		case c.LogPass >= c.LogPassThreshold:
			c.Outcome = Pass
			c.Reason = passReason(c, m)
		default:
			c.Outcome = Wait
			c.Reason = release.Reason{Code: release.Collecting, Text: collectingText(c, m)}
		}
	}
	if c.Outcome != Fail && c.Segment == "" {
		if r, missing := missing(m, seen); missing {
			c.Outcome, c.Reason = Wait, r
		} else if skipWarming(m, l) {
			c.Outcome = Wait
			c.Reason = release.Reason{Code: release.Warming, Text: m.Name + ": the candidate is warming up; not judged yet"}
		}
	}
}

// missing says why a metric has no data in this look, where it has none.
func missing(m release.Metric, seen sighting) (release.Reason, bool) {
	if seen.problem != nil {
		return *seen.problem, true
	}
	needA := !m.LimitOnly
	var arms []string
	if needA && !seen.anyA {
		arms = append(arms, release.Baseline)
	}
	if !seen.anyB {
		arms = append(arms, release.Candidate)
	}
	if len(arms) == 0 {
		return release.Reason{}, false
	}
	return release.Reason{
		Code: release.NoData,
		Text: fmt.Sprintf("%s: no data of the %s", m.Name, strings.Join(arms, " and the ")),
	}, true
}

// decide combines comparisons into the verdict: any failing guardrail fails,
// all passing guardrails pass, and otherwise it waits for the one named.
func decide(v *Verdict) {
	var worst, waiting, passing *Comparison
	for i := range v.Comparisons {
		c := &v.Comparisons[i]
		if c.Severity == release.Warning {
			if c.Outcome == Fail {
				v.Warns = true
				c.Reason.Code = release.WarningFails
			}
			continue
		}
		switch {
		case c.Outcome == Fail && (worst == nil || c.LogE-c.LogThreshold > worst.LogE-worst.LogThreshold):
			worst = c
		case c.Outcome == Wait && c.Segment == "" && (waiting == nil || c.LogPass-c.LogPassThreshold < waiting.LogPass-waiting.LogPassThreshold):
			waiting = c
		case c.Outcome == Pass && c.Segment == "" && (passing == nil || c.LogPass < passing.LogPass):
			passing = c
		}
	}
	name := func(o Outcome, c *Comparison) {
		v.Outcome, v.Reason, v.Metric, v.Segment = o, c.Reason, c.Metric, c.Segment
	}
	switch {
	case worst != nil:
		name(Fail, worst)
	case waiting != nil:
		name(Wait, waiting)
	case passing != nil:
		name(Pass, passing)
	default:
		v.Outcome = Wait
		v.Reason = release.Reason{Code: release.NoData, Text: "no guardrail has been looked at"}
	}
}

// round keeps evidence to six decimals and finite, for the record.
func round(x float64) float64 {
	return math.Round(math.Min(math.Max(x, -1e6), 1e6)*1e6) / 1e6
}
