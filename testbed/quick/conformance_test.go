package quick_test

import (
	"encoding/json"
	"errors"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

const (
	service = "shop"
	editor  = "kubectl-edit"
	// secret is the token in the kubeconfig.
	secret = "a-secret-token"
)

func arms() []string { return []string{"baseline", "candidate"} }

// breaks makes the cluster fail in one way; holder is the object that holds the
// split.
func (c *cluster) breaks(t *testing.T, resource schema.GroupVersionResource, holder string) func(trafficconf.Fault) func() {
	faults := map[trafficconf.Fault]apiserver.Fault{
		trafficconf.Throttled:   {Status: 429, Reason: "TooManyRequests", Message: "slow down", RetryAfter: 1},
		trafficconf.Failing:     {Status: 500, Reason: "InternalError", Message: "etcdserver: request timed out"},
		trafficconf.Unreachable: {Drop: true},
		trafficconf.Hanging:     {Hang: true},
		trafficconf.Broken:      {Drop: true, After: true, Methods: []string{"PATCH"}},
		trafficconf.Forbidden:   {Status: 403, Reason: "Forbidden", Message: "no"},
		trafficconf.Contested:   {Status: 409, Reason: "Conflict", Message: "the object has been modified", Methods: []string{"PATCH"}},
		trafficconf.Lying:       {Lie: true, Methods: []string{"PATCH"}},
	}
	return func(fault trafficconf.Fault) func() {
		if fault == trafficconf.Missing {
			return c.remove(t, resource, holder)
		}
		set, ok := faults[fault]
		if !ok {
			return nil
		}
		c.Set(set)
		c.Cut() // a watch that is open would go on telling the truth
		return c.Lift
	}
}

// remove deletes an object, and gives what brings it back.
func (c *cluster) remove(t *testing.T, resource schema.GroupVersionResource, name string) func() {
	objects := server.Client().Resource(resource).Namespace(c.namespace)
	was := server.Get(t, resource, c.namespace, name)
	if err := objects.Delete(soon(t), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	return func() {
		was.SetResourceVersion("")
		was.SetUID("")
		was.SetManagedFields(nil)
		if _, err := objects.Create(soon(t), was, metav1.CreateOptions{FieldManager: "test"}); err != nil {
			t.Fatal(err)
		}
	}
}

// edit patches an object past Linnet, as a named field manager.
func (c *cluster) edit(t *testing.T, manager string, resource schema.GroupVersionResource, name, patch string) {
	t.Helper()
	_, err := server.Client().Resource(resource).Namespace(c.namespace).Patch(
		soon(t), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: manager})
	if err != nil {
		t.Fatal(err)
	}
}

// applyAs applies an object on the server's side, by force, as GitOps tools do.
func (c *cluster) applyAs(t *testing.T, manager string, resource schema.GroupVersionResource, name, object string) {
	t.Helper()
	force := true
	_, err := server.Client().Resource(resource).Namespace(c.namespace).Patch(
		soon(t), name, types.ApplyPatchType, []byte(object), metav1.PatchOptions{FieldManager: manager, Force: &force})
	if err != nil {
		t.Fatal(err)
	}
}

// noticed waits until a change made past a router has come to it: a watch tells
// within moments, not at once.
func noticed(t *testing.T, r trafficconf.Router, second release.Weight) {
	t.Helper()
	apiserver.Eventually(t, "the edit is noticed", func() bool {
		seen, err := r.Observed(soon(t))
		if err != nil && !errors.Is(err, release.ErrUnavailable) {
			t.Fatal(err)
		}
		return err == nil && seen.Parts == nil && seen.Route.Weights[1].Weight == second
	})
}

// usersPart is an object without what the server or Linnet keeps in it.
func usersPart(t *testing.T, object *unstructured.Unstructured, without ...string) string {
	t.Helper()
	object = object.DeepCopy()
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp"} {
		unstructured.RemoveNestedField(object.Object, "metadata", field)
	}
	annotations := object.GetAnnotations()
	for _, key := range append(without, kube.StampKey) {
		delete(annotations, key)
	}
	if len(annotations) == 0 {
		annotations = nil // no annotations and none at all are the same
	}
	object.SetAnnotations(annotations)
	text, err := json.MarshalIndent(object.Object, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
