package judge

import (
	"slices"

	"github.com/linnet-project/linnet/release"
)

// Own is what the baseline of a release did beside its candidate, by one metric:
// what later releases' baselines can be held beside.
type Own struct {
	side   Side
	lower  bool
	bounds []float64 // of a histogram, whose values are counted by bucket
	counts []int64
}

// Own gives what the baseline did so far, before anything is known an N of 0.
func (s *Series) Own(m release.Metric) Own {
	switch {
	case m.Kind == release.Histogram && s.Spread != nil:
		return Own{bounds: slices.Clone(s.Spread.Bounds), counts: slices.Clone(s.Spread.A), lower: m.Worse == release.Lower}
	case m.Kind == release.Gauge && s.Level != nil:
		p := s.Level.A
		return Own{side: Side{N: p.N, Value: p.mean()}}
	case m.Kind != release.Histogram && len(s.Shares) > 0:
		return Own{side: side(m, s.all(0).A)}
	}
	return Own{}
}

// tailShare is about how many values lie beyond the bound that stands for a
// histogram where nothing else says which.
const tailShare = 0.01

// Tail is a bound of a histogram beyond which the fewest values lie that are still
// a hundredth of all; where none has so many, the first. 0 for what has no bounds.
// ok is false where nothing is known.
func (o Own) Tail() (bound float64, ok bool) {
	if o.bounds == nil {
		return 0, o.side.N > 0
	}
	fewest := 2.0
	for n, b := range o.bounds {
		side, known := o.At(b)
		ok = ok || known
		if n == 0 || known && side.Value >= tailShare && side.Value <= fewest {
			bound, fewest = b, side.Value
		}
	}
	return bound, ok
}

// At is an arm's figures: of a histogram the share of values beyond a bound. ok is
// false where nothing is known, or not at that bound.
func (o Own) At(bound float64) (_ Side, ok bool) {
	if o.bounds == nil {
		return o.side, o.side.N > 0
	}
	if len(o.counts) != len(o.bounds)+1 || !slices.Contains(o.bounds, bound) {
		return Side{}, false
	}
	sum, _ := beyond(&release.Observation{Bounds: o.bounds, Counts: o.counts}, bound, o.lower)
	return Side{N: sum.Trials, Events: sum.Events, Value: over(float64(sum.Events), float64(sum.Trials))}, sum.Trials > 0
}
