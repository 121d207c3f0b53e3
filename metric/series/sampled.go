package series

import (
	"fmt"
	"strconv"

	"github.com/linnet-project/linnet/release"
)

// SampleRatio is the label of series that count only a sample: the share of the
// events that was kept, above 0 and at most 1. It is no label of arms or
// segments.
const SampleRatio = "sample_ratio"

// ratioOf is the share that a series keeps, 1 where it has no such label.
func (l *look) ratioOf(t *track) float64 {
	text := t.Labels.Get(SampleRatio)
	if text == "" {
		return 1
	}
	ratio, err := strconv.ParseFloat(text, 64)
	if err != nil || !(ratio > 0 && ratio <= 1) {
		l.warnings = append(l.warnings, fmt.Sprintf("metric %s: a series of arm %s has %s=%.20q, which is no share above 0 and at most 1: it counts as it is",
			l.metric.Name, l.arms[t.arm].Name, SampleRatio, text))
		return 1
	}
	return ratio
}

// keep says what was really counted of a ratio or a count: nothing where that is
// all.
func (t *tally) keep(o *release.Observation, w int) {
	if t.raw[events][w] >= t.gained[events][w] && t.raw[outOf][w] >= t.gained[outOf][w] {
		return
	}
	o.Kept = release.Kept{Events: min(whole(t.raw[events][w]), o.Events), Of: min(max(t.raw[outOf][w], 0), o.Of)}
}

// keepValues says as how many values drawn alike those of a histogram tell, where
// a value stands for several: all is the sum of what they stand for, squares that
// of its squares.
func keepValues(o *release.Observation, all, squares float64) {
	if squares <= all || all <= 0 {
		return
	}
	counted := int64(0)
	for _, n := range o.Counts {
		counted += n
	}
	o.Kept.Of = min(all*all/squares, float64(counted))
}
