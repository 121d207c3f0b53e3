package judge

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
)

// pair is both arms' observations of one window and segment; either may be nil.
type pair struct {
	segment string
	to      int64
	a, b    *release.Observation
	torn    bool // an arm has two observations that differ
}

// from is when the pair's window begins.
func (p pair) from() time.Time {
	if p.b != nil {
		return p.b.Window.From
	}
	return p.a.Window.From
}

// sighting is what a look shows of one metric.
type sighting struct {
	pairs   []pair // by time, then by segment
	problem *release.Reason
	// hasA and hasB say that there are observations of an arm at all, activeA
	// and activeB that something happened in the metric as a whole.
	hasA, hasB       bool
	activeA, activeB bool
	// warming says that the newest window shows a candidate that warms up.
	warming bool
	// unlike says that the arms are sampled too differently to be compared.
	unlike bool
	// averages says that the source told averages, and not what they are of.
	averages bool
}

// gather pairs a look's observations of one metric by window and segment.
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
		if !usable(m, o) || !possible(m, o) {
			s.problem = &release.Reason{Code: release.SourceInvalid, Text: fmt.Sprintf(
				"%s: the source gave numbers for the %s that cannot be (negative, not finite, buckets that do not match their bounds, or more counted than there is)", m.Name, o.Arm)}
			continue
		}
		k := key{o.Segment, o.Window.To.UnixNano()}
		j, ok := at[k]
		if !ok {
			j = len(s.pairs)
			at[k] = j
			s.pairs = append(s.pairs, pair{segment: o.Segment, to: k.to})
		}
		s.see(m, o, &s.pairs[j])
		s.averages = s.averages || o.Averages
	}
	s.pairs = slices.DeleteFunc(s.pairs, func(p pair) bool { return p.torn })
	slices.SortFunc(s.pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(a.segment, b.segment))
	})
	if n := len(s.pairs); n > 0 {
		s.warming = skipWarming(m, l, s.pairs[n-1])
	}
	for i := range l.Problems {
		if l.Problems[i].Metric == m.Name {
			s.problem = &l.Problems[i].Reason
		}
	}
	return s
}

func (s *sighting) see(m release.Metric, o *release.Observation, p *pair) {
	active := o.Segment == "" && happened(m, o)
	before := p.b
	if o.Arm == release.Baseline {
		before = p.a
	}
	if before != nil && !alike(before, o) {
		p.torn = true
		s.problem = &release.Reason{Code: release.SourceInvalid, Text: fmt.Sprintf(
			"%s: the source gave the %s two different numbers for one window; neither counts", m.Name, o.Arm)}
	}
	if o.Arm == release.Baseline {
		p.a, s.hasA, s.activeA = o, true, s.activeA || active
	} else {
		p.b, s.hasB, s.activeB = o, true, s.activeB || active
	}
}

// alike says that two observations tell the same, so that one of them is one too
// many.
func alike(a, b *release.Observation) bool {
	return a.Events == b.Events && a.Of == b.Of && a.Kept == b.Kept && slices.Equal(a.Bounds, b.Bounds) &&
		slices.Equal(a.Counts, b.Counts) && slices.Equal(a.Points, b.Points)
}

// fresh says that the metric as a whole has data of every arm it needs.
func (s *sighting) fresh(m release.Metric) bool {
	return s.activeB && (s.activeA || m.LimitOnly)
}

// sighted says that a metric can be seen at all: before the candidate has
// traffic any data does, then a guardrail needs the series of every arm, idle
// or not. A candidate whose series are gone cannot be watched.
func (s *sighting) sighted(m release.Metric, l Look) bool {
	if !l.Live {
		return len(s.pairs) > 0
	}
	return m.Severity == release.Guardrail && s.hasB && (s.hasA || m.LimitOnly)
}

// mostLevel bounds levels and bounds, so that sums of them stay finite.
const mostLevel = 1e100

// usable says whether an observation's numbers can be what they are said to be.
func usable(m release.Metric, o *release.Observation) bool {
	finite := func(x float64) bool { return math.Abs(x) < mostLevel } // false for NaN, too
	switch m.Kind {
	case release.Gauge:
		for _, p := range o.Points {
			if !finite(p) {
				return false
			}
		}
		return true
	case release.Histogram:
		if len(o.Counts) != len(o.Bounds)+1 {
			return false
		}
		for i, b := range o.Bounds {
			if !finite(b) || (i > 0 && b <= o.Bounds[i-1]) {
				return false
			}
		}
		for _, n := range o.Counts {
			if n < 0 {
				return false
			}
		}
		return true
	}
	return o.Events >= 0 && o.Of >= 0 && o.Of < math.MaxInt64/exposureGrain
}

// happened says whether anything happened that tells of the metric: an idle
// arm has observations of nothing.
func happened(m release.Metric, o *release.Observation) bool {
	switch m.Kind {
	case release.Gauge:
		return len(o.Points) > 0
	case release.Histogram:
		return total(o.Counts) > 0
	case release.Ratio:
		return o.Of > 0
	}
	return o.Of > 0 || m.Of == "" && o.Window.To.After(o.Window.From)
}

func total(counts []int64) int64 {
	sum := int64(0)
	for _, n := range counts {
		sum += n
	}
	return sum
}
