package prometheus_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/linnet-project/linnet/metric/metricconf"
	source "github.com/linnet-project/linnet/metric/prometheus"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testprogram"
)

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		if holds() {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("waited 20s for %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func open(t *testing.T, c source.Config) *source.Source {
	t.Helper()
	s, err := source.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// keepsAll is the flag with which a Prometheus keeps what is from long ago.
const keepsAll = "--storage.tsdb.retention.time=100y"

// serveBlocks runs a real server on blocks that promtool made of OpenMetrics text.
func serveBlocks(t *testing.T, text string) string {
	promtool := testprogram.Find(t, "promtool", "prometheus")
	data := t.TempDir()
	file := filepath.Join(data, "world.om")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	blocks := filepath.Join(data, "tsdb")
	out, err := exec.Command(promtool, "tsdb", "create-blocks-from", "openmetrics", file, blocks).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool: %v\n%s", err, out)
	}
	p := testprogram.NewPrometheus(t, "", keepsAll)
	p.Data = blocks
	p.Start(t)
	return p.URL
}

// The whole suite against a real server.
func TestConformance(t *testing.T) {
	metricconf.Exercise(t, func(t *testing.T, text string) metricconf.Source {
		return open(t, source.Config{URL: serveBlocks(t, text)})
	})
}

// The suite of every source, against a real server behind a wire that fails.
func TestAnswers(t *testing.T) {
	t.Parallel()
	metricconf.Answers(t, 10*time.Second, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
		token := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(token, []byte("s3cret-of-ours"), 0o600); err != nil {
			t.Fatal(err)
		}
		server := &inPart{next: metricconf.To(t, serveBlocks(t, h.OpenMetrics()))}
		wire := metricconf.NewWire(t, server)
		return metricconf.Bed{
			Source: open(t, source.Config{URL: wire.URL, BearerTokenFile: token, Timeout: 2 * time.Second, Now: time.Now}),
			Metric: metricconf.TotalsMetric,
			Asked: func() []string { // exemplars decide nothing, and only the candidate's are shown
				return slices.DeleteFunc(wire.Asked(), func(text string) bool { return strings.Contains(text, "query_exemplars") })
			},
			Secrets: []string{"s3cret-of-ours"},
			Break: func(t *testing.T, f metricconf.Fault) func() {
				if f == metricconf.Partial {
					server.on.Store(true)
					return func() { server.on.Store(false) }
				}
				return wire.Break(t, f)
			},
			Cannot: map[string]string{
				metricconf.CaseLate: "blocks do not grow; the embedded store takes the case over the same API",
			},
		}
	})
}

// inPart makes the answers of a server partial, as Thanos does when a store is
// away.
type inPart struct {
	next http.Handler
	on   atomic.Bool
}

func (p *inPart) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.on.Load() {
		p.next.ServeHTTP(w, r)
		return
	}
	whole := httptest.NewRecorder()
	r.Header.Del("Accept-Encoding")
	p.next.ServeHTTP(whole, r)
	_, _ = io.WriteString(w, strings.Replace(whole.Body.String(), `"status":"success"`, `"status":"success","warnings":["store 2 is away"]`, 1))
}

var arms = []release.Arm{
	{Name: release.Baseline, Labels: map[string]string{"version": "stable"}},
	{Name: release.Candidate, Labels: map[string]string{"version": "canary"}},
}

// app is a program under watch, with its metrics.
type app struct {
	requests *prometheus.CounterVec
	took     prometheus.Histogram
	server   *httptest.Server
}

func newApp(t *testing.T) *app {
	r := prometheus.NewRegistry()
	a := &app{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total"}, []string{"code"}),
		took:     prometheus.NewHistogram(prometheus.HistogramOpts{Name: "took_seconds", NativeHistogramBucketFactor: 1.1}),
	}
	r.MustRegister(a.requests, a.took)
	a.server = httptest.NewServer(promhttp.HandlerFor(r, promhttp.HandlerOpts{}))
	t.Cleanup(a.server.Close)
	return a
}

// Live: a server that scrapes two programs counts what they really did, to the
// last request, and reads native histograms.
func TestLiveCountsAreExact(t *testing.T) {
	t.Parallel()
	stable, canary := newApp(t), newApp(t)
	server := testprogram.NewPrometheus(t, fmt.Sprintf(`
global: { scrape_interval: 150ms, scrape_timeout: 150ms }
scrape_configs:
- job_name: shop
  static_configs:
  - { targets: [%q], labels: { version: stable } }
  - { targets: [%q], labels: { version: canary } }
`, stable.server.Listener.Addr(), canary.server.Listener.Addr()), "--enable-feature=native-histograms")
	server.Start(t)
	src := open(t, source.Config{URL: server.URL})
	stable.requests.WithLabelValues("200").Inc()
	canary.requests.WithLabelValues("200").Inc()
	from := time.Now()
	ratio := release.Metric{Name: "errors", Kind: release.Ratio, Events: `requests_total{code="500"}`, Of: "requests_total"}
	total := func(kind release.Metric, arm string) release.Observation {
		a, err := src.Observe(context.Background(), release.Query{Metric: kind, Arms: arms, Windows: []release.Window{{From: from, To: time.Now()}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range a.Observations {
			if o.Arm == arm {
				return o
			}
		}
		return release.Observation{}
	}
	last := release.Candidate
	eventually(t, "both programs to have been watched for a while", func() bool {
		a, err := src.Observe(context.Background(), release.Query{Metric: ratio, Arms: arms, Windows: []release.Window{
			{From: time.Now().Add(-time.Minute), To: time.Now().Add(-2 * time.Second)}}})
		return err == nil && len(a.Observations) == 2
	})
	// A scrape is stamped when it begins, and may see what happened a moment later.
	from = time.Now().Add(-300 * time.Millisecond)
	for i := range 1000 {
		stable.requests.WithLabelValues("200").Inc()
		canary.requests.WithLabelValues("200").Inc()
		canary.took.Observe(0.11)
		if i%10 == 0 {
			canary.requests.WithLabelValues("500").Inc()
			canary.took.Observe(0.93)
		}
	}
	eventually(t, "all requests to be counted", func() bool {
		return total(ratio, last).Of >= 1100 && total(ratio, release.Baseline).Of >= 1000
	})
	if o := total(ratio, last); o.Events != 100 || o.Of != 1100 {
		t.Errorf("candidate: %d of %g, want 100 of 1100: the errors' series was born while we watched", o.Events, o.Of)
	}
	if o := total(ratio, release.Baseline); o.Events != 0 || o.Of != 1000 {
		t.Errorf("baseline: %d of %g, want 0 of 1000", o.Events, o.Of)
	}
	latency := release.Metric{Name: "latency", Kind: release.Histogram, Events: "took_seconds"}
	o := total(latency, last)
	if n := count(o, 0.1, 0.12); n != 1000 {
		t.Errorf("%d values around 0.11, want 1000: %v %v", n, o.Bounds, o.Counts)
	}
	if n := count(o, 0.84, 1); n != 100 {
		t.Errorf("%d values around 0.93, want 100: %v %v", n, o.Bounds, o.Counts)
	}
}

// count sums the buckets that reach into (lo, hi).
func count(o release.Observation, lo, hi float64) (n int64) {
	for i, bound := range o.Bounds {
		if bound > lo && (i == 0 || o.Bounds[i-1] < hi) {
			n += o.Counts[i]
		}
	}
	return n
}
