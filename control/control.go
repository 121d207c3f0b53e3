// Package control is the desk at which everybody asks: the API, the folder of
// release files, hooks and the command line of the machine itself all begin and
// steer releases through it. It decides who may, holds what is asked against the
// company's guard rails, writes the audit, and only then touches the journal. No
// door goes around it.
//
// The desk does nothing to the world itself: a release that it begins, or a
// command that it leaves, is taken by whoever runs releases.
package control

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/report"
	"github.com/linnet-project/linnet/spec"
)

// Journal is what the desk needs of the journal, and the only part of Linnet's
// store that it touches.
type Journal interface {
	Find(ctx context.Context, id journal.ID) (journal.Summary, error)
	Latest(ctx context.Context, name string) (journal.ID, bool, error)
	Choose(ctx context.Context, c journal.Choice) ([]journal.Summary, error)
	Tallies(ctx context.Context) ([]journal.Tally, error)
	Pasts(ctx context.Context, service string, last, promoted int) ([]journal.Past, error)
	FileText(ctx context.Context, id journal.ID) ([]byte, error)
	Records(ctx context.Context, id journal.ID, from uint64, fn func(journal.Record) error) error
	Load(ctx context.Context, id journal.ID, fold journal.Fold) (engine.State, uint64, error)
	CommandAt(ctx context.Context, id journal.ID, seq uint64, command engine.Commanded) error
	Given(ctx context.Context, id journal.ID, command string) (engine.Commanded, uint64, bool, error)
}

// Beginner begins a release: it puts its parts together, asks the provider and
// writes the first record. A release that can never be served is
// release.ErrInvalid.
type Beginner interface {
	Begin(ctx context.Context, b Beginning) (journal.ID, error)
}

// Beginning is a release that may begin: allowed, and within the guard rails.
type Beginning struct {
	File    spec.File
	Plan    plan.Plan
	Attempt int
	// By is who asked for it.
	By string
	// Glass tells how it comes past the guard rails; empty where it meets them.
	Glass string
}

// Guard holds a release that somebody wants to begin against what the company
// asks of each. What it finds is told all at once; nothing found is a release
// that may begin.
type Guard interface {
	Check(ctx context.Context, now time.Time, who access.Actor, f spec.File, p plan.Plan) ([]Finding, error)
}

// Finding is one rule that a release does not meet.
type Finding struct {
	// Rule is the rule's name, Text what is wrong and what to do.
	Rule, Text string
	// Until is when it will be met by itself, a freeze that ends, say; zero where
	// it will not.
	Until time.Time
	// Warn says that the release may begin all the same.
	Warn bool
}

// Auditor keeps what people did. The entry is written, or what it tells does not
// happen.
type Auditor interface {
	Audit(ctx context.Context, e Entry) error
}

// Entry is one line of the audit.
type Entry struct {
	At  time.Time
	Who access.Actor
	// What was done, as verb and object: "release.abort", "token.create".
	What string
	// Object is what it was done to: checkout-1.5.0/1, a token's name.
	Object string
	Reason string
	// Before and After are what changed, as short texts; empty where nothing did.
	Before, After string
	// Denied says that it was asked for and not allowed, and why.
	Denied string
	// again is what the same met before, where a program tries it again and again.
	again error
}

// Config is what a Desk works with. Journal, Policy and Now must be set; Read and
// Beginner where releases are begun at it. Without a Guard every release meets
// what is asked, and without an Auditor nothing is kept but the journal.
type Config struct {
	Journal  Journal
	Beginner Beginner
	Policy   access.Policy
	Guard    Guard
	Auditor  Auditor
	// Glass keeps requests to break the glass, and Notifier tells those who can
	// agree; without them nobody can go past anything.
	Glass    GlassKeeper
	Notifier Notifier
	// Read reads and checks a release file; name is what its errors call it.
	Read func(name string, text []byte) (spec.File, error)
	Now  func() time.Time
	// Questions tells what the sources of a release file are asked; nil where
	// nobody knows.
	Questions func(text []byte) []report.Question
	// Alone calls f while no other process does under the same key; nil where
	// there is no other one.
	Alone func(ctx context.Context, key string, f func(context.Context) error) error
}

// Desk is where everybody asks. It is safe for use by several goroutines.
type Desk struct {
	cfg     Config
	reports reports
	recent  recent
	courses courses
	owns    owns
	// folding is held by who reads on in a release for somebody who looks at it,
	// replaying by who replays one.
	folding, replaying chan struct{}
	// creating lets one release at a time through the guard rails, where how many
	// may run at once is counted.
	creating chan struct{}
}

// New returns a Desk.
func New(cfg Config) *Desk {
	return &Desk{
		cfg: cfg, recent: recent{journal: cfg.Journal, now: cfg.Now}, creating: make(chan struct{}, 1),
		folding: make(chan struct{}, folders), replaying: make(chan struct{}, replayers),
	}
}
