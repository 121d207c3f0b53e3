package contract_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/contract"
	"github.com/linnet-project/linnet/traffic/split"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

const service = "checkout"

var arms = []string{release.Baseline, release.Candidate, "third"}

// everything is what the contract has room for: what a release file may ask of a
// provider of one's own.
func everything(t *testing.T) []release.Ability {
	t.Helper()
	exec, _ := spec.ProviderOf("exec")
	webhook, ok := spec.ProviderOf("webhook")
	if !ok || !slices.Equal(exec.Abilities, webhook.Abilities) {
		t.Fatalf("the abilities of exec are %v, and those of webhook %v", exec.Abilities, webhook.Abilities)
	}
	return exec.Abilities
}

func rules(abilities ...release.Ability) split.Rules {
	return split.Rules{Service: service, Arms: arms, Abilities: abilities}
}

// stand is somebody else's provider, which knows the contract from its page
// alone: it keeps the route as it came.
type stand struct {
	mu     sync.Mutex
	now    time.Time
	route  map[string]any
	until  time.Time
	lapsed bool
	sick   map[string]bool
	asked  []string // the requests, as they came
}

func newStand() *stand {
	return &stand{now: time.Unix(1_700_000_000, 0), sick: map[string]bool{}, route: map[string]any{
		"weights": []any{map[string]any{"arm": arms[0], "weight": 100_000}}, "epoch": 0., "owner": "",
	}}
}

func (s *stand) call(_ context.Context, operation string, request []byte) (contract.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, string(request))
	var r map[string]any
	if err := json.Unmarshal(request, &r); err != nil {
		return contract.Answer{}, err
	}
	if r["version"] != 1. || r["operation"] != operation || r["service"] != service {
		return s.fail("invalid", "no request of the contract: %s", request), nil
	}
	s.settle()
	switch operation {
	case "apply":
		return s.apply(r["route"].(map[string]any)), nil
	case "observe":
		return s.say(map[string]any{"version": 1, "service": service, "route": s.route, "lapsed": s.lapsed, "new": true}), nil
	case "renew":
		if s.until.IsZero() || s.lapsed || r["owner"] != s.route["owner"] || r["epoch"] != s.route["epoch"] {
			return s.fail("conflict", "not yours to renew"), nil
		}
		s.until = s.now.Add(time.Duration(r["lease"].(float64) * 1e9))
		return contract.Answer{}, nil
	case "ready":
		if s.sick[r["arm"].(string)] {
			return s.fail("unavailable", "nobody is there"), nil
		}
		return s.say(map[string]any{}), nil
	}
	return s.fail("invalid", "no operation %s", operation), nil
}

func (s *stand) settle() {
	if s.until.IsZero() || s.now.Before(s.until) {
		return
	}
	s.lapsed = true
	s.route = maps.Clone(s.route)
	s.route["weights"] = []any{map[string]any{"arm": arms[0], "weight": 100_000}}
	delete(s.route, "lease")
}

func (s *stand) apply(route map[string]any) contract.Answer {
	epoch, served := route["epoch"].(float64), s.route["epoch"].(float64)
	held := !s.until.IsZero() && !s.lapsed && route["owner"] != s.route["owner"]
	if epoch < served || epoch == served && s.lapsed || held {
		return s.fail("conflict", "epoch %v, and %v is served", epoch, served)
	}
	s.route, s.until, s.lapsed = route, time.Time{}, false
	if lease, ok := route["lease"].(float64); ok {
		s.until = s.now.Add(time.Duration(lease * 1e9))
	}
	return s.say(map[string]any{})
}

func (s *stand) say(what map[string]any) contract.Answer {
	text, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	return contract.Answer{Text: text}
}

func (s *stand) fail(code, format string, args ...any) contract.Answer {
	return s.say(map[string]any{"code": code, "error": fmt.Sprintf(format, args...)})
}

func conforming(t *testing.T) trafficconf.Harness {
	s := newStand()
	return trafficconf.Harness{
		Router:  contract.New(contract.Config{Name: "stand", Rules: rules(everything(t)...), Call: s.call}),
		Service: service, Arms: arms, Abilities: everything(t), Fences: true,
		Advance: func(d time.Duration) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.now = s.now.Add(d)
		},
		SetReady: func(arm string, ready bool) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.sick[arm] = !ready
		},
		Edit: func(second release.Weight) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.route = maps.Clone(s.route)
			s.route["weights"] = []any{
				map[string]any{"arm": arms[1], "weight": second}, map[string]any{"arm": arms[0], "weight": release.Whole - second},
			}
		},
	}
}

func TestConforms(t *testing.T) { trafficconf.Exercise(t, conforming) }

func TestInChaos(t *testing.T) { chaos.Exercise(t, conforming) }

