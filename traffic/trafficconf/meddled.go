package trafficconf

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/linnet-project/linnet/release"
)

// meddled: whatever somebody does to the data plane in the middle of a release,
// the candidate goes back to nothing as long as the first arm's part is there.
// Each way has a Harness of its own.
func meddled(t *testing.T, open func(t *testing.T) Harness) {
	ways := slices.Sorted(maps.Keys(open(t).Meddle))
	if len(ways) == 0 {
		t.Skip("nobody meddles there")
	}
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			h := open(t)
			h.Grain = max(h.Grain, 1)
			h.apply(t, h.route(1, h.some()))
			h.Meddle[way]()
			back := h.route(2, 0)
			h.apply(t, back)
			h.nobodyElse(t, back)
			h.apply(t, back)
		})
	}
}

// nobodyElse holds all to be at the first arm: by what is read back, where the
// provider still can, and by requests, where they can be sent.
func (h Harness) nobodyElse(t *testing.T, back release.Route) {
	t.Helper()
	var seen release.Seen
	var err error
	read := h.eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		seen, err = h.Router.Observed(ctx)
		return err != nil && h.Split != nil || err == nil && sameWeights(seen.Route.Weights, back.Weights)
	})
	if !read {
		t.Errorf("read back %v (%v), applied %v", seen.Route.Weights, err, back.Weights)
	}
	if h.Split == nil {
		return
	}
	for arm, n := range h.Split(50) {
		if arm != h.Arms[0] && slices.Contains(h.Arms, arm) {
			t.Errorf("with all on %s, %d of 50 requests went to %s", h.Arms[0], n, arm)
		}
	}
}
