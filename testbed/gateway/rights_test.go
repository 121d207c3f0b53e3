//go:build cluster && linux

package gateway_test

import (
	"errors"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/gatewayapi"
	"github.com/linnet-project/linnet/traffic/kube"
	provider "github.com/linnet-project/linnet/traffic/traefik"
)

// as connects as an account that may do what the rules say and no more.
func as(t testing.TB, namespace string, rules []kube.Rule) *kube.Client {
	t.Helper()
	var all []rbacv1.PolicyRule
	for _, r := range rules {
		all = append(all, rbacv1.PolicyRule{APIGroups: []string{r.Group}, Resources: []string{r.Resource}, ResourceNames: r.Names, Verbs: r.Verbs})
	}
	c, err := kube.Connect(kube.Config{Kubeconfig: bed.Account(t, namespace, all), Namespace: namespace})
	must(t, err)
	return c
}

func TestLeastRightsOnAnHTTPRoute(t *testing.T) {
	installGateway(t)
	g := openGateway(t, startTraefik(t, "20ms", "--providers.kubernetesgateway=true"))
	cfg := gatewayapi.Config{Kind: gatewayapi.HTTPRoutes(), Name: "shop", Service: service,
		Arms: []gatewayapi.Arm{{Name: "baseline", Backend: "stable"}, {Name: "candidate", Backend: "canary"}}}
	cfg.Client = as(t, g.namespace, gatewayapi.Rights(cfg, false))
	r, err := gatewayapi.New(cfg)
	must(t, err)
	t.Cleanup(r.Close)
	must(t, r.Apply(t.Context(), route(1, release.Whole)))
	noticed(t, r, release.Whole)
	g.follows("candidate")
	mirrors := route(2, release.Whole/2)
	mirrors.Mirror = release.Whole
	if err := r.Apply(t.Context(), mirrors); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), `resources: ["gateways"]`) {
		t.Errorf("mirroring without its rights: %v", err)
	}
}

func TestLeastRightsOnATraefikService(t *testing.T) {
	installTraefik(t)
	s, namespace, _ := openService(t, startTraefik(t, "20ms", "--providers.kubernetescrd=true"))
	cfg := provider.ServiceConfig{Name: "shop", Service: service, API: s.api,
		Arms: []provider.Arm{{Name: "baseline", Backend: "stable-mirrored"}, {Name: "candidate", Backend: "canary"}}}
	cfg.Client = as(t, namespace, provider.ServiceRights(cfg, true))
	r, err := provider.NewService(cfg)
	must(t, err)
	t.Cleanup(r.Close)
	mirrors := route(1, release.Whole/2)
	mirrors.Mirror = release.Whole
	must(t, r.Apply(t.Context(), mirrors))
	must(t, r.Apply(t.Context(), route(2, release.Whole)))
	noticed(t, r, release.Whole)
	s.follows("candidate")
}
