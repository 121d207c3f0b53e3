package demo_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/release"
)

func newService(t *testing.T, config demo.Config) http.Handler {
	t.Helper()
	service, err := demo.Service(config)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func get(service http.Handler, path string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	service.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer
}

// seen is what a client measures of many requests, in virtual time.
type seen struct {
	failed, slow float64       // shares; slow is above 300 ms
	median       time.Duration // of the latency
	p99          time.Duration
}

func watch(t *testing.T, fault demo.Fault, seed uint64) seen {
	const n = 10_000
	var out seen
	synctest.Test(t, func(t *testing.T) {
		service := newService(t, demo.Config{Version: "v2", Fault: fault, Seed: seed, CrashAfter: n})
		latencies := make([]time.Duration, n)
		for i := range latencies {
			start := time.Now()
			answer := get(service, "/")
			latencies[i] = time.Since(start)
			switch answer.Code {
			case http.StatusInternalServerError:
				out.failed += 1.0 / n
			case http.StatusOK:
			default:
				t.Fatalf("status %d", answer.Code)
			}
			if latencies[i] > 300*time.Millisecond {
				out.slow += 1.0 / n
			}
			if v := answer.Header().Get(demo.VersionHeader); v != "v2" {
				t.Fatalf("%s is %q", demo.VersionHeader, v)
			}
		}
		slices.Sort(latencies)
		out.median, out.p99 = latencies[n/2], latencies[n*99/100]
	})
	return out
}

func TestEachFaultHasItsOwnRateAndNoOther(t *testing.T) {
	for _, c := range []struct {
		fault        demo.Fault
		failed, slow float64
		median       float64 // ms
	}{
		{demo.None, 0.005, 0, 8},
		{demo.Errors, 0.05, 0, 8},
		{demo.Latency, 0.005, 0, 12.8},
		{demo.Tail, 0.005, 0.03, 8.2},
		{demo.Crash, 0.005, 0, 8}, // until it crashes
	} {
		got := watch(t, c.fault, 11)
		// Four standard deviations of a share over 10,000 requests.
		near := func(got, want float64) bool {
			return math.Abs(got-want) <= 4*math.Sqrt(want*(1-want)/10_000)
		}
		if !near(got.failed, c.failed) || !near(got.slow, c.slow) {
			t.Errorf("fault %q: %.4f failed, %.4f slow; want %.4f and %.4f", c.fault, got.failed, got.slow, c.failed, c.slow)
		}
		if ms := got.median.Seconds() * 1e3; math.Abs(ms/c.median-1) > 0.03 {
			t.Errorf("fault %q: median %.2f ms, want %.2f", c.fault, ms, c.median)
		}
	}
	if p99 := watch(t, demo.None, 11).p99; p99 < 20*time.Millisecond || p99 > 32*time.Millisecond {
		t.Errorf("p99 of an ordinary version: %v", p99)
	}
}

func TestTheSeedDecides(t *testing.T) {
	if first, again := watch(t, demo.None, 3), watch(t, demo.None, 3); first != again {
		t.Errorf("the same seed gave %+v and %+v", first, again)
	}
	if first, other := watch(t, demo.None, 3), watch(t, demo.None, 4); first == other {
		t.Errorf("two seeds gave the same: %+v", first)
	}
}

// scrape reads the service's metrics as a source would: counters, gauges and
// histogram buckets, by name and labels.
func scrape(t *testing.T, service http.Handler) map[string]float64 {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(get(service, "/metrics").Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			key := name
			for _, l := range m.GetLabel() {
				key += "," + l.GetName() + "=" + l.GetValue()
			}
			out[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			if h := m.GetHistogram(); h != nil {
				out[key] = float64(h.GetSampleCount())
				out[key+" buckets"] = float64(len(h.GetBucket()))
				out[key+" sum"] = h.GetSampleSum()
			}
		}
	}
	return out
}

func TestItMeasuresItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService(t, demo.Config{Version: "v1", Seed: 5})
		before := scrape(t, service)
		for _, series := range []string{"http_requests_total,status=200", "http_requests_total,status=500"} {
			if v, ok := before[series]; !ok || v != 0 {
				t.Errorf("before the first request %s is %v, %v; want 0, present", series, v, ok)
			}
		}
		counts := map[int]float64{}
		start := time.Now()
		for range 2000 {
			counts[get(service, "/").Code]++
		}
		took := time.Since(start).Seconds()
		get(service, "/elsewhere")
		get(service, "/healthz")
		after := scrape(t, service)
		if counts[500] == 0 || after["http_requests_total,status=200"] != counts[200] || after["http_requests_total,status=500"] != counts[500] {
			t.Errorf("answered %v, measured %v", counts, after)
		}
		const d = "http_request_duration_seconds"
		// 11 bounds, and one for what is beyond.
		if after[d] != 2000 || after[d+" buckets"] != 12 || math.Abs(after[d+" sum"]/took-1) > 1e-9 {
			t.Errorf("durations %v in %v buckets, sum %v; want 2000 in 12, sum %v", after[d], after[d+" buckets"], after[d+" sum"], took)
		}
	})
}

func TestCPUIsALevelThatDoesNotFollowTheTraffic(t *testing.T) {
	service := newService(t, demo.Config{Version: "v1", Seed: 5})
	sum, least, most := 0.0, math.Inf(1), 0.0
	for range 400 {
		v := scrape(t, service)["process_cpu_cores"]
		sum, least, most = sum+v, min(least, v), max(most, v)
	}
	if math.Abs(sum/400-0.25) > 0.01 || least < 0.15 || most > 0.35 || least == most {
		t.Errorf("mean %v, from %v to %v; want about 0.25 with some noise", sum/400, least, most)
	}
}

func TestScrapesDoNotChangeWhatHappensToRequests(t *testing.T) {
	codes := func(scrapes int) (out []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			service := newService(t, demo.Config{Version: "v1", Seed: 9})
			for range 50 {
				for range scrapes {
					get(service, "/metrics")
				}
				start := time.Now()
				get(service, "/")
				out = append(out, time.Since(start))
			}
		})
		return out
	}
	if none, many := codes(0), codes(3); !slices.Equal(none, many) {
		t.Error("requests took other times because somebody scraped")
	}
}

func TestFaultNames(t *testing.T) {
	for _, f := range append(demo.Faults(), demo.None) {
		if got, err := demo.ParseFault(string(f)); err != nil || got != f {
			t.Errorf("%q: %q, %v", f, got, err)
		}
	}
	_, err := demo.ParseFault("eror")
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "errors, latency, crash, tail") {
		t.Errorf("an unknown fault: %v", err)
	}
	if _, err := demo.Service(demo.Config{Fault: "eror"}); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("a service with an unknown fault: %v", err)
	}
}

func TestOtherPathsAndMethods(t *testing.T) {
	service := newService(t, demo.Config{Version: "v1"})
	if code := get(service, "/elsewhere").Code; code != http.StatusNotFound {
		t.Errorf("another path: %d", code)
	}
	answer := httptest.NewRecorder()
	service.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x")))
	if answer.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", answer.Code)
	}
	body, err := io.ReadAll(get(service, "/healthz").Body)
	if err != nil || string(body) != "ok\n" {
		t.Errorf("/healthz: %q, %v", body, err)
	}
}
