package istio

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
)

// change is what makes the object serve a route: weights that differ, and what
// else the route asks for or no longer does.
func (r *Router) change(t target, route release.Route, weights []release.Weight) (*kube.Change, error) {
	c := &kube.Change{}
	want, err := r.extras(t, route)
	if err != nil {
		return nil, err
	}
	// What we put in front moves the user's routes down. Unless it stays as it
	// is, it is all taken out first and put in last, so that in between each
	// route is where the user has it.
	have := present(t)
	moved := !reflect.DeepEqual(have, want)
	if moved {
		takeOut(c, have)
	}
	share := mirrored(route, weights)
	for _, p := range t.places {
		if moved {
			p.index = p.nth
		}
		if err := r.weigh(c, p, weights); err != nil {
			return nil, err
		}
		if err := r.mirror(c, t, p, share); err != nil {
			return nil, err
		}
	}
	if moved {
		putIn(c, want)
	}
	note(c, t, share)
	return c, nil
}

// weigh sets the weights of one route that are not yet as they should be.
func (r *Router) weigh(c *kube.Change, p place, weights []release.Weight) error {
	// Back to the first arm it goes whatever else is there.
	if len(p.others) > 0 && weights[0] != release.Whole {
		return fmt.Errorf("%s has a weight on %s, which is no arm's; set it to 0: %w", p, strings.Join(p.others[:min(len(p.others), 5)], ", "), release.ErrInvalid)
	}
	destinations := p.destinations()
	if !p.leadsOn() && (len(destinations) == 1 || len(p.others) > 0) {
		return nil // who took the other arms out has given their share to somebody
	}
	for i, at := range p.arms {
		for n, j := range at {
			is := int64(weights[i] / Grain)
			if n > 0 {
				is = 0 // a destination that is there twice
			}
			switch was, there := destinations[j]["weight"]; {
			case !there:
				c.Add(p.path(p.index, j), is)
			case was != any(is):
				c.Replace(p.path(p.index, j), was, is)
			}
		}
	}
	return nil
}