// TestARouteComesBackAsItWent, with all that it may ask for.
func TestARouteComesBackAsItWent(t *testing.T) {
	s := newStand()
	router := contract.New(contract.Config{Name: "stand", Rules: rules(everything(t)...), Call: s.call})
	route := release.Route{
		Service: service, Weights: split.Of(arms, []release.Weight{70_000, 20_000, 10_000}),
		Salt: "s", Epoch: 1_900_000_000 << 20, Owner: "checkout-1.5.0/1", Lease: 90*time.Second + time.Millisecond,
		Testers: release.Testers{Header: "X-Arm", Cookie: "arm"}, Sticky: release.Sticky{Cookie: "user", For: time.Hour}, Mirror: 1,
	}
	if err := router.Apply(t.Context(), route); err != nil {
		t.Fatal(err)
	}
	seen, err := router.Observed(t.Context())
	if err != nil || fmt.Sprint(seen.Route) != fmt.Sprint(route) {
		t.Errorf("read back %+v (%v), applied %+v", seen.Route, err, route)
	}
	const want = `"needs":["testers by header","testers by cookie","sticky by cookie","mirroring","lease","more than two arms"]`
	if !strings.Contains(s.asked[0], want) {
		t.Errorf("the request %s does not tell %s", s.asked[0], want)
	}
}

// TestNonsenseIsRefused: an answer that cannot be true is told as what it is.
func TestNonsenseIsRefused(t *testing.T) {
	const good = `"route":{"weights":[{"arm":"baseline","weight":90000},{"arm":"candidate","weight":10000}],"epoch":1,"owner":"a"}`
	weights := func(text string) string { return `{"route":{"weights":` + text + `}}` }
	for text, says := range map[string]string{
		``:                                "it is empty",
		`<html>Log in`:                    `it begins "<html>Log in"`,
		`[]`:                              "JSON object",
		`{` + good:                        "no JSON object",
		`{` + good + `} {`:                "no JSON object",
		`{}`:                              "route: is missing",
		`{"version":2,` + good + `}`:      "version: is 2",
		`{"version":"1",` + good + `}`:    "version: a string does not belong there",
		`{"service":"cart",` + good + `}`: `service: is "cart"`,
		`{"route":{}}`:                    "route.weights: is missing",
		weights(`[{"arm":"baseline","weight":100000},{"arm":"dark","weight":0}]`):            `no arm "dark"`,
		weights(`[{"arm":"baseline","weight":50000},{"arm":"baseline","weight":50000}]`):     "named twice",
		weights(`[{"arm":"baseline","weight":100}]`):                                         "sum to 100",
		weights(`[{"arm":"baseline","weight":0.5}]`):                                         "does not belong there",
		weights(`[{"arm":"baseline","weight":-1},{"arm":"candidate","weight":100001}]`):      "does not belong there",
		`{"lapsed":"no",` + good + `}`:                                                       "lapsed: a string",
		`{` + strings.Replace(good, `"epoch":1`, `"epoch":1,"lease":1e300`, 1) + `}`:         "seconds",
		`{` + strings.Replace(good, `"epoch":1`, `"epoch":1,"lease":-1`, 1) + `}`:            "seconds",
		`{` + strings.Replace(good, `"epoch":1`, `"epoch":1,"sticky":{"for":1e10}`, 1) + `}`: "seconds",
		`{` + strings.Replace(good, `"epoch":1`, `"epoch":1,"mirror":200000`, 1) + `}`:       "route.mirror",
		`{` + strings.Replace(good, `"a"`, `"`+strings.Repeat("a", 2000)+`"`, 1) + `}`:       "owner and salt",
	} {
		_, err := answering(contract.Answer{Text: []byte(text)}).Observed(t.Context())
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60q: %v, expected it to say %q", text, err, says)
		}
	}
	err := answering(contract.Answer{Text: []byte("reloading\n")}).Apply(t.Context(), plain())
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), `it begins "reloading"`) {
		t.Errorf("an apply that answers with chatter: %v", err)
	}
}

// answering is a router whose other side always says the same.
func answering(a contract.Answer) split.Router {
	return contract.New(contract.Config{Name: "it", Rules: rules(), Call: func(context.Context, string, []byte) (contract.Answer, error) {
		return a, nil
	}})
}

func plain() release.Route {
	return release.Route{Service: service, Weights: split.Of(arms[:2], []release.Weight{release.Whole, 0}), Epoch: 1, Owner: "a"}
}

