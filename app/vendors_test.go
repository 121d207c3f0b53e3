package app_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/spec"
)

// reached are the keys by which any vendor is reached.
var reached = []string{"url", "bearerTokenFile", "basicAuth", "oauth2", "headers", "secretHeaders", "tls", "timeout", "step", "lag"}

// settingsOf are the other keys of a source, by the schema of release files.
func settingsOf(t *testing.T, source string) []string {
	t.Helper()
	var node any
	if err := json.Unmarshal(spec.Schema(), &node); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"properties", "spec", "properties", "analysis", "properties", "source", "properties", source, "properties"} {
		node = node.(map[string]any)[name]
		if node == nil {
			t.Fatalf("%s: the schema of release files has no %s", source, name)
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(node.(map[string]any))), func(key string) bool { return slices.Contains(reached, key) })
}

// What a release file may say of a vendor is what its preset takes.
func TestSettingsOfVendors(t *testing.T) {
	takes := map[string]map[string]bool{}
	for _, p := range httpjson.Presets() {
		if takes[p.Name] == nil {
			takes[p.Name] = map[string]bool{}
		}
		for name := range p.Settings {
			takes[p.Name][name] = true
		}
		for _, s := range p.Secrets {
			takes[p.Name][s.Setting] = true
		}
	}
	for name, settings := range takes {
		want, got := slices.Sorted(maps.Keys(settings)), settingsOf(t, name)
		if !slices.Equal(want, got) {
			t.Errorf("%s: a file may say %q, its preset takes %q", name, got, want)
		}
	}
}
