package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// What a terminal is shown of long lists; JSON has more.
const (
	firstShown = 10
	lastShown  = 30
)

// Text writes a release for a terminal: the sentence first, then the figures
// it rests on, then the log.
func Text(w io.Writer, r Release, o Options) error {
	p := &paper{o: o}
	if r.Name == "" {
		p.text("", r.Sentence, plain)
		return p.writeTo(w)
	}
	p.line(span{clean(r.Name), strong}, say(fmt.Sprintf("  attempt %d  ", r.Attempt)), headline(r))
	p.blank()
	p.text("", r.Sentence, strong)
	p.blank()
	p.facts(r)
	p.standing(r)
	p.log(r)
	p.effects(r)
	if r.Next != nil {
		p.blank()
		p.text("", "Next: `"+clean(r.Next.Command)+"` "+clean(r.Next.Does), plain)
	}
	return p.writeTo(w)
}

// headline is the outcome as a word.
func headline(r Release) span {
	switch r.Outcome {
	case promoted:
		return span{"PROMOTED", good}
	case rolledBack:
		return span{"ROLLED BACK", bad}
	case aborted:
		return span{"ABORTED", bad}
	}
	return say(strings.ToUpper(clean(r.Phase)))
}

// fact writes one named line, folded where it is long.
func (p *paper) fact(name, text string, st style) {
	lead := indent + pad(name, 11, false)
	for _, l := range wrap(clean(text), p.o.width()-cells(lead)) {
		p.line(say(lead), span{l, st})
		lead = strings.Repeat(" ", cells(lead))
	}
}

func (p *paper) facts(r Release) {
	p.fact("service", r.Service, plain)
	for i, a := range r.Arms {
		st := candidateColor
		if i == 0 {
			st = baselineColor
		}
		p.fact(clean(a.Name), armText(a), st)
	}
	if !r.Served {
		p.fact("provider", "has not confirmed these weights yet", plain)
	}
	if len(r.Steps) > 0 {
		p.line(append([]span{say(indent + pad("steps", 11, false))}, rail(r.Steps)...)...)
	}
	if r.By != "" {
		p.fact("begun by", r.By, plain)
	}
	for _, text := range approvalLines(r) {
		p.fact("approval", text, plain)
	}
	p.fact("times", timesText(r.Times), plain)
	if r.Exposure.Metric != "" {
		p.fact("exposure", fmt.Sprintf("%s candidate requests, %s bad (%s)",
			count(r.Exposure.Requests), count(r.Exposure.Bad), r.Exposure.Metric), plain)
	}
	if r.Harm != nil {
		p.fact("harm", r.Harm.Text, plain)
	}
	if r.Budget != nil {
		p.fact("budget", r.Budget.Text, plain)
	}
	for _, l := range r.Links {
		p.fact("link", l.Name+" "+l.URL, plain)
	}
	if len(r.Exemplars) > 0 {
		p.fact("traces", strings.Join(r.Exemplars, " "), plain)
	}
	for _, text := range r.Warnings {
		p.fact("warning", text, plain)
	}
}

func armText(a Arm) string {
	text := a.Version
	if a.Weight != "" {
		text += "  at " + a.Weight
	}
	if a.Commit != "" {
		text += ", commit " + a.Commit
	}
	if a.Image != "" {
		text += ", image " + a.Image
	}
	return text
}

// rail shows the steps: those done, the present one, those ahead.
func rail(steps []Step) []span {
	var out []span
	for _, s := range steps {
		mark, st := "· ", plain
		switch s.State {
		case "done":
			mark = "✓ "
		case "present":
			mark, st = "▶ ", strong
		case "stopped":
			mark = "✗ "
		}
		text := s.Weight
		if s.Approval != "" {
			text += " (" + clean(s.Approval) + ")"
		}
		out = append(out, span{mark + text, st}, say("   "))
	}
	return out
}

func timesText(t Times) string {
	if t.Started == nil {
		return "not started"
	}
	text := "started " + stamp(*t.Started)
	if t.Exposed != nil {
		text += ", first traffic " + clock(*t.Exposed)
	}
	if t.Decided != nil {
		text += ", decided " + clock(*t.Decided)
		if t.ToDecision != nil {
			text += " after " + seconds(*t.ToDecision)
		}
	}
	if t.Ended != nil {
		text += ", traffic followed " + clock(*t.Ended)
		if t.ToEnd != nil {
			text += " after " + seconds(*t.ToEnd)
		}
	}
	return text
}

func seconds(s float64) string { return duration(time.Duration(s * float64(time.Second))) }

func (p *paper) standing(r Release) {
	title := "Guardrails now"
	if r.Outcome != running {
		title = "Guardrails when it was decided"
	}
	p.comparisons(title, "  (effect: how bad; evidence: how sure, and what is enough)", r.Standing)
	title = "The baseline since, against its own past"
	if r.Outcome == promoted {
		title = "The new version since, against its own past"
	}
	p.comparisons(title, "", r.Aftermath)
}

