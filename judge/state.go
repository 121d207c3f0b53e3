package judge

import (
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/stats"
)

// Config is what a release is judged by; it does not change while it runs.
type Config struct {
	Metrics []release.Metric
	// FalseRollback is the probability that a harmless release is failed, over
	// all guardrails, segments and looks together.
	FalseRollback float64
	// Share says how the candidate's share of all requests is judged.
	Share release.Share
	// HarmBudget is how many requests may fail because of the candidate; 0 is no
	// budget.
	HarmBudget int64
	// Methods is the version of the methods to judge by; 0 is Methods. By one
	// that is not carried nothing can be judged as it was: whoever decides
	// something asks Carried first, and everybody else gets what Methods makes
	// of it.
	Methods int
}

// Look is what was observed since the last look.
type Look struct {
	At           time.Time
	Observations []release.Observation
	Problems     []release.Problem
	// Weight is the candidate's share of traffic in the windows observed.
	Weight release.Weight
	// Settled says that Weight held over all of the windows observed; counts
	// over shares of traffic need that.
	Settled bool
	// Share is the share of requests that the candidate should have had over all
	// of the windows observed; 0 where that is not known, or changed meanwhile.
	Share release.Weight
	// Live says that the candidate has traffic; before that, observations of
	// the baseline teach its noise and nothing is judged.
	Live bool
	// WarmUntil is when a fresh candidate has warmed up: its latency and levels
	// are not judged in windows that begin before. Zero is no warm-up.
	WarmUntil time.Time
}

// State is the running evidence of a release, one entry a metric in the order
// of Config.Metrics. The zero value is a release not yet looked at. It is plain
// data with finite numbers only, to be stored as it is.
type State struct {
	Metrics []Metric
	Traffic Traffic // where the share of traffic is judged
}

// Metric is the running evidence of one metric.
type Metric struct {
	// Series are the metric as a whole (first) and its segments.
	Series []Series
	// Funded says that the segments known when the candidate got its traffic
	// have their budgets, Late counts those that came after, and Overfull that
	// there were more than MaxSegments.
	Funded   bool
	Late     int
	Overfull bool
	Spent    Spending // where there is a harm budget
}

// Series is the running evidence of one metric and segment. Which parts are
// used depends on the kind; the others are absent.
type Series struct {
	Segment string
	// Budget is the share of the metric's false-alarm budget spent here.
	Budget float64
	// Peak is the most log evidence of harm so far.
	Peak float64
	// Shares are one for a Ratio or a Count, and for a Histogram the
	// thresholds beyond which values are counted.
	Shares []Share
	Apart  *stats.Excess // Ratio: the difference of the rates
	Spread *Spread       // Histogram
	Level  *Level        // Gauge
	Limit  *Limit        // where the metric has a limit
	// Matched is the baseline beside the candidate, of a Ratio or a Count.
	Matched Matched
	// Dev holds the last window's values for Method Deviation.
	Dev *Deviation
	// Sampled is what is scaled up, where only a sample was counted.
	Sampled *Sampled
	// Charts hold each of the shares against its past when nothing runs beside.
	Charts []stats.Limit
}

// Share is the running comparison of one share or rate of events.
type Share struct {
	// Bound is the histogram bound beyond which events are counted.
	Bound float64
	Harm  stats.Conditional
	// Robust are further tests, where the past calls for them.
	Robust *Robust
	// Past is the baseline's noise before the candidate had traffic, Before
	// its events then.
	Past   stats.Succession
	Before Sum
	// Floor weighs whether the candidate's share lies below the least harm that
	// a pass must rule out.
	Floor stats.Below
	A, B  Sum // baseline, candidate: what was counted
	// Excluded are the odds ratios that a pass rules out, at the last look.
	Excluded [2]float64
	// Since is when the stretch of looks began that speaks for harm, in
	// nanoseconds since 1970.
	Since int64
}

// Sum is events out of trials so far; trials are thousandths of the unit where
// they are exposures.
type Sum struct{ Events, Trials int64 }

// Spread is the running comparison of a histogram as a whole.
type Spread struct {
	// Bounds are those of the buckets compared, fixed at the first data.
	Bounds []float64
	// Before, A and B count values by bucket: of the baseline before the
	// thresholds were chosen, of the baseline beside the candidate, of the
	// candidate. Their slices are never changed in place.
	Before, A, B []int64
	Ranks        stats.Ranks
	// Past is the baseline's noise of ranks before the candidate had traffic.
	Past stats.RankSuccession
}

// Level is the running comparison of a gauge. Its values are logarithms of
// levels; where the metric has an absolute tolerance they are levels.
type Level struct {
	// LevelShift and Ratio follow the difference of both arms' values, oriented so
	// that more is worse: one finds harm, the other bounds the mean (in units of
	// what is allowed where the tolerance is absolute).
	LevelShift stats.LevelShift
	Ratio      stats.Level
	// Past is what the baseline taught before the candidate had traffic, Alone
	// the memory of its level then.
	Past  Past
	Alone stats.Memory
	// Fine is the difference that was last taken for fine: what is allowed, or
	// more where instances differ for good.
	Fine  float64
	A, B  Points
	Chart stats.Level // of log(level / past level), when nothing runs beside it
	// Trend is of the difference, over minutes since Begun.
	Trend stats.Trend
	Begun time.Time
	// Since is when the stretch of looks began that speaks for harm, SinceA and
	// SinceB the points read since.
	Since          time.Time
	SinceA, SinceB Points
	// LeftA and LeftB count points left out because they lay apart from their
	// arm's others. Odd counts windows that could not be compared: levels of
	// zero or below.
	LeftA, LeftB stats.Instances
	Odd          int
}

// Past is what the baseline alone teaches of a gauge's noise.
type Past struct {
	// Drift is how the arm's level wanders, Apart the noise of an instance by
	// itself, from the difference of halves of them.
	Drift stats.Wander
	Apart stats.Jitter
	// Spread sums the variances between instances of Windows windows.
	Spread  float64
	Windows int
	Level   float64 // the last
}

// Points sums the points read of one arm.
type Points struct {
	N   int64
	Sum float64
}

// Limit is the running evidence on an absolute limit.
type Limit struct {
	Peak float64 // the most log evidence so far
	// Share is of a Ratio, a Count or a Histogram: once for what a pass rules out
	// at small weights, and once for what it does at wide ones.
	Share [2]stats.Limit
	Level stats.Level // Gauge: of log(level / limit)
	Bound float64     // Histogram: the bucket bound judged
	// Reached says that there was any data.
	Reached bool
}

// Deviation is a window's values of both arms.
type Deviation struct {
	A, B Side
}

// clone copies what Step changes, so that the state given stays as it was.
func (s State) clone(metrics int) State {
	next := State{Metrics: make([]Metric, metrics), Traffic: s.Traffic}
	copy(next.Metrics, s.Metrics)
	for i := range next.Metrics {
		series := append([]Series(nil), next.Metrics[i].Series...)
		for j := range series {
			series[j].clone()
		}
		next.Metrics[i].Series = series
	}
	return next
}

func (s *Series) clone() {
	s.Shares = append([]Share(nil), s.Shares...)
	for i := range s.Shares {
		s.Shares[i].Robust = copied(s.Shares[i].Robust)
	}
	s.Charts = append([]stats.Limit(nil), s.Charts...)
	if s.Sampled = copied(s.Sampled); s.Sampled != nil {
		s.Sampled.All = slices.Clone(s.Sampled.All)
	}
	s.Apart, s.Spread, s.Level, s.Limit = copied(s.Apart), copied(s.Spread), copied(s.Level), copied(s.Limit)
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}
