package quick_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	_ "istio.io/api/networking/v1" // the module that holds Istio's CRDs
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/traffic/istio"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

var (
	virtualServices  = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "virtualservices"}
	destinationRules = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "destinationrules"}
)

// shop is a VirtualService with much that is the user's: other routes before and
// after, matches, retries, headers, annotations.
const shop = `
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

func newMesh(t *testing.T) *mesh {
	t.Helper()
	server.Install(t, apiserver.Module(t, "istio.io/api", "kubernetes/customresourcedefinitions.gen.yaml"))
	return &mesh{newCluster(t)}
}

// checkout are the arms of the objects above.
func checkout(names ...string) (arms []istio.Arm) {
	for i, subset := range names {
		arms = append(arms, istio.Arm{Name: []string{"baseline", "candidate", "third"}[i], Host: "checkout", Subset: subset})
	}
	return arms
}

func (m *mesh) router(t *testing.T, change func(*istio.Config)) *istio.Router {
	t.Helper()
	cfg := istio.Config{Client: m.client, Service: "checkout", VirtualService: "checkout", Arms: checkout("stable", "canary")}
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

// byHand patches an object past Linnet, as a field manager.
func (m *mesh) byHand(t *testing.T, of schema.GroupVersionResource, name, manager, patch string) {
	t.Helper()
	_, err := server.Client().Resource(of).Namespace(m.namespace).Patch(
		t.Context(), name, types.JSONPatchType, []byte(patch), metav1.PatchOptions{FieldManager: manager})
	if err != nil {
		t.Fatal(err)
	}
}

// spec is the specification of the VirtualService as it is stored now.
func (m *mesh) spec(t *testing.T, name string) map[string]any {
	t.Helper()
	spec, _, _ := unstructured.NestedMap(server.Get(t, virtualServices, m.namespace, name).Object, "spec")
	return spec
}

// users is all of an object that is the user's: everything but the weights, our
// stamp, and what the API server keeps for itself.
func (m *mesh) users(t *testing.T, name string) string {
	t.Helper()
	object := server.Get(t, virtualServices, m.namespace, name)
	for _, key := range []string{"resourceVersion", "generation", "managedFields", "uid", "creationTimestamp"} {
		unstructured.RemoveNestedField(object.Object, "metadata", key)
	}
	annotations := object.GetAnnotations()
	delete(annotations, kube.StampKey)
	object.SetAnnotations(annotations)
	for _, protocol := range []string{"http", "tls", "tcp"} {
		routes, _, _ := unstructured.NestedSlice(object.Object, "spec", protocol)
		for _, r := range routes {
			destinations, _, _ := unstructured.NestedSlice(r.(map[string]any), "route")
			for _, d := range destinations {
				delete(d.(map[string]any), "weight")
			}
			if destinations != nil {
				r.(map[string]any)["route"] = destinations
			}
		}
		if routes != nil {
			_ = unstructured.SetNestedSlice(object.Object, routes, "spec", protocol)
		}
	}
	text, err := json.MarshalIndent(object.Object, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// breaks makes the API server fail in the ways of the suite.
func (c *cluster) breaks(fault trafficconf.Fault) func() {
	as := map[trafficconf.Fault]apiserver.Fault{
		trafficconf.Throttled:   {Status: 429, Reason: "TooManyRequests", Message: "slow down", RetryAfter: 1},
		trafficconf.Failing:     {Status: 500, Reason: "InternalError", Message: "etcd has no leader"},
		trafficconf.Unreachable: {Status: 503, Plain: true},
		trafficconf.Hanging:     {Hang: true},
		trafficconf.Broken:      {Half: true, Methods: []string{"PATCH"}},
		trafficconf.Forbidden:   {Status: 403, Reason: "Forbidden", Message: "may not", Methods: []string{"PATCH"}},
		trafficconf.Missing:     {Status: 404, Reason: "NotFound", Message: "not found"},
		trafficconf.Contested:   {Status: 409, Reason: "Conflict", Message: "the object has been modified", Methods: []string{"PATCH"}},
		trafficconf.Lying:       {Lie: true, Methods: []string{"PATCH"}},
	}
	c.Set(as[fault])
	return c.Lift
}

func TestIstioConforms(t *testing.T) {
	trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness {
		m := newMesh(t)
		server.Create(t, virtualServices, m.namespace, shop)
		server.Create(t, destinationRules, m.namespace, rule)
		open := func() trafficconf.Router {
			return m.router(t, func(c *istio.Config) { c.Arms = checkout("stable", "canary", "next") })
		}
		router := open()
		return trafficconf.Harness{
			Router: router, Service: "checkout", Arms: []string{"baseline", "candidate", "third"}, Grain: istio.Grain,
			Abilities: []release.Ability{release.HeaderTesters, release.CookieTesters, release.Mirrors, release.ManyArms, release.Readiness},
			Fences:    true, Restart: open, Editor: "kubectl-edit", Secret: "a-secret-token", Break: m.breaks,
			Users: func() string { return m.users(t, "checkout") },
			Edit: func(second release.Weight) {
				share := int64(second / istio.Grain)
				m.byHand(t, virtualServices, "checkout", "kubectl-edit", fmt.Sprintf(
					`[{"op":"replace","path":"/spec/http/1/route/0/weight","value":%d},{"op":"replace","path":"/spec/http/1/route/1/weight","value":%d}]`, 100-share, share))
				// A watch needs a moment.
				apiserver.Eventually(t, "the edit is seen", func() bool {
					seen, err := router.Observed(t.Context())
					return err == nil && seen.Route.Weights[1].Weight == second
				})
			},
			SetReady: func(arm string, ready bool) {
				subsets := []string{}
				for i, name := range []string{"stable", "canary", "next"} {
					if ready || arm != []string{"baseline", "candidate", "third"}[i] {
						subsets = append(subsets, fmt.Sprintf(`{"name":%q,"labels":{"version":%q}}`, name, name))
					}
				}
				m.byHand(t, destinationRules, "checkout", "test", fmt.Sprintf(`[{"op":"replace","path":"/spec/subsets","value":[%s]}]`, strings.Join(subsets, ",")))
			},
		}
	})
}
