package series

import (
	"cmp"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"

	"github.com/linnet-project/linnet/release"
)

// maxBounds is how many bounds a native histogram is merged down to, and
// maxSchema its finest resolution: four buckets for each doubling.
const (
	maxBounds = 40
	maxSchema = 2
)

// FromHistogram reads the buckets of a native histogram that hold anything.
// Its values below zero, in whatever buckets, are folded into one cell, since
// the measures a release is judged by have none.
func FromHistogram(t int64, h *histogram.FloatHistogram) Dist {
	d := Dist{T: t}
	for it := h.AllBucketIterator(); it.Next(); {
		if b := it.At(); b.Count != 0 {
			d.Cells = append(d.Cells, Cell{Lo: b.Lower, Hi: b.Upper, N: b.Count})
		}
	}
	d.Cells = Fold(d.Cells)
	return d
}

// Fold orders cells and folds those that begin below zero, the zero bucket
// among them, into one that begins at -Inf.
func Fold(cells []Cell) []Cell {
	slices.SortFunc(cells, func(a, b Cell) int { return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Lo, b.Lo)) })
	low := Cell{Lo: math.Inf(-1), Hi: math.Inf(-1)}
	kept := cells[:0]
	for _, c := range cells {
		if c.Lo < 0 {
			low.Hi, low.N = max(low.Hi, c.Hi), low.N+c.N
		} else {
			kept = append(kept, c)
		}
	}
	if low.N == 0 {
		return kept
	}
	return slices.Insert(kept, 0, low)
}

// grown is what a native histogram gained between two samples. If any bucket
// holds less than before, the process began anew and all of it is new. Cells of
// the earlier sample may be finer: a histogram lowers its resolution as it
// fills, and widens its zero bucket.
func grown(before, after []Cell) []Cell {
	out := slices.Clone(after)
	k := 0
	for _, b := range before {
		for k < len(out) && out[k].Hi < b.Hi {
			k++
		}
		if k == len(out) || out[k].Lo > b.Lo {
			return slices.Clone(after)
		}
		out[k].N -= b.N
	}
	for _, c := range out {
		if c.N < 0 {
			return slices.Clone(after)
		}
	}
	return slices.DeleteFunc(out, func(c Cell) bool { return c.N == 0 })
}

// growth is what a series of native histograms gained in each span.
func growth(dists []Dist, spans []Span, from0 bool) [][]Cell {
	gained := make([][]Cell, len(spans))
	k := 0
	for i, d := range dists {
		for k < len(spans) && d.T > spans[k].To {
			k++
		}
		if k == len(spans) {
			break
		}
		if d.T <= spans[k].From {
			continue
		}
		switch {
		case i > 0:
			gained[k] = append(gained[k], grown(dists[i-1].Cells, d.Cells)...)
		case from0:
			gained[k] = append(gained[k], d.Cells...)
		}
	}
	return gained
}

// cells are what one group's native histograms gained in each window.
type cells struct {
	gained  [][]Cell
	all     []float64 // of all cells, by window
	squares []float64 // of what each value stands for, by window
	present []bool
}

// add takes what a series gained in a window, of which it kept a ratio.
func (c *cells) add(w int, gained []Cell, ratio float64) {
	for _, g := range gained {
		g.N /= ratio
		c.gained[w] = append(c.gained[w], g)
		c.all[w] += g.N
		c.squares[w] += g.N / ratio
	}
}

func (l *look) native(tracks []track) []release.Observation {
	l.measure(tracks)
	groups := map[group]*cells{}
	var all []Cell
	for i := range tracks {
		t := &tracks[i]
		gained, ratio := growth(t.Dists, l.spans, l.countFrom0(t)), l.ratioOf(t)
		all = append(all, slices.Concat(gained...)...)
		for _, g := range l.groupsOf(t.arm, t.Labels.Get) {
			c := groups[g]
			if c == nil {
				n := len(l.spans)
				c = &cells{gained: make([][]Cell, n), all: make([]float64, n), squares: make([]float64, n), present: make([]bool, n)}
				groups[g] = c
			}
			l.present(t, c.present)
			for w, v := range gained {
				c.add(w, v, ratio)
			}
		}
	}
	bounds := mergedBounds(all)
	var obs []release.Observation
	each(l, groups, func(w int, g group, c *cells) {
		if !c.present[w] {
			return
		}
		o := l.blank(w, g)
		o.Bounds, o.Counts = slices.Clone(bounds), inBounds(c.gained[w], bounds)
		keepValues(&o, c.all[w], c.squares[w])
		obs = append(obs, o)
	})
	return obs
}

