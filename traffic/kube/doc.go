// Package kube is what the providers on Kubernetes share: reaching a cluster,
// one object read and patched safely, read-back through a watch, errors with
// their meaning, our stamp on an object, who else writes it, and the least
// rights that all of it needs.
//
// An object is never applied whole. A Change holds the few values that are
// replaced, each guarded by a test of what was read, so that the user's own
// fields stay as they are and a change by somebody else in between is noticed.
package kube
