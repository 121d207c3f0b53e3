package trafficconf

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

// The names that the suite asks for.
const (
	testerHeader = "X-Linnet-Arm"
	testerCookie = "linnet-arm"
	stickyHeader = "X-User"
	stickyCookie = "linnet-user"
)

// lacking: what a provider does not list it refuses, and changes nothing.
func lacking(t *testing.T, h Harness) {
	before := h.route(1, h.some())
	h.apply(t, before)
	for ability, ask := range map[release.Ability]func(*release.Route){
		release.HeaderTesters: func(r *release.Route) { r.Testers.Header = testerHeader },
		release.CookieTesters: func(r *release.Route) { r.Testers.Cookie = testerCookie },
		release.HeaderSticky:  func(r *release.Route) { r.Sticky.Header = stickyHeader },
		release.CookieSticky:  func(r *release.Route) { r.Sticky.Cookie = stickyCookie },
		release.Mirrors:       func(r *release.Route) { r.Mirror = release.Whole },
		release.Leases:        func(r *release.Route) { r.Lease = term },
	} {
		route := h.route(2, 2*h.some())
		ask(&route)
		if h.can(ability) {
			continue
		}
		if err := h.try(t, route); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("a route with %s: %v, expected %q", ability, err, release.ErrInvalid)
		}
	}
	h.serves(t, before)
	_, renews := h.Router.(Renewer)
	_, readies := h.Router.(Readier)
	if renews != h.can(release.Leases) || readies != h.can(release.Readiness) {
		t.Errorf("renews: %v, tells readiness: %v; the abilities listed are %v", renews, readies, h.Abilities)
	}
}

// testers reach the arm they name at any weight, and only while a route says so.
func testers(t *testing.T, h Harness) {
	if !h.can(release.HeaderTesters) && !h.can(release.CookieTesters) {
		t.Skip("the provider has no testers")
	}
	route := h.route(1, h.some())
	plain := h.route(2, 0)
	var chosen []http.Header
	if h.can(release.HeaderTesters) {
		route.Testers.Header = testerHeader
		chosen = append(chosen, http.Header{http.CanonicalHeaderKey(testerHeader): {h.Arms[1]}})
	}
	if h.can(release.CookieTesters) {
		route.Testers.Cookie = testerCookie
		chosen = append(chosen, http.Header{"Cookie": {"a=b; " + testerCookie + "=" + h.Arms[1]}})
	}
	h.apply(t, route)
	h.serves(t, route)
	h.apply(t, route)
	h.serves(t, route)
	for _, header := range chosen {
		h.goesTo(t, 40, header, h.Arms[1])
	}
	h.apply(t, plain)
	h.serves(t, plain)
	for _, header := range chosen {
		h.goesTo(t, 40, header, h.Arms[0])
	}
}

// goesTo holds all of n requests to be answered by one arm.
func (h Harness) goesTo(t *testing.T, n int, header http.Header, arm string) {
	t.Helper()
	if h.Send == nil {
		t.Logf("left out: where requests with %v go", header)
		return
	}
	if got := h.Send(n, header); got[arm] != n {
		t.Errorf("%d requests with %v went %v, expected all at %s", n, header, got, arm)
	}
}

// sticky users stay in their arm, and both arms have some.
func sticky(t *testing.T, h Harness) {
	half := h.route(1, release.Whole/2/h.Grain*h.Grain)
	half.Sticky.Cookie = h.cookie()
	switch {
	case h.can(release.CookieSticky):
	case h.can(release.HeaderSticky):
		half.Sticky = release.Sticky{Header: stickyHeader}
	default:
		t.Skip("the provider keeps no user in an arm")
	}
	h.apply(t, half)
	h.serves(t, half)
	if h.Send == nil || half.Sticky.Header == "" {
		// A cookie that the provider sets itself is its own tests' to follow.
		t.Log("left out: whether users stay in their arm")
		return
	}
	arms := map[string]int{}
	for user := range 40 {
		header := http.Header{http.CanonicalHeaderKey(stickyHeader): {fmt.Sprint("user-", user)}}
		got := h.Send(5, header)
		if len(got) != 1 {
			t.Errorf("one user's 5 requests went %v", got)
		}
		for arm := range got {
			arms[arm]++
		}
	}
	if arms[h.Arms[0]] == 0 || arms[h.Arms[1]] == 0 {
		t.Errorf("40 users went %v at a half", arms)
	}
}