// mergedBounds are bounds that no cell straddles: both edges of every cell, but
// for edges inside a wider cell, merged down to maxBounds. The finest
// resolution that is coarse enough is taken, so that looks differ little.
func mergedBounds(all []Cell) []float64 {
	edges := openEdges(all)
	if !exponential(all) {
		for len(edges) > maxBounds {
			edges = halved(edges)
		}
		return edges
	}
	for schema := maxSchema; ; schema-- {
		coarse := snap(edges, schema)
		if len(coarse) <= maxBounds || schema < -4 {
			return coarse
		}
	}
}

// openEdges are the finite edges of cells that lie inside no other cell.
func openEdges(all []Cell) []float64 {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b Cell) int { return cmp.Compare(a.Lo, b.Lo) })
	var edges []float64
	reach := math.Inf(-1)
	for i, c := range sorted {
		if i == 0 || c.Lo >= reach {
			edges = append(edges, reach, c.Lo)
		}
		reach = max(reach, c.Hi)
	}
	edges = slices.DeleteFunc(append(edges, reach), func(v float64) bool { return !finite(v) })
	slices.Sort(edges)
	return slices.Compact(edges)
}

// exponential says whether cells are those of a standard schema: each reaches
// over a power of two's worth of doublings, and starts at a multiple of it.
// Those nest in every coarser schema; custom bounds need not.
func exponential(all []Cell) bool {
	for _, c := range all {
		if c.Lo < 0 {
			continue // the folded lowest
		}
		schema := math.Round(-math.Log2(math.Log2(c.Hi / c.Lo)))
		if !(schema >= -4 && schema <= 8) {
			return false
		}
		steps := math.Ldexp(math.Log2(c.Hi), int(schema))
		if math.Abs(steps-math.Round(steps)) > 1e-6 {
			return false
		}
	}
	return true
}

// snap widens what lies between edges to the bounds of a schema: the bound at
// or below and at or above each edge.
func snap(edges []float64, schema int) []float64 {
	var out []float64
	for _, e := range edges {
		if e <= 0 {
			out = append(out, e)
			continue
		}
		steps := math.Ldexp(math.Log2(e), schema)
		if near := math.Round(steps); math.Abs(near-steps) < 1e-6 {
			steps = near
		}
		for _, k := range []float64{math.Floor(steps), math.Ceil(steps)} {
			if b := bound(k, schema); finite(b) {
				out = append(out, b)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// bound is 2^(k/2^schema), with the whole powers of two exact.
func bound(k float64, schema int) float64 {
	exponent := math.Ldexp(k, -schema)
	whole, part := math.Modf(exponent)
	return math.Ldexp(math.Exp2(part), int(whole))
}

// halved leaves out every other edge.
func halved(edges []float64) []float64 {
	var out []float64
	for i := 0; i < len(edges); i += 2 {
		out = append(out, edges[i])
	}
	return out
}

// hair is a hair below v: bounds are computed, and a source may spell the same
// bound otherwise in its last digit.
func hair(v float64) float64 {
	if !finite(v) {
		return v
	}
	return v - 1e-12*math.Abs(v)
}

// inBounds counts cells into buckets with an overflow bucket at the end. Sums
// are rounded up to each bound, so that the whole is right.
func inBounds(all []Cell, bounds []float64) []int64 {
	sums := make([]float64, len(bounds)+1)
	for _, c := range all {
		at, _ := slices.BinarySearch(bounds, hair(c.Hi))
		sums[at] += c.N
	}
	counts := make([]int64, len(sums))
	upTo, below := 0.0, int64(0)
	for i, v := range sums {
		upTo += v
		counts[i] = max(whole(upTo), below) - below
		below += counts[i]
	}
	return counts
}
