package haproxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// Router splits the traffic of one service that HAProxy takes.
type Router struct {
	cfg   Config
	rules split.Rules
	way   way

	// Only one change is on its way at a time, so that none of ours overtakes
	// another between reading and setting.
	mu sync.Mutex
}

// way is one of byServers and byMap.
type way interface {
	apply(ctx context.Context, route release.Route, weights []release.Weight) error
	observed(ctx context.Context) (release.Route, error)
	ready(ctx context.Context, arm int) error
}

// New makes a Router; it does not call HAProxy yet. Its error is
// release.ErrInvalid.
func New(cfg Config) (*Router, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	r := &Router{cfg: cfg, rules: split.Rules{
		Service: cfg.Service, Arms: cfg.names(), Grain: cfg.grain(), Abilities: []release.Ability{release.ManyArms, release.Readiness},
	}}
	s := socket{address: cfg.Socket, timeout: cfg.Timeout}
	if cfg.Map == "" {
		r.way = byServers{cfg, s}
		return r, nil
	}
	r.way = byMap{cfg, s, new(atomic.Bool)}
	r.rules.Abilities = append(r.rules.Abilities,
		release.HeaderTesters, release.CookieTesters, release.HeaderSticky, release.CookieSticky)
	return r, nil
}

func (c Config) names() []string {
	var names []string
	for _, arm := range c.Arms {
		names = append(names, arm.Name)
	}
	return names
}

// Grain is the finest weight that can be set.
func (r *Router) Grain() release.Weight { return r.rules.Grain }

// Abilities are what the router can do beside weights.
func (r *Router) Abilities() []release.Ability { return slices.Clone(r.rules.Abilities) }

// Apply sets the weights in the running HAProxy, and reads them back. What
// somebody else set in the same moment is release.ErrConflict; so is, with a
// map, a route older than the one served.
func (r *Router) Apply(ctx context.Context, route release.Route) error {
	weights, err := r.rules.Weights(route)
	if err != nil {
		return fmt.Errorf("haproxy at %s: %w", r.cfg.Socket, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return fmt.Errorf("haproxy at %s: %w: %w", r.cfg.Socket, ctx.Err(), release.ErrUnavailable)
	}
	return r.way.apply(ctx, route, weights)
}

// Observed reads the weights of the running HAProxy: of servers, those of all
// that nobody drained or put into maintenance; of a map, those of the entry,
// with its owner and epoch.
func (r *Router) Observed(ctx context.Context) (release.Seen, error) {
	route, err := r.way.observed(ctx)
	if err != nil {
		return release.Seen{}, err
	}
	route.Service = r.cfg.Service
	return release.Seen{Route: route}, nil
}

// Ready is nil where HAProxy's own health check has passed for one server of the
// arm at least. The error is release.ErrUnavailable, also where there is no check
// that could tell.
func (r *Router) Ready(ctx context.Context, arm string) error {
	i := slices.Index(r.rules.Arms, arm)
	if i < 0 {
		return fmt.Errorf("haproxy at %s: arm %.100q is not known: %w", r.cfg.Socket, arm, release.ErrUnavailable)
	}
	err := r.way.ready(ctx, i)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, release.ErrUnavailable):
		return fmt.Errorf("arm %q: %w", arm, err)
	}
	return fmt.Errorf("arm %q: %v: %w", arm, err, release.ErrUnavailable)
}
