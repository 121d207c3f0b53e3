package several

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// maxWriters bounds who else writes, of all parts together.
const maxWriters = 10

// Observed asks all parts. One that cannot be read is release.ErrUnavailable: what
// the others serve is in the error's text.
func (r *router) Observed(ctx context.Context) (release.Seen, error) {
	leave, err := r.enter(ctx)
	if err != nil {
		return release.Seen{}, err
	}
	defer leave()
	seen := make([]release.Seen, len(r.parts))
	weights := make([][]release.Weight, len(r.parts))
	errs := r.each(func(i int) (err error) {
		if seen[i], err = r.parts[i].Router.Observed(ctx); err == nil {
			weights[i], err = r.read(seen[i].Route)
		}
		return err
	})
	if err := r.unread(errs, weights); err != nil {
		return release.Seen{}, err
	}
	return r.together(seen, weights), nil
}

// unread names the parts that cannot be read, and what the others serve.
func (r *router) unread(errs []error, weights [][]release.Weight) error {
	var failed, others []string
	for i, err := range errs {
		if err != nil {
			failed = append(failed, fmt.Sprintf("%s cannot be read: %v", r.parts[i].Name, err))
		} else {
			others = append(others, fmt.Sprintf("%s serves %s", r.parts[i].Name, split.Percent(r.exposed(weights[i]))))
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return failure{"several: " + strings.Join(append(failed, others...), "; "), release.ErrUnavailable}
}

// together is what the parts serve as one.
func (r *router) together(seen []release.Seen, weights [][]release.Weight) (all release.Seen) {
	least, oldest, newest := 0, 0, 0
	differ, owners := false, false
	for i, s := range seen {
		all.Lapsed = all.Lapsed || s.Lapsed
		for _, w := range s.Writers {
			if len(all.Writers) < maxWriters {
				all.Writers = append(all.Writers, r.parts[i].Name+": "+w)
			}
		}
		if r.exposed(weights[i]) < r.exposed(weights[least]) {
			least = i
		}
		if s.Route.Epoch < seen[oldest].Route.Epoch {
			oldest = i
		}
		if s.Route.Epoch > seen[newest].Route.Epoch {
			newest = i
		}
		differ = differ || !slices.Equal(weights[i], weights[0])
		owners = owners || s.Route.Owner != seen[0].Route.Owner
	}
	from, stamp := least, newest
	if !differ && !owners {
		// Parts that were put back keep the epoch of what failed. What all of one
		// owner serve is the last route that reached every part.
		from, stamp = oldest, oldest
	}
	epoch := seen[stamp].Route.Epoch
	if !differ && split.StampOf(seen[stamp].Route) == r.undone.Stamp && slices.Equal(weights[from], r.undone.weights) {
		epoch = r.undone.before // and so do those of which all were put back
	}
	all.Route = seen[from].Route
	all.Route.Service = r.rules.Service
	all.Route.Weights = split.Of(r.rules.Arms, weights[from])
	all.Route.Epoch, all.Route.Owner = epoch, seen[stamp].Route.Owner
	if differ {
		for i, p := range r.parts {
			all.Parts = append(all.Parts, release.Part{Name: p.Name, Weights: split.Of(r.rules.Arms, weights[i])})
		}
	}
	return all
}

// read returns the weights of a route that a part serves, in the order of the
// arms.
func (r *router) read(route release.Route) ([]release.Weight, error) {
	weights := make([]release.Weight, len(r.rules.Arms))
	for _, w := range route.Weights {
		i := slices.Index(r.rules.Arms, w.Arm)
		if i < 0 && w.Weight > 0 {
			return nil, fmt.Errorf("it serves %s to %.100q, which is no arm: %w", split.Percent(w.Weight), w.Arm, release.ErrInvalid)
		}
		if i >= 0 {
			weights[i] += w.Weight
		}
	}
	return weights, nil
}
