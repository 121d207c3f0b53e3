package engine

import (
	"time"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// DecisionKind is what a step of the engine decided.
type DecisionKind string

// The kinds of a decision. Every step has one; most looks end in Stay.
const (
	Stay     DecisionKind = "stay"
	Start    DecisionKind = "start"
	Forward  DecisionKind = "advance"
	HoldHere DecisionKind = "hold"
	StepBack DecisionKind = "step-back"
	Correct  DecisionKind = "correct"
	RollBack DecisionKind = "roll-back"
	Promote  DecisionKind = "promote"
	Await    DecisionKind = "await-approval"
	Counted  DecisionKind = "approval" // given or taken back, and nothing moves yet
	Suspend  DecisionKind = "pause"
	Continue DecisionKind = "resume"
	Finish   DecisionKind = "finish"
	Refuse   DecisionKind = "refuse"
)

// Decision is what one event led to, and why.
type Decision struct {
	At    time.Time
	Kind  DecisionKind
	Phase Phase // the phase after it
	Step  int   // the step after it, from 1; 0 before the first and when withdrawn
	// Weight is the candidate's recorded weight after it.
	Weight release.Weight
	Reason release.Reason
	// Verdict is what a look came to; nil for other events.
	Verdict *judge.Verdict
	Who     string // the person, for commands
}
