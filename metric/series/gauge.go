package series

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/release"
)

// levels are the points of one group in each window.
type levels struct {
	points  [][]float64
	present []bool
}

func (l *look) levelsOf(in map[group]*levels, g group) *levels {
	at := in[g]
	if at == nil {
		at = &levels{points: make([][]float64, len(l.spans)), present: make([]bool, len(l.spans))}
		in[g] = at
	}
	return at
}

// gauges reads levels: of a plain selector the mean of each series' samples in
// the window, of an expression what it yields at the window's end. A series
// that is there without a sample in the window adds no point.
func (l *look) gauges(ctx context.Context) ([]release.Observation, error) {
	found := map[group]*levels{}
	if err := l.readLevels(ctx, found); err != nil {
		return nil, err
	}
	if err := l.evalLevels(ctx, found); err != nil {
		return nil, err
	}
	var obs []release.Observation
	each(l, found, func(w int, g group, at *levels) {
		if !at.present[w] {
			return
		}
		o := l.blank(w, g)
		o.Points, o.Averages = at.points[w], l.metric.Averages
		obs = append(obs, o)
	})
	return obs, nil
}

func (l *look) readLevels(ctx context.Context, found map[group]*levels) error {
	tracks, err := l.read(ctx, everySelector)
	if err != nil {
		return err
	}
	if err := l.refuseDists(tracks); err != nil {
		return err
	}
	l.measure(tracks)
	for i := range tracks {
		t := &tracks[i]
		for _, g := range l.groupsOf(t.arm, t.Labels.Get) {
			at := l.levelsOf(found, g)
			l.present(t, at.present)
			for w, s := range l.spans {
				if mean, ok := meanIn(t.Points, s); ok {
					at.points[w] = append(at.points[w], mean)
				}
			}
		}
	}
	return nil
}

func meanIn(points []Point, s Span) (float64, bool) {
	sum, n := 0.0, 0
	for _, p := range points {
		if p.T > s.From && p.T <= s.To {
			sum += p.V
			n++
		}
	}
	return sum / float64(max(n, 1)), n > 0
}

// evalLevels evaluates the expressions of arms whose gauge is one.
func (l *look) evalLevels(ctx context.Context, found map[group]*levels) error {
	at := make([]time.Time, len(l.windows))
	for i, w := range l.windows {
		at[i] = w.To
	}
	for arm, r := range l.reads {
		if r.expression == "" {
			continue
		}
		got, err := l.src.Eval(ctx, r.expression, at)
		if err != nil {
			return fmt.Errorf("metric %s: %w", l.metric.Name, err)
		}
		l.warnings = append(l.warnings, got.Warnings...)
		for w, vector := range got.Vectors {
			slices.SortFunc(vector, func(a, b Value) int { return labels.Compare(a.Labels, b.Labels) })
			for _, v := range vector {
				l.addLevel(found, arm, w, v)
			}
		}
	}
	return nil
}

func (l *look) addLevel(found map[group]*levels, arm, window int, v Value) {
	if !finite(v.V) {
		l.warnings = append(l.warnings, fmt.Sprintf("metric %s: arm %s: NaN or infinite results were skipped", l.metric.Name, l.arms[arm].Name))
		return
	}
	for _, g := range l.groupsOf(arm, v.Labels.Get) {
		at := l.levelsOf(found, g)
		at.present[window] = true
		at.points[window] = append(at.points[window], v.V)
	}
}
