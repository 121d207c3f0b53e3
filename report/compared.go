package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// mostComparisons is how many comparisons are kept of one verdict.
const mostComparisons = 50

// mostE bounds odds in the public form: JSON has no infinity.
const mostE = 1e12

// What a candidate is held against.
const (
	againstBaseline = "baseline"
	againstLimit    = "limit"
	againstPast     = "past"
	againstWeight   = "weight"
	againstBudget   = "budget"
)

// compared gives the public form of a verdict's comparisons, the worst first,
// and how many were left out.
func compared(metrics []release.Metric, found []judge.Comparison) ([]Comparison, int) {
	out := make([]Comparison, 0, len(found))
	for i := range found {
		out = append(out, comparison(metrics, &found[i]))
	}
	worstFirst(out)
	kept := min(len(out), mostComparisons)
	return out[:kept:kept], len(out) - kept
}

// worstFirst sorts comparisons.
func worstFirst(all []Comparison) {
	slices.SortStableFunc(all, func(a, b Comparison) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Evidence.Progress, a.Evidence.Progress),
			cmp.Compare(b.Evidence.beyond(), a.Evidence.beyond()))
	})
}

// beyond is how much more log evidence there is than enough; 0 below that.
func (p Proof) beyond() float64 {
	if p.Progress < 1 {
		return 0
	}
	return p.LogE - p.LogThreshold
}

// rank orders comparisons: failing guardrails, failing warnings, those that
// wait as a whole, then the others.
func rank(c Comparison) int {
	switch {
	case c.Verdict == string(judge.Fail) && c.Severity != string(release.Warning):
		return 0
	case c.Verdict == string(judge.Fail):
		return 1
	case c.Verdict != string(judge.Pass) && c.Segment == "":
		return 2
	case c.Segment == "":
		return 3
	}
	return 4
}

// comparison is the public form of one.
func comparison(metrics []release.Metric, c *judge.Comparison) Comparison {
	out, m := figured(metrics, c)
	out.Belief = belief(m, c)
	return out
}

// figured is comparison without what takes long to reckon, and the metric.
func figured(metrics []release.Metric, c *judge.Comparison) (Comparison, release.Metric) {
	m := release.Metric{Name: c.Metric, Kind: c.Kind, Severity: c.Severity}
	if i := slices.IndexFunc(metrics, func(m release.Metric) bool { return m.Name == c.Metric }); i >= 0 {
		m = metrics[i]
	}
	out := Comparison{
		Metric: clean(c.Metric), Segment: clean(c.Segment), Kind: string(m.Kind), Severity: string(m.Severity),
		Worse: string(m.Worse), Verdict: string(c.Outcome), Reason: reason(c.Reason), Against: against(c),
		Test: clean(c.Test), Unit: unitOf(m),
		Baseline: sideOf(m, c.Baseline), Candidate: sideOf(m, c.Candidate), Effect: sizeOf(c.Effect),
		Evidence: proof(c.LogE, c.LogThreshold), ForPass: proof(c.LogPass, c.LogPassThreshold),
		Exclude: finite(c.Exclude), ByFloor: c.ByFloor, Warnings: cleaned(c.Warnings),
		Superiority: finite(c.Superiority), Shape: string(c.Shape),
	}
	if c.LogThreshold > 0 {
		out.P = known(c.P)
	}
	out.Quantiles = quantilesOf(c.Quantiles)
	if m.Kind == release.Histogram && m.Method != release.Deviation && c.Bound != 0 {
		out.Bound = known(c.Bound)
	}
	if out.Against == againstLimit && m.Limit != nil {
		out.Baseline = Side{Value: known(allowed(m))}
	}
	if r := c.Recent; !r.Since.IsZero() {
		out.Recent = &Recent{Since: r.Since.UTC(), Baseline: sideOf(m, r.Baseline), Candidate: sideOf(m, r.Candidate)}
	}
	if out.Against == againstPast {
		out.ForPass = Proof{} // a chart alarms, or it does not
	}
	return out, m
}

