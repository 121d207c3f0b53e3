package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// Store is what a fleet needs of the journal.
type Store interface {
	run.Store
	// Find gives what the index knows of a release.
	Find(ctx context.Context, id journal.ID) (journal.Summary, error)
	// FileText gives the file that a release was begun with.
	FileText(ctx context.Context, id journal.ID) ([]byte, error)
	// Choose gives releases of a choice.
	Choose(ctx context.Context, c journal.Choice) ([]journal.Summary, error)
}

// Parts are what a release runs with.
type Parts struct {
	Router run.Router
	Source run.Source
	// Close lets go of both; nil where there is nothing to let go of.
	Close func()
}

// Assembler puts the parts of a release together from its file. Errors wrap
// release.ErrInvalid where that can never be done with this file and these
// settings; whatever is wrong, it is tried again.
type Assembler interface {
	Assemble(ctx context.Context, id journal.ID, f spec.File) (Parts, error)
}

// Config is what a Fleet works with. Store, Assembler and Now must be set.
type Config struct {
	Store     Store
	Assembler Assembler
	Notifier  run.Notifier
	// Own makes this process the only one that runs a release, until what it
	// returns is called; an error that wraps release.ErrConflict says that another
	// does. Nil where several processes may take turns of the same release.
	Own func(id journal.ID) (func() error, error)
	// Alone calls f while no other process begins a release of the same key; nil
	// where there is no other process.
	Alone func(ctx context.Context, key string, f func(context.Context) error) error
	// Salt draws what decides who sees a candidate first.
	Salt   func() string
	Now    func() time.Time
	Log    *slog.Logger
	Tracer trace.Tracer
	// OnStep is called after every record, OnTurn after every turn, with how long
	// it took; OnOver when a release needs no more turns here. All must return
	// quickly, and may be called by several goroutines.
	OnStep func(engine.State, journal.Record)
	OnTurn func(id journal.ID, took time.Duration, err error)
	OnOver func(id journal.ID)
}

// mostReading is how many releases are read from the journal at once: it is work
// for the processor, and thousands that are taken up together must leave room for
// who asks whether a command waits.
const mostReading = 3

// mostStoring is how many looks are being recorded at once: few enough that all
// of them are written within the time that the journal has.
const mostStoring = 64

// room waits for a place among those that record.
func (f *Fleet) room(ctx context.Context) (func(), error) {
	select {
	case f.storing <- struct{}{}:
	default:
		f.late.Add(1)
		defer f.late.Add(-1)
		select {
		case f.storing <- struct{}{}:
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil, ctx.Err() // nobody waits any more, which is no fault of the journal
			}
			return nil, fmt.Errorf("the journal is behind with what %d releases saw: %w", f.late.Load(), release.ErrUnavailable)
		}
	}
	return func() { <-f.storing }, nil
}

// Fleet takes turns of releases. It is safe for use by several goroutines.
type Fleet struct {
	cfg Config

	mu      sync.Mutex
	members map[journal.ID]*member
	// begun is told of a release that was begun here; nil for nobody.
	begun func(journal.ID)

	// beginning has a place for the one release that is being begun.
	beginning chan struct{}
	// storing has a place for each look that is being recorded; late counts those
	// that wait for one.
	storing chan struct{}
	late    atomic.Int64
	// reading bounds the releases that are read from the journal at once.
	reading chan struct{}
	inbox   inbox
}

// New returns a Fleet.
func New(cfg Config) *Fleet {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.OnStep == nil {
		cfg.OnStep = func(engine.State, journal.Record) {}
	}
	if cfg.OnTurn == nil {
		cfg.OnTurn = func(journal.ID, time.Duration, error) {}
	}
	if cfg.OnOver == nil {
		cfg.OnOver = func(journal.ID) {}
	}
	return &Fleet{cfg: cfg, members: map[journal.ID]*member{}, beginning: make(chan struct{}, 1),
		reading: make(chan struct{}, mostReading), storing: make(chan struct{}, mostStoring)}
}

// OnBegun sets who is told of a release that was begun here, so that its first
// turn is taken at once. It is set once, before anything is begun.
func (f *Fleet) OnBegun(told func(journal.ID)) { f.begun = told }

// member is a release in the fleet. A turn of it is taken by whoever has its
// slot; the other fields below the line are theirs.
type member struct {
	id   journal.ID
	slot chan struct{}

	runner   *run.Runner
	parts    Parts
	disown   func() error
	failures int

	// how is guarded by the fleet's mu.
	how Status
}

// Status is how a release does in this process.
type Status struct {
	ID journal.ID
	// Turn is when the last turn began, Due when the next one is.
	Turn, Due time.Time
	// Error is what the last turn failed with; empty where it did not. Failures
	// counts those in a row.
	Error    string
	Failures int
	// Elsewhere says that another process runs it.
	Elsewhere bool
}

// Status gives how a release does, and false where this process knows nothing of
// it.
func (f *Fleet) Status(id journal.ID) (Status, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.members[id]
	if !ok {
		return Status{}, false
	}
	return m.how, true
}

// Statuses gives how all do, in no order.
func (f *Fleet) Statuses() []Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Status, 0, len(f.members))
	for _, m := range f.members {
		all = append(all, m.how)
	}
	return all
}

// Close lets go of all releases; no turn may be under way.
func (f *Fleet) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, m := range f.members {
		m.letGo(f.cfg.Log)
		delete(f.members, id)
	}
	return nil
}

// letGo closes the parts of a release, and lets other processes run it.
func (m *member) letGo(log *slog.Logger) {
	seq := m.seq()
	m.drop()
	if m.disown != nil {
		if err := m.disown(); err != nil {
			log.Warn("lock not given back", "release", m.id.String(), "seq", seq, "error", err)
		}
		m.disown = nil
	}
}

// drop closes the parts, so that the next turn puts them together again.
func (m *member) drop() {
	if m.parts.Close != nil {
		m.parts.Close()
	}
	m.parts, m.runner = Parts{}, nil
}
