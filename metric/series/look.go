package series

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"golang.org/x/sync/errgroup"

	"github.com/linnet-project/linnet/release"
)

const (
	lookback        = 10 * time.Minute // least time before a window in which a base is looked for
	lookbackWindows = 4
	maxWarnings     = 20
	// sparse is how many scrape intervals a series may be silent and is still
	// there: one, and a half for jitter.
	sparse = 1.5
)

// look is one Query under way.
type look struct {
	src     Source
	metric  release.Metric
	arms    []release.Arm
	windows []release.Window
	spans   []Span
	fetch   Span
	start   int64 // since when the source saw everything; math.MinInt64 if unknown

	reads    []reading // by arm
	warnings []string

	first    int64   // time of the earliest sample fetched
	interval []int64 // scrape interval by arm in milliseconds, 0 if unknown
}

// track is a series in its role.
type track struct {
	arm  int
	role role
	Series
	ended int64 // time of a staleness mark after the last sample, else 0
}

func newLook(src Source, q release.Query, opt Options) (*look, error) {
	l := &look{src: src, metric: q.Metric, arms: q.Arms, windows: q.Windows, start: math.MinInt64}
	if len(q.Windows) == 0 || len(q.Arms) == 0 {
		return nil, invalid("metric %s: a query needs an arm and a window", q.Metric.Name)
	}
	if err := Check(q.Metric, q.Arms); err != nil {
		return nil, err
	}
	longest := time.Duration(0)
	for i, w := range q.Windows {
		if !w.From.Before(w.To) || i > 0 && w.From.Before(q.Windows[i-1].To) {
			return nil, invalid("metric %s: window %s to %s is empty or out of order", q.Metric.Name, w.From, w.To)
		}
		longest = max(longest, w.To.Sub(w.From))
		l.spans = append(l.spans, Span{From: w.From.UnixMilli(), To: w.To.UnixMilli()})
	}
	back := max(lookback, lookbackWindows*longest)
	l.fetch = Span{From: l.spans[0].From - back.Milliseconds(), To: l.spans[len(l.spans)-1].To}
	if !opt.Start.IsZero() {
		l.start = opt.Start.UnixMilli()
		l.fetch.From = min(l.fetch.From, l.start-1)
	}
	for _, arm := range q.Arms {
		r, err := compile(q.Metric, arm)
		if err != nil {
			return nil, err
		}
		l.reads = append(l.reads, r)
		l.warnings = append(l.warnings, r.warnings...)
	}
	return l, nil
}

// wanted is one selector to read for an arm.
type wanted struct {
	arm  int
	role role
	Selector
}

// read fetches the series of every arm and role; which selectors of a reading,
// pick says. One fetch covers all windows of the query.
func (l *look) read(ctx context.Context, pick func(reading, role) []Selector) ([]track, error) {
	var want []wanted
	for arm, r := range l.reads {
		for ro := range roles {
			for _, s := range pick(r, ro) {
				want = append(want, wanted{arm, ro, s})
			}
		}
	}
	got := make([]Selected, len(want))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for i, w := range want {
		g.Go(func() (err error) {
			got[i], err = l.src.Select(ctx, w.Selector, l.fetch, MaxSeries)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("metric %s: %w", l.metric.Name, err)
	}
	var tracks []track
	for i, s := range got {
		l.warnings = append(l.warnings, s.Warnings...)
		for _, one := range s.Series {
			tracks = append(tracks, track{arm: want[i].arm, role: want[i].role, Series: one})
		}
	}
	return tracks, l.settle(&tracks)
}

// settle puts tracks in one order, refuses series that belong to two arms,
// drops doubles of a union, and cleans the samples.
func (l *look) settle(tracks *[]track) error {
	slices.SortStableFunc(*tracks, func(a, b track) int {
		if a.role != b.role {
			return int(a.role - b.role)
		}
		if c := labels.Compare(a.Labels, b.Labels); c != 0 {
			return c
		}
		return a.arm - b.arm
	})
	kept, skipped := (*tracks)[:0], 0
	for i, t := range *tracks {
		if i > 0 && len(kept) > 0 {
			last := kept[len(kept)-1]
			if last.role == t.role && labels.Equal(last.Labels, t.Labels) {
				if last.arm != t.arm {
					return invalid("metric %s: series %s belongs to arm %s and to arm %s: give the arms labels that tell them apart",
						l.metric.Name, t.Labels, l.arms[last.arm].Name, l.arms[t.arm].Name)
				}
				continue
			}
		}
		skipped += t.clean()
		if len(t.Points) > 0 || len(t.Dists) > 0 {
			kept = append(kept, t)
		}
	}
	if skipped > 0 {
		l.warnings = append(l.warnings, fmt.Sprintf("metric %s: %d samples were NaN or infinite and were skipped", l.metric.Name, skipped))
	}
	*tracks = kept
	return nil
}

// measure learns from the samples how often each arm is scraped, and since
// when the source was watching.
func (l *look) measure(tracks []track) {
	l.first = math.MaxInt64
	l.interval = make([]int64, len(l.arms))
	gaps := make([][]int64, len(l.arms))
	for _, t := range tracks {
		first, n := t.at(0), t.len()
		l.first = min(l.first, first)
		if n > 1 {
			gaps[t.arm] = append(gaps[t.arm], t.at(n/2)-t.at(n/2-1), t.at(n-1)-t.at(n-2))
		}
	}
	all := median(slices.Concat(gaps...))
	for arm := range l.arms {
		if l.interval[arm] = median(gaps[arm]); l.interval[arm] == 0 {
			l.interval[arm] = all
		}
	}
}

func median(of []int64) int64 {
	if len(of) == 0 {
		return 0
	}
	slices.Sort(of)
	return of[len(of)/2]
}

func (t *track) len() int { return max(len(t.Points), len(t.Dists)) }

func (t *track) at(i int) int64 {
	if len(t.Dists) > 0 {
		return t.Dists[i].T
	}
	return t.Points[i].T
}

// countFrom0 says whether a series whose first sample is at t was born under
// the eyes of the source (see the package comment).
func (l *look) countFrom0(t *track) bool {
	first := t.at(0)
	if l.start != math.MinInt64 {
		return first > l.start
	}
	step := float64(l.interval[t.arm])
	return step > 0 && float64(first-l.first) > sparse*step
}

// present says in which windows a series is there.
func (l *look) present(t *track, mark []bool) {
	grace := int64(sparse * float64(l.interval[t.arm]))
	for i, s := range l.spans {
		n := sort.Search(t.len(), func(k int) bool { return t.at(k) > s.To })
		if n == 0 {
			continue
		}
		last := t.at(n - 1)
		gone := n == t.len() && t.ended != 0 && t.ended <= s.To
		if last > s.From || !gone && s.To-last < grace {
			mark[i] = true
		}
	}
}

// answer orders and trims the warnings.
func (l *look) answer(obs []release.Observation) release.Answer {
	slices.Sort(l.warnings)
	w := slices.Compact(l.warnings)
	if len(w) > maxWarnings {
		w = append(w[:maxWarnings:maxWarnings], fmt.Sprintf("and %d more warnings", len(w)-maxWarnings))
	}
	if len(w) == 0 {
		w = nil
	}
	return release.Answer{Observations: obs, Warnings: w}
}
