package httpjson

import (
	"cmp"
	"fmt"
	"math"
	"slices"
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
// the metric was there before it already: then it was born, and not only found.
func (f *found) gains(first time.Time) {
	slices.SortStableFunc(f.points, func(a, b point) int { return a.To.Compare(b.To) })
	type key struct {
		series string
		bound  float64
	}
	last := map[key]point{}
	var out []point
	for _, p := range f.points {
		if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
			out = append(out, p) // to be warned of
			continue
		}
		k := key{p.series, p.Bound}
		before, ok := last[k]
		gained := p
		switch {
		case ok && !p.To.After(before.To):
			continue
		case !ok && p.To.Sub(first) <= f.step*3/2:
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
