package quick_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	_ "istio.io/api/networking/v1" // the module that holds Istio's CRDs
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/istio"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

var (
	virtualServices  = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "virtualservices"}
	destinationRules = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "destinationrules"}
)

// checkout is a VirtualService with much that is the user's: other routes before and
// after, matches, retries, headers, annotations.
const checkout = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: checkout
  labels: { team: payments }
  annotations: { example.com/note: "keep ~this/ too" }
spec:
  hosts: [checkout, checkout.example.com]
  gateways: [mesh, public]
  http:
  - name: health
    match: [ { uri: { exact: /healthz } } ]
    directResponse: { status: 200 }
  - name: primary
    match:
    - uri: { prefix: /api }
    - uri: { prefix: /v2 }
      headers: { x-region: { exact: eu } }
    timeout: 3s
    retries: { attempts: 2, perTryTimeout: 1.5s, retryOn: "5xx" }
    rewrite: { uri: / }
    route:
    - destination: { host: checkout, subset: stable, port: { number: 8080 } }
      weight: 100
      headers: { response: { set: { x-arm: stable } } }
    - destination: { host: checkout, subset: canary, port: { number: 8080 } }
      weight: 0
    - destination: { host: checkout, subset: next, port: { number: 8080 } }
      weight: 0
  - name: rest
    route:
    - destination: { host: checkout, subset: stable }
`

const rule = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: checkout }
spec:
  host: checkout
  subsets:
  - { name: stable, labels: { version: stable } }
  - { name: canary, labels: { version: canary } }
  - { name: next, labels: { version: next } }
`

// mesh is a cluster with Istio's kinds.
type mesh struct{ *cluster }

// installIstio serves two of Istio's kinds, once for all tests.
var installIstio sync.Once

func newMesh(t *testing.T) *mesh {
	t.Helper()
	installIstio.Do(func() {
		server.Install(t, apiserver.Only(apiserver.Module(t, "istio.io/api", "kubernetes/customresourcedefinitions.gen.yaml"),
			virtualServices.GroupResource().String(), destinationRules.GroupResource().String()))
	})
	return &mesh{newCluster(t)}
}

var istioArms = []string{"baseline", "candidate", "third"}

// subsets are arms of the objects above.
func subsets(names ...string) (out []istio.Arm) {
	for i, subset := range names {
		out = append(out, istio.Arm{Name: istioArms[i], Host: "checkout", Subset: subset})
	}
	return out
}

