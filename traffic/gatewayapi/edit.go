package gatewayapi

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
)

// edit is a change of a route, in the making.
type edit struct {
	router  *Router
	read    *unstructured.Unstructured
	rules   []rule
	route   release.Route
	weights []release.Weight
}

// raises tells whether an arm after the first gets more of a rule than it has.
func (e edit) raises() bool {
	for _, rule := range e.rules {
		var sum int64
		for _, w := range rule.weights {
			sum += w
		}
		for i, w := range e.weights[1:] {
			if int64(w)*sum > rule.weights[i+1]*int64(release.Whole) || sum == 0 && w > 0 {
				return true
			}
		}
	}
	return false
}

func (e edit) change() (*kube.Change, error) {
	c := &kube.Change{}
	for _, rule := range e.rules {
		if rule.other != "" && e.weights[0] != release.Whole {
			return nil, fmt.Errorf("%s: %s has another backend with a weight, %s, so that the arms do not get all of its requests; give it weight 0: %w",
				e.router.object, rule, rule.other, release.ErrInvalid)
		}
		e.setWeights(c, rule)
		if err := e.setMirror(c, rule); err != nil {
			return nil, err
		}
	}
	e.setTesters(c)
	if e.route.Mirror > 0 {
		c.Annotate(mirrorKey, "true")
	} else {
		c.Unannotate(mirrorKey)
	}
	c.Stamp(e.route)
	return c, nil
}

func (e edit) setWeights(c *kube.Change, rule rule) {
	refs := rule.backends()
	for i, place := range rule.refs {
		at := rule.path("backendRefs", strconv.Itoa(place), "weight")
		was, there := refs[place]["weight"]
		switch is := int64(e.weights[i]); {
		case !there:
			c.Add(at, is)
		case was != is:
			c.Replace(at, was, is)
		}
	}
}

// testerRule begins the names of the rules that testers take. Nobody else's rule
// is taken for one: the rest of the name is two numbers.
const testerRule = "linnet-testers-"

// ours tells whether a rule is one that we added.
func ours(body map[string]any) bool {
	rest, ok := strings.CutPrefix(text(body, "name"), testerRule)
	number, arm, both := strings.Cut(rest, "-")
	return ok && both && digits(number) && digits(arm)
}

func digits(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// setTesters puts the rules that testers take in front of all, or takes them
// away. It comes after all else: places of rules shift.
func (e edit) setTesters(c *kube.Change) {
	var want []any
	if header := e.route.Testers.Header; header != "" {
		for _, rule := range e.rules {
			for i, arm := range e.router.rules.Arms {
				want = append(want, e.tester(rule, i, arm))
			}
		}
	}
	var have []any
	var places []int
	for at, body := range allRules(e.read) {
		if ours(body) {
			have, places = append(have, body), append(places, at)
		}
	}
	if len(have) == len(want) && (len(want) == 0 || reflect.DeepEqual(have, want)) {
		return
	}
	for i := len(places) - 1; i >= 0; i-- {
		c.Remove(kube.Path{"spec", "rules", strconv.Itoa(places[i])}, have[i])
	}
	for i := len(want) - 1; i >= 0; i-- {
		c.Add(kube.Path{"spec", "rules", "0"}, want[i])
	}
}

// tester is a copy of a rule that takes the same requests where they name an arm
// in a header, and sends them all there. With one condition more it goes before
// the rule, and nothing that another rule takes reaches it.
func (e edit) tester(of rule, i int, arm string) map[string]any {
	body := runtime.DeepCopyJSON(of.body)
	body["name"] = fmt.Sprintf("%s%d-%d", testerRule, of.number, i)
	condition := map[string]any{"type": "Exact", "name": e.route.Testers.Header, "value": arm}
	matches, _ := body["matches"].([]any)
	if len(matches) == 0 {
		matches = []any{map[string]any{}}
	}
	for _, m := range matches {
		if m, ok := m.(map[string]any); ok {
			headers, _ := m["headers"].([]any)
			m["headers"] = append(headers, condition)
		}
	}
	body["matches"] = matches
	ref := runtime.DeepCopyJSON(of.backends()[of.refs[i]])
	ref["weight"] = int64(1)
	body["backendRefs"] = []any{ref}
	if at := e.router.mirrorAt(e.read, of); at >= 0 {
		filters, _ := body["filters"].([]any)
		body["filters"] = append(filters[:at:at], filters[at+1:]...)
		if len(filters) == 1 {
			delete(body, "filters")
		}
	}
	return body
}
