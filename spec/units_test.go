package spec

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/release"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0s": 0, "30s": 30 * time.Second, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour,
		"2d12h": 60 * time.Hour, "1.5h": 90 * time.Minute, "250ms": 250 * time.Millisecond, "3660d": maxDuration,
	} {
		if got, bad := parseDuration(text); got != want || bad != (fault{}) {
			t.Errorf("%s is %v (%v), want %v", text, got, bad, want)
		}
	}
	for text, want := range map[string]string{
		"5": "has no unit", "": "is not a duration", "-5m": "is not a duration", "+5m": "is not a duration",
		"5 m": "is not a duration", "5min": "is not a duration", "1.5d": "is not a duration", "d": "is not a duration",
		"2d-1h": "is not a duration", "1h2d": "is not a duration", "99999d": "is not a duration",
		"3661d": "is longer than ten years", "9999999h": "is not a duration", "2000000h": "is longer than ten years",
	} {
		if _, bad := parseDuration(text); bad.problem != want {
			t.Errorf("%q: %q, want %q", text, bad.problem, want)
		}
	}
}

func TestPercentages(t *testing.T) {
	for text, want := range map[string]float64{"1%": 0.01, "0.01%": 0.0001, "5%": 0.05, "100%": 1, "0%": 0, "12.5%": 0.125, "07%": 0.07} {
		if got, bad := parsePercent(text); got != want || bad != (fault{}) {
			t.Errorf("%s is %v (%v), want %v", text, got, bad, want)
		}
	}
	for text, want := range map[string]fault{
		"0.1":  {"has no unit", "write 10%"},
		"10":   {"has no unit", "write 10%"},
		"0.05": {"has no unit", "write 5%"},
		"-1%":  {"is not a percentage", "write a percentage such as 1% or 0.5%"},
		"1 %":  {"is not a percentage", "write a percentage such as 1% or 0.5%"},
		"%":    {"is not a percentage", "write a percentage such as 1% or 0.5%"},
		"1e1%": {"is not a percentage", "write a percentage such as 1% or 0.5%"},
	} {
		if _, bad := parsePercent(text); bad != want {
			t.Errorf("%q: %v, want %v", text, bad, want)
		}
	}
}

func TestWeights(t *testing.T) {
	for text, want := range map[string]release.Weight{"0.001%": 1, "0.01%": 10, "1%": 1000, "12.345%": 12345, "100%": 100_000, "1.5000%": 1500} {
		if got, bad := parseWeight(text); got != want || bad != (fault{}) {
			t.Errorf("%s is %v (%v), want %v", text, got, bad, want)
		}
	}
	for text, want := range map[string]string{
		"0%": "is no traffic at all", "0.0001%": "is finer than traffic can be split", "101%": "is more than all of the traffic",
		"100.001%": "is more than all of the traffic", "10": "has no unit", "ten": "is not a percentage",
		"99999999999999999999%": "is more than all of the traffic",
	} {
		if _, bad := parseWeight(text); bad.problem != want {
			t.Errorf("%q: %q, want %q", text, bad.problem, want)
		}
	}
}

func TestQuantities(t *testing.T) {
	for text, want := range map[string]quantity{
		"0.8": {0.8, bare}, "-3": {-3, bare}, "2e9": {2e9, bare}, "1%": {0.01, share}, "300ms": {0.3, seconds},
		"6/m": {0.1, rate}, "2/s": {2, rate}, "9/h": {0.0025, rate}, "0/s": {0, rate},
	} {
		if got, bad := parseQuantity(text); got != want || bad != (fault{}) {
			t.Errorf("%s is %v (%v), want %v", text, got, bad, want)
		}
	}
	for _, text := range []string{"", "NaN", "Inf", "0x10", "1_000", "5/d", "/m", "-5/m", "x", "1e999", "5 /m", "1e-400/s", "%"} {
		if q, bad := parseQuantity(text); bad == (fault{}) {
			t.Errorf("%q was read as %v", text, q)
		}
	}
}

func TestFactors(t *testing.T) {
	if got, bad := parseFactor("1.5x"); got != 1.5 || bad != (fault{}) {
		t.Errorf("1.5x is %v (%v)", got, bad)
	}
	for text, want := range map[string]string{"2": "has no unit", "x": "is not a factor", "-2x": "is not a factor", "2X": "is not a factor"} {
		if _, bad := parseFactor(text); bad.problem != want {
			t.Errorf("%q: %q, want %q", text, bad.problem, want)
		}
	}
}

// What is written is read back as exactly the same value.
func TestUnitsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, int64(maxDuration)).Draw(t, "duration"))
		if got, bad := parseDuration(formatDuration(d)); got != d {
			t.Fatalf("%v is written %s and read as %v (%v)", d, formatDuration(d), got, bad)
		}
		w := release.Weight(rapid.Uint32Range(1, uint32(release.Whole)).Draw(t, "weight"))
		if got, bad := parseWeight(formatWeight(w)); got != w {
			t.Fatalf("%v is written %s and read as %v (%v)", w, formatWeight(w), got, bad)
		}
		p := rapid.Float64Range(1e-6, 10).Draw(t, "share")
		if got, bad := parsePercent(formatPercent(p)); got != p {
			t.Fatalf("%v is written %s and read as %v (%v)", p, formatPercent(p), got, bad)
		}
		for _, u := range []unit{bare, share, rate} {
			q := quantity{p, u}
			if got, bad := parseQuantity(formatQuantity(q)); got != q {
				t.Fatalf("%v is written %s and read as %v (%v)", q, formatQuantity(q), got, bad)
			}
		}
		q := quantity{rapid.Float64().Draw(t, "number"), bare}
		if got, bad := parseQuantity(formatQuantity(q)); got != q {
			t.Fatalf("%v is written %s and read as %v (%v)", q, formatQuantity(q), got, bad)
		}
	})
}

func TestNearest(t *testing.T) {
	known := []string{"weight", "atLeast", "atMost", "approval"}
	for name, want := range map[string]string{"wieght": "weight", "atleast": "atLeast", "at_most": "atMost", "banana": "", "Weights": "weight"} {
		if got := nearest(name, known); got != want {
			t.Errorf("%s is near %q, want %q", name, got, want)
		}
	}
}
