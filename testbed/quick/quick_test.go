// Package quick_test holds the providers on Kubernetes against a real API
// server in the test process: the quick tier, which make test runs.
package quick_test

import (
	"context"
	"testing"
	"time"

	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/traffic/kube"
)

var server *apiserver.Server

func TestMain(m *testing.M) { apiserver.Main(m, &server) }

// cluster is the API server behind a proxy that can misbehave, with a namespace
// of the test's own.
type cluster struct {
	*apiserver.Faulty
	namespace string
	client    *kube.Client
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	return newClusterWith(t, kube.Config{})
}

func newClusterWith(t *testing.T, cfg kube.Config) *cluster {
	t.Helper()
	server.InstallBuiltin(t)
	c := &cluster{Faulty: server.Faulty(t), namespace: server.Namespace(t)}
	cfg.Kubeconfig = apiserver.Kubeconfig(t, c.URL, c.namespace)
	client, err := kube.Connect(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.client = client
	return c
}

// soon is a context that ends before a test's patience does.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}
