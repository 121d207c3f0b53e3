package release

import "time"

// Kind is what a metric measures.
type Kind string

// The kinds of a metric.
const (
	// Ratio: events that are bad, out of all of them. Sample size: all of them.
	Ratio Kind = "ratio"
	// Count: events over an exposure (requests, or traffic-weighted seconds).
	Count Kind = "count"
	// Histogram: a distribution in buckets. Sample size: the number of values.
	Histogram Kind = "histogram"
	// Gauge: a level, read at points in time, from one instance or several.
	Gauge Kind = "gauge"
)

// Direction is which way is worse.
type Direction string

// The directions of a metric.
const (
	Higher Direction = "higher"
	Lower  Direction = "lower"
)

// Severity is what a failing metric leads to.
type Severity string

// The severities of a metric.
const (
	// Guardrail: a fail rolls back.
	Guardrail Severity = "guardrail"
	// Warning: a fail is reported and holds until it clears.
	Warning Severity = "warning"
)

// Method is how a metric is judged.
type Method string

// The methods of a metric.
const (
	// Sequential compares by e-processes that allow looking at every moment.
	Sequential Method = "sequential"
	// Deviation compares percent deviation with a tolerance, as simple
	// analysers do; it gives no guarantee on false alarms.
	Deviation Method = "deviation"
	// Bayesian judges by the probability of harm under Prior; what it says holds
	// for one look, and it gives no guarantee on false alarms at many.
	Bayesian Method = "bayesian"
)

// Metric is a declared measure of a release: what is asked of a source, and
// how much worse still is fine.
type Metric struct {
	Name     string
	Kind     Kind
	Worse    Direction
	Severity Severity
	Method   Method

	// Events is what a source is asked for: the bad events of a Ratio, the
	// events of a Count, the histogram's or the gauge's own name or selector.
	Events string
	// Of is the denominator of a Ratio, or the exposure of a Count; empty for
	// a Count whose exposure is the arm's share of traffic over time.
	Of string
	// Query, where set, is one question that answers the whole metric; Events and
	// Of then name columns of its answer.
	Query string
	// Source names the source that is asked, where a release has several; "" for
	// its first.
	Source string
	// Averages says of a Gauge that its points are averages or quantiles over
	// requests, such as an error rate or a p99, because the source cannot count.
	Averages bool
	// By are labels whose values make segments, each judged on its own too.
	By []string

	// Tolerance is the relative worsening that is still fine: 0.05 is 5 %.
	Tolerance float64
	// ToleranceAbs is the absolute worsening that is still fine, in the
	// metric's own unit (a share for ratios and histograms).
	ToleranceAbs float64
	// Exclude is the relative harm (2 means twice the baseline) that a pass
	// must have ruled out; 0 means the default, 5 while the candidate has at
	// most 5 % of the traffic, else 2.
	Exclude float64
	// MinSamples is the least sample size of each arm for a verdict of
	// Deviation or Bayesian; Sequential needs none.
	MinSamples int64

	// Prior is what is believed of a Ratio's or a Count's rate on either arm
	// before the release. Bayesian figures rest on it, those shown beside a
	// sequential verdict too; the verdict does not.
	Prior Prior
	// Effects is what is believed of the size of harm of a Ratio or a Count. It
	// weighs the alternatives of the sequential test, and changes how soon harm
	// is found; not what counts as harm, nor the bound on false alarms.
	Effects Effects

	// Limit, where set, is a guardrail on the candidate alone.
	Limit *Limit
	// LimitOnly says that the candidate is held against Limit and not compared
	// with the baseline.
	LimitOnly bool
}

// Limit is an absolute bound on the candidate.
type Limit struct {
	// Value must not be exceeded (undercut, where Lower is worse): a share for
	// a Ratio, a rate for a Count, a level for a Gauge; for a Histogram the
	// value that at most 1-Quantile of the requests may exceed.
	Value float64
	// Quantile belongs to histograms: 0.99 is p99.
	Quantile float64
}

// Prior is a belief about the rate of a metric's events, the same for both arms.
// The zero value stands for one that says little.
type Prior struct {
	// Rate is the share of events, or of a Count their rate.
	Rate float64
	// Weight is how many trials the belief is worth: requests, or of a Count its
	// exposure (units of Of; without it seconds of all of the traffic).
	Weight float64
}

// Effects is a belief about by how much harm makes a metric worse, when there is
// harm. The zero value is none.
type Effects struct {
	// Mean is the ratio over the baseline that harm has in the middle, Spread
	// the factor that about two thirds of it lie within, both ways; above 1.
	Mean, Spread float64
}

// Window is a half-open stretch of time: (From, To].
type Window struct {
	From, To time.Time
}

// Query asks a source for one metric: every arm, the same windows.
type Query struct {
	Metric Metric
	Arms   []Arm
	// Windows are consecutive and in order of time; a live look has one.
	Windows []Window
}

// Observation is what one arm did in one window, for one metric and segment.
// Which fields count depends on the metric's kind; a missing arm or segment is
// a missing observation, while zero events out of zero is an idle arm.
type Observation struct {
	Metric  string
	Segment string // "region=eu", label=value joined by commas in the order of By; "" for all
	Arm     string
	Window  Window

	Events int64   // Ratio: bad events; Count: events
	Of     float64 // Ratio: all events; Count: exposure

	// Bounds are the upper bounds of a Histogram's buckets, rising; Counts has
	// one entry more, for what lies beyond all bounds. Not cumulative.
	Bounds []float64
	Counts []int64

	Points []float64 // Gauge: levels read in the window
	// Averages says that Points are averages or quantiles over requests, whose
	// numbers the source did not tell.
	Averages bool

	// Kept is what was really counted, where only a sample of the events was and
	// Events, Of and Counts are scaled up to stand for all; zero where all were.
	Kept Kept
}

// Kept is the part of an observation that was counted: of a Ratio or Count its
// events and what they are out of; of a Histogram its values as Of, or, where some
// stand for more than others, as how many values drawn alike they tell.
type Kept struct {
	Events int64
	Of     float64
}

// Answer is what a source knows of a Query. An arm without series has no
// observation; that is no error.
type Answer struct {
	Observations []Observation
	// Warnings are what the source said about its own answer, such as partial
	// data.
	Warnings []string
	// Exemplars are trace ids of the candidate's bad or slow requests, newest
	// first, at most ten, where the source has them.
	Exemplars []string
}

// Problem says why a metric has no observations in a look.
type Problem struct {
	Metric string
	Reason Reason
}
