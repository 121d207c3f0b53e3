package istio_test

import (
	"fmt"
	"strings"
	"testing"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	tcpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	"istio.io/istio/pilot/pkg/model"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/istio"
)

// sidecar is a proxy in the namespace of the mesh, as pilot sees it.
func (m *mesh) sidecar() *model.Proxy {
	return m.pilot.SetupProxy(&model.Proxy{ConfigNamespace: m.namespace})
}

// httpRoutes are routes, once pilot has the VirtualService as it is.
func (m *mesh) httpRoutes(t *testing.T) []string {
	t.Helper()
	m.settled(t, virtualServices, "checkout")
	return m.routes()
}

// routes are the routes that pilot gives a sidecar's Envoy for the service
// checkout: where each leads, in order, and what it mirrors.
func (m *mesh) routes() (out []string) {
	for _, config := range m.pilot.Routes(m.sidecar()) {
		for _, host := range config.GetVirtualHosts() {
			if !strings.HasPrefix(host.GetName(), "checkout.") {
				continue
			}
			for _, r := range host.GetRoutes() {
				out = append(out, r.GetName()+" "+leads(r.GetRoute()))
			}
		}
	}
	return out
}

// leads tells where an Envoy route leads: the subset of each cluster and its
// weight, and the mirrors with their millionths.
func leads(r *routev3.RouteAction) string {
	var out []string
	if c := r.GetCluster(); c != "" {
		out = append(out, subset(c))
	}
	for _, c := range r.GetWeightedClusters().GetClusters() {
		out = append(out, fmt.Sprintf("%s=%d", subset(c.GetName()), c.GetWeight().GetValue()))
	}
	for _, mirror := range r.GetRequestMirrorPolicies() {
		out = append(out, fmt.Sprintf("mirror %s %d", subset(mirror.GetCluster()), mirror.GetRuntimeFraction().GetDefaultValue().GetNumerator()))
	}
	return strings.Join(out, " ")
}

// subset is the part of a cluster's name, outbound|port|subset|host.
func subset(cluster string) string { return strings.Split(cluster, "|")[2] }

func TestEnvoyGetsWeightsTestersAndMirror(t *testing.T) {
	m := newShop(t, checkout)
	r := m.router(t, nil)
	before := strings.Join(m.httpRoutes(t), "; ")
	asked := route(1, 20_000)
	asked.Testers, asked.Mirror = release.Testers{Header: "X-Arm", Cookie: "arm"}, 50_000
	apply(t, r, asked)
	want := []string{
		"other stable",
		"linnet-testers-baseline-primary stable", "linnet-testers-baseline-primary stable",
		"linnet-testers-candidate-primary canary", "linnet-testers-candidate-primary canary",
		"primary stable=80 canary=20 mirror canary 400000",
	}
	if got := m.httpRoutes(t); strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("Envoy gets\n%s\nexpected\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	apply(t, r, route(2, 0))
	if got := strings.Join(m.httpRoutes(t), "; "); got != before {
		t.Errorf("in the end Envoy gets\n%s\nand had\n%s", got, before)
	}
	m.valid(t)
}

// streams is a service of TCP and TLS, in two versions.
const streams = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: checkout }
spec:
  hosts: [checkout.NAMESPACE.svc.cluster.local]
  addresses: [10.1.1.1]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [ { name: tcp-db, number: 5432, protocol: TCP }, { name: tls-db, number: 8443, protocol: TLS } ]
  endpoints:
  - { address: 10.0.0.1, labels: { version: v1 } }
  - { address: 10.0.0.2, labels: { version: v2 } }
`

const streamRoutes = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: checkout }
spec:
  hosts: [checkout.NAMESPACE.svc.cluster.local]
  tcp:
  - match: [ { port: 5432 } ]
    route: [ { destination: { host: checkout, subset: stable }, weight: 100 }, { destination: { host: checkout, subset: canary } } ]
  tls:
  - match: [ { port: 8443, sniHosts: [checkout.NAMESPACE.svc.cluster.local] } ]
    route: [ { destination: { host: checkout, subset: stable }, weight: 100 }, { destination: { host: checkout, subset: canary } } ]
`

func TestEnvoyGetsWeightsOfTCPAndTLS(t *testing.T) {
	m := newMesh(t)
	in := strings.NewReplacer("NAMESPACE", m.namespace)
	server.Create(t, serviceEntries, m.namespace, in.Replace(streams))
	server.Create(t, destinationRules, m.namespace, subsets)
	server.Create(t, virtualServices, m.namespace, in.Replace(streamRoutes))
	m.settled(t, serviceEntries, "checkout")
	m.settled(t, destinationRules, "checkout")
	r := m.router(t, func(c *istio.Config) { c.Routes = []string{istio.AllRoutes} })
	for i, step := range []struct {
		candidate release.Weight
		want      string
	}{{25_000, "stable=75 canary=25"}, {100_000, "canary=100"}, {0, "stable=100"}} {
		apply(t, r, route(uint64(i+1), step.candidate))
		m.settled(t, virtualServices, "checkout")
		for _, port := range []uint32{5432, 8443} {
			if got := m.tcp(t, port); got != step.want {
				t.Errorf("at %d Envoy gets %s on port %d, expected %s", step.candidate, got, port, step.want)
			}
		}
	}
	m.valid(t)
}

// tcp tells where the listener of a port leads.
func (m *mesh) tcp(t *testing.T, port uint32) string {
	t.Helper()
	for _, l := range m.pilot.Listeners(m.sidecar()) {
		if l.GetAddress().GetSocketAddress().GetPortValue() != port {
			continue
		}
		for _, chain := range l.GetFilterChains() {
			if out := streamLeads(t, chain); out != "" {
				return out
			}
		}
	}
	return "no listener"
}

func streamLeads(t *testing.T, chain *listenerv3.FilterChain) string {
	t.Helper()
	for _, filter := range chain.GetFilters() {
		config := &tcpv3.TcpProxy{}
		if filter.GetTypedConfig().UnmarshalTo(config) != nil {
			continue
		}
		if c := config.GetCluster(); strings.HasPrefix(c, "outbound|") {
			return subset(c)
		}
		var out []string
		for _, c := range config.GetWeightedClusters().GetClusters() {
			out = append(out, fmt.Sprintf("%s=%d", subset(c.GetName()), c.GetWeight()))
		}
		return strings.Join(out, " ")
	}
	return ""
}
