package judge

import (
	"fmt"
	"math"
	"strconv"

	"github.com/linnet-project/linnet/release"
)

// number prints a value with three significant digits and no exponent where
// people would not write one.
func number(x float64) string {
	switch a := math.Abs(x); {
	case a == 0:
		return "0"
	case a >= 100 && a < 1e9:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case a >= 1e-4:
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	return strconv.FormatFloat(x, 'e', 2, 64)
}

// odds prints log evidence as "142 to 1".
func odds(logE float64) string {
	if logE > math.Log(1e6) {
		return "over a million to 1"
	}
	return number(math.Exp(logE)) + " to 1"
}

// subject names what is compared: metric, segment, bound.
func subject(c *Comparison, m release.Metric) string {
	s := m.Name
	if c.Segment != "" {
		s += " in " + c.Segment
	}
	return s
}

// what describes both arms' figures.
func what(c *Comparison, m release.Metric) string {
	switch m.Kind {
	case release.Gauge:
		return fmt.Sprintf("level %s against %s", number(c.Candidate.Value), number(c.Baseline.Value))
	case release.Histogram:
		side := "above"
		if m.Worse == release.Lower {
			side = "at or below"
		}
		return fmt.Sprintf("%s of %d values %s %s against %s of %d", percent(c.Candidate.Value), c.Candidate.N,
			side, number(c.Bound), percent(c.Baseline.Value), c.Baseline.N)
	case release.Count:
		return fmt.Sprintf("%d events (%s per unit) against %d (%s)", c.Candidate.Events, number(c.Candidate.Value),
			c.Baseline.Events, number(c.Baseline.Value))
	}
	return fmt.Sprintf("%d of %d (%s) against %d of %d (%s)", c.Candidate.Events, c.Candidate.N, percent(c.Candidate.Value),
		c.Baseline.Events, c.Baseline.N, percent(c.Baseline.Value))
}

func percent(x float64) string { return number(100*x) + " %" }

func harmReason(c *Comparison, m release.Metric) release.Reason {
	size := "worse than the baseline"
	if c.Effect.Ratio > 0 {
		size = number(c.Effect.Ratio) + "x the baseline"
		if c.Effect.Low > 0 {
			size += ", at least " + number(c.Effect.Low) + "x"
		}
	}
	return release.Reason{Code: release.HarmFound, Text: fmt.Sprintf("%s: the candidate is %s: %s; evidence %s, %s is enough",
		subject(c, m), size, what(c, m), odds(c.LogE), odds(c.LogThreshold))}
}

func passReason(c *Comparison, m release.Metric) release.Reason {
	return release.Reason{Code: release.HarmExcluded, Text: fmt.Sprintf("%s: harm of %s is ruled out%s: %s",
		subject(c, m), number(c.Exclude)+"x", upper(c), what(c, m))}
}

// upper tells the bound that a pass rests on, where it is known.
func upper(c *Comparison) string {
	if c.Effect.Unbounded || c.Effect.Ratio == 0 {
		return ""
	}
	return " (at most " + number(c.Effect.High) + "x)"
}

func collectingText(c *Comparison, m release.Metric) string {
	if c.Baseline.N == 0 && c.Candidate.N == 0 {
		return subject(c, m) + ": nothing to compare yet"
	}
	hidden := "any size"
	if !c.Effect.Unbounded && c.Effect.High > 0 {
		hidden = "up to " + number(c.Effect.High) + "x"
	}
	return fmt.Sprintf("%s: harm of %s cannot be ruled out yet: %s; evidence for harm %s, for a pass %s",
		subject(c, m), hidden, what(c, m), odds(c.LogE), odds(c.LogPass))
}

func limitText(c Comparison, m release.Metric, verb string) string {
	switch m.Kind {
	case release.Histogram:
		return fmt.Sprintf("%s: the candidate %s %s at %s: %s of %d values above %s", subject(&c, m), verb,
			number(m.Limit.Value), percent(m.Limit.Quantile), percent(c.Candidate.Value), c.Candidate.N, number(c.Bound))
	case release.Ratio:
		return fmt.Sprintf("%s: the candidate's %s (%d of %d) %s %s", subject(&c, m), percent(c.Candidate.Value),
			c.Candidate.Events, c.Candidate.N, verb, percent(m.Limit.Value))
	}
	return fmt.Sprintf("%s: the candidate's %s %s %s", subject(&c, m), number(c.Candidate.Value), verb, number(m.Limit.Value))
}
