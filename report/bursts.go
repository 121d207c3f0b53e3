package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
)

// What counts as a burst: so many events more than expected at least, and so many
// standard deviations; at most this part of the release, since harm all along is
// none; and how many are told.
const (
	leastBurst   = 5
	clearBurst   = 4
	longestBurst = 0.5
	mostBursts   = 5
	// lent is how many events the baseline's rate over all of the release lends to
	// the one of a stretch: a few there say little.
	lent = 5
)

// bursts finds the stretches in which the candidate's excess of events
// concentrates: again and again the run in which the most events lie beyond twice
// what the baseline's rate of that time would have given.
func (g *grid) bursts(of *measure, m release.Metric, bound float64) []Burst {
	a, b := of.events(0, m, bound), of.events(1, m, bound)
	n := min(len(a), len(b), len(g.ends))
	var all cell
	traffic := 0
	for i := range n {
		if b[i].of > 0 {
			all.of, all.sum = all.of+a[i].of, all.sum+a[i].sum
			traffic++
		}
	}
	out := []Burst{}
	if all.of <= 0 || m.Kind == release.Gauge || m.Kind == release.Count && m.Worse == release.Lower {
		return out
	}
	rate := (all.sum + 1) / (all.of + 1)
	expected, score := make([]float64, n), make([]float64, n)
	for i := range n {
		here := (a[i].sum + lent) / (a[i].of + lent/rate)
		expected[i] = b[i].of * here
		score[i] = b[i].sum - 1 - 2*expected[i] // a single event extends none
	}
	for range mostBursts {
		from, to := heaviest(score)
		if from >= to {
			break
		}
		one, long := Burst{To: milli(g.ends[to-1])}, 0
		if one.From = milli(g.start); from > 0 {
			one.From = milli(g.ends[from-1])
		}
		var x, y cell
		for i := from; i < to; i++ {
			x, y = cell{x.of + a[i].of, x.sum + a[i].sum}, cell{y.of + b[i].of, y.sum + b[i].sum}
			one.Expected += expected[i]
			score[i] = math.Inf(-1)
			if b[i].of > 0 {
				long++
			}
		}
		one.Excess = y.sum - one.Expected
		if one.Excess < math.Max(leastBurst, clearBurst*math.Sqrt(one.Expected)) {
			break
		}
		if float64(long) > math.Max(1, longestBurst*float64(traffic)) {
			continue
		}
		one.Baseline, one.Candidate = x.side(m), y.side(m)
		one.Expected, one.Excess = significant(one.Expected, shownDigits), significant(one.Excess, shownDigits)
		out = append(out, one)
	}
	slices.SortFunc(out, func(x, y Burst) int { return cmp.Compare(x.From.UnixMilli(), y.From.UnixMilli()) })
	return out
}

// heaviest is the run whose scores come to the most; empty where none is above 0.
func heaviest(score []float64) (from, to int) {
	best, sum, begin := 0.0, 0.0, 0
	for i, x := range score {
		if sum <= 0 {
			sum, begin = 0, i
		}
		if sum += x; sum > best {
			best, from, to = sum, begin, i+1
		}
	}
	return from, to
}

// events are an arm's bad events in each stretch.
func (m *measure) events(arm int, of release.Metric, bound float64) []cell {
	cells := slices.Clone(m.arms[arm].cells)
	for i, c := range cells {
		switch {
		case of.Kind == release.Histogram && m.bounds != nil:
			cells[i] = beyond(m.bounds, m.buckets(arm, i), bound, of.Worse)
		case of.Kind == release.Ratio && of.Worse == release.Lower:
			cells[i].sum = c.of - c.sum
		}
	}
	return cells
}

// side is what the bad events of a stretch are as an arm's figures.
func (c cell) side(m release.Metric) Side {
	if m.Kind == release.Ratio && m.Worse == release.Lower {
		c.sum = c.of - c.sum
	}
	out := Side{N: int64(math.Ceil(c.of)), Events: int64(c.sum)}
	if c.of > 0 {
		out.Value = known(c.sum / c.of)
	}
	return out
}

func milli(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
