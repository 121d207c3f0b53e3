package forecast

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Text is a forecast for people, lines of about a hundred characters.
func (f Forecast) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s at %s requests/s: what each step can see\n\n", f.Release, number(f.Rate))
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, m := range f.Metrics {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", m.Metric, m.words(), m.Origin)
	}
	table.Flush()
	fmt.Fprintf(&b, `
Harm of x2 is twice the bad events, twice the rate of a count, every value of a histogram twice as
large, a level twice as high; half, where less is worse. It begins with the step and the candidate
stays at its weight; the steps before were harmless and took their atLeast. Times are until the
end of the look that sees it, in 80 %% of such releases and in 95 %% of them; "–" is not within the
step's atMost, with the share that is. Looks come each %s; the source's delay (%s) comes on top.
Latency and levels are not judged in the first %s of the release.
`, clock(f.Every), clock(f.Delay), clock(f.WarmUp))
	for i := range f.Steps {
		f.step(&b, i)
	}
	return b.String()
}

// step writes one step.
func (f Forecast) step(b *strings.Builder, i int) {
	s := &f.Steps[i]
	fmt.Fprintf(b, "\nStep %d: %s for %s to %s; requests/s on the candidate: %s\n", i+1, percent(s.Weight),
		clock(s.AtLeast), clock(s.AtMost), number(s.Exposed.Requests))
	if s.Approval != "" {
		fmt.Fprintf(b, "  (asked before it: %s)\n", s.Approval)
	}
	if s.Played < s.AtMost-f.Every {
		fmt.Fprintf(b, "  (played for %s of it)\n", clock(s.Played))
	}
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "  harm of")
	for _, x := range effects {
		fmt.Fprintf(table, "\t%s", times(x))
	}
	fmt.Fprintf(table, "\tleast seen in %s\tin %s\trequests until x2\n", clock(s.AtLeast), clock(s.Played))
	for _, m := range s.Metrics {
		fmt.Fprintf(table, "  %s", m.Metric)
		met := none
		for _, e := range m.Effects {
			fmt.Fprintf(table, "\t%s", e.words())
			if e.Effect == wanted && e.Exposed80 != nil {
				met = count(e.Exposed80.Requests)
				if e.ExtraBad != nil {
					met += fmt.Sprintf(" (%s more go bad)", number(*e.ExtraBad))
				}
			}
		}
		fmt.Fprintf(table, "\t%s\t%s\t%s\n", least(m.SeenAtLeast), least(m.SeenAtMost), met)
	}
	table.Flush()
	fmt.Fprintf(b, "  %s\n", s.Pass.words(s))
	if s.Better != nil {
		fmt.Fprintf(b, "  %s\n", s.Better.words(s))
	}
}

// words tells what was taken for granted of a metric.
func (m Premise) words() string {
	out := m.Kind
	switch release.Kind(m.Kind) {
	case release.Ratio:
		out += fmt.Sprintf(", %s of %s requests/s", percent(m.Level), number(m.Rate))
	case release.Count:
		out += fmt.Sprintf(", %s events/s", number(m.Level))
	case release.Histogram:
		out += fmt.Sprintf(", median %s, p99 %s on %d bounds, %s values/s", number(m.Median), number(m.P99), m.Bounds, number(m.Rate))
	case release.Gauge:
		out += fmt.Sprintf(", level %s, %d instances an arm, autocorrelation %s", number(m.Level), m.Instances, number(m.Correlation))
	}
	if m.Noise > 0 {
		out += ", noise " + percent(m.Noise)
	}
	switch {
	case m.Limited:
		out += ", against its limit alone"
	case m.Deviating:
		out += ", by deviation"
	case m.Believing:
		out += ", by probability"
	}
	if m.Segmented {
		out += ", as a whole (not by segment)"
	}
	if m.Severity == string(release.Warning) {
		out += ", a warning"
	}
	return out
}

// words tells when an effect is seen.
func (e Effect) words() string {
	switch {
	case e.Time80 == nil:
		return fmt.Sprintf("%s (%s)", none, percent(e.Within))
	case e.Time95 == nil:
		return fmt.Sprintf("%s, %s (%s)", clock(*e.Time80), none, percent(e.Within))
	}
	return clock(*e.Time80) + ", " + clock(*e.Time95)
}

// words tells how long a harmless candidate takes.
func (p Passing) words(s *Step) string {
	waits := ""
	if p.WaitsFor != "" {
		waits = "; it waits for " + p.WaitsFor
	}
	if p.RolledBack > 0 {
		waits += "; " + percent(p.RolledBack) + " are rolled back, though harmless"
	}
	if p.Median == nil {
		return fmt.Sprintf("A harmless candidate passes within %s in %s of the releases only%s; by then %s met it.",
			clock(s.Played), percent(p.Within), waits, p.AtMostAll.words())
	}
	out := fmt.Sprintf("A harmless candidate passes in %s (median), ", clock(*p.Median))
	if p.Time95 == nil {
		out += fmt.Sprintf("in %s of the releases within %s", percent(p.Within), clock(s.Played))
	} else {
		out += fmt.Sprintf("%s (95 %%)", clock(*p.Time95))
	}
	return out + waits + "; in the median " + p.AtMedian.words() + " met it."
}

func (e *Exposure) words() string {
	out := count(e.Requests) + " requests"
	if e.Users != nil {
		out += " of " + count(*e.Users) + " users"
	}
	return out
}

// words tells what would do better.
func (a *Advice) words(s *Step) string {
	var options []string
	for _, o := range a.Options {
		options = append(options, fmt.Sprintf("%s for %s (%s)", percent(o.Weight), clock(o.Time), o.Cost.words()))
	}
	if a.Shorter {
		return fmt.Sprintf("Enough: every guardrail sees %s with %s.", times(a.Effect), options[0])
	}
	blind := "sees nothing up to x100"
	if a.Seen != nil {
		blind = "sees nothing below " + times(*a.Seen)
	}
	out := fmt.Sprintf("Better: %s %s in %s at %s; %s ", a.Metric, blind, clock(s.AtLeast), percent(s.Weight), times(a.Effect))
	if len(options) == 0 {
		return out + "takes the weight of a later step, or longer than was played."
	}
	return out + "takes " + strings.Join(options, ", or ") + "."
}

// none stands where there is nothing to show.
const none = "–"

func least(x *float64) string {
	if x == nil {
		return none
	}
	return times(*x)
}

func times(x float64) string { return "x" + strconv.FormatFloat(digits(x, 3), 'f', -1, 64) }

// number prints three significant digits.
func number(x float64) string {
	if math.Abs(x) >= 1000 && math.Abs(x) < 1e15 {
		return count(digits(x, 3))
	}
	return strconv.FormatFloat(digits(x, 3), 'g', -1, 64)
}

// count prints a whole number with thousands separators; fractions below ten
// keep one digit.
func count(x float64) string {
	if x < 10 {
		return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64)
	}
	d := strconv.FormatFloat(math.Round(x), 'f', 0, 64)
	for i := len(d) - 3; i > 0; i -= 3 {
		d = d[:i] + "," + d[i:]
	}
	return d
}

func percent(x float64) string {
	return strconv.FormatFloat(digits(100*x, 3), 'f', -1, 64) + " %"
}

// clock prints seconds as people write them: 45s, 2m30s, 1h.
func clock(seconds float64) string {
	text := time.Duration(seconds * float64(time.Second)).Round(time.Millisecond).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
