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
