package series

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/release"
)

// histograms reads the classic buckets of a histogram where any arm has them,
// else native histograms of that name.
func (l *look) histograms(ctx context.Context) ([]release.Observation, error) {
	classic, err := l.read(ctx, func(r reading, ro role) []Selector { return r.selectors[ro][:min(1, len(r.selectors[ro]))] })
	if err != nil {
		return nil, err
	}
	missing := len(l.arms)
	for arm := range l.arms {
		if slices.ContainsFunc(classic, func(t track) bool { return t.arm == arm }) {
			missing--
		}
	}
	if missing == 0 {
		return l.classic(classic)
	}
	native, err := l.read(ctx, func(r reading, ro role) []Selector { return r.selectors[ro][min(1, len(r.selectors[ro])):] })
	if err != nil {
		return nil, err
	}
	dists := slices.DeleteFunc(slices.Clone(native), func(t track) bool { return len(t.Dists) == 0 })
	switch {
	case len(classic) == 0 && len(dists) > 0:
		return l.native(dists), nil
	case len(classic) == 0 && len(native) > 0:
		return nil, invalid("metric %s: %s is no histogram: it has neither %s%s series nor native buckets",
			l.metric.Name, l.reads[0].histogram, l.reads[0].histogram, bucketSuffix)
	case len(dists) > 0:
		l.warnings = append(l.warnings, fmt.Sprintf("metric %s: arm %s has only a native histogram, which cannot be compared with classic buckets",
			l.metric.Name, l.arms[dists[0].arm].Name))
	}
	return l.classic(classic)
}

// bucketed is a series of a classic histogram with its bound.
type bucketed struct {
	*track
	bound float64
	rest  uint64 // hash of the labels without le: the histogram it is part of
}

// cumulative is what one group's buckets gained in each window, by bound.
type cumulative struct {
	gained  [][]float64 // by bound, by window
	raw     [][]float64 // the same before what was sampled is scaled up
	squares []float64   // of what each value stands for, by window
	present []bool
}

func (l *look) classic(tracks []track) ([]release.Observation, error) {
	l.measure(tracks)
	if err := l.exact(tracks); err != nil {
		return nil, err
	}
	buckets, err := l.buckets(tracks)
	if err != nil || len(buckets) == 0 {
		return nil, err
	}
	bounds := l.commonBounds(buckets)
	if len(bounds) == 0 {
		l.warnings = append(l.warnings, fmt.Sprintf("metric %s: the histograms share no bucket bound", l.metric.Name))
		return nil, nil
	}
	sums := map[group]*cumulative{}
	for _, b := range buckets {
		at, ok := slices.BinarySearch(bounds, b.bound)
		if ok {
			l.addBucket(sums, b, at, len(bounds))
		}
	}
	finiteBounds := bounds
	if math.IsInf(bounds[len(bounds)-1], 1) {
		finiteBounds = bounds[:len(bounds)-1]
	}
	var obs []release.Observation
	each(l, sums, func(w int, g group, c *cumulative) {
		if !c.present[w] {
			return
		}
		if c.torn(w) {
			l.warnings = append(l.warnings, fmt.Sprintf("metric %s: the buckets of arm %s do not fit together in the window until %s, which was left out",
				l.metric.Name, l.arms[g.arm].Name, l.windows[w].To.UTC().Format("15:04:05")))
			return
		}
		o := l.blank(w, g)
		o.Bounds = slices.Clone(finiteBounds)
		o.Counts = c.perBucket(w, len(finiteBounds)+1)
		keepValues(&o, c.gained[len(bounds)-1][w], c.squares[w])
		obs = append(obs, o)
	})
	return obs, nil
}

func (l *look) buckets(tracks []track) ([]bucketed, error) {
	var out []bucketed
	var buf []byte
	for i := range tracks {
		t := &tracks[i]
		if len(t.Dists) > 0 {
			return nil, invalid("metric %s: %s holds native histograms under the name of a bucket", l.metric.Name, t.Labels)
		}
		bound, err := strconv.ParseFloat(t.Labels.Get(labels.BucketLabel), 64)
		if err != nil || math.IsNaN(bound) {
			l.warnings = append(l.warnings, fmt.Sprintf("metric %s: %s has no bound in le and was skipped", l.metric.Name, t.Labels))
			continue
		}
		var rest uint64
		rest, buf = t.Labels.HashWithoutLabels(buf, model.MetricNameLabel, labels.BucketLabel)
		out = append(out, bucketed{track: t, bound: bound, rest: rest})
	}
	return out, nil
}

// commonBounds are the bounds that every histogram present in a window has, in
// rising order. Counts up to a common bound can be added whatever lies between.
func (l *look) commonBounds(buckets []bucketed) []float64 {
	layouts := map[uint64][]float64{}
	for _, b := range buckets {
		mark := make([]bool, len(l.spans))
		if l.present(b.track, mark); slices.Contains(mark, true) {
			key := b.rest + uint64(b.arm) // any mix of the two will do
			layouts[key] = append(layouts[key], b.bound)
		}
	}
	count := map[float64]int{}
	for _, bounds := range layouts {
		slices.Sort(bounds)
		for _, b := range slices.Compact(bounds) {
			count[b]++
		}
	}
	var common []float64
	for b, n := range count {
		if n == len(layouts) {
			common = append(common, b)
		}
	}
	if len(common) < len(count) {
		l.warnings = append(l.warnings, fmt.Sprintf("metric %s: histograms with different buckets: only their %d common bounds are compared",
			l.metric.Name, len(common)))
	}
	slices.Sort(common)
	return common
}

func (l *look) addBucket(sums map[group]*cumulative, b bucketed, at, bounds int) {
	gained, ratio := increase(b.Points, l.spans, l.countFrom0(b.track)), l.ratioOf(b.track)
	for _, g := range l.groupsOf(b.arm, b.Labels.Get) {
		c := sums[g]
		if c == nil {
			n := len(l.spans)
			c = &cumulative{gained: make([][]float64, bounds), raw: make([][]float64, bounds), squares: make([]float64, n), present: make([]bool, n)}
			for i := range c.gained {
				c.gained[i], c.raw[i] = make([]float64, n), make([]float64, n)
			}
			sums[g] = c
		}
		l.present(b.track, c.present)
		for w, v := range gained {
			c.gained[at][w] += v / ratio
			c.raw[at][w] += v
			if at == bounds-1 {
				c.squares[w] += v / ratio / ratio
			}
		}
	}
}

// A cumulative count may fall short of its lower neighbour's by so much, as a
// scrape that raced with the program leaves it.
const (
	raced      = 10
	racedShare = 0.1
)

// torn says whether a window's cumulative counts fall by more than a race
// explains: a bucket that went away, or began anew alone.
func (c *cumulative) torn(w int) bool {
	below := 0.0
	for i := range c.raw {
		upTo := c.raw[i][w]
		if below-upTo > raced+racedShare*below {
			return true
		}
		below = max(below, upTo)
	}
	return false
}

// perBucket turns cumulative counts into counts of n buckets. A cumulative
// count below its neighbour's (a scrape that raced with the program) is raised.
func (c *cumulative) perBucket(w, n int) []int64 {
	counts := make([]int64, n)
	below := int64(0)
	for i := range c.gained {
		upTo := max(whole(c.gained[i][w]), below)
		counts[i] = upTo - below
		below = upTo
	}
	return counts
}
