package traefik_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/traefik"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

// api answers as Traefik's API does, from the file that Traefik would read.
type api struct {
	*httptest.Server
	path string

	mu      sync.Mutex
	fault   trafficconf.Fault
	frozen  string   // what it goes on serving while it lies
	mended  chan any // closed when the present fault is over
	unknown string   // a service that it does not know
}

func openAPI(t *testing.T, path string) *api {
	a := &api{path: path, mended: make(chan any)}
	a.Server = httptest.NewServer(a)
	t.Cleanup(func() {
		a.set("")
		a.Close()
	})
	return a
}

func (a *api) set(fault trafficconf.Fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	text, _ := os.ReadFile(a.path)
	a.fault, a.frozen = fault, string(text)
	close(a.mended)
	a.mended = make(chan any)
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	fault, text, mended, unknown := a.fault, a.frozen, a.mended, a.unknown
	a.mu.Unlock()
	switch fault {
	case trafficconf.Throttled:
		http.Error(w, "slow down", http.StatusTooManyRequests)
	case trafficconf.Failing:
		http.Error(w, "broken", http.StatusBadGateway)
	case trafficconf.Forbidden:
		http.Error(w, "who are you?", http.StatusUnauthorized)
	case trafficconf.Unreachable, trafficconf.Broken:
		panic(http.ErrAbortHandler)
	case trafficconf.Hanging:
		select {
		case <-mended:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case trafficconf.Lying:
		a.tell(w, r, text, unknown)
	default:
		now, _ := os.ReadFile(a.path)
		a.tell(w, r, string(now), unknown)
	}
}

// tell tells of a service in a file; all others are load balancers.
func (a *api) tell(w http.ResponseWriter, r *http.Request, text, unknown string) {
	name, _ := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/api/http/services/"), "@file")
	var f struct {
		HTTP struct {
			Services map[string]map[string]any `yaml:"services"`
		} `yaml:"http"`
	}
	if err := yaml.Unmarshal([]byte(text), &f); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	told, ok := f.HTTP.Services[name]
	switch {
	case name == unknown || name == "shop" && !ok:
		http.Error(w, `{"message":"service not found: `+name+`@file"}`, http.StatusNotFound)
		return
	case !ok:
		told = map[string]any{"loadBalancer": map[string]any{}}
	}
	told["status"] = "enabled"
	if err := json.NewEncoder(w).Encode(told); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func fileConfig(path string) traefik.FileConfig {
	return traefik.FileConfig{
		Path: path, Weighted: "shop", Service: "shop", Patience: 5 * time.Second,
		Arms: []traefik.Arm{{Name: "baseline", Backend: "stable"}, {Name: "candidate", Backend: "canary@docker"}, {Name: "third", Backend: "third"}},
	}
}

func newFile(t *testing.T, cfg traefik.FileConfig) *traefik.File {
	t.Helper()
	f, err := traefik.NewFile(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func TestFileConforms(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		t.Run(fmt.Sprintf("api asked: %v", live), func(t *testing.T) {
			trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness { return fileHarness(t, live) })
		})
	}
}

func TestFileInChaos(t *testing.T) {
	t.Parallel()
	chaos.Exercise(t, func(t *testing.T) trafficconf.Harness { return fileHarness(t, true) })
}

func fileHarness(t *testing.T, live bool) trafficconf.Harness {
	cfg := fileConfig(filepath.Join(t.TempDir(), "dynamic", "linnet-shop.yml"))
	if err := os.Mkdir(filepath.Dir(cfg.Path), 0o755); err != nil {
		t.Fatal(err)
	}
	a := openAPI(t, cfg.Path)
	if live {
		cfg.API = a.URL
	}
	return trafficconf.Harness{
		Router: newFile(t, cfg), Service: "shop", Arms: []string{"baseline", "candidate", "third"},
		Abilities: traefik.FileAbilities(), Fences: true,
		Restart: func() trafficconf.Router { return newFile(t, cfg) },
		Edit: func(second release.Weight) {
			text, err := os.ReadFile(cfg.Path)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(text), "\n")
			for i, line := range lines {
				for arm, w := range map[string]release.Weight{"stable": release.Whole - second, "canary@docker": second, "third": 0} {
					if strings.Contains(line, fmt.Sprintf("- name: %q", arm)) {
						lines[i+1] = fmt.Sprintf("            weight: %d", w)
					}
				}
			}
			if err := os.WriteFile(cfg.Path, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
				t.Fatal(err)
			}
		},
		Break: func(fault trafficconf.Fault) func() {
			if fault == trafficconf.Missing {
				away := filepath.Dir(cfg.Path) + "-away"
				must(t, os.Rename(filepath.Dir(cfg.Path), away))
				return func() { must(t, os.Rename(away, filepath.Dir(cfg.Path))) }
			}
			if !live || fault == trafficconf.Contested {
				return nil
			}
			a.set(fault)
			return func() { a.set("") }
		},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func route(epoch uint64, second release.Weight) release.Route {
	return release.Route{Service: "shop", Epoch: epoch, Owner: "shop {{ .Env }}/1",
		Weights: []release.ArmWeight{{Arm: "baseline", Weight: release.Whole - second}, {Arm: "candidate", Weight: second}}}
}

// The file as it is, so that whoever looks into it knows it.
func TestTheFile(t *testing.T) {
	cfg := fileConfig(filepath.Join(t.TempDir(), "linnet-shop.yml"))
	cfg.Arms = cfg.Arms[:2]
	f := newFile(t, cfg)
	r := route(7, 1)
	r.Sticky = release.Sticky{Cookie: "arm", For: time.Hour}
	r.Mirror = release.Whole / 4
	must(t, f.Apply(t.Context(), r))
	text, err := os.ReadFile(cfg.Path)
	must(t, err)
	const want = `# Written by Linnet: what is changed here by hand is seen, and written over.
# linnet-route: epoch=7 owner="shop \x7b\x7b .Env }}/1"
http:
  services:
    "shop":
      weighted:
        services:
          - name: "shop-linnet-mirrored"
            weight: 99999
          - name: "canary@docker"
            weight: 1
        sticky:
          cookie:
            name: "arm"
            maxAge: 3600
    "shop-linnet-mirrored":
      mirroring:
        service: "stable"
        mirrors:
          - name: "canary@docker"
            percent: 25
`
	if string(text) != want {
		t.Errorf("the file is\n%s\nwant\n%s", text, want)
	}
	seen, err := f.Observed(t.Context())
	must(t, err)
	if seen.Route.Owner != r.Owner || seen.Route.Epoch != 7 || seen.Route.Mirror != r.Mirror || seen.Route.Weights[1].Weight != 1 {
		t.Errorf("read back %+v", seen.Route)
	}
	r.Epoch, r.Mirror = 8, 1500
	if err := f.Apply(t.Context(), r); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "1% and 2%") {
		t.Errorf("a mirror finer than a percent: %v", err)
	}
}

// A file that is somebody's is never written over; one that says nothing but
// the split is taken over.
func TestFilesOfOthers(t *testing.T) {
	const split = "http: { services: { shop: { weighted: { services: [ { name: stable, weight: 3 }, { name: canary@docker, weight: 1 } ] } } } }\n"
	for _, c := range []struct {
		name, text, says string
	}{
		{"a router beside", "http:\n  routers: { shop: { rule: x, service: shop } }\n" + strings.TrimPrefix(split, "http:"), "alone"},
		{"another service beside", strings.Replace(split, "{ shop:", "{ other: { weighted: {} }, shop:", 1), "no other"},
		{"another arm", strings.Replace(split, "weight: 1 }", "weight: 1 }, { name: more }", 1), "more than"},
		{"an arm missing", strings.Replace(split, "stable", "stables", 1), "in this order"},
		{"not YAML", "http: [", "alone"},
		{"the split alone", split, ""},
		{"empty", "", "weighted service"},
		{"ours, broken by hand", "# Written by Linnet\n# linnet-route: epoch=1 owner=\"a\"\nhttp: [", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := fileConfig(filepath.Join(t.TempDir(), "shop.yaml"))
			cfg.Arms = cfg.Arms[:2]
			must(t, os.WriteFile(cfg.Path, []byte(c.text), 0o640))
			f := newFile(t, cfg)
			seen, err := f.Observed(t.Context())
			if c.text == split && (err != nil || seen.Route.Weights[1].Weight != release.Whole/4) {
				t.Errorf("observed %+v, %v", seen, err)
			}
			err = f.Apply(t.Context(), route(2, 0))
			if c.says == "" {
				must(t, err)
				info, err := os.Stat(cfg.Path)
				if err != nil || info.Mode().Perm() != 0o640 {
					t.Errorf("the mode is %v, %v", info.Mode(), err)
				}
				return
			}
			if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("apply: %v, expected %q saying %q", err, release.ErrInvalid, c.says)
			}
			if now, _ := os.ReadFile(cfg.Path); string(now) != c.text {
				t.Errorf("the file became\n%s", now)
			}
		})
	}
}

