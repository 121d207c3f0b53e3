package engine

import (
	"time"

	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// Phase is where a release stands, in words that a user recognises.
type Phase string

// The phases of a release.
const (
	Scheduled   Phase = "scheduled"                // its start lies in the future
	Shifting    Phase = "shifting"                 // a weight is recorded and not yet acknowledged
	WarmingUp   Phase = "warming up"               // latency and levels of a fresh candidate are not judged yet
	Observing   Phase = "observing"                // looking, towards a pass
	Waiting     Phase = "waiting for approval"     // a person is asked
	Paused      Phase = "paused"                   // a person paused it; looking goes on, a fail still rolls back
	Held        Phase = "held"                     // stays; looking goes on
	Failed      Phase = "failed"                   // cannot reach the provider: keeps trying, pages
	Promoting   Phase = "promoting"                // the whole traffic is on its way to the candidate
	Watching    Phase = "watching after promotion" // the new version against its past
	RollingBack Phase = "rolling back"             // the weight is on its way to zero
	Recovering  Phase = "watching recovery"        // after a rollback: did it help
	Promoted    Phase = "promoted"                 // the end
	RolledBack  Phase = "rolled back"              // the end
)

// OnlyWatches tells whether a release has done all that it does to the traffic,
// and looks on.
func (p Phase) OnlyWatches() bool { return p == Watching || p == Recovering }

// Withdrawn is the Step of a release that went below its first step (blind for
// long, or a lapsed lease): no traffic, and it climbs again from the first.
const Withdrawn = -1

// Cause is why a rollback was begun.
type Cause string

// The causes of a rollback.
const (
	ByEvidence Cause = "evidence" // a guardrail failed
	ByPerson   Cause = "person"   // a person aborted
)

// State is all that is known of a release: a fold of its events. It is plain
// exported data so that it can be snapshotted.
type State struct {
	Release string
	Attempt int
	Plan    plan.Plan
	Salt    string
	Epoch   uint64
	Methods int

	// Seq is the number of events folded so far; the last one's sequence.
	Seq uint64
	// Now is the latest time of any event; time never goes backwards here.
	Now       time.Time
	StartedAt time.Time

	Phase Phase
	// Before is the phase behind Paused, Failed, and Held at a weight lowered by
	// hand; BeforeWhy is its reason.
	Before    Phase
	BeforeWhy release.Reason
	// Why is the reason of the last change of phase.
	Why release.Reason
	// Step indexes Plan.Steps, or is Withdrawn.
	Step int
	// Capped is the weight of the present step where the harm budget keeps it
	// below the plan's; 0 where it does not.
	Capped release.Weight
	// Author is who began the release; "" where nobody is named.
	Author string
	// Votes are the approvals given in this attempt, one a person and gate.
	Votes []Vote
	// Waived says that a person advanced it in place of evidence to the step of
	// that index plus one, and it waits for approvals; 0 for none.
	Waived int

	// Route is the recorded route, Served whether it was acknowledged.
	Route  release.Route
	Served bool
	// ServedWeight is the candidate's weight last acknowledged or seen.
	ServedWeight release.Weight
	// Pending are the effects not yet acknowledged.
	Pending Pending
	// Tries counts failed attempts to set the pending route in a row. FailedAt is
	// when the provider first failed since it last set one, PagedAt when people
	// were last paged for that; both are zero while it works.
	Tries             int
	FailedAt, PagedAt time.Time
	// UnreadyAt is when an arm was first found not to be ready for what is to be
	// set, UnreadyPagedAt when people were last paged for that; both are zero once
	// it is set.
	UnreadyAt, UnreadyPagedAt time.Time
	// Corrected counts how often a weight that somebody lowered was put right
	// since the present step was first served.
	Corrected int
	// Overtaken is the epoch of another release that took over the service; what
	// is set after a resume must be newer.
	Overtaken uint64
	// ServedAt is when the present step's weight was acknowledged; Watched the
	// time watched since, Clock the part of it that counts towards AtMost.
	ServedAt       time.Time
	Watched, Clock time.Duration
	// Exposed is when the candidate first got traffic in this attempt.
	Exposed time.Time

	// ReadAt is the last look that read back the recorded weight; zero before the
	// first.
	ReadAt time.Time
	// LookedAt is the last look, WindowTo the end of its window, DataAt the
	// last look that had any data.
	LookedAt, WindowTo, DataAt time.Time
	// Dark says that the release last stepped back for want of any data, not
	// for an arm that was silent alone.
	Dark bool
	// Covered is, for each of Plan.Metrics, the end of the last window that had
	// observations of it; what was missed after it can still be asked for.
	Covered []time.Time
	Judge   judge.State
	Last    judge.Verdict

	// Harmed is set once a guardrail failed; nothing raises the weight after.
	Harmed bool
	Cause  Cause
	// Descent is the weight that a rollback in stages came from, Stage how many
	// stages have been asked for.
	Descent release.Weight
	Stage   int
	// Alarmed is set once the watch after the end has told people of harm.
	Alarmed bool
	// EndedAt is when the traffic reached its end (all or nothing);
	// DecidedAt when promotion or rollback was decided, Decided why.
	DecidedAt, EndedAt time.Time
	Decided            release.Reason
	// Told is what people were told of and lasts.
	Told []Told
	// DoneCommands are the ids of the last commands seen.
	DoneCommands []string
	// Recovered is "", "verified" or "not verified".
	Recovered string
}

// Pending holds effects that are recorded and not acknowledged.
type Pending struct {
	Route   *SetRoute
	Notices []Notify
}
