package engine

import (
	"time"

	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// Event is something that happened to a release. It is one of Started, Looked,
// Acknowledged and Commanded; nobody outside this package can add one.
type Event interface{ event() time.Time }

// Started is a release's first event. It freezes the plan and the version of
// the methods by which the release is judged.
type Started struct {
	At      time.Time
	Attempt int
	Plan    plan.Plan
	// Salt, with a user's key, decides who sees the candidate first.
	Salt string
	// Epoch is the first epoch of this attempt; it is higher than what the
	// provider served when the release began.
	Epoch uint64
	// Methods is the version of the statistical methods (see judge.Methods).
	Methods int
	// By is who began the release: its author, who does not approve it. Empty
	// where nobody is named.
	By string
	// Glass tells who broke the glass for it, who agreed, why, and which guard rails
	// it does not meet; empty where it meets them.
	Glass string
}

// Looked is one look at the world: what was observed, not what was concluded.
type Looked struct {
	At time.Time
	// Window is what the observations cover, where there are any.
	Window       release.Window
	Observations []release.Observation
	// Problems say why metrics are missing.
	Problems []release.Problem
	// Seen is what the provider serves, nil where it could not be read.
	Seen *release.Seen
	// Warnings are what sources said about their answers.
	Warnings  []string
	Exemplars []string
	// Share is the candidate's true share of the traffic in the windows, where a
	// recording tells it, 0 where it changed or is not known; nil in a live
	// release, whose share is the weight that is served.
	Share *release.Weight
}

// Acknowledged says that an effect was done, or could not be.
type Acknowledged struct {
	At     time.Time
	Effect EffectID
	// Failure is why the effect could not be done; nil when it was.
	Failure *release.Reason
}

// Verb is what a person can order.
type Verb string

// The verbs of a command.
const (
	Pause   Verb = "pause"
	Resume  Verb = "resume"
	Advance Verb = "advance" // in place of a pass; it is also the approval of who gives it
	Approve Verb = "approve"
	Reject  Verb = "reject"  // in place of an approval: ends the release
	Retract Verb = "retract" // takes an approval back
	Abort   Verb = "abort"
)

// Verbs lists them.
func Verbs() []Verb { return []Verb{Pause, Resume, Advance, Approve, Reject, Retract, Abort} }

// Anybody is the group that stands for all groups, and for none being asked: who
// orders something on the machine that holds the journal is not looked up
// anywhere, and could write what they like. No policy knows a group of this name.
const Anybody = "*"

// Commanded is a person's order. ID makes it harmless when delivered twice.
type Commanded struct {
	At     time.Time
	ID     string
	Verb   Verb
	Who    string
	Reason string
	// Groups are those that the policy had Who in, or Anybody.
	Groups []string
	// From is where the order came from: an address, "command line".
	From string
	// Glass names the second person who agreed that this order goes past
	// approvals; empty where the glass was not broken.
	Glass string
}

func (e Started) event() time.Time      { return e.At }
func (e Looked) event() time.Time       { return e.At }
func (e Acknowledged) event() time.Time { return e.At }
func (e Commanded) event() time.Time    { return e.At }

// When tells when an event happened.
func When(e Event) time.Time { return e.event() }
