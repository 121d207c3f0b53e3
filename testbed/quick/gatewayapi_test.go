package quick_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/gateway-api/pkg/features"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/gatewayapi"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

const gatewayModule = "sigs.k8s.io/gateway-api"

var (
	gatewayClasses = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "gatewayclasses"}
	gateways       = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "gateways"}
)

// The users' routes: two rules that split, one that does not, filters, a
// backend at rest, two parents.
const httpRoute = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: shop, labels: { team: payments }, annotations: { example.com/note: "keep" } }
spec:
  parentRefs:
    - { name: front }
    - { name: back, sectionName: internal }
  hostnames: [ shop.example.com ]
  rules:
    - name: cart
      matches:
        - { path: { type: PathPrefix, value: /cart }, headers: [ { name: X-Region, value: eu } ] }
        - { path: { type: Exact, value: /basket } }
      timeouts: { request: 5s }
      filters:
        - { type: RequestHeaderModifier, requestHeaderModifier: { set: [ { name: X-From, value: gateway } ] } }
      backendRefs:
        - { name: third, port: 80, weight: %d }
        - name: stable
          port: 80
          weight: 9
          filters: [ { type: ResponseHeaderModifier, responseHeaderModifier: { add: [ { name: X-Arm, value: stable } ] } } ]
        - { name: canary, port: 80, weight: 1 }
        - { name: retired, port: 80, weight: 0 }
    - backendRefs:
        - { name: stable, port: 80 }
    - matches: [ { path: { value: /pay } } ]
      backendRefs:
        - { name: stable, port: 80, weight: 100 }
        - { name: canary, port: 80, weight: 0 }
        - { name: third, port: 80, weight: 0 }
`

const grpcRoute = `
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: shop, annotations: { example.com/note: "keep" } }
spec:
  parentRefs: [ { name: front } ]
  rules:
    - matches: [ { method: { service: shop.Cart, method: Add } } ]
      filters:
        - { type: ResponseHeaderModifier, responseHeaderModifier: { add: [ { name: X-From, value: gateway } ] } }
      backendRefs:
        - { name: stable, port: 80, weight: 9 }
        - { name: canary, port: 80, weight: 1 }
    - backendRefs:
        - { name: stable, port: 80, weight: 1 }
        - { name: canary, port: 80, weight: 0 }
