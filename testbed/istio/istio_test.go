package istio_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/traffic/istio"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

const checkout = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: checkout }
spec:
  hosts: [checkout]
  http:
  - name: other
    match: [ { uri: { prefix: /other } } ]
    route: [ { destination: { host: checkout, subset: stable } } ]
  - name: primary
    match: [ { uri: { prefix: /grpc.testing } } ]
    timeout: 10s
    route:
    - { destination: { host: checkout, subset: stable }, weight: 100 }
    - { destination: { host: checkout, subset: canary }, weight: 0 }
    - { destination: { host: checkout, subset: next }, weight: 0 }
`

const subsets = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: checkout }
spec:
  host: checkout
  subsets:
  - { name: stable, labels: { version: v1 } }
  - { name: canary, labels: { version: v2 } }
  - { name: next, labels: { version: v3 } }
`

// newShop is a mesh with the service checkout in three versions.
func newShop(t *testing.T, virtualService string) *mesh {
	t.Helper()
	m := newMesh(t)
	server.Create(t, serviceEntries, m.namespace, entry(t, m.namespace, map[string]testpb.TestServiceServer{
		"v1": &echo{arm: names[0]}, "v2": &echo{arm: names[1]}, "v3": &echo{arm: names[2]},
	}))
	server.Create(t, destinationRules, m.namespace, subsets)
	server.Create(t, virtualServices, m.namespace, virtualService)
	m.settled(t, serviceEntries, "checkout")
	m.settled(t, destinationRules, "checkout")
	m.settled(t, virtualServices, "checkout")
	return m
}

// route gives the candidate a share.
func route(epoch uint64, candidate release.Weight) release.Route {
	return release.Route{Service: "checkout", Epoch: epoch, Owner: "checkout-2/1", Weights: []release.ArmWeight{
		{Arm: "baseline", Weight: release.Whole - candidate}, {Arm: "candidate", Weight: candidate},
	}}
}

func apply(t *testing.T, r *istio.Router, route release.Route) {
	t.Helper()
	if err := r.Apply(t.Context(), route); err != nil {
		t.Fatal(err)
	}
}

// The suite, with real traffic: pilot's routes, a client without proxy, servers.
func TestConforms(t *testing.T) {
	trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness {
		m := newShop(t, checkout)
		t.Cleanup(func() { m.valid(t) })
		open := func() trafficconf.Router {
			return m.router(t, func(c *istio.Config) { c.Arms = arms("stable", "canary", "next") })
		}
		return trafficconf.Harness{
			Router: open(), Service: "checkout", Arms: names, Grain: istio.Grain, Fences: true, Restart: open,
			Abilities: []release.Ability{release.HeaderTesters, release.CookieTesters, release.Mirrors, release.ManyArms, release.Readiness},
			Split:     func(n int) map[string]int { return m.send(t, n, nil) },
			Send:      func(n int, header http.Header) map[string]int { return m.send(t, n, header) },
			SetReady: func(arm string, ready bool) {
				rest := []string{}
				for i, name := range []string{"stable", "canary", "next"} {
					if ready || names[i] != arm {
						rest = append(rest, fmt.Sprintf(`{"name":%q,"labels":{"version":"v%d"}}`, name, i+1))
					}
				}
				m.byHand(t, destinationRules, "checkout", `[{"op":"replace","path":"/spec/subsets","value":[`+strings.Join(rest, ",")+`]}]`)
			},
		}
	})
}

