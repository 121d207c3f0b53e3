package ingressnginx

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/split"
)

// match refuses a canary that ingress-nginx would not put beside the main
// Ingress, so that the candidate would never see a request, or all of them.
func match(main, canary *unstructured.Unstructured) error {
	if main.GetAnnotations()[canaryKey] == "true" {
		return fmt.Errorf("it stands beside Ingress %s, which is a canary itself: %w", main.GetName(), release.ErrInvalid)
	}
	if !marked(canary) {
		return fmt.Errorf("it is not marked as a canary; give it the annotation %s: \"true\" and %s: \"0\": %w",
			canaryKey, weightKey, release.ErrInvalid)
	}
	there := map[string]bool{}
	for _, place := range places(main) {
		there[place] = true
	}
	for _, place := range places(canary) {
		if !there[place] {
			return fmt.Errorf("its rule for %.200q is not among those of Ingress %s, so that ingress-nginx would leave it out: %w",
				place, main.GetName(), release.ErrInvalid)
		}
	}
	return nil
}

// marked says that an Ingress is a canary, or one that we have split by and that
// lost its mark since.
func marked(canary *unstructured.Unstructured) bool {
	return canary.GetAnnotations()[canaryKey] == "true" || kube.StampOf(canary) != (split.Stamp{})
}

// places are the hosts and paths of an Ingress.
func places(ingress *unstructured.Unstructured) (out []string) {
	rules, _, _ := unstructured.NestedSlice(ingress.Object, "spec", "rules")
	for _, rule := range rules {
		rule, _ := rule.(map[string]any)
		host, _ := rule["host"].(string)
		paths, _, _ := unstructured.NestedSlice(rule, "http", "paths")
		for _, p := range paths {
			p, _ := p.(map[string]any)
			path, _ := p["path"].(string)
			if path == "" {
				path = "/"
			}
			out = append(out, host+path)
		}
	}
	return out
}
