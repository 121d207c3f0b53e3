package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

const (
	maxLease = 24 * time.Hour
	maxText  = 1024
)

// Apply serves a route from now on. Requests in flight stay where they are.
//
// It is release.ErrNotFound for another service and release.ErrInvalid for a
// route that can never be served here: its weights must name known arms, the
// baseline first, and sum to release.Whole. It is release.ErrConflict for an
// epoch older than the one served, for the same epoch of another owner, for the
// same epoch once its lease has lapsed, and while somebody else's lease exposes
// an arm. An owner may change its route within an epoch: where several routers
// move together, one that was raised goes back when another could not follow. It is release.ErrUnavailable where the state file cannot be
// written; a route that raises no weight is served even then. The same route
// again renews its lease.
func (s *Server) Apply(ctx context.Context, route release.Route) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("route of epoch %d not applied: %w", route.Epoch, errors.Join(release.ErrUnavailable, err))
	}
	if err := s.check(route); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	present := s.settle(now)
	next, err := present.apply(route, now)
	if err != nil {
		return err
	}
	if err := s.save(next); err != nil {
		if present.raises(next, now) {
			return err
		}
		// The way down must not depend on a disk.
		s.log.Error("route is served but would not survive a restart", "epoch", route.Epoch, "problem", err)
	}
	s.serve(next)
	if route.Epoch > present.route.Epoch || !slices.Equal(route.Weights, present.route.Weights) {
		s.log.Info("route applied", "epoch", route.Epoch, "owner", route.Owner, "weights", route.Weights, "lease", route.Lease)
	}
	return nil
}

// Observed tells what the proxy serves now.
func (s *Server) Observed(ctx context.Context) (release.Seen, error) {
	if err := ctx.Err(); err != nil {
		return release.Seen{}, fmt.Errorf("route not read: %w", errors.Join(release.ErrUnavailable, err))
	}
	now := s.cfg.Now()
	if s.standing.Load().over(now) {
		s.lapse()
	}
	return s.standing.Load().seen(now), nil
}

// Renew lets the lease of this owner and epoch run for another lease (at most
// 24h) from now. It is release.ErrConflict where they are not those served,
// where the lease has lapsed, and where the route has none.
func (s *Server) Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("lease of epoch %d not renewed: %w", epoch, errors.Join(release.ErrUnavailable, err))
	}
	if lease <= 0 || lease > maxLease {
		return fmt.Errorf("lease %v must be above 0 and at most %v: %w", lease, maxLease, release.ErrInvalid)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	next, err := s.settle(now).renew(owner, epoch, lease, now)
	if err != nil {
		return err
	}
	if err := s.save(next); err != nil {
		// A restart would end the lease early, which is the safe side.
		s.log.Warn("renewal would not survive a restart", "epoch", epoch, "problem", err)
	}
	s.serve(next)
	return nil
}

// lapse records that the lease ran out, if it did.
func (s *Server) lapse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(s.cfg.Now())
}

// settle is lapse for those who hold mu; it returns the present standing.
func (s *Server) settle(now time.Time) *standing {
	next, lapsed := s.standing.Load().settle(now)
	if !lapsed {
		return next
	}
	s.metrics.lapses.Inc()
	s.log.Warn("the lease ran out: all traffic is back on the first arm", "arm", s.arms[0].Name,
		"owner", next.route.Owner, "epoch", next.route.Epoch, "lapsed", stamp(next.lapsed))
	if err := s.save(next); err != nil {
		s.log.Warn("the lapse is not recorded", "problem", err)
	}
	s.serve(next)
	return next
}

// serve makes a standing the present one; the caller holds mu.
func (s *Server) serve(next *standing) {
	s.standing.Store(next)
	select {
	case s.changed <- struct{}{}:
	default: // Run has yet to see an earlier change, and will see this one too
	}
}

// check holds a route to what this proxy can serve at all.
func (s *Server) check(route release.Route) error {
	switch {
	case route.Service != s.cfg.Service:
		return fmt.Errorf("service %.100q is not served here, %q is: %w", route.Service, s.cfg.Service, release.ErrNotFound)
	case route.Epoch == 0:
		return fmt.Errorf("epoch: must be 1 or more: %w", release.ErrInvalid)
	case route.Lease < 0 || route.Lease > maxLease:
		return fmt.Errorf("lease %v must be 0 (for good) to %v: %w", route.Lease, maxLease, release.ErrInvalid)
	case len(route.Salt) > maxText || len(route.Owner) > maxText:
		return fmt.Errorf("salt and owner may have %d bytes each, they have %d and %d: %w",
			maxText, len(route.Salt), len(route.Owner), release.ErrInvalid)
	}
	if err := askable(route); err != nil {
		return err
	}
	return s.checkWeights(route.Weights)
}

// askable refuses what a route cannot ask of a proxy: testers and users that
// stay in their arm are part of the proxy's own configuration.
func askable(route release.Route) error {
	for _, a := range split.Asked(route) {
		if a != release.Leases && a != release.ManyArms {
			return fmt.Errorf("a proxy takes no %s from a route, only from its own configuration: %w", a, release.ErrInvalid)
		}
	}
	return nil
}

func (s *Server) checkWeights(weights []release.ArmWeight) error {
	if len(weights) == 0 || weights[0].Arm != s.arms[0].Name {
		return fmt.Errorf("weights: the first must be of arm %q, to which a lapsed lease returns: %w", s.arms[0].Name, release.ErrInvalid)
	}
	var sum uint64
	seen := map[string]bool{}
	for _, w := range weights {
		if s.byName[w.Arm] == nil {
			return fmt.Errorf("weights: no arm %.100q, known are %s: %w", w.Arm, s.armNames(), release.ErrInvalid)
		}
		if seen[w.Arm] {
			return fmt.Errorf("weights: arm %q is named twice: %w", w.Arm, release.ErrInvalid)
		}
		seen[w.Arm] = true
		sum += uint64(w.Weight)
	}
	if sum != uint64(release.Whole) {
		return fmt.Errorf("weights: sum to %d, must sum to %d: %w", sum, release.Whole, release.ErrInvalid)
	}
	return nil
}