func (m *mesh) router(t *testing.T, change func(*istio.Config)) *istio.Router {
	t.Helper()
	cfg := istio.Config{Client: m.client, Service: service, VirtualService: "checkout", Arms: subsets("stable", "canary")}
	if change != nil {
		change(&cfg)
	}
	r, err := istio.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// jsonPatch patches an object past Linnet, as a named field manager.
func (c *cluster) jsonPatch(t *testing.T, manager string, of schema.GroupVersionResource, name, patch string) {
	t.Helper()
	_, err := server.Client().Resource(of).Namespace(c.namespace).Patch(
		soon(t), name, types.JSONPatchType, []byte(patch), metav1.PatchOptions{FieldManager: manager})
	if err != nil {
		t.Fatal(err)
	}
}

// users is all of a VirtualService that is the user's: everything but the
// weights, our stamp, and what the API server keeps for itself.
func (m *mesh) users(t *testing.T, name string) string {
	t.Helper()
	object := server.Get(t, virtualServices, m.namespace, name)
	for _, protocol := range []string{"http", "tls", "tcp"} {
		routes, _, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", protocol)
		list, _ := routes.([]any)
		for _, r := range list {
			destinations, _ := r.(map[string]any)["route"].([]any)
			for _, d := range destinations {
				delete(d.(map[string]any), "weight")
			}
		}
	}
	return usersPart(t, object)
}

// weights are those of one route as they are written, in the object's order.
func (m *mesh) weights(t *testing.T, name, protocol string, route int) (out []any) {
	t.Helper()
	object := server.Get(t, virtualServices, m.namespace, name)
	routes, _, _ := unstructured.NestedSlice(object.Object, "spec", protocol)
	destinations, _, _ := unstructured.NestedSlice(routes[route].(map[string]any), "route")
	for _, d := range destinations {
		out = append(out, d.(map[string]any)["weight"])
	}
	return out
}

// istioHarness is a VirtualService with some arms.
func istioHarness(arms int) func(*testing.T) trafficconf.Harness {
	return func(t *testing.T) trafficconf.Harness {
		m := newMesh(t)
		server.Create(t, virtualServices, m.namespace, checkout)
		server.Create(t, destinationRules, m.namespace, rule)
		names := []string{"stable", "canary", "next"}[:arms]
		open := func() trafficconf.Router {
			return m.router(t, func(c *istio.Config) { c.Arms = subsets(names...) })
		}
		router := open()
		return trafficconf.Harness{
			Router: router, Service: service, Arms: istioArms[:arms], Grain: istio.Grain,
			Abilities: []release.Ability{release.HeaderTesters, release.CookieTesters, release.Mirrors, release.ManyArms, release.Readiness},
			Fences:    true, Restart: open, Editor: editor, Secret: secret,
			Break: m.breaks(t, virtualServices, "checkout"),
			Users: func() string { return m.users(t, "checkout") },
			Edit: func(second release.Weight) {
				share := int64(second / istio.Grain)
				m.jsonPatch(t, editor, virtualServices, "checkout", fmt.Sprintf(
					`[{"op":"replace","path":"/spec/http/1/route/0/weight","value":%d},{"op":"replace","path":"/spec/http/1/route/1/weight","value":%d}]`, 100-share, share))
				noticed(t, router, second)
			},
			Meddle: m.meddle(t),
			SetReady: func(arm string, ready bool) {
				var rest []string
				for i, name := range names {
					if ready || arm != istioArms[i] {
						rest = append(rest, fmt.Sprintf(`{"name":%q,"labels":{"version":%q}}`, name, name))
					}
				}
				m.jsonPatch(t, "test", destinationRules, "checkout", `[{"op":"replace","path":"/spec/subsets","value":[`+strings.Join(rest, ",")+`]}]`)
			},
		}
	}
}

func TestIstioConforms(t *testing.T) {
	t.Parallel()
	trafficconf.Exercise(t, istioHarness(3))
}

func TestIstioInChaos(t *testing.T) {
	t.Parallel()
	chaos.Exercise(t, istioHarness(2))
}

func istioRoute(epoch uint64, candidate release.Weight) release.Route {
	return release.Route{Service: service, Epoch: epoch, Owner: "shop-2/1", Weights: []release.ArmWeight{
		{Arm: "baseline", Weight: release.Whole - candidate}, {Arm: "candidate", Weight: candidate},
	}}
}

// several has routes of every protocol that hold the arms, by hosts.
const several = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: checkout }
spec:
  hosts: [shop.example.com]
  gateways: [public]
  http:
  - name: api
    match: [ { uri: { prefix: /api } } ]
    route: [ { destination: { host: old }, weight: 100 }, { destination: { host: new }, weight: 0 } ]
  - match: [ { uri: { prefix: /pages } } ]
    mirror: { host: audit }
    mirrorPercentage: { value: 5.5 }
    route: [ { destination: { host: old.NAMESPACE.svc.cluster.local }, weight: 100 }, { destination: { host: new }, weight: 0 } ]
  - name: alone
    route: [ { destination: { host: old } } ]
  tls:
  - match: [ { port: 443, sniHosts: [shop.example.com] } ]
    route: [ { destination: { host: old }, weight: 100 }, { destination: { host: new } } ]
  tcp:
  - match: [ { port: 5432 } ]
    route: [ { destination: { host: new } }, { destination: { host: old }, weight: 100 } ]
