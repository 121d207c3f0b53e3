package report

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

func TestUnits(t *testing.T) {
	for want, m := range map[string]release.Metric{
		"s":  {Kind: release.Histogram, Events: "http_request_duration_seconds"},
		"/s": {Kind: release.Count, Events: "restarts_total"},
	} {
		if got := unitOf(m); got != want {
			t.Errorf("%+v: %q, not %q", m, got, want)
		}
	}
	for _, m := range []release.Metric{{Kind: release.Histogram, Events: "response_bytes"}, {Kind: release.Count, Events: "retries_total", Of: "jobs_total"}, {Kind: release.Ratio}} {
		if got := unitOf(m); got != "" {
			t.Errorf("%+v: %q", m, got)
		}
	}
}

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		count(0): "0", count(999): "999", count(12331): "12,331", count(-1234567): "-1,234,567", count(math.MinInt64): "-9,223,372,036,854,775,808",
		share(0): "0 %", share(0.00494): "0.49 %", share(0.0632): "6.3 %", share(0.125): "12.5 %", share(1): "100 %",
		share(0.99999): "100 %", share(1e-9): "<0.0001 %", share(0.00001): "0.0010 %", share(math.NaN()): none,
		times(5.94): "5.9x", times(0.4): "0.40x", times(123.4): "123x", times(1e9): "over 10,000x", times(0.001): "<0.01x", times(0): "0.00x",
		times(math.Inf(1)): "over 10,000x", times(math.NaN()): none,
		odds(41.2): "41", odds(0.04): "0", odds(3.14): "3.1", odds(1e7): ">1M", odds(1234): "1,234", odds(152_382): "152k", odds(1e6): "1000k",
		number(0.1234): "0.12", number(1.5): "1.50", number(123456): "123,456", number(-2.5e-7): "-2.5e-07", number(math.Inf(-1)): "-Inf",
		number(math.NaN()): none, number(12.34): "12.3",
		duration(0): "0s", duration(350 * time.Millisecond): "350ms", duration(45 * time.Second): "45s", duration(1500 * time.Millisecond): "1.5s",
		duration(80 * time.Second): "1m20s", duration(time.Minute): "1m", duration(2*time.Hour + 5*time.Minute): "2h5m",
		duration(76 * time.Hour): "3d4h", duration(59960 * time.Millisecond): "1m", duration(-90 * time.Second): "-1m30s",
		duration(time.Hour - time.Millisecond): "1h", duration(time.Microsecond): "1ms",
		bound(0.25, "s"): "250 ms", bound(1, "s"): "1 s", bound(2.5, "s"): "2.5 s", bound(0.0005, "s"): "0.5 ms", bound(4096, ""): "4,096",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if duration(math.MinInt64) == "" {
		t.Error("the longest span is nothing")
	}
	if unitOf(release.Metric{Kind: release.Histogram, Events: "http_request_duration_seconds"}) != "s" {
		t.Error("a histogram of seconds is not known as such")
	}
}

func TestFitting(t *testing.T) {
	for got, want := range map[string]string{
		fit("checkout", 8): "checkout", fit("checkout", 5): "chec…", fit("世界世界", 5): "世界…", fit("a", 0): "",
		fitMiddle("errors region=eu", 12): "error…ion=eu", fitMiddle("ab", 1): "…", pad("é", 3, true): "  é",
		clean(" a\n\tb\x1b[1m\u202e "): "a b\uFFFD[1m\uFFFD", clean("\xff"): "\uFFFD",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, l := range wrap(strings.Repeat("x", 50)+" and "+strings.Repeat("世", 30), 20) {
		if cells(l) > 20 || l == "" {
			t.Errorf("a line of %d cells: %q", cells(l), l)
		}
	}
	if n := cells(clean(strings.Repeat("a", 1e6))); n > longest {
		t.Errorf("a text of %d cells is left", n)
	}
}
