//go:build cluster && linux

package gateway_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/shop"
)

// stands puts the shop's versions behind the Services of a namespace.
func stands(t testing.TB, s *shop.Shop, namespace string) {
	t.Helper()
	services(t, namespace, map[string]string{"stable": s.Base.Address, "canary": s.Next.Address, "third": s.Base.Address})
}

// candidate reads the candidate's share from Traefik.
func (x *traefik) candidate(part string) func(context.Context) (release.Weight, error) {
	return func(ctx context.Context) (release.Weight, error) {
		all, err := x.weights(ctx, part)
		if err != nil || len(all) == 0 {
			return 0, fmt.Errorf("traefik serves %d services %s: %w", len(all), part, err)
		}
		most := 0 // of several rules the one with the most
		for _, one := range all {
			if total := sum(one); total > 0 {
				most = max(most, one[1]*int(release.Whole)/total)
			}
		}
		return release.Weight(most), nil
	}
}

func TestStoryOfAnHTTPRoute(t *testing.T) {
	installGateway(t)
	namespace := bed.Namespace(t)
	// Acceptance comes before what Traefik serves, by up to its throttle (2s); the
	// story holds the data plane to be at 0 when linnet ends.
	x := startTraefik(t, "50ms", "--providers.kubernetesgateway=true", "--providers.kubernetesgateway.namespaces="+namespace)
	s := shop.Open(t)
	stands(t, s, namespace)
	gatewayRoute(t, x, namespace, "")
	(&site{traefik: x, t: t}).answers()
	s.RollsBack(t, shop.Place{
		Name: "gatewayapi", URL: x.web, Weight: x.candidate("httproute-" + namespace),
		Traffic: fmt.Sprintf("gatewayAPI: { httpRoute: shop, kubeconfig: %q, namespace: %s, baseline: stable, candidate: canary }", bed.Kubeconfig(), namespace),
	})
}

func TestStoryOfATraefikService(t *testing.T) {
	installTraefik(t)
	namespace := bed.Namespace(t)
	x := startTraefik(t, "", "--providers.kubernetescrd=true", "--providers.kubernetescrd.namespaces="+namespace)
	s := shop.Open(t)
	stands(t, s, namespace)
	traefikService(t, namespace, "PathPrefix(`/`)")
	(&site{traefik: x, t: t}).answers()
	s.RollsBack(t, shop.Place{
		Name: "traefik-service", URL: x.web, Weight: x.candidate(namespace + "-shop@"),
		Traffic: fmt.Sprintf("traefik: { traefikService: { name: shop, kubeconfig: %q, namespace: %s, baseline: stable-mirrored, candidate: canary }, api: %q }",
			bed.Kubeconfig(), namespace, x.api),
	})
}

func TestStoryOfAFile(t *testing.T) {
	folder := t.TempDir()
	x := startTraefik(t, "", "--providers.file.directory="+folder)
	s := shop.Open(t)
	usersFile(t, folder, map[string]string{"stable": s.Base.Address, "canary": s.Next.Address})
	path := filepath.Join(folder, "linnet-shop.yml")
	must(t, os.WriteFile(path, []byte("http: { services: { shop: { weighted: { services: [ { name: stable, weight: 1 }, { name: canary, weight: 0 } ] } } } }\n"), 0o600))
	(&site{traefik: x, t: t}).answers()
	s.RollsBack(t, shop.Place{
		Name: "traefik-file", URL: x.web, Weight: x.candidate("shop@file"),
		Traffic: fmt.Sprintf("traefik: { file: { path: %q, baseline: stable, candidate: canary }, api: %q }", path, x.api),
	})
}