`

func byHost(c *istio.Config) {
	c.Arms = []istio.Arm{{Name: "baseline", Host: "old"}, {Name: "candidate", Host: "new"}}
}

// Which routes move is never guessed; those that do move together, and the rest
// stays.
func TestIstioMovesTheRoutesNamed(t *testing.T) {
	for _, c := range []struct {
		name   string
		routes []string
		moves  []string // protocol and place
		says   string   // where it is refused
	}{
		{"one by name", []string{"api"}, []string{"http 0"}, ""},
		{"one by place", []string{"http[1]"}, []string{"http 1"}, ""},
		{"two", []string{"http[1]", "api", "api"}, []string{"http 0", "http 1"}, ""},
		{"tls", []string{"tls[0]"}, []string{"tls 0"}, ""},
		{"tcp", []string{"tcp[0]"}, []string{"tcp 0"}, ""},
		{"all", []string{istio.AllRoutes}, []string{"http 0", "http 1", "tls 0", "tcp 0"}, ""},
		{"none of several", nil, nil, `several routes with all arms, route "api", http[1], tls[0], tcp[0]`},
		{"an unknown one", []string{"pai"}, nil, `no route "pai", only route "api", http[1], route "alone", tls[0], tcp[0]`},
		{"one without an arm", []string{"alone"}, nil, `route "alone" has no destination new for the candidate; add it with weight 0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMesh(t)
			server.Create(t, virtualServices, m.namespace, strings.ReplaceAll(several, "NAMESPACE", m.namespace))
			before := m.users(t, "checkout")
			r := m.router(t, func(cfg *istio.Config) { byHost(cfg); cfg.Routes = c.routes })
			err := r.Apply(soon(t), istioRoute(1, 30_000))
			if c.says != "" {
				if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("apply: %v, expected %q, saying %s", err, release.ErrInvalid, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range []struct {
				protocol string
				index    int
				was, is  string
			}{{"http", 0, "[100 0]", "[70 30]"}, {"http", 1, "[100 0]", "[70 30]"}, {"tls", 0, "[100 <nil>]", "[70 30]"}, {"tcp", 0, "[<nil> 100]", "[30 70]"}} {
				want := p.was
				for _, moved := range c.moves {
					if moved == fmt.Sprint(p.protocol, " ", p.index) {
						want = p.is
					}
				}
				if got := fmt.Sprint(m.weights(t, "checkout", p.protocol, p.index)); got != want {
					t.Errorf("the weights of %s[%d] are %s, expected %s", p.protocol, p.index, got, want)
				}
			}
			if after := m.users(t, "checkout"); after != before {
				t.Errorf("what is the user's is\n%s\nand was\n%s", after, before)
			}
		})
	}
}

// A route that mirrors by itself is left alone, and what only HTTP routes can do
// is refused for the others.
func TestIstioRefusesWhatARouteCannotDo(t *testing.T) {
	for _, c := range []struct {
		routes  []string
		mirror  release.Weight
		testers release.Testers
		says    string
	}{
		{[]string{"http[1]"}, 10_000, release.Testers{}, "http[1] mirrors by itself"},
		{[]string{"tcp[0]"}, 10_000, release.Testers{}, "no mirroring"},
		{[]string{"tls[0]"}, 0, release.Testers{Header: "X-Arm"}, "no testers by header"},
	} {
		m := newMesh(t)
		server.Create(t, virtualServices, m.namespace, strings.ReplaceAll(several, "NAMESPACE", m.namespace))
		r := m.router(t, func(cfg *istio.Config) { byHost(cfg); cfg.Routes = c.routes })
		route := istioRoute(1, 10_000)
		route.Mirror, route.Testers = c.mirror, c.testers
		if err := r.Apply(soon(t), route); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("apply to %v: %v, expected %q, saying %s", c.routes, err, release.ErrInvalid, c.says)
		}
	}
}

