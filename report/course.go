package report

import "time"

// Course is how a release went, metric by metric, for charts. Times in columns
// are milliseconds since 1970, UTC; a null is a number that is not known. The
// fields follow what Release says of theirs.
type Course struct {
	Name    string     `json:"name"`
	Attempt int        `json:"attempt"`
	From    *time.Time `json:"from,omitempty" doc:"When the release began."`
	To      *time.Time `json:"to,omitempty" doc:"The time of the last record that this is made of."`
	Every   float64    `json:"every_s" doc:"How far apart looks are, in seconds."`
	Records uint64     `json:"records" doc:"The last record that this is made of, and its ETag."`
	Total   uint64     `json:"records_total" doc:"The last record that there is. More than records where a long release is still being read: ask again."`
	Points  int        `json:"points" doc:"How many points a track has at most."`

	Marks        []Mark `json:"marks" nullable:"false" doc:"What happened, in order of time. Of very many the first and the last are kept."`
	MarksOmitted int    `json:"marks_omitted,omitempty"`
	// Tracks are in the order of the file's metrics.
	Tracks         []Track    `json:"tracks" nullable:"false" doc:"One for each metric and what it is held against: as a whole, or of the segment that was asked for."`
	HistoryMissing int        `json:"history_missing,omitempty" doc:"How many earlier releases were not read yet: ask again."`
	Standing       []Standing `json:"standing" nullable:"false" doc:"All metrics and segments as they stand, or stood when the release was decided; the worst come first."`
	Warnings       []string   `json:"warnings" nullable:"false"`
}

// Mark is something that happened at an instant, to be shown in all charts.
type Mark struct {
	Time          time.Time `json:"time"`
	Kind          string    `json:"kind" enum:"weight,decision,approval,order,notice" doc:"A weight that was served from then on; a decision; an approval asked, given or taken back; another order of a person; a notice that people were sent."`
	Title         string    `json:"title" example:"10 %"`
	Text          string    `json:"text,omitempty" doc:"Why, in a sentence."`
	Seq           uint64    `json:"seq" doc:"The record that tells of it."`
	WeightPercent *float64  `json:"weight_percent,omitempty" doc:"Of a weight."`
	Decision      string    `json:"decision,omitempty" doc:"Of a decision or an order: what was decided, as in the decision log."`
	Who           string    `json:"who,omitempty"`
	Urgency       string    `json:"urgency,omitempty" enum:"inform,page" doc:"Of a notice."`
}

// Track is the course of one metric, as a whole or in one segment, held against
// one thing. All its columns are as long as Time; each point stands for a stretch
// that ends at its time and begins at the one before.
type Track struct {
	Metric   string `json:"metric"`
	Segment  string `json:"segment" doc:"Empty for the metric as a whole."`
	Kind     string `json:"kind" enum:"ratio,count,histogram,gauge"`
	Unit     string `json:"unit,omitempty" doc:"Of bounds, quantiles and limits of a histogram: s, or absent where it is not known. Of a count that is told by the second: /s."`
	Severity string `json:"severity" enum:"guardrail,warning"`
	Worse    string `json:"worse" enum:"higher,lower"`
	Against  string `json:"against" enum:"baseline,limit,past,weight,budget"`

	Tolerance         float64  `json:"tolerance" doc:"How much worse still is fine, relative: 0.05 is 5 %."`
	ToleranceAbsolute float64  `json:"tolerance_absolute,omitempty" doc:"The same in the metric's own unit."`
	Limit             *float64 `json:"limit,omitempty" doc:"The bound that the candidate is held against, in the metric's unit."`
	LimitQuantile     float64  `json:"limit_quantile,omitempty" doc:"Of which quantile, of a histogram: 0.99 is p99."`
	Exclude           float64  `json:"exclude,omitempty" doc:"The harm that a pass must rule out: 2 is twice the baseline."`
	Bound             *float64 `json:"bound,omitempty" doc:"Of a histogram: events are values beyond it."`

	Time      []int64 `json:"time" nullable:"false" doc:"Ends of stretches, in milliseconds since 1970."`
	Baseline  Stretch `json:"baseline"`
	Candidate Stretch `json:"candidate"`

	// The funnel: what was known at the end of each stretch of all until then.
	Ratio          []*float64 `json:"ratio" nullable:"false" doc:"Candidate over baseline since the release began, turned so that above 1 is worse."`
	Low            []*float64 `json:"low" nullable:"false" doc:"It lies above this with 95 %, at every look at once."`
	High           []*float64 `json:"high" nullable:"false" doc:"And below this; null also where there is no upper bound yet."`
	Difference     []*float64 `json:"difference,omitempty" doc:"The candidate's rate less the baseline's, where it is told."`
	DifferenceLow  []*float64 `json:"difference_low,omitempty"`
	DifferenceHigh []*float64 `json:"difference_high,omitempty"`
	Evidence       []*float64 `json:"evidence" nullable:"false" doc:"That the candidate is worse by more than the tolerance: log evidence over its threshold, so that 1 is enough and below 0 speaks against it. The most in each stretch."`
	ForPass        []*float64 `json:"evidence_for_pass" nullable:"false" doc:"The same that harm of the size exclude is ruled out."`

	Standing *Comparison `json:"standing,omitempty" doc:"As it stands, or stood when the release was decided."`
	Hidden   *Hidden     `json:"hidden,omitempty" doc:"What could still hide; absent where nothing is compared, or it fails."`
	// Distribution is of histograms, all of the release until its decision.
	Distribution *Distribution `json:"distribution,omitempty"`
	Bursts       []Burst       `json:"bursts" nullable:"false" doc:"Stretches in which the candidate's excess of events concentrates, in order of time. They show where to look, and decide nothing."`
	History      []Level       `json:"history" nullable:"false" doc:"The baseline in releases of the same service and environment that ended before, the last first."`
	Queries      []Question    `json:"queries" nullable:"false" doc:"What is asked of the source."`
}

