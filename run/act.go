package run

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// move sets the route that is recorded and not acknowledged, if there is one.
// One that cannot be set is left for the next turn.
func (r *Runner) move(ctx context.Context) error {
	for r.state.Pending.Route != nil && r.state.Pending.Route.Effect != r.gaveUp {
		if err := r.setRoute(ctx, *r.state.Pending.Route); err != nil {
			return err
		}
	}
	return nil
}

// setRoute applies a route and acknowledges how that went. An abort cuts short
// a raise, but nothing that is on its way down: that is what it would ask for
// itself, and it must not depend on a journal that takes no abort.
func (r *Runner) setRoute(ctx context.Context, e engine.SetRoute) error {
	defer func() { r.triedAt = r.cfg.Now() }()
	var lost, failure error
	stands := true
	apply := func(ctx context.Context) {
		failure = retry(ctx, func() error {
			if stands, lost = r.stands(ctx, e); lost != nil || !stands {
				return nil
			}
			return r.apply(ctx, e.Route)
		})
	}
	if r.raises(e.Route) {
		r.interruptible(ctx, func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, routerWait) // looks must go on
			defer cancel()
			apply(ctx)
		})
	} else {
		apply(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case r.cut && failure != nil:
		r.gaveUp = e.Effect
		return nil
	case lost != nil || !stands:
		return lost
	}
	return r.acknowledgeRoute(ctx, e, failure)
}

// stands reads the journal again if it is time, and tells whether the route is
// still the one to set.
func (r *Runner) stands(ctx context.Context, e engine.SetRoute) (bool, error) {
	if err := r.fresh(ctx); err != nil {
		return false, err
	}
	p := r.state.Pending.Route
	return p != nil && p.Effect == e.Effect, nil
}

// apply sets a route. A raise that was recorded a while ago, before a crash
// say, is not set where the lease ran out meanwhile: the release climbs from
// its first step then, once a look has recorded the lapse.
func (r *Runner) apply(ctx context.Context, route release.Route) error {
	if route.Lease > 0 && r.raises(route) && r.wall().Sub(r.state.Now) >= staleAfter {
		if seen, err := r.observed(ctx); err == nil && seen.Lapsed && seen.Route.Owner == route.Owner {
			return errors.New("not set: the lease ran out before it could be")
		}
	}
	if r.raises(route) {
		if err := r.ready(ctx, route); err != nil && !r.arrived(ctx, route) {
			return err
		}
	}
	return r.call(ctx, "apply", routerWait, func(ctx context.Context) error { return r.cfg.Router.Apply(ctx, route) })
}

// notReady says that an arm cannot take the traffic of a route yet, which was
// not set.
type notReady struct{ error }

func (e notReady) Unwrap() error { return e.error }

// ready asks, where the provider can tell, whether the arms that are to get
// more could take it.
func (r *Runner) ready(ctx context.Context, route release.Route) error {
	readier, ok := r.cfg.Router.(Readier)
	if !ok {
		return nil
	}
	for i, w := range route.Weights {
		if i == 0 || w.Weight == 0 {
			continue
		}
		if err := r.call(ctx, "ready", routerWait, func(ctx context.Context) error { return readier.Ready(ctx, w.Arm) }); err != nil {
			return notReady{err}
		}
	}
	return nil
}

// arrived tells whether a raise is served though nobody heard of it: its answer
// was lost, or we were killed. To wait for readiness then would leave the
// candidate with traffic that nobody judges.
func (r *Runner) arrived(ctx context.Context, route release.Route) bool {
	seen, err := r.observed(ctx)
	return err == nil && engine.CandidateWeight(seen.Route) >= engine.CandidateWeight(route)
}

// acknowledgeRoute records how a route went. Where the provider knows of a
// newer writer, that may be us: the journal is asked first.
func (r *Runner) acknowledgeRoute(ctx context.Context, e engine.SetRoute, failure error) error {
	if errors.Is(failure, release.ErrConflict) {
		r.readAt = time.Time{}
		if stands, err := r.stands(ctx, e); err != nil || !stands {
			return err
		}
	}
	ack := engine.Acknowledged{At: r.now(), Effect: e.Effect}
	if failure != nil {
		r.gaveUp = e.Effect
		code := release.ProviderFails
		if errors.As(failure, new(notReady)) {
			code = release.NotReady
		}
		ack.Failure = &release.Reason{Code: code, Text: clip(failure.Error())}
	}
	return r.step(ctx, ack)
}

// observed reads back what the provider serves, with the arms in the order of
// the release: a provider may list them in its own, and leave out those without
// traffic.
func (r *Runner) observed(ctx context.Context) (seen release.Seen, err error) {
	err = r.call(ctx, "observed", routerWait, func(ctx context.Context) (err error) {
		seen, err = r.cfg.Router.Observed(ctx)
		return err
	})
	seen.Route.Weights = r.ordered(seen.Route.Weights)
	parts := slices.Clone(seen.Parts)
	for i := range parts {
		parts[i].Weights = r.ordered(parts[i].Weights)
	}
	seen.Parts = parts
	return seen, err
}

func (r *Runner) ordered(weights []release.ArmWeight) []release.ArmWeight {
	out := make([]release.ArmWeight, len(r.state.Plan.Arms))
	for i, arm := range r.state.Plan.Arms {
		out[i].Arm = arm.Name
	}
	for _, w := range weights {
		at := slices.IndexFunc(out, func(o release.ArmWeight) bool { return o.Arm == w.Arm })
		if at < 0 {
			out = append(out, w)
			continue
		}
		out[at].Weight += w.Weight
	}
	return out
}

// leased is the route whose lease is to run on: the one that is recorded, or,
// while the next one only waits for an arm to be ready, the one before it, as it
// was seen.
func (r *Runner) leased(seen *release.Seen) (route release.Route, ok bool) {
	route = r.state.Route
	ours := seen != nil && seen.Route.Owner == route.Owner && !seen.Lapsed
	switch {
	case route.Lease == 0:
		return route, false
	case r.state.Served && r.state.Pending.Route == nil:
		if ours && engine.CandidateWeight(seen.Route) == engine.CandidateWeight(route) {
			route.Epoch = seen.Route.Epoch
		}
		return route, true
	case !r.state.UnreadyAt.IsZero() && r.state.Tries == 0 && ours:
		route.Epoch = seen.Route.Epoch
		return route, engine.CandidateWeight(seen.Route) == r.state.ServedWeight
	}
	return route, false
}

// renew keeps a lease alive, once what was seen is in the journal. A process
// that was stopped since does not: what it saw is too old. A weight that
// somebody lowered is served under the epoch that it was seen with.
func (r *Runner) renew(ctx context.Context, seen *release.Seen) {
	renewer, ok := r.cfg.Router.(Renewer)
	route, leased := r.leased(seen)
	if !ok || !leased || r.cut || !r.isFresh() {
		return
	}
	r.interruptible(ctx, func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, r.share(routerWait, 3))
		defer cancel()
		err := retry(ctx, func() error {
			return r.call(ctx, "renew", routerWait, func(ctx context.Context) error {
				return renewer.Renew(ctx, route.Owner, route.Epoch, route.Lease)
			})
		})
		if err != nil && ctx.Err() == nil {
			// The next look reads back what is served, and the engine decides.
			r.about().Warn("lease not renewed", "error", err)
		}
	})
}
