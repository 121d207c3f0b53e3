package trafficconf

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/linnet-project/linnet/release"
)

func readBack(t *testing.T, h Harness) {
	for i, second := range []release.Weight{h.Grain, h.some(), release.Whole / 2 / h.Grain * h.Grain} {
		route := h.route(uint64(i+1), second)
		h.apply(t, route)
		h.serves(t, route)
		if h.observe(t).Lapsed {
			t.Error("a route without lease is said to have lapsed")
		}
	}
}

func twice(t *testing.T, h Harness) {
	route := h.route(1, h.some())
	h.apply(t, route)
	once := h.observe(t)
	h.apply(t, route)
	again := h.observe(t)
	h.serves(t, route)
	if once.Route.Epoch != again.Route.Epoch || once.Route.Owner != again.Route.Owner || once.Lapsed != again.Lapsed {
		t.Errorf("after one apply %+v, after two %+v", once, again)
	}
}

func exact(t *testing.T, h Harness) {
	const requests = 200
	for i, end := range []release.Weight{0, release.Whole, 0} {
		route := h.route(uint64(i+1), end)
		h.apply(t, route)
		h.serves(t, route)
		if h.Split == nil {
			continue
		}
		all := h.Arms[0]
		if end == release.Whole {
			all = h.Arms[1]
		}
		if got := h.Split(requests); got[all] != requests {
			t.Errorf("with %d of %d on %s, %d requests went %v", end, release.Whole, h.Arms[1], requests, got)
		}
	}
}

func grain(t *testing.T, h Harness) {
	if h.Grain == 1 {
		t.Skip("the provider's grain is the finest there is")
	}
	before := h.route(1, h.some())
	h.apply(t, before)
	h.refuses(t, h.route(2, h.some()+1), release.ErrInvalid)
	h.serves(t, before)
}

func sum(t *testing.T, h Harness) {
	before := h.route(1, h.some())
	h.apply(t, before)
	for _, off := range []release.Weight{h.Grain, release.Whole} {
		route := h.route(2, h.some())
		route.Weights[1].Weight += off
		h.refuses(t, route, release.ErrInvalid)
	}
	short := h.route(2, h.some())
	short.Weights[0].Weight -= h.Grain
	h.refuses(t, short, release.ErrInvalid)
	none := h.route(2, 0)
	none.Weights = nil
	h.refuses(t, none, release.ErrInvalid)
	h.serves(t, before)
}

func unknownArm(t *testing.T, h Harness) {
	before := h.route(1, h.some())
	h.apply(t, before)
	route := h.route(2, h.some())
	route.Weights[1].Arm = "no-such-arm"
	h.refuses(t, route, release.ErrInvalid)
	h.serves(t, before)
}

func unknownService(t *testing.T, h Harness) {
	before := h.route(1, h.some())
	h.apply(t, before)
	route := h.route(2, 2*h.some())
	route.Service = "no-such-service"
	h.refuses(t, route, release.ErrNotFound)
	h.serves(t, before)
}

func (h Harness) refuses(t *testing.T, route release.Route, meaning error) {
	t.Helper()
	if err := h.try(t, route); !errors.Is(err, meaning) {
		t.Errorf("apply of service %q, %v: %v, expected %q", route.Service, route.Weights, err, meaning)
	}
}

// staleEpoch: a provider with versions refuses; one without must at least
// show the stale route, so that whoever reads back puts it right.
func staleEpoch(t *testing.T, h Harness) {
	present, stale := h.route(7, h.some()), h.route(6, 2*h.some())
	h.apply(t, present)
	switch err := h.try(t, stale); {
	case err == nil && h.Fences:
		t.Error("a stale epoch was served, by a provider that keeps epochs")
	case err == nil:
		h.serves(t, stale)
	case errors.Is(err, release.ErrConflict):
		h.serves(t, present)
	default:
		t.Errorf("a stale epoch: %v, expected %q", err, release.ErrConflict)
	}
	next := h.route(8, 2*h.some())
	h.apply(t, next)
	h.serves(t, next)
}

func cancelled(t *testing.T, h Harness) {
	before, after := h.route(1, h.some()), h.route(2, 2*h.some())
	h.apply(t, before)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Router.Apply(ctx, after); err == nil {
		t.Error("apply with a cancelled context said it was done")
	} else if errors.Is(err, release.ErrInvalid) || errors.Is(err, release.ErrNotFound) {
		t.Errorf("apply with a cancelled context: %v, which would not be tried again", err)
	}
	if _, err := h.Router.Observed(ctx); err == nil {
		t.Error("observed with a cancelled context gave no error")
	}
	h.apply(t, after)
	h.serves(t, after)
}

func restart(t *testing.T, h Harness) {
	if h.Restart == nil {
		t.Skip("the provider keeps nothing itself")
	}
	route := h.route(9, h.some())
	h.apply(t, route)
	h.Router = h.Restart()
	h.serves(t, route)
	h.apply(t, route)
	h.serves(t, route)
	if err := h.try(t, h.route(8, 0)); err != nil && !errors.Is(err, release.ErrConflict) {
		t.Errorf("a stale epoch after a restart: %v, expected %q", err, release.ErrConflict)
	} else if err != nil {
		h.serves(t, route)
	}
}

// concurrent: writers race with rising epochs while readers look. Every look
// shows one of the routes whole, and the highest epoch is what stays where the
// provider keeps epochs.
func concurrent(t *testing.T, h Harness) {
	const writers, rounds = 4, 8
	h.apply(t, h.route(1, 0))
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for r := range rounds {
				epoch := uint64(2 + r*writers + w)
				err := h.try(t, h.route(epoch, release.Weight(epoch)*h.Grain))
				if err != nil && !errors.Is(err, release.ErrConflict) {
					t.Errorf("apply epoch %d: %v", epoch, err)
				}
			}
		})
		wg.Go(func() {
			for range rounds {
				h.whole(t)
			}
		})
	}
	wg.Wait()
	last := h.route(2+rounds*writers, h.some())
	h.apply(t, last)
	h.serves(t, last)
}

// whole holds a look under concurrency to be one of the routes, not a mixture.
func (h Harness) whole(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	seen, err := h.Router.Observed(ctx)
	if h.Moves && errors.Is(err, release.ErrUnavailable) {
		return
	}
	if err != nil {
		t.Errorf("observe: %v", err)
		return
	}
	var all release.Weight
	for _, w := range seen.Route.Weights {
		all += w.Weight
		ofEpoch := release.Weight(seen.Route.Epoch) * h.Grain
		if seen.Route.Epoch > 1 && w.Arm == h.Arms[1] && w.Weight != ofEpoch {
			t.Errorf("epoch %d shows the weight %d of another epoch", seen.Route.Epoch, w.Weight)
		}
	}
	if all != release.Whole {
		t.Errorf("read back weights %v, which sum to %d", seen.Route.Weights, all)
	}
}
