package istio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/split"
)

// mostDelegates bounds how many VirtualServices below the root are looked at.
const mostDelegates = 20

// target is the VirtualService whose routes move, as it was read.
type target struct {
	reader *kube.Reader
	object *unstructured.Unstructured
	places []place
}

// String names the object.
func (t target) String() string { return t.reader.Object().String() }

// http tells whether all routes that move are HTTP routes.
func (t target) http() bool {
	return !slices.ContainsFunc(t.places, func(p place) bool { return p.protocol != "http" })
}

// owned are the fields that we write.
func (t target) owned() (out []kube.Path) {
	for _, p := range t.places {
		out = append(out, kube.Path{"spec", p.protocol})
	}
	return out
}

// find reads the VirtualService and looks for the routes that move: in itself,
// else in what it delegates to. The error is release.ErrInvalid where they are
// not there, or where it is not clear which ones are meant; back is as pick has
// it. Where they are not there, read are the objects that were looked at.
func (r *Router) find(ctx context.Context, back string) (found target, read []target, err error) {
	object, err := r.root.Read(ctx)
	if err != nil {
		return target{}, nil, err
	}
	root := target{reader: r.root, object: object}
	places, missing := r.pick(root, back)
	if missing == nil {
		root.places = places
		return root, nil, nil
	}
	delegates, err := r.delegates(root)
	if err != nil {
		return target{}, nil, err
	}
	read = []target{root}
	var having []target
	for _, reader := range delegates {
		object, err := reader.Read(ctx)
		if errors.Is(err, release.ErrNotFound) {
			missing = fmt.Errorf("%w; it delegates to %s, which does not exist", missing, reader.Object())
			continue
		}
		if err != nil {
			return target{}, nil, err
		}
		t := target{reader: reader, object: object}
		read = append(read, t)
		places, none := r.pick(t, back)
		if none != nil {
			missing = fmt.Errorf("%w; %w", missing, none)
			continue
		}
		t.places = places
		having = append(having, t)
	}
	switch len(having) {
	case 0:
		return target{}, read, missing
	case 1:
		return having[0], nil, nil
	}
	return target{}, nil, fmt.Errorf("%s delegates to %s and %s, and both have the arms; name the one that moves as virtualService, or both under several: %w",
		root, having[0], having[1], release.ErrInvalid)
}

// left is the object, of those that were read, in which only arms after the first
// have gone: the one that a release has moved, else, on the way back, any.
func (r *Router) left(read []target, back bool) (target, bool) {
	for _, moved := range []bool{true, false} {
		for _, t := range read {
			if moved != (kube.StampOf(t.object) != split.Stamp{}) || !moved && !back {
				continue
			}
			places, clear := r.remaining(t)
			if t.places = places; !clear || len(places) > 0 {
				return t, clear
			}
		}
	}
	return target{}, false
}

// remaining are the routes of an object with the first arm, where somebody has
// taken others out: those can go back that still lead to one, and where none does
// all have. It is not clear where an arm stands without the first, and where there
// are routes with all arms.
func (r *Router) remaining(t target) (out []place, clear bool) {
	named := len(r.cfg.Routes) > 0 && !slices.Equal(r.cfg.Routes, []string{AllRoutes})
	for _, p := range r.places(t.object) {
		switch {
		case named && !slices.Contains(r.cfg.Routes, p.name) && !slices.Contains(r.cfg.Routes, p.at()):
		case len(p.arms[0]) == 0 && p.leadsOn(), !named && p.lacks == "":
			return nil, false
		case len(p.arms[0]) > 0:
			out = append(out, p)
		}
	}
	if slices.ContainsFunc(out, place.leadsOn) {
		out = slices.DeleteFunc(out, func(p place) bool { return !p.leadsOn() })
	}
	return out, true
}

// delegates are the readers of what a root delegates to, in its order.
func (r *Router) delegates(root target) (out []*kube.Reader, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, entry := range entries(root.object, "http") {
		to, ok := entry["delegate"].(map[string]any)
		if !ok {
			continue
		}
		namespace, name := text(to["namespace"]), text(to["name"])
		if namespace == "" {
			namespace = root.object.GetNamespace()
		}
		key := namespace + "/" + name
		if r.below[key] != nil && slices.Contains(out, r.below[key]) {
			continue
		}
		if len(out) == mostDelegates {
			return nil, fmt.Errorf("%s delegates to more than %d; name the one that moves as virtualService: %w", root, mostDelegates, release.ErrInvalid)
		}
		if r.below[key] == nil {
			r.below[key] = r.cfg.Client.Object(virtualServices, namespace, name).Reader()
		}
		out = append(out, r.below[key])
	}
	return out, nil
}

// pick chooses the routes that move among those of one object. On the way back
// to the first arm, back is the owner of the route: where it already moved this
// object, somebody has put another route with all arms beside its own since, and
// that keeps nothing from going back: all of them do.
func (r *Router) pick(t target, back string) (out []place, err error) {
	all := r.places(t.object)
	if len(r.cfg.Routes) == 0 || slices.Equal(r.cfg.Routes, []string{AllRoutes}) {
		return r.holding(t, all, back != "" && kube.StampOf(t.object).Owner == back)
	}
	for _, name := range r.cfg.Routes {
		named := slices.DeleteFunc(slices.Clone(all), func(p place) bool { return p.name != name && p.at() != name })
		if len(named) == 0 {
			return nil, fmt.Errorf("%s has no route %q, only %s: %w", t, name, names(all), release.ErrInvalid)
		}
		for _, p := range named {
			if p.lacks != "" {
				return nil, fmt.Errorf("%s: %s %s: %w", t, p, p.lacks, release.ErrInvalid)
			}
		}
		out = append(out, named...)
	}
	slices.SortFunc(out, func(a, b place) int { return cmp.Or(cmp.Compare(a.protocol, b.protocol), a.index-b.index) })
	return slices.CompactFunc(out, func(a, b place) bool { return a.at() == b.at() }), nil
}

// holding are the routes that have all arms; one, unless all are to move.
func (r *Router) holding(t target, all []place, any bool) ([]place, error) {
	var lacks []string
	var out []place
	for _, p := range all {
		if p.lacks == "" {
			out = append(out, p)
		} else {
			lacks = append(lacks, fmt.Sprintf("%s %s", p, p.lacks))
		}
	}
	switch {
	case len(out) == 0 && len(lacks) == 0:
		return nil, fmt.Errorf("%s has no routes of its own: %w", t, release.ErrInvalid)
	case len(out) == 0:
		return nil, fmt.Errorf("%s has no route with all arms: %s: %w", t, strings.Join(lacks[:min(len(lacks), 5)], ", "), release.ErrInvalid)
	case len(out) > 1 && len(r.cfg.Routes) == 0 && !any:
		return nil, fmt.Errorf("%s has several routes with all arms, %s; name those that move under routes, or write %q for all: %w",
			t, names(out), AllRoutes, release.ErrInvalid)
	}
	return out, nil
}

func names(places []place) string {
	if len(places) == 0 {
		return "routes that delegate or answer themselves"
	}
	var out []string
	for _, p := range places[:min(len(places), 20)] {
		out = append(out, p.String())
	}
	return strings.Join(out, ", ")
}