// Traffic is never given to a service that Traefik does not know: it would
// answer every request with 404, those of the baseline too.
func TestAServiceThatTraefikDoesNotKnow(t *testing.T) {
	cfg := fileConfig(filepath.Join(t.TempDir(), "shop.yml"))
	a := openAPI(t, cfg.Path)
	a.unknown, cfg.API = "canary@docker", a.URL
	f := newFile(t, cfg)
	must(t, f.Apply(t.Context(), route(1, 0)))
	if err := f.Apply(t.Context(), route(2, 1000)); !errors.Is(err, release.ErrNotFound) || !strings.Contains(err.Error(), "canary@docker") {
		t.Errorf("a raise to an unknown service: %v", err)
	}
	seen, err := f.Observed(t.Context())
	if err != nil || seen.Route.Epoch != 1 || seen.Route.Weights[1].Weight != 0 {
		t.Errorf("after it %+v, %v", seen.Route, err)
	}
}

// What Traefik serves counts, not what the file says: it keeps the last good
// configuration while any file of the folder is broken.
func TestObservedIsWhatTraefikServes(t *testing.T) {
	cfg := fileConfig(filepath.Join(t.TempDir(), "shop.yml"))
	a := openAPI(t, cfg.Path)
	cfg.API, cfg.Patience = a.URL, 200*time.Millisecond
	f := newFile(t, cfg)
	must(t, f.Apply(t.Context(), route(1, 30_000)))
	a.set(trafficconf.Lying)
	err := f.Apply(t.Context(), route(2, 0))
	if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "still serves 70000 for stable, 30000 for canary") {
		t.Errorf("a change that Traefik does not take: %v", err)
	}
	seen, err := f.Observed(t.Context())
	if err != nil || seen.Route.Weights[1].Weight != 30_000 {
		t.Errorf("observed %+v, %v", seen.Route, err)
	}
}

