package gatewayapi

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
)

// rule is one of the user's rules that splits the arms.
type rule struct {
	// at is its place in spec.rules, number its place without rules of ours.
	at, number int
	body       map[string]any
	// refs are the places of the arms in its backendRefs, weights what they
	// have, in the order of the arms.
	refs    []int
	weights []int64
	// other is another backend that has a weight; "" where there is none.
	other string
}

// String names a rule.
func (r rule) String() string {
	if name := text(r.body, "name"); name != "" {
		return "rule " + name
	}
	return fmt.Sprintf("rule %d", r.number)
}

func (r rule) path(more ...string) kube.Path {
	return append(kube.Path{"spec", "rules", strconv.Itoa(r.at)}, more...)
}

func (r rule) backends() []map[string]any { return list(r.body, "backendRefs") }
func (r rule) filters() []map[string]any  { return list(r.body, "filters") }

// split finds the rules to split; the error is release.ErrInvalid and says what
// the route lacks. With rules and an error nothing may be raised: what the file
// names does not lead to the candidate any more, and the rest can still be given
// back to the baseline.
func (r *Router) split(read *unstructured.Unstructured) ([]rule, error) {
	var out []rule
	var lacks error
	found := make([]bool, len(r.cfg.Rules))
	number := 0
	for at, body := range allRules(read) {
		if ours(body) {
			continue
		}
		candidate := rule{at: at, number: number, body: body}
		number++
		named := slices.IndexFunc(r.cfg.Rules, candidate.called)
		if named < 0 && len(r.cfg.Rules) > 0 {
			continue
		}
		missing, err := r.locate(&candidate)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", r.object, candidate, err)
		}
		if missing == nil {
			out = append(out, candidate)
		}
		if named >= 0 {
			found[named] = true
		}
		if named >= 0 && missing != nil {
			lacks = fmt.Errorf("%s: %s has no backendRef %s: %w", r.object, candidate, r.cfg.Arms[missing[0]].Backend, release.ErrInvalid)
			if leadsTo := len(r.cfg.Arms) - len(missing); leadsTo > 1 || leadsTo == 1 && missing[0] == 0 {
				return nil, lacks // to an arm after the first, which it cannot be taken from
			}
		}
	}
	if i := slices.Index(found, false); i >= 0 {
		lacks = fmt.Errorf("%s: there is no rule %.100q, by name or place (from 0): %w", r.object, r.cfg.Rules[i], release.ErrInvalid)
	}
	if len(out) == 0 && lacks == nil {
		var names []string
		for _, arm := range r.cfg.Arms {
			names = append(names, arm.Backend)
		}
		lacks = fmt.Errorf("%s: no rule has backendRefs for all of %s; name both in a rule, one with weight 0: %w", r.object, strings.Join(names, ", "), release.ErrInvalid)
	}
	return out, lacks
}

// gone tells whether a route that a release has set before leads to the baseline
// and to no other arm any more: somebody, a GitOps tool perhaps, put it back to
// what it was without the candidate. That is no weight for it.
func (r *Router) gone(read *unstructured.Unstructured) bool {
	if kube.StampOf(read).Epoch == 0 {
		return false
	}
	baseline := false
	for _, body := range allRules(read) {
		if ours(body) {
			continue
		}
		for _, ref := range list(body, "backendRefs") {
			baseline = baseline || r.backends[0].Is(ref, r.object.Namespace())
			for _, b := range r.backends[1:] {
				if b.Is(ref, r.object.Namespace()) {
					return false
				}
			}
		}
	}
	return baseline
}

// called tells whether a rule is the one that a selector means.
func (r rule) called(selector string) bool {
	return selector == text(r.body, "name") || selector == strconv.Itoa(r.number)
}

// locate finds the arms among a rule's backendRefs, and tells the places of those
// arms that are missing.
func (r *Router) locate(rule *rule) (missing []int, err error) {
	refs := rule.backends()
	known := make([]bool, len(refs))
	for i, b := range r.backends {
		place := -1
		for j, ref := range refs {
			if !b.Is(ref, r.object.Namespace()) {
				continue
			}
			if place >= 0 {
				return nil, fmt.Errorf("backend %s is there twice; name its port too: %w", r.cfg.Arms[i].Backend, release.ErrInvalid)
			}
			place = j
		}
		if place < 0 {
			missing = append(missing, i)
			continue
		}
		known[place] = true
		rule.refs = append(rule.refs, place)
		rule.weights = append(rule.weights, weightOf(refs[place]))
	}
	for j, ref := range refs {
		if !known[j] && weightOf(ref) > 0 {
			rule.other = text(ref, "name")
		}
	}
	return missing, nil
}

// weightOf is the weight of a backendRef: 1 where it says nothing.
func weightOf(ref map[string]any) int64 {
	if w, ok := ref["weight"].(int64); ok {
		return w
	}
	return 1
}

// allRules are the rules of a route, ours too.
func allRules(read *unstructured.Unstructured) []map[string]any {
	spec, _ := read.Object["spec"].(map[string]any)
	return list(spec, "rules")
}

// list reads a list of objects; the places of what is none are kept.
func list(in map[string]any, key string) []map[string]any {
	items, _ := in[key].([]any)
	out := make([]map[string]any, len(items))
	for i, item := range items {
		out[i], _ = item.(map[string]any)
	}
	return out
}

func text(in map[string]any, key string) string {
	s, _ := in[key].(string)
	return s
}
