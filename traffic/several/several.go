// Package several makes one router of several, such as those of two regions or
// clusters, whose weights move together.
//
// Up they go one after the other, in their order, which begins with the safest: a
// part that fails takes back those that were raised before it, to what they served
// until then. Down they go all at once, and none waits for another or goes up again
// because another failed. Reading back asks all of them, and where they differ it
// tells each; what counts is the one that gives the candidate the least.
package several

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

const (
	// lookWait bounds reading a part before it is set, so that one that hangs
	// leaves time to set the others.
	lookWait = 5 * time.Second
	// backWait bounds putting back what was raised, also after the context of
	// the call has ended.
	backWait = 3 * time.Second
)

// Part is one of several routers.
type Part struct {
	// Name is what errors and records call it.
	Name   string
	Router split.Router
	// Grain is the finest weight that it can set; 0 means 1.
	Grain release.Weight
	// Testers, Sticky and Mirror are what this part is asked for while a route
	// asks for any of them: parts need not be able to do the same.
	Testers release.Testers
	Sticky  release.Sticky
	Mirror  release.Weight
}

// Config says which routers move together.
type Config struct {
	Service string
	// Arms are the release's arms, baseline first.
	Arms []string
	// Parts are the routers, the safest first.
	Parts []Part
}

// renewer and readier are what a part's router may also be.
type renewer interface {
	Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error
}

type readier interface {
	Ready(ctx context.Context, arm string) error
}

type router struct {
	rules split.Rules
	parts []Part
	// busy is held while parts are set or read, so that nobody reads a state
	// between two parts. It guards undone.
	busy   chan struct{}
	undone undone
}

// New makes one router. It renews leases where one part can, and tells readiness
// where one part can. Fewer than two parts, or two of one name, are
// release.ErrInvalid.
func New(cfg Config) (split.Router, error) {
	if len(cfg.Parts) < 2 {
		return nil, fmt.Errorf("several: %d routers are not several: %w", len(cfg.Parts), release.ErrInvalid)
	}
	rules := split.Rules{Service: cfg.Service, Arms: cfg.Arms, Grain: 1}
	if len(cfg.Arms) > 2 {
		rules.Abilities = append(rules.Abilities, release.ManyArms)
	}
	names := map[string]bool{}
	for _, p := range cfg.Parts {
		if p.Name == "" || names[p.Name] {
			return nil, fmt.Errorf("several: each router needs a name of its own, and %q is none: %w", p.Name, release.ErrInvalid)
		}
		names[p.Name] = true
		rules.Grain = common(rules.Grain, max(p.Grain, 1))
		rules.Abilities = append(rules.Abilities, p.abilities()...)
	}
	return split.Only(&router{rules: rules, parts: cfg.Parts, busy: make(chan struct{}, 1)}, rules.Abilities), nil
}

// abilities are what a part adds to those of all.
func (p Part) abilities() []release.Ability {
	out := split.Asked(release.Route{Testers: p.Testers, Sticky: p.Sticky, Mirror: p.Mirror})
	if _, ok := p.Router.(renewer); ok {
		out = append(out, release.Leases)
	}
	if _, ok := p.Router.(readier); ok {
		out = append(out, release.Readiness)
	}
	return out
}

// common is the least common multiple.
func common(a, b release.Weight) release.Weight {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x * b
}

// only is the part of a route that a part can serve.
func (p Part) only(route release.Route) release.Route {
	asks := route.Testers != release.Testers{} || route.Sticky != release.Sticky{} || route.Mirror > 0
	route.Testers, route.Sticky, route.Mirror = release.Testers{}, release.Sticky{}, 0
	if asks {
		route.Testers, route.Sticky, route.Mirror = p.Testers, p.Sticky, p.Mirror
	}
	if _, ok := p.Router.(renewer); !ok {
		route.Lease = 0
	}
	return route
}

// enter waits until nobody else sets or reads the parts; leave lets the next in.
func (r *router) enter(ctx context.Context) (leave func(), err error) {
	if ctx.Err() == nil {
		select {
		case r.busy <- struct{}{}:
			return func() { <-r.busy }, nil
		case <-ctx.Done():
		}
	}
	return nil, fmt.Errorf("several: not begun: %w: %w", release.ErrUnavailable, context.Cause(ctx))
}

// each does something with all parts at the same time, and waits for all.
func (r *router) each(do func(i int) error) []error {
	errs := make([]error, len(r.parts))
	var wg sync.WaitGroup
	for i := range r.parts {
		wg.Go(func() { errs[i] = do(i) })
	}
	wg.Wait()
	return errs
}

// Renew lets the leases of all parts that have any run on.
func (r *router) Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error {
	return r.joined("not renewed", r.each(func(i int) error {
		if part, ok := r.parts[i].Router.(renewer); ok {
			return part.Renew(ctx, owner, epoch, lease)
		}
		return nil
	}))
}

// Ready tells whether an arm could take traffic in all parts that can tell.
func (r *router) Ready(ctx context.Context, arm string) error {
	return r.joined("not ready", r.each(func(i int) error {
		if part, ok := r.parts[i].Router.(readier); ok {
			return part.Ready(ctx, arm)
		}
		return nil
	}))
}
