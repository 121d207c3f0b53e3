package kube

import (
	"encoding/json"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Path leads to a value in an object: keys of maps and, written as numbers,
// places in lists.
type Path []string

// String writes a path as a JSON pointer.
func (p Path) String() string {
	var b strings.Builder
	for _, part := range p {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(part, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// Change is a list of small edits to one object. Values are those of JSON:
// string, bool, int64, float64, nil, []any, map[string]any. Its zero value
// changes nothing.
type Change struct {
	ops         []operation
	annotations map[string]string
	removed     []string
}

// operation is one of RFC 6902.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// Replace puts a value in the place of the one that was read.
func (c *Change) Replace(at Path, was, is any) {
	c.ops = append(c.ops, operation{"test", at.String(), was}, operation{"replace", at.String(), is})
}

// Add puts a value where none was, or before the entry of a list at that place.
func (c *Change) Add(at Path, is any) {
	c.ops = append(c.ops, operation{"add", at.String(), is})
}

// Remove takes away the value that was read.
func (c *Change) Remove(at Path, was any) {
	c.ops = append(c.ops, operation{"test", at.String(), was}, operation{"remove", at.String(), nil})
}

// Annotate gives the object an annotation.
func (c *Change) Annotate(key, value string) {
	if c.annotations == nil {
		c.annotations = map[string]string{}
	}
	c.annotations[key] = value
}

// Unannotate takes an annotation away, where there is one.
func (c *Change) Unannotate(key string) { c.removed = append(c.removed, key) }

// json writes the patch for an object as it was read; nil where nothing is to be
// done. The object's identity and version are tested first, so that nothing is
// changed but what was looked at.
func (c *Change) json(read *unstructured.Unstructured) ([]byte, error) {
	all := Change{ops: []operation{
		{"test", "/metadata/uid", string(read.GetUID())},
		{"test", "/metadata/resourceVersion", read.GetResourceVersion()},
	}}
	tests := len(all.ops)
	all.ops = append(all.ops, c.ops...)
	present := read.GetAnnotations()
	if len(present) == 0 && len(c.annotations) > 0 {
		all.Add(Path{"metadata", "annotations"}, map[string]any{})
	}
	for _, key := range sorted(c.annotations) {
		at := Path{"metadata", "annotations", key}
		switch was, there := present[key]; {
		case !there:
			all.Add(at, c.annotations[key])
		case was != c.annotations[key]:
			all.Replace(at, was, c.annotations[key])
		}
	}
	for _, key := range c.removed {
		if was, there := present[key]; there {
			all.Remove(Path{"metadata", "annotations", key}, was)
		}
	}
	if len(all.ops) == tests {
		return nil, nil
	}
	return json.Marshal(all.ops)
}

// sorted are the keys of a map, in order, so that a patch is always the same.
func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
