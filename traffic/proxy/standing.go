package proxy

import (
	"fmt"
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
)

// standing is what the proxy serves, and by what right. It is a value that
// never changes: each request reads one, and every change makes another.
type standing struct {
	// route is what was applied last; epoch 0 means nothing ever was.
	route release.Route
	// expires is when the lease runs out, granted the length last granted;
	// zero for a route without lease.
	expires time.Time
	granted time.Duration
	// lapsed is when the lease ran out unrenewed; zero while it has not.
	lapsed time.Time
	// fallback has all traffic on the first arm.
	fallback []release.ArmWeight
}

// newStanding serves a route from now on.
func newStanding(route release.Route, now time.Time) *standing {
	route.Weights = slices.Clone(route.Weights)
	s := &standing{route: route, granted: route.Lease, fallback: slices.Clone(route.Weights)}
	for i := range s.fallback {
		s.fallback[i].Weight = 0
	}
	s.fallback[0].Weight = release.Whole
	if route.Lease > 0 {
		s.expires = now.Add(route.Lease)
	}
	return s
}

// weights are what a request that comes now is split by.
func (s *standing) weights(now time.Time) []release.ArmWeight {
	if s.over(now) {
		return s.fallback
	}
	return s.route.Weights
}

// over tells whether the lease has run out.
func (s *standing) over(now time.Time) bool {
	return !s.lapsed.IsZero() || !s.expires.IsZero() && !now.Before(s.expires)
}

// held tells whether somebody's lease runs and exposes an arm, so that others
// have to wait.
func (s *standing) held(now time.Time) bool {
	return !s.expires.IsZero() && !s.over(now) && s.route.Weights[0].Weight < release.Whole
}

// settle records a lease that has run out.
func (s *standing) settle(now time.Time) (next *standing, lapsed bool) {
	if !s.lapsed.IsZero() || !s.over(now) {
		return s, false
	}
	settled := *s
	settled.lapsed = s.expires
	return &settled, true
}

// apply moves on to a route, whose arms and weights are already known good.
func (s *standing) apply(route release.Route, now time.Time) (*standing, error) {
	present := s.route
	switch {
	case route.Epoch < present.Epoch:
		return nil, fmt.Errorf("epoch %d is older than epoch %d, which is served for %q: %w",
			route.Epoch, present.Epoch, present.Owner, release.ErrConflict)
	case route.Epoch > present.Epoch && route.Owner != present.Owner && s.held(now):
		return nil, fmt.Errorf("%q holds service %q by a lease until %s; wait for its end or end that release first: %w",
			present.Owner, present.Service, stamp(s.expires), release.ErrConflict)
	case route.Epoch > present.Epoch:
		return newStanding(route, now), nil
	case route.Owner != present.Owner:
		return nil, fmt.Errorf("epoch %d is served already for %q; use a higher epoch: %w",
			present.Epoch, present.Owner, release.ErrConflict)
	case s.over(now):
		return nil, fmt.Errorf("the lease of epoch %d lapsed at %s; use a higher epoch: %w",
			present.Epoch, stamp(s.expires), release.ErrConflict)
	}
	return newStanding(route, now), nil
}

// renew lets the lease run on from now.
func (s *standing) renew(owner string, epoch uint64, lease time.Duration, now time.Time) (*standing, error) {
	switch present := s.route; {
	case epoch != present.Epoch:
		return nil, fmt.Errorf("epoch %d cannot be renewed, epoch %d is served: %w", epoch, present.Epoch, release.ErrConflict)
	case owner != present.Owner:
		return nil, fmt.Errorf("%q cannot renew epoch %d, it belongs to %q: %w", owner, epoch, present.Owner, release.ErrConflict)
	case s.expires.IsZero():
		return nil, fmt.Errorf("epoch %d has no lease to renew: %w", epoch, release.ErrConflict)
	case s.over(now):
		return nil, fmt.Errorf("the lease lapsed at %s: %w", stamp(s.expires), release.ErrConflict)
	}
	renewed := *s
	renewed.granted = lease
	renewed.expires = now.Add(lease)
	return &renewed, nil
}

// seen is the standing as it is read back: what is served, not what was asked.
func (s *standing) seen(now time.Time) release.Seen {
	route := s.route
	route.Weights = slices.Clone(s.weights(now))
	if !s.over(now) {
		return release.Seen{Route: route}
	}
	route.Lease = 0
	return release.Seen{Route: route, Lapsed: true}
}

// remaining is how long the lease still runs; ok is false without one.
func (s *standing) remaining(now time.Time) (left time.Duration, ok bool) {
	if s.expires.IsZero() || s.over(now) {
		return 0, false
	}
	return s.expires.Sub(now), true
}

// raises tells whether next sends more to any arm but the first than is sent
// now.
func (s *standing) raises(next *standing, now time.Time) bool {
	present := s.weights(now)
	for _, w := range next.weights(now)[1:] {
		if w.Weight > weightOf(present, w.Arm) {
			return true
		}
	}
	return false
}

func weightOf(weights []release.ArmWeight, arm string) release.Weight {
	for _, w := range weights {
		if w.Arm == arm {
			return w.Weight
		}
	}
	return 0
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
