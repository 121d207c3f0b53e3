package gatewayapi

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/split"
)

const group = "gateway.networking.k8s.io"

// HTTPRoutes and GRPCRoutes are the kinds of routes that can be split.
func HTTPRoutes() schema.GroupVersionResource { return kind("httproutes") }

// GRPCRoutes: see HTTPRoutes.
func GRPCRoutes() schema.GroupVersionResource { return kind("grpcroutes") }

func kind(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}
}

// Abilities are what the provider can do beside weights. Mirroring depends on
// the implementation too: it is refused where a parent's GatewayClass does not
// list it, since some answer every request of such a rule with an error.
func Abilities() []release.Ability {
	return []release.Ability{release.HeaderTesters, release.Mirrors, release.ManyArms}
}

// Config says which route splits the traffic of a service, and where its arms
// are.
type Config struct {
	Client *kube.Client
	// Kind is HTTPRoutes() or GRPCRoutes().
	Kind schema.GroupVersionResource
	// Name is the route's, in the client's namespace.
	Name string
	// Service is what Linnet calls the service.
	Service string
	// Arms are the arms, baseline first.
	Arms []Arm
	// Rules are the rules to split, by their name or, counted from 0, their
	// place; none means every rule that holds all arms.
	Rules []string
	// Patience is how long a change may take to be accepted (default 8s).
	Patience time.Duration
}

// Arm is an arm and its place in the backendRefs of a rule.
type Arm struct {
	Name string
	// Backend is what kube.ParseBackend reads.
	Backend string
}

// Router splits traffic by one route. It is safe for concurrent use.
type Router struct {
	cfg      Config
	backends []kube.Backend
	rules    split.Rules
	object   *kube.Object
	reader   *kube.Reader
}

// New makes a Router. It does not call the cluster; the error is
// release.ErrInvalid.
func New(cfg Config) (*Router, error) {
	if cfg.Client == nil || cfg.Service == "" || cfg.Name == "" || len(cfg.Arms) < 2 || cfg.Kind != HTTPRoutes() && cfg.Kind != GRPCRoutes() {
		return nil, fmt.Errorf("gateway API: a client, a service, an HTTPRoute or GRPCRoute and two arms are needed: %w", release.ErrInvalid)
	}
	if cfg.Patience < 0 {
		return nil, fmt.Errorf("gateway API: the patience %v is negative: %w", cfg.Patience, release.ErrInvalid)
	}
	if cfg.Patience == 0 {
		cfg.Patience = 8 * time.Second
	}
	r := &Router{cfg: cfg, rules: split.Rules{Service: cfg.Service, Abilities: Abilities()}}
	for _, arm := range cfg.Arms {
		b, err := kube.ParseBackend(arm.Backend)
		if err != nil {
			return nil, fmt.Errorf("gateway API: backend of arm %q: %w", arm.Name, err)
		}
		r.backends = append(r.backends, b)
		r.rules.Arms = append(r.rules.Arms, arm.Name)
	}
	r.object = cfg.Client.Object(cfg.Kind, "", cfg.Name)
	r.reader = r.object.Reader()
	return r, nil
}

// Close ends the watch on the route.
func (r *Router) Close() { r.reader.Close() }

// Apply changes the route, and returns once all its parents have accepted the
// change; release.ErrUnavailable where one does not within the patience.
func (r *Router) Apply(ctx context.Context, route release.Route) error {
	weights, err := r.rules.Weights(route)
	if err != nil {
		return fmt.Errorf("%s: %w", r.object, err)
	}
	made, err := r.reader.Update(ctx, func(read *unstructured.Unstructured) (*kube.Change, error) {
		return r.change(ctx, read, route, weights)
	})
	if err != nil {
		return err
	}
	_, err = r.accepted(ctx, made.GetGeneration(), weights[0] != release.Whole)
	return err
}

// change says what makes a route as it was read serve another split.
func (r *Router) change(ctx context.Context, read *unstructured.Unstructured, route release.Route, weights []release.Weight) (*kube.Change, error) {
	if err := r.object.Fence(read, route); err != nil {
		return nil, err
	}
	rules, lacks := r.split(read)
	e := edit{router: r, read: read, rules: rules, route: route, weights: weights}
	back := weights[0] == release.Whole && r.gone(read)
	if lacks != nil && (len(rules) == 0 && !back || e.raises()) {
		return nil, lacks
	}
	if e.raises() {
		if err := r.mayRaise(read); err != nil {
			return nil, err
		}
	}
	if e.beginsToMirror() {
		if err := r.canMirror(ctx, read, e.share()); err != nil {
			return nil, err
		}
	}
	return e.change()
}

// Observed reads back the weights of the route, once all its parents have
// accepted it as it is; release.ErrUnavailable where one does not within the
// patience. Rules with different weights are told as parts.
func (r *Router) Observed(ctx context.Context) (release.Seen, error) {
	if err := ctx.Err(); err != nil {
		return release.Seen{}, fmt.Errorf("%s: %w: %w", r.object, err, release.ErrUnavailable)
	}
	read, err := r.accepted(ctx, 0, false)
	if err != nil {
		return release.Seen{}, err
	}
	rules, lacks := r.split(read)
	if len(rules) == 0 && !r.gone(read) {
		return release.Seen{}, lacks
	}
	stamp := kube.StampOf(read)
	seen := release.Seen{
		Route:   release.Route{Service: r.cfg.Service, Epoch: stamp.Epoch, Owner: stamp.Owner},
		Writers: kube.Writers(read, kube.Path{"spec", "rules"}),
	}
	for _, rule := range rules {
		shares, ok := split.Shares(rule.weights)
		if !ok {
			return release.Seen{}, fmt.Errorf("%s: %s gives no arm any weight, so that its requests fail: %w", r.object, rule, release.ErrInvalid)
		}
		seen.Parts = append(seen.Parts, release.Part{Name: rule.String(), Weights: split.Of(r.rules.Arms, shares)})
	}
	if len(rules) == 0 { // gone
		all := make([]release.Weight, len(r.rules.Arms))
		all[0] = release.Whole
		seen.Parts = []release.Part{{Weights: split.Of(r.rules.Arms, all)}}
	}
	seen.Route.Weights, seen.Parts = least(seen.Parts)
	return seen, nil
}

// least gives the weights of the part that gives the arms after the first the
// least, and the parts where they differ.
func least(parts []release.Part) ([]release.ArmWeight, []release.Part) {
	low, differ := parts[0], false
	for _, p := range parts[1:] {
		for i := range p.Weights {
			differ = differ || p.Weights[i] != parts[0].Weights[i]
		}
		if p.Weights[0].Weight > low.Weights[0].Weight {
			low = p
		}
	}
	if !differ {
		parts = nil
	}
	return low.Weights, parts
}
