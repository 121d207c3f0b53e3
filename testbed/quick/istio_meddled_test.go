package quick_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/istio"
)

// meddle is what somebody may do to the objects above in the middle of a release.
func (m *mesh) meddle(t *testing.T) map[string]func() {
	return map[string]func(){
		"the candidate's destination is taken out": func() {
			m.jsonPatch(t, editor, virtualServices, "checkout", `[{"op":"remove","path":"/spec/http/1/route/1"}]`)
		},
		"the candidate's destination is there twice": func() {
			m.jsonPatch(t, editor, virtualServices, "checkout", `[{"op":"copy","from":"/spec/http/1/route/1","path":"/spec/http/1/route/-"}]`)
		},
		"only the baseline's is left": func() {
			m.jsonPatch(t, editor, virtualServices, "checkout",
				`[{"op":"replace","path":"/spec/http/1/route","value":[{"destination":{"host":"checkout","subset":"stable"}}]}]`)
		},
		"a destination of nobody's": func() {
			m.jsonPatch(t, editor, virtualServices, "checkout",
				`[{"op":"add","path":"/spec/http/1/route/-","value":{"destination":{"host":"other"},"weight":5}}]`)
		},
		"the DestinationRule is deleted": func() { m.remove(t, destinationRules, "checkout") },
	}
}

// What somebody takes out in the middle of a release counts as weight 0, and
// keeps nobody from going back; a release cannot begin with it.
func TestIstioAnArmTakenOut(t *testing.T) {
	m := newMesh(t)
	server.Create(t, virtualServices, m.namespace, checkout)
	r := m.router(t, nil)
	if err := r.Apply(soon(t), istioRoute(1, 30_000)); err != nil {
		t.Fatal(err)
	}
	takeOut := func() {
		m.jsonPatch(t, editor, virtualServices, "checkout", `[{"op":"remove","path":"/spec/http/1/route/1"}]`)
	}
	takeOut()
	noticed(t, r, 0)
	if err := r.Apply(soon(t), istioRoute(2, 40_000)); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "no destination checkout subset canary") {
		t.Errorf("a raise: %v, expected %q", err, release.ErrInvalid)
	}
	if err := r.Apply(soon(t), istioRoute(2, 0)); err != nil {
		t.Errorf("the way back: %v", err)
	}
	if a, b := fmt.Sprint(m.weights(t, "checkout", "http", 1)), fmt.Sprint(m.weights(t, "checkout", "http", 2)); a != "[100 0]" || b != "[<nil>]" {
		t.Errorf("the weights are %s and %s", a, b)
	}
	if seen, err := r.Observed(soon(t)); err != nil || seen.Route.Weights[1].Weight != 0 || seen.Route.Epoch != 2 {
		t.Errorf("seen: %+v, %v", seen, err)
	}

	// Where another route leads to the candidate alone, nobody knows that nobody goes there.
	m.jsonPatch(t, editor, virtualServices, "checkout", `[{"op":"replace","path":"/spec/http/2/route/0/destination/subset","value":"canary"}]`)
	if err := r.Apply(soon(t), istioRoute(3, 0)); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("beside a route to the candidate alone: %v, expected %q", err, release.ErrInvalid)
	}
	named := m.router(t, func(c *istio.Config) { c.Routes = []string{"primary"} })
	if err := named.Apply(soon(t), istioRoute(3, 0)); err != nil {
		t.Errorf("the way back of a named route: %v", err)
	}

	fresh := newMesh(t)
	server.Create(t, virtualServices, fresh.namespace, checkout)
	fresh.jsonPatch(t, editor, virtualServices, "checkout", `[{"op":"remove","path":"/spec/http/1/route/1"}]`)
	if seen, err := fresh.router(t, nil).Observed(soon(t)); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("a release may begin: %+v, %v", seen, err)
	}
}

// A mirror that somebody puts beside ours stays, and ours goes.
func TestIstioAMirrorBesideOurs(t *testing.T) {
	m := newMesh(t)
	server.Create(t, virtualServices, m.namespace, checkout)
	r := m.router(t, nil)
	route := istioRoute(1, 20_000)
	route.Mirror = release.Whole
	if err := r.Apply(soon(t), route); err != nil {
		t.Fatal(err)
	}
	m.jsonPatch(t, editor, virtualServices, "checkout",
		`[{"op":"add","path":"/spec/http/1/mirrors/0","value":{"destination":{"host":"audit"},"percentage":{"value":5}}}]`)
	mirrors := func() string {
		routes, _, _ := unstructured.NestedSlice(server.Get(t, virtualServices, m.namespace, "checkout").Object, "spec", "http")
		return fmt.Sprint(routes[1].(map[string]any)["mirrors"])
	}
	route = istioRoute(2, 50_000)
	route.Mirror = release.Whole
	if err := r.Apply(soon(t), route); err != nil {
		t.Fatal(err)
	}
	const users = "map[destination:map[host:audit] percentage:map[value:5]]"
	if got := mirrors(); !strings.HasPrefix(got, "["+users) || !strings.Contains(got, "subset:canary] percentage:map[value:50]]") {
		t.Errorf("mirrors are %s", got)
	}
	if err := r.Apply(soon(t), istioRoute(3, 0)); err != nil {
		t.Fatal(err)
	}
	if got := mirrors(); got != "["+users+"]" {
		t.Errorf("at zero mirrors are %s", got)
	}
}

// Delegates that were there once do not count against those that are.
func TestIstioDelegatesComeAndGo(t *testing.T) {
	m := newMesh(t)
	server.Create(t, virtualServices, m.namespace, strings.ReplaceAll(rootService, "OTHER", m.namespace))
	server.Create(t, virtualServices, m.namespace, strings.NewReplacer("NAME", "first", "HOST", "new").Replace(delegated))
	r := m.router(t, byHost)
	for i := range 15 {
		m.jsonPatch(t, editor, virtualServices, "checkout", fmt.Sprintf(
			`[{"op":"replace","path":"/spec/http/1/delegate/name","value":"b%d"},{"op":"replace","path":"/spec/http/2/delegate/name","value":"c%d"}]`, i, i))
		if err := r.Apply(soon(t), istioRoute(uint64(i+1), 10_000)); err != nil {
			t.Fatal(err)
		}
	}
}
