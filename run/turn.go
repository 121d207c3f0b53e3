package run

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// Turn is one unit of work: set the route that the journal says is not
// acknowledged, take the commands of people, look if it is time, and tell
// people what there is to tell. Traffic comes before notices throughout, so
// that a channel which hangs holds up nothing.
func (r *Runner) Turn(ctx context.Context) (err error) {
	ctx, end := r.span(ctx, "turn")
	defer func() { end(err) }()
	r.gaveUp, r.cut = engine.EffectID{}, false
	if r.readAt.IsZero() {
		if err := r.load(ctx); err != nil {
			return err
		}
	}
	if !r.looksFirst() {
		if err := r.move(ctx); err != nil {
			return err
		}
	}
	commands, err := r.obey(ctx)
	if err != nil {
		return err
	}
	if commands == 0 && !r.state.Over() && r.untilLook() <= 0 {
		if err := r.look(ctx); err != nil {
			return err
		}
		if r.cut {
			if _, err := r.obey(ctx); err != nil {
				return err
			}
		}
	}
	return r.tell(ctx)
}

// looksFirst says that a look is due, and that it goes before the next try of a
// raise that could not be set: what it sees may be harm at the present weight.
func (r *Runner) looksFirst() bool {
	p := r.state.Pending.Route
	tried := !r.state.FailedAt.IsZero() || !r.state.UnreadyAt.IsZero()
	return p != nil && tried && r.raises(p.Route) && r.untilLook() <= 0
}

// obey takes the commands that wait, in their order, and says how many.
func (r *Runner) obey(ctx context.Context) (int, error) {
	commands, err := r.waiting(ctx, storeWait)
	if err != nil {
		return 0, err
	}
	for _, c := range commands {
		c.At = r.now()
		if err := r.step(ctx, c); err != nil {
			return 0, err
		}
		if err := r.move(ctx); err != nil {
			return 0, err
		}
	}
	return len(commands), nil
}

// look looks at the world once, records what it saw, and sets the route that
// follows from it. Only then is a lease renewed: nobody keeps the candidate
// exposed who cannot see or cannot record.
func (r *Runner) look(ctx context.Context) error {
	at := r.cfg.Now()
	seen := r.gather(ctx)
	if ctx.Err() != nil || r.cut {
		return ctx.Err()
	}
	recorded, err := r.record(ctx, seen)
	r.lookedAt = at
	if err != nil {
		// Soon again, but a journal that is full is no reason to besiege sources.
		r.lookedAt = at.Add(min(lookAgain, r.state.Plan.Every) - r.state.Plan.Every)
	}
	if err != nil || !recorded {
		return err
	}
	r.cover(seen)
	if err := r.move(ctx); err != nil {
		return err
	}
	r.renew(ctx, seen.Seen)
	return ctx.Err()
}

// untilLook is how long it is until the next look: an interval after the last
// one, or until time alone changes something. A clock that was set back must
// not keep it from looking, so a last look in the future counts as none.
func (r *Runner) untilLook() time.Duration {
	if r.state.Phase == engine.Scheduled {
		return r.state.Plan.StartAt.Sub(r.now())
	}
	last := r.lookedAt
	if last.IsZero() {
		last = r.state.LookedAt
	}
	since := r.cfg.Now().Sub(last)
	if since < 0 {
		return 0
	}
	left := r.state.Plan.Every - since
	if wake := r.state.Wake(); !wake.IsZero() {
		left = min(left, wake.Sub(r.now()))
	}
	return left
}

// untilTurn is how long it is until there is something to do.
func (r *Runner) untilTurn() time.Duration {
	left := longestWindow
	if !r.state.Over() {
		left = r.untilLook()
	}
	if r.state.Pending.Route != nil {
		left = min(left, routeAgain-r.cfg.Now().Sub(r.triedAt))
	}
	if len(r.state.Pending.Notices) > 0 {
		left = min(left, noticeAgain)
	}
	return left
}

// idle waits until there is something to do, or for a command.
func (r *Runner) idle(ctx context.Context) error {
	for left := r.untilTurn(); left > 0; {
		nap := max(min(left, commandPoll), shortestNap)
		if err := pause(ctx, nap); err != nil {
			return err
		}
		if c, err := r.waiting(ctx, storeWait); err != nil || len(c) > 0 {
			return nil // the turn meets the error again, and tells it
		}
		left = min(left-nap, r.untilTurn())
	}
	return nil
}

// share is a limit on something that keeps a lease from being renewed, cut to a
// part of that lease.
func (r *Runner) share(limit time.Duration, part int) time.Duration {
	if lease := r.state.Plan.Lease; lease > 0 {
		return min(limit, lease/time.Duration(part))
	}
	return limit
}

// raises tells a route that gives the candidate more than it was seen to have.
func (r *Runner) raises(route release.Route) bool {
	return engine.CandidateWeight(route) > r.state.ServedWeight
}
