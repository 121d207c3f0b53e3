package kube

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/linnet-project/linnet/release"
)

// Object is a handle on one object of a cluster. It is safe for concurrent use.
type Object struct {
	client    *Client
	resource  schema.GroupVersionResource
	namespace string
	name      string
}

// String names the object: resource.group namespace/name.
func (o *Object) String() string {
	if o.namespace == "" {
		return fmt.Sprintf("%s %s", o.resource.GroupResource(), o.name)
	}
	return fmt.Sprintf("%s %s/%s", o.resource.GroupResource(), o.namespace, o.name)
}

// Name is the object's own name.
func (o *Object) Name() string { return o.name }

// Namespace is where the object is.
func (o *Object) Namespace() string { return o.namespace }

// Get reads the object as it is now, past any cache.
func (o *Object) Get(ctx context.Context) (*unstructured.Unstructured, error) {
	within, cancel := context.WithTimeout(ctx, o.client.timeout)
	defer cancel()
	got, err := o.api().Get(within, o.name, metav1.GetOptions{})
	if err != nil {
		return nil, o.failure(ctx, "get", err)
	}
	return got, nil
}

// Patch makes a change to the object as it was read, and returns it as it is
// afterwards; a change of nothing asks nobody. It is release.ErrConflict where
// the object is no longer the one that was read: the caller reads again, looks
// again whether it still may, and patches again.
func (o *Object) Patch(ctx context.Context, read *unstructured.Unstructured, change *Change) (*unstructured.Unstructured, error) {
	text, err := change.json(read)
	if err != nil {
		return nil, fmt.Errorf("patch %s: %v: %w", o, err, release.ErrInvalid)
	}
	if text == nil {
		return read, nil
	}
	within, cancel := context.WithTimeout(ctx, o.client.timeout)
	defer cancel()
	got, err := o.api().Patch(within, o.name, types.JSONPatchType, text, metav1.PatchOptions{FieldManager: Manager, FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		return nil, o.failure(ctx, "patch", err)
	}
	return got, nil
}

// List reads the objects of the same kind in the same namespace, at most 500.
func (o *Object) List(ctx context.Context) ([]unstructured.Unstructured, error) {
	within, cancel := context.WithTimeout(ctx, o.client.timeout)
	defer cancel()
	got, err := o.api().List(within, metav1.ListOptions{Limit: mostListed})
	if err != nil {
		return nil, o.failure(ctx, "list", err)
	}
	if got.GetContinue() != "" {
		return nil, fmt.Errorf("list %s in namespace %s: there are more than %d: %w", o.resource.GroupResource(), o.namespace, mostListed, release.ErrInvalid)
	}
	return got.Items, nil
}

// mostListed bounds a list.
const mostListed = 500

func (o *Object) api() dynamic.ResourceInterface {
	return o.client.dynamic.Resource(o.resource).Namespace(o.namespace)
}
