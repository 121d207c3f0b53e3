package istio

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
)

// Ready tells whether requests sent to an arm would find it: the routes that
// move are there, Istio reports no error of their object, and where the arm is
// a subset, a DestinationRule defines it, by other labels than the other arms'.
// It does not ask whether the arm's pods are ready; Envoy and the metrics do.
func (r *Router) Ready(ctx context.Context, arm string) error {
	i := slices.Index(r.arms, arm)
	if i < 0 {
		return fmt.Errorf("istio: arm %.100q is not known, only %s: %w", arm, strings.Join(r.arms, ", "), release.ErrUnavailable)
	}
	t, _, err := r.find(ctx, "")
	if err != nil {
		return unready(err)
	}
	if said := complaints(t.object); len(said) > 0 {
		return fmt.Errorf("istio: %s is refused by Istio: %s: %w", t, strings.Join(said, "; "), release.ErrUnavailable)
	}
	a := r.cfg.Arms[i]
	if a.Subset == "" {
		return nil
	}
	subsets, err := r.subsets(ctx, a.Host, t.object.GetNamespace())
	if err != nil {
		return unready(err)
	}
	labels, defined := subsets[a.Subset]
	if !defined {
		return fmt.Errorf("istio: no DestinationRule in namespace %s defines the subset %q of host %s, so requests to the %s would be answered with 503 (one in the mesh's root namespace is not looked at; put it beside the VirtualService): %w",
			strings.Join(namespaces(a.Host, t.object.GetNamespace()), " or "), a.Subset, a.Host, arm, release.ErrUnavailable)
	}
	for _, other := range r.cfg.Arms {
		same := full(other.Host, t.object.GetNamespace()) == full(a.Host, t.object.GetNamespace())
		if others, ok := subsets[other.Subset]; ok && same && other.Name != arm && reflect.DeepEqual(labels, others) {
			return fmt.Errorf("istio: the subsets %q and %q of host %s have the same labels, %v, so that %s and %s are the same pods: %w",
				a.Subset, other.Subset, a.Host, labels, arm, other.Name, release.ErrUnavailable)
		}
	}
	return nil
}

// unready keeps what an error says and gives it the one meaning that Ready has.
func unready(err error) error { return fmt.Errorf("istio: %v: %w", err, release.ErrUnavailable) }

// subsets are the labels of each subset that DestinationRules define for a
// host.
func (r *Router) subsets(ctx context.Context, host, namespace string) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	for _, ns := range namespaces(host, namespace) {
		rules, err := r.cfg.Client.Object(destinationRules, ns, "").List(ctx)
		if err != nil {
			return nil, err
		}
		for _, rule := range rules {
			about, _, _ := unstructured.NestedString(rule.Object, "spec", "host")
			if full(about, ns) != full(host, namespace) {
				continue
			}
			list, _, _ := unstructured.NestedFieldNoCopy(rule.Object, "spec", "subsets")
			for _, s := range objects(list) {
				labels, _, _ := unstructured.NestedStringMap(s, "labels")
				out[text(s["name"])] = labels
			}
		}
	}
	return out, nil
}

// namespaces are where the DestinationRules of a host may be: beside the
// VirtualService, and in the service's own namespace.
func namespaces(host, namespace string) []string {
	out := []string{namespace}
	if parts := strings.SplitN(full(host, namespace), ".", 4); len(parts) > 2 && parts[2] == "svc" && parts[1] != namespace {
		out = append(out, parts[1])
	}
	return out
}

// complaints are the errors that Istio's analysis found in an object as it is
// now, where it is switched on to write them there.
func complaints(object *unstructured.Unstructured) (out []string) {
	status, _, _ := unstructured.NestedMap(object.Object, "status")
	// Istio writes the generation as a number or as text.
	if of := fmt.Sprint(status["observedGeneration"]); status["observedGeneration"] != nil && of != fmt.Sprint(object.GetGeneration()) {
		return nil
	}
	for _, m := range objects(status["validationMessages"]) {
		if text(m["level"]) != "ERROR" {
			continue
		}
		code, _, _ := unstructured.NestedString(m, "type", "code")
		name, _, _ := unstructured.NestedString(m, "type", "name")
		out = append(out, strings.TrimSpace(fmt.Sprintf("%.20s %.100s %.200s", code, name, text(m["documentationUrl"]))))
	}
	return out[:min(len(out), 5)]
}
