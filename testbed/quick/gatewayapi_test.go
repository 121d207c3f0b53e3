package quick_test

import (
	"context"
	"encoding/json"
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
	"github.com/linnet-project/linnet/testbed/apiserver"
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
	r.accepting(t.Context(), nil)
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
// says (nil: all is well), until the context ends.
func (r *gateway) accepting(ctx context.Context, verdict func(parent map[string]any, kind string) (status, reason string)) {
	done := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	r.t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			r.tell(ctx, verdict)
			select {
			case <-ctx.Done():
			case <-time.After(3 * time.Millisecond):
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
	trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness {
		if strings.Contains(t.Name(), "more_than_two") {
			t.Skip("the same as for an HTTPRoute")
		}
		return newGateway(t, gatewayapi.GRPCRoutes(), grpcRoute, nil).harness(t)
	})
}

func (r *gateway) harness(t *testing.T) trafficconf.Harness {
	arms := arms()
	if strings.Contains(t.Name(), "more_than_two") {
		arms = append(arms, "third")
	}
	return trafficconf.Harness{
		Router: r.router, Service: "shop", Arms: arms,
		Abilities: gatewayapi.Abilities(), Fences: true,
		Edit: func(second release.Weight) { r.editWeights(second); noticed(t, r.router, second) }, Editor: editor,
		Users: func() string { return r.users("stable", "canary") },
		Break: r.breaks(t, r.kind, service), Secret: secret,
	}
}
