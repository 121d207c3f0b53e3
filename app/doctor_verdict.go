package app

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// conclude finds what is wrong. A candidate has data once it has traffic, so
// that of it is only missed where another guardrail sees it.
func (d *diagnosis) conclude(f spec.File) {
	seen := slices.ContainsFunc(d.Metrics, func(c *metricCheck) bool {
		arm, ok := c.arm(release.Candidate)
		return ok && arm.Found && c.Severity == release.Guardrail
	})
	d.OK = true
	if d.Door != nil && len(d.Door.Problems) > 0 {
		d.Problem = &d.Door.Problems[0]
	}
	for _, c := range d.Metrics {
		if !c.gone {
			c.judge(f, seen)
		}
		for i := range c.Problems {
			one := &c.Problems[i]
			if one.Stops && d.OK {
				d.OK, d.Problem = false, one // what stops a release goes first
			}
			if d.Problem == nil {
				d.Problem = one
			}
		}
	}
}

func (c *metricCheck) arm(name string) (armCheck, bool) {
	i := slices.IndexFunc(c.Arms, func(a armCheck) bool { return a.Arm == name })
	if i < 0 {
		return armCheck{}, false
	}
	return c.Arms[i], true
}

// judge finds what is wrong with an answer. seen says that some guardrail sees
// the candidate.
func (c *metricCheck) judge(f spec.File, seen bool) {
	add := func(stops bool, do, format string, args ...any) {
		c.Problems = append(c.Problems, problem{Metric: c.Metric, Text: fmt.Sprintf(format, args...), Do: do, Stops: stops && c.Severity == release.Guardrail})
	}
	for _, arm := range []release.Arm{f.Baseline, f.Candidate} {
		a, asked := c.arm(arm.Name)
		switch {
		case !asked:
		case !a.Found && arm.Name == release.Baseline && !c.metric.LimitOnly, !a.Found && arm.Name == release.Candidate && seen:
			add(true, c.lookFor(arm), "no data of the %s in the last %s", arm.Name, short(float64(a.Of)*a.Step))
		case a.Found && a.Windows == 0 && arm.Name == release.Baseline:
			add(false, "see that it has traffic", "the %s is there and nothing happened in the last %s", arm.Name, short(float64(a.Of)*a.Step))
		}
		if every := f.Analysis.Every; a.Resolution != nil && a.Samples >= float64(a.Windows)*2 && *a.Resolution > every.Seconds()+a.Step {
			add(false, "write every: "+short(*a.Resolution), "data of the %s come about each %s, and looks each %s", arm.Name, short(*a.Resolution), short(every.Seconds()))
		}
		if delay := f.Analysis.Delay; a.Age != nil && a.Resolution != nil && *a.Age > delay.Seconds()+*a.Resolution+a.Step {
			add(false, "write delay: "+short(*a.Age)+", or see why it is late", "the newest data of the %s are %s old, and delay is %s", arm.Name, short(*a.Age), short(delay.Seconds()))
		}
	}
	for _, w := range c.Warnings {
		if strings.Contains(w, "clock") {
			add(false, "set both clocks by NTP", "%s", w)
		}
	}
}

// lookFor says what to look at where an arm has no data.
func (c *metricCheck) lookFor(arm release.Arm) string {
	labels := make([]string, 0, len(arm.Labels))
	for name, value := range arm.Labels {
		labels = append(labels, name+": "+value)
	}
	slices.Sort(labels)
	asked := "as " + arm.Name
	if len(labels) > 0 {
		asked = "under " + strings.Join(labels, ", ")
	}
	return fmt.Sprintf("look in %s whether %s is known there %s; docs/%s says how it is asked", c.Source, c.metric.Name, asked, pageOf(c.source))
}

// pageOf is the page of a source.
func pageOf(s spec.Source) string {
	for _, one := range spec.Sources() {
		if one.Name == s.Kind() {
			return one.Page
		}
	}
	return "metrics.md"
}

// short prints seconds as people say them.
func short(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d > time.Second {
		d = d.Round(time.Second)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func (d *diagnosis) write(out io.Writer) error {
	var b strings.Builder
	for _, c := range d.Metrics {
		fmt.Fprintf(&b, "%s (%s, %s)\n", c.Metric, c.Severity, c.Source)
		for _, a := range c.Arms {
			fmt.Fprintf(&b, "  %-10s %s\n", a.Arm, a.text())
		}
		if c.Averages {
			b.WriteString("  judged as a level: a rate without counts cannot be judged exactly\n")
		}
		for _, w := range c.Warnings {
			fmt.Fprintf(&b, "  warning: %s\n", w)
		}
		for _, one := range c.Problems {
			fmt.Fprintf(&b, "  problem: %s\n    %s\n", one.Text, one.Do)
		}
	}
	if d.Door != nil {
		d.Door.write(&b, d.At)
	}
	switch {
	case d.Problem == nil && slices.ContainsFunc(d.Metrics, func(c *metricCheck) bool { return c.NotAsked }):
		fmt.Fprintf(&b, "\n%s could start, as far as can be asked before it runs.\n", d.Release)
	case d.Problem == nil:
		fmt.Fprintf(&b, "\n%s could start: every guardrail has data.\n", d.Release)
	case d.OK:
		fmt.Fprintf(&b, "\n%s could start. First to look at: %s: %s; %s.\n", d.Release, d.Problem.Metric, d.Problem.Text, d.Problem.Do)
	default:
		fmt.Fprintf(&b, "\n%s could not start: %s: %s; %s.\n", d.Release, d.Problem.Metric, d.Problem.Text, d.Problem.Do)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// text says what is there of an arm.
func (a armCheck) text() string {
	switch {
	case !a.Found:
		return "nothing yet"
	case a.Windows == 0:
		return "there, and nothing happened in " + short(float64(a.Of)*a.Step)
	}
	text := fmt.Sprintf("%.0f samples in %s, %.0f in the last look", a.Samples, short(float64(a.Of)*a.Step), a.LastLook)
	if a.Resolution != nil {
		text += ", each " + short(*a.Resolution)
	}
	if a.Age != nil {
		text += ", the newest " + short(*a.Age+a.Step) + " ago at most"
	}
	if a.Segments > 0 {
		text += fmt.Sprintf(", in %d segments", a.Segments)
	}
	return text
}