`

// gateway is a route in a cluster of one test, with an implementation beside it
// that does nothing but accept it.
type gateway struct {
	*cluster
	t      *testing.T
	kind   schema.GroupVersionResource
	router *gatewayapi.Router
	stop   func() // ends accepting
}

func newGateway(t *testing.T, kind schema.GroupVersionResource, text string, change func(*gatewayapi.Config)) *gateway {
	t.Helper()
	for _, file := range []string{"gatewayclasses", "gateways", "httproutes", "grpcroutes"} {
		server.Install(t, apiserver.Module(t, gatewayModule, "config/crd/standard/gateway.networking.k8s.io_"+file+".yaml"))
	}
	c := newCluster(t)
	r := &gateway{cluster: c, t: t, kind: kind}
	server.Create(t, kind, c.namespace, text)
	class := r.class("capable", string(features.SupportHTTPRouteRequestMirror), string(features.SupportHTTPRouteRequestPercentageMirror))
	r.gateway("front", class)
	r.gateway("back", class)
	r.accepting(nil)
	cfg := gatewayapi.Config{
		Client: c.client, Kind: kind, Name: "shop", Service: "shop",
		Arms: []gatewayapi.Arm{{Name: "baseline", Backend: "stable"}, {Name: "candidate", Backend: "canary:80"}},
	}
	if change != nil {
		change(&cfg)
	}
	router, err := gatewayapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(router.Close)
	r.router = router
	return r
}

// class makes a GatewayClass with features, of this test alone.
func (r *gateway) class(name string, has ...string) string {
	r.t.Helper()
	name = name + "-" + r.namespace
	create := metav1.CreateOptions{}
	_, err := server.Client().Resource(gatewayClasses).Create(soon(r.t), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass",
		"metadata": map[string]any{"name": name}, "spec": map[string]any{"controllerName": "example.com/gateway"},
	}}, create)
	if err != nil {
		r.t.Fatal(err)
	}
	listed := make([]any, len(has))
	for i, f := range has {
		listed[i] = map[string]any{"name": f}
	}
	patch, _ := json.Marshal(map[string]any{"status": map[string]any{"supportedFeatures": listed}})
	_, err = server.Client().Resource(gatewayClasses).Patch(soon(r.t), name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if err != nil {
		r.t.Fatal(err)
	}
	return name
}

func (r *gateway) gateway(name, class string) {
	r.t.Helper()
	server.Create(r.t, gateways, r.namespace, fmt.Sprintf(`
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: %s }
spec: { gatewayClassName: %s, listeners: [ { name: internal, port: 80, protocol: HTTP } ] }
`, name, class))
}

func (r *gateway) api() dynamic.ResourceInterface {
	return server.Client().Resource(r.kind).Namespace(r.namespace)
}

// accepting plays an implementation: it tells of every generation what verdict
// says (nil: all is well), until stop or the test's end.
func (r *gateway) accepting(verdict func(parent map[string]any, kind string) (status, reason string)) {
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(r.t.Context())
	r.stop = func() { cancel(); <-done }
	r.t.Cleanup(r.stop)
	go func() {
		defer close(done)
		tick := time.NewTicker(3 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			r.tell(ctx, verdict)
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}()
}

// tell writes the status of the route, where it is not of its generation.
func (r *gateway) tell(ctx context.Context, verdict func(parent map[string]any, kind string) (status, reason string)) {
	object, err := r.api().Get(ctx, "shop", metav1.GetOptions{})
	if err != nil {
		return
	}
	refs, _, _ := unstructured.NestedSlice(object.Object, "spec", "parentRefs")
	var told []any
	for _, ref := range refs {
		var conditions []any
		for _, kind := range []string{"Accepted", "ResolvedRefs"} {
			status, reason := "True", kind
			if verdict != nil {
				status, reason = verdict(ref.(map[string]any), kind)
			}
			conditions = append(conditions, map[string]any{
				"type": kind, "status": status, "reason": reason, "message": "",
				"observedGeneration": object.GetGeneration(), "lastTransitionTime": "2026-01-01T00:00:00Z",
			})
		}
		told = append(told, map[string]any{"controllerName": "example.com/gateway", "parentRef": ref, "conditions": conditions})
	}
	have, _, _ := unstructured.NestedSlice(object.Object, "status", "parents")
	if fmt.Sprint(have) == fmt.Sprint(told) {
		return
	}
	object.Object["status"] = map[string]any{"parents": told}
	// A conflict means that there is something newer to tell of.
	_, _ = r.api().UpdateStatus(ctx, object, metav1.UpdateOptions{FieldManager: "gateway"})
}

// patch changes the route past Linnet.
func (r *gateway) patch(manager, patch string) {
	r.t.Helper()
	_, err := r.api().Patch(soon(r.t), "shop", types.JSONPatchType, []byte(patch), metav1.PatchOptions{FieldManager: manager})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *gateway) stored() *unstructured.Unstructured {
	r.t.Helper()
	return server.Get(r.t, r.kind, r.namespace, "shop")
}

func rulesOf(object *unstructured.Unstructured) (out []map[string]any) {
	rules, _, _ := unstructured.NestedSlice(object.Object, "spec", "rules")
	for _, rule := range rules {
		out = append(out, rule.(map[string]any))
	}
	return out
}

// backendWeights are those of the backendRefs of one rule, by backend.
func backendWeights(rule map[string]any) map[string]int64 {
	out := map[string]int64{}
	for _, ref := range rule["backendRefs"].([]any) {
		ref := ref.(map[string]any)
		out[ref["name"].(string)], _ = ref["weight"].(int64)
	}
	return out
}

// editWeights is a person who sets the weights of every rule that splits.
func (r *gateway) editWeights(second release.Weight) {
	var ops []string
	for i, rule := range rulesOf(r.stored()) {
		have := backendWeights(rule)
		if _, both := have["canary"]; !both {
			continue
		}
		for j, ref := range rule["backendRefs"].([]any) {
			w := map[string]release.Weight{"stable": release.Whole - second, "canary": second}
			if value, arm := w[ref.(map[string]any)["name"].(string)]; arm {
				ops = append(ops, fmt.Sprintf(`{"op":"add","path":"/spec/rules/%d/backendRefs/%d/weight","value":%d}`, i, j, value))
			}
		}
	}
	r.patch(editor, "["+strings.Join(ops, ",")+"]")
}

// users is the route without what is Linnet's: weights of the arms, our
// annotations, and what the API server itself writes.
func (r *gateway) users(arms ...string) string {
	object := r.stored()
	rules := rulesOf(object)
	for _, rule := range rules {
		have := backendWeights(rule)
		if _, splits := have["canary"]; !splits {
			continue
		}
		for _, ref := range rule["backendRefs"].([]any) {
			ref := ref.(map[string]any)
			for _, arm := range arms {
				if ref["name"] == arm {
					delete(ref, "weight")
				}
			}
		}
	}
	whole := make([]any, len(rules))
	for i, rule := range rules {
		whole[i] = rule
	}
	_ = unstructured.SetNestedSlice(object.Object, whole, "spec", "rules")
	delete(object.Object, "status")
	return usersPart(r.t, object, "linnet.dev/mirror")
}

func TestHTTPRouteConforms(t *testing.T) {
	t.Parallel()
	trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness {
		third := func(cfg *gatewayapi.Config) {
			cfg.Arms = append(cfg.Arms, gatewayapi.Arm{Name: "third", Backend: "third"})
		}
		if !strings.Contains(t.Name(), "more_than_two") {
			third = nil
		}
		r := newGateway(t, gatewayapi.HTTPRoutes(), fmt.Sprintf(httpRoute, 0), third)
		return r.harness(t)
	})
}

func TestGRPCRouteConforms(t *testing.T) {
	t.Parallel()
	trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness {
		if strings.Contains(t.Name(), "more_than_two") {
			t.Skip("the same as for an HTTPRoute")
		}
		return newGateway(t, gatewayapi.GRPCRoutes(), grpcRoute, nil).harness(t)
	})
}

// abilities are those that a release file may ask of a provider.
func abilities(t *testing.T, name string) []release.Ability {
	t.Helper()
	p, ok := spec.ProviderOf(name)
	if !ok {
		t.Fatalf("there is no provider %s", name)
	}
	return p.Abilities
}

func TestHTTPRouteInChaos(t *testing.T) {
	t.Parallel()
	chaos.Exercise(t, func(t *testing.T) trafficconf.Harness {
		return newGateway(t, gatewayapi.HTTPRoutes(), fmt.Sprintf(httpRoute, 0), nil).harness(t)
	})
}

func (r *gateway) harness(t *testing.T) trafficconf.Harness {
	arms := arms()
	if strings.Contains(t.Name(), "more_than_two") {
		arms = append(arms, "third")
	}
	return trafficconf.Harness{
		Router: r.router, Service: "shop", Arms: arms,
		Abilities: abilities(t, "gatewayAPI"), Fences: true,
		Edit: func(second release.Weight) { r.editWeights(second); noticed(t, r.router, second) }, Editor: editor,
		Users: func() string { return r.users("stable", "canary") },
		Break: r.breaks(t, r.kind, service), Secret: secret,
	}
}

func half(epoch uint64) release.Route {
	return release.Route{Service: service, Epoch: epoch, Owner: "shop/1", Weights: []release.ArmWeight{
		{Arm: "baseline", Weight: release.Whole / 2}, {Arm: "candidate", Weight: release.Whole / 2},
	}}
}

func TestHTTPRouteRefusesWhatWouldNotSplit(t *testing.T) {
	t.Parallel()
	mirrors := half(1)
	mirrors.Mirror = release.Whole / 4
	for _, test := range []struct {
		name    string
		edit    string
		rules   []string
		route   release.Route
		meaning error
		says    string
	}{
		{"another backend with a weight", `{"op":"replace","path":"/spec/rules/0/backendRefs/3/weight","value":1}`, nil, half(1), release.ErrInvalid, "retired"},
		{"an arm twice", `{"op":"add","path":"/spec/rules/2/backendRefs/-","value":{"name":"stable","port":81}}`, nil, half(1), release.ErrInvalid, "twice"},
		{"no rule with both", `{"op":"replace","path":"/spec/rules","value":[{"backendRefs":[{"name":"stable","port":80}]}]}`, nil, half(1), release.ErrInvalid, "no rule has"},
		{"an unknown rule", "", []string{"checkout"}, half(1), release.ErrInvalid, `no rule "checkout"`},
		{"a rule without the candidate", "", []string{"1"}, half(1), release.ErrInvalid, "rule 1 has no backendRef canary:80"},
		{"a mirror of the user's", `{"op":"add","path":"/spec/rules/0/filters/-","value":{"type":"RequestMirror","requestMirror":{"backendRef":{"name":"canary","port":80}}}}`, nil, mirrors, release.ErrInvalid, "of its own"},
		{"no parents", `{"op":"remove","path":"/spec/parentRefs"}`, nil, half(1), release.ErrUnavailable, "no parentRefs"},
		{"a parent that cannot tell of mirrors", `{"op":"replace","path":"/spec/parentRefs/1","value":{"group":"","kind":"Service","name":"shop"}}`, nil, mirrors, release.ErrInvalid, "only a Gateway"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newGateway(t, gatewayapi.HTTPRoutes(), fmt.Sprintf(httpRoute, 0), func(cfg *gatewayapi.Config) { cfg.Rules = test.rules })
			if test.edit != "" {
				r.patch(editor, "["+test.edit+"]")
			}
			err := r.router.Apply(soon(t), test.route)
			if !errors.Is(err, test.meaning) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q saying %q", err, test.meaning, test.says)
			}
			if test.meaning == release.ErrInvalid && r.stored().GetAnnotations()["linnet.dev/route"] != "" {
				t.Error("the route was changed")
			}
		})
	}
}

// A release that names rules leaves the others as they are.
func TestOnlyNamedRulesAreSplit(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cart", "0"} {
		r := newGateway(t, gatewayapi.HTTPRoutes(), fmt.Sprintf(httpRoute, 0), func(cfg *gatewayapi.Config) { cfg.Rules = []string{name} })
		tested := half(1)
		tested.Testers.Header = "X-Arm"
		for _, route := range []release.Route{tested, half(2)} {
			if err := r.router.Apply(soon(t), route); err != nil {
				t.Fatal(err)
			}
		}
		rules := rulesOf(r.stored())
		if a, b := backendWeights(rules[0]), backendWeights(rules[2]); a["canary"] != 50_000 || b["canary"] != 0 || b["stable"] != 100 {
			t.Errorf("with rules [%s], cart has %v and /pay %v", name, a, b)
		}
	}
}

// A rule that somebody takes away, or takes the candidate out of, in the middle
// of a release keeps the others from being raised, and not from going back.
func TestANamedRuleThatGoes(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]string{
		"the rule goes":      `{"op":"remove","path":"/spec/rules/2"}`,
		"its candidate goes": `{"op":"remove","path":"/spec/rules/2/backendRefs/1"}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := newGateway(t, gatewayapi.HTTPRoutes(), fmt.Sprintf(httpRoute, 0), func(cfg *gatewayapi.Config) { cfg.Rules = []string{"cart", "2"} })
			if err := r.router.Apply(soon(t), half(1)); err != nil {
				t.Fatal(err)
			}
			r.patch(editor, "["+edit+"]")
			more := half(2)
			more.Weights = []release.ArmWeight{{Arm: "baseline", Weight: 40_000}, {Arm: "candidate", Weight: 60_000}}
			if err := r.router.Apply(soon(t), more); !errors.Is(err, release.ErrInvalid) {
				t.Errorf("raised: %v, want %q", err, release.ErrInvalid)
			}
			more.Weights = []release.ArmWeight{{Arm: "baseline", Weight: release.Whole}}
			if err := r.router.Apply(soon(t), more); err != nil {
				t.Fatal(err)
			}
			noticed(t, r.router, 0)
		})
	}
}

