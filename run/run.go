package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// Config is what a Runner works with. Store, Router, Source and Now must be
// set; the rest may be left out.
type Config struct {
	Store    Store
	Router   Router
	Source   Source
	Notifier Notifier
	// Now is time.Now; where its results carry a monotonic reading, that is
	// what waits and ages are measured by.
	Now    func() time.Time
	Log    *slog.Logger
	Tracer trace.Tracer
	// Room waits until there is room to record a look, and is given it back by
	// what it returns; nil where there always is. Many releases on one journal
	// wait here, where there is time, and not in the journal, where there is
	// little.
	Room func(context.Context) (func(), error)
	// OnStep is called after every record, by the goroutine that owns the
	// release; it must return quickly.
	OnStep func(engine.State, journal.Record)
}

// Runner runs one release. It is used by one goroutine, which owns the release.
type Runner struct {
	cfg   Config
	id    journal.ID
	state engine.State
	// readAt is when the journal was last known to end with state; zero where
	// that is not known.
	readAt time.Time
	clock  clock
	// lookedAt is when this process last looked, by the clock as it is; zero
	// before that.
	lookedAt time.Time
	// covered is, by metric, up to when observations were had; a metric whose
	// source was down catches up.
	covered map[string]time.Time
	// gaveUp is the route that could not be set in this turn, triedAt when.
	gaveUp  engine.EffectID
	triedAt time.Time
	// cut says that an abort waits, for which something else was cut short.
	cut bool
	// others are who else was last seen to write what the provider serves.
	others []string
	// tellings counts how often a notice could not be sent.
	tellings map[engine.EffectID]int
}

// New returns a Runner for a release that is in the store. It fails where the
// release was begun by methods that this binary does not carry.
func New(ctx context.Context, cfg Config, id journal.ID) (*Runner, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.OnStep == nil {
		cfg.OnStep = func(engine.State, journal.Record) {}
	}
	r := &Runner{
		cfg: cfg, id: id, clock: clock{read: cfg.Now},
		covered: map[string]time.Time{}, tellings: map[engine.EffectID]int{},
	}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	if err := judge.Carried(r.state.Methods); err != nil {
		return nil, fmt.Errorf("release %s goes on with the linnet that began it or the next one: %w", id, err)
	}
	return r, nil
}

// State returns the release as it stands after the last turn.
func (r *Runner) State() engine.State { return r.state }

// Done says that the release is over, and that everybody has been told.
func (r *Runner) Done() bool { return r.state.Over() && len(r.state.Pending.Notices) == 0 }

// Rest is how long nothing needs doing after a turn; 0 or less where something
// does now. A person's command may come earlier.
func (r *Runner) Rest() time.Duration { return r.untilTurn() }

// Refresh reads the release from the journal again at the next turn, for who
// knows that somebody else recorded meanwhile.
func (r *Runner) Refresh() { r.readAt = time.Time{} }

// BackOff is how long to wait after so many failed turns in a row: doubling, up
// to some seconds, with jitter.
func BackOff(failures int) time.Duration { return wait(min(max(failures, 1), slowest)) }

// Run takes turns until the release is over, or the context ends; it then
// returns the context's error. A journal that is unavailable does not end it:
// the release holds, leases are not renewed, and it tries again. One that is
// damaged, or does not have the release any more, does.
func (r *Runner) Run(ctx context.Context) (engine.State, error) {
	failures := 0
	for {
		err := r.Turn(ctx)
		switch {
		case ctx.Err() != nil:
			return r.state, ctx.Err()
		case err == nil:
			failures = 0
		case errors.Is(err, release.ErrInvalid) || errors.Is(err, release.ErrNotFound):
			return r.state, err
		default:
			failures++
			r.about().Error("a turn failed, and is tried again", "error", err)
			if err := pause(ctx, BackOff(failures)); err != nil {
				return r.state, err
			}
			continue
		}
		if r.Done() {
			return r.state, nil
		}
		if err := r.idle(ctx); err != nil {
			return r.state, err
		}
	}
}

// about logs about the release, and up to which record it is known.
func (r *Runner) about() *slog.Logger {
	return r.cfg.Log.With("release", r.id.String(), "seq", r.state.Seq)
}

// span begins a trace span where a tracer is configured; end finishes it.
func (r *Runner) span(ctx context.Context, name string, with ...attribute.KeyValue) (context.Context, func(error)) {
	if r.cfg.Tracer == nil {
		return ctx, func(error) {}
	}
	with = append(with, attribute.String("linnet.release", r.id.String()))
	ctx, s := r.cfg.Tracer.Start(ctx, "linnet."+name, trace.WithAttributes(with...))
	return ctx, func(err error) {
		if err != nil {
			s.SetStatus(codes.Error, err.Error())
		}
		s.End()
	}
}