// Stretch is what one arm did in each stretch.
type Stretch struct {
	Value  []*float64 `json:"value" nullable:"false" doc:"The rate, share (of a histogram beyond bound) or mean level in the stretch."`
	N      []int64    `json:"n" nullable:"false" doc:"The sample size."`
	Events []int64    `json:"events" nullable:"false" doc:"Of a ratio the bad ones, of a histogram the values beyond bound, of a gauge 0."`
	P50    []*float64 `json:"p50,omitempty" doc:"The median, of histograms."`
	P99    []*float64 `json:"p99,omitempty" doc:"The 99 % quantile, of histograms, where the stretch has values enough."`
}

// Standing is one metric and segment as it stands, in short.
type Standing struct {
	Metric    string   `json:"metric"`
	Segment   string   `json:"segment"`
	Kind      string   `json:"kind"`
	Severity  string   `json:"severity"`
	Against   string   `json:"against"`
	Verdict   string   `json:"verdict" enum:"pass,fail,wait"`
	Reason    Reason   `json:"reason"`
	Bound     *float64 `json:"bound,omitempty"`
	Unit      string   `json:"unit,omitempty"`
	Baseline  Side     `json:"baseline"`
	Candidate Side     `json:"candidate"`
	Effect    Size     `json:"effect"`
	Evidence  *float64 `json:"evidence" doc:"Log evidence over its threshold: 1 is enough."`
	ForPass   *float64 `json:"evidence_for_pass"`
}

// Hidden is what the evidence so far cannot exclude.
type Hidden struct {
	Text string `json:"text" example:"up to 3.2x"`
	// AtMost is the upper bound of the effect.
	AtMost  *float64 `json:"at_most" doc:"Harm above this ratio is ruled out with 95 %; null where no bound is known yet."`
	Exclude float64  `json:"exclude" doc:"What a pass must have ruled out."`
}

// Distribution is a histogram of both arms, beside each other.
type Distribution struct {
	Bounds    []float64  `json:"bounds" nullable:"false" doc:"The upper bounds of the buckets, rising, in unit."`
	Unit      string     `json:"unit,omitempty"`
	Baseline  []int64    `json:"baseline" nullable:"false" doc:"How many values each bucket holds, not cumulative; one more than bounds, for what lies beyond all."`
	Candidate []int64    `json:"candidate" nullable:"false"`
	Quantiles []Quantile `json:"quantiles" nullable:"false" doc:"Those that both arms have values enough for, with effects."`
	// Superiority is the probability that a value of the candidate is worse than
	// one of the baseline of the same time.
	Superiority float64 `json:"superiority,omitempty" doc:"The probability that a value of the candidate is worse than one of the baseline; absent where it is not known."`
}

// Burst is a stretch in which the candidate's events are far more than the
// baseline's rate of that time would have given.
type Burst struct {
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Baseline  Side      `json:"baseline"`
	Candidate Side      `json:"candidate"`
	Expected  float64   `json:"expected" doc:"Events that the baseline's rate would have given the candidate."`
	Excess    float64   `json:"excess" doc:"How many more there were."`
}

// Level is what the baseline of an earlier release did, as the metric's value is
// told.
type Level struct {
	Name    string    `json:"name"`
	Attempt int       `json:"attempt"`
	Time    time.Time `json:"time" doc:"When that release began."`
	Value   float64   `json:"value"`
	N       int64     `json:"n"`
}

// Question is what a source is asked for one metric and arm.
type Question struct {
	Metric string `json:"-"`
	Arm    string `json:"arm" enum:"baseline,candidate"`
	Source string `json:"source" example:"prometheus" doc:"The kind of the source."`
	Role   string `json:"role" example:"bad" doc:"What the answer is to the metric: bad and of, count, histogram, gauge; of sources without PromQL query, events and of."`
	Query  string `json:"query" doc:"As it is asked. Of raw samples the selector, with the time between two looks as its range; of sources without PromQL as the release file has it."`
	Graph  string `json:"graph,omitempty" doc:"An expression that draws about the same in Prometheus; it stands with the first of the arm alone."`
}
