//go:build cluster && linux

package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/testbed/cluster"
	provider "github.com/linnet-project/linnet/traffic/traefik"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

func abilities(t testing.TB) []release.Ability {
	t.Helper()
	p, ok := spec.ProviderOf("traefik")
	if !ok {
		t.Fatal("there is no provider traefik")
	}
	return p.Abilities
}

// installTraefik serves Traefik's own kinds.
func installTraefik(t testing.TB) {
	t.Helper()
	install(t, "github.com/traefik/traefik/v3", "docs/content/reference/dynamic-configuration", "traefik.io_*.yaml", provider.Services(),
		gvr("traefik.io", "v1alpha1", "ingressroutes"), gvr("traefik.io", "v1alpha1", "tlsstores"))
}

// traefikService makes an IngressRoute that leads to a weighted service whose
// baseline can mirror.
func traefikService(t testing.TB, namespace, match string) {
	t.Helper()
	create(t, gvr("traefik.io", "v1alpha1", "ingressroutes"), namespace, fmt.Sprintf(`
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: shop }
spec:
  entryPoints: [ web ]
  routes: [ { kind: Rule, match: %q, services: [ { name: shop, kind: TraefikService } ] } ]
`, match))
	create(t, provider.Services(), namespace, `
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: { name: stable-mirrored }
spec: { mirroring: { name: stable, port: 80 } }
---
apiVersion: traefik.io/v1alpha1
kind: TraefikService
metadata: { name: shop }
spec:
  weighted:
    services:
      - { name: stable-mirrored, kind: TraefikService, weight: 1 }
      - { name: canary, port: 80, weight: 0 }
      - { name: third, port: 80, weight: 0 }
`)
}

func openService(t testing.TB, x *traefik) (*site, string, *provider.Service) {
	t.Helper()
	namespace := bed.Namespace(t)
	s := &site{traefik: x, backends: openBackends(t), t: t, host: namespace + ".example.com"}
	services(t, namespace, s.addresses)
	traefikService(t, namespace, fmt.Sprintf("Host(`%s`)", s.host))
	cfg := provider.ServiceConfig{Client: connect(t, namespace), Name: "shop", Service: service, API: x.api,
		Arms: []provider.Arm{{Name: "baseline", Backend: "stable-mirrored"}, {Name: "candidate", Backend: "canary"}, {Name: "third", Backend: "third"}}}
	r, err := provider.NewService(cfg)
	must(t, err)
	t.Cleanup(r.Close)
	s.follows("baseline")
	return s, namespace, r
}

// follows waits until all requests go to an arm.
func (s *site) follows(arm string) {
	s.t.Helper()
	cluster.Eventually(s.t, "traffic at "+arm, func(context.Context) bool { return s.split(6)[arm] == 6 })
}

func TestTraefikServiceConforms(t *testing.T) {
	installTraefik(t)
	x := startTraefik(t, "20ms", "--providers.kubernetescrd=true")
	trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness {
		s, namespace, r := openService(t, x)
		return trafficconf.Harness{
			Router: r, Service: service, Arms: armNames(), Fences: true, Abilities: abilities(t),
			Split: s.split, Send: s.send, Copies: s.copies, Editor: editor,
			Edit: func(second release.Weight) {
				edit(t, provider.Services(), namespace, "shop", fmt.Sprintf(
					`[{"op":"replace","path":"/spec/weighted/services/0/weight","value":%d},{"op":"replace","path":"/spec/weighted/services/1/weight","value":%d}]`, release.Whole-second, second))
				noticed(t, r, second)
			},
		}
	})
}

// fileSite is a Traefik with a folder, where a file of the user's has a router
// and the services, and one is Linnet's.
func openFile(t testing.TB, throttle string) (*site, provider.FileConfig, *provider.File) {
	t.Helper()
	folder := t.TempDir()
	x := startTraefik(t, throttle, "--providers.file.directory="+folder)
	s := &site{traefik: x, backends: openBackends(t), t: t}
	usersFile(t, folder, s.addresses)
	cfg := provider.FileConfig{Path: filepath.Join(folder, "linnet-shop.yml"), Weighted: "shop", Service: service, API: x.api}
	for _, a := range arms {
		cfg.Arms = append(cfg.Arms, provider.Arm{Name: a.arm, Backend: a.service})
	}
	r, err := provider.NewFile(cfg)
	must(t, err)
	t.Cleanup(r.Close)
	cluster.Eventually(t, "Traefik to have read the user's file", func(ctx context.Context) bool {
		return x.ask(ctx, "/api/http/services/canary@file", nil) == nil
	})
	return s, cfg, r
}

