// Package plan holds a release file compiled into what the engine walks:
// ordered steps, metrics with every default filled in, and times.
package plan

import (
	"time"

	"github.com/linnet-project/linnet/release"
)

// AtDeadline says what happens when a step's AtMost is over without a pass.
type AtDeadline string

// What may happen at a deadline.
const (
	Hold AtDeadline = "hold" // stay, keep looking
	Ask  AtDeadline = "ask"  // stay, and ask a person
	Go   AtDeadline = "go"   // go on without a pass, unless something fails
)

// Step is a weight and what must hold to leave it.
type Step struct {
	Weight release.Weight
	// AtLeast and AtMost count from the acknowledgement of the weight, in time
	// that was watched; AtMost stands still while paused, blind or waiting for
	// an approval.
	AtLeast, AtMost time.Duration
	// Approval is asked before the weight is set.
	Approval   release.Approval
	AtDeadline AtDeadline
}

// Plan is all that the engine needs to know of a release, with no default left
// open. It is frozen in a release's first event.
type Plan struct {
	Name    string
	Service string
	// Hash is the SHA-256 of the release file's text, in hex.
	Hash  string
	Arms  []release.Arm // baseline first
	Steps []Step
	// StartAt is when the first weight may be set; zero for at once.
	StartAt time.Time
	// Approval is asked before the first weight.
	Approval release.Approval

	Metrics []release.Metric
	// Every is the time between looks; Delay is how long a source is given to
	// see what happened, so that a window never ends later than now - Delay.
	Every, Delay time.Duration
	// WarmUp is how long after the first weight a candidate's latency and
	// levels are not judged; errors always are.
	WarmUp time.Duration
	// BlindFor is how long the release stays where it is without any data.
	BlindFor time.Duration
	// FalseRollback is the probability that a harmless release is rolled back
	// by statistics, over the whole release.
	FalseRollback float64
	// Share says how the candidate's share of all requests is judged.
	Share release.Share
	// HarmBudget is how many requests may fail because of the candidate before it
	// is rolled back; 0 is no budget.
	HarmBudget int64

	// Grain is the finest weight that the provider can set.
	Grain release.Weight
	// Testers, Sticky and Mirror go into every route that exposes the candidate
	// before the decision.
	Testers release.Testers
	Sticky  release.Sticky
	Mirror  release.Weight
	// CorrectLowered says that a weight which somebody else lowered is put right,
	// a few times; otherwise the release holds there.
	CorrectLowered bool

	// RollbackOver is how long a rollback takes, in stages; 0 is at once.
	RollbackOver time.Duration
	// Watch and Recovery are how long the world is watched after a promotion
	// and after a rollback.
	Watch, Recovery time.Duration
	// ReadBack is how long after its end a release still reads back the weights,
	// where the provider would take them from a writer that is late.
	ReadBack time.Duration
	// Lease is how long a weight holds without renewal on a provider that can
	// lease; 0 where it cannot.
	Lease time.Duration

	Links []release.Link
	// Labels are those of the file: who owns the release, and where it runs.
	Labels map[string]string
	// Runbook is what to do when people are called.
	Runbook string
}

// The labels that permission and notices go by.
const (
	TeamLabel        = "team"
	EnvironmentLabel = "environment"
)
