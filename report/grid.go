package report

import (
	"math"
	"slices"
	"sort"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// Bounds of a grid: how many stretches it has at most and, however many tracks
// there are, at least before two are made one; and how many buckets of a histogram
// it keeps, as many as the judge does.
const (
	mostStretches  = 2000
	leastStretches = 100
	mostBuckets    = 40
)

// What a cell of each kind takes, in bytes.
const (
	endBytes, cellBytes, countBytes, figuresBytes = 8, 16, 4, 36
)

// grid is a release cut into stretches of as many looks each, with what was
// observed and reckoned in each of them. Where there are more stretches than its
// bytes allow, neighbours become one.
type grid struct {
	bytes int // what all cells may take
	start int64
	// looks is how many looks a stretch has, filled how many the last one has.
	looks, filled int
	ends          []int64 // milliseconds since 1970
	measures      []*measure
	lines         []*line
}

// measure is what both arms did, of one metric and segment.
type measure struct {
	metric  int // in the plan
	segment string
	arms    [2]seen
	bounds  []float64 // of a histogram
}

// seen is what one arm did: a cell for each stretch, and of a histogram one for
// each stretch and bucket.
type seen struct {
	cells  []cell
	counts []uint32
}

// cell is events out of trials, or a sum of so many points.
type cell struct{ of, sum float64 }

// line is what was reckoned of one metric and segment against one thing.
type line struct {
	metric, segment, against string
	cells                    []figures
}

// figures are what a look's comparison came to; NaN stands for what is not known.
type figures struct {
	told                              bool
	ratio, low, high                  float32
	difference, differLow, differHigh float32
	evidence, forPass                 float32
}

// open gives the stretch of a look that ends at a time, and begins it where it is
// a new one.
func (g *grid) open(end int64) {
	last := len(g.ends) - 1
	if last >= 0 && (g.filled < g.looks || end <= g.ends[last]) {
		g.filled++
		g.ends[last] = max(g.ends[last], end)
		return
	}
	g.ends, g.filled = append(g.ends, end), 1
	g.lengthen()
	for len(g.ends) > g.most() {
		g.halve()
	}
}

// most is how many stretches there may be.
func (g *grid) most() int {
	return min(max(g.bytes/g.each(), leastStretches), mostStretches)
}

// each is how many bytes a stretch takes.
func (g *grid) each() int {
	each := endBytes + len(g.lines)*figuresBytes
	for _, m := range g.measures {
		each += len(m.arms) * (cellBytes + countBytes*m.width())
	}
	return each
}

// lengthen gives every track as many cells as there are stretches.
func (g *grid) lengthen() {
	n := len(g.ends)
	for _, m := range g.measures {
		m.lengthen(n)
	}
	for _, l := range g.lines {
		l.cells = longer(l.cells, n)
	}
}

func longer[T any](cells []T, n int) []T { return append(cells, make([]T, max(0, n-len(cells)))...) }

func (m *measure) lengthen(n int) {
	for i := range m.arms {
		m.arms[i].cells = longer(m.arms[i].cells, n)
		m.arms[i].counts = longer(m.arms[i].counts, n*m.width())
	}
}

// width is how many buckets a stretch has; 0 for all but histograms.
func (m *measure) width() int {
	if m.bounds == nil {
		return 0
	}
	return len(m.bounds) + 1
}

// halve makes one of each two stretches.
func (g *grid) halve() {
	if len(g.ends)%2 == 0 {
		g.filled += g.looks
	}
	g.looks *= 2
	g.ends = joined(g.ends, 2, later)
	for _, m := range g.measures {
		*m = m.joined(2)
	}
	for _, l := range g.lines {
		l.cells = joined(l.cells, 2, figures.then)
	}
}

// later is the end of two stretches.
func later(_, end int64) int64 { return end }

// joined makes one cell of each k.
func joined[T any](cells []T, k int, then func(T, T) T) []T {
	out := make([]T, 0, (len(cells)+k-1)/k)
	for i, c := range cells {
		if i%k == 0 {
			out = append(out, c)
			continue
		}
		out[len(out)-1] = then(out[len(out)-1], c)
	}
	return out
}

func (m *measure) joined(k int) measure {
	out := *m
	w := m.width()
	for i, arm := range m.arms {
		out.arms[i].cells = joined(arm.cells, k, func(a, b cell) cell { return cell{a.of + b.of, a.sum + b.sum} })
		counts := make([]uint32, len(out.arms[i].cells)*w)
		for j, n := range arm.counts {
			at := &counts[j/w/k*w+j%w]
			*at = added(*at, int64(n))
		}
		out.arms[i].counts = counts
	}
	return out
}

// added adds to a count, up to the most that it holds.
func added(to uint32, n int64) uint32 {
	return uint32(min(max(int64(to)+n, 0), math.MaxUint32))
}

// then is what two stretches come to: what the later one knew, and the most
// evidence of both.
func (f figures) then(next figures) figures {
	switch {
	case !next.told:
		return f
	case !f.told:
		return next
	}
	next.evidence, next.forPass = most(f.evidence, next.evidence), most(f.forPass, next.forPass)
	return next
}

func most(a, b float32) float32 {
	if math.IsNaN(float64(a)) || b > a {
		return b
	}
	return a
}

// figuresOf are those of a comparison.
func figuresOf(c *judge.Comparison) figures {
	nan := float32(math.NaN())
	f := figures{told: true, ratio: nan, low: nan, high: nan, difference: nan, differLow: nan, differHigh: nan, evidence: nan, forPass: nan}
	if e := c.Effect; e.Ratio > 0 {
		f.ratio = float32(e.Ratio)
	}
	if c.Effect.Low > 0 {
		f.low = float32(c.Effect.Low)
	}
	if !c.Effect.Unbounded && c.Effect.High > 0 {
		f.high = float32(c.Effect.High)
	}
	if c.Effect.DifferenceLow < c.Effect.DifferenceHigh {
		f.difference, f.differLow, f.differHigh = float32(c.Effect.Difference), float32(c.Effect.DifferenceLow), float32(c.Effect.DifferenceHigh)
	}
	if c.LogThreshold > 0 {
		f.evidence = float32(c.LogE / c.LogThreshold)
	}
	if c.LogPassThreshold > 0 && against(c) != againstPast {
		f.forPass = float32(c.LogPass / c.LogPassThreshold)
	}
	return f
}

// reckoned keeps a comparison in the stretch that is open.
func (g *grid) reckoned(l *line, c *judge.Comparison) {
	l.cells = longer(l.cells, len(g.ends))
	last := len(l.cells) - 1
	l.cells[last] = l.cells[last].then(figuresOf(c))
}

// observed adds an observation to the stretch that it ended in. weight is the
// candidate's at the time.
func (g *grid) observed(m *measure, kind release.Metric, o *release.Observation, weight release.Weight) {
	at := o.Window.To.UnixMilli()
	if at <= g.start || len(g.ends) == 0 {
		return // the first look tells the past as well, which is no part of the release
	}
	i := min(sort.Search(len(g.ends), func(i int) bool { return g.ends[i] >= at }), len(g.ends)-1)
	arm := 0
	if o.Arm != release.Baseline {
		arm = 1
	}
	if kind.Kind == release.Histogram && m.bounds == nil {
		m.bounds = thinned(o.Bounds)
	}
	m.lengthen(len(g.ends))
	c := &m.arms[arm].cells[i]
	switch kind.Kind {
	case release.Gauge:
		for _, p := range o.Points {
			c.sum += p
		}
		c.of += float64(len(o.Points))
	case release.Histogram:
		w := m.width()
		m.count(m.arms[arm].counts[i*w:(i+1)*w], o)
	case release.Count:
		c.sum += float64(o.Events)
		c.of += exposure(kind, o, weight)
	default:
		c.sum += float64(o.Events)
		c.of += math.Max(o.Of, float64(o.Events))
	}
}

// exposure is what the events of a count are out of: what the source says, or
// seconds of the arm's share of the traffic.
func exposure(m release.Metric, o *release.Observation, weight release.Weight) float64 {
	if m.Of != "" || o.Of > 0 {
		return o.Of
	}
	if o.Arm == release.Baseline {
		weight = release.Whole - weight
	}
	return o.Window.To.Sub(o.Window.From).Seconds() * float64(weight) / float64(release.Whole)
}

// thinned are the bounds that are kept, chosen as the judge chooses those that it
// compares by, so that its bounds are among them.
func thinned(bounds []float64) []float64 {
	if len(bounds) == 0 {
		return nil
	}
	step := (len(bounds) + mostBuckets - 1) / mostBuckets
	var out []float64
	for i := step - 1; i < len(bounds); i += step {
		out = append(out, bounds[i])
	}
	return slices.Clip(out)
}

// count adds an observation's values to a stretch, each to the bucket that holds
// the upper bound of its own.
func (m *measure) count(into []uint32, o *release.Observation) {
	for i, n := range o.Counts {
		at := len(m.bounds)
		if i < len(o.Bounds) {
			at = sort.SearchFloat64s(m.bounds, o.Bounds[i])
		}
		if at < len(into) {
			into[at] = added(into[at], n)
		}
	}
}
