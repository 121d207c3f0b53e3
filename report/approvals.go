package report

import (
	"fmt"
	"strings"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// approvals tells whom a step (from 1), or the release as a whole (0), asks, and
// what they gave; nil where nobody is asked.
func approvals(s engine.State, gate int, a release.Approval) *Approvals {
	if a.From == "" {
		return nil
	}
	out := &Approvals{From: clean(a.From), Quorum: max(1, a.Quorum), Expires: a.Expires.Seconds(), Comment: a.Comment, Given: []Approval{}}
	for _, v := range s.Votes {
		if v.Gate == gate {
			out.Given = append(out.Given, Approval{Who: clean(v.Who), Time: v.At.UTC(), Reason: clean(v.Reason), Glass: v.Whole})
		}
	}
	if asked, ok := s.Asked(); ok && asked.Gate == gate {
		out.Missing = asked.Missing
	}
	return out
}

// text tells approvals in one line.
func (a Approvals) text() string {
	text := fmt.Sprintf("%d of %d from %s", len(a.Given), a.Quorum, a.From)
	var given []string
	for _, g := range a.Given {
		said := g.Who + " " + clock(g.Time)
		if g.Glass {
			said += ", the glass was broken"
		}
		if g.Reason != "" {
			said += ": " + g.Reason
		}
		given = append(given, said)
	}
	if len(given) > 0 {
		text += " (" + strings.Join(given, "; ") + ")"
	}
	if a.Missing > 0 {
		text += fmt.Sprintf(", waits for %d more", a.Missing)
	}
	return text
}

// approvalLines are those of the release and its steps that were asked for, or
// given.
func approvalLines(r Release) []string {
	var out []string
	if r.Approvals != nil {
		out = append(out, "release: "+r.Approvals.text())
	}
	for i, s := range r.Steps {
		if a := s.Approvals; a != nil && (len(a.Given) > 0 || a.Missing > 0) {
			out = append(out, fmt.Sprintf("step %d: %s", i+1, a.text()))
		}
	}
	return out
}