// A tool that puts a route back to what it was without the candidate takes its
// traffic away: that is seen as such, and a release can go back and end.
func TestACandidateThatGoesFromTheRoute(t *testing.T) {
	t.Parallel()
	r := newGateway(t, gatewayapi.HTTPRoutes(), fmt.Sprintf(httpRoute, 0), nil)
	tested := half(1)
	tested.Testers.Header = "X-Arm"
	if err := r.router.Apply(soon(t), tested); err != nil {
		t.Fatal(err)
	}
	rules := rulesOf(r.stored())
	text, err := json.Marshal([]any{rules[0], rules[5]}) // one for testers, and the user's without the candidate
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.ReplaceAll(string(text), "canary", "elsewhere"))
	r.patch(editor, `[{"op":"replace","path":"/spec/rules","value":`+string(text)+`}]`)
	noticed(t, r.router, 0)
	if err := r.router.Apply(soon(t), half(2)); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("raised: %v, want %q", err, release.ErrInvalid)
	}
	back := half(3)
	back.Weights = []release.ArmWeight{{Arm: "baseline", Weight: release.Whole}}
	if err := r.router.Apply(soon(t), back); err != nil {
		t.Fatal(err)
	}
	seen, err := r.router.Observed(soon(t))
	if err != nil || seen.Route.Epoch != 3 || len(rulesOf(r.stored())) != 1 {
		t.Errorf("at the end %+v, %v; rules %v", seen, err, rulesOf(r.stored()))
	}
}

