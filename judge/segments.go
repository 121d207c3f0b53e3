package judge

import "math"

// How a metric that is judged by segments divides its false-alarm budget: half
// is the metric's as a whole, four tenths are shared equally by the segments
// known when the candidate gets its traffic, and a tenth is left for those that
// come later, the j-th of which gets 1/(j(j+1)) of it.
const (
	wholeBudget = 0.5
	knownBudget = 0.4
	lateBudget  = 0.1
)

// register makes room for segments not seen before, and divides the budget as
// soon as the candidate has traffic.
func (ms *Metric) register(bySegment bool, pairs []pair, live bool) {
	if len(ms.Series) == 0 {
		ms.Series = []Series{{Budget: 1}}
		if bySegment {
			ms.Series[0].Budget = wholeBudget
		}
	}
	for _, p := range pairs {
		if p.segment == "" || ms.find(p.segment) != nil {
			continue
		}
		if len(ms.Series) > MaxSegments {
			ms.Overfull = true
			continue
		}
		ms.Series = append(ms.Series, Series{Segment: p.segment})
	}
	if !live {
		return
	}
	segments := ms.Series[1:]
	known := float64(len(segments))
	for i := range segments {
		switch {
		case segments[i].Budget > 0:
		case ms.Funded:
			ms.Late++
			segments[i].Budget = lateBudget / float64(ms.Late*(ms.Late+1))
		default:
			segments[i].Budget = knownBudget / known
		}
	}
	ms.Funded = ms.Funded || len(segments) > 0
}

func (ms *Metric) find(segment string) *Series {
	for i := range ms.Series {
		if ms.Series[i].Segment == segment {
			return &ms.Series[i]
		}
	}
	return nil
}

// threshold is the log evidence at which a series fails, where the metric's
// whole budget asks for base.
func (s *Series) threshold(base float64) float64 { return base - math.Log(s.Budget) }
