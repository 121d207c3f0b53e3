package kube

import "k8s.io/apimachinery/pkg/runtime/schema"

// Global is a handle on one object of a kind that is in no namespace. It does
// not call the cluster.
func (c *Client) Global(resource schema.GroupVersionResource, name string) *Object {
	return &Object{client: c, resource: resource, name: name}
}
