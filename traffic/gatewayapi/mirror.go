package gatewayapi

import (
	"context"
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
)

// mirrorKey is the annotation of a route whose rules have a filter of ours that
// mirrors to the second arm. A filter has no name that could say so.
const mirrorKey = "linnet.dev/mirror"

// mirrorAt is the place of our filter among those of a rule, -1 where there is
// none.
func (r *Router) mirrorAt(read *unstructured.Unstructured, of rule) int {
	if read.GetAnnotations()[mirrorKey] == "" {
		return -1
	}
	return r.mirrorsTo(of)
}

// mirrorsTo is the place of a filter that mirrors to the second arm.
func (r *Router) mirrorsTo(of rule) int {
	for i, filter := range of.filters() {
		mirror, _ := filter["requestMirror"].(map[string]any)
		ref, _ := mirror["backendRef"].(map[string]any)
		if ref != nil && r.backends[1].Is(ref, r.object.Namespace()) {
			return i
		}
	}
	return -1
}

// mirrored is the share of a rule's requests that a filter copies.
func mirrored(filter map[string]any) release.Weight {
	mirror, _ := filter["requestMirror"].(map[string]any)
	if percent, ok := mirror["percent"].(int64); ok {
		return release.Weight(min(max(percent, 0), 100)) * release.Whole / 100
	}
	fraction, ok := mirror["fraction"].(map[string]any)
	if !ok {
		return release.Whole
	}
	of, ok := fraction["denominator"].(int64)
	if !ok || of <= 0 {
		of = 100
	}
	part, _ := fraction["numerator"].(int64)
	return release.Weight(float64(min(max(part, 0), of)) / float64(of) * float64(release.Whole))
}

// mirrorFilter copies a share of a rule's requests to a backendRef.
func mirrorFilter(to map[string]any, share release.Weight) map[string]any {
	ref := map[string]any{}
	for _, key := range []string{"group", "kind", "namespace", "name", "port"} {
		if value, ok := to[key]; ok {
			ref[key] = value
		}
	}
	mirror := map[string]any{"backendRef": ref}
	if share < release.Whole {
		mirror["fraction"] = map[string]any{"numerator": int64(share), "denominator": int64(release.Whole)}
	}
	return map[string]any{"type": "RequestMirror", "requestMirror": mirror}
}

// share is what a filter copies. It draws among all requests of a rule, the
// second arm's too: so that it copies the share asked of the first arm's, it
// falls with that arm's weight.
func (e edit) share() release.Weight {
	return release.Weight(uint64(e.route.Mirror) * uint64(e.weights[0]) / uint64(release.Whole))
}

// beginsToMirror tells whether the change adds a filter, or makes one that copied
// all copy less.
func (e edit) beginsToMirror() bool {
	for _, rule := range e.rules {
		at := e.router.mirrorAt(e.read, rule)
		if e.share() > 0 && (at < 0 || e.share() < release.Whole && mirrored(rule.filters()[at]) == release.Whole) {
			return true
		}
	}
	return false
}

func (e edit) setMirror(c *kube.Change, rule rule) error {
	at, share := e.router.mirrorAt(e.read, rule), e.share()
	if at < 0 && share > 0 && e.router.mirrorsTo(rule) >= 0 {
		return fmt.Errorf("%s: %s has a filter of its own that mirrors to arm %q; take it away, or ask for no mirroring: %w",
			e.router.object, rule, e.router.rules.Arms[1], release.ErrInvalid)
	}
	filters, there := rule.body["filters"].([]any)
	path := rule.path("filters")
	switch want := mirrorFilter(rule.backends()[rule.refs[1]], share); {
	case at < 0 && share == 0:
	case at < 0 && !there:
		c.Add(path, []any{want})
	case at < 0:
		c.Add(append(path, "-"), want)
	case share > 0 && mirrored(rule.filters()[at]) == share:
	case share > 0:
		c.Replace(append(path, strconv.Itoa(at)), filters[at], want)
	case len(filters) == 1:
		c.Remove(path, filters)
	default:
		c.Remove(append(path, strconv.Itoa(at)), filters[at])
	}
	return nil
}

// canMirror asks the GatewayClass of every parent whether it mirrors. Its
// listing is the only way to know: Traefik 3.6, for one, accepts such a route
// and answers all its requests with 500.
func (r *Router) canMirror(ctx context.Context, read *unstructured.Unstructured, share release.Weight) error {
	needs := []string{"HTTPRouteRequestMirror"}
	if share < release.Whole {
		needs = append(needs, "HTTPRouteRequestPercentageMirror")
	}
	for _, parent := range parents(read, r.object.Namespace()) {
		if parent.kind != "Gateway" || parent.group != group {
			return fmt.Errorf("%s: only a Gateway tells whether it can mirror, not %s: %w", r.object, parent, release.ErrInvalid)
		}
		gateway, err := r.cfg.Client.Object(kind("gateways"), parent.namespace, parent.name).Get(ctx)
		if err != nil {
			return err
		}
		name, _, _ := unstructured.NestedString(gateway.Object, "spec", "gatewayClassName")
		class, err := r.cfg.Client.Global(kind("gatewayclasses"), name).Get(ctx)
		if err != nil {
			return err
		}
		for _, need := range needs {
			if !lists(class, need) {
				return fmt.Errorf("%s: %s is of GatewayClass %s, which does not list %s among its supported features; ask for no mirroring%s: %w",
					r.object, parent, name, need, wholeOnly(need), release.ErrInvalid)
			}
		}
	}
	return nil
}

func wholeOnly(need string) string {
	if need == "HTTPRouteRequestPercentageMirror" {
		return " or for 100%"
	}
	return ""
}

// lists tells whether a GatewayClass has a feature. Gateway API 1.0 had a list of
// names where later there are objects.
func lists(class *unstructured.Unstructured, feature string) bool {
	status, _ := class.Object["status"].(map[string]any)
	features, _ := status["supportedFeatures"].([]any)
	for _, f := range features {
		if named, ok := f.(map[string]any); ok && named["name"] == feature || f == feature {
			return true
		}
	}
	return false
}
