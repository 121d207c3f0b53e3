package series

import (
	"context"
	"fmt"

	"github.com/linnet-project/linnet/release"
)

// Observe answers a query from the raw samples of a source, by the rules of
// the package comment. Observations come in order of window, segment ("" first)
// and arm. An error wraps one of the meanings of release and names the metric.
func Observe(ctx context.Context, src Source, q release.Query, opt Options) (release.Answer, error) {
	l, err := newLook(src, q, opt)
	if err != nil {
		return release.Answer{}, err
	}
	if ctx.Err() != nil {
		return release.Answer{}, unreadable(ctx, "metric "+q.Metric.Name, nil)
	}
	var obs []release.Observation
	switch q.Metric.Kind {
	case release.Ratio, release.Count:
		obs, err = l.counts(ctx)
	case release.Histogram:
		obs, err = l.histograms(ctx)
	case release.Gauge:
		obs, err = l.gauges(ctx)
	}
	if err != nil {
		return release.Answer{}, err
	}
	if len(obs) > 0 {
		l.checkType(ctx)
	}
	a := l.answer(obs)
	a.Exemplars = l.traces(ctx, obs)
	return a, nil
}

// tally is what one group's counters gained in each window, by role, and
// whether they were there.
type tally struct {
	gained  [roles][]float64
	raw     [roles][]float64 // the same before what was sampled is scaled up
	present [roles][]bool
}

func (l *look) newTally() *tally {
	t := &tally{}
	for r := range roles {
		t.gained[r] = make([]float64, len(l.spans))
		t.raw[r] = make([]float64, len(l.spans))
		t.present[r] = make([]bool, len(l.spans))
	}
	return t
}

func everySelector(r reading, ro role) []Selector { return r.selectors[ro] }

func (l *look) counts(ctx context.Context) ([]release.Observation, error) {
	tracks, err := l.read(ctx, everySelector)
	if err != nil {
		return nil, err
	}
	if err := l.refuseDists(tracks); err != nil {
		return nil, err
	}
	l.measure(tracks)
	if err := l.exact(tracks); err != nil {
		return nil, err
	}
	l.falling(tracks)
	tallies := map[group]*tally{}
	for i := range tracks {
		t := &tracks[i]
		gained, ratio := increase(t.Points, l.spans, l.countFrom0(t)), l.ratioOf(t)
		for _, g := range l.groupsOf(t.arm, t.Labels.Get) {
			sum := tallies[g]
			if sum == nil {
				sum = l.newTally()
				tallies[g] = sum
			}
			l.present(t, sum.present[t.role])
			for w, v := range gained {
				sum.gained[t.role][w] += v / ratio
				sum.raw[t.role][w] += v
			}
		}
	}
	var obs []release.Observation
	each(l, tallies, func(w int, g group, t *tally) {
		if o, ok := l.counted(w, g, t); ok {
			obs = append(obs, o)
		}
	})
	return obs, nil
}

// counted makes one observation of a tally; false where the arm is not there.
func (l *look) counted(w int, g group, t *tally) (release.Observation, bool) {
	o := l.blank(w, g)
	o.Events = whole(t.gained[events][w])
	hasEvents, hasOf := t.present[events][w], t.present[outOf][w]
	if l.metric.Of == "" {
		t.keep(&o, w)
		return o, hasEvents
	}
	o.Of = max(t.gained[outOf][w], 0)
	if l.metric.Kind == release.Count {
		t.keep(&o, w)
		return o, hasEvents || hasOf
	}
	if !hasOf {
		if hasEvents {
			l.warnings = append(l.warnings, fmt.Sprintf("metric %s: arm %s has series of bad but none of of", l.metric.Name, l.arms[g.arm].Name))
		}
		return o, false
	}
	if all := whole(o.Of); o.Events > all {
		l.warnings = append(l.warnings, fmt.Sprintf("metric %s: arm %s has %d bad events out of %d: of must count the bad ones, too",
			l.metric.Name, l.arms[g.arm].Name, o.Events, all))
		o.Events = all
	}
	if t.keep(&o, w); float64(o.Kept.Events) > o.Kept.Of {
		o.Kept.Events = int64(o.Kept.Of)
	}
	return o, true
}

// blank is an observation that says only what and when.
func (l *look) blank(w int, g group) release.Observation {
	return release.Observation{Metric: l.metric.Name, Segment: g.segment, Arm: l.arms[g.arm].Name, Window: l.windows[w]}
}

func (l *look) refuseDists(tracks []track) error {
	for _, t := range tracks {
		if len(t.Dists) > 0 {
			return invalid("metric %s: %s is a native histogram: ask for it as a histogram", l.metric.Name, t.Labels)
		}
	}
	return nil
}
