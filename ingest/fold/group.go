package fold

import (
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/ingest/item"
)

// Names of the series that events become.
const (
	Requests = "linnet_requests_total"
	Duration = "linnet_request_duration_seconds"
	Outcomes = "linnet_outcomes_total"
	Value    = "linnet_outcome_value"
	// Request is the name of an event that is a request of a service.
	Request = "request"
)

// group is what is known of the events that differ in nothing but time and value:
// a counter, and a histogram once one of them had a value.
type group struct {
	key    string
	tenant string
	labels [2]labels.Labels // of the counter and the histogram

	count uint64 // of the windows that are closed
	dist  *dist
	open  []window // by end

	emitted int64 // the last end that the store has a sample of; 0 for none
	before  int64 // the same of a group like it that was forgotten
	active  int64 // the last end of a window with events
	heard   int64 // when the last event came
}

// window is an open window.
type window struct {
	end   int64
	first int64 // when its first event came
	count uint64
	dist  *dist
	// Its worst event with a trace: the longest, or of the largest value.
	trace string
	worst float64
	at    int64
}

func newGroup(tenant string, e event) *group {
	names := [2]string{Requests, Duration}
	b := labels.NewBuilder(labels.EmptyLabels())
	for name, value := range e.Tags {
		b.Set(name, value)
	}
	for name, value := range map[string]string{
		tenantLabel: tenant, "service": e.Service, "version": e.Version, "arm": e.Arm, "route": e.Route,
		"outcome": string(e.Outcome), SampleRatio: e.ratio,
	} {
		if value != "" { // setting nothing would remove a tag of that name
			b.Set(name, value)
		}
	}
	if e.Name != Request {
		names = [2]string{Outcomes, Value}
		b.Set("name", e.Name)
	}
	g := &group{key: string(e.key), tenant: tenant}
	for i, name := range names {
		g.labels[i] = b.Set(model.MetricNameLabel, name).Labels()
	}
	return g
}

// add counts an event in its window.
func (g *group) add(e event, clock int64) {
	i, there := slices.BinarySearchFunc(g.open, e.end, func(w window, end int64) int { return int(w.end - end) })
	if !there {
		g.open = slices.Insert(g.open, i, window{end: e.end, first: clock})
	}
	w, n := &g.open[i], uint64(max(e.Count, 1))
	w.count += n
	v := e.Value
	if e.Name == Request {
		v = e.Seconds
	}
	if v != nil {
		if w.dist == nil {
			w.dist = newDist()
		}
		w.dist.add(*v, n)
	}
	w.example(e, v)
	g.active, g.heard = max(g.active, e.end), clock
}

// example keeps the trace of the worst event. Of two that are as bad it is the one
// whose trace comes first, whatever the order in which they came.
func (w *window) example(e event, v *float64) {
	if e.Trace == "" {
		return
	}
	worst := 0.0
	if v != nil {
		worst = *v
	}
	if w.trace == "" || worst > w.worst || worst == w.worst && e.Trace < w.trace {
		w.trace, w.worst, w.at = e.Trace, worst, e.Time.UnixMilli()
	}
}

// close counts the windows that are over at a time and hands out their samples.
// Ends at or before the bound are over, but for those whose first event came when
// they were over already: they stay open for the lateness after that, so that a
// sender that catches up is counted.
func (g *group) close(c closing, out *Output) {
	over := 0
	for i, w := range g.open {
		if w.end <= c.bound && (w.first < w.end+c.lateness || w.first+c.lateness <= c.clock) {
			over = i + 1
		}
	}
	for _, w := range g.open[:over] {
		// From zero, so that what comes first counts; the store has no two values of
		// one time.
		fresh := w.end-c.window > g.before
		if g.emitted == 0 && fresh {
			g.samples(w.end-c.window, out)
		}
		g.count += w.count
		if w.dist != nil {
			if g.dist == nil {
				g.dist = newDist()
				out.Samples = append(out.Samples, item.Sample{Labels: g.labels[1], T: w.end - c.window, H: g.dist.histogram()})
			}
			g.dist.merge(w.dist)
		}
		g.samples(w.end, out)
		g.exemplars(w, out)
		g.emitted = w.end
	}
	g.open = slices.Delete(g.open, 0, over)
	held := len(g.open) > 0 && g.open[0].end <= c.bound
	if g.emitted > 0 && g.emitted < c.bound && !held && c.bound-g.emitted <= stillThere && c.bound-g.active <= idle {
		g.emitted = c.bound
		g.samples(c.bound, out)
	}
}

// samples are what the group stands at.
func (g *group) samples(t int64, out *Output) {
	out.Samples = append(out.Samples, item.Sample{Labels: g.labels[0], T: t, V: float64(g.count)})
	if g.dist != nil {
		out.Samples = append(out.Samples, item.Sample{Labels: g.labels[1], T: t, H: g.dist.histogram()})
	}
}

// exemplars are those of a window: of the counter, and of the histogram.
func (g *group) exemplars(w window, out *Output) {
	if w.trace == "" {
		return
	}
	e := exemplar.Exemplar{Labels: labels.FromStrings("trace_id", w.trace), Value: w.worst, Ts: w.at, HasTs: true}
	for _, l := range g.labels[:g.series()] {
		out.Exemplars = append(out.Exemplars, item.Exemplar{Labels: l, Exemplar: e})
	}
}

// series is how many series it makes.
func (g *group) series() int {
	if g.dist != nil {
		return 2
	}
	return 1
}
