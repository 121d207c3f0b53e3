package fold

import (
	"math"
	"math/big"
	"math/bits"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
)

const (
	// firstSchema has eight buckets for each doubling: a value is known within 5 %.
	firstSchema = 3
	lastSchema  = -4
	// mostBuckets is where resolution is given up for size.
	mostBuckets = 320
	zeroUpTo    = 2.938735877055719e-39 // 2^-128, as Prometheus' clients have it
)

// dist is a distribution of values in exponential buckets. What it holds does not
// depend on the order in which values came.
type dist struct {
	schema int32
	n      uint64
	zero   uint64
	sum    fixed
	pos    map[int32]uint64
	neg    map[int32]uint64
}

func newDist() *dist {
	return &dist{schema: firstSchema, pos: map[int32]uint64{}, neg: map[int32]uint64{}}
}

// add adds a value n times.
func (d *dist) add(v float64, n uint64) {
	d.n += n
	d.sum.add(v, n)
	switch {
	case math.Abs(v) <= zeroUpTo:
		d.zero += n
		return
	case v > 0:
		d.pos[bucketOf(v, d.schema)] += n
	default:
		d.neg[bucketOf(-v, d.schema)] += n
	}
	d.fit()
}

// bounds are those of the buckets of firstSchema from a half to one, as Prometheus
// has them to the last bit: 2^(i/8) / 2.
var bounds = [...]float64{
	0.5, 0.5452538663326288, 0.5946035575013605, 0.6484197773255048,
	0.7071067811865475, 0.7711054127039704, 0.8408964152537144, 0.9170040432046711,
}

// bucketOf is the bucket whose upper bound, 2^(i/2^schema), is the first that v
// does not exceed.
func bucketOf(v float64, schema int32) int32 {
	frac, exp := math.Frexp(v) // v = frac * 2^exp, frac in [0.5, 1)
	i := int32((exp - 1) * len(bounds))
	for _, bound := range bounds {
		if frac > bound {
			i++
		}
	}
	for range firstSchema - schema {
		i = (i + 1) >> 1
	}
	return i
}

// fit halves the resolution until the buckets are few enough.
func (d *dist) fit() {
	for len(d.pos)+len(d.neg) > mostBuckets && d.schema > lastSchema {
		d.coarsen()
	}
}

func (d *dist) coarsen() {
	d.schema--
	d.pos, d.neg = halved(d.pos), halved(d.neg)
}

func halved(m map[int32]uint64) map[int32]uint64 {
	out := make(map[int32]uint64, len(m))
	for i, n := range m {
		out[(i+1)>>1] += n
	}
	return out
}

// merge adds what another distribution holds, and may coarsen both.
func (d *dist) merge(o *dist) {
	for d.schema > o.schema {
		d.coarsen()
	}
	for o.schema > d.schema {
		o.coarsen()
	}
	d.n += o.n
	d.zero += o.zero
	d.sum.plus(o.sum)
	for i, n := range o.pos {
		d.pos[i] += n
	}
	for i, n := range o.neg {
		d.neg[i] += n
	}
	d.fit()
}

// histogram is the distribution as a native histogram.
func (d *dist) histogram() *histogram.Histogram {
	h := &histogram.Histogram{Schema: d.schema, ZeroThreshold: zeroUpTo, ZeroCount: d.zero, Count: d.n, Sum: d.sum.float()}
	h.PositiveSpans, h.PositiveBuckets = spansOf(d.pos)
	h.NegativeSpans, h.NegativeBuckets = spansOf(d.neg)
	return h
}

func sortedKeys(m map[int32]uint64) []int32 {
	keys := make([]int32, 0, len(m))
	for i := range m {
		keys = append(keys, i)
	}
	slices.Sort(keys)
	return keys
}

// spansOf writes counts as spans of neighbours, and differences between them.
func spansOf(m map[int32]uint64) (spans []histogram.Span, deltas []int64) {
	last, before := int32(0), int64(0)
	for _, i := range sortedKeys(m) {
		if len(spans) > 0 && i == last+1 {
			spans[len(spans)-1].Length++
		} else {
			offset := i
			if len(spans) > 0 {
				offset = i - last - 1
			}
			spans = append(spans, histogram.Span{Offset: offset, Length: 1})
		}
		n := int64(m[i])
		deltas = append(deltas, n-before)
		last, before = i, n
	}
	return spans, deltas
}

// fixed is a sum in steps of 2^-30, in 128 bits: it comes out the same in
// whatever order values are added, which a sum of floats does not.
type fixed struct {
	hi int64
	lo uint64
}

const fraction = 30

func (f *fixed) add(v float64, times uint64) {
	size := math.RoundToEven(math.Ldexp(math.Abs(v), fraction)) // below 2^80
	hi := math.Floor(size / (1 << 64))
	over, lo := bits.Mul64(uint64(size-hi*(1<<64)), times)
	o := fixed{hi: int64(uint64(hi)*times + over), lo: lo}
	if v < 0 {
		o.hi, o.lo = ^o.hi, ^o.lo
		o.plus(fixed{lo: 1})
	}
	f.plus(o)
}

func (f *fixed) plus(o fixed) {
	lo, carry := bits.Add64(f.lo, o.lo, 0)
	f.lo = lo
	f.hi += o.hi + int64(carry)
}

func (f fixed) float() float64 {
	b := new(big.Int).Lsh(big.NewInt(f.hi), 64)
	b.Add(b, new(big.Int).SetUint64(f.lo))
	v, _ := new(big.Float).SetInt(b).Float64()
	return math.Ldexp(v, -fraction)
}
