package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// StampKey is the annotation that says whose route an object serves.
const StampKey = "linnet.dev/route"

// StampOf reads the stamp of an object; the zero Stamp where it has none.
func StampOf(object *unstructured.Unstructured) split.Stamp {
	stamp, _ := split.ParseStamp(object.GetAnnotations()[StampKey])
	return stamp
}

// Fence refuses a route that is older than what the object serves; see
// split.Stamp.Fence.
func (o *Object) Fence(read *unstructured.Unstructured, route release.Route) error {
	if err := StampOf(read).Fence(route); err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	return nil
}

// Stamp marks an object as serving a route, in the change that makes it do so.
func (c *Change) Stamp(route release.Route) {
	c.Annotate(StampKey, split.StampOf(route).String())
}
