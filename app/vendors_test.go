package app_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/spec"
)

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
		want, got := slices.Sorted(maps.Keys(settings)), slices.Sorted(slices.Values(spec.SettingsOf(name)))
		if !slices.Equal(want, got) {
			t.Errorf("%s: a file may say %q, its preset takes %q", name, got, want)
		}
	}
}
