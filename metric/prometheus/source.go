package prometheus

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/linnet-project/linnet/metric/series"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// metadataTimeout bounds a question whose answer is only good for a warning.
const metadataTimeout = 2 * time.Second

// Source asks one server. It is safe for concurrent use.
type Source struct {
	web *web.Client

	mu    sync.Mutex
	types map[string]string // what metric families are declared as; "" was asked in vain
	// noExemplars is set once the server turned out to have none to give.
	noExemplars bool
}

// Observe answers q from raw samples. Warnings and infos of the server, such
// as a partial answer, are among the answer's warnings.
func (s *Source) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	a := api{s: s}
	if n := len(q.Windows); n > 0 {
		a.window = q.Windows[n-1].To.Sub(q.Windows[n-1].From)
	}
	got, err := series.Observe(ctx, a, q, series.Options{})
	for i, text := range got.Warnings {
		got.Warnings[i] = s.web.Hidden(text)
	}
	return got, s.web.HiddenIn(err)
}

// api gives package series access to the server.
type api struct {
	s *Source
	// window is how long the windows of the query are.
	window time.Duration
}

// said are the warnings of an answer, and of the server's clock.
func (a api) said(got answer) []string {
	if skew := got.clock.Warning(a.window); skew != "" {
		return append(got.warnings, skew)
	}
	return got.warnings
}

// Select implements series.Source: an instant query for a range of raw samples.
func (a api) Select(ctx context.Context, sel series.Selector, span series.Span, limit int) (series.Selected, error) {
	// Before version 3 a range holds its start, too: that sample is dropped.
	query := fmt.Sprintf("%s[%dms]", sel.Text, span.To-span.From)
	got, err := a.s.ask(ctx, "query", url.Values{
		"query": {query},
		"time":  {seconds(span.To)},
		"limit": {strconv.Itoa(limit + 1)}, // one more tells that there are too many
	}, limit)
	if err != nil {
		return series.Selected{}, err
	}
	if got.kind != "matrix" {
		return series.Selected{}, a.s.web.Strange(got.kind + " for raw samples, want a matrix")
	}
	out := series.Selected{Warnings: a.said(got)}
	for _, one := range got.series {
		one.Points = after(one.Points, span.From, func(p series.Point) int64 { return p.T })
		one.Dists = after(one.Dists, span.From, func(d series.Dist) int64 { return d.T })
		if len(one.Points)+len(one.Dists) > 0 {
			out.Series = append(out.Series, one)
		}
	}
	return out, nil
}

// after drops what lies at or before a time.
func after[T any](samples []T, t int64, of func(T) int64) []T {
	for len(samples) > 0 && of(samples[0]) <= t {
		samples = samples[1:]
	}
	return samples
}

// Eval implements series.Source: one range query where the times are evenly
// spaced, else an instant query for each.
func (a api) Eval(ctx context.Context, expression string, at []time.Time) (series.Evaluated, error) {
	out := series.Evaluated{Vectors: make([][]series.Value, len(at))}
	if step, even := spacing(at); even {
		got, err := a.s.ask(ctx, "query_range", url.Values{
			"query": {expression},
			"start": {seconds(at[0].UnixMilli())},
			"end":   {seconds(at[len(at)-1].UnixMilli())},
			"step":  {seconds(step)},
		}, series.MaxSeries)
		if err != nil {
			return out, err
		}
		index := map[int64]int{}
		for i, t := range at {
			index[t.UnixMilli()] = i
		}
		out.Warnings = a.said(got)
		return out, a.s.spread(got, index, &out)
	}
	for i, t := range at {
		got, err := a.s.ask(ctx, "query", url.Values{"query": {expression}, "time": {seconds(t.UnixMilli())}}, series.MaxSeries)
		if err != nil {
			return out, err
		}
		out.Warnings = append(out.Warnings, a.said(got)...)
		if err := a.s.spread(got, map[int64]int{t.UnixMilli(): i}, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// spread puts values into the vectors of their instants.
func (s *Source) spread(got answer, index map[int64]int, out *series.Evaluated) error {
	if got.kind != "vector" && got.kind != "matrix" {
		return s.web.Strange(got.kind + " for an expression, want a vector")
	}
	for _, one := range got.series {
		if len(one.Dists) > 0 {
			return fmt.Errorf("%s: the expression yields histograms, not numbers: %w", s.web.URL(), release.ErrInvalid)
		}
		for _, p := range one.Points {
			if i, ok := index[p.T]; ok {
				out.Vectors[i] = append(out.Vectors[i], series.Value{Labels: one.Labels, V: p.V})
			}
		}
	}
	return nil
}

// spacing is the distance between times in milliseconds, if it is one.
func spacing(at []time.Time) (int64, bool) {
	if len(at) < 2 {
		return 0, false
	}
	step := at[1].UnixMilli() - at[0].UnixMilli()
	for i := range at[1:] {
		if at[i+1].UnixMilli()-at[i].UnixMilli() != step {
			return 0, false
		}
	}
	return step, step > 0
}

// Exemplars implements series.Exemplary.
func (a api) Exemplars(ctx context.Context, sel series.Selector, span series.Span) []series.Exemplar {
	s := a.s
	s.mu.Lock()
	skip := s.noExemplars
	s.mu.Unlock()
	if skip {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	found, ok := s.exemplars(ctx, sel.Text, span)
	if !ok && ctx.Err() == nil {
		s.mu.Lock()
		s.noExemplars = true
		s.mu.Unlock()
	}
	return found
}

// Type implements series.Typed. Each family is asked for once: what is known
// does not change, and what is not known only misses a warning.
func (a api) Type(ctx context.Context, family string) string {
	s := a.s
	s.mu.Lock()
	known, ok := s.types[family]
	s.mu.Unlock()
	if ok {
		return known
	}
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	is := s.metadata(ctx, family)
	if ctx.Err() != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.types) < series.MaxSeries {
		s.types[family] = is
	}
	return is
}

// seconds writes milliseconds as the API wants times.
func seconds(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', 3, 64) }
