package report

import (
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
)

// mostMarks is how many marks are kept of a release, the first and the last.
const mostMarks = 1000

// The kinds of marks.
const (
	markWeight   = "weight"
	markDecision = "decision"
	markApproval = "approval"
	markOrder    = "order"
	markNotice   = "notice"
)

// decidedWords say what was decided, as a mark is called.
var decidedWords = map[engine.DecisionKind]string{
	engine.Start: "begins", engine.Forward: "advances", engine.HoldHere: "holds", engine.StepBack: "steps back",
	engine.Correct: "the weight is put right", engine.RollBack: "rolls back", engine.Promote: "is promoted",
	engine.Await: "asks for approval", engine.Counted: "an approval", engine.Suspend: "paused", engine.Continue: "goes on",
	engine.Finish: "ends", engine.Refuse: "refused",
}

// marker collects the marks of a release.
type marker struct {
	marks ends[Mark]
	// asked is the weight that was asked for last.
	asked engine.SetRoute
}

func (k *marker) add(rec journal.Record) {
	d := rec.Decision
	if m, ok := decidedMark(rec); ok {
		k.marks.add(m)
	}
	if e, ok := rec.Event.(engine.Acknowledged); ok && e.Failure == nil && e.Effect == k.asked.Effect && k.asked.Effect.Seq > 0 {
		w := engine.CandidateWeight(k.asked.Route)
		k.marks.add(Mark{Time: e.At.UTC(), Kind: markWeight, Title: engine.Percent(w), WeightPercent: known(percentOf(w)), Seq: rec.Seq})
	}
	for _, e := range rec.Effects {
		switch e := e.(type) {
		case engine.SetRoute:
			k.asked = e
		case engine.Notify:
			k.marks.add(Mark{Time: d.At.UTC(), Kind: markNotice, Title: clean(e.Notice.Title), Text: clean(e.Notice.Text),
				Urgency: string(e.Notice.Urgency), Seq: rec.Seq})
		}
	}
}

// decidedMark is the mark of a decision, unless it was to stay; of an order always.
func decidedMark(rec journal.Record) (Mark, bool) {
	d := rec.Decision
	m := Mark{Time: d.At.UTC(), Kind: markDecision, Title: decidedWords[d.Kind], Text: clean(d.Reason.Text), Seq: rec.Seq,
		Decision: string(d.Kind), Who: clean(d.Who)}
	switch e := rec.Event.(type) {
	case engine.Started:
		m.Who = clean(e.By)
	case engine.Commanded:
		m.Kind, m.Who = markOrder, clean(e.Who)
		switch e.Verb {
		case engine.Approve, engine.Reject, engine.Retract:
			m.Kind = markApproval
		}
		if m.Title = string(e.Verb); d.Kind == engine.Refuse {
			m.Title += " (refused)"
		}
		if e.Reason != "" && d.Kind != engine.Refuse {
			m.Text = clean(e.Reason)
		}
		return m, true
	}
	if d.Kind == engine.Await {
		m.Kind = markApproval
	}
	return m, d.Kind != engine.Stay
}
