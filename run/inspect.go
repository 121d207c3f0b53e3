package run

import (
	"fmt"
	"math"
	"slices"

	"github.com/linnet-project/linnet/release"
)

// inspect holds an answer to what was asked before it may become evidence. An
// answer that cannot be is refused as a whole, and named: nonsense proves
// neither harm nor health. Only single points of a gauge that are no numbers
// are left out, since a source may well have some.
func inspect(q release.Query, a release.Answer) (release.Answer, error) {
	if n := len(a.Observations); n > maxObservations {
		return release.Answer{}, nonsense("%d observations, at most %d are taken; ask for fewer segments", n, maxObservations)
	}
	out := release.Answer{Warnings: a.Warnings, Exemplars: a.Exemplars}
	seen := map[place]bool{}
	numbers, odd := 0, 0
	for _, o := range a.Observations {
		if numbers += len(o.Bounds) + len(o.Counts) + len(o.Points); numbers > maxNumbers {
			return release.Answer{}, nonsense("more than %d numbers; narrow the selector", maxNumbers)
		}
		if err := misplaced(q, o); err != nil {
			return release.Answer{}, err
		}
		at := place{o.Arm, o.Segment, o.Window.To.UnixNano()}
		if seen[at] {
			return release.Answer{}, nonsense("two observations of arm %q, segment %q, for the same window", o.Arm, o.Segment)
		}
		seen[at] = true
		if err := malformed(q.Metric.Kind, o); err != nil {
			return release.Answer{}, err
		}
		if q.Metric.Kind == release.Gauge {
			points := len(o.Points)
			o.Points = levels(o.Points)
			odd += points - len(o.Points)
			if len(o.Points) == 0 {
				continue
			}
		}
		out.Observations = append(out.Observations, o)
	}
	if odd > 0 {
		out.Warnings = append([]string{fmt.Sprintf("%s: %d points are no numbers, or beyond %g, and are left out", q.Metric.Name, odd, maxLevel)}, a.Warnings...)
	}
	return out, nil
}

// place is what an answer may have one observation of.
type place struct {
	arm, segment string
	to           int64
}

func nonsense(format string, args ...any) error {
	return fmt.Errorf("the source answered nonsense: "+format+": %w", append(args, release.ErrInvalid)...)
}

// misplaced says what was not asked for about an observation.
func misplaced(q release.Query, o release.Observation) error {
	switch {
	case o.Metric != q.Metric.Name:
		return nonsense("an observation of metric %.100q", o.Metric)
	case !slices.ContainsFunc(q.Arms, func(a release.Arm) bool { return a.Name == o.Arm }):
		return nonsense("an observation of arm %.100q", o.Arm)
	case len(o.Segment) > maxSegmentText:
		return nonsense("a segment %.100q… of %d bytes, at most %d are taken", o.Segment, len(o.Segment), maxSegmentText)
	case !slices.ContainsFunc(q.Windows, func(w release.Window) bool { return w.From.Equal(o.Window.From) && w.To.Equal(o.Window.To) }):
		return nonsense("an observation of a window that was not asked for, up to %s", o.Window.To)
	}
	return nil
}

// malformed says what cannot be true of an observation of a kind.
func malformed(kind release.Kind, o release.Observation) error {
	switch kind {
	case release.Ratio, release.Count:
		switch {
		case o.Events < 0 || o.Events > maxCount:
			return nonsense("%d events in a window", o.Events)
		case !(o.Of >= 0 && o.Of <= maxCount): // NaN is neither
			return nonsense("events out of %g in a window", o.Of)
		}
	case release.Histogram:
		return malformedBuckets(o)
	}
	return nil
}

func malformedBuckets(o release.Observation) error {
	if len(o.Counts) != len(o.Bounds)+1 {
		return nonsense("a histogram of %d counts for %d bounds, expected one more", len(o.Counts), len(o.Bounds))
	}
	for i, b := range o.Bounds {
		if math.IsNaN(b) || math.IsInf(b, 0) || i > 0 && b <= o.Bounds[i-1] {
			return nonsense("the bounds of a histogram are not numbers that rise (%g)", b)
		}
	}
	sum := int64(0)
	for _, n := range o.Counts {
		if n < 0 || n > maxCount || sum > maxCount {
			return nonsense("%d values in a bucket", n)
		}
		sum += n
	}
	return nil
}

// levels are the points that are numbers. Those next to zero are zero, so that
// a quotient of two is a number too.
func levels(points []float64) []float64 {
	var out []float64
	for _, p := range points {
		switch size := math.Abs(p); {
		case !(size <= maxLevel): // NaN too
		case size < 1/maxLevel:
			out = append(out, 0)
		default:
			out = append(out, p)
		}
	}
	return out
}
