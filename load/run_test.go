package load_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linnet-project/linnet/load"
	"github.com/linnet-project/linnet/release"
)

// service answers after a time, without a network, so that a test can run in
// virtual time.
type service struct {
	takes  time.Duration
	status int
}

func (s service) RoundTrip(r *http.Request) (*http.Response, error) {
	timer := time.NewTimer(s.takes)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-timer.C:
		return &http.Response{StatusCode: s.status, Body: http.NoBody}, nil
	}
}

func run(t *testing.T, ctx context.Context, c load.Config, on func(load.Result)) load.Stats {
	t.Helper()
	stats, err := load.Run(ctx, c, on)
	if err != nil {
		t.Fatal(err)
	}
	sum := stats.Dropped + stats.Cut + stats.Errors
	for _, n := range stats.Status {
		sum += n
	}
	if sum != stats.Due {
		t.Errorf("%d requests were due, %d are accounted for: %+v", stats.Due, sum, stats.Status)
	}
	return stats
}

func TestSlowAnswersDoNotSlowTheRequests(t *testing.T) {
	for _, takes := range []time.Duration{0, time.Second, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			stats := run(t, t.Context(), load.Config{
				URL: "http://service.test/", Rate: 100, Requests: 201, MaxInFlight: 1000,
				Transport: service{takes: takes, status: 200},
			}, nil)
			if stats.Elapsed != 2*time.Second || stats.Status[200] != 201 {
				t.Errorf("answers after %v: %d answers, sent within %v; want 201 within 2s", takes, stats.Status[200], stats.Elapsed)
			}
		})
	}
}

func TestWhatIsOverTheBoundIsCountedAsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dropped []uint64
		stats := run(t, t.Context(), load.Config{
			URL: "http://service.test/", Rate: 10, Requests: 40, MaxInFlight: 5,
			Transport: service{takes: 1950 * time.Millisecond, status: 200},
		}, func(r load.Result) {
			if r.Dropped {
				dropped = append(dropped, r.Index)
			}
		})
		// Five fly from 0 s to about 2 s, five from about 2 s to 4 s.
		if stats.Status[200] != 10 || stats.Dropped != 30 || stats.Due != 40 {
			t.Errorf("answers %d, dropped %d of %d; want 10 and 30 of 40", stats.Status[200], stats.Dropped, stats.Due)
		}
		if len(dropped) != 30 || dropped[0] != 5 {
			t.Errorf("dropped %v; want 30 of them from the sixth on", dropped)
		}
	})
}

func TestLatencyCountsFromTheInstantARequestWasDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var latencies []time.Duration
		run(t, t.Context(), load.Config{
			URL: "http://service.test/", Rate: 10, Requests: 3, KeyHeader: "X-User",
			// The sender itself is held up before the second request.
			Keys: func(i uint64) string {
				if i == 1 {
					<-time.After(500 * time.Millisecond)
				}
				return "somebody"
			},
			Transport: service{takes: time.Millisecond, status: 200},
		}, func(r load.Result) { latencies = append(latencies, r.Latency) })
		slices.Sort(latencies)
		want := []time.Duration{1 * time.Millisecond, 401 * time.Millisecond, 501 * time.Millisecond}
		if !slices.Equal(latencies, want) {
			t.Errorf("latencies %v, want %v", latencies, want)
		}
	})
}

func dues(t *testing.T, c load.Config) []float64 {
	t.Helper()
	out := make([]float64, c.Requests)
	var start time.Time
	synctest.Test(t, func(t *testing.T) {
		start = time.Now()
		run(t, t.Context(), c, func(r load.Result) { out[r.Index] = r.Due.Sub(start).Seconds() })
	})
	return out
}

func TestEvenSpacing(t *testing.T) {
	c := load.Config{URL: "http://service.test/", Rate: 3, Requests: 3001, Transport: service{status: 200}}
	for i, at := range dues(t, c) {
		if math.Abs(at-float64(i)/3) > 1e-6 {
			t.Fatalf("request %d was due at %v s", i, at)
		}
	}
}

