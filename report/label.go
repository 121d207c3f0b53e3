package report

import (
	"strings"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// label names a comparison: metric, segment, bound, and what sets it apart.
func label(c Comparison) string {
	text := c.Metric
	if c.Segment != "" {
		text += " " + c.Segment
	}
	if c.Bound != nil {
		sign := " > "
		if c.Worse == string(release.Lower) {
			sign = " ≤ "
		}
		text += sign + bound(*c.Bound, c.Unit)
	}
	switch c.Against {
	case againstLimit:
		text += " limit"
	case againstPast:
		text += " since"
	}
	if c.Severity == string(release.Warning) {
		text += " (warning)"
	}
	return text
}

// verdictWord is a verdict as a word that stands out where it must.
func verdictWord(v string) string {
	switch v {
	case string(judge.Fail):
		return "FAIL"
	case "":
		return none
	}
	return clean(v)
}

func verdictStyle(v string) style {
	switch v {
	case string(judge.Fail):
		return bad
	case string(judge.Pass):
		return good
	}
	return plain
}

// value prints an arm's figure: a share for ratios and histograms, else a rate
// or level.
func value(c Comparison, s Side) string {
	if s.Value == nil {
		return none
	}
	if c.Kind == string(release.Ratio) || c.Kind == string(release.Histogram) && c.Bound != nil {
		return share(*s.Value)
	}
	if c.Kind == string(release.Histogram) {
		return bound(*s.Value, c.Unit)
	}
	return number(*s.Value)
}

// reference prints what the candidate is held against.
func reference(c Comparison) string {
	v := value(c, c.Baseline)
	if c.Against != againstLimit || v == none {
		return v
	}
	if c.Worse == string(release.Lower) && c.Kind != string(release.Histogram) {
		return "≥ " + v
	}
	return "≤ " + v
}

// samples prints a sample size.
func samples(s Side) string {
	if s.N == 0 {
		return none
	}
	return count(s.N)
}

// effect prints how much worse the candidate is; above 1x is worse.
func effect(c Comparison) string {
	if c.Effect.Ratio == nil {
		return none
	}
	return times(*c.Effect.Ratio)
}

// interval prints the range that holds the effect.
func interval(c Comparison) string {
	switch low, high := c.Effect.Low, c.Effect.High; {
	case low == nil && high == nil:
		return none
	case high == nil:
		return "from " + times(*low)
	case low == nil:
		return "up to " + times(*high)
	default:
		return strings.TrimSuffix(times(*low), "x") + " to " + times(*high)
	}
}

// evidence prints how sure it is, and of what: the evidence that decided, or
// the one that is further on its way.
func evidence(c Comparison) string {
	harm, pass := c.Evidence, c.ForPass
	switch {
	case harm.Threshold == 0:
		return none
	case c.Verdict != string(judge.Fail) && pass.Threshold > 0 && pass.Progress >= harm.Progress:
		return "pass " + of(pass)
	}
	return "harm " + of(harm)
}

// of prints evidence against its threshold: 41 of 100.
func of(p Proof) string {
	if p.LogE > 0 && p.Progress < 1 && odds(p.E) == odds(p.Threshold) {
		return "nearly " + odds(p.Threshold)
	}
	return odds(p.E) + " of " + odds(p.Threshold)
}
