package remotewrite_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/remotewrite"
	"github.com/linnet-project/linnet/testprogram"
)

// A real Prometheus scrapes a service and writes all of it here: counters with
// exemplars, native histograms, and its own stale markers when a target goes.
func TestARealPrometheusWrites(t *testing.T) {
	d := &door{fail: []error{item.Busy{After: time.Second}}} // it comes again
	receiver := httptest.NewServer(remotewrite.Handler(remotewrite.Config{Receiver: d}))
	defer receiver.Close()

	registry := prometheus.NewRegistry()
	orders := prometheus.NewCounter(prometheus.CounterOpts{Name: "orders_total"})
	waits := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "wait_seconds", NativeHistogramBucketFactor: 1.1})
	registry.MustRegister(orders, waits)
	orders.(prometheus.ExemplarAdder).AddWithExemplar(41, prometheus.Labels{"trace_id": "abc"})
	waits.Observe(0.25)
	waits.Observe(2)
	service := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	defer service.Close()

	testprogram.NewPrometheus(t, fmt.Sprintf(`
global: { scrape_interval: 200ms, scrape_timeout: 200ms }
scrape_configs:
- { job_name: shop, static_configs: [ { targets: [ %q ], labels: { version: 1.5.0 } } ] }
remote_write:
- { url: %q, send_exemplars: true, send_native_histograms: true, queue_config: { batch_send_deadline: 200ms, min_backoff: 50ms } }
`, strings.TrimPrefix(service.URL, "http://"), receiver.URL), "--enable-feature=native-histograms,exemplar-storage").Start(t)

	eventually(t, "the counter", func() bool { return len(d.latest("orders_total")) == 1 })
	for series, s := range d.latest("orders_total") {
		if s.V != 41 || !strings.Contains(series, `version="1.5.0"`) {
			t.Errorf("%s stands at %v, want 41", series, s.V)
		}
	}
	eventually(t, "the native histogram", func() bool { return len(d.latest("wait_seconds")) == 1 })
	for series, s := range d.latest("wait_seconds") {
		if s.H == nil || s.H.Count != 2 || s.H.Sum != 2.25 {
			t.Errorf("%s is %+v", series, s.H)
		}
	}
	eventually(t, "the exemplar", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.marks) > 0 && d.marks[0].Exemplar.Labels.Get("trace_id") == "abc" && d.marks[0].Labels.Get("version") == "1.5.0"
	})
	orders.Inc()
	eventually(t, "the next sample", func() bool {
		for _, s := range d.latest("orders_total") {
			return s.V == 42
		}
		return false
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.refused) > 0 {
		t.Errorf("refused: %+v", d.refused)
	}
}

// eventually asks again until something is so, for at most half a minute.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited 30 s for %s", what)
		}
	}
}