func TestRandomSpacingIsPoissonAndSeeded(t *testing.T) {
	seeded := func(seed uint64) []float64 {
		return dues(t, load.Config{
			URL: "http://service.test/", Rate: 50, Requests: 20_000,
			Random: rand.New(rand.NewPCG(seed, 0)), Transport: service{status: 200},
		})
	}
	first := seeded(1)
	if !slices.Equal(first, seeded(1)) {
		t.Error("the same seed gave another schedule")
	}
	if slices.Equal(first, seeded(2)) {
		t.Error("another seed gave the same schedule")
	}
	// Counts per second of a Poisson process have equal mean and variance.
	counts := make([]float64, int(first[len(first)-1]))
	for _, at := range first {
		if int(at) < len(counts) {
			counts[int(at)]++
		}
	}
	mean, variance := 0.0, 0.0
	for _, n := range counts {
		mean += n / float64(len(counts))
	}
	for _, n := range counts {
		variance += (n - mean) * (n - mean) / float64(len(counts)-1)
	}
	if math.Abs(mean-50) > 2 || math.Abs(variance/mean-1) > 0.25 {
		t.Errorf("requests per second: mean %.1f, variance %.1f; want both near 50", mean, variance)
	}
}

func TestTheEndWaitsForAnswersAndThenCuts(t *testing.T) {
	end := func(takes time.Duration) (stats load.Stats, took time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 950*time.Millisecond)
			defer cancel()
			start := time.Now()
			stats = run(t, ctx, load.Config{
				URL: "http://service.test/", Rate: 10, Drain: 2 * time.Second,
				Transport: service{takes: takes, status: 200},
			}, nil)
			took = time.Since(start)
		})
		return stats, took
	}
	stats, took := end(1 * time.Second)
	if stats.Status[200] != 10 || stats.Cut != 0 || took != 1900*time.Millisecond {
		t.Errorf("answers within the drain: %d answers, %d cut after %v; want 10, 0 after 1.9s", stats.Status[200], stats.Cut, took)
	}
	stats, took = end(5 * time.Second)
	if stats.Cut != 10 || stats.Errors != 0 || took != 2950*time.Millisecond {
		t.Errorf("answers after the drain: %d cut, %d errors after %v; want 10, 0 after 2.95s", stats.Cut, stats.Errors, took)
	}
}

func TestATimeoutIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stats := run(t, t.Context(), load.Config{
			URL: "http://service.test/", Rate: 10, Requests: 4, Timeout: time.Second,
			Transport: service{takes: time.Hour},
		}, func(r load.Result) {
			if !errors.Is(r.Err, context.DeadlineExceeded) || r.Latency != time.Second {
				t.Errorf("request %d: %v after %v", r.Index, r.Err, r.Latency)
			}
		})
		if stats.Errors != 4 {
			t.Errorf("%d errors, want 4", stats.Errors)
		}
	})
}

func TestAnswersAreCountedByStatusAndArm(t *testing.T) {
	var n atomic.Uint64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Extra") != "yes" {
			t.Errorf("the configured header is missing: %v", r.Header)
		}
		switch i := n.Add(1); {
		case i%10 == 0:
			panic(http.ErrAbortHandler) // the connection breaks
		case i%10 == 1:
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case strings.HasSuffix(r.Header.Get("X-User"), "7"):
			w.Header().Set("X-Arm", "candidate")
			w.WriteHeader(http.StatusInternalServerError)
		default:
			w.Header().Set("X-Arm", "baseline")
		}
	}))
	defer server.Close()
	stats := run(t, t.Context(), load.Config{
		URL: server.URL, Header: http.Header{"x-extra": {"yes"}}, Rate: 1000, Requests: 100,
		MaxInFlight: 100,
		Keys:        func(i uint64) string { return fmt.Sprint("user-", i%10) }, KeyHeader: "X-User",
		ArmHeader: "X-Arm",
	}, nil)
	candidate, baseline, none := stats.Arms["candidate"], stats.Arms["baseline"], stats.Arms[""]
	if candidate.Status[500] == 0 || candidate.Status[200] != 0 || candidate.Status[500] != stats.Status[500] {
		t.Errorf("candidate: %+v of %+v", candidate, stats.Status)
	}
	if baseline.Status[200] != stats.Status[200] || baseline.Status[500] != 0 {
		t.Errorf("baseline: %+v of %+v", baseline, stats.Status)
	}
	if none.Status[302] < 10 || none.Errors != stats.Errors {
		t.Errorf("without an arm: %+v; %d errors; want redirects as they are, and all errors", none, stats.Errors)
	}
	// A broken connection is an error, or net/http tried again and it is told.
	if stats.Errors+stats.Again < 10 || n.Load() != 100+stats.Again {
		t.Errorf("the service was asked %d times; %d errors, %d times again", n.Load(), stats.Errors, stats.Again)
	}
}

