package spec

import "github.com/linnet-project/linnet/release"

// metricForm is a metric as a file writes it: one key for each kind, and
// quantities whose unit depends on it.
type metricForm struct {
	name      string
	ratio     *ratioForm
	histogram string
	count     *countForm
	gauge     string
	average   string
	query     string
	source    string

	worse        release.Direction
	tolerance    float64
	toleranceAbs quantity
	exclude      float64
	by           []string
	severity     release.Severity
	method       release.Method
	minSamples   int64
	prior        *priorForm
	effects      *effectsForm
	below, above *quantity
	quantile     float64
	compare      bool
}

type ratioForm struct{ bad, of string }

type countForm struct{ events, per string }

var metricKeys = &object[metricForm]{
	exactly: metricKinds,
	atMost:  [][]string{{"below", "above"}},
	keys: []key[metricForm]{
		{name: "name", doc: "The metric's name, in verdicts and records.", need: true, sample: "errors",
			bind: at(func(m *metricForm) *string { return &m.name }, metricName)},
		{name: "ratio", doc: "A ratio of counters: bad events out of all events.",
			bind: at(func(m *metricForm) **ratioForm { return &m.ratio }, optional[ratioForm]{ratioKeys})},
		{name: "histogram", doc: "A distribution: a Prometheus histogram, classic (its name without _bucket) or native.",
			bind: at(func(m *metricForm) *string { return &m.histogram }, selector)},
		{name: "count", doc: "A counter of events, per unit of something or of time: `{ events, per }`, or only the events.",
			bind: at(func(m *metricForm) **countForm { return &m.count }, optional[countForm]{countShape{countKeys}})},
		{name: "gauge", doc: "A level, read at points in time, from one instance or several.",
			bind: at(func(m *metricForm) *string { return &m.gauge }, selector)},
		{name: "average", doc: "An average or quantile over requests, such as an error rate or a p99, from a source that cannot count them. It is judged as a gauge, with a warning: rates without counts cannot be judged exactly.",
			bind: at(func(m *metricForm) *string { return &m.average }, selector)},
		{name: "query", doc: "One question that answers the whole metric; bad and of, events and per, or the other words of its kind then name columns of the answer.",
			words: "each of them is a question of its own",
			bind:  at(func(m *metricForm) *string { return &m.query }, selector)},
		{name: "source", doc: "Which of others is asked.", words: "the source itself",
			bind: at(func(m *metricForm) *string { return &m.source }, releaseName)},
		{name: "worse", doc: "Which way is worse.", def: "higher",
			bind: at(func(m *metricForm) *release.Direction { return &m.worse }, oneOf(release.Higher, release.Lower))},
		{name: "tolerance", doc: "How much worse than the baseline still is fine, relative to it.",
			derive: defaultTolerance, words: "5%; 10% for a gauge or an average", zero: true,
			bind: at(func(m *metricForm) *float64 { return &m.tolerance }, between(percents, 0, 10))},
		{name: "toleranceAbs", doc: "How much worse still is fine in absolute terms: percentage points for a ratio or histogram, a rate for a count, a number for a gauge.",
			words: "none",
			bind:  at(func(m *metricForm) *quantity { return &m.toleranceAbs }, quantities)},
		{name: "exclude", doc: "The harm, as a multiple of the baseline, that must be ruled out for a pass.",
			words: "5x up to 5% of the traffic, 2x above",
			bind:  at(func(m *metricForm) *float64 { return &m.exclude }, between(factors, 1.01, 1000))},
		{name: "by", doc: "Labels whose values make segments; each segment is judged on its own too.",
			bind: at(func(m *metricForm) *[]string { return &m.by }, &listOf[string]{item: labelName})},
		{name: "severity", doc: "What a fail leads to: a guardrail rolls back, a warning is reported and holds.", def: "guardrail",
			bind: at(func(m *metricForm) *release.Severity { return &m.severity }, oneOf(release.Guardrail, release.Warning))},
		{name: "method", doc: "How it is judged: sequential statistics that allow a look at any moment; plain deviation in percent, or the bayesian probability of harm, which guarantee nothing about false alarms.", def: "sequential",
			bind: at(func(m *metricForm) *release.Method { return &m.method }, oneOf(release.Sequential, release.Deviation, release.Bayesian))},
		{name: "minSamples", doc: "The least sample size of each arm for a verdict. Only with `method: deviation` and `bayesian`.",
			derive: defaultMinSamples, words: "30",
			bind: at(func(m *metricForm) *int64 { return &m.minSamples }, between(wholes, 1, 1_000_000_000))},
		{name: "prior", doc: "What is believed of the rate of a ratio or a count before the release, on either arm. The Bayesian figures rest on it; a sequential verdict does not.",
			words: "weak: the level of both arms, as surely as half an event tells",
			bind:  at(func(m *metricForm) **priorForm { return &m.prior }, optional[priorForm]{priorKeys})},
		{name: "effects", doc: "How large harm to a ratio or a count usually is: such harm is found somewhat sooner. It changes neither what harm is nor the bound on false alarms; `linnet backtest --summary` learns it.",
			words: "harm of any size, most likely 2x to 5x",
			bind:  at(func(m *metricForm) **effectsForm { return &m.effects }, optional[effectsForm]{effectsKeys})},
		{name: "below", doc: "A limit that the candidate must stay below, whatever the baseline does: a percentage for a ratio, a duration or number for a histogram (with quantile), a rate such as 5/m for a count, a number for a gauge.",
			words: "none",
			bind:  at(func(m *metricForm) **quantity { return &m.below }, optional[quantity]{quantities})},
		{name: "above", doc: "A limit that the candidate must stay above; for metrics of which lower is worse.",
			words: "none",
			bind:  at(func(m *metricForm) **quantity { return &m.above }, optional[quantity]{quantities})},
		{name: "quantile", doc: "The quantile that a histogram's limit applies to.",
			bind: at(func(m *metricForm) *float64 { return &m.quantile }, between(percents, 0.01, 0.99999))},
		{name: "compare", doc: "Whether the candidate is compared with the baseline. With false it is only held against its limit.", def: "true",
			bind: at(func(m *metricForm) *bool { return &m.compare }, booleans)},
	},
}

