package series

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/linnet-project/linnet/release"
)

// maxSamples is how many samples of a store one selector may load: about 160 MB.
const maxSamples = 10_000_000

// Store is the Source of a store of Prometheus' own make with its engine.
type Store struct {
	Queryable storage.Queryable
	Engine    *promql.Engine
}

// NewEngine makes a PromQL engine that takes no longer than timeout and no
// more than samples samples for one expression.
func NewEngine(timeout time.Duration, samples int) *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		MaxSamples:           samples,
		Timeout:              timeout,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		Parser:               parser.NewParser(parser.Options{}),
	})
}

// Select implements Source.
func (st Store) Select(ctx context.Context, s Selector, span Span, limit int) (Selected, error) {
	from := span.From + 1
	q, err := st.Queryable.Querier(from, span.To)
	if err != nil {
		return Selected{}, unreadable(ctx, s.Text, err)
	}
	defer q.Close()
	hints := &storage.SelectHints{Start: from, End: span.To, DisableTrimming: false}
	set := q.Select(ctx, true, hints, s.Matchers...)
	var out Selected
	var it chunkenc.Iterator
	samples := 0
	for set.Next() {
		if len(out.Series) == limit {
			return Selected{}, TooMany(s.Text, limit)
		}
		one := set.At()
		it = one.Iterator(it)
		got := Series{Labels: one.Labels().Copy()}
		if err := got.load(it, span); err != nil {
			return Selected{}, unreadable(ctx, s.Text, err)
		}
		if samples += max(len(got.Points), len(got.Dists)); samples > maxSamples {
			return Selected{}, invalid("%s has more than %d samples in %s; narrow the selector", s.Text, maxSamples,
				time.Duration(span.To-span.From)*time.Millisecond)
		}
		out.Series = append(out.Series, got)
	}
	out.Warnings = texts(set.Warnings())
	if err := set.Err(); err != nil {
		return Selected{}, unreadable(ctx, s.Text, err)
	}
	return out, nil
}

func (s *Series) load(it chunkenc.Iterator, span Span) error {
	var h *histogram.FloatHistogram
	for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
		if t := it.AtT(); t <= span.From || t > span.To {
			continue
		}
		if kind == chunkenc.ValFloat {
			t, v := it.At()
			s.Points = append(s.Points, Point{t, v})
			continue
		}
		var t int64
		if t, h = it.AtFloatHistogram(h); !value.IsStaleNaN(h.Sum) {
			s.Dists = append(s.Dists, FromHistogram(t, h))
		}
	}
	return it.Err()
}

// Eval implements Source.
func (st Store) Eval(ctx context.Context, expression string, at []time.Time) (Evaluated, error) {
	var out Evaluated
	for _, t := range at {
		q, err := st.Engine.NewInstantQuery(ctx, st.Queryable, nil, expression, t)
		if err != nil {
			return Evaluated{}, invalid("%s: %v", expression, err)
		}
		vector, warnings, err := result(q.Exec(ctx))
		q.Close()
		if err != nil {
			return Evaluated{}, failed(ctx, expression, err)
		}
		out.Vectors = append(out.Vectors, vector)
		out.Warnings = append(out.Warnings, warnings...)
	}
	return out, nil
}

// result copies what a query yields, whose memory is used again.
func result(r *promql.Result) ([]Value, []string, error) {
	vector, err := r.Vector()
	if err != nil {
		return nil, nil, err
	}
	if len(vector) > MaxSeries {
		return nil, nil, TooMany("the expression", MaxSeries)
	}
	var values []Value
	for _, s := range vector {
		if s.H != nil {
			return nil, nil, invalid("the expression yields histograms, not numbers")
		}
		values = append(values, Value{Labels: s.Metric.Copy(), V: s.F})
	}
	return values, texts(r.Warnings), nil
}

func texts(a annotations.Annotations) []string {
	warnings, _ := a.AsStrings("", maxWarnings, 0)
	return warnings
}

// unreadable is the error of a store that could not be read.
func unreadable(ctx context.Context, what string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return fmt.Errorf("%s: %w: %w", what, err, release.ErrUnavailable)
}

// failed gives an error of the engine its meaning: an expression that cannot
// be evaluated stays so, a store that cannot be read may come back.
func failed(ctx context.Context, what string, err error) error {
	var store promql.ErrStorage
	var timeout promql.ErrQueryTimeout
	var cancelled promql.ErrQueryCanceled
	switch {
	case errors.Is(err, release.ErrInvalid):
		return fmt.Errorf("%s: %w", what, err)
	case ctx.Err() != nil, errors.As(err, &store), errors.As(err, &timeout), errors.As(err, &cancelled):
		return unreadable(ctx, what, err)
	}
	return invalid("%s: %v", what, err)
}
