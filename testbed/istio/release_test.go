//go:build linux

package istio_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/testbed/shop"
	"github.com/linnet-project/linnet/traffic/istio"
)

// version answers over gRPC what a version of the shop answers over HTTP.
type version struct {
	testpb.UnimplementedTestServiceServer
	of *shop.Version
}

func (v *version) UnaryCall(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return nil, err
	}
	answer := httptest.NewRecorder()
	v.of.ServeHTTP(answer, r)
	return &testpb.SimpleResponse{ServerId: v.of.Name, Hostname: strconv.Itoa(answer.Code)}, nil
}

// front lets users in over HTTP: it is a workload of the mesh without a proxy,
// which asks the service checkout over gRPC and passes on what it says.
func (m *mesh) front(t *testing.T) string {
	t.Helper()
	c := m.clients.dial(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := c.of.UnaryCall(r.Context(), &testpb.SimpleRequest{})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set(shop.VersionHeader, answer.GetServerId())
		status, _ := strconv.Atoi(answer.GetHostname())
		w.WriteHeader(status)
	}))
	t.Cleanup(func() { server.Close(); c.close() })
	return server.URL
}

// A bad candidate is found by a real linnet through real traffic by pilot's
// routes and a real Prometheus, and gets nothing any more.
func TestReleaseRollsBack(t *testing.T) {
	s := shop.Open(t)
	m := newMesh(t)
	server.Create(t, serviceEntries, m.namespace, entry(t, m.namespace, map[string]testpb.TestServiceServer{
		"v1": &version{of: s.Base}, "v2": &version{of: s.Next},
	}))
	server.Create(t, destinationRules, m.namespace, subsets)
	server.Create(t, virtualServices, m.namespace, checkout)
	m.settled(t, serviceEntries, "checkout")
	m.settled(t, destinationRules, "checkout")
	m.settled(t, virtualServices, "checkout")
	s.RollsBack(t, shop.Place{
		Name: "istio", URL: m.front(t),
		Traffic: fmt.Sprintf(`istio: { virtualService: checkout, kubeconfig: %q,
    baseline: { host: checkout, subset: stable }, candidate: { host: checkout, subset: canary } }`, m.kubeconfig),
		Weight: func(context.Context) (release.Weight, error) { return m.canary() },
	})
	m.valid(t)
	apiserver.Eventually(t, "no testers or mirror stay behind", func() bool { return len(m.httpRoutes(t)) == 2 })
}

// canary is the candidate's share of the route primary, as Envoy would have it.
func (m *mesh) canary() (release.Weight, error) {
	for _, r := range m.routes() {
		leads, ok := strings.CutPrefix(r, "primary ")
		if !ok {
			continue
		}
		for _, part := range strings.Fields(leads) {
			if share, ok := strings.CutPrefix(part, "canary="); ok {
				percent, err := strconv.Atoi(share)
				return release.Weight(percent) * istio.Grain, err
			}
		}
		return 0, nil
	}
	return 0, fmt.Errorf("pilot has no route primary")
}
