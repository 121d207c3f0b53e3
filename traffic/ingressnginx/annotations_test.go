package ingressnginx

import (
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/release"
)

// after gives the annotations once a wish is served.
func after(present map[string]string, w wish) map[string]string {
	out := maps.Clone(present)
	for key, value := range wanted(present, w) {
		if value == nil {
			delete(out, key)
		} else {
			out[key] = *value
		}
	}
	return out
}

// drawn are annotations as a user may have them.
func drawn(t *rapid.T) map[string]string {
	out := map[string]string{canaryKey: "true", "example.com/other": "x"}
	for key, values := range map[string][]string{
		weightKey: {"0", "5", "100"}, totalKey: {"100", "50", "1000", "100000", "many"},
		headerKey: {"X-Mine"}, headerValueKey: {"yes", ""}, behaviourKey: {"sticky", "legacy"},
		"nginx.ingress.kubernetes.io/canary-by-cookie": {"mine"}, keptKey: {"spoiled", "{}", `{"example.com/other":null}`},
	} {
		if rapid.Bool().Draw(t, key) {
			out[key] = rapid.SampledFrom(values).Draw(t, key+" value")
		}
	}
	return out
}

func drawnWish(t *rapid.T, label string) wish {
	w := wish{weight: release.Weight(rapid.Uint32Range(0, uint32(release.Whole)).Draw(t, label)), value: "candidate", affinity: rapid.Bool().Draw(t, "affinity")}
	if rapid.Bool().Draw(t, "testers") {
		w.header = "X-Linnet-Arm"
	}
	return w
}

// Every weight is served exactly, twice equals once, and at the end everything
// is the user's again but the weight.
func TestAnnotationsOfAWholeRelease(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		users := drawn(t)
		present := users
		for range rapid.IntRange(1, 5).Draw(t, "steps") {
			w := drawnWish(t, "weight")
			present = after(present, w)
			if got, err := served(present); err != nil || got != w.weight {
				t.Fatalf("wished for %d, %v serve %d (%v)", w.weight, present, got, err)
			}
			if again := after(present, w); !maps.Equal(again, present) {
				t.Fatalf("a second time %v becomes %v", present, again)
			}
		}
		end := after(present, wish{weight: rapid.SampledFrom([]release.Weight{0, release.Whole}).Draw(t, "end")})
		for _, m := range []map[string]string{users, end} {
			delete(m, weightKey)
			delete(m, keptKey)
		}
		if !maps.Equal(users, end) {
			t.Fatalf("the user had %v, the release left %v", users, end)
		}
	})
}

func TestWeightsAreWrittenAsPlainlyAsTheyCanBe(t *testing.T) {
	for _, test := range []struct {
		users         string
		weight        release.Weight
		text, totally string
	}{
		{"", 5_000, "5", ""},
		{"", 500, "500", "100000"},
		{"", 1, "1", "100000"},
		{"1000", 500, "5", "1000"},
		{"50", 5_000, "5", "50"},
		{"", release.Whole, "100", ""},
		{"1000", release.Whole, "1000", "1000"},
		{"", 0, "0", ""},
	} {
		present := map[string]string{canaryKey: "true"}
		if test.users != "" {
			present[totalKey] = test.users
		}
		got := after(present, wish{weight: test.weight})
		if got[weightKey] != test.text || got[totalKey] != test.totally {
			t.Errorf("%d with a total of %q: weight %q of %q, want %q of %q", test.weight, test.users, got[weightKey], got[totalKey], test.text, test.totally)
		}
	}
}

func TestZeroIsForHoldersOfACookieToo(t *testing.T) {
	present := map[string]string{canaryKey: "true", behaviourKey: "sticky"}
	zero := after(present, wish{affinity: true})
	if zero[behaviourKey] != "legacy" {
		t.Errorf("at 0 the behaviour is %q, want legacy", zero[behaviourKey])
	}
	if again := after(zero, wish{weight: 1000, affinity: true}); again[behaviourKey] != "sticky" {
		t.Errorf("above 0 the behaviour is %q, want the user's", again[behaviourKey])
	}
}

// FuzzServed: annotations that people write never panic, and weights are shares.
func FuzzServed(f *testing.F) {
	f.Add("10", "100", "{}")
	f.Add("-1", "0", `{"nginx.ingress.kubernetes.io/canary-weight-total":null}`)
	f.Add("9999999999", "x", "null")
	f.Fuzz(func(t *testing.T, weight, total, kept string) {
		present := map[string]string{canaryKey: "true", weightKey: weight, totalKey: total, keptKey: kept}
		if got, err := served(present); err == nil && got > release.Whole {
			t.Errorf("%v serves %d", present, got)
		}
		if got, err := served(after(present, wish{weight: 12_345})); err != nil || got != 12_345 {
			t.Errorf("%v after a wish for 12345 serves %d (%v)", present, got, err)
		}
	})
}
