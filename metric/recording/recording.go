// Package recording is a metric source that has everything already: series
// recorded as OpenMetrics text with timestamps, as promtool's
// "tsdb create-blocks-from openmetrics" takes it. It lets a release be judged
// as if live, in virtual time: a query sees only what was recorded up to the
// end of its last window.
//
// The observations are those of package series with a known start: a series
// born after the recording's first sample counts from 0.
package recording

import (
	"context"
	"slices"
	"sort"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/metric/series"
	"github.com/linnet-project/linnet/release"
)

// evaluation bounds of gauge expressions.
const (
	evalTimeout = 30 * time.Second
	evalSamples = 10_000_000
)

// Recording is a recording in memory. It is safe for concurrent use.
type Recording struct {
	name   string
	all    []series.Series
	byName map[string][]int
	types  map[string]string
	start  int64
	end    int64
	eval   series.Store
}

// Observe answers q with what was recorded up to the end of its last window.
// An error wraps release.ErrInvalid: the metric does not fit the recording.
func (r *Recording) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	return series.Observe(ctx, source{r}, q, series.Options{Start: time.UnixMilli(r.start)})
}

// Start is the time of the first sample of any series with these labels; false
// where there is none. With a candidate's labels it is when its release began.
func (r *Recording) Start(want map[string]string) (time.Time, bool) {
	first, found := int64(0), false
	for _, s := range r.all {
		if carries(s.Labels, want) && (!found || s.Points[0].T < first) {
			first, found = s.Points[0].T, true
		}
	}
	return time.UnixMilli(first).UTC(), found
}

func carries(l labels.Labels, want map[string]string) bool {
	for name, value := range want {
		if l.Get(name) != value {
			return false
		}
	}
	return true
}

// Begin and End are the times of the first and the last sample.
func (r *Recording) Begin() time.Time { return time.UnixMilli(r.start).UTC() }

// End is the time of the last sample.
func (r *Recording) End() time.Time { return time.UnixMilli(r.end).UTC() }

// Gauge is the last sample at or before a time of the first series of that
// name; false where there is none.
func (r *Recording) Gauge(name string, at time.Time) (float64, bool) {
	for _, i := range r.byName[name] {
		if p := until(r.all[i].Points, at.UnixMilli()); len(p) > 0 {
			return p[len(p)-1].V, true
		}
	}
	return 0, false
}

// until is the part of points at or before t.
func until(points []series.Point, t int64) []series.Point {
	return points[:sort.Search(len(points), func(i int) bool { return points[i].T > t })]
}

// source gives package series access to a recording.
type source struct{ r *Recording }

// Select implements series.Source.
func (s source) Select(_ context.Context, want series.Selector, span series.Span, limit int) (series.Selected, error) {
	var out series.Selected
	for _, i := range s.r.candidates(want.Matchers) {
		one := s.r.all[i]
		if !matches(one.Labels, want.Matchers) {
			continue
		}
		points := until(one.Points, span.To)
		points = points[len(until(points, span.From)):]
		if len(points) == 0 {
			continue
		}
		if len(out.Series) == limit {
			return series.Selected{}, series.TooMany(want.Text, limit)
		}
		out.Series = append(out.Series, series.Series{Labels: one.Labels, Points: points})
	}
	return out, nil
}

// Eval implements series.Source.
func (s source) Eval(ctx context.Context, expression string, at []time.Time) (series.Evaluated, error) {
	return s.r.eval.Eval(ctx, expression, at)
}

// Type implements series.Typed.
func (s source) Type(_ context.Context, family string) string { return s.r.types[family] }

// candidates narrows the series down by name, where the matchers have one.
func (r *Recording) candidates(matchers []*labels.Matcher) []int {
	for _, m := range matchers {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return r.byName[m.Value]
		}
	}
	every := make([]int, len(r.all))
	for i := range every {
		every[i] = i
	}
	return every
}

func matches(l labels.Labels, matchers []*labels.Matcher) bool {
	return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(l.Get(m.Name)) })
}
