package apiserver_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/linnet-project/linnet/testbed/apiserver"
)

var server *apiserver.Server

func TestMain(m *testing.M) { apiserver.Main(m, &server) }

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 3
  template: { spec: { containers: [ { name: web, image: web:1 } ] } }
`

func TestBuiltinKindsAreServed(t *testing.T) {
	server.InstallBuiltin(t)
	server.InstallBuiltin(t) // again is nothing
	ns := server.Namespace(t)
	made := server.Create(t, apiserver.Deployments, ns, deployment)
	deployments := server.Client().Resource(apiserver.Deployments).Namespace(ns)

	scale, err := deployments.Get(t.Context(), "web", metav1.GetOptions{}, "scale")
	if err != nil {
		t.Fatal(err)
	}
	if n, _, _ := unstructured.NestedInt64(scale.Object, "spec", "replicas"); n != 3 {
		t.Errorf("the scale has %d replicas, want 3", n)
	}
	_, err = deployments.Patch(t.Context(), "web", types.MergePatchType, []byte(`{"status":{"readyReplicas":2}}`), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
	got := server.Get(t, apiserver.Deployments, ns, "web")
	if n, _, _ := unstructured.NestedInt64(got.Object, "status", "readyReplicas"); n != 2 {
		t.Errorf("%d ready replicas, want 2", n)
	}
	if got.GetGeneration() != made.GetGeneration() {
		t.Error("a change of the status changed the generation")
	}
}