// Testers' routes stand right before the route that they divert from, with all
// of its matches, and the mirror copies as many requests as were asked of the
// baseline's alone. Both follow the route, and go when it no longer asks.
func TestIstioTestersAndMirror(t *testing.T) {
	m := newMesh(t)
	server.Create(t, virtualServices, m.namespace, checkout)
	before := m.users(t, "checkout")
	r := m.router(t, nil)
	route := istioRoute(1, 20_000)
	route.Testers = release.Testers{Header: "X-Arm", Cookie: "arm"}
	route.Mirror = 50_000
	if err := r.Apply(soon(t), route); err != nil {
		t.Fatal(err)
	}
	routes, _, _ := unstructured.NestedSlice(server.Get(t, virtualServices, m.namespace, "checkout").Object, "spec", "http")
	var order []string
	for _, r := range routes {
		order = append(order, r.(map[string]any)["name"].(string))
	}
	if got := strings.Join(order, " "); got != "health linnet-testers-baseline-primary linnet-testers-candidate-primary primary rest" {
		t.Fatalf("the routes are %s", got)
	}
	tester := routes[2].(map[string]any)
	if n := len(tester["match"].([]any)); n != 4 {
		t.Errorf("two matches with a header and a cookie each make %d", n)
	}
	third := tester["match"].([]any)[2].(map[string]any)
	if got := fmt.Sprint(third); got != "map[headers:map[x-arm:map[exact:candidate] x-region:map[exact:eu]] uri:map[prefix:/v2]]" {
		t.Errorf("the third match is %s", got)
	}
	if tester["timeout"] != "3s" || len(tester["route"].([]any)) != 1 || tester["mirrors"] != nil {
		t.Errorf("the testers' route is %v", tester)
	}
	if got := fmt.Sprint(routes[3].(map[string]any)["mirrors"]); got != "[map[destination:map[host:checkout port:map[number:8080] subset:canary] percentage:map[value:40]]]" {
		t.Errorf("mirrors are %s", got)
	}
	// Somebody turns the mirror up; the next route puts it right, and moves on.
	m.jsonPatch(t, editor, virtualServices, "checkout", `[{"op":"replace","path":"/spec/http/3/mirrors/0/percentage/value","value":99.5}]`)
	route = istioRoute(2, 50_000)
	route.Testers, route.Mirror = release.Testers{Header: "X-Arm"}, 1_500
	if err := r.Apply(soon(t), route); err != nil {
		t.Fatal(err)
	}
	routes, _, _ = unstructured.NestedSlice(server.Get(t, virtualServices, m.namespace, "checkout").Object, "spec", "http")
	if got := fmt.Sprint(routes[3].(map[string]any)["mirrors"]); !strings.Contains(got, "value:0.75") {
		t.Errorf("mirrors are %s", got)
	}
	if n := len(routes[2].(map[string]any)["match"].([]any)); len(routes) != 5 || n != 2 {
		t.Errorf("%d routes, and %d matches of testers by header alone", len(routes), n)
	}
	if got := fmt.Sprint(m.weights(t, "checkout", "http", 3)); got != "[50 50 0]" {
		t.Errorf("the weights are %s", got)
	}
	if err := r.Apply(soon(t), istioRoute(3, 0)); err != nil {
		t.Fatal(err)
	}
	if after := m.users(t, "checkout"); after != before {
		t.Errorf("what is the user's is\n%s\nand was\n%s", after, before)
	}
}

// A destination that is no arm's would take a share of its own: nothing is
// raised beside it, and the way back to the baseline is open all the same.
func TestIstioForeignDestinations(t *testing.T) {
	m := newMesh(t)
	server.Create(t, virtualServices, m.namespace, checkout)
	r := m.router(t, nil)
	if err := r.Apply(soon(t), istioRoute(1, 10_000)); err != nil {
		t.Fatal(err)
	}
	m.jsonPatch(t, editor, virtualServices, "checkout", `[{"op":"replace","path":"/spec/http/1/route/2/weight","value":7}]`)
	if err := r.Apply(soon(t), istioRoute(2, 20_000)); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "checkout subset next, which is no arm's") {
		t.Errorf("a raise: %v, expected %q", err, release.ErrInvalid)
	}
	if err := r.Apply(soon(t), istioRoute(2, 0)); err != nil {
		t.Errorf("the way back: %v", err)
	}
	if got := fmt.Sprint(m.weights(t, "checkout", "http", 1)); got != "[100 0 7]" {
		t.Errorf("the weights are %s", got)
	}
}

// A second route with the arms, put in while a release runs, stops it from going
// up, and not from going back; a release that has not moved anything yet touches
// neither.
func TestIstioASecondRouteInTheMiddle(t *testing.T) {
	m := newMesh(t)
	server.Create(t, virtualServices, m.namespace, checkout)
	r := m.router(t, nil)
	if err := r.Apply(soon(t), istioRoute(1, 10_000)); err != nil {
		t.Fatal(err)
	}
	m.jsonPatch(t, editor, virtualServices, "checkout",
		`[{"op":"add","path":"/spec/http/0","value":{"name":"new","match":[{"uri":{"prefix":"/new"}}],"route":[{"destination":{"host":"checkout","subset":"stable"},"weight":70},{"destination":{"host":"checkout","subset":"canary"},"weight":30}]}}]`)
	if err := r.Apply(soon(t), istioRoute(2, 20_000)); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), `"new", route "primary"`) {
		t.Errorf("a raise: %v, expected %q", err, release.ErrInvalid)
	}
	another := istioRoute(3, 0)
	another.Owner = "shop-3/1"
	if err := r.Apply(soon(t), another); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("another release: %v, expected %q", err, release.ErrInvalid)
	}
	if err := r.Apply(soon(t), istioRoute(2, 0)); err != nil {
		t.Errorf("the way back: %v", err)
	}
	if a, b := fmt.Sprint(m.weights(t, "checkout", "http", 0)), fmt.Sprint(m.weights(t, "checkout", "http", 2)); a != "[100 0]" || b != "[100 0 0]" {
		t.Errorf("the weights are %s and %s", a, b)
	}
}

