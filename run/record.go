package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

func (r *Runner) waiting(ctx context.Context, limit time.Duration) ([]engine.Commanded, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return r.cfg.Store.Waiting(ctx, r.id)
}

// load reads the release from the journal.
func (r *Runner) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	at := r.cfg.Now()
	s, _, err := r.cfg.Store.Load(ctx, r.id, fold)
	if err != nil {
		return err
	}
	if !s.WindowTo.Equal(r.state.WindowTo) {
		clear(r.covered) // somebody else looked; nothing may be counted twice
		r.lookedAt = time.Time{}
	}
	r.clock.atLeast(s.Now)
	r.state, r.readAt = s, at
	return nil
}

func fold(s engine.State, e engine.Event) engine.State {
	next, _, _ := engine.Step(s, e)
	return next
}

// fresh makes sure that the journal was read only just now, before an effect
// begins: a process that was stopped for a while does not know what others
// decided meanwhile. The clock is asked both ways, since one of them stands
// still while a machine sleeps.
func (r *Runner) fresh(ctx context.Context) error {
	for range tries {
		if r.isFresh() {
			return nil
		}
		if err := r.load(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("release %s: the journal takes longer than %s to read: %w", r.id, staleAfter, release.ErrUnavailable)
}

func (r *Runner) isFresh() bool {
	now := r.cfg.Now()
	age, wall := now.Sub(r.readAt), now.Round(0).Sub(r.readAt.Round(0))
	return min(age, wall) >= 0 && max(age, wall) < staleAfter
}

// step folds an event and records it; where somebody else recorded meanwhile,
// it reads again and steps the same event again.
func (r *Runner) step(ctx context.Context, e engine.Event) error {
	for range tries {
		err := r.try(ctx, e)
		if !errors.Is(err, release.ErrConflict) {
			return err
		}
		if err := r.load(ctx); err != nil {
			return err
		}
	}
	return r.contended()
}

// record is step for a look. A look is taken back where somebody else looked
// meanwhile: its windows overlap, and nothing may be counted twice. What it saw
// of the provider is left out where the route has changed since. One that is
// too large for the journal is recorded without its observations.
func (r *Runner) record(ctx context.Context, look engine.Looked) (recorded bool, err error) {
	done, err := r.room(ctx)
	if err != nil || r.cut {
		return false, err
	}
	defer done()
	for range tries {
		err := r.try(ctx, look)
		switch {
		case errors.Is(err, release.ErrConflict):
			was := r.state
			if err := r.load(ctx); err != nil {
				return false, err
			}
			if !r.state.LookedAt.Equal(was.LookedAt) || !r.state.WindowTo.Equal(was.WindowTo) || r.state.Over() {
				return false, nil
			}
			if r.state.Route.Epoch != was.Route.Epoch || r.state.Served != was.Served {
				look.Seen = nil
			}
		case errors.Is(err, release.ErrInvalid) && len(look.Observations) > 0:
			look = r.reduced(look, err)
		default:
			return err == nil, err
		}
	}
	return false, r.contended()
}

// room waits for room to record a look. An abort does not.
func (r *Runner) room(ctx context.Context) (done func(), err error) {
	if r.cfg.Room == nil {
		return func() {}, nil
	}
	r.interruptible(ctx, func(ctx context.Context) { done, err = r.cfg.Room(ctx) })
	if err != nil && r.cut {
		return nil, nil
	}
	if err == nil && r.cut {
		done()
	}
	return done, err
}

func (r *Runner) contended() error {
	r.readAt = time.Time{}
	return fmt.Errorf("release %s: somebody else keeps recording; is it run twice? %w", r.id, release.ErrConflict)
}

// try folds an event and appends it once.
func (r *Runner) try(ctx context.Context, e engine.Event) error {
	s, d, effects := engine.Step(r.state, e)
	now := r.cfg.Now()
	rec := journal.Record{Seq: s.Seq, At: now.Round(0).UTC(), Event: e, Decision: d, Effects: effects}
	err := r.append(ctx, rec, &s)
	switch {
	case err == nil:
		r.state, r.readAt = s, now
		r.clock.atLeast(s.Now)
		r.log(rec)
		r.cfg.OnStep(s, rec)
		return nil
	case errors.Is(err, release.ErrConflict) || errors.Is(err, release.ErrInvalid):
		return err
	case ctx.Err() != nil:
		r.readAt = time.Time{}
		return err
	}
	// Whether it was written is not known; what counts is what is there.
	r.readAt = time.Time{}
	return errors.Join(err, r.load(ctx))
}

func (r *Runner) append(ctx context.Context, rec journal.Record, s *engine.State) (err error) {
	ctx, end := r.span(ctx, "record")
	defer func() { end(err) }()
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	return r.cfg.Store.Append(ctx, r.id, rec.Seq-1, rec, s)
}

// reduced is a look that fits into the journal: first without the past, then
// without any observations, which it says.
func (r *Runner) reduced(look engine.Looked, why error) engine.Looked {
	var present []release.Observation
	for _, o := range look.Observations {
		if o.Window.To.After(look.Window.From) {
			present = append(present, o)
		}
	}
	if len(present) < len(look.Observations) && len(present) > 0 {
		look.Observations = present
		look.Warnings = keep(look.Warnings, "the baseline's past is left out: "+why.Error())
		return look
	}
	look.Observations, look.Problems = nil, nil
	for _, m := range r.state.Plan.Metrics {
		look.Problems = append(look.Problems, release.Problem{Metric: m.Name, Reason: release.Reason{
			Code: release.SourceInvalid, Text: clip(m.Name + ": the answers cannot be recorded: " + why.Error()),
		}})
	}
	return look
}

func (r *Runner) log(rec journal.Record) {
	level := slog.LevelDebug
	if rec.Decision.Kind != engine.Stay {
		level = slog.LevelInfo
	}
	r.cfg.Log.Log(context.Background(), level, "decision", "release", r.id.String(), "seq", rec.Seq,
		"decision", string(rec.Decision.Kind), "phase", string(rec.Decision.Phase), "step", rec.Decision.Step,
		"weight", engine.Percent(rec.Decision.Weight), "code", string(rec.Decision.Reason.Code), "reason", rec.Decision.Reason.Text)
}