func TestFileConfigs(t *testing.T) {
	for name, change := range map[string]func(*traefik.FileConfig){
		"no arms":              func(c *traefik.FileConfig) { c.Arms = nil },
		"one service twice":    func(c *traefik.FileConfig) { c.Arms[1].Backend = "stable" },
		"a service like YAML":  func(c *traefik.FileConfig) { c.Arms[1].Backend = `"{{ .x }}"` },
		"another extension":    func(c *traefik.FileConfig) { c.Path = "shop.json" },
		"no weighted service":  func(c *traefik.FileConfig) { c.Weighted = "" },
		"a qualified one":      func(c *traefik.FileConfig) { c.Weighted = "shop@file" },
		"an API with a user":   func(c *traefik.FileConfig) { c.API = "http://me:secret@localhost" },
		"an API without host":  func(c *traefik.FileConfig) { c.API = "localhost:8080" },
		"a negative patience":  func(c *traefik.FileConfig) { c.Patience = -1 },
		"no service of ours":   func(c *traefik.FileConfig) { c.Service = "" },
		"a name that is taken": func(c *traefik.FileConfig) { c.Arms[1].Backend = "shop-linnet-mirrored" },
	} {
		cfg := fileConfig("shop.yml")
		change(&cfg)
		if _, err := traefik.NewFile(cfg); !errors.Is(err, release.ErrInvalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
