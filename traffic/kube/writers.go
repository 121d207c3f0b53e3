package kube

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// tools are annotations and labels by which others mark what they manage.
var tools = []struct {
	tool, key string
}{
	{"Argo CD", "argocd.argoproj.io/tracking-id"},
	{"Argo CD", "argocd.argoproj.io/instance"},
	{"Flux Kustomization", "kustomize.toolkit.fluxcd.io/name"},
	{"Flux HelmRelease", "helm.toolkit.fluxcd.io/name"},
	{"Helm", "meta.helm.sh/release-name"},
}

// mostWriters bounds what is told.
const mostWriters = 10

// Writers names who else writes an object: the field managers besides us that
// own one of the paths (or something below or around it) with how they
// write, and the tools that have marked the object as theirs. A name stays the
// same from one write to the next, so that it is told once. Names of places in
// lists mean nothing here: a list without keys has one owner.
func Writers(object *unstructured.Unstructured, paths ...Path) []string {
	var out []string
	for _, entry := range object.GetManagedFields() {
		if entry.Manager == Manager && entry.Operation == metav1.ManagedFieldsOperationUpdate {
			continue
		}
		if entry.Subresource != "status" && owns(entry, paths) {
			out = append(out, writer(entry))
		}
	}
	annotations, labels := object.GetAnnotations(), object.GetLabels()
	for _, t := range tools {
		for _, marks := range []map[string]string{annotations, labels} {
			if name := marks[t.key]; name != "" {
				out = append(out, fmt.Sprintf("%s (%s)", t.tool, plain(name)))
			}
		}
	}
	if labels["app.kubernetes.io/instance"] != "" && slices.ContainsFunc(out, func(w string) bool { return strings.HasPrefix(w, "argocd") }) {
		out = append(out, fmt.Sprintf("Argo CD (%s)", plain(labels["app.kubernetes.io/instance"])))
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), mostWriters)]
}

// writer says who and how.
func writer(entry metav1.ManagedFieldsEntry) string {
	how := "update"
	if entry.Operation == metav1.ManagedFieldsOperationApply {
		how = "server-side apply"
	}
	if entry.Subresource != "" {
		how += " of " + entry.Subresource
	}
	return fmt.Sprintf("%s (%s)", plain(entry.Manager), how)
}

// plain keeps a name that somebody else chose short and on one line.
func plain(name string) string {
	return fmt.Sprintf("%.100s", strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, name))
}

// owns tells whether a manager owns one of the paths.
func owns(entry metav1.ManagedFieldsEntry, paths []Path) bool {
	if entry.FieldsV1 == nil {
		return false
	}
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(entry.FieldsV1.GetRawBytes()))
	if decoder.Decode(&fields) != nil {
		return false
	}
	return slices.ContainsFunc(paths, func(p Path) bool { return within(fields, p) })
}

// within follows a path through a set of fields, as far as both go. Whoever owns
// a whole ("f:http": {}) owns everything in it.
func within(fields map[string]any, path Path) bool {
	for _, part := range path {
		below, ok := fields["f:"+part].(map[string]any)
		switch {
		case !ok:
			return false
		case len(below) == 0:
			return true
		}
		fields = below
	}
	return true
}
