//go:build cluster && linux

package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/cluster"
	"github.com/linnet-project/linnet/traffic/gatewayapi"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

var (
	gatewayClasses = gvr("gateway.networking.k8s.io", "v1", "gatewayclasses")
	gateways       = gvr("gateway.networking.k8s.io", "v1", "gateways")
)

// installGateway serves the Gateway API, with a class that Traefik takes.
func installGateway(t testing.TB) {
	t.Helper()
	install(t, "sigs.k8s.io/gateway-api", "config/crd/standard", "*.yaml", gatewayClasses, gateways, gatewayapi.HTTPRoutes(), gatewayapi.GRPCRoutes(),
		gvr("gateway.networking.k8s.io", "v1beta1", "referencegrants"), gvr("gateway.networking.k8s.io", "v1", "backendtlspolicies"))
	create(t, gatewayClasses, "", `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: traefik }
spec: { controllerName: traefik.io/gateway-controller }
`)
}

// gatewayRoute makes a Gateway and an HTTPRoute with two rules; a host of ""
// takes all.
func gatewayRoute(t testing.TB, x *traefik, namespace, host string) {
	t.Helper()
	create(t, gateways, namespace, fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: front }
spec: { gatewayClassName: traefik, listeners: [ { name: web, port: %s, protocol: HTTP, allowedRoutes: { namespaces: { from: Same } } } ] }
`, x.port))
	hosts := ""
	if host != "" {
		hosts = "hostnames: [ " + host + " ]"
	}
	create(t, gatewayapi.HTTPRoutes(), namespace, fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop }
spec:
  parentRefs: [ { name: front } ]
  %s
  rules:
    - name: cart
      matches: [ { path: { type: PathPrefix, value: /cart } } ]
      filters: [ { type: RequestHeaderModifier, requestHeaderModifier: { set: [ { name: X-From, value: cart } ] } } ]
      backendRefs: [ { name: stable, port: 80, weight: 1 }, { name: canary, port: 80, weight: 0 }, { name: third, port: 80, weight: 0 } ]
    - backendRefs: [ { name: stable, port: 80, weight: 1 }, { name: canary, port: 80, weight: 0 }, { name: third, port: 80, weight: 0 } ]
`, hosts))
}

// gatewaySite is a namespace with a route, and a router that splits it.
type gatewaySite struct {
	*site
	*gatewayapi.Router
	namespace string
}

func openGateway(t testing.TB, x *traefik) *gatewaySite {
	t.Helper()
	namespace := bed.Namespace(t)
	g := &gatewaySite{site: &site{traefik: x, backends: openBackends(t), t: t, host: namespace + ".example.com"}, namespace: namespace}
	services(t, namespace, g.addresses)
	gatewayRoute(t, x, namespace, g.host)
	cfg := gatewayapi.Config{Client: connect(t, namespace), Kind: gatewayapi.HTTPRoutes(), Name: "shop", Service: service}
	for _, a := range arms {
		cfg.Arms = append(cfg.Arms, gatewayapi.Arm{Name: a.arm, Backend: a.service})
	}
	router, err := gatewayapi.New(cfg)
	must(t, err)
	t.Cleanup(router.Close)
	g.Router = router
	g.follows("baseline")
	return g
}

// served waits until Traefik serves what is set: acceptance comes a moment
// before.
func (g *gatewaySite) served() {
	g.t.Helper()
	seen, err := g.Observed(g.t.Context())
	must(g.t, err)
	var want []int
	for _, w := range seen.Route.Weights {
		want = append(want, int(w.Weight))
	}
	cluster.Eventually(g.t, "Traefik to serve what is set", func(ctx context.Context) bool {
		have, err := g.weights(ctx, "httproute-"+g.namespace+"-shop-")
		rules := 0
		for _, one := range have {
			if len(one) == len(want) { // not a rule for testers
				rules++
				if !slices.Equal(one, want) && !(sum(one) == 1 && want[0] == int(release.Whole)) {
					return false
				}
			}
		}
		return err == nil && rules == 2
	})
}

func sum(all []int) (s int) {
	for _, n := range all {
		s += n
	}
	return s
}

