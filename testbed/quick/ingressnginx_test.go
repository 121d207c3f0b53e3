package quick_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/ingressnginx"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

const canaryWeight = "nginx.ingress.kubernetes.io/canary-weight"

// mainAndCanary are a user's two Ingresses for one host.
const mainAndCanary = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: %[1]s
  labels: { team: payments }
  annotations: { %[2]s example.com/note: "as it was" }
spec:
  ingressClassName: nginx
  rules:
    - host: shop.example.com
      http: { paths: [ { path: /, pathType: Prefix, backend: { service: { name: %[1]s, port: { number: 80 } } } } ] }
`

const marked = `nginx.ingress.kubernetes.io/canary: "true", ` + canaryWeight + `: "0",`

// pairs makes Ingresses and a router over them.
func (c *cluster) pairs(t *testing.T, names ...string) *ingressnginx.Router {
	t.Helper()
	var all []ingressnginx.Pair
	for _, name := range names {
		server.Create(t, apiserver.Ingresses, c.namespace, fmt.Sprintf(mainAndCanary, name, ""))
		server.Create(t, apiserver.Ingresses, c.namespace, fmt.Sprintf(mainAndCanary, name+"-canary", marked))
		all = append(all, ingressnginx.Pair{Main: name, Canary: name + "-canary"})
	}
	return c.router(t, all...)
}

func (c *cluster) router(t *testing.T, all ...ingressnginx.Pair) *ingressnginx.Router {
	t.Helper()
	router, err := ingressnginx.New(ingressnginx.Config{Client: c.client, Service: service, Arms: arms(), Ingresses: all})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(router.Close)
	return router
}

// ingressHarness is a router over canary Ingresses of these names.
func ingressHarness(names ...string) func(*testing.T) trafficconf.Harness {
	return func(t *testing.T) trafficconf.Harness {
		c := newCluster(t)
		router := c.pairs(t, names...)
		return trafficconf.Harness{
			Router: router, Service: service, Arms: arms(),
			Abilities: []release.Ability{release.HeaderTesters},
			Fences:    true,
			Edit: func(second release.Weight) {
				for _, name := range names {
					c.edit(t, editor, apiserver.Ingresses, name+"-canary", fmt.Sprintf(
						`{"metadata":{"annotations":{%q:"%d","nginx.ingress.kubernetes.io/canary-weight-total":"100000"}}}`, canaryWeight, second))
				}
				noticed(t, router, second)
			},
			Editor: editor,
			Users: func() (all string) {
				for _, name := range names {
					all += usersPart(t, server.Get(t, apiserver.Ingresses, c.namespace, name+"-canary"), canaryWeight)
					all += usersPart(t, server.Get(t, apiserver.Ingresses, c.namespace, name))
				}
				return all
			},
			Meddle: map[string]func(){
				"the canary is deleted": func() { c.remove(t, apiserver.Ingresses, names[0]+"-canary") },
				"every canary is deleted": func() {
					for _, name := range names {
						c.remove(t, apiserver.Ingresses, name+"-canary")
					}
				},
				"the main Ingress is deleted": func() { c.remove(t, apiserver.Ingresses, names[0]) },
				"the canary loses its mark": func() {
					c.edit(t, editor, apiserver.Ingresses, names[0]+"-canary", `{"metadata":{"annotations":{"nginx.ingress.kubernetes.io/canary":null}}}`)
				},
				"the canary's weight is no number": func() {
					c.edit(t, editor, apiserver.Ingresses, names[0]+"-canary", `{"metadata":{"annotations":{"`+canaryWeight+`":"much"}}}`)
				},
			},
			Break:  c.breaks(t, apiserver.Ingresses, names[0]+"-canary"),
			Secret: secret,
		}
	}
}

func TestIngressNginx(t *testing.T) {
	t.Parallel()
	trafficconf.Exercise(t, ingressHarness("web"))
}

func TestIngressNginxSeveral(t *testing.T) {
	t.Parallel()
	trafficconf.Exercise(t, ingressHarness("web", "api"))
}

func TestIngressNginxInChaos(t *testing.T) {
	t.Parallel()
	chaos.Exercise(t, ingressHarness("web", "api"))
}

func routeOf(epoch uint64, second release.Weight) release.Route {
	return release.Route{
		Service: service, Owner: "shop/1", Epoch: epoch,
		Weights: []release.ArmWeight{{Arm: "baseline", Weight: release.Whole - second}, {Arm: "candidate", Weight: second}},
	}
}

func TestIngressNginxGoesBackTogether(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router := c.pairs(t, "web", "api", "admin")
	weightOf := func(name string) string {
		return server.Get(t, apiserver.Ingresses, c.namespace, name+"-canary").GetAnnotations()[canaryWeight]
	}
	if err := router.Apply(soon(t), routeOf(1, 5_000)); err != nil {
		t.Fatal(err)
	}
	// The third patch of a raise is refused.
	c.Set(apiserver.Fault{Status: 403, Reason: "Forbidden", Methods: []string{"PATCH"}, Skip: 2, Times: 1})
	if err := router.Apply(soon(t), routeOf(2, 20_000)); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("a raise of which a part is refused: %v, want %q", err, release.ErrInvalid)
	}
	for _, name := range []string{"web", "api", "admin"} {
		if got := weightOf(name); got != "5" {
			t.Errorf("after it %s has %s, want 5", name, got)
		}
	}
	seen, err := router.Observed(soon(t))
	if err != nil || seen.Parts != nil || seen.Route.Epoch != 1 {
		t.Errorf("after it %+v is seen (%v), want epoch 1 everywhere", seen, err)
	}

	// On the way down every one goes that can.
	c.Set(apiserver.Fault{Status: 403, Reason: "Forbidden", Methods: []string{"PATCH"}, Times: 1})
	if err := router.Apply(soon(t), routeOf(3, 0)); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("a rollback of which a part is refused: %v, want %q", err, release.ErrInvalid)
	}
	apiserver.Eventually(t, "the parts differ", func() bool {
		seen, err = router.Observed(soon(t))
		return err == nil && len(seen.Parts) == 3
	})
	want := map[string]release.Weight{"web-canary": 5_000, "api-canary": 0, "admin-canary": 0}
	for _, part := range seen.Parts {
		if got := part.Weights[1].Weight; got != want[part.Name] {
			t.Errorf("%s serves %d, want %d", part.Name, got, want[part.Name])
		}
	}
	if got := seen.Route.Weights[1].Weight; got != 0 || seen.Route.Epoch != 3 {
		t.Errorf("the route is %+v, want that of the least", seen.Route)
	}
	if err := router.Apply(soon(t), routeOf(3, 0)); err != nil {
		t.Fatal(err)
	}
	noticed(t, router, 0)
}

func TestIngressNginxRefusesWhatWouldNotSplit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		main, canary string
		meaning      error
		says         string
	}{
		"not marked":        {"", "", release.ErrInvalid, "not marked as a canary"},
		"main is a canary":  {marked, marked, release.ErrInvalid, "is a canary itself"},
		"another host":      {"", marked, release.ErrInvalid, "other.example.com/"},
		"no main Ingress":   {"-", marked, release.ErrNotFound, "web"},
		"no canary Ingress": {"", "-", release.ErrNotFound, "web-canary"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			if test.main != "-" {
				server.Create(t, apiserver.Ingresses, c.namespace, fmt.Sprintf(mainAndCanary, "web", test.main))
			}
			if test.canary != "-" {
				text := fmt.Sprintf(mainAndCanary, "web-canary", test.canary)
				if name == "another host" {
					text = strings.ReplaceAll(text, "shop.example.com", "other.example.com")
				}
				server.Create(t, apiserver.Ingresses, c.namespace, text)
			}
			router := c.router(t, ingressnginx.Pair{Main: "web", Canary: "web-canary"})
			err := router.Apply(soon(t), routeOf(1, 5_000))
			if !errors.Is(err, test.meaning) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("apply: %v, want %q saying %q", err, test.meaning, test.says)
			}
		})
	}
}

// A canary that was deleted in the middle of a release has no weight; one that was
// never there is not found.
func TestIngressNginxACanaryThatWasDeleted(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router := c.pairs(t, "web", "api")
	if err := router.Apply(soon(t), routeOf(1, 20_000)); err != nil {
		t.Fatal(err)
	}
	restore := c.remove(t, apiserver.Ingresses, "web-canary")
	apiserver.Eventually(t, "the deletion is seen", func() bool {
		seen, err := router.Observed(soon(t))
		return err == nil && len(seen.Parts) == 2 && seen.Route.Weights[1].Weight == 0 && seen.Route.Epoch == 1
	})
	if err := router.Apply(soon(t), routeOf(2, 30_000)); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("a raise: %v, want %q", err, release.ErrNotFound)
	}
	if err := router.Apply(soon(t), routeOf(2, 0)); err != nil {
		t.Fatal(err)
	}
	noticed(t, router, 0)
	restore()
	apiserver.Eventually(t, "it is back with its old weight", func() bool {
		seen, err := router.Observed(soon(t))
		return err == nil && len(seen.Parts) == 2 && seen.Parts[0].Weights[1].Weight == 20_000
	})
	if err := router.Apply(soon(t), routeOf(2, 0)); err != nil {
		t.Fatal(err)
	}
	noticed(t, router, 0)

	c.remove(t, apiserver.Ingresses, "web-canary")
	pairs := []ingressnginx.Pair{{Main: "web", Canary: "web-canary"}, {Main: "api", Canary: "api-canary"}}
	if seen, err := c.router(t, pairs...).Observed(soon(t)); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("a release may begin without its canary: %+v, %v", seen, err)
	}
	c.remove(t, apiserver.Ingresses, "web")
	if err := c.router(t, pairs...).Apply(soon(t), routeOf(3, 0)); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("without either Ingress: %v, want %q", err, release.ErrNotFound)
	}
}

// A GitOps tool that owns the weight is named, and what it sets is seen.
func TestIngressNginxBesideArgoCD(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router := c.pairs(t, "web")
	if err := router.Apply(soon(t), routeOf(1, 5_000)); err != nil {
		t.Fatal(err)
	}
	c.applyAs(t, "argocd-controller", apiserver.Ingresses, "web-canary", `{"apiVersion":"networking.k8s.io/v1","kind":"Ingress",
		"metadata":{"name":"web-canary","annotations":{"argocd.argoproj.io/tracking-id":"shop:x","`+canaryWeight+`":"0"}}}`)
	noticed(t, router, 0)
	seen, err := router.Observed(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(seen.Writers, "; ")
	for _, want := range []string{"argocd-controller (server-side apply", "Argo CD (shop:x)"} {
		if !strings.Contains(got, want) {
			t.Errorf("writers are %q, want also %q", got, want)
		}
	}
	// Ours goes through, and Argo CD no longer owns the weight.
	if err := router.Apply(soon(t), routeOf(1, 5_000)); err != nil {
		t.Fatal(err)
	}
	noticed(t, router, 5_000)
	seen, err = router.Observed(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(seen.Writers, "; "); strings.Contains(got, "argocd-controller") || !strings.Contains(got, "Argo CD (shop:x)") {
		t.Errorf("writers are %q, want Argo CD by its mark alone", got)
	}
}

// A tool whose manifest does not say the weight leaves it alone, and is not taken
// for its writer.
func TestIngressNginxWhenGitLeavesTheWeightOut(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router := c.pairs(t, "web")
	if err := router.Apply(soon(t), routeOf(1, 5_500)); err != nil {
		t.Fatal(err)
	}
	c.applyAs(t, "kustomize-controller", apiserver.Ingresses, "web-canary", `{"apiVersion":"networking.k8s.io/v1","kind":"Ingress",
		"metadata":{"name":"web-canary","labels":{"kustomize.toolkit.fluxcd.io/name":"shop"},
		"annotations":{"nginx.ingress.kubernetes.io/canary-by-cookie":"mine"}},"spec":{"ingressClassName":"nginx"}}`)
	apiserver.Eventually(t, "the tool's mark is seen", func() bool {
		seen, err := router.Observed(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		if got := seen.Route.Weights[1].Weight; got != 5_500 {
			t.Fatalf("the weight is %d after the tool applied, want 5500", got)
		}
		got := strings.Join(seen.Writers, "; ")
		if strings.Contains(got, "kustomize-controller (") {
			t.Fatalf("writers are %q, and the tool does not write the weight", got)
		}
		return strings.Contains(got, "Flux Kustomization (shop)")
	})
}
