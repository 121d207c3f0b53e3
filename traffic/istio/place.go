package istio

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/split"
)

// place is one route of the user's in a VirtualService.
type place struct {
	protocol string // http, tls or tcp
	name     string // http routes may have one
	entry    map[string]any
	// index is where it is in its list, and nth where it would be without the
	// routes that we put there.
	index, nth int
	// arms are the places of each arm among its destinations: one, unless it lacks
	// something.
	arms [][]int
	// others are destinations with a weight that are no arm's.
	others []string
	// lacks says in words why it cannot move; "" where it can. Back to the first arm
	// it can wherever that one is there.
	lacks string
}

// at names a route by its place.
func (p place) at() string { return fmt.Sprintf("%s[%d]", p.protocol, p.nth) }

// String names a route as an error does.
func (p place) String() string {
	if p.name == "" {
		return p.at()
	}
	return fmt.Sprintf("route %.100q", p.name)
}

// places are the routes of an object that lead to destinations.
func (r *Router) places(object *unstructured.Unstructured) (out []place) {
	for _, protocol := range []string{"http", "tls", "tcp"} {
		nth := 0
		for index, entry := range entries(object, protocol) {
			if ours(entry) {
				continue
			}
			p := place{protocol: protocol, name: text(entry["name"]), entry: entry, index: index, nth: nth}
			nth++
			if len(p.destinations()) == 0 {
				continue
			}
			r.look(&p, object.GetNamespace())
			out = append(out, p)
		}
	}
	return out
}

// look finds the arms among the destinations of a route.
func (r *Router) look(p *place, namespace string) {
	var armless []string
	for _, d := range p.destinations() {
		to := destination(d)
		if slices.ContainsFunc(r.cfg.Arms, func(a Arm) bool { return same(a, to, namespace) }) {
			continue
		}
		armless = append(armless, to.String())
		if weight(d) != 0 {
			p.others = append(p.others, to.String())
		}
	}
	for _, a := range r.cfg.Arms {
		var at []int
		for j, d := range p.destinations() {
			if same(a, destination(d), namespace) {
				at = append(at, j)
			}
		}
		p.arms = append(p.arms, at)
		switch {
		case p.lacks != "":
		case len(at) == 0:
			p.lacks = fmt.Sprintf("has no destination %s for the %s; add it with weight 0", a, a.Name)
			if len(armless) > 0 {
				p.lacks += " (it has " + strings.Join(armless[:min(len(armless), 5)], ", ") + ")"
			}
		case len(at) > 1:
			p.lacks = fmt.Sprintf("has the destination %s of the %s %d times", a, a.Name, len(at))
		}
	}
}

func (p place) destinations() []map[string]any { return objects(p.entry["route"]) }

// leadsOn tells whether a route leads to an arm after the first.
func (p place) leadsOn() bool {
	return slices.ContainsFunc(p.arms[1:], func(at []int) bool { return len(at) > 0 })
}

// shares are the arms' weights as they are served. The error is
// release.ErrInvalid for weights that Istio refuses.
func (p place) shares() ([]release.Weight, error) {
	destinations := p.destinations()
	own := make([]int64, len(p.arms))
	for i, at := range p.arms {
		for _, j := range at {
			w := weight(destinations[j])
			if w < 0 {
				return nil, fmt.Errorf("%s has the weight %d at %s, which Istio refuses: %w", p, w, p.path(p.index, j), release.ErrInvalid)
			}
			own[i] += w
		}
	}
	if !p.leadsOn() {
		own[0] = 1 // whatever it gets, no other arm gets any
	}
	shares, ok := split.Shares(own)
	if !ok {
		return nil, fmt.Errorf("%s has no weight above 0, which Istio refuses: %w", p, release.ErrInvalid)
	}
	return shares, nil
}

// path leads to the weight of a destination, in the route at an index.
func (p place) path(index, destination int) kube.Path {
	return kube.Path{"spec", p.protocol, strconv.Itoa(index), "route", strconv.Itoa(destination), "weight"}
}

// entries are the routes of one protocol.
func entries(object *unstructured.Unstructured, protocol string) []map[string]any {
	list, _, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", protocol)
	return objects(list)
}

// objects is a list of objects; what is none counts as an empty one, so that places
// stay as they are.
func objects(value any) []map[string]any {
	list, _ := value.([]any)
	out := make([]map[string]any, len(list))
	for i, v := range list {
		if out[i], _ = v.(map[string]any); out[i] == nil {
			out[i] = map[string]any{}
		}
	}
	return out
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

// weight is what is written; Istio takes none for 0.
func weight(d map[string]any) int64 {
	w, _ := d["weight"].(int64)
	return w
}

// destination is where an entry of a route leads.
func destination(d map[string]any) Arm {
	to, _ := d["destination"].(map[string]any)
	return Arm{Host: text(to["host"]), Subset: text(to["subset"])}
}

// String names a destination.
func (a Arm) String() string {
	if a.Subset == "" {
		return a.Host
	}
	return a.Host + " subset " + a.Subset
}

func same(a, b Arm, namespace string) bool {
	return a.Subset == b.Subset && full(a.Host, namespace) == full(b.Host, namespace)
}

// full is a host's full name: Istio completes only names without a dot, by the
// namespace of the object that they are in.
func full(host, namespace string) string {
	if strings.Contains(host, ".") || host == "*" {
		return host
	}
	return host + "." + namespace + ".svc.cluster.local"
}