// comparisons writes a table; effect and evidence stand apart: how bad, and
// how sure.
func (p *paper) comparisons(title, hint string, all []Comparison) {
	if len(all) == 0 {
		return
	}
	p.blank()
	p.line(span{title, strong}, say(hint))
	left, right := heads(all)
	columns := []column{
		{}, {name: "metric", cut: fitMiddle},
		{name: left, right: true}, {name: "of", right: true, tight: true},
		{name: right, right: true}, {name: "of", right: true, tight: true},
		{name: "effect", right: true}, {name: "95 %"}, {name: "evidence"},
	}
	var rows [][]span
	for _, c := range all {
		rows = append(rows, []span{
			{verdictWord(c.Verdict), verdictStyle(c.Verdict)}, say(label(c)),
			{reference(c), baselineColor}, {samples(c.Baseline), baselineColor},
			{value(c, c.Candidate), candidateColor}, {samples(c.Candidate), candidateColor},
			say(effect(c)), say(interval(c)), say(evidence(c)),
		})
	}
	p.table(columns, rows)
	p.remarks(all)
}

// heads are the names of the columns that hold the two sides' figures.
func heads(all []Comparison) (left, right string) {
	if all[0].Against == againstPast {
		return "past", "since"
	}
	return release.Baseline, release.Candidate
}

// remarks tells what the table has no room for: why a metric is not judged,
// and what its test warns of.
func (p *paper) remarks(all []Comparison) {
	seen := map[string]bool{}
	say := func(text string) {
		if text != "" && !seen[text] && len(seen) < 10 {
			seen[text] = true
			p.text(indent+"· ", text, plain)
		}
	}
	for _, c := range all {
		if c.Verdict == "wait" && c.Reason.Code != "collecting" {
			say(c.Reason.Text)
		}
		if r := c.Recent; r != nil && c.Evidence.Progress >= suspicious {
			say(fmt.Sprintf("%s: the evidence of harm comes from what was seen since %s: %s against %s", label(c), clock(r.Since),
				side(value(c, r.Candidate), r.Candidate), side(value(c, r.Baseline), r.Baseline)))
		}
		say(quantiles(c))
		for _, w := range c.Warnings {
			say(c.Metric + ": " + w)
		}
	}
	if text := beliefs(all); text != "" {
		p.text(indent+"· ", text, plain)
	}
}

func (p *paper) log(r Release) {
	p.blank()
	if len(r.Decisions) == 0 {
		p.line(say("No decisions yet"))
		return
	}
	p.line(span{"Decisions", strong})
	head, skipped, tail := r.Decisions, r.DecisionsOmitted, []Decision(nil)
	if n := len(head); n > firstShown+lastShown || skipped > 0 && n > firstShown {
		from := max(firstShown, n-lastShown)
		head, skipped, tail = head[:firstShown], skipped+from-firstShown, head[from:]
	}
	day := p.entries("", head)
	if skipped > 0 {
		p.line(say(fmt.Sprintf("%s… %s more (--json has the first and last %s) …", indent, count(int64(skipped)), count(mostDecisions/2))))
	}
	p.entries(day, tail)
}

// entries writes decisions, with the day where it changes, and returns it.
func (p *paper) entries(day string, all []Decision) string {
	for _, d := range all {
		if today := d.Time.UTC().Format("2006-01-02"); today != day {
			day = today
			p.line(say(indent + day))
		}
		p.decision(d)
	}
	return day
}

// decision writes one entry: when, what, the step and weight after it, why.
func (p *paper) decision(d Decision) {
	step := none
	if d.Step > 0 {
		step = fmt.Sprint(d.Step)
	}
	lead := fmt.Sprintf("%s%s  %s  %s  %s  ", indent, clock(d.Time), pad(clean(d.Decision), 14, false),
		pad("step "+step, 6, false), pad(clean(d.Weight), 7, true))
	for _, l := range wrap(clean(d.Reason.Text), p.o.width()-cells(lead)) {
		p.line(say(lead), say(l))
		lead = strings.Repeat(" ", cells(lead))
	}
}

// effects tells what is not done yet, and how much is.
func (p *paper) effects(r Release) {
	done := 0
	var open []Effect
	for _, e := range r.Effects {
		if e.State == "pending" || e.State == "failed" {
			open = append(open, e)
		} else {
			done++
		}
	}
	if len(r.Effects) == 0 {
		return
	}
	p.blank()
	if len(open) == 0 {
		p.line(say(fmt.Sprintf("Effects: %s, all acknowledged", count(int64(done+r.EffectsOmitted)))))
		return
	}
	p.line(span{"Effects", strong}, say(fmt.Sprintf(": %s acknowledged, %s not", count(int64(done+r.EffectsOmitted)), count(int64(len(open))))))
	for _, e := range open[max(0, len(open)-firstShown):] {
		p.text(indent, effectText(e), plain)
	}
}

func effectText(e Effect) string {
	text := clock(e.Time) + " " + e.State + ": "
	if e.Effect == "set-weight" {
		text += "set the candidate's weight to " + e.Weight
	} else {
		text += "notice (" + e.Urgency + ") " + e.Title
	}
	if e.Failures > 0 {
		text += fmt.Sprintf("; failed %d times, last: %s", e.Failures, e.Failure)
	}
	return text
}
