package stats

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

// reference is a value computed or published elsewhere, with its source.
type reference struct {
	ID        string
	Function  string
	Input     map[string]float64
	Expected  json.RawMessage
	Tolerance float64
	Source    string
}

func references(t *testing.T, function string) []reference {
	t.Helper()
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []reference
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(r reference) bool { return r.Function != function })
}

func (r reference) expects(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(r.Expected, into); err != nil {
		t.Fatal(err)
	}
}

// near compares relative to the larger of 1 and what is expected.
func near(got, want, tolerance float64) bool {
	return math.Abs(got-want) <= tolerance*math.Max(1, math.Abs(want))
}

func TestReferenceLogLikelihoodRatio(t *testing.T) {
	ids := []string{"hypergeom-1", "hypergeom-2", "hypergeom-3", "hypergeom-5", "hypergeom-7", "hypergeom-8"}
	for i, r := range references(t, "noncentral_hypergeometric_log_lr") {
		if i >= len(ids) || r.ID != ids[i] {
			t.Fatalf("reference %d is %s; expected the ids %v", i, r.ID, ids)
		}
		t.Run(r.ID, func(t *testing.T) {
			var want float64
			r.expects(t, &want)
			table := Table{
				EventsA: int64(r.Input["control_k"]), TrialsA: int64(r.Input["control_n"]),
				EventsB: int64(r.Input["canary_k"]), TrialsB: int64(r.Input["canary_n"]),
			}
			if got := LogLikelihoodRatio(table, r.Input["psi"]); !near(got, want, r.Tolerance) {
				t.Errorf("got %.15g, want %.15g (%s)", got, want, r.Source)
			}
		})
	}
}

func TestReferenceAnytimeT(t *testing.T) {
	ids := []string{"avlm-(Intercept)", "avlm-X2", "avlm-X3", "avlm-X1:trt"}
	for i, r := range references(t, "av_t") {
		if i >= len(ids) || r.ID != ids[i] {
			t.Fatalf("reference %d is %s; expected the ids %v", i, r.ID, ids)
		}
		t.Run(r.ID, func(t *testing.T) {
			var want struct {
				P  float64
				CI [2]float64
			}
			r.expects(t, &want)
			in := r.Input
			logE := AnytimeT(in["estimate"]/in["se"], in["nu"], in["n"], in["g"])
			// The p-value is small, so it is compared by its own size.
			if p := math.Min(1, math.Exp(-logE)); math.Abs(p-want.P) > r.Tolerance*want.P {
				t.Errorf("p: got %.12g, want %.12g (%s)", p, want.P, r.Source)
			}
			width, ok := AnytimeWidth(in["nu"], in["n"], in["g"], in["alpha"])
			low, high := in["estimate"]-width*in["se"], in["estimate"]+width*in["se"]
			if !ok || !near(low, want.CI[0], r.Tolerance) || !near(high, want.CI[1], r.Tolerance) {
				t.Errorf("interval: got %.9g to %.9g, want %v (%s)", low, high, want.CI, r.Source)
			}
		})
	}
}