// cookie is the one that keeps users in their arm.
func (h Harness) cookie() string { return cmp.Or(h.Cookie, stickyCookie) }

// mirrors: the second arm gets copies while the first still answers, and none
// once a route asks for none.
func mirrors(t *testing.T, h Harness) {
	if !h.can(release.Mirrors) {
		t.Skip("the provider does not mirror")
	}
	route, plain := h.route(1, 0), h.route(2, 0)
	route.Mirror = release.Whole
	h.apply(t, route)
	h.serves(t, route)
	if h.Copies == nil || h.Split == nil {
		t.Log("left out: where requests and their copies go")
		h.apply(t, plain)
		h.serves(t, plain)
		return
	}
	const requests = 50
	if got := h.Split(requests); got[h.Arms[0]] != requests {
		t.Errorf("while mirrored, %d requests went %v", requests, got)
	}
	copies := h.eventually(t, func() bool { return h.Copies() >= requests })
	if !copies {
		t.Errorf("of %d requests %d were copied", requests, h.Copies())
	}
	h.apply(t, plain)
	before := h.Copies()
	h.Split(requests)
	if after := h.Copies(); after != before {
		t.Errorf("%d requests were copied after mirroring had ended", after-before)
	}
}

// manyArms: three arms, each with its weight.
func manyArms(t *testing.T, h Harness) {
	if !h.can(release.ManyArms) {
		t.Skip("the provider serves two arms")
	}
	if len(h.Arms) < 3 {
		t.Fatal("the harness of a provider with more than two arms needs three")
	}
	route := h.route(1, h.some())
	route.Weights[0].Weight -= 2 * h.some()
	route.Weights[2].Weight = 2 * h.some()
	h.apply(t, route)
	h.serves(t, route)
	third := h.route(2, 0)
	third.Weights[0].Weight, third.Weights[2].Weight = 0, release.Whole
	h.apply(t, third)
	h.serves(t, third)
	if h.Split == nil {
		t.Log("left out: where requests go")
		return
	}
	if got := h.Split(50); got[h.Arms[2]] != 50 {
		t.Errorf("with all on %s, 50 requests went %v", h.Arms[2], got)
	}
}

// readiness is told of each arm, as it is now.
func readiness(t *testing.T, h Harness) {
	readier, ok := h.Router.(Readier)
	if !ok {
		t.Skip("the provider cannot tell whether an arm is ready")
	}
	if h.SetReady == nil {
		t.Fatal("the harness of a provider that tells readiness needs SetReady")
	}
	ask := func(arm string) error {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return readier.Ready(ctx, arm)
	}
	ready := func(arm string) bool { return h.eventually(t, func() bool { return ask(arm) == nil }) }
	if !ready(h.Arms[1]) {
		t.Fatalf("a ready arm: %v", ask(h.Arms[1]))
	}
	h.SetReady(h.Arms[1], false)
	if !h.eventually(t, func() bool { return ask(h.Arms[1]) != nil }) {
		t.Fatal("an arm that is not ready is said to be")
	}
	if err := ask(h.Arms[1]); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("an arm that is not ready: %v, expected %q", err, release.ErrUnavailable)
	}
	if !ready(h.Arms[0]) {
		t.Errorf("the other arm: %v", ask(h.Arms[0]))
	}
	if err := ask("no-such-arm"); err == nil {
		t.Error("an unknown arm is ready")
	}
	h.SetReady(h.Arms[1], true)
	if !ready(h.Arms[1]) {
		t.Errorf("an arm that is ready again: %v", ask(h.Arms[1]))
	}
}

// eventually waits for what the other side needs a moment for.
func (h Harness) eventually(t *testing.T, holds func() bool) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for !holds() {
		if !pause(ctx) {
			return false
		}
	}
	return true
}

// between is the time between two looks at something that needs a moment.
const between = 20 * time.Millisecond

// pause waits for a moment; false once the context has ended.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(between)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