func TestNobodyListens(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	stats := run(t, t.Context(), load.Config{URL: server.URL, Rate: 1000, Requests: 20}, func(r load.Result) {
		if r.Err == nil || r.Status != 0 {
			t.Errorf("request %d: status %d, error %v", r.Index, r.Status, r.Err)
		}
	})
	if stats.Errors != 20 {
		t.Errorf("%d errors, want 20", stats.Errors)
	}
}

func TestUnusableConfigurations(t *testing.T) {
	good := load.Config{URL: "http://127.0.0.1:1/", Rate: 1}
	for name, change := range map[string]func(*load.Config){
		"no URL":            func(c *load.Config) { c.URL = "" },
		"no scheme":         func(c *load.Config) { c.URL = "127.0.0.1:80" },
		"another scheme":    func(c *load.Config) { c.URL = "ftp://host/" },
		"not a URL":         func(c *load.Config) { c.URL = "http://user:secret@host:port" },
		"no rate":           func(c *load.Config) { c.Rate = 0 },
		"negative rate":     func(c *load.Config) { c.Rate = -1 },
		"no number":         func(c *load.Config) { c.Rate = math.NaN() },
		"infinite rate":     func(c *load.Config) { c.Rate = math.Inf(1) },
		"negative bound":    func(c *load.Config) { c.MaxInFlight = -1 },
		"negative timeout":  func(c *load.Config) { c.Timeout = -1 },
		"keys, no header":   func(c *load.Config) { c.Keys = func(uint64) string { return "" } },
		"header, no keys":   func(c *load.Config) { c.KeyHeader = "X-User" },
		"negative draining": func(c *load.Config) { c.Drain = -1 },
	} {
		c := good
		change(&c)
		_, err := load.Run(t.Context(), c, nil)
		if !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%s: %v, want an error that is release.ErrInvalid", name, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
}

func TestQuantilesAgreeWithSortedLatencies(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	var latencies []time.Duration
	var stats load.Stats
	synctest.Test(t, func(t *testing.T) {
		stats = run(t, t.Context(), load.Config{
			URL: "http://service.test/", Rate: 1, Requests: 2000, KeyHeader: "X-Wait",
			Keys: func(uint64) string {
				return time.Duration(8e6 * math.Exp(rng.NormFloat64())).String()
			},
			Transport: waitAsAsked{},
		}, func(r load.Result) { latencies = append(latencies, r.Latency) })
	})
	slices.Sort(latencies)
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 1} {
		exact := latencies[max(int(math.Ceil(q*2000)), 1)-1]
		got := stats.Latency.Quantile(q)
		if ratio := float64(got) / float64(exact); ratio < 0.999999 || ratio > 1.091 {
			t.Errorf("quantile %v: %v, exactly %v", q, got, exact)
		}
	}
	var empty load.Latency
	if empty.Quantile(0.5) != 0 {
		t.Error("nothing measured has a quantile")
	}
}

// waitAsAsked answers after the time that a request names.
type waitAsAsked struct{}

func (waitAsAsked) RoundTrip(r *http.Request) (*http.Response, error) {
	takes, err := time.ParseDuration(r.Header.Get("X-Wait"))
	if err != nil {
		return nil, err
	}
	return service{takes: takes, status: http.StatusOK}.RoundTrip(r)
}
