package report

import (
	"fmt"
	"strings"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// Line gives one line on a record, for output that is no terminal; "" for a
// record that changes nothing a reader cares about. The state is the one after
// the record.
func Line(s engine.State, rec journal.Record) string {
	d := rec.Decision
	parts := []string{clock(d.At)}
	if s.Step >= 0 && len(s.Plan.Steps) > 0 {
		parts[0] += fmt.Sprintf(" step %d/%d", s.Step+1, len(s.Plan.Steps))
	}
	parts = append(parts, engine.Percent(d.Weight))
	said := clean(d.Reason.Text)
	switch e := rec.Event.(type) {
	case engine.Looked:
		parts = append(parts, lookParts(s)...)
		if d.Kind == engine.Stay && !tellsMore(d.Reason.Code) {
			said = ""
		}
	case engine.Acknowledged:
		if d.Kind == engine.Stay && e.Failure == nil && d.Reason.Code != release.WeightSet {
			return ""
		}
	}
	line := strings.Join(parts, " · ") + " → " + verb(s, d)
	if said != "" {
		line += ": " + said
	}
	return line
}

// tellsMore says whether the reason of a quiet look is more than its numbers.
func tellsMore(c release.Code) bool {
	switch c {
	case release.Collecting, release.HarmExcluded, release.WithinDeviation, release.Quiet:
		return false
	}
	return true
}

// lookParts are the figures of a look: requests and errors of each arm, and
// the comparison that tells the most.
func lookParts(s engine.State) []string {
	var parts []string
	if t, ok := totals(s); ok {
		parts = append(parts,
			fmt.Sprintf("baseline %s req %s err", count(t.a.N), count(t.a.Events)),
			fmt.Sprintf("candidate %s req %s err", count(t.b.N), count(t.b.Events)))
	}
	if c := telling(s); c != nil && c.Candidate.N > 0 {
		text := label(*c)
		if c.Effect.Ratio != nil {
			text += " " + effect(*c)
		}
		parts = append(parts, text)
		if e := evidence(*c); e != none {
			parts = append(parts, "evidence "+e)
		}
	}
	return parts
}

// sums are both arms' requests (N) and errors (Events).
type sums struct{ a, b judge.Side }

// totals gives what the first ratio that is a guardrail counted since the
// release began, else the first ratio.
func totals(s engine.State) (sums, bool) {
	m := newTraffic(s.Plan.Metrics).metric
	if m == nil {
		return sums{}, false
	}
	for i := range s.Judge.Metrics {
		if i >= len(s.Plan.Metrics) || s.Plan.Metrics[i].Name != m.Name {
			continue
		}
		if series := s.Judge.Metrics[i].Series; len(series) > 0 && len(series[0].Shares) > 0 {
			a, b := series[0].Shares[0].A, series[0].Shares[0].B
			return sums{judge.Side{N: a.Trials, Events: a.Events}, judge.Side{N: b.Trials, Events: b.Events}}, true
		}
	}
	for i := range s.Last.Comparisons {
		if c := &s.Last.Comparisons[i]; c.Metric == m.Name && c.Segment == "" {
			t := sums{c.Baseline, c.Candidate}
			if m.Worse == release.Lower { // what is counted is what went well
				t.a.Events, t.b.Events = t.a.N-t.a.Events, t.b.N-t.b.Events
			}
			return t, true
		}
	}
	return sums{}, false
}

// telling is the comparison that tells the most: one that fails or is half way
// to it, else the one that decides, nil where nothing was compared.
func telling(s engine.State) *Comparison {
	all, _ := compared(s.Plan.Metrics, s.Last.Comparisons)
	if len(all) == 0 {
		return nil
	}
	if all[0].Verdict == string(judge.Fail) || all[0].Evidence.Progress >= 0.5 {
		return &all[0]
	}
	for i := range all {
		if all[i].Metric == clean(s.Last.Metric) && all[i].Segment == clean(s.Last.Segment) {
			return &all[i]
		}
	}
	return &all[0]
}

// verb says what was decided.
func verb(s engine.State, d engine.Decision) string {
	switch d.Kind {
	case engine.Stay:
		return staying(s)
	case engine.Forward:
		return fmt.Sprintf("advances to step %d", d.Step)
	case engine.StepBack:
		return "steps back to " + engine.Percent(d.Weight)
	}
	if word, ok := verbs[d.Kind]; ok {
		return word
	}
	return clean(string(d.Kind))
}

var verbs = map[engine.DecisionKind]string{
	engine.Start: "begins", engine.HoldHere: "holds", engine.Correct: "puts the weight right",
	engine.RollBack: "rolls back", engine.Promote: "promotes", engine.Await: "asks for approval", engine.Counted: "counts an approval",
	engine.Suspend: "pauses", engine.Continue: "goes on", engine.Finish: "ends", engine.Refuse: "refuses",
}

// staying says what a release does that stays as it is.
func staying(s engine.State) string {
	switch s.Phase {
	case engine.Observing, engine.Shifting:
		return "keeps looking"
	}
	return clean(string(s.Phase))
}
