package recording

import (
	"context"
	"sort"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/linnet-project/linnet/metric/series"
)

// queryable shows a recording to the PromQL engine, which never asks it for
// anything later than the instant it evaluates.
type queryable struct{ r *Recording }

func (q queryable) Querier(mint, maxt int64) (storage.Querier, error) {
	return querier{r: q.r, span: series.Span{From: mint - 1, To: maxt}}, nil
}

type querier struct {
	r    *Recording
	span series.Span
}

func (q querier) Select(ctx context.Context, _ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	got, err := source{q.r}.Select(ctx, series.Selector{Matchers: matchers, Text: "the expression"}, q.span, series.MaxSeries)
	sort.Slice(got.Series, func(i, j int) bool { return labels.Compare(got.Series[i].Labels, got.Series[j].Labels) < 0 })
	return &set{series: got.Series, at: -1, err: err}
}

func (q querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (q querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return nil, nil, nil
}

func (q querier) Close() error { return nil }

// set is the series of one selection.
type set struct {
	series []series.Series
	at     int
	err    error
}

func (s *set) Next() bool                        { s.at++; return s.err == nil && s.at < len(s.series) }
func (s *set) Err() error                        { return s.err }
func (s *set) Warnings() annotations.Annotations { return nil }
func (s *set) At() storage.Series {
	one := s.series[s.at]
	return &storage.SeriesEntry{Lset: one.Labels, SampleIteratorFn: func(chunkenc.Iterator) chunkenc.Iterator {
		return storage.NewListSeriesIterator(samples(one.Points))
	}}
}

// samples are points in the form that the engine iterates over.
type samples []series.Point

func (s samples) Len() int                { return len(s) }
func (s samples) Get(i int) chunks.Sample { return sample{s[i]} }

// sample is one point in that form, never a histogram.
type sample struct{ at series.Point }

func (s sample) T() int64                      { return s.at.T }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.at.V }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }
