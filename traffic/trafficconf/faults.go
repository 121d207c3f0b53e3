package trafficconf

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Fault is a way in which a provider's other side fails.
type Fault string

// The faults.
const (
	Throttled   Fault = "throttled"   // asks for fewer requests
	Failing     Fault = "failing"     // answers that it failed (a 5xx, a failed command)
	Unreachable Fault = "unreachable" // takes no connection
	Hanging     Fault = "hanging"     // takes the request and never answers
	Broken      Fault = "broken"      // breaks off; the change may have been made or not
	Forbidden   Fault = "forbidden"   // refuses our credentials, or what they ask for
	Missing     Fault = "missing"     // no longer has the thing that holds the split
	Contested   Fault = "contested"   // somebody else changes the thing at every moment
	Lying       Fault = "lying"       // says yes and does nothing
)

// patience is how long a call to something that hangs may take; it must end
// with its context, soon after.
const patience = 2 * time.Second

// meanings are what an Apply under each fault must say. A provider that lies is
// found out by reading back.
var meanings = []struct {
	fault   Fault
	meaning error
}{
	{Throttled, release.ErrUnavailable},
	{Failing, release.ErrUnavailable},
	{Unreachable, release.ErrUnavailable},
	{Hanging, release.ErrUnavailable},
	{Broken, release.ErrUnavailable},
	{Forbidden, release.ErrInvalid},
	{Missing, release.ErrNotFound},
	{Contested, release.ErrConflict},
	{Lying, nil},
}

func faults(t *testing.T, h Harness) {
	if h.Break == nil {
		t.Skip("there is no other side that could fail")
	}
	epoch := uint64(0)
	for _, m := range meanings {
		epoch += 3
		before, after, mended := h.route(epoch, h.some()), h.route(epoch+1, 2*h.some()), h.route(epoch+2, 2*h.some())
		t.Run(string(m.fault), func(t *testing.T) {
			h.apply(t, before)
			mend := h.Break(m.fault)
			if mend == nil {
				t.Skip("cannot happen there")
			}
			h.fails(t, after, m.fault, m.meaning)
			mend()
			h.apply(t, mended)
			h.serves(t, mended)
		})
	}
}

// fails applies a route under a fault, and holds what comes of it to what was
// promised.
func (h Harness) fails(t *testing.T, route release.Route, fault Fault, meaning error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- h.Router.Apply(ctx, route) }()
	var err error
	select {
	case err = <-done:
	case <-time.After(patience + limit):
		t.Fatal("apply does not end with its context")
	}
	if err != nil {
		t.Logf("says: %v", err)
		h.tellsNothing(t, err)
	}
	switch {
	case fault == Lying && err == nil:
		if seen, err := h.Router.Observed(t.Context()); err == nil && sameWeights(seen.Route.Weights, route.Weights) {
			t.Error("nothing was done, and reading back does not tell")
		}
	case fault == Lying: // found out at once
	case !errors.Is(err, meaning):
		t.Errorf("apply: %v, expected %q", err, meaning)
	}
	ctx, cancel = context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := h.Router.Observed(ctx); err != nil {
		h.tellsNothing(t, err)
	}
}

// tellsNothing holds an error to keep credentials to itself.
func (h Harness) tellsNothing(t *testing.T, err error) {
	t.Helper()
	if h.Secret != "" && strings.Contains(err.Error(), h.Secret) {
		t.Errorf("the error holds a credential: %v", err)
	}
}

// edited: somebody changes the weight by hand. It is seen as it is, and the next
// apply puts it right, also that of the same route.
func edited(t *testing.T, h Harness) {
	if h.Edit == nil {
		t.Skip("nobody edits there by hand")
	}
	route := h.route(1, 2*h.some())
	h.apply(t, route)
	for _, by := range []release.Weight{3 * h.some(), h.some(), 0} {
		h.Edit(by)
		h.serves(t, h.route(1, by))
		seen := h.observe(t)
		if h.Editor != "" && !strings.Contains(strings.Join(seen.Writers, ", "), h.Editor) {
			t.Errorf("writers are %q, and the edit was made by %q", seen.Writers, h.Editor)
		}
		h.apply(t, route)
		h.serves(t, route)
	}
	next := h.route(2, h.some())
	h.Edit(3 * h.some())
	h.apply(t, next)
	h.serves(t, next)
}

// users: a whole release leaves the user's own part as it was.
func users(t *testing.T, h Harness) {
	if h.Users == nil {
		t.Skip("nothing there is the user's")
	}
	before := h.Users()
	if before == "" {
		t.Fatal("the harness gives nothing of the user's")
	}
	for i, second := range []release.Weight{h.some(), 2 * h.some(), 0, release.Whole, 0} {
		route := h.route(uint64(i+1), second)
		if second != 0 && second != release.Whole {
			h.askAll(&route)
		}
		h.apply(t, route)
		if second != 0 && second != release.Whole {
			continue
		}
		if after := h.Users(); after != before {
			t.Fatalf("with %d for %s, what is the user's is\n%s\nand was\n%s", second, h.Arms[1], after, before)
		}
	}
}

// askAll asks a route for all that the provider can do beside weights.
func (h Harness) askAll(route *release.Route) {
	if h.can(release.HeaderTesters) {
		route.Testers.Header = testerHeader
	}
	if h.can(release.CookieTesters) {
		route.Testers.Cookie = testerCookie
	}
	if h.can(release.CookieSticky) {
		route.Sticky.Cookie = h.cookie()
	} else if h.can(release.HeaderSticky) {
		route.Sticky.Header = stickyHeader
	}
	if h.can(release.Mirrors) {
		route.Mirror = release.Whole
	}
}
