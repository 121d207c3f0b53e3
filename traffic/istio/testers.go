package istio

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
)

// testerPrefix begins the names of the routes that we add.
const testerPrefix = "linnet-testers-"

// ours tells a route that we added from the user's.
func ours(entry map[string]any) bool { return strings.HasPrefix(text(entry["name"]), testerPrefix) }

// extra is an HTTP route of ours, in front of one of the user's.
type extra struct {
	// before is the place of the user's route in a list without ours, and index
	// its own place in the list with them.
	before, index int
	entry         map[string]any
}

// extras are the routes that let testers choose: in front of each route that
// moves one for each arm, which does all that the user's route does but divide.
func (r *Router) extras(t target, route release.Route) (out []extra, err error) {
	if route.Testers == (release.Testers{}) {
		return nil, nil
	}
	for _, p := range t.places {
		for i, arm := range r.arms {
			if len(p.arms[i]) == 0 {
				continue
			}
			matches, err := p.chosen(choices(route.Testers, arm))
			if err != nil {
				return nil, err
			}
			out = append(out, extra{before: p.nth, index: p.nth + len(out), entry: r.only(t, p, i, matches)})
		}
	}
	return out, nil
}

// present are the routes of ours that an object has.
func present(t target) (out []extra) {
	users := 0
	for i, entry := range entries(t.object, "http") {
		if ours(entry) {
			out = append(out, extra{before: users, index: i, entry: entry})
		} else {
			users++
		}
	}
	return out
}

// only is a copy of a route that leads to one arm.
func (r *Router) only(t target, p place, i int, matches []any) map[string]any {
	entry := runtime.DeepCopyJSON(p.entry)
	if own := r.ownMirrors(t, p); len(own) > 0 {
		list, _ := entry[mirrorsKey].([]any)
		if entry[mirrorsKey] = without(list, own); len(own) == len(list) {
			delete(entry, mirrorsKey)
		}
	}
	to := objects(entry["route"])[p.arms[i][0]]
	delete(to, "weight")
	name := p.name
	if name == "" {
		name = p.protocol + "-" + strconv.Itoa(p.nth)
	}
	entry["name"] = testerPrefix + r.arms[i] + "-" + name
	entry["match"] = matches
	entry["route"] = []any{to}
	return entry
}

// choice is a header, as Istio matches it, by which a tester chooses.
type choice struct {
	header string
	value  map[string]any
}

func choices(testers release.Testers, arm string) (out []choice) {
	if testers.Header != "" {
		out = append(out, choice{strings.ToLower(testers.Header), map[string]any{"exact": arm}})
	}
	if testers.Cookie != "" {
		pair := regexp.QuoteMeta(testers.Cookie + "=" + arm)
		out = append(out, choice{"cookie", map[string]any{"regex": `^(.*;\s*)?` + pair + `(;.*)?$`}})
	}
	return out
}

// chosen are the user's matches, each with each choice.
func (p place) chosen(by []choice) (out []any, err error) {
	users := objects(p.entry["match"])
	if len(users) == 0 {
		users = []map[string]any{{}}
	}
	for _, user := range users {
		for _, c := range by {
			match := runtime.DeepCopyJSON(user)
			headers, _ := match["headers"].(map[string]any)
			headers = maps.Clone(headers)
			if headers == nil {
				headers = map[string]any{}
			}
			if slices.ContainsFunc(slices.Collect(maps.Keys(headers)), func(h string) bool { return strings.EqualFold(h, c.header) }) {
				return nil, fmt.Errorf("%s matches the header %q itself; testers need another: %w", p, c.header, release.ErrInvalid)
			}
			headers[c.header] = c.value
			match["headers"] = headers
			out = append(out, match)
		}
	}
	return out, nil
}

func httpPath(parts ...string) kube.Path { return append(kube.Path{"spec", "http"}, parts...) }

// takeOut removes routes of ours, the last first, so that none moves before its
// turn.
func takeOut(c *kube.Change, have []extra) {
	for _, e := range slices.Backward(have) {
		c.Remove(httpPath(strconv.Itoa(e.index)), e.entry)
	}
}

// putIn adds routes of ours, the last first, to a list that has none.
func putIn(c *kube.Change, want []extra) {
	for _, e := range slices.Backward(want) {
		c.Add(httpPath(strconv.Itoa(e.before)), e.entry)
	}
}