// metricKinds are the keys of which a metric has exactly one.
var metricKinds = []string{"ratio", "histogram", "count", "gauge", "average"}

var ratioKeys = &object[ratioForm]{keys: []key[ratioForm]{
	{name: "bad", doc: "The counter of bad events.", need: true, sample: "'requests_total{code=~\"5..\"}'",
		bind: at(func(r *ratioForm) *string { return &r.bad }, selector)},
	{name: "of", doc: "The counter of all events, the bad ones included.", need: true, sample: "requests_total",
		bind: at(func(r *ratioForm) *string { return &r.of }, selector)},
}}

var countKeys = &object[countForm]{keys: []key[countForm]{
	{name: "events", doc: "The counter of events.", need: true, sample: "restarts_total",
		bind: at(func(c *countForm) *string { return &c.events }, selector)},
	{name: "per", doc: "A counter of what the events are counted against, such as requests.", words: "the arm's share of the traffic, over time",
		bind: at(func(c *countForm) *string { return &c.per }, selector)},
}}

func defaultTolerance(metric *node) string {
	if metric.get("gauge") != nil || metric.get("average") != nil {
		return "10%"
	}
	return "5%"
}

func defaultMinSamples(metric *node) string {
	if m := metric.get("method"); m != nil && (m.text == string(release.Deviation) || m.text == string(release.Bayesian)) {
		return "30"
	}
	return ""
}

// countShape is a count written in full, or as the selector of its events.
type countShape struct{ *object[countForm] }

func (s countShape) decode(c *checker, n *node, path string, into *countForm) {
	if n.kind == scalar {
		selector.decode(c, n, path, &into.events)
		return
	}
	s.object.decode(c, n, path, into)
}

func (s countShape) schema() map[string]any {
	return map[string]any{"oneOf": []any{selector.schema(), s.object.schema()}}
}

func (s countShape) written() string { return selector.written() + " or keys" }
