package quick_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/traefik"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

// The baseline is a service that can mirror, and has a mirror of the user's.
const traefikServices = `
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: { name: shop, annotations: { example.com/note: "keep" } }
spec:
  weighted:
    services:
      - { name: retired, port: 80, weight: 0 }
      - { name: stable-mirrored, kind: TraefikService, weight: 3 }
      - { name: canary, port: http, weight: 1, passHostHeader: false }
      - { name: third, port: 80, weight: 0 }
---
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: { name: stable-mirrored, annotations: { example.com/note: "keep" } }
spec:
  mirroring:
    name: stable
    port: 80
    mirrors: [ { name: archive, port: 80, percent: 5 } ]
`

// traefikCRD is the definition as Traefik publishes it with its code.
func traefikCRD(t *testing.T) []byte {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "-C", "../traefik", "list", "-m", "-f", "{{.Dir}}", "github.com/traefik/traefik/v3").Output()
	if err != nil {
		t.Fatalf("where Traefik's module is: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "docs/content/reference/dynamic-configuration/traefik.io_traefikservices.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newTraefik(t *testing.T, change func(*traefik.ServiceConfig)) (*cluster, *traefik.Service) {
	t.Helper()
	server.Install(t, traefikCRD(t))
	c := newCluster(t)
	for _, text := range strings.Split(traefikServices, "---") {
		server.Create(t, traefik.Services(), c.namespace, text)
	}
	cfg := traefik.ServiceConfig{Client: c.client, Name: "shop", Service: service, Arms: []traefik.Arm{
		{Name: "baseline", Backend: "stable-mirrored"}, {Name: "candidate", Backend: "canary:http"}, {Name: "third", Backend: "third"},
	}}
	if change != nil {
		change(&cfg)
	}
	s, err := traefik.NewService(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return c, s
}

func (c *cluster) patchTraefik(t *testing.T, name, patch string) {
	t.Helper()
	_, err := server.Client().Resource(traefik.Services()).Namespace(c.namespace).Patch(soon(t), name, types.JSONPatchType, []byte(patch), metav1.PatchOptions{FieldManager: editor})
	if err != nil {
		t.Fatal(err)
	}
}

func (c *cluster) traefikUsers(t *testing.T) string {
	shop := server.Get(t, traefik.Services(), c.namespace, "shop")
	weighted := shop.Object["spec"].(map[string]any)["weighted"].(map[string]any)
	for _, s := range weighted["services"].([]any)[1:] {
		delete(s.(map[string]any), "weight")
	}
	mirrored := server.Get(t, traefik.Services(), c.namespace, "stable-mirrored")
	return usersPart(t, shop, "linnet.dev/sticky", "linnet.dev/mirror") + usersPart(t, mirrored)
}

func TestTraefikServiceConforms(t *testing.T) {
	t.Parallel()
	trafficconf.Exercise(t, traefikHarness)
}

func TestTraefikServiceInChaos(t *testing.T) {
	t.Parallel()
	chaos.Exercise(t, traefikHarness)
}

func traefikHarness(t *testing.T) trafficconf.Harness {
	c, s := newTraefik(t, nil)
	return trafficconf.Harness{
		Router: s, Service: service, Arms: []string{"baseline", "candidate", "third"}, Abilities: abilities(t, "traefik"), Fences: true,
		Edit: func(second release.Weight) {
			c.patchTraefik(t, "shop", fmt.Sprintf(`[{"op":"replace","path":"/spec/weighted/services/1/weight","value":%d},{"op":"replace","path":"/spec/weighted/services/2/weight","value":%d}]`,
				release.Whole-second, second))
			noticed(t, s, second)
		},
		Editor: editor, Secret: secret, Break: c.breaks(t, traefik.Services(), "shop"),
		Users: func() string { return c.traefikUsers(t) },
	}
}

func TestTraefikServiceRefusesWhatWouldNotSplit(t *testing.T) {
	t.Parallel()
	raise := release.Route{Service: service, Epoch: 1, Owner: "shop/1", Weights: []release.ArmWeight{{Arm: "baseline", Weight: 90_000}, {Arm: "candidate", Weight: 10_000}}}
	mirrors, sticks := raise, raise
	mirrors.Mirror, sticks.Sticky.Cookie = release.Whole, "arm"
	for _, test := range []struct {
		name, of, edit string
		route          release.Route
		says           string
	}{
		{"another service with a weight", "shop", `[{"op":"replace","path":"/spec/weighted/services/0/weight","value":1}]`, raise, "retired"},
		{"an arm twice", "shop", `[{"op":"add","path":"/spec/weighted/services/-","value":{"name":"canary","port":"http","kind":"Service"}}]`, raise, "twice"},
		{"an arm missing", "shop", `[{"op":"remove","path":"/spec/weighted/services/2"}]`, raise, "add it with weight 0"},
		{"not weighted", "shop", `[{"op":"remove","path":"/spec/weighted"}]`, raise, "not weighted"},
		{"a cookie of the user's", "shop", `[{"op":"add","path":"/spec/weighted/sticky","value":{"cookie":{"name":"theirs"}}}]`, sticks, "of its own"},
		{"a mirror of the user's", "stable-mirrored", `[{"op":"add","path":"/spec/mirroring/mirrors/-","value":{"name":"canary","port":"http"}}]`, mirrors, "not ours"},
		{"a baseline that cannot mirror", "stable-mirrored", `[{"op":"remove","path":"/spec/mirroring"}]`, mirrors, "cannot mirror"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s := newTraefik(t, nil)
			c.patchTraefik(t, test.of, test.edit)
			before := server.Get(t, traefik.Services(), c.namespace, "shop").GetResourceVersion()
			err := s.Apply(soon(t), test.route)
			if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q saying %q", err, release.ErrInvalid, test.says)
			}
			if server.Get(t, traefik.Services(), c.namespace, "shop").GetResourceVersion() != before {
				t.Error("it was changed")
			}
		})
	}
}

// What is left of a mirror does not keep a rollback from being made, and goes
// with it.
func TestTraefikServiceStopsToMirror(t *testing.T) {
	t.Parallel()
	c, s := newTraefik(t, nil)
	before := c.traefikUsers(t)
	route := release.Route{Service: service, Epoch: 1, Owner: "shop/1", Mirror: release.Whole / 4,
		Weights: []release.ArmWeight{{Arm: "baseline", Weight: 90_000}, {Arm: "candidate", Weight: 10_000}}}
	if err := s.Apply(soon(t), route); err != nil {
		t.Fatal(err)
	}
	mirrored := server.Get(t, traefik.Services(), c.namespace, "stable-mirrored")
	if text := usersPart(t, mirrored); !strings.Contains(text, `"percent": 25`) || !strings.Contains(text, `"archive"`) {
		t.Errorf("while it mirrors: %s", text)
	}
	c.Set(apiserver.Fault{Status: 500, Methods: []string{"PATCH"}, Times: 1, After: true})
	back := route
	back.Epoch, back.Mirror, back.Weights = 2, 0, []release.ArmWeight{{Arm: "baseline", Weight: release.Whole}, {Arm: "candidate"}}
	if err := s.Apply(soon(t), back); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("half of it: %v", err)
	}
	if err := s.Apply(soon(t), back); err != nil {
		t.Fatal(err)
	}
	if after := c.traefikUsers(t); after != before {
		t.Errorf("after the end\n%s\nbefore\n%s", after, before)
	}
}
