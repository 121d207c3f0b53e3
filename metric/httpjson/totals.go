package httpjson

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// rows gives what was found, with totals and cumulative buckets taken apart.
// First is when anything of the metric was there.
func (f *found) rows(first time.Time) ([]rows.Row, error) {
	if f.seen == 0 {
		return nil, nil
	}
	if f.looked > 0 {
		if err := f.lacking(); err != nil {
			return nil, err
		}
	}
	if f.armed == 0 {
		f.warnings = append(f.warnings, fmt.Sprintf("metric %s: none of the answer's %d rows is of an arm; one of them says %s", f.q.Metric.Name, f.seen, f.noted))
	}
	if text := f.outside.Warning(f.seen); text != "" {
		f.warnings = append(f.warnings, "metric "+f.q.Metric.Name+": "+text)
	}
	if f.Totals && f.q.Metric.Kind != release.Gauge {
		f.gains(first)
	}
	if f.Cumulative && f.q.Metric.Kind == release.Histogram {
		f.apart()
	}
	out := make([]rows.Row, len(f.points))
	for i := range f.points {
		out[i] = f.points[i].Row
		out[i].To = f.points[i].ends
	}
	return out, nil
}

// lacking tells of columns that no row has: an error where it has none of them.
func (f *found) lacking() error {
	for i, ok := range f.filled {
		if ok {
			continue
		}
		name := cmp.Or(f.columns[i].name, f.value.text, "a value")
		if len(f.points) == 0 && !slices.Contains(f.filled, true) {
			return fmt.Errorf("no row of the answer has %s (they have: %s): %w", name, web.Clip(f.sample), release.ErrInvalid)
		}
		f.warnings = append(f.warnings, fmt.Sprintf("metric %s: no row of the answer has %s (they have: %s)", f.q.Metric.Name, name, web.Clip(f.sample)))
	}
	return nil
}

// gains turns running totals into what was gained since the one before. The
// first of a series sets the base, but counts from zero where another series of
// the metric was there before it already: then it was born, and not only found;
// unless an earlier answer had it, from which it was away for longer than is
// looked back.
func (f *found) gains(first time.Time) {
	slices.SortStableFunc(f.points, func(a, b point) int { return a.To.Compare(b.To) })
	last := map[total]point{}
	var out []point
	for _, p := range f.points {
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
			out = append(out, p) // to be warned of
			continue
		}
		k := total{f.q.Metric.Name, p.series, p.Bound}
		before, ok := last[k]
		back := !ok && f.sighted.before(k, p.To)
		gained := p
		switch {
		case ok && !p.To.After(before.To):
			continue
		case back, !ok && p.To.Sub(first) <= f.step*3/2:
			last[k] = p
			continue
		case ok && p.Value >= before.Value:
			gained.Value -= before.Value
		}
		last[k] = p
		out = append(out, gained)
	}
	f.points = out
}

// total is one running total of a metric.
type total struct {
	metric, series string
	bound          float64
}

// maxSighted bounds the totals that are remembered; any beyond counts as if it
// had not been seen before.
const maxSighted = 100_000

// sightings are when running totals were first seen. It is safe for concurrent
// use.
type sightings struct {
	mu    sync.Mutex
	first map[total]time.Time
}

// before tells whether a total was seen before a time, at which it is seen now. To
// ask again about the same stretch does not change the answer.
func (s *sightings) before(k total, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, ok := s.first[k]
	switch {
	case ok && first.Before(at):
		return true
	case !ok && len(s.first) >= maxSighted:
		return false
	case s.first == nil:
		s.first = map[total]time.Time{}
	}
	s.first[k] = at
	return false
}

// apart takes from each bucket what its lower neighbour counts.
func (f *found) apart() {
	type key struct {
		series string
		to     time.Time
	}
	groups := map[key][]int{}
	for i, p := range f.points {
		k := key{p.series, p.To.UTC()}
		groups[k] = append(groups[k], i)
	}
	for _, group := range groups {
		slices.SortFunc(group, func(a, b int) int { return cmp.Compare(f.points[a].Bound, f.points[b].Bound) })
		below := 0.0
		for _, i := range group {
			v := f.points[i].Value
			f.points[i].Value = max(0, v-below)
			below = max(below, v)
		}
	}
}