func TestHTTPRouteConforms(t *testing.T) {
	installGateway(t)
	x := startTraefik(t, "20ms", "--providers.kubernetesgateway=true")
	trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness {
		g := openGateway(t, x)
		return trafficconf.Harness{
			Router: g.Router, Service: service, Arms: armNames(), Fences: true,
			Abilities: []release.Ability{release.HeaderTesters, release.ManyArms}, // this Traefik does not mirror for a Gateway
			Split:     func(n int) map[string]int { g.served(); return g.split(n) },
			Send: func(n int, header http.Header) map[string]int {
				g.served()
				return g.settledSend(n, header)
			},
			Editor: editor,
			Edit: func(second release.Weight) {
				var ops []string
				for rule := range 2 {
					ops = append(ops, fmt.Sprintf(`{"op":"replace","path":"/spec/rules/%[1]d/backendRefs/0/weight","value":%[2]d},{"op":"replace","path":"/spec/rules/%[1]d/backendRefs/1/weight","value":%[3]d}`,
						rule, release.Whole-second, second))
				}
				edit(t, gatewayapi.HTTPRoutes(), g.namespace, "shop", "["+strings.Join(ops, ",")+"]")
				noticed(t, g.Router, second)
			},
		}
	})
}

// settledSend sends requests once they all go one way: rules for testers come
// and go a moment after they are accepted.
func (g *gatewaySite) settledSend(n int, header http.Header) map[string]int {
	cluster.Eventually(g.t, "requests of testers to go one way", func(context.Context) bool { return len(g.send(8, header)) == 1 })
	return g.send(n, header)
}

// How long a change takes with Traefik as it comes.
func TestHTTPRouteReachesTraffic(t *testing.T) {
	installGateway(t)
	g := openGateway(t, startTraefik(t, "", "--providers.kubernetesgateway=true"))
	reaches(t, "HTTPRoute", g.Router, g.site, 3*time.Second)
	reaches(t, "HTTPRoute", g.Router, g.site, 10*time.Millisecond)
}

// Weights of a 100,000th are kept: requests follow them exactly.
func TestHTTPRouteSharesAreExact(t *testing.T) {
	installGateway(t)
	g := openGateway(t, startTraefik(t, "20ms", "--providers.kubernetesgateway=true"))
	for i, second := range []release.Weight{10_000, 500, 37_500} {
		must(t, g.Apply(t.Context(), route(uint64(i+1), second)))
		g.served()
		const n = 800 // 400 for each rule
		got := g.split(n)
		if want := int(second) * n / int(release.Whole); got["candidate"] < want-2 || got["candidate"] > want+2 || got["baseline"]+got["candidate"] != n {
			t.Errorf("with %d of 100,000, %d requests went %v, expected %d at the candidate", second, n, got, want)
		}
	}
}

// Traefik does not say that it mirrors, and with such a filter answers 500.
func TestMirrorThatTraefikLacksIsRefused(t *testing.T) {
	installGateway(t)
	g := openGateway(t, startTraefik(t, "20ms", "--providers.kubernetesgateway=true"))
	r := route(1, 10_000)
	r.Mirror = release.Whole
	if err := g.Apply(t.Context(), r); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "HTTPRouteRequestMirror") {
		t.Errorf("mirroring: %v, want %q", err, release.ErrInvalid)
	}
	edit(t, gatewayapi.HTTPRoutes(), g.namespace, "shop",
		`[{"op":"add","path":"/spec/rules/1/filters","value":[{"type":"RequestMirror","requestMirror":{"backendRef":{"name":"canary","port":80}}}]}]`)
	cluster.Eventually(t, "Traefik to answer 500", func(context.Context) bool { arm, _ := g.get(nil, "/"); return arm == "500" })
}

// A candidate without a Service gets nothing: its share would be answered 500.
func TestACandidateWithoutService(t *testing.T) {
	installGateway(t)
	g := openGateway(t, startTraefik(t, "20ms", "--providers.kubernetesgateway=true"))
	must(t, g.Apply(t.Context(), route(1, 10_000)))
	must(t, client(t).Resource(gvr("", "v1", "services")).Namespace(g.namespace).Delete(t.Context(), "canary", metav1.DeleteOptions{}))
	cluster.Eventually(t, "a raise to be refused", func(ctx context.Context) bool {
		err := g.Apply(ctx, route(2, 20_000))
		return errors.Is(err, release.ErrUnavailable) && strings.Contains(err.Error(), "ResolvedRefs")
	})
	must(t, g.Apply(t.Context(), route(3, 0)))
	g.follows("baseline")
}
