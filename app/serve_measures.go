package app

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/fleet"
	"github.com/linnet-project/linnet/journal"
)

// mostMeasured bounds the releases that have series of their own, so that a
// scrape of a server with ten thousand stays small; all count in the totals.
const mostMeasured = 1000

// serverMeasures are the metrics of a server: those of its releases, which go
// away with them, and totals over all.
type serverMeasures struct {
	*measures
	turns *prometheus.CounterVec
	took  prometheus.Histogram

	mu       sync.Mutex
	releases map[string]standing
	measured map[string]bool
}

// standing is what the totals need to know of a release.
type standing struct {
	phase  engine.Phase
	leased bool
}

func newServerMeasures() *serverMeasures {
	m := &serverMeasures{
		measures: newMeasures(),
		turns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "linnet_turns_total", Help: "Turns taken, by whether they succeeded.",
		}, []string{"result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "linnet_turn_duration_seconds", Help: "How long a turn took.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
		}),
		releases: map[string]standing{}, measured: map[string]bool{},
	}
	m.turns.WithLabelValues("done")
	m.turns.WithLabelValues("failed")
	m.registry.MustRegister(m.turns, m.took, newStandings(m))
	return m
}

// step counts a record.
func (m *serverMeasures) step(s engine.State, rec journal.Record) {
	m.mu.Lock()
	m.releases[s.Release] = standing{s.Phase, s.Route.Lease > 0 && s.Served}
	if len(m.measured) < mostMeasured {
		m.measured[s.Release] = true
	}
	measured := m.measured[s.Release]
	m.mu.Unlock()
	if measured {
		m.measures.step(s, rec)
	}
}

// turn counts a turn.
func (m *serverMeasures) turn(_ journal.ID, took time.Duration, err error) {
	m.took.Observe(took.Seconds())
	result := "done"
	if err != nil {
		result = "failed"
	}
	m.turns.WithLabelValues(result).Inc()
}

// forget takes the series of a release away, which has ended.
func (m *serverMeasures) forget(id journal.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.releases, id.Name)
	if !m.measured[id.Name] {
		return
	}
	delete(m.measured, id.Name)
	gone := prometheus.Labels{"release": id.Name}
	for _, v := range []interface {
		DeletePartialMatch(prometheus.Labels) int
	}{m.weight, m.evidence, m.decisions, m.looks, m.problems, m.lag} {
		v.DeletePartialMatch(gone)
	}
}

// queue has the lag of the turns among the metrics.
func (m *serverMeasures) queue(lag func() fleet.Lag) {
	for _, g := range []struct {
		name, help string
		value      func(fleet.Lag) float64
	}{
		{"linnet_queue_length", "Releases that turns are taken of.", func(l fleet.Lag) float64 { return float64(l.Length) }},
		{"linnet_queue_overdue", "Turns that are due and not begun.", func(l fleet.Lag) float64 { return float64(l.Overdue) }},
		{"linnet_turn_lag_seconds", "How long the longest overdue turn is.", func(l fleet.Lag) float64 { return l.Oldest.Seconds() }},
	} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, func() float64 { return g.value(lag()) }))
	}
}

// standings count the releases by phase, and those whose candidate has a lease.
type standings struct {
	*serverMeasures
	count, leases *prometheus.Desc
}

func newStandings(m *serverMeasures) standings {
	return standings{
		serverMeasures: m,
		count:          prometheus.NewDesc("linnet_releases", "Unfinished releases that this process knows, by phase.", []string{"phase"}, nil),
		leases:         prometheus.NewDesc("linnet_leases", "Releases whose candidate has its traffic by a lease.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (s standings) Describe(out chan<- *prometheus.Desc) { out <- s.count; out <- s.leases }

// Collect implements prometheus.Collector.
func (s standings) Collect(out chan<- prometheus.Metric) {
	phases, leases := map[engine.Phase]int{}, 0
	s.mu.Lock()
	for _, r := range s.releases {
		phases[r.phase]++
		if r.leased {
			leases++
		}
	}
	s.mu.Unlock()
	for phase, n := range phases {
		out <- prometheus.MustNewConstMetric(s.count, prometheus.GaugeValue, float64(n), string(phase))
	}
	out <- prometheus.MustNewConstMetric(s.leases, prometheus.GaugeValue, float64(leases))
}

// openMeasures gives the metrics of the server and of the splitters in it.
func (s *serving) openMeasures(context.Context) (func() error, error) {
	s.measures = newServerMeasures()
	all := prometheus.Gatherers{s.measures.registry, prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		return s.hosts.metricsOfAll().Gather()
	})}
	handler := promhttp.HandlerFor(all, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: requestWait})
	s.mux.Handle("GET /metrics", http.Handler(handler))
	return nil, nil
}

// metricsOfAll are the metrics of all splitters.
func (h *hosts) metricsOfAll() (all prometheus.Gatherers) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range h.all {
		if splitter := one.splitter.Load(); splitter != nil {
			all = append(all, splitter.Metrics())
		}
	}
	return all
}
