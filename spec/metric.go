package spec

import (
	"slices"

	"github.com/linnet-project/linnet/release"
)

// metricShape reads a metric's form and turns it into a release.Metric, and
// back.
type metricShape struct{ *object[metricForm] }

func (s metricShape) decode(c *checker, n *node, path string, into *release.Metric) {
	if n.kind != mapping {
		c.is(n, mapping, path)
		return
	}
	var form metricForm
	s.object.decode(c, n, path, &form)
	*into = form.metric(c, path)
	checkLimit(c, path, form, into)
	if n.get("minSamples") != nil && form.method == release.Sequential {
		c.fail(join(path, "minSamples"), "says nothing to method sequential, which needs no least sample", "take it out, or write method: deviation")
	}
	form.believe(c, path, into)
}

func (s metricShape) encode(m release.Metric) *node { return s.object.encode(formOf(m)) }

func (f metricForm) metric(c *checker, path string) release.Metric {
	m := release.Metric{
		Name: f.name, Worse: f.worse, Severity: f.severity, Method: f.method,
		By: f.by, Tolerance: f.tolerance, Exclude: f.exclude, Query: f.query, Source: f.source,
		MinSamples: f.minSamples, LimitOnly: !f.compare,
	}
	switch {
	case f.ratio != nil:
		m.Kind, m.Events, m.Of = release.Ratio, f.ratio.bad, f.ratio.of
	case f.histogram != "":
		m.Kind, m.Events = release.Histogram, f.histogram
	case f.count != nil:
		m.Kind, m.Events, m.Of = release.Count, f.count.events, f.count.per
	case f.gauge != "":
		m.Kind, m.Events = release.Gauge, f.gauge
	case f.average != "":
		m.Kind, m.Events, m.Averages = release.Gauge, f.average, true
	}
	if f.toleranceAbs.value < 0 {
		c.fail(join(path, "toleranceAbs"), "is negative", toleranceOf(m).hint)
	} else if f.toleranceAbs != (quantity{}) {
		m.ToleranceAbs = toleranceOf(m).read(c, join(path, "toleranceAbs"), f.toleranceAbs, m.Kind)
	}
	return m
}

// wanted is in which units a quantity may be, and how to write one.
type wanted struct {
	units []unit
	hint  string
}

// toleranceOf is how an absolute tolerance of a metric is written.
func toleranceOf(m release.Metric) wanted {
	switch {
	case m.Kind == release.Ratio || m.Kind == release.Histogram:
		return wanted{[]unit{share}, "write percentage points such as 0.5%"}
	case m.Kind == release.Count && m.Of == "":
		return wanted{[]unit{rate}, "write a rate such as 5/m"}
	}
	return wanted{[]unit{bare}, "write a number such as 0.5"}
}

// limitOf is how a limit of a metric is written.
func limitOf(m release.Metric) wanted {
	switch {
	case m.Kind == release.Ratio:
		return wanted{[]unit{share}, "write a percentage such as 1%"}
	case m.Kind == release.Histogram:
		return wanted{[]unit{seconds, bare}, "write a duration such as 300ms, or a number in the histogram's own unit"}
	case m.Kind == release.Count && m.Of == "":
		return wanted{[]unit{rate}, "write a rate such as 5/m"}
	case m.Kind == release.Count:
		return wanted{[]unit{bare, share}, "write a number of events for each unit of per, such as 0.01"}
	}
	return wanted{[]unit{bare}, "write a number such as 0.8"}
}

// read gives a quantity's number where it has one of the wanted units.
func (w wanted) read(c *checker, path string, q quantity, k release.Kind) float64 {
	if k == "" || !c.fine(path) {
		return 0
	}
	if q.value < 0 && k != release.Gauge {
		c.fail(path, "is negative", w.hint)
	}
	if !slices.Contains(w.units, q.unit) {
		c.fail(path, "is "+string(q.unit)+", which does not fit a "+string(k), w.hint)
	}
	return q.value
}

// checkLimit sets a metric's limit, and checks it against the rest of it.
func checkLimit(c *checker, path string, f metricForm, m *release.Metric) {
	name, q := "below", f.below
	if q == nil {
		name, q = "above", f.above
	}
	at := join(path, name)
	switch {
	case q == nil && m.LimitOnly:
		c.fail(join(path, "compare"), "is false, and there is no limit to hold the candidate against", "write below (or above), or compare: true")
		return
	case q == nil && f.quantile != 0:
		c.fail(join(path, "quantile"), "has no limit to belong to", "write below, such as below: 300ms, or take quantile out")
		return
	case q == nil:
		return
	case m.Kind == release.Histogram && f.quantile == 0 && c.fine(join(path, "quantile")):
		c.fail(at, "is a histogram's limit without its quantile", "write quantile: 99%")
	case m.Kind != "" && m.Kind != release.Histogram && f.quantile != 0:
		c.fail(join(path, "quantile"), "belongs to histograms", "take it out")
	}
	if !c.fine(join(path, "worse")) || f.below != nil && f.above != nil {
		return
	}
	if (m.Worse == release.Lower) != (name == "above") {
		c.fail(at, "contradicts worse: "+string(m.Worse), "write above where lower is worse, below where higher is")
		return
	}
	m.Limit = &release.Limit{Value: limitOf(*m).read(c, at, *q, m.Kind), Quantile: f.quantile}
}

// formOf is the inverse of reading a metric.
func formOf(m release.Metric) metricForm {
	f := metricForm{
		name: m.Name, worse: m.Worse, tolerance: m.Tolerance, exclude: m.Exclude,
		by: m.By, severity: m.Severity, method: m.Method,
		minSamples: m.MinSamples, compare: !m.LimitOnly, query: m.Query, source: m.Source,
	}
	u := bare
	switch m.Kind {
	case release.Ratio:
		f.ratio, u = &ratioForm{m.Events, m.Of}, share
	case release.Histogram:
		f.histogram = m.Events
	case release.Count:
		if f.count = (&countForm{m.Events, m.Of}); m.Of == "" {
			u = rate
		}
	case release.Gauge:
		if f.gauge = m.Events; m.Averages {
			f.gauge, f.average = "", m.Events
		}
	}
	if m.Limit != nil {
		q := &quantity{m.Limit.Value, u}
		if f.quantile = m.Limit.Quantile; m.Worse == release.Lower {
			f.above = q
		} else {
			f.below = q
		}
	}
	if m.ToleranceAbs != 0 {
		if m.Kind == release.Histogram {
			u = share
		}
		f.toleranceAbs = quantity{m.ToleranceAbs, u}
	}
	f.prior, f.effects = beliefsOf(m, u)
	return f
}