func TestFailuresHaveTheirMeaning(t *testing.T) {
	failed := fmt.Errorf("exit status 3: %w", release.ErrUnavailable)
	for _, c := range []struct {
		name    string
		answer  contract.Answer
		meaning error
		says    string
	}{
		{"by its code", contract.Answer{Text: []byte(`{"code":"conflict","error":"stale"}`)}, release.ErrConflict, "it: apply: stale: conflict"},
		{"the code goes before the status", contract.Answer{Text: []byte(`{"code":"not_found","error":"gone"}`), Failed: failed}, release.ErrNotFound, "it: apply: gone: not found"},
		{"without a word", contract.Answer{Text: []byte(`{"code":"invalid"}`)}, release.ErrInvalid, "it: apply: invalid"},
		{"by its status", contract.Answer{Failed: failed}, release.ErrUnavailable, "it: apply: exit status 3: unavailable"},
		{"with words of its own", contract.Answer{Text: []byte(`{"error":"disk full"}`), Failed: failed}, release.ErrUnavailable, "it: apply: disk full: exit status 3: unavailable"},
		{"by a code that nobody knows", contract.Answer{Text: []byte(`{"code":"teapot"}`), Failed: failed}, release.ErrUnavailable, "it: apply: exit status 3: unavailable"},
		{"with a secret", contract.Answer{Text: []byte(`{"code":"invalid","error":"token hunter22 is wrong"}`), Hide: []string{"hunter22", "a"}},
			release.ErrInvalid, "it: apply: token *** is wrong: invalid"},
	} {
		err := answering(c.answer).Apply(t.Context(), plain())
		if !errors.Is(err, c.meaning) || err.Error() != c.says {
			t.Errorf("%s: %v, expected %q", c.name, err, c.says)
		}
	}
	_, err := answering(contract.Answer{Text: []byte("hunter22 is no JSON"), Hide: []string{"hunter22"}}).Observed(t.Context())
	if err == nil || strings.Contains(err.Error(), "hunter") {
		t.Errorf("nonsense with a secret: %v", err)
	}
}

// TestWritersAreBounded: what the other side names goes into records.
func TestWritersAreBounded(t *testing.T) {
	var names []string
	for range 50 {
		names = append(names, strings.Repeat("x", 5000))
	}
	text, err := json.Marshal(map[string]any{"writers": names, "route": map[string]any{"weights": []any{map[string]any{"arm": arms[0], "weight": 100_000}}}})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := answering(contract.Answer{Text: text}).Observed(t.Context())
	if err != nil || len(seen.Writers) != 10 || len(seen.Writers[0]) > 1100 {
		t.Errorf("%d writers (%v)", len(seen.Writers), err)
	}
}

func FuzzObserved(f *testing.F) {
	f.Add(`{"route":{"weights":[{"arm":"baseline","weight":90000},{"arm":"candidate","weight":10000}],"epoch":1,"owner":"a","lease":30.5},"lapsed":true,"writers":["x"]}`)
	f.Add(`{"version":1,"service":"checkout","route":{"weights":[{"arm":"third","weight":100000}],"sticky":{"cookie":"c","for":60}}}`)
	f.Add(`{"code":"conflict","error":"stale"}`)
	f.Add(`{"route":{"lease":1e999}}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		seen, err := answering(contract.Answer{Text: []byte(text)}).Observed(t.Context())
		if err != nil {
			if len(err.Error()) > 2000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		sum := uint64(0)
		for _, w := range seen.Route.Weights {
			sum += uint64(w.Weight)
		}
		if sum != uint64(release.Whole) || seen.Route.Lease < 0 || seen.Route.Service != service {
			t.Errorf("%q is read as %+v", text, seen)
		}
	})
}

// Whoever tells of an error has failed, also where a web framework makes a 200 of
// it, or a script forgets its exit code.
func TestAFailureThatSaysAllIsWell(t *testing.T) {
	for text, expected := range map[string]string{
		`{"error": "no space left"}`:                      "stand: apply: no space left: unavailable",
		`{"error": "no space left", "code": "ENOSPC"}`:    "stand: apply: no space left: unavailable",
		`{"code": "ENOSPC"}`:                              "stand: apply: unavailable",
		`{"error": "epoch 7 is old", "code": "conflict"}`: "stand: apply: epoch 7 is old: conflict",
		`{"error": "", "code": ""}`:                       "",
	} {
		router := contract.New(contract.Config{Name: "stand", Rules: rules(), Call: func(context.Context, string, []byte) (contract.Answer, error) {
			return contract.Answer{Text: []byte(text)}, nil
		}})
		err := router.Apply(t.Context(), release.Route{Service: service, Weights: []release.ArmWeight{{Arm: arms[0], Weight: release.Whole}}})
		if got := fmt.Sprint(err); err != nil && got != expected || err == nil && expected != "" {
			t.Errorf("%s: %v, expected %q", text, err, expected)
		}
	}
}
