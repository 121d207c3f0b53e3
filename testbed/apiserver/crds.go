package apiserver

import (
	"bytes"
	"context"
	_ "embed" // the CRDs
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
)

var (
	create = metav1.CreateOptions{FieldManager: "test"}
	get    = metav1.GetOptions{}

	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
)

//go:embed builtin.yaml
var builtin []byte

// Kubernetes' own kinds that InstallBuiltin serves.
var (
	Ingresses   = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"}
	Deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	Autoscalers = schema.GroupVersionResource{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"}
)

// InstallBuiltin serves Ingresses, Deployments and HorizontalPodAutoscalers,
// with status and scale where they have them, as custom resources that nothing
// controls. The full tier has the real ones.
func (s *Server) InstallBuiltin(t testing.TB) {
	t.Helper()
	s.Install(t, builtin)
}

// Module reads a file of a Go module that this module requires, such as the
// CRDs that a project publishes beside its types.
func Module(t testing.TB, module, file string) []byte {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v; does testbed/go.mod require it?", module, err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Only keeps, of a file of CustomResourceDefinitions, those with these names: a
// server that serves fewer kinds is ready sooner.
func Only(text []byte, names ...string) []byte {
	var kept [][]byte
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		for _, name := range names {
			if bytes.Contains(document, []byte("\n  name: "+name+"\n")) {
				kept = append(kept, document)
			}
		}
	}
	return bytes.Join(kept, []byte("\n---\n"))
}

// Install makes the server serve the CustomResourceDefinitions of a YAML file
// (other documents are passed over) and waits until it does. Installing again
// what is there does nothing.
func (s *Server) Install(t testing.TB, text []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.install(ctx, text); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) install(ctx context.Context, text []byte) error {
	objects, err := documents(text)
	if err != nil {
		return err
	}
	for _, crd := range objects {
		if crd.GetKind() != "CustomResourceDefinition" {
			continue
		}
		// The API of CRDs refuses groups without a dot, such as apps, which
		// are Kubernetes' own. Whatever is stored is served, though.
		if group, _, _ := unstructured.NestedString(crd.Object, "spec", "group"); strings.Contains(group, ".") {
			_, err = s.client.Resource(definitions).Create(ctx, crd, create)
			if apierrors.IsAlreadyExists(err) {
				err = nil
			}
		} else {
			err = s.store(ctx, crd)
		}
		if err != nil {
			return fmt.Errorf("install %s: %w", crd.GetName(), err)
		}
	}
	for _, crd := range objects {
		if crd.GetKind() != "CustomResourceDefinition" {
			continue
		}
		if err := s.served(ctx, crd); err != nil {
			return fmt.Errorf("%s is not served: %w", crd.GetName(), err)
		}
	}
	return nil
}

// served waits until every version of a CRD can be listed.
func (s *Server) served(ctx context.Context, crd *unstructured.Unstructured) error {
	for _, resource := range resources(crd) {
		var last error
		err := wait.PollUntilContextCancel(ctx, 10*time.Millisecond, true, func(ctx context.Context) (bool, error) {
			_, last = s.client.Resource(resource).List(ctx, metav1.ListOptions{Limit: 1})
			return last == nil, nil
		})
		if err != nil {
			return fmt.Errorf("%v: %w", resource, errors.Join(err, last))
		}
	}
	return nil
}

// resources are the served versions of a CRD.
func resources(crd *unstructured.Unstructured) (out []schema.GroupVersionResource) {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	for _, v := range versions {
		if v, ok := v.(map[string]any); ok && v["served"] == true {
			name, _ := v["name"].(string)
			out = append(out, schema.GroupVersionResource{Group: group, Version: name, Resource: plural})
		}
	}
	return out
}

// store puts a CRD into etcd as the API server itself keeps it, already
// established, past the validation of its API.
func (s *Server) store(ctx context.Context, crd *unstructured.Unstructured) error {
	names, _, _ := unstructured.NestedMap(crd.Object, "spec", "names")
	crd = crd.DeepCopy()
	crd.SetUID(uuid.NewUUID())
	crd.SetGeneration(1)
	condition := func(kind string) any {
		return map[string]any{"type": kind, "status": "True", "reason": "Stored", "lastTransitionTime": "2026-01-01T00:00:00Z"}
	}
	var stored []any
	for _, r := range resources(crd) {
		stored = append(stored, r.Version)
	}
	crd.Object["status"] = map[string]any{
		"acceptedNames":  names,
		"storedVersions": stored,
		"conditions":     []any{condition("NamesAccepted"), condition("Established")},
	}
	text, err := json.Marshal(crd.Object)
	if err != nil {
		return err
	}
	key := etcdPrefix + "/apiextensions.k8s.io/customresourcedefinitions/" + crd.GetName()
	if got, err := s.etcd.Get(ctx, key); err != nil || got.Count > 0 {
		return err
	}
	_, err = s.etcd.Put(ctx, key, string(text))
	return err
}

// documents reads the objects of a YAML file.
func documents(text []byte) (out []*unstructured.Unstructured, err error) {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		object := &unstructured.Unstructured{}
		switch err := decoder.Decode(&object.Object); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		case len(object.Object) > 0:
			out = append(out, object)
		}
	}
}