// Rules of one route with different weights are told one by one, and the least
// counts.
func TestRulesThatDifferAreTold(t *testing.T) {
	t.Parallel()
	r := newGateway(t, gatewayapi.HTTPRoutes(), fmt.Sprintf(httpRoute, 0), nil)
	if err := r.router.Apply(soon(t), half(1)); err != nil {
		t.Fatal(err)
	}
	r.patch(editor, `[{"op":"replace","path":"/spec/rules/2/backendRefs/0/weight","value":100000},{"op":"replace","path":"/spec/rules/2/backendRefs/1/weight","value":0}]`)
	apiserver.Eventually(t, "the edit is noticed", func() bool {
		seen, err := r.router.Observed(soon(t))
		return err == nil && seen.Route.Weights[1].Weight == 0 && len(seen.Parts) == 2 &&
			seen.Parts[0].Name == "rule cart" && seen.Parts[0].Weights[1].Weight == 50_000 && seen.Parts[1].Name == "rule 2"
	})
	if err := r.router.Apply(soon(t), half(1)); err != nil {
		t.Fatal(err)
	}
	noticed(t, r.router, release.Whole/2)
}

// Testers get a rule in front of each that splits, which takes the same requests
// under one condition more and keeps all else; at the end it is gone.
func TestTestersGetRulesOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := newGateway(t, gatewayapi.HTTPRoutes(), fmt.Sprintf(httpRoute, 0), nil)
	before := r.users("stable", "canary")
	route := half(1)
	route.Testers.Header = "X-Linnet-Arm"
	route.Mirror = release.Whole / 4
	if err := r.router.Apply(soon(t), route); err != nil {
		t.Fatal(err)
	}
	rules := rulesOf(r.stored())
	if len(rules) != 7 {
		t.Fatalf("%d rules, want 3 and 4 for testers", len(rules))
	}
	text, err := json.Marshal(rules[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"name":"linnet-testers-0-1"`, `{"name":"X-Linnet-Arm","type":"Exact","value":"candidate"}`, `"value":"/cart"`, `"name":"X-Region"`,
		`"timeouts":{"request":"5s"}`, `"type":"RequestHeaderModifier"`, `"backendRefs":[{"group":"","kind":"Service","name":"canary","port":80,"weight":1}]`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the rule for testers of the candidate lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "RequestMirror") {
		t.Errorf("requests of testers are mirrored: %s", text)
	}
	if text, _ := json.Marshal(rules[4]["filters"]); !strings.Contains(string(text), `"fraction":{"denominator":100000,"numerator":12500}`) {
		t.Errorf("the mirror is %s", text)
	}
	generation := r.stored().GetGeneration()
	if err := r.router.Apply(soon(t), route); err != nil || r.stored().GetGeneration() != generation {
		t.Errorf("again: %v, and the route changed from generation %d to %d", err, generation, r.stored().GetGeneration())
	}
	route.Testers.Header = "X-Other"
	if err := r.router.Apply(soon(t), route); err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(rulesOf(r.stored())); strings.Contains(string(text), "X-Linnet-Arm") || strings.Count(string(text), "X-Other") != 6 {
		t.Errorf("with another header the rules are %s", text)
	}
	if err := r.router.Apply(soon(t), half(2)); err != nil {
		t.Fatal(err)
	}
	if after := r.users("stable", "canary"); after != before {
		t.Errorf("after the end\n%s\nbefore\n%s", after, before)
	}
}

// An implementation that does not mirror may answer such requests with errors:
// the GatewayClass of every parent is asked.
func TestMirroringNeedsEveryParent(t *testing.T) {
	t.Parallel()
	r := newGateway(t, gatewayapi.HTTPRoutes(), fmt.Sprintf(httpRoute, 0), nil)
	if err := server.Client().Resource(gateways).Namespace(r.namespace).Delete(soon(t), "back", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r.gateway("back", r.class("plain", string(features.SupportHTTPRouteRequestMirror)))
	route := half(1)
	route.Mirror = release.Whole / 4
	err := r.router.Apply(soon(t), route)
	for _, want := range []string{"Gateway " + r.namespace + "/back, listener internal", "plain-", string(features.SupportHTTPRouteRequestPercentageMirror), "or for 100%"} {
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q saying %q", err, release.ErrInvalid, want)
		}
	}
	route.Mirror, route.Weights = release.Whole, []release.ArmWeight{{Arm: "baseline", Weight: release.Whole}}
	if err := r.router.Apply(soon(t), route); err != nil {
		t.Errorf("all of the requests: %v", err)
	}
	route.Weights = half(1).Weights
	if err := r.router.Apply(soon(t), route); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("half of them: %v", err)
	}
}

// A change counts when every parent has accepted it, and not before; while a
// backend is missing nothing is raised, and lowering goes on.
func TestHTTPRouteWaitsForEveryParent(t *testing.T) {
	t.Parallel()
	r := newGateway(t, gatewayapi.HTTPRoutes(), fmt.Sprintf(httpRoute, 0), func(cfg *gatewayapi.Config) { cfg.Patience = 300 * time.Millisecond })
	apply := func(route release.Route) { // the patience is short, and the machine may be busy
		apiserver.Eventually(t, "it is accepted", func() bool { return r.router.Apply(soon(t), route) == nil })
	}
	apply(half(1))
	r.stop()
	third := half(2)
	third.Weights[0].Weight, third.Weights[1].Weight = 70_000, 30_000
	err := r.router.Apply(soon(t), third)
	if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "has not said") {
		t.Errorf("nobody accepts: %v", err)
	}
	if _, err := r.router.Observed(soon(t)); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("and observed: %v", err)
	}
	missing := func(_ map[string]any, kind string) (string, string) {
		if kind == "ResolvedRefs" {
			return "False", "BackendNotFound"
		}
		return "True", kind
	}
	r.accepting(missing)
	apiserver.Eventually(t, "the missing backend is told", func() bool {
		err := r.router.Apply(soon(t), third)
		return errors.Is(err, release.ErrUnavailable) && strings.Contains(err.Error(), "BackendNotFound")
	})
	generation := r.stored().GetGeneration()
	err = r.router.Apply(soon(t), half(3))
	if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "not raised") || r.stored().GetGeneration() != generation {
		t.Errorf("raised onto a missing backend: %v", err)
	}
	none := half(4)
	none.Weights[0].Weight, none.Weights[1].Weight = release.Whole, 0
	apply(none) // which needs no backend but the baseline's
	r.stop()
	r.accepting(func(parent map[string]any, kind string) (string, string) {
		if parent["name"] == "back" && kind == "Accepted" {
			return "False", "NoMatchingListenerHostname"
		}
		return "True", kind
	})
	apiserver.Eventually(t, "the refusal of one parent is told", func() bool {
		none.Epoch++
		err := r.router.Apply(soon(t), none)
		return errors.Is(err, release.ErrUnavailable) && strings.Contains(err.Error(), "back, listener internal says that Accepted is not true: NoMatchingListenerHostname")
	})
}

// A tool that applies the whole route on the server's side takes the weights
// back: it is named, and the next change takes them again.
func TestHTTPRouteBesideAnApplier(t *testing.T) {
	t.Parallel()
	r := newGateway(t, gatewayapi.HTTPRoutes(), fmt.Sprintf(httpRoute, 0), nil)
	if err := r.router.Apply(soon(t), half(1)); err != nil {
		t.Fatal(err)
	}
	r.applyAs(t, "argocd-controller", r.kind, "shop", fmt.Sprintf(httpRoute, 0))
	apiserver.Eventually(t, "the applier is named", func() bool {
		seen, err := r.router.Observed(soon(t))
		return err == nil && strings.Contains(strings.Join(seen.Writers, ", "), "argocd-controller (server-side apply")
	})
	if err := r.router.Apply(soon(t), half(1)); err != nil {
		t.Fatal(err)
	}
	noticed(t, r.router, release.Whole/2)
}