func usersFile(t testing.TB, folder string, addresses map[string]string) {
	t.Helper()
	text := "http:\n  routers:\n    shop: { rule: \"PathPrefix(`/`)\", service: shop, entryPoints: [ web ] }\n  services:\n"
	for name, address := range addresses {
		text += fmt.Sprintf("    %s: { loadBalancer: { servers: [ { url: \"http://%s\" } ] } }\n", name, address)
	}
	must(t, os.WriteFile(filepath.Join(folder, "shop.yml"), []byte(text), 0o600))
}

func TestFileConforms(t *testing.T) {
	trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness {
		s, cfg, r := openFile(t, "20ms")
		return trafficconf.Harness{
			Router: r, Service: service, Arms: armNames(), Fences: true, Abilities: abilities(t),
			Split: s.split, Send: s.send, Copies: s.copies,
			Restart: func() trafficconf.Router {
				again, err := provider.NewFile(cfg)
				must(t, err)
				t.Cleanup(again.Close)
				return again
			},
			Edit: func(second release.Weight) {
				text, err := os.ReadFile(cfg.Path)
				must(t, err)
				lines := strings.Split(string(text), "\n")
				for i, line := range lines {
					switch {
					case strings.Contains(line, `- name: "stable"`):
						lines[i+1] = fmt.Sprintf("            weight: %d", release.Whole-second)
					case strings.Contains(line, `- name: "canary"`):
						lines[i+1] = fmt.Sprintf("            weight: %d", second)
					}
				}
				must(t, os.WriteFile(cfg.Path, []byte(strings.Join(lines, "\n")), 0o600))
			},
		}
	})
}

// A user stays in an arm by Traefik's cookie, until the arm has no weight.
func TestStickyUsersGoBackWithTheWeight(t *testing.T) {
	s, _, r := openFile(t, "20ms")
	half := route(1, release.Whole/2)
	half.Sticky = release.Sticky{Cookie: "shop-arm", For: time.Hour}
	must(t, r.Apply(t.Context(), half))
	users := map[string]http.Header{}
	for len(users) < 2 {
		arm, cookies := s.get(nil, "/")
		if len(cookies) != 1 || cookies[0].Name != "shop-arm" || cookies[0].MaxAge != 3600 {
			t.Fatalf("cookies are %v", cookies)
		}
		users[arm] = http.Header{"Cookie": {cookies[0].Name + "=" + cookies[0].Value}}
	}
	for arm, header := range users {
		if got := s.send(20, header); got[arm] != 20 {
			t.Errorf("a user of %s went %v", arm, got)
		}
	}
	back := half
	back.Epoch, back.Weights = 2, route(2, 0).Weights
	must(t, r.Apply(t.Context(), back))
	if got := s.send(20, users["candidate"]); got["baseline"] != 20 {
		t.Errorf("with no weight for the candidate its user went %v", got)
	}
}

// A broken file of somebody else's keeps Traefik on what it had: that is told,
// and what is served is read back.
func TestABrokenFileBeside(t *testing.T) {
	s, cfg, r := openFile(t, "20ms")
	must(t, r.Apply(t.Context(), route(1, 10_000)))
	folder := filepath.Dir(cfg.Path)
	must(t, os.WriteFile(filepath.Join(folder, "theirs.yml"), []byte("http: [broken"), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	err := r.Apply(ctx, route(2, release.Whole))
	t.Logf("says: %v", err)
	if err == nil {
		t.Error("Apply says that it is done")
	}
	seen, err := r.Observed(t.Context())
	must(t, err)
	if seen.Route.Weights[1].Weight != 10_000 {
		t.Errorf("read back %+v while Traefik serves 10%%", seen.Route.Weights)
	}
	must(t, os.Remove(filepath.Join(folder, "theirs.yml")))
	must(t, r.Apply(t.Context(), route(2, release.Whole)))
	if got := s.split(20); got["candidate"] != 20 {
		t.Errorf("mended, requests go %v", got)
	}
}

// How long a change takes with Traefik as it comes.
func TestFileReachesTraffic(t *testing.T) {
	s, _, r := openFile(t, "")
	must(t, r.Apply(t.Context(), route(1, 0)))
	reaches(t, "file", r, s, 3*time.Second)
	reaches(t, "file", r, s, 10*time.Millisecond)
}

func TestTraefikServiceReachesTraffic(t *testing.T) {
	installTraefik(t)
	s, _, r := openService(t, startTraefik(t, "", "--providers.kubernetescrd=true"))
	reaches(t, "TraefikService", r, s, 3*time.Second)
	reaches(t, "TraefikService", r, s, 10*time.Millisecond)
}
