package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// reader reads a command's values and keeps the first thing that is wrong.
type reader struct{ err error }

func (r *reader) wrong(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// duration reads "90s"; "" is zero.
func (r *reader) duration(s string) time.Duration {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		r.wrong("%q is no duration", s)
	}
	return d
}

// number reads "5%" as 0.05, and plain numbers.
func (r *reader) number(s string) float64 {
	if s == "" {
		return 0
	}
	digits, isPercent := strings.CutSuffix(s, "%")
	x, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		r.wrong("%q is no number", s)
	}
	if isPercent {
		x /= 100
	}
	return x
}

func (r *reader) weight(s string) release.Weight {
	return release.Weight(r.number(s)*float64(release.Whole) + 0.5)
}

// pair reads "1%/5%", baseline first; one value serves both arms.
func (r *reader) pair(s string) [2]float64 {
	a, b, ok := strings.Cut(s, "/")
	if !ok {
		b = a
	}
	return [2]float64{r.number(a), r.number(b)}
}

// step reads "5%:2m:10m": weight, atLeast, atMost, and then approval=GROUP or
// what happens at the deadline, each after a colon.
func (r *reader) step(s string) plan.Step {
	parts := strings.Split(s, ":")
	for len(parts) < 3 {
		parts = append(parts, []string{"", "2m", "10m"}[len(parts)])
	}
	st := plan.Step{Weight: r.weight(parts[0]), AtLeast: r.duration(parts[1]), AtMost: r.duration(parts[2]), AtDeadline: plan.Hold}
	for _, p := range parts[3:] {
		switch p {
		case string(plan.Hold), string(plan.Ask), string(plan.Go):
			st.AtDeadline = plan.AtDeadline(p)
		default:
			st.Approval = r.approval(p)
		}
	}
	return st
}

// approval reads "managers" or "managers*2~30m!": the group, how many of it, how
// long an approval counts, and whether a reason must be given.
func (r *reader) approval(s string) release.Approval {
	s, comment := strings.CutSuffix(s, "!")
	s, expires, _ := strings.Cut(s, "~")
	from, quorum, many := strings.Cut(s, "*")
	a := release.Approval{From: from, Quorum: 1, Expires: r.duration(expires), Comment: comment}
	if many {
		a.Quorum = int64(r.number(quorum))
	}
	return a
}

// metric reads a line such as: metric errors ratio tolerance=5% limit=3%.
func (r *reader) metric(c Command) release.Metric {
	m := release.Metric{Worse: release.Higher, Severity: release.Guardrail, Method: release.Sequential, Tolerance: 0.05}
	if len(c.Words) != 2 {
		r.wrong("a metric needs a name and a kind")
		return m
	}
	m.Name, m.Kind = c.Words[0], release.Kind(c.Words[1])
	if m.Kind == release.Gauge {
		m.Tolerance = 0.1
	}
	for name, value := range c.Named {
		switch name {
		case "tolerance":
			m.Tolerance = r.number(value)
		case "severity":
			m.Severity = release.Severity(value)
		case "method":
			m.Method = release.Method(value)
		case "least":
			m.MinSamples = int64(r.number(value))
		case "by":
			m.By = []string{value}
		case "below":
			m.Limit = &release.Limit{Value: r.number(value), Quantile: 0.99}
		case "alone":
			m.LimitOnly = value == "yes"
		default:
			r.wrong("a metric has no %s", name)
		}
	}
	return m
}
