package report

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// Bounds of what may be asked for: how many points a track has.
const (
	LeastPoints   = 50
	DefaultPoints = 500
	MostPoints    = mostStretches
)

// Wanted says which part of a course is wanted.
type Wanted struct {
	// Points is how many points a track has at most; 0 for DefaultPoints. Longer
	// courses are told by longer stretches.
	Points int
	// Metric is the one whose tracks are told; "" for all.
	Metric string
	// Segment is the one whose tracks are told; "" for metrics as a whole.
	Segment string
}

// Course gives the course of what was added so far. s is the state after the last
// record. It costs some hundred microseconds for each histogram.
func (b *CourseBuilder) Course(s engine.State, w Wanted) Course {
	if w.Points == 0 {
		w.Points = DefaultPoints
	}
	w.Points = min(max(w.Points, LeastPoints), MostPoints)
	c := Course{
		Name: clean(s.Release), Attempt: s.Attempt, From: moment(b.from), To: moment(b.to), Every: s.Plan.Every.Seconds(),
		Records: b.last, Total: b.last, Points: w.Points, Tracks: []Track{}, Standing: b.standings(), Warnings: []string{},
	}
	if err := judge.Carried(s.Methods); err != nil {
		c.Warnings = append(c.Warnings, recomputed(err))
	}
	c.Marks, c.MarksOmitted = b.marker.marks.kept()
	for _, l := range b.asked(w) {
		c.Tracks = append(c.Tracks, b.track(s, l, w.Points))
	}
	return c
}

// order is how what a metric is held against follows one another.
var order = map[string]int{againstBaseline: 0, againstLimit: 1, againstWeight: 2, againstBudget: 3, againstPast: 4}

// asked are the lines of what is wanted, in the order of the metrics; what was
// observed and not compared yet has an empty one.
func (b *CourseBuilder) asked(w Wanted) []*line {
	all := slices.Clone(b.grid(w.Segment).lines)
	compared := map[string]bool{}
	for _, l := range all {
		compared[l.metric] = compared[l.metric] || l.segment == w.Segment
	}
	for _, m := range b.metrics {
		if w.Segment == "" && !compared[m.Name] {
			all = append(all, &line{metric: m.Name, against: firstAgainst(m)})
		}
	}
	all = slices.DeleteFunc(all, func(l *line) bool { return l.segment != w.Segment || w.Metric != "" && l.metric != w.Metric })
	slices.SortStableFunc(all, func(x, y *line) int {
		return cmp.Or(cmp.Compare(b.rank(x.metric), b.rank(y.metric)), cmp.Compare(order[x.against], order[y.against]))
	})
	return all
}

func firstAgainst(m release.Metric) string {
	if m.LimitOnly {
		return againstLimit
	}
	return againstBaseline
}

// rank is a metric's place in the plan; what is judged beside the metrics comes
// last.
func (b *CourseBuilder) rank(name string) int {
	if i := slices.IndexFunc(b.metrics, func(m release.Metric) bool { return m.Name == name }); i >= 0 {
		return i
	}
	return len(b.metrics)
}

// track tells one line.
func (b *CourseBuilder) track(s engine.State, l *line, points int) Track {
	g := b.grid(l.segment)
	m := release.Metric{Name: l.metric, Kind: release.Ratio, Worse: release.Higher, Severity: release.Guardrail}
	if i := b.rank(l.metric); i < len(b.metrics) {
		m = b.metrics[i]
	}
	t := Track{
		Metric: clean(m.Name), Segment: clean(l.segment), Kind: string(m.Kind), Unit: unitOf(m), Severity: string(m.Severity), Worse: string(m.Worse),
		Against: l.against, Tolerance: finite(m.Tolerance), ToleranceAbsolute: finite(m.ToleranceAbs),
		Bursts: []Burst{}, History: []Level{}, Queries: []Question{},
	}
	if l.against == againstLimit && m.Limit != nil {
		t.Limit, t.LimitQuantile = known(m.Limit.Value), finite(m.Limit.Quantile)
	}
	var bound float64
	if c := b.found(l); c != nil {
		told := comparison(b.metrics, c)
		t.Standing, t.Exclude, bound = &told, told.Exclude, c.Bound
		t.Hidden = hiddenOf(c)
	}
	of := b.measures[trackKey{metric: l.metric, segment: l.segment}]
	if of == nil {
		of = &measure{}
	}
	if m.Kind == release.Histogram && of.bounds != nil {
		bound = of.bound(bound)
		t.Bound = known(bound)
	}
	if l.against == againstBaseline {
		t.Bursts = g.bursts(of, m, bound)
		t.Distribution = distribution(s, m, l.segment)
	}
	g.columns(&t, of, l, wanted{m, bound, points})
	return t
}

