package several_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/several"
	"github.com/linnet-project/linnet/traffic/split"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

const service = "checkout"

var arms = []string{release.Baseline, release.Candidate, "third"}

// part is a provider in memory that keeps epochs, and fails as it is told.
type part struct {
	rules split.Rules

	mu      sync.Mutex
	route   release.Route
	writers []string
	sick    map[string]bool
	applied []release.Route // whatever was set, in that order
	calls   int

	// unset and set fail an Apply before and after it was done; each is asked
	// with the route. unseen fails reading.
	unset, set func(release.Route) error
	unseen     func() error
	hangs      bool
	lies       bool // says yes and does nothing
}

func newPart(abilities ...release.Ability) *part {
	return &part{
		rules: split.Rules{Service: service, Arms: arms, Abilities: append(abilities, release.ManyArms)},
		route: release.Route{Service: service, Weights: []release.ArmWeight{{Arm: arms[0], Weight: release.Whole}}},
		sick:  map[string]bool{},
	}
}

func (p *part) hang(ctx context.Context) error {
	p.mu.Lock()
	hangs := p.hangs
	p.calls++
	p.mu.Unlock()
	if hangs {
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		return fmt.Errorf("no answer: %w: %w", ctx.Err(), release.ErrUnavailable)
	}
	return nil
}

func (p *part) Apply(ctx context.Context, route release.Route) error {
	if err := p.hang(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.rules.Weights(route); err != nil {
		return err
	}
	if err := split.StampOf(p.route).Fence(route); err != nil {
		return err
	}
	if p.unset != nil {
		if err := p.unset(route); err != nil {
			return err
		}
	}
	if p.lies {
		return nil
	}
	p.route = route
	p.applied = append(p.applied, route)
	if p.set != nil {
		return p.set(route)
	}
	return nil
}

func (p *part) Observed(ctx context.Context) (release.Seen, error) {
	if err := p.hang(ctx); err != nil {
		return release.Seen{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unseen != nil {
		if err := p.unseen(); err != nil {
			return release.Seen{}, err
		}
	}
	return release.Seen{Route: p.route, Writers: p.writers}, nil
}

func (p *part) Renew(context.Context, string, uint64, time.Duration) error { return nil }

func (p *part) Ready(_ context.Context, arm string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sick[arm] {
		return fmt.Errorf("%s is not ready: %w", arm, release.ErrUnavailable)
	}
	if arm != arms[0] && arm != arms[1] && arm != arms[2] {
		return fmt.Errorf("no arm %s: %w", arm, release.ErrUnavailable)
	}
	return nil
}

// fail makes what this part is asked for fail, or not.
func (p *part) fail(unset, set func(release.Route) error, unseen func() error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unset, p.set, p.unseen = unset, set, unseen
}

// breaks makes this part fail in one way, until it is told "".
func (p *part) breaks(fault trafficconf.Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unset, p.set, p.unseen, p.lies = nil, nil, nil, fault == trafficconf.Lying
	p.hangs = fault == trafficconf.Hanging
	meaning := map[trafficconf.Fault]error{
		trafficconf.Throttled: release.ErrUnavailable, trafficconf.Failing: release.ErrUnavailable, trafficconf.Unreachable: release.ErrUnavailable,
		trafficconf.Forbidden: release.ErrInvalid, trafficconf.Missing: release.ErrNotFound, trafficconf.Contested: release.ErrConflict,
	}[fault]
	if meaning != nil {
		p.unset = func(release.Route) error { return fmt.Errorf("%s: %w", fault, meaning) }
		p.unseen = func() error { return fmt.Errorf("%s: %w", fault, meaning) }
	}
	if fault == trafficconf.Broken {
		p.set = func(release.Route) error { return fmt.Errorf("%s: %w", fault, release.ErrUnavailable) }
	}
}

// weight is what the second arm gets.
func (p *part) weight() release.Weight {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.route.Weights {
		if w.Arm == arms[1] {
			return w.Weight
		}
	}
	return 0
}

// together is a router of these parts, called a, b, c.
func together(t interface {
	Helper()
	Fatal(...any)
}, parts ...*part) split.Router {
	t.Helper()
	cfg := several.Config{Service: service, Arms: arms}
	for i, p := range parts {
		cfg.Parts = append(cfg.Parts, several.Part{Name: string(rune('a' + i)), Router: split.Only(p, p.rules.Abilities), Grain: p.rules.Grain})
	}
	router, err := several.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

func route(epoch uint64, second release.Weight) release.Route {
	return release.Route{
		Service: service, Weights: split.Of(arms, []release.Weight{release.Whole - second, second, 0}),
		Salt: "s", Epoch: epoch, Owner: "checkout-1.5.0/1",
	}
}

func apply(t *testing.T, r split.Router, route release.Route) {
	t.Helper()
	if err := r.Apply(t.Context(), route); err != nil {
		t.Fatalf("apply %v: %v", route.Weights, err)
	}
}

// weights are what the parts serve.
func weights(parts []*part) (out []release.Weight) {
	for _, p := range parts {
		out = append(out, p.weight())
	}
	return out
}
