//go:build cluster && linux

package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/testbed/cluster"
	"github.com/linnet-project/linnet/traffic/istio"
	"github.com/linnet-project/linnet/traffic/kube"
)

var virtualServices = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "virtualservices"}

const mesh = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: checkout }
spec:
  hosts: [checkout]
  http:
  - route:
    - { destination: { host: checkout, subset: stable }, weight: 100 }
    - { destination: { host: checkout, subset: canary }, weight: 0 }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: checkout }
spec:
  host: checkout
  subsets: [ { name: stable, labels: { version: v1 } }, { name: canary, labels: { version: v2 } } ]
`

// create makes the objects of a YAML file, and waits for kinds that are not
// served yet.
func create(t *testing.T, client dynamic.Interface, namespace string, text []byte) {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(&object.Object); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if len(object.Object) == 0 {
			continue
		}
		of := object.GroupVersionKind().GroupVersion().WithResource(strings.ToLower(object.GetKind()) + "s")
		cluster.Eventually(t, object.GetName()+" is made", func(ctx context.Context) bool {
			var into dynamic.ResourceInterface = client.Resource(of)
			if namespace != "" {
				into = client.Resource(of).Namespace(namespace)
			}
			_, err := into.Create(ctx, object, metav1.CreateOptions{FieldManager: "test"})
			if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsAlreadyExists(err) {
				t.Fatal(err)
			}
			return err == nil || apierrors.IsAlreadyExists(err)
		})
	}
}

// The rights that Istio's provider says it needs are enough for all it does, and
// where one is missing, the error names it.
func TestIstioRights(t *testing.T) {
	t.Parallel()
	namespace := bed.Namespace(t)
	client, err := dynamic.NewForConfig(bed.Config())
	if err != nil {
		t.Fatal(err)
	}
	create(t, client, "", apiserver.Only(apiserver.Module(t, "istio.io/api", "kubernetes/customresourcedefinitions.gen.yaml"),
		"virtualservices.networking.istio.io", "destinationrules.networking.istio.io"))
	create(t, client, namespace, []byte(mesh))
	arms := []istio.Arm{{Name: "baseline", Host: "checkout", Subset: "stable"}, {Name: "candidate", Host: "checkout", Subset: "canary"}}
	rules := istio.Rights("", "checkout", arms)[""]

	kubeconfig := town{namespace: namespace}.account(t, rules)
	connect := func(kubeconfig string) *istio.Router {
		client, err := kube.Connect(kube.Config{Kubeconfig: kubeconfig})
		if err != nil {
			t.Fatal(err)
		}
		r, err := istio.New(istio.Config{Client: client, Service: "shop", VirtualService: "checkout", Arms: arms})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		return r
	}
	r := connect(kubeconfig)
	route := release.Route{Service: "shop", Epoch: 1, Owner: "shop/1", Weights: []release.ArmWeight{{Arm: "baseline", Weight: 90_000}, {Arm: "candidate", Weight: 10_000}}}
	if err := r.Ready(t.Context(), "candidate"); err != nil {
		t.Error(err)
	}
	if err := r.Apply(t.Context(), route); err != nil {
		t.Error(err)
	}
	if seen, err := r.Observed(t.Context()); err != nil || seen.Route.Weights[1].Weight != 10_000 {
		t.Errorf("read back %+v, %v", seen.Route, err)
	}
	// Without the right to watch, reading back would go on by asking each time.
	own, err := dynamic.NewForConfig(cluster.Reach(t, kubeconfig))
	if err != nil {
		t.Fatal(err)
	}
	watch, err := own.Resource(virtualServices).Namespace(namespace).Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=checkout"})
	if err != nil {
		t.Fatal(err)
	}
	watch.Stop()

	reader := connect(bed.Account(t, namespace, []rbacv1.PolicyRule{{APIGroups: []string{"networking.istio.io"}, Resources: []string{"virtualservices"}, Verbs: []string{"get"}}}))
	route.Epoch = 2
	if err := reader.Apply(t.Context(), route); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), `verbs: ["patch"]`) {
		t.Errorf("without the right to patch: %v, expected %q", err, release.ErrInvalid)
	}
	if err := reader.Ready(t.Context(), "candidate"); err == nil || !strings.Contains(err.Error(), `resources: ["destinationrules"], verbs: ["list"]`) {
		t.Errorf("without the right to list DestinationRules: %v", err)
	}
}
