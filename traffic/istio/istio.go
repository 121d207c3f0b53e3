package istio

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/split"
)

// Grain is the finest weight: a whole percent.
const Grain = release.Whole / 100

// AllRoutes, as the only entry of Config.Routes, moves every route that has all
// arms.
const AllRoutes = "*"

var (
	virtualServices  = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "virtualservices"}
	destinationRules = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "destinationrules"}
)

// Arm is where the requests of one arm go.
type Arm struct {
	Name string
	// Host is the destination's, as the VirtualService has it; a short name and
	// its full one are the same.
	Host string
	// Subset is one that a DestinationRule of the host defines; "" for a host
	// without.
	Subset string
}

// Config says what to move.
type Config struct {
	Client  *kube.Client
	Service string
	// Arms are two or more, baseline first.
	Arms []Arm
	// VirtualService is its name, in the client's namespace. Where none of its own routes has the arms, the
	// VirtualServices that it delegates to are looked at.
	VirtualService string
	// Routes are those that move: by name, or by protocol and place where they
	// have none ("tcp[0]"). None means the only route that has all arms;
	// AllRoutes alone means all of them.
	Routes []string
}

// Router moves the routes of one VirtualService. It is safe for concurrent use.
type Router struct {
	cfg   Config
	arms  []string
	root  *kube.Reader
	mu    sync.Mutex
	below map[string]*kube.Reader // of delegates, by namespace/name
}

// New checks the configuration; it does not call the cluster. The error is
// release.ErrInvalid. Close lets go of what the Router holds.
func New(cfg Config) (*Router, error) {
	r := &Router{cfg: cfg, below: map[string]*kube.Reader{}}
	seen := map[string]string{}
	for _, a := range cfg.Arms {
		at := a.Host + "/" + a.Subset
		if a.Name == "" || a.Host == "" {
			return nil, fmt.Errorf("istio: arm %q needs a name and a host: %w", a.Name, release.ErrInvalid)
		}
		if other, ok := seen[at]; ok {
			return nil, fmt.Errorf("istio: arms %q and %q have the same destination, %s: %w", other, a.Name, a, release.ErrInvalid)
		}
		seen[at] = a.Name
		r.arms = append(r.arms, a.Name)
	}
	if len(cfg.Arms) < 2 || cfg.VirtualService == "" || cfg.Client == nil {
		return nil, fmt.Errorf("istio: a client, a virtualService and two arms are needed: %w", release.ErrInvalid)
	}
	r.root = cfg.Client.Object(virtualServices, "", cfg.VirtualService).Reader()
	return r, nil
}

// Close ends the watches.
func (r *Router) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.root.Close()
	for _, reader := range r.below {
		reader.Close()
	}
}

// rules are what the routes found can serve.
func (r *Router) rules(t target) split.Rules {
	rules := split.Rules{Service: r.cfg.Service, Arms: r.arms, Grain: Grain, Abilities: []release.Ability{release.ManyArms, release.Readiness}}
	if t.http() {
		rules.Abilities = append(rules.Abilities, release.HeaderTesters, release.CookieTesters, release.Mirrors)
	}
	return rules
}

// Apply sets the weights, and puts in and takes out what else the route asks
// for, in one patch. The way back to the first arm needs only that one's
// destination: whoever took another out in the middle of a release has left nobody
// there.
func (r *Router) Apply(ctx context.Context, route release.Route) error {
	if route.Service != r.cfg.Service {
		_, err := split.Rules{Service: r.cfg.Service}.Weights(route)
		return err
	}
	back := ""
	if len(route.Weights) > 0 && route.Weights[0] == (release.ArmWeight{Arm: r.arms[0], Weight: release.Whole}) {
		back = route.Owner
	}
	t, read, err := r.find(ctx, back)
	if one, ok := r.left(read, true); ok && back != "" {
		t, err = one, nil
	}
	if err != nil {
		return err
	}
	_, err = t.reader.Update(ctx, func(read *unstructured.Unstructured) (*kube.Change, error) {
		t.object = read
		if t.places, err = r.pick(t, back); err != nil {
			one, ok := r.left([]target{t}, back != "")
			if !ok || back == "" {
				return nil, err
			}
			t = one
		}
		weights, err := r.rules(t).Weights(route)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t, err)
		}
		if err := t.reader.Object().Fence(read, route); err != nil {
			return nil, err
		}
		change, err := r.change(t, route, weights)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t, err)
		}
		change.Stamp(route)
		return change, nil
	})
	return err
}

// Observed reads the weights back from the object. It cannot see whether every
// proxy of the mesh has them yet. An arm that somebody took out of an object that
// was moved has none.
func (r *Router) Observed(ctx context.Context) (release.Seen, error) {
	if err := ctx.Err(); err != nil {
		return release.Seen{}, fmt.Errorf("istio: %w: %w", err, release.ErrUnavailable)
	}
	t, read, err := r.find(ctx, "")
	if one, ok := r.left(read, false); ok {
		t, err = one, nil
	}
	if err != nil {
		return release.Seen{}, err
	}
	writers := kube.Writers(t.object, t.owned()...)
	var parts []release.Part
	for _, p := range t.places {
		shares, err := p.shares()
		if err != nil {
			return release.Seen{}, fmt.Errorf("%s: %w; last written by %v", t, err, writers)
		}
		parts = append(parts, release.Part{Name: p.String(), Weights: split.Of(r.arms, shares)})
	}
	stamp := kube.StampOf(t.object)
	least, differ := lowest(parts)
	seen := release.Seen{
		Route:   release.Route{Service: r.cfg.Service, Weights: least, Epoch: stamp.Epoch, Owner: stamp.Owner},
		Writers: writers,
	}
	if differ {
		seen.Parts = parts
	}
	return seen, nil
}

// lowest are the weights that give the arms after the first the least, and
// whether there are others.
func lowest(parts []release.Part) (least []release.ArmWeight, differ bool) {
	for _, p := range parts {
		switch {
		case least == nil:
			least = p.Weights
		case p.Weights[0].Weight > least[0].Weight:
			least, differ = p.Weights, true
		default:
			for i, w := range p.Weights {
				differ = differ || w != least[i]
			}
		}
	}
	return least, differ
}
