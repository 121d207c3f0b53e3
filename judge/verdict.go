package judge

import (
	"time"

	"github.com/linnet-project/linnet/release"
)

// Outcome is what a comparison, or all of them together, come to.
type Outcome string

// The outcomes. Wait is a first-class answer: too little data is not a pass,
// and a silent source is not a fail.
const (
	Pass Outcome = "pass"
	Fail Outcome = "fail"
	Wait Outcome = "wait"
)

// Side is what one arm did, summed since the release began.
type Side struct {
	// N is the sample size: requests, values, or points read.
	N int64
	// Events are the bad events of a ratio, the events of a count, the values
	// beyond the bound named in the comparison of a histogram; 0 for gauges.
	Events int64
	// Value is the rate, the share beyond the bound, or the mean level.
	Value float64
}

// Effect is how much worse the candidate is.
type Effect struct {
	// Ratio is candidate over baseline (of rates, shares or levels), oriented
	// so that above 1 is worse; 0 where it cannot be estimated.
	Ratio float64
	// Low and High hold the ratio with 95 % confidence, at every look at once.
	// High means nothing where Unbounded.
	Low, High float64
	Unbounded bool
	// Difference is the candidate's rate less the baseline's, for ratios: of the
	// events that are bad, so that above 0 is worse. It lies between
	// DifferenceLow and DifferenceHigh with 95 %, at every look at once; all
	// three are 0 where it is not known.
	Difference, DifferenceLow, DifferenceHigh float64
}

// Comparison is both arms' observations of one metric and segment, and the
// evidence drawn from them.
type Comparison struct {
	Metric   string
	Segment  string
	Kind     release.Kind
	Severity release.Severity
	// Test names the statistics used, with what they were adapted to.
	Test    string
	Outcome Outcome
	Reason  release.Reason

	Baseline, Candidate Side
	Effect              Effect
	// Matched is the baseline of a Ratio or a Count with each window weighed by
	// what the candidate had of it: what Belief holds the candidate against.
	Matched Side
	// Counted is what the candidate's figures are worth where only a sample was
	// counted: so many events at the candidate's rate. It is zero where all were.
	Counted Side
	// Likely is the probability, under a prior, that the candidate is worse by
	// more than the tolerance: of a Gauge, and where the metric is judged by it;
	// else 0, and Belief has it.
	Likely float64
	// Bound is the bucket bound of a histogram that shows the most harm, in
	// the histogram's unit.
	Bound float64

	// Superiority is the probability that a value of the candidate is worse than
	// one of the baseline (larger, or smaller where lower is worse), half of the
	// ties included; 0 where not told.
	Superiority float64
	// Quantiles and Shape tell how a histogram's distributions differ, where the
	// comparison fails; Series.Distribution tells it at any time.
	Quantiles []Quantile
	Shape     Shape

	// LogE is the natural logarithm of the evidence for harm beyond the
	// tolerance, LogThreshold what it takes to fail; both rounded to 1e-6.
	LogE, LogThreshold float64
	// P is the always-valid p-value of no harm beyond the tolerance, by the most
	// evidence so far, adjusted for all guardrails, segments and what is judged
	// beside them (Holm 1979); 1 where there is none. Of a chart it is that of the
	// present evidence, for the metric alone.
	P float64
	// LogPass is the evidence that harm of the size Exclude is ruled out,
	// LogPassThreshold what it takes to pass.
	LogPass, LogPassThreshold float64
	// Exclude is the ratio that a pass rules out; for a gauge with an absolute
	// tolerance, how many times what is allowed.
	Exclude float64
	// ByFloor says that the pass rests on the candidate's share alone, which is
	// shown to lie below half a percent.
	ByFloor bool
	// AgainstLimit says that the candidate is held against an absolute limit,
	// which is the Baseline's Value.
	AgainstLimit bool
	// Growth is by how much a gauge's candidate grows against the baseline in a
	// minute, 0.03 for 3 %, oriented so that above 0 is worse; 0 where it does
	// not grow steadily.
	Growth float64
	// Recent is where the evidence of harm comes from, where that is not the
	// whole release.
	Recent Recent

	Warnings []string
}

// Recent is a stretch of looks up to the present one, and what both arms did in
// it. It is empty where Since is zero.
type Recent struct {
	Since               time.Time
	Baseline, Candidate Side
}

// Verdict is what one look comes to.
type Verdict struct {
	At      time.Time
	Outcome Outcome
	Reason  release.Reason
	// Metric and Segment name the comparison that decides.
	Metric, Segment string
	Comparisons     []Comparison
	// Fresh says that every guardrail had data of both arms in this look.
	Fresh bool
	// Blind says that no guardrail had series of every arm in this look: the
	// source is down, or an arm is silent.
	Blind bool
	// Dark says that there was no data at all, of any arm and metric.
	Dark bool
	// Warns says that a metric of severity warning fails.
	Warns bool
	// Harm is what the candidate has cost so far, where there is a budget of it.
	Harm Harm
}
