package series

import (
	"cmp"
	"context"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/release"
)

// maxExemplars is how many trace ids an answer holds.
const maxExemplars = 10

// Exemplar is one request that a program chose to remember: its value, and the
// id of its trace.
type Exemplar struct {
	T     int64
	V     float64
	Trace string
}

// Exemplary is a Source that may keep exemplars. That it has none, or cannot
// tell now, is no error: they decide nothing.
type Exemplary interface {
	Exemplars(ctx context.Context, s Selector, span Span) []Exemplar
}

// TraceOf finds the trace id among an exemplar's labels, under the names in
// use; "" if there is none.
func TraceOf(l labels.Labels) string {
	return cmp.Or(l.Get("trace_id"), l.Get("traceID"), l.Get("traceId"), l.Get("TraceID"))
}

// traces are those of the candidate's bad or slow requests, newest first: of a
// histogram the slowest that were remembered.
func (l *look) traces(ctx context.Context, obs []release.Observation) []string {
	src, ok := l.src.(Exemplary)
	arm := slices.IndexFunc(l.arms, func(a release.Arm) bool { return a.Name == release.Candidate })
	if !ok || arm < 0 || !slices.ContainsFunc(obs, harmed) {
		return nil
	}
	span := Span{From: l.spans[0].From, To: l.fetch.To}
	var found []Exemplar
	for _, s := range l.reads[arm].selectors[events] {
		for _, e := range src.Exemplars(ctx, s, span) {
			if e.Trace != "" && e.T > span.From && e.T <= span.To {
				found = append(found, e)
			}
		}
	}
	if l.metric.Kind == release.Histogram {
		slices.SortStableFunc(found, func(a, b Exemplar) int { return cmp.Compare(b.V, a.V) })
		found = found[:min(len(found), maxExemplars)]
	}
	slices.SortStableFunc(found, func(a, b Exemplar) int {
		return cmp.Or(cmp.Compare(b.T, a.T), cmp.Compare(a.Trace, b.Trace))
	})
	var ids []string
	for _, e := range found {
		if !slices.Contains(ids, e.Trace) && len(ids) < maxExemplars {
			ids = append(ids, e.Trace)
		}
	}
	return ids
}

// harmed says whether there is a request of the candidate's to look at.
func harmed(o release.Observation) bool {
	return o.Arm == release.Candidate && (o.Events > 0 || slices.ContainsFunc(o.Counts, func(n int64) bool { return n > 0 }))
}
