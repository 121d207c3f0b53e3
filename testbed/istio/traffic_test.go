package istio_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/xds"
)

// patience bounds one request, the first of a client with all that it has to
// ask pilot for before.
const patience = 30 * time.Second

// echo answers with the name of its arm.
type echo struct {
	testpb.UnimplementedTestServiceServer
	arm string
}

func (e *echo) UnaryCall(context.Context, *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	return &testpb.SimpleResponse{ServerId: e.arm}, nil
}

// serve starts a gRPC server and gives its port.
func serve(t *testing.T, of testpb.TestServiceServer) int {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	testpb.RegisterTestServiceServer(s, of)
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().(*net.TCPAddr).Port
}

// entry is a ServiceEntry whose endpoints are servers on this machine, one for
// each version.
func entry(t *testing.T, namespace string, versions map[string]testpb.TestServiceServer) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: checkout }
spec:
  hosts: [checkout.%s.svc.cluster.local]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [ { name: grpc, number: 7070, protocol: GRPC } ]
  endpoints:
`, namespace)
	for version, of := range versions {
		fmt.Fprintf(&b, "  - { address: 127.0.0.1, ports: { grpc: %d }, labels: { version: %s } }\n", serve(t, of), version)
	}
	return b.String()
}

// clients make gRPC clients that take their routes from pilot.
type clients struct{ pilot, namespace string }

// dial makes a client of the service checkout that has asked nothing yet.
func (c clients) dial(t *testing.T) *client {
	t.Helper()
	resolver, err := xds.NewXDSResolverWithConfigForTesting(fmt.Appendf(nil, `{
		"xds_servers": [{"server_uri": %q, "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]}],
		"node": {"id": "sidecar~10.0.0.1~app.%[2]s~%[2]s.svc.cluster.local",
			"metadata": {"GENERATOR": "grpc", "NAMESPACE": %[2]q, "CLUSTER_ID": "Kubernetes"}}}`, c.pilot, c.namespace))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient("xds:///checkout."+c.namespace+".svc.cluster.local:7070",
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithResolvers(resolver))
	if err != nil {
		t.Fatal(err)
	}
	return &client{conn: conn, of: testpb.NewTestServiceClient(conn)}
}

type client struct {
	conn *grpc.ClientConn
	of   testpb.TestServiceClient
}

func (c *client) close() { c.conn.Close() }

// send sends requests with headers and counts who answered.
func (c *client) send(t *testing.T, n int, header http.Header) map[string]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for name, values := range header {
		for _, v := range values {
			ctx = metadata.AppendToOutgoingContext(ctx, strings.ToLower(name), v)
		}
	}
	got := map[string]int{}
	for range n {
		answer, err := c.of.UnaryCall(ctx, &testpb.SimpleRequest{}, grpc.WaitForReady(true))
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		got[answer.GetServerId()]++
	}
	return got
}

// send sends requests by a new client, which has the routes as they are now.
func (m *mesh) send(t *testing.T, n int, header http.Header) map[string]int {
	t.Helper()
	m.settled(t, virtualServices, "checkout")
	c := m.clients.dial(t)
	defer c.close()
	return c.send(t, n, header)
}
