package release

import "time"

// Urgency says whom a notice may wake.
type Urgency string

// The urgencies of a notice.
const (
	Inform Urgency = "inform"
	Page   Urgency = "page"
)

// Happening is a stable, documented name for what a notice tells of. Routes of
// notices match on it.
type Happening string

// The happenings. Those that last are over at some time, and a notice says so.
const (
	ToldRollback  Happening = "rollback"       // traffic goes back to the baseline; over once recovery is verified
	ToldPromotion Happening = "promotion"      // the candidate takes over
	ToldAbort     Happening = "abort"          // a person ended it
	ToldApproval  Happening = "approval"       // a person is asked; lasts until answered
	ToldHold      Happening = "hold"           // the release stays where it is; lasts
	ToldBlind     Happening = "blind"          // no data, it stepped back; lasts until there is some
	ToldProvider  Happening = "provider-fails" // weights cannot be set; lasts
	ToldNotReady  Happening = "not-ready"      // the candidate cannot take traffic yet; lasts
	ToldWeight    Happening = "weight"         // somebody else raised the weight, and it was put right
	ToldLowered   Happening = "weight-lowered" // somebody else lowered it; lasts until resumed
	ToldLease     Happening = "lease-lapsed"   // the provider went back to the baseline by itself
	ToldTakenOver Happening = "taken-over"     // another release has the service; lasts until resumed
	ToldHarm      Happening = "harm-after"     // worse since the promotion
	ToldRecovery  Happening = "recovery"       // the baseline does not recover, or nobody can tell
	ToldUnseen    Happening = "end-not-seen"   // what is served at the end could not be read back
	ToldGlass     Happening = "break-glass"    // somebody went past the guard rails
	ToldTest      Happening = "test"           // a notice that a person asked for, to try a channel
)

// Happenings lists them.
func Happenings() []Happening {
	return []Happening{
		ToldRollback, ToldPromotion, ToldAbort, ToldApproval, ToldHold, ToldBlind, ToldProvider, ToldNotReady,
		ToldWeight, ToldLowered, ToldLease, ToldTakenOver, ToldHarm, ToldRecovery, ToldUnseen, ToldGlass, ToldTest,
	}
}

// Notice is something people should know. ID is the id of the effect that
// carries it, and channels use it to deduplicate.
type Notice struct {
	ID      string
	Release string
	Urgency Urgency
	Title   string
	Text    string
	Links   []Link

	// Happening is what it tells of; "" in notices of old records.
	Happening Happening
	// Topic is the same for all notices about one thing: the release's attempt and
	// the happening. Over says that this thing is over.
	Topic string
	Over  bool

	Attempt int
	// Service, Team and Environment are what routes match besides.
	Service, Team, Environment string
	// Step counts from 1; 0 for before the first.
	Step int
	// At is when it happened; zero where nobody knows.
	At time.Time
	// Next is the command that is useful now; "" for none.
	Next string
	// Runbook is what the release's file says to do.
	Runbook string
}

// Message is what a channel is asked to send: one notice, or several that go
// together.
type Message struct {
	// ID is the same whenever this message is sent again.
	ID string
	// Title is one line, Text the rest: plain text that the channel escapes.
	Title, Text string
	// Notices are what it tells, oldest first.
	Notices []Notice
	// Thread is what the channel returned for an earlier message about the same
	// release; "" for none.
	Thread string
	// Page is the URL of the release's page; "" where none is known.
	Page string
	// Digest says that it gathers what was not urgent, and Escalated that nobody
	// acknowledged what others were told before.
	Digest, Escalated bool
}

// Sent is what a channel tells of a sending.
type Sent struct {
	// Thread is what later messages about the same release are to be given.
	Thread string
	// Wait is how long the channel asks us to wait before the next try; 0 where it
	// does not.
	Wait time.Duration
}

// Link points to more: traces, logs, a runbook.
type Link struct {
	Name string
	URL  string
}
