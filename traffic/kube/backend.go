package kube

import (
	"fmt"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// Backend is how an arm is known among the objects that a route leads to: a
// name, and as much of namespace and port as tell it from others there.
type Backend struct {
	Namespace, Name string
	// Port is a number, or a port's name; "" for any.
	Port string
}

// ParseBackend reads "name", "name:port", "namespace/name" or
// "namespace/name:port"; the error is release.ErrInvalid.
func ParseBackend(text string) (Backend, error) {
	namespace, rest, within := strings.Cut(text, "/")
	if !within {
		namespace, rest = "", text
	}
	name, port, ported := strings.Cut(rest, ":")
	if name == "" || within && namespace == "" || ported && port == "" || strings.ContainsAny(namespace+name+port, "/: \t\r\n") {
		return Backend{}, fmt.Errorf("%.100q is no backend; write name, name:port, namespace/name or namespace/name:port: %w", text, release.ErrInvalid)
	}
	return Backend{Namespace: namespace, Name: name, Port: port}, nil
}

// String is what ParseBackend reads.
func (b Backend) String() string {
	text := b.Name
	if b.Namespace != "" {
		text = b.Namespace + "/" + text
	}
	if b.Port != "" {
		text += ":" + b.Port
	}
	return text
}

// Is tells whether a reference of an object in the namespace home (with fields
// name, namespace and port) leads to this backend.
func (b Backend) Is(ref map[string]any, home string) bool {
	in := func(namespace any) any {
		if namespace == nil || namespace == "" {
			return home
		}
		return namespace
	}
	return ref["name"] == b.Name && in(ref["namespace"]) == in(b.Namespace) &&
		(b.Port == "" || fmt.Sprint(ref["port"]) == b.Port)
}
