package app

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
)

// measures are Linnet's own metrics.
type measures struct {
	registry  *prometheus.Registry
	weight    *prometheus.GaugeVec
	evidence  *prometheus.GaugeVec
	decisions *prometheus.CounterVec
	looks     *prometheus.CounterVec
	problems  *prometheus.CounterVec
	lag       *prometheus.HistogramVec
}

func newMeasures() *measures {
	m := &measures{
		registry: prometheus.NewRegistry(),
		weight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "linnet_candidate_weight_ratio", Help: "The candidate's recorded share of traffic, 0 to 1.",
		}, []string{"release"}),
		evidence: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "linnet_evidence_ratio", Help: "Log evidence for harm over the log threshold; 1 rolls back.",
		}, []string{"release", "metric", "segment"}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "linnet_decisions_total", Help: "Decisions by kind.",
		}, []string{"release", "decision"}),
		looks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "linnet_looks_total", Help: "Looks by verdict.",
		}, []string{"release", "verdict"}),
		problems: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "linnet_source_problems_total", Help: "Metrics that a look had no answer for, by reason.",
		}, []string{"release", "metric", "code"}),
		lag: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "linnet_look_duration_seconds", Help: "From the beginning of a look to its record.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15),
		}, []string{"release"}),
	}
	m.registry.MustRegister(m.weight, m.evidence, m.decisions, m.looks, m.problems, m.lag,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *measures) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// step counts a record.
func (m *measures) step(s engine.State, rec journal.Record) {
	name := s.Release
	m.weight.WithLabelValues(name).Set(float64(engine.CandidateWeight(s.Route)) / 100_000)
	m.decisions.WithLabelValues(name, string(rec.Decision.Kind)).Inc()
	look, ok := rec.Event.(engine.Looked)
	if !ok {
		return
	}
	m.lag.WithLabelValues(name).Observe(rec.At.Sub(look.At).Seconds())
	for _, p := range look.Problems {
		m.problems.WithLabelValues(name, p.Metric, string(p.Reason.Code)).Inc()
	}
	if v := rec.Decision.Verdict; v != nil {
		m.looks.WithLabelValues(name, string(v.Outcome)).Inc()
		for _, c := range v.Comparisons {
			if c.LogThreshold > 0 {
				m.evidence.WithLabelValues(name, c.Metric, c.Segment).Set(c.LogE / c.LogThreshold)
			}
		}
	}
}