func quantilesOf(found []judge.Quantile) (out []Quantile) {
	for _, q := range found {
		out = append(out, Quantile{Quantile: finite(q.P), Baseline: finite(q.Baseline), Candidate: finite(q.Candidate), Effect: sizeOf(q.Effect)})
	}
	return out
}

// quantiles tells how the distributions of a histogram differ; "" where that is
// not known.
func quantiles(c Comparison) string {
	if len(c.Quantiles) == 0 {
		return ""
	}
	var parts []string
	for _, q := range c.Quantiles {
		part := fmt.Sprintf("p%s %s against %s", strconv.FormatFloat(100*q.Quantile, 'g', 4, 64), bound(q.Candidate, c.Unit), bound(q.Baseline, c.Unit))
		if q.Effect.Low != nil && q.Effect.High != nil {
			part += fmt.Sprintf(" (%s to %s)", times(*q.Effect.Low), times(*q.Effect.High))
		}
		parts = append(parts, part)
	}
	text := c.Metric
	if c.Segment != "" {
		text += " in " + c.Segment
	}
	text += ": " + strings.Join(parts, ", ")
	if c.Shape != "" {
		text += "; worse: " + c.Shape
	}
	return text
}

// against tells what a comparison holds the candidate against; a chart is known
// by what its test is called.
func against(c *judge.Comparison) string {
	switch {
	case c.AgainstLimit:
		return againstLimit
	case strings.HasPrefix(c.Test, "chart of "):
		return againstPast
	case c.Metric == judge.ShareOfTraffic:
		return againstWeight
	case c.Metric == judge.BudgetOfHarm:
		return againstBudget
	}
	return againstBaseline
}

// allowed is what a limit allows, as the comparison counts it: for histograms
// the share beyond the limit.
func allowed(m release.Metric) float64 {
	if m.Kind == release.Histogram {
		return 1 - m.Limit.Quantile
	}
	return m.Limit.Value
}

// sideOf gives an arm's figures; without samples its value is not known,
// unless it stands for a limit.
func sideOf(m release.Metric, s judge.Side) Side {
	out := Side{N: s.N, Events: s.Events}
	if m.Kind == release.Gauge {
		out.Events = 0
	}
	if s.N > 0 || s.Value != 0 {
		out.Value = known(s.Value)
	}
	return out
}

func sizeOf(e judge.Effect) Size {
	var s Size
	if e.Ratio > 0 {
		s.Ratio = known(e.Ratio)
	}
	if e.Low > 0 {
		s.Low = known(e.Low)
	}
	if !e.Unbounded && e.High > 0 {
		s.High = known(e.High)
	}
	if e.DifferenceLow < e.DifferenceHigh {
		s.Difference, s.DifferenceLow, s.DifferenceHigh = known(e.Difference), known(e.DifferenceLow), known(e.DifferenceHigh)
	}
	return s
}

func proof(logE, logThreshold float64) Proof {
	if !(logThreshold > 0) {
		return Proof{}
	}
	e := finite(logE)
	return Proof{
		E: roundOdds(e), Threshold: roundOdds(logThreshold), LogE: e, LogThreshold: finite(logThreshold),
		Progress: math.Round(1e4*math.Min(math.Max(e/logThreshold, 0), 1)) / 1e4,
	}
}

// roundOdds turns a logarithm into odds, with no more digits than it has.
func roundOdds(log float64) float64 { return significant(math.Min(math.Exp(log), mostE), 6) }

// known gives a pointer to a number that JSON can hold, nil for any other. Nine
// digits say all there is, and are the same on every machine.
func known(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	x = significant(x, 9)
	return &x
}

// significant rounds to so many digits.
func significant(x float64, digits int) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'e', digits-1, 64), 64)
	if err != nil {
		return x
	}
	return rounded
}

func finite(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return math.Min(math.Max(x, -math.MaxFloat64), math.MaxFloat64)
}

func reason(r release.Reason) Reason { return Reason{Code: clean(string(r.Code)), Text: clean(r.Text)} }

func cleaned(texts []string) []string {
	out := make([]string, 0, len(texts))
	for _, t := range texts {
		out = append(out, clean(t))
	}
	return out
}
