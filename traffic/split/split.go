// Package split holds what every provider asks of a route before it touches
// anything: whether the route can be served exactly, and whether it is newer
// than what is served. It only calculates.
package split

import (
	"fmt"
	"slices"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// Rules are what one provider can serve.
type Rules struct {
	Service string
	// Arms are the arms it knows, baseline first.
	Arms []string
	// Grain is the finest weight it can set; 0 means 1, a 100,000th.
	Grain release.Weight
	// Abilities are the fields of a route that it can serve beside weights.
	Abilities []release.Ability
}

// Weights checks a route and returns the weight of each arm, in the order of
// Rules.Arms; an arm that the route leaves out has none. The error is
// release.ErrNotFound for another service and release.ErrInvalid for all else:
// weights that do not sum to the whole, an unknown arm or one named twice,
// weights finer than the grain (with the nearest that can be set), an ability
// that the provider lacks.
func (r Rules) Weights(route release.Route) ([]release.Weight, error) {
	if route.Service != r.Service {
		return nil, fmt.Errorf("service %.100q is not served here, only %q: %w", route.Service, r.Service, release.ErrNotFound)
	}
	weights := make([]release.Weight, len(r.Arms))
	seen := make([]bool, len(r.Arms))
	sum := uint64(0)
	for _, w := range route.Weights {
		i := slices.Index(r.Arms, w.Arm)
		switch {
		case i < 0:
			return nil, fmt.Errorf("arm %.100q is not known, only %s: %w", w.Arm, strings.Join(r.Arms, ", "), release.ErrInvalid)
		case seen[i]:
			return nil, fmt.Errorf("arm %q is named twice: %w", w.Arm, release.ErrInvalid)
		case w.Weight%r.grain() != 0:
			low, high := Nearest(w.Weight, r.grain())
			return nil, fmt.Errorf("the weight %s of arm %q is finer than the provider can set; the nearest are %s and %s: %w",
				Percent(w.Weight), w.Arm, Percent(low), Percent(high), release.ErrInvalid)
		}
		seen[i], weights[i] = true, w.Weight
		sum += uint64(w.Weight)
	}
	if sum != uint64(release.Whole) {
		return nil, fmt.Errorf("the weights %v sum to %d, not to %d: %w", route.Weights, sum, release.Whole, release.ErrInvalid)
	}
	return weights, r.asks(route)
}

func (r Rules) grain() release.Weight { return max(r.Grain, 1) }

// asks checks what a route asks for beside weights.
func (r Rules) asks(route release.Route) error {
	for _, a := range Asked(route) {
		if !slices.Contains(r.Abilities, a) {
			return fmt.Errorf("the provider has no %s: %w", a, release.ErrInvalid)
		}
	}
	if route.Mirror > release.Whole {
		return fmt.Errorf("the share %d of mirrored requests is more than the whole, %d: %w", route.Mirror, release.Whole, release.ErrInvalid)
	}
	if route.Sticky.Header != "" && route.Sticky.Cookie != "" {
		return fmt.Errorf("users are told apart by a header or a cookie, not by both: %w", release.ErrInvalid)
	}
	return nil
}

// Asked lists the abilities that a route needs of its provider.
func Asked(route release.Route) (out []release.Ability) {
	for _, need := range []struct {
		asked   bool
		ability release.Ability
	}{
		{route.Testers.Header != "", release.HeaderTesters},
		{route.Testers.Cookie != "", release.CookieTesters},
		{route.Sticky.Header != "", release.HeaderSticky},
		{route.Sticky.Cookie != "", release.CookieSticky},
		{route.Mirror > 0, release.Mirrors},
		{route.Lease > 0, release.Leases},
		{len(route.Weights) > 2, release.ManyArms},
	} {
		if need.asked {
			out = append(out, need.ability)
		}
	}
	return out
}

// Nearest are the multiples of a grain around a weight, the lower one never 0
// for a weight above 0; both are the weight itself where it is a multiple. The
// grain divides the whole.
func Nearest(w, grain release.Weight) (low, high release.Weight) {
	if w%grain == 0 {
		return w, w
	}
	low = w / grain * grain
	return max(low, grain), low + grain
}

// Of turns weights in the order of arms into those of a route.
func Of(arms []string, weights []release.Weight) []release.ArmWeight {
	out := make([]release.ArmWeight, len(arms))
	for i, arm := range arms {
		out[i] = release.ArmWeight{Arm: arm, Weight: weights[i]}
	}
	return out
}

// Shares turns a provider's own integer weights (of any sum) into 100,000ths
// that sum to the whole, for reading back. What a rounding takes or gives falls
// to the largest, so that a weight of 0 stays 0 and only a sole weight is the
// whole. It is false where no weight is above 0: then nobody is served.
func Shares(own []int64) ([]release.Weight, bool) {
	sum, largest := int64(0), 0
	for i, w := range own {
		sum += max(w, 0)
		if w > own[largest] {
			largest = i
		}
	}
	if sum <= 0 {
		return nil, false
	}
	out := make([]release.Weight, len(own))
	left := int64(release.Whole)
	for i, w := range own {
		if i == largest || w <= 0 {
			continue
		}
		share := max(1, int64(float64(w)/float64(sum)*float64(release.Whole)+0.5))
		out[i] = release.Weight(share)
		left -= share
	}
	out[largest] = release.Weight(max(left, 0))
	return out, true
}

// Percent writes a weight for people: 1500 is "1.5%".
func Percent(w release.Weight) string {
	whole, part := w/1000, w%1000
	if part == 0 {
		return fmt.Sprintf("%d%%", whole)
	}
	return strings.TrimRight(fmt.Sprintf("%d.%03d", whole, part), "0") + "%"
}
