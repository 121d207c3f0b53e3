package exec_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testprogram"
	"github.com/linnet-project/linnet/traffic/chaos"
	linnetexec "github.com/linnet-project/linnet/traffic/exec"
	"github.com/linnet-project/linnet/traffic/split"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

const (
	service = "checkout"
	token   = "a-token-that-nobody-may-read"
)

var (
	arms      = []string{release.Baseline, release.Candidate, "third"}
	abilities = []release.Ability{release.ManyArms}
)

// sample is the folder in which the sample runs, behind a script that fails when
// it is told to.
type sample struct {
	t   *testing.T
	dir string
}

// wrapper fails by the script in the file fault, where there is one, and is the
// sample otherwise. It takes the operation as its last argument.
const wrapper = `#!/bin/sh
dir=$(dirname "$0")
if [ -e "$dir/fault" ]; then . "$dir/fault"; fi
exec "$PYTHON" "$SAMPLE" "$dir/split.json" "$@"
`

func newSample(t *testing.T) *sample {
	t.Helper()
	script, err := filepath.Abs("../../examples/providers/split.py")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHON", testprogram.Find(t, "python3", "python3", "/usr/bin"))
	t.Setenv("SAMPLE", script)
	t.Setenv("ROUTER_TOKEN", token)
	s := &sample{t, t.TempDir()}
	s.write("split.sh", wrapper)
	return s
}

func (s *sample) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sample) router() split.Router {
	s.t.Helper()
	router, err := linnetexec.New(linnetexec.Config{
		Rules:   split.Rules{Service: service, Arms: arms, Abilities: abilities},
		Command: []string{"./split.sh"}, Folder: s.dir, Env: []string{"PYTHON", "SAMPLE", "ROUTER_TOKEN"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return router
}

// edit sets the second arm's weight as a person would: in the file.
func (s *sample) edit(second release.Weight) {
	path := filepath.Join(s.dir, "split.json")
	var route map[string]any
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &route)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	route["weights"] = []any{
		map[string]any{"arm": arms[0], "weight": release.Whole - second},
		map[string]any{"arm": arms[1], "weight": second},
	}
	if text, err = json.Marshal(route); err != nil {
		s.t.Fatal(err)
	}
	s.write("split.json", string(text))
}

// fault is how the script fails. What it says on the way holds the token.
var fault = map[trafficconf.Fault]string{
	trafficconf.Throttled: `echo "too many changes for $ROUTER_TOKEN" >&2; exit 75`,
	trafficconf.Failing:   `echo "token=$ROUTER_TOKEN: internal error" >&2; exit 1`,
	trafficconf.Hanging:   `sleep 600`,
	trafficconf.Broken:    `"$PYTHON" "$SAMPLE" "$dir/split.json" "$@"; kill -9 $$`,
	trafficconf.Forbidden: `echo "{\"code\": \"invalid\", \"error\": \"$ROUTER_TOKEN may not\"}"; exit 1`,
	trafficconf.Missing:   `echo "no such pool" >&2; exit 44`,
	trafficconf.Contested: `exit 49`,
	trafficconf.Lying:     `if [ "$1" = apply ]; then exit 0; fi`,
}

func (s *sample) fail(f trafficconf.Fault) func() {
	script, ok := fault[f]
	if !ok {
		return nil
	}
	s.write("fault", script)
	return func() {
		if err := os.Remove(filepath.Join(s.dir, "fault")); err != nil {
			s.t.Fatal(err)
		}
	}
}

func theSample(t *testing.T) trafficconf.Harness {
	s := newSample(t)
	return trafficconf.Harness{
		Router: s.router(), Service: service, Arms: arms, Abilities: abilities, Fences: true,
		Restart: func() trafficconf.Router { return s.router() },
		Edit:    s.edit, Break: s.fail, Secret: token,
	}
}

// TestTheSampleConforms: the sample of docs/own-provider.md is all that a
// provider has to be.
func TestTheSampleConforms(t *testing.T) { trafficconf.Exercise(t, theSample) }

func TestTheSampleInChaos(t *testing.T) { chaos.Exercise(t, theSample) }

// TestBeforeTheFirstRoute all goes to the first arm.
func TestBeforeTheFirstRoute(t *testing.T) {
	seen, err := newSample(t).router().Observed(t.Context())
	if err != nil || len(seen.Route.Weights) != 1 || seen.Route.Weights[0] != (release.ArmWeight{Arm: release.Baseline, Weight: release.Whole}) {
		t.Errorf("%+v, %v", seen, err)
	}
}
