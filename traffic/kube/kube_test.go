package kube

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/linnet-project/linnet/release"
)

// What talks to a cluster is tested in the module testbed, against a real one.

func objectWith(annotations map[string]string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetUID("u")
	o.SetResourceVersion("7")
	o.SetAnnotations(annotations)
	return o
}

func TestPatchesTestWhatTheyReplace(t *testing.T) {
	c := &Change{}
	c.Replace(Path{"spec", "a/b", "c~d", "0"}, int64(1), int64(2))
	c.Annotate("new", "n")
	c.Annotate("same", "s")
	c.Annotate("other", "o2")
	c.Unannotate("gone")
	c.Unannotate("never-there")
	got, err := c.json(objectWith(map[string]string{"same": "s", "other": "o1", "gone": "g"}))
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"op":"test","path":"/metadata/uid","value":"u"},` +
		`{"op":"test","path":"/metadata/resourceVersion","value":"7"},` +
		`{"op":"test","path":"/spec/a~1b/c~0d/0","value":1},{"op":"replace","path":"/spec/a~1b/c~0d/0","value":2},` +
		`{"op":"add","path":"/metadata/annotations/new","value":"n"},` +
		`{"op":"test","path":"/metadata/annotations/other","value":"o1"},{"op":"replace","path":"/metadata/annotations/other","value":"o2"},` +
		`{"op":"test","path":"/metadata/annotations/gone","value":"g"},{"op":"remove","path":"/metadata/annotations/gone","value":null}]`
	if string(got) != want {
		t.Errorf("the patch is\n%s\nwant\n%s", got, want)
	}
}

func TestAChangeOfNothingIsNoPatch(t *testing.T) {
	c := &Change{}
	c.Annotate("same", "s")
	c.Unannotate("never-there")
	if got, err := c.json(objectWith(map[string]string{"same": "s"})); got != nil || err != nil {
		t.Errorf("the patch is %s (%v), want none", got, err)
	}
}

func TestTheFirstAnnotationBringsTheMap(t *testing.T) {
	c := &Change{}
	c.Annotate("a", "1")
	got, err := c.json(objectWith(nil))
	if err != nil || !strings.Contains(string(got), `{"op":"add","path":"/metadata/annotations","value":{}},{"op":"add","path":"/metadata/annotations/a","value":"1"}`) {
		t.Errorf("the patch is %s (%v)", got, err)
	}
}

func TestWhatNeverReachedAServerIsUnavailable(t *testing.T) {
	o := &Object{resource: schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}, namespace: "shop", name: "web"}
	for _, err := range []error{
		&url.Error{Op: "Get", URL: "https://user:xxxxx@cluster/", Err: errors.New("connection refused")},
		errors.New("getting credentials: exec: executable aws failed with exit code 255"),
		apierrors.NewGenericServerResponse(http.StatusBadGateway, "patch", schema.GroupResource{}, "web", strings.Repeat("<html>\n", 500), 0, true),
	} {
		got := o.failure(t.Context(), "patch", err)
		if !errors.Is(got, release.ErrUnavailable) {
			t.Errorf("%v, want %q", got, release.ErrUnavailable)
		}
		if text := got.Error(); strings.Contains(text, "\n") || len(text) > 600 || !strings.HasPrefix(text, "patch deployments.apps shop/web: ") {
			t.Errorf("%q: is too long, or does not say what was tried", text)
		}
	}
}

// FuzzWriters: what managers have left in an object, or somebody put there, is
// read without panic, into few and short names.
func FuzzWriters(f *testing.F) {
	f.Add("kubectl", `{"f:spec":{"f:replicas":{}}}`, "shop")
	f.Add("argocd-controller", `{"f:spec":{}}`, "")
	f.Add("x", `{"f:spec":{"f:replicas":[]}}`, "y\nz")
	f.Add("", `not json`, strings.Repeat("long", 1000))
	f.Fuzz(func(t *testing.T, manager, fields, mark string) {
		o := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{
			"labels": map[string]any{"app.kubernetes.io/instance": mark, "kustomize.toolkit.fluxcd.io/name": mark},
		}}}
		if json.Valid([]byte(fields)) {
			o.SetManagedFields([]metav1.ManagedFieldsEntry{{
				Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(fields),
			}})
		}
		got := Writers(o, Path{"spec", "replicas"})
		if len(got) > mostWriters {
			t.Errorf("%d writers", len(got))
		}
		for _, w := range got {
			if len(w) > 600 || strings.ContainsAny(w, "\n\r") {
				t.Errorf("writer %q", w)
			}
		}
	})
}

// A kubeconfig that was named and names nothing is told by its name.
func TestAnEmptyKubeconfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Connect(Config{Kubeconfig: path})
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), path) {
		t.Errorf("an empty kubeconfig: %v", err)
	}
}
