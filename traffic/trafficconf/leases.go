package trafficconf

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

// term is the lease that the suite asks for.
const term = 30 * time.Second

func leases(t *testing.T, h Harness) {
	renewer, ok := h.Router.(Renewer)
	if !ok {
		t.Skip("the provider has no leases")
	}
	if h.Advance == nil {
		t.Fatal("the harness of a provider with leases needs Advance")
	}
	l := leased{Harness: h, renewer: renewer}
	l.renewalKeeps(t)
	l.onlyTheHolderRenews(t)
	l.othersWait(t)
	l.lapses(t)
	l.permanentStays(t)
}

// leased walks one provider through the life of leases, epoch after epoch.
type leased struct {
	Harness
	renewer Renewer
}

// lease is a route that holds for term.
func (l leased) lease(epoch uint64) release.Route {
	route := l.route(epoch, l.some())
	route.Lease = term
	return route
}

func (l leased) renew(t *testing.T, owner string, epoch uint64) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return l.renewer.Renew(ctx, owner, epoch, term)
}

func (l leased) renewalKeeps(t *testing.T) {
	t.Helper()
	route := l.lease(1)
	l.apply(t, route)
	for range 5 {
		l.Advance(term * 2 / 3)
		if err := l.renew(t, route.Owner, route.Epoch); err != nil {
			t.Fatalf("renew: %v", err)
		}
	}
	l.serves(t, route)
	l.Advance(term * 2 / 3)
	l.apply(t, route) // the same route again renews as well
	l.Advance(term * 2 / 3)
	l.serves(t, route)
	if l.observe(t).Lapsed {
		t.Error("a renewed lease lapsed")
	}
}

func (l leased) onlyTheHolderRenews(t *testing.T) {
	t.Helper()
	route := l.lease(2)
	l.apply(t, route)
	for _, wrong := range []struct {
		owner string
		epoch uint64
	}{{"somebody-else/1", 2}, {route.Owner, 1}, {route.Owner, 3}} {
		if err := l.renew(t, wrong.owner, wrong.epoch); !errors.Is(err, release.ErrConflict) {
			t.Errorf("renewal by %s at epoch %d: %v, expected %q", wrong.owner, wrong.epoch, err, release.ErrConflict)
		}
	}
}

func (l leased) othersWait(t *testing.T) {
	t.Helper()
	present := l.lease(3)
	l.apply(t, present)
	other := l.lease(4)
	other.Owner = "somebody-else/1"
	l.refuses(t, other, release.ErrConflict)
	l.serves(t, present)
}

func (l leased) lapses(t *testing.T) {
	t.Helper()
	route := l.lease(5)
	l.apply(t, route)
	l.Advance(term + time.Second)
	seen := l.observe(t)
	if !seen.Lapsed {
		t.Error("nobody renewed the lease and it did not lapse")
	}
	l.serves(t, l.route(5, 0))
	if err := l.renew(t, route.Owner, route.Epoch); !errors.Is(err, release.ErrConflict) {
		t.Errorf("renewal after the lapse: %v, expected %q", err, release.ErrConflict)
	}
	l.serves(t, l.route(5, 0))
	if l.Split != nil {
		if got := l.Split(50); got[l.Arms[0]] != 50 {
			t.Errorf("after the lapse 50 requests went %v", got)
		}
	}
	other := l.lease(6) // a lapsed lease keeps nobody out
	other.Owner = "somebody-else/2"
	l.apply(t, other)
	l.serves(t, other)
	if l.observe(t).Lapsed {
		t.Error("a new route still shows the lapse of the old one")
	}
	l.Advance(term + time.Second)
}

func (l leased) permanentStays(t *testing.T) {
	t.Helper()
	route := l.route(7, release.Whole)
	l.apply(t, route)
	if err := l.renew(t, route.Owner, route.Epoch); !errors.Is(err, release.ErrConflict) {
		t.Errorf("renewal of a route without lease: %v, expected %q", err, release.ErrConflict)
	}
	l.Advance(1000 * term)
	l.serves(t, route)
	if l.observe(t).Lapsed {
		t.Error("a route without lease lapsed")
	}
}
