package judge

import (
	"math"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// mostHidden is how many guardrails a deadline tells of.
const mostHidden = 5

// Hidden says, for each guardrail that still waits, what effect could hide from
// the evidence so far, to be put behind a reason; "" where none waits.
func (v *Verdict) Hidden() string {
	var parts []string
	for i := range v.Comparisons {
		c := &v.Comparisons[i]
		if c.Severity != release.Guardrail || c.Segment != "" || c.Outcome != Wait || c.beside() {
			continue
		}
		if size := c.Hides(); size != "" && len(parts) < mostHidden {
			parts = append(parts, c.Metric+" "+size)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; what cannot be excluded: " + strings.Join(parts, ", ")
}

// Hides says what effect cannot be excluded: everything up to the upper bound of
// the confidence sequence, and what a pass would have to rule out. "" where there
// is no such bound to tell: of absolute limits and tolerances the reason says
// what is not ruled out.
func (c *Comparison) Hides() string {
	switch {
	case c.Candidate.N == 0:
		return "harm of any size"
	case !c.Effect.Unbounded && c.Effect.High > 0:
		return "up to " + number(math.Max(c.Effect.High, c.Exclude)) + "x"
	case c.AgainstLimit || c.Kind == release.Gauge:
		return ""
	}
	return "harm of any size"
}

// hidden says in brackets what a waiting comparison cannot exclude.
func hidden(c *Comparison) string {
	size := c.Hides()
	if size == "" || !c.Effect.Unbounded && c.Effect.High <= c.Exclude {
		return ""
	}
	return " (" + size + " cannot be excluded)"
}
