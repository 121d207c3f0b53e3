package journal

import (
	"time"

	"github.com/linnet-project/linnet/engine"
)

// Record is one step of a release: what happened, what was decided on it, and
// what is to be done.
type Record struct {
	// Seq counts a release's records from 1, which is Started.
	Seq uint64
	// At is when the record was written, by the clock of who wrote it. Times
	// are kept in UTC with nanoseconds.
	At       time.Time
	Event    engine.Event
	Decision engine.Decision
	Effects  []engine.Effect
	// Hash chains the record to all before it. An append computes it; what the
	// caller put here is not looked at.
	Hash Hash
}

// Hash is the SHA-256 of a record and the hash before it; all zero before the
// first record.
type Hash [32]byte

// Outcome is how a release ended.
type Outcome string

// The outcomes. The empty Outcome is a release that has not ended.
const (
	Promoted   Outcome = "promoted"
	RolledBack Outcome = "rolled-back"
	Aborted    Outcome = "aborted" // rolled back by a person
)

// outcome tells how a release ended, if nothing is left to do for it.
func outcome(s *engine.State) Outcome {
	switch {
	case !s.Over():
		return ""
	case s.Phase == engine.Promoted:
		return Promoted
	case s.Cause == engine.ByPerson:
		return Aborted
	}
	return RolledBack
}

// Body is the stored form of a record, over which its hash goes.
func (r Record) Body() ([]byte, error) { return encodeRecord(r) }