// Routes that no longer agree are told one by one.
func TestIstioRoutesThatDiffer(t *testing.T) {
	m := newMesh(t)
	server.Create(t, virtualServices, m.namespace, strings.ReplaceAll(several, "NAMESPACE", m.namespace))
	r := m.router(t, func(cfg *istio.Config) { byHost(cfg); cfg.Routes = []string{"api", "http[1]"} })
	if err := r.Apply(soon(t), istioRoute(1, 10_000)); err != nil {
		t.Fatal(err)
	}
	m.jsonPatch(t, editor, virtualServices, "checkout",
		`[{"op":"replace","path":"/spec/http/1/route/0/weight","value":40},{"op":"replace","path":"/spec/http/1/route/1/weight","value":60}]`)
	apiserver.Eventually(t, "the edit is noticed", func() bool {
		seen, err := r.Observed(soon(t))
		return err == nil && len(seen.Parts) == 2
	})
	seen, err := r.Observed(soon(t))
	if err != nil || seen.Route.Weights[1].Weight != 10_000 || seen.Parts[1].Name != "http[1]" || seen.Parts[1].Weights[1].Weight != 60_000 {
		t.Errorf("seen: %+v, %v", seen, err)
	}
	if err := r.Apply(soon(t), istioRoute(1, 10_000)); err != nil {
		t.Fatal(err)
	}
	if seen, err := r.Observed(soon(t)); err != nil || seen.Parts != nil {
		t.Errorf("put right: %+v, %v", seen, err)
	}
}

const rootService = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: checkout }
spec:
  hosts: [shop.example.com]
  gateways: [public]
  http:
  - { match: [ { uri: { prefix: /a } } ], delegate: { name: first } }
  - { match: [ { uri: { prefix: /b } } ], delegate: { name: second, namespace: OTHER } }
  - { match: [ { uri: { prefix: /c } } ], delegate: { name: nowhere } }
`

const delegated = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: NAME }
spec:
  http:
  - route: [ { destination: { host: old }, weight: 100 }, { destination: { host: HOST }, weight: 0 } ]
`

// Where the routes are in a delegate, it is the delegate that moves, and errors
// name it.
func TestIstioDelegation(t *testing.T) {
	m := newMesh(t)
	other := m.namespace + "-other"
	put := func(namespace, name, host string) {
		server.Create(t, virtualServices, namespace, strings.NewReplacer("NAME", name, "HOST", host).Replace(delegated))
	}
	server.Create(t, virtualServices, m.namespace, strings.ReplaceAll(rootService, "OTHER", other))
	r := m.router(t, byHost)
	put(m.namespace, "first", "else")
	err := r.Apply(soon(t), istioRoute(1, 10_000))
	for _, part := range []string{m.namespace + "/checkout has no routes of its own", m.namespace + "/first has no route with all arms", other + "/second, which does not exist"} {
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), part) {
			t.Errorf("apply: %v, expected %q, saying %s", err, release.ErrInvalid, part)
		}
	}
	put(other, "second", "new")
	if err := r.Apply(soon(t), istioRoute(1, 10_000)); err != nil {
		t.Fatal(err)
	}
	m.namespace, other = other, m.namespace
	if got := fmt.Sprint(m.weights(t, "second", "http", 0)); got != "[90 10]" {
		t.Errorf("the delegate's weights are %s", got)
	}
	m.namespace, other = other, m.namespace
	put(m.namespace, "nowhere", "new")
	if err := r.Apply(soon(t), istioRoute(2, 20_000)); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), other+"/second and") {
		t.Errorf("two delegates with the arms: %v, expected %q", err, release.ErrInvalid)
	}
}