// found is the comparison of a line as it stands.
func (b *CourseBuilder) found(l *line) *judge.Comparison {
	v := b.compared
	if l.against == againstPast {
		v = b.charted
	}
	if v == nil {
		return nil
	}
	for i := range v.Comparisons {
		if c := &v.Comparisons[i]; c.Metric == l.metric && c.Segment == l.segment && against(c) == l.against {
			return c
		}
	}
	return nil
}

// wanted is how columns are made: of which metric, beyond which bound, how many.
type wanted struct {
	metric release.Metric
	bound  float64
	points int
}

// columns fills in a track's columns.
func (g *grid) columns(t *Track, of *measure, l *line, w wanted) {
	n := len(g.ends)
	k := max(1, (n+w.points-1)/w.points)
	all := *of
	all.arms = [2]seen{{slices.Clone(of.arms[0].cells), slices.Clone(of.arms[0].counts)}, {slices.Clone(of.arms[1].cells), slices.Clone(of.arms[1].counts)}}
	all.lengthen(n)
	short := all.joined(k)
	cells := joined(longer(slices.Clone(l.cells), n), k, figures.then)
	t.Time = joined(slices.Clone(g.ends), k, later)
	from, to := 0, len(t.Time)
	if l.against == againstPast { // told from when it began
		from = max(0, slices.IndexFunc(cells, func(f figures) bool { return f.told }))
	}
	t.Time, cells = t.Time[from:to], cells[from:to]
	t.Baseline = short.stretch(0, from, w)
	t.Candidate = short.stretch(1, from, w)
	column := func(get func(*figures) float32) []*float64 {
		out := make([]*float64, len(cells))
		for i := range cells {
			if cells[i].told {
				out[i] = digits(float64(get(&cells[i])))
			}
		}
		return out
	}
	t.Ratio = column(func(f *figures) float32 { return f.ratio })
	t.Low = column(func(f *figures) float32 { return f.low })
	t.High = column(func(f *figures) float32 { return f.high })
	t.Evidence = column(func(f *figures) float32 { return f.evidence })
	t.ForPass = column(func(f *figures) float32 { return f.forPass })
	if slices.ContainsFunc(cells, func(f figures) bool { return f.told && !math.IsNaN(float64(f.difference)) }) {
		t.Difference = column(func(f *figures) float32 { return f.difference })
		t.DifferenceLow = column(func(f *figures) float32 { return f.differLow })
		t.DifferenceHigh = column(func(f *figures) float32 { return f.differHigh })
	}
}

// shownDigits are as many as a chart can show.
const shownDigits = 5

// digits is known with as many digits as a chart can show.
func digits(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	x = significant(x, shownDigits)
	return &x
}

// stretch are an arm's columns from a stretch on.
func (m *measure) stretch(arm, from int, w wanted) Stretch {
	cells := m.arms[arm].cells[from:]
	out := Stretch{Value: make([]*float64, len(cells)), N: make([]int64, len(cells)), Events: make([]int64, len(cells))}
	if w.metric.Kind == release.Histogram {
		out.P50, out.P99 = make([]*float64, len(cells)), make([]*float64, len(cells))
	}
	for i, c := range cells {
		switch w.metric.Kind {
		case release.Gauge:
			out.N[i] = int64(c.of)
		case release.Histogram:
			counts := m.buckets(arm, from+i)
			c = beyond(m.bounds, counts, w.bound, w.metric.Worse)
			out.N[i], out.Events[i] = int64(c.of), int64(c.sum)
			out.P50[i], out.P99[i] = quantile(m.bounds, counts, 0.5), quantile(m.bounds, counts, 0.99)
		default:
			out.N[i], out.Events[i] = int64(math.Ceil(c.of)), int64(c.sum)
		}
		if c.of > 0 {
			out.Value[i] = digits(c.sum / c.of)
		}
	}
	return out
}

// buckets are the values of a stretch.
func (m *measure) buckets(arm, i int) []uint32 {
	w := m.width()
	return m.arms[arm].counts[i*w : (i+1)*w]
}

