// Package trafficconf holds the behaviour that every traffic provider must
// show. A provider is done when Exercise passes for it:
//
//	func TestProvider(t *testing.T) {
//		trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness {
//			return trafficconf.Harness{Router: …, Service: "checkout", Arms: []string{"baseline", "candidate"}}
//		})
//	}
//
// Whoever changes what is asked of providers changes this suite with it.
package trafficconf

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Router is what every provider can do.
type Router interface {
	// Apply makes the data plane serve the route. Applying a route twice
	// equals applying it once. After an error Observed tells what is served:
	// release.ErrInvalid, ErrNotFound and ErrConflict mean as a rule that nothing
	// changed, and that trying the same again at once changes nothing; a provider
	// that goes in stages may have gone some. None of its stages gives an arm
	// after the first more than the route does, or than was served before.
	Apply(ctx context.Context, route release.Route) error
	// Observed reads back what the data plane serves now.
	Observed(ctx context.Context) (release.Seen, error)
}

// Renewer is a Router whose routes can be leases.
type Renewer interface {
	// Renew lets the lease that this owner holds by this epoch run for another
	// lease from now. It is release.ErrConflict where owner or epoch are not
	// those served, where the lease has lapsed, and where the route has none.
	Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error
}

// Readier is a Router that can tell whether an arm could take traffic.
type Readier interface {
	// Ready is nil where the arm could take traffic now. Otherwise the error
	// says why not, or why nobody can tell, and is release.ErrUnavailable.
	Ready(ctx context.Context, arm string) error
}

// Harness is one provider, ready for one test, with a service of its own. What
// is nil the provider, or its test bed, cannot do; the suite says what it left
// out for that.
type Harness struct {
	Router Router
	// Service is a service that the provider knows.
	Service string
	// Arms are the arms it knows for that service, baseline first; two or more.
	Arms []string
	// Grain is the finest weight that the provider can set, and 0 means 1. A
	// weight that is no multiple of it must be refused.
	Grain release.Weight
	// Restart ends the provider as a crash would, starts it again on what it
	// keeps, and returns it. Nil where the provider keeps nothing itself.
	Restart func() Router
	// Advance lets the provider's time pass. It must be set for a Renewer.
	Advance func(time.Duration)
	// Abilities are what the provider says it can do beside weights. All else it
	// must refuse.
	Abilities []release.Ability
	// Fences says that the provider keeps epochs, so that it must refuse a stale
	// one. Otherwise a stale route must at least be seen.
	Fences bool
	// Moves says that a change takes the provider a while, during which reading
	// back may be unavailable.
	Moves bool
	// Edit sets the second arm's weight by hand, past Linnet, as a person would.
	Edit func(second release.Weight)
	// Editor is the name under which the writer of Edit is seen; "" where the
	// provider cannot tell writers.
	Editor string
	// Meddle is what somebody may do to the data plane in the middle of a release,
	// by words for it, that leaves the first arm's part there.
	Meddle map[string]func()
	// Users returns the user's part of whatever holds the split: all that is
	// there before Linnet comes, but for the weights.
	Users func() string
	// Split sends n requests of different users and counts who answered, by
	// arm. Nil where the data plane is out of reach.
	Split func(n int) map[string]int
	// Send sends n requests with these headers, cookies among them, and counts
	// who answered, by arm.
	Send func(n int, header http.Header) map[string]int
	// Copies is how many mirrored requests the second arm got so far.
	Copies func() int
	// Cookie is the name of the cookie that keeps users in their arm, of a
	// provider that cannot be given another.
	Cookie string
	// SetReady makes an arm ready for traffic, or not. It must be set for a
	// Readier; at the start all arms are.
	SetReady func(arm string, ready bool)
	// Break makes the provider's other side fail in one way, until mended; nil
	// for a fault that it cannot have.
	Break func(Fault) (mend func())
	// Secret is a credential that the provider was given; no error may hold it.
	Secret string
}

// limit is how long any one call may take.
const limit = 20 * time.Second

// Exercise runs the whole suite. Each test opens a Harness of its own.
func Exercise(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"read-back equals applied", readBack},
		{"applied twice equals once", twice},
		{"zero and whole are exact", exact},
		{"weights finer than the grain are refused", grain},
		{"weights that do not sum to the whole are refused", sum},
		{"an unknown arm is invalid", unknownArm},
		{"an unknown service is refused", unknownService},
		{"a stale epoch is refused or can be seen", staleEpoch},
		{"after a cancelled context the next apply mends", cancelled},
		{"a restart keeps what was served", restart},
		{"applied and observed concurrently", concurrent},
		{"leases", leases},
		{"an edit by hand is seen and put right", edited},
		{"what is the user's stays as it is", users},
		{"faults have their meaning, and are mended", faults},
		{"what it cannot do is refused", lacking},
		{"testers choose their arm", testers},
		{"users stay in their arm", sticky},
		{"mirroring", mirrors},
		{"more than two arms", manyArms},
		{"readiness", readiness},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := open(t)
			if len(h.Arms) < 2 || h.Service == "" || h.Router == nil {
				t.Fatal("a harness needs a router, a service and two arms")
			}
			h.Grain = max(h.Grain, 1)
			test.run(t, h)
		})
	}
	t.Run("zero under an edit", func(t *testing.T) { meddled(t, open) })
}

func (h Harness) can(a release.Ability) bool { return slices.Contains(h.Abilities, a) }

// route gives the second arm a weight, at an epoch, for good.
func (h Harness) route(epoch uint64, second release.Weight) release.Route {
	weights := make([]release.ArmWeight, len(h.Arms))
	for i, arm := range h.Arms {
		weights[i].Arm = arm
	}
	weights[0].Weight = release.Whole - second
	weights[1].Weight = second
	return release.Route{
		Service: h.Service,
		Weights: weights,
		Salt:    "conformance",
		Epoch:   epoch,
		Owner:   "conformance/1",
	}
}

// some is a weight that the provider can set and that is neither end.
func (h Harness) some() release.Weight {
	return max(h.Grain, release.Whole/10/h.Grain*h.Grain)
}

func (h Harness) apply(t *testing.T, route release.Route) {
	t.Helper()
	if err := h.try(t, route); err != nil {
		t.Fatalf("apply epoch %d: %v", route.Epoch, err)
	}
}

func (h Harness) try(t *testing.T, route release.Route) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return h.Router.Apply(ctx, route)
}

func (h Harness) observe(t *testing.T) release.Seen {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	seen, err := h.Router.Observed(ctx)
	if err != nil {
		t.Fatalf("observe: %v", err)
	}
	return seen
}

// serves holds the read-back to the route's service and weights: the part that
// every provider can keep.
func (h Harness) serves(t *testing.T, want release.Route) {
	t.Helper()
	seen := h.observe(t)
	if seen.Route.Service != want.Service {
		t.Errorf("read back service %q, applied %q", seen.Route.Service, want.Service)
	}
	if !sameWeights(seen.Route.Weights, want.Weights) {
		t.Errorf("read back %v, applied %v", seen.Route.Weights, want.Weights)
	}
}

// sameWeights compares what each arm gets; an arm left out has none.
func sameWeights(a, b []release.ArmWeight) bool {
	left := map[string]release.Weight{}
	for _, w := range a {
		left[w.Arm] += w.Weight
	}
	for _, w := range b {
		if left[w.Arm] != w.Weight {
			return false
		}
		delete(left, w.Arm)
	}
	for _, w := range left {
		if w != 0 {
			return false
		}
	}
	return true
}
