package sim

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/linnet-project/linnet/release"
	splitting "github.com/linnet-project/linnet/traffic/split"
)

// Router is a modelled provider: it keeps epochs and leases as Linnet's own
// proxy does, in the time that its clock tells. It is safe for concurrent use.
type Router struct {
	mu      sync.Mutex
	service string
	now     func() time.Time
	served  release.Route
	expires time.Time // zero without lease
	lapsed  bool
	down    string
}

// NewRouter returns a router that sends all traffic of a service to its first
// arm. Its leases run by the clock given.
func NewRouter(service string, arms []string, now func() time.Time) *Router {
	r := &Router{service: service, now: now, served: release.Route{Service: service}}
	for _, arm := range arms {
		r.served.Weights = append(r.served.Weights, release.ArmWeight{Arm: arm})
	}
	r.served.Weights[0].Weight = release.Whole
	return r
}

// Break makes the router unreachable, saying why; "" mends it. What it serves
// goes on, and so do its leases.
func (r *Router) Break(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = why
}

// Meddle sets the weight of the second arm behind everybody's back, for good.
func (r *Router) Meddle(w release.Weight, owner string, epoch uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.served.Weights = split(r.served.Weights, w)
	r.expires, r.lapsed = time.Time{}, false
	if owner != "" {
		r.served.Owner = owner
	}
	r.served.Epoch = max(r.served.Epoch, epoch)
}

// split gives the second arm a weight and the first the rest.
func split(arms []release.ArmWeight, second release.Weight) []release.ArmWeight {
	out := slices.Clone(arms)
	for i := range out {
		out[i].Weight = 0
	}
	out[1].Weight = second
	out[0].Weight = release.Whole - second
	return out
}

// Apply serves a route; see release.Route.
func (r *Router) Apply(ctx context.Context, route release.Route) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.reach(ctx); err != nil {
		return err
	}
	if err := r.check(route); err != nil {
		return err
	}
	r.settle()
	present := r.served
	held := !r.expires.IsZero() && !r.lapsed && present.Weights[0].Weight < release.Whole
	switch {
	case route.Epoch < present.Epoch:
		return fmt.Errorf("epoch %d is older than epoch %d: %w", route.Epoch, present.Epoch, release.ErrConflict)
	case route.Epoch > present.Epoch && route.Owner != present.Owner && held:
		return fmt.Errorf("%s holds it by a lease: %w", present.Owner, release.ErrConflict)
	case route.Epoch == present.Epoch && (r.lapsed || !slices.Equal(route.Weights, present.Weights)):
		return fmt.Errorf("epoch %d is taken: %w", route.Epoch, release.ErrConflict)
	}
	r.served = route
	r.served.Weights = slices.Clone(route.Weights)
	r.lapsed, r.expires = false, time.Time{}
	if route.Lease > 0 {
		r.expires = r.now().Add(route.Lease)
	}
	return nil
}

func (r *Router) check(route release.Route) error {
	if route.Service != r.service {
		return fmt.Errorf("service %q: %w", route.Service, release.ErrNotFound)
	}
	sum := release.Weight(0)
	for i, w := range route.Weights {
		if i >= len(r.served.Weights) || w.Arm != r.served.Weights[i].Arm {
			return fmt.Errorf("arm %q: %w", w.Arm, release.ErrInvalid)
		}
		sum += w.Weight
	}
	if sum != release.Whole {
		return fmt.Errorf("weights sum to %d: %w", sum, release.ErrInvalid)
	}
	if asked := splitting.Asked(route); slices.ContainsFunc(asked, func(a release.Ability) bool { return a != release.Leases }) {
		return fmt.Errorf("only leases are modelled, and the route asks for %v: %w", asked, release.ErrInvalid)
	}
	return nil
}

// Observed tells what is served now.
func (r *Router) Observed(ctx context.Context) (release.Seen, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.reach(ctx); err != nil {
		return release.Seen{}, err
	}
	r.settle()
	route := r.served
	route.Weights = slices.Clone(route.Weights)
	return release.Seen{Route: route, Lapsed: r.lapsed}, nil
}

// Renew lets the lease of this owner and epoch run anew.
func (r *Router) Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.reach(ctx); err != nil {
		return err
	}
	r.settle()
	if r.lapsed || r.expires.IsZero() || owner != r.served.Owner || epoch != r.served.Epoch {
		return fmt.Errorf("no lease of %s at epoch %d: %w", owner, epoch, release.ErrConflict)
	}
	r.expires = r.now().Add(lease)
	return nil
}

// Weight is what the second arm gets now, reachable or not.
func (r *Router) Weight() release.Weight {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle()
	return r.served.Weights[1].Weight
}

func (r *Router) reach(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.down != "" {
		return fmt.Errorf("%s: %w", r.down, release.ErrUnavailable)
	}
	return nil
}

// settle goes back to the first arm where the lease ran out.
func (r *Router) settle() {
	if r.lapsed || r.expires.IsZero() || r.now().Before(r.expires) {
		return
	}
	r.lapsed = true
	r.served.Lease = 0
	r.served.Weights = split(r.served.Weights, 0)
}