// A GitOps tool that applies the whole object takes the weights back: that is
// seen, with its name, and so is that it would have had to force it.
func TestIstioBesideAnotherApplier(t *testing.T) {
	m := newMesh(t)
	applied := strings.Replace(checkout, "labels: {", "labels: { kustomize.toolkit.fluxcd.io/name: shop,", 1)
	m.applyAs(t, "kustomize-controller", virtualServices, "checkout", applied)
	r := m.router(t, nil)
	if err := r.Apply(soon(t), istioRoute(1, 10_000)); err != nil {
		t.Fatal(err)
	}
	_, err := server.Client().Resource(virtualServices).Namespace(m.namespace).Patch(soon(t), "checkout", types.ApplyPatchType,
		[]byte(applied), metav1.PatchOptions{FieldManager: "kustomize-controller"})
	if err == nil || !strings.Contains(err.Error(), `conflict with "linnet"`) || !strings.Contains(err.Error(), ".spec.http") {
		t.Errorf("the applier is told %v, expected a conflict with us", err)
	}
	m.applyAs(t, "kustomize-controller", virtualServices, "checkout", applied)
	noticed(t, r, 0)
	seen, err := r.Observed(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(seen.Writers, ", "); !strings.Contains(said, "kustomize-controller (server-side apply") || !strings.Contains(said, "Flux Kustomization (shop)") {
		t.Errorf("the other writers are %s", said)
	}
}

// What Istio's analysis writes into the status keeps the candidate waiting, as
// long as it is about the object as it is now.
func TestIstioStatusIsHeard(t *testing.T) {
	m := newMesh(t)
	made := server.Create(t, virtualServices, m.namespace, checkout)
	server.Create(t, destinationRules, m.namespace, rule)
	r := m.router(t, nil)
	status := func(generation int64) {
		_, err := server.Client().Resource(virtualServices).Namespace(m.namespace).Patch(soon(t), "checkout", types.MergePatchType, fmt.Appendf(nil,
			`{"status":{"observedGeneration":"%d","validationMessages":[{"level":"ERROR","type":{"code":"IST0101","name":"ReferencedResourceNotFound"}},{"level":"WARNING","type":{"code":"IST0001"}}]}}`, generation),
			metav1.PatchOptions{}, "status")
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Ready(soon(t), "candidate"); err != nil {
		t.Fatal(err)
	}
	status(made.GetGeneration())
	apiserver.Eventually(t, "the status is noticed", func() bool { return r.Ready(soon(t), "candidate") != nil })
	if err := r.Ready(soon(t), "candidate"); !strings.Contains(err.Error(), "IST0101 ReferencedResourceNotFound") || strings.Contains(err.Error(), "IST0001") {
		t.Errorf("ready: %v", err)
	}
	status(made.GetGeneration() - 1)
	apiserver.Eventually(t, "an older status counts no more", func() bool { return r.Ready(soon(t), "candidate") == nil })
}

// Subsets that select the same pods are no two arms.
func TestIstioSubsetsOfTheSamePods(t *testing.T) {
	m := newMesh(t)
	server.Create(t, virtualServices, m.namespace, checkout)
	server.Create(t, destinationRules, m.namespace, strings.ReplaceAll(rule, "version: canary", "version: stable"))
	err := m.router(t, nil).Ready(soon(t), "candidate")
	if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "the same pods") {
		t.Errorf("ready: %v, expected %q", err, release.ErrUnavailable)
	}
}

func TestIstioConfigIsChecked(t *testing.T) {
	m := newMesh(t)
	for _, change := range []func(*istio.Config){
		func(c *istio.Config) { c.Client = nil },
		func(c *istio.Config) { c.VirtualService = "" },
		func(c *istio.Config) { c.Arms = c.Arms[:1] },
		func(c *istio.Config) { c.Arms[1].Subset = c.Arms[0].Subset },
		func(c *istio.Config) { c.Arms[1].Host = "" },
	} {
		cfg := istio.Config{Client: m.client, Service: service, VirtualService: "checkout", Arms: subsets("stable", "canary")}
		change(&cfg)
		if _, err := istio.New(cfg); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%+v: %v, expected %q", cfg, err, release.ErrInvalid)
		}
	}
}