// bound is the bound that events lie beyond: the one that the comparison shows, or
// before there is any, the middle one.
func (m *measure) bound(shown float64) float64 {
	if len(m.bounds) == 0 {
		return 0
	}
	if shown == 0 {
		return m.bounds[len(m.bounds)/2]
	}
	return m.bounds[min(sort.SearchFloat64s(m.bounds, shown), len(m.bounds)-1)]
}

// beyond counts values above a bound, or at and below it where lower is worse.
func beyond(bounds []float64, counts []uint32, bound float64, worse release.Direction) cell {
	var c cell
	for i, n := range counts {
		c.of += float64(n)
		if (i >= len(bounds) || bounds[i] > bound) == (worse != release.Lower) {
			c.sum += float64(n)
		}
	}
	return c
}

// quantile is estimated inside its bucket, as evenly filled; nil where fewer than
// one value lies beyond it, or where it lies beyond all bounds.
func quantile(bounds []float64, counts []uint32, p float64) *float64 {
	n := 0.0
	for _, c := range counts {
		n += float64(c)
	}
	if n*(1-p) < 1 {
		return nil
	}
	rest := p * n
	for i, c := range counts {
		if rest > float64(c) || c == 0 {
			rest -= float64(c)
			continue
		}
		if i == len(bounds) {
			return nil
		}
		low := 0.0
		if i > 0 {
			low = bounds[i-1]
		} else if bounds[0] <= 0 {
			low = bounds[0]
		}
		return digits(low + (bounds[i]-low)*rest/float64(c))
	}
	return nil
}

// distribution is a histogram of both arms beside each other; nil for other kinds,
// and before any data.
func distribution(s engine.State, m release.Metric, segment string) *Distribution {
	i := slices.IndexFunc(s.Plan.Metrics, func(x release.Metric) bool { return x.Name == m.Name && x.Kind == release.Histogram })
	if i < 0 || i >= len(s.Judge.Metrics) {
		return nil
	}
	series := s.Judge.Metrics[i].Series
	j := slices.IndexFunc(series, func(x judge.Series) bool { return x.Segment == segment })
	if j < 0 || series[j].Spread == nil || series[j].Spread.A == nil || series[j].Spread.B == nil {
		return nil
	}
	spread := series[j].Spread
	superiority, quantiles := series[j].Distribution(m)
	return &Distribution{
		Bounds: slices.Clone(spread.Bounds), Unit: unitOf(m), Baseline: slices.Clone(spread.A), Candidate: slices.Clone(spread.B),
		Superiority: finite(superiority), Quantiles: append([]Quantile{}, quantilesOf(quantiles)...),
	}
}

// hiddenOf tells what a comparison cannot exclude; nil where it fails.
func hiddenOf(c *judge.Comparison) *Hidden {
	switch against(c) {
	case againstBaseline, againstLimit:
	default:
		return nil
	}
	if c.Outcome == judge.Fail {
		return nil
	}
	out := &Hidden{AtMost: sizeOf(c.Effect).High, Exclude: finite(c.Exclude)}
	switch {
	case c.Outcome == judge.Wait:
		out.Text = clean(c.Hides())
	case out.AtMost != nil && !c.ByFloor:
		out.Text = "up to " + times(*out.AtMost)
	}
	if out.Text == "" {
		out.Text = clean(c.Reason.Text)
	}
	return out
}

// standings tells all lines in short, the worst first.
func (b *CourseBuilder) standings() []Standing {
	out := []Standing{}
	for _, v := range []*judge.Verdict{b.compared, b.charted} {
		if v == nil {
			continue
		}
		all := make([]Comparison, len(v.Comparisons))
		for i := range v.Comparisons {
			all[i], _ = figured(b.metrics, &v.Comparisons[i])
		}
		worstFirst(all)
		for _, c := range all {
			out = append(out, Standing{
				Metric: c.Metric, Segment: c.Segment, Kind: c.Kind, Severity: c.Severity, Against: c.Against, Verdict: c.Verdict, Reason: c.Reason,
				Bound: c.Bound, Unit: c.Unit, Baseline: c.Baseline, Candidate: c.Candidate, Effect: c.Effect,
				Evidence: c.Evidence.part(), ForPass: c.ForPass.part(),
			})
		}
	}
	return out
}

// part is evidence over what is enough, unbounded; nil where there is none.
func (p Proof) part() *float64 {
	if p.LogThreshold <= 0 {
		return nil
	}
	return digits(p.LogE / p.LogThreshold)
}