// A client that has been there all along follows every step: no request fails,
// the shares are those asked for, and none and all are exact.
func TestTrafficFollowsTheWeights(t *testing.T) {
	m := newShop(t, checkout)
	r := m.router(t, nil)
	apply(t, r, route(1, 0))
	m.settled(t, virtualServices, "checkout")
	c := m.clients.dial(t)
	defer c.close()
	if got := c.send(t, 200, nil); got["baseline"] != 200 {
		t.Fatalf("before the first step 200 requests went %v", got)
	}
	for i, step := range []release.Weight{1_000, 10_000, 50_000, 100_000, 0} {
		apply(t, r, route(uint64(i+2), step))
		m.settled(t, virtualServices, "checkout")
		const requests = 4000
		got := m.send(t, requests, nil)
		want := requests * float64(step) / float64(release.Whole)
		// Five standard deviations of the binomial; none at the ends.
		share := float64(step) / float64(release.Whole)
		if slack := 5 * math.Sqrt(requests*share*(1-share)); math.Abs(float64(got["candidate"])-want) > slack || got["baseline"]+got["candidate"] != requests {
			t.Errorf("at %d of %d %d requests went %v, expected %.0f ± %.0f at the candidate", step, release.Whole, requests, got, want, slack)
		}
		t.Logf("at %d%%: %v of %d", step/istio.Grain, got, requests)
		if step != 0 && step != release.Whole {
			c.send(t, 200, nil)
			continue
		}
		all := map[release.Weight]string{0: "baseline", release.Whole: "candidate"}[step]
		begun := time.Now()
		apiserver.Eventually(t, "all requests of a long-lived client at "+all, func() bool { return c.send(t, 50, nil)[all] == 50 })
		t.Logf("a long-lived client has only %s after %v", all, time.Since(begun).Round(time.Millisecond))
		if got := c.send(t, 1000, nil); got[all] != 1000 {
			t.Errorf("then 1000 requests went %v", got)
		}
	}
	m.valid(t)
}

const root = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: checkout }
spec:
  hosts: [checkout]
  http:
  - name: elsewhere
    match: [ { uri: { prefix: /other } } ]
    delegate: { name: other }
  - name: here
    match: [ { uri: { prefix: /grpc } } ]
    delegate: { name: checkout-routes }
`

const delegate = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: checkout-routes }
spec:
  http:
  - match: [ { uri: { prefix: /grpc.testing } } ]
    route:
    - { destination: { host: checkout, subset: stable }, weight: 100 }
    - { destination: { host: checkout, subset: canary } }
`

// The root delegates, and it is the delegate that is patched.
func TestDelegation(t *testing.T) {
	m := newShop(t, root)
	server.Create(t, virtualServices, m.namespace, delegate)
	r := m.router(t, nil)
	before := server.Get(t, virtualServices, m.namespace, "checkout").GetResourceVersion()
	for i, step := range []struct {
		candidate release.Weight
		arm, to   string
	}{{100_000, "candidate", "canary=100"}, {0, "baseline", "stable=100"}} {
		apply(t, r, route(uint64(i+1), step.candidate))
		apiserver.Eventually(t, "pilot has merged the delegate", func() bool {
			return slices.ContainsFunc(m.routes(), func(r string) bool { return strings.HasSuffix(r, " "+step.to) })
		})
		if got := m.send(t, 200, nil); got[step.arm] != 200 {
			t.Errorf("at %d 200 requests went %v", step.candidate, got)
		}
	}
	if after := server.Get(t, virtualServices, m.namespace, "checkout").GetResourceVersion(); after != before {
		t.Error("the root was written")
	}
	m.valid(t)
}

// The schema of the CRD lets a negative weight through; Istio refuses it, and
// Linnet names it and puts it right.
func TestANegativeWeightIsNamedAndPutRight(t *testing.T) {
	m := newShop(t, checkout)
	r := m.router(t, nil)
	apply(t, r, route(1, 10_000))
	m.byHand(t, virtualServices, "checkout", `[{"op":"replace","path":"/spec/http/1/route/1/weight","value":-5}]`)
	m.settled(t, virtualServices, "checkout")
	m.mu.Lock()
	if len(m.refused) != 1 || !strings.Contains(m.refused[0], "-5 < 0") {
		t.Errorf("Istio says %q of a weight of -5", m.refused)
	}
	m.refused = nil
	m.mu.Unlock()
	apiserver.Eventually(t, "the weight is named", func() bool {
		_, err := r.Observed(t.Context())
		return err != nil
	})
	_, err := r.Observed(t.Context())
	for _, part := range []string{"-5", `"primary"`, "/spec/http/1/route/1/weight", "kubectl-edit", m.namespace + "/checkout"} {
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), part) {
			t.Errorf("read back: %v, expected %q, naming %s", err, release.ErrInvalid, part)
		}
	}
	apply(t, r, route(1, 10_000))
	if seen, err := r.Observed(t.Context()); err != nil || seen.Route.Weights[1].Weight != 10_000 {
		t.Errorf("put right: %+v, %v", seen.Route.Weights, err)
	}
	m.settled(t, virtualServices, "checkout")
	m.valid(t)
}
