package series

import (
	"context"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/release"
)

// observed is a program's native histogram: values in exponential buckets.
type observed struct {
	schema             int32
	zero               float64
	positive, negative map[int32]float64 // counts by index
	values             []float64
}

func newObserved(schema int32) *observed {
	return &observed{schema: schema, positive: map[int32]float64{}, negative: map[int32]float64{}}
}

func (o *observed) observe(v float64) {
	o.values = append(o.values, v)
	index := int32(math.Ceil(math.Ldexp(math.Log2(math.Abs(v)), int(o.schema))))
	switch {
	case v == 0:
		o.zero++
	case v > 0:
		o.positive[index]++
	default:
		o.negative[index]++
	}
}

// snapshot is what a scrape sees, at a resolution lowered so many times.
func (o *observed) snapshot(t int64, lowered int32) Dist {
	h := &histogram.FloatHistogram{Schema: o.schema, ZeroThreshold: 2.938735877055719e-39, ZeroCount: o.zero, Count: float64(len(o.values))}
	h.PositiveSpans, h.PositiveBuckets = spansOf(o.positive)
	h.NegativeSpans, h.NegativeBuckets = spansOf(o.negative)
	return FromHistogram(t, h.CopyToSchema(o.schema-lowered))
}

func spansOf(counts map[int32]float64) (spans []histogram.Span, buckets []float64) {
	next := int32(0)
	for _, index := range slices.Sorted(maps.Keys(counts)) {
		spans = append(spans, histogram.Span{Offset: index - next, Length: 1})
		buckets = append(buckets, counts[index])
		next = index + 1
	}
	return spans, buckets
}

// countIn counts values the slow way.
func countIn(values, bounds []float64) []int64 {
	counts := make([]int64, len(bounds)+1)
	for _, v := range values {
		i := 0
		for i < len(bounds) && v > bounds[i] {
			i++
		}
		counts[i]++
	}
	return counts
}

func observeNative(t interface{ Fatal(...any) }, from, to int, s ...Series) []release.Observation {
	m := release.Metric{Name: "latency", Kind: release.Histogram, Events: "h"}
	a, err := Observe(context.Background(), memory(s), release.Query{Metric: m, Arms: testArms,
		Windows: []release.Window{{From: at(from), To: at(to)}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return a.Observations
}

// Whatever is observed, with whatever resolution, zeroes and negatives, each
// bucket holds exactly the values between its bounds.
func TestNativeBucketsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []Series
		want := map[string][]float64{}
		for _, version := range []string{"stable", "canary"} {
			for _, instance := range []string{"a", "b"} {
				o := newObserved(rapid.Int32Range(-1, 8).Draw(t, "schema"))
				lowered := int32(0)
				// Off the bounds, where a last digit decides.
				value := rapid.Custom(func(t *rapid.T) float64 {
					v := math.Exp2(rapid.Float64Range(-20, 12).Draw(t, "log")) * 1.0001
					return v * rapid.SampledFrom([]float64{1, 1, 1, 1, 0, -1}).Draw(t, "sign")
				})
				s := Series{Labels: labels.FromStrings("__name__", "h", "version", version, "instance", instance)}
				for n := range 4 {
					for _, v := range rapid.SliceOfN(value, 0, 20).Draw(t, "values") {
						o.observe(v)
						if n >= 2 {
							want[version] = append(want[version], v)
						}
					}
					lowered += rapid.SampledFrom([]int32{0, 0, 1}).Draw(t, "lower")
					s.Dists = append(s.Dists, o.snapshot(at(10*n).UnixMilli(), lowered))
				}
				all = append(all, s)
			}
		}
		for i, o := range observeNative(t, 15, 35, all...) {
			version := []string{"stable", "canary"}[i]
			if exact := countIn(want[version], o.Bounds); !slices.Equal(o.Counts, exact) {
				t.Fatalf("%s: bounds %v: counts %v, want %v", version, o.Bounds, o.Counts, exact)
			}
			if len(o.Bounds) > 2*maxBounds {
				t.Fatalf("%d bounds", len(o.Bounds))
			}
		}
	})
}

func TestNativeRestart(t *testing.T) {
	first, second := newObserved(3), newObserved(3)
	for range 5 {
		first.observe(1.5)
	}
	s := Series{Labels: labels.FromStrings("__name__", "h", "version", "stable")}
	s.Dists = append(s.Dists, first.snapshot(at(0).UnixMilli(), 0), first.snapshot(at(10).UnixMilli(), 0))
	for range 7 { // more than before in all, in another bucket
		second.observe(3)
	}
	s.Dists = append(s.Dists, second.snapshot(at(20).UnixMilli(), 0))
	obs := observeNative(t, 10, 20, s)
	if len(obs) != 1 || len(obs[0].Bounds) != 2 || !slices.Equal(obs[0].Counts, []int64{0, 7, 0}) {
		t.Errorf("got %+v, want 7 between two bounds and nothing else", obs)
	}
}

// custom is a native histogram with custom bounds (schema -53).
func custom(t int64, bounds []float64, counts ...float64) Dist {
	h := &histogram.FloatHistogram{Schema: histogram.CustomBucketsSchema, CustomValues: bounds,
		PositiveSpans: []histogram.Span{{Length: uint32(len(counts))}}, PositiveBuckets: counts}
	for _, c := range counts {
		h.Count += c
	}
	return FromHistogram(t, h)
}

func TestNativeWithCustomBounds(t *testing.T) {
	bounds := []float64{0.1, 0.3, 1, 7}
	s := Series{Labels: labels.FromStrings("__name__", "h", "version", "stable"), Dists: []Dist{
		custom(at(0).UnixMilli(), bounds, 1, 1, 1, 1, 1),
		custom(at(10).UnixMilli(), bounds, 2, 3, 1, 5, 8),
	}}
	obs := observeNative(t, 0, 10, s)
	// Nothing fell between 0.3 and 1: both are there, and so is the gap.
	if len(obs) != 1 || !slices.Equal(obs[0].Bounds, []float64{0.1, 0.3, 1, 7}) || !slices.Equal(obs[0].Counts, []int64{1, 2, 0, 4, 7}) {
		t.Errorf("got %+v", obs)
	}
}

func TestClassicGoesBeforeNative(t *testing.T) {
	native := Series{Labels: labels.FromStrings("__name__", "h", "version", "stable"),
		Dists: []Dist{custom(at(0).UnixMilli(), []float64{1}, 1, 1), custom(at(10).UnixMilli(), []float64{1}, 9, 9)}}
	obs := observeNative(t, 0, 10, native,
		counter(`h_bucket{version="stable",le="5"}`, 0, 0, 10, 3), counter(`h_bucket{version="stable",le="+Inf"}`, 0, 0, 10, 4))
	if len(obs) != 1 || !slices.Equal(obs[0].Bounds, []float64{5}) || !slices.Equal(obs[0].Counts, []int64{3, 1}) {
		t.Errorf("got %+v, want the classic buckets", obs)
	}
}
