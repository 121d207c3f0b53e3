package chaos_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

// plain is a provider that keeps weights and nothing else, not even who set
// them; stamps adds owner and epoch, which it does not compare.
type plain struct {
	stamps bool
	mu     sync.Mutex
	route  release.Route
}

func arms() []string { return []string{release.Baseline, release.Candidate} }

func (p *plain) Apply(ctx context.Context, route release.Route) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("plain: %w: %w", err, release.ErrUnavailable)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.route.Weights = slices.Clone(route.Weights)
	if p.stamps {
		p.route.Owner, p.route.Epoch = route.Owner, route.Epoch
	}
	return nil
}

func (p *plain) Observed(ctx context.Context) (release.Seen, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	route := p.route
	route.Weights = slices.Clone(route.Weights)
	return release.Seen{Route: route}, ctx.Err()
}

func (p *plain) edit(second release.Weight) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.route.Weights = []release.ArmWeight{
		{Arm: release.Baseline, Weight: release.Whole - second}, {Arm: release.Candidate, Weight: second},
	}
}

func harness(stamps bool) func(*testing.T) trafficconf.Harness {
	return func(*testing.T) trafficconf.Harness {
		p := &plain{stamps: stamps, route: release.Route{Service: "shop"}}
		p.edit(0)
		return trafficconf.Harness{Router: p, Service: "shop", Arms: arms(), Edit: p.edit}
	}
}

// The least that a provider can be comes through.
func TestThePlainestProvider(t *testing.T) { chaos.Exercise(t, harness(false)) }

func TestAProviderWithStamps(t *testing.T) { chaos.Exercise(t, harness(true)) }
